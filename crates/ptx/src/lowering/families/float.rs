//! Single and double precision (PTX ISA 9.7.3).

use simt_ir::{BinaryOp, FloatBinaryOp, FloatCondition, FloatUnaryOp, Op, Rounding, Type, Value};

use crate::ast::ScalarType;
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, value_type};

/// The rounding modifier of a float result.
pub(super) fn rounding(inst: &Inst<'_>) -> Rounding {
    match () {
        _ if inst.has("rz") => Rounding::TowardZero,
        _ if inst.has("rm") => Rounding::TowardNegative,
        _ if inst.has("rp") => Rounding::TowardPositive,
        _ => Rounding::NearestEven,
    }
}

pub(super) fn arithmetic(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    if ty == ScalarType::F32x2 {
        return packed(l, inst);
    }
    let types = inst.types();
    if types.len() > 1 {
        // add.f32.f16 and its kind: one operand is of the narrower type.
        return mixed(l, inst, types[0], types[1]);
    }
    let mut operands = Vec::new();
    for operand in &inst.operands[1..] {
        operands.push(l.read(operand, ty)?);
    }
    let value = operation(l, inst, value_type(ty), &operands)?;
    l.write(inst.operand(0)?, ty, value)
}

/// The operation named by the instruction on values of one float type.
pub(super) fn operation(
    l: &mut Lowerer<'_, '_>,
    inst: &Inst<'_>,
    ty: Type,
    operands: &[Value],
) -> Result<Value, Refusal> {
    let (flush, saturate, rounding) = (inst.has("ftz"), inst.has("sat"), rounding(inst));
    let a = *operands.first().ok_or_else(|| Refusal("operands are missing".into()))?;
    let get = |index: usize| operands.get(index).copied().ok_or_else(|| Refusal("operands are missing".into()));
    let unary = |op| Op::FloatUnary { op, ty, rounding, flush, saturate, a };
    if matches!(inst.opcode, "neg" | "abs") {
        let op = if inst.opcode == "neg" { FloatUnaryOp::Neg } else { FloatUnaryOp::Abs };
        return Ok(l.builder.push1(unary(op)));
    }
    let b = get(1)?;
    if matches!(inst.opcode, "fma" | "mad") {
        let c = get(2)?;
        let relu = inst.has("relu");
        return Ok(l.builder.push1(Op::Fma { ty, rounding, flush, saturate, relu, a, b, c }));
    }
    if inst.has("xorsign") {
        return xor_sign(l, inst, ty, flush, a, b);
    }
    let nan = inst.has("NaN");
    let op = match inst.opcode {
        "add" => FloatBinaryOp::Add,
        "sub" => FloatBinaryOp::Sub,
        "mul" => FloatBinaryOp::Mul,
        "div" if inst.has("approx") => FloatBinaryOp::DivApprox,
        "div" if inst.has("full") => FloatBinaryOp::DivFull,
        "div" => FloatBinaryOp::Div,
        "min" if nan => FloatBinaryOp::MinNan,
        "min" => FloatBinaryOp::Min,
        "max" if nan => FloatBinaryOp::MaxNan,
        "max" => FloatBinaryOp::Max,
        _ => return Err(Refusal("float operation".into())),
    };
    let binary = |op, a, b| Op::FloatBinary { op, ty, rounding, flush, saturate, a, b };
    let mut value = l.builder.push1(binary(op, a, b));
    if let (Some(c), "min" | "max") = (operands.get(2), inst.opcode) {
        value = l.builder.push1(binary(op, value, *c));
    }
    Ok(value)
}

/// `min/max.xorsign.abs`: of the magnitudes, with the product's sign.
fn xor_sign(
    l: &mut Lowerer<'_, '_>,
    inst: &Inst<'_>,
    ty: Type,
    flush: bool,
    a: Value,
    b: Value,
) -> Result<Value, Refusal> {
    let bits = ty.to_int();
    let (a_bits, b_bits) = (l.builder.bitcast(bits, a), l.builder.bitcast(bits, b));
    let signs = l.builder.binary(BinaryOp::Xor, a_bits, b_bits);
    let top = l.builder.constant(bits, 1 << (bits.bits() - 1));
    let sign = l.builder.binary(BinaryOp::And, signs, top);
    let rounding = Rounding::NearestEven;
    let magnitude = |l: &mut Lowerer<'_, '_>, a| {
        l.builder.push1(Op::FloatUnary { op: FloatUnaryOp::Abs, ty, rounding, flush: false, saturate: false, a })
    };
    let (x, y) = (magnitude(l, a), magnitude(l, b));
    let op = match (inst.opcode, inst.has("NaN")) {
        ("min", false) => FloatBinaryOp::Min,
        ("min", true) => FloatBinaryOp::MinNan,
        (_, false) => FloatBinaryOp::Max,
        (_, true) => FloatBinaryOp::MaxNan,
    };
    let least = l.builder.push1(Op::FloatBinary { op, ty, rounding, flush, saturate: false, a: x, b: y });
    let nan = l.builder.float_compare(FloatCondition::Unordered, false, least, least);
    let least_bits = l.builder.bitcast(bits, least);
    let signed = l.builder.binary(BinaryOp::Or, least_bits, sign);
    let chosen = l.builder.select(nan, least_bits, signed);
    Ok(l.builder.bitcast(ty, chosen))
}

/// `add.f32x2` and the like: each single on its own.
fn packed(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let mut halves = Vec::new();
    for index in 0..2u64 {
        let mut operands = Vec::new();
        for operand in &inst.operands[1..] {
            let whole = l.read(operand, ScalarType::B64)?;
            let amount = l.builder.constant(Type::I32, 32 * index);
            let moved = l.builder.binary(BinaryOp::ShrUnsigned, whole, amount);
            let bits = l.builder.resize(false, Type::I32, moved);
            operands.push(l.builder.bitcast(Type::F32, bits));
        }
        let value = operation(l, inst, Type::F32, &operands)?;
        halves.push(l.builder.bitcast(Type::I32, value));
    }
    let value = l.builder.push1(Op::Concat { ty: Type::I32, low: halves[0], high: halves[1] });
    l.write(inst.operand(0)?, ScalarType::B64, value)
}

/// `add.f32.f16`, `sub.f32.bf16`, `fma.f32.f16`: the operands of the second type are widened first.
fn mixed(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, result: ScalarType, narrow: ScalarType) -> Outcome {
    let to = value_type(result);
    let last = inst.operands.len() - 1;
    let mut operands = Vec::new();
    for (index, operand) in inst.operands.iter().enumerate().skip(1) {
        // The addend has the result's type, the others the narrow one.
        if index == last {
            operands.push(l.read(operand, result)?);
            continue;
        }
        let value = l.read(operand, narrow)?;
        operands.push(l.builder.push1(Op::FloatToFloat {
            rounding: Rounding::NearestEven,
            flush: false,
            saturate: false,
            relu: false,
            from: value_type(narrow),
            to,
            a: value,
        }));
    }
    let value = operation(l, inst, to, &operands)?;
    l.write(inst.operand(0)?, result, value)
}

/// Functions, and tests of numbers.
pub(super) fn special(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let ty = inst.ty()?;
    match inst.opcode {
        "testp" => return test_property(l, inst, ty),
        "copysign" => return copy_sign(l, inst, ty),
        _ => {}
    }
    if super::half::is_half(ty) {
        return super::half::function(l, inst, ty);
    }
    let a = l.read(inst.operand(1)?, ty)?;
    let value = function(l, inst, value_type(ty), a)?;
    l.write(inst.operand(0)?, ty, value)
}

/// The function named by the instruction.
pub(super) fn function(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: Type, a: Value) -> Result<Value, Refusal> {
    let approximate = inst.has("approx");
    let op = match inst.opcode {
        "rcp" if approximate => FloatUnaryOp::RcpApprox,
        "rcp" => FloatUnaryOp::Rcp,
        "sqrt" if approximate => FloatUnaryOp::SqrtApprox,
        "sqrt" => FloatUnaryOp::Sqrt,
        "rsqrt" => FloatUnaryOp::RsqrtApprox,
        "sin" => FloatUnaryOp::SinApprox,
        "cos" => FloatUnaryOp::CosApprox,
        "lg2" => FloatUnaryOp::Lg2Approx,
        "ex2" => FloatUnaryOp::Ex2Approx,
        "tanh" => FloatUnaryOp::TanhApprox,
        _ => return Err(Refusal("float function".into())),
    };
    let (rounding, flush) = (rounding(inst), inst.has("ftz"));
    Ok(l.builder.push1(Op::FloatUnary { op, ty, rounding, flush, saturate: false, a }))
}

/// `testp`: a class of numbers, by their bits.
fn test_property(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    use simt_ir::IntCondition::{Eq, GtUnsigned, LtUnsigned, Ne};
    let value = l.read(inst.operand(1)?, ty)?;
    let bits_ty = value_type(ty).to_int();
    let bits = l.builder.bitcast(bits_ty, value);
    let (infinity, least_normal) = match ty {
        ScalarType::F32 => (0x7f80_0000u64, 0x0080_0000u64),
        _ => (0x7ff0_0000_0000_0000, 0x0010_0000_0000_0000),
    };
    let mask = l.builder.constant(bits_ty, (1 << (bits_ty.bits() - 1)) - 1);
    let magnitude = l.builder.binary(BinaryOp::And, bits, mask);
    let infinity = l.builder.constant(bits_ty, infinity);
    let least = l.builder.constant(bits_ty, least_normal);
    let zero = l.builder.constant(bits_ty, 0);
    let compare = |l: &mut Lowerer<'_, '_>, condition, bound| l.builder.int_compare(condition, magnitude, bound);
    let verdict = match () {
        _ if inst.has("finite") => compare(l, LtUnsigned, infinity),
        _ if inst.has("infinite") => compare(l, Eq, infinity),
        _ if inst.has("number") => {
            let nan = compare(l, GtUnsigned, infinity);
            l.builder.unary(simt_ir::UnaryOp::Not, nan)
        }
        _ if inst.has("notanumber") => compare(l, GtUnsigned, infinity),
        _ if inst.has("normal") => {
            let small = compare(l, LtUnsigned, least);
            let finite = compare(l, LtUnsigned, infinity);
            let large = l.builder.unary(simt_ir::UnaryOp::Not, small);
            l.builder.binary(BinaryOp::And, large, finite)
        }
        _ if inst.has("subnormal") => {
            let small = compare(l, LtUnsigned, least);
            let some = compare(l, Ne, zero);
            l.builder.binary(BinaryOp::And, small, some)
        }
        _ => return Err(Refusal("property".into())),
    };
    l.write(inst.operand(0)?, ScalarType::Pred, verdict)
}

/// `copysign d, a, b`: the sign of a on b.
fn copy_sign(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    let bits_ty = value_type(ty).to_int();
    let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
    let (a, b) = (l.builder.bitcast(bits_ty, a), l.builder.bitcast(bits_ty, b));
    let top = l.builder.constant(bits_ty, 1 << (bits_ty.bits() - 1));
    let rest = l.builder.constant(bits_ty, (1 << (bits_ty.bits() - 1)) - 1);
    let sign = l.builder.binary(BinaryOp::And, a, top);
    let magnitude = l.builder.binary(BinaryOp::And, b, rest);
    let value = l.builder.binary(BinaryOp::Or, sign, magnitude);
    l.write(inst.operand(0)?, ty, value)
}
