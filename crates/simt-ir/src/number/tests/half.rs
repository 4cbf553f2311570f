//! f16 and bf16: conversions and unary operations on every pattern, arithmetic against exact fixed-point numbers.

use super::{A, DIRECTED, Rng, binary, fma, run, unary};
use crate::{FloatBinaryOp, FloatUnaryOp, Op, Rounding, Type};

fn convert(rounding: Rounding, from: Type, to: Type, bits: u64) -> u64 {
    run(&Op::FloatToFloat { rounding, flush: false, saturate: false, relu: false, from, to, a: A }, &[bits])
}

/// The value of a pattern, by the definition of the format.
fn value(fraction_bits: u32, bits: u64) -> f64 {
    let exponent_bits = 15 - fraction_bits;
    let exponent = (bits >> fraction_bits & ((1 << exponent_bits) - 1)) as i32;
    let fraction = (bits & ((1 << fraction_bits) - 1)) as f64 / f64::from(1u32 << fraction_bits);
    let bias = (1 << (exponent_bits - 1)) - 1;
    let magnitude = if exponent == (1 << exponent_bits) - 1 {
        if fraction == 0.0 { f64::INFINITY } else { f64::NAN }
    } else if exponent == 0 {
        fraction * 2f64.powi(1 - bias)
    } else {
        (1.0 + fraction) * 2f64.powi(exponent - bias)
    };
    if bits & 0x8000 != 0 { -magnitude } else { magnitude }
}

#[test]
fn widening_is_exact() {
    for bits in 0..=0xffffu64 {
        for (ty, fraction_bits) in [(Type::F16, 10), (Type::BF16, 7)] {
            let expected = value(fraction_bits, bits);
            let wide = f64::from_bits(convert(Rounding::TowardZero, ty, Type::F64, bits));
            let single = f32::from_bits(convert(Rounding::TowardZero, ty, Type::F32, bits) as u32);
            if expected.is_nan() {
                assert!(wide.is_nan());
                let moved = if ty == Type::BF16 { (bits as u32) << 16 } else { 0x7fff_ffff };
                assert_eq!(single.to_bits(), moved);
            } else {
                assert_eq!(wide.to_bits(), expected.to_bits(), "{ty} {bits:#x}");
                assert_eq!(f64::from(single).to_bits(), expected.to_bits(), "{ty} {bits:#x}");
            }
        }
    }
}

/// Every interval between neighbours: its lower end, a bit more, the middle, a bit more, in all roundings.
#[test]
fn narrowing_in_all_roundings() {
    for (ty, fraction_bits, infinity) in [(Type::F16, 10, 0x7c00u64), (Type::BF16, 7, 0x7f80)] {
        for low in 0..infinity {
            let high = low + 1;
            let bottom = value(fraction_bits, low);
            let top = if high == infinity {
                2.0 * bottom - value(fraction_bits, low - 1)
            } else {
                value(fraction_bits, high)
            };
            let middle = (bottom + top) / 2.0;
            let even = if low & 1 == 0 { low } else { high };
            let above = |x: f64| f64::from_bits(x.to_bits() + 1);
            let below = |x: f64| f64::from_bits(x.to_bits() - 1);
            let largest = if high == infinity { low } else { high };
            let _ = largest;
            // (value, nearest even, toward zero, toward positive, nearest away)
            let cases = [
                (bottom, low, low, low, low),
                (above(bottom), low, low, high, low),
                (below(middle), low, low, high, low),
                (middle, even, low, high, high),
                (above(middle), high, low, high, high),
                (below(top), high, low, high, high),
            ];
            for (x, even, zero, up, away) in cases {
                let narrow = |rounding, x: f64| convert(rounding, Type::F64, ty, x.to_bits());
                let what = format!("{ty} {x:e}");
                assert_eq!(narrow(Rounding::NearestEven, x), even, "{what}");
                assert_eq!(narrow(Rounding::TowardZero, x), zero, "{what}");
                assert_eq!(narrow(Rounding::TowardNegative, x), zero, "{what}");
                assert_eq!(narrow(Rounding::TowardPositive, x), up, "{what}");
                assert_eq!(narrow(Rounding::NearestAway, x), away, "{what}");
                assert_eq!(narrow(Rounding::NearestEven, -x), even | 0x8000, "-{what}");
                assert_eq!(narrow(Rounding::TowardZero, -x), zero | 0x8000, "-{what}");
                assert_eq!(narrow(Rounding::TowardNegative, -x), up | 0x8000, "-{what}");
                assert_eq!(narrow(Rounding::TowardPositive, -x), zero | 0x8000, "-{what}");
            }
        }
    }
}

#[test]
fn square_roots_and_reciprocals_of_every_f16() {
    for bits in 0..=0xffffu64 {
        let x = value(10, bits);
        // A correctly rounded f64 result rounds once more without harm: 53 >= 2 * 11 + 2.
        let nearest = |y: f64| {
            if y.is_nan() { 0x7fff } else { convert(Rounding::NearestEven, Type::F64, Type::F16, y.to_bits()) }
        };
        assert_eq!(unary(FloatUnaryOp::Sqrt, Type::F16, Rounding::NearestEven, bits), nearest(x.sqrt()), "{bits:#x}");
        assert_eq!(unary(FloatUnaryOp::Rcp, Type::F16, Rounding::NearestEven, bits), nearest(1.0 / x), "{bits:#x}");
        if x > 0.0 && x.is_finite() {
            let down = unary(FloatUnaryOp::Sqrt, Type::F16, Rounding::TowardZero, bits);
            let up = unary(FloatUnaryOp::Sqrt, Type::F16, Rounding::TowardPositive, bits);
            let (low, high) = (value(10, down), value(10, up));
            assert!(low * low <= x && x <= high * high, "{bits:#x}");
            assert!(up - down == u64::from(low * low != x), "{bits:#x}");
        }
    }
}

/// f16 numbers as multiples of 2^-48, which products and sums of three are exactly.
fn fixed(bits: u64) -> i128 {
    (value(10, bits) * 2f64.powi(48)) as i128
}

/// Rounds a multiple of 2^-48 to f16 by looking for its neighbours.
fn round_fixed(exact: i128, rounding: Rounding) -> u64 {
    let negative = exact < 0;
    let magnitude = exact.abs();
    // The largest finite pattern that is not above; patterns of one sign are ordered as their values.
    let (mut low, mut high) = (0u64, 0x7c00u64);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if fixed(middle) <= magnitude { low = middle } else { high = middle }
    }
    let bottom = fixed(low);
    let top = if high == 0x7c00 { 1i128 << (16 + 48) } else { fixed(high) };
    let away_from_zero = match rounding {
        Rounding::TowardZero => false,
        Rounding::TowardNegative => negative,
        Rounding::TowardPositive => !negative,
        Rounding::NearestEven | Rounding::NearestAway => {
            let twice = 2 * magnitude - bottom;
            twice > top || (twice == top && low & 1 == 1)
        }
    };
    let chosen = if magnitude > bottom && away_from_zero { high } else { low };
    chosen | if negative { 0x8000 } else { 0 }
}

#[test]
fn f16_arithmetic_rounds_once() {
    let mut rng = Rng(7);
    for _ in 0..100_000 {
        let [a, b, c] = [(); 3].map(|()| rng.float(16, 10));
        if [a, b, c].iter().any(|bits| bits & 0x7c00 == 0x7c00) {
            continue;
        }
        for rounding in DIRECTED {
            let expect = |exact: i128, zero: u64| if exact == 0 { zero } else { round_fixed(exact, rounding) };
            let what = format!("{rounding:?} {a:#x} {b:#x} {c:#x}");
            let negative_zero = if rounding == Rounding::TowardNegative { 0x8000 } else { 0 };
            let sum_zero = |x: u64, y: u64| if (x ^ y) & 0x8000 == 0 && fixed(x) == 0 { x } else { negative_zero };
            let sum = binary(FloatBinaryOp::Add, Type::F16, rounding, a, b);
            assert_eq!(sum, expect(fixed(a) + fixed(b), sum_zero(a, b)), "{what}");
            let product = (fixed(a) >> 24) * (fixed(b) >> 24);
            let product_sign = (a ^ b) & 0x8000;
            assert_eq!(binary(FloatBinaryOp::Mul, Type::F16, rounding, a, b), expect(product, product_sign), "{what}");
            let fma_zero = if product == 0 { sum_zero(product_sign, c) } else { negative_zero };
            assert_eq!(fma(Type::F16, rounding, a, b, c), expect(product + fixed(c), fma_zero), "{what}");
        }
    }
}

/// Products of bf16 are exact in f64, and so are sums of numbers of like size.
#[test]
fn bf16_arithmetic_rounds_once() {
    let mut rng = Rng(8);
    for _ in 0..100_000 {
        let (a, b) = (rng.float(16, 7), rng.float(16, 7));
        let (x, y) = (value(7, a), value(7, b));
        for rounding in DIRECTED {
            let narrow = |exact: f64| {
                if exact.is_nan() { 0x7fff } else { convert(rounding, Type::F64, Type::BF16, exact.to_bits()) }
            };
            let what = format!("{rounding:?} {a:#x} {b:#x}");
            assert_eq!(binary(FloatBinaryOp::Mul, Type::BF16, rounding, a, b), narrow(x * y), "{what}");
            let apart = ((a >> 7 & 0xff) as i32 - (b >> 7 & 0xff) as i32).abs();
            if apart < 40 && x + y != 0.0 {
                assert_eq!(binary(FloatBinaryOp::Add, Type::BF16, rounding, a, b), narrow(x + y), "{what}");
            }
        }
    }
}
