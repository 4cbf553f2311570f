//! Sums, without carries, of elements that are looked up, moved by whole bytes.

use std::collections::HashMap;

use super::super::super::Shapes;
use super::super::bytes::Search;
use super::super::{ByteOf, Table, Tables};
use crate::{AddressSpace, BinaryOp, Block, MemoryOrder, Op, PermuteMode, Type, Value};

/// Words of a state, and bytes of a word.
pub(super) const WORDS: usize = 4;
/// Words that may be added to the elements of a sum.
const OTHERS_MAX: usize = 4;
/// All bytes of a word, a bit each.
const ALL: u32 = 0xf;

/// An element that is looked up, as part of a sum.
#[derive(Clone, Copy)]
pub(super) struct Term {
    /// The number of the load.
    pub(super) load: usize,
    pub(super) table: usize,
    chosen: ByteOf,
    /// By how many bytes it is rotated, towards the highest.
    up: u32,
    /// Which bytes of the sum it is part of, a bit each.
    bytes: u32,
}

/// A sum without carries.
#[derive(Clone, Default)]
pub(super) struct Sum {
    pub(super) terms: Vec<Term>,
    pub(super) others: Vec<Value>,
}

impl Sum {
    /// Bytes that may be other than 0.
    fn bytes(&self) -> u32 {
        if self.others.is_empty() { self.terms.iter().fold(0, |all, term| all | term.bytes) } else { ALL }
    }

    /// The same with bytes moved up, all around or not, and others cleared.
    fn moved(&self, up: u32, kept: u32) -> Option<Sum> {
        let moved = |term: &Term| {
            let bytes = (term.bytes << up | term.bytes >> (WORDS as u32 - up)) & kept & ALL;
            Term { up: (term.up + up) % WORDS as u32, bytes, ..*term }
        };
        self.others.is_empty().then(|| Sum { terms: self.terms.iter().map(moved).collect(), others: Vec::new() })
    }

    /// Both together.
    fn with(mut self, other: Sum) -> Option<Sum> {
        self.terms.extend(other.terms);
        self.others.extend(other.others);
        let is_small = self.terms.len() <= WORDS && self.others.len() <= OTHERS_MAX;
        (is_small && self.terms.iter().all(|term| term.table == self.terms[0].table)).then_some(self)
    }

    /// Of which word each byte is taken, from the lowest on, if each is that of another term.
    pub(super) fn words(&self) -> Option<[Value; WORDS]> {
        let of_byte = |byte: u32| {
            let mut terms = self.terms.iter().filter(|term| term.chosen.byte == byte);
            Some((terms.next()?.chosen.word, terms.next().is_none()))
        };
        let words: Option<Vec<_>> = (0..WORDS as u32).map(of_byte).collect();
        let words = words.filter(|words| words.iter().all(|(_, is_one)| *is_one))?;
        Some(std::array::from_fn(|byte| words[byte].0))
    }

    /// By how many bytes more than its place in the word an element is rotated down, the same for all: then this is a column of a round.
    pub(super) fn turn(&self) -> Option<u32> {
        let turn = |term: &Term| (term.chosen.byte + WORDS as u32 - term.up) % WORDS as u32;
        let first = turn(self.terms.first()?);
        self.terms.iter().all(|term| turn(term) == first && term.bytes == ALL).then_some(first)
    }

    /// Whether it takes one byte of each element, that of the substitution alone, to the place that the byte has which chooses it.
    pub(super) fn is_last(&self) -> bool {
        self.terms.iter().all(|term| {
            let plane = (term.chosen.byte + WORDS as u32 - term.up) % WORDS as u32;
            term.bytes == 1 << term.chosen.byte && matches!(plane, 1 | 2)
        })
    }
}

/// The values of a block that are such sums.
pub(super) fn sums_of(block: &Block, shapes: &Shapes, tables: &Tables, search: &Search<'_>) -> HashMap<Value, Sum> {
    let mut search = Sums { shapes, tables, search, sums: HashMap::new() };
    for (number, instruction) in block.instructions.iter().enumerate() {
        if let ([result], Some(sum)) = (&instruction.results[..], search.sum_of(number, &instruction.op)) {
            search.sums.insert(*result, sum);
        }
    }
    search.sums
}

/// The search in a block.
struct Sums<'a> {
    shapes: &'a Shapes,
    tables: &'a Tables,
    search: &'a Search<'a>,
    sums: HashMap<Value, Sum>,
}

impl Sums<'_> {
    /// What an instruction makes, if that is a sum of elements.
    fn sum_of(&self, number: usize, op: &Op) -> Option<Sum> {
        let word = WORDS as u32;
        match op {
            Op::Load { space, ty, count: 1, order: MemoryOrder::Weak, address, offset, guard: None } => {
                let (table, chosen, plane) = self.lookup(*space, *ty, *address, *offset)?;
                let bytes = ALL >> (word - ty.bytes());
                let term = Term { load: number, table, chosen, up: (word - plane) % word, bytes };
                Some(Sum { terms: vec![term], others: Vec::new() })
            }
            Op::Extend { signed: false, to: Type::I32, a, .. } => self.sums.get(a).cloned(),
            Op::Binary { op: BinaryOp::Xor, ty: Type::I32, a, b } => match (self.sums.get(a), self.sums.get(b)) {
                (None, None) => None,
                (a_sum, b_sum) => {
                    let or_other = |sum: Option<&Sum>, value: Value| match sum {
                        Some(sum) => sum.clone(),
                        None => Sum { terms: Vec::new(), others: vec![value] },
                    };
                    or_other(a_sum, *a).with(or_other(b_sum, *b))
                }
            },
            Op::Binary { op: BinaryOp::Or, ty: Type::I32, a, b } => {
                let (a, b) = (self.sums.get(a)?, self.sums.get(b)?);
                (a.bytes() & b.bytes() == 0).then(|| a.clone().with(b.clone()))?
            }
            Op::Binary { op: BinaryOp::And, ty: Type::I32, a, b } => {
                let (sum, mask) = match (self.sums.get(a), self.sums.get(b)) {
                    (Some(sum), None) => (sum, self.only(*b)?),
                    (None, Some(sum)) => (sum, self.only(*a)?),
                    _ => return None,
                };
                sum.moved(0, whole_bytes(mask)?)
            }
            Op::Binary { op: op @ (BinaryOp::Shl | BinaryOp::ShrUnsigned), ty: Type::I32, a, b } => {
                let sum = self.sums.get(a)?;
                match (op, whole_places(self.only(*b)?)?) {
                    (BinaryOp::Shl, places) => sum.moved(places, ALL << places),
                    (_, places) => sum.moved((word - places) % word, ALL >> places),
                }
            }
            Op::FunnelShift { left, low, high, amount, .. } if low == high => {
                let places = whole_places(self.only(*amount)?)?;
                self.sums.get(low)?.moved(if *left { places } else { (word - places) % word }, ALL)
            }
            Op::Permute { mode: PermuteMode::Generic, a, b, selector } => {
                let selector = self.only(*selector)?;
                // Bytes 4 to 7 are those of `b`.
                let places: Vec<u32> = (0..word).map(|byte| selector >> (4 * byte) & 0xf).collect();
                let from = if places.iter().all(|place| *place < word) {
                    a
                } else {
                    (a == b || places.iter().all(|place| (word..2 * word).contains(place))).then_some(b)?
                };
                let is_turned = (1..word).all(|byte| places[byte as usize] % word == (places[0] + byte) % word);
                let is_plain = places.iter().all(|place| *place < 2 * word);
                (is_turned && is_plain).then(|| self.sums.get(from)?.moved((word - places[0] % word) % word, ALL))?
            }
            _ => None,
        }
    }

    /// The table that a load is of, what chooses the element, and which of its bytes is the first that is loaded. All lanes may look up the same.
    fn lookup(&self, space: AddressSpace, ty: Type, address: Value, offset: i64) -> Option<(usize, ByteOf, u32)> {
        let fact = self.shapes.fact(address);
        let (variable, begin) = match space {
            AddressSpace::Shared => (None, fact.range.0),
            AddressSpace::Const => (Some(fact.place?.symbol), fact.place?.range.0),
            _ => return None,
        };
        let begin = begin.checked_add(offset)?;
        let plane_of = |table: &Table| {
            let is_alike = table.element_bytes == WORDS as u32 && table.variable == variable;
            let plane = begin.checked_sub(table.begin.into()).and_then(|plane| u32::try_from(plane).ok());
            plane.filter(|plane| is_alike && plane.checked_add(ty.bytes()).is_some_and(|end| end <= WORDS as u32))
        };
        let mut planes = self.tables.tables().iter().map(plane_of).enumerate();
        let (table, plane) = planes.find_map(|(number, plane)| Some((number, plane?)))?;
        let chosen = self.search.of_address(address, WORDS as u32)?;
        matches!(ty, Type::I8 | Type::I32).then_some((table, chosen, plane))
    }

    /// The word that a value always is.
    fn only(&self, value: Value) -> Option<u32> {
        self.search.only(value).map(|value| value as u32)
    }
}

/// A bit for each byte that a mask keeps, if it keeps or clears whole ones.
fn whole_bytes(mask: u32) -> Option<u32> {
    let kept = (0..WORDS as u32).filter(|byte| mask >> (8 * byte) & 0xff == 0xff);
    let kept = kept.fold(0, |all, byte| all | 1 << byte);
    let spread = (0..WORDS as u32).filter(|byte| kept >> byte & 1 == 1).fold(0, |all, byte| all | 0xff << (8 * byte));
    (spread == mask).then_some(kept)
}

/// Bytes of a number of bits below that of a word, if it is of whole ones.
fn whole_places(bits: u32) -> Option<u32> {
    (bits < 32 && bits.is_multiple_of(8)).then_some(bits / 8)
}
