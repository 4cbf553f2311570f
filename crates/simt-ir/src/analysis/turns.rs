//! How often a loop turns, where that can be read off its counter.

use crate::analysis::{LoopId, Shapes};
use crate::{BinaryOp, BlockId, Function, Op, Terminator, Value};

/// At most how many turns a loop takes that counts up, in steps, to a constant; `None` where it does not, or nobody knows where it begins.
pub fn turns_at_most(function: &Function, shapes: &Shapes, id: LoopId) -> Option<u64> {
    let layout = &shapes.schedule.layout;
    let info = layout.loop_info(id);
    let counter = Counter { function, shapes, blocks: &layout.order[info.first..=info.last] };
    counter.blocks.iter().filter_map(|block| counter.turns_until_exit(*block)).min()
}

/// A loop that may count.
struct Counter<'a> {
    function: &'a Function,
    shapes: &'a Shapes,
    blocks: &'a [BlockId],
}

impl Counter<'_> {
    /// Turns until a block leaves the loop, if it does when a counter has come to a constant.
    fn turns_until_exit(&self, block: BlockId) -> Option<u64> {
        let Terminator::CondBranch { condition, then, otherwise } = self.function.block(block).terminator else {
            return None;
        };
        if self.blocks.contains(&then) && self.blocks.contains(&otherwise) {
            return None;
        }
        let Op::IntCompare { a, b, .. } = self.defined(condition)? else { return None };
        match (self.constant(*a), self.constant(*b)) {
            (None, Some(limit)) => self.turns_to(*a, limit),
            (Some(limit), None) => self.turns_to(*b, limit),
            _ => None,
        }
    }

    /// Turns until a value that the loop counts up has come to a limit. The value may be the phi, or what it will be next.
    fn turns_to(&self, counted: Value, limit: i64) -> Option<u64> {
        let from = self.step_from(counted).map_or(counted, |(phi, _)| phi);
        let mut phis = self.blocks.iter().flat_map(|block| &self.function.block(*block).phis);
        let phi = phis.find(|phi| phi.result == from)?;
        let mut steps = phi.incoming.iter().filter_map(|(_, value)| self.step_from(*value));
        let (_, step) = steps.find(|(base, _)| *base == from)?;
        let starts = phi.incoming.iter().filter(|(block, _)| !self.blocks.contains(block));
        let lowest = starts.map(|(_, value)| self.shapes.fact(*value).range.0).min()?;
        (step > 0 && limit >= lowest).then(|| limit.abs_diff(lowest) / step as u64 + 1)
    }

    /// A value as another one and a constant.
    fn step_from(&self, value: Value) -> Option<(Value, i64)> {
        match self.defined(value)? {
            Op::Binary { op: BinaryOp::Add, a, b, .. } => Some((*a, self.constant(*b)?)),
            _ => None,
        }
    }

    fn constant(&self, value: Value) -> Option<i64> {
        self.shapes.fact(value).constant.map(|bits| i64::from(bits as u32 as i32))
    }

    /// The operation that a value is the result of, if it is one of the loop's.
    fn defined(&self, value: Value) -> Option<&Op> {
        let mut instructions = self.blocks.iter().flat_map(|block| &self.function.block(*block).instructions);
        instructions.find(|instruction| instruction.results.contains(&value)).map(|instruction| &instruction.op)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::LaunchShape;
    use crate::{FunctionBuilder, FunctionKind, IntCondition, Program, SpecialRegister, Type};

    /// A loop that counts from the thread's row on, in blocks of 32 x 8, by eights up to `limit`; without a limit, to a parameter.
    fn turns(limit: Option<u64>) -> Option<u64> {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let start = builder.push1(Op::Special(SpecialRegister::TidY));
        let parameter = builder.push1(Op::LoadParam { ty: Type::I32, offset: 0 });
        let (head, end) = (builder.create_block(), builder.create_block());
        builder.terminate(Terminator::Branch(head));
        builder.switch_to(head);
        let counter = builder.push_phi(head, Type::I32);
        let step = builder.constant(Type::I32, 8);
        let next = builder.binary(BinaryOp::Add, counter, step);
        let bound = limit.map_or(parameter, |limit| builder.constant(Type::I32, limit));
        let condition = builder.int_compare(IntCondition::LtSigned, next, bound);
        builder.terminate(Terminator::CondBranch { condition, then: head, otherwise: end });
        builder.switch_to(end);
        builder.terminate(Terminator::Exit);
        let mut function = builder.finish();
        function.block_mut(head).phis[0].incoming = vec![(Function::ENTRY, start), (head, next)];
        let program = Program { functions: vec![function], ..Program::default() };
        let launch = LaunchShape { block: Some([32, 8, 1]), ..LaunchShape::default() };
        let shapes = Shapes::new(&program, program.kernel(), launch);
        turns_at_most(program.kernel(), &shapes, LoopId(0))
    }

    #[test]
    fn turns_follow_from_start_step_and_limit() {
        assert_eq!(turns(Some(14)), Some(2));
        assert_eq!(turns(Some(1024)), Some(129));
        assert_eq!(turns(None), None);
    }
}
