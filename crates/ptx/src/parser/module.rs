//! Directives at module scope.

use super::Parser;
use crate::ast::{Item, Module, Name, Section, SourceFile, Version};
use crate::error::Result;
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(super) fn module(mut self) -> Result<Module> {
        if !self.accept_dotted("version") {
            return Err(self.expected("`.version` at the beginning of the module"));
        }
        let version = self.version()?;
        if !self.accept_dotted("target") {
            return Err(self.expected("`.target` after `.version`"));
        }
        let mut targets = vec![self.name("a target such as sm_75")?];
        while self.accept(b',') {
            targets.push(self.name("a target option")?);
        }
        let address_size = if self.accept_dotted("address_size") { self.address_size()? } else { 32 };
        let mut items = Vec::new();
        while self.token.kind != TokenKind::End {
            if let Some(item) = self.item()? {
                items.push(item);
            }
        }
        Ok(Module { text: self.text.into(), version, targets, address_size, items: items.into() })
    }

    fn version(&mut self) -> Result<Version> {
        let number = (self.token.kind == TokenKind::Number).then_some(self.token.text);
        let parsed = number
            .and_then(|text| text.split_once('.'))
            .and_then(|(major, minor)| Some(Version { major: major.parse().ok()?, minor: minor.parse().ok()? }));
        let version = parsed.ok_or_else(|| self.expected("a version such as 8.0"))?;
        self.advance();
        Ok(version)
    }

    fn address_size(&mut self) -> Result<u32> {
        let span = self.token.span;
        match self.unsigned("32 or 64")? {
            32 => Ok(32),
            64 => Ok(64),
            _ => Err(self.error_at(span, "the address size is 32 or 64")),
        }
    }

    /// One directive; none for an empty statement.
    fn item(&mut self) -> Result<Option<Item>> {
        if self.accept(b';') {
            return Ok(None);
        }
        let item = match self.peek_dotted() {
            Some("file") => self.file()?,
            Some("section") => self.section()?,
            Some("pragma") => Item::Pragma(self.pragmas()?),
            Some("alias") => self.alias()?,
            Some(_) => self.declaration()?,
            None => return Err(self.expected("a directive")),
        };
        Ok(Some(item))
    }

    /// A function or variables, which may both begin with a linking directive.
    fn declaration(&mut self) -> Result<Item> {
        let span = self.token.span;
        let linkage = self.linkage();
        if matches!(self.peek_dotted(), Some("entry" | "func")) {
            Ok(Item::Function(self.function(linkage, span)?))
        } else {
            let variables = self.variables(linkage, span)?;
            self.expect(b';')?;
            Ok(Item::Variables(variables))
        }
    }

    fn alias(&mut self) -> Result<Item> {
        self.advance();
        let name = self.name("the name of the alias")?;
        self.expect(b',')?;
        let target = self.name("the function that the alias stands for")?;
        self.expect(b';')?;
        Ok(Item::Alias { name, target })
    }

    fn file(&mut self) -> Result<Item> {
        self.advance();
        let index = self.number_u32("the number of the file")?;
        let name = self.string()?;
        let mut stamp = None;
        if self.accept(b',') {
            let time = self.unsigned("a time stamp")?;
            self.expect(b',')?;
            stamp = Some((time, self.unsigned("the size of the file")?));
        }
        self.accept(b';');
        Ok(Item::File(SourceFile { index, name, stamp }))
    }

    /// Debug information: the text between the braces is kept as it is.
    fn section(&mut self) -> Result<Item> {
        self.advance();
        let name = match self.token.kind {
            TokenKind::Dotted | TokenKind::Identifier => Name::new(self.advance().text),
            _ => return Err(self.expected("the name of the section")),
        };
        if !self.token.is(b'{') {
            return Err(self.expected("`{`"));
        }
        let start = self.lexer.position();
        let open = self.token.span;
        let Some(end) = self.lexer.skip_to_closing_brace() else {
            return Err(self.error_at(open, "this `{` is never closed"));
        };
        self.advance();
        Ok(Item::Section(Section { name, text: self.text[start..end].trim().into() }))
    }
}
