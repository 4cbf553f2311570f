//! Asynchronous copies (`cp.async`, `cp.async.bulk`): up to where a thread has waited for its own.
//!
//! Here they are done when they are issued. On a card they go on by themselves, so that what they write counts as written by somebody else,
//! until the thread that issued them has waited for their group, or who reads it has waited for the mbarrier that they complete. The copies of a
//! warp have a time of their own, which passes when some of its lanes close a group.

use crate::clock::WARPS_MAX;
use crate::locate::lanes_in;
use std::collections::{HashMap, VecDeque};

/// Groups of a thread that are remembered.
const GROUPS_MAX: usize = 64;

/// The groups that copies are put into: those of `cp.async` and those of `cp.async.bulk` are waited for apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Groups {
    Plain,
    Bulk,
}

/// What a thread does with its copies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Closes the group.
    Commit,
    /// Waits for all closed groups but the last few.
    WaitBut(usize),
    /// Closes the group, and waits for all.
    WaitAll,
}

/// The copies of a block.
pub(crate) struct Copies {
    times: [u32; WARPS_MAX],
    /// For each thread the times of its closed groups.
    closed: HashMap<(u32, u32, Groups), VecDeque<u32>>,
}

impl Copies {
    pub fn new() -> Copies {
        Copies { times: [1; WARPS_MAX], closed: HashMap::new() }
    }

    /// The time that a warp's copies have now.
    pub fn now(&self, warp: u32) -> u32 {
        self.times[warp as usize]
    }

    /// The copies of a warp so far are to be told from those that follow; the time of the last.
    pub fn close(&mut self, warp: u32) -> u32 {
        let time = &mut self.times[warp as usize];
        *time += 1;
        *time - 1
    }

    /// Lanes of a warp take a step; up to which time they have waited, if they have.
    pub fn step(&mut self, warp: u32, lanes: u32, groups: Groups, step: Step) -> Option<u32> {
        if matches!(step, Step::Commit | Step::WaitAll) {
            let time = self.close(warp);
            for lane in lanes_in(lanes) {
                let closed = self.closed.entry((warp, lane, groups)).or_default();
                closed.push_back(time);
                if closed.len() > GROUPS_MAX {
                    closed.pop_front();
                }
            }
        }
        let left = match step {
            Step::Commit => return None,
            Step::WaitBut(count) => count,
            Step::WaitAll => 0,
        };
        let waited = lanes_in(lanes).filter_map(|lane| {
            let closed = self.closed.get_mut(&(warp, lane, groups))?;
            let complete = closed.len().saturating_sub(left);
            closed.drain(..complete).next_back()
        });
        waited.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_waited_for_from_the_first_on() {
        let mut copies = Copies::new();
        let first = copies.now(0);
        assert_eq!(copies.step(0, 1, Groups::Plain, Step::Commit), None);
        let second = copies.now(0);
        assert_eq!(copies.step(0, 1, Groups::Plain, Step::Commit), None);
        assert_eq!(copies.step(0, 1, Groups::Plain, Step::WaitBut(2)), None);
        assert_eq!(copies.step(0, 1, Groups::Bulk, Step::WaitBut(0)), None, "other groups");
        assert_eq!(copies.step(0, 1, Groups::Plain, Step::WaitBut(1)), Some(first));
        assert_eq!(copies.step(0, 1, Groups::Plain, Step::WaitBut(0)), Some(second));
        let third = copies.now(0);
        assert!(third > second && copies.now(1) == first);
        assert_eq!(copies.step(0, 1, Groups::Plain, Step::WaitAll), Some(third));
    }

    #[test]
    fn lanes_that_go_apart_have_groups_of_their_own() {
        let mut copies = Copies::new();
        for lanes in [0xffff, 0xffff_0000, 0xffff, 0xffff_0000] {
            copies.step(0, lanes, Groups::Plain, Step::Commit);
        }
        assert_eq!(copies.step(0, 0xffff, Groups::Plain, Step::WaitBut(1)), Some(1));
        assert_eq!(copies.step(0, 0xffff_0000, Groups::Plain, Step::WaitBut(1)), Some(2));
    }
}
