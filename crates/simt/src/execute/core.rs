//! Cores: what a thread needs to run machine code. There are as many as workers; a host thread that helps borrows one.

use super::batch::Batch;
use super::grid::Plan;
use super::layout::Layout;
use super::workspace::Workspace;
use super::{Unit, WorkspacePool};
use crate::arena::OutOfMemory;
use crate::call::CallFrame;
use simt_ir::abi::{LaunchContext, WarpContext};
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

/// A core.
pub(crate) struct Core {
    busy: AtomicBool,
    state: UnsafeCell<CoreState>,
}

// SAFETY: `state` is only used by the thread that made `busy` true.
unsafe impl Sync for Core {}
// SAFETY: nothing in a core belongs to a thread.
unsafe impl Send for Core {}

/// What the thread that has the core uses.
pub(crate) struct CoreState {
    /// Number of the core.
    pub(crate) index: usize,
    /// On the core's execution stack.
    frame: *mut CallFrame,
    /// Memory of the one block at a time of a kernel that runs to completion.
    serial: Option<(Workspace, Layout)>,
    /// A unit whose memory may do for the next one.
    pub(crate) spare: Option<Box<Unit>>,
}

impl Core {
    pub(crate) fn new(index: usize, frame: *mut CallFrame) -> Core {
        let state = UnsafeCell::new(CoreState { index, frame, serial: None, spare: None });
        Core { busy: AtomicBool::new(false), state }
    }

    /// Takes the core, if nobody has it.
    pub(crate) fn acquire(&self) -> Option<CoreGuard<'_>> {
        let free = !self.busy.load(Ordering::Relaxed) && !self.busy.swap(true, Ordering::SeqCst);
        free.then(|| CoreGuard { core: self })
    }

    /// Whether some thread has the core.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst)
    }
}

/// A core that the calling thread has.
pub(crate) struct CoreGuard<'a> {
    core: &'a Core,
}

impl Deref for CoreGuard<'_> {
    type Target = CoreState;
    fn deref(&self) -> &CoreState {
        // SAFETY: the guard stands for the only thread that uses the state.
        unsafe { &*self.core.state.get() }
    }
}

impl DerefMut for CoreGuard<'_> {
    fn deref_mut(&mut self) -> &mut CoreState {
        // SAFETY: as above, and the guard is borrowed mutably.
        unsafe { &mut *self.core.state.get() }
    }
}

impl Drop for CoreGuard<'_> {
    fn drop(&mut self) {
        self.core.busy.store(false, Ordering::SeqCst);
    }
}

impl CoreState {
    /// The call frame of the core's stack.
    pub(crate) fn frame(&self) -> &CallFrame {
        // SAFETY: the frame lives as long as the engine; its fields that change during a call are atomics or only used by
        // the thread of the call.
        unsafe { &*self.frame }
    }

    /// Runs `count` blocks from `first` of a kernel that runs to completion. Returns a status.
    ///
    /// # Safety
    /// `launch` and `plan` are those of a grid in progress whose kernel is of that mode.
    ///
    /// # Errors
    /// When there is no memory for a block.
    pub(crate) unsafe fn run_blocks(
        &mut self,
        launch: *const LaunchContext,
        plan: &Plan,
        pool: &WorkspacePool,
        first: u64,
        count: u64,
    ) -> Result<u32, OutOfMemory> {
        let context = self.serial_context(&plan.layout, pool)?;
        // SAFETY: the context is this core's own, the launch the caller's promise; the thread that has a core has a
        // signal stack.
        unsafe {
            (*context).sm_id = plan.sm_id(self.index);
            (*context).access = 0;
            (*context).exited = 0;
            (*context).tally = plan.tally(self.index);
            Ok(CallFrame::enter(self.frame, plan.entry, launch, context, first, count))
        }
    }

    /// Runs warps of a block as [`batch::run`](super::batch::run) does. Returns a status.
    ///
    /// # Safety
    /// `launch` is that of a grid in progress with a suspendable kernel, `contexts` those of the batch's block, with this core's frame
    /// as their engine.
    pub(super) unsafe fn run_batch(
        &self,
        launch: *const LaunchContext,
        contexts: *mut WarpContext,
        batch: &mut Batch,
    ) -> u32 {
        let address = (&raw mut *batch).expose_provenance() as u64;
        // SAFETY: the caller's promise; the thread that has a core has a signal stack.
        unsafe { CallFrame::enter(self.frame, super::batch::run as *const () as usize, launch, contexts, address, 0) }
    }

    /// The engine's word in the contexts of warps that this core runs.
    pub(super) fn engine_word(&self) -> *mut std::ffi::c_void {
        self.frame.cast()
    }

    /// The context of the last call of [`run_blocks`](CoreState::run_blocks), for diagnostics.
    pub(crate) fn last_serial_context(&self) -> Option<*mut WarpContext> {
        self.serial.as_ref().map(|(workspace, layout)| workspace.context(layout, 0))
    }

    fn serial_context(&mut self, layout: &Layout, pool: &WorkspacePool) -> Result<*mut WarpContext, OutOfMemory> {
        let current = self.serial.as_ref().is_some_and(|(_, current)| current == layout);
        if !current {
            let workspace = match self.serial.take() {
                Some((workspace, _)) if workspace.fits(layout) => workspace,
                Some((workspace, _)) => {
                    pool.give(workspace);
                    pool.take(layout)?
                }
                None => pool.take(layout)?,
            };
            // SAFETY: the workspace is this core's own.
            unsafe {
                workspace.prepare(layout, 0, 0);
                (*workspace.context(layout, 0)).engine = self.frame.cast();
            }
            self.serial = Some((workspace, *layout));
        }
        let (workspace, layout) = self.serial.as_ref().expect("was filled above");
        Ok(workspace.context(layout, 0))
    }
}
