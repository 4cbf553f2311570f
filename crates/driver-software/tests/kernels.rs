//! Modules, launches, streams, events and errors, from PTX to results.

mod common;

use common::{Context, KERNELS, alloc, driver, function, launch, load, ok, words};
use cuda_abi::*;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_kernel_writes_what_it_should() {
    let _context = Context::new();
    let scale = function(load(KERNELS), "scale");
    let out = alloc(4000);
    ok(launch(scale, 10, 100, CUstream::NULL, &[out]));
    assert_eq!(words(out, 1000), (0..1000).map(|i| i * 3).collect::<Vec<u32>>());
    let block_sum = function(load(KERNELS), "block_sum");
    ok(launch(block_sum, 20, 200, CUstream::NULL, &[out]));
    assert_eq!(words(out, 20), [199 * 200 / 2; 20]);
}

#[test]
fn variables_of_a_module_can_be_read_and_written() {
    let (driver, _context) = (driver(), Context::new());
    let module = load(KERNELS);
    let (mut counter, mut bytes) = (0, 0);
    ok(driver.cuModuleGetGlobal_v2(Some(&mut counter), Some(&mut bytes), module, c"counter"));
    assert_eq!(bytes, 8);
    ok(launch(function(module, "count"), 4, 32, CUstream::NULL, &[2]));
    assert_eq!(words(counter, 1), [7 + 2 * 128]);
    let mut factor = 0;
    ok(driver.cuModuleGetGlobal_v2(Some(&mut factor), None, module, c"factor"));
    ok(driver.cuMemsetD32_v2(factor, 10, 1));
    let out = alloc(64);
    ok(launch(function(module, "scale"), 1, 16, CUstream::NULL, &[out]));
    assert_eq!(words(out, 16)[15], 150);
    let mut managed = 0;
    ok(driver.cuModuleGetGlobal_v2(Some(&mut managed), None, module, c"shared_word"));
    // SAFETY: managed memory is the host's as well.
    assert_eq!(unsafe { *(managed as *const u32) }, 11);
    ok(driver.cuModuleGetGlobal_v2(None, Some(&mut bytes), module, c"where_counter_is"));
    let absent = driver.cuModuleGetGlobal_v2(None, Some(&mut bytes), module, c"elsewhere");
    assert_eq!(absent, CUresult::CUDA_ERROR_NOT_FOUND);
    let nothing_asked = driver.cuModuleGetGlobal_v2(None, None, module, c"counter");
    assert_eq!(nothing_asked, CUresult::CUDA_ERROR_INVALID_VALUE);
    let mut none = CUfunction::NULL;
    assert_eq!(driver.cuModuleGetFunction(&mut none, module, c"nothing"), CUresult::CUDA_ERROR_NOT_FOUND);
    ok(driver.cuModuleUnload(module));
    assert_eq!(driver.cuModuleUnload(module), CUresult::CUDA_ERROR_INVALID_HANDLE);
    assert_eq!(driver.cuMemsetD32_v2(factor, 10, 1), CUresult::CUDA_ERROR_INVALID_VALUE);
}

#[test]
fn the_legacy_stream_and_blocking_streams_wait_for_each_other() {
    let (driver, _context) = (driver(), Context::new());
    let add = function(load(KERNELS), "double_and_add");
    let word = alloc(4);
    let (mut first, mut second) = (CUstream::NULL, CUstream::NULL);
    ok(driver.cuStreamCreate(&mut first, 0));
    ok(driver.cuStreamCreateWithPriority(&mut second, 0, -3));
    ok(driver.cuMemsetD32_v2(word, 0, 1));
    for round in 0..30 {
        let stream = [first, CUstream::NULL, second, CUstream::NULL][round % 4];
        ok(launch(add, 1, 1, stream, &[word]));
    }
    ok(driver.cuCtxSynchronize_v2(CUcontext::NULL));
    assert_eq!(words(word, 1), [(1 << 30) - 1]);
    ok(driver.cuStreamDestroy_v2(first));
    assert_eq!(driver.cuStreamSynchronize(first), CUresult::CUDA_ERROR_INVALID_HANDLE);
    ok(driver.cuStreamSynchronize(second));
}

unsafe extern "C" fn pause_and_count(counter: *mut c_void) {
    std::thread::sleep(std::time::Duration::from_millis(10));
    let mut context = CUcontext::NULL;
    // A host function may not call the API.
    let refused = driver().cuMemAlloc_v2(&mut 0, 16);
    assert_eq!(refused, CUresult::CUDA_ERROR_NOT_PERMITTED);
    ok(driver().cuCtxGetCurrent(&mut context));
    // SAFETY: the test passes the address of an atomic.
    unsafe { (*counter.cast::<AtomicU32>()).fetch_add(1, Ordering::SeqCst) };
}

#[test]
fn events_order_streams_and_measure_time() {
    let (driver, _context) = (driver(), Context::new());
    let (mut slow, mut fast) = (CUstream::NULL, CUstream::NULL);
    ok(driver.cuStreamCreate(&mut slow, 1));
    ok(driver.cuStreamCreate(&mut fast, 1));
    let (mut start, mut end) = (CUevent::NULL, CUevent::NULL);
    ok(driver.cuEventCreate(&mut start, 0));
    ok(driver.cuEventCreate(&mut end, 0));
    let mut milliseconds = 0.0;
    let unrecorded = driver.cuEventElapsedTime_v2(&mut milliseconds, start, end);
    assert_eq!(unrecorded, CUresult::CUDA_ERROR_INVALID_HANDLE);
    let counter = AtomicU32::new(0);
    ok(driver.cuEventRecord(start, slow));
    // SAFETY: the counter outlives the stream's work.
    ok(unsafe { driver.cuLaunchHostFunc(slow, Some(pause_and_count), (&raw const counter).cast_mut().cast()) });
    ok(driver.cuEventRecord(end, slow));
    assert_eq!(driver.cuEventQuery(end), CUresult::CUDA_ERROR_NOT_READY);
    assert_eq!(driver.cuStreamQuery(slow), CUresult::CUDA_ERROR_NOT_READY);
    ok(driver.cuStreamWaitEvent(fast, end, 0));
    ok(driver.cuStreamSynchronize(fast));
    assert_eq!(counter.load(Ordering::SeqCst), 1);
    ok(driver.cuEventElapsedTime_v2(&mut milliseconds, start, end));
    assert!((9.0..2000.0).contains(&milliseconds), "{milliseconds} ms");
    ok(driver.cuEventDestroy_v2(end));
    assert_eq!(driver.cuEventSynchronize(end), CUresult::CUDA_ERROR_INVALID_HANDLE);
}

#[test]
fn wrong_launches_are_refused_with_the_documented_codes() {
    let (driver, _context) = (driver(), Context::new());
    let module = load(KERNELS);
    let (scale, block_sum, out) = (function(module, "scale"), function(module, "block_sum"), alloc(4096));
    let mut pointer = out;
    let mut parameters: [*mut c_void; 1] = [(&raw mut pointer).cast()];
    let mut attempt = |function, grid: [u32; 3], block: [u32; 3], shared| {
        let null = ptr::null_mut();
        // SAFETY: there is a pointer for the parameter.
        unsafe {
            driver.cuLaunchKernel(
                function,
                grid[0],
                grid[1],
                grid[2],
                block[0],
                block[1],
                block[2],
                shared,
                CUstream::NULL,
                parameters.as_mut_ptr(),
                null,
            )
        }
    };
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    assert_eq!(attempt(scale, [0, 1, 1], [32, 1, 1], 0), invalid);
    assert_eq!(attempt(scale, [1, 65536, 1], [32, 1, 1], 0), invalid);
    assert_eq!(attempt(scale, [1, 1, 1], [1025, 1, 1], 0), invalid);
    assert_eq!(attempt(scale, [1, 1, 1], [1, 1, 65], 0), invalid);
    assert_eq!(attempt(block_sum, [1, 1, 1], [257, 1, 1], 0), invalid);
    assert_eq!(attempt(scale, [1, 1, 1], [32, 1, 1], 49 << 10), invalid);
    let bad = CUfunction::from_addr(0x1234_5678_0000);
    assert_eq!(attempt(bad, [1, 1, 1], [32, 1, 1], 0), CUresult::CUDA_ERROR_INVALID_HANDLE);
    assert_eq!(launch(scale, 1, 32, CUstream::from_addr(99), &[out]), CUresult::CUDA_ERROR_INVALID_HANDLE);
    let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    ok(driver.cuFuncSetAttribute(scale, attribute, 99 << 10));
    assert_eq!(driver.cuFuncSetAttribute(scale, attribute, 100 << 10), invalid);
    ok(attempt(scale, [1, 1, 1], [32, 1, 1], 99 << 10));
    ok(driver.cuCtxSynchronize_v2(CUcontext::NULL));
}

#[test]
fn a_fault_ends_its_context_and_no_other() {
    let driver = driver();
    let good = Context::new();
    let scale = function(load(KERNELS), "scale");
    let out = alloc(128);
    {
        let _bad = Context::new();
        let scale = function(load(KERNELS), "scale");
        ok(launch(scale, 1, 32, CUstream::NULL, &[64]));
        let expected = CUresult::CUDA_ERROR_ILLEGAL_ADDRESS;
        assert_eq!(driver.cuCtxSynchronize_v2(CUcontext::NULL), expected);
        assert_eq!(driver.cuMemAlloc_v2(&mut 0, 16), expected);
        assert_eq!(launch(scale, 1, 32, CUstream::NULL, &[out]), expected);
        assert_eq!(driver.cuStreamQuery(CUstream::NULL), expected);
    }
    {
        let _bad = Context::new();
        ok(launch(function(load(KERNELS), "trap_now"), 1, 32, CUstream::NULL, &[]));
        assert_eq!(driver.cuStreamSynchronize(CUstream::NULL), CUresult::CUDA_ERROR_LAUNCH_FAILED);
    }
    ok(driver.cuCtxSetCurrent(good.0));
    ok(launch(scale, 1, 32, CUstream::NULL, &[out]));
    assert_eq!(words(out, 32)[31], 93);
}

#[test]
fn wrong_programs_are_refused_with_a_reason() {
    let (driver, _context) = (driver(), Context::new());
    let text = c".version 8.0\n.target sm_75\n.address_size 64\n.visible .entry broken( { }\n";
    let mut buffer = [0u8; 256];
    let mut options = [CUjit_option::CU_JIT_ERROR_LOG_BUFFER, CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES];
    let mut values: [*mut c_void; 2] = [buffer.as_mut_ptr().cast(), ptr::without_provenance_mut(buffer.len())];
    let mut module = CUmodule::NULL;
    // SAFETY: the text ends with a zero, and the arrays have two entries.
    let refused = unsafe {
        driver.cuModuleLoadDataEx(&mut module, text.as_ptr().cast(), 2, options.as_mut_ptr(), values.as_mut_ptr())
    };
    assert_eq!(refused, CUresult::CUDA_ERROR_INVALID_PTX);
    let log = String::from_utf8_lossy(&buffer[..values[1].addr()]).into_owned();
    assert!(log.contains('4'), "the log names the line: {log}");
    let newer = c".version 9.9\n.target sm_130\n.address_size 64\n";
    // SAFETY: the text ends with a zero.
    let refused = unsafe { driver.cuModuleLoadData(&mut module, newer.as_ptr().cast()) };
    assert_eq!(refused, CUresult::CUDA_ERROR_INVALID_PTX);
    let garbage = [0u8; 64];
    // SAFETY: the bytes are there.
    assert_ne!(unsafe { driver.cuModuleLoadData(&mut module, garbage.as_ptr().cast()) }, CUresult::CUDA_SUCCESS);
}

#[test]
fn libraries_give_kernels_that_launch_in_any_context() {
    let driver = driver();
    let text = std::ffi::CString::new(KERNELS).unwrap();
    let (mut library, mut kernel, null) = (CUlibrary::NULL, CUkernel::NULL, ptr::null_mut());
    // SAFETY: the text ends with a zero; there are no options.
    ok(unsafe {
        driver.cuLibraryLoadData(
            &mut library,
            text.as_ptr().cast(),
            null,
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            null.cast(),
            0,
        )
    });
    ok(driver.cuLibraryGetKernel(&mut kernel, library, c"scale"));
    for _ in 0..2 {
        let _context = Context::new();
        let out = alloc(128);
        ok(launch(CUfunction::from_addr(kernel.addr()), 1, 32, CUstream::NULL, &[out]));
        assert_eq!(words(out, 32)[31], 93);
        let (mut function, mut module) = (CUfunction::NULL, CUmodule::NULL);
        ok(driver.cuKernelGetFunction(&mut function, kernel));
        ok(driver.cuFuncGetModule(&mut module, function));
        assert_eq!(driver.cuModuleUnload(module), CUresult::CUDA_ERROR_NOT_PERMITTED);
    }
    ok(driver.cuLibraryUnload(library));
    assert_eq!(driver.cuLibraryGetKernel(&mut kernel, library, c"scale"), CUresult::CUDA_ERROR_INVALID_HANDLE);
}
