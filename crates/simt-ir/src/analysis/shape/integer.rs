//! Integer operations on facts.

use super::Shape;
use super::fact::{Fact, constant, full_range, sign_extend};
use super::progression::{Progression, WHOLE, lanes_fit, parts, scaled, segment_uniform, shape_of};
use crate::{BinaryOp, IntCondition, Type};

pub(super) fn binary(lanes: u32, op: BinaryOp, ty: Type, a: Fact, b: Fact) -> Fact {
    use BinaryOp::*;
    let range = binary_range(op, ty, a.range, b.range);
    let folded = match (a.constant, b.constant) {
        (Some(a), Some(b)) => fold(op, ty, a, b),
        _ => None,
    };
    let only = (range.0 == range.1 && ty.is_int()).then_some(range.0 as u64 & (u64::MAX >> (64 - ty.bits().min(64))));
    if let Some(bits) = folded.or(only) {
        return constant(ty, bits);
    }
    let both = a.shape.progression().zip(b.shape.progression());
    let fits = |p: Progression, align: u8, bits: u64| lanes_fit(lanes, p, align, bits);
    let segments = |p: Progression| segment_uniform(p, b.shape);
    let shape = match (op, both) {
        (_, Some((p, q))) if p.is_uniform() && q.is_uniform() => Shape::Uniform,
        (Add, Some((p, q))) => shape_of(p.zip(q, i64::wrapping_add)),
        (Sub, Some((p, q))) => shape_of(p.zip(q, i64::wrapping_sub)),
        (Mul, Some((p, q))) => match (a.constant, b.constant) {
            (_, Some(factor)) => scaled(p, sign_extend(ty, factor)),
            (Some(factor), _) => scaled(q, sign_extend(ty, factor)),
            _ => segments(p),
        },
        (Shl, Some((p, _))) => match b.constant {
            Some(amount) if amount < u64::from(ty.bits()) => scaled(p, 1i64 << amount),
            _ => Shape::Varying,
        },
        // The low bits of lane 0 are zero, so that adding the lane's part does not carry into the bits kept.
        (ShrUnsigned | ShrSigned, Some((p, _))) => match b.constant {
            Some(amount) if fits(p, a.align, amount) => Shape::Uniform,
            Some(amount) => match parts(lanes, p, a.align, amount) {
                Some(length) => {
                    // From one part to the next the number kept counts up, unless it wraps.
                    let one_sign = op == ShrSigned || a.range.0 >= 0 || a.range.1 < 0;
                    let outer = (one_sign && stays_below_wrap(lanes, p, ty, a.range)).then_some(1);
                    Progression { stride: 0, length, speculative: false, outer }.shape()
                }
                None => segments(p),
            },
            None => segments(p),
        },
        (And, Some((p, _))) => match b.constant.map(|mask| within(mask, a.range)) {
            Some(mask) if fits(p, a.align, without_gap(mask, a.lanes_align).trailing_ones().into()) => p.shape(),
            Some(mask) if fits(p, a.align, u64::from(mask.trailing_zeros())) => Shape::Uniform,
            Some(mask) if mask.count_ones() == mask.trailing_ones() && p.length == WHOLE => {
                match parts(lanes, p, a.align, mask.trailing_ones().into()) {
                    Some(length) => Progression { length, outer: Some(0), ..p }.shape(),
                    None => segments(p),
                }
            }
            // What is left of an index when its low bits are cleared.
            Some(mask) => match parts(lanes, p, a.align, mask.trailing_zeros().into()) {
                Some(length) => {
                    let low = (1u64 << mask.trailing_zeros()) - 1;
                    let kept = mask | low;
                    let within = a.range.0 >= 0 && a.range.1 as u64 <= kept && kept & kept.wrapping_add(1) == 0;
                    // Bits above those that are kept are the same in all lanes.
                    let fits = kept & kept.wrapping_add(1) == 0 && fits(p, a.align, kept.trailing_ones().into());
                    let counts_up = sign_extend(ty, kept) == -1 || within || fits;
                    let outer = (counts_up && stays_below_wrap(lanes, p, ty, a.range)).then_some(low as i64 + 1);
                    Progression { stride: 0, length, speculative: false, outer }.shape()
                }
                None => segments(p),
            },
            _ => segments(p),
        },
        (Or | Xor, Some((p, q))) => {
            if fits(p, a.align, u64::from(b.align)) && q.is_uniform() {
                p.shape()
            } else if fits(q, b.align, u64::from(a.align)) && p.is_uniform() {
                q.shape()
            } else {
                segments(p)
            }
        }
        // An index held within bounds is hoped to lie within them.
        (MinSigned | MaxSigned, Some((p, q))) if p.stride > 0 && q.is_uniform() => p.shape().if_proven(false),
        (MinSigned | MaxSigned, Some((p, q))) if q.stride > 0 && p.is_uniform() => q.shape().if_proven(false),
        (_, Some((p, _))) => segments(p),
        _ => Shape::Varying,
    };
    let align = if shape == Shape::Varying { 0 } else { binary_align(op, a, b) };
    let lanes_align = lanes_align(op, a, b).min(ty.bits() as u8);
    let place = match (op, a.place, b.place) {
        (BinaryOp::Add, Some(place), None) => place.moved(b.range),
        (BinaryOp::Add, None, Some(place)) => place.moved(a.range),
        (BinaryOp::Sub, Some(place), None) => {
            b.range.1.checked_neg().zip(b.range.0.checked_neg()).and_then(|by| place.moved(by))
        }
        _ => None,
    };
    Fact { shape, range, align, lanes_align, constant: None, place }
}

/// A mask without the bits that no value of a range has.
fn within(mask: u64, range: (i64, i64)) -> u64 {
    match u64::try_from(range.1) {
        Ok(highest) if range.0 >= 0 => mask & (u64::MAX >> highest.leading_zeros().min(63)),
        _ => mask,
    }
}

/// A mask with its low zeros set, where those bits are zeros in all lanes anyway. Asked for where all lanes stay in progression alone: pieces of it, which the
/// mask would leave too, had a tensor-core product store its results piece by piece, which took longer than to scatter them.
fn without_gap(mask: u64, lanes_align: u8) -> u64 {
    let zeros = mask.trailing_zeros();
    if zeros <= lanes_align.into() && zeros < 64 { mask | ((1 << zeros) - 1) } else { mask }
}

/// Whether no lane's value wraps where lane 0's does not, as the range of all lanes' values says.
fn stays_below_wrap(lanes: u32, p: Progression, ty: Type, range: (i64, i64)) -> bool {
    let step = p.stride.unsigned_abs().max(p.outer.unwrap_or(0).unsigned_abs());
    let width = i128::from(range.1) - i128::from(range.0) + i128::from(lanes) * i128::from(step);
    width < 1i128 << ty.bits().min(64)
}

fn binary_align(op: BinaryOp, a: Fact, b: Fact) -> u8 {
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or | BinaryOp::Xor => a.align.min(b.align),
        BinaryOp::Mul => a.align.saturating_add(b.align).min(63),
        // Of lane 0 nothing is left.
        BinaryOp::And if b.constant.is_some_and(|mask| 64 - mask.leading_zeros() <= a.align.into()) => 63,
        BinaryOp::And => a.align.max(b.align),
        BinaryOp::Shl => b.constant.map_or(a.align, |amount| a.align.saturating_add(amount.min(63) as u8)).min(63),
        BinaryOp::ShrUnsigned | BinaryOp::ShrSigned => {
            b.constant.map_or(0, |amount| a.align.saturating_sub(amount.min(63) as u8))
        }
        _ => 0,
    }
}

/// Trailing zeros that every lane's result has.
fn lanes_align(op: BinaryOp, a: Fact, b: Fact) -> u8 {
    let (x, y) = (a.lanes_align, b.lanes_align);
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or | BinaryOp::Xor => x.min(y),
        BinaryOp::MinSigned | BinaryOp::MinUnsigned | BinaryOp::MaxSigned | BinaryOp::MaxUnsigned => x.min(y),
        BinaryOp::Mul => x.saturating_add(y).min(63),
        BinaryOp::And => x.max(y),
        BinaryOp::Shl => x.saturating_add(b.constant.map_or(0, |amount| amount.min(63) as u8)).min(63),
        BinaryOp::ShrUnsigned | BinaryOp::ShrSigned => {
            b.constant.map_or(0, |amount| x.saturating_sub(amount.min(63) as u8))
        }
        _ => 0,
    }
}

fn fold(op: BinaryOp, ty: Type, a: u64, b: u64) -> Option<u64> {
    let mask = if ty.bits() >= 64 { u64::MAX } else { (1u64 << ty.bits()) - 1 };
    Some(
        mask & match op {
            BinaryOp::Add => a.wrapping_add(b),
            BinaryOp::Sub => a.wrapping_sub(b),
            BinaryOp::Mul => a.wrapping_mul(b),
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            BinaryOp::Shl if b < 64 => a << b,
            BinaryOp::ShrUnsigned if b < 64 => a >> b,
            _ => return None,
        },
    )
}

/// Range of a result; the type's full range where it might wrap.
fn binary_range(op: BinaryOp, ty: Type, a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    let full = full_range(ty);
    let fit = |low: i128, high: i128| {
        if low >= i128::from(full.0) && high <= i128::from(full.1) { (low as i64, high as i64) } else { full }
    };
    let wide = |x: i64| i128::from(x);
    match op {
        BinaryOp::Add => fit(wide(a.0) + wide(b.0), wide(a.1) + wide(b.1)),
        BinaryOp::Sub => fit(wide(a.0) - wide(b.1), wide(a.1) - wide(b.0)),
        BinaryOp::Mul => {
            let products = [wide(a.0) * wide(b.0), wide(a.0) * wide(b.1), wide(a.1) * wide(b.0), wide(a.1) * wide(b.1)];
            fit(products.into_iter().min().unwrap_or(0), products.into_iter().max().unwrap_or(0))
        }
        BinaryOp::Shl if b.0 == b.1 && (0..63).contains(&b.0) => fit(wide(a.0) << b.0, wide(a.1) << b.0),
        BinaryOp::ShrSigned if b.0 == b.1 && (0..63).contains(&b.0) => (a.0 >> b.0, a.1 >> b.0),
        BinaryOp::ShrUnsigned if a.0 >= 0 && b.0 == b.1 && (0..63).contains(&b.0) => (a.0 >> b.0, a.1 >> b.0),
        // What may be negative has its highest bits set, and they come down.
        BinaryOp::ShrUnsigned if b.0 == b.1 && (1..i64::from(ty.bits().min(64))).contains(&b.0) => {
            (0, (u64::MAX >> (64 - ty.bits().min(64)) >> b.0) as i64)
        }
        BinaryOp::Or | BinaryOp::Xor if a.0 >= 0 && b.0 >= 0 => {
            (0, (u64::MAX >> 1 >> (a.1 | b.1).leading_zeros().saturating_sub(1)) as i64)
        }
        BinaryOp::And if b.0 >= 0 => (0, b.1),
        BinaryOp::And if a.0 >= 0 => (0, a.1),
        BinaryOp::RemUnsigned if b.0 > 0 && a.0 >= 0 => (0, (b.1 - 1).min(a.1)),
        BinaryOp::DivUnsigned if b.0 > 0 && a.0 >= 0 => (0, a.1),
        BinaryOp::MinSigned => (a.0.min(b.0), a.1.min(b.1)),
        BinaryOp::MaxSigned => (a.0.max(b.0), a.1.max(b.1)),
        _ => full,
    }
}

pub(super) fn extend(lanes: u32, signed: bool, from: Type, to: Type, a: Fact) -> Fact {
    let fits = if signed { true } else { a.range.0 >= 0 };
    let range = if fits {
        a.range
    } else if from.bits() < 63 {
        (0, (1i64 << from.bits()) - 1)
    } else {
        full_range(to)
    };
    let constant = a.constant.map(|bits| {
        let bits = if signed { sign_extend(from, bits) as u64 } else { bits };
        if to.bits() >= 64 { bits } else { bits & ((1 << to.bits()) - 1) }
    });
    // The progression survives if no lane wraps in the narrow type, which the range proves: a lane outside it would
    // have made the range the full one.
    let p = a.shape.progression();
    let proven = fits && p.is_none_or(|p| stays_below_wrap(lanes, p, from, a.range));
    let shape = match p {
        Some(p) if p.stride != 0 => {
            let small = p.stride.unsigned_abs().saturating_mul(lanes.into()) < 1u64 << (from.bits() - 1).min(62);
            if small && from != Type::I1 { a.shape.if_proven(proven) } else { Shape::Varying }
        }
        Some(p) if !p.is_uniform() && !proven && p.outer != Some(0) => Progression { outer: None, ..p }.shape(),
        _ => a.shape,
    };
    Fact {
        shape,
        range,
        align: if shape == Shape::Varying { 0 } else { a.align },
        lanes_align: a.lanes_align,
        constant,
        place: None,
    }
}

pub(super) fn truncate(ty: Type, a: Fact) -> Fact {
    let full = full_range(ty);
    let inside = a.range.0 >= full.0 && a.range.1 <= full.1;
    let shape = match a.shape {
        Shape::Affine { speculative: true, .. } | Shape::Segmented { speculative: true, .. } => Shape::Varying,
        Shape::Affine { stride, .. } | Shape::Segmented { stride, .. } if sign_extend(ty, stride as u64) != stride => {
            Shape::Varying
        }
        other => other,
    };
    let mask = if ty.bits() >= 64 { u64::MAX } else { (1u64 << ty.bits()) - 1 };
    Fact {
        shape,
        range: if inside { a.range } else { full },
        align: if shape == Shape::Varying { 0 } else { a.align },
        lanes_align: a.lanes_align,
        constant: a.constant.map(|bits| bits & mask),
        place: None,
    }
}

/// A comparison is uniform if both sides are, or if all lanes lie in one aligned group of so many and the bound is a multiple of that.
pub(super) fn compare(lanes: u32, condition: IntCondition, a: Fact, b: Fact) -> Fact {
    use IntCondition::*;
    let bits = lanes.trailing_zeros() as u8;
    let grouped = |x: Fact, bound: Fact| {
        x.shape == (Shape::Affine { stride: 1, speculative: false })
            && x.align >= bits
            && x.range.0 >= 0
            && bound.shape.is_uniform()
            && bound.align >= bits
            && bound.range.0 >= 0
    };
    let left = grouped(a, b) && matches!(condition, LtSigned | LtUnsigned | GeSigned | GeUnsigned);
    let right = grouped(b, a) && matches!(condition, GtSigned | GtUnsigned | LeSigned | LeUnsigned);
    let segment = a.shape.progression().map_or(Shape::Varying, |p| segment_uniform(p, b.shape));
    let shape = if left || right { Shape::Uniform } else { segment };
    Fact { shape, range: full_range(Type::I1), align: 0, lanes_align: 0, constant: None, place: None }
}
