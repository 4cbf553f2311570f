//! A stream, its state, and points in it.

use super::command::{Command, LaunchRecord};
use super::producer::Producer;
use super::ring::{Padded, Ring};
use crate::domain::Domain;
use crate::engine::Shared;
use crate::execute::Grid;
use crate::kernel::{InvalidLaunch, Kernel, Launch, PARAMETER_BYTES_MAX, PreparedLaunch};
use crate::lock_order::{BriefLock, EngineRank, Lock};
use crate::nested::Family;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use stdx::futex;

/// Who may carry out a stream's commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum State {
    /// There are none. Who writes the next makes the stream ready.
    Idle = 0,
    /// Any thread that takes it out of this state.
    Ready = 1,
    /// One thread: the one that put it in this state, or, while a grid, a host function or a wait is under way, the one that
    /// ends it. Nothing is written here for each command, because who appends commands reads it.
    Taken = 2,
    /// There are no commands, and a thread looks for the next one now and then. Any thread may take the stream from it.
    Watched = 3,
}

/// A queue of commands, carried out one after the other.
pub struct Stream {
    engine: Arc<Shared>,
    /// Counts the streams of the engine.
    number: u64,
    domain: Arc<Domain>,
    priority: i32,
    producer: BriefLock<Producer>,
    ring: Ring,
    /// Commands ever written and visible.
    written: Padded<AtomicU64>,
    /// Commands ever completed.
    completed: Padded<AtomicU64>,
    /// A recent value of `written`; only used by who carries commands out, who otherwise would take the cache line of
    /// `written` away from who appends them, for each command.
    written_seen: Padded<Cell<u64>>,
    state: Padded<AtomicU8>,
    /// Whether the scheduler's list holds the stream, which may be so in any state.
    pub(crate) listed: AtomicBool,
    /// So many completed commands wake the threads that sleep on `progress`; `u64::MAX` when none does.
    wake_at: AtomicU64,
    /// Changes when sleeping threads are woken.
    progress: AtomicU32,
    /// Whether `dependents` may hold any.
    has_dependents: AtomicBool,
    /// Streams that wait until so many commands here are complete.
    dependents: Lock<Vec<(u64, Arc<Stream>)>>,
    /// The grid of the launch in progress.
    grid: Grid,
    /// The grids that grids of this stream launch; none before the first does.
    family: OnceLock<Arc<Family>>,
    /// The family that the stream runs children of, if it is one of its lanes.
    family_of_lane: Weak<Family>,
}

// SAFETY: `written_seen` is only used by the thread that the stream's commands are carried out by, of which there is one at a
// time; the state, or the last share of a grid, hands that role on.
unsafe impl Sync for Stream {}

impl Stream {
    pub(crate) fn new(engine: Arc<Shared>, domain: Arc<Domain>, priority: i32) -> io::Result<Arc<Stream>> {
        Self::make(engine, domain, priority, Weak::new())
    }

    /// A stream for the children of a family.
    pub(crate) fn lane(
        engine: Arc<Shared>,
        domain: Arc<Domain>,
        priority: i32,
        family: &Arc<Family>,
    ) -> io::Result<Arc<Stream>> {
        Self::make(engine, domain, priority, Arc::downgrade(family))
    }

    fn make(
        engine: Arc<Shared>,
        domain: Arc<Domain>,
        priority: i32,
        family_of_lane: Weak<Family>,
    ) -> io::Result<Arc<Stream>> {
        Ok(Arc::new(Stream {
            number: engine.next_stream_number(),
            engine,
            domain,
            priority,
            producer: BriefLock::new(EngineRank::Producer, Producer::default()),
            ring: Ring::new()?,
            written: Padded::default(),
            completed: Padded::default(),
            written_seen: Padded::default(),
            state: Padded(AtomicU8::new(State::Idle as u8)),
            listed: AtomicBool::new(false),
            wake_at: AtomicU64::new(u64::MAX),
            progress: AtomicU32::new(0),
            has_dependents: AtomicBool::new(false),
            dependents: Lock::new(EngineRank::Dependents, Vec::new()),
            grid: Grid::default(),
            family: OnceLock::new(),
            family_of_lane,
        }))
    }

    /// The domain that the stream's kernels fail with.
    pub fn domain(&self) -> &Arc<Domain> {
        &self.domain
    }

    /// The stream's number, in the order in which the engine's streams were made.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Urgency; smaller numbers go first.
    pub fn priority(&self) -> i32 {
        self.priority
    }

    /// Appends a launch. Waits while the ring is full.
    ///
    /// # Errors
    /// When the launch is not one that the engine can run.
    pub fn launch(self: &Arc<Self>, launch: &Launch<'_>) -> Result<(), InvalidLaunch> {
        self.launch_prepared(&launch.prepare()?, launch.stack_bytes, launch.parameters, 0)
    }

    /// Appends a launch that has been checked before, with these parameters, this stack for each thread, and a tag that its
    /// [times](crate::time_launches) are told under, 0 for none. Waits while the ring is full.
    ///
    /// # Errors
    /// When there are more than [`PARAMETER_BYTES_MAX`] bytes of parameters.
    pub fn launch_prepared(
        self: &Arc<Self>,
        launch: &PreparedLaunch,
        stack_bytes: u32,
        parameters: &[u8],
        tag: u64,
    ) -> Result<(), InvalidLaunch> {
        if parameters.len() > PARAMETER_BYTES_MAX {
            return Err(InvalidLaunch("there are more than 32764 bytes of parameters"));
        }
        let command = || Command::Launch(LaunchRecord { stack_bytes, tag, ..*launch.record() });
        self.push(command, Some(launch.kernel()), parameters);
        Ok(())
    }

    /// Appends a function of the host program. It runs on a thread of the engine that does nothing else, so that it may wait.
    pub fn host_function(self: &Arc<Self>, function: impl FnOnce() + Send + 'static) {
        let function = Box::new(function);
        self.push(|| Command::HostFunction(function), None, &[]);
    }

    /// Appends a function that runs as soon as the stream reaches it, on whatever thread does. It must not wait.
    pub fn operation(self: &Arc<Self>, function: impl FnOnce() + Send + 'static) {
        let function = Box::new(function);
        self.push(|| Command::Operation(function), None, &[]);
    }

    /// Makes what is appended from here on wait for a point of another stream.
    pub fn wait_for(self: &Arc<Self>, point: &Point) {
        if !point.is_reached() && !Arc::ptr_eq(&point.stream, self) {
            self.push(|| Command::Wait(point.clone()), None, &[]);
        }
    }

    /// Appends a note of the time; returns the point where it has been taken.
    pub fn stamp(self: &Arc<Self>, timestamp: &Arc<Timestamp>) -> Point {
        let sequence = self.push(|| Command::Stamp(timestamp.clone()), None, &[]);
        Point { stream: self.clone(), sequence }
    }

    /// The point where all that has been appended so far is complete.
    pub fn position(self: &Arc<Self>) -> Point {
        Point { stream: self.clone(), sequence: self.written.0.load(Ordering::Acquire) }
    }

    /// Whether all that has been appended is complete.
    pub fn is_idle(&self) -> bool {
        self.completed() >= self.written.0.load(Ordering::Acquire)
    }

    /// Waits until all that has been appended so far is complete, and works on it meanwhile.
    pub fn synchronize(self: &Arc<Self>) {
        self.position().wait();
    }

    /// Lets go of kernels that are not in use, so that their machine code can go.
    pub fn trim(&self) {
        self.producer.lock().trim(self.completed());
        if let Some(family) = self.family.get() {
            family.trim();
        }
    }

    // Inlined so that a launch is written to the ring at once, instead of being copied there.
    #[inline(always)]
    fn push(
        self: &Arc<Self>,
        command: impl FnOnce() -> Command,
        kernel: Option<&Arc<Kernel>>,
        parameters: &[u8],
    ) -> u64 {
        let sequence = loop {
            let mut producer = self.producer.lock();
            // SAFETY: the lock makes this thread the only producer.
            if let Some(room) = unsafe { self.ring.reserve(parameters.len()) } {
                // SAFETY: as above; `written` publishes the record.
                unsafe { room.write(command, parameters) };
                producer.written += 1;
                if let Some(kernel) = kernel {
                    let sequence = producer.written;
                    producer.retain(kernel, sequence, || self.completed());
                }
                // Sequentially consistent with the look at `written` after `state` became idle.
                self.written.0.swap(producer.written, Ordering::SeqCst);
                break producer.written;
            }
            // SAFETY: the lock is still held.
            let tail = unsafe { self.ring.tail() };
            drop(producer);
            self.wait_for_room(tail, parameters.len());
        };
        if self.state.0.load(Ordering::SeqCst) == State::Idle as u8 && self.change_state(State::Idle, State::Ready) {
            self.engine.enqueue(self.clone());
        }
        sequence
    }

    /// Waits until a record with so many bytes of parameters has room after `tail`.
    #[cold]
    fn wait_for_room(self: &Arc<Self>, tail: u64, parameter_bytes: usize) {
        while !self.ring.has_room(tail, parameter_bytes) {
            self.engine.wait_until(self, self.half_way());
        }
    }

    // What follows is for the threads that carry out commands.

    pub(crate) fn engine(&self) -> &Arc<Shared> {
        &self.engine
    }

    pub(crate) fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The family of the stream's grids.
    pub(crate) fn family(&self) -> Arc<Family> {
        let make = || Family::new(self.engine.clone(), self.domain.clone(), self.priority);
        self.family_of_lane.upgrade().unwrap_or_else(|| self.family.get_or_init(make).clone())
    }

    /// After the last block of a grid: whether the command is complete. If not, children of the grid are not, and the stream is made
    /// ready when they are.
    ///
    /// # Safety
    /// The stream is [`State::Taken`] and the caller's, and its grid is finished.
    pub(crate) unsafe fn is_complete_with_children(self: &Arc<Self>) -> bool {
        let node = self.grid.node();
        // The grid of a lane is a child itself: its family hears of its end by the next command.
        let Some(family) = self.family.get().filter(|_| node != 0) else { return true };
        self.grid.set_node(0);
        // SAFETY: the command is that of the grid; whoever comes back to the stream only completes it.
        if let Some((command, _)) = unsafe { self.front() } {
            *command = Command::Spent;
        }
        family.root_ended(node, self)
    }

    pub(crate) fn completed(&self) -> u64 {
        self.completed.0.load(Ordering::SeqCst)
    }

    pub(crate) fn change_state(&self, from: State, to: State) -> bool {
        self.state.0.compare_exchange(from as u8, to as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether a thread that waits for this stream could do something for it.
    pub(crate) fn wants_help(&self) -> bool {
        let state = self.state.0.load(Ordering::SeqCst);
        state == State::Ready as u8 || state == State::Watched as u8 || self.grid.is_listed()
    }

    /// Takes the stream to carry out its commands, if nobody has it.
    pub(crate) fn take(&self) -> bool {
        let free =
            |from: State| self.state.0.load(Ordering::Relaxed) == from as u8 && self.change_state(from, State::Taken);
        free(State::Ready) || free(State::Watched)
    }

    /// Lets go of a stream without commands, from [`State::Taken`] or [`State::Watched`]. False if there is a command by
    /// now and the stream has been taken for it.
    pub(crate) fn rest(&self, from: State) -> bool {
        if !self.change_state(from, State::Idle) {
            return true;
        }
        self.is_idle() || !self.change_state(State::Idle, State::Taken)
    }

    pub(crate) fn set_state(&self, to: State) {
        self.state.0.store(to as u8, Ordering::SeqCst);
    }

    /// The command to carry out next and its parameters, if there is one.
    ///
    /// # Safety
    /// The stream is [`State::Taken`] and the caller's; the reference is let go before the command completes.
    #[allow(clippy::mut_from_ref, reason = "the consumer owns the records, see `Ring::front`")]
    pub(crate) unsafe fn front(&self) -> Option<(&mut Command, *const u8)> {
        // SAFETY: the caller is the only consumer, and the record is asked for only if it is there.
        unsafe { self.has_command().then(|| self.ring.front()) }
    }

    /// Whether there is a command to carry out.
    ///
    /// # Safety
    /// The stream is [`State::Taken`] and the caller's.
    pub(crate) unsafe fn has_command(&self) -> bool {
        let completed = self.completed.0.load(Ordering::Relaxed);
        if completed == self.written_seen.0.get() {
            self.written_seen.0.set(self.written.0.load(Ordering::SeqCst));
        }
        completed < self.written_seen.0.get()
    }

    /// Completes the command at the front.
    ///
    /// # Safety
    /// As for [`front`](Stream::front), which returned it.
    pub(crate) unsafe fn complete(&self) {
        // SAFETY: passed on.
        unsafe { self.ring.pop() };
        let completed = self.completed.0.load(Ordering::Relaxed) + 1;
        self.completed.0.swap(completed, Ordering::SeqCst);
        if completed >= self.wake_at.load(Ordering::SeqCst) {
            self.wake_at.store(u64::MAX, Ordering::SeqCst);
            self.progress.fetch_add(1, Ordering::SeqCst);
            futex::wake_all(&self.progress);
        }
        if self.has_dependents.load(Ordering::SeqCst) {
            self.wake_dependents(completed);
        }
    }

    #[cold]
    fn wake_dependents(&self, completed: u64) {
        let ready: Vec<Arc<Stream>> = {
            let mut dependents = self.dependents.lock();
            let (ready, waiting): (Vec<_>, Vec<_>) =
                dependents.drain(..).partition(|(sequence, _)| *sequence <= completed);
            *dependents = waiting;
            self.has_dependents.store(!dependents.is_empty(), Ordering::SeqCst);
            ready.into_iter().map(|(_, stream)| stream).collect()
        };
        for stream in ready {
            stream.set_state(State::Ready);
            self.engine.enqueue(stream);
        }
    }

    /// Has `waiter`, which is [`State::Taken`], made ready when `sequence` commands here are complete. False if that is so
    /// already: the waiter is then the caller's again.
    pub(crate) fn add_dependent(&self, sequence: u64, waiter: &Arc<Stream>) -> bool {
        let mut dependents = self.dependents.lock();
        dependents.push((sequence, waiter.clone()));
        self.has_dependents.store(true, Ordering::SeqCst);
        // Who completes a command looks at the flag afterwards: one of the two sees the other.
        if self.completed() >= sequence {
            dependents.pop();
            return false;
        }
        true
    }

    /// Sleeps until `sequence` commands are complete, or a little less long.
    pub(crate) fn sleep_until(&self, sequence: u64) {
        let seen = self.progress.load(Ordering::SeqCst);
        self.wake_at.fetch_min(sequence, Ordering::SeqCst);
        // Who completes a command looks at `wake_at` afterwards. Who takes `wake_at` away changes `progress` afterwards.
        if self.completed() < sequence {
            futex::wait(&self.progress, seen, None);
        }
    }

    /// How many commands must be complete for half of the ring to be free.
    fn half_way(&self) -> u64 {
        let completed = self.completed();
        completed + (self.written.0.load(Ordering::Acquire) - completed).div_ceil(2)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.grid.release(self.engine.arena());
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("priority", &self.priority)
            .field("written", &self.written.0)
            .field("completed", &self.completed.0)
            .field("state", &self.state.0)
            .finish_non_exhaustive()
    }
}

/// A point in a stream: reached when all that was appended before it is complete.
#[derive(Clone, Debug)]
pub struct Point {
    stream: Arc<Stream>,
    sequence: u64,
}

impl Point {
    /// Whether the stream has come so far.
    pub fn is_reached(&self) -> bool {
        self.stream.completed() >= self.sequence
    }

    /// Waits until the stream has come so far, and works on it meanwhile.
    pub fn wait(&self) {
        self.stream.engine.wait_until(&self.stream, self.sequence);
    }

    /// The stream.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// How many commands of the stream are complete when it is reached.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// A time that a stream notes.
#[derive(Debug, Default)]
pub struct Timestamp(AtomicU64);

impl Timestamp {
    /// Nanoseconds of the monotonic clock; `None` before the stream has come there.
    pub fn get_ns(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Acquire)).filter(|&time| time != 0)
    }

    pub(crate) fn take(&self) {
        self.0.store(stdx::clock::monotonic_ns().max(1), Ordering::Release);
    }
}
