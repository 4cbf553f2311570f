//! Devices, contexts, and handles that are not what they should be.

mod common;

use common::{Context, KERNELS, alloc, driver, function, launch, load, ok, words};
use cuda_abi::*;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn devices_answer_every_attribute() {
    let driver = driver();
    let (mut count, mut value) = (0, 0);
    ok(driver.cuDeviceGetCount(&mut count));
    assert_eq!(count, 2);
    for (attribute, name) in CUdevice_attribute::ALL {
        let result = driver.cuDeviceGetAttribute(&mut value, *attribute, 1);
        assert!(result == CUresult::CUDA_SUCCESS || name.ends_with("_MAX"), "{name}: {result:?}");
    }
    let unknown = driver.cuDeviceGetAttribute(&mut value, CUdevice_attribute(4711), 0);
    assert_eq!(unknown, CUresult::CUDA_ERROR_INVALID_VALUE);
    assert_eq!(driver.cuDeviceGet(&mut value, 2), CUresult::CUDA_ERROR_INVALID_DEVICE);
    assert_eq!(driver.cuDeviceGet(&mut value, -1), CUresult::CUDA_ERROR_INVALID_DEVICE);
    let (mut name, mut uuids) = ([0; 8], [CUuuid::default(); 2]);
    // SAFETY: the buffer has eight bytes.
    ok(unsafe { driver.cuDeviceGetName(name.as_mut_ptr(), 8, 0) });
    assert_eq!(name.map(|letter| letter as u8), *b"APEX So\0");
    ok(driver.cuDeviceGetUuid_v2(&mut uuids[0], 0));
    ok(driver.cuDeviceGetUuid_v2(&mut uuids[1], 1));
    assert_ne!(uuids[0].bytes, uuids[1].bytes);
}

#[test]
fn contexts_are_a_stack_of_each_thread() {
    let driver = driver();
    let (first, second) = (Context::new(), Context::new());
    let mut current = CUcontext::NULL;
    ok(driver.cuCtxGetCurrent(&mut current));
    assert_eq!(current, second.0);
    ok(driver.cuCtxPopCurrent_v2(Some(&mut current)));
    assert_eq!(current, second.0);
    ok(driver.cuCtxGetCurrent(&mut current));
    assert_eq!(current, first.0);
    ok(driver.cuCtxPushCurrent_v2(second.0));
    std::thread::spawn(|| {
        let mut current = CUcontext::from_addr(1);
        ok(common::driver().cuCtxGetCurrent(&mut current));
        assert!(current.is_null());
        assert_eq!(common::driver().cuMemAlloc_v2(&mut 0, 16), CUresult::CUDA_ERROR_INVALID_CONTEXT);
        assert_eq!(common::driver().cuCtxPopCurrent_v2(None), CUresult::CUDA_ERROR_INVALID_CONTEXT);
    })
    .join()
    .unwrap();
    ok(driver.cuCtxDestroy_v2(second.0));
    assert_eq!(driver.cuCtxDestroy_v2(second.0), CUresult::CUDA_ERROR_INVALID_CONTEXT);
    assert_eq!(driver.cuCtxSetCurrent(second.0), CUresult::CUDA_ERROR_INVALID_CONTEXT);
}

#[test]
fn a_context_that_is_gone_is_told_from_none() {
    let driver = driver();
    let context = Context::new();
    let handle = context.0;
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        ok(common::driver().cuCtxSetCurrent(handle));
        receiver.recv().unwrap();
        common::driver().cuMemAlloc_v2(&mut 0, 16)
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    ok(driver.cuCtxDestroy_v2(handle));
    sender.send(()).unwrap();
    assert_eq!(other.join().unwrap(), CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

#[test]
fn the_primary_context_counts_its_users() {
    let driver = driver();
    let (mut context, mut again, mut flags, mut active) = (CUcontext::NULL, CUcontext::NULL, 0, 0);
    ok(driver.cuDevicePrimaryCtxSetFlags_v2(1, 4));
    ok(driver.cuDevicePrimaryCtxGetState(1, &mut flags, &mut active));
    assert_eq!((flags, active), (4, 0));
    ok(driver.cuDevicePrimaryCtxRetain(&mut context, 1));
    ok(driver.cuDevicePrimaryCtxRetain(&mut again, 1));
    assert_eq!(context, again);
    assert_eq!(driver.cuCtxDestroy_v2(context), CUresult::CUDA_ERROR_INVALID_CONTEXT);
    ok(driver.cuDevicePrimaryCtxRelease_v2(1));
    ok(driver.cuDevicePrimaryCtxGetState(1, &mut flags, &mut active));
    assert_eq!(active, 1);
    ok(driver.cuDevicePrimaryCtxRelease_v2(1));
    assert_eq!(driver.cuDevicePrimaryCtxRelease_v2(1), CUresult::CUDA_ERROR_INVALID_CONTEXT);
    ok(driver.cuDevicePrimaryCtxGetState(1, &mut flags, &mut active));
    assert_eq!(active, 0);
}

#[test]
fn limits_are_kept() {
    let (driver, _context) = (driver(), Context::new());
    let mut value = 0;
    for (limit, set, read) in [
        (CUlimit::CU_LIMIT_STACK_SIZE, 1000, 1008),
        (CUlimit::CU_LIMIT_PRINTF_FIFO_SIZE, 1 << 16, 1 << 19),
        (CUlimit::CU_LIMIT_MALLOC_HEAP_SIZE, 1, 1 << 22),
    ] {
        ok(driver.cuCtxSetLimit(limit, set));
        ok(driver.cuCtxGetLimit(&mut value, limit));
        assert_eq!(value, read);
    }
    assert_eq!(driver.cuCtxGetLimit(&mut value, CUlimit(99)), CUresult::CUDA_ERROR_INVALID_VALUE);
    let depth = driver.cuCtxGetLimit(&mut value, CUlimit::CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH);
    assert_eq!(depth, CUresult::CUDA_ERROR_UNSUPPORTED_LIMIT);
}

#[test]
fn handles_of_the_wrong_kind_are_found_out() {
    let (driver, context) = (driver(), Context::new());
    let module = load(KERNELS);
    let (mut stream, mut event) = (CUstream::NULL, CUevent::NULL);
    ok(driver.cuStreamCreate(&mut stream, 0));
    ok(driver.cuEventCreate(&mut event, 2));
    let invalid = CUresult::CUDA_ERROR_INVALID_HANDLE;
    let handles = [context.0.addr(), module.addr(), stream.addr(), event.addr(), 0, 3, 0xdead_beef, usize::MAX];
    for handle in handles {
        if handle != stream.addr() && handle > 2 {
            assert_eq!(driver.cuStreamSynchronize(CUstream::from_addr(handle)), invalid);
            assert_eq!(driver.cuStreamDestroy_v2(CUstream::from_addr(handle)), invalid);
        }
        if handle != event.addr() {
            assert_eq!(driver.cuEventQuery(CUevent::from_addr(handle)), invalid);
            assert_eq!(driver.cuEventDestroy_v2(CUevent::from_addr(handle)), invalid);
        }
        if handle != module.addr() {
            assert_eq!(driver.cuModuleUnload(CUmodule::from_addr(handle)), invalid);
        }
        assert_eq!(driver.cuLibraryUnload(CUlibrary::from_addr(handle)), invalid);
        assert_eq!(driver.cuLinkDestroy(CUlinkState::from_addr(handle)), invalid);
        assert_eq!(launch(CUfunction::from_addr(handle), 1, 1, CUstream::NULL, &[]), invalid);
    }
    assert_eq!(driver.cuStreamDestroy_v2(CUstream::NULL), invalid);
}

#[test]
fn many_threads_share_a_context() {
    let (driver, context) = (driver(), Context::new());
    let count = function(load(KERNELS), "count");
    let started = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (context, started) = (context.0, &started);
            scope.spawn(move || {
                ok(driver.cuCtxSetCurrent(context));
                started.fetch_add(1, Ordering::Relaxed);
                for round in 0..100 {
                    let mut stream = CUstream::from_addr([0, 2, 0][thread % 3]);
                    if thread % 3 == 2 {
                        ok(driver.cuStreamCreate(&mut stream, (round % 2) as u32));
                    }
                    ok(launch(count, 2, 32, stream, &[1]));
                    let scratch = alloc(1 + round * 1000);
                    ok(driver.cuMemsetD8_v2(scratch, 1, 1));
                    ok(driver.cuMemFree_v2(scratch));
                    if thread % 3 == 2 {
                        ok(driver.cuStreamDestroy_v2(stream));
                    }
                }
            });
        }
    });
    ok(driver.cuCtxSynchronize_v2(context.0));
    let (mut module, mut counter) = (CUmodule::NULL, 0);
    ok(driver.cuFuncGetModule(&mut module, count));
    ok(driver.cuModuleGetGlobal_v2(Some(&mut counter), None, module, c"counter"));
    assert_eq!(words(counter, 1), [7 + 6 * 100 * 64]);
}
