//! The thread that runs host functions, one after the other.
//!
//! They have a thread of their own because they may wait, for a lock or for another thread of the program, while the cores
//! are needed to get on.

use crate::engine::Shared;
use crate::lock_order::{EngineRank, Lock};
use crate::queue::{Command, State, Stream};
use crate::worker::block_signals;
use std::collections::VecDeque;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::Builder;
use stdx::futex;

#[derive(Debug, Default)]
struct Queue {
    /// Streams whose command at the front is a host function.
    streams: VecDeque<Arc<Stream>>,
    is_started: bool,
    is_stopping: bool,
}

#[derive(Debug)]
pub(crate) struct HostFunctions {
    queue: Lock<Queue>,
    /// Changes with the queue.
    changes: AtomicU32,
}

impl HostFunctions {
    pub(crate) fn new() -> Self {
        let queue = Queue { streams: VecDeque::new(), is_started: false, is_stopping: false };
        Self { queue: Lock::new(EngineRank::HostFunctions, queue), changes: AtomicU32::new(0) }
    }

    /// Has the host function at the front of a stream run. The stream is [`State::Taken`] meanwhile.
    pub(crate) fn add(&self, engine: &Arc<Shared>, stream: Arc<Stream>) {
        let start = {
            let mut queue = self.queue.lock();
            queue.streams.push_back(stream);
            !std::mem::replace(&mut queue.is_started, true)
        };
        self.ring();
        if start {
            let shared = engine.clone();
            let spawned = Builder::new().name("apex-host".to_string()).spawn(move || {
                block_signals();
                shared.host_functions().serve(&shared);
            });
            match spawned {
                Ok(thread) => engine.adopt_thread(thread),
                Err(error) => {
                    // Running them here may block a core, which is better than never running them.
                    eprintln!("apex: the thread for host functions could not be started: {error}");
                    self.queue.lock().is_started = false;
                    while let Some(stream) = self.next() {
                        run(engine, &stream);
                    }
                }
            }
        }
    }

    pub(crate) fn stop(&self) {
        self.queue.lock().is_stopping = true;
        self.ring();
    }

    fn ring(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        futex::wake_all(&self.changes);
    }

    fn next(&self) -> Option<Arc<Stream>> {
        self.queue.lock().streams.pop_front()
    }

    fn serve(&self, engine: &Arc<Shared>) {
        loop {
            let seen = self.changes.load(Ordering::SeqCst);
            while let Some(stream) = self.next() {
                run(engine, &stream);
            }
            if self.queue.lock().is_stopping {
                return;
            }
            futex::wait(&self.changes, seen, None);
        }
    }
}

/// Runs the host function at the front of a stream, and makes the stream ready again.
fn run(engine: &Arc<Shared>, stream: &Arc<Stream>) {
    // SAFETY: the stream is `Taken`, and this thread is the one that continues it.
    unsafe {
        if let Some((command, _)) = stream.front() {
            if let Command::HostFunction(function) = take(command) {
                // A panic has been reported by its hook; the stream goes on.
                let _ = catch_unwind(AssertUnwindSafe(function));
            }
            stream.complete();
        }
    }
    stream.set_state(State::Ready);
    engine.enqueue(stream.clone());
}
