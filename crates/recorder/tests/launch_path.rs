//! A launch that is recorded allocates nothing.

mod common;

use common::Nothing;
use core::ptr::null_mut;
use cuda_abi::*;
use driver_api::Driver;
use layer_observe::Observed;
use recorder::RecordObserver;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use telemetry::{Config, Recorder};

/// Counts allocations of the thread that asks for it.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated() {
    let folder = tempfile::tempdir().unwrap();
    // With a file, and publishing.
    let live = Some(folder.path().to_owned());
    let recorder = Recorder::new(Config { live, ..Config::new(folder.path().join("recording")) });
    let layer = Observed::over(Nothing, RecordObserver::over(recorder));
    let launch = |n: usize| {
        let function = CUfunction::from_addr(0x1000 + 16 * (n % 100));
        // SAFETY: the driver looks at nothing.
        unsafe {
            layer.cuLaunchKernel(function, n as u32 + 1, 1, 1, 64, 1, 1, 0, CUstream::NULL, null_mut(), null_mut())
        };
    };
    (0..100).for_each(launch);
    let before = COUNT.get();
    (0..10_000).for_each(launch);
    assert_eq!(COUNT.get() - before, 0, "allocations in 10000 launches");
    assert!(before > 0, "allocations are counted");
    recorder.finish();
}
