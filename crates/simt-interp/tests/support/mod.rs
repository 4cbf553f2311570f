//! Builds kernels by hand for the tests. A kernel gets the address of an output of one word a thread as its first parameter.

#![allow(dead_code, reason = "each test file uses a part of it")]

use simt_interp::{Allocations, CapturedRuntime, Error, Fault, FaultKind, Launch, run};
use simt_ir::{
    AddressSpace, AtomicOp, BarrierKind, BinaryOp, BlockId, Function, FunctionBuilder, FunctionKind, IntCondition,
    MemoryOrder, Op, Program, Scope, SpecialRegister, Symbol, Terminator, Type, Value,
};

/// A function under construction, with shorthands.
pub struct Builder(pub FunctionBuilder);

impl std::ops::Deref for Builder {
    type Target = FunctionBuilder;
    fn deref(&self) -> &FunctionBuilder {
        &self.0
    }
}

impl std::ops::DerefMut for Builder {
    fn deref_mut(&mut self) -> &mut FunctionBuilder {
        &mut self.0
    }
}

impl Builder {
    pub fn kernel() -> Self {
        let mut builder = FunctionBuilder::new("k", FunctionKind::Kernel, vec![], vec![]);
        builder.function_mut().param_bytes = 16;
        builder.set_line(10);
        Self(builder)
    }

    pub fn device(parameters: Vec<Type>, returns: Vec<Type>) -> Self {
        let mut builder = FunctionBuilder::new("d", FunctionKind::Device, parameters, returns);
        builder.set_line(20);
        Self(builder)
    }

    pub fn int(&mut self, value: u32) -> Value {
        self.constant(Type::I32, u64::from(value))
    }

    pub fn long(&mut self, value: u64) -> Value {
        self.constant(Type::I64, value)
    }

    pub fn special(&mut self, register: SpecialRegister) -> Value {
        self.push1(Op::Special(register))
    }

    pub fn tid(&mut self) -> Value {
        self.special(SpecialRegister::TidX)
    }

    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.binary(BinaryOp::Add, a, b)
    }

    pub fn and(&mut self, a: Value, mask: u32) -> Value {
        let mask = self.int(mask);
        self.binary(BinaryOp::And, a, mask)
    }

    pub fn mul(&mut self, a: Value, factor: u32) -> Value {
        let factor = self.int(factor);
        self.binary(BinaryOp::Mul, a, factor)
    }

    pub fn less(&mut self, a: Value, b: u32) -> Value {
        let b = self.int(b);
        self.int_compare(IntCondition::LtUnsigned, a, b)
    }

    pub fn equal(&mut self, a: Value, b: u32) -> Value {
        let b = self.int(b);
        self.int_compare(IntCondition::Eq, a, b)
    }

    pub fn param(&mut self, offset: u32) -> Value {
        self.push1(Op::LoadParam { ty: Type::I64, offset })
    }

    /// `base + 4 * index`.
    pub fn element(&mut self, base: Value, index: Value) -> Value {
        let index = self.resize(false, Type::I64, index);
        let four = self.long(4);
        let offset = self.binary(BinaryOp::Mul, index, four);
        self.add(base, offset)
    }

    pub fn load(&mut self, space: AddressSpace, ty: Type, address: Value) -> Value {
        self.push1(Op::Load { space, ty, count: 1, order: MemoryOrder::Weak, address, offset: 0, guard: None })
    }

    pub fn store(&mut self, space: AddressSpace, address: Value, value: Value) {
        let ty = self.function().ty(value);
        let order = MemoryOrder::Weak;
        self.push(Op::Store { space, ty, order, address, offset: 0, values: vec![value], guard: None });
    }

    /// Stores a word to the thread's place in the output: by index in the grid, one-dimensional.
    pub fn output(&mut self, value: Value) {
        let base = self.param(0);
        let (block, width) = (self.special(SpecialRegister::CtaidX), self.special(SpecialRegister::NtidX));
        let first = self.binary(BinaryOp::Mul, block, width);
        let tid = self.tid();
        let index = self.add(first, tid);
        let address = self.element(base, index);
        let word = match self.function().ty(value) {
            Type::I32 => value,
            _ => self.resize(false, Type::I32, value),
        };
        self.store(AddressSpace::Global, address, word);
    }

    pub fn atomic(&mut self, op: AtomicOp, address: Value, operand: Value, compare: Option<Value>) -> Value {
        self.push1(Op::Atomic {
            op,
            space: AddressSpace::Generic,
            ty: Type::I32,
            order: MemoryOrder::Relaxed,
            scope: Scope::Device,
            address,
            offset: 0,
            operand,
            compare,
            guard: None,
            returns: true,
        })
    }

    pub fn barrier(&mut self, id: u32, threads: Option<u32>) {
        self.barrier_kind(BarrierKind::Sync, id, threads, None);
    }

    pub fn barrier_kind(
        &mut self,
        kind: BarrierKind,
        id: u32,
        threads: Option<u32>,
        predicate: Option<Value>,
    ) -> Vec<Value> {
        let id = self.int(id);
        let threads = threads.map(|threads| self.int(threads));
        self.push(Op::Barrier { kind, id, threads, predicate })
    }

    pub fn branch(&mut self, to: BlockId) {
        self.terminate(Terminator::Branch(to));
    }

    pub fn branch_if(&mut self, condition: Value, then: BlockId, otherwise: BlockId) {
        self.terminate(Terminator::CondBranch { condition, then, otherwise });
    }

    pub fn ret(&mut self) {
        self.terminate(Terminator::Return(vec![]));
    }

    /// Adds an incoming value to a phi.
    pub fn incoming(&mut self, block: BlockId, phi: Value, from: BlockId, value: Value) {
        let phis = &mut self.function_mut().block_mut(block).phis;
        phis.iter_mut().find(|other| other.result == phi).expect("a phi of the block").incoming.push((from, value));
    }

    pub fn done(self) -> Function {
        self.0.finish()
    }
}

/// A program of functions, the kernel first.
pub fn program(functions: Vec<Function>) -> Program {
    let ordinals = (0..functions.len() as u32).collect();
    Program { functions, ordinals, shared_align: 16, ..Program::default() }
}

/// A program with symbols.
pub fn program_with(functions: Vec<Function>, symbols: Vec<Symbol>, shared_bytes: u32) -> Program {
    Program { symbols, shared_bytes, ..program(functions) }
}

/// What a run left.
pub struct Run {
    pub output: Vec<u32>,
    pub runtime: CapturedRuntime,
    pub result: Result<(), Error>,
}

impl Run {
    /// The output of a run without a fault.
    pub fn words(&self) -> &[u32] {
        if let Err(error) = &self.result {
            panic!("{error}");
        }
        &self.output
    }

    /// The fault of a run that had one.
    pub fn fault(&self) -> &Fault {
        match &self.result {
            Err(Error::Fault(fault)) => fault,
            other => panic!("no fault but {other:?}"),
        }
    }

    pub fn fault_kind(&self) -> &FaultKind {
        &self.fault().kind
    }
}

/// Runs a program with the output as parameter 0, and a zeroed scratch area of 4 KiB as parameter 8.
pub fn run_on(program: &Program, blocks: u32, threads: u32) -> Run {
    run_launch(program, Launch { grid: [blocks, 1, 1], block: [threads, 1, 1], ..Launch::default() })
}

/// As [`run_on`], with more said about the launch.
pub fn run_launch(program: &Program, mut launch: Launch) -> Run {
    let mut memory = Allocations::default();
    let threads: u32 = launch.grid.iter().chain(&launch.block).product();
    let output = memory.allocate(4 * threads as usize);
    let scratch = memory.allocate(4096);
    launch.params = [output.to_le_bytes(), scratch.to_le_bytes()].concat();
    launch.limits.steps = launch.limits.steps.min(50_000_000);
    let mut runtime = CapturedRuntime::default();
    let result = run(program, &launch, &mut memory, &mut runtime).map(|_| ());
    let bytes = memory.bytes(output).expect("the output");
    let output = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes"))).collect();
    Run { output, runtime, result }
}
