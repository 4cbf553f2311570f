//! What machine code calls: the functions of the [`RuntimeTable`].

mod access;
mod device;
mod heap;
mod output;
mod report;
mod tensor;
mod texture;

pub use heap::Heap;
pub use output::Output;
pub(crate) use report::{Site, record_barrier_fault, record_hardware_fault, record_resources};

use crate::call::CallFrame;
use crate::fault::FaultKind;
use crate::observe::{observe_access, observe_branch, observe_meeting};
use crate::queue::Stream;
use simt_ir::abi::{AccessKind, AccessSpace, LaunchContext, RuntimeTable, WarpContext};

/// Formats what a `vprintf` in a kernel prints: appends text to the buffer and returns `vprintf`'s result. The first two
/// parameters are the addresses of the format and of the arguments; the third tells whether bytes at an address can be read.
pub type Formatter = fn(format: u64, arguments: u64, readable: &dyn Fn(u64, u64) -> bool, text: &mut Vec<u8>) -> i32;

/// The functions of this engine.
pub(crate) static TABLE: RuntimeTable = RuntimeTable {
    check_access,
    fault,
    vprintf,
    assert_fail,
    malloc,
    free,
    clock,
    global_timer,
    evaluate,
    device,
    texture,
    tensor,
    observe_access,
    observe_branch,
    observe_meeting,
};

/// Marks the calling core as being in a runtime function while it lives: a hardware fault in there is not the kernel's.
struct InRuntime<'a>(&'a CallFrame);

impl Drop for InRuntime<'_> {
    fn drop(&mut self) {
        self.0.set_in_runtime(false);
    }
}

/// # Safety
/// `warp` is the context of the running warp.
unsafe fn enter<'a>(warp: *const WarpContext) -> InRuntime<'a> {
    // SAFETY: the engine sets `engine` to the frame of the core before it runs a warp.
    let frame = unsafe { &*(*warp).engine.cast::<CallFrame>() };
    frame.set_in_runtime(true);
    InRuntime(frame)
}

/// # Safety
/// `launch` is that of a grid in progress.
unsafe fn stream_of<'a>(launch: *const LaunchContext) -> &'a Stream {
    // SAFETY: the engine sets `engine` to the grid's stream when the grid starts.
    unsafe { &*(*launch).engine.cast::<Stream>() }
}

/// The lanes of a mask, in order.
fn lanes_in(mask: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |lane| mask >> lane & 1 == 1).map(|lane: u32| lane as usize)
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn check_access(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    size: u32,
    kind: AccessKind,
    space: AccessSpace,
) -> u32 {
    // SAFETY: machine code passes its own contexts.
    unsafe {
        let _inside = enter(warp);
        let site = Site { launch: &*launch, warp: &*warp, stream: stream_of(launch) };
        u32::from(!access::is_in_order(&site, lanes, size, kind, space))
    }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn fault(launch: *const LaunchContext, warp: *mut WarpContext, lanes: u32, line: u32, kind: u32) {
    let kind = match kind {
        0 => FaultKind::Trap,
        1 => FaultKind::InvalidFunction,
        2 => FaultKind::StackOverflow,
        3 => FaultKind::Barrier,
        _ => FaultKind::Internal,
    };
    // SAFETY: machine code passes its own contexts.
    unsafe {
        let _inside = enter(warp);
        let site = Site { launch: &*launch, warp: &*warp, stream: stream_of(launch) };
        site.record(kind, Some(line), lanes_in(lanes).next(), None, None);
    }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn vprintf(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    formats: *const u64,
    arguments: *const u64,
    results: *mut u32,
) {
    // SAFETY: machine code passes its own contexts, and arrays of 32.
    unsafe {
        let _inside = enter(warp);
        let stream = stream_of(launch);
        let arena = stream.engine().arena();
        let mut text = Vec::new();
        for lane in lanes_in(lanes) {
            let (format, arguments) = (*formats.add(lane), *arguments.add(lane));
            let readable = |address, bytes| arena.is_accessible(address, bytes);
            let result = (stream.engine().config().formatter)(format, arguments, &readable, &mut text);
            *results.add(lane) = result as u32;
        }
        stream.domain().output().append(&text);
    }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn assert_fail(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    arguments: *const [u64; 32],
) {
    // SAFETY: machine code passes its own contexts, and five arrays of 32.
    unsafe {
        let _inside = enter(warp);
        let site = Site { launch: &*launch, warp: &*warp, stream: stream_of(launch) };
        let arguments = std::slice::from_raw_parts(arguments, 5);
        report::assertion(&site, lanes, arguments);
    }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn malloc(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    sizes: *const u64,
    results: *mut u64,
) {
    // SAFETY: machine code passes its own contexts, and arrays of 32.
    unsafe {
        let _inside = enter(warp);
        let heap = stream_of(launch).domain().heap();
        for lane in lanes_in(lanes) {
            *results.add(lane) = heap.allocate(*sizes.add(lane));
        }
    }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn free(launch: *const LaunchContext, warp: *mut WarpContext, lanes: u32, addresses: *const u64) {
    // SAFETY: machine code passes its own contexts, and an array of 32.
    unsafe {
        let _inside = enter(warp);
        let site = Site { launch: &*launch, warp: &*warp, stream: stream_of(launch) };
        for lane in lanes_in(lanes) {
            let address = *addresses.add(lane);
            if !site.stream.domain().heap().free(address) {
                let detail = format!("free({address:#x})");
                site.record(FaultKind::InvalidFree, None, Some(lane), None, Some(detail));
                site.abort();
            }
        }
    }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn texture(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    line: u32,
    code: u64,
    operands: *const [u64; 32],
    results: *mut [u64; 32],
) -> u32 {
    // SAFETY: machine code passes its own contexts, and as many arrays as the operation has operands and results.
    unsafe { u32::from(!texture::execute_lanes(launch, warp, lanes, line, code, operands, results)) }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn tensor(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    line: u32,
    code: u64,
    operands: *const [u64; 32],
    results: *mut [u64; 32],
) -> u32 {
    // SAFETY: machine code passes its own contexts, and as many arrays as the operation has operands and results.
    unsafe { u32::from(!tensor::execute_lanes(launch, warp, lanes, line, code, operands, results)) }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn device(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    line: u32,
    code: u32,
    arguments: *const [u64; 32],
    results: *mut [u64; 32],
) -> u32 {
    // SAFETY: machine code passes its own contexts, and as many arrays as the call has arguments.
    unsafe {
        let _inside = enter(warp);
        let site = Site { launch: &*launch, warp: &*warp, stream: stream_of(launch) };
        u32::from(!device::call_lanes(site, lanes, line, code, arguments, results))
    }
}

/// Cycles: the processor's time stamp counter, which advances at a constant rate near its nominal clock.
///
/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn clock() -> u64 {
    // SAFETY: the instruction exists on every x86-64 processor.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn global_timer() -> u64 {
    // `%globaltimer` counts from the epoch on, as programs that compare it with the host's clock expect.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_nanos() as u64)
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn evaluate(code: u64, a: *const u64, b: *const u64, c: *const u64, result: *mut u64) {
    for lane in 0..32 {
        // SAFETY: machine code passes arrays of 32.
        unsafe {
            *result.add(lane) = simt_ir::number::evaluate_code(code, *a.add(lane), *b.add(lane), *c.add(lane));
        }
    }
}
