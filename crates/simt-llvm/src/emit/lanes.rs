//! Operations across the lanes of a warp: permutations of vectors, and arithmetic on masks.

use simt_ir::{MatchKind, Op, ReduceOp, ShuffleMode, Value, VoteMode};

use super::value::Repr;
use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bin, Cast, IntPredicate, Val};

/// Values below this are compared bit by bit, which takes eight instructions for each; others with each lane's, which takes six for each.
const BIT_BY_BIT_BELOW: i64 = 1 << 12;

impl FunctionEmitter<'_> {
    pub fn across_lanes(&mut self, op: &Op, results: &[Value]) -> Result<(), Error> {
        match op {
            Op::Shuffle { mode, value, lane, clamp, .. } => self.warp_shuffle(*mode, *value, *lane, *clamp, results),
            Op::Vote { mode, predicate, members } => self.vote(*mode, *predicate, *members, results[0]),
            Op::Match { kind, value, members, .. } => self.match_lanes(*kind, *value, *members, results),
            Op::Reduce { op, value, members } => self.reduce(*op, *value, *members, results[0]),
            Op::ActiveMask => {
                let bits = self.mask_bits(self.mask);
                self.define(results[0], Repr::Uniform(bits));
            }
            Op::Elect { members } => self.elect(*members, results),
            // The lanes of a warp walk together; memory is ordered by the fence.
            _ => self.compiler_fence(),
        }
        Ok(())
    }

    /// PTX ISA 9.7.9.6: the source lane from the mode, and whether it lies in the segment.
    fn warp_shuffle(&mut self, mode: ShuffleMode, value: Value, lane: Value, clamp: Value, results: &[Value]) {
        let ir = self.ir;
        let source = self.observed(value);
        if let (Some(lanes), Some(clamp)) = (self.in_lanes(lane), self.shapes.fact(clamp).constant) {
            let sources: Vec<(u32, bool)> =
                (0..).zip(lanes).map(|(own, lane)| shuffle_source(mode, own, lane as u32, clamp as u32)).collect();
            // The warps of a team shuffle alike, each for itself.
            let warps = (0..self.lanes()).step_by(LANES as usize);
            let of_team = warps.flat_map(|first| sources.iter().map(move |(index, inside)| (first + index, *inside)));
            let (order, inside): (Vec<u32>, Vec<bool>) = of_team.unzip();
            let inside: Vec<Val> = inside.into_iter().map(|inside| ir.constant(ir.int(1), u64::from(inside))).collect();
            self.define_vector(results[0], ir.shuffle(source, source, &order));
            self.define_vector(results[1], ir.constant_vector(&inside));
            return;
        }
        let (lane, clamp) = (self.vector(lane), self.vector(clamp));
        let ty = ir.type_of(lane);
        let constant = |value: u64| ir.constant(ty, value);
        let own = ir.and(self.lane_numbers(ir.int(32)), constant(31));
        let distance = ir.and(lane, constant(31));
        let bound = ir.and(clamp, constant(31));
        let segment = ir.and(ir.bin(Bin::LShr, clamp, constant(8)), constant(31));
        let rest = ir.xor(segment, constant(31));
        let lowest = ir.and(own, segment);
        let highest = ir.or(lowest, ir.and(bound, rest));
        let (index, predicate) = match mode {
            ShuffleMode::Up => (ir.sub(own, distance), IntPredicate::LLVMIntSGE),
            ShuffleMode::Down => (ir.add(own, distance), IntPredicate::LLVMIntSLE),
            ShuffleMode::Butterfly => (ir.xor(own, distance), IntPredicate::LLVMIntSLE),
            ShuffleMode::Index => (ir.or(lowest, ir.and(distance, rest)), IntPredicate::LLVMIntSLE),
        };
        let inside = ir.icmp(predicate, index, highest);
        let index = ir.and(ir.select(inside, index, own), constant(31));
        let permuted = self.permute_lanes(source, index);
        self.define_vector(results[0], permuted);
        self.define_vector(results[1], inside);
    }

    /// Lane `l` gets lane `index[l]` of its warp in a vector of `i32`.
    fn permute_lanes(&mut self, source: Val, index: Val) -> Val {
        let ir = self.ir;
        let part = |vector: Val, first: u32, count: u32| match count == self.lanes() {
            true => vector,
            false => ir.shuffle(vector, vector, &(first..first + count).collect::<Vec<u32>>()),
        };
        let half = LANES / 2;
        if self.unit.target.avx512 {
            let halves = (0..self.lanes()).step_by(half as usize).map(|first| {
                let warp = first - first % LANES;
                let (low, high) = (part(source, warp, half), part(source, warp + half, half));
                ir.intrinsic("llvm.x86.avx512.vpermi2var.d.512", &[], &[low, part(index, first, half), high])
            });
            return self.concatenate(&halves.collect::<Vec<Val>>());
        }
        let slot = self.slot(ir.type_of(source));
        ir.store(source, slot, 0);
        let warps: Vec<Val> =
            (0..self.lanes()).map(|lane| ir.constant(ir.int(32), u64::from(lane - lane % LANES))).collect();
        let index = ir.add(index, ir.constant_vector(&warps));
        let offsets = ir.cast(
            Cast::ZExt,
            ir.bin(Bin::Shl, index, self.constant_like(index, 2)),
            ir.vector(ir.int(64), self.lanes()),
        );
        let pointers = ir.offset(slot, offsets);
        let types = [ir.type_of(source), ir.vector(ir.ptr(), self.lanes())];
        ir.intrinsic("llvm.masked.gather", &types, &[pointers, self.i32(4), self.all_lanes(), source])
    }

    /// Defines a result from a function of the member mask, which may differ from lane to lane.
    fn by_members(&mut self, members: Value, result: Value, compute: impl Fn(&Self, Val) -> Val) {
        if self.shape(members).is_uniform() {
            let members = self.uniform(members);
            let value = compute(self, members);
            self.define(result, Repr::Uniform(value));
        } else {
            let members = self.vector(members);
            let value = compute(self, members);
            self.define_vector(result, value);
        }
    }

    /// A scalar in the form of another value.
    fn spread(&self, scalar: Val, like: Val) -> Val {
        if self.ir.is_vector(self.ir.type_of(like)) { self.ir.splat(scalar, LANES) } else { scalar }
    }

    fn vote(&mut self, mode: VoteMode, predicate: Value, members: Value, result: Value) {
        let yes = self.active_where(predicate);
        let yes = self.mask_bits(yes);
        let active = self.mask_bits(self.mask);
        self.by_members(members, result, |this, members| {
            let ir = this.ir;
            let zero = ir.zero(ir.type_of(members));
            let voters = ir.and(this.spread(active, members), members);
            let votes = ir.and(this.spread(yes, members), members);
            let all = ir.icmp(IntPredicate::LLVMIntEQ, votes, voters);
            match mode {
                VoteMode::Ballot => votes,
                VoteMode::All => all,
                VoteMode::Any => ir.icmp(IntPredicate::LLVMIntNE, votes, zero),
                VoteMode::Uniform => ir.or(all, ir.icmp(IntPredicate::LLVMIntEQ, votes, zero)),
            }
        });
    }

    /// For each lane the mask of active lanes that hold the same value.
    fn equal_lanes(&mut self, value: Value) -> Val {
        let vector = self.vector(value);
        let (lowest, highest) = self.shapes.fact(value).range;
        let masks = match highest {
            0..BIT_BY_BIT_BELOW if lowest >= 0 => self.equal_bits(vector, i64::BITS - highest.leading_zeros()),
            _ => self.equal_values(vector),
        };
        let active = self.mask_bits(self.mask);
        self.ir.and(masks, self.ir.splat(active, LANES))
    }

    /// For each lane the mask of lanes that hold the same value.
    fn equal_values(&self, vector: Val) -> Val {
        let ir = self.ir;
        let word = ir.vector(ir.int(32), LANES);
        let mut masks = ir.zero(word);
        for lane in 0..LANES {
            let other = ir.splat(ir.extract_at(vector, lane), LANES);
            let equal = ir.icmp(IntPredicate::LLVMIntEQ, vector, other);
            let bit = ir.select(equal, ir.constant(word, 1 << lane), ir.zero(word));
            masks = ir.or(masks, bit);
        }
        masks
    }

    /// As [`FunctionEmitter::equal_values`], of values with few bits: lanes that agree with a lane in each bit.
    fn equal_bits(&self, vector: Val, bits: u32) -> Val {
        let ir = self.ir;
        let word = ir.vector(ir.int(32), LANES);
        let narrow = ir.vector(ir.int(bits.next_power_of_two().max(8)), LANES);
        let vector = ir.cast(Cast::Trunc, vector, narrow);
        (0..bits).fold(ir.constant(word, u64::MAX), |masks, bit| {
            let digit = ir.and(vector, ir.constant(narrow, 1 << bit));
            let is_set = ir.icmp(IntPredicate::LLVMIntNE, digit, ir.zero(narrow));
            let set = ir.splat(self.mask_bits(is_set), LANES);
            let differs = ir.xor(set, ir.cast(Cast::SExt, is_set, word));
            ir.and(masks, ir.xor(differs, ir.constant(word, u64::MAX)))
        })
    }

    fn match_lanes(&mut self, kind: MatchKind, value: Value, members: Value, results: &[Value]) {
        let ir = self.ir;
        let members = self.vector(members);
        let equal = ir.and(self.equal_lanes(value), members);
        if kind == MatchKind::Any {
            self.define_vector(results[0], equal);
            return;
        }
        let active = self.mask_bits(self.mask);
        let present = ir.and(members, ir.splat(active, LANES));
        let all = ir.icmp(IntPredicate::LLVMIntEQ, equal, present);
        self.define_vector(results[0], ir.select(all, present, ir.zero(ir.type_of(present))));
        self.define_vector(results[1], all);
    }

    fn elect(&mut self, members: Value, results: &[Value]) {
        let active = self.mask_bits(self.mask);
        self.by_members(members, results[0], |this, members| {
            let ir = this.ir;
            let present = ir.and(this.spread(active, members), members);
            ir.intrinsic("llvm.cttz", &[ir.type_of(present)], &[present, ir.zero(ir.int(1))])
        });
        let leader = self.vector(results[0]);
        let own = self.lane_numbers(self.ir.int(32));
        let is_leader = self.ir.icmp(IntPredicate::LLVMIntEQ, leader, own);
        self.define_vector(results[1], is_leader);
    }

    fn reduce(&mut self, op: ReduceOp, value: Value, members: Value, result: Value) {
        let ir = self.ir;
        let vector = self.vector(value);
        if self.shape(members).is_uniform() && !op.is_float() {
            let members = self.uniform(members);
            let lanes = ir.and(self.mask, self.mask_from_bits(members));
            let reduced = self.reduce_lanes(op, vector, lanes);
            self.define(result, Repr::Uniform(reduced));
            return;
        }
        // Each lane has a group of its own: lane by lane, whoever counts a lane in takes its value.
        let members = self.vector(members);
        let active = self.mask_bits(self.mask);
        let present = ir.and(members, ir.splat(active, LANES));
        let word = ir.type_of(present);
        let mut sum: Option<Val> = None;
        let mut started = self.no_lanes();
        for lane in 0..LANES {
            let counted = ir.and(present, ir.constant(word, 1 << lane));
            let counted = ir.icmp(IntPredicate::LLVMIntNE, counted, ir.zero(word));
            let other = ir.splat(ir.extract_at(vector, lane), LANES);
            let next = match sum {
                None => other,
                Some(sum) => {
                    let combined = ir.select(started, self.combine(op, sum, other), other);
                    ir.select(counted, combined, sum)
                }
            };
            started = ir.or(started, counted);
            sum = Some(next);
        }
        let sum = sum.expect("a warp has lanes");
        if self.shape(result).is_uniform() {
            let first = self.first_active(sum);
            self.define(result, Repr::Uniform(first));
        } else {
            self.define_vector(result, sum);
        }
    }

    /// The reduction of the lanes of `lanes`, integers only.
    pub fn reduce_lanes(&self, op: ReduceOp, vector: Val, lanes: Val) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(vector);
        let bits = if ir.element(ty) == ir.int(64) { 64 } else { 32 };
        let (name, identity) = match op {
            ReduceOp::Add => ("llvm.vector.reduce.add", 0),
            ReduceOp::And => ("llvm.vector.reduce.and", u64::MAX),
            ReduceOp::Or => ("llvm.vector.reduce.or", 0),
            ReduceOp::Xor => ("llvm.vector.reduce.xor", 0),
            ReduceOp::MinSigned => ("llvm.vector.reduce.smin", u64::MAX >> (65 - bits)),
            ReduceOp::MaxSigned => ("llvm.vector.reduce.smax", 1 << (bits - 1)),
            ReduceOp::MinUnsigned => ("llvm.vector.reduce.umin", u64::MAX),
            _ => ("llvm.vector.reduce.umax", 0),
        };
        let counted = ir.select(lanes, vector, ir.constant(ty, identity));
        ir.intrinsic(name, &[ty], &[counted])
    }

    fn combine(&self, op: ReduceOp, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(a);
        match op {
            ReduceOp::Add => ir.add(a, b),
            ReduceOp::And => ir.and(a, b),
            ReduceOp::Or => ir.or(a, b),
            ReduceOp::Xor => ir.xor(a, b),
            ReduceOp::MinSigned => ir.intrinsic("llvm.smin", &[ty], &[a, b]),
            ReduceOp::MinUnsigned => ir.intrinsic("llvm.umin", &[ty], &[a, b]),
            ReduceOp::MaxSigned => ir.intrinsic("llvm.smax", &[ty], &[a, b]),
            ReduceOp::MaxUnsigned => ir.intrinsic("llvm.umax", &[ty], &[a, b]),
            _ => self.combine_floats(op, a, b),
        }
    }

    fn combine_floats(&self, op: ReduceOp, a: Val, b: Val) -> Val {
        use ReduceOp::*;
        let ir = self.ir;
        let ty = ir.type_of(a);
        let absolute = matches!(op, MinFloatAbs | MaxFloatAbs | MinFloatAbsNan | MaxFloatAbsNan);
        let smaller = matches!(op, MinFloat | MinFloatNan | MinFloatAbs | MinFloatAbsNan);
        let spread_nan = matches!(op, MinFloatNan | MaxFloatNan | MinFloatAbsNan | MaxFloatAbsNan);
        let magnitude = |value: Val| if absolute { ir.intrinsic("llvm.fabs", &[ty], &[value]) } else { value };
        let (a, b) = (magnitude(a), magnitude(b));
        self.minimum(smaller, spread_nan, a, b)
    }
}

/// The lane that a shuffle with constant arguments reads, and whether it was in range.
fn shuffle_source(mode: ShuffleMode, own: u32, lane: u32, clamp: u32) -> (u32, bool) {
    let (distance, bound, segment) = (lane & 31, clamp & 31, clamp >> 8 & 31);
    let lowest = own & segment;
    let highest = (lowest | (bound & !segment)) as i32;
    let (index, inside) = match mode {
        ShuffleMode::Up => {
            let index = own as i32 - distance as i32;
            (index, index >= highest)
        }
        ShuffleMode::Down => {
            let index = (own + distance) as i32;
            (index, index <= highest)
        }
        ShuffleMode::Butterfly => {
            let index = (own ^ distance) as i32;
            (index, index <= highest)
        }
        ShuffleMode::Index => {
            let index = (lowest | (distance & !segment)) as i32;
            (index, index <= highest)
        }
    };
    if inside { ((index & 31) as u32, true) } else { (own, false) }
}
