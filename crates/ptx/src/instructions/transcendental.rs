//! Reciprocals, roots and transcendental functions (PTX ISA 9.7.3.12 to 9.7.3.22, 9.7.4.9, 9.7.4.10).

use simt_ir::FloatUnaryOp;

use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{FloatModifiers, Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[Declaration {
    forms: &[
        "rcp.approx.ftz?.T{f32} =d:T, a:T",
        "rcp.approx.ftz.T{f64} =d:T, a:T",
        "rcp.RND.ftz?.T{f32} =d:T, a:T",
        "rcp.RND.T{f64} =d:T, a:T",
        "sqrt.approx.ftz?.T{f32} =d:T, a:T",
        "sqrt.RND.ftz?.T{f32} =d:T, a:T",
        "sqrt.RND.T{f64} =d:T, a:T",
        "rsqrt.approx.ftz?.T{f32 f64} =d:T, a:T",
        "sin.approx.ftz?.T{f32} =d:T, a:T",
        "cos.approx.ftz?.T{f32} =d:T, a:T",
        "lg2.approx.ftz?.T{f32} =d:T, a:T",
        "ex2.approx.ftz?.T{f32} =d:T, a:T",
        "ex2.approx.T{f16 f16x2} =d:T, a:T @7.0 sm_75",
        "ex2.approx.ftz.T{bf16 bf16x2} =d:T, a:T @7.8 sm_90",
        "tanh.approx.T{f32 f16 f16x2} =d:T, a:T @7.0 sm_75",
        "tanh.approx.T{bf16 bf16x2} =d:T, a:T @7.8 sm_90",
    ],
    guarding: Guarding::Select,
    lower: unary,
}];

fn unary(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let op = match (i.resolved.source.opcode(), i.has("approx")) {
        ("rcp", true) => FloatUnaryOp::RcpApprox,
        ("rcp", false) => FloatUnaryOp::Rcp,
        ("sqrt", true) => FloatUnaryOp::SqrtApprox,
        ("sqrt", false) => FloatUnaryOp::Sqrt,
        ("rsqrt", _) => FloatUnaryOp::RsqrtApprox,
        ("sin", _) => FloatUnaryOp::SinApprox,
        ("cos", _) => FloatUnaryOp::CosApprox,
        ("lg2", _) => FloatUnaryOp::Lg2Approx,
        ("ex2", _) => FloatUnaryOp::Ex2Approx,
        _ => FloatUnaryOp::TanhApprox,
    };
    let modifiers = FloatModifiers::of(i);
    let d = cx.per_lane(i.ty("T"), &[a], |cx, lane| cx.float_unary(op, modifiers, lane[0]));
    cx.write(i, "d", d)
}
