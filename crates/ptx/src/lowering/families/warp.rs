//! Operations across a warp (PTX ISA 9.7.9.6, 9.7.13.7 – 9.7.13.11).

use simt_ir::{MatchKind, Op, ReduceOp, ShuffleMode, Type, UnaryOp, Value, VoteMode};

use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, register_type};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "shfl" => shuffle(l, inst),
        "vote" => vote(l, inst),
        "match" => match_lanes(l, inst),
        "redux" => reduce(l, inst),
        "activemask" => {
            let value = l.builder.push1(Op::ActiveMask);
            l.write(inst.operand(0)?, ScalarType::B32, value)
        }
        _ => {
            let members = l.read(inst.operand(1)?, ScalarType::B32)?;
            let values = l.builder.push(Op::Elect { members });
            write_pair(l, inst, ScalarType::B32, &values)
        }
    }
}

/// Writes `d|p` or `d`.
fn write_pair(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType, values: &[Value]) -> Outcome {
    match inst.operand(0)? {
        Operand::Pair(pair) => {
            l.write(&pair.0, ty, values[0])?;
            l.write(&pair.1, ScalarType::Pred, values[1])
        }
        other => l.write(other, ty, values[0]),
    }
}

fn all_lanes(l: &mut Lowerer<'_, '_>) -> Value {
    l.builder.constant(Type::I32, 0xffff_ffff)
}

/// `shfl{.sync}.mode.b32 d{|p}, a, b, c{, members}`; without `.sync` all lanes that are there take part.
fn shuffle(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let word = ScalarType::B32;
    let mode = match () {
        _ if inst.has("up") => ShuffleMode::Up,
        _ if inst.has("down") => ShuffleMode::Down,
        _ if inst.has("bfly") => ShuffleMode::Butterfly,
        _ if inst.has("idx") => ShuffleMode::Index,
        _ => return Err(Refusal("shuffle mode".into())),
    };
    let (value, lane, clamp) =
        (l.read(inst.operand(1)?, word)?, l.read(inst.operand(2)?, word)?, l.read(inst.operand(3)?, word)?);
    let members = if inst.has("sync") { l.read(inst.operand(4)?, word)? } else { l.builder.push1(Op::ActiveMask) };
    let values = l.builder.push(Op::Shuffle { mode, value, lane, clamp, members });
    write_pair(l, inst, word, &values)
}

fn vote(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let (mode, ty) = match () {
        _ if inst.has("ballot") => (VoteMode::Ballot, ScalarType::B32),
        _ if inst.has("all") => (VoteMode::All, ScalarType::Pred),
        _ if inst.has("any") => (VoteMode::Any, ScalarType::Pred),
        _ if inst.has("uni") => (VoteMode::Uniform, ScalarType::Pred),
        _ => return Err(Refusal("vote mode".into())),
    };
    let predicate = match inst.operand(1)? {
        Operand::Not(inner) => {
            let value = l.read(inner, ScalarType::Pred)?;
            l.builder.unary(UnaryOp::Not, value)
        }
        other => l.read(other, ScalarType::Pred)?,
    };
    let members = if inst.has("sync") { l.read(inst.operand(2)?, ScalarType::B32)? } else { all_lanes(l) };
    let value = l.builder.push1(Op::Vote { mode, predicate, members });
    l.write(inst.operand(0)?, ty, value)
}

fn match_lanes(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let ty = inst.ty()?;
    let value = l.read(inst.operand(1)?, ty)?;
    let members = l.read(inst.operand(2)?, ScalarType::B32)?;
    let kind = if inst.has("all") { MatchKind::All } else { MatchKind::Any };
    let values = l.builder.push(Op::Match { kind, ty: register_type(ty), value, members });
    write_pair(l, inst, ScalarType::B32, &values)
}

fn reduce(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let ty = inst.ty()?;
    let (absolute, nan) = (inst.has("abs"), inst.has("NaN"));
    let has = |name: &str| inst.has(name);
    let op = match ty {
        ScalarType::F32 => match (has("min"), absolute, nan) {
            (true, false, false) => ReduceOp::MinFloat,
            (true, false, true) => ReduceOp::MinFloatNan,
            (true, true, false) => ReduceOp::MinFloatAbs,
            (true, true, true) => ReduceOp::MinFloatAbsNan,
            (false, false, false) => ReduceOp::MaxFloat,
            (false, false, true) => ReduceOp::MaxFloatNan,
            (false, true, false) => ReduceOp::MaxFloatAbs,
            (false, true, true) => ReduceOp::MaxFloatAbsNan,
        },
        _ => match () {
            _ if has("add") => ReduceOp::Add,
            _ if has("and") => ReduceOp::And,
            _ if has("or") => ReduceOp::Or,
            _ if has("xor") => ReduceOp::Xor,
            _ if has("min") && ty.is_signed() => ReduceOp::MinSigned,
            _ if has("min") => ReduceOp::MinUnsigned,
            _ if has("max") && ty.is_signed() => ReduceOp::MaxSigned,
            _ if has("max") => ReduceOp::MaxUnsigned,
            _ => return Err(Refusal("reduction".into())),
        },
    };
    let value = l.read(inst.operand(1)?, ty)?;
    let members = l.read(inst.operand(2)?, ScalarType::B32)?;
    let result = l.builder.push1(Op::Reduce { op, value, members });
    l.write(inst.operand(0)?, ty, result)
}
