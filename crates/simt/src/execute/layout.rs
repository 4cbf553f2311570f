//! Where the contexts, frames, shared and local memory of blocks lie.

use crate::sys::align_up;
use simt_ir::abi::{KernelCode, SHARED_ALIGN, SHARED_MARGIN, WarpContext};
use std::mem::size_of;

/// Sizes of what blocks need, and offsets in the two parts of a [`Workspace`](super::workspace::Workspace): *control*, which
/// only the engine and machine code touch, and *data*, which kernels have addresses of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Layout {
    /// Blocks that are laid out, one after the other.
    pub(crate) blocks: u32,
    /// Warps of each.
    pub(crate) warps: u32,
    /// Bytes of a warp's frame.
    frame_stride: u64,
    /// Bytes of a block's shared memory.
    shared_stride: u64,
    /// Bytes of a warp's local memory.
    local_stride: u64,
}

impl Layout {
    /// For `blocks` blocks of `warps` warps. `local_bytes` is the local memory of a lane. `None` if the sizes are absurd.
    pub(crate) fn new(code: &KernelCode, blocks: u32, warps: u32, shared_bytes: u32, local_bytes: u32) -> Option<Self> {
        let lanes = u64::from(code.lanes);
        let layout = Layout {
            blocks,
            warps,
            frame_stride: align_up(code.frame_bytes.into(), 64)?,
            shared_stride: align_up(shared_bytes.into(), SHARED_ALIGN)?,
            local_stride: align_up(lanes * u64::from(local_bytes), 64)?,
        };
        let per_warp = layout.local_stride.checked_mul(warps.into())?;
        per_warp.checked_add(layout.shared_stride)?.checked_mul(blocks.into())?;
        Some(layout)
    }

    /// The same with frames of another size.
    pub(crate) fn with_frames(self, code: &KernelCode) -> Option<Self> {
        Some(Layout { frame_stride: align_up(code.frame_bytes.into(), 64)?, ..self })
    }

    fn total_warps(&self) -> u64 {
        u64::from(self.blocks) * u64::from(self.warps)
    }

    /// Bytes of the control part.
    pub(crate) fn control_bytes(&self) -> u64 {
        self.total_warps() * (size_of::<WarpContext>() as u64 + self.frame_stride)
    }

    /// Bytes of the data part.
    pub(crate) fn data_bytes(&self) -> u64 {
        2 * self.margin() + u64::from(self.blocks) * self.shared_stride + self.total_warps() * self.local_stride
    }

    /// Bytes before and behind the shared memory of all blocks.
    fn margin(&self) -> u64 {
        if self.shared_stride > 0 { SHARED_MARGIN } else { 0 }
    }

    /// Offset of a warp's context in the control part; its index counts through all blocks.
    pub(crate) fn context(&self, warp: u32) -> u64 {
        u64::from(warp) * size_of::<WarpContext>() as u64
    }

    /// Offset of a warp's frame in the control part.
    pub(crate) fn frame(&self, warp: u32) -> u64 {
        self.total_warps() * size_of::<WarpContext>() as u64 + u64::from(warp) * self.frame_stride
    }

    /// Offset of a block's shared memory in the data part.
    pub(crate) fn shared(&self, block: u32) -> u64 {
        self.margin() + u64::from(block) * self.shared_stride
    }

    /// Offset of a warp's local memory in the data part.
    pub(crate) fn local(&self, warp: u32) -> u64 {
        2 * self.margin() + u64::from(self.blocks) * self.shared_stride + u64::from(warp) * self.local_stride
    }
}
