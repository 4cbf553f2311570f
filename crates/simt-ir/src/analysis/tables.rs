//! Small tables in shared memory that lanes look things up in, each at a place of its own: what a byte chooses is one of 256 elements, which fit into
//! registers.

use std::collections::{BTreeMap, HashMap};

use super::{Layout, LoopId, Shapes};
use crate::{AddressSpace, BinaryOp, BlockId, Function, MemoryOrder, Op, Type, Value};

/// Elements of a table, at most: as many as a byte tells apart.
pub const TABLE_ELEMENTS_MAX: u32 = 256;

/// How often a loop goes round where nothing is known of it, and how many loops within each other count.
const TURNS: u64 = 8;
const DEPTH_MAX: u32 = 3;

/// A table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    /// Where in shared memory it begins.
    pub begin: u32,
    /// Bytes of an element: 1, 2 or 4.
    pub element_bytes: u32,
    /// How many elements are looked at.
    pub elements: u32,
    /// How often a warp looks something up, about.
    pub lookups: u64,
    /// How often what a warp knows of the table is out of date when it does, about: at first, and behind whatever may have changed shared memory.
    pub renewals: u64,
}

/// The tables of a kernel, and which loads look something up in them.
#[derive(Default, Debug)]
pub struct Tables {
    tables: Vec<Table>,
    of_load: HashMap<Value, usize>,
    bytes: HashMap<Value, ByteOf>,
}

/// A byte of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteOf {
    /// The word.
    pub word: Value,
    /// Which of its bytes, from the lowest on.
    pub byte: u32,
}

impl Tables {
    /// The tables of a kernel that `shared_bytes` are declared for.
    pub fn new(function: &Function, shapes: &Shapes, shared_bytes: u32) -> Self {
        let layout = &shapes.schedule.layout;
        let mut found = BTreeMap::<(u32, u32), (Table, Vec<Value>)>::new();
        for &block in &layout.order {
            let weight = weight(layout.depth(block));
            let mut has_changed = false;
            let mut renewed = Vec::new();
            for instruction in &function.block(block).instructions {
                if may_change_tables(&instruction.op) {
                    (has_changed, renewed) = (true, Vec::new());
                }
                let Some(table) = lookup(&instruction.op, shapes, shared_bytes) else { continue };
                let key = (table.begin, table.element_bytes);
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
        if found.values().any(|(table, _)| table.elements == TABLE_ELEMENTS_MAX) {
            all.bytes = chosen_bytes(function, shapes);
        }
        for (index, (table, loads)) in found.into_values().enumerate() {
            all.tables.push(table);
            all.of_load.extend(loads.into_iter().map(|load| (load, index)));
        }
        all
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

/// The bytes that choose what loads from shared memory get, as far as the number of the element is a byte of a word.
fn chosen_bytes(function: &Function, shapes: &Shapes) -> HashMap<Value, ByteOf> {
    let instructions = || function.blocks.iter().flat_map(|block| &block.instructions);
    let results = instructions().filter_map(|instruction| match &instruction.results[..] {
        [result] => Some((*result, &instruction.op)),
        _ => None,
    });
    let search = ByteSearch { operations: results.collect(), shapes };
    let loads = instructions().filter_map(|instruction| match &instruction.op {
        Op::Load { space: AddressSpace::Shared, ty, count: 1, address, .. } => {
            Some((instruction.results[0], search.of_address(*address, ty.bytes())?))
        }
        _ => None,
    });
    loads.collect()
}

/// Looks at how values were computed.
struct ByteSearch<'a> {
    operations: HashMap<Value, &'a Op>,
    shapes: &'a Shapes,
}

impl ByteSearch<'_> {
    /// The byte that says how many elements an address is behind the lowest that it can be.
    fn of_address(&self, address: Value, element_bytes: u32) -> Option<ByteOf> {
        let begin = self.shapes.fact(address).range.0;
        let address = match self.operations.get(&address)? {
            Op::Extend { a, .. } => *a,
            _ => address,
        };
        let distance = match self.operations.get(&address)? {
            Op::Binary { op: BinaryOp::Add, a, b, .. } => {
                let (base, other) = if self.constant(*a).is_some() { (*a, *b) } else { (*b, *a) };
                (self.constant(base) == Some(begin)).then_some(other)?
            }
            _ => (begin == 0).then_some(address)?,
        };
        let Some(Op::Binary { op: BinaryOp::And, ty: Type::I32, a, b }) = self.operations.get(&distance) else {
            return None;
        };
        let (mask, chosen) = if self.constant(*a).is_some() { (*a, *b) } else { (*b, *a) };
        let scale = element_bytes.trailing_zeros();
        (self.constant(mask) == Some(0xff << scale)).then_some(())?;
        let (word, bits) = match self.operations.get(&chosen) {
            Some(Op::Binary { op: BinaryOp::ShrUnsigned, ty: Type::I32, a, b }) => {
                (*a, u32::try_from(self.constant(*b)?).ok()?.checked_add(scale)?)
            }
            Some(Op::Binary { op: BinaryOp::Shl, ty: Type::I32, a, b }) => {
                (*a, scale.checked_sub(u32::try_from(self.constant(*b)?).ok()?)?)
            }
            _ => (chosen, scale),
        };
        (bits % 8 == 0 && bits < 32).then_some(ByteOf { word, byte: bits / 8 })
    }

    /// The number that a value always is.
    fn constant(&self, value: Value) -> Option<i64> {
        let (least, most) = self.shapes.fact(value).range;
        (least == most).then_some(least)
    }
}

/// Whether an operation may change what this warp finds in shared memory: by itself, or because it may have waited for other warps.
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

/// What a load looks up, if it lies within `shared_bytes` and lanes differ in where.
fn lookup(op: &Op, shapes: &Shapes, shared_bytes: u32) -> Option<Table> {
    let Op::Load { space: AddressSpace::Shared, ty, count: 1, order: MemoryOrder::Weak, address, offset, .. } = op
    else {
        return None;
    };
    let fact = shapes.fact(*address);
    let bytes = ty.bytes();
    let begin = u32::try_from(fact.range.0.checked_add(*offset)?).ok()?;
    let last = u32::try_from(fact.range.1.checked_add(*offset)?).ok()?;
    let is_lookup = matches!(bytes, 1 | 2 | 4)
        && begin.is_multiple_of(bytes)
        && fact.is_aligned(*offset, bytes)
        && last.checked_add(bytes)? <= shared_bytes
        && shapes.shape(*address) == super::Shape::Varying;
    let elements = last.checked_sub(begin)? / bytes + 1;
    (is_lookup && elements <= TABLE_ELEMENTS_MAX).then_some(Table {
        begin,
        element_bytes: bytes,
        elements,
        lookups: 0,
        renewals: 0,
    })
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
