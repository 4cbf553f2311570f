//! Comparison and selection (PTX ISA 9.7.6, 9.7.7).

use simt_ir::{BinaryOp, FloatCondition, IntCondition, Type, Value};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem, ir_type};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "setp.CMP{eq ne lt le gt ge lo ls hi hs}.A{u16 u32 u64} =p:pred|=q:pred?, a:A, b:A",
            "setp.CMP{eq ne lt le gt ge}.A{s16 s32 s64} =p:pred|=q:pred?, a:A, b:A",
            "setp.CMP{eq ne}.A{b16 b32 b64} =p:pred|=q:pred?, a:A, b:A",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.ftz?.A{f32} \
             =p:pred|=q:pred?, a:A, b:A",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.A{f64} \
             =p:pred|=q:pred?, a:A, b:A",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.ftz?.A{f16} \
             =p:pred|_?, a:A, b:A @4.2 sm_53",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.A{bf16} \
             =p:pred|_?, a:A, b:A @7.8 sm_90",
            "setp.CMP{eq ne lt le gt ge lo ls hi hs}.BOOL{and or xor}.A{u16 u32 u64} =p:pred|=q:pred?, a:A, b:A, c:pred",
            "setp.CMP{eq ne lt le gt ge}.BOOL{and or xor}.A{s16 s32 s64} =p:pred|=q:pred?, a:A, b:A, c:pred",
            "setp.CMP{eq ne}.BOOL{and or xor}.A{b16 b32 b64} =p:pred|=q:pred?, a:A, b:A, c:pred",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.ftz?.A{f32} \
             =p:pred|=q:pred?, a:A, b:A, c:pred",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.A{f64} \
             =p:pred|=q:pred?, a:A, b:A, c:pred",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.ftz?.A{f16} \
             =p:pred|_?, a:A, b:A, c:pred @4.2 sm_53",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.A{bf16} \
             =p:pred|_?, a:A, b:A, c:pred @7.8 sm_90",
        ],
        guarding: Guarding::Select,
        lower: setp,
    },
    Declaration {
        forms: &[
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.ftz?.A{f16x2} \
             =p:pred|=q:pred?, a:A, b:A @4.2 sm_53",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.A{bf16x2} \
             =p:pred|=q:pred?, a:A, b:A @7.8 sm_90",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.ftz?.A{f16x2} \
             =p:pred|=q:pred?, a:A, b:A, c:pred @4.2 sm_53",
            "setp.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.A{bf16x2} \
             =p:pred|=q:pred?, a:A, b:A, c:pred @7.8 sm_90",
        ],
        guarding: Guarding::Select,
        lower: setp_packed,
    },
    Declaration {
        forms: &[
            "set.CMP{eq ne lt le gt ge lo ls hi hs}.D{u32 s32 f32 f16 bf16}.A{u16 u32 u64} =d:D, a:A, b:A",
            "set.CMP{eq ne lt le gt ge}.D{u32 s32 f32 f16 bf16}.A{s16 s32 s64} =d:D, a:A, b:A",
            "set.CMP{eq ne}.D{u32 s32 f32 f16 bf16}.A{b16 b32 b64} =d:D, a:A, b:A",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.ftz?.D{u32 s32 f32 f16 bf16}\
             .A{f32} =d:D, a:A, b:A",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.D{u32 s32 f32 f16 bf16}\
             .A{f64} =d:D, a:A, b:A",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.ftz?.D{u16 s16 u32 s32 f16 bf16}\
             .A{f16} =d:D, a:A, b:A @4.2 sm_53",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.D{u16 s16 u32 s32 f16 bf16}\
             .A{bf16} =d:D, a:A, b:A @7.8 sm_90",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.ftz?.D{f16x2 u32 s32}\
             .A{f16x2} =d:D, a:A, b:A @4.2 sm_53",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.D{bf16x2 u32 s32}\
             .A{bf16x2} =d:D, a:A, b:A @7.8 sm_90",
            "set.CMP{eq ne lt le gt ge lo ls hi hs}.BOOL{and or xor}.D{u32 s32 f32 f16 bf16}.A{u16 u32 u64} =d:D, a:A, b:A, c:pred",
            "set.CMP{eq ne lt le gt ge}.BOOL{and or xor}.D{u32 s32 f32 f16 bf16}.A{s16 s32 s64} =d:D, a:A, b:A, c:pred",
            "set.CMP{eq ne}.BOOL{and or xor}.D{u32 s32 f32 f16 bf16}.A{b16 b32 b64} =d:D, a:A, b:A, c:pred",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.ftz?.D{u32 s32 f32 f16 bf16}\
             .A{f32} =d:D, a:A, b:A, c:pred",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.D{u32 s32 f32 f16 bf16}\
             .A{f64} =d:D, a:A, b:A, c:pred",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.ftz?.D{u16 s16 u32 s32 f16 bf16}\
             .A{f16} =d:D, a:A, b:A, c:pred @4.2 sm_53",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.D{u16 s16 u32 s32 f16 bf16}\
             .A{bf16} =d:D, a:A, b:A, c:pred @7.8 sm_90",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.ftz?.D{f16x2 u32 s32}\
             .A{f16x2} =d:D, a:A, b:A, c:pred @4.2 sm_53",
            "set.CMP{eq ne lt le gt ge equ neu ltu leu gtu geu num nan}.BOOL{and or xor}.D{bf16x2 u32 s32}\
             .A{bf16x2} =d:D, a:A, b:A, c:pred @7.8 sm_90",
        ],
        guarding: Guarding::Select,
        lower: set,
    },
    Declaration {
        forms: &["selp.T{b16 b32 b64 u16 u32 u64 s16 s32 s64 f32 f64} =d:T, a:T, b:T, c:pred"],
        guarding: Guarding::Select,
        lower: selp,
    },
    Declaration {
        forms: &[
            "slct.T{b16 b32 b64 u16 u32 u64 s16 s32 s64 f32 f64}.C{s32} =d:T, a:T, b:T, c:C",
            "slct.ftz?.T{b16 b32 b64 u16 u32 u64 s16 s32 s64 f32 f64}.C{f32} =d:T, a:T, b:T, c:C",
        ],
        guarding: Guarding::Select,
        lower: slct,
    },
];

fn int_condition(name: Option<&str>, signed: bool) -> IntCondition {
    match (name.unwrap_or_default(), signed) {
        ("eq", _) => IntCondition::Eq,
        ("ne", _) => IntCondition::Ne,
        ("lt", true) => IntCondition::LtSigned,
        ("le", true) => IntCondition::LeSigned,
        ("gt", true) => IntCondition::GtSigned,
        ("ge", true) => IntCondition::GeSigned,
        ("lt" | "lo", _) => IntCondition::LtUnsigned,
        ("le" | "ls", _) => IntCondition::LeUnsigned,
        ("gt" | "hi", _) => IntCondition::GtUnsigned,
        _ => IntCondition::GeUnsigned,
    }
}

fn float_condition(name: Option<&str>) -> FloatCondition {
    match name.unwrap_or_default() {
        "eq" => FloatCondition::Eq,
        "ne" => FloatCondition::Ne,
        "lt" => FloatCondition::Lt,
        "le" => FloatCondition::Le,
        "gt" => FloatCondition::Gt,
        "ge" => FloatCondition::Ge,
        "equ" => FloatCondition::EqOrNan,
        "neu" => FloatCondition::NeOrNan,
        "ltu" => FloatCondition::LtOrNan,
        "leu" => FloatCondition::LeOrNan,
        "gtu" => FloatCondition::GtOrNan,
        "geu" => FloatCondition::GeOrNan,
        "num" => FloatCondition::Ordered,
        _ => FloatCondition::Unordered,
    }
}

/// `a CMP b`.
fn comparison(cx: &mut Lowering<'_>, i: &Checked<'_>, a: Value, b: Value) -> Value {
    let ty = i.ty("A");
    if ty.is_float() {
        cx.float_compare(float_condition(i.slot("CMP")), i.has("ftz"), a, b)
    } else {
        cx.compare(int_condition(i.slot("CMP"), ty.is_signed()), a, b)
    }
}

/// The comparison's result combined with the third operand, if there is one.
fn combined(cx: &mut Lowering<'_>, i: &Checked<'_>, result: Value) -> Result<Value, Problem> {
    let op = match i.slot("BOOL") {
        None => return Ok(result),
        Some("and") => BinaryOp::And,
        Some("or") => BinaryOp::Or,
        Some(_) => BinaryOp::Xor,
    };
    let c = cx.source_as(i, "c", ScalarType::Pred)?;
    Ok(cx.binary(op, result, c))
}

/// The second result is computed with the comparison negated.
fn setp(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let result = comparison(cx, i, a, b);
    let p = combined(cx, i, result)?;
    let q = match i.operand("q") {
        None | Some(Operand::Sink) => None,
        Some(_) => {
            let negated = cx.not(result);
            Some(combined(cx, i, negated)?)
        }
    };
    cx.write(i, "p", p)?;
    q.map_or(Ok(()), |q| cx.write(i, "q", q))
}

/// The comparisons of both lanes of packed operands.
fn lane_comparisons(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<Vec<Value>, Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let element = if i.ty("A") == ScalarType::F16x2 { Type::F16 } else { Type::BF16 };
    let (a, b) = (cx.unpack(a, 2), cx.unpack(b, 2));
    let mut results = Vec::new();
    for (a, b) in a.into_iter().zip(b) {
        let (a, b) = (cx.bitcast(element, a), cx.bitcast(element, b));
        let result = comparison(cx, i, a, b);
        results.push(combined(cx, i, result)?);
    }
    Ok(results)
}

/// The first result belongs to the low lane, the second to the high one.
fn setp_packed(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let results = lane_comparisons(cx, i)?;
    cx.write(i, "p", results[0])?;
    cx.write(i, "q", results[1])
}

/// True as a value: 1.0 for a float type, all ones for an integer.
fn truth(cx: &mut Lowering<'_>, ty: Type, condition: Value) -> Value {
    let bits = match ty {
        Type::F16 => 0x3c00,
        Type::BF16 => 0x3f80,
        Type::F32 => 0x3f80_0000,
        _ => u64::MAX,
    };
    let (one, zero) = (cx.constant(ty, bits), cx.constant(ty, 0));
    cx.select(condition, one, zero)
}

fn set(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    if i.ty("A").packed_lanes() == 2 {
        let lane = match i.ty("D") {
            ScalarType::F16x2 => Type::F16,
            ScalarType::Bf16x2 => Type::BF16,
            _ => Type::I16,
        };
        let lanes = lane_comparisons(cx, i)?;
        let lanes: Vec<Value> = lanes.into_iter().map(|condition| truth(cx, lane, condition)).collect();
        let d = cx.pack(&lanes);
        return cx.write(i, "d", d);
    }
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let result = comparison(cx, i, a, b);
    let condition = combined(cx, i, result)?;
    let d = truth(cx, ir_type(i.ty("D")), condition);
    cx.write(i, "d", d)
}

fn selp(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let d = cx.select(c, a, b);
    cx.write(i, "d", d)
}

/// `c >= 0 ? a : b`; a NaN selects `b`.
fn slct(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let zero = cx.constant(cx.ty(c), 0);
    let condition = if i.ty("C") == ScalarType::F32 {
        cx.float_compare(FloatCondition::Ge, i.has("ftz"), c, zero)
    } else {
        cx.compare(IntCondition::GeSigned, c, zero)
    };
    let d = cx.select(condition, a, b);
    cx.write(i, "d", d)
}
