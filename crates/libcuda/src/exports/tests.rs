//! The C functions, called as C calls them, on the test driver.

use super::*;
use crate::test_driver::take_notes;
use core::ptr::null_mut;

const SUCCESS: CUresult = CUresult::CUDA_SUCCESS;
const STREAM: CUstream = CUstream::from_addr(0x5000);

fn initialise() {
    // SAFETY: no pointers.
    assert_eq!(unsafe { cuInit(0) }, SUCCESS);
    take_notes();
}

#[test]
fn what_a_launch_looks_at_is_two_lines() {
    assert_eq!([align_of::<Slots>(), core::mem::offset_of!(Slots, layer)], [64; 2]);
    assert!(slot_at(Row::cuLaunchKernel as usize) < 64 && slot_at(Row::cuLaunchKernelEx as usize) < 64);
    const { assert!(plain::Recorded::LAUNCH_BYTES <= 64, "the layer's part of it") };
    assert_eq!(launch::DEFAULT_STREAM_MAX, CU_STREAM_PER_THREAD.addr());
}

#[test]
fn a_panic_in_the_driver_is_an_error_code() {
    initialise();
    let mut flags = 0;
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { cuCtxGetFlags(&mut flags) }, CUresult::CUDA_ERROR_UNKNOWN);
}

#[test]
fn null_is_refused_where_it_is_not_allowed_and_passed_where_it_is() {
    initialise();
    let mut total = 0;
    // SAFETY: the pointers are null or valid.
    unsafe {
        assert_eq!(cuCtxGetFlags(null_mut()), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(cuMemGetInfo_v2(null_mut(), &mut total), SUCCESS);
    }
    assert_eq!(total, 2);
}

#[test]
fn the_same_place_for_two_answers_gets_the_last() {
    initialise();
    let mut both = 0;
    let place = &raw mut both;
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { cuMemGetInfo_v2(place, place) }, SUCCESS);
    assert_eq!(both, 2);
}

#[test]
fn per_thread_functions_spell_the_stream_out() {
    initialise();
    // SAFETY: the test driver looks at no memory.
    unsafe {
        cuMemcpyAsync(0, 0, 1, CUstream::NULL);
        cuMemcpyAsync_ptsz(0, 0, 2, CUstream::NULL);
        cuMemcpyAsync_ptsz(0, 0, 3, STREAM);
        cuMemcpyAsync_ptsz(0, 0, 4, CU_STREAM_LEGACY);
    }
    assert_eq!(
        take_notes(),
        ["copy 1 in CUstream(0x0)", "copy 2 in CUstream(0x2)", "copy 3 in CUstream(0x5000)", "copy 4 in CUstream(0x1)"]
    );
}

#[test]
fn per_thread_functions_without_a_stream_open_a_scope() {
    initialise();
    let config = CUlaunchConfig::default();
    // SAFETY: the test driver looks at no memory but the configuration.
    unsafe {
        cuMemcpy_ptds(0, 0, 1);
        cuMemcpy(0, 0, 2);
        cuLaunchKernelEx_ptsz(&config, CUfunction::NULL, null_mut(), null_mut());
    }
    assert_eq!(take_notes(), ["copy 1 (per thread)", "copy 2", "launch in CUstream(0x0) (per thread)"]);
}

#[test]
fn a_per_thread_function_of_an_older_version_does_both() {
    initialise();
    // SAFETY: no pointers.
    unsafe {
        cuMemPrefetchAsync_ptsz(0, 1, CU_DEVICE_CPU, CUstream::NULL);
        cuMemPrefetchAsync(0, 2, 1, STREAM);
    }
    assert_eq!(
        take_notes(),
        [
            "prefetch 1 to CU_MEM_LOCATION_TYPE_HOST 0 flags 0 in CUstream(0x2)",
            "prefetch 2 to CU_MEM_LOCATION_TYPE_DEVICE 1 flags 0 in CUstream(0x5000)",
        ]
    );
}

#[test]
fn older_versions_are_converted() {
    initialise();
    let (mut bytes, mut failed) = (0, 0);
    let parameters =
        CUDA_KERNEL_NODE_PARAMS_v1 { func: CUfunction::from_addr(0x70), gridDimX: 7, ..Default::default() };
    // SAFETY: the pointers are valid.
    unsafe {
        assert_eq!(cuDeviceTotalMem(&mut bytes, 0), SUCCESS);
        assert_eq!(cuGraphKernelNodeSetParams(CUgraphNode::NULL, &parameters), SUCCESS);
        let result = cuMemcpy3DBatchAsync(0, null_mut(), &mut failed, 0, CUstream::NULL);
        assert_eq!(result, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    }
    assert_eq!((bytes, failed), (u32::MAX, usize::MAX));
    assert_eq!(take_notes(), ["CUfunction(0x70) 7 CUkernel(0x0) CUcontext(0x0)"]);
}

#[test]
fn versions_with_32_bit_pointers_find_no_context_of_theirs() {
    initialise();
    let mut pointer = 0;
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { cuMemAlloc(&mut pointer, 16) }, CUresult::CUDA_ERROR_INVALID_CONTEXT);
}

#[test]
fn names_without_a_declaration_are_not_supported() {
    initialise();
    // SAFETY: nothing is asked of the caller: it has no declaration, and looks at nothing.
    assert_eq!(unsafe { cuMemGetAttribute() }, CUresult::CUDA_ERROR_NOT_SUPPORTED);
}

#[test]
fn no_function_has_more_pointers_than_the_rim_watches() {
    let source = include_str!("../../../cuda-abi/src/table.rs");
    let pointers = |row: &str| [": output", ": input"].iter().map(|role| row.matches(role).count()).sum::<usize>();
    let most = source.lines().map(pointers).max();
    assert!(most > Some(3) && most <= Some(crate::argument::POINTERS_MAX), "{most:?}");
}

#[test]
fn errors_have_names_and_unknown_ones_have_none() {
    let mut name: *const c_char = core::ptr::null();
    // SAFETY: the pointers are valid; the names live for ever.
    unsafe {
        assert_eq!(cuGetErrorName(CUresult::CUDA_ERROR_OUT_OF_MEMORY, &mut name), SUCCESS);
        assert_eq!(core::ffi::CStr::from_ptr(name), c"CUDA_ERROR_OUT_OF_MEMORY");
        assert_eq!(cuGetErrorString(CUresult(12345), &mut name), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert!(name.is_null());
    }
}

#[test]
fn an_unknown_export_table_is_refused() {
    let mut table: *const c_void = core::ptr::null();
    // SAFETY: the pointers are valid.
    let result = unsafe { cuGetExportTable(&mut table, &CUuuid::default()) };
    assert_eq!((result, table), (CUresult::CUDA_ERROR_INVALID_VALUE, core::ptr::null()));
}
