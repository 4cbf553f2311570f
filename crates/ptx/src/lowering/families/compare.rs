//! Comparison and selection (PTX ISA 9.7.5, 9.7.6).

use simt_ir::{BinaryOp, FloatCondition, IntCondition, Op, Type, UnaryOp, Value};

use super::half::is_half;
use super::integer::half_of;
use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, value_type};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "setp" => set_predicate(l, inst),
        "set" => set(l, inst),
        "selp" => {
            let ty = inst.ty()?;
            let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
            let condition = l.read(inst.operand(3)?, ScalarType::Pred)?;
            let value = l.builder.select(condition, a, b);
            l.write(inst.operand(0)?, ty, value)
        }
        _ => sign_select(l, inst),
    }
}

/// Compares by the condition among the modifiers.
fn compare(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType, a: Value, b: Value) -> Result<Value, Refusal> {
    let condition = inst.modifiers.iter().find(|name| is_condition(name)).copied().unwrap_or("eq");
    if ty.is_float() || is_half(ty) {
        let condition = float_condition(condition).ok_or_else(|| Refusal(format!(".{condition} of floats")))?;
        return Ok(l.builder.float_compare(condition, inst.has("ftz"), a, b));
    }
    let condition =
        int_condition(condition, ty.is_signed()).ok_or_else(|| Refusal(format!(".{condition} of integers")))?;
    Ok(l.builder.int_compare(condition, a, b))
}

/// Combines with a predicate by the boolean operation among the modifiers.
fn combine(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, value: Value, predicate: Option<Value>) -> Value {
    let Some(predicate) = predicate else { return value };
    let op = match () {
        _ if inst.has("or") => BinaryOp::Or,
        _ if inst.has("xor") => BinaryOp::Xor,
        _ => BinaryOp::And,
    };
    l.builder.binary(op, value, predicate)
}

fn predicate_operand(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Result<Option<Value>, Refusal> {
    match inst.operands.get(3) {
        Some(operand) => Ok(Some(l.read(operand, ScalarType::Pred)?)),
        None => Ok(None),
    }
}

/// `setp p|q, a, b{, {!}c}`: q is the comparison's opposite, combined as well.
fn set_predicate(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let ty = inst.ty()?;
    if ty.packed_lanes() == 2 {
        return set_packed_predicates(l, inst, ty);
    }
    let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
    let verdict = compare(l, inst, ty, a, b)?;
    let third = predicate_operand(l, inst)?;
    let (p, q): (&Operand, Option<&Operand>) = match inst.operand(0)? {
        Operand::Pair(pair) => (&pair.0, Some(&pair.1)),
        other => (other, None),
    };
    let opposite = q.map(|_| l.builder.unary(UnaryOp::Not, verdict));
    let first = combine(l, inst, verdict, third);
    l.write(p, ScalarType::Pred, first)?;
    if let (Some(q), Some(opposite)) = (q, opposite) {
        let second = combine(l, inst, opposite, third);
        l.write(q, ScalarType::Pred, second)?;
    }
    Ok(())
}

/// `setp.f16x2 p|q`: one predicate a half.
fn set_packed_predicates(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    let half = half_of_pair(ty)?;
    let (a, b) = (l.read(inst.operand(1)?, ScalarType::B32)?, l.read(inst.operand(2)?, ScalarType::B32)?);
    let third = predicate_operand(l, inst)?;
    let Operand::Pair(pair) = inst.operand(0)? else { return Err(Refusal("two predicates are needed".into())) };
    let mut verdicts = Vec::new();
    for index in 0..2 {
        let (x, y) = (half_of(l, a, index), half_of(l, b, index));
        let (x, y) = (l.builder.bitcast(value_type(half), x), l.builder.bitcast(value_type(half), y));
        let verdict = compare(l, inst, half, x, y)?;
        verdicts.push(combine(l, inst, verdict, third));
    }
    l.write(&pair.0, ScalarType::Pred, verdicts[0])?;
    l.write(&pair.1, ScalarType::Pred, verdicts[1])
}

fn half_of_pair(ty: ScalarType) -> Result<ScalarType, Refusal> {
    Ok(match ty {
        ScalarType::F16x2 => ScalarType::F16,
        ScalarType::Bf16x2 => ScalarType::Bf16,
        _ => return Err(Refusal("packed comparison".into())),
    })
}

/// `set.cmp.dtype.stype d, a, b{, c}`: all ones or 1.0 where true.
fn set(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let types = inst.types();
    let [to, from] = types[..] else { return Err(Refusal("two types are needed".into())) };
    let third = predicate_operand(l, inst)?;
    if from.packed_lanes() == 2 {
        let half = half_of_pair(from)?;
        let (a, b) = (l.read(inst.operand(1)?, ScalarType::B32)?, l.read(inst.operand(2)?, ScalarType::B32)?);
        let mut results = Vec::new();
        for index in 0..2 {
            let (x, y) = (half_of(l, a, index), half_of(l, b, index));
            let (x, y) = (l.builder.bitcast(value_type(half), x), l.builder.bitcast(value_type(half), y));
            let verdict = compare(l, inst, half, x, y)?;
            let verdict = combine(l, inst, verdict, third);
            let truth = match to {
                ScalarType::F16x2 => 0x3c00,
                ScalarType::Bf16x2 => 0x3f80,
                _ => 0xffff,
            };
            let (yes, no) = (l.builder.constant(Type::I16, truth), l.builder.constant(Type::I16, 0));
            results.push(l.builder.select(verdict, yes, no));
        }
        let value = l.builder.push1(Op::Concat { ty: Type::I16, low: results[0], high: results[1] });
        return l.write(inst.operand(0)?, ScalarType::B32, value);
    }
    let (a, b) = (l.read(inst.operand(1)?, from)?, l.read(inst.operand(2)?, from)?);
    let verdict = compare(l, inst, from, a, b)?;
    let verdict = combine(l, inst, verdict, third);
    let register = value_type(to);
    let truth = match to {
        ScalarType::F32 => 0x3f80_0000,
        ScalarType::F16 => 0x3c00,
        ScalarType::Bf16 => 0x3f80,
        _ => u64::MAX >> (64 - register.bits()),
    };
    let (yes, no) = (l.builder.constant(register, truth), l.builder.constant(register, 0));
    let value = l.builder.select(verdict, yes, no);
    l.write(inst.operand(0)?, to, value)
}

/// `slct.dtype.ctype d, a, b, c`: a if c is not negative.
fn sign_select(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let types = inst.types();
    let [ty, by] = types[..] else { return Err(Refusal("two types are needed".into())) };
    let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
    let c = l.read(inst.operand(3)?, by)?;
    let zero = l.builder.constant(value_type(by), 0);
    let condition = if by == ScalarType::F32 {
        l.builder.float_compare(FloatCondition::Ge, inst.has("ftz"), c, zero)
    } else {
        l.builder.int_compare(IntCondition::GeSigned, c, zero)
    };
    let value = l.builder.select(condition, a, b);
    l.write(inst.operand(0)?, ty, value)
}

const CONDITIONS: [&str; 18] = [
    "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan",
];

fn is_condition(name: &str) -> bool {
    CONDITIONS.contains(&name)
}

fn int_condition(name: &str, signed: bool) -> Option<IntCondition> {
    use IntCondition::*;
    Some(match (name, signed) {
        ("eq", _) => Eq,
        ("ne", _) => Ne,
        ("lt", true) => LtSigned,
        ("le", true) => LeSigned,
        ("gt", true) => GtSigned,
        ("ge", true) => GeSigned,
        ("lt" | "lo", _) => LtUnsigned,
        ("le" | "ls", _) => LeUnsigned,
        ("gt" | "hi", _) => GtUnsigned,
        ("ge" | "hs", _) => GeUnsigned,
        _ => return None,
    })
}

fn float_condition(name: &str) -> Option<FloatCondition> {
    use FloatCondition::*;
    Some(match name {
        "eq" => Eq,
        "ne" => Ne,
        "lt" => Lt,
        "le" => Le,
        "gt" => Gt,
        "ge" => Ge,
        "equ" => EqOrNan,
        "neu" => NeOrNan,
        "ltu" => LtOrNan,
        "leu" => LeOrNan,
        "gtu" => GtOrNan,
        "geu" => GeOrNan,
        "num" => Ordered,
        "nan" => Unordered,
        _ => return None,
    })
}
