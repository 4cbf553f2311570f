//! Errors that point at the text.

use std::fmt;

use crate::ast::Span;

/// Something wrong with a PTX text: where, what, and the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Length of the offending text in characters, at least 1.
    pub length: u32,
    /// The line as it stands in the text, shortened around the place if it is very long.
    pub source_line: String,
    /// The first character of the line that `source_line` shows, from 1.
    source_line_start: u32,
}

/// At most this many characters of a line are shown.
const SHOWN_CHARACTERS_MAX: usize = 160;

impl Error {
    /// An error at `span` of `text`.
    pub fn new(text: &str, span: Span, message: impl Into<String>) -> Error {
        let offset = floor_char_boundary(text, span.offset as usize);
        let line_start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[offset..].find('\n').map_or(text.len(), |newline| offset + newline);
        let end = floor_char_boundary(text, (offset + span.length as usize).min(line_end)).max(offset);
        let column = text[line_start..offset].chars().count();
        let first_shown = column.saturating_sub(SHOWN_CHARACTERS_MAX / 2);
        let shown: String = text[line_start..line_end].chars().skip(first_shown).take(SHOWN_CHARACTERS_MAX).collect();
        Error {
            message: message.into(),
            line: 1 + text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() as u32,
            column: column as u32 + 1,
            length: text[offset..end].chars().count().max(1) as u32,
            source_line: shown.trim_end().to_owned(),
            source_line_start: first_shown as u32 + 1,
        }
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{} (line {}, column {})", self.message, self.line, self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.source_line.replace('\t', " "))?;
        let indent = (self.column - self.source_line_start) as usize;
        let marks = (self.length as usize).min(SHOWN_CHARACTERS_MAX);
        write!(f, "{margin} | {}{}", " ".repeat(indent), "^".repeat(marks))
    }
}

impl std::error::Error for Error {}

/// The result of reading PTX.
pub type Result<T> = std::result::Result<T, Error>;
