//! The syntax tree of a PTX module.
//!
//! The tree holds what the text says and nothing that a reader would have to derive: names are not resolved, types are
//! not checked. Two trees are equal when the texts mean the same: places in the text ([`Span`]) do not take part in
//! comparisons, and comments are not kept.

mod function;
mod operand;
mod statement;
mod types;
mod variable;

use std::sync::Arc;

pub use function::{BodySource, DirectiveArgument, Function, FunctionDirective, FunctionKind, Signature};
pub use operand::{Address, Immediate, Operand};
pub use statement::{Body, Guard, InlinedAt, Instruction, SourceLocation, Statement};
pub use types::{Linkage, ScalarType, Space, TypeKind};
pub use variable::{Attribute, Declarator, Initializer, PointerHint, SymbolAddress, Variables};

/// A name as written. Short names, registers above all, are kept in place without an allocation.
pub type Name = smol_str::SmolStr;

/// A place in the text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// Byte offset from the beginning of the module's text.
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
    /// Line, from 1.
    pub line: u32,
}

impl PartialEq for Span {
    /// Places are not part of what a tree means, so that a tree equals its printed and re-parsed self.
    fn eq(&self, _: &Span) -> bool {
        true
    }
}

/// A module: signatures and globals at once, bodies on demand ([`Module::body`](Module::body)). Cheap to clone.
#[derive(Clone, Debug)]
pub struct Module {
    /// The whole text.
    pub(crate) text: Arc<str>,
    /// `.version major.minor`.
    pub version: Version,
    /// `.target` and its options: `sm_90a`, `debug`, `texmode_independent`.
    pub targets: Vec<Name>,
    /// `.address_size`: 32 or 64 bits.
    pub address_size: u32,
    /// Everything else, in the order of the text.
    pub items: Arc<[Item]>,
}

/// A PTX ISA version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// A directive at module scope.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A kernel or a device function.
    Function(Function),
    /// Variables.
    Variables(Variables),
    /// `.alias name, aliasee;`.
    Alias {
        /// The new name.
        name: Name,
        /// The function it stands for.
        target: Name,
    },
    /// `.file index "name"{, timestamp, size}`.
    File(SourceFile),
    /// `.pragma "..."`, without the quotes.
    Pragma(Vec<Box<str>>),
    /// `.section name { ... }`: debug information, kept as text.
    Section(Section),
}

/// A source file that `.loc` refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The number by which `.loc` refers to it.
    pub index: u32,
    /// The name, without its quotes.
    pub name: Box<str>,
    /// Time stamp and size, where stated.
    pub stamp: Option<(u64, u64)>,
}

/// A section of debug information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The name with its dot: `.debug_info`.
    pub name: Name,
    /// What stands between the braces, as written.
    pub text: Box<str>,
}

impl Module {
    /// The text the module was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The functions, declarations too, in the order of the text.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.items.iter().filter_map(|item| match item {
            Item::Function(function) => Some(function),
            _ => None,
        })
    }

    /// The functions that the host may launch.
    pub fn kernels(&self) -> impl Iterator<Item = &Function> {
        self.functions().filter(|function| function.kind == FunctionKind::Entry && function.body.is_some())
    }

    /// The function `name`: its definition where there is one, or else a declaration.
    pub fn function(&self, name: &str) -> Option<&Function> {
        let mut named = self.functions().filter(|function| function.name == name);
        let first = named.next()?;
        if first.body.is_some() {
            return Some(first);
        }
        named.find(|function| function.body.is_some()).or(Some(first))
    }

    /// The declarations of variables at module scope.
    pub fn variables(&self) -> impl Iterator<Item = &Variables> {
        self.items.iter().filter_map(|item| match item {
            Item::Variables(variables) => Some(variables),
            _ => None,
        })
    }
}
