//! Loops that count from one constant to another, and the values that go with the count.

use super::{Layout, LoopId};
use crate::number::evaluate;
use crate::{BinaryOp, BlockId, Function, Op, Phi, Terminator, Value};

/// The most turns that are counted.
const TURNS_MAX: u64 = 4096;

/// What loops count to.
pub(super) struct Counted<'a> {
    function: &'a Function,
    layout: &'a Layout,
    /// The operation that makes each value.
    operations: Vec<Option<&'a Op>>,
}

impl<'a> Counted<'a> {
    pub fn new(function: &'a Function, layout: &'a Layout) -> Self {
        let mut operations = vec![None; function.value_types.len()];
        for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
            instruction.results.iter().for_each(|result| operations[result.0 as usize] = Some(&instruction.op));
        }
        Self { function, layout, operations }
    }

    /// How often a lane comes to the head of each loop at most before it leaves the loop, where a test in every turn says so. By loop index.
    pub fn turns(&self) -> Vec<Option<u64>> {
        let ids = (0..self.layout.loops.len() as u32).map(LoopId);
        ids.map(|id| self.deciding(id).into_iter().filter_map(|block| self.turns_until_exit(id, block)).min()).collect()
    }

    /// By how much a phi of the head of a natural loop grows in each turn.
    pub fn step(&self, id: LoopId, phi: &Phi) -> Option<i64> {
        let mut steps = phi.incoming.iter().filter(|(from, _)| self.layout.contains(id, *from));
        let (_, next) = steps.next().filter(|(_, next)| steps.all(|(_, other)| other == next))?;
        let (from, step) = self.sum(*next)?;
        (from == phi.result).then_some(step)
    }

    /// Blocks of a natural loop that run in every turn, and its end: the head, and the only one from which lanes come back.
    fn deciding(&self, id: LoopId) -> Vec<BlockId> {
        let info = self.layout.loop_info(id);
        let [header] = info.entries[..] else { return Vec::new() };
        let blocks = &self.layout.order[info.first..=info.last];
        let goes_back = |block: &&BlockId| self.function.block(**block).terminator.successors().contains(&header);
        let mut back = blocks.iter().filter(goes_back);
        let mut found = vec![header];
        if let (Some(only), None) = (back.next(), back.next()) {
            found.push(*only);
        }
        found
    }

    fn turns_until_exit(&self, id: LoopId, block: BlockId) -> Option<u64> {
        let Terminator::CondBranch { condition, then, otherwise } = self.function.block(block).terminator else {
            return None;
        };
        let (on_true, on_false) = (self.layout.contains(id, then), self.layout.contains(id, otherwise));
        let compare = self.operations[condition.0 as usize]?;
        let Op::IntCompare { ty, a, b, .. } = *compare else { return None };
        if on_true == on_false || ty.bits() > 64 {
            return None;
        }
        let (counted, limit, counts_left) = match (self.constant(a), self.constant(b)) {
            (None, Some(limit)) => (a, limit, true),
            (Some(limit), None) => (b, limit, false),
            _ => return None,
        };
        let (base, ahead) = self.sum(counted).unwrap_or((counted, 0));
        let header = self.layout.loop_info(id).entries[0];
        let phis = &self.function.block(header).phis;
        let (phi, ahead) = match phis.iter().find(|phi| phi.result == counted) {
            Some(phi) => (phi, 0),
            None => (phis.iter().find(|phi| phi.result == base)?, ahead),
        };
        let step = self.step(id, phi)?;
        let mut starts = phi.incoming.iter().filter(|(from, _)| !self.layout.contains(id, *from));
        let start = self.constant(starts.next().filter(|_| starts.next().is_none())?.1)?;
        let all = u64::MAX >> (64 - ty.bits());
        let mut value = start.wrapping_add(ahead as u64) & all;
        for turn in 1..=TURNS_MAX {
            let operands = if counts_left { [value, limit] } else { [limit, value] };
            let stays = (evaluate(compare, &operands.map(u128::from))? != 0) == on_true;
            if !stays {
                return Some(turn);
            }
            value = value.wrapping_add(step as u64) & all;
        }
        None
    }

    /// A value as another one and a constant.
    fn sum(&self, value: Value) -> Option<(Value, i64)> {
        let Op::Binary { op: BinaryOp::Add, ty, a, b } = *self.operations[value.0 as usize]? else { return None };
        let shift = 64 - ty.bits().min(64);
        let signed = |bits: u64| ((bits << shift) as i64) >> shift;
        match (self.constant(a), self.constant(b)) {
            (None, Some(step)) => Some((a, signed(step))),
            (Some(step), None) => Some((b, signed(step))),
            _ => None,
        }
    }

    fn constant(&self, value: Value) -> Option<u64> {
        match self.operations[value.0 as usize]? {
            Op::Const { ty, bits } if ty.is_int() => Some(*bits),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{LaunchShape, Shapes};
    use crate::{FunctionBuilder, FunctionKind, IntCondition, Program, Type};

    /// The turns of a loop that counts from `start` by `step` while `condition` holds for `limit`, and the range of what goes with it by fours from 100 on.
    fn counted(start: u64, step: u64, condition: IntCondition, limit: u64) -> (Option<u64>, (i64, i64)) {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let [start, step, limit, place, by] =
            [(Type::I32, start), (Type::I32, step), (Type::I32, limit), (Type::I64, 100), (Type::I64, 4)]
                .map(|(ty, bits)| builder.constant(ty, bits));
        let (head, end) = (builder.create_block(), builder.create_block());
        builder.terminate(Terminator::Branch(head));
        builder.switch_to(head);
        let (counter, pointer) = (builder.push_phi(head, Type::I32), builder.push_phi(head, Type::I64));
        let (next, behind) = (builder.binary(BinaryOp::Add, counter, step), builder.binary(BinaryOp::Add, pointer, by));
        let condition = builder.int_compare(condition, next, limit);
        builder.terminate(Terminator::CondBranch { condition, then: head, otherwise: end });
        builder.switch_to(end);
        builder.terminate(Terminator::Exit);
        let mut function = builder.finish();
        function.block_mut(head).phis[0].incoming = vec![(Function::ENTRY, start), (head, next)];
        function.block_mut(head).phis[1].incoming = vec![(Function::ENTRY, place), (head, behind)];
        let layout = Layout::new(&function);
        let turns = Counted::new(&function, &layout).turns();
        let program = Program { functions: vec![function], ..Program::default() };
        let shapes = Shapes::new(&program, program.kernel(), LaunchShape::default());
        (turns[0], shapes.fact(pointer).range)
    }

    #[test]
    fn turns_are_counted_as_the_loop_counts_them() {
        use IntCondition::{GtSigned, LtSigned, LtUnsigned, Ne};
        assert_eq!(counted(4, 8, Ne, 36), (Some(4), (100, 112)));
        assert_eq!(counted(0, 3, LtSigned, 10), (Some(4), (100, 112)));
        assert_eq!(counted(10, u32::MAX.into(), GtSigned, 7), (Some(3), (100, 108)));
        // It wraps on its way.
        assert_eq!(counted(0xffff_fffe, 1, Ne, 1), (Some(3), (100, 108)));
        assert_eq!(counted(0, 0, LtUnsigned, 5), (None, (i64::MIN, i64::MAX)), "it never ends");
    }
}
