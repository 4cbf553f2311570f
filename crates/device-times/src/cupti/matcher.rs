//! From records to times of ops.
//!
//! Records come in any order: what the device did may be told before the id of its call.

use super::record::{Ran, Record};
use driver_api::op::{Definition, LaunchShape};
use driver_api::{DeviceTime, DeviceWork};
use std::collections::{HashMap, VecDeque};

/// Most calls whose ids are remembered. Beyond, the oldest is forgotten, and what the device does for it then is of an unknown op.
const CALLS_MAX: usize = 1 << 18;
/// Most times that wait for their call's id. Beyond, they are told as of an unknown op.
const WAITING_MAX: usize = 1 << 16;
/// Turns that they wait.
const WAIT_TURNS: u32 = 3;
/// Most launches of graphs whose graph is remembered.
const GRAPH_LAUNCHES_MAX: usize = 1 << 16;
/// Most nodes of graphs that are told apart; what others do is of an unknown node.
const NODES_MAX: usize = 1 << 18;

/// A map that forgets the oldest.
struct Recent<K, V> {
    map: HashMap<K, V>,
    order: VecDeque<K>,
    most: usize,
}

impl<K: Copy + Eq + std::hash::Hash, V: Copy> Recent<K, V> {
    fn new(most: usize) -> Recent<K, V> {
        Recent { map: HashMap::new(), order: VecDeque::new(), most }
    }

    fn insert(&mut self, key: K, value: V) {
        if self.map.insert(key, value).is_none() {
            self.order.push_back(key);
            if self.order.len() > self.most {
                self.order.pop_front().map(|oldest| self.map.remove(&oldest));
            }
        }
    }

    fn get(&self, key: K) -> Option<V> {
        self.map.get(&key).copied()
    }
}

/// Nodes of a graph, each the first of its kind: their indices.
#[derive(Default)]
struct Nodes {
    kernels: HashMap<String, Vec<(LaunchShape, u32)>>,
    copies: Vec<(u64, u32)>,
    sets: Vec<(u64, u32)>,
}

/// What is known of calls and graphs.
pub(super) struct Matcher {
    /// Tags by CUPTI's number of the call. A thread's calls have the tag of its next op, also those that nobody saw.
    tags: Recent<u32, u64>,
    /// The call that a tag is really of: the first that the device did something for.
    calls: Recent<u64, u32>,
    /// Graphs by the tag of their launch.
    launches: Recent<u64, u32>,
    graphs: HashMap<u32, Nodes>,
    nodes: usize,
    /// Times without tag, their call, and the turns they have left. The node is found already.
    waiting: Vec<(DeviceTime, u32, u32, Option<Unplaced>)>,
    /// What can be told. A turn takes it away.
    pub(super) told: Vec<DeviceTime>,
    /// Records whose times are missing.
    pub(super) lost: u64,
    /// What nobody has tagged is not told any more.
    pub(super) is_left: bool,
}

/// What a node of a graph did whose launch is not known yet.
struct Unplaced {
    name: String,
    shape: LaunchShape,
}

impl Matcher {
    pub(super) fn new() -> Matcher {
        Matcher {
            tags: Recent::new(CALLS_MAX),
            calls: Recent::new(CALLS_MAX),
            launches: Recent::new(GRAPH_LAUNCHES_MAX),
            graphs: HashMap::new(),
            nodes: 0,
            waiting: Vec::new(),
            told: Vec::new(),
            lost: 0,
            is_left: false,
        }
    }

    /// Notes the nodes of a graph.
    pub(super) fn define(&mut self, definition: &Definition<'_>) {
        let Definition::Graph { number, nodes } = definition else { return };
        if self.nodes + nodes.len() > NODES_MAX {
            return;
        }
        self.nodes += nodes.len();
        let known = self.graphs.entry(*number).or_default();
        for (index, node) in (0..).zip(*nodes) {
            match (node.kind, &node.launch) {
                (_, Some(launch)) => {
                    known.kernels.entry(launch.kernel.name.clone()).or_default().push((launch.shape, index));
                }
                (NODE_COPY, None) => known.copies.push((node.bytes, index)),
                (NODE_SET, None) => known.sets.push((node.bytes, index)),
                _ => {}
            }
        }
    }

    /// A graph is launched under a tag.
    pub(super) fn launch_graph(&mut self, tag: u64, graph: u32) {
        self.launches.insert(tag, graph);
    }

    /// Takes a record. Its times become those of `CLOCK_MONOTONIC` by subtracting `ahead`.
    pub(super) fn take(&mut self, record: &Record<'_>, our_kind: u32, ahead: i64) {
        match *record {
            Record::Id { kind, id, call } if kind == our_kind => self.tags.insert(call, id),
            Record::Ran { call, device, start, end, is_of_graph, work } if start != 0 && end >= start => {
                let on_host = |time: u64| time.saturating_add_signed(ahead.wrapping_neg());
                let node = if is_of_graph { u32::MAX } else { 0 };
                let (start_ns, end_ns) = (on_host(start), on_host(end));
                let time = DeviceTime { tag: 0, node, device, work: of(&work), start_ns, end_ns };
                self.place(time, call, &work);
            }
            // A forced flush gives records back that are not complete; for want of memory of the device, too, times are missing.
            Record::Ran { .. } => self.lost += 1,
            _ => {}
        }
    }

    /// Tells what is of an unknown op.
    fn tell_unknown(&mut self, time: DeviceTime) {
        if !self.is_left {
            self.told.push(time);
        }
    }

    /// The tag of a call, or 0 for a further call with the tag that the device did something for.
    fn tag_of(&mut self, call: u32) -> Option<u64> {
        let tag = self.tags.get(call)?;
        match self.calls.get(tag) {
            Some(first) if first != call => Some(0),
            Some(_) => Some(tag),
            None => {
                self.calls.insert(tag, call);
                Some(tag)
            }
        }
    }

    fn place(&mut self, time: DeviceTime, call: u32, work: &Ran<'_>) {
        let is_of_graph = time.node != 0;
        match self.tag_of(call) {
            Some(0) => self.tell_unknown(time),
            Some(tag) if is_of_graph => {
                let node = self.node(tag, work);
                self.told.push(DeviceTime { tag, node, ..time });
            }
            Some(tag) => self.told.push(DeviceTime { tag, ..time }),
            None if self.waiting.len() < WAITING_MAX => {
                let unplaced = match work {
                    Ran::Kernel { name, .. } if is_of_graph => {
                        Some(Unplaced { name: (*name).to_owned(), shape: shape(work) })
                    }
                    _ => None,
                };
                self.waiting.push((time, call, WAIT_TURNS, unplaced));
            }
            None => self.tell_unknown(time),
        }
    }

    /// Index plus 1 of the node of a launched graph that did this.
    fn node(&self, tag: u64, work: &Ran<'_>) -> u32 {
        let Some(nodes) = self.launches.get(tag).and_then(|graph| self.graphs.get(&graph)) else { return u32::MAX };
        let index = match work {
            Ran::Kernel { name, .. } => {
                let wanted = shape(work);
                let found =
                    nodes.kernels.get(*name).and_then(|all| all.iter().find(|(shape, _)| alike(shape, &wanted)));
                found.map(|(_, index)| *index)
            }
            Ran::Copy(bytes) => nodes.copies.iter().find(|(other, _)| other == bytes).map(|(_, index)| *index),
            Ran::Set(bytes) => nodes.sets.iter().find(|(other, _)| other == bytes).map(|(_, index)| *index),
        };
        index.map_or(u32::MAX, |index| index + 1)
    }

    /// After all records that there are: what waits, looks again for its call, and is told as it is when it has waited long enough.
    pub(super) fn turn(&mut self, is_last: bool) {
        for (time, call, turns, unplaced) in std::mem::take(&mut self.waiting) {
            match (self.tag_of(call), time.work, &unplaced) {
                (Some(0), ..) => self.tell_unknown(time),
                (Some(tag), DeviceWork::Kernel, Some(Unplaced { name, shape })) => {
                    let LaunchShape { grid, block, dynamic_shared, .. } = *shape;
                    let node = self.node(tag, &Ran::Kernel { name, grid, block, dynamic_shared });
                    self.told.push(DeviceTime { tag, node, ..time });
                }
                (Some(tag), DeviceWork::Copy(bytes), _) if time.node != 0 => {
                    let node = self.node(tag, &Ran::Copy(bytes));
                    self.told.push(DeviceTime { tag, node, ..time });
                }
                (Some(tag), DeviceWork::Set(bytes), _) if time.node != 0 => {
                    let node = self.node(tag, &Ran::Set(bytes));
                    self.told.push(DeviceTime { tag, node, ..time });
                }
                (Some(tag), ..) => self.told.push(DeviceTime { tag, ..time }),
                (None, ..) if turns > 1 && !is_last => self.waiting.push((time, call, turns - 1, unplaced)),
                (None, ..) => self.tell_unknown(time),
            }
        }
    }
}

/// `CU_GRAPH_NODE_TYPE_MEMCPY`.
const NODE_COPY: u32 = 1;
/// `CU_GRAPH_NODE_TYPE_MEMSET`.
const NODE_SET: u32 = 2;

fn of(work: &Ran<'_>) -> DeviceWork {
    match *work {
        Ran::Kernel { .. } => DeviceWork::Kernel,
        Ran::Copy(bytes) => DeviceWork::Copy(bytes),
        Ran::Set(bytes) => DeviceWork::Set(bytes),
    }
}

fn shape(work: &Ran<'_>) -> LaunchShape {
    match *work {
        Ran::Kernel { grid, block, dynamic_shared, .. } => LaunchShape { grid, block, dynamic_shared, cluster: 0 },
        _ => LaunchShape::default(),
    }
}

/// Whether two launches are alike in what a record tells.
fn alike(one: &LaunchShape, other: &LaunchShape) -> bool {
    one.grid == other.grid && one.block == other.block && one.dynamic_shared == other.dynamic_shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use driver_api::op::{KernelFacts, Launch, NodeFacts};

    const OURS: u32 = 5;
    const KERNEL: Ran<'_> = Ran::Kernel { name: "k", grid: [2, 1, 1], block: [32, 1, 1], dynamic_shared: 0 };

    fn ran(call: u32, work: Ran<'_>, is_of_graph: bool) -> Record<'_> {
        Record::Ran { call, device: 1, start: 1100, end: 1150, is_of_graph, work }
    }

    fn tags(matcher: &mut Matcher) -> Vec<(u64, u32)> {
        std::mem::take(&mut matcher.told).iter().map(|time| (time.tag, time.node)).collect()
    }

    #[test]
    fn ids_are_found_in_either_order() {
        let mut matcher = Matcher::new();
        matcher.take(&Record::Id { kind: OURS, id: 70, call: 7 }, OURS, 1000);
        matcher.take(&ran(7, KERNEL, false), OURS, 1000);
        let time = DeviceTime { tag: 70, node: 0, device: 1, work: DeviceWork::Kernel, start_ns: 100, end_ns: 150 };
        assert_eq!(std::mem::take(&mut matcher.told), [time]);
        matcher.take(&ran(8, Ran::Set(9), false), OURS, 1000);
        matcher.turn(false);
        assert_eq!(tags(&mut matcher), []);
        matcher.take(&Record::Id { kind: OURS + 1, id: 79, call: 8 }, OURS, 1000);
        matcher.take(&Record::Id { kind: OURS, id: 80, call: 8 }, OURS, 1000);
        matcher.turn(false);
        assert_eq!(tags(&mut matcher), [(80, 0)]);
    }

    #[test]
    fn what_nobody_asked_for_is_told_after_a_while() {
        let mut matcher = Matcher::new();
        matcher.take(&ran(9, KERNEL, false), OURS, 0);
        (0..WAIT_TURNS).for_each(|_| matcher.turn(false));
        assert_eq!(tags(&mut matcher), [(0, 0)]);
        matcher.take(&ran(9, KERNEL, false), OURS, 0);
        matcher.turn(true);
        assert_eq!(tags(&mut matcher), [(0, 0)]);
        matcher.take(&Record::Ran { call: 9, device: 0, start: 0, end: 0, is_of_graph: false, work: KERNEL }, OURS, 0);
        matcher.turn(true);
        assert_eq!((tags(&mut matcher), matcher.lost), (vec![], 1), "a record without times");
    }

    #[test]
    fn nodes_are_told_apart() {
        static FACTS: [KernelFacts; 2] = [
            KernelFacts { number: 1, name: String::new(), device: 0, figures: None },
            KernelFacts { number: 2, name: String::new(), device: 0, figures: None },
        ];
        let named: &'static KernelFacts = Box::leak(Box::new(KernelFacts { name: "k".into(), ..FACTS[1].clone() }));
        let node = |kernel, grid| {
            let shape = LaunchShape { grid: [grid, 1, 1], block: [32, 1, 1], ..LaunchShape::default() };
            NodeFacts { kind: 0, launch: Some(Launch { kernel, shape, is_cooperative: false }), bytes: 0 }
        };
        let set = NodeFacts { kind: NODE_SET, launch: None, bytes: 64 };
        let nodes = [node(&FACTS[0], 2), node(named, 1), node(named, 2), set];
        let mut matcher = Matcher::new();
        matcher.define(&Definition::Graph { number: 3, nodes: &nodes });
        matcher.launch_graph(50, 3);
        // The first comes before its launch is known.
        matcher.take(&ran(4, KERNEL, true), OURS, 0);
        matcher.take(&Record::Id { kind: OURS, id: 50, call: 4 }, OURS, 0);
        matcher.turn(false);
        matcher.take(&ran(4, Ran::Set(64), true), OURS, 0);
        matcher.take(&ran(4, Ran::Set(65), true), OURS, 0);
        assert_eq!(tags(&mut matcher), [(50, 3), (50, 4), (50, u32::MAX)]);
    }

    #[test]
    fn a_tag_is_of_the_first_call_that_has_it() {
        let mut matcher = Matcher::new();
        for call in [7, 8] {
            matcher.take(&Record::Id { kind: OURS, id: 70, call }, OURS, 0);
        }
        matcher.take(&ran(7, KERNEL, false), OURS, 0);
        matcher.take(&ran(8, KERNEL, false), OURS, 0);
        matcher.take(&ran(7, Ran::Set(1), false), OURS, 0);
        assert_eq!(tags(&mut matcher), [(70, 0), (0, 0), (70, 0)]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = Recent::new(4);
        (0..100).for_each(|n| recent.insert(n, n));
        assert_eq!((recent.map.len(), recent.order.len(), recent.get(99), recent.get(95)), (4, 4, Some(99), None));
        let mut matcher = Matcher::new();
        (0..2 * WAITING_MAX as u32).for_each(|call| matcher.take(&ran(call, KERNEL, false), OURS, 0));
        assert_eq!((matcher.waiting.len(), matcher.told.len()), (WAITING_MAX, WAITING_MAX));
    }
}
