//! The functions that do something.

use crate::state::{CURRENT, default_answer, init, new_handle, state};
use crate::work::{self, Launch};
use crate::{events, graphs, look_up};
use core::ffi::{CStr, c_char, c_void};
use core::ptr::null;
use cuda_abi::{CUlaunchConfig, CUresult, Row, SYMBOLS};
use std::ffi::CString;
use std::sync::OnceLock;

const SUCCESS: CUresult = CUresult::CUDA_SUCCESS;
const INVALID_VALUE: CUresult = CUresult::CUDA_ERROR_INVALID_VALUE;
const INVALID_HANDLE: CUresult = CUresult::CUDA_ERROR_INVALID_HANDLE;

/// The function that does the work of a row; null where the answer is all there is.
pub fn address(row: usize) -> *const c_void {
    static TABLE: OnceLock<Vec<usize>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table = vec![0; SYMBOLS.len()];
        for (row, function) in working() {
            table[row as usize] = function.addr();
        }
        table
    });
    core::ptr::with_exposed_provenance(table[row])
}

fn working() -> Vec<(Row, *const c_void)> {
    let functions: [(Row, *const ()); 49] = [
        (Row::cuInit, start as *const ()),
        (Row::cuDriverGetVersion, version as *const ()),
        (Row::cuDeviceGetCount, count as *const ()),
        (Row::cuDeviceGet, device as *const ()),
        (Row::cuDeviceGetName, device_name as *const ()),
        (Row::cuDeviceGetAttribute, attribute as *const ()),
        (Row::cuDeviceTotalMem_v2, total_memory as *const ()),
        (Row::cuDeviceGetUuid_v2, uuid as *const ()),
        (Row::cuDeviceGetPCIBusId, bus_id as *const ()),
        (Row::cuDevicePrimaryCtxRetain, retain as *const ()),
        (Row::cuCtxCreate_v2, create_context as *const ()),
        (Row::cuCtxDestroy_v2, destroy_context as *const ()),
        (Row::cuCtxGetCurrent, get_current as *const ()),
        (Row::cuCtxSetCurrent, set_current as *const ()),
        (Row::cuMemAlloc_v2, allocate as *const ()),
        (Row::cuMemFree_v2, free as *const ()),
        (Row::cuMemcpyHtoD_v2, to_device as *const ()),
        (Row::cuMemcpyHtoD_v2_ptds, to_device as *const ()),
        (Row::cuMemcpyDtoH_v2, to_host as *const ()),
        (Row::cuMemcpyDtoH_v2_ptds, to_host as *const ()),
        (Row::cuModuleLoadData, load_module as *const ()),
        (Row::cuModuleGetFunction, get_function as *const ()),
        (Row::cuLaunchKernel, launch as *const ()),
        (Row::cuLaunchKernel_ptsz, launch as *const ()),
        (Row::cuLaunchKernelEx, launch_ex as *const ()),
        (Row::cuLaunchKernelEx_ptsz, launch_ex as *const ()),
        (Row::cuFuncGetName, function_name as *const ()),
        (Row::cuEventCreate, events::create as *const ()),
        (Row::cuEventRecord, events::record as *const ()),
        (Row::cuEventElapsedTime_v2, events::elapsed as *const ()),
        (Row::cuCtxGetDevice_v2, device_of as *const ()),
        (Row::cuStreamIsCapturing, graphs::is_capturing as *const ()),
        (Row::cuStreamBeginCapture_v2, graphs::begin as *const ()),
        (Row::cuStreamEndCapture, graphs::end as *const ()),
        (Row::cuGraphInstantiateWithFlags, graphs::instantiate as *const ()),
        (Row::cuGraphGetNodes, graphs::nodes as *const ()),
        (Row::cuGraphNodeGetType, graphs::node_type as *const ()),
        (Row::cuGraphKernelNodeGetParams_v2, graphs::kernel_node as *const ()),
        (Row::cuGraphLaunch, graphs::launch as *const ()),
        (Row::cuStreamGetCtx_v2, stream_context as *const ()),
        (Row::cuFuncGetAttribute, function_attribute as *const ()),
        (Row::cuStreamCreate, create_stream as *const ()),
        (Row::cuStreamAddCallback, add_callback as *const ()),
        (Row::cuLaunchHostFunc, launch_host as *const ()),
        (Row::cuGetErrorName, error_name as *const ()),
        (Row::cuGetErrorString, error_name as *const ()),
        (Row::cuGetExportTable, export_table as *const ()),
        (Row::cuGetProcAddress, look_up::first as *const ()),
        (Row::cuGetProcAddress_v2, look_up::second as *const ()),
    ];
    functions.into_iter().map(|(row, function)| (row, function.cast())).collect()
}

/// Writes an output, once the driver lives and the pointer is one.
///
/// # Safety
/// `place` is null or writable.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) -> CUresult {
    match default_answer() {
        SUCCESS if place.is_null() => INVALID_VALUE,
        SUCCESS => {
            // SAFETY: the caller's promise.
            unsafe { place.write_unaligned(value) };
            SUCCESS
        }
        refused => refused,
    }
}

extern "C" fn start(flags: u32) -> CUresult {
    if flags != 0 { INVALID_VALUE } else { init() }
}

/// A version that is not APEX's own, so that tests see whose it is.
/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn version(version: *mut i32) -> CUresult {
    if version.is_null() {
        return INVALID_VALUE;
    }
    // SAFETY: not null, so the caller promises a place.
    unsafe { version.write(13010) };
    SUCCESS
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn count(count: *mut i32) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(count, 2) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn device(device: *mut i32, ordinal: i32) -> CUresult {
    // SAFETY: the caller's promise.
    if (0..2).contains(&ordinal) { unsafe { put(device, ordinal) } } else { CUresult::CUDA_ERROR_INVALID_DEVICE }
}

/// # Safety
/// `target` has room for `length` characters.
unsafe fn put_text(target: *mut c_char, length: i32, text: &CStr) -> CUresult {
    let bytes = text.to_bytes_with_nul();
    if target.is_null() || bytes.len() > length as usize {
        return INVALID_VALUE;
    }
    // SAFETY: the caller's promise.
    unsafe { target.copy_from_nonoverlapping(bytes.as_ptr().cast(), bytes.len()) };
    default_answer()
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn device_name(name: *mut c_char, length: i32, _device: i32) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put_text(name, length, c"Fake NVIDIA GPU") }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn bus_id(id: *mut c_char, length: i32, _device: i32) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put_text(id, length, c"0000:0F:00.0") }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn attribute(value: *mut i32, attribute: u32, _device: i32) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(value, 1000 + attribute as i32) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn total_memory(bytes: *mut usize, _device: i32) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(bytes, 1 << 34) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn uuid(uuid: *mut [u8; 16], _device: i32) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(uuid, [0xfa; 16]) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn retain(context: *mut usize, _device: i32) -> CUresult {
    let mut state = state();
    let state = state.get();
    if state.primary == 0 {
        state.primary = new_handle();
        state.contexts.insert(state.primary);
    }
    // SAFETY: the caller's promise.
    unsafe { put(context, state.primary) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn create_context(context: *mut usize, _flags: u32, _device: i32) -> CUresult {
    let handle = new_handle();
    // SAFETY: the caller's promise.
    let result = unsafe { put(context, handle) };
    if result == SUCCESS {
        state().get().contexts.insert(handle);
        CURRENT.set(handle);
    }
    result
}

extern "C" fn destroy_context(context: usize) -> CUresult {
    match default_answer() {
        SUCCESS if state().get().contexts.remove(&context) => SUCCESS,
        SUCCESS => CUresult::CUDA_ERROR_INVALID_CONTEXT,
        refused => refused,
    }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn get_current(context: *mut usize) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(context, CURRENT.get()) }
}

extern "C" fn set_current(context: usize) -> CUresult {
    match default_answer() {
        SUCCESS if context == 0 || state().get().contexts.contains(&context) => {
            CURRENT.set(context);
            SUCCESS
        }
        SUCCESS => CUresult::CUDA_ERROR_INVALID_CONTEXT,
        refused => refused,
    }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn allocate(pointer: *mut u64, size: usize) -> CUresult {
    if CURRENT.get() == 0 {
        return CUresult::CUDA_ERROR_INVALID_CONTEXT;
    }
    if size == 0 {
        return INVALID_VALUE;
    }
    // SAFETY: a size that is not zero.
    let memory = unsafe { libc::malloc(size) }.addr() as u64;
    state().get().memory.insert(memory, size);
    // SAFETY: the caller's promise.
    unsafe { put(pointer, memory) }
}

extern "C" fn free(pointer: u64) -> CUresult {
    match state().get().memory.remove(&pointer) {
        Some(_) => {
            // SAFETY: it came from `malloc`, and is known to nobody any more.
            unsafe { libc::free(core::ptr::with_exposed_provenance_mut(pointer as usize)) };
            SUCCESS
        }
        None => INVALID_VALUE,
    }
}

/// Whether a range lies in an allocation.
fn is_memory(start: u64, size: usize) -> bool {
    let end = start + size as u64;
    state().get().memory.iter().any(|(from, length)| *from <= start && end <= from + *length as u64)
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn to_device(target: u64, source: *const u8, size: usize) -> CUresult {
    if !is_memory(target, size) {
        return INVALID_VALUE;
    }
    // SAFETY: within an allocation; the source is the caller's promise.
    unsafe { core::ptr::with_exposed_provenance_mut::<u8>(target as usize).copy_from(source, size) };
    work::copied(Row::cuMemcpyHtoD_v2, size);
    SUCCESS
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn to_host(target: *mut u8, source: u64, size: usize) -> CUresult {
    if !is_memory(source, size) {
        return INVALID_VALUE;
    }
    // SAFETY: within an allocation; the target is the caller's promise.
    unsafe { target.copy_from(core::ptr::with_exposed_provenance::<u8>(source as usize), size) };
    work::copied(Row::cuMemcpyDtoH_v2, size);
    SUCCESS
}

/// Loads PTX: a module is the names of its kernels.
/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn load_module(module: *mut usize, image: *const c_char) -> CUresult {
    if image.is_null() {
        return INVALID_VALUE;
    }
    // SAFETY: tests hand over text.
    let text = unsafe { CStr::from_ptr(image) }.to_string_lossy();
    let names = text.split(".entry ").skip(1).filter_map(|rest| rest.split(['(', ' ', '{', '\n']).next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.is_empty() {
        return CUresult::CUDA_ERROR_INVALID_PTX;
    }
    let handle = new_handle();
    state().get().modules.insert(handle, names);
    // SAFETY: the caller's promise.
    unsafe { put(module, handle) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn get_function(function: *mut usize, module: usize, name: *const c_char) -> CUresult {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    let mut state = state();
    let state = state.get();
    let Some(names) = state.modules.get(&module) else { return INVALID_HANDLE };
    if !names.iter().any(|other| *other == name) {
        return CUresult::CUDA_ERROR_NOT_FOUND;
    }
    let handle = new_handle();
    let name = CString::new(name.as_bytes()).unwrap_or_default();
    state.functions.insert(handle, Box::leak(name.into_boxed_c_str()));
    // SAFETY: the caller's promise.
    unsafe { put(function, handle) }
}

/// A launch is checked and counted.
#[allow(clippy::too_many_arguments, reason = "the parameters are those of the C function")]
extern "C" fn launch(
    function: usize,
    grid_x: u32,
    grid_y: u32,
    grid_z: u32,
    block_x: u32,
    block_y: u32,
    block_z: u32,
    dynamic_shared: u32,
    stream: usize,
    _parameters: *mut *mut c_void,
    _extra: *mut *mut c_void,
) -> CUresult {
    let Some(name) = state().get().functions.get(&function).copied() else { return INVALID_HANDLE };
    let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
    if grid.iter().chain(&block).any(|size| *size == 0) {
        return INVALID_VALUE;
    }
    let launch = Launch { function, name: name.as_ptr(), grid, block, dynamic_shared };
    let is_captured = state().get().captures.get_mut(&stream).map(|capture| capture.push(launch)).is_some();
    if !is_captured {
        work::launched(Row::cuLaunchKernel, &[launch], false);
    }
    default_answer()
}

/// # Safety
/// The configuration is null or one.
unsafe extern "C" fn launch_ex(
    config: *const CUlaunchConfig,
    function: usize,
    parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> CUresult {
    // SAFETY: the caller's promise.
    let Some(config) = (unsafe { config.as_ref() }) else { return INVALID_VALUE };
    launch(
        function,
        config.gridDimX,
        config.gridDimY,
        config.gridDimZ,
        config.blockDimX,
        config.blockDimY,
        config.blockDimZ,
        config.sharedMemBytes,
        config.hStream.addr(),
        parameters,
        extra,
    )
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn function_name(name: *mut *const c_char, function: usize) -> CUresult {
    match state().get().functions.get(&function) {
        // SAFETY: the caller's promise.
        Some(found) => unsafe { put(name, found.as_ptr()) },
        None => INVALID_HANDLE,
    }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn function_attribute(value: *mut i32, attribute: u32, function: usize) -> CUresult {
    if !state().get().functions.contains_key(&function) {
        return INVALID_HANDLE;
    }
    // SAFETY: the caller's promise.
    unsafe { put(value, attribute as i32) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn device_of(device: *mut i32, _context: usize) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(device, 0) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn stream_context(_stream: usize, context: *mut usize, _green: *mut usize) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { put(context, CURRENT.get()) }
}

/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn create_stream(stream: *mut usize, _flags: u32) -> CUresult {
    let handle = new_handle();
    state().get().streams.insert(handle);
    // SAFETY: the caller's promise.
    unsafe { put(stream, handle) }
}

/// Runs a callback on another thread, as the driver does, and waits for it: streams here are always done.
fn on_another_thread(body: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(body);
    });
}

extern "C" fn add_callback(
    stream: usize,
    callback: extern "C" fn(usize, u32, usize),
    data: usize,
    _flags: u32,
) -> CUresult {
    on_another_thread(move || callback(stream, 0, data));
    default_answer()
}

extern "C" fn launch_host(_stream: usize, function: extern "C" fn(usize), data: usize) -> CUresult {
    on_another_thread(move || function(data));
    default_answer()
}

/// The stand-in's own names, so that tests see whose they are.
/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn error_name(_error: u32, name: *mut *const c_char) -> CUresult {
    // SAFETY: the caller's promise.
    unsafe { name.write(c"FAKE_ERROR".as_ptr()) };
    SUCCESS
}

/// The one table: two words.
/// # Safety
/// As the driver API documents the function of this row.
unsafe extern "C" fn export_table(table: *mut *const c_void, id: *const [u8; 16]) -> CUresult {
    static TABLE: [usize; 2] = [16, 0xfa4e];
    // SAFETY: the caller's promise.
    let (known, table) = unsafe { (*id == *b"fake export tabl", table) };
    // SAFETY: the caller's promise.
    unsafe { table.write(if known { TABLE.as_ptr().cast() } else { null() }) };
    if known { SUCCESS } else { INVALID_VALUE }
}
