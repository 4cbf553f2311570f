//! Conversion to and from floats of 8, 6 and 4 bits, two at a time (PTX ISA 9.7.9.21). The first operand is the higher one.

use simt_ir::{BinaryOp, FloatBinaryOp, IntCondition, Type, Value};

use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{FloatModifiers, Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "cvt.rn.satfinite.relu?.D{e4m3x2 e5m2x2}.A{f32} =d:b16, a:A, b:A @8.1 sm_89",
            "cvt.rn.satfinite.relu?.D{e2m3x2 e3m2x2}.A{f32} =d:b16, a:A, b:A @8.6 sm_100",
            "cvt.rn.satfinite.relu?.D{e2m1x2}.A{f32} =d:b8, a:A, b:A @8.6 sm_100",
            "cvt.rn.satfinite.relu?.D{e4m3x2 e5m2x2}.A{f16x2} =d:b16, a:b32 @8.1 sm_89",
            "cvt.rn.satfinite.relu?.D{e2m1x2}.A{f16x2} =d:b8, a:b32 @8.6 sm_100",
            // Of later versions of PTX.
            "cvt.rn.satfinite.relu?.D{e2m3x2 e3m2x2}.A{f16x2} =d:b16, a:b32 @9.1 sm_100",
            "cvt.rn.satfinite.relu?.D{e4m3x2 e5m2x2 e2m3x2 e3m2x2}.A{bf16x2} =d:b16, a:b32 @9.1 sm_100",
            "cvt.rn.satfinite.relu?.D{e2m1x2}.A{bf16x2} =d:b8, a:b32 @9.1 sm_100",
        ],
        guarding: Guarding::Select,
        lower: to_narrow,
    },
    Declaration {
        forms: &[
            "cvt.rn.relu?.D{f16x2}.A{e4m3x2 e5m2x2} =d:b32, a:b16 @8.1 sm_89",
            "cvt.rn.relu?.D{f16x2}.A{e2m3x2 e3m2x2} =d:b32, a:b16 @8.6 sm_100",
            "cvt.rn.relu?.D{f16x2}.A{e2m1x2} =d:b32, a:b8 @8.6 sm_100",
        ],
        guarding: Guarding::Select,
        lower: from_narrow,
    },
    Declaration {
        forms: &[
            "cvt.RND{rz rp}.satfinite?.D{ue8m0x2}.A{f32} =d:b16, a:A, b:A @8.6 sm_100",
            "cvt.RND{rz rp}.satfinite?.D{ue8m0x2}.A{bf16x2} =d:b16, a:b32 @8.6 sm_100",
        ],
        guarding: Guarding::Select,
        lower: to_scale,
    },
    Declaration {
        forms: &["cvt.rn.D{bf16x2}.A{ue8m0x2} =d:b32, a:b16 @8.6 sm_100"],
        guarding: Guarding::Select,
        lower: from_scale,
    },
];

/// A format of sign, exponent and fraction.
pub(crate) struct Format {
    /// Where the sign is; below it are exponent and fraction.
    pub sign_at: u32,
    /// Bits of the fraction.
    pub fraction: u32,
    /// What is added to the exponent.
    pub bias: u32,
    /// The largest finite number.
    pub largest: u32,
    /// The number that stands for a NaN: a NaN where the format has one, or else the largest.
    pub nan: u32,
    /// Bits between the two numbers of a pair.
    pub apart: u32,
}

/// The format of one number of a packed type.
pub(crate) fn format(name: Option<&str>) -> Format {
    match name {
        Some("e4m3x2") => Format { sign_at: 7, fraction: 3, bias: 7, largest: 0x7e, nan: 0x7f, apart: 8 },
        Some("e5m2x2") => Format { sign_at: 7, fraction: 2, bias: 15, largest: 0x7b, nan: 0x7f, apart: 8 },
        Some("e2m3x2") => Format { sign_at: 5, fraction: 3, bias: 1, largest: 0x1f, nan: 0x1f, apart: 8 },
        Some("e3m2x2") => Format { sign_at: 5, fraction: 2, bias: 3, largest: 0x1f, nan: 0x1f, apart: 8 },
        _ => Format { sign_at: 3, fraction: 1, bias: 1, largest: 0x7, nan: 0x7, apart: 4 },
    }
}

const F32_FRACTION: u32 = 23;
const F32_BIAS: u32 = 127;
const F16_FRACTION: u32 = 10;
const F16_BIAS: u32 = 15;

impl Format {
    /// The bits of the `f32` with the same value as the finite, normal number `code`.
    pub(crate) fn single(&self, code: u32) -> u32 {
        (code << (F32_FRACTION - self.fraction)) + ((F32_BIAS - self.bias) << F32_FRACTION)
    }

    /// The nearest number to the `f32` `a`, in an `i32`.
    fn narrowed(&self, cx: &mut Lowering<'_>, relu: bool, a: Value) -> Value {
        let bits = cx.as_int(a);
        let magnitude = cx.binary_constant(BinaryOp::And, bits, 0x7fff_ffff);
        let infinity = cx.word(0x7f80_0000);
        let is_nan = cx.compare(IntCondition::GtUnsigned, magnitude, infinity);
        let magnitude = cx.binary_constant(BinaryOp::MinUnsigned, magnitude, u64::from(self.single(self.largest)));
        let normal = self.normal(cx, magnitude);
        let subnormal = self.subnormal(cx, magnitude);
        let smallest_normal = cx.word(self.single(1 << self.fraction));
        let is_small = cx.compare(IntCondition::LtUnsigned, magnitude, smallest_normal);
        let code = cx.select(is_small, subnormal, normal);
        let code = if relu {
            let zero = cx.word(0);
            let is_negative = cx.compare(IntCondition::LtSigned, bits, zero);
            cx.select(is_negative, zero, code)
        } else {
            let sign = cx.shift_right_by(false, bits, 31);
            let sign = cx.shift_left_by(sign, self.sign_at);
            cx.binary(BinaryOp::Or, code, sign)
        };
        let nan = cx.word(self.nan);
        cx.select(is_nan, nan, code)
    }

    /// The fraction rounded to nearest even, where the result is a normal number.
    fn normal(&self, cx: &mut Lowering<'_>, magnitude: Value) -> Value {
        let dropped = F32_FRACTION - self.fraction;
        let last = cx.shift_right_by(false, magnitude, dropped);
        let last = cx.binary_constant(BinaryOp::And, last, 1);
        let rounded = cx.binary_constant(BinaryOp::Add, magnitude, (1 << (dropped - 1)) - 1);
        let rounded = cx.binary(BinaryOp::Add, rounded, last);
        let rounded = cx.shift_right_by(false, rounded, dropped);
        cx.binary_constant(BinaryOp::Sub, rounded, u64::from((F32_BIAS - self.bias) << self.fraction))
    }

    /// A multiple of the smallest number. A sum whose last place is that number rounds to it, and ends in the multiple.
    fn subnormal(&self, cx: &mut Lowering<'_>, magnitude: Value) -> Value {
        let bits = (F32_BIAS + F32_FRACTION + 1 - self.bias - self.fraction) << F32_FRACTION;
        let power = cx.constant(Type::F32, u64::from(bits));
        let magnitude = cx.bitcast(Type::F32, magnitude);
        let sum = cx.float_binary(FloatBinaryOp::Add, FloatModifiers::PLAIN, magnitude, power);
        let sum = cx.as_int(sum);
        cx.binary_constant(BinaryOp::Sub, sum, u64::from(bits))
    }

    /// The number `code`, an `i16`, as `f16`, which has all of them; in an `i16`.
    fn widened(&self, cx: &mut Lowering<'_>, relu: bool, code: Value) -> Value {
        let magnitude = cx.binary_constant(BinaryOp::And, code, (1 << self.sign_at) - 1);
        let mut bits = cx.shift_left_by(magnitude, F16_FRACTION - self.fraction);
        if self.bias != F16_BIAS {
            let power = u64::from((2 * F16_BIAS - self.bias) << F16_FRACTION);
            let (value, power) = (cx.bitcast(Type::F16, bits), cx.constant(Type::F16, power));
            let value = cx.float_binary(FloatBinaryOp::Mul, FloatModifiers::PLAIN, value, power);
            bits = cx.as_int(value);
        }
        let sign = cx.binary_constant(BinaryOp::And, code, 1 << self.sign_at);
        bits = if relu {
            let zero = cx.constant(Type::I16, 0);
            let is_positive = cx.is_zero(sign);
            cx.select(is_positive, bits, zero)
        } else {
            let sign = cx.shift_left_by(sign, 15 - self.sign_at);
            cx.binary(BinaryOp::Or, bits, sign)
        };
        let Some(infinity) = self.infinity() else { return bits };
        let (infinity, nan) = (cx.constant(Type::I16, infinity), cx.constant(Type::I16, 0x7fff));
        let is_nan = cx.compare(IntCondition::GtUnsigned, magnitude, infinity);
        cx.select(is_nan, nan, bits)
    }

    /// What is greater is a NaN, if the format has NaNs.
    pub(crate) fn infinity(&self) -> Option<u64> {
        match (self.nan == self.largest, self.bias == F16_BIAS) {
            (true, _) => None,
            // The one format with infinities.
            (false, true) => Some(u64::from(self.largest) + 1),
            (false, false) => Some(u64::from(self.largest)),
        }
    }
}

/// The two `f32` to be converted, the lower one first: two operands, or the halves of one.
fn sources(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<[Value; 2], Problem> {
    let half = match i.slot("A") {
        Some("f16x2") => Type::F16,
        Some("bf16x2") => Type::BF16,
        _ => return Ok([cx.source(i, "b")?, cx.source(i, "a")?]),
    };
    let a = cx.source(i, "a")?;
    let halves = cx.unpack(a, 2);
    Ok([0, 1].map(|index: usize| {
        let value = cx.bitcast(half, halves[index]);
        cx.float_to_float(FloatModifiers::PLAIN, Type::F32, value)
    }))
}

/// Sets the result to two numbers, each in an `i32`.
fn write_pair(cx: &mut Lowering<'_>, i: &Checked<'_>, [low, high]: [Value; 2], apart: u32) -> Result<(), Problem> {
    let high = cx.shift_left_by(high, apart);
    let pair = cx.binary(BinaryOp::Or, low, high);
    let pair = cx.resize(false, Type::int(2 * apart).unwrap_or(Type::I16), pair);
    cx.write(i, "d", pair)
}

fn to_narrow(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let format = format(i.slot("D"));
    let pair = sources(cx, i)?.map(|value| format.narrowed(cx, i.has("relu"), value));
    write_pair(cx, i, pair, format.apart)
}

fn from_narrow(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let format = format(i.slot("A"));
    let a = cx.source(i, "a")?;
    let a = cx.resize(false, Type::I16, a);
    let high = cx.shift_right_by(false, a, format.apart);
    let halves = [a, high].map(|code| format.widened(cx, i.has("relu"), code));
    let d = cx.pack(&halves);
    cx.write(i, "d", d)
}

/// A power of two at or beside the magnitude of each number: its exponent alone, from -127 on. 255 stands for a NaN and,
/// without `.satfinite`, for what is too large.
fn to_scale(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let largest = if i.has("satfinite") { 0xfe } else { 0xff };
    let up = i.slot("RND") == Some("rp");
    let pair = sources(cx, i)?.map(|value| {
        let bits = cx.as_int(value);
        let magnitude = cx.binary_constant(BinaryOp::And, bits, 0x7fff_ffff);
        let mut exponent = cx.shift_right_by(false, magnitude, F32_FRACTION);
        if up {
            // Any fraction leads to the next power; a subnormal number only from above the lowest power.
            let fraction = cx.binary_constant(BinaryOp::And, magnitude, 0x007f_ffff);
            let (zero, lowest) = (cx.word(0), cx.word(0x0040_0000));
            let between = cx.compare(IntCondition::Ne, fraction, zero);
            let above = cx.compare(IntCondition::GtUnsigned, magnitude, lowest);
            let next = cx.binary(BinaryOp::And, between, above);
            let next = cx.resize(false, Type::I32, next);
            exponent = cx.binary(BinaryOp::Add, exponent, next);
        }
        let exponent = cx.binary_constant(BinaryOp::MinUnsigned, exponent, largest);
        let (infinity, nan) = (cx.word(0x7f80_0000), cx.word(0xff));
        let is_nan = cx.compare(IntCondition::GtUnsigned, magnitude, infinity);
        cx.select(is_nan, nan, exponent)
    });
    write_pair(cx, i, pair, 8)
}

/// The exponent alone makes the number, but for the lowest power, which is subnormal, and NaN.
fn from_scale(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = cx.source(i, "a")?;
    let mut halves = Vec::new();
    for exponent in cx.unpack(a, 2) {
        let exponent = cx.resize(false, Type::I16, exponent);
        let bits = cx.shift_left_by(exponent, 7);
        let (lowest, infinity, nan) =
            (cx.constant(Type::I16, 0x0040), cx.constant(Type::I16, 0x7f80), cx.constant(Type::I16, 0x7fff));
        let bits = cx.binary(BinaryOp::MaxUnsigned, bits, lowest);
        let is_nan = cx.compare(IntCondition::Eq, bits, infinity);
        halves.push(cx.select(is_nan, nan, bits));
    }
    let d = cx.pack(&halves);
    cx.write(i, "d", d)
}
