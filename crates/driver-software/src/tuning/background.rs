//! The thread that compiles what may be faster. It gives way to every other thread.

use crate::lock_order::{Lock, Order};
use core::ffi::c_int;
use std::collections::VecDeque;
use std::mem::replace;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::{Duration, Instant};
use stdx::futex;

/// Something for the thread to do.
type Job = Box<dyn FnOnce() + Send>;

/// Most jobs that wait. A kernel that finds no room stays as it is.
const JOBS_MAX: usize = 1024;

/// Stack of the thread, which compiles. Memory is used as far as it goes down.
const STACK_BYTES: usize = 16 << 20;

/// How much less urgent than others the thread is to the system: a quarter of a core is left where both want it. It is not less, since a process
/// that exits waits for it.
const NICE: i32 = 5;

/// How long a process that exits waits for what was begun.
const AT_EXIT_MAX: Duration = Duration::from_millis(200);

pub(super) struct Background {
    queue: Lock<Queue>,
    /// Changes when there is more to do, and when the thread has done what it was at.
    changes: AtomicU32,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_started: bool,
    is_at_work: bool,
    is_ending: bool,
}

impl Default for Background {
    fn default() -> Self {
        Background { queue: Lock::new(Order::Background, Queue::default()), changes: AtomicU32::new(0) }
    }
}

/// Whom the process has to wait for when it exits.
struct Ending {
    background: Arc<Background>,
    /// The process with the thread: a forked child has a copy of this, and no thread.
    process: u32,
}

static ENDING: OnceLock<Ending> = OnceLock::new();

impl Background {
    /// Has a job done some time. It is forgotten if too many wait, or the process exits before.
    pub(super) fn add(self: &Arc<Self>, job: impl FnOnce() + Send + 'static) {
        let start = {
            let mut queue = self.queue.lock();
            if queue.is_ending || queue.jobs.len() >= JOBS_MAX {
                return;
            }
            queue.jobs.push_back(Box::new(job));
            !replace(&mut queue.is_started, true)
        };
        self.ring();
        if start && !self.start() {
            // Nothing is tuned then, and nothing is said: all works without.
            let mut queue = self.queue.lock();
            queue.is_ending = true;
            queue.jobs.clear();
        }
    }

    fn start(self: &Arc<Self>) -> bool {
        let ending = Ending { background: self.clone(), process: std::process::id() };
        if ENDING.set(ending).is_err() || !stdx::at_exit(end) {
            return false;
        }
        let shared = self.clone();
        let spawned = Builder::new().name("apex-tuning".to_string()).stack_size(STACK_BYTES).spawn(move || {
            give_way();
            shared.serve();
        });
        spawned.is_ok()
    }

    fn ring(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        futex::wake_all(&self.changes);
    }

    fn serve(&self) {
        loop {
            let seen = self.changes.load(Ordering::SeqCst);
            let job = {
                let mut queue = self.queue.lock();
                let job = queue.jobs.pop_front();
                queue.is_at_work = job.is_some();
                job
            };
            match job {
                Some(job) => {
                    // A panic has been reported by its hook; the kernel stays as it is.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                    self.queue.lock().is_at_work = false;
                    self.ring();
                }
                None => {
                    futex::wait(&self.changes, seen, None);
                }
            }
        }
    }

    /// Has nothing more begun, and waits a little for what has been: the next process finds in the cache what comes of it. What takes longer is cut off,
    /// which the compiler's data survives (it is never taken apart, see `simt-llvm`) and the cache too.
    fn finish(&self) {
        // Dropped at the end: what jobs own may be large.
        let _jobs = {
            let mut queue = self.queue.lock();
            queue.is_ending = true;
            std::mem::take(&mut queue.jobs)
        };
        let end = Instant::now() + AT_EXIT_MAX;
        loop {
            let seen = self.changes.load(Ordering::SeqCst);
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.queue.lock().is_at_work {
                return;
            }
            futex::wait(&self.changes, seen, Some(left));
        }
    }
}

/// When the process exits.
extern "C" fn end(_code: c_int) {
    // A panic has been reported by its hook.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(ending) = ENDING.get().filter(|ending| ending.process == std::process::id()) {
            ending.background.finish();
        }
    }));
}

/// Leaves signals to the program's threads, and processors to everybody else.
fn give_way() {
    simt::block_signals();
    // SAFETY: sets a number of the calling thread; failing changes nothing that matters.
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
        libc::setpriority(libc::PRIO_PROCESS, thread, NICE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn what_was_begun_is_waited_for_and_nothing_else_is_begun() {
        let background = Arc::new(Background::default());
        let (go_on, ended, other) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let begun = Arc::new(AtomicBool::new(false));
        let (job_begun, job_go_on, job_ended) = (begun.clone(), go_on.clone(), ended.clone());
        background.add(move || {
            job_begun.store(true, Ordering::SeqCst);
            while !job_go_on.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            job_ended.store(true, Ordering::SeqCst);
        });
        background.add(|| panic!("a job that fails ends nothing"));
        let job_other = other.clone();
        background.add(move || job_other.store(true, Ordering::SeqCst));
        while !begun.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        std::thread::scope(|scope| {
            let finishing = scope.spawn(|| background.finish());
            while !background.queue.lock().is_ending {
                std::thread::yield_now();
            }
            assert!(!finishing.is_finished());
            go_on.store(true, Ordering::SeqCst);
        });
        assert!(ended.load(Ordering::SeqCst) && !other.load(Ordering::SeqCst));
    }
}
