//! What is known of one value.

use super::Shape;
use super::progression::meet;
use crate::{SymbolId, Type, Value};

/// What is known of one value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fact {
    /// Across lanes.
    pub shape: Shape,
    /// Smallest and largest value that any lane can hold, as signed numbers of the value's type.
    pub range: (i64, i64),
    /// Known trailing zero bits of lane 0's value.
    pub align: u8,
    /// Known trailing zero bits of every lane's value.
    pub lanes_align: u8,
    /// The value, if it is an integer constant.
    pub constant: Option<u64>,
    /// Where in a global or const variable it is an address.
    pub place: Option<Place>,
}

impl Fact {
    /// Whether every lane's value, an address, and an offset are together a multiple of so many bytes, a power of two.
    pub fn is_aligned(&self, offset: i64, bytes: u32) -> bool {
        let zeros = if offset == 0 { u8::MAX } else { offset.trailing_zeros() as u8 };
        u32::from(self.lanes_align.min(zeros)) >= bytes.trailing_zeros()
    }
}

/// An address in a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The variable.
    pub symbol: SymbolId,
    /// Smallest and largest distance in bytes from where it begins that any lane can have.
    pub range: (i64, i64),
}

impl Place {
    /// The address moved by what a value of a range says.
    pub(super) fn moved(self, by: (i64, i64)) -> Option<Place> {
        let range = (self.range.0.checked_add(by.0)?, self.range.1.checked_add(by.1)?);
        Some(Place { range, ..self })
    }
}

/// All values of a type, as signed numbers.
pub(super) fn full_range(ty: Type) -> (i64, i64) {
    match ty.bits() {
        bits @ 1..=63 => (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1),
        _ => (i64::MIN, i64::MAX),
    }
}

pub(super) type Facts = Vec<Option<Fact>>;

pub(super) fn sign_extend(ty: Type, bits: u64) -> i64 {
    let shift = 64 - ty.bits().min(64);
    ((bits << shift) as i64) >> shift
}

pub(super) fn constant(ty: Type, bits: u64) -> Fact {
    let value = sign_extend(ty, bits);
    let align = if bits == 0 { 63 } else { bits.trailing_zeros() as u8 };
    if ty.is_float() || ty.bits() > 64 {
        return uniform(ty);
    }
    Fact { shape: Shape::Uniform, range: (value, value), align, lanes_align: align, constant: Some(bits), place: None }
}

pub(super) fn uniform(ty: Type) -> Fact {
    Fact { shape: Shape::Uniform, range: full_range(ty), align: 0, lanes_align: 0, constant: None, place: None }
}

pub(super) fn varying(ty: Type) -> Fact {
    Fact { shape: Shape::Varying, range: full_range(ty), align: 0, lanes_align: 0, constant: None, place: None }
}

/// Stores a new fact; facts only ever get weaker, so that the analysis ends.
pub(super) fn update(facts: &mut Facts, value: Value, fact: Option<Fact>) -> bool {
    let slot = &mut facts[value.0 as usize];
    let Some(mut fact) = fact else { return false };
    if let Some(old) = *slot {
        if old == fact {
            return false;
        }
        fact.shape = meet(old.shape, fact.shape);
        fact.align = if fact.shape == Shape::Varying { 0 } else { fact.align.min(old.align) };
        fact.lanes_align = fact.lanes_align.min(old.lanes_align);
        fact.range = (fact.range.0.min(old.range.0), fact.range.1.max(old.range.1));
        if fact.constant != old.constant {
            fact.constant = None;
        }
        if fact.place != old.place {
            fact.place = None;
        }
        if old == fact {
            return false;
        }
    }
    *slot = Some(fact);
    true
}
