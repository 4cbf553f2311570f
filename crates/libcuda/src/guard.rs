//! What surrounds every call: the life of the driver, and panics.
//!
//! The driver's life is one word: fresh, ready after `cuInit`, and at the end one of two. A forked child has none of
//! the parent's threads and may not use its driver; CUDA answers `CUDA_ERROR_NOT_INITIALIZED` there. Once the process
//! has begun to exit, thread-local state may be gone, and calls from destructors get `CUDA_ERROR_DEINITIALIZED`. Both
//! are what driver 580 does, the second for every function, and only after the exit handlers that were registered
//! after `cuInit` have run.

use core::ffi::c_int;
use cuda_abi::CUresult;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};

const FRESH: u8 = 0;
const READY: u8 = 1;
const FORKED: u8 = 2;
const ENDED: u8 = 3;

/// Where the driver is in its life.
static LIFE: AtomicU8 = AtomicU8::new(FRESH);

/// The body of an API function: an error code either way, so that `?` can be used on the arguments.
type Outcome = Result<CUresult, CUresult>;

/// Runs a function that may be called before `cuInit`, and in a forked child.
#[inline(always)]
pub fn early(body: impl FnOnce() -> Outcome) -> CUresult {
    if LIFE.load(Acquire) == ENDED { refusal() } else { catch(body) }
}

/// Runs a function that needs `cuInit` to have succeeded.
#[inline(always)]
pub fn ready(body: impl FnOnce() -> Outcome) -> CUresult {
    if LIFE.load(Acquire) == READY { catch(body) } else { refusal() }
}

/// Runs `cuInit`.
pub fn init(body: impl FnOnce() -> Outcome) -> CUresult {
    match LIFE.load(Acquire) {
        FRESH | READY => {}
        _ => return refusal(),
    }
    report_panics_in_one_line();
    let result = catch(body);
    if result == CUresult::CUDA_SUCCESS && LIFE.compare_exchange(FRESH, READY, AcqRel, Acquire).is_ok() {
        watch_the_process();
    }
    result
}

#[cold]
fn refusal() -> CUresult {
    match LIFE.load(Acquire) {
        ENDED => CUresult::CUDA_ERROR_DEINITIALIZED,
        _ => CUresult::CUDA_ERROR_NOT_INITIALIZED,
    }
}

/// Runs a function of which nothing is asked but that no panic comes out of it.
#[inline(always)]
pub fn catch(body: impl FnOnce() -> Outcome) -> CUresult {
    // Unwind safety: the driver's locks are poisoned by a panic, or it uses locks that are not; no state of the rim is
    // changed inside of a body.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(result) | Err(result)) => result,
        // The hook has written the line.
        Err(_) => CUresult::CUDA_ERROR_UNKNOWN,
    }
}

/// Makes a panic anywhere in the library one line on stderr. The hook is this library's own: a Rust program that loads
/// it has a standard library of its own.
pub fn report_panics_in_one_line() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let payload = panic.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
            let text = text.replace('\n', " ");
            match panic.location() {
                Some(place) => eprintln!("apex: internal error: {text} ({}:{})", place.file(), place.line()),
                None => eprintln!("apex: internal error: {text}"),
            }
        }));
    });
}

/// Asks the C library to say when the process forks or exits.
fn watch_the_process() {
    extern "C" fn ended(_code: c_int) {
        LIFE.store(ENDED, Release);
    }
    extern "C" fn in_child() {
        // A child forked while the process exits stays ended.
        let _ = LIFE.compare_exchange(READY, FORKED, AcqRel, Acquire);
    }
    // When a registration fails, for lack of memory, that protection is missing. The library is never unloaded (build.rs).
    let _ = stdx::at_exit(ended);
    // SAFETY: the function does one atomic operation, which is safe in a forked child.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}
