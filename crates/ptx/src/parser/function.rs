//! Functions: linkage, signature, directives, and the place of the body.

use super::Parser;
use crate::ast::{
    BodySource, DirectiveArgument, Function, FunctionDirective, FunctionKind, Linkage, Name, Signature, Span, Variables,
};
use crate::error::Result;
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// `.extern`, `.visible`, `.weak` or `.common` if it is next.
    pub(super) fn linkage(&mut self) -> Option<Linkage> {
        let linkage = self.peek_dotted().and_then(Linkage::from_name)?;
        self.advance();
        Some(linkage)
    }

    /// A function from `.entry` or `.func` on.
    pub(super) fn function(&mut self, linkage: Option<Linkage>, span: Span) -> Result<Function> {
        let kind = if self.advance().is_dotted("entry") { FunctionKind::Entry } else { FunctionKind::Device };
        let attributes = self.attributes()?;
        let mut signature = Signature { returns: self.parameters()?, ..Signature::default() };
        let name = self.name("the name of the function")?;
        signature.params = self.parameters()?;
        let mut directives = Vec::new();
        while let Some(directive) = self.peek_dotted() {
            self.advance();
            if directive == "noreturn" {
                signature.noreturn = true;
            } else {
                directives.push(self.function_directive(directive)?);
            }
            // The manual writes these directives without a semicolon, except `.pragma`.
            if directive == "pragma" {
                self.accept(b';');
            }
        }
        let body = self.body_source()?;
        Ok(Function { linkage, kind, attributes, name, signature, directives, body, span })
    }

    /// The body's braces are matched and passed over; or `;` for a declaration.
    fn body_source(&mut self) -> Result<Option<BodySource>> {
        if self.accept(b';') {
            return Ok(None);
        }
        if !self.token.is(b'{') {
            return Err(self.expected("`{` or `;`"));
        }
        let open = self.token.span;
        let Some(close) = self.lexer.skip_to_closing_brace() else {
            return Err(self.error_at(open, "this `{` is never closed"));
        };
        self.advance();
        Ok(Some(BodySource { range: open.offset as usize..close + 1, line: open.line }))
    }

    fn function_directive(&mut self, name: &str) -> Result<FunctionDirective> {
        let mut arguments = Vec::new();
        loop {
            match self.token.kind {
                TokenKind::Text => arguments.push(DirectiveArgument::Text(self.string()?)),
                TokenKind::Number | TokenKind::Punctuation(b'-' | b'(') => {
                    arguments.push(DirectiveArgument::Value(self.constant()?));
                }
                _ => break,
            }
            if !self.accept(b',') {
                break;
            }
        }
        Ok(FunctionDirective { name: Name::new(name), arguments })
    }

    /// `(parameter, ...)`, or nothing.
    pub(super) fn parameters(&mut self) -> Result<Vec<Variables>> {
        if self.accept(b'(') { self.list(b')', Self::parameter) } else { Ok(Vec::new()) }
    }

    fn parameter(&mut self) -> Result<Variables> {
        let span = self.token.span;
        let mut parameter = self.variable_prefix(None, span)?;
        let declarator = self.declarator()?;
        parameter.names.push(declarator);
        Ok(parameter)
    }

    /// `(returns) name (params)` of a `.callprototype`.
    pub(super) fn prototype(&mut self) -> Result<Signature> {
        let returns = self.parameters()?;
        self.name("`_`")?;
        let params = self.parameters()?;
        let mut signature = Signature { returns, params, noreturn: false };
        while let Some(directive) = self.peek_dotted() {
            match directive {
                "noreturn" => signature.noreturn = true,
                // The number of preserved registers has no meaning here: registers are values of the caller.
                "abi_preserve" | "abi_preserve_control" => {
                    self.advance();
                    self.constant()?;
                    continue;
                }
                _ => return Err(self.expected("`;`")),
            }
            self.advance();
        }
        Ok(signature)
    }
}
