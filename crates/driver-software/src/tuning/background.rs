//! Threads that compile what is, or may be, faster.

use crate::lock_order::{Lock, Order};
use core::ffi::c_int;
use std::collections::VecDeque;
use std::mem::replace;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};
use stdx::futex;

/// Something for the thread to do.
type Job = Box<dyn FnOnce() + Send>;

/// Most jobs that wait. A kernel that finds no room stays as it is.
const JOBS_MAX: usize = 1024;

/// Stack of the thread, which compiles. Memory is used as far as it goes down.
const STACK_BYTES: usize = 16 << 20;

/// How long a process that exits waits for what was begun.
const AT_EXIT_MAX: Duration = Duration::from_millis(200);

/// How urgent a thread is to the system, where others want the processors as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Urgency {
    /// As urgent as others.
    Usual,
    /// Others get three quarters of a core. It is not less, since a process that exits waits.
    Less,
}

impl Urgency {
    fn thread_name(self) -> &'static str {
        match self {
            Urgency::Usual => "apex-compiling",
            Urgency::Less => "apex-tuning",
        }
    }

    fn nice(self) -> c_int {
        match self {
            Urgency::Usual => 0,
            Urgency::Less => 5,
        }
    }
}

pub(super) struct Background {
    urgency: Urgency,
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

/// Whom the process has to wait for when it exits.
struct Ending {
    background: Arc<Background>,
    /// The process with the thread: a forked child has a copy of this, and no thread.
    process: u32,
}

static ENDING: Mutex<Vec<Ending>> = Mutex::new(Vec::new());

impl Background {
    pub(super) fn new(urgency: Urgency) -> Arc<Background> {
        let queue = Lock::new(Order::Background, Queue::default());
        Arc::new(Background { urgency, queue, changes: AtomicU32::new(0) })
    }

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
        let is_first = {
            let mut endings = ENDING.lock().unwrap_or_else(PoisonError::into_inner);
            endings.push(Ending { background: self.clone(), process: std::process::id() });
            endings.len() == 1
        };
        if is_first && !stdx::at_exit(end) {
            return false;
        }
        let (shared, name) = (self.clone(), self.urgency.thread_name());
        let spawned = Builder::new().name(name.to_string()).stack_size(STACK_BYTES).spawn(move || {
            give_way(shared.urgency);
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
    fn finish(&self, end: Instant) {
        // Dropped at the end: what jobs own may be large.
        let _jobs = {
            let mut queue = self.queue.lock();
            queue.is_ending = true;
            std::mem::take(&mut queue.jobs)
        };
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
        let end = Instant::now() + AT_EXIT_MAX;
        // Held by a thread that a forked child does not have, it stays so.
        let Ok(endings) = ENDING.try_lock() else { return };
        for ending in endings.iter().filter(|ending| ending.process == std::process::id()) {
            ending.background.finish(end);
        }
    }));
}

/// Leaves signals to the program's threads, and processors to others as far as the thread is less urgent.
fn give_way(urgency: Urgency) {
    simt::block_signals();
    // SAFETY: sets a number of the calling thread; failing changes nothing that matters.
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
        libc::setpriority(libc::PRIO_PROCESS, thread, urgency.nice());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn what_was_begun_is_waited_for_and_nothing_else_is_begun() {
        let background = Background::new(Urgency::Less);
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
            let finishing = scope.spawn(|| background.finish(Instant::now() + AT_EXIT_MAX));
            while !background.queue.lock().is_ending {
                std::thread::yield_now();
            }
            assert!(!finishing.is_finished());
            go_on.store(true, Ordering::SeqCst);
        });
        assert!(ended.load(Ordering::SeqCst) && !other.load(Ordering::SeqCst));
    }
}
