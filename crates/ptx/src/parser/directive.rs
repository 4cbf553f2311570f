//! Directives within bodies.

use super::Parser;
use crate::ast::{InlinedAt, SourceLocation, Statement};
use crate::error::Result;
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(super) fn directive(&mut self) -> Result<Statement> {
        match self.peek_dotted() {
            Some("loc") => {
                self.advance();
                Ok(Statement::Location(self.location()?))
            }
            Some("pragma") => Ok(Statement::Pragma(self.pragmas()?)),
            _ => {
                let span = self.token.span;
                let linkage = self.linkage();
                let variables = self.variables(linkage, span)?;
                self.expect(b';')?;
                Ok(Statement::Variables(variables))
            }
        }
    }

    /// `.pragma "text", "text", ...;`.
    pub(super) fn pragmas(&mut self) -> Result<Vec<Box<str>>> {
        self.advance();
        let mut texts = vec![self.string()?];
        while self.accept(b',') {
            texts.push(self.string()?);
        }
        self.expect(b';')?;
        Ok(texts)
    }

    fn location(&mut self) -> Result<SourceLocation> {
        let file = self.number_u32("the number of a file")?;
        let line = self.number_u32("a line")?;
        let column = self.number_u32("a column")?;
        let mut location = SourceLocation { file, line, column, inlined: None };
        if !self.accept(b',') {
            return Ok(location);
        }
        self.keyword("function_name")?;
        let function_name = self.name("the label of the function's name")?;
        let function_name_offset = if self.accept(b'+') { self.unsigned("an offset")? } else { 0 };
        self.expect(b',')?;
        self.keyword("inlined_at")?;
        let at = [self.number_u32("the number of a file")?, self.number_u32("a line")?, self.number_u32("a column")?];
        location.inlined = Some(InlinedAt { function_name, function_name_offset, at });
        Ok(location)
    }

    fn keyword(&mut self, keyword: &str) -> Result<()> {
        if self.token.kind == TokenKind::Identifier && self.token.text == keyword {
            self.advance();
            return Ok(());
        }
        Err(self.expected(&format!("`{keyword}`")))
    }
}
