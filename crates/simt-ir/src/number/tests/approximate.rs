//! The approximate operations: special values, and the check of results against the documented bounds.

use super::{A, B, Rng};
use crate::number::{evaluate, is_allowed_result};
use crate::{FloatBinaryOp, FloatUnaryOp, Op, Rounding, Type};

fn operation(op: FloatUnaryOp, ty: Type, flush: bool) -> Op {
    Op::FloatUnary { op, ty, rounding: Rounding::NearestEven, flush, saturate: false, a: A }
}

#[test]
fn special_values() {
    use FloatUnaryOp::*;
    let (infinity, minus_infinity, nan, one) = (0x7f80_0000, 0xff80_0000, 0x7fff_ffff, 0x3f80_0000);
    let (minus_zero, smallest) = (0x8000_0000, 1);
    for (op, flush, a, expected) in [
        (RcpApprox, false, 0, infinity),
        (RcpApprox, false, minus_zero, minus_infinity),
        (RcpApprox, false, minus_infinity, minus_zero),
        (RcpApprox, true, smallest, infinity),
        (SqrtApprox, false, minus_zero, minus_zero),
        (SqrtApprox, false, 0xbf80_0000, nan),
        (RsqrtApprox, false, minus_zero, minus_infinity),
        (RsqrtApprox, false, 0, infinity),
        (RsqrtApprox, false, infinity, 0),
        (RsqrtApprox, false, 0xbf80_0000, nan),
        (Ex2Approx, false, minus_infinity, 0),
        (Ex2Approx, false, smallest, one),
        (Ex2Approx, false, infinity, infinity),
        (Lg2Approx, false, 0, minus_infinity),
        (Lg2Approx, true, smallest, minus_infinity),
        (Lg2Approx, false, smallest, 0xc315_0000),
        (Lg2Approx, false, 0xbf80_0000, nan),
        (SinApprox, false, minus_zero, minus_zero),
        (SinApprox, false, infinity, nan),
        (CosApprox, false, 0, one),
        (TanhApprox, false, infinity, one),
        (TanhApprox, false, minus_infinity, 0xbf80_0000),
        (TanhApprox, false, 0xffc0_0000, nan),
    ] {
        assert_eq!(evaluate(&operation(op, Type::F32, flush), &[a]), Some(expected), "{op:?} {a:#x}");
    }
}

/// `rcp.approx.ftz.f64` reads and writes the upper half.
#[test]
fn gross_reciprocals() {
    let rcp = operation(FloatUnaryOp::RcpApprox, Type::F64, true);
    let three = 3f64.to_bits();
    let result = evaluate(&rcp, &[u128::from(three | 0xffff_ffff)]).expect("pure") as u64;
    assert_eq!(result, 0x3fd5_5555_0000_0000);
    assert_eq!(evaluate(&rcp, &[0x7ff8_0000_0000_0001]), Some(0x7fff_ffff_0000_0000));
    assert_eq!(evaluate(&rcp, &[1]), Some(0x7ff0_0000_0000_0000));
    let rsqrt = operation(FloatUnaryOp::RsqrtApprox, Type::F64, false);
    assert_eq!(evaluate(&rsqrt, &[u128::from(4f64.to_bits())]), Some(u128::from(0.5f64.to_bits())));
}

#[test]
fn huge_divisors() {
    let divide = |op| Op::FloatBinary {
        op,
        ty: Type::F32,
        rounding: Rounding::NearestEven,
        flush: false,
        saturate: false,
        a: A,
        b: B,
    };
    let huge = 0x7f00_0000; // 2^127
    for (op, a, expected) in [
        (FloatBinaryOp::DivApprox, 0x7f00_0000, 0),
        (FloatBinaryOp::DivApprox, 0x7f80_0000, 0x7fff_ffff),
        (FloatBinaryOp::DivFull, 0x7f00_0000, 0x3f80_0000),
    ] {
        assert_eq!(evaluate(&divide(op), &[a, huge]), Some(expected), "{op:?}");
    }
    // Zero is what the ISA says, the quotient is what everyone wants.
    assert_eq!(is_allowed_result(&divide(FloatBinaryOp::DivApprox), &[0x7f00_0000, huge], 0x3f80_0000), Some(true));
    assert_eq!(is_allowed_result(&divide(FloatBinaryOp::DivApprox), &[0x7f00_0000, huge], 0x3f00_0000), Some(false));
    assert_eq!(is_allowed_result(&divide(FloatBinaryOp::DivFull), &[0x7f00_0000, huge], 0), Some(false));
}

/// Results step by step above the right one are allowed up to the bound, and not beyond (give or take the one step that the right
/// result itself is rounded by).
#[test]
fn bounds() {
    use FloatUnaryOp::*;
    let (half, one) = (0x3f00_0000, 0x3f80_0000);
    for (op, ty, a, allowed_steps) in [
        (RcpApprox, Type::F32, one, 1),
        (SqrtApprox, Type::F32, 0x4000_0000, 1),
        (Ex2Approx, Type::F32, 0x3f12_3456, 2),
        // 2^-20.5 in steps of 2^-25.
        (SinApprox, Type::F32, half, 23),
        (TanhApprox, Type::F32, half, 7571),
        (Ex2Approx, Type::F16, 0x3812, 1),
        (TanhApprox, Type::BF16, 0x3f00, 1),
    ] {
        let operation = operation(op, ty, false);
        let right = evaluate(&operation, &[a]).expect("pure");
        let allowed = |steps: u128| is_allowed_result(&operation, &[a], right + steps) == Some(true);
        let count = (0..10_000).take_while(|steps| allowed(*steps)).count() as u128 - 1;
        assert!(
            count + 1 >= allowed_steps && count <= allowed_steps + allowed_steps / 2 + 1,
            "{op:?} {ty}: {count} steps"
        );
    }
}

#[test]
fn own_results_are_allowed_and_others_are_not() {
    let mut rng = Rng(40);
    for _ in 0..20_000 {
        for op in crate::number::variants::FLOAT_UNARY_OPS.iter().filter(|op| op.is_approximate()) {
            for flush in [false, true] {
                let operation = operation(*op, Type::F32, flush);
                let a = u128::from(rng.float(32, 23));
                let right = evaluate(&operation, &[a]).expect("pure");
                assert_eq!(is_allowed_result(&operation, &[a], right), Some(true));
                let nan = f32::from_bits(right as u32).is_nan();
                assert_eq!(is_allowed_result(&operation, &[a], 0x7fc0_0000), Some(nan), "{op:?} {a:#x}");
                // Any sine is as good as another for huge arguments, but none is 2.
                let wrong = if nan { 0 } else { right | 0x4000_0000 };
                let wrong = if wrong == right { 0x3f80_0001 } else { wrong };
                assert_eq!(is_allowed_result(&operation, &[a], wrong), Some(false), "{op:?} {a:#x} {wrong:#x}");
            }
        }
    }
    let exact = operation(FloatUnaryOp::Sqrt, Type::F32, false);
    assert_eq!(is_allowed_result(&exact, &[0x4000_0000], 0x3fb5_04f4), Some(false));
}
