//! Conversion specifications: `%[flags][width][.precision][size]conversion`.

use super::float::Style;

/// A conversion, taken apart.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Specification {
    pub left: bool,
    pub plus: bool,
    pub space: bool,
    pub zero: bool,
    pub alternate: bool,
    pub width: Amount,
    pub precision: Amount,
    pub size: Size,
    /// Whether letters are upper case.
    pub upper: bool,
    pub kind: Kind,
}

/// A width or a precision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Amount {
    None,
    Number(i64),
    /// `*`
    Argument,
}

/// Width of an integer argument's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    Char,
    Short,
    Int,
    Long,
}

/// What is converted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Percent,
    Signed,
    /// In base 8, 10 or 16.
    Unsigned(u32),
    Character,
    String,
    Pointer,
    Float(Style),
}

impl Specification {
    /// Parses what begins with a percent sign; the specification and its length. `None` if it is none.
    pub fn parse(text: &[u8]) -> Option<(Specification, usize)> {
        let mut at = 1;
        let mut specification = Specification {
            left: false,
            plus: false,
            space: false,
            zero: false,
            alternate: false,
            width: Amount::None,
            precision: Amount::None,
            size: Size::Int,
            upper: false,
            kind: Kind::Percent,
        };
        loop {
            match text.get(at)? {
                b'-' => specification.left = true,
                b'+' => specification.plus = true,
                b' ' => specification.space = true,
                b'0' => specification.zero = true,
                b'#' => specification.alternate = true,
                _ => break,
            }
            at += 1;
        }
        specification.width = parse_amount(text, &mut at, Amount::None);
        if text.get(at) == Some(&b'.') {
            at += 1;
            specification.precision = parse_amount(text, &mut at, Amount::Number(0));
        }
        specification.size = parse_size(text, &mut at);
        let conversion = *text.get(at)?;
        specification.upper = conversion.is_ascii_uppercase();
        specification.kind = match conversion {
            b'%' => Kind::Percent,
            b'd' | b'i' => Kind::Signed,
            b'u' => Kind::Unsigned(10),
            b'o' => Kind::Unsigned(8),
            b'x' | b'X' => Kind::Unsigned(16),
            b'c' => Kind::Character,
            b's' => Kind::String,
            b'p' => Kind::Pointer,
            b'e' | b'E' => Kind::Float(Style::Exponent),
            b'f' | b'F' => Kind::Float(Style::Fixed),
            b'g' | b'G' => Kind::Float(Style::General),
            b'a' | b'A' => Kind::Float(Style::Hexadecimal),
            _ => return None,
        };
        Some((specification, at + 1))
    }

    /// Arguments that the conversion takes, those of `*` included.
    pub fn argument_count(&self) -> u32 {
        let stars = [self.width, self.precision].iter().filter(|amount| **amount == Amount::Argument).count() as u32;
        stars + u32::from(self.kind != Kind::Percent)
    }

    /// Bytes of the argument that is converted.
    pub fn argument_size(&self) -> u32 {
        match self.kind {
            Kind::String | Kind::Pointer | Kind::Float(_) => 8,
            Kind::Signed | Kind::Unsigned(_) if self.size == Size::Long => 8,
            _ => 4,
        }
    }

    pub fn sign_extended(&self, bits: u64) -> i64 {
        match self.size {
            Size::Char => i64::from(bits as i8),
            Size::Short => i64::from(bits as i16),
            Size::Int => i64::from(bits as i32),
            Size::Long => bits as i64,
        }
    }

    pub fn zero_extended(&self, bits: u64) -> u64 {
        match self.size {
            Size::Char => u64::from(bits as u8),
            Size::Short => u64::from(bits as u16),
            Size::Int => u64::from(bits as u32),
            Size::Long => bits,
        }
    }

    /// The sign to print.
    pub fn sign(&self, negative: bool) -> Vec<u8> {
        match (negative, self.plus, self.space) {
            (true, _, _) => vec![b'-'],
            (false, true, _) => vec![b'+'],
            (false, false, true) => vec![b' '],
            (false, false, false) => vec![],
        }
    }

    /// Whether the `0` flag has its effect: on numbers, but neither on infinities and NaNs nor on integers with a
    /// precision.
    pub fn pads_with_zeros(&self, body: &[u8], precision: Option<usize>) -> bool {
        match self.kind {
            Kind::Signed | Kind::Unsigned(_) => precision.is_none(),
            Kind::Float(_) => body.first().is_some_and(u8::is_ascii_digit) || body.starts_with(b"."),
            Kind::Pointer => body != b"(nil)",
            Kind::Percent | Kind::Character | Kind::String => false,
        }
    }
}

/// A number, `*`, or `default` where neither stands.
fn parse_amount(text: &[u8], at: &mut usize, default: Amount) -> Amount {
    if text.get(*at) == Some(&b'*') {
        *at += 1;
        return Amount::Argument;
    }
    let start = *at;
    let mut number = 0i64;
    while let Some(digit) = text.get(*at).filter(|byte| byte.is_ascii_digit()) {
        number = number.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
        *at += 1;
    }
    if *at == start { default } else { Amount::Number(number) }
}

fn parse_size(text: &[u8], at: &mut usize) -> Size {
    let rest = &text[*at..];
    let (size, length) = match rest {
        [b'h', b'h', ..] => (Size::Char, 2),
        [b'h', ..] => (Size::Short, 1),
        [b'l', b'l', ..] => (Size::Long, 2),
        [b'l' | b'j' | b'z' | b't', ..] => (Size::Long, 1),
        _ => (Size::Int, 0),
    };
    *at += length;
    size
}
