//! Code of a kernel that is exchanged while launches run.

mod common;

use common::{block_of, code, engine, parameter, words};
use simt::{DomainConfig, Kernel, Launch, Outcome, Services, Tuner, VARIANTS_MAX};
use simt_ir::abi::{ExecutionMode, KernelCode, LaunchContext, Round, WarpContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Adds to the word at parameter 0 for each of the blocks, and to the word at parameter 1 + `variant`.
unsafe fn count(launch: *const LaunchContext, variant: usize, blocks: u64) -> u32 {
    for index in [0, 1 + variant] {
        // SAFETY: the tests pass the addresses of three atomics.
        unsafe { (*(parameter(launch, index) as *const AtomicU64)).fetch_add(blocks, Ordering::Relaxed) };
    }
    0
}

unsafe extern "C" fn by_blocks(launch: *const LaunchContext, _: *mut WarpContext, _: u64, blocks: u64) -> u32 {
    // SAFETY: as for `count`.
    unsafe { count(launch, 0, blocks) }
}

/// The same, called once for each team of a block: the first one counts.
unsafe extern "C" fn by_teams(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: as for `count`; the engine passes the warp.
    unsafe {
        assert!(block_of(launch, warp) < 64);
        if (*warp).warp_index == 0 { count(launch, 1, 1) } else { 0 }
    }
}

fn codes() -> [KernelCode; 2] {
    let teams = code(by_teams as *const () as usize, ExecutionMode::Suspendable);
    [code(by_blocks as *const () as usize, ExecutionMode::RunToCompletion), KernelCode { lanes: 64, ..teams }]
}

/// What the engine told.
#[derive(Default)]
struct Heard {
    outcomes: Mutex<Vec<Outcome>>,
    due: AtomicU64,
}

impl Heard {
    fn outcomes(&self) -> MutexGuard<'_, Vec<Outcome>> {
        self.outcomes.lock().unwrap()
    }
}

impl Tuner for Heard {
    fn is_due(&self) {
        self.due.fetch_add(1, Ordering::Relaxed);
    }

    fn decided(&self, outcome: Outcome) {
        self.outcomes().push(outcome);
    }
}

fn kernel(heard: &Arc<Heard>) -> Arc<Kernel> {
    let services = Services { tuner: Some(heard.clone()), ..Services::default() };
    // SAFETY: the functions keep to the contract, and live as long as the test.
    unsafe { Kernel::with_services("count", codes()[0], [], Arc::new(()), services) }
}

/// Launches `kernel` from four threads, each with a stream of its own, while `meanwhile` runs; how many blocks were counted in all and by each
/// variant, and how many there were.
fn launch_from_many(kernel: &Arc<Kernel>, meanwhile: impl FnOnce()) -> ([u64; 3], u64) {
    const THREADS: u64 = 4;
    const LAUNCHES: u64 = 500;
    let engine = engine(3);
    let domain = engine.domain(DomainConfig::default());
    let counts = [const { AtomicU64::new(0) }; 3];
    let parameters = words(&counts.each_ref().map(|count| count.as_ptr() as u64));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let stream = engine.stream(&domain, 0).unwrap();
                for number in 0..LAUNCHES {
                    let launch = Launch::new(kernel, [33 + number as u32 % 8, 1, 1], [128, 1, 1], &parameters);
                    stream.launch(&launch).unwrap();
                    if number % 16 == 0 {
                        stream.synchronize();
                    }
                }
                stream.synchronize();
            });
        }
        meanwhile();
    });
    let blocks = THREADS * (0..LAUNCHES).map(|number| 33 + number % 8).sum::<u64>();
    (counts.map(|count| count.load(Ordering::Relaxed)), blocks)
}

#[test]
fn a_trial_is_decided_by_launches_of_many_threads() {
    let heard = Arc::new(Heard::default());
    let kernel = kernel(&heard);
    // SAFETY: both are translations of the same program.
    let begun = unsafe { kernel.compete(codes()[1], Arc::new(())) };
    assert!(begun);
    // SAFETY: as above.
    assert!(unsafe { !kernel.compete(codes()[1], Arc::new(())) }, "one trial at a time");
    let ([all, first, second], blocks) = launch_from_many(&kernel, || {});
    assert_eq!((all, first + second), (blocks, blocks));
    assert!(first > 0 && second > 0, "{first} and {second} blocks");
    let outcomes = heard.outcomes();
    let [outcome] = outcomes[..] else { panic!("{outcomes:?}") };
    let lanes = if matches!(outcome, Outcome::Taken(_)) { 64 } else { 32 };
    assert_eq!(kernel.code().lanes, lanes, "{outcome:?}");
}

#[test]
fn code_is_replaced_while_launches_run() {
    let heard = Arc::new(Heard::default());
    let kernel = kernel(&heard);
    let ([all, first, second], blocks) = launch_from_many(&kernel, || {
        for number in 1.. {
            std::thread::yield_now();
            // SAFETY: both are translations of the same program.
            if !unsafe { kernel.replace(codes()[number % 2], Arc::new(())) } {
                assert_eq!(number, VARIANTS_MAX);
                break;
            }
        }
    });
    assert_eq!((all, first + second), (blocks, blocks));
    assert_eq!(kernel.code().lanes, 64);
}

/// Set when the block that runs first may go on.
static MAY_GO_ON: AtomicBool = AtomicBool::new(false);

/// As `by_blocks`, but the first block waits until code has been replaced.
unsafe extern "C" fn slowly_by_blocks(
    launch: *const LaunchContext,
    _: *mut WarpContext,
    first: u64,
    blocks: u64,
) -> u32 {
    while first == 0 && !MAY_GO_ON.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
    // SAFETY: as for `count`.
    unsafe { count(launch, 0, blocks) }
}

unsafe extern "C" fn soon_by_blocks(launch: *const LaunchContext, _: *mut WarpContext, _: u64, blocks: u64) -> u32 {
    // SAFETY: as for `count`.
    unsafe { count(launch, 1, blocks) }
}

#[test]
fn a_launch_goes_on_with_what_replaces_provisional_code() {
    const BLOCKS: u64 = 100;
    let serial = |entry: simt_ir::abi::RunBlocks| code(entry as *const () as usize, ExecutionMode::RunToCompletion);
    let counts = [const { AtomicU64::new(0) }; 3];
    let parameters = words(&counts.each_ref().map(|count| count.as_ptr() as u64));
    let heard = Arc::new(Heard::default());
    let services = Services { tuner: Some(heard.clone()), ..Services::default() };
    // SAFETY: the functions keep to the contract, and live as long as the test.
    let kernel = unsafe { Kernel::with_services("count", serial(slowly_by_blocks), [], Arc::new(()), services) };
    kernel.make_provisional();
    kernel.notify_after(0);
    let engine = engine(1);
    let stream = engine.stream(&engine.domain(DomainConfig::default()), 0).unwrap();
    stream.launch(&Launch::new(&kernel, [BLOCKS as u32, 1, 1], [32, 1, 1], &parameters)).unwrap();
    // The engine hears of the launch by and by; whoever runs its first block waits for this.
    while heard.due.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    // SAFETY: both are translations of the same program.
    assert!(unsafe { kernel.replace(serial(soon_by_blocks), Arc::new(())) });
    MAY_GO_ON.store(true, Ordering::Relaxed);
    stream.synchronize();
    let [all, slow, soon] = counts.map(|count| count.load(Ordering::Relaxed));
    assert_eq!((all, slow, soon), (BLOCKS, 1, BLOCKS - 1));
}

#[test]
fn the_tuner_is_called_once_when_it_asked_for() {
    let heard = Arc::new(Heard::default());
    let kernel = kernel(&heard);
    launch_from_many(&kernel, || {});
    assert_eq!((heard.due.load(Ordering::Relaxed), kernel.spent_ns()), (0, 0), "nobody has asked");
    kernel.notify_after(1);
    launch_from_many(&kernel, || {});
    assert_eq!(heard.due.load(Ordering::Relaxed), 1);
    assert!(kernel.spent_ns() > 0);
}

#[test]
fn the_owner_of_code_is_let_go_with_the_kernel() {
    let heard = Arc::new(Heard::default());
    let (kernel, owner) = (kernel(&heard), Arc::new(()));
    // SAFETY: both are translations of the same program.
    assert!(unsafe { kernel.compete(codes()[1], owner.clone()) && kernel.replace(codes()[1], owner.clone()) });
    assert_eq!(Arc::strong_count(&owner), 3);
    drop(kernel);
    assert_eq!(Arc::strong_count(&owner), 1);
}
