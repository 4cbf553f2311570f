//! Operands of instructions (PTX ISA 6).

use super::Name;

/// A constant (PTX ISA 4.5). Constant expressions are folded by the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Immediate {
    /// A signed 64-bit integer.
    Signed(i64),
    /// An unsigned 64-bit integer: suffix `U`, or too large for the signed type.
    Unsigned(u64),
    /// The bits of a single-precision constant, `0f3F800000`.
    F32(u32),
    /// The bits of a double-precision constant, `0d...` or a decimal fraction.
    F64(u64),
}

impl Immediate {
    /// The bits of an integer constant; none for a floating-point one.
    pub fn as_bits(self) -> Option<u64> {
        match self {
            Immediate::Signed(value) => Some(value.cast_unsigned()),
            Immediate::Unsigned(value) => Some(value),
            Immediate::F32(_) | Immediate::F64(_) => None,
        }
    }

    /// Whether this is a floating-point constant.
    pub fn is_float(self) -> bool {
        matches!(self, Immediate::F32(_) | Immediate::F64(_))
    }
}

/// An operand.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A register, special register, variable, function or label.
    Name(Name),
    /// One element of a vector register (`%v.x`, `%tid.y`), or parts of a scalar one (`%r1.h0`, `%r1.b3210`).
    Component(Name, Name),
    /// `name+4` outside brackets: an address as a value.
    Offset(Name, i64),
    /// `name[4]` outside brackets: an element of an array, for its address (PTX ISA 6.4.2).
    Element(Name, i64),
    /// A constant.
    Immediate(Immediate),
    /// `[...]`.
    Address(Box<Address>),
    /// `{a, b, _}`.
    Vector(Vec<Operand>),
    /// `(a, b)` of a call.
    List(Vec<Operand>),
    /// `a|b`: two destinations.
    Pair(Box<(Operand, Operand)>),
    /// `!p`.
    Not(Box<Operand>),
    /// `-a`, accepted by some instructions for a register operand.
    Negated(Box<Operand>),
    /// `_`: a result nobody wants.
    Sink,
}

/// What stands between brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Register, variable, number, or (matrix instructions) a vector.
    pub base: Operand,
    /// Bytes added to the base.
    pub offset: i64,
    /// Further parts after commas: texture coordinates, tensor coordinates.
    pub rest: Vec<Operand>,
    /// Whether `.unified` follows the brackets: the address is the same in the whole system.
    pub unified: bool,
}
