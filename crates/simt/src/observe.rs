//! Observers of instrumented kernels (`simt_ir::instrument`): counters, checkers of addresses and races. What they make of what they hear is
//! theirs; this is how they hear it.
//!
//! Each core has a *tally* of its own for each launch, in words that machine code and the observer count in, so that nothing has to be
//! locked. When the launch is over the tallies are added up, which gives the same sums whichever core ran which block.

use crate::kernel::Kernel;
use simt_ir::abi::{AccessKind, AccessSpace, ExecutionMode, LaunchContext, WarpContext};
use std::cell::UnsafeCell;
use std::fmt;
use std::ptr::null_mut;
use std::sync::OnceLock;

/// Which warp it is that does something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Number of the launch.
    pub grid_id: u64,
    /// Size of the grid in blocks.
    pub grid: [u32; 3],
    /// Size of a block in threads.
    pub block: [u32; 3],
    /// Whether blocks share memory with others of their cluster.
    pub clustered: bool,
    /// Static plus dynamic shared memory of a block in bytes.
    pub shared_bytes: u32,
    /// Index of the block.
    pub block_index: [u32; 3],
    /// Index of the warp in its block.
    pub warp: u32,
    /// Lanes that have ended.
    pub exited: u32,
    /// Tells apart the blocks that are under way: a block keeps its number, and the next to use the memory has the same one.
    pub slot: u64,
}

/// Lanes that meet others: at a barrier of the block, or in an operation of the lanes that a mask names.
#[derive(Clone, Copy, Debug)]
pub struct MeetingEvent<'a> {
    /// Number of the site.
    pub site: u32,
    /// Lanes that take part.
    pub lanes: u32,
    /// For each lane the barrier's number and, 32 bits higher, how many threads it waits for (0: all); or the mask.
    pub values: &'a [u64; 32],
    /// The warp.
    pub place: Place,
}

/// Lanes that access memory.
#[derive(Clone, Copy, Debug)]
pub struct AccessEvent<'a> {
    /// Number of the site.
    pub site: u32,
    /// Lanes that take part.
    pub lanes: u32,
    /// The lanes' addresses: offsets in shared and local memory, host addresses elsewhere.
    pub addresses: &'a [u64; 32],
    /// Bytes of each lane.
    pub bytes: u32,
    /// What they do.
    pub kind: AccessKind,
    /// Where, as far as the code knows: [`AccessSpace::Global`] may be any address.
    pub space: AccessSpace,
    /// The range of generic addresses of the shared memory of the block, or of its cluster.
    pub shared: (u64, u64),
    /// Where the warp's local memory begins, as a generic address, and the bytes of each lane.
    pub local: (u64, u32),
    /// The warp.
    pub place: Place,
}

/// A launch that is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaunchInfo {
    /// Number of the launch, as [`Place`] has it.
    pub grid_id: u64,
    /// Number of the stream, in the order in which they were made.
    pub stream: u64,
    /// Number of the command in its stream.
    pub sequence: u64,
    /// Size of the grid in blocks.
    pub grid: [u32; 3],
    /// Size of a block in threads.
    pub block: [u32; 3],
    /// Whether it failed.
    pub failed: bool,
}

/// Hears of what a kernel does. Called on the threads that run it, where a panic would end the process: methods do not panic.
pub trait KernelObserver: Send + Sync {
    /// Words of a tally; the first are those of the code's segments. All are 0 at first, and are added up at the end.
    fn tally_words(&self) -> usize;
    /// Lanes are about to access memory.
    fn access(&self, tally: &mut [u64], event: &AccessEvent<'_>);
    /// Of `lanes`, those in `taken` go one way, and the others another.
    fn branch(&self, tally: &mut [u64], site: u32, lanes: u32, taken: u32);
    /// Lanes are about to meet others.
    fn meeting(&self, tally: &mut [u64], event: &MeetingEvent<'_>);
    /// A launch is over; the sum of the tallies of all cores.
    fn finish(&self, launch: &LaunchInfo, tally: &[u64]);
}

/// The words of a core.
type CoreWords = Box<[UnsafeCell<u64>]>;

/// The tallies of a launch.
#[derive(Default)]
pub(crate) struct Tallies {
    words: usize,
    cores: Box<[OnceLock<CoreWords>]>,
}

// SAFETY: a core's words are only used by the thread that has the core, and by who finishes the launch when no core runs it any more.
unsafe impl Sync for Tallies {}

impl fmt::Debug for Tallies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tallies").field("words", &self.words).finish_non_exhaustive()
    }
}

impl Tallies {
    /// Tallies for a launch of a kernel; none if nobody observes it.
    pub(crate) fn of(kernel: &Kernel, cores: usize) -> Option<Box<Tallies>> {
        let words = kernel.observer()?.tally_words();
        Some(Box::new(Tallies { words, cores: (0..cores).map(|_| OnceLock::new()).collect() }))
    }

    /// A core's words.
    pub(crate) fn of_core(&self, core: usize) -> *mut u64 {
        let Some(slot) = self.cores.get(core) else { return null_mut() };
        // A word more, so that there is an address even if the code counts nothing.
        let words = slot.get_or_init(|| (0..self.words + 1).map(|_| UnsafeCell::new(0)).collect());
        words[0].get()
    }

    /// The sums over all cores.
    ///
    /// # Safety
    /// No core runs the launch any more, and what they wrote is visible.
    pub(crate) unsafe fn sums(&self) -> Vec<u64> {
        let mut sums = vec![0u64; self.words];
        for words in self.cores.iter().filter_map(OnceLock::get) {
            for (sum, word) in sums.iter_mut().zip(words) {
                // SAFETY: the caller's promise.
                *sum = sum.wrapping_add(unsafe { *word.get() });
            }
        }
        sums
    }
}

/// The observer and the tally of a running warp; none where it is not observed, which instrumented code never is.
///
/// # Safety
/// Both contexts are those of a warp that is running on this thread.
unsafe fn observed<'a>(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
) -> Option<(&'a dyn KernelObserver, &'a mut [u64])> {
    // SAFETY: the grid of the launch is in progress, so that its stream and kernel live.
    unsafe {
        let stream = &*(*launch).engine.cast::<crate::queue::Stream>();
        let observer = (*stream.grid().plan().kernel).observer()?;
        let tally = (*warp).tally;
        // The words are this core's own while the warp runs, and observers are told of one thing at a time.
        (!tally.is_null()).then(|| (observer, std::slice::from_raw_parts_mut(tally, observer.tally_words())))
    }
}

/// # Safety
/// Called by machine code, under the contract of `simt_ir::abi`.
pub(crate) unsafe extern "C" fn observe_access(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    site: u32,
    bytes: u32,
    kind: AccessKind,
    space: AccessSpace,
) {
    // SAFETY: machine code passes its own contexts.
    unsafe {
        let Some((observer, tally)) = observed(launch, warp) else { return };
        let (launch, warp) = (&*launch, &*warp);
        let Some(addresses) = warp.access_addresses.first_chunk() else { return };
        let event = AccessEvent {
            site,
            lanes,
            addresses,
            bytes,
            kind,
            space,
            shared: shared_range(launch, warp),
            local: (warp.local.addr() as u64, launch.local_stride),
            place: place_of(launch, warp),
        };
        observer.access(tally, &event);
    }
}

/// # Safety
/// Called by machine code, under the contract of `simt_ir::abi`.
pub(crate) unsafe extern "C" fn observe_branch(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    site: u32,
    taken: u32,
) {
    // SAFETY: machine code passes its own contexts.
    unsafe {
        if let Some((observer, tally)) = observed(launch, warp) {
            observer.branch(tally, site, lanes, taken);
        }
    }
}

/// # Safety
/// Called by machine code, under the contract of `simt_ir::abi`.
pub(crate) unsafe extern "C" fn observe_meeting(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    site: u32,
) {
    // SAFETY: machine code passes its own contexts.
    unsafe {
        let Some((observer, tally)) = observed(launch, warp) else { return };
        let (launch, warp) = (&*launch, &*warp);
        let Some(values) = warp.access_addresses.first_chunk() else { return };
        let event = MeetingEvent { site, lanes, values, place: place_of(launch, warp) };
        observer.meeting(tally, &event);
    }
}

/// Which warp it is.
///
/// # Safety
/// Both contexts are those of a warp that is running on this thread.
unsafe fn place_of(launch: &LaunchContext, warp: &WarpContext) -> Place {
    // SAFETY: the grid of the launch is in progress.
    let mode = unsafe { (*launch.engine.cast::<crate::queue::Stream>()).grid().plan().mode };
    let context = std::ptr::from_ref(warp).addr() as u64;
    // The contexts of a block's warps lie one behind the other, but where one call runs whole blocks there is a single one.
    let before = match mode {
        ExecutionMode::RunToCompletion => 0,
        ExecutionMode::Suspendable => u64::from(warp.warp_index) * size_of::<WarpContext>() as u64,
    };
    Place {
        grid_id: launch.grid_id,
        grid: launch.grid,
        block: launch.block,
        clustered: launch.cluster != [1; 3],
        shared_bytes: launch.shared_bytes,
        block_index: warp.block_index,
        warp: warp.warp_index,
        exited: warp.exited,
        slot: context - before,
    }
}

/// The generic addresses of the shared memory of all blocks of the warp's cluster: they lie one after the other, by rank.
fn shared_range(launch: &LaunchContext, warp: &WarpContext) -> (u64, u64) {
    let own = warp.shared.addr() as u64;
    let bytes = u64::from(launch.shared_bytes);
    let blocks: u64 = launch.cluster.iter().map(|&n| u64::from(n)).product();
    if blocks <= 1 {
        return (own, own + bytes);
    }
    let [x, y, z] = [0, 1, 2].map(|index| u64::from(warp.block_index[index] % launch.cluster[index].max(1)));
    let rank = x + u64::from(launch.cluster[0]) * (y + u64::from(launch.cluster[1]) * z);
    let stride = bytes.next_multiple_of(simt_ir::abi::SHARED_ALIGN);
    let first = own.wrapping_sub(rank * stride);
    (first, first.wrapping_add(blocks * stride))
}
