//! Half-precision and bfloat16 arithmetic, scalar and packed (PTX ISA 9.7.4).

use simt_ir::tensor::OUT_OF_BOUNDS_NAN;
use simt_ir::{BinaryOp, FloatBinaryOp, FloatUnaryOp, IntCondition, Type, Value};

use super::{Declaration, Guarding, float};
use crate::check::Checked;
use crate::lowering::{FloatModifiers, Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "add.rn?.ftz?.sat?.T{f16 f16x2} =d:T, a:T, b:T @4.2 sm_53",
            "add.rn?.T{bf16 bf16x2} =d:T, a:T, b:T @7.8 sm_90",
            "sub.rn?.ftz?.sat?.T{f16 f16x2} =d:T, a:T, b:T @4.2 sm_53",
            "sub.rn?.T{bf16 bf16x2} =d:T, a:T, b:T @7.8 sm_90",
            "mul.rn?.ftz?.sat?.T{f16 f16x2} =d:T, a:T, b:T @4.2 sm_53",
            "mul.rn?.T{bf16 bf16x2} =d:T, a:T, b:T @7.8 sm_90",
        ],
        guarding: Guarding::Select,
        lower: binary,
    },
    Declaration {
        forms: &[
            "fma.rn.ftz?.sat?.T{f16 f16x2} =d:T, a:T, b:T, c:T @4.2 sm_53",
            "fma.rn.ftz?.relu.T{f16 f16x2} =d:T, a:T, b:T, c:T @7.0 sm_80",
            "fma.rn.relu?.T{bf16 bf16x2} =d:T, a:T, b:T, c:T @7.0 sm_80",
            "fma.rn.oob.relu?.T{f16 f16x2 bf16 bf16x2} =d:T, a:T, b:T, c:T @8.1 sm_90",
        ],
        guarding: Guarding::Select,
        lower: fma,
    },
    Declaration {
        forms: &[
            "neg.ftz?.T{f16 f16x2} =d:T, a:T @6.0 sm_53",
            "neg.T{bf16 bf16x2} =d:T, a:T @7.0 sm_80",
            "abs.ftz?.T{f16 f16x2} =d:T, a:T @6.5 sm_53",
            "abs.T{bf16 bf16x2} =d:T, a:T @7.0 sm_80",
        ],
        guarding: Guarding::Select,
        lower: unary,
    },
    Declaration {
        forms: &[
            "min.ftz?.NaN?.T{f16 f16x2} =d:T, a:T, b:T @7.0 sm_80",
            "min.ftz?.NaN?.xorsign.abs.T{f16 f16x2} =d:T, a:T, b:T @7.2 sm_86",
            "min.NaN?.T{bf16 bf16x2} =d:T, a:T, b:T @7.0 sm_80",
            "min.NaN?.xorsign.abs.T{bf16 bf16x2} =d:T, a:T, b:T @7.2 sm_86",
            "max.ftz?.NaN?.T{f16 f16x2} =d:T, a:T, b:T @7.0 sm_80",
            "max.ftz?.NaN?.xorsign.abs.T{f16 f16x2} =d:T, a:T, b:T @7.2 sm_86",
            "max.NaN?.T{bf16 bf16x2} =d:T, a:T, b:T @7.0 sm_80",
            "max.NaN?.xorsign.abs.T{bf16 bf16x2} =d:T, a:T, b:T @7.2 sm_86",
        ],
        guarding: Guarding::Select,
        lower: min_max,
    },
];

fn binary(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let op = match i.resolved.source.opcode() {
        "add" => FloatBinaryOp::Add,
        "sub" => FloatBinaryOp::Sub,
        _ => FloatBinaryOp::Mul,
    };
    let modifiers = FloatModifiers::of(i);
    let d = cx.per_lane(i.ty("T"), &[a, b], |cx, lane| cx.float_binary(op, modifiers, lane[0], lane[1]));
    cx.write(i, "d", d)
}

fn fma(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let modifiers = FloatModifiers::of(i);
    let d = cx.per_lane(i.ty("T"), &[a, b, c], |cx, lane| {
        let d = cx.fma(modifiers, lane[0], lane[1], lane[2]);
        if i.has("oob") { zero_if_out_of_bounds(cx, [lane[0], lane[1]], d) } else { d }
    });
    cx.write(i, "d", d)
}

/// The NaN that loads of tensors leave where nothing is, with either sign, makes a product zero, whatever is added. The
/// manual does not state its bits: an H200 was asked with all that there are.
fn zero_if_out_of_bounds(cx: &mut Lowering<'_>, factors: [Value; 2], d: Value) -> Value {
    let sign = 1 << 15;
    let [a, b] = factors.map(|factor| {
        let bits = cx.bitcast(Type::I16, factor);
        let unsigned = cx.binary_constant(BinaryOp::And, bits, sign - 1);
        let nan = cx.constant(Type::I16, OUT_OF_BOUNDS_NAN.into());
        cx.compare(IntCondition::Eq, unsigned, nan)
    });
    let is_out = cx.binary(BinaryOp::Or, a, b);
    let zero = cx.constant(cx.ty(d), 0);
    cx.select(is_out, zero, d)
}

fn unary(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let op = if i.resolved.source.opcode() == "abs" { FloatUnaryOp::Abs } else { FloatUnaryOp::Neg };
    let modifiers = FloatModifiers::of(i);
    let d = cx.per_lane(i.ty("T"), &[a], |cx, lane| cx.float_unary(op, modifiers, lane[0]));
    cx.write(i, "d", d)
}

fn min_max(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let d = cx.per_lane(i.ty("T"), &[a, b], |cx, lane| float::min_max_of(cx, i, lane));
    cx.write(i, "d", d)
}
