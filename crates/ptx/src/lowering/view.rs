//! An instruction as lowering functions look at it.

use crate::ast::{Instruction, Operand, ScalarType};

/// Why an instruction could not be lowered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal(pub String);

/// What lowering an instruction gives.
pub(crate) type Outcome = Result<(), Refusal>;

/// A refusal with a reason.
pub(crate) fn refuse<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(reason.into()))
}

/// An instruction taken apart.
pub(crate) struct Inst<'a> {
    /// Operation and modifiers, `ld.global.u32`.
    pub name: &'a str,
    /// What stands before the first dot.
    pub opcode: &'a str,
    /// The modifiers, in order. `cta::sync`-like names keep their colons.
    pub modifiers: Vec<&'a str>,
    /// The operands.
    pub operands: &'a [Operand],
}

impl<'a> Inst<'a> {
    pub fn new(instruction: &'a Instruction) -> Self {
        Self {
            name: &instruction.name,
            opcode: instruction.opcode(),
            modifiers: instruction.modifiers().collect(),
            operands: &instruction.operands,
        }
    }

    /// Whether a modifier is there.
    pub fn has(&self, name: &str) -> bool {
        self.modifiers.contains(&name)
    }

    /// The type modifiers, in order.
    pub fn types(&self) -> Vec<ScalarType> {
        self.modifiers.iter().filter_map(|name| ScalarType::from_name(name)).collect()
    }

    /// The only or last type modifier.
    pub fn ty(&self) -> Result<ScalarType, Refusal> {
        self.types().last().copied().ok_or_else(|| Refusal(format!("{}: no type", self.name)))
    }

    /// Operand number `index`.
    pub fn operand(&self, index: usize) -> Result<&'a Operand, Refusal> {
        self.operands.get(index).ok_or_else(|| Refusal(format!("{}: operand {index} is missing", self.name)))
    }

    /// Elements of a vector access: 1, 2, 4 or 8.
    pub fn vector(&self) -> u8 {
        match () {
            _ if self.has("v2") => 2,
            _ if self.has("v4") => 4,
            _ if self.has("v8") => 8,
            _ => 1,
        }
    }
}
