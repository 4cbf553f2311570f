//! Blocks whose warps wait: for each other, for other blocks, for other kernels.

mod common;

use common::{block_of, code, engine, kernel, parameter, suspendable, words};
use simt::{DomainConfig, FaultKind, Launch};
use simt_ir::abi::{ExecutionMode, KernelCode, LaunchContext, Round, Status, WarpContext};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Each warp adds its index to a word in shared memory; after the barrier each finds the sum of all.
unsafe extern "C" fn sum_in_shared(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: shared memory has room for the word; the test passes an array with a word for each warp of the grid.
    unsafe {
        let context = &mut *warp;
        let sum = &*context.shared.cast::<AtomicU32>();
        let warps = (*launch).block[0].div_ceil(32);
        match context.resume_point {
            0 => {
                if context.warp_index == 0 {
                    sum.store(0, Ordering::Relaxed);
                }
                barrier(context, 1, 0, u32::MAX)
            }
            1 => {
                sum.fetch_add(context.warp_index, Ordering::Relaxed);
                barrier(context, 2, 0, u32::MAX)
            }
            _ => {
                let result = (parameter(launch, 0) as *mut u32)
                    .add((block_of(launch, warp) * u64::from(warps)) as usize + context.warp_index as usize);
                *result = sum.load(Ordering::Relaxed);
                Status::Done as u32
            }
        }
    }
}

/// Suspends at barrier `id` with all lanes and goes on at `resume_point`.
fn barrier(context: &mut WarpContext, resume_point: u32, id: u32, predicate: u32) -> u32 {
    context.resume_point = resume_point;
    context.barrier_id = id;
    context.barrier_threads = 0;
    context.barrier_lanes = u32::MAX;
    context.barrier_predicate = predicate;
    Status::Barrier as u32
}

#[test]
fn barriers_order_what_warps_do_in_shared_memory() {
    let engine = engine(3);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let code = KernelCode { shared_bytes: 64, ..code(sum_in_shared as *const () as usize, ExecutionMode::Suspendable) };
    let kernel = kernel("sum", code);
    for (threads, blocks) in [(32, 1), (1000, 50), (1024, 300), (96, 4000)] {
        let warps = threads / 32 + u32::from(threads % 32 != 0);
        let mut sums = vec![0u32; (warps * blocks) as usize];
        let parameters = words(&[sums.as_mut_ptr() as u64]);
        stream.launch(&Launch::new(&kernel, [blocks, 1, 1], [threads, 1, 1], &parameters)).unwrap();
        stream.synchronize();
        assert!(domain.fault().is_none());
        assert!(sums.iter().all(|&sum| sum == warps * (warps - 1) / 2), "{threads} threads, {blocks} blocks");
    }
}

/// Stores what a reducing barrier says: how many threads had a true predicate, and how many there were.
unsafe extern "C" fn reduce(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: the test passes two words.
    unsafe {
        let context = &mut *warp;
        if context.resume_point == 0 {
            // The last warp has lanes that leave before.
            if context.warp_index == 2 {
                context.exited = 0b11;
            }
            return barrier(context, 1, 5, 0b0101_0101);
        }
        *(parameter(launch, 0) as *mut u32) = context.barrier_count;
        *(parameter(launch, 0) as *mut u32).add(1) = context.barrier_total;
    }
    Status::Done as u32
}

#[test]
fn reducing_barriers_count_threads_that_live() {
    let engine = engine(1);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = suspendable("reduce", reduce);
    let mut result = [0u32; 2];
    let parameters = words(&[result.as_mut_ptr() as u64]);
    stream.launch(&Launch::new(&kernel, [1, 1, 1], [70, 1, 1], &parameters)).unwrap();
    stream.synchronize();
    // The last warp has six threads, of which two have left; bits 2 and 4 of its predicate are left.
    assert_eq!(result, [4 + 4 + 2, 68]);
}

/// Block n waits until block n - 1 has set its flag, and then sets its own: a chain through the whole grid.
unsafe extern "C" fn chain(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: the test passes an array with a flag for each block, and one.
    unsafe {
        let flags = parameter(launch, 0) as *const AtomicU32;
        let block = block_of(launch, warp) as usize;
        let previous = &*flags.add(if parameter(launch, 1) == 0 { block } else { block + 1 });
        if previous.load(Ordering::Acquire) == 0 {
            return Status::Yield as u32;
        }
        (*flags.add(if parameter(launch, 1) == 0 { block + 1 } else { block })).store(1, Ordering::Release);
    }
    Status::Done as u32
}

#[test]
fn blocks_that_wait_for_earlier_blocks_get_on() {
    for workers in [1, 3] {
        let engine = engine(workers);
        let domain = engine.domain(DomainConfig::default());
        let stream = engine.stream(&domain, 0).unwrap();
        let kernel = suspendable("chain", chain);
        let flags: Vec<AtomicU32> = (0..2001).map(|block| AtomicU32::new(u32::from(block == 0))).collect();
        let parameters = words(&[flags.as_ptr() as u64, 0]);
        stream.launch(&Launch::new(&kernel, [2000, 1, 1], [32, 1, 1], &parameters)).unwrap();
        stream.synchronize();
        assert!(flags.iter().all(|flag| flag.load(Ordering::Relaxed) == 1));
    }
}

#[test]
fn blocks_that_wait_for_later_blocks_get_on_when_all_are_resident() {
    for (workers, cooperative) in [(1, true), (3, true), (1, false), (2, false)] {
        let engine = engine(workers);
        let domain = engine.domain(DomainConfig::default());
        let stream = engine.stream(&domain, 0).unwrap();
        let kernel = suspendable("chain", chain);
        let blocks = if cooperative { 1000 } else { 500 };
        let flags: Vec<AtomicU32> = (0..=blocks).map(|block| AtomicU32::new(u32::from(block == blocks))).collect();
        let parameters = words(&[flags.as_ptr() as u64, 1]);
        let launch = Launch::new(&kernel, [blocks, 1, 1], [32, 1, 1], &parameters);
        stream.launch(&Launch { cooperative, ..launch }).unwrap();
        stream.synchronize();
        assert!(flags.iter().all(|flag| flag.load(Ordering::Relaxed) == 1));
    }
}

/// The barrier of a cooperative grid, as the headers of cooperative groups do it with the workspace.
unsafe extern "C" fn grid_sync(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: a cooperative launch has a workspace; the test passes a word.
    unsafe {
        let context = &mut *warp;
        let [_, high, low, _] = (*launch).environment;
        let barrier = ((u64::from(high) << 32 | u64::from(low)) + 4) as *const AtomicU32;
        let old = context.frame.cast::<u32>();
        let arrived = &*(parameter(launch, 0) as *const AtomicU64);
        let blocks = (*launch).grid[0];
        if context.resume_point == 0 {
            arrived.fetch_add(1, Ordering::Relaxed);
            let amount = if context.block_index[0] == 0 { 0x8000_0000 - (blocks - 1) } else { 1 };
            *old = (*barrier).fetch_add(amount, Ordering::AcqRel);
            context.resume_point = 1;
        }
        if ((*barrier).load(Ordering::Acquire) ^ *old) & 0x8000_0000 == 0 {
            return Status::Yield as u32;
        }
        if arrived.load(Ordering::Relaxed) != u64::from(blocks) {
            (*(parameter(launch, 0) as *const AtomicU64).add(1)).fetch_add(1, Ordering::Relaxed);
        }
    }
    Status::Done as u32
}

#[test]
fn a_cooperative_grid_synchronises() {
    let engine = engine(2);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = suspendable("grid_sync", grid_sync);
    for _ in 0..20 {
        let counters = [const { AtomicU64::new(0) }; 2];
        let parameters = words(&[counters.as_ptr() as u64]);
        let launch = Launch::new(&kernel, [200, 1, 1], [32, 1, 1], &parameters);
        stream.launch(&Launch { cooperative: true, ..launch }).unwrap();
        stream.synchronize();
        assert_eq!(counters.map(AtomicU64::into_inner), [200, 0]);
    }
}

/// Waits for a word to become 1.
unsafe extern "C" fn wait_for_word(launch: *const LaunchContext, _: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: the test passes the address of an atomic.
    let word = unsafe { &*(parameter(launch, 0) as *const AtomicU32) };
    if word.load(Ordering::Acquire) == 1 { Status::Done as u32 } else { Status::Yield as u32 }
}

unsafe extern "C" fn set_word(launch: *const LaunchContext, _: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: the test passes the address of an atomic.
    unsafe { (*(parameter(launch, 0) as *const AtomicU32)).store(1, Ordering::Release) };
    Status::Done as u32
}

#[test]
fn a_kernel_that_waits_for_another_kernel_or_the_host_leaves_the_core_to_them() {
    let engine = engine(1);
    let domain = engine.domain(DomainConfig::default());
    let (first, second) = (engine.stream(&domain, 0).unwrap(), engine.stream(&domain, 0).unwrap());
    let (waiter, setter) = (suspendable("wait", wait_for_word), suspendable("set", set_word));
    for host in [false, true] {
        let word = AtomicU32::new(0);
        let parameters = words(&[&raw const word as u64]);
        first.launch(&Launch::new(&waiter, [20, 1, 1], [64, 1, 1], &parameters)).unwrap();
        if host {
            std::thread::sleep(std::time::Duration::from_millis(3));
            word.store(1, Ordering::Release);
        } else {
            second.launch(&Launch::new(&setter, [1, 1, 1], [32, 1, 1], &parameters)).unwrap();
        }
        first.synchronize();
        second.synchronize();
    }
}

/// A cluster's blocks add up, wait for each other, and find the sum complete.
unsafe extern "C" fn cluster_sum(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: the test passes an array with a word for each cluster, and an error counter behind.
    unsafe {
        let context = &mut *warp;
        let clusters = parameter(launch, 0) as *const AtomicU32;
        let [x, y, _] = context.block_index;
        let mine = &*clusters.add((x / 2 + (y / 2) * ((*launch).grid[0] / 2)) as usize);
        if context.resume_point == 0 {
            mine.fetch_add(1, Ordering::Relaxed);
            context.resume_point = 1;
            return Status::ClusterBarrier as u32;
        }
        if mine.load(Ordering::Relaxed) != 8 {
            (*(parameter(launch, 1) as *const AtomicU32)).fetch_add(1, Ordering::Relaxed);
        }
    }
    Status::Done as u32
}

#[test]
fn the_blocks_of_a_cluster_wait_for_each_other() {
    let engine = engine(2);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = suspendable("cluster", cluster_sum);
    let sums: Vec<AtomicU32> = (0..6).map(|_| AtomicU32::new(0)).collect();
    let errors = AtomicU32::new(0);
    let parameters = words(&[sums.as_ptr() as u64, &raw const errors as u64]);
    let launch = Launch::new(&kernel, [6, 4, 1], [64, 1, 1], &parameters);
    stream.launch(&Launch { cluster: [2, 2, 1], ..launch }).unwrap();
    stream.synchronize();
    assert!(sums.iter().all(|sum| sum.load(Ordering::Relaxed) == 8));
    assert_eq!(errors.into_inner(), 0);
}

/// Warp 0 waits for all threads, the others for 32 of them only.
unsafe extern "C" fn disagree(_: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: the engine passes the warp's context.
    let context = unsafe { &mut *warp };
    if context.resume_point == 1 {
        return Status::Done as u32;
    }
    let id = if context.warp_index == 0 { 0 } else { 1 };
    barrier(context, 1, id, 0)
}

#[test]
fn warps_that_wait_for_ever_are_a_fault() {
    let engine = engine(2);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let kernel = suspendable("disagree", disagree);
    stream.launch(&Launch::new(&kernel, [4, 1, 1], [64, 1, 1], &[])).unwrap();
    stream.synchronize();
    let fault = domain.fault().unwrap();
    assert_eq!(fault.kind, FaultKind::Barrier);
    let text = "all warps of the block wait for ever: barrier 0 has 32 of 64 threads, barrier 1 has 32 of 64 threads";
    assert_eq!(fault.detail.as_deref(), Some(text));
}
