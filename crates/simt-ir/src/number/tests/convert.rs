//! Conversions between integers and floats.

use super::{A, Rng, run};
use crate::{Op, Rounding, Type};

const INTEGERS: [(Type, u32); 4] = [(Type::I8, 8), (Type::I16, 16), (Type::I32, 32), (Type::I64, 64)];

fn to_int(signed: bool, rounding: Rounding, from: Type, to: Type, bits: u64) -> u64 {
    run(&Op::FloatToInt { signed, rounding, flush: false, from, to, a: A }, &[bits])
}

/// Rust's `as` truncates and clamps, as `cvt.rzi` does, once the fraction is gone.
#[test]
fn float_to_integer() {
    let mut rng = Rng(10);
    for case in 0..200_000 {
        let bits = if case % 2 == 0 {
            rng.float(64, 52)
        } else {
            // Near the limits of the integer types.
            let power = [7, 8, 15, 16, 31, 32, 63, 64][rng.next() as usize % 8];
            let near = 2f64.powi(power) + (rng.next() % 9) as f64 / 4.0 - 1.0;
            near.to_bits() | rng.next() & 1 << 63
        };
        let x = f64::from_bits(bits);
        if x.is_nan() {
            continue;
        }
        for (rounding, rounded) in [
            (Rounding::NearestEven, x.round_ties_even()),
            (Rounding::TowardZero, x.trunc()),
            (Rounding::TowardNegative, x.floor()),
            (Rounding::TowardPositive, x.ceil()),
            (Rounding::NearestAway, x.round()),
        ] {
            for (ty, width) in INTEGERS {
                let mask = u64::MAX >> (64 - width);
                let signed = match width {
                    8 => rounded as i8 as u64,
                    16 => rounded as i16 as u64,
                    32 => rounded as i32 as u64,
                    _ => rounded as i64 as u64,
                };
                let unsigned = match width {
                    8 => u64::from(rounded as u8),
                    16 => u64::from(rounded as u16),
                    32 => u64::from(rounded as u32),
                    _ => rounded as u64,
                };
                assert_eq!(
                    to_int(true, rounding, Type::F64, ty, bits),
                    signed & mask,
                    "{rounding:?} {x:e} to s{width}"
                );
                assert_eq!(to_int(false, rounding, Type::F64, ty, bits), unsigned, "{rounding:?} {x:e} to u{width}");
            }
        }
    }
}

/// NaN to integer, by the table of PTX ISA's `cvt`.
#[test]
fn nan_to_integer() {
    for signed in [false, true] {
        for (ty, width) in INTEGERS {
            let top = 1u64 << (width - 1);
            let from_single = if width == 64 { top } else { 0 };
            assert_eq!(to_int(signed, Rounding::TowardZero, Type::F32, ty, 0x7fc0_0000), from_single);
            assert_eq!(to_int(signed, Rounding::TowardZero, Type::F16, ty, 0x7e00), from_single);
            assert_eq!(to_int(signed, Rounding::TowardZero, Type::F64, ty, 0x7ff8_0000_0000_0000), top);
        }
    }
}

#[test]
fn integer_to_float() {
    let mut rng = Rng(11);
    let convert = |signed, from, to, bits| {
        run(&Op::IntToFloat { signed, rounding: Rounding::NearestEven, from, to, a: A }, &[bits])
    };
    for _ in 0..200_000 {
        let bits = rng.next() >> (rng.next() % 64);
        assert_eq!(convert(true, Type::I64, Type::F64, bits), (bits as i64 as f64).to_bits());
        assert_eq!(convert(false, Type::I64, Type::F64, bits), (bits as f64).to_bits());
        assert_eq!(convert(true, Type::I64, Type::F32, bits), u64::from((bits as i64 as f32).to_bits()));
        assert_eq!(convert(false, Type::I64, Type::F32, bits), u64::from((bits as f32).to_bits()));
        let word = bits & 0xffff_ffff;
        assert_eq!(convert(true, Type::I32, Type::F32, word), u64::from((word as i32 as f32).to_bits()));
        assert_eq!(convert(true, Type::I8, Type::F32, word), u64::from((word as i8 as f32).to_bits()));
        assert_eq!(convert(false, Type::I16, Type::F32, word), u64::from((word as u16 as f32).to_bits()));
    }
    assert_eq!(convert(false, Type::I32, Type::F16, 65519), 0x7bff);
    assert_eq!(convert(false, Type::I32, Type::F16, 65520), 0x7c00);
    assert_eq!(convert(true, Type::I32, Type::F16, -1i32 as u64), 0xbc00);
}
