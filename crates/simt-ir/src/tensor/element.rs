//! What the elements of a tensor are.

use crate::{AtomicOp, Type};

/// The type of a tensor's elements, numbered as the driver API does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the driver API's")]
#[repr(u8)]
pub enum Element {
    U8,
    U16,
    U32,
    S32,
    U64,
    S64,
    F16,
    F32,
    F64,
    BF16,
    F32Flushed,
    TF32,
    TF32Flushed,
}

impl Element {
    /// All of them, in the order of their numbers.
    pub const ALL: [Element; 13] = [
        Element::U8,
        Element::U16,
        Element::U32,
        Element::S32,
        Element::U64,
        Element::S64,
        Element::F16,
        Element::F32,
        Element::F64,
        Element::BF16,
        Element::F32Flushed,
        Element::TF32,
        Element::TF32Flushed,
    ];

    /// The type with a number.
    pub fn from_number(number: u32) -> Option<Element> {
        Element::ALL.get(number as usize).copied()
    }

    /// Bytes of an element.
    pub fn bytes(self) -> u32 {
        match self {
            Element::U8 => 1,
            Element::U16 | Element::F16 | Element::BF16 => 2,
            Element::U64 | Element::S64 | Element::F64 => 8,
            _ => 4,
        }
    }

    /// Whether elements are floats.
    pub fn is_float(self) -> bool {
        self as u8 >= Element::F16 as u8
    }

    /// Whether elements lose bits on their way to shared memory.
    pub fn is_rounded(self) -> bool {
        matches!(self, Element::TF32 | Element::TF32Flushed)
    }

    /// Whether reductions take subnormal numbers for zero, where that is open.
    pub fn is_flushed(self) -> bool {
        !matches!(self, Element::F32 | Element::TF32)
    }

    /// The type of values that a reduction works on.
    fn ty(self) -> Type {
        match self {
            Element::U8 => Type::I8,
            Element::U16 => Type::I16,
            Element::U32 | Element::S32 => Type::I32,
            Element::U64 | Element::S64 => Type::I64,
            Element::F16 => Type::F16,
            Element::BF16 => Type::BF16,
            Element::F64 => Type::F64,
            Element::F32 | Element::F32Flushed | Element::TF32 | Element::TF32Flushed => Type::F32,
        }
    }
}

/// The nearest number with ten bits of fraction, ties to even. All NaNs become one.
pub(super) fn round_to_tf32(bits: u32) -> u32 {
    const DROPPED: u32 = 13;
    const NAN: u32 = 0x7fff_e000;
    if f32::from_bits(bits).is_nan() {
        return NAN;
    }
    let is_odd = bits >> DROPPED & 1;
    (bits + (1 << (DROPPED - 1)) - 1 + is_odd) >> DROPPED << DROPPED
}

/// How elements in shared memory and in global memory become one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
#[repr(u8)]
pub enum Reduction {
    Add,
    Min,
    Max,
    Increment,
    Decrement,
    And,
    Or,
    Xor,
}

impl Reduction {
    /// All of them, in the order of their numbers.
    pub const ALL: [Reduction; 8] = [
        Reduction::Add,
        Reduction::Min,
        Reduction::Max,
        Reduction::Increment,
        Reduction::Decrement,
        Reduction::And,
        Reduction::Or,
        Reduction::Xor,
    ];

    /// The atomic operation on each element; none where the card has none.
    pub fn atomic(self, element: Element) -> Option<(AtomicOp, Type)> {
        use Element::{BF16, F16, S32, S64, U8, U16, U32, U64};
        let op = match (self, element) {
            (_, U8 | U16) => return None,
            (Reduction::Add, U32 | S32 | U64) => AtomicOp::Add,
            (Reduction::Add, _) if element.is_float() => AtomicOp::AddFloat,
            (Reduction::Min, U32 | U64) => AtomicOp::MinUnsigned,
            (Reduction::Min, S32 | S64) => AtomicOp::MinSigned,
            (Reduction::Min, F16 | BF16) => AtomicOp::MinFloat,
            (Reduction::Max, U32 | U64) => AtomicOp::MaxUnsigned,
            (Reduction::Max, S32 | S64) => AtomicOp::MaxSigned,
            (Reduction::Max, F16 | BF16) => AtomicOp::MaxFloat,
            (Reduction::Increment, U32) => AtomicOp::Increment,
            (Reduction::Decrement, U32) => AtomicOp::Decrement,
            (Reduction::And, U32 | S32 | U64) => AtomicOp::And,
            (Reduction::Or, U32 | S32 | U64) => AtomicOp::Or,
            (Reduction::Xor, U32 | S32 | U64) => AtomicOp::Xor,
            _ => return None,
        };
        Some((op, element.ty()))
    }
}
