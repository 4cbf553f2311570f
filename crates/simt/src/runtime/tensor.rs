//! Operations on tensors, lane after lane.
//!
//! As with textures ([`super::texture`]), an address that cannot be reached is the kernel's fault, and the signal handler leaves these
//! frames as it leaves machine code's: they hold nothing that would have to be dropped.

use super::report::Site;
use super::{enter, lanes_in, stream_of};
use crate::arena::Arena;
use crate::fault::{BadAccess, FaultKind};
use simt_ir::abi::{ACCESS_LISTED, LaunchContext, SHARED_ALIGN, WarpContext};
use simt_ir::tensor::{MAP_BYTES, Misuse, TensorOp, Update, World, execute};
use std::ptr;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Most operands of an operation: two addresses, five coordinates, three offsets.
const OPERANDS_MAX: usize = 10;

/// Shared memory of the cluster's blocks, one after the other by rank.
struct Cluster {
    /// Where that of the first block begins.
    base: u64,
    /// Bytes from one block's to the next.
    stride: u64,
    /// Bytes of each.
    bytes: u64,
    blocks: u64,
}

impl Cluster {
    fn of(launch: &LaunchContext, warp: &WarpContext) -> Cluster {
        let [nx, ny, nz] = launch.cluster.map(u64::from);
        let [x, y, z] = [0, 1, 2].map(|axis| u64::from(warp.block_index[axis] % launch.cluster[axis].max(1)));
        let bytes = u64::from(launch.shared_bytes);
        let stride = bytes.next_multiple_of(SHARED_ALIGN);
        let rank = x + nx * (y + ny * z);
        Cluster { base: (warp.shared as u64).wrapping_sub(rank * stride), stride, bytes, blocks: nx * ny * nz }
    }

    /// Whether bytes lie in one block's shared memory.
    fn holds(&self, address: u64, bytes: u64) -> bool {
        let distance = address.wrapping_sub(self.base);
        if self.stride == 0 || distance / self.stride >= self.blocks {
            return false;
        }
        let offset = distance % self.stride;
        bytes <= self.bytes && offset <= self.bytes - bytes
    }
}

/// The device's memory, as a lane reaches it.
struct Device<'a> {
    arena: &'a Arena,
    cluster: Cluster,
    /// First byte of the kernel's parameters, among which a map may be.
    parameters: u64,
    /// The running warp, and the lane whose turn it is.
    warp: *mut WarpContext,
    lane: usize,
}

/// Where parameters can be, from the first.
const PARAMETERS_REACH: u64 = crate::kernel::PARAMETER_BYTES_MAX as u64;

impl Device<'_> {
    /// Says what is accessed, for the message should it be gone, and finds out whether there can be anything.
    fn reach(&self, address: u64, bytes: u64) -> Result<(), Misuse> {
        // SAFETY: the running warp's context, which nobody else uses; a warp has 32 lanes.
        unsafe { (*self.warp).access_addresses[self.lane] = address };
        // What lies in the arena without being allocated faults by itself.
        let there = self.arena.covers(address) || self.arena.is_accessible(address, bytes);
        if there { Ok(()) } else { Err(Misuse::Memory { address, bytes, shared: false }) }
    }

    fn reach_map(&self, address: u64) -> Result<(), Misuse> {
        if address.wrapping_sub(self.parameters) < PARAMETERS_REACH {
            return Ok(());
        }
        self.reach(address, MAP_BYTES as u64)
    }
}

/// Applies an operation to an element.
macro_rules! update {
    ($atomic:ident, $word:ty, $address:expr, $update:expr) => {{
        let new = |old: $word| Some($update.apply(old.into()) as $word);
        let place = $address as *mut $word;
        // SAFETY: reachable, as was just asked, or else a fault ends the call; aligned, since tensors and their strides are.
        let _ = unsafe { $atomic::from_ptr(place) }.fetch_update(Ordering::SeqCst, Ordering::SeqCst, new);
    }};
}

impl World for Device<'_> {
    fn read_map(&mut self, address: u64, bytes: &mut [u8; MAP_BYTES]) -> Result<(), Misuse> {
        self.reach_map(address)?;
        // SAFETY: among the parameters, or reachable; what is not there ends the call by a fault.
        unsafe { ptr::copy_nonoverlapping(address as *const u8, bytes.as_mut_ptr(), MAP_BYTES) };
        Ok(())
    }

    fn write_map(&mut self, address: u64, bytes: &[u8; MAP_BYTES]) -> Result<(), Misuse> {
        // Parameters are not written.
        self.reach(address, MAP_BYTES as u64)?;
        // SAFETY: reachable; what is not there ends the call by a fault.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, MAP_BYTES) };
        Ok(())
    }

    fn check_shared(&mut self, address: u64, bytes: u64) -> Result<(), Misuse> {
        if self.cluster.holds(address, bytes) { Ok(()) } else { Err(Misuse::Memory { address, bytes, shared: true }) }
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        self.reach(address, bytes.len() as u64)?;
        // SAFETY: reachable; what is not there ends the call by a fault.
        unsafe { ptr::copy_nonoverlapping(address as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        self.reach(address, bytes.len() as u64)?;
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        Ok(())
    }

    fn update(&mut self, address: u64, update: &Update) -> Result<(), Misuse> {
        self.reach(address, update.bytes().into())?;
        match update.bytes() {
            2 => update!(AtomicU16, u16, address, update),
            4 => update!(AtomicU32, u32, address, update),
            _ => update!(AtomicU64, u64, address, update),
        }
        Ok(())
    }

    fn read_shared(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        // SAFETY: `execute` has asked `check_shared` about the whole box.
        unsafe { ptr::copy_nonoverlapping(address as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn write_shared(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        Ok(())
    }
}

/// Executes an operation for each of `lanes`. False if one does what it must not, which is recorded.
///
/// # Safety
/// The contexts are those of the running warp; there are as many arrays as the operation has operands and results.
pub(super) unsafe fn execute_lanes(
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    lanes: u32,
    line: u32,
    code: u64,
    operands: *const [u64; 32],
    results: *mut [u64; 32],
) -> bool {
    let Some(op) = TensorOp::decode(code).filter(|op| op.operand_count() <= OPERANDS_MAX) else {
        // SAFETY: the caller's promise.
        unsafe { record(launch, warp, line, 0, FaultKind::Internal, None, None) };
        return false;
    };
    // SAFETY: the caller's promise.
    let arena = unsafe { stream_of(launch) }.engine().arena();
    // SAFETY: as above.
    let (cluster, parameters) = unsafe { (Cluster::of(&*launch, &*warp), (*launch).params as u64) };
    let mut device = Device { arena, cluster, parameters, warp, lane: 0 };
    // SAFETY: as above.
    unsafe { (*warp).access = line << 8 | ACCESS_LISTED };
    for lane in lanes_in(lanes) {
        device.lane = lane;
        let mut given = [0; OPERANDS_MAX];
        for (index, operand) in given.iter_mut().enumerate().take(op.operand_count()) {
            // SAFETY: there are so many arrays of 32.
            *operand = unsafe { (*operands.add(index))[lane] };
        }
        match execute(&op, &given[..op.operand_count()], &mut device) {
            Ok(result) if op.result_count() == 1 => {
                // SAFETY: there is one array of 32.
                unsafe { (*results)[lane] = result.into() };
            }
            Ok(_) => {}
            Err(misuse) => {
                // SAFETY: the caller's promise.
                unsafe { record_misuse(launch, warp, line, 1 << lane, &misuse) };
                return false;
            }
        }
    }
    true
}

/// # Safety
/// The contexts are those of the running warp.
unsafe fn record_misuse(launch: *const LaunchContext, warp: *const WarpContext, line: u32, lane: u32, misuse: &Misuse) {
    let mut detail = None;
    let (kind, access) = match *misuse {
        Misuse::Memory { address, bytes, shared } => {
            // SAFETY: the caller's promise.
            let (arena, bound, own) = unsafe {
                let own = address.wrapping_sub((*warp).shared as u64);
                (stream_of(launch).engine().arena(), (*launch).shared_bytes, own)
            };
            let size = u32::try_from(bytes).ok();
            let access = if shared {
                BadAccess { address: own, space: "shared", kind: None, size, nearest: None, bound: Some(bound) }
            } else {
                let nearest = Some(arena.diagnose(address));
                BadAccess { address, space: "global", kind: None, size, nearest, bound: None }
            };
            (FaultKind::IllegalAddress, Some(access))
        }
        Misuse::Misaligned { .. } => {
            detail = Some(misuse.to_string());
            (FaultKind::MisalignedAddress, None)
        }
        _ => {
            detail = Some(misuse.to_string());
            (FaultKind::InvalidTensor, None)
        }
    };
    // SAFETY: the caller's promise.
    unsafe { record(launch, warp, line, lane, kind, access, detail) };
}

/// # Safety
/// The contexts are those of the running warp.
unsafe fn record(
    launch: *const LaunchContext,
    warp: *const WarpContext,
    line: u32,
    lanes: u32,
    kind: FaultKind,
    access: Option<BadAccess>,
    detail: Option<String>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let _inside = enter(warp);
        let site = Site { launch: &*launch, warp: &*warp, stream: stream_of(launch) };
        site.record(kind, Some(line), lanes_in(lanes).next(), access, detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_lies_in_one_block() {
        let cluster = Cluster { base: 0x10000, stride: 2048, bytes: 1500, blocks: 4 };
        assert!(cluster.holds(0x10000, 1500) && cluster.holds(0x10000 + 3 * 2048 + 1000, 500));
        assert!(!cluster.holds(0x10000, 1501) && !cluster.holds(0x10000 + 1499, 2));
        assert!(!cluster.holds(0x10000 - 128, 128) && !cluster.holds(0x10000 + 4 * 2048, 1));
        assert!(!Cluster { base: 0, stride: 0, bytes: 0, blocks: 1 }.holds(0, 0));
    }
}
