//! Accesses that take records of an array element by element: lane after lane has the next record, and several accesses of a block together take all of its
//! elements. As one, they are an access to what lies one behind the other, whose elements are turned in registers. One by one, each is a gather, which for
//! elements of 8 or 16 bits no processor has.

use std::collections::{BTreeMap, HashMap};

use super::{Shape, Shapes};
use crate::{AddressSpace, BlockId, Function, MemoryOrder, Op, Type, Value};

/// Elements of a record.
const ELEMENTS: std::ops::RangeInclusive<i64> = 2..=8;

/// Bytes of a record, at most: what a fault can be told of.
const BYTES_MAX: i64 = 32;

/// Accesses of a block to global memory by one address, one to each element of the lane's record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The address that offsets count from.
    pub address: Value,
    /// Of the first element.
    pub offset: i64,
    /// Of the elements.
    pub ty: Type,
    /// The predicate of all of the accesses.
    pub guard: Option<Value>,
    /// The instructions of the block, and how many elements each takes, from the first element on. What is done where the first of them in the block
    /// stands, for loads, or the last, for stores, is done for all: what lies between does not touch the memory.
    pub members: Vec<(usize, u8)>,
    /// Stores, or loads.
    pub stores: bool,
}

/// Such accesses of a block, by instruction.
#[derive(Default, Debug)]
pub struct Records {
    records: Vec<Record>,
    of_instruction: HashMap<usize, usize>,
}

impl Record {
    /// How many elements it has.
    pub fn elements(&self) -> u32 {
        self.members.iter().map(|(_, count)| u32::from(*count)).sum()
    }
}

impl Records {
    /// Those of a block.
    pub fn new(function: &Function, block: BlockId, shapes: &Shapes) -> Self {
        let mut finder = Finder { shapes, open: HashMap::new(), found: Vec::new() };
        for (index, instruction) in function.block(block).instructions.iter().enumerate() {
            finder.step(index, &instruction.op);
        }
        finder.close(|_| true);
        let records = finder.found;
        let members = |(number, record): (usize, &Record)| {
            record.members.iter().map(|(index, _)| (*index, number)).collect::<Vec<_>>()
        };
        let of_instruction = records.iter().enumerate().flat_map(members).collect();
        Self { records, of_instruction }
    }

    /// The record that an instruction of the block takes part in, and its number.
    pub fn of_instruction(&self, index: usize) -> Option<(usize, &Record)> {
        let number = *self.of_instruction.get(&index)?;
        Some((number, &self.records[number]))
    }
}

/// What accesses to a record have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    address: Value,
    ty: Type,
    guard: Option<Value>,
    stores: bool,
}

/// An instruction of the block, and how many elements it takes.
type Member = (usize, u8);

struct Finder<'a> {
    shapes: &'a Shapes,
    /// Accesses that nothing has come between so far, by offset.
    open: HashMap<Kind, BTreeMap<i64, Member>>,
    found: Vec<Record>,
}

impl Finder<'_> {
    fn step(&mut self, index: usize, op: &Op) {
        let (stores, space, ty, count, order, address, offset, guard) = match op {
            Op::Load { space, ty, count, order, address, offset, guard } => {
                (false, *space, *ty, *count, *order, *address, *offset, *guard)
            }
            Op::Store { space, ty, order, address, offset, values, guard } => {
                (true, *space, *ty, values.len() as u8, *order, *address, *offset, *guard)
            }
            other if other.is_pure() => return,
            _ => return self.close(|_| true),
        };
        if order != MemoryOrder::Weak || space == AddressSpace::Generic {
            return self.close(|_| true);
        }
        if space != AddressSpace::Global {
            return;
        }
        let kind = Kind { address, ty, guard, stores };
        // Loads may change places with each other alone, stores with others to the same record.
        self.close(|other| (stores || other.stores) && *other != kind);
        if self.elements(kind).is_some_and(|elements| i64::from(count) < elements) {
            let known = self.open.entry(kind).or_default();
            if known.contains_key(&offset) {
                self.close(|other| *other == kind);
            }
            self.open.entry(kind).or_default().insert(offset, (index, count));
        }
    }

    /// How many elements the records have that an address steps through from lane to lane.
    fn elements(&self, kind: Kind) -> Option<i64> {
        let bytes = i64::from(kind.ty.bytes());
        let stride = match self.shapes.shape(kind.address) {
            Shape::Affine { stride, .. } => stride,
            Shape::Segmented { stride, .. } if stride.count_ones() == 1 => stride,
            _ => return None,
        };
        let fits = kind.ty != Type::I1 && stride <= BYTES_MAX && stride % bytes == 0;
        Some(stride / bytes).filter(|elements| fits && ELEMENTS.contains(elements))
    }

    /// Makes records of what is open, as far as all elements are there.
    fn close(&mut self, is_closed: impl Fn(&Kind) -> bool) {
        let closed: Vec<Kind> = self.open.keys().copied().filter(is_closed).collect();
        for kind in closed {
            let Some((accesses, elements)) = self.open.remove(&kind).zip(self.elements(kind)) else { continue };
            self.found.extend(whole_records(kind, &accesses, elements));
        }
    }
}

/// The records all of whose elements are accessed. Of stores one: those to several records of a lane reach into other lanes' records.
fn whole_records(kind: Kind, accesses: &BTreeMap<i64, Member>, elements: i64) -> Vec<Record> {
    let bytes = i64::from(kind.ty.bytes());
    let mut records = Vec::new();
    let mut behind = i64::MIN;
    for &offset in accesses.keys() {
        let (mut at, mut members) = (offset, Vec::new());
        while let Some(member) = accesses.get(&at).filter(|_| at < offset + elements * bytes) {
            members.push(*member);
            at += i64::from(member.1) * bytes;
        }
        let is_all_stored = !kind.stores || members.len() == accesses.len();
        if offset >= behind && at == offset + elements * bytes && is_all_stored && is_aligned_as_one(&members) {
            behind = at;
            let Kind { address, ty, guard, stores } = kind;
            records.push(Record { address, offset, ty, guard, members, stores });
        }
    }
    records
}

/// Whether all members of all lanes are aligned where the first lane's record is as the largest has to be, and nowhere else.
fn is_aligned_as_one(members: &[Member]) -> bool {
    let largest = members.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let mut at = 0;
    let are_aligned = members.iter().all(|(_, count)| {
        let is_aligned = at % count == 0;
        at += count;
        is_aligned && count.is_power_of_two()
    });
    are_aligned && at % largest == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(stores: bool, accesses: &[(i64, u8)], elements: i64) -> Vec<(i64, Vec<usize>)> {
        let kind = Kind { address: Value(0), ty: Type::F32, guard: None, stores };
        let accesses = accesses.iter().enumerate().map(|(index, (offset, count))| (*offset, (index, *count))).collect();
        let members = |record: &Record| record.members.iter().map(|(index, _)| *index).collect();
        whole_records(kind, &accesses, elements).iter().map(|record| (record.offset, members(record))).collect()
    }

    fn found(stores: bool, offsets: &[i64], elements: i64) -> Vec<(i64, Vec<usize>)> {
        records(stores, &offsets.iter().map(|offset| (*offset, 1)).collect::<Vec<_>>(), elements)
    }

    #[test]
    fn records_are_whole() {
        assert_eq!(found(false, &[4, 0, 8], 3), [(0, vec![1, 0, 2])]);
        assert_eq!(found(false, &[4, 8, 12], 3), [(4, vec![0, 1, 2])]);
        assert_eq!(found(false, &[0, 4, 12], 3), []);
        assert_eq!(found(false, &[0, 8, 12, 16], 3), [(8, vec![1, 2, 3])]);
        assert_eq!(found(false, &[0, 4, 8, 12], 2), [(0, vec![0, 1]), (8, vec![2, 3])]);
        assert_eq!(found(true, &[8, 0, 4], 3), [(0, vec![1, 2, 0])]);
        assert_eq!(found(true, &[0, 4, 8, 12], 2), [], "the second lane's first record is the first lane's second");
        assert_eq!(found(true, &[0, 4, 8, 16], 3), []);
    }

    #[test]
    fn parts_of_records_are_aligned_with_them() {
        assert_eq!(records(false, &[(0, 4), (16, 4)], 8), [(0, vec![0, 1])]);
        assert_eq!(records(true, &[(0, 2), (8, 1), (12, 1)], 4), [(0, vec![0, 1, 2])]);
        assert_eq!(
            records(false, &[(0, 1), (4, 2), (12, 1)], 4),
            [],
            "the pair needs another alignment than the record"
        );
        assert_eq!(
            records(false, &[(0, 2), (8, 1)], 3),
            [],
            "the second lane's pair is misaligned if the first lane's is not"
        );
        assert_eq!(records(false, &[(8, 2), (12, 1), (16, 2)], 4), [(8, vec![0, 2])], "some is loaded once more");
        assert_eq!(records(true, &[(8, 2), (12, 1), (16, 2)], 4), [], "some is stored once more");
    }
}
