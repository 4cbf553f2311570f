//! Comparisons.

use super::bits::sign_extend;
use super::format::Format;
use crate::{FloatCondition, IntCondition};

/// [`crate::Op::IntCompare`] on patterns of `width` bits.
pub(crate) fn integers(condition: IntCondition, width: u32, a: u128, b: u128) -> bool {
    let (signed_a, signed_b) = (sign_extend(a, width), sign_extend(b, width));
    match condition {
        IntCondition::Eq => a == b,
        IntCondition::Ne => a != b,
        IntCondition::LtSigned => signed_a < signed_b,
        IntCondition::LeSigned => signed_a <= signed_b,
        IntCondition::GtSigned => signed_a > signed_b,
        IntCondition::GeSigned => signed_a >= signed_b,
        IntCondition::LtUnsigned => a < b,
        IntCondition::LeUnsigned => a <= b,
        IntCondition::GtUnsigned => a > b,
        IntCondition::GeUnsigned => a >= b,
    }
}

/// [`crate::Op::FloatCompare`].
pub(crate) fn floats(condition: FloatCondition, format: Format, flush: bool, a: u64, b: u64) -> bool {
    use FloatCondition::*;
    if format.is_nan(a) || format.is_nan(b) {
        return match condition {
            Eq | Ne | Lt | Le | Gt | Ge | Ordered => false,
            EqOrNan | NeOrNan | LtOrNan | LeOrNan | GtOrNan | GeOrNan | Unordered => true,
        };
    }
    let order = value_order(format, flush, a).cmp(&value_order(format, flush, b));
    match condition {
        Eq | EqOrNan => order.is_eq(),
        Ne | NeOrNan => order.is_ne(),
        Lt | LtOrNan => order.is_lt(),
        Le | LeOrNan => order.is_le(),
        Gt | GtOrNan => order.is_gt(),
        Ge | GeOrNan => order.is_ge(),
        Ordered => true,
        Unordered => false,
    }
}

/// A number that orders patterns as their values; both zeros are equal.
fn value_order(format: Format, flush: bool, bits: u64) -> i64 {
    let bits = format.flushed(flush, bits);
    let magnitude = format.magnitude(bits) as i64;
    if format.is_negative(bits) { -magnitude } else { magnitude }
}
