//! Declarations of variables and their initialisers (PTX ISA 5.4).

use super::{Immediate, Linkage, Name, ScalarType, Space, Span};

/// One declaration statement, which may declare several names: `.reg .f32 a, b<4>;`.
#[derive(Clone, Debug, PartialEq)]
pub struct Variables {
    /// Linking directive, if any; only at module scope.
    pub linkage: Option<Linkage>,
    /// State space.
    pub space: Space,
    /// `.attribute(...)` lists.
    pub attributes: Vec<Attribute>,
    /// Explicit alignment in bytes.
    pub align: Option<u32>,
    /// Elements of a vector type (`.v2`, `.v4`, `.v8`); 1 for a scalar.
    pub vector: u32,
    /// Element type.
    pub ty: ScalarType,
    /// `.ptr` of a kernel parameter.
    pub pointer: Option<PointerHint>,
    /// The declared names.
    pub names: Vec<Declarator>,
    /// Where the statement begins.
    pub span: Span,
}

impl Variables {
    /// Bytes of one element: the scalar, or the whole vector.
    pub fn element_bytes(&self) -> u64 {
        u64::from(self.ty.bytes()) * u64::from(self.vector)
    }

    /// The alignment of each name in bytes: the explicit one, or the natural one of the element.
    pub fn alignment(&self) -> u64 {
        self.align.map_or_else(|| self.element_bytes().next_power_of_two(), u64::from)
    }
}

/// One name of a declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Declarator {
    /// The name; with `range`, the prefix of the names.
    pub name: Name,
    /// `name<n>` declares `name0` to `name(n-1)`.
    pub range: Option<u32>,
    /// Array dimensions; only the first may be left open (none).
    pub dimensions: Vec<Option<u64>>,
    /// Initial value.
    pub initializer: Option<Initializer>,
    /// Where the name stands.
    pub span: Span,
}

impl Declarator {
    /// The number of elements, where it is known: the product of the dimensions, or for an open first dimension the
    /// length of the initialiser. Without an initialiser an open array has no known length.
    pub fn elements(&self) -> Option<u64> {
        let mut product = 1u64;
        for (index, dimension) in self.dimensions.iter().enumerate() {
            let length = match (dimension, &self.initializer) {
                (Some(length), _) => *length,
                (None, Some(Initializer::List(list))) if index == 0 => list.len() as u64,
                _ => return None,
            };
            product = product.checked_mul(length)?;
        }
        Some(product)
    }
}

/// The initial value of a variable or of a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Initializer {
    /// A number.
    Value(Immediate),
    /// The address of a symbol.
    Symbol(SymbolAddress),
    /// `name = value` in the list of a `.texref`, `.samplerref` or `.surfref` variable; the value is a number or a name.
    Property(Name, Box<Initializer>),
    /// `{a, b, ...}`, nested for arrays of arrays; what is not named is zero.
    List(Vec<Initializer>),
}

/// The address of a variable or function as an initialiser.
#[derive(Clone, Debug, PartialEq)]
pub struct SymbolAddress {
    /// The symbol.
    pub symbol: Name,
    /// Bytes added to its address.
    pub offset: i64,
    /// `generic(symbol)`: the generic address, not the address within the symbol's space.
    pub generic: bool,
    /// `mask(symbol)`: the value ANDed with the address and shifted down to its lowest set bit; the result is one
    /// byte (PTX ISA 5.4.4).
    pub mask: Option<u64>,
}

/// `.attribute(.name)` or `.attribute(.name(argument, ...))` of a variable or function (PTX ISA 5.4.8, 5.4.9).
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name without its dot: `managed`, `unified`.
    pub name: Name,
    /// The arguments in parentheses.
    pub arguments: Vec<Immediate>,
}

/// `.ptr{.space}{.align n}` of a kernel parameter: what it points to (PTX ISA 5.1.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointerHint {
    /// The space pointed to; none for a generic pointer.
    pub space: Option<Space>,
    /// Alignment of what is pointed to, in bytes.
    pub align: Option<u32>,
}
