//! Bit fields, permutations, dot products: against the PTX ISA's pseudo-code and tables, restated bit by bit.

use super::{A, B, C, D, Rng};
use crate::number::evaluate;
use crate::number::variants::HALVES_OPS;
use crate::{BinaryOp, Op, PermuteMode, Type};

fn words(op: &Op, operands: [u32; 3]) -> u32 {
    evaluate(op, &operands.map(u128::from)).expect("pure") as u32
}

#[test]
fn bit_fields() {
    let mut rng = Rng(30);
    for _ in 0..50_000 {
        let (a, b) = (rng.next(), rng.next());
        let (position, length) = (rng.next() as u32 >> (rng.next() % 32), rng.next() as u32 >> (rng.next() % 32));
        for (ty, width) in [(Type::I32, 32u32), (Type::I64, 64)] {
            let mask = u64::MAX >> (64 - width);
            let bit = |value: u64, index: u32| value >> index & 1;
            // The low 8 bits count; in 64-bit fields any larger number is beyond the field.
            let limit = |number: u32| if width == 64 { number.min(255) } else { number & 0xff };
            let (from, count) = (limit(position), limit(length));
            for signed in [false, true] {
                let fill = if !signed || count == 0 { 0 } else { bit(a, (from + count - 1).min(width - 1)) };
                let expected = (0..width)
                    .map(|i| (if i < count && from + i < width { bit(a, from + i) } else { fill }) << i)
                    .sum::<u64>();
                let op = Op::BitFieldExtract { ty, signed, a: A, position: B, length: C };
                let result = evaluate(&op, &[a.into(), position.into(), length.into()]);
                assert_eq!(result, Some(expected.into()), "{ty} {signed} {a:#x} {from} {count}");
            }
            let mut expected = b & mask;
            for i in (0..count).take_while(|i| from + i < width && *i < width) {
                expected = expected & !(1 << (from + i)) | bit(a, i) << (from + i);
            }
            let op = Op::BitFieldInsert { ty, a: A, b: B, position: C, length: D };
            let result = evaluate(&op, &[a.into(), b.into(), position.into(), length.into()]);
            assert_eq!(result, Some(expected.into()), "{ty} {a:#x} {b:#x} {from} {count}");
        }
    }
}

/// The byte selections of PTX ISA 9.7.9.7's table, most significant byte first, for selector values 0 to 3.
#[test]
fn permutations() {
    let table = [
        (PermuteMode::ForwardFour, ["3210", "4321", "5432", "6543"]),
        (PermuteMode::BackwardFour, ["5670", "6701", "7012", "0123"]),
        (PermuteMode::ReplicateByte, ["0000", "1111", "2222", "3333"]),
        (PermuteMode::EdgeClampLeft, ["3210", "3211", "3222", "3333"]),
        (PermuteMode::EdgeClampRight, ["0000", "1110", "2210", "3210"]),
        (PermuteMode::ReplicateHalf, ["1010", "3232", "1010", "3232"]),
    ];
    // Byte i of b:a is i, so a result reads as its selection.
    let (a, b) = (0x0302_0100, 0x0706_0504);
    for (mode, rows) in table {
        for (selector, row) in rows.iter().enumerate() {
            let digits = u32::from_str_radix(row, 16).expect("digits");
            let expected = (0..4).map(|i| (digits >> (4 * i) & 15) << (8 * i)).sum::<u32>();
            let op = Op::Permute { mode, a: A, b: B, selector: C };
            // Upper selector bits are ignored.
            assert_eq!(words(&op, [a, b, selector as u32 | 0xabc0]), expected, "{mode:?} {selector}");
        }
    }
    let generic = Op::Permute { mode: PermuteMode::Generic, a: A, b: B, selector: C };
    assert_eq!(words(&generic, [0x4433_2211, 0x8877_6685, 0x7160]), 0x8822_7711);
    assert_eq!(words(&generic, [0x4433_2211, 0x8877_6685, 0xfc89]), 0xffff_0000);
}

#[test]
fn three_input_logic() {
    let mut rng = Rng(31);
    for table in 0..=255u8 {
        let [a, b, c] = [(); 3].map(|()| rng.next() as u32);
        let expected = (0..32)
            .map(|i| {
                let index = (a >> i & 1) << 2 | (b >> i & 1) << 1 | c >> i & 1;
                u32::from(table >> index & 1) << i
            })
            .sum::<u32>();
        assert_eq!(words(&Op::Lop3 { a: A, b: B, c: C, table }, [a, b, c]), expected);
    }
    assert_eq!(words(&Op::Lop3 { a: A, b: B, c: C, table: 0x96 }, [1, 2, 4]), 7);
}

#[test]
fn funnel_shifts() {
    let shift = |left, clamp, low, high, amount| {
        words(&Op::FunnelShift { left, clamp, low: A, high: B, amount: C }, [low, high, amount])
    };
    let (low, high) = (0x8765_4321, 0xfedc_ba98);
    assert_eq!(shift(true, false, low, high, 4), 0xedcb_a988);
    assert_eq!(shift(false, false, low, high, 4), 0x8876_5432);
    assert_eq!(shift(true, false, low, high, 32), high);
    assert_eq!(shift(true, true, low, high, 32), low);
    assert_eq!(shift(true, true, low, high, u32::MAX), low);
    assert_eq!(shift(false, true, low, high, 77), high);
    assert_eq!(shift(false, false, low, high, 33), 0x43b2_a190);
    assert_eq!(shift(false, false, low, high, 64), low);
}

#[test]
fn dot_products() {
    let mut rng = Rng(32);
    for _ in 0..20_000 {
        let [a, b, c] = [(); 3].map(|()| rng.next() as u32);
        for (a_signed, b_signed) in [(false, false), (false, true), (true, false), (true, true)] {
            let byte = |value: u32, i: usize, signed: bool| {
                let byte = value.to_le_bytes()[i];
                if signed { i64::from(byte as i8) } else { i64::from(byte) }
            };
            let half = |value: u32, i: usize| {
                let half = (value >> (16 * i)) as u16;
                if a_signed { i64::from(half as i16) } else { i64::from(half) }
            };
            let four: i64 = (0..4).map(|i| byte(a, i, a_signed) * byte(b, i, b_signed)).sum();
            let op = Op::DotProduct4 { a_signed, b_signed, a: A, b: B, c: C };
            assert_eq!(words(&op, [a, b, c]), c.wrapping_add(four as u32));
            for high in [false, true] {
                let first = if high { 2 } else { 0 };
                let two: i64 = (0..2).map(|i| half(a, i) * byte(b, first + i, b_signed)).sum();
                let op = Op::DotProduct2 { a_signed, b_signed, high, a: A, b: B, c: C };
                assert_eq!(words(&op, [a, b, c]), c.wrapping_add(two as u32));
            }
        }
    }
}

#[test]
fn operations_on_halves_are_those_on_each() {
    let mut rng = Rng(35);
    for _ in 0..20_000 {
        let [a, b] = [rng.next() as u32, rng.next() as u32];
        for op in HALVES_OPS {
            let half = |shift: u32| {
                let (a, b) = ((a >> shift) as u16, (b >> shift) as u16);
                u32::from(match op {
                    BinaryOp::Add => a.wrapping_add(b),
                    BinaryOp::Sub => a.wrapping_sub(b),
                    BinaryOp::MinSigned => (a as i16).min(b as i16) as u16,
                    BinaryOp::MinUnsigned => a.min(b),
                    BinaryOp::MaxSigned => (a as i16).max(b as i16) as u16,
                    _ => a.max(b),
                })
            };
            let result = evaluate(&Op::Halves { op: *op, a: A, b: B }, &[a, b].map(u128::from));
            assert_eq!(result, Some(u128::from(half(0) | half(16) << 16)), "{op:?} {a:#x} {b:#x}");
        }
    }
}

/// The loop of PTX ISA 9.7.1.17.
#[test]
fn nth_set_bit() {
    let mut rng = Rng(33);
    for _ in 0..50_000 {
        let mask = rng.next() as u32 & (rng.next() | rng.next()) as u32;
        let base = rng.next() as u32 % 32;
        let n = rng.next() as i32 % 36;
        let mut expected = u32::MAX;
        if n == 0 {
            if mask >> base & 1 == 1 {
                expected = base;
            }
        } else {
            let (mut position, mut left) = (base as i32, n.abs() - 1);
            while (0..32).contains(&position) {
                if mask >> position & 1 == 1 {
                    if left == 0 {
                        expected = position as u32;
                        break;
                    }
                    left -= 1;
                }
                position += n.signum();
            }
        }
        assert_eq!(
            words(&Op::FindNthSet { a: A, base: B, n: C }, [mask, base, n as u32]),
            expected,
            "{mask:#x} {base} {n}"
        );
    }
}
