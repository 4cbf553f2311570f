//! Allocation, copies, sets, pointers and pools.

mod common;

use common::{Context, MEMORY, alloc, driver, ok, words};
use cuda_abi::*;
use std::ffi::c_void;
use std::ptr;

const INVALID: CUresult = CUresult::CUDA_ERROR_INVALID_VALUE;

fn attribute<T: Default>(attribute: CUpointer_attribute, pointer: CUdeviceptr) -> Result<T, CUresult> {
    let mut value = T::default();
    // SAFETY: the tests ask for a type of the attribute's size.
    let result = unsafe { driver().cuPointerGetAttribute(ptr::from_mut(&mut value).cast(), attribute, pointer) };
    result.ok().map(|()| value)
}

#[test]
fn memory_is_limited_and_given_back() {
    let (driver, _context) = (driver(), Context::new());
    let (mut free_before, mut total, mut free) = (0, 0, 0);
    ok(driver.cuMemGetInfo_v2(Some(&mut free_before), Some(&mut total)));
    assert_eq!(total, MEMORY);
    let mut pointer = 1;
    assert_eq!(driver.cuMemAlloc_v2(&mut pointer, 0), INVALID);
    assert_eq!(driver.cuMemAlloc_v2(&mut pointer, MEMORY + 1), CUresult::CUDA_ERROR_OUT_OF_MEMORY);
    assert_eq!(driver.cuMemAlloc_v2(&mut pointer, usize::MAX), CUresult::CUDA_ERROR_OUT_OF_MEMORY);
    let memory = alloc(64 << 20);
    ok(driver.cuMemGetInfo_v2(Some(&mut free), None));
    assert!(free <= MEMORY - (64 << 20));
    ok(driver.cuMemFree_v2(memory));
    assert_eq!(driver.cuMemFree_v2(memory), INVALID);
    assert_eq!(driver.cuMemFree_v2(0x1234_5678), INVALID);
    ok(driver.cuMemFree_v2(0));
    let inside = alloc(4096);
    assert_eq!(driver.cuMemFree_v2(inside + 16), INVALID);
    ok(driver.cuMemFree_v2(inside));
}

#[test]
fn memory_goes_with_its_context() {
    let driver = driver();
    let pointer = {
        let _context = Context::new();
        alloc(1 << 20)
    };
    let _other = Context::new();
    assert_eq!(driver.cuMemFree_v2(pointer), INVALID);
    assert_eq!(attribute::<u64>(CUpointer_attribute::CU_POINTER_ATTRIBUTE_CONTEXT, pointer), Err(INVALID));
}

#[test]
fn every_kind_of_memory_says_what_it_is() {
    let (driver, context) = (driver(), Context::new());
    let device = alloc(1000);
    let (mut managed, mut host, mut stack) = (0, ptr::null_mut(), [0u8; 64]);
    ok(driver.cuMemAllocManaged(&mut managed, 1000, 1));
    ok(driver.cuMemHostAlloc(&mut host, 1000, 1));
    let kind = |pointer| {
        let memory_type: Result<u32, _> = attribute(CUpointer_attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE, pointer);
        let is_managed: Result<u32, _> = attribute(CUpointer_attribute::CU_POINTER_ATTRIBUTE_IS_MANAGED, pointer);
        (memory_type, is_managed)
    };
    assert_eq!(kind(device), (Ok(2), Ok(0)));
    assert_eq!(kind(managed + 999), (Ok(2), Ok(1)));
    assert_eq!(kind(host.addr() as u64), (Ok(1), Ok(0)));
    let stack_pointer = stack.as_mut_ptr();
    assert_eq!(kind(stack_pointer.addr() as u64), (Err(INVALID), Err(INVALID)));
    // SAFETY: the array lives until it is unregistered.
    unsafe {
        ok(driver.cuMemHostRegister_v2(stack_pointer.cast(), 64, 0));
        let again = driver.cuMemHostRegister_v2(stack_pointer.cast(), 64, 0);
        assert_eq!(again, CUresult::CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
        assert_eq!(kind(stack_pointer.addr() as u64 + 63), (Ok(1), Ok(0)));
        ok(driver.cuMemHostUnregister(stack_pointer.cast()));
        let gone = driver.cuMemHostUnregister(stack_pointer.cast());
        assert_eq!(gone, CUresult::CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
        assert_eq!(driver.cuMemHostRegister_v2(ptr::without_provenance_mut(1 << 40), 64, 0), INVALID);
    }
    let owner = attribute::<u64>(CUpointer_attribute::CU_POINTER_ATTRIBUTE_CONTEXT, device);
    assert_eq!(owner, Ok(context.0.addr() as u64));
    let (mut base, mut size) = (0, 0);
    ok(driver.cuMemGetAddressRange_v2(Some(&mut base), Some(&mut size), device + 10));
    assert_eq!((base, size), (device, 1000));
    let outside = driver.cuMemGetAddressRange_v2(None, None, device + 1000);
    assert_eq!(outside, CUresult::CUDA_ERROR_NOT_FOUND);
}

#[test]
fn unknown_pointers_have_empty_attributes() {
    let driver = driver();
    let (mut memory_type, mut start) = (7u32, 7u64);
    let mut attributes = [
        CUpointer_attribute::CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
        CUpointer_attribute::CU_POINTER_ATTRIBUTE_RANGE_START_ADDR,
    ];
    let mut data: [*mut c_void; 2] = [(&raw mut memory_type).cast(), (&raw mut start).cast()];
    // SAFETY: the arrays have two entries.
    ok(unsafe { driver.cuPointerGetAttributes(2, attributes.as_mut_ptr(), data.as_mut_ptr(), 64) });
    // Driver 580 leaves the range as it is.
    assert_eq!((memory_type, start), (0, 7));
}

#[test]
fn copies_are_checked_against_allocations() {
    let (driver, _context) = (driver(), Context::new());
    let (device, mut host) = (alloc(100), [9u8; 200]);
    // SAFETY: the host's array has 200 bytes.
    unsafe {
        ok(driver.cuMemcpyHtoD_v2(device, host.as_ptr().cast(), 100));
        assert_eq!(driver.cuMemcpyHtoD_v2(device, host.as_ptr().cast(), 101), INVALID);
        assert_eq!(driver.cuMemcpyHtoD_v2(device + 50, host.as_ptr().cast(), 51), INVALID);
        assert_eq!(driver.cuMemcpyDtoH_v2(host.as_mut_ptr().cast(), device + 101, 1), INVALID);
        assert_eq!(driver.cuMemcpyDtoH_v2(ptr::null_mut(), device, 1), INVALID);
        assert_eq!(driver.cuMemcpyHtoD_v2(host.as_mut_ptr().addr() as u64, host.as_ptr().cast(), 1), INVALID);
        ok(driver.cuMemcpyHtoD_v2(device, host.as_ptr().cast(), 0));
        host.fill(0);
        ok(driver.cuMemcpy(host.as_mut_ptr().addr() as u64, device, 100));
    }
    assert!(host[..100].iter().all(|&byte| byte == 9) && host[100..].iter().all(|&byte| byte == 0));
    assert_eq!(driver.cuMemsetD32_v2(device, 1, 26), INVALID);
    assert_eq!(driver.cuMemsetD32_v2(device + 2, 1, 1), INVALID);
    ok(driver.cuMemsetD32_v2(device, 0x0102_0304, 25));
    assert_eq!(words(device, 25), [0x0102_0304; 25]);
}

#[test]
fn asynchronous_copies_take_pageable_memory_along() {
    let (driver, _context) = (driver(), Context::new());
    let mut stream = CUstream::NULL;
    ok(driver.cuStreamCreate(&mut stream, 1));
    for bytes in [64, 64 << 10] {
        let device = alloc(bytes);
        let mut source = vec![5u8; bytes];
        // SAFETY: the vector has so many bytes.
        ok(unsafe { driver.cuMemcpyHtoDAsync_v2(device, source.as_ptr().cast(), bytes, stream) });
        source.fill(6);
        let mut back = vec![0u8; bytes];
        // SAFETY: as above.
        ok(unsafe { driver.cuMemcpyDtoHAsync_v2(back.as_mut_ptr().cast(), device, bytes, stream) });
        assert!(back.iter().all(|&byte| byte == 5), "{bytes} bytes");
    }
}

#[test]
fn boxes_go_from_pitch_to_pitch() {
    let (driver, _context) = (driver(), Context::new());
    let (mut device, mut pitch) = (0, 0);
    ok(driver.cuMemAllocPitch_v2(&mut device, &mut pitch, 300, 20, 4));
    assert_eq!(pitch, 512);
    let source: Vec<u8> = (0..300 * 20).map(|i| (i % 251) as u8).collect();
    let mut target = vec![0u8; 100 * 10];
    let device_side = CUmemorytype::CU_MEMORYTYPE_DEVICE;
    let host_side = CUmemorytype::CU_MEMORYTYPE_HOST;
    let up = CUDA_MEMCPY2D {
        srcMemoryType: host_side,
        srcHost: source.as_ptr().cast(),
        srcPitch: 300,
        dstMemoryType: device_side,
        dstDevice: device,
        dstPitch: pitch,
        WidthInBytes: 300,
        Height: 20,
        ..CUDA_MEMCPY2D::default()
    };
    let down = CUDA_MEMCPY2D {
        srcMemoryType: device_side,
        srcDevice: device,
        srcPitch: pitch,
        srcXInBytes: 50,
        srcY: 5,
        dstMemoryType: host_side,
        dstHost: target.as_mut_ptr().cast(),
        dstPitch: 100,
        WidthInBytes: 100,
        Height: 10,
        ..CUDA_MEMCPY2D::default()
    };
    // SAFETY: the structures describe memory that is there.
    unsafe {
        ok(driver.cuMemcpy2D_v2(&up));
        ok(driver.cuMemcpy2D_v2(&down));
        assert_eq!(driver.cuMemcpy2D_v2(&CUDA_MEMCPY2D { dstPitch: 99, ..down }), INVALID);
        assert_eq!(driver.cuMemcpy2D_v2(&CUDA_MEMCPY2D { srcY: 11, ..down }), INVALID);
    }
    for (index, byte) in target.iter().enumerate() {
        assert_eq!(*byte, source[(5 + index / 100) * 300 + 50 + index % 100]);
    }
}

#[test]
fn pools_give_memory_in_the_order_of_streams() {
    let (driver, _context) = (driver(), Context::new());
    let (mut pool, mut stream, mut pointer) = (CUmemoryPool::NULL, CUstream::NULL, 0);
    ok(driver.cuDeviceGetDefaultMemPool(&mut pool, 0));
    ok(driver.cuStreamCreate(&mut stream, 1));
    ok(driver.cuMemAllocAsync(&mut pointer, 1 << 20, stream));
    ok(driver.cuMemsetD32Async(pointer, 77, 1 << 18, stream));
    let of_pool = attribute::<u64>(CUpointer_attribute::CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, pointer);
    assert_eq!(of_pool, Ok(pool.addr() as u64));
    ok(driver.cuStreamSynchronize(stream));
    assert_eq!(words(pointer, 3), [77; 3]);
    ok(driver.cuMemFreeAsync(pointer, stream));
    assert_eq!(driver.cuMemFreeAsync(pointer, stream), INVALID);
    assert_eq!(driver.cuMemPoolDestroy(pool), INVALID);
    let properties = CUmemPoolProps {
        allocType: CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED,
        location: CUmemLocation { type_: CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE, id: 0 },
        maxSize: 1 << 20,
        ..CUmemPoolProps::default()
    };
    let (mut own, mut used) = (CUmemoryPool::NULL, 0u64);
    // SAFETY: the properties have no pointers; the value is a 64-bit number.
    unsafe {
        ok(driver.cuMemPoolCreate(&mut own, &properties));
        ok(driver.cuMemAllocFromPoolAsync(&mut pointer, 600 << 10, own, stream));
        let full = driver.cuMemAllocFromPoolAsync(&mut 0, 600 << 10, own, stream);
        assert_eq!(full, CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT;
        ok(driver.cuMemPoolGetAttribute(own, attribute, (&raw mut used).cast()));
    }
    assert_eq!(used, 600 << 10);
    ok(driver.cuMemFreeAsync(pointer, stream));
    ok(driver.cuMemPoolDestroy(own));
    ok(driver.cuStreamSynchronize(stream));
}
