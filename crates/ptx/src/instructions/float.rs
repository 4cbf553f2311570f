//! Single- and double-precision arithmetic (PTX ISA 9.7.3, 9.7.5).

use simt_ir::{BinaryOp, FloatBinaryOp, FloatCondition, FloatUnaryOp, IntCondition, Rounding, Type, Value};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{FloatModifiers, Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "add.RND?.ftz?.sat?.T{f32} =d:T, a:T, b:T",
            "add.RND?.T{f64} =d:T, a:T, b:T",
            "add.RND?.ftz?.T{f32x2} =d:T, a:T, b:T @8.6 sm_100",
            "sub.RND?.ftz?.sat?.T{f32} =d:T, a:T, b:T",
            "sub.RND?.T{f64} =d:T, a:T, b:T",
            "sub.RND?.ftz?.T{f32x2} =d:T, a:T, b:T @8.6 sm_100",
            "mul.RND?.ftz?.sat?.T{f32} =d:T, a:T, b:T",
            "mul.RND?.T{f64} =d:T, a:T, b:T",
            "mul.RND?.ftz?.T{f32x2} =d:T, a:T, b:T @8.6 sm_100",
        ],
        guarding: Guarding::Select,
        lower: binary,
    },
    Declaration {
        forms: &[
            "add.RND?.sat?.f32.A{f16 bf16} =d:f32, a:A, b:f32 @8.6 sm_100",
            "sub.RND?.sat?.f32.A{f16 bf16} =d:f32, a:A, b:f32 @8.6 sm_100",
            "fma.RND.sat?.f32.A{f16 bf16} =d:f32, a:A, b:A, c:f32 @8.6 sm_100",
        ],
        guarding: Guarding::Select,
        lower: mixed,
    },
    Declaration {
        forms: &[
            "fma.RND.ftz?.sat?.T{f32} =d:T, a:T, b:T, c:T",
            "fma.RND.T{f64} =d:T, a:T, b:T, c:T",
            "fma.RND.ftz?.T{f32x2} =d:T, a:T, b:T, c:T @8.6 sm_100",
            "mad.RND.ftz?.sat?.T{f32} =d:T, a:T, b:T, c:T",
            "mad.RND.T{f64} =d:T, a:T, b:T, c:T",
            "mad.ftz?.sat?.T{f32} =d:T, a:T, b:T, c:T @<3.2",
        ],
        guarding: Guarding::Select,
        lower: fma,
    },
    Declaration {
        forms: &[
            "div.approx.ftz?.T{f32} =d:T, a:T, b:T",
            "div.full.ftz?.T{f32} =d:T, a:T, b:T",
            "div.RND.ftz?.T{f32} =d:T, a:T, b:T",
            "div.RND.T{f64} =d:T, a:T, b:T",
        ],
        guarding: Guarding::Select,
        lower: div,
    },
    Declaration {
        forms: &[
            "abs.ftz?.T{f32} =d:T, a:T",
            "abs.T{f64} =d:T, a:T",
            "neg.ftz?.T{f32} =d:T, a:T",
            "neg.T{f64} =d:T, a:T",
        ],
        guarding: Guarding::Select,
        lower: unary,
    },
    Declaration {
        forms: &[
            "min.ftz?.NaN?.T{f32} =d:T, a:T, b:T",
            "min.ftz?.NaN?.xorsign.abs.T{f32} =d:T, a:T, b:T @7.2 sm_86",
            "min.ftz?.NaN?.abs?.T{f32} =d:T, a:T, b:T, c:T @8.8 sm_100",
            "min.T{f64} =d:T, a:T, b:T",
            "max.ftz?.NaN?.T{f32} =d:T, a:T, b:T",
            "max.ftz?.NaN?.xorsign.abs.T{f32} =d:T, a:T, b:T @7.2 sm_86",
            "max.ftz?.NaN?.abs?.T{f32} =d:T, a:T, b:T, c:T @8.8 sm_100",
            "max.T{f64} =d:T, a:T, b:T",
        ],
        guarding: Guarding::Select,
        lower: min_max,
    },
    Declaration {
        forms: &["testp.OP{finite infinite number notanumber normal subnormal}.T{f32 f64} =p:pred, a:T"],
        guarding: Guarding::Select,
        lower: testp,
    },
    Declaration { forms: &["copysign.T{f32 f64} =d:T, a:T, b:T"], guarding: Guarding::Select, lower: copysign },
];

fn opcode<'a>(i: &Checked<'a>) -> &'a str {
    i.resolved.source.opcode()
}

fn binary_op(i: &Checked<'_>) -> FloatBinaryOp {
    match opcode(i) {
        "add" => FloatBinaryOp::Add,
        "sub" => FloatBinaryOp::Sub,
        _ => FloatBinaryOp::Mul,
    }
}

fn binary(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let (op, modifiers) = (binary_op(i), FloatModifiers::of(i));
    let d = cx.per_lane(i.ty("T"), &[a, b], |cx, lane| cx.float_binary(op, modifiers, lane[0], lane[1]));
    cx.write(i, "d", d)
}

/// Half-precision operands are widened, which is exact; the arithmetic is that of `.f32`.
fn mixed(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let modifiers = FloatModifiers::of(i);
    let a = cx.source(i, "a")?;
    let a = cx.float_to_float(FloatModifiers::PLAIN, Type::F32, a);
    let b = cx.source(i, "b")?;
    let d = if opcode(i) == "fma" {
        let b = cx.float_to_float(FloatModifiers::PLAIN, Type::F32, b);
        let c = cx.source(i, "c")?;
        cx.fma(modifiers, a, b, c)
    } else {
        cx.float_binary(binary_op(i), modifiers, a, b)
    };
    cx.write(i, "d", d)
}

fn fma(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let modifiers = FloatModifiers::of(i);
    let d = cx.per_lane(i.ty("T"), &[a, b, c], |cx, lane| cx.fma(modifiers, lane[0], lane[1], lane[2]));
    cx.write(i, "d", d)
}

fn div(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let op = if i.has("approx") {
        FloatBinaryOp::DivApprox
    } else if i.has("full") {
        FloatBinaryOp::DivFull
    } else {
        FloatBinaryOp::Div
    };
    let d = cx.float_binary(op, FloatModifiers::of(i), a, b);
    cx.write(i, "d", d)
}

fn unary(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let op = if opcode(i) == "abs" { FloatUnaryOp::Abs } else { FloatUnaryOp::Neg };
    let d = cx.float_unary(op, FloatModifiers::of(i), a);
    cx.write(i, "d", d)
}

fn min_max(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let mut operands = vec![cx.source(i, "a")?, cx.source(i, "b")?];
    if i.operand("c").is_some() {
        operands.push(cx.source(i, "c")?);
    }
    let d = min_max_of(cx, i, &operands);
    cx.write(i, "d", d)
}

/// The minimum or maximum of two or three floats, by the instruction's modifiers.
pub(super) fn min_max_of(cx: &mut Lowering<'_>, i: &Checked<'_>, operands: &[Value]) -> Value {
    let op = match (opcode(i), i.has("NaN")) {
        ("min", false) => FloatBinaryOp::Min,
        ("min", true) => FloatBinaryOp::MinNan,
        (_, false) => FloatBinaryOp::Max,
        (_, true) => FloatBinaryOp::MaxNan,
    };
    let modifiers = FloatModifiers { rounding: Rounding::NearestEven, ..FloatModifiers::of(i) };
    let magnitudes: Vec<Value> = operands
        .iter()
        .map(|value| if i.has("abs") { cx.float_unary(FloatUnaryOp::Abs, modifiers, *value) } else { *value })
        .collect();
    let mut result = magnitudes[0];
    for value in &magnitudes[1..] {
        result = cx.float_binary(op, modifiers, result, *value);
    }
    if i.has("xorsign") { with_product_sign(cx, result, operands[0], operands[1]) } else { result }
}

/// `magnitude` with the exclusive or of the signs of `a` and `b`; a NaN stays as it is.
fn with_product_sign(cx: &mut Lowering<'_>, magnitude: Value, a: Value, b: Value) -> Value {
    let ty = cx.ty(magnitude);
    let (a, b, bits) = (cx.as_int(a), cx.as_int(b), cx.as_int(magnitude));
    let signs = cx.binary(BinaryOp::Xor, a, b);
    let sign = cx.binary_constant(BinaryOp::And, signs, 1 << (ty.bits() - 1));
    let signed = cx.binary(BinaryOp::Or, bits, sign);
    let signed = cx.bitcast(ty, signed);
    let is_nan = cx.float_compare(FloatCondition::Unordered, false, magnitude, magnitude);
    cx.select(is_nan, magnitude, signed)
}

/// By the bits, without the sign. Zero counts as normal.
fn testp(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let (infinity, smallest_normal) = match i.ty("T") {
        ScalarType::F64 => (0x7ff0_0000_0000_0000u64, 0x0010_0000_0000_0000u64),
        _ => (0x7f80_0000, 0x0080_0000),
    };
    let bits = cx.as_int(a);
    let ty = cx.ty(bits);
    let magnitude = cx.binary_constant(BinaryOp::And, bits, (1 << (ty.bits() - 1)) - 1);
    let against = |cx: &mut Lowering<'_>, condition, bound: u64| {
        let bound = cx.constant(ty, bound);
        cx.compare(condition, magnitude, bound)
    };
    let p = match i.slot("OP") {
        Some("finite") => against(cx, IntCondition::LtUnsigned, infinity),
        Some("infinite") => against(cx, IntCondition::Eq, infinity),
        Some("number") => against(cx, IntCondition::LeUnsigned, infinity),
        Some("notanumber") => against(cx, IntCondition::GtUnsigned, infinity),
        Some("normal") => {
            let zero = against(cx, IntCondition::Eq, 0);
            let large = against(cx, IntCondition::GeUnsigned, smallest_normal);
            let finite = against(cx, IntCondition::LtUnsigned, infinity);
            let in_range = cx.binary(BinaryOp::And, large, finite);
            cx.binary(BinaryOp::Or, zero, in_range)
        }
        _ => {
            let not_zero = against(cx, IntCondition::Ne, 0);
            let small = against(cx, IntCondition::LtUnsigned, smallest_normal);
            cx.binary(BinaryOp::And, not_zero, small)
        }
    };
    cx.write(i, "p", p)
}

/// The sign of `a` with the magnitude of `b`.
fn copysign(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let ty = cx.ty(a);
    let (a, b) = (cx.as_int(a), cx.as_int(b));
    let sign_bit = 1u64 << (ty.bits() - 1);
    let sign = cx.binary_constant(BinaryOp::And, a, sign_bit);
    let magnitude = cx.binary_constant(BinaryOp::And, b, sign_bit - 1);
    let d = cx.binary(BinaryOp::Or, sign, magnitude);
    cx.write(i, "d", d)
}
