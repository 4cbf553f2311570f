//! Divergence, reconvergence, forward progress, calls.

mod support;

use simt_interp::{FaultKind, Launch};
use simt_ir::{
    AddressSpace, AtomicOp, BinaryOp, FunctionId, Op, Program, SpecialRegister, Symbol, SymbolId, Terminator, Type,
};
use support::{Builder, program, program_with, run_launch, run_on};

/// Lanes part at an `if` and are together behind it.
#[test]
fn branches_join() {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let condition = b.less(tid, 10);
    let (then, otherwise, join) = (b.create_block(), b.create_block(), b.create_block());
    let phi = b.push_phi(join, Type::I32);
    b.branch_if(condition, then, otherwise);
    b.switch_to(then);
    let small = b.push1(Op::ActiveMask);
    b.branch(join);
    b.switch_to(otherwise);
    let large = b.push1(Op::ActiveMask);
    b.branch(join);
    b.switch_to(join);
    b.incoming(join, phi, then, small);
    b.incoming(join, phi, otherwise, large);
    let all = b.push1(Op::ActiveMask);
    let mixed = b.binary(BinaryOp::Xor, phi, all);
    b.output(mixed);
    b.ret();
    let run = run_on(&program(vec![b.done()]), 1, 32);
    let expected: Vec<u32> = (0..32).map(|tid| if tid < 10 { !0x3ff } else { 0x3ff }).collect();
    assert_eq!(run.words(), expected);
}

/// Lanes leave a loop one after the other and meet behind it.
fn countdown() -> Program {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let (head, exit) = (b.create_block(), b.create_block());
    let count = b.push_phi(head, Type::I32);
    let sum = b.push_phi(head, Type::I32);
    let zero = b.int(0);
    b.branch(head);
    b.switch_to(head);
    let (one, minus_one) = (b.int(1), b.int(u32::MAX));
    let more = b.add(sum, one);
    let less = b.add(count, minus_one);
    let done = b.equal(count, 0);
    b.branch_if(done, exit, head);
    let entry = simt_ir::Function::ENTRY;
    b.incoming(head, count, entry, tid);
    b.incoming(head, count, head, less);
    b.incoming(head, sum, entry, zero);
    b.incoming(head, sum, head, more);
    b.switch_to(exit);
    let mask = b.push1(Op::ActiveMask);
    let all = b.equal(mask, u32::MAX);
    let bit = b.resize(false, Type::I32, all);
    let scaled = b.mul(sum, 2);
    let result = b.add(scaled, bit);
    b.output(result);
    b.ret();
    program(vec![b.done()])
}

#[test]
fn loops_join() {
    let run = run_on(&countdown(), 1, 32);
    assert_eq!(run.words(), (0..32).map(|tid| 2 * tid + 1).collect::<Vec<u32>>());
}

/// Phis of a block are assigned at once: a swap in a loop.
#[test]
fn phis_swap() {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let (head, exit) = (b.create_block(), b.create_block());
    let [x, y, i] = [(); 3].map(|()| b.push_phi(head, Type::I32));
    let zero = b.int(0);
    b.branch(head);
    b.switch_to(head);
    let one = b.int(1);
    let next = b.add(i, one);
    let again = b.less(i, 3);
    b.branch_if(again, head, exit);
    let entry = simt_ir::Function::ENTRY;
    for (phi, first, then) in [(x, tid, y), (y, zero, x), (i, zero, next)] {
        b.incoming(head, phi, entry, first);
        b.incoming(head, phi, head, then);
    }
    b.switch_to(exit);
    b.output(y);
    b.ret();
    assert_eq!(run_on(&program(vec![b.done()]), 1, 4).words(), [0, 1, 2, 3]);
}

#[test]
fn switch_goes_to_the_last_target_when_out_of_range() {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let blocks = [b.create_block(), b.create_block(), b.create_block()];
    let targets = vec![blocks[0], blocks[1], blocks[0], blocks[2]];
    b.terminate(Terminator::Switch { index: tid, targets });
    for (index, block) in blocks.into_iter().enumerate() {
        b.switch_to(block);
        let value = b.int(index as u32);
        b.output(value);
        b.ret();
    }
    assert_eq!(run_on(&program(vec![b.done()]), 1, 7).words(), [0, 1, 0, 2, 2, 2, 2]);
}

/// A lock of all lanes of a warp and of several blocks: whoever holds it must not starve (PTX's forward progress guarantee).
fn spin_lock() -> Program {
    let mut b = Builder::kernel();
    let lock = b.param(8);
    let (try_lock, inside, exit) = (b.create_block(), b.create_block(), b.create_block());
    b.branch(try_lock);
    b.switch_to(try_lock);
    let (zero, one) = (b.int(0), b.int(1));
    let old = b.atomic(AtomicOp::CompareExchange, lock, one, Some(zero));
    let got = b.equal(old, 0);
    // The layout puts the spinning block first: only fairness lets the holder on.
    b.branch_if(got, inside, try_lock);
    b.switch_to(inside);
    let counter = b.long(4);
    let counter = b.add(lock, counter);
    let count = b.load(AddressSpace::Global, Type::I32, counter);
    let more = b.add(count, one);
    b.store(AddressSpace::Global, counter, more);
    b.atomic(AtomicOp::Exchange, lock, zero, None);
    b.branch(exit);
    b.switch_to(exit);
    b.output(count);
    b.ret();
    program(vec![b.done()])
}

#[test]
fn spinning_lanes_do_not_starve_the_holder() {
    let run = run_on(&spin_lock(), 3, 40);
    let mut tickets = run.words().to_vec();
    tickets.sort();
    assert_eq!(tickets, (0..120).collect::<Vec<u32>>());
}

/// Block 0 waits for a flag that block 1 sets, and lane 0 for one that lane 1 sets later in the layout.
#[test]
fn blocks_and_lanes_wait_for_each_other() {
    let mut b = Builder::kernel();
    let flags = b.param(8);
    let block = b.special(SpecialRegister::CtaidX);
    let tid = b.tid();
    let (wait, not_first, set, spin, end) =
        (b.create_block(), b.create_block(), b.create_block(), b.create_block(), b.create_block());
    let in_first = b.equal(block, 0);
    b.branch_if(in_first, wait, not_first);
    b.switch_to(wait);
    let flag = b.load(AddressSpace::Global, Type::I32, flags);
    let unset = b.equal(flag, 0);
    b.branch_if(unset, wait, end);
    b.switch_to(not_first);
    let is_first_lane = b.equal(tid, 0);
    b.branch_if(is_first_lane, spin, set);
    b.switch_to(spin);
    let four = b.long(4);
    let second = b.add(flags, four);
    let flag = b.load(AddressSpace::Global, Type::I32, second);
    let unset = b.equal(flag, 0);
    b.branch_if(unset, spin, end);
    b.switch_to(set);
    let one = b.int(1);
    b.store(AddressSpace::Global, flags, one);
    let four = b.long(4);
    let second = b.add(flags, four);
    b.store(AddressSpace::Global, second, one);
    b.branch(end);
    b.switch_to(end);
    b.output(tid);
    b.ret();
    let run = run_on(&program(vec![b.done()]), 2, 2);
    assert_eq!(run.words(), [0, 1, 0, 1]);
}

/// n! by recursion, a different depth in each lane, with a local array in each frame; `least` ends it.
fn factorial(least: u32) -> Program {
    let mut d = Builder::device(vec![Type::I32], vec![Type::I32]);
    d.function_mut().local_bytes = 4;
    let n = d.parameter(0);
    let slot = d.push1(Op::SymbolAddress(SymbolId(0)));
    d.store(AddressSpace::Local, slot, n);
    let (base, step) = (d.create_block(), d.create_block());
    let small = d.less(n, least);
    d.branch_if(small, base, step);
    d.switch_to(base);
    let one = d.int(1);
    d.terminate(Terminator::Return(vec![one]));
    d.switch_to(step);
    let minus_one = d.int(u32::MAX);
    let less = d.add(n, minus_one);
    let inner = d.push_with(Op::Call { function: FunctionId(1), arguments: vec![less] }, &[Type::I32])[0];
    // The callee had its own local memory.
    let own = d.load(AddressSpace::Local, Type::I32, slot);
    let product = d.binary(BinaryOp::Mul, own, inner);
    d.terminate(Terminator::Return(vec![product]));
    let mut b = Builder::kernel();
    let tid = b.tid();
    let result = b.push_with(Op::Call { function: FunctionId(1), arguments: vec![tid] }, &[Type::I32])[0];
    let mask = b.push1(Op::ActiveMask);
    let (all, zero) = (b.equal(mask, 0xff), b.int(0));
    let result = b.select(all, result, zero);
    b.output(result);
    b.ret();
    let symbol = Symbol { name: "frame".into(), space: AddressSpace::Local, offset: 0, align: 1, size: 4 };
    program_with(vec![b.done(), d.done()], vec![symbol], 0)
}

#[test]
fn recursion() {
    assert_eq!(run_on(&factorial(2), 1, 8).words(), [1, 1, 2, 6, 24, 120, 720, 5040]);
    let run = run_on(&factorial(0), 1, 1);
    assert!(matches!(run.fault_kind(), FaultKind::StackOverflow { limit: 0x80000, .. }), "{:?}", run.fault_kind());
    assert_eq!(run.fault().line, 20);
}

/// Calls through a pointer that differs from lane to lane, and one to nowhere.
#[test]
fn indirect_calls() {
    let function = |factor| {
        let mut d = Builder::device(vec![Type::I32], vec![Type::I32]);
        let argument = d.parameter(0);
        let product = d.mul(argument, factor);
        d.terminate(Terminator::Return(vec![product]));
        d.done()
    };
    let kernel = |wild: bool| {
        let mut b = Builder::kernel();
        let tid = b.tid();
        let bit = b.and(tid, 1);
        let odd = b.equal(bit, 1);
        let (f, g) = (b.push1(Op::FunctionAddress(FunctionId(1))), b.push1(Op::FunctionAddress(FunctionId(2))));
        let target = if wild { b.long(64) } else { b.select(odd, f, g) };
        let op = Op::CallIndirect { target, arguments: vec![tid], returns: vec![Type::I32] };
        let result = b.push1(op);
        b.output(result);
        b.ret();
        b.done()
    };
    let run = run_on(&program(vec![kernel(false), function(10), function(100)]), 1, 4);
    assert_eq!(run.words(), [0, 10, 200, 30]);
    let run = run_on(&program(vec![kernel(true), function(10), function(100)]), 1, 4);
    assert_eq!(*run.fault_kind(), FaultKind::BadCallTarget { target: 64 });
}

/// Lanes in a function called from two places do not mix up their returns.
#[test]
fn calls_from_two_places() {
    let mut d = Builder::device(vec![Type::I32], vec![Type::I32]);
    let argument = d.parameter(0);
    let product = d.mul(argument, 3);
    d.terminate(Terminator::Return(vec![product]));
    let mut b = Builder::kernel();
    let tid = b.tid();
    let (then, otherwise, join) = (b.create_block(), b.create_block(), b.create_block());
    let phi = b.push_phi(join, Type::I32);
    let condition = b.less(tid, 2);
    b.branch_if(condition, then, otherwise);
    for (block, add) in [(then, 1000), (otherwise, 2000)] {
        b.switch_to(block);
        let result = b.push_with(Op::Call { function: FunctionId(1), arguments: vec![tid] }, &[Type::I32])[0];
        let constant = b.int(add);
        let sum = b.add(result, constant);
        b.incoming(join, phi, block, sum);
        b.branch(join);
    }
    b.switch_to(join);
    b.output(phi);
    b.ret();
    assert_eq!(run_on(&program(vec![b.done(), d.done()]), 1, 4).words(), [1000, 1003, 2006, 2009]);
}

#[test]
fn ends() {
    let kernel = |terminator: Terminator| {
        let mut b = Builder::kernel();
        let tid = b.tid();
        let (stop, on) = (b.create_block(), b.create_block());
        let condition = b.equal(tid, 3);
        b.branch_if(condition, stop, on);
        b.switch_to(stop);
        b.set_line(77);
        b.terminate(terminator);
        b.switch_to(on);
        let one = b.int(1);
        b.output(one);
        b.ret();
        program(vec![b.done()])
    };
    assert_eq!(run_on(&kernel(Terminator::Exit), 1, 5).words(), [1, 1, 1, 0, 1]);
    let run = run_on(&kernel(Terminator::Trap), 1, 5);
    let fault = run.fault();
    assert_eq!((&fault.kind, fault.line, fault.thread), (&FaultKind::Trap, 77, [3, 0, 0]));
    assert_eq!(fault.to_string(), "trap in k, line 77, block (0, 0, 0), thread (3, 0, 0)");
    assert_eq!(*run_on(&kernel(Terminator::Unreachable), 1, 5).fault_kind(), FaultKind::Unreachable);
}

#[test]
fn endless_loops_end_at_the_step_limit() {
    let mut b = Builder::kernel();
    let body = b.create_block();
    b.branch(body);
    b.switch_to(body);
    b.branch(body);
    let mut launch = Launch::default();
    launch.limits.steps = 1000;
    let run = run_launch(&program(vec![b.done()]), launch);
    assert_eq!(*run.fault_kind(), FaultKind::StepLimit);
}

/// More blocks than run at a time.
#[test]
fn blocks_start_as_others_end() {
    let mut launch = Launch { grid: [50, 1, 1], block: [3, 1, 1], ..Launch::default() };
    launch.limits.resident_blocks = 4;
    let mut b = Builder::kernel();
    let block = b.special(SpecialRegister::CtaidX);
    b.output(block);
    b.ret();
    let run = run_launch(&program(vec![b.done()]), launch);
    assert_eq!(run.words(), (0..150).map(|index| index / 3).collect::<Vec<u32>>());
}
