//! Names to things: a body becomes a flat list of steps whose operands refer to registers, variables and labels by
//! number. Blocks and their scopes end here.

mod scope;
mod selector;
mod walk;

use crate::ast::{Body, Declarator, Function, Immediate, Instruction, Module, Name, Signature, Span, Variables};
use crate::error::Result;
use crate::instructions::special::Special;

pub use scope::ModuleNames;
pub use selector::Selector;

/// A scalar register: an index into [`Code::registers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegisterId(pub u32);

/// A label: an index into [`Code::labels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelId(pub u32);

/// A variable of a function: an index into [`Code::locals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// A body without scopes.
#[derive(Debug, Default)]
pub struct Code<'m> {
    /// Every register; a vector register counts as its elements.
    pub registers: Vec<Register>,
    /// Parameters, return values and variables of the function.
    pub locals: Vec<Local<'m>>,
    /// Labels.
    pub labels: Vec<Name>,
    /// `.callprototype`s.
    pub prototypes: Vec<&'m Signature>,
    /// The lists of `.calltargets`.
    pub call_targets: Vec<&'m [Name]>,
    /// The lists of `.branchtargets`.
    pub branch_targets: Vec<Vec<LabelId>>,
    /// Instructions and labels, in order.
    pub steps: Vec<Step<'m>>,
}

/// A scalar register.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Its declared type.
    pub ty: crate::ast::ScalarType,
}

/// A variable of a function.
#[derive(Clone, Copy, Debug)]
pub struct Local<'m> {
    /// What it is to the function.
    pub role: LocalRole,
    /// Its declaration.
    pub declaration: &'m Variables,
    /// Its part of the declaration.
    pub declarator: &'m Declarator,
    /// For parameters in registers (`.func (.reg .u32 a)`): the register.
    pub register: Option<RegisterId>,
}

/// What a variable is to its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalRole {
    /// The parameter with this index.
    Parameter(usize),
    /// The return value with this index.
    Return(usize),
    /// A variable of the body; in `.param` space an argument or result of a call.
    Variable,
}

/// An element of a body.
#[derive(Debug)]
pub enum Step<'m> {
    /// A label stands here.
    Label(LabelId),
    /// An instruction.
    Instruction(Resolved<'m>),
    /// Registers of an inner block begin to live: they have no value yet.
    FreshRegisters(std::ops::Range<u32>),
    /// A variable of the body begins to live.
    FreshLocal(LocalId),
}

/// An instruction whose names are resolved.
#[derive(Debug)]
pub struct Resolved<'m> {
    /// As written.
    pub source: &'m Instruction,
    /// The register that guards it, and whether it is negated.
    pub guard: Option<(RegisterId, bool)>,
    /// The operands, in order.
    pub operands: Vec<Operand>,
    /// File and line of the last `.loc`; (0, 0) before the first.
    pub location: (u32, u32),
}

/// An operand whose names are resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A register.
    Register(RegisterId),
    /// Bytes or halves of a register: `%r1.h0`.
    Part(RegisterId, Selector),
    /// A special register.
    Special(Special),
    /// An address in the shared memory that is reserved for the system: bytes from its start.
    ReservedShared(u32),
    /// The address of a variable or function, plus bytes.
    Symbol(Symbol, i64),
    /// A constant.
    Immediate(Immediate),
    /// A label.
    Label(LabelId),
    /// A `.callprototype`.
    Prototype(usize),
    /// A list of `.calltargets`.
    CallTargets(usize),
    /// A list of `.branchtargets`.
    BranchTargets(usize),
    /// `[base+offset, rest...]`.
    Address(Box<Address>),
    /// `{...}`, or a vector register.
    Vector(Vec<Operand>),
    /// `(...)` of a call.
    List(Vec<Operand>),
    /// `a|b`.
    Pair(Box<(Operand, Operand)>),
    /// `!p`.
    Not(Box<Operand>),
    /// `-a`.
    Negated(Box<Operand>),
    /// `_`.
    Sink,
}

/// What stands between brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Register, symbol or number.
    pub base: Operand,
    /// Bytes added.
    pub offset: i64,
    /// Further parts.
    pub rest: Vec<Operand>,
}

/// A variable or function.
#[derive(Clone, Debug, PartialEq)]
pub enum Symbol {
    /// Of the function.
    Local(LocalId),
    /// A variable of the module: index in [`ModuleNames`].
    Variable(usize),
    /// A function of the module.
    Function(Name),
}

/// Resolves the names of `body`, the body of `function`.
///
/// # Errors
/// A name that is not declared, or declared twice in one scope.
pub fn resolve<'m>(module: &Module, names: &ModuleNames, function: &'m Function, body: &'m Body) -> Result<Code<'m>> {
    walk::Walk::new(module, names, function)?.run(body)
}

/// The error for a thing at `span`, in this module.
pub(crate) fn error(module: &Module, span: Span, message: String) -> crate::error::Error {
    crate::error::Error::new(module.text(), span, message)
}
