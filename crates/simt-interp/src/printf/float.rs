//! Floating-point conversions, as glibc prints them.

use super::specification::Specification;

/// The four ways to write a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// `e`
    Exponent,
    /// `f`
    Fixed,
    /// `g`
    General,
    /// `a`
    Hexadecimal,
}

/// The sign with `0x` if it is hexadecimal, and the rest.
pub(super) fn format(
    specification: &Specification,
    style: Style,
    value: f64,
    precision: Option<usize>,
) -> (Vec<u8>, Vec<u8>) {
    let mut prefix = specification.sign(value.is_sign_negative());
    let magnitude = value.abs();
    let mut body = if magnitude.is_nan() {
        "nan".to_string()
    } else if magnitude.is_infinite() {
        "inf".to_string()
    } else {
        match style {
            Style::Exponent => exponent(magnitude, precision.unwrap_or(6), specification.alternate),
            Style::Fixed => fixed(magnitude, precision.unwrap_or(6), specification.alternate),
            Style::General => general(magnitude, precision.unwrap_or(6), specification.alternate),
            Style::Hexadecimal => {
                prefix.extend_from_slice(b"0x");
                hexadecimal(magnitude, precision, specification.alternate)
            }
        }
    };
    if specification.upper {
        body.make_ascii_uppercase();
        prefix.make_ascii_uppercase();
    }
    (prefix, body.into_bytes())
}

fn fixed(magnitude: f64, precision: usize, keeps_point: bool) -> String {
    // Rust's formatting is exact, and rounds to nearest even on the exact value, as glibc's.
    let mut text = format!("{magnitude:.precision$}");
    if precision == 0 && keeps_point {
        text.push('.');
    }
    text
}

fn exponent(magnitude: f64, precision: usize, keeps_point: bool) -> String {
    let (mantissa, power) = scientific(magnitude, precision);
    let point = if precision == 0 && keeps_point { "." } else { "" };
    format!("{mantissa}{point}{}", power_text('e', power, 2))
}

/// Mantissa with `precision` digits behind the point, and the power of ten.
fn scientific(magnitude: f64, precision: usize) -> (String, i32) {
    let text = format!("{magnitude:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.to_string(), power.parse().unwrap_or(0))
}

fn power_text(letter: char, power: i32, digits: usize) -> String {
    let sign = if power < 0 { '-' } else { '+' };
    format!("{letter}{sign}{:0digits$}", power.unsigned_abs())
}

/// `%g`: as `%e` for small and large powers, else as `%f`; without trailing zeros unless `#` is given.
fn general(magnitude: f64, precision: usize, keeps_zeros: bool) -> String {
    let digits = precision.max(1);
    let (mantissa, power) = scientific(magnitude, digits - 1);
    let trim = |text: String| {
        if keeps_zeros || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    };
    let point = |text: String| if keeps_zeros && !text.contains('.') { text + "." } else { text };
    if power < -4 || power >= digits as i32 {
        return point(trim(mantissa)) + &power_text('e', power, 2);
    }
    let behind_point = (digits as i32 - 1 - power) as usize;
    point(trim(format!("{magnitude:.behind_point$}")))
}

/// `%a`: a hexadecimal mantissa with one digit before the point, and a power of two. The `0x` is the prefix's.
fn hexadecimal(magnitude: f64, precision: Option<usize>, keeps_point: bool) -> String {
    const FRACTION_BITS: usize = 52;
    const FRACTION_DIGITS: usize = FRACTION_BITS / 4;
    let bits = magnitude.to_bits();
    let field = (bits >> FRACTION_BITS) as i32;
    let mut significand = bits & ((1 << FRACTION_BITS) - 1);
    let power = match (field, significand) {
        (0, 0) => 0,
        (0, _) => -1022,
        _ => {
            significand |= 1 << FRACTION_BITS;
            field - 1023
        }
    };
    if let Some(precision) = precision.filter(|precision| *precision < FRACTION_DIGITS) {
        let dropped = 4 * (FRACTION_DIGITS - precision);
        let (whole, rest) = (significand >> dropped, significand & ((1 << dropped) - 1));
        let half = 1 << (dropped - 1);
        let up = rest > half || (rest == half && whole & 1 == 1);
        significand = (whole + u64::from(up)) << dropped;
    }
    let mut digits = format!("{:013x}", significand & ((1 << FRACTION_BITS) - 1));
    match precision {
        Some(precision) => {
            digits.truncate(precision);
            digits.extend(std::iter::repeat_n('0', precision.saturating_sub(FRACTION_DIGITS)));
        }
        None => digits.truncate(digits.trim_end_matches('0').len()),
    }
    let point = if digits.is_empty() && !keeps_point { "" } else { "." };
    format!("{:x}{point}{digits}{}", significand >> FRACTION_BITS, power_text('p', power, 1))
}
