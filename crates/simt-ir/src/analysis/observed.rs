//! Values that depend on what other threads do meanwhile.

use std::collections::BTreeSet;

use super::{Layout, LoopId};
use crate::{BlockId, Function, MemoryOrder, Op, Terminator, Value};

/// By value: whether it is computed from strong loads or atomics, transitively; or chosen, within a loop, by a branch on such a value
/// (a flag that says that the lock was taken).
pub(super) fn values_that_depend_on_others(function: &Function, layout: &Layout) -> Vec<bool> {
    let mut observed = Observed {
        function,
        layout,
        values: vec![false; function.value_types.len()],
        chosen: vec![false; function.blocks.len()],
        branches: vec![false; function.blocks.len()],
        changed: true,
    };
    while std::mem::take(&mut observed.changed) {
        for &block in &layout.order {
            observed.visit(block);
        }
    }
    observed.values
}

struct Observed<'a> {
    function: &'a Function,
    layout: &'a Layout,
    values: Vec<bool>,
    /// Blocks to which lanes come by one edge or another as a branch on such a value had it.
    chosen: Vec<bool>,
    /// Blocks whose branch is known to depend on such a value.
    branches: Vec<bool>,
    changed: bool,
}

impl Observed<'_> {
    fn visit(&mut self, id: BlockId) {
        let block = self.function.block(id);
        for phi in &block.phis {
            let inside = |from: &BlockId| {
                self.layout.innermost[id.0 as usize].is_some_and(|around| self.layout.contains(around, *from))
            };
            let chosen = self.chosen[id.0 as usize] && phi.incoming.iter().filter(|(from, _)| inside(from)).count() > 1;
            if chosen || phi.incoming.iter().any(|(_, value)| self.values[value.0 as usize]) {
                self.mark(phi.result);
            }
        }
        for instruction in &block.instructions {
            let mut depends = match &instruction.op {
                Op::Load { order, .. } => *order != MemoryOrder::Weak,
                Op::Atomic { .. } | Op::Call { .. } | Op::CallIndirect { .. } => true,
                _ => false,
            };
            if !matches!(instruction.op, Op::Load { .. }) {
                instruction.op.for_each_operand(|value| depends |= self.values[value.0 as usize]);
            }
            if depends {
                instruction.results.iter().for_each(|result| self.mark(*result));
            }
        }
        let decides = match block.terminator {
            Terminator::CondBranch { condition, .. } => condition,
            Terminator::Switch { index, .. } => index,
            _ => return,
        };
        if self.values[decides.0 as usize] && !std::mem::replace(&mut self.branches[id.0 as usize], true) {
            self.choose_by(id);
        }
    }

    fn mark(&mut self, value: Value) {
        self.changed |= !std::mem::replace(&mut self.values[value.0 as usize], true);
    }

    /// Notes where the ways from a branch meet within the loops around it.
    fn choose_by(&mut self, branch: BlockId) {
        let mut around = self.layout.innermost[branch.0 as usize];
        while let Some(id) = around {
            for block in meeting_points(self.function, self.layout, id, branch) {
                if self.layout.innermost[block.0 as usize] == Some(id) {
                    self.changed |= !std::mem::replace(&mut self.chosen[block.0 as usize], true);
                }
            }
            around = self.layout.loop_info(id).parent;
        }
    }
}

/// The blocks of a loop to which ways lead from a branch that have nothing in common but their ends: which of its edges lanes come by may
/// be up to the branch. Behind such a block ways are one again. May name more where an inner loop is entered by several ways.
fn meeting_points(function: &Function, layout: &Layout, id: LoopId, branch: BlockId) -> Vec<BlockId> {
    // For each block the last one that all ways to it from the branch have in common, if it is not the branch itself.
    let mut common: Vec<Option<BlockId>> = vec![None; function.blocks.len()];
    let mut meets = Vec::new();
    // In the order of the walk, so that a block comes behind all that leads to it, but for ways back.
    let mut pending: BTreeSet<usize> = BTreeSet::new();
    let position = |block: BlockId| layout.position[block.0 as usize];
    let successors = |block: BlockId| {
        let successors = function.block(block).terminator.successors();
        successors.into_iter().filter(|to| layout.contains(id, *to))
    };
    for to in successors(branch) {
        common[to.0 as usize] = Some(to);
        pending.insert(position(to));
    }
    while let Some(at) = pending.pop_first() {
        let from = layout.order[at];
        let last = common[from.0 as usize];
        // From the branch on it is decided anew.
        for to in successors(from).filter(|_| from != branch) {
            let known = common[to.0 as usize];
            if known == last {
                continue;
            }
            if known.is_some() && !meets.contains(&to) {
                meets.push(to);
            }
            let now = if known.is_some() { Some(to) } else { last };
            if known != now {
                common[to.0 as usize] = now;
                pending.insert(position(to));
            }
        }
    }
    meets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AddressSpace, AtomicOp, BinaryOp, FunctionBuilder, FunctionKind, IntCondition, Scope, Type};

    /// Which values of a loop are taken to depend on others: what a branch on an atomic chooses, and what another branch behind it does.
    fn chosen() -> (bool, bool) {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let address = builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
        let bound = builder.push1(Op::LoadParam { ty: Type::I32, offset: 8 });
        let one = builder.constant(Type::I32, 1);
        let blocks: [BlockId; 6] = std::array::from_fn(|_| builder.create_block());
        let [head, taken, behind, short, next, end] = blocks;
        builder.terminate(Terminator::Branch(head));
        builder.switch_to(head);
        let counter = builder.push_phi(head, Type::I32);
        let old = builder.push1(Op::Atomic {
            op: AtomicOp::Add,
            space: AddressSpace::Global,
            ty: Type::I32,
            address,
            offset: 0,
            operand: one,
            compare: None,
            order: MemoryOrder::Relaxed,
            scope: Scope::Device,
            guard: None,
            returns: true,
        });
        let first = builder.int_compare(IntCondition::Eq, old, one);
        builder.terminate(Terminator::CondBranch { condition: first, then: taken, otherwise: behind });
        builder.switch_to(taken);
        builder.terminate(Terminator::Branch(behind));
        builder.switch_to(behind);
        let flag = builder.push_phi(behind, Type::I32);
        let small = builder.int_compare(IntCondition::LtSigned, counter, bound);
        builder.terminate(Terminator::CondBranch { condition: small, then: short, otherwise: next });
        builder.switch_to(short);
        builder.terminate(Terminator::Branch(next));
        builder.switch_to(next);
        let other = builder.push_phi(next, Type::I32);
        let following = builder.binary(BinaryOp::Add, counter, one);
        let done = builder.int_compare(IntCondition::Eq, following, bound);
        builder.terminate(Terminator::CondBranch { condition: done, then: end, otherwise: head });
        builder.switch_to(end);
        builder.terminate(Terminator::Exit);
        let mut function = builder.finish();
        function.block_mut(head).phis[0].incoming = vec![(Function::ENTRY, one), (next, following)];
        function.block_mut(behind).phis[0].incoming = vec![(head, one), (taken, bound)];
        function.block_mut(next).phis[0].incoming = vec![(behind, one), (short, bound)];
        let values = values_that_depend_on_others(&function, &Layout::new(&function));
        assert!(!values[counter.0 as usize], "a counter waits for nobody");
        (values[flag.0 as usize], values[other.0 as usize])
    }

    #[test]
    fn a_branch_chooses_where_its_ways_meet_and_no_further() {
        assert_eq!(chosen(), (true, false));
    }
}
