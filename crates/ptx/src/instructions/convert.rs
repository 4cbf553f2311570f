//! Conversion between types (PTX ISA 9.7.9.21, 9.7.9.22).

use simt_ir::{BinaryOp, FloatCondition, IntCondition, Op, Rounding, Type, Value};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{FloatModifiers, Lowering, Problem, ir_type};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "cvt.sat?.D{u8 u16 u32 u64 s8 s16 s32 s64}.A{u8 u16 u32 u64 s8 s16 s32 s64} =d:D~, a:A~+",
            "cvt.RND{rni rzi rmi rpi}.ftz?.sat?.D{u8 u16 u32 u64 s8 s16 s32 s64}.A{f32} =d:D~, a:A~",
            "cvt.RND{rni rzi rmi rpi}.sat?.D{u8 u16 u32 u64 s8 s16 s32 s64}.A{f16 bf16 f64} =d:D~, a:A~",
            "cvt.RND{rn rz rm rp}.sat?.D{f16 f64}.A{u8 u16 u32 u64 s8 s16 s32 s64} =d:D~, a:A~",
            "cvt.RND{rn rz rm rp}.ftz?.sat?.D{f32}.A{u8 u16 u32 u64 s8 s16 s32 s64} =d:D~, a:A~",
            "cvt.RND{rn rz rm rp}.D{bf16}.A{u8 u16 u32 u64 s8 s16 s32 s64} =d:D~, a:A~",
            "cvt.RND{rni rzi rmi rpi}?.ftz?.sat?.D{f32}.A{f32} =d:D~, a:A~",
            "cvt.RND{rni rzi rmi rpi}?.sat?.D{f64}.A{f64} =d:D~, a:A~",
            "cvt.RND{rni rzi rmi rpi}?.sat?.D{f16}.A{f16} =d:D~, a:A~",
            "cvt.RND{rni rzi rmi rpi}?.D{bf16}.A{bf16} =d:D~, a:A~",
            "cvt.ftz?.sat?.D{f32 f64}.A{f16 bf16 f32} =d:D~, a:A~",
            "cvt.RND{rn rz rm rp}.ftz?.sat?.D{f32}.A{f64} =d:D~, a:A~",
            "cvt.RND{rn rz rm rp}.ftz?.D{f32}.A{bf16} =d:D~, a:A~ @7.8 sm_90",
            "cvt.RND{rn rz rm rp}.D{f64}.A{bf16} =d:D~, a:A~ @7.8 sm_90",
            "cvt.D{f16}.A{bf16} =d:D~, a:A~ @7.8 sm_90",
            "cvt.D{bf16}.A{f16} =d:D~, a:A~ @7.8 sm_90",
            "cvt.RND{rn rz rm rp}.ftz?.sat?.D{f16 bf16}.A{f32 f64 f16 bf16} =d:D~, a:A~",
        ],
        guarding: Guarding::Select,
        lower: convert,
    },
    Declaration {
        forms: &[
            "cvt.RND{rn rz}.relu?.satfinite?.D{f16 bf16}.A{f32} =d:D~, a:A~ @7.0 sm_80",
            "cvt.RND{rn rz}.relu?.satfinite?.D{f16x2 bf16x2}.A{f32} =d:D, a:A, b:A @7.0 sm_80",
        ],
        guarding: Guarding::Select,
        lower: to_half,
    },
    Declaration {
        forms: &[
            "cvt.RND{rna}.tf32.f32 =d:b32, a:f32 @7.0 sm_80",
            "cvt.RND{rn rz}.relu?.tf32.f32 =d:b32, a:f32 @7.8 sm_90",
            "cvt.RND{rna}.satfinite.tf32.f32 =d:b32, a:f32 @8.1 sm_89",
            "cvt.RND{rn rz}.relu?.satfinite.tf32.f32 =d:b32, a:f32 @8.6 sm_100",
        ],
        guarding: Guarding::Select,
        lower: to_tf32,
    },
    Declaration {
        forms: &[
            "cvt.pack.sat.D{u16 s16}.A{s32} =d:b32, a:A, b:A @6.5 sm_72",
            "cvt.pack.sat.D{u2 s2 u4 s4 u8 s8}.A{s32}.b32 =d:b32, a:A, b:A, c:b32 @6.5 sm_72",
        ],
        guarding: Guarding::Select,
        lower: pack,
    },
];

fn convert(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (to, from) = (i.ty("D"), i.ty("A"));
    let a = cx.source(i, "a")?;
    let d = match (to.is_float(), from.is_float()) {
        (false, false) => integer_to_integer(cx, i, a),
        (false, true) => {
            let (modifiers, result) = (FloatModifiers::of(i), ir_type(to));
            cx.builder.push1(Op::FloatToInt {
                signed: to.is_signed(),
                rounding: integer_rounding(i)?,
                flush: modifiers.flush,
                from: ir_type(from),
                to: result,
                a,
            })
        }
        (true, false) => {
            let (signed, rounding) = (from.is_signed(), FloatModifiers::of(i).rounding);
            let (from, to) = (ir_type(from), ir_type(to));
            let result = cx.builder.push1(Op::IntToFloat { signed, rounding, from, to, a });
            if i.has("sat") { saturate(cx, result) } else { result }
        }
        (true, true) => float_to_float(cx, i, a)?,
    };
    cx.write_extended(i, "d", d, to.is_signed())
}

/// The rounding of a conversion to an integer, which has to be stated.
fn integer_rounding(i: &Checked<'_>) -> Result<Rounding, Problem> {
    match i.slot("RND") {
        Some("rni") => Ok(Rounding::NearestEven),
        Some("rzi") => Ok(Rounding::TowardZero),
        Some("rmi") => Ok(Rounding::TowardNegative),
        Some("rpi") => Ok(Rounding::TowardPositive),
        _ => Problem::invalid("a conversion from a float to an integer states .rni, .rzi, .rmi or .rpi"),
    }
}

fn integer_to_integer(cx: &mut Lowering<'_>, i: &Checked<'_>, a: Value) -> Value {
    let (to, from) = (i.ty("D"), i.ty("A"));
    let a = if i.has("sat") { clamp(cx, from, to, a) } else { a };
    cx.resize(from.is_signed(), ir_type(to), a)
}

/// An integer of type `from` brought into the range of `to`.
fn clamp(cx: &mut Lowering<'_>, from: ScalarType, to: ScalarType, a: Value) -> Value {
    let (from_bits, to_bits) = (from.bits(), to.bits());
    let largest = if to.is_signed() { (1u64 << (to_bits - 1)) - 1 } else { u64::MAX >> (64 - to_bits) };
    if !from.is_signed() {
        let fits = to_bits > from_bits || (to_bits == from_bits && !to.is_signed());
        return if fits { a } else { cx.binary_constant(BinaryOp::MinUnsigned, a, largest) };
    }
    let mut a = a;
    if !to.is_signed() {
        a = cx.binary_constant(BinaryOp::MaxSigned, a, 0);
    } else if to_bits < from_bits {
        let smallest = (-1i64 << (to_bits - 1)).cast_unsigned();
        a = cx.binary_constant(BinaryOp::MaxSigned, a, smallest);
    }
    if to_bits < from_bits { cx.binary_constant(BinaryOp::MinSigned, a, largest) } else { a }
}

/// `.ftz` concerns single-precision operands and results only.
fn float_to_float(cx: &mut Lowering<'_>, i: &Checked<'_>, a: Value) -> Result<Value, Problem> {
    let (to, from) = (i.ty("D"), i.ty("A"));
    let mut modifiers = FloatModifiers::of(i);
    let to_integral = matches!(i.slot("RND"), Some("rni" | "rzi" | "rmi" | "rpi"));
    if to == from {
        let single = to == ScalarType::F32;
        modifiers.flush &= single;
        if to_integral {
            return Ok(cx.float_unary(simt_ir::FloatUnaryOp::RoundToIntegral, modifiers, a));
        }
        // Nothing is rounded; 16-bit NaNs become canonical, others keep their bits.
        let changes = modifiers.flush || modifiers.saturate || to.bits() == 16;
        return Ok(if changes { cx.float_to_float(modifiers, ir_type(to), a) } else { a });
    }
    if to_integral {
        return Problem::invalid("rounding to an integral value keeps the type");
    }
    if to.bits() < from.bits() && i.slot("RND").is_none() {
        return Problem::invalid("a conversion to a narrower float states its rounding");
    }
    let mut a = a;
    if modifiers.flush && to != ScalarType::F32 {
        if from == ScalarType::F32 && to != ScalarType::F64 {
            a = flush_single(cx, a);
        }
        modifiers.flush = from == ScalarType::F32 && to == ScalarType::F64;
    } else if modifiers.flush && from == ScalarType::F16 {
        // Every half-precision number is a normal single-precision one.
        modifiers.flush = false;
    } else if modifiers.flush && from == ScalarType::Bf16 {
        // The bits as they are, and then what a flush does to them: to NaNs, too.
        a = cx.float_to_float(FloatModifiers::PLAIN, Type::F32, a);
    }
    Ok(cx.float_to_float(modifiers, ir_type(to), a))
}

/// A single-precision subnormal becomes zero of its sign.
fn flush_single(cx: &mut Lowering<'_>, a: Value) -> Value {
    let modifiers = FloatModifiers { flush: true, ..FloatModifiers::PLAIN };
    cx.float_to_float(modifiers, Type::F32, a)
}

/// Clamped to [0, 1].
fn saturate(cx: &mut Lowering<'_>, a: Value) -> Value {
    let ty = cx.ty(a);
    cx.float_to_float(FloatModifiers { saturate: true, ..FloatModifiers::PLAIN }, ty, a)
}

/// Single precision to half precision or bfloat16, one value or two: the first operand goes into the high half.
fn to_half(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let modifiers = FloatModifiers::of(i);
    let ty = if matches!(i.ty("D"), ScalarType::F16 | ScalarType::F16x2) { Type::F16 } else { Type::BF16 };
    let mut halves = Vec::new();
    let names: &[&str] = if i.ty("D").packed_lanes() == 2 { &["b", "a"] } else { &["a"] };
    for name in names {
        let value = cx.source(i, name)?;
        let half = cx.float_to_float(modifiers, ty, value);
        halves.push(if i.has("satfinite") { finite(cx, half) } else { half });
    }
    let d = if halves.len() == 2 { cx.pack(&halves) } else { halves[0] };
    cx.write(i, "d", d)
}

/// An infinity becomes the largest finite number of its sign.
fn finite(cx: &mut Lowering<'_>, value: Value) -> Value {
    let ty = cx.ty(value);
    let infinity = match ty {
        Type::F16 => 0x7c00,
        Type::BF16 => 0x7f80,
        _ => 0x7f80_0000,
    };
    let bits = cx.as_int(value);
    let magnitude = cx.binary_constant(BinaryOp::And, bits, (1 << (ty.bits() - 1)) - 1);
    let infinity = cx.constant(ty.to_int(), infinity);
    let is_infinite = cx.compare(IntCondition::Eq, magnitude, infinity);
    let below = cx.binary_constant(BinaryOp::Sub, bits, 1);
    let result = cx.select(is_infinite, below, bits);
    cx.bitcast(ty, result)
}

/// The low 13 bits of the fraction are rounded away.
fn to_tf32(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let bits = cx.as_int(a);
    let rounded = match i.slot("RND") {
        Some("rna") => cx.binary_constant(BinaryOp::Add, bits, 0x1000),
        Some("rn") => {
            let last = cx.shift_right_by(false, bits, 13);
            let last = cx.binary_constant(BinaryOp::And, last, 1);
            let sum = cx.binary_constant(BinaryOp::Add, bits, 0xfff);
            cx.binary(BinaryOp::Add, sum, last)
        }
        _ => bits,
    };
    let mut d = cx.binary_constant(BinaryOp::And, rounded, !0x1fff);
    if i.has("satfinite") {
        let value = cx.bitcast(Type::F32, d);
        let value = finite(cx, value);
        let finite_bits = cx.as_int(value);
        // The largest finite number with ten bits of fraction.
        d = cx.binary_constant(BinaryOp::And, finite_bits, !0x1fff);
    }
    if i.has("relu") {
        let negative_or_zero = cx.binary_constant(BinaryOp::MaxSigned, d, 0);
        d = negative_or_zero;
    }
    // A NaN is cut like everything else where ties go away from zero, and canonical before it is cut elsewhere.
    let is_nan = cx.float_compare(FloatCondition::Unordered, false, a, a);
    let nan = match (i.slot("RND"), i.has("satfinite")) {
        (Some("rna"), false) => cx.binary_constant(BinaryOp::And, bits, !0x1fff),
        // As the card does: one step towards zero, as for an infinity.
        (Some("rna"), true) => {
            let cut = cx.binary_constant(BinaryOp::And, bits, !0x1fff);
            cx.binary_constant(BinaryOp::Sub, cut, 0x2000)
        }
        _ => cx.word(0x7fff_e000),
    };
    let d = cx.select(is_nan, nan, d);
    cx.write(i, "d", d)
}

/// `a` and `b` saturated to narrow integers, `a` in the higher place; `c`, moved up, fills the rest.
fn pack(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let name = i.slot("D").unwrap_or_default();
    let signed = name.starts_with('s');
    let bits: u32 = name[1..].parse().unwrap_or(16);
    let (low, high) = if signed { (-1i64 << (bits - 1), (1i64 << (bits - 1)) - 1) } else { (0, (1i64 << bits) - 1) };
    let mut narrow = Vec::new();
    for name in ["a", "b"] {
        let value = cx.source(i, name)?;
        let value = cx.binary_constant(BinaryOp::MaxSigned, value, low.cast_unsigned());
        let value = cx.binary_constant(BinaryOp::MinSigned, value, high.cast_unsigned());
        narrow.push(cx.binary_constant(BinaryOp::And, value, (1 << bits) - 1));
    }
    let upper = cx.shift_left_by(narrow[0], bits);
    let mut d = cx.binary(BinaryOp::Or, upper, narrow[1]);
    if i.operand("c").is_some() {
        let c = cx.source(i, "c")?;
        let c = cx.shift_left_by(c, 2 * bits);
        d = cx.binary(BinaryOp::Or, c, d);
    }
    cx.write(i, "d", d)
}
