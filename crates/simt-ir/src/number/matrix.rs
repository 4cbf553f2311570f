//! The meaning of [`crate::Op::MatrixProduct`]: plain loops over the matrices' elements.

use super::bits::sign_extend;
use super::convert::float_to_float;
use super::float_arithmetic::{Modifiers, fused_multiply_add};
use super::format::{BF16, F16, F32, F64};
use crate::{Combine, Factor, MatrixProduct, Place, Rounding, Sum, WARP_SIZE};

/// The registers of a warp: for each of an operand's registers the bits of the 32 lanes.
pub type Registers = Vec<[u64; WARP_SIZE as usize]>;

const PLAIN: Modifiers = Modifiers { rounding: Rounding::NearestEven, flush: false, saturate: false, relu: false };

/// The sums of a matrix product.
pub fn matrix_product(product: &MatrixProduct, a: &Registers, b: &Registers, c: &Registers) -> Registers {
    let mut result = vec![[0u64; WARP_SIZE as usize]; product.sum_registers(product.d)];
    for register in 0..result.len() as u32 {
        for part in 0..product.d.in_register() {
            for lane in 0..WARP_SIZE {
                let place = Place { register, part, lane };
                let bits = sum(product, a, b, c, place) << (part * 16);
                result[register as usize][lane as usize] |= bits;
            }
        }
    }
    result
}

/// The sum that a lane gets.
fn sum(product: &MatrixProduct, a: &Registers, b: &Registers, c: &Registers, place: Place) -> u64 {
    let element = product.sum_at(product.d, place);
    let start = old_sum(product, c, element);
    let pairs = (0..product.k).map(|k| {
        let a = held(a, product.a.bits(), product.a_place(element.product, element.row, k));
        let b = held(b, product.b.bits(), product.b_place(element.product, k, element.column));
        (a, b)
    });
    match product.d {
        Sum::I32 => {
            let total = i64::from(start as i32) + pairs.map(|(a, b)| combined(product, a, b)).sum::<i64>();
            let clamped = total.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
            u64::from((if product.saturate { clamped } else { total }) as u32)
        }
        Sum::F64 => pairs.fold(start, |sum, (a, b)| fused_multiply_add(F64, PLAIN, a, b, sum)),
        Sum::F32 | Sum::F16 => {
            let start = match product.c {
                Sum::F16 => float_to_float(PLAIN, F16, F32, start),
                _ => start,
            };
            let single = pairs.fold(start, |sum, (a, b)| {
                let (a, b) = (single_of(product.a, a), single_of(product.b, b));
                fused_multiply_add(F32, PLAIN, a, b, sum)
            });
            if product.d == Sum::F16 { float_to_float(PLAIN, F32, F16, single) } else { single }
        }
    }
}

/// The element of C.
fn old_sum(product: &MatrixProduct, c: &Registers, element: crate::Element) -> u64 {
    let parts = product.c.in_register();
    for register in 0..c.len() as u32 {
        for (lane, part) in (0..WARP_SIZE).flat_map(|lane| (0..parts).map(move |part| (lane, part))) {
            let place = Place { register, part, lane };
            if product.sum_at(product.c, place) == element {
                return held(c, product.c.register().bits() / parts, place);
            }
        }
    }
    0
}

/// The bits at a place.
fn held(registers: &Registers, bits: u32, place: Place) -> u64 {
    let register = registers[place.register as usize][place.lane as usize];
    let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    register >> (place.part * bits) & mask
}

/// What two integer elements add to a sum.
fn combined(product: &MatrixProduct, a: u64, b: u64) -> i64 {
    let number = |factor: Factor, bits: u64| match factor.is_signed() {
        true => sign_extend(u128::from(bits), factor.bits()) as i64,
        false => bits as i64,
    };
    match product.combine {
        Combine::Multiply => number(product.a, a) * number(product.b, b),
        Combine::AndPopCount => (a & b) as i64,
        Combine::XorPopCount => (a ^ b) as i64,
    }
}

/// A float element as a single, which is exact.
fn single_of(factor: Factor, bits: u64) -> u64 {
    match factor {
        Factor::F16 => float_to_float(PLAIN, F16, F32, bits),
        Factor::BF16 => float_to_float(PLAIN, BF16, F32, bits),
        Factor::TF32 => bits & !0x1fff,
        Factor::E5M2 => float_to_float(PLAIN, F16, F32, bits << 8),
        Factor::E4M3 if bits & 0x7f == 0x7f => 0x7fff_ffff,
        Factor::E4M3 => small_float(bits, 8, 3),
        Factor::E3M2 => small_float(bits & 0x3f, 6, 2),
        Factor::E2M3 => small_float(bits & 0x3f, 6, 3),
        Factor::E2M1 => small_float(bits >> 2 & 0xf, 4, 1),
        _ => bits,
    }
}

/// A number without infinities and NaNs: a sign, an exponent, and so many bits of fraction.
fn small_float(bits: u64, width: u32, fraction_bits: u32) -> u64 {
    let negative = bits >> (width - 1) & 1 == 1;
    let fraction = (bits & ((1 << fraction_bits) - 1)) as f32;
    let exponent_bits = width - 1 - fraction_bits;
    let exponent = (bits >> fraction_bits & ((1 << exponent_bits) - 1)) as i32;
    let bias = (1 << (exponent_bits - 1)) - 1;
    let unit = (1u32 << fraction_bits) as f32;
    // All exact in single precision.
    let magnitude = match exponent {
        0 => fraction / unit * 2f32.powi(1 - bias),
        _ => (1.0 + fraction / unit) * 2f32.powi(exponent - bias),
    };
    u64::from((if negative { -magnitude } else { magnitude }).to_bits())
}
