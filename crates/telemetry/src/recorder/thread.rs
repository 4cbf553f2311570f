//! The rings of threads, and the writer's thread.

use super::{ACTIVE, Recorder};
use crate::live;
use crate::ring::Ring;
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

thread_local! {
    /// The ring that this thread used last, and the recorder that it is of.
    static CURRENT: Cell<(u64, *const Ring)> = const { Cell::new((0, std::ptr::null())) };
    /// This thread's rings, by recorder; there is one recorder but in tests.
    static OWN: RefCell<Own> = const { RefCell::new(Own(Vec::new())) };
}

struct Own(Vec<(&'static Recorder, Arc<Ring>)>);

impl Drop for Own {
    fn drop(&mut self) {
        CURRENT.set((0, std::ptr::null()));
        for (recorder, ring) in &self.0 {
            recorder.owners.remove();
            ring.close();
        }
    }
}

/// The calling thread's ring of a recorder, if that is the one it used last.
pub(super) fn ring_of(recorder: u64) -> Option<&'static Ring> {
    let (id, ring) = CURRENT.get();
    // SAFETY: `OWN` keeps the ring until the thread ends, and takes it out of `CURRENT` first. The reference is used within the call that
    // asked for it.
    if id == recorder { unsafe { ring.as_ref() } } else { None }
}

/// Makes a ring the calling thread's own. `None` when the thread is ending. Takes the ring that the thread has already in place of
/// the new one.
pub(super) fn keep(recorder: &'static Recorder, ring: &Arc<Ring>) -> Option<&'static Ring> {
    OWN.try_with(|own| own.borrow_mut().0.push((recorder, Arc::clone(ring)))).ok()?;
    CURRENT.set((recorder.id, Arc::as_ptr(ring)));
    ring_of(recorder.id)
}

/// Starts the writer.
///
/// # Errors
/// When the system starts no thread.
pub(super) fn start(recorder: &'static Recorder) -> io::Result<()> {
    // Signals of the program are for its own threads: the new thread inherits a mask that lets none through.
    let before = mask(libc::SIG_SETMASK, &full_set());
    let started =
        std::thread::Builder::new().name("apex-record".into()).stack_size(512 << 10).spawn(move || run(recorder));
    mask(libc::SIG_SETMASK, &before);
    started.map(drop)
}

fn run(recorder: &'static Recorder) {
    if let Some(folder) = &recorder.config.live {
        // What processes left that were killed, and nobody has looked at since. If the folder cannot be read, that is somebody else's to say.
        let _ = live::folder::sweep(folder);
    }
    // As before the first event: whoever has called since then is heard.
    let mut seen = 0;
    loop {
        // A recorder that has just been activated is not active before `activate` returns.
        if recorder.state.load(Ordering::Acquire) > ACTIVE {
            return;
        }
        stdx::futex::wait(&recorder.wake, seen, Some(recorder.config.interval));
        // Before the rings are emptied: whoever calls while that is done finds the writer awake, and would otherwise wait for its turn.
        seen = recorder.wake.load(Ordering::Acquire);
        recorder.flush();
    }
}

/// Runs `write` such that a file that may not grow (`RLIMIT_FSIZE`) is an error and not a signal that ends the program.
pub(super) fn without_size_signal<T>(write: impl FnOnce() -> T) -> T {
    let mut set = full_set();
    // SAFETY: a set of signals to write to.
    unsafe {
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGXFSZ);
    }
    let before = mask(libc::SIG_BLOCK, &set);
    let result = write();
    // SAFETY: valid pointers; a set to look at.
    unsafe {
        if libc::sigismember(&before, libc::SIGXFSZ) == 0 {
            // The signal that the write may have left is for this thread: take it before it gets through.
            let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            libc::sigtimedwait(&set, std::ptr::null_mut(), &no_time);
        }
    }
    mask(libc::SIG_SETMASK, &before);
    result
}

/// Every signal.
fn full_set() -> libc::sigset_t {
    // SAFETY: a set of signals has the value of zero bytes, and is written to.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut set);
        set
    }
}

/// Changes the calling thread's mask of signals; returns what it was.
fn mask(how: libc::c_int, set: &libc::sigset_t) -> libc::sigset_t {
    let mut before = full_set();
    // SAFETY: valid sets.
    unsafe { libc::pthread_sigmask(how, set, &mut before) };
    before
}
