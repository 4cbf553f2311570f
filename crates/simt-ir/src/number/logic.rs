//! Bit fields, byte permutation, funnel shifts and truth tables.

use super::bits::{mask, sign_extend};
use super::rules;
use crate::PermuteMode;

/// [`crate::Op::Lop3`]: bit i of the result is the table's entry at `a_i b_i c_i`.
pub(crate) fn lop3(table: u8, a: u32, b: u32, c: u32) -> u32 {
    let mut result = 0;
    for index in 0..8u32 {
        if table >> index & 1 == 1 {
            let pick = |value: u32, bit: u32| if index >> bit & 1 == 1 { value } else { !value };
            result |= pick(a, 2) & pick(b, 1) & pick(c, 0);
        }
    }
    result
}

/// [`crate::Op::Permute`] (PTX ISA 9.7.9.7): each result byte is one of the eight bytes of `b:a`.
pub(crate) fn permute(mode: PermuteMode, a: u32, b: u32, selector: u32) -> u32 {
    let bytes = u64::from(b) << 32 | u64::from(a);
    let mut result = 0;
    for position in 0..4 {
        let select = byte_select(mode, selector, position);
        let byte = (bytes >> (8 * (select & 7))) as u8;
        let byte = if select & 8 != 0 { ((byte as i8) >> 7) as u8 } else { byte };
        result |= u32::from(byte) << (8 * position);
    }
    result
}

/// Which byte goes to `position`; bit 3 asks for copies of that byte's sign.
fn byte_select(mode: PermuteMode, selector: u32, position: u32) -> u32 {
    let control = selector & 3;
    match mode {
        PermuteMode::Generic => selector >> (4 * position) & 15,
        PermuteMode::ForwardFour => control + position,
        PermuteMode::BackwardFour => (control + 8 - position) & 7,
        PermuteMode::ReplicateByte => control,
        PermuteMode::EdgeClampLeft => control.max(position),
        PermuteMode::EdgeClampRight => control.min(position),
        PermuteMode::ReplicateHalf => (control & 1) * 2 + (position & 1),
    }
}

/// [`crate::Op::BitFieldExtract`] (PTX ISA 9.7.1.20): a field beyond the top is filled with its sign, or zeros.
pub(crate) fn extract(width: u32, signed: bool, a: u128, position: u32, length: u32) -> u128 {
    let (position, length) = (rules::field_number(width, position), rules::field_number(width, length));
    if length == 0 {
        return 0;
    }
    if position >= width {
        let negative = signed && sign_extend(a, width) < 0;
        return if negative { mask(width) } else { 0 };
    }
    let field_width = length.min(width - position);
    let field = a >> position & mask(field_width);
    if signed { sign_extend(field, field_width) as u128 & mask(width) } else { field }
}

/// [`crate::Op::BitFieldInsert`] (PTX ISA 9.7.1.21): the low bits of `a` replace a field of `b`.
pub(crate) fn insert(width: u32, a: u128, b: u128, position: u32, length: u32) -> u128 {
    let (position, length) = (rules::field_number(width, position), rules::field_number(width, length));
    if position >= width {
        return b;
    }
    let field = mask(length.min(width - position)) << position;
    (b & !field) | (a << position & field)
}

/// [`crate::Op::FunnelShift`].
pub(crate) fn funnel_shift(left: bool, clamp: bool, low: u32, high: u32, amount: u32) -> u32 {
    let amount = if clamp { amount.min(32) } else { amount % 32 };
    let both = u64::from(high) << 32 | u64::from(low);
    if left { ((both << amount) >> 32) as u32 } else { (both >> amount) as u32 }
}

/// [`crate::Op::FindNthSet`] (PTX ISA 9.7.1.17): upward from `base` for a positive `n`, downward for a negative one, `base` itself
/// for 0. A base above 31 is undefined in PTX; here nothing is found upward, and downward the search begins at bit 31.
pub(crate) fn find_nth_set(a: u32, base: u32, n: u32) -> u32 {
    let n = n as i32;
    let is_set = |position: &u32| a >> position & 1 == 1;
    let found = match n {
        i32::MIN => return rules::NTH_SET_OF_MINIMUM,
        0 => (base..32).next().filter(is_set),
        1.. => (base..32).filter(is_set).nth(n as usize - 1),
        _ => (0..=base.min(31)).rev().filter(is_set).nth(n.unsigned_abs() as usize - 1),
    };
    found.unwrap_or(u32::MAX)
}
