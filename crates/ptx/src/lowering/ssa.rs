//! SSA construction from mutable registers.
//!
//! After Braun et al., *Simple and Efficient Construction of Static Single Assignment Form* (CC 2013): a read looks for
//! the definition in its block, then in the predecessors, and puts a phi where several meet. Phis that turn out to merge one
//! value are removed at the end, with those nobody reads.

use rustc_hash::FxHashMap;
use simt_ir::{BlockId, Function, FunctionBuilder, Instruction, Op, Phi, Type, Value};

/// A mutable variable: an index into the table of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Variable(u32);

/// The state of the construction.
#[derive(Default)]
pub(crate) struct Ssa {
    types: Vec<Type>,
    blocks: Vec<BlockState>,
    phis: Vec<PhiRecord>,
    /// Phis whose operands are still to be found.
    pending: Vec<usize>,
    /// The constant that stands for a variable without a definition, by type.
    undefined: FxHashMap<Type, Value>,
}

#[derive(Default)]
struct BlockState {
    definitions: FxHashMap<Variable, Value>,
    predecessors: Vec<BlockId>,
    /// All predecessors are known.
    sealed: bool,
    /// Phis made before the block was sealed.
    incomplete: Vec<usize>,
}

struct PhiRecord {
    block: BlockId,
    variable: Variable,
    result: Value,
    incoming: Vec<(BlockId, Value)>,
}

impl Ssa {
    /// A new variable.
    pub fn declare(&mut self, ty: Type) -> Variable {
        self.types.push(ty);
        Variable(self.types.len() as u32 - 1)
    }

    /// The type of a variable's values.
    pub fn ty(&self, variable: Variable) -> Type {
        self.types[variable.0 as usize]
    }

    fn state(&mut self, block: BlockId) -> &mut BlockState {
        let index = block.0 as usize;
        if index >= self.blocks.len() {
            self.blocks.resize_with(index + 1, BlockState::default);
        }
        &mut self.blocks[index]
    }

    /// Adds an edge.
    pub fn add_predecessor(&mut self, block: BlockId, predecessor: BlockId) {
        let state = self.state(block);
        debug_assert!(!state.sealed, "edges come before the seal");
        if !state.predecessors.contains(&predecessor) {
            state.predecessors.push(predecessor);
        }
    }

    /// States that no predecessor will be added to `block`.
    pub fn seal(&mut self, builder: &mut FunctionBuilder, block: BlockId) {
        let state = self.state(block);
        state.sealed = true;
        let incomplete = std::mem::take(&mut state.incomplete);
        self.pending.extend(incomplete);
        self.fill_pending(builder);
    }

    /// Sets a variable at the end of `block` as it stands.
    pub fn write(&mut self, variable: Variable, block: BlockId, value: Value) {
        self.state(block).definitions.insert(variable, value);
    }

    /// The value of a variable at the end of `block` as it stands.
    pub fn read(&mut self, builder: &mut FunctionBuilder, variable: Variable, block: BlockId) -> Value {
        let value = self.find(builder, variable, block);
        self.fill_pending(builder);
        value
    }

    /// States that a variable has no value at the end of `block` as it stands.
    pub fn forget(&mut self, builder: &mut FunctionBuilder, variable: Variable, block: BlockId) {
        let value = self.undefined(builder, variable);
        self.write(variable, block, value);
    }

    /// Whether `value` stands for a variable that nothing has been written to.
    pub fn is_undefined(&self, value: Value) -> bool {
        self.undefined.values().any(|undefined| *undefined == value)
    }

    fn fill_pending(&mut self, builder: &mut FunctionBuilder) {
        while let Some(phi) = self.pending.pop() {
            let (block, variable) = (self.phis[phi].block, self.phis[phi].variable);
            for predecessor in self.state(block).predecessors.clone() {
                let value = self.find(builder, variable, predecessor);
                self.phis[phi].incoming.push((predecessor, value));
            }
        }
    }

    /// Walks up until a definition or a block where several paths meet.
    fn find(&mut self, builder: &mut FunctionBuilder, variable: Variable, block: BlockId) -> Value {
        let mut path = Vec::new();
        let mut at = block;
        let value = loop {
            let state = self.state(at);
            if let Some(value) = state.definitions.get(&variable) {
                break *value;
            }
            match (state.sealed, state.predecessors.as_slice()) {
                (true, []) => break self.undefined(builder, variable),
                // No cycle: of reachable blocks in a cycle one has a second predecessor, or is not sealed.
                (true, [single]) => {
                    path.push(at);
                    at = *single;
                }
                (sealed, _) => break self.new_phi(builder, variable, at, sealed),
            }
        };
        path.push(at);
        for passed in path {
            self.write(variable, passed, value);
        }
        value
    }

    fn new_phi(&mut self, builder: &mut FunctionBuilder, variable: Variable, block: BlockId, sealed: bool) -> Value {
        let result = builder.function_mut().new_value(self.ty(variable));
        let phi = self.phis.len();
        self.phis.push(PhiRecord { block, variable, result, incoming: Vec::new() });
        if sealed {
            self.pending.push(phi);
        } else {
            self.state(block).incomplete.push(phi);
        }
        self.write(variable, block, result);
        result
    }

    /// A zero at the head of the function: reading a register before writing it gives some value.
    fn undefined(&mut self, builder: &mut FunctionBuilder, variable: Variable) -> Value {
        let ty = self.ty(variable);
        *self.undefined.entry(ty).or_insert_with(|| {
            let function = builder.function_mut();
            let entry = Function::ENTRY;
            // There is no constant of 128 bits: two halves make one.
            let (half, op) = match ty {
                Type::I128 => (Some(function.new_value(Type::I64)), None),
                _ => (None, Some(Op::Const { ty, bits: 0 })),
            };
            let result = function.new_value(ty);
            let instructions = &mut function.block_mut(entry).instructions;
            let instruction = |op, result| Instruction { op, results: vec![result], line: 0 };
            if let Some(half) = half {
                instructions.insert(0, instruction(Op::Concat { ty: Type::I64, low: half, high: half }, result));
                instructions.insert(0, instruction(Op::Const { ty: Type::I64, bits: 0 }, half));
            } else if let Some(op) = op {
                instructions.insert(0, instruction(op, result));
            }
            result
        })
    }

    /// Removes what is superfluous and puts the phis into their blocks.
    pub fn finish(mut self, function: &mut Function) {
        let replaced = self.remove_trivial_phis(function);
        let resolve = |value: Value| resolve(&replaced, value);
        for block in &mut function.blocks {
            for instruction in &mut block.instructions {
                instruction.op.for_each_operand_mut(|operand| *operand = resolve(*operand));
            }
            block.terminator.for_each_operand_mut(|operand| *operand = resolve(*operand));
        }
        for phi in &mut self.phis {
            phi.incoming.iter_mut().for_each(|(_, value)| *value = resolve(*value));
        }
        let live = self.live_phis(function, &replaced);
        for (phi, live) in self.phis.into_iter().zip(live) {
            if live {
                function.block_mut(phi.block).phis.push(Phi { result: phi.result, incoming: phi.incoming });
            }
        }
    }

    /// For each value what stands for it; phis that merge one value (and themselves) go.
    fn remove_trivial_phis(&mut self, function: &mut Function) -> Vec<Value> {
        let mut replaced: Vec<Value> = (0..function.value_types.len() as u32).map(Value).collect();
        let index_of: FxHashMap<Value, usize> = self.phis.iter().enumerate().map(|(i, phi)| (phi.result, i)).collect();
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.phis.len()];
        for (user, phi) in self.phis.iter().enumerate() {
            for (_, value) in &phi.incoming {
                if let Some(used) = index_of.get(value) {
                    users[*used].push(user);
                }
            }
        }
        let mut work: Vec<usize> = (0..self.phis.len()).rev().collect();
        while let Some(index) = work.pop() {
            let phi = &self.phis[index];
            if replaced[phi.result.0 as usize] != phi.result {
                continue;
            }
            let mut merged = None;
            let mut several = false;
            for (_, value) in &phi.incoming {
                let value = resolve(&replaced, *value);
                if value != phi.result {
                    several |= merged.is_some_and(|other| other != value);
                    merged = Some(value);
                }
            }
            if let (Some(value), false) = (merged, several) {
                replaced[phi.result.0 as usize] = value;
                let users_of_phi = std::mem::take(&mut users[index]);
                work.extend(&users_of_phi);
                // They read `value` from now on, and have to be looked at again if that goes too.
                if let Some(other) = index_of.get(&value) {
                    users[*other].extend(users_of_phi);
                }
            }
        }
        replaced
    }

    /// Which phis an instruction reads, directly or through other phis.
    fn live_phis(&self, function: &mut Function, replaced: &[Value]) -> Vec<bool> {
        let index_of: FxHashMap<Value, usize> = self.phis.iter().enumerate().map(|(i, phi)| (phi.result, i)).collect();
        let mut live = vec![false; self.phis.len()];
        let mut work = Vec::new();
        let mut mark = |value: Value, work: &mut Vec<usize>| {
            if let Some(index) = index_of.get(&value)
                && replaced[value.0 as usize] == value
                && !std::mem::replace(&mut live[*index], true)
            {
                work.push(*index);
            }
        };
        for block in &mut function.blocks {
            for instruction in &block.instructions {
                instruction.op.for_each_operand(|operand| mark(operand, &mut work));
            }
            block.terminator.for_each_operand_mut(|operand| mark(*operand, &mut work));
        }
        while let Some(index) = work.pop() {
            for (_, value) in &self.phis[index].incoming {
                mark(*value, &mut work);
            }
        }
        live
    }
}

/// What stands for `value`.
fn resolve(replaced: &[Value], mut value: Value) -> Value {
    while replaced[value.0 as usize] != value {
        value = replaced[value.0 as usize];
    }
    value
}
