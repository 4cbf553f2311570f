//! Removes what nobody uses and what nothing reaches.

use crate::analysis::{Dominators, liveness_uses};
use crate::{Function, Op, Terminator, Value};

/// Empties unreachable blocks, forgets the edges they had, and removes operations and phis without uses. Atomic operations whose results
/// nobody wants give none.
pub fn remove_dead_code(function: &mut Function) {
    remove_unreachable(function);
    let mut used = vec![false; function.value_types.len()];
    let mut pending: Vec<Value> = Vec::new();
    let sites = definition_sites(function);
    for block in &function.blocks {
        liveness_uses(&block.terminator, |value| pending.push(value));
        for instruction in block.instructions.iter().filter(|instruction| !instruction.op.is_removable()) {
            instruction.op.for_each_operand(|value| pending.push(value));
        }
    }
    while let Some(value) = pending.pop() {
        if std::mem::replace(&mut used[value.0 as usize], true) {
            continue;
        }
        match sites[value.0 as usize] {
            Some(Site::Instruction(block, index)) => {
                function.blocks[block].instructions[index].op.for_each_operand(|operand| pending.push(operand));
            }
            Some(Site::Phi(block, index)) => {
                pending.extend(function.blocks[block].phis[index].incoming.iter().map(|(_, value)| *value));
            }
            None => {}
        }
    }
    for block in &mut function.blocks {
        block.phis.retain(|phi| used[phi.result.0 as usize]);
        for instruction in &mut block.instructions {
            let wanted = instruction.results.iter().any(|result| used[result.0 as usize]);
            if let Op::Atomic { returns, .. } = &mut instruction.op
                && !wanted
            {
                *returns = false;
                instruction.results.clear();
            }
        }
        block.instructions.retain(|instruction| {
            !instruction.op.is_removable() || instruction.results.iter().any(|result| used[result.0 as usize])
        });
    }
}

#[derive(Clone, Copy)]
enum Site {
    Instruction(usize, usize),
    Phi(usize, usize),
}

fn definition_sites(function: &Function) -> Vec<Option<Site>> {
    let mut sites = vec![None; function.value_types.len()];
    for (at, block) in function.blocks.iter().enumerate() {
        for (index, phi) in block.phis.iter().enumerate() {
            sites[phi.result.0 as usize] = Some(Site::Phi(at, index));
        }
        for (index, instruction) in block.instructions.iter().enumerate() {
            for result in &instruction.results {
                sites[result.0 as usize] = Some(Site::Instruction(at, index));
            }
        }
    }
    sites
}

pub(super) fn remove_unreachable(function: &mut Function) {
    let dominators = Dominators::new(function);
    for id in function.block_ids() {
        if !dominators.is_reachable(id) {
            let block = function.block_mut(id);
            block.phis.clear();
            block.instructions.clear();
            block.terminator = Terminator::Unreachable;
        }
    }
    for block in &mut function.blocks {
        for phi in &mut block.phis {
            phi.incoming.retain(|(from, _)| dominators.is_reachable(*from));
        }
    }
}
