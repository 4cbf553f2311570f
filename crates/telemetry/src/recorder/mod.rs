//! The recorder: threads put events into rings of their own, one thread writes them to the file, publishes what they sum up to, or both.
//!
//! The life of a recorder is fresh, active, then stopped or ended; a forked child has none (the driver that the events are of does not
//! survive a fork either). It opens its file and starts its thread with the first event, so that a process that does nothing leaves no
//! file and can fork freely.

mod device;
mod outlet;
mod owners;
mod quick;
mod rows;
mod sink;
mod thread;

use crate::clock::Clock;
use crate::event::{Event, Kind};
use crate::records::{Context, Device, Fact, Kernel, Node};
use crate::ring::{Producer, Put, Ring};
use crate::slots::Slots;
pub use device::{DeviceTime, Work};
use owners::Owners;
pub use quick::{Open, Quick};
use sink::Sink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::time::Duration;

/// How to record.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file, if there is to be one; `%p` in its name stands for the process. Where another process writes it, that process's number is
    /// appended.
    pub path: Option<PathBuf>,
    /// The folder to publish counts in ([`live`](crate::live)), if they are to be published.
    pub live: Option<PathBuf>,
    /// Events that a thread may have waiting to be written, 64 bytes each; rounded up to a power of two. A thread that makes them faster
    /// than they are written loses what finds no room, and that is counted.
    pub ring_events: usize,
    /// Threads that record at a time; events of further ones are counted as dropped.
    pub rings_max: usize,
    /// How long an event waits at most before it is in the file, out of a crash's reach.
    pub interval: Duration,
    /// Whether times of the device come too ([`Event::execution`]).
    pub executions: bool,
    /// Whether the end of each launch is read from the clock, and not of one in 32 where they follow close behind each other.
    pub all_ends: bool,
    /// Facts for the head of the file, beside those about the process.
    pub facts: Vec<(String, String)>,
}

impl Config {
    /// Records into a file: 16384 events a ring, 512 threads, every 100 ms.
    pub fn new(path: PathBuf) -> Config {
        Config { path: Some(path), ..Config::nothing() }
    }

    /// Publishes counts in a folder, with rings as those of [`new`](Config::new).
    pub fn live(folder: PathBuf) -> Config {
        Config { live: Some(folder), ..Config::nothing() }
    }

    fn nothing() -> Config {
        Config {
            path: None,
            live: None,
            ring_events: 16 << 10,
            rings_max: 512,
            interval: Duration::from_millis(100),
            executions: false,
            all_ends: false,
            facts: Vec::new(),
        }
    }
}

const FRESH: u8 = 0;
const ACTIVE: u8 = 1;
/// The file cannot be written any more.
const STOPPED: u8 = 2;
/// The process exits.
const ENDED: u8 = 3;
/// This is a forked child.
const FORKED: u8 = 4;

/// Most times of the device that wait for the writer. Further ones are dropped, and counted.
const DEVICE_TIMES_MAX: usize = 1 << 19;

/// Asked for what the device has done since, before the writer writes; `true` for the last time, when the process exits. What it finds it
/// tells by [`Recorder::record_device_times`].
pub type Collect = Box<dyn Fn(bool) + Send + Sync>;

/// The number of a token that belongs to no ring.
const NO_RING: u64 = u64::MAX;

/// Records events of all threads into a file. What every event looks at comes first, in one cache line.
#[repr(C, align(64))]
pub struct Recorder {
    /// Unlike that of any other recorder of the process.
    id: u64,
    state: AtomicU8,
    clock: Clock,
    owners: Owners,
    /// Whether events have no numbers but their places.
    is_quick: AtomicBool,
    config: Config,
    /// The file's descriptor, for a forked child to close: it would hold the lock on the file for as long as it lives.
    descriptor: AtomicI32,
    /// Changes, and is woken, when the writer should come.
    wake: AtomicU32,
    rings: Mutex<Rings>,
    definitions: Mutex<Definitions>,
    sink: Mutex<Option<Sink>>,
    /// Launches and other events that found no ring.
    lost: [AtomicU64; 2],
    /// Times of the device that did not come through a ring.
    device_times: Mutex<Vec<DeviceTime>>,
    collect: OnceLock<Collect>,
}

#[derive(Default)]
struct Rings {
    all: Vec<Arc<Ring>>,
    /// Threads so far.
    threads: u32,
}

/// What events refer to, and is not in the file yet. Bounded by whoever defines it.
#[derive(Default)]
struct Definitions {
    facts: Vec<Fact>,
    devices: Vec<Device>,
    contexts: Vec<Context>,
    kernels: Vec<Kernel>,
    /// By kernel, as [`Recorder::define_blocks_max`] says.
    blocks_max: Vec<(u64, u32)>,
    nodes: Vec<(Node, Option<Event>)>,
}

/// The beginning of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// When, in ticks.
    pub start: u64,
    /// The event's number.
    pub correlation: u64,
    /// The calling thread's ring, as an address; 0 for none.
    ring: usize,
}

impl From<Token> for [u64; 3] {
    fn from(token: Token) -> [u64; 3] {
        [token.start, token.correlation, token.ring as u64]
    }
}

impl Token {
    /// The token that these are the words of.
    ///
    /// # Safety
    /// They come from a token of [`Recorder::begin`], and the thread is the one that began.
    pub unsafe fn from_words([start, correlation, ring]: [u64; 3]) -> Token {
        Token { start, correlation, ring: ring as usize }
    }
}

/// A lock that a panic of ours has not spoilt: what it guards is valid at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// A recorder that has not begun. It lives as long as the process, as its thread and the program's threads use it.
    pub fn new(config: Config) -> &'static Recorder {
        static RECORDERS: AtomicU64 = AtomicU64::new(1);
        stdx::near::leak(Recorder {
            id: RECORDERS.fetch_add(1, Ordering::Relaxed),
            state: AtomicU8::new(FRESH),
            clock: Clock::new(),
            owners: Owners::new(),
            is_quick: AtomicBool::new(false),
            config,
            descriptor: AtomicI32::new(-1),
            wake: AtomicU32::new(0),
            rings: Mutex::default(),
            definitions: Mutex::default(),
            sink: Mutex::new(None),
            lost: [const { AtomicU64::new(0) }; 2],
            device_times: Mutex::default(),
            collect: OnceLock::new(),
        })
    }

    /// Makes this recorder the one that ends when the process exits, and knows when it forks. At most once in a process.
    pub fn install(&'static self) {
        static INSTALLED: AtomicPtr<Recorder> = AtomicPtr::new(std::ptr::null_mut());
        static ONCE: Once = Once::new();
        extern "C" fn at_exit(_status: i32) {
            // SAFETY: null, or a recorder that lives as long as the process.
            if let Some(recorder) = unsafe { INSTALLED.load(Ordering::Acquire).as_ref() } {
                recorder.finish();
            }
        }
        extern "C" fn in_child() {
            // SAFETY: as above. Atomic operations and `close` are allowed in a forked child.
            if let Some(recorder) = unsafe { INSTALLED.load(Ordering::Acquire).as_ref() } {
                let _ = recorder.state.compare_exchange(ACTIVE, FORKED, Ordering::AcqRel, Ordering::Acquire);
                recorder.owners.remove_all();
                let descriptor = recorder.descriptor.swap(-1, Ordering::AcqRel);
                if descriptor >= 0 {
                    // SAFETY: the sink's descriptor, which a forked child never uses: it records nothing.
                    unsafe { libc::close(descriptor) };
                }
            }
        }
        INSTALLED.store(std::ptr::from_ref(self).cast_mut(), Ordering::Release);
        ONCE.call_once(|| {
            if !stdx::at_exit(at_exit) {
                eprintln!("apex: the end of the recording will be missing: the system refuses a function at exit");
            }
            // SAFETY: the handler does what is allowed in a forked child, and the library that holds it is never unloaded.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
    }

    /// Begins an event: what follows is on the clock.
    #[inline(always)]
    pub fn begin(&'static self) -> Token {
        let (correlation, ring) = match self.producer() {
            // SAFETY: the ring is the calling thread's own.
            Some(ring) => (unsafe { ring.number() }, std::ptr::from_ref(ring).expose_provenance()),
            None => (NO_RING, 0),
        };
        Token { start: self.clock.ticks(), correlation, ring }
    }

    /// The number that the next event of this thread will have, which has begun one with `token`.
    #[inline]
    pub fn next_number(&'static self, token: &Token) -> u64 {
        if token.ring == 0 {
            return NO_RING;
        }
        // SAFETY: `begin` found the ring on this thread, which keeps it until it ends.
        unsafe { (*std::ptr::with_exposed_provenance::<Producer>(token.ring)).next_number() }
    }

    /// Records an event that began with `token`, on this thread, and ends now.
    #[inline(always)]
    pub fn end(&'static self, token: Token, mut event: Event) {
        event.start = token.start;
        event.duration = self.clock.ticks().saturating_sub(token.start);
        event.correlation = token.correlation;
        let is_launch = event.kind == Kind::Launch;
        if token.ring == 0 || self.state.load(Ordering::Relaxed) != ACTIVE {
            return self.lose(is_launch);
        }
        // SAFETY: `begin` found the ring on this thread, which keeps it until it ends.
        let ring = unsafe { &*std::ptr::with_exposed_provenance::<Producer>(token.ring) };
        // SAFETY: the ring is the calling thread's own.
        if unsafe { ring.put(event.to_slot(), is_launch) } == Put::HalfFull {
            self.call_writer();
        }
    }

    /// Records an event that has its times.
    #[inline]
    pub fn record(&'static self, event: Event) {
        let is_launch = event.kind == Kind::Launch;
        let Some(ring) = self.producer() else { return self.lose(is_launch) };
        // SAFETY: the ring is the calling thread's own.
        if unsafe { ring.put(event.to_slot(), is_launch) } == Put::HalfFull {
            self.call_writer();
        }
    }

    /// The end of the calling thread's ring; `None` when there can be none.
    #[inline(always)]
    fn producer(&'static self) -> Option<&'static Producer> {
        if self.state.load(Ordering::Relaxed) != ACTIVE && !self.is_begun() {
            return None;
        }
        self.owners.producer().or_else(|| self.producer_elsewhere())
    }

    #[cold]
    #[inline(never)]
    fn producer_elsewhere(&'static self) -> Option<&'static Producer> {
        thread::ring_of(self.id).or_else(|| self.add_ring()).map(Ring::producer)
    }

    #[cold]
    fn is_begun(&'static self) -> bool {
        self.state.load(Ordering::Acquire) == FRESH && self.activate()
    }

    /// Opens the file and starts the writer, if no other thread does.
    fn activate(&'static self) -> bool {
        let mut sink = lock(&self.sink);
        if self.state.load(Ordering::Acquire) != FRESH {
            return self.state.load(Ordering::Acquire) == ACTIVE;
        }
        *sink = Sink::open(&self.config);
        if let Some(opened) = &*sink {
            self.descriptor.store(opened.descriptor(), Ordering::Release);
            if let Err(error) = thread::start(self) {
                self.descriptor.store(-1, Ordering::Release);
                opened.withdraw();
                *sink = None;
                eprintln!("apex: nothing is recorded: {error}");
            }
        }
        let state = if sink.is_some() { ACTIVE } else { STOPPED };
        self.state.store(state, Ordering::Release);
        state == ACTIVE
    }

    #[cold]
    fn add_ring(&'static self) -> Option<&'static Ring> {
        let mut rings = lock(&self.rings);
        if rings.all.len() >= self.config.rings_max || self.state.load(Ordering::Acquire) != ACTIVE {
            return None;
        }
        let slots = Slots::new(self.config.ring_events.max(4).next_power_of_two());
        let place = self.owners.free_place();
        let is_numbered = !self.is_quick.load(Ordering::Acquire);
        let ring = Ring::new(rings.threads, slots, place, self.config.all_ends, is_numbered);
        let Some(own) = thread::keep(self, &ring) else {
            ring.give_up();
            return None;
        };
        place.inspect(|place| Owners::add(place));
        rings.threads += 1;
        rings.all.push(ring);
        Some(own)
    }

    /// Nothing is recorded any more: no thread finds its ring.
    fn leave(&self, state: u8) {
        let _ = self.state.compare_exchange(ACTIVE, state, Ordering::AcqRel, Ordering::Acquire);
        let _no_ring_is_added = lock(&self.rings);
        self.owners.remove_all();
    }

    #[cold]
    fn lose(&self, is_launch: bool) {
        if [ACTIVE, STOPPED].contains(&self.state.load(Ordering::Relaxed)) {
            self.lost[usize::from(!is_launch)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has the writer come: a ring is half full.
    #[cold]
    #[inline(never)]
    fn call_writer(&self) {
        self.wake.fetch_add(1, Ordering::Release);
        stdx::futex::wake_one(&self.wake);
    }

    /// Tells when the device did something, from a thread that may wait for a lock. The call that it is of may not have returned yet.
    pub fn record_device_times(&self, times: &[DeviceTime]) {
        let mut waiting = lock(&self.device_times);
        let room = DEVICE_TIMES_MAX.saturating_sub(waiting.len()).min(times.len());
        waiting.extend_from_slice(&times[..room]);
        drop(waiting);
        self.lose_device_times((times.len() - room) as u64);
    }

    /// So many times of the device are known to be missing.
    pub fn lose_device_times(&self, count: u64) {
        self.lost[1].fetch_add(count, Ordering::Relaxed);
    }

    /// Has this asked for times of the device. At most once.
    pub fn collect_by(&self, collect: Collect) {
        let _ = self.collect.set(collect);
    }

    /// Adds a fact about the recording.
    pub fn add_fact(&self, name: &str, value: String) {
        lock(&self.definitions).facts.push(Fact { name: name.to_owned(), value });
    }

    /// Defines a device, before a context of it.
    pub fn define_device(&self, device: Device) {
        lock(&self.definitions).devices.push(device);
    }

    /// Defines a context, before an event in it.
    pub fn define_context(&self, context: Context) {
        lock(&self.definitions).contexts.push(context);
    }

    /// Defines a kernel, before a launch of it.
    pub fn define_kernel(&self, kernel: Kernel) {
        lock(&self.definitions).kernels.push(kernel);
    }

    /// Says how many blocks of one thread of a kernel a multiprocessor holds at a time, before a launch of it: what the driver answers, so that
    /// occupancy is right where the kernel's barriers limit it.
    pub fn define_blocks_max(&self, kernel: u64, blocks: u32) {
        lock(&self.definitions).blocks_max.push((kernel, blocks));
    }

    /// Defines a node of a graph, before a launch of the graph; with a launch for a kernel node.
    pub fn define_node(&self, node: Node, launch: Option<Event>) {
        lock(&self.definitions).nodes.push((node, launch));
    }

    /// Writes what is in the rings to the file.
    pub fn flush(&self) {
        self.write(false);
    }

    /// Writes what is in the rings and ends the recording: later events are not recorded.
    pub fn finish(&self) {
        if self.state.load(Ordering::Acquire) == ACTIVE {
            self.write(true);
            self.leave(ENDED);
            self.call_writer();
        }
        // In a forked child nobody may ever give the lock back.
        let has_lost_file =
            || lock(&self.sink).as_ref().is_some_and(|sink| self.config.path.is_some() && !sink.has_file());
        let state = self.state.load(Ordering::Acquire);
        if state == STOPPED || state == ENDED && has_lost_file() {
            let [launches, others] = self.dropped();
            eprintln!("apex: {launches} launches and {others} other events were not recorded");
        }
    }

    /// Launches and other events that were not recorded, so far.
    fn dropped(&self) -> [u64; 2] {
        let before = |sink: &Sink| [0, 1].map(|which| sink.dropped_before[which] + sink.unwritten[which]);
        let mut dropped = lock(&self.sink).as_ref().map_or([0; 2], before);
        let rings = lock(&self.rings).all.iter().map(|ring| ring.dropped()).collect::<Vec<_>>();
        let lost = [0, 1].map(|which| self.lost[which].load(Ordering::Relaxed));
        for counts in rings.into_iter().chain([lost]) {
            dropped = [dropped[0] + counts[0], dropped[1] + counts[1]];
        }
        dropped
    }

    /// One turn of the writer. What cannot be written ends the recording, and is told once.
    fn write(&self, is_last: bool) {
        if let Some(collect) = self.collect.get() {
            collect(is_last);
        }
        let mut place = lock(&self.sink);
        let Some(sink) = place.as_mut().filter(|sink| !sink.is_closed) else { return };
        let outcome = thread::without_size_signal(|| sink.flush(self, is_last));
        if let Err(error) = outcome {
            self.descriptor.store(-1, Ordering::Release);
            let (path, goes_on) = sink.give_up_file();
            eprintln!("apex: recording ends: {}: {error}", path.display());
            if !goes_on {
                sink.is_closed = true;
                self.leave(STOPPED);
            } else if is_last {
                // Without a file nothing fails.
                let _ = sink.flush(self, true);
            }
        }
        sink.is_closed |= is_last;
    }
}

#[cfg(test)]
mod tests;
