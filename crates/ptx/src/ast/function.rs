//! Kernels and device functions (PTX ISA 5.4, 7, 11.1, 11.4).

use std::ops::Range;

use super::{Attribute, Immediate, Linkage, Name, Span, Variables};

/// A `.entry` or `.func`: a declaration, or a definition whose body is parsed when asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Linking directive, if any.
    pub linkage: Option<Linkage>,
    /// Kernel or device function.
    pub kind: FunctionKind,
    /// `.attribute(...)` lists.
    pub attributes: Vec<Attribute>,
    /// The symbol.
    pub name: Name,
    /// Parameters and return values.
    pub signature: Signature,
    /// Performance and other directives between the signature and the body.
    pub directives: Vec<FunctionDirective>,
    /// The body's place in the text; none for a declaration.
    pub body: Option<BodySource>,
    /// Where the declaration begins.
    pub span: Span,
}

/// What a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// `.entry`: launched by the host.
    Entry,
    /// `.func`: called by other functions.
    Device,
}

/// Parameters and return values of a function or of a `.callprototype`. Each entry declares exactly one name.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Signature {
    /// Return values.
    pub returns: Vec<Variables>,
    /// Parameters.
    pub params: Vec<Variables>,
    /// `.noreturn` was stated.
    pub noreturn: bool,
}

/// A directive of a function with its numbers: `.maxntid 256, 1, 1`, `.minnctapersm 2`, `.pragma "..."`.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionDirective {
    /// The name without its dot.
    pub name: Name,
    /// The arguments.
    pub arguments: Vec<DirectiveArgument>,
}

/// An argument of a directive.
#[derive(Clone, Debug, PartialEq)]
pub enum DirectiveArgument {
    /// A number.
    Value(Immediate),
    /// A string, without its quotes, escapes untouched.
    Text(Box<str>),
}

/// The place of a body in the module's text.
#[derive(Clone, Debug)]
pub struct BodySource {
    /// Byte range from the opening to the closing brace, both included.
    pub range: Range<usize>,
    /// Line of the opening brace, from 1.
    pub line: u32,
}

impl PartialEq for BodySource {
    /// Places do not take part in comparisons; see [`Span`]. Bodies are compared after parsing them.
    fn eq(&self, _: &BodySource) -> bool {
        true
    }
}

impl Function {
    /// The three numbers of a block or cluster shape directive (`maxntid`, `reqntid`, `reqnctapercluster`), those left
    /// out being 1; none where the directive is absent.
    pub fn shape_directive(&self, name: &str) -> Option<[u32; 3]> {
        let directive = self.directive(name)?;
        let mut shape = [1; 3];
        for (slot, argument) in shape.iter_mut().zip(&directive.arguments) {
            *slot = argument.as_u32()?;
        }
        Some(shape)
    }

    /// The number of a one-number directive (`minnctapersm`, `maxnreg`, `maxclusterrank`).
    pub fn number_directive(&self, name: &str) -> Option<u32> {
        self.directive(name)?.arguments.first()?.as_u32()
    }

    /// The first directive named `name`.
    pub fn directive(&self, name: &str) -> Option<&FunctionDirective> {
        self.directives.iter().find(|directive| directive.name == name)
    }
}

impl DirectiveArgument {
    fn as_u32(&self) -> Option<u32> {
        match self {
            DirectiveArgument::Value(value) => u32::try_from(value.as_bits()?).ok(),
            DirectiveArgument::Text(_) => None,
        }
    }
}
