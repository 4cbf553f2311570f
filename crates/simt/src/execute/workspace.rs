//! Memory for blocks while they run.

use super::layout::Layout;
use crate::arena::{Arena, OutOfMemory, Purpose};
use crate::lock_order::{EngineRank, Lock};
use simt_ir::abi::WarpContext;
use std::alloc;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// Memory that fits a [`Layout`].
#[derive(Debug)]
pub(crate) struct Workspace {
    arena: Arc<Arena>,
    control: NonNull<u8>,
    control_bytes: u64,
    data: u64,
    data_bytes: u64,
}

// SAFETY: the workspace owns its memory.
unsafe impl Send for Workspace {}

impl Workspace {
    fn new(arena: &Arc<Arena>, layout: &Layout) -> Result<Workspace, OutOfMemory> {
        let control_bytes = layout.control_bytes().max(1024).next_power_of_two();
        let data_bytes = layout.data_bytes().next_power_of_two().max(64 << 10);
        let error = OutOfMemory { bytes: control_bytes };
        let memory = Self::control_layout(control_bytes).ok_or(error)?;
        // SAFETY: the size is not 0.
        let control = NonNull::new(unsafe { alloc::alloc_zeroed(memory) }).ok_or(error)?;
        match arena.allocate(data_bytes, Purpose::Internal, None) {
            Ok(data) => Ok(Workspace { arena: arena.clone(), control, control_bytes, data, data_bytes }),
            Err(error) => {
                // SAFETY: allocated above with the same layout.
                unsafe { alloc::dealloc(control.as_ptr(), memory) };
                Err(error)
            }
        }
    }

    fn control_layout(bytes: u64) -> Option<alloc::Layout> {
        alloc::Layout::from_size_align(usize::try_from(bytes).ok()?, 64).ok()
    }

    /// Whether blocks of this layout have room.
    pub(crate) fn fits(&self, layout: &Layout) -> bool {
        layout.control_bytes() <= self.control_bytes && layout.data_bytes() <= self.data_bytes
    }

    /// Whether it is much larger than the layout needs, so that something else should have it.
    fn is_wasted_on(&self, layout: &Layout) -> bool {
        self.data_bytes > 4 * layout.data_bytes().max(64 << 10)
    }

    /// The context of a warp; the pointer is good while the workspace lives and is not moved to another layout.
    pub(crate) fn context(&self, layout: &Layout, warp: u32) -> *mut WarpContext {
        debug_assert!(self.fits(layout) && warp < layout.blocks * layout.warps);
        // SAFETY: within the control part.
        unsafe { self.control.as_ptr().add(layout.context(warp) as usize).cast() }
    }

    /// Fills in what does not change from block to block: addresses and the warp's index.
    ///
    /// # Safety
    /// Nobody else uses the context, which need not be initialised.
    pub(crate) unsafe fn prepare(&self, layout: &Layout, block: u32, warp_in_block: u32) {
        let warp = block * layout.warps + warp_in_block;
        let context = self.context(layout, warp);
        // SAFETY: the control part was zeroed when it was made, and all-zero is a valid context except for what is
        // written here. The caller is the only user.
        unsafe {
            (*context).warp_index = warp_in_block;
            (*context).shared = ptr::with_exposed_provenance_mut((self.data + layout.shared(block)) as usize);
            (*context).local = ptr::with_exposed_provenance_mut((self.data + layout.local(warp)) as usize);
            (*context).frame = self.control.as_ptr().add(layout.frame(warp) as usize);
        }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let memory = Self::control_layout(self.control_bytes).expect("was valid when it was allocated");
        // SAFETY: allocated with this layout.
        unsafe { alloc::dealloc(self.control.as_ptr(), memory) };
        self.arena.free(self.data, &[Purpose::Internal]);
    }
}

/// Workspaces that are kept for reuse.
const POOLED_MAX: usize = 256;

/// Where workspaces come from.
#[derive(Debug)]
pub(crate) struct WorkspacePool {
    arena: Arc<Arena>,
    free: Lock<Vec<Workspace>>,
}

impl WorkspacePool {
    pub(crate) fn new(arena: Arc<Arena>) -> Self {
        Self { arena, free: Lock::new(EngineRank::Workspaces, Vec::new()) }
    }

    /// A workspace that fits.
    pub(crate) fn take(&self, layout: &Layout) -> Result<Workspace, OutOfMemory> {
        let found = {
            let mut free = self.free.lock();
            let index = free.iter().position(|kept| kept.fits(layout) && !kept.is_wasted_on(layout));
            index.map(|index| free.swap_remove(index))
        };
        match found {
            Some(workspace) => Ok(workspace),
            None => Workspace::new(&self.arena, layout),
        }
    }

    /// Takes a workspace back.
    pub(crate) fn give(&self, workspace: Workspace) {
        let mut free = self.free.lock();
        if free.len() < POOLED_MAX {
            free.push(workspace);
        }
    }
}
