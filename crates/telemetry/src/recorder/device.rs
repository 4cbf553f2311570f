//! Device's times find the call that they are of.
//!
//! A call is recorded when it returns; what the device did for it may be told earlier or much later. Calls that may still hear of their
//! times are kept by thread, in the order of their numbers, and times that come first wait for a few flushes.

use crate::event::LaunchShape;
use crate::records::{self, GPU_COPY, GPU_SET};
use std::collections::{HashMap, VecDeque};

/// Most calls that are kept of a thread, and of all: of more, the oldest hear of their times no more.
const CALLS_MAX: usize = 1 << 19;
/// Calls of a thread that are kept although their times have come.
const HEARD_MAX: usize = 1 << 10;
/// How many events before its call the number of a time may be.
const EVENTS_BEFORE_MAX: u64 = 16;
/// Flushes that times wait for their call.
const WAIT_FLUSHES: u32 = 20;
/// Most times that wait. Further ones are dropped, and counted.
const WAITING_MAX: usize = 1 << 18;
/// Most nodes of graphs that are remembered. Kernels of further graphs count as unknown ones.
const NODES_MAX: usize = 1 << 20;

/// When a device did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceTime {
    /// The number of the call that asked for it, or of an event of its thread shortly before that took no device time;
    /// [`NO_CALL`](DeviceTime::NO_CALL) where nobody knows.
    pub correlation: u64,
    /// Of a launch of a graph: the index of the node plus 1, [`NO_NODE`](DeviceTime::NO_NODE) where it is not known. Otherwise 0.
    pub node: u32,
    /// The device's ordinal; looked at where the call is not known.
    pub device: u32,
    /// What it did; looked at where neither call nor node says.
    pub work: Work,
    /// When it began, in ns of `CLOCK_MONOTONIC`.
    pub start_ns: u64,
    /// When it was done.
    pub end_ns: u64,
}

/// What a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Executes a kernel.
    Kernel,
    /// Copies so many bytes.
    Copy(u64),
    /// Sets so many bytes.
    Set(u64),
}

impl DeviceTime {
    /// The number of an unknown call.
    pub const NO_CALL: u64 = u64::MAX;
    /// The index of an unknown node.
    pub const NO_NODE: u32 = u32::MAX;
}

/// A kernel's number and the shape of a launch.
pub(super) type Key = (u32, LaunchShape);

/// What the device does for a call or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Launch(Key),
    Copy(u64),
    Set(u64),
    /// A launch of a graph with this number.
    Graph(u64),
    /// Nothing that takes the device's time.
    Nothing,
}

/// A call that may hear of its times.
struct Call {
    /// Its number within the thread.
    sequence: u64,
    context: u64,
    stream: u64,
    asked: Asked,
    /// Times that are still to come.
    left: u32,
}

/// Times with what they are of.
pub(super) enum Found {
    Execution(records::Execution, Key),
    Transfer(records::Transfer),
}

/// Calls and times that look for each other.
#[derive(Default)]
pub(super) struct DeviceTimes {
    threads: HashMap<u64, VecDeque<Call>>,
    calls: usize,
    /// Nodes of graphs, in the order of their indices.
    graphs: HashMap<u64, Vec<Asked>>,
    nodes: usize,
    /// The context to name for work of a device whose call is not known.
    contexts: HashMap<u64, u64>,
    waiting: Vec<(DeviceTime, u32)>,
    /// Times whose call never came.
    pub(super) unmatched: u64,
}

const SEQUENCE_BITS: u32 = 40;

impl DeviceTimes {
    /// A context of a device, by their numbers in the recording.
    pub(super) fn define_context(&mut self, context: u64, device: u64) {
        self.contexts.entry(device).or_insert(context);
    }

    /// The next node of a graph.
    pub(super) fn define_node(&mut self, graph: u64, asked: Asked) {
        if self.nodes < NODES_MAX {
            self.nodes += 1;
            self.graphs.entry(graph).or_default().push(asked);
        }
    }

    /// A call was recorded.
    pub(super) fn remember(&mut self, correlation: u64, context: u64, stream: u64, asked: Asked) {
        let left = match asked {
            Asked::Graph(graph) => self
                .graphs
                .get(&graph)
                .map_or(1, |nodes| nodes.iter().filter(|node| **node != Asked::Nothing).count() as u32),
            Asked::Nothing => 0,
            _ => 1,
        };
        if left == 0 {
            return;
        }
        let calls = self.threads.entry(correlation >> SEQUENCE_BITS).or_default();
        if calls.len() == CALLS_MAX || self.calls >= CALLS_MAX {
            self.calls -= usize::from(calls.pop_front().is_some());
        }
        let sequence = correlation & ((1 << SEQUENCE_BITS) - 1);
        // Calls within calls return first.
        let place = calls.len() - calls.iter().rev().take_while(|call| call.sequence > sequence).count();
        calls.insert(place, Call { sequence, context, stream, asked, left });
        self.calls += 1;
    }

    /// Times have come. Their call may not have.
    pub(super) fn wait(&mut self, time: DeviceTime) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push((time, WAIT_FLUSHES));
        } else {
            self.unmatched += 1;
        }
    }

    /// Hands over the times whose call is known, and those that nobody knows a call for. To be called once a batch of calls is in.
    pub(super) fn match_waiting(&mut self, mut each: impl FnMut(Found)) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain_mut(|(time, flushes)| {
            if let Some(found) = self.find(time) {
                each(found);
                return false;
            }
            *flushes -= 1;
            self.unmatched += u64::from(*flushes == 0);
            *flushes > 0
        });
        self.waiting = waiting;
    }

    fn find(&mut self, time: &DeviceTime) -> Option<Found> {
        if time.correlation == DeviceTime::NO_CALL {
            let context = self.contexts.get(&(u64::from(time.device) + 1)).copied().unwrap_or(0);
            return Some(found(time, context, 0, of_work(time.work)));
        }
        let calls = self.threads.get_mut(&(time.correlation >> SEQUENCE_BITS))?;
        let sequence = time.correlation & ((1 << SEQUENCE_BITS) - 1);
        // The number may be that of an event shortly before which took no device time: a module that was loaded for the launch.
        let place = calls.partition_point(|call| call.sequence < sequence);
        let call = calls.get_mut(place).filter(|call| call.sequence - sequence <= EVENTS_BEFORE_MAX)?;
        call.left = call.left.saturating_sub(1);
        let asked = match call.asked {
            Asked::Graph(graph) => {
                let nodes = self.graphs.get(&graph);
                let node = nodes.and_then(|nodes| nodes.get((time.node as usize).wrapping_sub(1)).copied());
                node.unwrap_or_else(|| of_work(time.work))
            }
            asked => asked,
        };
        let time = &DeviceTime { correlation: time.correlation - sequence + call.sequence, ..*time };
        let found = found(time, call.context, call.stream, asked);
        // A call may take the device several times, as a batch of copies does: the last ones stay.
        while calls.len() > HEARD_MAX && calls.front().is_some_and(|call| call.left == 0) {
            calls.pop_front();
            self.calls -= 1;
        }
        Some(found)
    }
}

fn of_work(work: Work) -> Asked {
    match work {
        Work::Kernel => Asked::Launch((0, LaunchShape::default())),
        Work::Copy(bytes) => Asked::Copy(bytes),
        Work::Set(bytes) => Asked::Set(bytes),
    }
}

fn found(time: &DeviceTime, context: u64, stream: u64, asked: Asked) -> Found {
    let (start, duration) = (time.start_ns, time.end_ns.saturating_sub(time.start_ns));
    let correlation = time.correlation;
    let transfer =
        |kind, bytes| Found::Transfer(records::Transfer { start, duration, correlation, context, stream, kind, bytes });
    match asked {
        Asked::Launch(key) => {
            Found::Execution(records::Execution { start, duration, correlation, context, stream, shape: 0 }, key)
        }
        Asked::Copy(bytes) => transfer(GPU_COPY, bytes),
        Asked::Set(bytes) => transfer(GPU_SET, bytes),
        // A node that takes no time, or a graph within itself: what the device says holds.
        Asked::Graph(_) | Asked::Nothing => match time.work {
            Work::Kernel => found(time, context, stream, of_work(Work::Kernel)),
            Work::Copy(bytes) => transfer(GPU_COPY, bytes),
            Work::Set(bytes) => transfer(GPU_SET, bytes),
        },
    }
}
