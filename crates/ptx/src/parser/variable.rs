//! Declarations of variables.

use super::Parser;
use crate::ast::{
    Attribute, Declarator, Immediate, Initializer, Linkage, Name, PointerHint, ScalarType, Space, Span, SymbolAddress,
    Variables,
};
use crate::error::Result;
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// A declaration from its state space to its last name, without the semicolon.
    pub(super) fn variables(&mut self, linkage: Option<Linkage>, span: Span) -> Result<Variables> {
        let mut variables = self.variable_prefix(linkage, span)?;
        loop {
            let declarator = self.declarator()?;
            variables.names.push(declarator);
            if !self.accept(b',') {
                return Ok(variables);
            }
        }
    }

    /// Everything before the names: space, attributes, alignment, vector, type, `.ptr`. Attributes and alignment may come first.
    pub(super) fn variable_prefix(&mut self, linkage: Option<Linkage>, span: Span) -> Result<Variables> {
        let (mut attributes, mut align) = (self.attributes()?, None);
        if self.accept_dotted("align") {
            align = Some(self.alignment()?);
            attributes.extend(self.attributes()?);
        }
        let (space, bank) = self.space()?;
        let mut variables = Variables {
            linkage,
            space,
            attributes,
            align,
            vector: 1,
            ty: ScalarType::B8,
            pointer: None,
            names: Vec::new(),
            span,
        };
        if bank {
            return Err(self.error_at(span, "numbered constant banks are not accepted; use .const"));
        }
        loop {
            match self.peek_dotted() {
                Some("align") => {
                    self.advance();
                    variables.align = Some(self.alignment()?);
                }
                Some("v2") => self.vector(&mut variables, 2),
                Some("v4") => self.vector(&mut variables, 4),
                Some("v8") => self.vector(&mut variables, 8),
                Some("attribute") => variables.attributes.extend(self.attributes()?),
                _ => break,
            }
        }
        variables.ty = match self.peek_dotted().and_then(ScalarType::from_name) {
            Some(ty) => ty,
            None => return Err(self.expected("a type such as .u32")),
        };
        self.advance();
        if self.accept_dotted("ptr") {
            variables.pointer = Some(self.pointer_hint()?);
        }
        // Compilers also write the alignment behind the type.
        if self.accept_dotted("align") {
            variables.align = Some(self.alignment()?);
        }
        Ok(variables)
    }

    fn vector(&mut self, variables: &mut Variables, elements: u32) {
        self.advance();
        variables.vector = elements;
    }

    /// The state space; true where it is a numbered bank, `.const[3]`.
    fn space(&mut self) -> Result<(Space, bool)> {
        let Some(space) = self.peek_dotted().and_then(Space::from_name) else {
            return Err(self.expected("a state space such as .global, or a function"));
        };
        self.advance();
        Ok((space, space == Space::Const && self.token.is(b'[')))
    }

    fn alignment(&mut self) -> Result<u32> {
        let span = self.token.span;
        let align = self.number_u32("an alignment")?;
        if align.is_power_of_two() && align <= 1 << 20 {
            Ok(align)
        } else {
            Err(self.error_at(span, "an alignment is a power of two"))
        }
    }

    fn pointer_hint(&mut self) -> Result<PointerHint> {
        let mut hint = PointerHint { space: None, align: None };
        if let Some(space) = self.peek_dotted().and_then(Space::from_name) {
            self.advance();
            hint.space = Some(space);
        }
        if self.accept_dotted("align") {
            hint.align = Some(self.alignment()?);
        }
        Ok(hint)
    }

    /// `.attribute(.name{(arguments)}, ...)`, any number of times.
    pub(super) fn attributes(&mut self) -> Result<Vec<Attribute>> {
        let mut attributes = Vec::new();
        while self.accept_dotted("attribute") {
            self.expect(b'(')?;
            attributes.extend(self.list(b')', Self::attribute)?);
        }
        Ok(attributes)
    }

    fn attribute(&mut self) -> Result<Attribute> {
        let Some(name) = self.peek_dotted() else {
            return Err(self.expected("an attribute such as .managed"));
        };
        self.advance();
        let arguments = if self.accept(b'(') { self.list(b')', Self::constant)? } else { Vec::new() };
        Ok(Attribute { name: Name::new(name), arguments })
    }

    /// `name{<n>}{[n]...}{= initializer}`.
    pub(super) fn declarator(&mut self) -> Result<Declarator> {
        let span = self.token.span;
        let name = self.name("a name")?;
        let mut range = None;
        if self.accept(b'<') {
            range = Some(self.register_count()?);
            self.expect(b'>')?;
        }
        let mut dimensions = Vec::new();
        while self.accept(b'[') {
            if self.accept(b']') {
                dimensions.push(None);
            } else {
                dimensions.push(Some(self.unsigned("the length of the array")?));
                self.expect(b']')?;
            }
        }
        let initializer = if self.accept(b'=') { Some(self.initializer()?) } else { None };
        Ok(Declarator { name, range, dimensions, initializer, span })
    }

    fn initializer(&mut self) -> Result<Initializer> {
        if self.accept(b'{') {
            return Ok(Initializer::List(self.nested(|parser| parser.list(b'}', Self::initializer))?));
        }
        if self.token.kind == TokenKind::Identifier && self.token.text != "WARP_SZ" {
            let address = self.symbol_address(None)?;
            if self.accept(b'=') {
                let value = Box::new(self.nested(Self::initializer)?);
                return Ok(Initializer::Property(address.symbol, value));
            }
            return Ok(Initializer::Symbol(address));
        }
        let span = self.token.span;
        let value = self.constant()?;
        // `0xFF00(symbol)`: a byte of the symbol's address.
        if !self.token.is(b'(') {
            return Ok(Initializer::Value(value));
        }
        let mask = value.as_bits().ok_or_else(|| self.error_at(span, "a mask is an integer"))?;
        self.advance();
        let address = self.symbol_address(Some(mask))?;
        self.expect(b')')?;
        Ok(Initializer::Symbol(address))
    }

    /// `symbol{+offset}`, `generic(symbol){+offset}`.
    fn symbol_address(&mut self, mask: Option<u64>) -> Result<SymbolAddress> {
        let name = self.name("a symbol")?;
        let generic = name == "generic" && self.token.is(b'(');
        let mut address = SymbolAddress { symbol: name, offset: 0, generic, mask };
        if generic {
            self.advance();
            address.symbol = self.name("a symbol")?;
            address.offset = self.signed_offset()?;
            self.expect(b')')?;
        }
        address.offset = address.offset.wrapping_add(self.signed_offset()?);
        Ok(address)
    }

    /// `+ constant` or `- constant`, any number of times.
    pub(super) fn signed_offset(&mut self) -> Result<i64> {
        let mut offset = 0i64;
        while self.token.is(b'+') || self.token.is(b'-') {
            let negative = self.advance().is(b'-');
            let span = self.token.span;
            let value = match self.offset_term()? {
                Immediate::Signed(value) => value,
                Immediate::Unsigned(value) => value.cast_signed(),
                _ => return Err(self.error_at(span, "an offset is an integer")),
            };
            offset = if negative { offset.wrapping_sub(value) } else { offset.wrapping_add(value) };
        }
        Ok(offset)
    }
}
