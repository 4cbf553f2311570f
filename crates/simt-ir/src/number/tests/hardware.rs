//! f32 and f64 arithmetic against the host's unit, in all four rounding modes.

use super::{DIRECTED, Rng, binary, fma, unary};
use crate::{FloatBinaryOp, FloatUnaryOp, Rounding, Type};

const CASES: usize = 200_000;

fn same_f32(ours: u64, host: f32, what: &str) {
    let expected = if host.is_nan() { 0x7fff_ffff } else { u64::from(host.to_bits()) };
    assert_eq!(ours, expected, "{what}: {ours:#x}, the host says {expected:#x}");
}

fn same_f64(ours: u64, host: f64, what: &str) {
    if host.is_nan() {
        assert!(f64::from_bits(ours).is_nan(), "{what}: {ours:#x}, the host says NaN");
    } else {
        assert_eq!(ours, host.to_bits(), "{what}: {ours:#x}, the host says {:#x}", host.to_bits());
    }
}

#[test]
fn f32_to_nearest() {
    let mut rng = Rng(1);
    for _ in 0..CASES {
        let (a, b, c) = (rng.float(32, 23), rng.float(32, 23), rng.float(32, 23));
        let (x, y, z) = (f32::from_bits(a as u32), f32::from_bits(b as u32), f32::from_bits(c as u32));
        let near = Rounding::NearestEven;
        let what = format!("{a:#x} {b:#x} {c:#x}");
        same_f32(binary(FloatBinaryOp::Add, Type::F32, near, a, b), x + y, &what);
        same_f32(binary(FloatBinaryOp::Sub, Type::F32, near, a, b), x - y, &what);
        same_f32(binary(FloatBinaryOp::Mul, Type::F32, near, a, b), x * y, &what);
        same_f32(binary(FloatBinaryOp::Div, Type::F32, near, a, b), x / y, &what);
        same_f32(unary(FloatUnaryOp::Sqrt, Type::F32, near, a), x.sqrt(), &what);
        same_f32(unary(FloatUnaryOp::Rcp, Type::F32, near, a), 1.0 / x, &what);
        same_f32(fma(Type::F32, near, a, b, c), x.mul_add(y, z), &what);
    }
}

#[test]
fn f64_to_nearest() {
    let mut rng = Rng(2);
    for _ in 0..CASES {
        let (a, b, c) = (rng.float(64, 52), rng.float(64, 52), rng.float(64, 52));
        let (x, y, z) = (f64::from_bits(a), f64::from_bits(b), f64::from_bits(c));
        let near = Rounding::NearestEven;
        let what = format!("{a:#x} {b:#x} {c:#x}");
        same_f64(binary(FloatBinaryOp::Add, Type::F64, near, a, b), x + y, &what);
        same_f64(binary(FloatBinaryOp::Sub, Type::F64, near, a, b), x - y, &what);
        same_f64(binary(FloatBinaryOp::Mul, Type::F64, near, a, b), x * y, &what);
        same_f64(binary(FloatBinaryOp::Div, Type::F64, near, a, b), x / y, &what);
        same_f64(unary(FloatUnaryOp::Sqrt, Type::F64, near, a), x.sqrt(), &what);
        same_f64(unary(FloatUnaryOp::Rcp, Type::F64, near, a), 1.0 / x, &what);
        same_f64(fma(Type::F64, near, a, b, c), x.mul_add(y, z), &what);
    }
}

#[test]
fn to_integral() {
    let mut rng = Rng(3);
    for _ in 0..CASES {
        let a = rng.float(64, 52);
        let x = f64::from_bits(a);
        let round = |rounding| unary(FloatUnaryOp::RoundToIntegral, Type::F64, rounding, a);
        let what = format!("{a:#x}");
        same_f64(round(Rounding::NearestEven), x.round_ties_even(), &what);
        same_f64(round(Rounding::NearestAway), x.round(), &what);
        same_f64(round(Rounding::TowardZero), x.trunc(), &what);
        same_f64(round(Rounding::TowardNegative), x.floor(), &what);
        same_f64(round(Rounding::TowardPositive), x.ceil(), &what);
    }
}

/// The host's instructions under a rounding mode of MXCSR.
#[cfg(target_arch = "x86_64")]
mod mxcsr {
    use crate::Rounding;
    use std::arch::asm;

    /// All exceptions masked, and the rounding.
    fn control(rounding: Rounding) -> u32 {
        0x1f80
            | match rounding {
                Rounding::NearestEven | Rounding::NearestAway => 0,
                Rounding::TowardNegative => 0x2000,
                Rounding::TowardPositive => 0x4000,
                Rounding::TowardZero => 0x6000,
            }
    }

    macro_rules! two_operands {
        ($name:ident, $ty:ty, $instruction:literal) => {
            pub fn $name(rounding: Rounding, mut a: $ty, b: $ty) -> $ty {
                let (control, mut saved) = (control(rounding), 0u32);
                // SAFETY: the block sets MXCSR, computes in registers, and puts MXCSR back.
                unsafe {
                    asm!("stmxcsr [{saved}]", "ldmxcsr [{control}]", $instruction, "ldmxcsr [{saved}]",
                        saved = in(reg) &raw mut saved, control = in(reg) &raw const control,
                        a = inout(xmm_reg) a, b = in(xmm_reg) b, options(nostack));
                }
                a
            }
        };
    }

    two_operands!(add_f32, f32, "addss {a}, {b}");
    two_operands!(sub_f32, f32, "subss {a}, {b}");
    two_operands!(mul_f32, f32, "mulss {a}, {b}");
    two_operands!(div_f32, f32, "divss {a}, {b}");
    two_operands!(sqrt_f32, f32, "sqrtss {a}, {b}");
    two_operands!(add_f64, f64, "addsd {a}, {b}");
    two_operands!(sub_f64, f64, "subsd {a}, {b}");
    two_operands!(mul_f64, f64, "mulsd {a}, {b}");
    two_operands!(div_f64, f64, "divsd {a}, {b}");
    two_operands!(sqrt_f64, f64, "sqrtsd {a}, {b}");

    macro_rules! three_operands {
        ($name:ident, $ty:ty, $instruction:literal) => {
            /// `a * b + c`; only where the processor has FMA.
            pub fn $name(rounding: Rounding, mut a: $ty, b: $ty, c: $ty) -> $ty {
                let (control, mut saved) = (control(rounding), 0u32);
                // SAFETY: as above; the caller checked for FMA.
                unsafe {
                    asm!("stmxcsr [{saved}]", "ldmxcsr [{control}]", $instruction, "ldmxcsr [{saved}]",
                        saved = in(reg) &raw mut saved, control = in(reg) &raw const control,
                        a = inout(xmm_reg) a, b = in(xmm_reg) b, c = in(xmm_reg) c, options(nostack));
                }
                a
            }
        };
    }

    three_operands!(fma_f32, f32, "vfmadd213ss {a}, {b}, {c}");
    three_operands!(fma_f64, f64, "vfmadd213sd {a}, {b}, {c}");

    /// f64 to f32.
    pub fn narrow(rounding: Rounding, a: f64) -> f32 {
        let (control, mut saved, result): (u32, u32, f32);
        (control, saved) = (self::control(rounding), 0);
        // SAFETY: as above.
        unsafe {
            asm!("stmxcsr [{saved}]", "ldmxcsr [{control}]", "cvtsd2ss {result}, {a}", "ldmxcsr [{saved}]",
                saved = in(reg) &raw mut saved, control = in(reg) &raw const control,
                a = in(xmm_reg) a, result = out(xmm_reg) result, options(nostack));
        }
        result
    }

    /// i64 to f32.
    pub fn from_i64(rounding: Rounding, a: i64) -> f32 {
        let (control, mut saved, result): (u32, u32, f32);
        (control, saved) = (self::control(rounding), 0);
        // SAFETY: as above.
        unsafe {
            asm!("stmxcsr [{saved}]", "ldmxcsr [{control}]", "cvtsi2ss {result}, {a}", "ldmxcsr [{saved}]",
                saved = in(reg) &raw mut saved, control = in(reg) &raw const control,
                a = in(reg) a, result = out(xmm_reg) result, options(nostack));
        }
        result
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn f32_in_all_roundings() {
    let mut rng = Rng(4);
    let has_fma = std::arch::is_x86_feature_detected!("fma");
    for _ in 0..CASES / 2 {
        let (a, b, c) = (rng.float(32, 23), rng.float(32, 23), rng.float(32, 23));
        let (x, y, z) = (f32::from_bits(a as u32), f32::from_bits(b as u32), f32::from_bits(c as u32));
        for rounding in DIRECTED {
            let what = format!("{rounding:?} {a:#x} {b:#x} {c:#x}");
            same_f32(binary(FloatBinaryOp::Add, Type::F32, rounding, a, b), mxcsr::add_f32(rounding, x, y), &what);
            same_f32(binary(FloatBinaryOp::Sub, Type::F32, rounding, a, b), mxcsr::sub_f32(rounding, x, y), &what);
            same_f32(binary(FloatBinaryOp::Mul, Type::F32, rounding, a, b), mxcsr::mul_f32(rounding, x, y), &what);
            same_f32(binary(FloatBinaryOp::Div, Type::F32, rounding, a, b), mxcsr::div_f32(rounding, x, y), &what);
            same_f32(unary(FloatUnaryOp::Rcp, Type::F32, rounding, a), mxcsr::div_f32(rounding, 1.0, x), &what);
            same_f32(unary(FloatUnaryOp::Sqrt, Type::F32, rounding, a), mxcsr::sqrt_f32(rounding, x, x), &what);
            if has_fma {
                same_f32(fma(Type::F32, rounding, a, b, c), mxcsr::fma_f32(rounding, x, y, z), &what);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn f64_in_all_roundings() {
    let mut rng = Rng(5);
    let has_fma = std::arch::is_x86_feature_detected!("fma");
    for _ in 0..CASES / 2 {
        let (a, b, c) = (rng.float(64, 52), rng.float(64, 52), rng.float(64, 52));
        let (x, y, z) = (f64::from_bits(a), f64::from_bits(b), f64::from_bits(c));
        for rounding in DIRECTED {
            let what = format!("{rounding:?} {a:#x} {b:#x} {c:#x}");
            same_f64(binary(FloatBinaryOp::Add, Type::F64, rounding, a, b), mxcsr::add_f64(rounding, x, y), &what);
            same_f64(binary(FloatBinaryOp::Sub, Type::F64, rounding, a, b), mxcsr::sub_f64(rounding, x, y), &what);
            same_f64(binary(FloatBinaryOp::Mul, Type::F64, rounding, a, b), mxcsr::mul_f64(rounding, x, y), &what);
            same_f64(binary(FloatBinaryOp::Div, Type::F64, rounding, a, b), mxcsr::div_f64(rounding, x, y), &what);
            same_f64(unary(FloatUnaryOp::Rcp, Type::F64, rounding, a), mxcsr::div_f64(rounding, 1.0, x), &what);
            same_f64(unary(FloatUnaryOp::Sqrt, Type::F64, rounding, a), mxcsr::sqrt_f64(rounding, x, x), &what);
            if has_fma {
                same_f64(fma(Type::F64, rounding, a, b, c), mxcsr::fma_f64(rounding, x, y, z), &what);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn conversions_in_all_roundings() {
    use crate::Op;
    let mut rng = Rng(6);
    for _ in 0..CASES {
        // Half of the values lie where f32 has them too.
        let wide = rng.float(64, 52);
        let near = f64::from(f32::from_bits(rng.float(32, 23) as u32)).to_bits().wrapping_add(rng.next() % 8);
        let integer = rng.next() as i64 >> (rng.next() % 64);
        for rounding in DIRECTED {
            for bits in [wide, near] {
                let op = Op::FloatToFloat {
                    rounding,
                    flush: false,
                    saturate: false,
                    relu: false,
                    from: Type::F64,
                    to: Type::F32,
                    a: super::A,
                };
                let what = format!("{rounding:?} {bits:#x}");
                // NaNs too: the card and x86 keep the same bits of them.
                let expected = mxcsr::narrow(rounding, f64::from_bits(bits)).to_bits();
                assert_eq!(super::run(&op, &[bits]), u64::from(expected), "{what}: the host says {expected:#x}");
            }
            let op = Op::IntToFloat { signed: true, rounding, from: Type::I64, to: Type::F32, a: super::A };
            let what = format!("{rounding:?} {integer}");
            same_f32(super::run(&op, &[integer as u64]), mxcsr::from_i64(rounding, integer), &what);
        }
    }
}

/// f64 keeps NaN payloads: the first NaN operand, made quiet.
#[test]
fn f64_nan_payloads() {
    let (signalling, quiet, one) = (0x7ff0_0000_0000_0123, 0xfff8_0000_0000_0456, 0x3ff0_0000_0000_0000);
    let near = Rounding::NearestEven;
    assert_eq!(binary(FloatBinaryOp::Add, Type::F64, near, signalling, quiet), 0x7ff8_0000_0000_0123);
    assert_eq!(binary(FloatBinaryOp::Mul, Type::F64, near, one, quiet), quiet);
    assert_eq!(fma(Type::F64, near, one, one, signalling), 0x7ff8_0000_0000_0123);
    let infinity = 0x7ff0_0000_0000_0000;
    assert_eq!(binary(FloatBinaryOp::Sub, Type::F64, near, infinity, infinity), 0xfff8_0000_0000_0000);
}
