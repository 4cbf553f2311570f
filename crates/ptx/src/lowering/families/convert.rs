//! `cvt` (PTX ISA 9.7.9.21), `cvt.pack` (9.7.9.22).

use simt_ir::{Op, Rounding, Type, Value};

use crate::ast::ScalarType;
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, register_type, value_type};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let types = inst.types();
    if inst.has("pack") {
        return Err(Refusal("cvt.pack".into()));
    }
    let [to, from] = types[..] else { return Err(Refusal("two types are needed".into())) };
    if matches!(to, ScalarType::F16x2 | ScalarType::Bf16x2) && from == ScalarType::F32 {
        return pack_halves(l, inst, to);
    }
    if !plain(to) || !plain(from) {
        return Err(Refusal("conversion between these types".into()));
    }
    let source = l.read(inst.operand(1)?, from)?;
    let value = convert(l, inst, from, to, source)?;
    l.write(inst.operand(0)?, to, value)
}

fn plain(ty: ScalarType) -> bool {
    matches!(ty, ScalarType::F16 | ScalarType::Bf16 | ScalarType::F32 | ScalarType::F64)
        || (ty.is_integer() && ty.packed_lanes() == 1 && ty.bits() <= 64)
}

/// `cvt.rn.f16x2.f32 d, a, b`: a becomes the upper half.
fn pack_halves(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, to: ScalarType) -> Outcome {
    let half = if to == ScalarType::F16x2 { ScalarType::F16 } else { ScalarType::Bf16 };
    let (a, b) = (l.read(inst.operand(1)?, ScalarType::F32)?, l.read(inst.operand(2)?, ScalarType::F32)?);
    let mut halves = Vec::new();
    for source in [b, a] {
        let value = convert(l, inst, ScalarType::F32, half, source)?;
        halves.push(l.builder.bitcast(Type::I16, value));
    }
    let value = l.builder.push1(Op::Concat { ty: Type::I16, low: halves[0], high: halves[1] });
    l.write(inst.operand(0)?, ScalarType::B32, value)
}

fn convert(
    l: &mut Lowerer<'_, '_>,
    inst: &Inst<'_>,
    from: ScalarType,
    to: ScalarType,
    a: Value,
) -> Result<Value, Refusal> {
    let (from_ty, to_ty) = (value_type(from), value_type(to));
    let (flush, saturate) = (inst.has("ftz"), inst.has("sat"));
    Ok(match (from.is_float(), to.is_float()) {
        (false, false) => integer(l, from, to, saturate, a),
        (false, true) => {
            let op = Op::IntToFloat { signed: from.is_signed(), rounding: rounding(inst), from: from_ty, to: to_ty, a };
            let value = l.builder.push1(op);
            if saturate { saturated(l, to_ty, value) } else { value }
        }
        (true, false) => l.builder.push1(Op::FloatToInt {
            signed: to.is_signed(),
            rounding: rounding(inst),
            flush,
            from: from_ty,
            to: register_type(to),
            a,
        }),
        (true, true) if from == to && has_integer_rounding(inst) => l.builder.push1(Op::FloatUnary {
            op: simt_ir::FloatUnaryOp::RoundToIntegral,
            ty: to_ty,
            rounding: rounding(inst),
            flush,
            saturate,
            a,
        }),
        (true, true) => l.builder.push1(Op::FloatToFloat {
            rounding: rounding(inst),
            flush,
            saturate,
            relu: inst.has("relu"),
            from: from_ty,
            to: to_ty,
            a,
        }),
    })
}

fn saturated(l: &mut Lowerer<'_, '_>, ty: Type, a: Value) -> Value {
    let rounding = Rounding::NearestEven;
    l.builder.push1(Op::FloatToFloat { rounding, flush: false, saturate: true, relu: false, from: ty, to: ty, a })
}

/// Between integers: extended by the source's signedness, cut, or clamped to the target's range.
fn integer(l: &mut Lowerer<'_, '_>, from: ScalarType, to: ScalarType, saturate: bool, a: Value) -> Value {
    use simt_ir::BinaryOp::{MaxSigned, MinSigned, MinUnsigned};
    let to_ty = register_type(to);
    if !saturate {
        return l.builder.resize(from.is_signed(), to_ty, a);
    }
    let bits = to.bits();
    // Clamped in 64 bits, where both ranges are at hand; an unsigned 64-bit source is clamped from above alone.
    let wide = l.builder.resize(from.is_signed(), Type::I64, a);
    let (low, high) = match (to.is_signed(), bits) {
        (true, 64) => (i64::MIN, i64::MAX),
        (true, bits) => (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1),
        (false, 64) => (0, i64::MAX),
        (false, bits) => (0, (1i64 << bits) - 1),
    };
    let clamped = if from.is_signed() {
        let low = l.builder.constant(Type::I64, low.cast_unsigned());
        let above = l.builder.binary(MaxSigned, wide, low);
        let high = l.builder.constant(Type::I64, high.cast_unsigned());
        l.builder.binary(MinSigned, above, high)
    } else if to.is_signed() || bits < 64 {
        let high = l.builder.constant(Type::I64, high.cast_unsigned());
        l.builder.binary(MinUnsigned, wide, high)
    } else {
        wide
    };
    l.builder.resize(false, to_ty, clamped)
}

fn has_integer_rounding(inst: &Inst<'_>) -> bool {
    ["rni", "rzi", "rmi", "rpi"].iter().any(|name| inst.has(name))
}

fn rounding(inst: &Inst<'_>) -> Rounding {
    match () {
        _ if inst.has("rz") || inst.has("rzi") => Rounding::TowardZero,
        _ if inst.has("rm") || inst.has("rmi") => Rounding::TowardNegative,
        _ if inst.has("rp") || inst.has("rpi") => Rounding::TowardPositive,
        _ if inst.has("rna") => Rounding::NearestAway,
        _ => Rounding::NearestEven,
    }
}
