//! The instructions: one file a family.
//!
//! Each family declares, in one table, the forms of its instructions ([`form`]) beside the function that lowers them. The
//! check of modifiers and operands, the error messages and the enumeration of forms for random tests follow from the
//! table.

mod address;
mod arithmetic;
mod atomic;
mod barrier;
mod bits;
mod bulk;
mod carry;
mod cluster;
mod compare;
mod control;
mod convert;
mod copy;
mod data_movement;
mod float;
pub mod form;
mod half;
pub mod isa;
mod logic;
mod matrix;
mod mbarrier;
mod memory;
mod narrow;
mod page;
pub mod special;
mod store_async;
mod tensor;
mod texture;
mod transcendental;
mod video;
mod warp;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use form::Form;
pub use page::page;

use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

/// Lowers one instruction.
pub(crate) type Lower = fn(&mut Lowering<'_>, &Checked<'_>) -> Result<(), Problem>;

/// Instructions that are lowered alike.
pub(crate) struct Declaration {
    /// How they may be written.
    pub forms: &'static [&'static str],
    /// What a guard does to them.
    pub guarding: Guarding,
    /// Appends their operations.
    pub lower: Lower,
}

/// How a guarded instruction is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarding {
    /// It is executed by all lanes, and those whose guard is false keep the old results: it has no effect but its results.
    Select,
    /// The guard becomes an operand of the memory operation; results as with [`Guarding::Select`].
    Operand,
    /// It is executed in a block of its own, which the other lanes pass by.
    Region,
    /// It ends a block, and looks after its guard itself.
    Terminator,
}

/// A parsed declaration.
#[derive(Debug)]
pub struct Entry {
    /// How the instructions may be written.
    pub forms: Vec<Form>,
    /// What a guard does to them.
    pub guarding: Guarding,
    pub(crate) lower: LowerFunction,
}

/// A [`Lower`] that can be printed.
#[derive(Clone, Copy)]
pub(crate) struct LowerFunction(pub Lower);

impl std::fmt::Debug for LowerFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("lower")
    }
}

/// Every family's table.
const FAMILIES: &[(&str, &[&[Declaration]])] = &[
    ("address", &[address::INSTRUCTIONS]),
    ("arithmetic", &[arithmetic::INSTRUCTIONS]),
    ("atomic", &[atomic::INSTRUCTIONS]),
    ("barrier", &[barrier::INSTRUCTIONS]),
    ("bits", &[bits::INSTRUCTIONS]),
    ("bulk", &[bulk::INSTRUCTIONS]),
    ("carry", &[carry::INSTRUCTIONS]),
    ("cluster", &[cluster::INSTRUCTIONS]),
    ("compare", &[compare::INSTRUCTIONS]),
    ("control", &[control::INSTRUCTIONS]),
    ("convert", &[convert::INSTRUCTIONS]),
    ("copy", &[copy::INSTRUCTIONS]),
    ("data_movement", &[data_movement::INSTRUCTIONS]),
    ("float", &[float::INSTRUCTIONS]),
    ("half", &[half::INSTRUCTIONS]),
    ("logic", &[logic::INSTRUCTIONS]),
    ("matrix", matrix::INSTRUCTIONS),
    ("mbarrier", &[mbarrier::INSTRUCTIONS]),
    ("memory", &[memory::INSTRUCTIONS]),
    ("narrow", &[narrow::INSTRUCTIONS]),
    ("store_async", &[store_async::INSTRUCTIONS]),
    ("tensor", &[tensor::INSTRUCTIONS]),
    ("texture", texture::INSTRUCTIONS),
    ("transcendental", &[transcendental::INSTRUCTIONS]),
    ("video", video::INSTRUCTIONS),
    ("warp", &[warp::INSTRUCTIONS]),
];

static TABLE: LazyLock<HashMap<&'static str, Vec<Entry>>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Vec<Entry>> = HashMap::new();
    for declaration in FAMILIES.iter().flat_map(|(_, tables)| tables.iter().copied().flatten()) {
        // One declaration may hold forms of several operations.
        let mut forms: Vec<Form> = declaration.forms.iter().map(|text| Form::parse(text)).collect();
        while let Some(opcode) = forms.first().map(Form::opcode) {
            let (same, rest): (Vec<Form>, Vec<Form>) = forms.into_iter().partition(|form| form.opcode() == opcode);
            forms = rest;
            let lower = LowerFunction(declaration.lower);
            table.entry(opcode).or_default().push(Entry { forms: same, guarding: declaration.guarding, lower });
        }
    }
    table
});

/// Whether the PTX ISA has an operation `opcode` that is not implemented here.
pub(crate) fn is_not_implemented(opcode: &str) -> bool {
    entries(opcode).is_none() && isa::is_operation(opcode)
}

/// The declarations of the operation `opcode`; none if there is no such instruction.
pub fn entries(opcode: &str) -> Option<&'static [Entry]> {
    TABLE.get(opcode).map(Vec::as_slice)
}

/// The families with the forms of their instructions, in the order of declaration.
pub fn families() -> impl Iterator<Item = (&'static str, impl Iterator<Item = Form>)> {
    FAMILIES.iter().map(|(name, tables)| {
        let forms = tables.iter().copied().flatten().flat_map(|declaration| declaration.forms.iter().copied());
        (*name, forms.map(Form::parse))
    })
}
