//! Tokens of PTX (PTX ISA 4.2 to 4.5).
//!
//! The lexer never fails: what it cannot read becomes a [`TokenKind::Unknown`] token that no grammar rule accepts, so
//! that every error is reported by the parser, with what it expected.

use crate::ast::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `name`, `%r1`, `$L_1`, `_`.
    Identifier,
    /// `.name`, with the groups joined by `::` that belong to it: `.shared::cta`.
    Dotted,
    /// A number, as written.
    Number,
    /// `"..."`, quotes included.
    Text,
    /// One character of punctuation.
    Punctuation(u8),
    /// Something that is no PTX: a character or an unfinished string or comment.
    Unknown,
    /// The end of the text.
    End,
}

/// A token: a slice of the text.
#[derive(Clone, Copy, Debug)]
pub struct Token<'t> {
    /// What it is.
    pub kind: TokenKind,
    /// The characters.
    pub text: &'t str,
    /// Where they stand.
    pub span: Span,
}

impl Token<'_> {
    /// Whether this is the punctuation `character`.
    pub fn is(&self, character: u8) -> bool {
        self.kind == TokenKind::Punctuation(character)
    }

    /// Whether this may be a number that begins with its point, `.5`. Where no operand is expected it is a modifier: `.1d`.
    pub fn is_fraction(&self) -> bool {
        self.kind == TokenKind::Dotted && self.text.as_bytes()[1].is_ascii_digit()
    }

    /// Whether this is `.name`.
    pub fn is_dotted(&self, name: &str) -> bool {
        self.kind == TokenKind::Dotted && &self.text[1..] == name
    }
}

/// Reads tokens from a part of a text.
#[derive(Clone, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    position: usize,
    end: usize,
    line: u32,
}

impl<'t> Lexer<'t> {
    /// A lexer for `text[start..end]`, whose first character stands on `line`. Spans refer to the whole text.
    pub fn new(text: &'t str, start: usize, end: usize, line: u32) -> Lexer<'t> {
        Lexer { text, position: start, end, line }
    }

    /// The next token.
    pub fn next_token(&mut self) -> Token<'t> {
        let start_of_comment = self.position;
        if !self.skip_blanks() {
            return self.token(TokenKind::Unknown, start_of_comment);
        }
        let start = self.position;
        let Some(first) = self.peek(0) else {
            return self.token(TokenKind::End, start);
        };
        let kind = match first {
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_some_and(is_word) => self.dotted(),
            b'%' if !self.peek(1).is_some_and(is_word) => self.punctuation(first),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'%' => {
                self.position += 1;
                self.skip_while(is_word);
                TokenKind::Identifier
            }
            b'"' => self.string(),
            b'!'..=b'~' => self.punctuation(first),
            _ => {
                let character = self.text[start..].chars().next().map_or(1, char::len_utf8);
                self.position += character;
                TokenKind::Unknown
            }
        };
        self.token(kind, start)
    }

    /// The byte offset of what has not been read yet.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Passes over everything up to the `}` that closes a `{` already read, and returns the offset of that `}`, which is
    /// read too. None if the text ends first. Comments and strings are respected.
    pub fn skip_to_closing_brace(&mut self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut depth = 1u32;
        while self.position < self.end {
            match bytes[self.position] {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.position += 1;
                        return Some(self.position - 1);
                    }
                }
                b'\n' => self.line += 1,
                b'"' => {
                    self.string();
                    continue;
                }
                b'/' if matches!(self.peek(1), Some(b'/' | b'*')) => {
                    if !self.skip_blanks() {
                        return None;
                    }
                    continue;
                }
                _ => {}
            }
            self.position += 1;
        }
        None
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        let position = self.position + ahead;
        if position < self.end { Some(self.text.as_bytes()[position]) } else { None }
    }

    fn token(&self, kind: TokenKind, start: usize) -> Token<'t> {
        let length = self.position - start;
        let span = Span { offset: start as u32, length: length as u32, line: self.line };
        Token { kind, text: &self.text[start..self.position], span }
    }

    fn punctuation(&mut self, character: u8) -> TokenKind {
        self.position += 1;
        TokenKind::Punctuation(character)
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accept) {
            self.position += 1;
        }
    }

    /// `.name` or `.name::name`; the name may begin with a digit (`.1d`, `.32x32b`).
    fn dotted(&mut self) -> TokenKind {
        self.position += 1;
        self.skip_while(is_word);
        while self.peek(0) == Some(b':') && self.peek(1) == Some(b':') && self.peek(2).is_some_and(is_word) {
            self.position += 2;
            self.skip_while(is_word);
        }
        TokenKind::Dotted
    }

    /// An integer, a hexadecimal float, or a decimal with fraction or exponent.
    fn number(&mut self) -> TokenKind {
        let start = self.position;
        let radix = self.peek(1);
        self.skip_while(is_word);
        let prefixed = self.text.as_bytes()[start] == b'0'
            && matches!(radix, Some(b'x' | b'X' | b'b' | b'B' | b'f' | b'F' | b'd' | b'D'));
        if prefixed {
            return TokenKind::Number;
        }
        if self.peek(0) == Some(b'.') {
            self.position += 1;
            self.skip_while(is_word);
        }
        let exponent = matches!(self.text.as_bytes()[self.position - 1], b'e' | b'E');
        if exponent && matches!(self.peek(0), Some(b'+' | b'-')) {
            self.position += 1;
            self.skip_while(is_word);
        }
        TokenKind::Number
    }

    fn string(&mut self) -> TokenKind {
        self.position += 1;
        loop {
            match self.peek(0) {
                None | Some(b'\n') => return TokenKind::Unknown,
                Some(b'"') => {
                    self.position += 1;
                    return TokenKind::Text;
                }
                Some(b'\\') if self.peek(1).is_some_and(|byte| byte != b'\n') => self.position += 2,
                Some(_) => self.position += 1,
            }
        }
    }

    /// Passes over white space, comments and `@@DWARF` lines. False for a comment that does not end.
    fn skip_blanks(&mut self) -> bool {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'\n'), _) => {
                    self.line += 1;
                    self.position += 1;
                }
                (Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c), _) => self.position += 1,
                (Some(b'/'), Some(b'/')) | (Some(b'@'), Some(b'@')) => self.skip_while(|byte| byte != b'\n'),
                (Some(b'/'), Some(b'*')) => {
                    if !self.skip_block_comment() {
                        return false;
                    }
                }
                _ => return true,
            }
        }
    }

    fn skip_block_comment(&mut self) -> bool {
        self.position += 2;
        while let Some(byte) = self.peek(0) {
            if byte == b'*' && self.peek(1) == Some(b'/') {
                self.position += 2;
                return true;
            }
            self.line += u32::from(byte == b'\n');
            self.position += 1;
        }
        false
    }
}

/// Characters that a name continues with.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}
