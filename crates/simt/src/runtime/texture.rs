//! Operations on textures and surfaces, lane after lane.
//!
//! Unlike in the other functions, an address that cannot be reached is the kernel's fault here: an image may have been freed. The
//! signal handler then leaves these frames as it leaves machine code's, so that they hold nothing that would have to be dropped.

use super::report::Site;
use super::{enter, lanes_in, stream_of};
use crate::arena::Arena;
use crate::fault::FaultKind;
use crate::textures::ResourceTable;
use simt_ir::abi::{ACCESS_LISTED, LaunchContext, WarpContext};
use simt_ir::texture::{Misuse, Resource, SurfaceReduction, TextureOp, Usage, WarpSample, World, execute};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Most operands of an operation.
const OPERANDS_MAX: usize = 16;

/// The engine's objects, and device memory.
struct Device<'a> {
    table: &'a ResourceTable,
    arena: &'a Arena,
    /// What was found last: most warps use one texture.
    last: Option<(u64, Resource)>,
    /// The running warp, and the lane whose turn it is.
    warp: *mut WarpContext,
    lane: usize,
}

impl Device<'_> {
    /// Says what is accessed, for the message should it be gone.
    #[inline]
    fn note(&self, address: u64) {
        // SAFETY: the running warp's context, which nobody else uses; a warp has 32 lanes.
        unsafe { (*self.warp).access_addresses[self.lane] = address };
    }
}

impl World for Device<'_> {
    #[inline]
    fn begin_lane(&mut self, lane: usize) {
        self.lane = lane;
    }

    fn resource(&mut self, handle: u64) -> Option<Resource> {
        if let Some((known, resource)) = self.last
            && known == handle
        {
            return Some(resource);
        }
        let resource = self.table.get(handle)?;
        self.last = Some((handle, resource));
        Some(resource)
    }

    fn word(&mut self, address: u64) -> Option<u64> {
        if address % 8 != 0 || !self.arena.is_accessible(address, 8) {
            return None;
        }
        // SAFETY: accessible, as was just asked, and aligned; the driver may write it meanwhile.
        Some(unsafe { AtomicU64::from_ptr(address as *mut u64) }.load(Ordering::Relaxed))
    }

    #[inline]
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        self.note(address);
        // SAFETY: within the image of a resource, which the driver has checked; what was freed since ends the call by a fault.
        unsafe { ptr::copy_nonoverlapping(address as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        self.note(address);
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        Ok(())
    }

    fn reduce(&mut self, address: u64, op: SurfaceReduction, wide: bool, operand: u64) -> Result<(), Misuse> {
        self.note(address);
        let order = Ordering::SeqCst;
        // SAFETY: as above, and aligned: images and their rows are, and the operation has tested x.
        unsafe {
            if wide {
                let number = AtomicU64::from_ptr(address as *mut u64);
                let _ = number.fetch_update(order, order, |old| Some(op.apply(true, old, operand)));
            } else {
                let number = AtomicU32::from_ptr(address as *mut u32);
                let new = |old| Some(op.apply(false, u64::from(old), operand) as u32);
                let _ = number.fetch_update(order, order, new);
            }
        }
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
    let Some(op) = TextureOp::decode(code) else {
        // SAFETY: the caller's promise.
        unsafe { record(launch, warp, line, 0, FaultKind::Internal, None) };
        return false;
    };
    let (operand_count, result_count) = (op.operand_count().min(OPERANDS_MAX), op.result_count());
    // SAFETY: the caller's promise.
    let engine = unsafe { stream_of(launch) }.engine();
    let mut device = Device { table: engine.textures(), arena: engine.arena(), last: None, warp, lane: 0 };
    // SAFETY: the caller's promise.
    unsafe { (*warp).access = line << 8 | ACCESS_LISTED };
    // SAFETY: the caller's promise.
    if let Some(sample) = unsafe { common_sample(&op, &mut device, lanes, operands) } {
        let operand = |index: usize, lane: usize| {
            // SAFETY: there are as many arrays of 32 as the operation has operands.
            if index < operand_count { unsafe { (*operands.add(index))[lane] as u32 } } else { 0 }
        };
        let coordinates = |lane: usize| [operand(1, lane), operand(2, lane), operand(3, lane)];
        let put = |lane: usize, words: [u32; 4]| {
            for (index, word) in words.into_iter().enumerate() {
                // SAFETY: a sample has four results.
                unsafe { (*results.add(index))[lane] = word.into() };
            }
        };
        let outcome = sample.each(lanes_in(lanes), coordinates, put, &mut device);
        if let Err((lane, misuse)) = outcome {
            // SAFETY: the caller's promise.
            unsafe { record_misuse(launch, warp, line, 1 << lane, misuse) };
        }
        return outcome.is_ok();
    }
    for lane in lanes_in(lanes) {
        device.begin_lane(lane);
        let mut given = [0; OPERANDS_MAX];
        for (index, operand) in given.iter_mut().enumerate().take(operand_count) {
            // SAFETY: there are so many arrays of 32.
            *operand = unsafe { (*operands.add(index))[lane] };
        }
        match execute(&op, &given[..operand_count], &mut device) {
            Ok(found) => {
                for (index, word) in found.iter().enumerate().take(result_count) {
                    // SAFETY: there are so many arrays of 32.
                    unsafe { (*results.add(index))[lane] = *word };
                }
            }
            Err(misuse) => {
                // SAFETY: the caller's promise.
                unsafe { record_misuse(launch, warp, line, 1 << lane, misuse) };
                return false;
            }
        }
    }
    true
}

/// How all of `lanes` read one texture, if they do and if it can be done for all of them at once.
///
/// # Safety
/// There are as many arrays as the operation has operands.
unsafe fn common_sample(
    op: &TextureOp,
    device: &mut Device<'_>,
    lanes: u32,
    operands: *const [u64; 32],
) -> Option<WarpSample> {
    let TextureOp::Sample(sample) = op else { return None };
    if sample.sampler {
        return None;
    }
    // SAFETY: the first operand is the handle.
    let handle = |lane: usize| unsafe { (*operands)[lane] };
    let first = handle(lanes_in(lanes).next()?);
    if !lanes_in(lanes).all(|lane| handle(lane) == first) {
        return None;
    }
    let texture = device.resource(first).filter(|found| found.usage == Usage::Texture)?;
    WarpSample::new(sample, &texture)
}

/// # Safety
/// The contexts are those of the running warp.
unsafe fn record_misuse(launch: *const LaunchContext, warp: *const WarpContext, line: u32, lane: u32, misuse: Misuse) {
    let (kind, detail) = match misuse {
        Misuse::NoResource { handle } => (FaultKind::InvalidTexture, format!("the handle is {handle:#x}")),
        Misuse::OutOfRange { x, y } => (FaultKind::IllegalAddress, format!("the surface has no ({x}, {y})")),
        Misuse::Misaligned { x, bytes } => {
            (FaultKind::MisalignedAddress, format!("x is {x}, and {bytes} bytes of the surface are accessed"))
        }
        Misuse::Memory { address } => (FaultKind::IllegalAddress, format!("the image lies at {address:#x}")),
    };
    // SAFETY: the caller's promise.
    unsafe { record(launch, warp, line, lane, kind, Some(detail)) };
}

/// # Safety
/// The contexts are those of the running warp.
unsafe fn record(
    launch: *const LaunchContext,
    warp: *const WarpContext,
    line: u32,
    lanes: u32,
    kind: FaultKind,
    detail: Option<String>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let _inside = enter(warp);
        let site = Site { launch: &*launch, warp: &*warp, stream: stream_of(launch) };
        site.record(kind, Some(line), lanes_in(lanes).next(), None, detail);
    }
}
