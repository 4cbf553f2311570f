//! Tests of the number semantics against the host's floating-point unit, against plain restatements of the PTX ISA's
//! pseudo-code, and against tables.

mod approximate;
mod code;
mod convert;
mod flags;
mod half;
mod hardware;
mod integer;
mod logic;

use crate::number::evaluate;
use crate::{FloatBinaryOp, FloatUnaryOp, Op, Rounding, Type, Value};

const A: Value = Value(0);
const B: Value = Value(1);
const C: Value = Value(2);
const D: Value = Value(3);

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A pattern of a float with `bits` bits, of which `fraction_bits` are fraction: any, an edge, or one of a few
    /// magnitudes, so that sums cancel and products underflow.
    fn float(&mut self, bits: u32, fraction_bits: u32) -> u64 {
        let sign = self.next() & 1 << (bits - 1);
        let all = u64::MAX >> (64 - bits);
        let one = (1u64 << (bits - 2)) - (1 << fraction_bits);
        let infinity = (1u64 << (bits - 1)) - (1 << fraction_bits);
        let magnitude = match self.next() % 8 {
            0 => [0, 1, 2, (1 << fraction_bits) - 1, 1 << fraction_bits, one, infinity - 1, infinity, infinity + 1]
                [self.next() as usize % 9],
            1 => (one + ((self.next() % 5) << fraction_bits) + self.next() % 4).wrapping_sub(2),
            2 => self.next() & ((1 << fraction_bits) - 1),
            3 => infinity - (self.next() & ((2 << fraction_bits) - 1)) - 1,
            4 => one + (self.next() & ((1 << fraction_bits) - 1)),
            _ => self.next() & (all >> 1),
        };
        sign | magnitude & (all >> 1)
    }
}

const DIRECTED: [Rounding; 4] =
    [Rounding::NearestEven, Rounding::TowardZero, Rounding::TowardNegative, Rounding::TowardPositive];

fn unary(op: FloatUnaryOp, ty: Type, rounding: Rounding, a: u64) -> u64 {
    let op = Op::FloatUnary { op, ty, rounding, flush: false, saturate: false, a: A };
    run(&op, &[a])
}

fn binary(op: FloatBinaryOp, ty: Type, rounding: Rounding, a: u64, b: u64) -> u64 {
    let op = Op::FloatBinary { op, ty, rounding, flush: false, saturate: false, a: A, b: B };
    run(&op, &[a, b])
}

fn fma(ty: Type, rounding: Rounding, a: u64, b: u64, c: u64) -> u64 {
    let op = Op::Fma { ty, rounding, flush: false, saturate: false, relu: false, a: A, b: B, c: C };
    run(&op, &[a, b, c])
}

fn run(op: &Op, operands: &[u64]) -> u64 {
    let operands: Vec<u128> = operands.iter().map(|bits| u128::from(*bits)).collect();
    evaluate(op, &operands).expect("a pure operation") as u64
}
