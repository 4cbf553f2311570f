//! Tables for `.ftz`, `.sat`, `.relu`, minimum, maximum, comparisons, and read-modify-write operations.

use super::{A, B, C, run};
use crate::number::{atomic, evaluate, reduce};
use crate::{AtomicOp, FloatBinaryOp, FloatCondition, FloatUnaryOp, Op, ReduceOp, Rounding, Type};

const NAN: u64 = 0x7fff_ffff;
const ONE: u64 = 0x3f80_0000;
const MINUS_ONE: u64 = 0xbf80_0000;
const MINUS_ZERO: u64 = 0x8000_0000;
const INFINITY: u64 = 0x7f80_0000;
const SMALLEST_NORMAL: u64 = 0x0080_0000;

fn binary(op: FloatBinaryOp, flush: bool, saturate: bool, a: u64, b: u64) -> u64 {
    run(&Op::FloatBinary { op, ty: Type::F32, rounding: Rounding::NearestEven, flush, saturate, a: A, b: B }, &[a, b])
}

#[test]
fn flush_to_zero() {
    use FloatBinaryOp::{Add, Max, Mul, Sub};
    for (op, a, b, kept, flushed) in [
        (Add, 1, 0, 1, 0),
        (Add, 0x8000_0001, MINUS_ZERO, 0x8000_0001, MINUS_ZERO),
        (Add, 0x8000_0001, 0, 0x8000_0001, 0),
        // Exact difference of normal numbers that is subnormal.
        (Sub, 0x0080_0001, SMALLEST_NORMAL, 1, 0),
        (Sub, SMALLEST_NORMAL, 0x0080_0001, 0x8000_0001, MINUS_ZERO),
        (Mul, SMALLEST_NORMAL, 0x3f00_0000, 0x0040_0000, 0),
        // Half way between the largest subnormal and the smallest normal number: rounds up, and stays.
        (Mul, 0x00ff_ffff, 0x3f00_0000, SMALLEST_NORMAL, SMALLEST_NORMAL),
        (Mul, 1, INFINITY, INFINITY, NAN),
        (Max, 1, 2, 2, 0),
        (Max, 0x8000_0001, 0x8000_0002, 0x8000_0001, MINUS_ZERO),
    ] {
        assert_eq!(binary(op, false, false, a, b), kept, "{op:?} {a:#x} {b:#x}");
        assert_eq!(binary(op, true, false, a, b), flushed, "{op:?}.ftz {a:#x} {b:#x}");
    }
    let negate = |flush| Op::FloatUnary {
        op: FloatUnaryOp::Neg,
        ty: Type::F32,
        rounding: Rounding::NearestEven,
        flush,
        saturate: false,
        a: A,
    };
    assert_eq!((run(&negate(false), &[1]), run(&negate(true), &[1])), (0x8000_0001, MINUS_ZERO));
    // f16 has `.ftz` too.
    let double = Op::FloatBinary {
        op: FloatBinaryOp::Add,
        ty: Type::F16,
        rounding: Rounding::NearestEven,
        flush: true,
        saturate: false,
        a: A,
        b: B,
    };
    assert_eq!((run(&double, &[0x03ff, 0]), run(&double, &[0x8001, 0x8001])), (0, 0x8000));
}

#[test]
fn saturation_and_relu() {
    use FloatBinaryOp::{Add, Mul, Sub};
    for (op, a, b, expected) in [
        (Add, ONE, ONE, ONE),
        (Add, ONE, 0, ONE),
        (Sub, 0, ONE, 0),
        (Mul, MINUS_ZERO, ONE, 0),
        (Add, INFINITY, 0, ONE),
        (Sub, INFINITY, INFINITY, 0),
        (Add, 1, 1, 2),
    ] {
        assert_eq!(binary(op, false, true, a, b), expected, "{op:?}.sat {a:#x} {b:#x}");
    }
    let relu = Op::Fma {
        ty: Type::F16,
        rounding: Rounding::NearestEven,
        flush: false,
        saturate: false,
        relu: true,
        a: A,
        b: B,
        c: C,
    };
    // 1 * x + 0: a number, a negative one, minus zero (1 * -0 + -0), NaN.
    for (b, c, expected) in [(0x4000, 0, 0x4000), (0xc000, 0, 0), (0x8000, 0x8000, 0), (0xfe00, 0, 0x7fff)] {
        assert_eq!(run(&relu, &[0x3c00, b, c]), expected);
    }
}

#[test]
fn minimum_and_maximum() {
    use FloatBinaryOp::{Max, MaxNan, Min, MinNan};
    let quiet = 0x7fc0_0000;
    for (op, a, b, expected) in [
        (Min, 0, MINUS_ZERO, MINUS_ZERO),
        (Min, MINUS_ZERO, 0, MINUS_ZERO),
        (Max, 0, MINUS_ZERO, 0),
        (Max, MINUS_ZERO, 0, 0),
        (Min, quiet, ONE, ONE),
        (Max, MINUS_ONE, quiet, MINUS_ONE),
        (Min, quiet, quiet, NAN),
        (MinNan, quiet, ONE, NAN),
        (MaxNan, ONE, quiet, NAN),
        (MaxNan, ONE, MINUS_ONE, ONE),
        (Min, INFINITY, ONE, ONE),
        (Max, INFINITY | MINUS_ZERO, MINUS_ONE, MINUS_ONE),
    ] {
        assert_eq!(binary(op, false, false, a, b), expected, "{op:?} {a:#x} {b:#x}");
    }
}

/// For each condition: less, equal, greater, unordered.
#[test]
fn comparisons() {
    use FloatCondition::*;
    for (condition, expected) in [
        (Eq, "-E--"),
        (Ne, "L-G-"),
        (Lt, "L---"),
        (Le, "LE--"),
        (Gt, "--G-"),
        (Ge, "-EG-"),
        (EqOrNan, "-E-N"),
        (NeOrNan, "L-GN"),
        (LtOrNan, "L--N"),
        (LeOrNan, "LE-N"),
        (GtOrNan, "--GN"),
        (GeOrNan, "-EGN"),
        (Ordered, "LEG-"),
        (Unordered, "---N"),
    ] {
        let compare =
            |flush, a, b| run(&Op::FloatCompare { condition, ty: Type::F32, flush, a: A, b: B }, &[a, b]) == 1;
        let row: String = [(MINUS_ONE, 0), (0, MINUS_ZERO), (INFINITY, ONE), (ONE, NAN)]
            .iter()
            .zip("LEGN".chars())
            .map(|((a, b), letter)| if compare(false, *a, *b) { letter } else { '-' })
            .collect();
        assert_eq!(row, expected, "{condition:?}");
        // Subnormals differ, unless they are flushed.
        assert_eq!(compare(false, 1, 2), expected.contains('L'), "{condition:?}");
        assert_eq!(compare(true, 1, 0x8000_0002), expected.contains('E'), "{condition:?}");
    }
}

#[test]
fn conversions_flush_saturate_and_clamp_to_zero() {
    let convert = |flush, saturate, relu, from, to, bits| {
        run(&Op::FloatToFloat { rounding: Rounding::NearestEven, flush, saturate, relu, from, to, a: A }, &[bits])
    };
    let (minus_half, tiny) = (0xbfe0_0000_0000_0000, 0x3690_0000_0000_0000);
    assert_eq!(convert(false, false, false, Type::F64, Type::F32, tiny), 0);
    assert_eq!(convert(false, false, false, Type::F64, Type::F32, tiny | 1), 1);
    assert_eq!(convert(true, false, false, Type::F64, Type::F32, tiny | 1), 0);
    assert_eq!(convert(false, true, false, Type::F64, Type::F32, minus_half), 0);
    assert_eq!(convert(false, false, true, Type::F32, Type::F16, 0xbf00_0000), 0);
    assert_eq!(convert(false, false, true, Type::F32, Type::BF16, NAN), 0x7fff);
    // Only subnormal f32 are flushed.
    assert_eq!(convert(true, false, false, Type::F16, Type::F32, 0x8001), 0xb380_0000);
    assert_eq!(convert(true, false, false, Type::F32, Type::F64, 0x8000_0001), 0x8000_0000_0000_0000);
    // bf16 and f32 are moved to f32 as bits; f16 has a canonical NaN.
    assert_eq!(convert(false, false, false, Type::BF16, Type::F32, 0xff81), 0xff81_0000);
    assert_eq!(convert(false, false, false, Type::F32, Type::F32, 0xff80_0001), 0xff80_0001);
    assert_eq!(convert(true, false, false, Type::F32, Type::F32, 0xff80_0001), NAN);
    assert_eq!(convert(false, false, false, Type::F16, Type::F32, 0xfc01), NAN);
    // Sign and payload of a NaN go to f64 and come from it.
    assert_eq!(convert(false, false, false, Type::F32, Type::F64, 0xff80_0001), 0xfff8_0000_2000_0000);
    assert_eq!(convert(true, false, false, Type::F32, Type::F64, 0xff80_0001), 0x7fff_ffff_e000_0000);
    assert_eq!(convert(false, false, false, Type::F64, Type::F32, 0xfff0_0000_2000_0000), 0xffc0_0001);
    assert_eq!(convert(false, false, false, Type::F64, Type::F16, 0xfff0_0400_0000_0000), 0xfe01);
    assert_eq!(convert(false, false, false, Type::F64, Type::BF16, 0x7ff0_2000_0000_0000), 0x7fc1);
}

#[test]
fn atomics() {
    let word = |op, old: u32, operand: u32, compare: u32| {
        atomic(op, Type::I32, false, old.into(), operand.into(), compare.into()).expect("an integer operation")
    };
    assert_eq!(word(AtomicOp::Increment, 5, 5, 0), 0);
    assert_eq!(word(AtomicOp::Increment, 4, 5, 0), 5);
    assert_eq!(word(AtomicOp::Decrement, 0, 5, 0), 5);
    assert_eq!(word(AtomicOp::Decrement, 6, 5, 0), 5);
    assert_eq!(word(AtomicOp::Decrement, 5, 5, 0), 4);
    assert_eq!(word(AtomicOp::CompareExchange, 7, 9, 7), 9);
    assert_eq!(word(AtomicOp::CompareExchange, 8, 9, 7), 8);
    assert_eq!(word(AtomicOp::MinSigned, 0xffff_ffff, 1, 0), 0xffff_ffff);
    assert_eq!(word(AtomicOp::MaxUnsigned, 0xffff_ffff, 1, 0), 0xffff_ffff);
    assert_eq!(word(AtomicOp::Add, 0xffff_ffff, 2, 0), 1);
    assert_eq!(word(AtomicOp::AddF16x2, 0x3c00_7bff, 0x3c00_7bff, 0), 0x4000_7c00);
    assert_eq!(word(AtomicOp::AddBF16x2, 0x3f80_8000, 0x3f80_0000, 0), 0x4000_0000);
    assert_eq!(atomic(AtomicOp::AddFloat, Type::F32, false, 1, 1, 0), Some(2));
    assert_eq!(atomic(AtomicOp::AddFloat, Type::F32, true, 1, 1, 0), Some(0));
    assert_eq!(atomic(AtomicOp::AddFloat, Type::F16, true, 1, 1, 0), Some(2));
    assert_eq!(atomic(AtomicOp::MaxFloat, Type::BF16, false, 0xbf80, 0x3f80, 0), Some(0x3f80));
    assert_eq!(atomic(AtomicOp::Add, Type::F32, false, 1, 1, 0), None);
    assert_eq!(atomic(AtomicOp::AddFloat, Type::I32, false, 1, 1, 0), None);
}

#[test]
fn reductions() {
    let (one, minus_two, nan) = (0x3f80_0000, 0xc000_0000, 0xffc0_0000);
    assert_eq!(reduce(ReduceOp::Add, &[1, 2, u32::MAX]), 2);
    assert_eq!(reduce(ReduceOp::MinSigned, &[1, u32::MAX]), u32::MAX);
    assert_eq!(reduce(ReduceOp::Xor, &[]), 0);
    assert_eq!(reduce(ReduceOp::MinFloat, &[one, minus_two, nan]), minus_two);
    assert_eq!(reduce(ReduceOp::MinFloatNan, &[one, minus_two, nan]), 0x7fff_ffff);
    assert_eq!(reduce(ReduceOp::MaxFloatAbs, &[one, minus_two]), 0x4000_0000);
    assert_eq!(reduce(ReduceOp::MinFloatAbs, &[minus_two]), 0x4000_0000);
    assert_eq!(reduce(ReduceOp::MaxFloat, &[nan]), 0x7fff_ffff);
    assert_eq!(evaluate(&Op::Reduce { op: ReduceOp::Add, value: A, members: B }, &[1, 1]), None);
}
