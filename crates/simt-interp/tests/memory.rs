//! Address spaces, bounds, atomics, the stack, the device runtime.

mod support;

use simt_interp::{AccessKind, Allocations, CapturedRuntime, Error, FaultKind, Launch, LaunchError, Space, run};
use simt_ir::{
    AddressSpace, AtomicOp, BinaryOp, MemoryOrder, Op, Program, RuntimeFunction, Scope, SpecialRegister, Symbol,
    SymbolId, Type, Value,
};
use support::{Builder, program, program_with, run_launch, run_on};

fn symbol(name: &str, space: AddressSpace, offset: u32, size: u64) -> Symbol {
    Symbol { name: name.into(), space, offset, align: 1, size }
}

fn finish(mut b: Builder, value: Value) -> simt_ir::Function {
    b.output(value);
    b.ret();
    b.done()
}

/// Local memory is each lane's own, shared memory the block's; both through generic addresses too.
#[test]
fn spaces() {
    let mut b = Builder::kernel();
    b.function_mut().local_bytes = 8;
    let tid = b.tid();
    let local = b.push1(Op::SymbolAddress(SymbolId(0)));
    b.store(AddressSpace::Local, local, tid);
    let generic = b.push1(Op::ToGeneric { space: AddressSpace::Local, a: local });
    let own = b.load(AddressSpace::Generic, Type::I32, generic);
    let shared = b.push1(Op::SymbolAddress(SymbolId(1)));
    let slot = b.element(shared, tid);
    let generic = b.push1(Op::ToGeneric { space: AddressSpace::Shared, a: slot });
    let scaled = b.mul(own, 3);
    b.store(AddressSpace::Generic, generic, scaled);
    let back = b.push1(Op::FromGeneric { space: AddressSpace::Shared, a: generic });
    let value = b.load(AddressSpace::Shared, Type::I32, back);
    let symbols = vec![symbol("l", AddressSpace::Local, 4, 4), symbol("s", AddressSpace::Shared, 16, 64)];
    let program = program_with(vec![finish(b, value)], symbols, 80);
    assert_eq!(run_on(&program, 2, 16).words(), (0..32).map(|index| 3 * (index % 16)).collect::<Vec<u32>>());
}

#[test]
fn space_tests() {
    let mut b = Builder::kernel();
    let zero = b.long(0);
    let shared = b.push1(Op::ToGeneric { space: AddressSpace::Shared, a: zero });
    let local = b.push1(Op::ToGeneric { space: AddressSpace::Local, a: zero });
    let global = b.param(0);
    let constant = b.push1(Op::SymbolAddress(SymbolId(0)));
    let mut bits = b.int(0);
    for address in [shared, local, global, constant] {
        for space in [AddressSpace::Shared, AddressSpace::Local, AddressSpace::Global, AddressSpace::Const] {
            let is = b.push1(Op::IsInSpace { space, a: address });
            let is = b.resize(false, Type::I32, is);
            let doubled = b.mul(bits, 2);
            bits = b.add(doubled, is);
        }
    }
    let program = program_with(vec![finish(b, bits)], vec![symbol("c", AddressSpace::Const, 0, 4)], 0);
    let mut launch = Launch::default();
    launch.symbols.insert("c".into(), 0x5000);
    assert_eq!(run_launch(&program, launch).words(), [0b1000_0100_0010_0001]);
}

/// Vectors, guards, offsets, and types of all widths.
#[test]
fn vectors_and_guards() {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let scratch = b.param(8);
    let values: Vec<Value> = (0..4).map(|index| b.int(0x1111 * (index + 1))).collect();
    let even = {
        let bit = b.and(tid, 1);
        b.equal(bit, 0)
    };
    let sixteen = b.mul(tid, 4);
    let row = b.element(scratch, sixteen);
    b.push(Op::Store {
        space: AddressSpace::Global,
        ty: Type::I32,
        order: MemoryOrder::Weak,
        address: row,
        offset: 0,
        values,
        guard: Some(even),
    });
    let load = |b: &mut Builder, ty, count, offset, guard| {
        b.push(Op::Load {
            space: AddressSpace::Global,
            ty,
            count,
            order: MemoryOrder::Relaxed,
            address: row,
            offset,
            guard,
        })
    };
    let pair = load(&mut b, Type::I16, 2, 4, None);
    let long = load(&mut b, Type::I64, 1, 8, Some(even))[0];
    let low = b.resize(false, Type::I32, pair[0]);
    let high = b.push1(Op::Binary { op: BinaryOp::ShrUnsigned, ty: Type::I64, a: long, b: sixteen });
    let high = b.resize(false, Type::I32, high);
    let sum = b.add(low, high);
    assert_eq!(run_on(&program(vec![finish(b, sum)]), 1, 4).words(), [0x2222 + 0x3333, 0, 0x2222 + 0x4400_0033, 0]);
}

/// One kernel with a bad access in thread 2; what the fault says.
fn bad_access(build: impl Fn(&mut Builder, Value) -> (AddressSpace, Value)) -> FaultKind {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let (bad, good) = (b.create_block(), b.create_block());
    let condition = b.equal(tid, 2);
    b.branch_if(condition, bad, good);
    b.switch_to(bad);
    b.set_line(33);
    let (space, address) = build(&mut b, tid);
    let value = b.load(space, Type::I32, address);
    b.output(value);
    b.branch(good);
    b.switch_to(good);
    b.ret();
    let symbols = vec![symbol("s", AddressSpace::Shared, 0, 64)];
    let run = run_on(&program_with(vec![b.done()], symbols, 64), 1, 4);
    let fault = run.fault();
    assert_eq!((fault.line, fault.thread, fault.function.as_str()), (33, [2, 0, 0], "k"));
    fault.kind.clone()
}

#[test]
fn bad_accesses() {
    let out_of_bounds = |kind: FaultKind| match kind {
        FaultKind::OutOfBounds { access: AccessKind::Load, space, address, size: 4, reason } => {
            (space, address, reason)
        }
        other => panic!("{other}"),
    };
    let (space, address, reason) = out_of_bounds(bad_access(|b, _| (AddressSpace::Global, b.long(0))));
    assert_eq!((space, address, reason.as_str()), (Space::Global, 0, "below every allocation"));
    let (space, _, reason) = out_of_bounds(bad_access(|b, _| {
        let (base, size) = (b.param(8), b.long(4096));
        (AddressSpace::Generic, b.add(base, size))
    }));
    assert_eq!(space, Space::Global);
    assert!(reason.starts_with("4 bytes behind the allocation of 4096 bytes"), "{reason}");
    let (space, address, reason) = out_of_bounds(bad_access(|b, _| (AddressSpace::Shared, b.long(64))));
    assert_eq!((space, address, reason.as_str()), (Space::Shared, 64, "there are 64 bytes"));
    let (space, ..) = out_of_bounds(bad_access(|b, _| (AddressSpace::Local, b.long(1 << 40))));
    assert_eq!(space, Space::Local);
    let (space, ..) = out_of_bounds(bad_access(|b, _| (AddressSpace::Param, b.long(16))));
    assert_eq!(space, Space::Param);
    let misaligned = bad_access(|b, _| {
        let (base, two) = (b.param(8), b.long(2));
        (AddressSpace::Global, b.add(base, two))
    });
    assert!(matches!(misaligned, FaultKind::Misaligned { access: AccessKind::Load, size: 4, .. }), "{misaligned}");
}

/// A pointer to local memory, handed to another lane.
#[test]
fn local_memory_of_others() {
    let mut b = Builder::kernel();
    let zero = b.long(0);
    let generic = b.push1(Op::ToGeneric { space: AddressSpace::Local, a: zero });
    let tid = b.tid();
    let low = b.resize(false, Type::I32, generic);
    let (lane, clamp, members) = (b.int(0), b.int(31), b.int(u32::MAX));
    let theirs = b.push(Op::Shuffle { mode: simt_ir::ShuffleMode::Index, value: low, lane, clamp, members })[0];
    let theirs = b.resize(false, Type::I64, theirs);
    let upper = b.long(u64::MAX << 32);
    let upper = b.binary(BinaryOp::And, generic, upper);
    let pointer = b.add(theirs, upper);
    b.store(AddressSpace::Generic, pointer, tid);
    let run = run_on(&program(vec![finish(b, tid)]), 1, 2);
    assert!(matches!(run.fault_kind(), FaultKind::OutOfBounds { space: Space::Local, .. }), "{}", run.fault());
    assert_eq!(run.fault().thread, [1, 0, 0]);
}

/// Lanes of a warp in order, every thread once.
#[test]
fn atomics() {
    let mut b = Builder::kernel();
    let scratch = b.param(8);
    let two = b.int(2);
    let old = b.atomic(AtomicOp::Add, scratch, two, None);
    let program = program(vec![finish(b, old)]);
    assert_eq!(run_on(&program, 1, 40).words(), (0..40).map(|tid| 2 * tid).collect::<Vec<u32>>());

    let mut b = Builder::kernel();
    let shared = b.push1(Op::SymbolAddress(SymbolId(0)));
    let one = b.constant(Type::F32, u64::from(1e-40f32.to_bits()));
    b.push(Op::Atomic {
        op: AtomicOp::AddFloat,
        space: AddressSpace::Shared,
        ty: Type::F32,
        order: MemoryOrder::Relaxed,
        scope: Scope::Block,
        address: shared,
        offset: 0,
        operand: one,
        compare: None,
        guard: None,
        returns: false,
    });
    b.barrier(0, None);
    let sum = b.load(AddressSpace::Shared, Type::I32, shared);
    let program = program_with(vec![finish(b, sum)], vec![symbol("s", AddressSpace::Shared, 0, 4)], 4);
    let expected = (0..3).fold(0f32, |sum, _| sum + 1e-40).to_bits();
    assert_eq!(run_on(&program, 1, 3).words(), [expected; 3]);
}

#[test]
fn stack() {
    let mut b = Builder::kernel();
    b.function_mut().local_bytes = 12;
    let tid = b.tid();
    let size = {
        let size = b.mul(tid, 8);
        b.resize(false, Type::I64, size)
    };
    let top = b.push1(Op::StackSave);
    let first = b.push1(Op::StackAlloc { size, align: 16 });
    let second = b.push1(Op::StackAlloc { size, align: 8 });
    b.push(Op::StackRestore { top });
    let third = b.push1(Op::StackAlloc { size, align: 4 });
    let parts: Vec<Value> = [first, second, third].map(|value| b.resize(false, Type::I32, value)).to_vec();
    let high = b.mul(parts[0], 10_000);
    let middle = b.mul(parts[1], 100);
    let sum = b.add(high, middle);
    let sum = b.add(sum, parts[2]);
    assert_eq!(run_on(&program(vec![finish(b, sum)]), 1, 3).words(), [161_612, 162_412, 163_212]);
    let mut b = Builder::kernel();
    let size = b.long(u64::MAX);
    let address = b.push1(Op::StackAlloc { size, align: 16 });
    let run = run_on(&program(vec![finish(b, address)]), 1, 1);
    assert!(matches!(run.fault_kind(), FaultKind::StackOverflow { .. }));
}

/// A kernel that passes strings in global memory to the device runtime.
fn with_strings(strings: &[&str], build: impl Fn(&mut Builder, Vec<Value>) -> Value) -> support::Run {
    let mut b = Builder::kernel();
    let addresses = (0..strings.len() as u32).map(|id| b.push1(Op::SymbolAddress(SymbolId(id)))).collect();
    let value = build(&mut b, addresses);
    let function = finish(b, value);
    let symbols = strings.iter().map(|text| symbol(text, AddressSpace::Const, 0, text.len() as u64 + 1)).collect();
    let program = program_with(vec![function], symbols, 0);
    let mut memory = Allocations::default();
    let mut launch = Launch { block: [2, 1, 1], ..Launch::default() };
    for text in strings {
        launch.symbols.insert(text.to_string(), memory.insert(format!("{text}\0").into_bytes()));
    }
    let output = memory.allocate(8);
    launch.params = [output.to_le_bytes(), [0; 8]].concat();
    let mut runtime = CapturedRuntime::default();
    let result = run(&program, &launch, &mut memory, &mut runtime).map(|_| ());
    let bytes = memory.bytes(output).expect("the output");
    let output = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes"))).collect();
    support::Run { output, runtime, result }
}

#[test]
fn printing() {
    let run = with_strings(&["%d of %s\n", "two"], |b, strings| {
        b.function_mut().local_bytes = 16;
        let tid = b.tid();
        let zero = b.long(0);
        b.store(AddressSpace::Local, zero, tid);
        let eight = b.long(8);
        b.store(AddressSpace::Local, eight, strings[1]);
        let arguments = b.push1(Op::ToGeneric { space: AddressSpace::Local, a: zero });
        b.push1(Op::RuntimeCall { function: RuntimeFunction::Vprintf, arguments: vec![strings[0], arguments] })
    });
    assert_eq!(run.words(), [2, 2]);
    assert_eq!(String::from_utf8_lossy(&run.runtime.output), "0 of two\n1 of two\n");
}

#[test]
fn assertions() {
    let run = with_strings(&["x > 0", "a.cu", "void k()"], |b, strings| {
        let (line, size) = (b.int(5), b.long(1));
        let arguments = vec![strings[0], strings[1], line, strings[2], size];
        b.push(Op::RuntimeCall { function: RuntimeFunction::AssertFail, arguments });
        line
    });
    let line = |tid: u32| format!("a.cu:5: void k(): block: [0,0,0], thread: [{tid},0,0] Assertion `x > 0` failed.\n");
    assert_eq!(run.runtime.assertions, line(0) + &line(1));
    assert_eq!(*run.fault_kind(), FaultKind::Assertion { text: line(0) });
}

#[test]
fn heap() {
    let kernel = |double_free: bool| {
        let mut b = Builder::kernel();
        let tid = b.tid();
        let size = b.long(64);
        let address = b.push1(Op::RuntimeCall { function: RuntimeFunction::Malloc, arguments: vec![size] });
        b.store(AddressSpace::Generic, address, tid);
        let value = b.load(AddressSpace::Generic, Type::I32, address);
        for _ in 0..if double_free { 2 } else { 1 } {
            b.push(Op::RuntimeCall { function: RuntimeFunction::Free, arguments: vec![address] });
        }
        program(vec![finish(b, value)])
    };
    assert_eq!(run_on(&kernel(false), 1, 3).words(), [0, 1, 2]);
    assert!(matches!(run_on(&kernel(true), 1, 3).fault_kind(), FaultKind::BadFree { .. }));
}

/// Registers by their definitions, on a grid of three dimensions.
#[test]
fn special_registers() {
    use SpecialRegister::*;
    let mut b = Builder::kernel();
    let mut index = b.int(0);
    for (position, size) in
        [(CtaidZ, NctaidZ), (CtaidY, NctaidY), (CtaidX, NctaidX), (TidZ, NtidZ), (TidY, NtidY), (TidX, NtidX)]
    {
        let size = b.special(size);
        index = b.binary(BinaryOp::Mul, index, size);
        let position = b.special(position);
        index = b.add(index, position);
    }
    let mut value = b.int(0);
    for register in [LaneId, WarpId, LanemaskEq, LanemaskLe, LanemaskLt, LanemaskGe, LanemaskGt] {
        let thirty_one = b.mul(value, 31);
        let part = b.special(register);
        value = b.add(thirty_one, part);
    }
    let base = b.param(0);
    let address = b.element(base, index);
    b.store(AddressSpace::Global, address, value);
    b.ret();
    let launch = Launch { grid: [3, 2, 2], block: [5, 4, 2], ..Launch::default() };
    let run = run_launch(&program(vec![b.done()]), launch);
    let expected = (0..480u32).map(|index| {
        let (lane, warp) = (index % 40 % 32, index % 40 / 32);
        let below = (1u32 << lane) - 1;
        let eq = 1 << lane;
        [lane, warp, eq, below | eq, below, !below, !below & !eq]
            .iter()
            .fold(0u32, |value, part| value.wrapping_mul(31).wrapping_add(*part))
    });
    assert_eq!(run.words(), expected.collect::<Vec<u32>>());
}

#[test]
fn launches_that_cannot_begin() {
    let mut b = Builder::kernel();
    b.push(Op::Unsupported { text: "wgmma".into(), returns: vec![] });
    b.ret();
    let program = program_with(vec![b.done()], vec![symbol("g", AddressSpace::Global, 0, 4)], 1024);
    let good = Launch { params: vec![0; 16], symbols: [("g".to_string(), 64)].into(), ..Launch::default() };
    let error = |program: &Program, launch: &Launch| match run(
        program,
        launch,
        &mut Allocations::default(),
        &mut CapturedRuntime::default(),
    ) {
        Err(Error::Launch(error)) => error,
        other => panic!("{other:?}"),
    };
    for (launch, expected) in [
        (Launch { params: vec![], ..good.clone() }, LaunchError::ParamsTooShort { given: 0, needed: 16 }),
        (Launch { grid: [0, 1, 1], ..good.clone() }, LaunchError::EmptyShape),
        (Launch { cluster: [2, 1, 1], ..good.clone() }, LaunchError::EmptyShape),
        (Launch { block: [1025, 1, 1], ..good.clone() }, LaunchError::BlockTooLarge { threads: 1025, limit: 1024 }),
        (Launch { symbols: Default::default(), ..good.clone() }, LaunchError::MissingSymbol("g".into())),
        (
            Launch { dynamic_shared_bytes: 228 << 10, ..good.clone() },
            LaunchError::SharedTooLarge { needed: (228 << 10) + 1024, limit: 228 << 10 },
        ),
    ] {
        assert_eq!(error(&program, &launch), expected);
    }
    assert!(matches!(error(&Program::default(), &good), LaunchError::Program(_)));
    match run(&program, &good, &mut Allocations::default(), &mut CapturedRuntime::default()) {
        Err(Error::Fault(fault)) => assert_eq!(fault.kind, FaultKind::Unsupported("wgmma".into())),
        other => panic!("{other:?}"),
    }
}
