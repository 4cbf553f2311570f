//! Where the walk goes past blocks without asking, or runs them without asking, since what it asked before tells.

use simt_ir::BlockId;

use super::FunctionEmitter;
use crate::llvm::Bb;

impl FunctionEmitter<'_> {
    /// The last position of those that nobody comes to when nobody is pending at the first: lanes come to them from there alone. All of a loop, or
    /// of what is left of one.
    fn last_without(&self, position: usize) -> usize {
        let layout = &self.shapes.schedule.layout;
        if self.shapes.schedule.irregular {
            return position;
        }
        let end_of = |at: usize| {
            let headed = layout.loops.iter().find(|info| info.entries == [layout.order[at]]);
            headed.map_or(at, |info| info.last)
        };
        let mut last = end_of(position);
        while !self.ends_loop_around(position, last) && last + 1 < layout.order.len() {
            let (next, end) = (last + 1, end_of(last + 1));
            let comes_from =
                |at: usize| (position..=last).contains(&at) || at == usize::MAX || (next + 1..=end).contains(&at);
            let mut from = self.predecessors[layout.order[next].0 as usize].iter();
            if !from.all(|from| comes_from(layout.position[from.0 as usize])) {
                break;
            }
            last = end;
        }
        last
    }

    /// Whether a loop that began before a position ends at `last`.
    fn ends_loop_around(&self, position: usize, last: usize) -> bool {
        self.shapes.schedule.layout.loops.iter().any(|info| info.last == last && info.first < position)
    }

    /// Where the walk goes when nobody is pending at a position.
    pub fn without(&self, position: usize) -> Bb {
        let last = self.last_without(position);
        let loops = self.shapes.schedule.layout.loops.iter().enumerate().rev();
        let around = loops.into_iter().find(|(_, info)| info.last == last && info.first < position);
        around.map_or_else(|| self.next_test(last), |(index, _)| self.loop_ends[index])
    }

    /// Whether lanes are always pending at a block when the walk comes to its test: those that ran the one from which all come there, without
    /// which the walk would have gone past.
    pub fn is_always_reached(&self, position: usize, block: BlockId) -> bool {
        let layout = &self.shapes.schedule.layout;
        let from = self.presence.all_come_from(block).filter(|_| !self.shapes.schedule.irregular);
        from.map(|from| layout.position[from.0 as usize])
            .is_some_and(|from| from < position && self.last_without(from) >= position)
    }
}
