//! Operations of the lanes of a warp, and reductions over a block.

use simt_ir::number::variants::REDUCE_OPS;
use simt_ir::{
    BarrierKind, BinaryOp, IntCondition, MatchKind, Op, Program, ShuffleMode, SpecialRegister, Terminator, Type, Value,
    VoteMode,
};

use super::straight::Straight;
use super::{Case, Check, Family, Rng};

/// Whole warps, so that every lane that a shuffle may name is there.
pub(super) fn case(rng: &mut Rng) -> Case<Program> {
    let threads = 32 * (1 + rng.below(3) as u32);
    let mut s = Straight::new(rng, Family::Warp.mix());
    for _ in 0..16 {
        match s.rng.below(8) {
            0..3 => shuffle(&mut s),
            3..6 => together(&mut s),
            6 => among_some(&mut s),
            _ => barrier(&mut s),
        }
    }
    s.finish(1, threads)
}

fn all_lanes(s: &mut Straight) -> Value {
    s.builder.constant(Type::I32, 0xffff_ffff)
}

fn shuffle(s: &mut Straight) {
    let mode = s.rng.pick(&[ShuffleMode::Up, ShuffleMode::Down, ShuffleMode::Butterfly, ShuffleMode::Index]);
    let members = all_lanes(s);
    let width = 32 >> s.rng.below(6);
    let clamp = if mode == ShuffleMode::Up { 0 } else { 31 };
    let clamp =
        if s.rng.one_in(6) { s.operand(Type::I32) } else { s.builder.constant(Type::I32, (32 - width) << 8 | clamp) };
    let lane = if s.rng.flag() {
        s.operand(Type::I32)
    } else {
        let lane = s.rng.below(32) as u64;
        s.builder.constant(Type::I32, lane)
    };
    let value = s.operand(Type::I32);
    s.emit(Op::Shuffle { mode, value, lane, clamp, members });
}

/// One operation of all lanes.
fn together(s: &mut Straight) {
    let members = all_lanes(s);
    let op = operation(s, members);
    s.emit(op);
}

fn operation(s: &mut Straight, members: Value) -> Op {
    match s.rng.below(4) {
        0 => {
            let mode = s.rng.pick(&[VoteMode::All, VoteMode::Any, VoteMode::Uniform, VoteMode::Ballot]);
            Op::Vote { mode, predicate: s.operand(Type::I1), members }
        }
        1 => {
            let kind = s.rng.pick(&[MatchKind::Any, MatchKind::All]);
            let ty = s.rng.pick(&[Type::I32, Type::I64]);
            // Few different values, so that some match.
            let value = s.operand(ty);
            let mask = s.builder.constant(ty, 3);
            let value = s.builder.binary(BinaryOp::And, value, mask);
            Op::Match { kind, ty, value, members }
        }
        2 => {
            let op = s.rng.pick(REDUCE_OPS);
            let value = s.operand(if op.is_float() { Type::F32 } else { Type::I32 });
            Op::Reduce { op, value, members }
        }
        _ => Op::Elect { members },
    }
}

/// An operation among those lanes that a random mask names, in a branch of their own.
fn among_some(s: &mut Straight) {
    let mask = s.rng.bits() & 0xffff_ffff | 1;
    let lane = s.builder.push1(Op::Special(SpecialRegister::LaneId));
    let members = s.builder.constant(Type::I32, mask);
    let shifted = s.builder.binary(BinaryOp::ShrUnsigned, members, lane);
    let is_member = s.builder.resize(false, Type::I1, shifted);
    let origin = s.builder.current_block();
    let (inside, join) = (s.builder.create_block(), s.builder.create_block());
    let op = operation(s, members);
    // What lanes outside the mask have.
    let others: Vec<(Type, Value)> =
        op.result_types(|_| Vec::new()).into_iter().map(|ty| (ty, s.builder.constant(ty, 0))).collect();
    s.builder.terminate(Terminator::CondBranch { condition: is_member, then: inside, otherwise: join });
    s.builder.switch_to(inside);
    let results = s.builder.push(op);
    s.builder.terminate(Terminator::Branch(join));
    s.builder.switch_to(join);
    for (result, (ty, other)) in results.into_iter().zip(others) {
        let phi = s.builder.push_phi(join, ty);
        let phis = &mut s.builder.function_mut().block_mut(join).phis;
        phis.last_mut().expect("the phi just made").incoming = vec![(inside, result), (origin, other)];
        s.add(phi);
        s.output(phi);
    }
}

/// A reduction over the block.
fn barrier(s: &mut Straight) {
    let kind = s.rng.pick(&[BarrierKind::ReducePopCount, BarrierKind::ReduceAnd, BarrierKind::ReduceOr]);
    let number = s.rng.below(16) as u64;
    let id = s.builder.constant(Type::I32, number);
    let value = s.operand(Type::I32);
    let limit = s.rng.value(Type::I32);
    let limit = s.builder.constant(Type::I32, limit);
    let predicate = s.builder.int_compare(IntCondition::LtUnsigned, value, limit);
    let result = s.builder.push1(Op::Barrier { kind, id, threads: None, predicate: Some(predicate) });
    s.output_as(result, Check::Exact);
}
