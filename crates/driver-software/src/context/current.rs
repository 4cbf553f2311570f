//! Each thread's stack of contexts.

use super::Context;
use crate::answer::Answer;
use cuda_abi::CUresult;
use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;

thread_local! {
    /// Emptied by [`ThreadEnd`], so that it is there for exit handlers of the main thread.
    static STACK: RefCell<ManuallyDrop<Vec<Arc<Context>>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
    static THREAD_END: ThreadEnd = const { ThreadEnd };
    static IN_HOST_FUNCTION: Cell<bool> = const { Cell::new(false) };
}

/// Lets go of a thread's contexts when it ends.
struct ThreadEnd;

impl Drop for ThreadEnd {
    fn drop(&mut self) {
        if !stdx::is_main_thread() {
            // Dropped outside of the borrow.
            let _contexts = STACK.with(|stack| stack.try_borrow_mut().map(|mut stack| mem::take(&mut **stack)));
        }
    }
}

/// Most contexts on a thread's stack.
const DEPTH_MAX: usize = 1 << 16;

fn with_stack<T>(action: impl FnOnce(&mut Vec<Arc<Context>>) -> T) -> Answer<T> {
    let result = STACK.with(|stack| stack.try_borrow_mut().map(|mut stack| action(&mut stack)));
    result.map_err(|_| CUresult::CUDA_ERROR_DEINITIALIZED)
}

/// The current context of the calling thread, which is alive and has not failed.
///
/// # Errors
/// When there is none, it is gone, it has failed, or the call comes from a host function of a stream.
pub(crate) fn current() -> Answer<Arc<Context>> {
    forbid_in_host_function()?;
    let context = current_unchecked()?.ok_or(CUresult::CUDA_ERROR_INVALID_CONTEXT)?;
    context.check()?;
    Ok(context)
}

/// Runs an action with the current context of the calling thread, without counting a reference to it.
///
/// # Errors
/// When there is none, or the action fails.
#[inline]
pub(crate) fn with_current<T>(action: impl FnOnce(&Context) -> Answer<T>) -> Answer<T> {
    with_stack(|stack| match stack.last() {
        Some(context) => action(context),
        None => Err(CUresult::CUDA_ERROR_INVALID_CONTEXT),
    })?
}

/// The current context of the calling thread, whatever its state.
///
/// # Errors
/// While the thread ends.
pub(crate) fn current_unchecked() -> Answer<Option<Arc<Context>>> {
    with_stack(|stack| stack.last().cloned())
}

/// Refuses calls from host functions of streams, which may not call the API.
///
/// # Errors
/// If the calling thread runs one.
#[inline]
pub(crate) fn forbid_in_host_function() -> Answer {
    if IN_HOST_FUNCTION.get() { Err(CUresult::CUDA_ERROR_NOT_PERMITTED) } else { Ok(()) }
}

/// Runs a host function of a stream.
pub(crate) fn in_host_function(function: impl FnOnce()) {
    IN_HOST_FUNCTION.set(true);
    function();
    IN_HOST_FUNCTION.set(false);
}

/// Sees to it that the thread lets go of its contexts.
///
/// # Errors
/// When it has done so already, and is ending. The main thread goes on.
fn let_go_at_the_end() -> Answer {
    if THREAD_END.try_with(|_| ()).is_ok() || stdx::is_main_thread() {
        return Ok(());
    }
    Err(CUresult::CUDA_ERROR_DEINITIALIZED)
}

/// Puts a context on top of the stack.
pub(super) fn push(context: Arc<Context>) -> Answer {
    let_go_at_the_end()?;
    with_stack(|stack| {
        if stack.len() == DEPTH_MAX {
            return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
        }
        stack.push(context);
        Ok(())
    })?
}

/// Takes the top of the stack away.
pub(super) fn pop() -> Answer<Arc<Context>> {
    with_stack(Vec::pop)?.ok_or(CUresult::CUDA_ERROR_INVALID_CONTEXT)
}

/// Replaces the top of the stack; `None` takes it away.
pub(super) fn set(context: Option<Arc<Context>>) -> Answer {
    let_go_at_the_end()?;
    // What is replaced is dropped outside.
    let _replaced = with_stack(|stack| {
        let replaced = stack.pop();
        stack.extend(context);
        replaced
    })?;
    Ok(())
}
