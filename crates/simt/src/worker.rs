//! Worker threads: one for each core, asleep while there is nothing to do.

use crate::call::ensure_signal_stack;
use crate::engine::Shared;
use crate::session::Session;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use stdx::clock::monotonic_ns;
use stdx::futex;

/// A worker looks for work for so long before it sleeps.
const IDLE_SPIN_NS: u64 = 20_000;

/// Workers that look for work at the same time, at most: the others sleep at once.
const SPINNING_MAX: usize = 1;

/// Stack of a worker, which compiles what kernels launch. Memory is used as far as it goes down.
const STACK_BYTES: usize = 16 << 20;

/// Starts worker `index`.
pub(crate) fn spawn(engine: Arc<Shared>, index: usize) -> io::Result<JoinHandle<()>> {
    Builder::new().name(format!("apex-{index}")).stack_size(STACK_BYTES).spawn(move || {
        block_signals();
        ensure_signal_stack();
        while !engine.is_stopping() {
            work(&engine, index);
            if !look_for_work(&engine) {
                sleep(&engine, index);
            }
        }
    })
}

/// The program's signals are for the program's threads.
pub fn block_signals() {
    // SAFETY: builds a set of all signals but those that machine code's faults arrive as, and blocks it for this thread.
    unsafe {
        let mut signals: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&raw mut signals);
        for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
            libc::sigdelset(&raw mut signals, fault);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut());
    }
}

/// Does what there is to do, if there is a core for it.
fn work(engine: &Arc<Shared>, index: usize) {
    while engine.scheduler().has_pending() {
        let Some(core) = engine.acquire_core(index) else { return };
        Session::new(engine, core, None).run();
        if engine.is_stopping() {
            return;
        }
    }
}

/// Waits for work without sleeping, for a while, if there is a core to do it: else it would take time from one that works. True if there is some.
fn look_for_work(engine: &Arc<Shared>) -> bool {
    let found = || engine.scheduler().has_pending() && engine.has_free_core();
    if engine.spinning().fetch_add(1, Ordering::SeqCst) >= SPINNING_MAX {
        engine.spinning().fetch_sub(1, Ordering::SeqCst);
        return found();
    }
    let until = monotonic_ns() + IDLE_SPIN_NS;
    while !found() && engine.has_free_core() && monotonic_ns() < until && !engine.is_stopping() {
        for _ in 0..16 {
            std::hint::spin_loop();
        }
    }
    engine.spinning().fetch_sub(1, Ordering::SeqCst);
    found()
}

/// Sleeps until the group's doorbell rings.
fn sleep(engine: &Arc<Shared>, index: usize) {
    let gpc = engine.gpc_of(index);
    gpc.sleepers.fetch_add(1, Ordering::SeqCst);
    let seen = gpc.doorbell.load(Ordering::SeqCst);
    // Who lists work, or gives a core back, looks at `sleepers` afterwards.
    let found = engine.scheduler().has_pending() && engine.has_free_core();
    if !found && !engine.is_stopping() {
        futex::wait(&gpc.doorbell, seen, None);
    }
    gpc.sleepers.fetch_sub(1, Ordering::SeqCst);
}
