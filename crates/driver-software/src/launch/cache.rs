//! What a thread looked up for its last launches: streams and functions by their handles, without a lock.

use crate::answer::Answer;
use crate::context::with_current;
use crate::machine::Machine;
use crate::module::Function;
use crate::objects::Recent;
use crate::stream::Stream;
use cuda_abi::{CU_STREAM_LEGACY, CU_STREAM_PER_THREAD, CUfunction, CUresult, CUstream};
use std::cell::RefCell;
use std::sync::Arc;

/// What a thread keeps between launches.
pub(super) struct LaunchCache {
    streams: Recent<Stream>,
    functions: Recent<Function>,
    /// The default stream that was used last, with the number of its context and whether it is the thread's.
    default_stream: Option<(u64, bool, Arc<Stream>)>,
    /// The kernel of a library that was used last, as a function of a context: handle, number of the context, removals of
    /// objects at that time.
    library_kernel: Option<(usize, u64, u64, Arc<Function>)>,
    /// Parameters are gathered here.
    pub(super) parameters: Vec<u8>,
}

thread_local! {
    static CACHE: RefCell<LaunchCache> = const { RefCell::new(LaunchCache::new()) };
}

impl LaunchCache {
    const fn new() -> Self {
        Self {
            streams: Recent::new(),
            functions: Recent::new(),
            default_stream: None,
            library_kernel: None,
            parameters: Vec::new(),
        }
    }

    /// Runs an action with the calling thread's cache, or with an empty one where the thread's cannot be used: while the
    /// thread ends, or when a launch waits for room in a ring and executes something that launches.
    pub(super) fn with<T>(action: impl FnOnce(&mut LaunchCache) -> T) -> T {
        let mut action = Some(action);
        let done = CACHE.try_with(|cache| {
            let mut cache = cache.try_borrow_mut().ok()?;
            action.take().map(|action| action(&mut cache))
        });
        match (done, action) {
            (Ok(Some(result)), _) => result,
            (_, Some(action)) => action(&mut LaunchCache::new()),
            (_, None) => unreachable!("an action that was taken has returned"),
        }
    }

    /// The stream of a handle.
    pub(super) fn stream(&mut self, handle: CUstream) -> Answer<Arc<Stream>> {
        if handle.addr() > CU_STREAM_PER_THREAD.addr() {
            let stream = self.streams.get(&Machine::get()?.objects, handle.addr());
            return stream.cloned().ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE);
        }
        debug_assert!(handle.is_null() || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD);
        let is_of_thread = handle == CU_STREAM_PER_THREAD;
        with_current(|context| match &self.default_stream {
            Some((id, of_thread, stream)) if *id == context.id && *of_thread == is_of_thread => Ok(stream.clone()),
            _ => {
                let stream = context.default_stream(is_of_thread)?;
                self.default_stream = Some((context.id, is_of_thread, stream.clone()));
                Ok(stream)
            }
        })
    }

    /// The function of a handle, which may also be that of a library's kernel.
    pub(super) fn function(&mut self, handle: CUfunction) -> Answer<Arc<Function>> {
        let objects = &Machine::get()?.objects;
        if let Some((known, id, removals, function)) = &self.library_kernel {
            let is_current = with_current(|context| Ok(context.id))? == *id;
            if *known == handle.addr() && is_current && *removals == objects.removals() {
                return Ok(function.clone());
            }
        }
        if let Some(function) = self.functions.get(objects, handle.addr()) {
            return Ok(function.clone());
        }
        let function = Function::named(handle)?;
        let id = function.module.group.context_id();
        self.library_kernel = Some((handle.addr(), id, objects.removals(), function.clone()));
        Ok(function)
    }
}
