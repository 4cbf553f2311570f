//! Which default stream a null stream means on this thread, for functions that take no stream.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether any thread has opened a scope yet: most programs never do, and then nobody need look into the memory of threads.
static IS_USED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static PER_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Whether the call in progress came through a per-thread entry point (`_ptds` or `_ptsz`), so that the default
/// stream is [`CU_STREAM_PER_THREAD`](cuda_abi::CU_STREAM_PER_THREAD) and not the legacy one.
///
/// A driver asks this where a stream is not a parameter of its own: synchronous copies and sets, and a null stream
/// inside of a struct.
#[inline]
pub fn default_stream_is_per_thread() -> bool {
    /// Not inlined: the compiler would look into the thread's memory in any case.
    #[cold]
    #[inline(never)]
    fn here() -> bool {
        PER_THREAD.with(Cell::get)
    }
    // A thread sees what it has stored itself.
    IS_USED.load(Ordering::Relaxed) && here()
}

/// Makes the per-thread default stream the default one while it lives. The rim holds it around a call.
#[derive(Debug)]
pub struct PerThreadScope {
    before: bool,
    /// The scope belongs to the thread that opened it.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl PerThreadScope {
    /// Opens the scope on the calling thread.
    pub fn enter() -> PerThreadScope {
        IS_USED.store(true, Ordering::Relaxed);
        PerThreadScope { before: PER_THREAD.replace(true), _not_send: std::marker::PhantomData }
    }

    /// Suspends the scope, for a callback into the program: what the program calls there is not part of this call.
    pub fn suspend() -> PerThreadScope {
        PerThreadScope { before: PER_THREAD.replace(false), _not_send: std::marker::PhantomData }
    }
}

impl Drop for PerThreadScope {
    fn drop(&mut self) {
        PER_THREAD.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_nest_and_end() {
        assert!(!default_stream_is_per_thread());
        {
            let _outer = PerThreadScope::enter();
            assert!(default_stream_is_per_thread());
            {
                let _callback = PerThreadScope::suspend();
                assert!(!default_stream_is_per_thread());
            }
            assert!(default_stream_is_per_thread());
        }
        assert!(!default_stream_is_per_thread());
    }
}
