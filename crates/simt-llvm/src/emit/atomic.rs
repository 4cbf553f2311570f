//! Read-modify-write operations: lane after lane, or once for the warp where nobody asks for the old values.
//!
//! A block's warps run on one thread at a time, so that shared memory needs no locked instructions.

use std::mem::offset_of;

use simt_ir::abi::{AccessKind, LaunchContext};
use simt_ir::{AddressSpace, AtomicOp, FunctionKind, Op, ReduceOp, Type, Value};

use super::indexed::Indices;
use super::memory::{Access, Pattern};
use super::notes::AccessWay;
use super::value::Repr;
use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bin, Cast, FloatPredicate, IntPredicate, Ordering, Rmw, Ty, Val};

/// Where code finds something of a lane by the lane's number.
#[derive(Clone, Copy)]
enum LaneSource {
    /// The same for all.
    Same(Val),
    /// Of a vector, which is in a stack slot, too.
    Slot { vector: Val, slot: Val, element: Ty, bytes: u32 },
    /// An address of an element, so many bytes each, whose index is in a stack slot.
    Elements { slot: Val, base: Val, bytes: u32 },
}

impl FunctionEmitter<'_> {
    pub fn atomic(&mut self, op: &Op, results: &[Value]) -> Result<(), Error> {
        let Op::Atomic { op: kind, space, ty, address, offset, operand, compare, guard, returns, .. } = op else {
            unreachable!("only atomics come here")
        };
        if self.function.kind == FunctionKind::Lane {
            return self.atomic_of_lane(op, results);
        }
        self.compiler_fence();
        let outer = self.mask;
        // What is first read inside the guarded part would not be at hand behind it.
        for operand in op.operands() {
            self.get(operand);
        }
        let skip = guard.map(|guard| self.enter_where(guard));
        let access = Access { space: *space, ty: *ty, count: 1, kind: AccessKind::Atomic, strong: true, record: None };
        self.observe_access(access, *address, *offset);
        let pattern = self.atomic_pattern(access, *address, *offset);
        self.guard = *guard;
        self.check(access, *address, *offset, &pattern);
        self.guard = None;
        let old = match (reduction_of(*kind), &pattern) {
            (Some(reduction), Pattern::Uniform(at)) if is_done_once(op) => {
                self.note_atomic(AccessWay::AtomicOnce);
                let vector = self.vector(*operand);
                let total = self.reduce_lanes(reduction, vector, self.mask);
                let pointer = self.pointer(*space, *at);
                self.modify(*kind, *space, *ty, pointer, total, None);
                None
            }
            (Some(ReduceOp::Add), Pattern::Uniform(at)) if ty.bits() >= 32 => {
                self.note_atomic(AccessWay::AtomicSum);
                Some(self.add_together(access, *at, *operand))
            }
            _ => {
                self.note_atomic(AccessWay::AtomicLanes);
                Some(self.lane_by_lane(access, *kind, &pattern, *operand, *compare, *returns))
            }
        };
        if let Some((from, join)) = skip {
            let end = self.ir.current_block();
            self.ir.br(join);
            self.ir.position(join);
            if let (Some(old), Some(&result)) = (old, results.first()) {
                let zero = self.ir.zero(self.ir.type_of(old));
                let merged = self.ir.phi(self.ir.type_of(old), &[(old, end), (zero, from)]);
                self.mask = outer;
                self.define_vector(result, merged);
            }
        } else if let (Some(old), Some(&result)) = (old, results.first()) {
            self.define_vector(result, old);
        }
        self.mask = outer;
        self.compiler_fence();
        Ok(())
    }

    /// Where the lanes of an atomic operation go: to one place, or each to its own.
    fn atomic_pattern(&mut self, access: Access, address: Value, offset: i64) -> Pattern {
        let distance = self.i64(offset as u64);
        match self.get(address) {
            Repr::Uniform(at) if access.space != AddressSpace::Local => Pattern::Uniform(self.ir.add(at, distance)),
            _ => match self.indices(access, address, offset) {
                Some(indices) => Pattern::Indexed(indices),
                None => Pattern::Listed(self.ir.add(self.vector(address), self.ir.splat(distance, self.lanes()))),
            },
        }
    }

    /// As [`FunctionEmitter::atomic`], where there is but one lane.
    fn atomic_of_lane(&mut self, op: &Op, results: &[Value]) -> Result<(), Error> {
        let Op::Atomic { op: kind, space, ty, address, offset, operand, compare, guard, .. } = op else {
            unreachable!("only atomics come here")
        };
        self.compiler_fence();
        for operand in op.operands() {
            self.get(operand);
        }
        let skip = guard.map(|guard| self.enter_where(guard));
        let access = Access { space: *space, ty: *ty, count: 1, kind: AccessKind::Atomic, strong: true, record: None };
        let at = self.ir.add(self.uniform(*address), self.i64(*offset as u64));
        self.guard = *guard;
        self.check(access, *address, *offset, &Pattern::Uniform(at));
        self.guard = None;
        let operand = self.observed_uniform(*operand);
        let compare = compare.map(|compare| self.observed_uniform(compare));
        let pointer = self.pointer(*space, at);
        let mut old = self.modify(*kind, *space, *ty, pointer, operand, compare);
        if let Some((from, join)) = skip {
            let end = self.ir.current_block();
            self.ir.br(join);
            self.ir.position(join);
            let ty = self.ir.type_of(old);
            old = self.ir.phi(ty, &[(old, end), (self.ir.zero(ty), from)]);
        }
        if let Some(&result) = results.first() {
            self.define(result, Repr::Uniform(old));
        }
        self.compiler_fence();
        Ok(())
    }

    /// Adds to one place for all active lanes at once: each finds what the ones before it have added to what was there.
    fn add_together(&mut self, access: Access, at: Val, operand: Value) -> Val {
        let ir = self.ir;
        let zero = ir.zero(self.vector_type(access.ty));
        let own = ir.select(self.mask, self.vector(operand), zero);
        let lanes = self.lanes();
        let distances = std::iter::successors(Some(1), |distance| Some(2 * distance)).take_while(|it| *it < lanes);
        let sums = distances.fold(own, |sums, distance| {
            let order: Vec<u32> =
                (0..lanes).map(|lane| if lane < distance { lanes } else { lane - distance }).collect();
            ir.add(sums, ir.shuffle(sums, zero, &order))
        });
        let total = ir.extract_at(sums, lanes - 1);
        let pointer = self.pointer(access.space, at);
        let old = self.modify(AtomicOp::Add, access.space, access.ty, pointer, total, None);
        ir.add(ir.splat(old, lanes), ir.sub(sums, own))
    }

    /// Applies the operation for each active lane, lowest first; the old values.
    fn lane_by_lane(
        &mut self,
        access: Access,
        kind: AtomicOp,
        pattern: &Pattern,
        operand: Value,
        compare: Option<Value>,
        returns: bool,
    ) -> Val {
        let ir = self.ir;
        let vector = self.vector_type(access.ty);
        let old_slot = self.slot(vector);
        let addresses = self.addresses_by_number(access, pattern);
        let operands = self.elements_by_number(operand, access.ty);
        let compares = compare.map(|compare| self.elements_by_number(compare, access.ty));
        ir.store(ir.zero(vector), old_slot, 0);
        let bytes = access.ty.bytes();
        let one_at = |this: &mut Self, lane: Val, address: Val| {
            let pointer = match access.space {
                AddressSpace::Shared => ir.offset(this.shared_base(), ir.cast(Cast::ZExt, address, ir.int(64))),
                _ => ir.cast(Cast::IntToPtr, address, ir.ptr()),
            };
            let operand = this.lane_of(operands, lane);
            let compare = compares.map(|compares| this.lane_of(compares, lane));
            let old = this.modify(kind, access.space, access.ty, pointer, operand, compare);
            if returns {
                ir.store(old, ir.offset(old_slot, ir.mul(lane, this.i64(u64::from(bytes)))), 0);
            }
        };
        let one = |this: &mut Self, lane: Val| one_at(this, lane, this.lane_of(addresses, lane));
        // In shared memory the operation itself is so quick that the loop would cost more.
        let is_quick = access.space == AddressSpace::Shared && reduction_of(kind).is_some();
        if is_quick && self.unit.few_atomics && self.lanes() == LANES {
            self.each_active_lane_or_all(one, |this| {
                (0..LANES).step_by(2).for_each(|lane| {
                    for (lane, address) in (lane..).zip(this.two_lanes_of(addresses, lane)) {
                        one_at(this, this.i64(lane.into()), address);
                    }
                });
            });
        } else {
            self.each_active_lane(one);
        }
        ir.load(vector, old_slot)
    }

    /// The lanes' addresses by number. In shared memory 32 bits a lane are enough, as a distance from where it begins.
    fn addresses_by_number(&mut self, access: Access, pattern: &Pattern) -> LaneSource {
        let addresses = match *pattern {
            Pattern::Uniform(at) => return LaneSource::Same(at),
            Pattern::Indexed(Indices { base, index, bytes }) => {
                return LaneSource::Elements { slot: self.spill_for_good(index), base, bytes };
            }
            Pattern::Listed(addresses) => addresses,
            _ => unreachable!("an atomic operation has no other pattern"),
        };
        let bytes = if access.space == AddressSpace::Shared { 4 } else { 8 };
        let element = self.ir.int(8 * bytes);
        let vector = self.ir.vector(element, self.lanes());
        let numbers = match access.space {
            AddressSpace::Shared => self.ir.cast(Cast::Trunc, addresses, vector),
            _ => self.ir.cast(Cast::PtrToInt, self.lane_pointers(access.space, addresses), vector),
        };
        LaneSource::Slot { vector: numbers, slot: self.spill_for_good(numbers), element, bytes }
    }

    /// The lanes of a value by number.
    fn elements_by_number(&mut self, value: Value, ty: Type) -> LaneSource {
        if let Repr::Uniform(_) = self.get(value) {
            return LaneSource::Same(self.observed_uniform(value));
        }
        let vector = self.observed(value);
        LaneSource::Slot { vector, slot: self.spill_for_good(vector), element: self.scalar_type(ty), bytes: ty.bytes() }
    }

    fn lane_of(&self, source: LaneSource, lane: Val) -> Val {
        match source {
            LaneSource::Same(value) => value,
            LaneSource::Slot { slot, element, bytes, .. } => {
                let place = self.ir.mul(lane, self.i64(bytes.into()));
                self.ir.load(element, self.ir.offset(slot, place))
            }
            LaneSource::Elements { slot, base, bytes } => {
                let ir = self.ir;
                let index = ir.load(ir.int(32), ir.offset(slot, ir.mul(lane, self.i64(4))));
                let distance = ir.mul(ir.cast(Cast::SExt, index, ir.int(64)), self.i64(bytes.into()));
                ir.add(base, distance)
            }
        }
    }

    /// As [`FunctionEmitter::lane_of`] of a lane and the next one. Words come together, since each addition is a load and a store by itself; and from a
    /// register, as a load that once met a store to the same place may wait for the addresses of all stores before it, which are what is loaded here.
    /// On Zen 4 loads are what was measured.
    fn two_lanes_of(&self, source: LaneSource, lane: u32) -> [Val; 2] {
        let (ir, long) = (self.ir, self.ir.int(64));
        match source {
            LaneSource::Slot { vector, slot, element, bytes: 4 } if element == ir.int(32) => {
                let both = if self.unit.target.zen4 {
                    ir.load_aligned(long, ir.offset_by(slot, 4 * lane as usize), 4)
                } else {
                    ir.extract_at(ir.cast(Cast::BitCast, vector, ir.vector(long, self.lanes() / 2)), lane / 2)
                };
                [both, ir.bin(Bin::LShr, both, self.i64(32))].map(|word| ir.cast(Cast::Trunc, word, element))
            }
            _ => [lane, lane + 1].map(|lane| self.lane_of(source, self.i64(lane.into()))),
        }
    }

    /// A vector in memory: LLVM is kept from taking it apart in registers, which costs more than to load each lane.
    fn spill_for_good(&self, vector: Val) -> Val {
        let slot = self.slot(self.ir.type_of(vector));
        let store = self.ir.store(vector, slot, 0);
        self.ir.set_volatile(store);
        slot
    }

    /// One read-modify-write; the old value.
    fn modify(
        &self,
        kind: AtomicOp,
        space: AddressSpace,
        ty: Type,
        pointer: Val,
        operand: Val,
        compare: Option<Val>,
    ) -> Val {
        let ir = self.ir;
        let element = ir.type_of(operand);
        if space == AddressSpace::Shared {
            let old = ir.load(element, pointer);
            let new = self.updated(kind, ty, self.i1(false), old, operand, compare);
            ir.store(new, pointer, 0);
            return old;
        }
        let ordering = Ordering::LLVMAtomicOrderingSequentiallyConsistent;
        let direct = match kind {
            AtomicOp::Add => Some(Rmw::Add),
            AtomicOp::And => Some(Rmw::And),
            AtomicOp::Or => Some(Rmw::Or),
            AtomicOp::Xor => Some(Rmw::Xor),
            AtomicOp::MinSigned => Some(Rmw::Min),
            AtomicOp::MaxSigned => Some(Rmw::Max),
            AtomicOp::MinUnsigned => Some(Rmw::UMin),
            AtomicOp::MaxUnsigned => Some(Rmw::UMax),
            AtomicOp::Exchange => Some(Rmw::Xchg),
            _ => None,
        };
        let word = ir.int(ty.bits());
        let as_word = |value: Val| ir.cast(Cast::BitCast, value, word);
        if let Some(op) = direct {
            return ir.cast(Cast::BitCast, ir.atomic_rmw(op, pointer, as_word(operand), ordering), element);
        }
        if let (AtomicOp::CompareExchange, Some(compare)) = (kind, compare) {
            let pair = ir.compare_exchange(pointer, as_word(compare), as_word(operand));
            return ir.cast(Cast::BitCast, ir.extract_field(pair, 0), element);
        }
        let global = self.is_global(space, pointer);
        self.compare_exchange_loop(kind, ty, global, pointer, operand, word)
    }

    /// Any update, by compare and exchange until it holds.
    fn compare_exchange_loop(
        &self,
        kind: AtomicOp,
        ty: Type,
        global: Val,
        pointer: Val,
        operand: Val,
        word: Ty,
    ) -> Val {
        let ir = self.ir;
        let element = ir.type_of(operand);
        let first = ir.load(word, pointer);
        ir.set_ordering(first, Ordering::LLVMAtomicOrderingMonotonic);
        let from = ir.current_block();
        let (again, done) = (self.new_block("exchange"), self.new_block("exchanged"));
        ir.br(again);
        ir.position(again);
        let seen = ir.phi(word, &[(first, from)]);
        let old = ir.cast(Cast::BitCast, seen, element);
        let new = ir.cast(Cast::BitCast, self.updated(kind, ty, global, old, operand, None), word);
        let pair = ir.compare_exchange(pointer, seen, new);
        let found = ir.extract_field(pair, 0);
        ir.add_incoming(seen, &[(found, ir.current_block())]);
        ir.cond_br(ir.extract_field(pair, 1), done, again);
        ir.position(done);
        old
    }

    fn i1(&self, value: bool) -> Val {
        self.ir.constant(self.ir.int(1), u64::from(value))
    }

    /// Whether a generic address is not in the block's shared memory; the spaces themselves are constants.
    fn is_global(&self, space: AddressSpace, pointer: Val) -> Val {
        if space != AddressSpace::Generic {
            return self.i1(space != AddressSpace::Shared);
        }
        let ir = self.ir;
        let long = ir.int(64);
        let distance =
            ir.sub(ir.cast(Cast::PtrToInt, pointer, long), ir.cast(Cast::PtrToInt, self.shared_base(), long));
        let size = ir.cast(Cast::ZExt, self.launch_i32(offset_of!(LaunchContext, shared_bytes)), long);
        ir.icmp(IntPredicate::LLVMIntUGE, distance, size)
    }

    /// What memory holds afterwards. Sums of singles flush subnormals in global memory (PTX ISA 9.7.13.5).
    fn updated(&self, kind: AtomicOp, ty: Type, global: Val, old: Val, operand: Val, compare: Option<Val>) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(old);
        let minmax = |name: &str| ir.intrinsic(name, &[shape], &[old, operand]);
        match kind {
            AtomicOp::Add => ir.add(old, operand),
            AtomicOp::And => ir.and(old, operand),
            AtomicOp::Or => ir.or(old, operand),
            AtomicOp::Xor => ir.xor(old, operand),
            AtomicOp::MinSigned => minmax("llvm.smin"),
            AtomicOp::MinUnsigned => minmax("llvm.umin"),
            AtomicOp::MaxSigned => minmax("llvm.smax"),
            AtomicOp::MaxUnsigned => minmax("llvm.umax"),
            AtomicOp::Exchange => operand,
            AtomicOp::CompareExchange => {
                let word = ir.int(ty.bits());
                let compare = compare.map_or(old, |compare| compare);
                let (bits, expected) = (ir.cast(Cast::BitCast, old, word), ir.cast(Cast::BitCast, compare, word));
                ir.select(ir.icmp(IntPredicate::LLVMIntEQ, bits, expected), operand, old)
            }
            AtomicOp::Increment => {
                let wraps = ir.icmp(IntPredicate::LLVMIntUGE, old, operand);
                ir.select(wraps, ir.zero(shape), ir.add(old, ir.constant(shape, 1)))
            }
            AtomicOp::Decrement => {
                let zero = ir.icmp(IntPredicate::LLVMIntEQ, old, ir.zero(shape));
                let above = ir.icmp(IntPredicate::LLVMIntUGT, old, operand);
                ir.select(ir.or(zero, above), operand, ir.sub(old, ir.constant(shape, 1)))
            }
            AtomicOp::AddFloat => self.float_sum(ty, global, old, operand),
            AtomicOp::MinFloat | AtomicOp::MaxFloat => {
                let (a, b) = (self.widen(ty, old), self.widen(ty, operand));
                let least = self.minimum(kind == AtomicOp::MinFloat, false, a, b);
                self.narrow(ty, least)
            }
            AtomicOp::AddF16x2 => self.packed_sum(Type::F16, old, operand),
            AtomicOp::AddBF16x2 => self.packed_sum(Type::BF16, old, operand),
        }
    }

    fn float_sum(&self, ty: Type, global: Val, a: Val, b: Val) -> Val {
        let ir = self.ir;
        match ty {
            Type::F32 => {
                let flush = |value: Val| ir.select(global, self.flushed(true, value), value);
                let sum = flush(ir.bin(Bin::FAdd, flush(a), flush(b)));
                self.canonical_single(sum)
            }
            Type::F64 => self.double_sum(global, a, b),
            _ => self.narrow(ty, ir.bin(Bin::FAdd, self.widen(ty, a), self.widen(ty, b))),
        }
    }

    /// A sum of doubles with the NaN that the card stores: in global memory the operand or else the old word, as it is;
    /// elsewhere the old word or else the operand, made quiet.
    fn double_sum(&self, global: Val, old: Val, operand: Val) -> Val {
        let ir = self.ir;
        let word = ir.int(64);
        let is_nan = |value: Val| ir.fcmp(FloatPredicate::LLVMRealUNO, value, value);
        let quiet = |value: Val| {
            let bits = ir.or(ir.cast(Cast::BitCast, value, word), self.i64(1 << 51));
            ir.cast(Cast::BitCast, bits, ir.f64())
        };
        let (old_is_nan, operand_is_nan) = (is_nan(old), is_nan(operand));
        let in_global = ir.select(operand_is_nan, operand, old);
        let elsewhere = ir.select(old_is_nan, quiet(old), quiet(operand));
        let nan = ir.select(global, in_global, elsewhere);
        let sum = ir.bin(Bin::FAdd, old, operand);
        ir.select(ir.or(old_is_nan, operand_is_nan), nan, sum)
    }

    /// Two halves in one word, each added on its own.
    fn packed_sum(&self, half: Type, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let word = ir.type_of(a);
        let short = ir.int(16);
        let part =
            |value: Val, shift: u64| ir.cast(Cast::Trunc, ir.bin(Bin::LShr, value, ir.constant(word, shift)), short);
        let sums = [0, 16].map(|shift| {
            let sum = self.float_sum(half, self.i1(false), part(a, shift), part(b, shift));
            ir.bin(Bin::Shl, ir.cast(Cast::ZExt, sum, word), ir.constant(word, shift))
        });
        ir.or(sums[0], sums[1])
    }
}

/// Whether an atomic operation of lanes that have one address is one operation.
pub(super) fn is_done_once(op: &Op) -> bool {
    matches!(op, Op::Atomic { op, ty, returns: false, .. } if ty.bits() >= 32 && reduction_of(*op).is_some())
}

/// The reduction with which lanes can be combined before memory is touched: integers only, where order does not matter.
fn reduction_of(kind: AtomicOp) -> Option<ReduceOp> {
    Some(match kind {
        AtomicOp::Add => ReduceOp::Add,
        AtomicOp::And => ReduceOp::And,
        AtomicOp::Or => ReduceOp::Or,
        AtomicOp::Xor => ReduceOp::Xor,
        AtomicOp::MinSigned => ReduceOp::MinSigned,
        AtomicOp::MinUnsigned => ReduceOp::MinUnsigned,
        AtomicOp::MaxSigned => ReduceOp::MaxSigned,
        AtomicOp::MaxUnsigned => ReduceOp::MaxUnsigned,
        _ => return None,
    })
}
