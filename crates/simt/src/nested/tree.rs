//! The order of a family's grids, as a value: who may begin, and who is complete.

use super::{Child, Job, Marker, Order};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The grids of a family that are not complete.
#[derive(Default)]
pub(super) struct Tree {
    nodes: HashMap<u64, Node>,
    /// Children that may begin.
    ready: VecDeque<(u64, Job)>,
    /// Jobs that have not begun.
    waiting: usize,
    /// Nodes that have become complete.
    complete: Vec<u64>,
}

/// A grid, or a job without one.
#[derive(Default)]
struct Node {
    /// The node that launched it, and the queue that it holds up there; none for the grid that the host launched.
    parent: Option<(u64, Option<u64>)>,
    has_ended: bool,
    /// Children that are not complete, but for those in `tail`.
    open: usize,
    queues: HashMap<u64, Queue>,
    tail: VecDeque<Job>,
}

/// Children that run one after the other.
#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// Whether one of them is under way.
    is_busy: bool,
}

enum Item {
    Job(Job),
    Mark(Arc<Marker>),
    Wait(Arc<Marker>),
}

/// A number that no other grid of the process has.
fn new_number() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

impl Tree {
    /// Begins with a grid that the host launched.
    pub fn add_root(&mut self) -> u64 {
        let number = new_number();
        self.nodes.insert(number, Node::default());
        number
    }

    /// Adds what a grid that has not ended hands over.
    pub fn add(&mut self, parent: u64, order: Order, child: Child) {
        let Some(node) = self.nodes.get_mut(&parent) else { return };
        let item = match child {
            Child::Job(job) => {
                self.waiting += 1;
                Item::Job(job)
            }
            Child::Mark(marker) => Item::Mark(marker),
            Child::Wait(marker) => Item::Wait(marker),
        };
        match (order, item) {
            (Order::Queue(key), item) => {
                node.open += usize::from(matches!(item, Item::Job(_)));
                node.queues.entry(key).or_default().items.push_back(item);
                self.pump(parent, key);
            }
            (Order::Free, Item::Job(job)) => {
                node.open += 1;
                self.make_ready(parent, None, job);
            }
            (Order::Tail, Item::Job(job)) => node.tail.push_back(job),
            // Nothing stands before or behind.
            (Order::Free | Order::Tail, Item::Mark(marker)) => marker.set(),
            (Order::Free | Order::Tail, Item::Wait(_)) => {}
        }
    }

    /// Jobs that have not begun.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// A child that may begin, with its number.
    pub fn take_ready(&mut self) -> Option<(u64, Job)> {
        let ready = self.ready.pop_front()?;
        self.waiting -= 1;
        Some(ready)
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Notes that a grid has ended, or a job without one.
    pub fn end(&mut self, number: u64) {
        if let Some(node) = self.nodes.get_mut(&number) {
            node.has_ended = true;
        }
        self.settle(number);
    }

    /// The nodes that have become complete since the last time.
    pub fn take_complete(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.complete)
    }

    fn make_ready(&mut self, parent: u64, queue: Option<u64>, job: Job) {
        let number = new_number();
        self.nodes.insert(number, Node { parent: Some((parent, queue)), ..Node::default() });
        self.ready.push_back((number, job));
    }

    /// Goes on with a queue, and with those that a marker in it was waited for by.
    fn pump(&mut self, number: u64, key: u64) {
        let mut keys = vec![key];
        while let Some(key) = keys.pop() {
            let Some(node) = self.nodes.get_mut(&number) else { return };
            let Some(queue) = node.queues.get_mut(&key) else { continue };
            let (mut next, mut is_marked) = (None, false);
            while !queue.is_busy {
                match queue.items.pop_front() {
                    Some(Item::Job(job)) => {
                        queue.is_busy = true;
                        next = Some(job);
                    }
                    Some(Item::Mark(marker)) => {
                        marker.set();
                        is_marked = true;
                    }
                    Some(Item::Wait(marker)) if marker.is_set() => {}
                    Some(wait) => {
                        queue.items.push_front(wait);
                        break;
                    }
                    None => break,
                }
            }
            if !queue.is_busy && queue.items.is_empty() {
                node.queues.remove(&key);
            }
            if is_marked {
                let waits = |queue: &Queue| !queue.is_busy && matches!(queue.items.front(), Some(Item::Wait(_)));
                keys.extend(node.queues.iter().filter(|(_, queue)| waits(queue)).map(|(key, _)| *key));
            }
            if let Some(job) = next {
                self.make_ready(number, Some(key), job);
            }
        }
    }

    /// Finds out whether a node is complete, and then whether its parent is.
    fn settle(&mut self, mut number: u64) {
        loop {
            let Some(node) = self.nodes.get_mut(&number) else { return };
            if !node.has_ended || node.open > 0 || !node.queues.is_empty() {
                return;
            }
            if let Some(job) = node.tail.pop_front() {
                node.open = 1;
                self.make_ready(number, None, job);
                return;
            }
            let parent = node.parent;
            self.nodes.remove(&number);
            self.complete.push(number);
            let Some((parent, queue)) = parent else { return };
            if let Some(node) = self.nodes.get_mut(&parent) {
                node.open -= 1;
                if let Some(queue) = queue.and_then(|key| node.queues.get_mut(&key)) {
                    queue.is_busy = false;
                }
            }
            if let Some(key) = queue {
                self.pump(parent, key);
            }
            number = parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree whose jobs are told by when they were added.
    struct Grids {
        tree: Tree,
        begun: Vec<(u64, &'static str)>,
        said: Arc<std::sync::Mutex<Vec<&'static str>>>,
    }

    impl Grids {
        fn new() -> (Grids, u64) {
            let mut tree = Tree::default();
            let root = tree.add_root();
            (Grids { tree, begun: Vec::new(), said: Arc::default() }, root)
        }

        fn add(&mut self, parent: u64, order: Order, name: &'static str) {
            let said = self.said.clone();
            let job = move || {
                said.lock().unwrap().push(name);
                None
            };
            self.tree.add(parent, order, Child::Job(Box::new(job)));
        }

        /// Begins all that may begin; their names.
        fn begin(&mut self) -> Vec<&'static str> {
            let mut names = Vec::new();
            while let Some((number, job)) = self.tree.take_ready() {
                assert!(job().is_none());
                let name = *self.said.lock().unwrap().last().unwrap();
                self.begun.push((number, name));
                names.push(name);
            }
            names
        }

        fn number(&self, name: &str) -> u64 {
            self.begun.iter().find(|(_, begun)| *begun == name).unwrap().0
        }

        fn end(&mut self, name: &str) {
            self.tree.end(self.number(name));
        }
    }

    #[test]
    fn a_queue_keeps_its_order_and_waits_for_grandchildren() {
        let (mut grids, root) = Grids::new();
        grids.add(root, Order::Queue(1), "a");
        grids.add(root, Order::Queue(1), "b");
        grids.add(root, Order::Queue(2), "c");
        grids.add(root, Order::Free, "d");
        assert_eq!(grids.begin(), ["a", "c", "d"]);
        let a = grids.number("a");
        grids.add(a, Order::Queue(1), "child of a");
        grids.end("a");
        assert_eq!(grids.begin(), ["child of a"]);
        grids.end("child of a");
        assert_eq!(grids.begin(), ["b"]);
        assert_eq!(grids.tree.waiting(), 0);
        for name in ["b", "c", "d"] {
            grids.end(name);
        }
        assert!(!grids.tree.take_complete().contains(&root));
        grids.tree.end(root);
        assert_eq!(grids.tree.take_complete(), [root]);
    }

    #[test]
    fn tails_come_last_and_those_of_a_tail_before_the_next() {
        let (mut grids, root) = Grids::new();
        grids.add(root, Order::Tail, "first");
        grids.add(root, Order::Tail, "second");
        grids.add(root, Order::Free, "child");
        assert_eq!(grids.begin(), ["child"]);
        grids.tree.end(root);
        assert_eq!(grids.begin(), [""; 0]);
        grids.end("child");
        assert_eq!(grids.begin(), ["first"]);
        let first = grids.number("first");
        grids.add(first, Order::Tail, "tail of first");
        grids.end("first");
        assert_eq!(grids.begin(), ["tail of first"]);
        grids.end("tail of first");
        assert_eq!(grids.begin(), ["second"]);
        grids.end("second");
        assert_eq!(grids.tree.take_complete().last(), Some(&root));
    }

    #[test]
    fn a_marker_holds_up_another_queue() {
        let (mut grids, root) = Grids::new();
        let marker = Arc::new(Marker::default());
        grids.add(root, Order::Queue(1), "before");
        grids.tree.add(root, Order::Queue(1), Child::Mark(marker.clone()));
        grids.tree.add(root, Order::Queue(2), Child::Wait(marker.clone()));
        grids.add(root, Order::Queue(2), "behind");
        assert_eq!(grids.begin(), ["before"]);
        grids.tree.end(root);
        grids.end("before");
        assert_eq!(grids.begin(), ["behind"]);
        grids.end("behind");
        assert_eq!(grids.tree.take_complete().last(), Some(&root));
    }
}
