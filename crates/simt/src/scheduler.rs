//! What there is to do: ready streams, grids that others may join, and suspended units without a core.

use crate::execute::Unit;
use crate::lock_order::{EngineRank, Lock};
use crate::queue::{Padded, Stream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// Something to do.
pub(crate) enum Work {
    /// A stream with commands; the caller has taken it for processing.
    Stream(Arc<Stream>),
    /// A stream with a grid; the caller has got a share of it.
    Grid(Arc<Stream>),
    /// A unit that was suspended; its share comes with it.
    Unit(Box<Unit>),
}

#[derive(Default)]
struct Lists {
    /// Streams by priority, the most urgent first; a stream is in at most once. A priority that was used once keeps its
    /// queue, so that going idle and becoming ready again allocates nothing.
    streams: Vec<(i32, VecDeque<Arc<Stream>>)>,
    /// Streams in all queues.
    stream_count: usize,
    grids: Vec<Arc<Stream>>,
    units: VecDeque<Box<Unit>>,
}

impl Lists {
    fn len(&self) -> usize {
        self.stream_count + self.grids.len() + self.units.len()
    }

    /// Priority of the most urgent stream.
    fn stream_priority(&self) -> Option<i32> {
        self.streams.iter().find(|(_, queue)| !queue.is_empty()).map(|&(priority, _)| priority)
    }

    fn best_priority(&self) -> i32 {
        let grid = self.grids.iter().map(|stream| stream.priority()).min();
        self.stream_priority().into_iter().chain(grid).min().unwrap_or(i32::MAX)
    }

    fn push_stream(&mut self, stream: Arc<Stream>) {
        let priority = stream.priority();
        let index = match self.streams.binary_search_by_key(&priority, |&(priority, _)| priority) {
            Ok(index) => index,
            Err(index) => {
                self.streams.insert(index, (priority, VecDeque::new()));
                index
            }
        };
        self.streams[index].1.push_back(stream);
        self.stream_count += 1;
    }

    /// The stream that has been ready for longest among the most urgent ones.
    fn pop_stream(&mut self) -> Option<Arc<Stream>> {
        let stream = self.streams.iter_mut().find_map(|(_, queue)| queue.pop_front())?;
        self.stream_count -= 1;
        Some(stream)
    }
}

/// The lists, and what can be known of them without the lock.
pub(crate) struct Scheduler {
    lists: Lock<Lists>,
    /// Entries of all lists.
    pending: Padded<AtomicUsize>,
    /// The most urgent priority in the lists; `i32::MAX` when they are empty.
    best_priority: AtomicI32,
}

impl Scheduler {
    pub(crate) fn new() -> Self {
        Scheduler {
            lists: Lock::new(EngineRank::Scheduler, Lists::default()),
            pending: Padded::default(),
            best_priority: AtomicI32::new(i32::MAX),
        }
    }

    /// Whether there may be something to do.
    pub(crate) fn has_pending(&self) -> bool {
        self.pending.0.load(Ordering::SeqCst) > 0
    }

    /// Whether something more urgent than `priority` waits.
    pub(crate) fn is_more_urgent(&self, priority: i32) -> bool {
        self.best_priority.load(Ordering::Relaxed) < priority
    }

    fn change<R>(&self, change: impl FnOnce(&mut Lists) -> R) -> R {
        let mut lists = self.lists.lock();
        let result = change(&mut lists);
        self.best_priority.store(lists.best_priority(), Ordering::Relaxed);
        self.pending.0.store(lists.len(), Ordering::SeqCst);
        result
    }

    /// Lists a ready stream. False if it was listed already.
    pub(crate) fn add_stream(&self, stream: Arc<Stream>) -> bool {
        self.change(|lists| {
            let new = !stream.listed.swap(true, Ordering::Relaxed);
            if new {
                lists.push_stream(stream);
            }
            new
        })
    }

    /// Lists a grid, of which the caller holds a share, so that others may join. Not one that has been closed meanwhile.
    pub(crate) fn add_grid(&self, stream: &Arc<Stream>) {
        self.change(|lists| {
            let grid = stream.grid();
            if !grid.is_listed() && !grid.is_closed() {
                grid.set_listed(true);
                lists.grids.push(stream.clone());
            }
        });
    }

    /// Closes a grid whose units are all taken, and takes it off the list. The caller holds a share. False if units are left: somebody is
    /// about to have some.
    pub(crate) fn close_grid(&self, stream: &Arc<Stream>) -> bool {
        let grid = stream.grid();
        if !grid.was_listed() {
            // Only the session that started the grid works on it: nobody can list it at the same time.
            grid.close();
            return true;
        }
        self.change(|lists| {
            if !grid.handout().is_exhausted() {
                return false;
            }
            if grid.is_listed() {
                grid.set_listed(false);
                lists.grids.retain(|listed| !Arc::ptr_eq(listed, stream));
            }
            grid.close();
            true
        })
    }

    /// Lists units that lose their core.
    pub(crate) fn add_units(&self, units: impl IntoIterator<Item = Box<Unit>>) {
        self.change(|lists| lists.units.extend(units));
    }

    /// Joins the grid of `stream`, if it is listed and `admits` lets it through.
    pub(crate) fn join_grid(&self, stream: &Arc<Stream>, admits: impl Fn(&Arc<Stream>) -> bool) -> bool {
        let grid = stream.grid();
        grid.is_listed()
            && self.change(|_| {
                let joined = grid.is_listed() && admits(stream);
                if joined {
                    grid.join();
                }
                joined
            })
    }

    /// Something to do, the most urgent first: suspended units, then streams, so that as many kernels as possible are
    /// begun, then the grid that was listed first, of those that `admits` lets through.
    pub(crate) fn next(&self, admits: impl Fn(&Arc<Stream>) -> bool) -> Option<Work> {
        if !self.has_pending() {
            return None;
        }
        self.change(|lists| {
            if let Some(unit) = lists.units.pop_front() {
                return Some(Work::Unit(unit));
            }
            let grid =
                lists.grids.iter().filter(|stream| admits(stream)).min_by_key(|stream| stream.priority()).cloned();
            while let Some(priority) = lists.stream_priority() {
                if grid.as_ref().is_some_and(|grid| grid.priority() < priority) {
                    break;
                }
                let Some(stream) = lists.pop_stream() else { break };
                stream.listed.store(false, Ordering::Relaxed);
                // A host thread that waits may have taken it in the meantime.
                if stream.take() {
                    return Some(Work::Stream(stream));
                }
            }
            grid.map(|stream| {
                stream.grid().join();
                Work::Grid(stream)
            })
        })
    }
}
