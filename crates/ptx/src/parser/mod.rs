//! The parser: recursive descent over the tokens, with one token of look-ahead.
//!
//! The parser knows the grammar of directives, statements and operands but no instruction: whether an instruction exists
//! and takes these operands is the business of [`check`](crate::check).

mod body;
mod constant;
mod directive;
mod function;
mod module;
mod operand;
mod variable;

use crate::ast::{Body, Function, Module, Name, Span};
use crate::error::{Error, Result};
use crate::lexer::{Lexer, Token, TokenKind};

/// Blocks, initialisers, expressions and operands may be nested this deep.
const NESTING_MAX: u32 = 128;

impl Module {
    /// Reads the signatures, variables and directives of `text`, and notes where the bodies are.
    ///
    /// # Errors
    /// The first place that is not PTX. Errors within bodies show when the body is read.
    pub fn parse(text: &str) -> Result<Module> {
        if u32::try_from(text.len()).is_err() {
            return Err(Error::new("", Span::default(), "a PTX text of 4 GiB or more is not accepted"));
        }
        // Drivers hand over C strings whose length may count the final zero.
        let text = text.trim_end_matches('\0');
        Parser::new(text, 0, text.len(), 1).module()
    }

    /// Reads the body of `function`, which must belong to this module; an empty body for a declaration.
    ///
    /// # Errors
    /// The first place in the body that is not PTX.
    pub fn body(&self, function: &Function) -> Result<Body> {
        match &function.body {
            None => Ok(Body::default()),
            Some(source) => {
                let text = self.text();
                let end = source.range.end.min(text.len());
                let start = source.range.start.min(end);
                Parser::new(text, start, end, source.line).body()
            }
        }
    }
}

/// The state of the parser.
struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// The next token.
    token: Token<'t>,
    depth: u32,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, start: usize, end: usize, line: u32) -> Parser<'t> {
        let mut lexer = Lexer::new(text, start, end, line);
        let token = lexer.next_token();
        Parser { text, lexer, token, depth: 0 }
    }

    /// Takes the next token.
    fn advance(&mut self) -> Token<'t> {
        let next = self.lexer.next_token();
        std::mem::replace(&mut self.token, next)
    }

    /// The token after the next.
    fn second(&self) -> Token<'t> {
        self.lexer.clone().next_token()
    }

    fn error_at(&self, span: Span, message: impl Into<String>) -> Error {
        Error::new(self.text, span, message)
    }

    /// "expected `what`, found ..." at the next token.
    fn expected(&self, what: &str) -> Error {
        let found = match self.token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            TokenKind::Unknown if self.token.text.starts_with('"') => "a string without end".to_owned(),
            TokenKind::Unknown if self.token.text.contains("/*") => "a comment without end".to_owned(),
            _ => format!("`{}`", shortened(self.token.text)),
        };
        self.error_at(self.token.span, format!("expected {what}, found {found}"))
    }

    /// Takes the punctuation `character` if it is next.
    fn accept(&mut self, character: u8) -> bool {
        let found = self.token.is(character);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, character: u8) -> Result<()> {
        if self.accept(character) { Ok(()) } else { Err(self.expected(&format!("`{}`", char::from(character)))) }
    }

    /// Takes `.name` if it is next.
    fn accept_dotted(&mut self, name: &str) -> bool {
        let found = self.token.is_dotted(name);
        if found {
            self.advance();
        }
        found
    }

    /// The name of the next token if it is `.name`.
    fn peek_dotted(&self) -> Option<&'t str> {
        (self.token.kind == TokenKind::Dotted).then(|| &self.token.text[1..])
    }

    /// Takes a name.
    fn name(&mut self, what: &str) -> Result<Name> {
        if self.token.kind == TokenKind::Identifier {
            Ok(Name::new(self.advance().text))
        } else {
            Err(self.expected(what))
        }
    }

    /// Takes a string and removes its quotes; escapes stay as they are.
    fn string(&mut self) -> Result<Box<str>> {
        if self.token.kind != TokenKind::Text {
            return Err(self.expected("a string"));
        }
        let text = self.advance().text;
        Ok(text[1..text.len() - 1].into())
    }

    /// `item, item, ...` up to and with `close`; may be empty.
    fn list<T>(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = Vec::new();
        if self.accept(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.accept(close) {
                return Ok(items);
            }
            if !self.accept(b',') {
                return Err(self.expected(&format!("`,` or `{}`", char::from(close))));
            }
        }
    }

    /// Runs `inner` one level deeper, or fails where the text is nested too deep.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= NESTING_MAX {
            return Err(self.error_at(self.token.span, format!("nested deeper than {NESTING_MAX} levels")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

/// At most 40 characters of `text`.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
