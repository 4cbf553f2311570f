//! Small tables in shared or constant memory that lanes look things up in, each at a place of its own: what a byte chooses is one of 256 elements, which fit
//! into registers.

use std::collections::{BTreeMap, HashMap};

use super::{Layout, LoopId, Shapes};
use crate::{AddressSpace, BlockId, Function, MemoryOrder, Op, Program, SymbolId, Value};

mod aes;
mod bytes;

pub use aes::{AesRound, AesRounds};
pub use bytes::ByteOf;
use bytes::chosen_bytes;

/// Elements of a table, at most: as many as a byte tells apart.
pub const TABLE_ELEMENTS_MAX: u32 = 256;

/// How often a loop goes round where nothing is known of it, and how many loops within each other count.
const TURNS: u64 = 8;
const DEPTH_MAX: u32 = 3;

/// A table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    /// The variable in constant memory that it is in; none for shared memory.
    pub variable: Option<SymbolId>,
    /// Where in the variable or in shared memory it begins.
    pub begin: u32,
    /// Bytes of an element: 1, 2 or 4.
    pub element_bytes: u32,
    /// How many elements are looked at.
    pub elements: u32,
    /// How often a warp looks something up, about.
    pub lookups: u64,
    /// How often what a warp knows of the table is out of date when it does, about: at first, and behind whatever may have changed shared memory (of a table in
    /// constant memory at most so often).
    pub renewals: u64,
}

/// The tables of a kernel, and which loads look something up in them.
#[derive(Default, Debug)]
pub struct Tables {
    tables: Vec<Table>,
    of_load: HashMap<Value, usize>,
    bytes: HashMap<Value, ByteOf>,
    rounds: Vec<AesRounds>,
}

impl Tables {
    /// The tables of a function of a program.
    pub fn new(program: &Program, function: &Function, shapes: &Shapes) -> Self {
        let layout = &shapes.schedule.layout;
        let mut found = BTreeMap::<_, (Table, Vec<Value>)>::new();
        for &block in &layout.order {
            let weight = weight(layout.depth(block));
            let mut has_changed = false;
            let mut renewed = Vec::new();
            for instruction in &function.block(block).instructions {
                if may_change_tables(&instruction.op) {
                    (has_changed, renewed) = (true, Vec::new());
                }
                let Some(table) = lookup(program, &instruction.op, shapes) else { continue };
                let key = (table.variable, table.begin, table.element_bytes);
                let (known, loads) = found.entry(key).or_insert((table, Vec::new()));
                known.elements = known.elements.max(table.elements);
                known.lookups += weight;
                if !renewed.contains(&key) {
                    // What a block begins with is renewed in each turn of the innermost loop that something changes in.
                    known.renewals += if has_changed { weight } else { renewal_at_begin(function, layout, block) };
                    renewed.push(key);
                }
                loads.push(instruction.results[0]);
            }
        }
        let mut all = Self::default();
        let has_whole = found.values().any(|(table, _)| table.elements == TABLE_ELEMENTS_MAX);
        if has_whole {
            all.bytes = chosen_bytes(function, shapes);
        }
        for (index, (table, loads)) in found.into_values().enumerate() {
            all.tables.push(table);
            all.of_load.extend(loads.into_iter().map(|load| (load, index)));
        }
        if has_whole {
            all.rounds = AesRounds::all(program, function, shapes, &all);
        }
        all
    }

    /// Rounds of AES, if a table is that of AES.
    pub fn rounds(&self) -> &[AesRounds] {
        &self.rounds
    }

    /// All of them.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The number of the table that a load, known by its result, looks something up in.
    pub fn of_load(&self, result: Value) -> Option<usize> {
        self.of_load.get(&result).copied()
    }

    /// What the element's number is, for a lookup known by its result in a table of as many elements as there can be.
    pub fn chosen_by(&self, result: Value) -> Option<ByteOf> {
        self.bytes.get(&result).copied()
    }
}

/// Whether an operation may change what this warp finds in shared memory, by itself or because it may have waited for other warps, or be where what the warp
/// knows of tables is lost.
pub fn may_change_tables(op: &Op) -> bool {
    match op {
        Op::Load { order, .. } => *order != MemoryOrder::Weak,
        Op::Store { space, order, .. } => {
            *order != MemoryOrder::Weak || !matches!(space, AddressSpace::Global | AddressSpace::Local)
        }
        Op::Shuffle { .. }
        | Op::Vote { .. }
        | Op::Match { .. }
        | Op::Reduce { .. }
        | Op::Agree { .. }
        | Op::ActiveMask
        | Op::Elect { .. }
        | Op::Mark { .. } => false,
        other => !other.is_pure(),
    }
}

/// What a load looks up, if it lies within a declared variable and lanes differ in where.
fn lookup(program: &Program, op: &Op, shapes: &Shapes) -> Option<Table> {
    let Op::Load { space, ty, count: 1, order: MemoryOrder::Weak, address, offset, .. } = op else {
        return None;
    };
    let (variable, range, size) = range_of(program, *space, *address, shapes)?;
    let bytes = ty.bytes();
    let begin = u32::try_from(range.0.checked_add(*offset)?).ok()?;
    let last = u32::try_from(range.1.checked_add(*offset)?).ok()?;
    let is_lookup = matches!(bytes, 1 | 2 | 4)
        && begin.is_multiple_of(bytes)
        && shapes.fact(*address).is_aligned(*offset, bytes)
        && u64::from(last.checked_add(bytes)?) <= size
        && shapes.shape(*address) == super::Shape::Varying;
    let elements = last.checked_sub(begin)? / bytes + 1;
    (is_lookup && elements <= TABLE_ELEMENTS_MAX).then_some(Table {
        variable,
        begin,
        element_bytes: bytes,
        elements,
        lookups: 0,
        renewals: 0,
    })
}

/// Where in shared memory or in a variable of constant memory addresses lie, and how large that is.
fn range_of(
    program: &Program,
    space: AddressSpace,
    address: Value,
    shapes: &Shapes,
) -> Option<(Option<SymbolId>, (i64, i64), u64)> {
    let fact = shapes.fact(address);
    match space {
        AddressSpace::Shared => Some((None, fact.range, program.shared_bytes.into())),
        AddressSpace::Const => {
            let place = fact.place?;
            let symbol = &program.symbols[place.symbol.0 as usize];
            (symbol.space == AddressSpace::Const).then_some((Some(place.symbol), place.range, symbol.size))
        }
        _ => None,
    }
}

/// How often a block in so many loops runs, about.
fn weight(depth: u32) -> u64 {
    TURNS.pow(depth.min(DEPTH_MAX))
}

/// How often something has changed when a block begins: as often as the innermost loop around it goes round in which something does.
fn renewal_at_begin(function: &Function, layout: &Layout, block: BlockId) -> u64 {
    let changes = |id: LoopId| {
        let info = layout.loop_info(id);
        let blocks = &layout.order[info.first..=info.last];
        blocks.iter().flat_map(|block| &function.block(*block).instructions).any(|it| may_change_tables(&it.op))
    };
    let mut around = layout.innermost[block.0 as usize];
    while let Some(id) = around {
        let info = layout.loop_info(id);
        if changes(id) {
            return weight(layout.depth(layout.order[info.first]));
        }
        around = info.parent;
    }
    weight(0)
}
