//! Operands.

use super::Parser;
use crate::ast::{Address, Immediate, Name, Operand};
use crate::error::Result;
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// The operands up to the semicolon. `call` is the only instruction with lists in parentheses, elsewhere a
    /// parenthesis begins a constant expression.
    pub(super) fn operands(&mut self, instruction: &str) -> Result<Vec<Operand>> {
        let lists = instruction == "call" || instruction.starts_with("call.");
        let mut operands = Vec::new();
        loop {
            let operand = if lists && self.accept(b'(') {
                Operand::List(self.list(b')', Self::operand)?)
            } else {
                self.operand()?
            };
            operands.push(operand);
            if !self.accept(b',') {
                return Ok(operands);
            }
        }
    }

    fn operand(&mut self) -> Result<Operand> {
        let first = self.nested(Self::single_operand)?;
        if !self.accept(b'|') {
            return Ok(first);
        }
        let second = self.nested(Self::single_operand)?;
        Ok(Operand::Pair(Box::new((first, second))))
    }

    fn single_operand(&mut self) -> Result<Operand> {
        match self.token.kind {
            TokenKind::Identifier if self.token.text == "_" => {
                self.advance();
                Ok(Operand::Sink)
            }
            TokenKind::Identifier if self.token.text == "WARP_SZ" => Ok(Operand::Immediate(self.constant()?)),
            TokenKind::Identifier => self.named_operand(),
            TokenKind::Punctuation(b'{') => {
                self.advance();
                Ok(Operand::Vector(self.list(b'}', Self::operand)?))
            }
            TokenKind::Punctuation(b'[') => {
                self.advance();
                let mut address = self.nested(Self::address)?;
                if self.token.is_dotted("unified") {
                    self.advance();
                    address.unified = true;
                }
                Ok(Operand::Address(Box::new(address)))
            }
            TokenKind::Punctuation(sign @ (b'!' | b'-')) if self.second().kind == TokenKind::Identifier => {
                self.advance();
                let inner = Box::new(self.single_operand()?);
                Ok(if sign == b'!' { Operand::Not(inner) } else { Operand::Negated(inner) })
            }
            TokenKind::Number | TokenKind::Punctuation(b'-' | b'+' | b'~' | b'!' | b'(') => {
                Ok(Operand::Immediate(self.constant()?))
            }
            TokenKind::Dotted if self.token.is_fraction() => Ok(Operand::Immediate(self.constant()?)),
            _ => Err(self.expected("an operand")),
        }
    }

    /// A name with an optional component (`.x`), index (`[4]`) or offset (`+4`).
    fn named_operand(&mut self) -> Result<Operand> {
        let token = self.advance();
        let name = Name::new(token.text);
        let touches = self.token.span.offset == token.span.offset + token.span.length;
        if let Some(component) = self.peek_dotted().filter(|_| touches) {
            self.advance();
            return Ok(Operand::Component(name, Name::new(component)));
        }
        if self.accept(b'[') {
            let index = self.token;
            let Some(bits) = self.constant()?.as_bits() else {
                return Err(self.error_at(index.span, "the index of an element is an integer"));
            };
            self.expect(b']')?;
            return Ok(Operand::Element(name, bits.cast_signed()));
        }
        if self.token.is(b'+') || self.token.is(b'-') {
            return Ok(Operand::Offset(name, self.signed_offset()?));
        }
        Ok(Operand::Name(name))
    }

    /// Behind `[`: `base{+offset}{, part}...]`.
    fn address(&mut self) -> Result<Address> {
        let mut address = Address { base: Operand::Sink, offset: 0, rest: Vec::new(), unified: false };
        match self.operand()? {
            Operand::Offset(name, offset) => {
                address.base = Operand::Name(name);
                address.offset = offset;
            }
            Operand::Immediate(value) => address.base = Operand::Immediate(value),
            base @ Operand::Component(..) => {
                address.base = base;
                address.offset = self.signed_offset()?;
            }
            base => address.base = base,
        }
        // `[8+%r1]` is not written by compilers, `[%r1+8]` is; an integer base is an absolute address.
        if let Operand::Immediate(Immediate::F32(_) | Immediate::F64(_)) = address.base {
            return Err(self.expected("an integer address"));
        }
        if self.accept(b']') {
            return Ok(address);
        }
        if !self.accept(b',') {
            return Err(self.expected("`]`"));
        }
        address.rest = self.list(b']', Self::operand)?;
        Ok(address)
    }
}
