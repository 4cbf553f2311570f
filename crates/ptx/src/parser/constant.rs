//! Constants and constant expressions (PTX ISA 4.5).

use super::Parser;
use crate::ast::{Immediate, ScalarType, Span};
use crate::error::Result;
use crate::lexer::TokenKind;

/// The binary operators with their precedences, the tightest last, as in C.
const OPERATORS: &[(&str, u32)] = &[
    ("||", 1),
    ("&&", 2),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("==", 6),
    ("!=", 6),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("<", 7),
    (">", 7),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

/// The largest `n` of `%r<n>`.
const REGISTER_RANGE_MAX: u32 = 1 << 24;

impl Parser<'_> {
    /// A constant expression, folded.
    pub(super) fn constant(&mut self) -> Result<Immediate> {
        let condition = self.binary(1)?;
        if !self.accept(b'?') {
            return Ok(condition);
        }
        let first = self.nested(Self::constant)?;
        self.expect(b':')?;
        let second = self.nested(Self::constant)?;
        Ok(if is_true(condition) { first } else { second })
    }

    /// A product, for the offset of an address: `a + 4*2` means `a + 8`, `a + 4 - 2` is left to the caller.
    pub(super) fn offset_term(&mut self) -> Result<Immediate> {
        self.binary(10)
    }

    /// The number within `<...>`, where `>` is no operator.
    pub(super) fn register_count(&mut self) -> Result<u32> {
        let span = self.token.span;
        let count = self.binary(9)?.as_bits().and_then(|count| u32::try_from(count).ok());
        // One register takes a few bytes at most: more than this cannot have been meant.
        let count = count.filter(|count| *count <= REGISTER_RANGE_MAX);
        count.ok_or_else(|| self.error_at(span, "expected the number of registers"))
    }

    /// A constant that is not negative.
    pub(super) fn unsigned(&mut self, what: &str) -> Result<u64> {
        let token = self.token;
        if !matches!(token.kind, TokenKind::Number | TokenKind::Punctuation(b'(')) && token.text != "WARP_SZ" {
            return Err(self.expected(what));
        }
        match self.constant()? {
            Immediate::Unsigned(value) => Ok(value),
            Immediate::Signed(value) if value >= 0 => Ok(value.cast_unsigned()),
            _ => Err(self.error_at(token.span, format!("expected {what}: an integer that is not negative"))),
        }
    }

    /// A constant that fits 32 bits and is not negative.
    pub(super) fn number_u32(&mut self, what: &str) -> Result<u32> {
        let span = self.token.span;
        let value = self.unsigned(what)?;
        u32::try_from(value).map_err(|_| self.error_at(span, format!("expected {what}: the number is too large")))
    }

    fn binary(&mut self, precedence_min: u32) -> Result<Immediate> {
        let mut left = self.unary()?;
        while let Some((operator, precedence)) = self.operator() {
            if precedence < precedence_min {
                break;
            }
            let span = self.token.span;
            for _ in 0..operator.len() {
                self.advance();
            }
            let right = self.nested(|parser| parser.binary(precedence + 1))?;
            left = fold(operator, left, right)
                .ok_or_else(|| self.error_at(span, format!("`{operator}` has no value for these constants")))?;
        }
        Ok(left)
    }

    /// The operator that comes next; one of two characters must stand together.
    fn operator(&self) -> Option<(&'static str, u32)> {
        let TokenKind::Punctuation(first) = self.token.kind else {
            return None;
        };
        let second = self.second();
        let adjacent = second.span.offset == self.token.span.offset + 1;
        let next = match second.kind {
            TokenKind::Punctuation(character) if adjacent => Some(character),
            _ => None,
        };
        OPERATORS.iter().copied().find(|(operator, _)| match *operator.as_bytes() {
            [a, b] => a == first && Some(b) == next,
            [a] => a == first,
            _ => false,
        })
    }

    fn unary(&mut self) -> Result<Immediate> {
        let token = self.token;
        match token.kind {
            TokenKind::Punctuation(operator @ (b'-' | b'+' | b'~' | b'!')) => {
                self.advance();
                let operand = self.nested(Self::unary)?;
                apply_unary(operator, operand).ok_or_else(|| self.error_at(token.span, "`~` wants an integer"))
            }
            TokenKind::Punctuation(b'(') => {
                self.advance();
                self.parenthesis()
            }
            TokenKind::Identifier if token.text == "WARP_SZ" => {
                self.advance();
                Ok(Immediate::Signed(32))
            }
            TokenKind::Number => {
                self.advance();
                self.value_of(token.text, token.span)
            }
            TokenKind::Dotted if token.is_fraction() => self.fraction(),
            _ => Err(self.expected("a constant")),
        }
    }

    fn value_of(&self, text: &str, span: Span) -> Result<Immediate> {
        number(text).ok_or_else(|| self.error_at(span, format!("`{text}` is not a number")))
    }

    /// `.5` or `.5e-3`.
    fn fraction(&mut self) -> Result<Immediate> {
        let token = self.advance();
        let mut last = token;
        if token.text.ends_with(['e', 'E']) && (self.token.is(b'-') || self.token.is(b'+')) {
            self.advance();
            last = self.advance();
        }
        let end = last.span.offset + last.span.length;
        self.value_of(&self.text[token.span.offset as usize..end as usize], token.span)
    }

    /// A cast `(.s64) x` or an expression in parentheses, behind the `(`.
    fn parenthesis(&mut self) -> Result<Immediate> {
        if let Some(ty) = self.peek_dotted().and_then(ScalarType::from_name) {
            self.advance();
            self.expect(b')')?;
            let span = self.token.span;
            let value = self.nested(Self::unary)?;
            let bits = value.as_bits().ok_or_else(|| self.error_at(span, "a cast wants an integer"))?;
            return Ok(if ty.is_signed() { Immediate::Signed(bits.cast_signed()) } else { Immediate::Unsigned(bits) });
        }
        let value = self.nested(Self::constant)?;
        self.expect(b')')?;
        Ok(value)
    }
}

/// The value of a number as written.
fn number(text: &str) -> Option<Immediate> {
    let prefix = text.get(..2).unwrap_or_default().to_ascii_lowercase();
    let digits = text.get(2..).unwrap_or_default();
    match prefix.as_str() {
        "0f" if digits.len() == 8 => {
            return u32::from_str_radix(digits, 16).ok().map(Immediate::F32);
        }
        "0d" if digits.len() == 16 => {
            return u64::from_str_radix(digits, 16).ok().map(Immediate::F64);
        }
        "0x" => return integer(digits, 16),
        "0b" => return integer(digits, 2),
        _ => {}
    }
    let fraction = text.contains(['.', 'e', 'E']);
    if fraction {
        return text.parse::<f64>().ok().map(|value| Immediate::F64(value.to_bits()));
    }
    let octal = text.len() > 1 && text.starts_with('0') && !text.ends_with(['u', 'U']);
    if octal { integer(&text[1..], 8) } else { integer(text, 10) }
}

/// Digits with an optional `U`.
fn integer(text: &str, radix: u32) -> Option<Immediate> {
    let digits = text.strip_suffix(['u', 'U']);
    let value = u64::from_str_radix(digits.unwrap_or(text), radix).ok()?;
    Some(match i64::try_from(value) {
        Ok(signed) if digits.is_none() => Immediate::Signed(signed),
        _ => Immediate::Unsigned(value),
    })
}

fn is_true(value: Immediate) -> bool {
    match value {
        Immediate::Signed(value) => value != 0,
        Immediate::Unsigned(value) => value != 0,
        Immediate::F32(bits) => f32::from_bits(bits) != 0.0,
        Immediate::F64(bits) => f64::from_bits(bits) != 0.0,
    }
}

fn as_f64(value: Immediate) -> f64 {
    match value {
        Immediate::Signed(value) => value as f64,
        Immediate::Unsigned(value) => value as f64,
        Immediate::F32(bits) => f64::from(f32::from_bits(bits)),
        Immediate::F64(bits) => f64::from_bits(bits),
    }
}

/// None for `~` of a float.
fn apply_unary(operator: u8, value: Immediate) -> Option<Immediate> {
    Some(match (operator, value) {
        (b'+', value) => value,
        (b'-', Immediate::Signed(value)) => Immediate::Signed(value.wrapping_neg()),
        (b'-', Immediate::Unsigned(value)) => Immediate::Unsigned(value.wrapping_neg()),
        (b'-', Immediate::F32(bits)) => Immediate::F32(bits ^ 1 << 31),
        (b'-', Immediate::F64(bits)) => Immediate::F64(bits ^ 1 << 63),
        (b'~', Immediate::Signed(value)) => Immediate::Signed(!value),
        (b'~', Immediate::Unsigned(value)) => Immediate::Unsigned(!value),
        (b'!', value) => Immediate::Signed(i64::from(!is_true(value))),
        _ => return None,
    })
}

/// The value of `left operator right`: unsigned if either side is, floating if either side is. None for a division by
/// zero and for bit operations on floats.
fn fold(operator: &str, left: Immediate, right: Immediate) -> Option<Immediate> {
    match operator {
        "&&" => {
            return Some(Immediate::Signed(i64::from(is_true(left) && is_true(right))));
        }
        "||" => {
            return Some(Immediate::Signed(i64::from(is_true(left) || is_true(right))));
        }
        _ => {}
    }
    if left.is_float() || right.is_float() {
        return fold_float(operator, as_f64(left), as_f64(right));
    }
    let (a, b) = (left.as_bits()?, right.as_bits()?);
    // Shifts take the type of their left side alone.
    let shift = u32::try_from(b).unwrap_or(u32::MAX);
    let unsigned = matches!(left, Immediate::Unsigned(_));
    match operator {
        "<<" => return Some(with_signedness(unsigned, a.checked_shl(shift).unwrap_or(0))),
        ">>" if unsigned => return Some(Immediate::Unsigned(a.checked_shr(shift).unwrap_or(0))),
        ">>" => return Some(Immediate::Signed(a.cast_signed() >> shift.min(63))),
        _ => {}
    }
    let unsigned = unsigned || matches!(right, Immediate::Unsigned(_));
    let (signed_a, signed_b) = (a.cast_signed(), b.cast_signed());
    let order = if unsigned { a.cmp(&b) } else { signed_a.cmp(&signed_b) };
    let bits = match operator {
        "+" => a.wrapping_add(b),
        "-" => a.wrapping_sub(b),
        "*" => a.wrapping_mul(b),
        "/" if unsigned => a.checked_div(b)?,
        "%" if unsigned => a.checked_rem(b)?,
        "/" if b != 0 => signed_a.wrapping_div(signed_b).cast_unsigned(),
        "%" if b != 0 => signed_a.wrapping_rem(signed_b).cast_unsigned(),
        "&" => a & b,
        "|" => a | b,
        "^" => a ^ b,
        _ => return compare(operator, Some(order)),
    };
    Some(with_signedness(unsigned, bits))
}

fn with_signedness(unsigned: bool, bits: u64) -> Immediate {
    if unsigned { Immediate::Unsigned(bits) } else { Immediate::Signed(bits.cast_signed()) }
}

fn fold_float(operator: &str, a: f64, b: f64) -> Option<Immediate> {
    let value = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        _ => return compare(operator, a.partial_cmp(&b)),
    };
    Some(Immediate::F64(value.to_bits()))
}

/// The value of a comparison whose operands are in `order` (none: one of them is a NaN).
fn compare(operator: &str, order: Option<std::cmp::Ordering>) -> Option<Immediate> {
    let value = match operator {
        "==" => order.is_some_and(|order| order.is_eq()),
        "!=" => order.is_none_or(|order| order.is_ne()),
        "<" => order.is_some_and(|order| order.is_lt()),
        "<=" => order.is_some_and(|order| order.is_le()),
        ">" => order.is_some_and(|order| order.is_gt()),
        ">=" => order.is_some_and(|order| order.is_ge()),
        _ => return None,
    };
    Some(Immediate::Signed(i64::from(value)))
}
