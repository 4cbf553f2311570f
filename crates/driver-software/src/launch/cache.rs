//! What a thread looked up for its last launches: streams and functions by their handles, without a lock.

use super::approved::ApprovedLaunches;
use crate::answer::Answer;
use crate::context::with_current;
use crate::machine::Machine;
use crate::module::Function;
use crate::objects::{Objects, Recent};
use crate::stream::Stream;
use cuda_abi::{CU_STREAM_LEGACY, CU_STREAM_PER_THREAD, CUfunction, CUresult, CUstream};
use std::cell::RefCell;
use std::sync::Arc;

/// What a thread keeps between launches.
pub(super) struct LaunchCache {
    streams: StreamCache,
    functions: FunctionCache,
    approved: ApprovedLaunches,
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
    library_kernel: Option<LibraryFunction>,
}

/// The kernel of a library that was used last, as a function of a context.
struct LibraryFunction {
    handle: usize,
    context: u64,
    /// Removals of objects before.
    removals: u64,
    function: Arc<Function>,
}

thread_local! {
    static CACHE: RefCell<LaunchCache> = const { RefCell::new(LaunchCache::new()) };
}

impl LaunchCache {
    const fn new() -> Self {
        Self {
            streams: StreamCache { recent: Recent::new(), default: None },
            functions: FunctionCache { recent: Recent::new(), library_kernel: None },
            approved: ApprovedLaunches::new(),
            parameters: Vec::new(),
        }
    }

    /// Runs an action with the calling thread's cache, or with an empty one where the thread's cannot be used: while the
    /// thread ends, or when a launch waits for room in a ring and executes something that launches.
    #[inline]
    pub(super) fn with<T>(action: impl Fn(&mut LaunchCache) -> T) -> T {
        let with_own = |cache: &RefCell<LaunchCache>| cache.try_borrow_mut().ok().map(|mut cache| action(&mut cache));
        match CACHE.try_with(with_own) {
            Ok(Some(result)) => result,
            _ => Self::with_empty(action),
        }
    }

    /// Apart from [`with`](LaunchCache::with), whose frame would have room for a cache otherwise.
    #[cold]
    #[inline(never)]
    fn with_empty<T>(action: impl Fn(&mut LaunchCache) -> T) -> T {
        action(&mut LaunchCache::new())
    }

    /// The function and the stream of handles, launches that were found right, and a buffer for parameters. Nothing is counted: the cache keeps what it
    /// lends.
    #[inline]
    pub(super) fn look_up(
        &mut self,
        function: CUfunction,
        stream: CUstream,
    ) -> Answer<(&Function, &Stream, &mut ApprovedLaunches, &mut Vec<u8>)> {
        let function = match self.functions.get(function) {
            Ok(function) => function,
            // What is asked first is whether there is a context.
            Err(code) => return with_current(|_| Err(code)),
        };
        let stream = self.streams.get(stream)?;
        Ok((function, stream, &mut self.approved, &mut self.parameters))
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
        let library_kernel = &mut self.library_kernel;
        match self.recent.get(objects, handle.addr()) {
            Some(function) => Ok(function),
            None => Self::of_library(library_kernel, objects, handle),
        }
    }

    /// The function that a library's kernel is in the current context.
    fn of_library<'a>(
        known: &'a mut Option<LibraryFunction>,
        objects: &Objects,
        handle: CUfunction,
    ) -> Answer<&'a Function> {
        let is_known = match known {
            Some(known) if known.handle == handle.addr() && known.removals == objects.removals() => {
                with_current(|context| Ok(context.id))? == known.context
            }
            _ => false,
        };
        if !is_known {
            let function = Function::named(handle)?;
            let (handle, context) = (handle.addr(), function.module.group.context_id());
            *known = Some(LibraryFunction { handle, context, removals: objects.removals(), function });
        }
        known.as_ref().map(|known| known.function.as_ref()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)
    }
}
