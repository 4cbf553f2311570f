//! Appends instructions to a function.

use crate::{
    BinaryOp, Block, BlockId, FloatCondition, Function, FunctionKind, Instruction, IntCondition, Op, Phi, Terminator,
    Type, UnaryOp, Value,
};

/// Builds a function block by block.
///
/// The insertion point is the end of the current block. A block may be created long before it is filled.
pub struct FunctionBuilder {
    function: Function,
    current: BlockId,
    line: u32,
    terminated: Vec<bool>,
}

impl FunctionBuilder {
    /// A function with an empty entry block, which is current. The parameters are values 0, 1, ….
    pub fn new(name: impl Into<String>, kind: FunctionKind, parameters: Vec<Type>, returns: Vec<Type>) -> Self {
        let function = Function {
            name: name.into(),
            kind,
            value_types: parameters.clone(),
            parameters,
            returns,
            param_bytes: 0,
            local_bytes: 0,
            local_align: 16,
            block_limit: None,
            blocks: Vec::new(),
        };
        let mut builder = Self { function, current: Function::ENTRY, line: 0, terminated: Vec::new() };
        builder.create_block();
        builder
    }

    /// The function as it stands.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// The function as it stands, to set its attributes.
    pub fn function_mut(&mut self) -> &mut Function {
        &mut self.function
    }

    /// The value of parameter `index`.
    pub fn parameter(&self, index: usize) -> Value {
        assert!(index < self.function.parameters.len());
        Value(index as u32)
    }

    /// A new block without instructions; until terminated it ends in `Unreachable`.
    pub fn create_block(&mut self) -> BlockId {
        self.function.blocks.push(Block {
            phis: Vec::new(),
            instructions: Vec::new(),
            terminator: Terminator::Unreachable,
            terminator_line: 0,
        });
        self.terminated.push(false);
        BlockId(self.function.blocks.len() as u32 - 1)
    }

    /// Makes a block current.
    pub fn switch_to(&mut self, block: BlockId) {
        self.current = block;
    }

    /// The current block.
    pub fn current_block(&self) -> BlockId {
        self.current
    }

    /// Whether the current block has its terminator.
    pub fn is_terminated(&self) -> bool {
        self.terminated[self.current.0 as usize]
    }

    /// Source line given to what is appended from now on.
    pub fn set_line(&mut self, line: u32) {
        self.line = line;
    }

    /// Appends an operation; returns its results, whose types follow from the operation.
    pub fn push(&mut self, op: Op) -> Vec<Value> {
        debug_assert!(!self.is_terminated(), "the block has its terminator");
        let types = op.result_types(|function| {
            unreachable!("results of a call to function {} are given by `push_call`", function.0)
        });
        self.push_with(op, &types)
    }

    /// Appends an operation with exactly one result.
    pub fn push1(&mut self, op: Op) -> Value {
        let results = self.push(op);
        assert_eq!(results.len(), 1, "the operation has one result");
        results[0]
    }

    /// Appends an operation (a direct call) whose result types the caller knows.
    pub fn push_with(&mut self, op: Op, types: &[Type]) -> Vec<Value> {
        let results: Vec<Value> = types.iter().map(|ty| self.function.new_value(*ty)).collect();
        let line = self.line;
        self.function.block_mut(self.current).instructions.push(Instruction { op, results: results.clone(), line });
        results
    }

    /// Adds a phi without incoming values to a block.
    pub fn push_phi(&mut self, block: BlockId, ty: Type) -> Value {
        let result = self.function.new_value(ty);
        self.function.block_mut(block).phis.push(Phi { result, incoming: Vec::new() });
        result
    }

    /// Ends the current block. A block that has its terminator already keeps it.
    pub fn terminate(&mut self, terminator: Terminator) {
        if !self.is_terminated() {
            let line = self.line;
            let block = self.function.block_mut(self.current);
            block.terminator = terminator;
            block.terminator_line = line;
            self.terminated[self.current.0 as usize] = true;
        }
    }

    /// The finished function.
    pub fn finish(self) -> Function {
        self.function
    }

    /// A constant.
    pub fn constant(&mut self, ty: Type, bits: u64) -> Value {
        self.push1(Op::Const { ty, bits })
    }

    /// An integer operation; the type is that of `a`.
    pub fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        let ty = self.function.ty(a);
        self.push1(Op::Binary { op, ty, a, b })
    }

    /// An integer operation; the type is that of `a`.
    pub fn unary(&mut self, op: UnaryOp, a: Value) -> Value {
        let ty = self.function.ty(a);
        self.push1(Op::Unary { op, ty, a })
    }

    /// An integer comparison; the type is that of `a`.
    pub fn int_compare(&mut self, condition: IntCondition, a: Value, b: Value) -> Value {
        let ty = self.function.ty(a);
        self.push1(Op::IntCompare { condition, ty, a, b })
    }

    /// A float comparison; the type is that of `a`.
    pub fn float_compare(&mut self, condition: FloatCondition, flush: bool, a: Value, b: Value) -> Value {
        let ty = self.function.ty(a);
        self.push1(Op::FloatCompare { condition, ty, flush, a, b })
    }

    /// `condition ? a : b`.
    pub fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        let ty = self.function.ty(a);
        self.push1(Op::Select { ty, condition, a, b })
    }

    /// The same bits as another type of equal width; nothing if it is that type already.
    pub fn bitcast(&mut self, to: Type, a: Value) -> Value {
        let from = self.function.ty(a);
        if from == to { a } else { self.push1(Op::Bitcast { from, to, a }) }
    }

    /// An integer widened or narrowed to `to`; nothing if it is that type already.
    pub fn resize(&mut self, signed: bool, to: Type, a: Value) -> Value {
        let from = self.function.ty(a);
        match from.bits().cmp(&to.bits()) {
            std::cmp::Ordering::Equal => a,
            std::cmp::Ordering::Less => self.push1(Op::Extend { signed, from, to, a }),
            std::cmp::Ordering::Greater => self.push1(Op::Truncate { from, to, a }),
        }
    }
}
