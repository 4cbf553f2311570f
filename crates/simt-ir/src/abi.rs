//! The contract between machine code and the engine that runs it.
//!
//! Machine code has no external symbols: everything it needs lies behind two pointers, a [`LaunchContext`] that all warps
//! of a grid share and a [`WarpContext`] of its own. Code generators take field offsets from `core::mem::offset_of!`.
//!
//! Kernels come in two shapes ([`ExecutionMode`]):
//! * *run to completion*: nothing in the kernel waits for another warp, so one call runs a whole range of blocks;
//! * *suspendable*: the call runs one warp until it ends or has to wait. What lives across the wait is in the warp's `frame`, and the
//!   next call goes on behind it. A warp can be left for good at such a point, or resumed by another thread.
//!
//! A call runs one warp, or a *team* of warps whose lanes it computes together as if they were one warp of [`KernelCode::lanes`] lanes.
//! A team's block has a multiple of that many threads, and no lane of it ends before the last barrier: at a barrier each of the 32 bits of the
//! context's masks stands for as many threads as the team has warps.
//!
//! Memory: a *generic* address is a host address. Global, shared and local memory all lie in one reserved range, in the midst of
//! `[arena_base, arena_base + arena_size)`, so that one comparison tells a wild pointer, whatever constant is added to it afterwards; other host memory that the program
//! registered is reached through [`RuntimeTable::check_access`]. Shared addresses are offsets from [`WarpContext::shared`]; local
//! addresses of lane `l` are offsets from `local + l * local_stride`.

use std::ffi::c_void;
use std::sync::atomic::AtomicU32;

/// What a call of machine code reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Status {
    /// The warp (or every warp of the range) has ended.
    Done = 0,
    /// The launch has failed; a runtime function has recorded why. The warp must not be resumed.
    Fault = 1,
    /// The warp waits at the barrier described in its context.
    Barrier = 2,
    /// The warp waits for something that another warp or block will do; run others first.
    Yield = 3,
    /// The warp waits at the barrier of its cluster.
    ClusterBarrier = 4,
}

/// How a kernel's machine code is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum ExecutionMode {
    /// By [`RunBlocks`].
    RunToCompletion = 0,
    /// By [`RunWarp`].
    Suspendable = 1,
}

/// Runs `count` blocks of the grid from linear index `first` (x fastest), all warps of each. The code sets
/// `block_index` and `warp_index` in the context as it goes, for diagnostics. Returns [`Status::Done`] or [`Status::Fault`].
pub type RunBlocks =
    unsafe extern "C" fn(launch: *const LaunchContext, warp: *mut WarpContext, first: u64, count: u64) -> u32;

/// Runs one warp from `resume_point` on (0: its start), or a [`Round`] of warps from `warp` on, and returns a [`Status`]: that of
/// [`Round::current`].
pub type RunWarp = unsafe extern "C" fn(launch: *const LaunchContext, warp: *mut WarpContext, round: *mut Round) -> u32;

/// Constant offsets of accesses, and what an access spans, are smaller than this.
pub const OFFSET_REACH: u64 = 1 << 32;

/// What an index of 32 bits, with a sign or without, of elements of up to 8 bytes adds to its base is smaller than this, either way.
pub const INDEX_REACH: u64 = 1 << 35;

/// Lanes of the largest team: of the warps that one call computes together.
pub const TEAM_LANES_MAX: u32 = 256;

/// The shared memory of the blocks of a cluster lies one after the other by rank, each beginning at a multiple of this.
pub const SHARED_ALIGN: u64 = 1024;

/// Bytes before and behind the shared memory of blocks that can be read, whatever lies there: those that lanes of a team reach which lie one
/// before the other, 8 bytes each.
pub const SHARED_MARGIN: u64 = 8 * TEAM_LANES_MAX as u64;

/// What all warps of a launch share. The code only reads it, except `abort`.
#[repr(C)]
pub struct LaunchContext {
    /// The kernel's parameter buffer, aligned to 16.
    pub params: *const u8,
    /// Address of each global or const symbol, in the order of `Program::symbols` (others: 0).
    pub symbols: *const u64,
    /// Functions of the runtime.
    pub runtime: *const RuntimeTable,
    /// Start of the range in which an address has to lie: all device memory, and [`OFFSET_REACH`] before it.
    pub arena_base: u64,
    /// Size of that range, which ends [`OFFSET_REACH`] behind device memory. Twice as far out addresses still fault by themselves.
    pub arena_size: u64,
    /// Start of the range in which a base has to lie to which indices of 32 bits are added without a test of the sum: that of addresses, where
    /// twice [`INDEX_REACH`] further out they still fault by themselves; else one where no base lies. One with which an index led to a good address is as good.
    pub bases_start: u64,
    /// Size of that range less one.
    pub bases_last: u64,
    /// `%gridid`.
    pub grid_id: u64,
    /// Size of the grid in blocks.
    pub grid: [u32; 3],
    /// Size of a block in threads.
    pub block: [u32; 3],
    /// Size of a cluster in blocks; (1, 1, 1) without clusters.
    pub cluster: [u32; 3],
    /// `%dynamic_smem_size`.
    pub dynamic_shared_bytes: u32,
    /// Static plus dynamic shared memory: the bound of shared addresses.
    pub shared_bytes: u32,
    /// Local memory of a lane in bytes: the bound of local addresses.
    pub local_stride: u32,
    /// `%nsmid`.
    pub sm_count: u32,
    /// `%envreg0` … `%envreg3`; 1 and 2 hold the address of the cooperative grid's workspace.
    pub environment: [u32; 4],
    /// Non-zero once the launch has failed: workers stop taking blocks, long loops may look.
    pub abort: AtomicU32,
    /// The engine's own.
    pub engine: *mut c_void,
}

/// Warps of a block whose contexts lie one behind the other, and that a call may run in turn: where all remaining lanes of a warp wait for all
/// threads of the block at barrier 0, code may go on with the next warp by itself, and behind the last with the first, as all have arrived. Where
/// `first` ends, code may go on with the next warp, with which the round begins from then on.
/// Of the warps before `current` it tells the engine nothing when it returns: those before `first` have ended, the others wait there.
#[repr(C)]
#[derive(Debug)]
pub struct Round {
    /// The warp that runs. Set by the engine at first.
    pub current: *mut WarpContext,
    /// Where the round begins. Moved on as its first warps end.
    pub first: *mut WarpContext,
    /// The last warp of the round. All warps of the block that have not ended take part, or `first` alone.
    pub last: *mut WarpContext,
    /// How many barriers the round may still pass. 0 if not all warps of the block take part.
    pub barriers_left: u32,
}

/// State of a warp, or of the worker that runs one warp after the other.
#[repr(C, align(64))]
pub struct WarpContext {
    /// Where to go on; 0 is the start. Written by the code when it suspends.
    pub resume_point: u32,
    /// Index of the warp, or the team, in its block.
    pub warp_index: u32,
    /// `%ctaid`.
    pub block_index: [u32; 3],
    /// `%smid`.
    pub sm_id: u32,
    /// The block's shared memory, aligned to 128.
    pub shared: *mut u8,
    /// The warp's local memory, aligned to 64: 32 times `local_stride` bytes.
    pub local: *mut u8,
    /// Values saved across suspensions: `KernelCode::frame_bytes`, aligned to 64.
    pub frame: *mut u8,
    /// With [`Status::Barrier`]: which barrier, 0–15.
    pub barrier_id: u32,
    /// With [`Status::Barrier`]: how many threads take part; 0 means all threads of the block that have not exited. With
    /// [`BARRIER_ARRIVE_ONLY`] added the warp only arrives, and is to be resumed at once (`bar.arrive`).
    pub barrier_threads: u32,
    /// With [`Status::Barrier`]: lanes that arrive.
    pub barrier_lanes: u32,
    /// With [`Status::Barrier`]: arriving lanes whose predicate is true (reducing barriers).
    pub barrier_predicate: u32,
    /// Set by the engine before it resumes: number of threads of the barrier whose predicate was true, and in
    /// `barrier_total` how many took part.
    pub barrier_count: u32,
    /// See `barrier_count`.
    pub barrier_total: u32,
    /// Lanes of the warp that have exited.
    pub exited: u32,
    /// The memory access in progress: PTX line << 8 | shape. Shape 0: all lanes at one place, which is where the processor finds a fault; 1 to 32: lane
    /// `l` at `access_base + l * shape`; 33 to 240: see [`AccessRows`]; 249 to 252: lane `l` at `access_base` and as many times 1, 2, 4 or 8 bytes as
    /// the `l`th of the words says that `access_addresses` holds, a number with a sign; 253: the lane with the number `access_base`, alone, where
    /// the processor finds a fault; 255: lane `l` at `access_addresses[l]`.
    pub access: u32,
    /// The lane that `access_addresses` begins with and that a mask's bit 0 stands for, while the engine looks at 32 lanes of a team; else 0.
    pub first_lane: u32,
    /// See `access`.
    pub access_base: u64,
    /// See `access`.
    pub access_addresses: [u64; TEAM_LANES_MAX as usize],
    /// The engine's own.
    pub engine: *mut c_void,
    /// Where instrumented code counts (see [`crate::instrument`]): nobody else writes there while the warp runs. Null for a kernel
    /// without instrumentation.
    pub tally: *mut u64,
}

/// Flag in [`WarpContext::barrier_threads`].
pub const BARRIER_ARRIVE_ONLY: u32 = 1 << 31;

/// Shape code in [`WarpContext::access`] of an access by index, of elements of one byte; those of larger ones follow.
pub const ACCESS_INDEXED: u32 = 249;

/// Shape code in [`WarpContext::access`] of an access of one lane.
pub const ACCESS_ALONE: u32 = 253;

/// Shape code in [`WarpContext::access`] of an access whose addresses are listed.
pub const ACCESS_LISTED: u32 = 255;

/// An access by rows: segments of lanes, each at one place or with its lanes one behind the other. `access_addresses` has where each row
/// begins, or where all of them do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessRows {
    /// How many there are: at most 16, and a part of the lanes each.
    pub rows: u32,
    /// From lane to lane of a row: 0, or the bytes of a lane, a power of two up to 32.
    pub stride: u32,
    /// Whether all rows are at the first one's place.
    pub same: bool,
}

impl AccessRows {
    const FIRST: u32 = 33;
    const KINDS: u32 = 13;

    /// The shape code in [`WarpContext::access`].
    pub fn code(self) -> u32 {
        let kind = if self.stride == 0 { 0 } else { 1 + 2 * self.stride.trailing_zeros() + u32::from(self.same) };
        Self::FIRST + kind * 16 + self.rows - 1
    }

    /// What a shape code says.
    pub fn from_code(code: u32) -> Option<AccessRows> {
        let number = code.checked_sub(Self::FIRST)?;
        let (kind, rows) = (number / 16, number % 16 + 1);
        let contiguous = kind.checked_sub(1);
        let (stride, same) = contiguous.map_or((0, false), |kind| (1 << (kind / 2), kind % 2 == 1));
        (kind < Self::KINDS).then_some(AccessRows { rows, stride, same })
    }
}

/// Kinds of access, for [`RuntimeTable::check_access`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum AccessKind {
    /// A load.
    Load = 0,
    /// A store.
    Store = 1,
    /// A read-modify-write.
    Atomic = 2,
}

/// The address spaces of [`RuntimeTable::check_access`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum AccessSpace {
    /// Global, const or generic: `access_addresses` are host addresses.
    Global = 0,
    /// `access_addresses` are offsets in shared memory.
    Shared = 1,
    /// `access_addresses` are offsets in local memory.
    Local = 2,
}

/// What machine code may call. All are called on the thread that runs the warp; none of them unwinds.
#[repr(C)]
pub struct RuntimeTable {
    /// An access did not pass the inline check (range of the arena, bounds of shared or local memory, alignment).
    /// `warp.access` and `access_addresses` describe it for the lanes in `lanes`; `size` is in bytes and a power of two or 12/24 never.
    /// Returns 0 if the access is in order after all (registered host memory), else records the fault and returns 1: the
    /// code then returns [`Status::Fault`].
    pub check_access: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        size: u32,
        kind: AccessKind,
        space: AccessSpace,
    ) -> u32,
    /// `trap` (kind 0), jump through a pointer that is no function (kind 1), stack overflow (kind 2), barrier misuse
    /// (kind 3), at PTX line `line`. Records the fault.
    pub fault:
        unsafe extern "C" fn(launch: *const LaunchContext, warp: *mut WarpContext, lanes: u32, line: u32, kind: u32),
    /// `vprintf` for each lane of `lanes`, in lane order; arrays of 32 generic addresses; results are stored per lane.
    pub vprintf: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        formats: *const u64,
        arguments: *const u64,
        results: *mut u32,
    ),
    /// `__assertfail`: `arguments` are five arrays of 32: message, file, line, function, character size. Records the fault.
    pub assert_fail: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        arguments: *const [u64; 32],
    ),
    /// Device `malloc` for each lane; 0 when the heap is used up.
    pub malloc: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        sizes: *const u64,
        results: *mut u64,
    ),
    /// Device `free` for each lane.
    pub free:
        unsafe extern "C" fn(launch: *const LaunchContext, warp: *mut WarpContext, lanes: u32, addresses: *const u64),
    /// Device clock in cycles (`%clock64`).
    pub clock: unsafe extern "C" fn() -> u64,
    /// Nanoseconds (`%globaltimer`).
    pub global_timer: unsafe extern "C" fn() -> u64,
    /// Evaluates a pure operation for all 32 lanes by its plain meaning (`crate::number`): the slow, exact way for what has
    /// no good vector form (directed rounding …). `code` is `crate::number::encode`d; operands are arrays of 32 bit patterns.
    pub evaluate: unsafe extern "C" fn(code: u64, a: *const u64, b: *const u64, c: *const u64, result: *mut u64),
    /// A call that the system answers ([`crate::DeviceCall`], by its number) for each lane of `lanes`, in lane order. Arguments are
    /// arrays of 32 bit patterns, one behind the other; results are stored per lane. Returns 0, or records a fault and returns 1:
    /// the code then returns [`Status::Fault`].
    pub device: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        line: u32,
        code: u32,
        arguments: *const [u64; 32],
        results: *mut [u64; 32],
    ) -> u32,
    /// An operation on textures or surfaces for each lane of `lanes`, by its plain meaning ([`crate::texture::execute`]). `code` is
    /// [`crate::texture::TextureOp::encode`]d; operands and results are arrays of 32 bit patterns, one behind the other. Returns 0,
    /// or records a fault and returns 1: the code then returns [`Status::Fault`].
    pub texture: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        line: u32,
        code: u64,
        operands: *const [u64; 32],
        results: *mut [u64; 32],
    ) -> u32,
    /// The same for an operation on tensors ([`crate::tensor::execute`], [`crate::tensor::TensorOp::encode`]).
    pub tensor: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        line: u32,
        code: u64,
        operands: *const [u64; 32],
        results: *mut [u64; 32],
    ) -> u32,
    /// Instrumented code only: `lanes` are about to access `access_addresses`, at site `site`; `size` in bytes. Before the access is
    /// checked.
    pub observe_access: unsafe extern "C" fn(
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        lanes: u32,
        site: u32,
        size: u32,
        kind: AccessKind,
        space: AccessSpace,
    ),
    /// Instrumented code only: of `lanes`, those in `taken` go one way at a branch at which lanes may disagree, and the others another.
    pub observe_branch:
        unsafe extern "C" fn(launch: *const LaunchContext, warp: *mut WarpContext, lanes: u32, site: u32, taken: u32),
    /// Instrumented code only: `lanes` arrive at a barrier of the block, or execute an operation of the lanes that a mask names.
    /// `access_addresses` hold for each lane the barrier's number and, 32 bits higher, how many threads it waits for (0: all), or the mask.
    pub observe_meeting:
        unsafe extern "C" fn(launch: *const LaunchContext, warp: *mut WarpContext, lanes: u32, site: u32),
}

/// Machine code of a kernel, as the engine sees it.
#[derive(Clone, Copy, Debug)]
pub struct KernelCode {
    /// Address of a [`RunBlocks`] or [`RunWarp`].
    pub entry: usize,
    /// Which of the two.
    pub mode: ExecutionMode,
    /// Threads that a call runs: 32, or several times as many.
    pub lanes: u32,
    /// Bytes of a suspended warp's frame.
    pub frame_bytes: u32,
    /// Bytes of local memory that the kernel needs for each lane, callees without recursion included.
    pub local_bytes: u32,
    /// Whether it recurses or calls through pointers, so that it wants the configured stack size, and a deep host stack.
    pub needs_stack: bool,
    /// Bytes of static shared memory.
    pub shared_bytes: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_codes_of_their_own() {
        let strides = [0, 1, 2, 4, 8, 16, 32];
        let all =
            strides.iter().flat_map(|stride| (1..=16).flat_map(|rows| [(*stride, rows, false), (*stride, rows, true)]));
        let all: Vec<AccessRows> = all
            .filter(|(stride, _, same)| *stride != 0 || !same)
            .map(|(stride, rows, same)| AccessRows { rows, stride, same })
            .collect();
        assert!(all.iter().all(|rows| AccessRows::from_code(rows.code()) == Some(*rows)));
        assert_eq!(
            (all.iter().map(|rows| rows.code()).min(), all.iter().map(|rows| rows.code()).max()),
            (Some(33), Some(240))
        );
        assert!(
            [0, 1, 32, ACCESS_INDEXED, ACCESS_ALONE, ACCESS_LISTED]
                .iter()
                .all(|code| AccessRows::from_code(*code).is_none())
        );
    }
}
