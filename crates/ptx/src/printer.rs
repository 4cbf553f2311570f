//! Prints a module as PTX.
//!
//! What is printed parses to an equal tree. Spelling is normalised: constants are printed by value, comments are gone,
//! instructions stand one on a line.

use std::fmt::{self, Write};

use crate::ast::{
    Address, Attribute, Body, DirectiveArgument, Function, FunctionKind, Immediate, Initializer, Instruction, Item,
    Module, Name, Operand, Signature, SourceLocation, Statement, SymbolAddress, Variables, Version,
};
use crate::error::Result;

impl Module {
    /// The whole module as text, bodies included.
    ///
    /// # Errors
    /// The first place in a body that is not PTX: bodies are read to be printed.
    pub fn to_ptx(&self) -> Result<String> {
        let mut out = String::with_capacity(self.text.len());
        header(&mut out, self.version, &self.targets, self.address_size);
        for item in self.items.iter() {
            match item {
                Item::Function(function) => {
                    let body = self.body(function)?;
                    put(&mut out, format_args!("{}", DisplayFunction { function, body: &body }));
                }
                other => put(&mut out, format_args!("{}", DisplayItem(other))),
            }
        }
        Ok(out)
    }
}

/// The directives that a module begins with.
pub(crate) fn header(out: &mut String, version: Version, targets: &[Name], address_size: u32) {
    put(out, format_args!(".version {}.{}\n", version.major, version.minor));
    put(out, format_args!(".target {}\n", targets.join(", ")));
    put(out, format_args!(".address_size {address_size}\n\n"));
}

/// Appends to a string, which cannot fail.
pub(crate) fn put(out: &mut String, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a string takes what is written to it");
}

/// Items separated by commas.
/// Strings as PTX writes them.
fn quoted(texts: &[Box<str>]) -> Vec<String> {
    texts.iter().map(|text| format!("\"{text}\"")).collect()
}

struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

pub(crate) struct DisplayItem<'a>(pub &'a Item);

impl fmt::Display for DisplayItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Item::Function(function) => {
                let body = Body::default();
                write!(f, "{}", DisplayFunction { function, body: &body })
            }
            Item::Variables(variables) => writeln!(f, "{variables};"),
            Item::Alias { name, target } => writeln!(f, ".alias {name}, {target};"),
            Item::File(file) => {
                write!(f, ".file {} \"{}\"", file.index, file.name)?;
                if let Some((time, size)) = file.stamp {
                    write!(f, ", {time}, {size}")?;
                }
                writeln!(f)
            }
            Item::Pragma(texts) => writeln!(f, ".pragma {};", List(&quoted(texts))),
            Item::Section(section) => {
                writeln!(f, ".section {}\n{{\n{}\n}}", section.name, section.text)
            }
        }
    }
}

pub(crate) struct DisplayFunction<'a> {
    pub function: &'a Function,
    pub body: &'a Body,
}

impl fmt::Display for DisplayFunction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.function;
        if let Some(linkage) = function.linkage {
            write!(f, "{linkage} ")?;
        }
        write!(f, "{}", if function.kind == FunctionKind::Entry { ".entry" } else { ".func" })?;
        attributes(f, &function.attributes)?;
        signature(f, &function.signature, &function.name)?;
        if function.signature.noreturn {
            write!(f, "\n.noreturn")?;
        }
        for directive in &function.directives {
            write!(f, "\n.{} {}", directive.name, List(&directive.arguments))?;
        }
        if function.body.is_none() {
            return writeln!(f, ";");
        }
        writeln!(f, "\n{{")?;
        statements(f, &self.body.statements, 1)?;
        writeln!(f, "}}")
    }
}

impl fmt::Display for DirectiveArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectiveArgument::Value(value) => write!(f, "{value}"),
            DirectiveArgument::Text(text) => write!(f, "\"{text}\""),
        }
    }
}

/// `(returns) name (params)`.
fn signature(f: &mut fmt::Formatter<'_>, signature: &Signature, name: &str) -> fmt::Result {
    if !signature.returns.is_empty() {
        write!(f, " ({})", List(&signature.returns))?;
    }
    write!(f, " {name}")?;
    if !signature.params.is_empty() {
        write!(f, " ({})", List(&signature.params))?;
    }
    Ok(())
}

fn attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    for attribute in attributes {
        write!(f, " .attribute(.{}", attribute.name)?;
        if !attribute.arguments.is_empty() {
            write!(f, "({})", List(&attribute.arguments))?;
        }
        write!(f, ")")?;
    }
    Ok(())
}

impl fmt::Display for Variables {
    /// The declaration without a semicolon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(linkage) = self.linkage {
            write!(f, "{linkage} ")?;
        }
        write!(f, "{}", self.space)?;
        attributes(f, &self.attributes)?;
        let align = self.align.map(|align| format!(" .align {align}")).unwrap_or_default();
        // The alignment of a pointer parameter itself comes behind `.ptr`, which has one of its own.
        if self.pointer.is_none() {
            write!(f, "{align}")?;
        }
        if self.vector > 1 {
            write!(f, " .v{}", self.vector)?;
        }
        write!(f, " {}", self.ty)?;
        if let Some(pointer) = self.pointer {
            write!(f, " .ptr")?;
            if let Some(space) = pointer.space {
                write!(f, " {space}")?;
            }
            if let Some(align) = pointer.align {
                write!(f, " .align {align}")?;
            }
            write!(f, "{align}")?;
        }
        for (index, name) in self.names.iter().enumerate() {
            write!(f, "{} {}", if index > 0 { "," } else { "" }, name.name)?;
            if let Some(count) = name.range {
                write!(f, "<{count}>")?;
            }
            for dimension in &name.dimensions {
                match dimension {
                    Some(length) => write!(f, "[{length}]")?,
                    None => write!(f, "[]")?,
                }
            }
            if let Some(initializer) = &name.initializer {
                write!(f, " = {initializer}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Initializer::Value(value) => write!(f, "{value}"),
            Initializer::Symbol(address) => write!(f, "{address}"),
            Initializer::Property(name, value) => write!(f, "{name} = {value}"),
            Initializer::List(list) => write!(f, "{{{}}}", List(list)),
        }
    }
}

impl fmt::Display for SymbolAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mask) = self.mask {
            write!(f, "{mask:#X}(")?;
        }
        if self.generic {
            write!(f, "generic({})", self.symbol)?;
        } else {
            write!(f, "{}", self.symbol)?;
        }
        offset(f, self.offset)?;
        if self.mask.is_some() { write!(f, ")") } else { Ok(()) }
    }
}

/// `+4`, `+-4` (NVIDIA's assembler knows no `-4` here), or nothing.
fn offset(f: &mut fmt::Formatter<'_>, offset: i64) -> fmt::Result {
    match offset {
        0 => Ok(()),
        1.. => write!(f, "+{offset}"),
        _ => write!(f, "+-{}", offset.unsigned_abs()),
    }
}

impl fmt::Display for Immediate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The digits of the smallest number alone would be too large for the signed type.
            Immediate::Signed(i64::MIN) => write!(f, "(-9223372036854775807 - 1)"),
            Immediate::Signed(value) => write!(f, "{value}"),
            Immediate::Unsigned(value) => write!(f, "{value}U"),
            Immediate::F32(bits) => write!(f, "0f{bits:08X}"),
            Immediate::F64(bits) => write!(f, "0d{bits:016X}"),
        }
    }
}

fn indent(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    // Deeper blocks are not indented further: generated code nests far, and lines must stay readable.
    (0..depth.min(8)).try_for_each(|_| f.write_char('\t'))
}

fn statements(f: &mut fmt::Formatter<'_>, list: &[Statement], depth: usize) -> fmt::Result {
    for statement in list {
        match statement {
            Statement::Label(name, _) => {
                writeln!(f, "{name}:")?;
                continue;
            }
            Statement::Block(inner) => {
                indent(f, depth)?;
                writeln!(f, "{{")?;
                statements(f, inner, depth + 1)?;
                indent(f, depth)?;
                writeln!(f, "}}")?;
                continue;
            }
            _ => indent(f, depth)?,
        }
        match statement {
            Statement::Label(..) | Statement::Block(_) => {}
            Statement::Instruction(instruction) => writeln!(f, "{instruction}")?,
            Statement::Variables(variables) => writeln!(f, "{variables};")?,
            Statement::Location(location) => writeln!(f, "{location}")?,
            Statement::Pragma(texts) => writeln!(f, ".pragma {};", List(&quoted(texts)))?,
            Statement::CallPrototype(name, prototype) => {
                write!(f, "{name}: .callprototype")?;
                signature(f, prototype, "_")?;
                writeln!(f, "{};", if prototype.noreturn { " .noreturn" } else { "" })?;
            }
            Statement::CallTargets(name, targets) => writeln!(f, "{name}: .calltargets {};", List(targets))?,
            Statement::BranchTargets(name, targets) => writeln!(f, "{name}: .branchtargets {};", List(targets))?,
        }
    }
    Ok(())
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ".loc {} {} {}", self.file, self.line, self.column)?;
        if let Some(inlined) = &self.inlined {
            write!(f, ", function_name {}", inlined.function_name)?;
            if inlined.function_name_offset != 0 {
                write!(f, "+{}", inlined.function_name_offset)?;
            }
            let [file, line, column] = inlined.at;
            write!(f, ", inlined_at {file} {line} {column}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Instruction {
    /// The instruction as PTX, with its semicolon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(guard) = &self.guard {
            write!(f, "@{}{} ", if guard.negated { "!" } else { "" }, guard.register)?;
        }
        write!(f, "{}", self.name)?;
        if !self.operands.is_empty() {
            write!(f, " {}", List(&self.operands))?;
        }
        write!(f, ";")
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Name(name) => write!(f, "{name}"),
            Operand::Component(name, component) => write!(f, "{name}.{component}"),
            Operand::Offset(name, value) => {
                write!(f, "{name}")?;
                if *value == 0 { write!(f, "+0") } else { offset(f, *value) }
            }
            Operand::Element(name, index) => write!(f, "{name}[{index}]"),
            Operand::Immediate(value) => write!(f, "{value}"),
            Operand::Address(address) => write!(f, "{address}"),
            Operand::Vector(list) => write!(f, "{{{}}}", List(list)),
            Operand::List(list) => write!(f, "({})", List(list)),
            Operand::Pair(pair) => write!(f, "{}|{}", pair.0, pair.1),
            Operand::Not(inner) => write!(f, "!{inner}"),
            Operand::Negated(inner) => write!(f, "-{inner}"),
            Operand::Sink => write!(f, "_"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.base)?;
        offset(f, self.offset)?;
        for part in &self.rest {
            write!(f, ", {part}")?;
        }
        write!(f, "]{}", if self.unified { ".unified" } else { "" })
    }
}
