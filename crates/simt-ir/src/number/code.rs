//! Pure operations as 64-bit codes, for machine code that asks the runtime to evaluate one
//! ([`crate::abi::RuntimeTable::evaluate`]).

use super::variants::{
    BINARY_OPS, FLOAT_BINARY_OPS, FLOAT_CONDITIONS, FLOAT_UNARY_OPS, INT_CONDITIONS, PERMUTE_MODES, ROUNDINGS, TYPES,
    UNARY_OPS,
};
use crate::{Op, Type, Value};

/// The operands of decoded operations; an operation with fewer takes the first ones.
const A: Value = Value(0);
const B: Value = Value(1);
const C: Value = Value(2);

/// What a code's lowest byte says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Kind {
    // 0 is no operation, so that a zeroed code is not taken for one.
    Unary = 1,
    Binary,
    IntCompare,
    Lop3,
    Permute,
    BitFieldExtract,
    FunnelShift,
    DotProduct4,
    DotProduct2,
    FindNthSet,
    FloatUnary,
    FloatBinary,
    Fma,
    FloatCompare,
    IntToFloat,
    FloatToInt,
    FloatToFloat,
}

const KINDS: [Kind; 17] = [
    Kind::Unary,
    Kind::Binary,
    Kind::IntCompare,
    Kind::Lop3,
    Kind::Permute,
    Kind::BitFieldExtract,
    Kind::FunnelShift,
    Kind::DotProduct4,
    Kind::DotProduct2,
    Kind::FindNthSet,
    Kind::FloatUnary,
    Kind::FloatBinary,
    Kind::Fma,
    Kind::FloatCompare,
    Kind::IntToFloat,
    Kind::FloatToInt,
    Kind::FloatToFloat,
];

/// A code taken apart: kind in byte 0, detail in byte 1, types in nibbles 4 and 5, rounding in nibble 6, flags from bit 28.
#[derive(Clone, Copy)]
struct Fields {
    kind: Kind,
    /// Which operation, condition, mode or table.
    detail: u8,
    /// Operand type.
    from: Type,
    /// Result type, where it differs.
    to: Type,
    rounding: crate::Rounding,
    /// Their meaning depends on the kind.
    flags: [bool; 3],
}

impl Fields {
    fn new(kind: Kind, detail: u8, ty: Type) -> Self {
        Self { kind, detail, from: ty, to: ty, rounding: crate::Rounding::NearestEven, flags: [false; 3] }
    }

    fn pack(self) -> u64 {
        let flags = self.flags.iter().enumerate().map(|(index, flag)| u64::from(*flag) << (28 + index)).sum::<u64>();
        self.kind as u64
            | u64::from(self.detail) << 8
            | (self.from as u64) << 16
            | (self.to as u64) << 20
            | (self.rounding as u64) << 24
            | flags
    }

    fn unpack(code: u64) -> Option<Self> {
        let nibble = |shift: u32| (code >> shift & 15) as usize;
        let kind = *KINDS.get(((code & 0xff) as usize).checked_sub(1)?)?;
        Some(Self {
            kind,
            detail: (code >> 8) as u8,
            from: *TYPES.get(nibble(16))?,
            to: *TYPES.get(nibble(20))?,
            rounding: *ROUNDINGS.get((code >> 24 & 7) as usize)?,
            flags: [28, 29, 30].map(|bit| code >> bit & 1 == 1),
        })
    }
}

/// The code of a pure operation with at most three operands of at most 64 bits; `None` for every other.
///
/// The code says nothing about which values the operands are.
pub fn encode(op: &Op) -> Option<u64> {
    let fields = match *op {
        Op::Unary { op, ty, .. } => Fields::new(Kind::Unary, op as u8, ty),
        Op::Binary { op, ty, .. } => Fields::new(Kind::Binary, op as u8, ty),
        Op::IntCompare { condition, ty, .. } => Fields::new(Kind::IntCompare, condition as u8, ty),
        Op::Lop3 { table, .. } => Fields::new(Kind::Lop3, table, Type::I32),
        Op::Permute { mode, .. } => Fields::new(Kind::Permute, mode as u8, Type::I32),
        Op::BitFieldExtract { ty, signed, .. } => {
            Fields { flags: [signed, false, false], ..Fields::new(Kind::BitFieldExtract, 0, ty) }
        }
        Op::FunnelShift { left, clamp, .. } => {
            Fields { flags: [left, clamp, false], ..Fields::new(Kind::FunnelShift, 0, Type::I32) }
        }
        Op::DotProduct4 { a_signed, b_signed, .. } => {
            Fields { flags: [a_signed, b_signed, false], ..Fields::new(Kind::DotProduct4, 0, Type::I32) }
        }
        Op::DotProduct2 { a_signed, b_signed, high, .. } => {
            Fields { flags: [a_signed, b_signed, high], ..Fields::new(Kind::DotProduct2, 0, Type::I32) }
        }
        Op::FindNthSet { .. } => Fields::new(Kind::FindNthSet, 0, Type::I32),
        Op::FloatUnary { op, ty, rounding, flush, saturate, .. } => {
            Fields { rounding, flags: [flush, saturate, false], ..Fields::new(Kind::FloatUnary, op as u8, ty) }
        }
        Op::FloatBinary { op, ty, rounding, flush, saturate, .. } => {
            Fields { rounding, flags: [flush, saturate, false], ..Fields::new(Kind::FloatBinary, op as u8, ty) }
        }
        Op::Fma { ty, rounding, flush, saturate, relu, .. } => {
            Fields { rounding, flags: [flush, saturate, relu], ..Fields::new(Kind::Fma, 0, ty) }
        }
        Op::FloatCompare { condition, ty, flush, .. } => {
            Fields { flags: [flush, false, false], ..Fields::new(Kind::FloatCompare, condition as u8, ty) }
        }
        Op::IntToFloat { signed, rounding, from, to, .. } => {
            Fields { to, rounding, flags: [signed, false, false], ..Fields::new(Kind::IntToFloat, 0, from) }
        }
        Op::FloatToInt { signed, rounding, flush, from, to, .. } => {
            Fields { to, rounding, flags: [signed, flush, false], ..Fields::new(Kind::FloatToInt, 0, from) }
        }
        Op::FloatToFloat { rounding, flush, saturate, relu, from, to, .. } => {
            Fields { to, rounding, flags: [flush, saturate, relu], ..Fields::new(Kind::FloatToFloat, 0, from) }
        }
        _ => return None,
    };
    (fields.from.bits() <= 64 && fields.to.bits() <= 64).then(|| fields.pack())
}

/// The operation of a code, on the values 0, 1 and 2; `None` if `code` is none that [`encode`] makes.
pub fn decode(code: u64) -> Option<Op> {
    let Fields { kind, detail, from: ty, to, rounding, flags: [first, second, third] } = Fields::unpack(code)?;
    let index = usize::from(detail);
    Some(match kind {
        Kind::Unary => Op::Unary { op: *UNARY_OPS.get(index)?, ty, a: A },
        Kind::Binary => Op::Binary { op: *BINARY_OPS.get(index)?, ty, a: A, b: B },
        Kind::IntCompare => Op::IntCompare { condition: *INT_CONDITIONS.get(index)?, ty, a: A, b: B },
        Kind::Lop3 => Op::Lop3 { a: A, b: B, c: C, table: detail },
        Kind::Permute => Op::Permute { mode: *PERMUTE_MODES.get(index)?, a: A, b: B, selector: C },
        Kind::BitFieldExtract => Op::BitFieldExtract { ty, signed: first, a: A, position: B, length: C },
        Kind::FunnelShift => Op::FunnelShift { left: first, clamp: second, low: A, high: B, amount: C },
        Kind::DotProduct4 => Op::DotProduct4 { a_signed: first, b_signed: second, a: A, b: B, c: C },
        Kind::DotProduct2 => Op::DotProduct2 { a_signed: first, b_signed: second, high: third, a: A, b: B, c: C },
        Kind::FindNthSet => Op::FindNthSet { a: A, base: B, n: C },
        Kind::FloatUnary => {
            Op::FloatUnary { op: *FLOAT_UNARY_OPS.get(index)?, ty, rounding, flush: first, saturate: second, a: A }
        }
        Kind::FloatBinary => {
            let op = *FLOAT_BINARY_OPS.get(index)?;
            Op::FloatBinary { op, ty, rounding, flush: first, saturate: second, a: A, b: B }
        }
        Kind::Fma => Op::Fma { ty, rounding, flush: first, saturate: second, relu: third, a: A, b: B, c: C },
        Kind::FloatCompare => {
            Op::FloatCompare { condition: *FLOAT_CONDITIONS.get(index)?, ty, flush: first, a: A, b: B }
        }
        Kind::IntToFloat => Op::IntToFloat { signed: first, rounding, from: ty, to, a: A },
        Kind::FloatToInt => Op::FloatToInt { signed: first, rounding, flush: second, from: ty, to, a: A },
        Kind::FloatToFloat => {
            Op::FloatToFloat { rounding, flush: first, saturate: second, relu: third, from: ty, to, a: A }
        }
    })
}

/// Evaluates the operation of a code for one lane. Operands it does not have are ignored; a code that [`encode`] did not
/// make gives 0.
pub fn evaluate_code(code: u64, a: u64, b: u64, c: u64) -> u64 {
    let operands = [u128::from(a), u128::from(b), u128::from(c)];
    decode(code).and_then(|op| super::evaluate(&op, &operands)).unwrap_or(0) as u64
}
