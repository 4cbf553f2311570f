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
    streams: StreamCache,
    functions: FunctionCache,
    /// Parameters are gathered here.
    parameters: Vec<u8>,
}

struct StreamCache {
    recent: Recent<Stream>,
    /// The default stream that was used last, with the number of its context and whether it is the thread's.
    default: Option<(u64, bool, Arc<Stream>)>,
}

struct FunctionCache {
    recent: Recent<Function>,
    /// The kernel of a library that was used last, as a function of a context: handle, number of the context, removals of
    /// objects at that time.
    library_kernel: Option<(usize, u64, u64, Arc<Function>)>,
}

thread_local! {
    static CACHE: RefCell<LaunchCache> = const { RefCell::new(LaunchCache::new()) };
}

impl LaunchCache {
    const fn new() -> Self {
        Self {
            streams: StreamCache { recent: Recent::new(), default: None },
            functions: FunctionCache { recent: Recent::new(), library_kernel: None },
            parameters: Vec::new(),
        }
    }

    /// Runs an action with the calling thread's cache, or with an empty one where the thread's cannot be used: while the
    /// thread ends, or when a launch waits for room in a ring and executes something that launches.
    pub(super) fn with<T>(action: impl Fn(&mut LaunchCache) -> T) -> T {
        let with_own = |cache: &RefCell<LaunchCache>| cache.try_borrow_mut().ok().map(|mut cache| action(&mut cache));
        match CACHE.try_with(with_own) {
            Ok(Some(result)) => result,
            _ => action(&mut LaunchCache::new()),
        }
    }

    /// The function and the stream of handles, and a buffer for parameters. Nothing is counted: the cache keeps what it
    /// lends.
    #[inline]
    pub(super) fn look_up(
        &mut self,
        function: CUfunction,
        stream: CUstream,
    ) -> Answer<(&Function, &Stream, &mut Vec<u8>)> {
        Ok((self.functions.get(function)?, self.streams.get(stream)?, &mut self.parameters))
    }
}

impl StreamCache {
    /// The stream of a handle.
    #[inline]
    fn get(&mut self, handle: CUstream) -> Answer<&Stream> {
        if handle.addr() > CU_STREAM_PER_THREAD.addr() {
            let stream = self.recent.get(&Machine::get()?.objects, handle.addr());
            return stream.map(Arc::as_ref).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE);
        }
        debug_assert!(handle.is_null() || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD);
        let is_of_thread = handle == CU_STREAM_PER_THREAD;
        let default = &mut self.default;
        with_current(move |context| {
            if !matches!(default, Some((id, of_thread, _)) if *id == context.id && *of_thread == is_of_thread) {
                *default = Some((context.id, is_of_thread, context.default_stream(is_of_thread)?));
            }
            default.as_ref().map(|(_, _, stream)| stream.as_ref()).ok_or(CUresult::CUDA_ERROR_INVALID_CONTEXT)
        })
    }
}

impl FunctionCache {
    /// The function of a handle, which may also be that of a library's kernel.
    #[inline]
    fn get(&mut self, handle: CUfunction) -> Answer<&Function> {
        let objects = &Machine::get()?.objects;
        let is_known = match &self.library_kernel {
            Some((known, id, removals, _)) if *known == handle.addr() && *removals == objects.removals() => {
                with_current(|context| Ok(context.id))? == *id
            }
            _ => false,
        };
        if !is_known {
            // Two looks, because what the first one lends would be lent until the end.
            if self.recent.get(objects, handle.addr()).is_some() {
                return self
                    .recent
                    .get(objects, handle.addr())
                    .map(Arc::as_ref)
                    .ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE);
            }
            let function = Function::named(handle)?;
            let id = function.module.group.context_id();
            self.library_kernel = Some((handle.addr(), id, objects.removals(), function));
        }
        let kernel = self.library_kernel.as_ref();
        kernel.map(|(_, _, _, function)| function.as_ref()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)
    }
}
