//! Classes of instructions, as counters tell them apart: a family has a class, of which some of its operations, and some types, are
//! exceptions.

use simt_ir::instrument::InstructionClass;

use crate::check::Checked;

/// Operations that are not what the rest of their family is.
const EXCEPTIONS: &[(&str, InstructionClass)] = &[
    ("ld", InstructionClass::Load),
    ("ldu", InstructionClass::Load),
    ("st", InstructionClass::Store),
    ("bra", InstructionClass::Branch),
    ("brx", InstructionClass::Branch),
    ("call", InstructionClass::Control),
    ("ret", InstructionClass::Control),
    ("exit", InstructionClass::Control),
    ("trap", InstructionClass::Control),
    ("fence", InstructionClass::Fence),
    ("membar", InstructionClass::Fence),
    ("prmt", InstructionClass::Integer),
];

/// The class of an operation of a family.
pub(super) fn of_operation(opcode: &str, family: InstructionClass) -> InstructionClass {
    let known = EXCEPTIONS.iter().find(|(name, _)| *name == opcode);
    known.map_or(family, |(_, class)| *class)
}

/// The class of an instruction.
pub(crate) fn of_instruction(i: &Checked<'_>) -> InstructionClass {
    let has = |name: &str| i.resolved.source.modifiers().any(|modifier| modifier == name);
    match i.entry.class {
        InstructionClass::Float32 if has("f64") => InstructionClass::Float64,
        InstructionClass::Load if has("param") || has("param::entry") || has("param::func") => {
            InstructionClass::LoadParam
        }
        class => class,
    }
}
