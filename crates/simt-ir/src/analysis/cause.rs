//! Why a value differs from lane to lane: the way back to where lanes begin to differ.

use super::{Dominators, Shapes};
use crate::{BlockId, Function, Op, SpecialRegister, Terminator, Value};

/// A step on the way back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// An operation takes its difference from an operand; the next step is that operand's.
    Operation {
        /// Line in the program.
        line: u32,
        /// Name of the operation.
        name: String,
    },
    /// Paths meet here, and one brings a value that differs; the next step is that value's.
    Path {
        /// Line of the branch that ends one of the paths.
        line: u32,
    },
    /// Lanes come here by different paths, since they disagree at a branch; the next step is that branch's condition.
    Branch {
        /// Line of the branch.
        line: u32,
    },
    /// Lanes leave a loop at different turns, or the branch is not known.
    Turns,
    /// The end: a register that each lane has of its own.
    Register(SpecialRegister),
    /// The end: what an operation across lanes or on memory gives.
    Result {
        /// Line in the program.
        line: u32,
        /// Name of the operation.
        name: String,
    },
    /// The end: what a caller passed.
    Parameter {
        /// Its number.
        index: u32,
    },
}

/// Steps after which the rest is left out.
const STEPS_MAX: usize = 24;

enum Definition<'a> {
    Operation(&'a Op, u32),
    Phi(BlockId, &'a crate::Phi),
}

impl Shapes {
    /// The steps from a value back to a source of difference. Of several, the first operand's; empty for a value that is the same in all
    /// lanes.
    pub fn causes(&self, function: &Function, value: Value) -> Vec<Cause> {
        let dominators = Dominators::new(function);
        let definitions = definitions(function);
        let mut seen: Vec<Value> = Vec::new();
        let mut steps: Vec<Cause> = Vec::new();
        let mut at = Some(value).filter(|value| !self.shape(*value).is_uniform());
        while let Some(value) = at {
            seen.push(value);
            if steps.len() >= STEPS_MAX {
                break;
            }
            let differs = |value: &Value| !self.shape(*value).is_uniform() && !seen.contains(value);
            let (step, next) = match definitions[value.0 as usize] {
                None => (Cause::Parameter { index: value.0 }, None),
                Some(Definition::Operation(op, line)) => self.of_operation(op, line, &differs),
                Some(Definition::Phi(block, phi)) => {
                    match phi.incoming.iter().find(|(_, incoming)| differs(incoming)) {
                        Some((from, incoming)) => {
                            (Cause::Path { line: function.block(*from).terminator_line }, Some(*incoming))
                        }
                        None => match self.parting(function, &dominators, block) {
                            Some((line, condition)) => {
                                (Cause::Branch { line }, Some(condition).filter(|condition| differs(condition)))
                            }
                            None => (Cause::Turns, None),
                        },
                    }
                }
            };
            // One instruction of the program may be several operations: one step is enough.
            if steps.last() != Some(&step) {
                steps.push(step);
            }
            at = next;
        }
        steps
    }

    fn of_operation(&self, op: &Op, line: u32, differs: &impl Fn(&Value) -> bool) -> (Cause, Option<Value>) {
        if let Op::Special(register) = op {
            return (Cause::Register(*register), None);
        }
        let name = op.mnemonic();
        let is_source = !op.is_pure();
        match op.operands().into_iter().find(|operand| differs(operand)).filter(|_| !is_source) {
            Some(operand) => (Cause::Operation { line, name }, Some(operand)),
            None => (Cause::Result { line, name }, None),
        }
    }

    /// The branch at which the lanes part that meet in a block: its line and condition.
    fn parting(&self, function: &Function, dominators: &Dominators, block: BlockId) -> Option<(u32, Value)> {
        let condition_of = |id: BlockId| match function.block(id).terminator {
            Terminator::CondBranch { condition, .. } => Some(condition),
            Terminator::Switch { index, .. } => Some(index),
            _ => None,
        };
        let divergent = |id: &BlockId| self.is_divergent(function, *id);
        let above = std::iter::successors(dominators.immediate(block), |id| dominators.immediate(*id)).find(divergent);
        let layout = &self.schedule.layout;
        let in_loop = || {
            let id = layout.innermost[block.0 as usize]?;
            let info = layout.loop_info(id);
            layout.order[info.first..=info.last].iter().copied().find(divergent)
        };
        let id = above.or_else(in_loop)?;
        Some((function.block(id).terminator_line, condition_of(id)?))
    }
}

fn definitions(function: &Function) -> Vec<Option<Definition<'_>>> {
    let mut list: Vec<Option<Definition<'_>>> = function.value_types.iter().map(|_| None).collect();
    for id in function.block_ids() {
        let block = function.block(id);
        for phi in &block.phis {
            list[phi.result.0 as usize] = Some(Definition::Phi(id, phi));
        }
        for instruction in &block.instructions {
            for result in &instruction.results {
                list[result.0 as usize] = Some(Definition::Operation(&instruction.op, instruction.line));
            }
        }
    }
    list
}
