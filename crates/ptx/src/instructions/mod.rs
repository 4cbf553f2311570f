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
mod class;
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
pub(crate) mod narrow;
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

pub(crate) use class::of_instruction as class_of;
pub use form::Form;
pub use page::page;

use simt_ir::instrument::InstructionClass;
use simt_ir::instrument::InstructionClass::*;

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
    /// What counters count them as, unless their types say more.
    pub class: InstructionClass,
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

/// Every family's table, with the class that most of its instructions have.
const FAMILIES: &[(&str, &[&[Declaration]], InstructionClass)] = &[
    ("address", &[address::INSTRUCTIONS], Move),
    ("arithmetic", &[arithmetic::INSTRUCTIONS], Integer),
    ("atomic", &[atomic::INSTRUCTIONS], Atomic),
    ("barrier", &[barrier::INSTRUCTIONS], Barrier),
    ("bits", &[bits::INSTRUCTIONS], Integer),
    ("bulk", &[bulk::INSTRUCTIONS], Copy),
    ("carry", &[carry::INSTRUCTIONS], Integer),
    ("cluster", &[cluster::INSTRUCTIONS], Move),
    ("compare", &[compare::INSTRUCTIONS], Compare),
    ("control", &[control::INSTRUCTIONS], Other),
    ("convert", &[convert::INSTRUCTIONS], Convert),
    ("copy", &[copy::INSTRUCTIONS], Copy),
    ("data_movement", &[data_movement::INSTRUCTIONS], Move),
    ("float", &[float::INSTRUCTIONS], Float32),
    ("half", &[half::INSTRUCTIONS], Half),
    ("logic", &[logic::INSTRUCTIONS], Integer),
    ("matrix", matrix::INSTRUCTIONS, Matrix),
    ("mbarrier", &[mbarrier::INSTRUCTIONS], Barrier),
    ("memory", &[memory::INSTRUCTIONS], Other),
    ("narrow", &[narrow::INSTRUCTIONS], Convert),
    ("store_async", &[store_async::INSTRUCTIONS], Copy),
    ("tensor", &[tensor::INSTRUCTIONS], Copy),
    ("texture", texture::INSTRUCTIONS, Texture),
    ("transcendental", &[transcendental::INSTRUCTIONS], Special),
    ("video", video::INSTRUCTIONS, Integer),
    ("warp", &[warp::INSTRUCTIONS], Warp),
];

static TABLE: LazyLock<HashMap<&'static str, Vec<Entry>>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Vec<Entry>> = HashMap::new();
    let declarations = |(_, tables, class): &'static (_, &'static [&'static [Declaration]], InstructionClass)| {
        tables.iter().copied().flatten().map(|declaration| (declaration, *class))
    };
    for (declaration, family) in FAMILIES.iter().flat_map(declarations) {
        // One declaration may hold forms of several operations.
        let mut forms: Vec<Form> = declaration.forms.iter().map(|text| Form::parse(text)).collect();
        while let Some(opcode) = forms.first().map(Form::opcode) {
            let (same, rest): (Vec<Form>, Vec<Form>) = forms.into_iter().partition(|form| form.opcode() == opcode);
            forms = rest;
            let lower = LowerFunction(declaration.lower);
            let class = class::of_operation(opcode, family);
            table.entry(opcode).or_default().push(Entry { forms: same, guarding: declaration.guarding, class, lower });
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
    FAMILIES.iter().map(|(name, tables, _)| {
        let forms = tables.iter().copied().flatten().flat_map(|declaration| declaration.forms.iter().copied());
        (*name, forms.map(Form::parse))
    })
}
