//! Times by events that are recorded into the program's streams around what it asks for, and read later on another thread.
//!
//! What this changes: an op takes the host two more calls of the driver, and its times begin and end where the events do, some microseconds
//! around the work. Nothing waits for a stream. Graphs have the times of the whole launch.

use core::cell::Cell;
use cuda_abi::*;
use driver_api::op::{Action, ContextFacts, Op};
use driver_api::{DeviceTime, DeviceTimeSink, DeviceWork, Driver};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stdx::clock::monotonic_ns;

/// Most pairs of events of a context. While all are under way, what comes is not timed, and counted.
const PAIRS_MAX: usize = 4096;
/// Most contexts whose ops are timed.
const CONTEXTS_MAX: usize = 64;
/// How long a moment on both clocks holds: events tell times in milliseconds as `f32`, to 60 ns a second away.
const MOMENT_NS: u64 = 1_000_000_000;
/// How long the device is waited for to tell a moment. It does so at once, in a stream of ours.
const MOMENT_WAIT_NS: u64 = 2_000_000;

/// Most ops that are asked about in vain in a turn: the program's launches wait meanwhile.
const NOT_READY_MAX: u32 = 64;

const OK: CUresult = CUresult::CUDA_SUCCESS;
/// `CU_STREAM_NON_BLOCKING`.
const NON_BLOCKING: u32 = 1;

/// The events.
pub(crate) struct Events {
    below: &'static dyn Driver,
    sink: &'static dyn DeviceTimeSink,
    /// By the context's number.
    contexts: Mutex<HashMap<u16, Context>>,
}

/// Events of a context.
struct Context {
    facts: &'static ContextFacts,
    made: usize,
    free: Vec<Pair>,
    running: VecDeque<(Pair, Asked)>,
    moment: Option<Moment>,
}

#[derive(Clone, Copy)]
struct Pair {
    start: CUevent,
    end: CUevent,
}

#[derive(Clone, Copy)]
struct Asked {
    tag: u64,
    work: DeviceWork,
    node: u32,
}

/// A moment on the device's clock and on the host's.
#[derive(Clone, Copy)]
struct Moment {
    stream: CUstream,
    event: CUevent,
    ns: u64,
}

// SAFETY: handles are tokens, which any thread may use.
unsafe impl Send for Events {}
// SAFETY: as above; what changes is behind a lock.
unsafe impl Sync for Events {}

thread_local! {
    /// The pair around the op that this thread has asked for.
    static CURRENT: Cell<Option<(Pair, Asked)>> = const { Cell::new(None) };
}

/// Calls that a capture somewhere would forbid are allowed on this thread while this lives: they have nothing to do with it.
struct Relaxed<'a> {
    below: &'a dyn Driver,
    before: CUstreamCaptureMode,
}

impl Relaxed<'_> {
    fn enter(below: &dyn Driver) -> Relaxed<'_> {
        let mut before = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        below.cuThreadExchangeStreamCaptureMode(&mut before);
        Relaxed { below, before }
    }
}

impl Drop for Relaxed<'_> {
    fn drop(&mut self) {
        self.below.cuThreadExchangeStreamCaptureMode(&mut self.before);
    }
}

impl Events {
    pub(crate) fn new(below: &'static dyn Driver, sink: &'static dyn DeviceTimeSink) -> Events {
        Events { below, sink, contexts: Mutex::default() }
    }

    fn contexts(&self) -> MutexGuard<'_, HashMap<u16, Context>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to time an op. One of a call that waits is left alone.
    pub(crate) fn before(&self, tag: u64, op: &Op) {
        let (work, node) = match op.action {
            Action::Launch(_) => (DeviceWork::Kernel, 0),
            Action::GraphLaunch { .. } => (DeviceWork::Kernel, u32::MAX),
            Action::Copy { bytes, is_async: true, .. } => (DeviceWork::Copy(bytes), 0),
            Action::Set { bytes, is_async: true } => (DeviceWork::Set(bytes), 0),
            _ => return,
        };
        let Some(pair) = self.pair(op.context) else { return self.sink.lost(1) };
        if self.below.cuEventRecord(pair.start, stream_of(op)) == OK {
            CURRENT.set(Some((pair, Asked { tag, work, node })));
        } else {
            // The stream is of another context than the thread's, or is captured.
            self.give_back(op.context, pair);
        }
    }

    /// Ends to time it.
    pub(crate) fn after(&self, op: &Op, result: CUresult) {
        let Some((pair, asked)) = CURRENT.take() else { return };
        let is_recorded = result == OK && self.below.cuEventRecord(pair.end, stream_of(op)) == OK;
        if !is_recorded {
            return self.give_back(op.context, pair);
        }
        if let Some(context) = self.contexts().get_mut(&op.context.number) {
            context.running.push_back((pair, asked));
        }
    }

    /// A pair of events that nothing waits for, of the thread's current context.
    fn pair(&self, facts: &'static ContextFacts) -> Option<Pair> {
        let mut contexts = self.contexts();
        if facts.number == 0 || contexts.len() >= CONTEXTS_MAX && !contexts.contains_key(&facts.number) {
            return None;
        }
        let new = || Context { facts, made: 0, free: Vec::new(), running: VecDeque::new(), moment: None };
        let context = contexts.entry(facts.number).or_insert_with(new);
        if let Some(pair) = context.free.pop() {
            return Some(pair);
        }
        if context.made == PAIRS_MAX || !self.is_current(facts) {
            return None;
        }
        let _relaxed = Relaxed::enter(self.below);
        let mut pair = Pair { start: CUevent::NULL, end: CUevent::NULL };
        let is_made =
            self.below.cuEventCreate(&mut pair.start, 0) == OK && self.below.cuEventCreate(&mut pair.end, 0) == OK;
        context.made += usize::from(is_made);
        is_made.then_some(pair)
    }

    fn is_current(&self, facts: &ContextFacts) -> bool {
        let mut current = CUcontext::NULL;
        self.below.cuCtxGetCurrent(&mut current) == OK && current.addr() as u64 == facts.handle
    }

    fn give_back(&self, facts: &ContextFacts, pair: Pair) {
        if let Some(context) = self.contexts().get_mut(&facts.number) {
            context.free.push(pair);
        }
    }

    /// Contexts are about to be destroyed: what is under way is given up. Which contexts is not known, so that all begin anew.
    pub(crate) fn contexts_go(&self) {
        let gone = std::mem::take(&mut *self.contexts());
        let lost: usize = gone.values().map(|context| context.running.len()).sum();
        if lost > 0 {
            self.sink.lost(lost as u64);
        }
    }

    /// Tells what is over.
    pub(crate) fn collect(&self, is_last: bool) {
        let mut before = CUcontext::NULL;
        if self.below.cuCtxGetCurrent(&mut before) != OK {
            return;
        }
        let _relaxed = Relaxed::enter(self.below);
        let (mut told, mut lost) = (Vec::new(), 0);
        {
            let mut contexts = self.contexts();
            for context in contexts.values_mut().filter(|context| !context.running.is_empty()) {
                if self.below.cuCtxSetCurrent(CUcontext::from_addr(context.facts.handle as usize)) == OK {
                    self.collect_from(context, is_last, &mut told, &mut lost);
                }
            }
        }
        self.below.cuCtxSetCurrent(before);
        if !told.is_empty() {
            self.sink.ran(&told);
        }
        if lost > 0 {
            self.sink.lost(lost);
        }
    }

    fn collect_from(&self, context: &mut Context, is_last: bool, told: &mut Vec<DeviceTime>, lost: &mut u64) {
        let Some(moment) = self.moment(context) else { return };
        let device = context.facts.device.map_or(0, |device| device.ordinal.max(0) as u32);
        let mut not_ready = 0;
        for _ in 0..context.running.len() {
            // Streams get on by themselves, but mostly in order: the rest is looked at next time.
            if not_ready > NOT_READY_MAX {
                break;
            }
            let Some((pair, asked)) = context.running.pop_front() else { break };
            match self.below.cuEventQuery(pair.end) {
                OK => {
                    match self.times(&moment, pair) {
                        Some((start_ns, end_ns)) => {
                            let Asked { tag, work, node } = asked;
                            told.push(DeviceTime { tag, node, device, work, start_ns, end_ns });
                        }
                        None => *lost += 1,
                    }
                    context.free.push(pair);
                }
                CUresult::CUDA_ERROR_NOT_READY if !is_last => {
                    not_ready += 1;
                    context.running.push_back((pair, asked));
                }
                // The context has failed, or the process exits.
                _ => *lost += 1,
            }
        }
    }

    fn times(&self, moment: &Moment, pair: Pair) -> Option<(u64, u64)> {
        let (mut since, mut took) = (0.0_f32, 0.0_f32);
        let is_told = self.below.cuEventElapsedTime_v2(&mut since, moment.event, pair.start) == OK
            && self.below.cuEventElapsedTime_v2(&mut took, pair.start, pair.end) == OK;
        let start = moment.ns.saturating_add_signed((f64::from(since) * 1e6) as i64);
        is_told.then(|| (start, start + (f64::from(took.max(0.0)) * 1e6) as u64))
    }

    /// A moment that is not long ago.
    fn moment(&self, context: &mut Context) -> Option<Moment> {
        let now = monotonic_ns();
        if let Some(moment) = context.moment.filter(|moment| now < moment.ns + MOMENT_NS) {
            return Some(moment);
        }
        let (mut stream, mut event) = match context.moment {
            Some(moment) => (moment.stream, moment.event),
            None => (CUstream::NULL, CUevent::NULL),
        };
        if event.is_null()
            && (self.below.cuStreamCreate(&mut stream, NON_BLOCKING) != OK
                || self.below.cuEventCreate(&mut event, 0) != OK)
        {
            return None;
        }
        let before = monotonic_ns();
        if self.below.cuEventRecord(event, stream) != OK {
            return None;
        }
        loop {
            let answer = self.below.cuEventQuery(event);
            let after = monotonic_ns();
            match answer {
                OK => {
                    let moment = Moment { stream, event, ns: before + (after - before) / 2 };
                    context.moment = Some(moment);
                    return Some(moment);
                }
                CUresult::CUDA_ERROR_NOT_READY if after < before + MOMENT_WAIT_NS => {}
                _ => {
                    context.moment = Some(Moment { stream, event, ns: 0 });
                    return None;
                }
            }
        }
    }
}

/// The stream of an op as a handle.
fn stream_of(op: &Op) -> CUstream {
    CUstream::from_addr(op.stream as usize)
}
