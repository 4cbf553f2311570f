//! Device `printf`, as CUDA C++ documents it (Programming Guide, "Formatted Output"), with glibc's formatting.
//!
//! Self-contained and pure: the format and the arguments come in as bytes, and text goes out. Where a conversion's argument
//! lies is CUDA's rule: one packed buffer, each argument aligned to its size.
//!
//! * Conversions: `d i u o x X c s p e E f F g G a A %`; flags `- + 0 # space`; width and precision as numbers or `*`;
//!   sizes `hh h l ll j z t`.
//! * Text goes to at most [`MAX_ARGUMENTS`] arguments; further conversions, and those not listed, are printed as they stand.
//! * A width or precision above [`MAX_WIDTH`] counts as that.

mod float;
mod specification;
#[cfg(test)]
mod tests;

use specification::{Amount, Kind, Specification};

/// Arguments beside the format that a call can have.
pub const MAX_ARGUMENTS: u32 = 32;

/// Greatest width and precision: the size of CUDA's default output buffer.
pub const MAX_WIDTH: usize = 1 << 20;

/// Longest string that is read.
const MAX_STRING: usize = 1 << 20;

/// Where arguments come from, in order.
pub trait Arguments {
    /// The next argument, of 4 or 8 bytes; `None` if it cannot be read.
    fn next(&mut self, size: u32) -> Option<u64>;

    /// The zero-ended string at an address, without its end; `None` if it cannot be read.
    fn string(&mut self, address: u64) -> Option<Vec<u8>>;
}

/// A formatted call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Output {
    /// What is printed.
    pub text: Vec<u8>,
    /// Arguments that were used: the call's result.
    pub arguments: u32,
}

/// Formats a call. What an argument that cannot be read would have given is left out.
///
/// ```
/// use simt_interp::printf::{PackedArguments, format};
///
/// let buffer = [42u32.to_le_bytes(), 0u32.to_le_bytes()].concat();
/// let mut read = |address: u64, bytes: &mut [u8]| {
///     let start = address as usize;
///     bytes.copy_from_slice(&buffer[start..start + bytes.len()]);
///     true
/// };
/// let output = format(b"thread %5d\n", &mut PackedArguments::new(0, &mut read));
/// assert_eq!((output.text.as_slice(), output.arguments), (b"thread    42\n".as_slice(), 1));
/// ```
pub fn format(format: &[u8], arguments: &mut dyn Arguments) -> Output {
    let mut output = Output::default();
    let mut rest = format;
    while let Some(start) = rest.iter().position(|byte| *byte == b'%') {
        output.text.extend_from_slice(&rest[..start]);
        rest = &rest[start..];
        let Some((specification, length)) = Specification::parse(rest) else {
            // Not a conversion: the percent sign stands for itself.
            output.text.push(b'%');
            rest = &rest[1..];
            continue;
        };
        if specification.kind == Kind::Percent {
            output.text.push(b'%');
        } else if output.arguments + specification.argument_count() > MAX_ARGUMENTS {
            output.text.extend_from_slice(&rest[..length]);
        } else {
            output.arguments += specification.argument_count();
            convert(&specification, arguments, &mut output.text);
        }
        rest = &rest[length..];
    }
    output.text.extend_from_slice(rest);
    output
}

/// Formats one conversion with its arguments; `None` if one cannot be read.
fn convert(specification: &Specification, arguments: &mut dyn Arguments, text: &mut Vec<u8>) -> Option<()> {
    let mut specification = *specification;
    let mut amount = |amount: Amount| match amount {
        Amount::None => Some(None),
        Amount::Number(number) => Some(Some(number)),
        Amount::Argument => arguments.next(4).map(|bits| Some(i64::from(bits as i32))),
    };
    let width = amount(specification.width)?.unwrap_or(0);
    // A negative width means left, a negative precision none.
    specification.left |= width < 0;
    let width = width.unsigned_abs().min(MAX_WIDTH as u64) as usize;
    let precision = amount(specification.precision)?.filter(|precision| *precision >= 0);
    let precision = precision.map(|precision| precision.min(MAX_WIDTH as i64) as usize);
    let bits = arguments.next(specification.argument_size())?;
    let (prefix, body) = match specification.kind {
        Kind::Percent => return Some(()),
        Kind::Signed => signed(&specification, bits, precision),
        Kind::Unsigned(base) => unsigned(&specification, base, bits, precision),
        Kind::Character => (Vec::new(), vec![bits as u8]),
        Kind::String => {
            let mut string = if bits == 0 { b"(null)".to_vec() } else { arguments.string(bits)? };
            string.truncate(precision.unwrap_or(usize::MAX));
            (Vec::new(), string)
        }
        Kind::Pointer if bits == 0 => (Vec::new(), b"(nil)".to_vec()),
        Kind::Pointer => (b"0x".to_vec(), format!("{bits:x}").into_bytes()),
        Kind::Float(style) => float::format(&specification, style, f64::from_bits(bits), precision),
    };
    let zeros = specification.zero && !specification.left && specification.pads_with_zeros(&body, precision);
    pad(text, &prefix, &body, width, specification.left, zeros);
    Some(())
}

/// A signed integer: its sign, and its digits.
fn signed(specification: &Specification, bits: u64, precision: Option<usize>) -> (Vec<u8>, Vec<u8>) {
    let value = specification.sign_extended(bits);
    (specification.sign(value < 0), digits(value.unsigned_abs(), 10, precision))
}

/// An unsigned integer in base 8, 10 or 16: its prefix, and its digits.
fn unsigned(specification: &Specification, base: u32, bits: u64, precision: Option<usize>) -> (Vec<u8>, Vec<u8>) {
    let value = specification.zero_extended(bits);
    let mut digits = digits(value, base, precision);
    let mut prefix = Vec::new();
    if specification.alternate {
        match base {
            8 if digits.first() != Some(&b'0') => digits.insert(0, b'0'),
            16 if value != 0 => prefix = b"0x".to_vec(),
            _ => {}
        }
    }
    if specification.upper {
        digits.make_ascii_uppercase();
        prefix.make_ascii_uppercase();
    }
    (prefix, digits)
}

/// The digits of a number, at least `precision` of them (default 1; 0 gives nothing for 0).
fn digits(value: u64, base: u32, precision: Option<usize>) -> Vec<u8> {
    let text = match (value, base) {
        (0, _) => String::new(),
        (_, 8) => format!("{value:o}"),
        (_, 16) => format!("{value:x}"),
        _ => value.to_string(),
    };
    let zeros = precision.unwrap_or(1).saturating_sub(text.len());
    let mut digits = vec![b'0'; zeros];
    digits.extend_from_slice(text.as_bytes());
    digits
}

fn pad(text: &mut Vec<u8>, prefix: &[u8], body: &[u8], width: usize, left: bool, zeros: bool) {
    let fill = width.saturating_sub(prefix.len() + body.len());
    let repeat = |text: &mut Vec<u8>, byte: u8| text.extend(std::iter::repeat_n(byte, fill));
    if !left && !zeros {
        repeat(text, b' ');
    }
    text.extend_from_slice(prefix);
    if zeros {
        repeat(text, b'0');
    }
    text.extend_from_slice(body);
    if left {
        repeat(text, b' ');
    }
}

/// Arguments in a packed buffer in memory, which a function reads.
pub struct PackedArguments<'r> {
    address: u64,
    read: &'r mut dyn FnMut(u64, &mut [u8]) -> bool,
}

impl<'r> PackedArguments<'r> {
    /// The buffer begins at `address`, which is aligned to 8; `read(address, bytes)` fills `bytes` from memory, or says
    /// false.
    pub fn new(address: u64, read: &'r mut dyn FnMut(u64, &mut [u8]) -> bool) -> Self {
        Self { address, read }
    }
}

impl Arguments for PackedArguments<'_> {
    fn next(&mut self, size: u32) -> Option<u64> {
        let mut bytes = [0; 8];
        let size = u64::from(size.min(8));
        let address = self.address.checked_next_multiple_of(size)?;
        self.address = address.wrapping_add(size);
        (self.read)(address, &mut bytes[..size as usize]).then(|| u64::from_le_bytes(bytes))
    }

    fn string(&mut self, address: u64) -> Option<Vec<u8>> {
        read_string(address, self.read)
    }
}

/// The zero-ended string at an address, without its end, or its first MiB; `None` if it cannot be read. Null reads as empty.
pub fn read_string(address: u64, read: &mut dyn FnMut(u64, &mut [u8]) -> bool) -> Option<Vec<u8>> {
    let mut string = Vec::new();
    if address == 0 {
        return Some(string);
    }
    while string.len() < MAX_STRING {
        let mut byte = [0];
        if !read(address.wrapping_add(string.len() as u64), &mut byte) {
            return None;
        }
        if byte[0] == 0 {
            break;
        }
        string.push(byte[0]);
    }
    Some(string)
}

/// The line that CUDA prints for a failed `assert`.
pub fn assertion_text(
    message: &[u8],
    file: &[u8],
    line: u32,
    function: &[u8],
    block: [u32; 3],
    thread: [u32; 3],
) -> String {
    let [message, file, function] = [message, file, function].map(String::from_utf8_lossy);
    let coordinates = |[x, y, z]: [u32; 3]| format!("[{x},{y},{z}]");
    format!(
        "{file}:{line}: {function}: block: {}, thread: {} Assertion `{message}` failed.\n",
        coordinates(block),
        coordinates(thread)
    )
}
