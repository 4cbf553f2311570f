//! Integer operations against Rust's own types.

use super::{A, B, Rng};
use crate::number::evaluate;
use crate::{BinaryOp, IntCondition, Op, Type, UnaryOp};

fn unary(op: UnaryOp, ty: Type, a: u128) -> u128 {
    evaluate(&Op::Unary { op, ty, a: A }, &[a]).expect("pure")
}

fn binary(op: BinaryOp, ty: Type, a: u128, b: u128) -> u128 {
    evaluate(&Op::Binary { op, ty, a: A, b: B }, &[a, b]).expect("pure")
}

impl Rng {
    /// An integer pattern: any, small of either sign, near the limits, or a power of two.
    fn integer(&mut self) -> u128 {
        let wide = u128::from(self.next()) << 64 | u128::from(self.next());
        match self.next() % 5 {
            0 => (wide % 5).wrapping_sub(2),
            1 => (1u128 << (wide % 128)).wrapping_sub((wide >> 100) % 3),
            2 => {
                [0x7f, 0x7fff, 0x7fff_ffff, i64::MAX as u128, i128::MAX as u128][(wide % 5) as usize] + (wide >> 8) % 2
            }
            _ => wide,
        }
    }
}

macro_rules! check_width {
    ($name:ident, $ty:expr, $unsigned:ty, $signed:ty, $wide:ty, $signed_wide:ty) => {
        #[test]
        fn $name() {
            let mut rng = Rng(20);
            for _ in 0..50_000 {
                let (wide_a, wide_b) = (rng.integer(), rng.integer());
                let (a, b) = (wide_a as $unsigned, wide_b as $unsigned);
                let (sa, sb) = (a as $signed, b as $signed);
                let check = |op, expected: $unsigned| {
                    assert_eq!(binary(op, $ty, wide_a, wide_b), u128::from(expected), "{op:?} {a:#x} {b:#x}");
                };
                check(BinaryOp::Add, a.wrapping_add(b));
                check(BinaryOp::Sub, a.wrapping_sub(b));
                check(BinaryOp::Mul, a.wrapping_mul(b));
                check(BinaryOp::DivUnsigned, if b == 0 { <$unsigned>::MAX } else { a / b });
                check(BinaryOp::RemUnsigned, if b == 0 { <$unsigned>::MAX } else { a % b });
                check(BinaryOp::DivSigned, if b == 0 { <$unsigned>::MAX } else { sa.wrapping_div(sb) as $unsigned });
                check(BinaryOp::RemSigned, if b == 0 { <$unsigned>::MAX } else { sa.wrapping_rem(sb) as $unsigned });
                check(BinaryOp::And, a & b);
                check(BinaryOp::Or, a | b);
                check(BinaryOp::Xor, a ^ b);
                check(BinaryOp::MinSigned, sa.min(sb) as $unsigned);
                check(BinaryOp::MinUnsigned, a.min(b));
                check(BinaryOp::MaxSigned, sa.max(sb) as $unsigned);
                check(BinaryOp::MaxUnsigned, a.max(b));
                check(BinaryOp::AddSaturateSigned, sa.saturating_add(sb) as $unsigned);
                check(BinaryOp::SubSaturateSigned, sa.saturating_sub(sb) as $unsigned);
                check(BinaryOp::MulHighUnsigned, ((a as $wide * b as $wide) >> <$unsigned>::BITS) as $unsigned);
                check(
                    BinaryOp::MulHighSigned,
                    ((sa as $signed_wide).wrapping_mul(sb as $signed_wide) >> <$unsigned>::BITS) as $unsigned,
                );
                let amount = wide_b as u32;
                check(BinaryOp::Shl, a.checked_shl(amount).unwrap_or(0));
                check(BinaryOp::ShrUnsigned, a.checked_shr(amount).unwrap_or(0));
                check(BinaryOp::ShrSigned, (sa >> amount.min(<$unsigned>::BITS - 1)) as $unsigned);

                let check = |op, expected: u128| assert_eq!(unary(op, $ty, wide_a), expected, "{op:?} {a:#x}");
                check(UnaryOp::Neg, u128::from(a.wrapping_neg()));
                check(UnaryOp::Not, u128::from(!a));
                check(UnaryOp::Abs, u128::from(sa.wrapping_abs() as $unsigned));
                check(UnaryOp::CountLeadingZeros, u128::from(a.leading_zeros()));
                check(UnaryOp::PopCount, u128::from(a.count_ones()));
                check(UnaryOp::ReverseBits, u128::from(a.reverse_bits()));
                check(UnaryOp::FindMsbUnsigned, a.checked_ilog2().map_or(0xffff_ffff, u128::from));
                let magnitude = if sa < 0 { !a } else { a };
                check(UnaryOp::FindMsbSigned, magnitude.checked_ilog2().map_or(0xffff_ffff, u128::from));

                for (condition, expected) in [
                    (IntCondition::Eq, a == b),
                    (IntCondition::Ne, a != b),
                    (IntCondition::LtSigned, sa < sb),
                    (IntCondition::LeSigned, sa <= sb),
                    (IntCondition::GtSigned, sa > sb),
                    (IntCondition::GeSigned, sa >= sb),
                    (IntCondition::LtUnsigned, a < b),
                    (IntCondition::LeUnsigned, a <= b),
                    (IntCondition::GtUnsigned, a > b),
                    (IntCondition::GeUnsigned, a >= b),
                ] {
                    let result = evaluate(&Op::IntCompare { condition, ty: $ty, a: A, b: B }, &[wide_a, wide_b]);
                    assert_eq!(result, Some(u128::from(expected)), "{condition:?} {a:#x} {b:#x}");
                }
            }
        }
    };
}

check_width!(i8_operations, Type::I8, u8, i8, u16, i16);
check_width!(i16_operations, Type::I16, u16, i16, u32, i32);
check_width!(i32_operations, Type::I32, u32, i32, u64, i64);
check_width!(i64_operations, Type::I64, u64, i64, u128, i128);

#[test]
fn i128_operations() {
    let mut rng = Rng(21);
    for _ in 0..20_000 {
        let (a, b) = (rng.integer(), rng.integer());
        let (sa, sb) = (a as i128, b as i128);
        assert_eq!(binary(BinaryOp::Add, Type::I128, a, b), a.wrapping_add(b));
        assert_eq!(binary(BinaryOp::Mul, Type::I128, a, b), a.wrapping_mul(b));
        assert_eq!(binary(BinaryOp::MinSigned, Type::I128, a, b), sa.min(sb) as u128);
        assert_eq!(binary(BinaryOp::AddSaturateSigned, Type::I128, a, b), sa.saturating_add(sb) as u128);
        // The high half, by shifting one factor: a * 2^k has the high half a >> (128 - k).
        let k = b % 127 + 1;
        assert_eq!(binary(BinaryOp::MulHighUnsigned, Type::I128, a, 1 << k), a >> (128 - k));
        assert_eq!(binary(BinaryOp::MulHighSigned, Type::I128, a, u128::MAX), if sa > 0 { u128::MAX } else { 0 });
        // (a * b) mod (2^128 - 1) = high + low, all counted modulo 2^128 - 1.
        let (high, low) = (binary(BinaryOp::MulHighUnsigned, Type::I128, a, b), a.wrapping_mul(b));
        assert_eq!(fold(high, low), multiply_modulo(a, b), "{a:#x} {b:#x}");
    }
}

/// `a + b` modulo 2^128 - 1.
fn fold(a: u128, b: u128) -> u128 {
    let (sum, carry) = a.overflowing_add(b);
    let sum = sum + u128::from(carry);
    if sum == u128::MAX { 0 } else { sum }
}

/// `a * b` modulo 2^128 - 1, by doubling.
fn multiply_modulo(a: u128, b: u128) -> u128 {
    (0..128).rev().fold(0, |product, bit| {
        let doubled = fold(product, product);
        if b >> bit & 1 == 1 { fold(doubled, a) } else { doubled }
    })
}

#[test]
fn resizing() {
    let extend = |signed, from, to, a| evaluate(&Op::Extend { signed, from, to, a: A }, &[a]).expect("pure");
    assert_eq!(extend(true, Type::I8, Type::I32, 0x80), 0xffff_ff80);
    assert_eq!(extend(false, Type::I8, Type::I32, 0x80), 0x80);
    assert_eq!(extend(true, Type::I1, Type::I32, 1), 0xffff_ffff);
    assert_eq!(extend(true, Type::I64, Type::I128, 1 << 63), !0u128 << 63);
    let truncate = |from, to, a| evaluate(&Op::Truncate { from, to, a: A }, &[a]).expect("pure");
    assert_eq!(truncate(Type::I32, Type::I1, 6), 0);
    assert_eq!(truncate(Type::I64, Type::I16, 0x1_2345_6789), 0x6789);
    assert_eq!(
        evaluate(&Op::Concat { ty: Type::I32, low: A, high: B }, &[0x1111_2222, 0x3333_4444]),
        Some(0x3333_4444_1111_2222)
    );
    assert_eq!(evaluate(&Op::Concat { ty: Type::I64, low: A, high: B }, &[1, 2]), Some(2 << 64 | 1));
    let select = Op::Select { ty: Type::F32, condition: A, a: B, b: super::C };
    assert_eq!((evaluate(&select, &[1, 5, 6]), evaluate(&select, &[0, 5, 6])), (Some(5), Some(6)));
}

/// What is not a matter of values alone is refused.
#[test]
fn refusals() {
    assert_eq!(evaluate(&Op::ActiveMask, &[]), None);
    assert_eq!(evaluate(&Op::Special(crate::SpecialRegister::TidX), &[]), None);
    assert_eq!(evaluate(&Op::Binary { op: BinaryOp::Add, ty: Type::I32, a: A, b: B }, &[1]), None);
    assert_eq!(evaluate(&Op::Binary { op: BinaryOp::Add, ty: Type::F32, a: A, b: B }, &[1, 2]), None);
}
