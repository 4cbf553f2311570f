//! Statements of a body.

use super::Parser;
use crate::ast::{Body, Guard, Instruction, Name, Span, Statement};
use crate::error::Result;
use crate::lexer::TokenKind;

/// The largest `n` of `label<n>` in a list.
const LABELS_MAX: u32 = 1 << 16;

impl Parser<'_> {
    /// A body with its braces, which is all there is to read.
    pub(super) fn body(mut self) -> Result<Body> {
        self.expect(b'{')?;
        let statements = self.statements()?;
        if self.token.kind != TokenKind::End {
            return Err(self.expected("the end of the body"));
        }
        Ok(Body { statements })
    }

    /// Statements up to and with `}`.
    fn statements(&mut self) -> Result<Vec<Statement>> {
        let mut statements = Vec::new();
        loop {
            if self.accept(b'}') {
                return Ok(statements);
            }
            if self.accept(b';') {
                continue;
            }
            statements.push(self.statement()?);
        }
    }

    fn statement(&mut self) -> Result<Statement> {
        let token = self.token;
        match token.kind {
            TokenKind::Punctuation(b'{') => {
                self.advance();
                Ok(Statement::Block(self.nested(Self::statements)?))
            }
            TokenKind::Punctuation(b'@') => {
                let guard = self.guard()?;
                self.instruction(Some(guard))
            }
            TokenKind::Identifier if self.second().is(b':') => self.labelled(token.span),
            TokenKind::Identifier => self.instruction(None),
            TokenKind::Dotted => self.directive(),
            _ => Err(self.expected("an instruction, a label or a directive")),
        }
    }

    /// `@p` or `@!p`.
    fn guard(&mut self) -> Result<Guard> {
        self.advance();
        let negated = self.accept(b'!');
        Ok(Guard { negated, register: self.name("a predicate register")? })
    }

    /// `name:` and, for the directives that are named so, what follows.
    fn labelled(&mut self, span: Span) -> Result<Statement> {
        let name = self.name("a label")?;
        self.expect(b':')?;
        let statement = match self.peek_dotted() {
            Some("callprototype") => {
                self.advance();
                Statement::CallPrototype(name, self.prototype()?)
            }
            Some("calltargets") => Statement::CallTargets(name, self.names()?),
            Some("branchtargets") => Statement::BranchTargets(name, self.names()?),
            _ => return Ok(Statement::Label(name, span)),
        };
        self.expect(b';')?;
        Ok(statement)
    }

    /// `.directive name, name<n>, ...`; `name<n>` stands for `name0` to `name(n-1)`.
    fn names(&mut self) -> Result<Vec<Name>> {
        self.advance();
        let mut names = Vec::new();
        loop {
            let name = self.name("a name")?;
            if self.accept(b'<') {
                let span = self.token.span;
                let count = self.register_count()?;
                if count > LABELS_MAX {
                    return Err(self.error_at(span, "a list has at most 65536 labels"));
                }
                self.expect(b'>')?;
                names.extend((0..count).map(|index| Name::new(format!("{name}{index}"))));
            } else {
                names.push(name);
            }
            if !self.accept(b',') {
                return Ok(names);
            }
        }
    }

    fn instruction(&mut self, guard: Option<Guard>) -> Result<Statement> {
        if self.token.kind != TokenKind::Identifier {
            return Err(self.expected("an instruction"));
        }
        let start = self.advance();
        let mut span = start.span;
        let mut written_apart = String::new();
        let mut end = (start.span.offset + start.span.length) as usize;
        while self.token.kind == TokenKind::Dotted {
            let modifier = self.advance();
            // Modifiers may stand apart; the name of the instruction has none of the blanks.
            let adjacent = modifier.span.offset as usize == end;
            if !adjacent && written_apart.is_empty() {
                written_apart.push_str(&self.text[start.span.offset as usize..end]);
            }
            if !adjacent || !written_apart.is_empty() {
                written_apart.push_str(modifier.text);
            }
            end = (modifier.span.offset + modifier.span.length) as usize;
        }
        span.length = end as u32 - span.offset;
        let name = if written_apart.is_empty() {
            Name::new(&self.text[span.offset as usize..end])
        } else {
            Name::new(written_apart)
        };
        let operands = if self.token.is(b';') { Vec::new() } else { self.operands(&name)? };
        self.expect(b';')?;
        Ok(Statement::Instruction(Instruction { guard, name, operands, span }))
    }
}
