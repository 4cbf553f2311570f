//! Columns of numbers and texts as bytes.
//!
//! A number is LEB128: seven bits a byte, least significant first, the top bit set on all bytes but the last. A column of
//! the coding `delta` holds the difference to the row before it, zigzag-coded (0, -1, 1, -2 ... are 0, 1, 2, 3 ...), so that
//! what grows steadily, or seldom changes, takes a byte a row. A text is its length and its bytes in UTF-8.

use std::fmt;

/// Longest text in a file, in bytes; longer ones are cut. Names of C++ kernels reach tens of thousands of characters.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// The bytes are no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column that is cut short or no column at all")
    }
}

impl std::error::Error for Malformed {}

/// Appends a number.
pub fn put(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number off the front.
///
/// # Errors
/// When the bytes end within the number, or it has more than 64 bits.
pub fn take(input: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or(Malformed)?;
        *input = rest;
        if shift == 63 && byte > 1 {
            return Err(Malformed);
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn zigzag(difference: i64) -> u64 {
    ((difference << 1) ^ (difference >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a column of the coding `plain`.
pub fn put_plain(values: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    values.for_each(|value| put(value, out));
}

/// Takes a column of the coding `plain`, handing each value to `set`.
///
/// # Errors
/// As [`take`].
pub fn take_plain(rows: usize, input: &mut &[u8], mut set: impl FnMut(usize, u64)) -> Result<(), Malformed> {
    (0..rows).try_for_each(|row| take(input).map(|value| set(row, value)))
}

/// Appends a column of the coding `delta`.
pub fn put_delta(values: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    let mut before = 0_u64;
    for value in values {
        put(zigzag(value.wrapping_sub(before) as i64), out);
        before = value;
    }
}

/// Takes a column of the coding `delta`, handing each value to `set`.
///
/// # Errors
/// As [`take`].
pub fn take_delta(rows: usize, input: &mut &[u8], mut set: impl FnMut(usize, u64)) -> Result<(), Malformed> {
    let mut value = 0_u64;
    for row in 0..rows {
        value = value.wrapping_add(unzigzag(take(input)?) as u64);
        set(row, value);
    }
    Ok(())
}

/// Appends a column of texts, each cut at [`TEXT_BYTES_MAX`].
pub fn put_texts<'a>(texts: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    for text in texts {
        let mut length = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        put(length as u64, out);
        out.extend_from_slice(&text.as_bytes()[..length]);
    }
}

/// Takes a column of texts, handing each to `set`.
///
/// # Errors
/// When the bytes end before the column does, or are no text.
pub fn take_texts(rows: usize, input: &mut &[u8], mut set: impl FnMut(usize, String)) -> Result<(), Malformed> {
    for row in 0..rows {
        let length = usize::try_from(take(input)?).map_err(|_| Malformed)?;
        if length > TEXT_BYTES_MAX {
            return Err(Malformed);
        }
        let (text, rest) = input.split_at_checked(length).ok_or(Malformed)?;
        *input = rest;
        set(row, String::from_utf8(text.to_vec()).map_err(|_| Malformed)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in proptest::collection::vec(any::<u64>(), 0..50)) {
            let mut bytes = Vec::new();
            put_plain(values.iter().copied(), &mut bytes);
            put_delta(values.iter().copied(), &mut bytes);
            let (mut input, mut plain, mut delta) = (&bytes[..], vec![0; values.len()], vec![0; values.len()]);
            take_plain(values.len(), &mut input, |row, value| plain[row] = value).unwrap();
            take_delta(values.len(), &mut input, |row, value| delta[row] = value).unwrap();
            prop_assert_eq!(&plain, &values);
            prop_assert_eq!(&delta, &values);
            prop_assert!(input.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = take_plain(20, &mut &bytes[..], |_, _| ());
            let _ = take_delta(20, &mut &bytes[..], |_, _| ());
            let _ = take_texts(20, &mut &bytes[..], |_, _| ());
        }
    }

    #[test]
    fn steady_growth_takes_a_byte_a_row() {
        let mut bytes = Vec::new();
        put_delta((0..1000).map(|row| 5_000_000_000 + row * 50), &mut bytes);
        assert!(bytes.len() <= 1000 + 1004, "{}", bytes.len());
        bytes.clear();
        put_delta((0..1000).map(|row| row * 3), &mut bytes);
        assert_eq!(bytes.len(), 1000);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "ä".repeat(TEXT_BYTES_MAX);
        let mut bytes = Vec::new();
        put_texts([long.as_str(), "", "x"].into_iter(), &mut bytes);
        let mut texts = vec![String::new(); 3];
        take_texts(3, &mut &bytes[..], |row, text| texts[row] = text).unwrap();
        assert_eq!(texts[0].len(), TEXT_BYTES_MAX);
        assert_eq!(texts[1..], ["", "x"]);
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        assert_eq!(take(&mut &[0xff; 9].iter().copied().chain([2]).collect::<Vec<_>>()[..]), Err(Malformed));
        assert_eq!(take(&mut &[0x80][..]), Err(Malformed));
    }
}
