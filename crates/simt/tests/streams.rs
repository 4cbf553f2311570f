//! Streams, launches and waiting.

mod common;

use common::{block_of, engine, parameter, serial, words};
use simt::{DomainConfig, Launch, Timestamp};
use simt_ir::abi::{LaunchContext, WarpContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Adds 1 to the word at parameter 0 for each block.
unsafe extern "C" fn count_blocks(launch: *const LaunchContext, _: *mut WarpContext, _: u64, count: u64) -> u32 {
    // SAFETY: the test passes the address of an atomic.
    unsafe { (*(parameter(launch, 0) as *const AtomicU64)).fetch_add(count, Ordering::Relaxed) };
    0
}

/// Appends parameter 1 to the number at parameter 0, as a digit of base 10.
unsafe extern "C" fn append_digit(launch: *const LaunchContext, _: *mut WarpContext, _: u64, _: u64) -> u32 {
    // SAFETY: the test passes the address of an atomic.
    unsafe {
        let number = &*(parameter(launch, 0) as *const AtomicU64);
        number.store(number.load(Ordering::Relaxed) * 10 + parameter(launch, 1), Ordering::Relaxed);
    }
    0
}

unsafe extern "C" fn mark_block(launch: *const LaunchContext, warp: *mut WarpContext, first: u64, count: u64) -> u32 {
    for block in first..first + count {
        // SAFETY: the test passes an array with a byte for each block.
        unsafe { *(parameter(launch, 0) as *mut u8).add(block as usize) += 1 };
        std::hint::black_box(warp);
    }
    0
}

#[test]
fn every_block_runs_once() {
    let engine = engine(4);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = serial("mark", mark_block);
    for grid in [[1, 1, 1], [7, 1, 1], [1000, 3, 2], [65_536, 1, 1]] {
        let blocks: u32 = grid.iter().product();
        let mut marks = vec![0u8; blocks as usize];
        let parameters = words(&[marks.as_mut_ptr() as u64]);
        stream.launch(&Launch::new(&kernel, grid, [32, 1, 1], &parameters)).unwrap();
        stream.synchronize();
        assert!(marks.iter().all(|&mark| mark == 1), "grid {grid:?}");
    }
}

#[test]
fn a_stream_is_in_order_and_longer_than_its_ring() {
    let engine = engine(2);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = serial("append", append_digit);
    let total = AtomicU64::new(0);
    let count = serial("count", count_blocks);
    let number = AtomicU64::new(0);
    for digit in 1..=9 {
        let parameters = words(&[&raw const number as u64, digit]);
        stream.launch(&Launch::new(&kernel, [1, 1, 1], [1, 1, 1], &parameters)).unwrap();
    }
    for _ in 0..20_000 {
        let parameters = words(&[&raw const total as u64]);
        stream.launch(&Launch::new(&count, [3, 1, 1], [1, 1, 1], &parameters)).unwrap();
    }
    stream.synchronize();
    assert_eq!(number.load(Ordering::Relaxed), 123_456_789);
    assert_eq!(total.load(Ordering::Relaxed), 60_000);
    assert!(stream.is_idle());
}

#[test]
fn a_launch_is_carried_out_though_nobody_waits() {
    let engine = engine(1);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = serial("count", count_blocks);
    let total = AtomicU64::new(0);
    for round in 1..=50 {
        let parameters = words(&[&raw const total as u64]);
        stream.launch(&Launch::new(&kernel, [1, 1, 1], [1, 1, 1], &parameters)).unwrap();
        while total.load(Ordering::Relaxed) < round {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(20 * round));
    }
}

#[test]
fn host_functions_waits_and_time_stamps_keep_the_order() {
    let engine = engine(2);
    let domain = engine.domain(DomainConfig::default());
    let (first, second) = (engine.stream(&domain, 0).unwrap(), engine.stream(&domain, 0).unwrap());
    let kernel = serial("append", append_digit);
    let number = Arc::new(AtomicU64::new(0));
    let append = |digit| words(&[Arc::as_ptr(&number) as u64, digit]);
    let (early, late) = (Arc::new(Timestamp::default()), Arc::new(Timestamp::default()));
    let start = first.stamp(&early);
    first.host_function({
        let number = number.clone();
        move || {
            std::thread::sleep(Duration::from_millis(5));
            number.store(1, Ordering::Relaxed);
        }
    });
    first.launch(&Launch::new(&kernel, [1, 1, 1], [1, 1, 1], &append(2))).unwrap();
    second.wait_for(&first.position());
    second.launch(&Launch::new(&kernel, [1, 1, 1], [1, 1, 1], &append(3))).unwrap();
    let end = second.stamp(&late);
    first.wait_for(&end);
    first.operation({
        let number = number.clone();
        move || {
            number.fetch_add(1000, Ordering::Relaxed);
        }
    });
    first.synchronize();
    assert!(start.is_reached() && end.is_reached());
    assert_eq!(number.load(Ordering::Relaxed), 1123);
    assert!(late.get_ns().unwrap() - early.get_ns().unwrap() >= 5_000_000);
}

#[test]
fn many_streams_and_threads_at_a_time() {
    let engine = engine(3);
    let domain = engine.domain(DomainConfig::default());
    let kernels: Vec<_> = (0..12).map(|i| serial(&format!("count{i}"), count_blocks)).collect();
    let total = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (engine, domain, kernels, total) = (&engine, &domain, &kernels, &total);
            scope.spawn(move || {
                let streams: Vec<_> = (0..8).map(|i| engine.stream(domain, i % 3 - 1).unwrap()).collect();
                for round in 0..400 {
                    let parameters = words(&[std::ptr::from_ref(total) as u64]);
                    let kernel = &kernels[(round + thread) % kernels.len()];
                    let stream = &streams[round % streams.len()];
                    let blocks = 1 + (round % 37) as u32;
                    stream.launch(&Launch::new(kernel, [blocks, 1, 1], [64, 1, 1], &parameters)).unwrap();
                    if round % 5 == 0 {
                        streams[(round + 3) % streams.len()].wait_for(&stream.position());
                    }
                    if round % 50 == 0 {
                        stream.synchronize();
                        stream.trim();
                    }
                }
                streams.iter().for_each(|stream| stream.synchronize());
            });
        }
    });
    let expected: u64 = 4 * (0..400).map(|round| 1 + round % 37).sum::<u64>();
    assert_eq!(total.load(Ordering::Relaxed), expected);
}

/// Waits until the word at parameter 0 is set, and then sets the one at parameter 1 to the order of the launch.
unsafe extern "C" fn note_order(launch: *const LaunchContext, _: *mut WarpContext, _: u64, _: u64) -> u32 {
    // SAFETY: the test passes addresses of atomics.
    unsafe {
        let counter = &*(parameter(launch, 0) as *const AtomicU64);
        (*(parameter(launch, 1) as *const AtomicU64)).store(counter.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }
    0
}

#[test]
fn the_more_urgent_stream_goes_first() {
    let engine = engine(1);
    let domain = engine.domain(DomainConfig::default());
    let gate = engine.stream(&domain, 0).unwrap();
    let streams: Vec<_> = [2, 1, 0, -1].map(|priority| engine.stream(&domain, priority).unwrap()).into();
    let kernel = serial("order", note_order);
    let counter = AtomicU64::new(0);
    let orders: Vec<AtomicU64> = (0..4).map(|_| AtomicU64::new(u64::MAX)).collect();
    // All become ready at the same moment, on the only core.
    gate.host_function(|| std::thread::sleep(Duration::from_millis(20)));
    let position = gate.position();
    for (stream, order) in streams.iter().zip(&orders) {
        stream.wait_for(&position);
        let parameters = words(&[&raw const counter as u64, std::ptr::from_ref(order) as u64]);
        stream.launch(&Launch::new(&kernel, [1, 1, 1], [1, 1, 1], &parameters)).unwrap();
    }
    while counter.load(Ordering::Relaxed) < 4 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let last = orders[0].load(Ordering::Relaxed);
    assert!(last >= 1, "the least urgent stream went first");
    assert!(orders[3].load(Ordering::Relaxed) <= 1, "the most urgent stream did not go early");
}

#[test]
fn wrong_launches_are_refused() {
    let engine = engine(1);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = serial("count", count_blocks);
    let launch = Launch::new(&kernel, [1, 1, 1], [1, 1, 1], &[]);
    let refused = |launch: Launch| stream.launch(&launch).unwrap_err().0;
    assert_eq!(refused(Launch { block: [0, 1, 1], ..launch }), "a block has 1 to 1024 threads");
    assert_eq!(refused(Launch { block: [1025, 1, 1], ..launch }), "a block has 1 to 1024 threads");
    assert_eq!(refused(Launch { grid: [1, 0, 1], ..launch }), "a grid has at least one block");
    assert_eq!(refused(Launch { cluster: [3, 1, 1], ..launch }), "the grid is not a multiple of the cluster");
    assert_eq!(refused(Launch { cluster: [17, 1, 1], ..launch }), "a cluster has 1 to 16 blocks");
    let long = vec![0; 40_000];
    assert_eq!(refused(Launch { parameters: &long, ..launch }), "there are more than 32764 bytes of parameters");
    assert!(stream.is_idle());
    let _ = block_of;
}
