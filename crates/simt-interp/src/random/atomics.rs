//! Read-modify-write operations. What threads of different warps do to one word is such that the order does not matter.

use simt_ir::{
    AddressSpace, AtomicOp, BarrierKind, BinaryOp, MemoryOrder, Op, Program, Scope, SpecialRegister, Type, Value,
};

use super::straight::Straight;
use super::{Case, Check, Family, Rng};

/// Words that all threads share, in global memory and in each block's shared memory.
const SHARED_WORDS: usize = 8;

/// Operations whose order does not matter, as long as nobody looks at old values.
const COMMUTING: [AtomicOp; 8] = [
    AtomicOp::Add,
    AtomicOp::And,
    AtomicOp::Or,
    AtomicOp::Xor,
    AtomicOp::MinSigned,
    AtomicOp::MinUnsigned,
    AtomicOp::MaxSigned,
    AtomicOp::MaxUnsigned,
];

pub(super) fn case(rng: &mut Rng) -> Case<Program> {
    let threads = 1 + rng.below(70) as u32;
    let blocks = 1 + rng.below(2) as u32;
    let mut s = Straight::new(rng, Family::Atomics.mix());
    let own_words = (blocks * threads) as usize;
    s.scratch_words = (SHARED_WORDS + own_words).next_multiple_of(2);
    let common_shared = s.shared_array(8 * SHARED_WORDS as u32);
    let own_shared = s.shared_array(8 * threads);
    let tid = s.builder.push1(Op::Special(SpecialRegister::TidX));
    let own_shared = s.element(own_shared, tid, 8);
    let first_own = s.builder.constant(Type::I64, 8 * SHARED_WORDS as u64);
    let first_own = s.builder.binary(BinaryOp::Add, s.output, first_own);
    let own_global = s.element(first_own, s.thread, 8);
    let common_global = s.output;
    let sums = s.shared_array(4 * 32);
    s.clear(AddressSpace::Shared, common_shared, 8 * SHARED_WORDS as u32);
    s.clear(AddressSpace::Shared, own_shared, 8);
    s.clear(AddressSpace::Shared, sums, 4 * 32);
    barrier(&mut s);
    for _ in 0..4 {
        commuting(&mut s, AddressSpace::Shared, common_shared);
        commuting(&mut s, AddressSpace::Global, common_global);
        own(&mut s, AddressSpace::Shared, own_shared);
        own(&mut s, AddressSpace::Global, own_global);
    }
    warp_order(&mut s, sums);
    barrier(&mut s);
    for word in 0..SHARED_WORDS {
        let value = s.load(AddressSpace::Shared, Type::I64, 1, common_shared, 8 * word as i64)[0];
        s.output(value);
    }
    s.finish(blocks, threads)
}

fn barrier(s: &mut Straight) {
    let id = s.builder.constant(Type::I32, 0);
    s.builder.push(Op::Barrier { kind: BarrierKind::Sync, id, threads: None, predicate: None });
}

/// The space, or now and then the same address as a generic one.
fn maybe_generic(s: &mut Straight, space: AddressSpace, address: Value) -> (AddressSpace, Value) {
    if s.rng.one_in(4) {
        (AddressSpace::Generic, s.builder.push1(Op::ToGeneric { space, a: address }))
    } else {
        (space, address)
    }
}

/// An operation on one of the words that all threads share. Each word has its own operation, so that any order gives the
/// same.
fn commuting(s: &mut Straight, space: AddressSpace, base: Value) {
    let word = s.rng.below(SHARED_WORDS);
    let op = COMMUTING[word];
    let ty = if s.rng.flag() { Type::I64 } else { Type::I32 };
    // Minimum and maximum of whole and half words do not commute.
    let ty = if word >= 4 { Type::I32 } else { ty };
    // A sum carries into the upper half only if it is one number.
    let ty = if op == AtomicOp::Add { Type::I64 } else { ty };
    let operand = s.operand(ty);
    let guard = if s.rng.one_in(3) { Some(s.operand(Type::I1)) } else { None };
    let (space, address) = maybe_generic(s, space, base);
    s.builder.push(Op::Atomic {
        op,
        space,
        ty,
        order: MemoryOrder::Relaxed,
        scope: Scope::Device,
        address,
        offset: 8 * word as i64,
        operand,
        compare: None,
        guard,
        returns: false,
    });
}

/// Any operation on the thread's own word.
fn own(s: &mut Straight, space: AddressSpace, address: Value) {
    let (op, ty) = match s.rng.below(6) {
        0 => (s.rng.pick(&[AtomicOp::Increment, AtomicOp::Decrement]), Type::I32),
        1 => (AtomicOp::AddFloat, s.rng.pick(&[Type::F32, Type::F64, Type::F16, Type::BF16])),
        2 => (s.rng.pick(&[AtomicOp::AddF16x2, AtomicOp::AddBF16x2]), Type::I32),
        3 => (AtomicOp::Exchange, s.rng.pick(&[Type::I32, Type::I64])),
        4 => (AtomicOp::CompareExchange, s.rng.pick(&[Type::I16, Type::I32, Type::I64])),
        _ => (s.rng.pick(&COMMUTING), s.rng.pick(&[Type::I32, Type::I64])),
    };
    let (order, scope) = (
        s.rng.pick(&[MemoryOrder::Relaxed, MemoryOrder::Acquire, MemoryOrder::Release, MemoryOrder::AcquireRelease]),
        s.rng.pick(&[Scope::Block, Scope::Device, Scope::System]),
    );
    let operand = s.operand(ty);
    let compare = (op == AtomicOp::CompareExchange).then(|| {
        // What is there, in half of the cases.
        if s.rng.flag() { s.load(space, ty, 1, address, 0)[0] } else { s.operand(ty) }
    });
    let guard = if s.rng.one_in(4) { Some(s.operand(Type::I1)) } else { None };
    let (space, address) = maybe_generic(s, space, address);
    let old = s.builder.push1(Op::Atomic {
        op,
        space,
        ty,
        order,
        scope,
        address,
        offset: 0,
        operand,
        compare,
        guard,
        returns: true,
    });
    s.add(old);
    let check = match op {
        AtomicOp::AddF16x2 => Check::FloatPair(Type::F16),
        AtomicOp::AddBF16x2 => Check::FloatPair(Type::BF16),
        _ if ty.is_float() => Check::Float(ty),
        _ => Check::Exact,
    };
    s.output_as(old, check);
}

/// All lanes of a warp add to one word, which is the warp's own, and see each other's sums in lane order.
fn warp_order(s: &mut Straight, sums: Value) {
    let warp = s.builder.push1(Op::Special(SpecialRegister::WarpId));
    let address = s.element(sums, warp, 4);
    let operand = s.operand(Type::I32);
    s.emit(Op::Atomic {
        op: AtomicOp::Add,
        space: AddressSpace::Shared,
        ty: Type::I32,
        order: MemoryOrder::Relaxed,
        scope: Scope::Block,
        address,
        offset: 0,
        operand,
        compare: None,
        guard: None,
        returns: true,
    });
}
