//! Programs under construction: inputs to begin with, a pool of values to draw from, outputs at the end.

use std::collections::BTreeMap;

use simt_ir::{
    AddressSpace, BinaryOp, FunctionBuilder, FunctionKind, MemoryOrder, Op, Program, SpecialRegister, Symbol,
    Terminator, Type, Value,
};

use super::{Case, Check, Mix, Rng};

/// Input words of a thread.
pub(super) const INPUT_WORDS: usize = 6;

/// How many of a type's newest values operands are drawn from.
const RECENT: usize = 12;

/// A kernel that gets its inputs, computes, and stores its outputs at the end.
pub(super) struct Straight<'r> {
    pub rng: &'r mut Rng,
    pub builder: FunctionBuilder,
    mix: Mix,
    /// The thread's index in the grid, `i32`.
    pub thread: Value,
    /// Address of the output buffer: the words that threads share, then a row for each thread.
    pub output: Value,
    pool: BTreeMap<Type, Vec<Value>>,
    /// The thread's input words.
    pub inputs: Vec<Value>,
    outputs: Vec<(Value, Check)>,
    pub symbols: Vec<Symbol>,
    pub shared_bytes: u32,
    pub functions: Vec<simt_ir::Function>,
    /// Words that threads share at the start of the output buffer.
    pub scratch_words: usize,
}

impl<'r> Straight<'r> {
    /// The start of a kernel: its inputs are loaded, and in the pool in parts of all types.
    pub fn new(rng: &'r mut Rng, mix: Mix) -> Self {
        let mut builder = FunctionBuilder::new("random", FunctionKind::Kernel, vec![], vec![]);
        builder.function_mut().param_bytes = 16;
        let input = builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
        let output = builder.push1(Op::LoadParam { ty: Type::I64, offset: 8 });
        let block = builder.push1(Op::Special(SpecialRegister::CtaidX));
        let width = builder.push1(Op::Special(SpecialRegister::NtidX));
        let tid = builder.push1(Op::Special(SpecialRegister::TidX));
        let first = builder.binary(BinaryOp::Mul, block, width);
        let thread = builder.binary(BinaryOp::Add, first, tid);
        let mut straight = Self {
            rng,
            builder,
            mix,
            thread,
            output,
            pool: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            symbols: Vec::new(),
            shared_bytes: 0,
            functions: Vec::new(),
            scratch_words: 0,
        };
        let row = straight.element(input, thread, 8 * INPUT_WORDS as u64);
        for word in 0..INPUT_WORDS {
            let value = straight.load(AddressSpace::Global, Type::I64, 1, row, 8 * word as i64)[0];
            straight.inputs.push(value);
            straight.add_parts(value);
        }
        straight
    }

    /// Puts an `i64` into the pool, as a whole and in parts.
    fn add_parts(&mut self, word: Value) {
        let amount = self.builder.constant(Type::I32, 32);
        let upper = self.builder.binary(BinaryOp::ShrUnsigned, word, amount);
        for half in [word, upper] {
            for ty in [Type::I32, Type::I16, Type::I8, Type::I1] {
                let part = self.builder.resize(false, ty, half);
                self.add(part);
            }
        }
        self.add(word);
        for ty in [Type::F16, Type::BF16, Type::F32, Type::F64] {
            let integer = self.builder.resize(false, ty.to_int(), word);
            let float = self.builder.bitcast(ty, integer);
            self.add(float);
            if ty != Type::F64 {
                let integer = self.builder.resize(false, ty.to_int(), upper);
                let float = self.builder.bitcast(ty, integer);
                self.add(float);
            }
        }
    }

    /// Puts a value into the pool.
    pub fn add(&mut self, value: Value) {
        let ty = self.builder.function().ty(value);
        self.pool.entry(ty).or_default().push(value);
    }

    /// An operand of a type: one of the newest values, a constant, or any value.
    pub fn operand(&mut self, ty: Type) -> Value {
        if ty == Type::I128 {
            let (low, high) = (self.operand(Type::I64), self.operand(Type::I64));
            return self.builder.push1(Op::Concat { ty: Type::I64, low, high });
        }
        let choice = self.rng.below(8);
        let values = self.pool.get(&ty).map_or(&[][..], Vec::as_slice);
        if choice == 0 || values.is_empty() {
            let bits = self.rng.value(ty);
            return self.builder.constant(ty, bits);
        }
        let from = if choice < 6 { values.len().saturating_sub(RECENT) } else { 0 };
        self.rng.pick(&values[from..])
    }

    /// Appends an operation; its results go into the pool and are outputs.
    pub fn emit(&mut self, op: Op) {
        for value in self.builder.push(op) {
            self.add(value);
            self.output(value);
        }
    }

    /// Makes a value an output: exact, or a float.
    pub fn output(&mut self, value: Value) {
        let ty = self.builder.function().ty(value);
        let check = if ty.is_float() { Check::Float(ty) } else { Check::Exact };
        self.outputs.push((value, check));
    }

    /// Makes a value an output with a check of its own.
    pub fn output_as(&mut self, value: Value, check: Check) {
        self.outputs.push((value, check));
    }

    /// `base + size * index`.
    pub fn element(&mut self, base: Value, index: Value, size: u64) -> Value {
        let index = self.builder.resize(false, Type::I64, index);
        let size = self.builder.constant(Type::I64, size);
        let offset = self.builder.binary(BinaryOp::Mul, index, size);
        self.builder.binary(BinaryOp::Add, base, offset)
    }

    pub fn load(&mut self, space: AddressSpace, ty: Type, count: u8, address: Value, offset: i64) -> Vec<Value> {
        self.builder.push(Op::Load { space, ty, count, order: MemoryOrder::Weak, address, offset, guard: None })
    }

    pub fn store(&mut self, space: AddressSpace, address: Value, offset: i64, values: Vec<Value>) {
        let ty = self.builder.function().ty(values[0]);
        let order = MemoryOrder::Weak;
        self.builder.push(Op::Store { space, ty, order, address, offset, values, guard: None });
    }

    /// Makes memory zero, which shared and local memory need not be at a kernel's start.
    pub fn clear(&mut self, space: AddressSpace, base: Value, bytes: u32) {
        let zero = self.builder.constant(Type::I64, 0);
        for offset in (0..i64::from(bytes)).step_by(8) {
            self.store(space, base, offset, vec![zero]);
        }
    }

    /// The value's bits as an `i64`; of an `i128` both halves mixed.
    pub fn word(&mut self, value: Value) -> Value {
        let ty = self.builder.function().ty(value);
        let bits = self.builder.bitcast(ty.to_int(), value);
        if ty != Type::I128 {
            return self.builder.resize(false, Type::I64, bits);
        }
        let amount = self.builder.constant(Type::I32, 64);
        let upper = self.builder.push1(Op::Binary { op: BinaryOp::ShrUnsigned, ty, a: bits, b: amount });
        let (low, high) = (self.builder.resize(false, Type::I64, bits), self.builder.resize(false, Type::I64, upper));
        let three = self.builder.constant(Type::I64, 3);
        let high = self.builder.binary(BinaryOp::Mul, high, three);
        self.builder.binary(BinaryOp::Add, low, high)
    }

    /// A symbol in shared memory, behind those before it; its address.
    pub fn shared_array(&mut self, bytes: u32) -> Value {
        let offset = self.shared_bytes.next_multiple_of(16);
        self.shared_bytes = offset + bytes;
        self.symbol(AddressSpace::Shared, offset, bytes)
    }

    /// A symbol in the kernel's local memory, behind those before it; its address.
    pub fn local_array(&mut self, bytes: u32) -> Value {
        let offset = self.builder.function().local_bytes.next_multiple_of(16);
        self.builder.function_mut().local_bytes = offset + bytes;
        self.symbol(AddressSpace::Local, offset, bytes)
    }

    fn symbol(&mut self, space: AddressSpace, offset: u32, bytes: u32) -> Value {
        let id = simt_ir::SymbolId(self.symbols.len() as u32);
        let name = format!("array{}", id.0);
        self.symbols.push(Symbol { name, space, offset, align: 1, size: u64::from(bytes) });
        self.builder.push1(Op::SymbolAddress(id))
    }

    /// Stores the outputs, ends the kernel, and makes inputs for a grid of this shape.
    pub fn finish(mut self, blocks: u32, threads: u32) -> Case<Program> {
        let outputs = std::mem::take(&mut self.outputs);
        let scratch = self.builder.constant(Type::I64, 8 * self.scratch_words as u64);
        let rows = self.builder.binary(BinaryOp::Add, self.output, scratch);
        let row = self.element(rows, self.thread, 8 * outputs.len() as u64);
        let mut checks = Vec::new();
        for (index, (value, check)) in outputs.into_iter().enumerate() {
            let word = self.word(value);
            self.store(AddressSpace::Global, row, 8 * index as i64, vec![word]);
            checks.push(check);
        }
        self.builder.terminate(Terminator::Return(vec![]));
        let inputs = (0..blocks as usize * threads as usize * INPUT_WORDS).map(|_| self.rng.word(self.mix)).collect();
        let mut functions = vec![self.builder.finish()];
        functions.extend(self.functions);
        let program = Program {
            ordinals: (0..functions.len() as u32).collect(),
            functions,
            symbols: self.symbols,
            shared_bytes: self.shared_bytes,
            shared_align: 16,
        };
        Case {
            code: program,
            blocks,
            threads,
            input_words: INPUT_WORDS,
            output_words: checks.len(),
            scratch_words: self.scratch_words,
            inputs,
            checks,
        }
    }
}
