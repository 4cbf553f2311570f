//! The engine: cores, the threads that have them, and how they are woken.

use crate::arena::Arena;
use crate::call::{ExecutionStacks, ensure_signal_stack, install_handlers};
use crate::domain::{Domain, DomainConfig};
use crate::execute::{Core, CoreGuard, WorkspacePool};
use crate::host_functions::HostFunctions;
use crate::lock_order::{EngineRank, Lock};
use crate::places::Places;
use crate::queue::{Padded, Stream};
use crate::runtime::Formatter;
use crate::scheduler::Scheduler;
use crate::session::{Goal, Session};
use crate::textures::ResourceTable;
use crate::worker;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use stdx::clock::monotonic_ns;
use stdx::futex;

/// A waiting host thread looks again and again for so long before it sleeps.
const WAIT_SPIN_NS: u64 = 30_000;

/// What an engine is made with.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// Cores, each with a thread of its own.
    pub workers: usize,
    /// Cores of a group; the groups are woken one after the other, so that whole groups stay asleep under little load.
    pub workers_per_gpc: usize,
    /// What formats the text that kernels print.
    pub formatter: Formatter,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self { workers, workers_per_gpc: 8, formatter: |_, _, _, _| -1 }
    }
}

/// Most cores of an engine.
pub const WORKERS_MAX: usize = 1024;

/// The software GPU's processor. Its threads start with the first command and end when the engine is dropped.
#[derive(Debug)]
pub struct Engine(Arc<Shared>);

impl Engine {
    /// An engine with memory of its own. Starts no thread yet.
    ///
    /// # Errors
    /// When the system does not give the address ranges.
    pub fn new(config: EngineConfig) -> io::Result<Engine> {
        let config = EngineConfig {
            workers: config.workers.clamp(1, WORKERS_MAX),
            workers_per_gpc: config.workers_per_gpc.max(1),
            ..config
        };
        install_handlers();
        let arena = Arc::new(Arena::new()?);
        let stacks = ExecutionStacks::new(config.workers)?;
        Ok(Engine(Arc::new(Shared {
            cores: (0..config.workers).map(|index| Core::new(index, stacks.frame(index))).collect(),
            gpcs: (0..config.workers.div_ceil(config.workers_per_gpc)).map(|_| Padded::default()).collect(),
            workspaces: WorkspacePool::new(arena.clone()),
            scheduler: Scheduler::new(),
            host_functions: HostFunctions::new(),
            spinning: AtomicUsize::new(0),
            streams: AtomicU64::new(0),
            started: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            threads: Lock::new(EngineRank::Threads, Vec::new()),
            config,
            places: Places::new(),
            arena,
            textures: ResourceTable::new(),
            _stacks: stacks,
        })))
    }

    /// The memory.
    pub fn arena(&self) -> &Arc<Arena> {
        &self.0.arena
    }

    /// The textures and surfaces that kernels may name.
    pub fn textures(&self) -> &ResourceTable {
        &self.0.textures
    }

    /// A domain of kernels that fail together.
    pub fn domain(&self, config: DomainConfig) -> Arc<Domain> {
        Domain::new(&self.0.arena, config)
    }

    /// A stream whose kernels fail with `domain`. Smaller priorities go first. To be dropped before the engine.
    ///
    /// # Errors
    /// When the system has no memory for its ring.
    pub fn stream(&self, domain: &Arc<Domain>, priority: i32) -> io::Result<Arc<Stream>> {
        Stream::new(self.0.clone(), domain.clone(), priority)
    }

    /// Cores.
    pub fn core_count(&self) -> usize {
        self.0.cores.len()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.stopping.store(true, Ordering::SeqCst);
        for gpc in &self.0.gpcs {
            gpc.0.doorbell.fetch_add(1, Ordering::SeqCst);
            futex::wake_all(&gpc.0.doorbell);
        }
        self.0.host_functions.stop();
        let threads = std::mem::take(&mut *self.0.threads.lock());
        for thread in threads {
            // A worker that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// A group of cores.
#[derive(Debug, Default)]
pub(crate) struct Gpc {
    /// Changes when the group's workers are to look for work.
    pub(crate) doorbell: AtomicU32,
    /// Workers that sleep, or are about to.
    pub(crate) sleepers: AtomicU32,
}

/// What the threads of an engine share.
pub(crate) struct Shared {
    config: EngineConfig,
    arena: Arc<Arena>,
    textures: ResourceTable,
    places: Places,
    cores: Vec<Core>,
    gpcs: Vec<Padded<Gpc>>,
    workspaces: WorkspacePool,
    scheduler: Scheduler,
    host_functions: HostFunctions,
    /// Workers that look for work without sleeping.
    spinning: AtomicUsize,
    /// Streams made so far.
    streams: AtomicU64,
    started: AtomicBool,
    stopping: AtomicBool,
    threads: Lock<Vec<JoinHandle<()>>>,
    /// The cores' stacks, which their frames are on.
    _stacks: ExecutionStacks,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn config(&self) -> &EngineConfig {
        &self.config
    }

    pub(crate) fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    pub(crate) fn textures(&self) -> &ResourceTable {
        &self.textures
    }

    pub(crate) fn workspaces(&self) -> &WorkspacePool {
        &self.workspaces
    }

    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    pub(crate) fn host_functions(&self) -> &HostFunctions {
        &self.host_functions
    }

    pub(crate) fn core_count(&self) -> usize {
        self.cores.len()
    }

    /// Of as many places as there are cores, that of the calling thread.
    pub(crate) fn place(&self) -> usize {
        self.places.current(self.cores.len())
    }

    pub(crate) fn next_stream_number(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn gpc_of(&self, worker: usize) -> &Gpc {
        &self.gpcs[worker / self.config.workers_per_gpc].0
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn spinning(&self) -> &AtomicUsize {
        &self.spinning
    }

    /// A core for the calling thread: `preferred` if it is free, else any.
    pub(crate) fn acquire_core(&self, preferred: usize) -> Option<CoreGuard<'_>> {
        self.cores[preferred].acquire().or_else(|| self.cores.iter().find_map(Core::acquire))
    }

    pub(crate) fn has_free_core(&self) -> bool {
        self.cores.iter().any(|core| !core.is_busy())
    }

    /// Makes a stream, which is ready, known to the workers.
    pub(crate) fn enqueue(self: &Arc<Self>, stream: Arc<Stream>) {
        if self.scheduler.add_stream(stream) {
            self.wake(1);
        }
    }

    /// Wakes up to `count` workers for work that is listed, unless enough of them are awake and look for it. Answers how many it woke.
    pub(crate) fn wake(self: &Arc<Self>, count: usize) -> usize {
        if !self.started.load(Ordering::Acquire) {
            self.start();
        }
        // No more than find a core: one that does not looks for a while and sleeps again, over and over if it is woken meanwhile.
        let free = self.cores.iter().filter(|core| !core.is_busy()).take(count).count();
        let wanted = free.saturating_sub(self.spinning.load(Ordering::SeqCst));
        let mut woken = 0;
        for gpc in &self.gpcs {
            if woken >= wanted {
                break;
            }
            if gpc.0.sleepers.load(Ordering::SeqCst) > 0 {
                gpc.0.doorbell.fetch_add(1, Ordering::SeqCst);
                woken += futex::wake_some(&gpc.0.doorbell, wanted - woken);
            }
        }
        woken
    }

    #[cold]
    fn start(self: &Arc<Self>) {
        let mut threads = self.threads.lock();
        if self.started.swap(true, Ordering::AcqRel) {
            return;
        }
        for index in 0..self.cores.len() {
            match worker::spawn(self.clone(), index) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    // The waiting host threads still do all the work.
                    eprintln!("apex: worker {index} could not be started: {error}");
                    break;
                }
            }
        }
    }

    /// Keeps a thread to be joined when the engine is dropped.
    pub(crate) fn adopt_thread(&self, thread: JoinHandle<()>) {
        self.threads.lock().push(thread);
    }

    /// Waits until `sequence` commands of a stream are complete, and works on them meanwhile if there is a free core.
    pub(crate) fn wait_until(self: &Arc<Self>, stream: &Arc<Stream>, sequence: u64) {
        let done = || stream.completed() >= sequence;
        let mut spin_until = 0;
        while !done() {
            if stream.wants_help() {
                ensure_signal_stack();
                // The last core, because workers prefer to be woken from the first one on.
                if let Some(core) = self.acquire_core(self.cores.len() - 1) {
                    Session::new(self, core, Some(Goal { stream, sequence })).run();
                    // A worker may have gone to sleep for want of a core.
                    if self.scheduler.has_pending() {
                        self.wake(1);
                    }
                    spin_until = 0;
                    continue;
                }
            }
            let now = monotonic_ns();
            if spin_until == 0 {
                spin_until = now + WAIT_SPIN_NS;
            }
            if now < spin_until {
                std::hint::spin_loop();
            } else {
                stream.sleep_until(sequence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_workers_are_woken_than_there_are_cores() {
        let engine = Engine::new(EngineConfig { workers: 2, ..EngineConfig::default() }).unwrap();
        let shared = &engine.0;
        let all_sleep = || {
            while shared.gpcs.iter().map(|gpc| gpc.0.sleepers.load(Ordering::SeqCst)).sum::<u32>() < 2 {
                std::thread::yield_now();
            }
        };
        // A worker says that it sleeps a moment before it does.
        let woken = || std::iter::repeat_with(|| shared.wake(1000)).find(|woken| *woken > 0);
        shared.start();
        all_sleep();
        let cores = [shared.acquire_core(0), shared.acquire_core(1)];
        assert!(cores.iter().all(Option::is_some));
        assert_eq!(shared.wake(1000), 0, "they would find no core");
        let [_one, other] = cores;
        drop(other);
        assert_eq!(woken(), Some(1));
        all_sleep();
        assert_eq!(woken(), Some(1));
    }
}
