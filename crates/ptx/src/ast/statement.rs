//! Statements of a function's body (PTX ISA 4.3).

use super::{Name, Operand, Signature, Span, Variables};

/// The statements of a body, in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Body {
    /// The statements of the outermost block.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// An instruction.
    Instruction(Instruction),
    /// `name:`.
    Label(Name, Span),
    /// A declaration of variables, valid to the end of the block.
    Variables(Variables),
    /// `{ ... }`: a scope of its own.
    Block(Vec<Statement>),
    /// `.loc`: the source line of what follows.
    Location(SourceLocation),
    /// `.pragma "..."`, without the quotes.
    Pragma(Vec<Box<str>>),
    /// `name: .callprototype ...`: the signature of an indirect call.
    CallPrototype(Name, Signature),
    /// `name: .calltargets f, g;`.
    CallTargets(Name, Vec<Name>),
    /// `name: .branchtargets a, b;`.
    BranchTargets(Name, Vec<Name>),
}

/// An instruction with its guard.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// `@p` or `@!p`.
    pub guard: Option<Guard>,
    /// Operation and modifiers as written: `ld.global.nc.u32`.
    pub name: Name,
    /// The operands.
    pub operands: Vec<Operand>,
    /// Where the operation stands.
    pub span: Span,
}

impl Instruction {
    /// The operation: what stands before the first dot.
    pub fn opcode(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// The modifiers in order, without dots.
    pub fn modifiers(&self) -> impl Iterator<Item = &str> {
        self.name.split('.').skip(1)
    }
}

/// The predicate that guards an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The instruction runs where the predicate is false.
    pub negated: bool,
    /// The predicate register.
    pub register: Name,
}

/// `.loc file line column{, function_name label{+offset}, inlined_at file line column}` (PTX ISA 11.5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLocation {
    /// Index of a `.file`.
    pub file: u32,
    /// Line from 1; 0 where unknown.
    pub line: u32,
    /// Column from 1; 0 where unknown.
    pub column: u32,
    /// Where the function was inlined.
    pub inlined: Option<InlinedAt>,
}

/// The attributes of a `.loc` within an inlined function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinedAt {
    /// Label in `.debug_str` of the function's name.
    pub function_name: Name,
    /// Offset added to the label.
    pub function_name_offset: u64,
    /// File, line and column of the call.
    pub at: [u32; 3],
}
