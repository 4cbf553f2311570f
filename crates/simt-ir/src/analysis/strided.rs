//! Accesses that take what each lane has to itself word by word: lanes lie a few words apart, and several accesses of a block together take all of these
//! words, or most. As one, they are plain accesses to what lies one behind the other, with words turned in registers.

use std::collections::{BTreeMap, HashMap};

use super::{Shape, Shapes};
use crate::{AddressSpace, BlockId, Function, MemoryOrder, Op, Value};

/// Bytes of a word.
const WORD: i64 = 4;

/// Words from one lane to the next: as many, and powers of two.
const WORDS: std::ops::RangeInclusive<i64> = 2..=16;

/// Accesses of one block to shared memory by one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Strided {
    /// The address that offsets count from.
    pub address: Value,
    /// The least offset.
    pub offset: i64,
    /// Words from one lane to the next.
    pub words: u32,
    /// The instructions of the block, in order, and which word each of them takes.
    pub members: Vec<(usize, u32)>,
    /// Stores, of which there is one for each word; loads, of at least half of the words, otherwise.
    pub stores: bool,
}

/// Such accesses of a block, by instruction.
#[derive(Default, Debug)]
pub struct StridedAccesses {
    groups: Vec<Strided>,
    of_instruction: HashMap<usize, usize>,
}

impl StridedAccesses {
    /// Those of a block, if `is_proven(address, offset)` says that all lanes' words there lie in shared memory.
    pub fn new(function: &Function, block: BlockId, shapes: &Shapes, is_proven: impl Fn(Value, i64) -> bool) -> Self {
        let mut finder = Finder { shapes, open: Vec::new(), found: Vec::new() };
        for (index, instruction) in function.block(block).instructions.iter().enumerate() {
            finder.step(index, &instruction.op, &is_proven);
        }
        finder.close(|_| true);
        let groups = finder.found;
        let members = |(group, found): (usize, &Strided)| {
            found.members.iter().map(|(index, _)| (*index, group)).collect::<Vec<_>>()
        };
        let of_instruction = groups.iter().enumerate().flat_map(members).collect();
        Self { groups, of_instruction }
    }

    /// The group that an instruction of the block belongs to, and its number.
    pub fn of_instruction(&self, index: usize) -> Option<(usize, &Strided)> {
        let group = *self.of_instruction.get(&index)?;
        Some((group, &self.groups[group]))
    }
}

/// A group that may get more members.
struct Open {
    address: Value,
    words: i64,
    stores: bool,
    /// Instructions by offset.
    members: BTreeMap<i64, usize>,
    /// Offsets that have been stored to since a group of loads began.
    stored: Vec<i64>,
}

impl Open {
    /// Whether an offset is of the same words as the members' and as what has been stored to: further away, it may be another lane's word.
    fn reaches(&self, offset: i64) -> bool {
        let known = || self.members.keys().chain(&self.stored);
        known().all(|other| (offset - other).abs() < self.words * WORD && (offset - other) % WORD == 0)
    }

    fn finished(self) -> Option<Strided> {
        let (count, offset) = (self.members.len() as i64, *self.members.keys().next()?);
        let is_worth = if self.stores { count == self.words } else { count * 2 >= self.words && count > 1 };
        let mut members: Vec<(usize, u32)> =
            self.members.iter().map(|(at, index)| (*index, ((at - offset) / WORD) as u32)).collect();
        members.sort_unstable();
        is_worth.then_some(Strided {
            address: self.address,
            offset,
            words: self.words as u32,
            members,
            stores: self.stores,
        })
    }
}

struct Finder<'a> {
    shapes: &'a Shapes,
    open: Vec<Open>,
    found: Vec<Strided>,
}

impl Finder<'_> {
    fn step(&mut self, index: usize, op: &Op, is_proven: &impl Fn(Value, i64) -> bool) {
        let (stores, ty, count, space, order, address, offset, guard) = match op {
            Op::Load { space, ty, count, order, address, offset, guard } => {
                (false, *ty, usize::from(*count), *space, *order, *address, *offset, *guard)
            }
            Op::Store { space, ty, order, address, offset, values, guard } => {
                (true, *ty, values.len(), *space, *order, *address, *offset, *guard)
            }
            other if other.is_pure() || matches!(other, Op::Mark { .. }) => return,
            _ => return self.close(|_| true),
        };
        match space {
            AddressSpace::Shared if order == MemoryOrder::Weak => {}
            AddressSpace::Global | AddressSpace::Local | AddressSpace::Const | AddressSpace::Param
                if order == MemoryOrder::Weak =>
            {
                return;
            }
            _ => return self.close(|_| true),
        }
        let bytes = i64::from(ty.bytes()) * count as i64;
        let words = match self.shapes.shape(address) {
            Shape::Affine { stride, speculative: false } if stride % WORD == 0 => stride / WORD,
            _ => 0,
        };
        let fits = WORDS.contains(&words) && words.count_ones() == 1 && bytes == WORD && count == 1;
        let is_member = fits && guard.is_none() && is_proven(address, offset);
        self.part(stores, address, offset, bytes);
        if !is_member {
            return;
        }
        let same = |open: &&mut Open| {
            let known = open.members.contains_key(&offset) && stores;
            (open.address, open.stores) == (address, stores)
                && open.reaches(offset)
                && !known
                && !open.stored.contains(&offset)
        };
        match self.open.iter_mut().find(same) {
            // What has been loaded before is loaded once more.
            Some(open) if open.members.contains_key(&offset) => {}
            Some(open) => _ = open.members.insert(offset, index),
            None => {
                self.close(|open| (open.address, open.stores) == (address, stores));
                let members = BTreeMap::from([(offset, index)]);
                self.open.push(Open { address, words, stores, members, stored: Vec::new() });
            }
        }
    }

    /// Closes groups whose members may not go past an access: loads of a group are done where its first one is, stores where its last one is.
    fn part(&mut self, stores: bool, address: Value, offset: i64, bytes: i64) {
        let range = |address: Value, from: i64, to: i64| {
            let (low, high) = self.shapes.fact(address).range;
            Some((low.checked_add(from)?, high.checked_add(to)?))
        };
        let own = range(address, offset, offset + bytes);
        let mut keep = Vec::new();
        for open in &mut self.open {
            if !stores && !open.stores {
                keep.push(true);
                continue;
            }
            let is_same = open.address == address && bytes == WORD && open.reaches(offset);
            let (first, last) =
                (*open.members.keys().next().unwrap_or(&0), *open.members.keys().next_back().unwrap_or(&0));
            let reach = (open.words - 1) * WORD;
            let all = range(open.address, last - reach, first + reach + WORD);
            let apart = matches!((own, all), (Some(own), Some(all)) if own.1 <= all.0 || all.1 <= own.0);
            // Another lane has other words, and of this lane's own it is known which one this is.
            let waits = open.stores && open.members.contains_key(&offset);
            keep.push(apart || (is_same && !waits));
            if is_same && !open.stores {
                open.stored.push(offset);
            }
        }
        let mut keep = keep.into_iter();
        self.close(|_| !keep.next().unwrap_or(false));
    }

    fn close(&mut self, mut is_closed: impl FnMut(&Open) -> bool) {
        let (closed, open) = std::mem::take(&mut self.open).into_iter().partition(|open| is_closed(open));
        self.open = open;
        let closed: Vec<Open> = closed;
        self.found.extend(closed.into_iter().filter_map(Open::finished));
    }
}
