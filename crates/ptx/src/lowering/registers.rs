//! PTX's registers, which are assigned again and again, as SSA values (Braun et al., *Simple and Efficient Construction of Static Single
//! Assignment Form*). Blocks are sealed at the end, when all jumps are known; phis that turn out to be trivial are removed then.

use std::collections::HashMap;

use simt_ir::{BlockId, Function, FunctionBuilder, Instruction, Op, Phi, Terminator, Type, Value};

/// A register, or a piece of a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Variable(pub(super) u32);

/// The variables of a function and what they hold at the end of each block.
#[derive(Default)]
pub(super) struct Registers {
    types: Vec<Type>,
    current: HashMap<(Variable, BlockId), Value>,
    /// Phis made where the predecessors were not known yet.
    open: Vec<(BlockId, Variable, Value)>,
}

impl Registers {
    /// A new variable.
    pub fn declare(&mut self, ty: Type) -> Variable {
        self.types.push(ty);
        Variable(self.types.len() as u32 - 1)
    }

    pub fn ty(&self, variable: Variable) -> Type {
        self.types[variable.0 as usize]
    }

    pub fn write(&mut self, variable: Variable, block: BlockId, value: Value) {
        self.current.insert((variable, block), value);
    }

    /// What a variable holds in a block, as far as is known: a phi where it was not assigned in the block.
    pub fn read(&mut self, builder: &mut FunctionBuilder, variable: Variable, block: BlockId) -> Value {
        if let Some(value) = self.current.get(&(variable, block)) {
            return *value;
        }
        let value = builder.push_phi(block, self.ty(variable));
        self.open.push((block, variable, value));
        self.current.insert((variable, block), value);
        value
    }

    /// Gives every phi its incoming values and removes the trivial ones.
    pub fn seal(mut self, mut builder: FunctionBuilder) -> Function {
        let predecessors = builder.function().predecessors();
        let mut next = 0;
        // Reading the predecessors may open more phis.
        while next < self.open.len() {
            let (block, variable, phi) = self.open[next];
            next += 1;
            let incoming: Vec<(BlockId, Value)> = predecessors[block.0 as usize]
                .iter()
                .map(|from| (*from, self.read(&mut builder, variable, *from)))
                .collect();
            let slot = builder.function_mut().block_mut(block).phis.iter_mut().find(|slot| slot.result == phi);
            slot.expect("phis are not removed before the end").incoming = incoming;
        }
        let mut function = builder.finish();
        define_unassigned(&mut function);
        remove_trivial_phis(&mut function);
        function
    }
}

/// A register read before it is assigned holds anything: here 0.
fn define_unassigned(function: &mut Function) {
    for id in function.block_ids().collect::<Vec<_>>() {
        let (unassigned, assigned): (Vec<Phi>, Vec<Phi>) =
            std::mem::take(&mut function.block_mut(id).phis).into_iter().partition(|phi| phi.incoming.is_empty());
        let constants = unassigned.into_iter().map(|phi| {
            let ty = function.value_types[phi.result.0 as usize];
            Instruction { op: Op::Const { ty, bits: 0 }, results: vec![phi.result], line: 0 }
        });
        let constants: Vec<Instruction> = constants.collect();
        let block = function.block_mut(id);
        block.phis = assigned;
        block.instructions.splice(0..0, constants);
    }
}

/// Replaces each phi whose incoming values are all one other value by that value.
fn remove_trivial_phis(function: &mut Function) {
    let mut replaced: Vec<Value> = (0..function.value_types.len() as u32).map(Value).collect();
    fn resolve(replaced: &mut [Value], value: Value) -> Value {
        let mut at = value;
        while replaced[at.0 as usize] != at {
            at = replaced[at.0 as usize];
        }
        let mut from = value;
        while replaced[from.0 as usize] != at {
            from = std::mem::replace(&mut replaced[from.0 as usize], at);
        }
        at
    }
    let mut changed = true;
    while changed {
        changed = false;
        for block in &mut function.blocks {
            block.phis.retain(|phi| {
                let mut only: Option<Value> = None;
                for (_, value) in &phi.incoming {
                    let value = resolve(&mut replaced, *value);
                    if value == phi.result || Some(value) == only {
                        continue;
                    }
                    if only.is_some() {
                        return true;
                    }
                    only = Some(value);
                }
                match only {
                    Some(value) => {
                        replaced[phi.result.0 as usize] = value;
                        changed = true;
                        false
                    }
                    None => true,
                }
            });
        }
    }
    for block in &mut function.blocks {
        let mut replace = |value: &mut Value| *value = resolve(&mut replaced, *value);
        block.phis.iter_mut().flat_map(|phi| &mut phi.incoming).for_each(|(_, value)| replace(value));
        block.instructions.iter_mut().for_each(|instruction| instruction.op.for_each_operand_mut(&mut replace));
        match &mut block.terminator {
            Terminator::CondBranch { condition, .. } => replace(condition),
            Terminator::Switch { index, .. } => replace(index),
            Terminator::Return(values) => values.iter_mut().for_each(replace),
            _ => {}
        }
    }
}
