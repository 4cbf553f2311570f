//! Which byte of which word chooses an element of a table.

use std::collections::HashMap;

use super::super::Shapes;
use crate::{AddressSpace, BinaryOp, Function, Op, Type, Value};

/// A byte of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteOf {
    /// The word.
    pub word: Value,
    /// Which of its bytes, from the lowest on.
    pub byte: u32,
}

/// The bytes that choose what loads from shared and constant memory get, as far as the number of the element is a byte of a word.
pub(super) fn chosen_bytes(function: &Function, shapes: &Shapes) -> HashMap<Value, ByteOf> {
    let instructions = || function.blocks.iter().flat_map(|block| &block.instructions);
    let search = Search::new(function, shapes);
    let loads = instructions().filter_map(|instruction| match &instruction.op {
        Op::Load { space: AddressSpace::Shared | AddressSpace::Const, ty, count: 1, address, .. } => {
            Some((instruction.results[0], search.of_address(*address, ty.bytes())?))
        }
        _ => None,
    });
    loads.collect()
}

/// Looks at how values were computed.
pub(super) struct Search<'a> {
    function: &'a Function,
    operations: HashMap<Value, &'a Op>,
    shapes: &'a Shapes,
}

/// Bits of a value that is asked about: those of another, moved up by some places (or down), of which some count.
#[derive(Clone, Copy)]
struct Bits {
    of: Value,
    up: i32,
    mask: u64,
}

impl<'a> Search<'a> {
    /// In a function.
    pub(super) fn new(function: &'a Function, shapes: &'a Shapes) -> Search<'a> {
        let instructions = function.blocks.iter().flat_map(|block| &block.instructions);
        let results = instructions.filter_map(|instruction| match &instruction.results[..] {
            [result] => Some((*result, &instruction.op)),
            _ => None,
        });
        Search { function, operations: results.collect(), shapes }
    }

    /// The byte that says how many elements an address is behind the lowest that it can be.
    pub(super) fn of_address(&self, address: Value, element_bytes: u32) -> Option<ByteOf> {
        let begin = self.lowest(address)?;
        let sum = match self.operations.get(&address)? {
            Op::Extend { a, .. } => *a,
            _ => address,
        };
        let distance = match self.operations.get(&sum)? {
            Op::Binary { op: BinaryOp::Add, a, b, .. } => {
                if self.is_at(*a, begin) {
                    *b
                } else {
                    self.is_at(*b, begin).then_some(*a)?
                }
            }
            _ => (begin == 0).then_some(sum)?,
        };
        // What the value is made of is looked at as deep as a byte comes of it.
        let scale = element_bytes.trailing_zeros();
        let mut bits = Bits { of: distance, up: 0, mask: u64::MAX };
        let mut found = None;
        loop {
            let down = scale as i32 - bits.up;
            let is_byte = bits.mask == 0xff << scale && down >= 0 && down % 8 == 0 && down < 32;
            if is_byte && self.function.ty(bits.of) == Type::I32 {
                found = Some(ByteOf { word: bits.of, byte: down as u32 / 8 });
            }
            match self.deeper(bits) {
                Some(next) => bits = next,
                None => return found,
            }
        }
    }

    /// The same bits, as those of what the value was made of.
    fn deeper(&self, Bits { of, up, mask }: Bits) -> Option<Bits> {
        let moved = |bits: u64, up: i32| if up >= 0 { bits << up.min(63) } else { bits >> (-up).min(63) };
        let all = |ty: Type| u64::MAX >> (64 - ty.bits());
        let places = |value: Value| u32::try_from(self.only(value)?).ok().filter(|places| *places < 32);
        // The operand, by how many places it is moved up, and which bits of the result there can be.
        let (operand, by, there) = match self.operations.get(&of)? {
            Op::Extend { signed, from, a, .. } if *from == Type::I32 => {
                // Of a number without its sign nothing is repeated.
                let there = if *signed { all(Type::I32) >> 1 } else { all(Type::I32) };
                (!*signed || mask & moved(!there, up) == 0).then_some((*a, 0, there))?
            }
            Op::Binary { op: BinaryOp::And, ty: Type::I32 | Type::I64, a, b } => match (self.only(*a), self.only(*b)) {
                (Some(kept), _) => (*b, 0, kept as u64),
                (_, Some(kept)) => (*a, 0, kept as u64),
                _ => return None,
            },
            Op::Binary { op: BinaryOp::ShrUnsigned, ty: ty @ (Type::I32 | Type::I64), a, b } => {
                let places = places(*b)?;
                (*a, -(places as i32), all(*ty) >> places)
            }
            Op::Binary { op: BinaryOp::Shl, ty: ty @ (Type::I32 | Type::I64), a, b } => {
                let places = places(*b)?;
                (*a, places as i32, all(*ty) << places & all(*ty))
            }
            Op::Binary { op: BinaryOp::Mul, ty: ty @ (Type::I32 | Type::I64), a, b } => {
                let (factor, operand) = self.only(*a).map_or_else(|| (self.only(*b), *a), |factor| (Some(factor), *b));
                let factor = factor.filter(|factor| (1..1 << 31).contains(factor) && factor & (factor - 1) == 0)?;
                let places = factor.trailing_zeros();
                (operand, places as i32, all(*ty) << places & all(*ty))
            }
            _ => return None,
        };
        Some(Bits { of: operand, up: up + by, mask: mask & moved(there, up) })
    }

    /// The lowest that a value can be: within its variable, if that is known.
    fn lowest(&self, value: Value) -> Option<i64> {
        let fact = self.shapes.fact(value);
        Some(fact.place.map_or(fact.range.0, |place| place.range.0))
    }

    /// Whether a value is always at that place, within its variable if that is known.
    fn is_at(&self, value: Value, at: i64) -> bool {
        let fact = self.shapes.fact(value);
        fact.place.map_or(fact.range, |place| place.range) == (at, at)
    }

    /// The number that a value always is.
    pub(super) fn only(&self, value: Value) -> Option<i64> {
        let fact = self.shapes.fact(value);
        (fact.place.is_none() && fact.range.0 == fact.range.1).then_some(fact.range.0)
    }
}
