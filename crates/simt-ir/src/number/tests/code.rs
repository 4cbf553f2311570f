//! Codes say the same as operations.

use super::{A, B, C, Rng};
use crate::number::variants::{
    BINARY_OPS, FLOAT_BINARY_OPS, FLOAT_CONDITIONS, FLOAT_UNARY_OPS, INT_CONDITIONS, PERMUTE_MODES, ROUNDINGS,
    UNARY_OPS,
};
use crate::number::{decode, encode, evaluate, evaluate_code};
use crate::{Op, Type};

const FLOATS: [Type; 4] = [Type::F16, Type::BF16, Type::F32, Type::F64];
const INTEGERS: [Type; 5] = [Type::I1, Type::I8, Type::I16, Type::I32, Type::I64];

/// Every operation that has a code, with its operands in order.
fn operations() -> Vec<Op> {
    let mut list = vec![Op::FindNthSet { a: A, base: B, n: C }];
    for ty in INTEGERS {
        list.extend(UNARY_OPS.iter().map(|op| Op::Unary { op: *op, ty, a: A }));
        list.extend(BINARY_OPS.iter().map(|op| Op::Binary { op: *op, ty, a: A, b: B }));
        list.extend(INT_CONDITIONS.iter().map(|condition| Op::IntCompare { condition: *condition, ty, a: A, b: B }));
        list.extend([false, true].map(|signed| Op::BitFieldExtract { ty, signed, a: A, position: B, length: C }));
    }
    list.extend((0..=255).map(|table| Op::Lop3 { a: A, b: B, c: C, table }));
    list.extend(PERMUTE_MODES.iter().map(|mode| Op::Permute { mode: *mode, a: A, b: B, selector: C }));
    for flags in 0..8u32 {
        let [first, second, third] = [0, 1, 2].map(|bit| flags >> bit & 1 == 1);
        list.push(Op::FunnelShift { left: first, clamp: second, low: A, high: B, amount: C });
        list.push(Op::DotProduct4 { a_signed: first, b_signed: second, a: A, b: B, c: C });
        list.push(Op::DotProduct2 { a_signed: first, b_signed: second, high: third, a: A, b: B, c: C });
        for ty in FLOATS {
            let conditions = FLOAT_CONDITIONS.iter();
            list.extend(conditions.map(|condition| Op::FloatCompare {
                condition: *condition,
                ty,
                flush: first,
                a: A,
                b: B,
            }));
            for rounding in ROUNDINGS.iter().copied() {
                list.extend(FLOAT_UNARY_OPS.iter().map(|op| Op::FloatUnary {
                    op: *op,
                    ty,
                    rounding,
                    flush: first,
                    saturate: second,
                    a: A,
                }));
                list.extend(FLOAT_BINARY_OPS.iter().map(|op| Op::FloatBinary {
                    op: *op,
                    ty,
                    rounding,
                    flush: first,
                    saturate: second,
                    a: A,
                    b: B,
                }));
                list.push(Op::Fma { ty, rounding, flush: first, saturate: second, relu: third, a: A, b: B, c: C });
                list.extend(INTEGERS.map(|from| Op::IntToFloat { signed: first, rounding, from, to: ty, a: A }));
                list.extend(INTEGERS.map(|to| Op::FloatToInt {
                    signed: first,
                    rounding,
                    flush: second,
                    from: ty,
                    to,
                    a: A,
                }));
                list.extend(FLOATS.map(|to| Op::FloatToFloat {
                    rounding,
                    flush: first,
                    saturate: second,
                    relu: third,
                    from: ty,
                    to,
                    a: A,
                }));
            }
        }
    }
    list
}

#[test]
fn codes_are_operations() {
    let mut rng = Rng(50);
    for op in operations() {
        let code = encode(&op).unwrap_or_else(|| panic!("{op} has a code"));
        assert_eq!(decode(code).as_ref(), Some(&op), "{op}");
        let operands = [(); 3].map(|()| rng.next() >> (rng.next() % 64));
        let expected = evaluate(&op, &operands.map(u128::from)).expect("pure") as u64;
        assert_eq!(evaluate_code(code, operands[0], operands[1], operands[2]), expected, "{op}");
    }
}

#[test]
fn what_has_no_code() {
    assert_eq!(encode(&Op::ActiveMask), None);
    assert_eq!(encode(&Op::BitFieldInsert { ty: Type::I32, a: A, b: B, position: C, length: C }), None);
    assert_eq!(encode(&Op::Unary { op: UNARY_OPS[0], ty: Type::I128, a: A }), None);
    // No pattern makes decoding or evaluating panic, or give something that encodes differently.
    let mut rng = Rng(51);
    assert_eq!((decode(0), evaluate_code(0, 1, 2, 3)), (None, 0));
    for _ in 0..100_000 {
        let code = rng.next() & 0x7fff_ffff;
        evaluate_code(code, rng.next(), rng.next(), rng.next());
        if let Some(op) = decode(code) {
            assert!(encode(&op).is_none_or(|again| decode(again) == Some(op)), "{code:#x}");
        }
    }
}
