//! Operand values: mostly those where things go wrong.

use simt_ir::Type;

use super::Rng;

/// What 64-bit input words are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    /// Integers of 8 to 64 bits.
    Integers,
    /// Two f32 in a word.
    Float32,
    /// One f64 in a word.
    Float64,
    /// Four f16 or bf16 in a word.
    Half,
    /// Any of these.
    All,
}

impl Rng {
    /// An input word.
    pub fn word(&mut self, mix: Mix) -> u64 {
        let mix = match mix {
            Mix::All => self.pick(&[Mix::Integers, Mix::Float32, Mix::Float64, Mix::Half]),
            other => other,
        };
        match mix {
            Mix::Integers | Mix::All => match self.below(4) {
                0 => self.value(Type::I64),
                1 => self.value(Type::I32) << 32 | self.value(Type::I32),
                2 => (0..4).fold(0, |word, _| word << 16 | self.value(Type::I16)),
                _ => (0..8).fold(0, |word, _| word << 8 | self.value(Type::I8)),
            },
            Mix::Float32 => self.value(Type::F32) << 32 | self.value(Type::F32),
            Mix::Float64 => self.value(Type::F64),
            Mix::Half => {
                let ty = self.pick(&[Type::F16, Type::BF16]);
                (0..4).fold(0, |word, _| word << 16 | self.value(ty))
            }
        }
    }

    /// A value of a type of up to 64 bits: often an edge, else anything.
    pub fn value(&mut self, ty: Type) -> u64 {
        match ty {
            Type::F16 => self.float(16, 10),
            Type::BF16 => self.float(16, 7),
            Type::F32 => self.float(32, 23),
            Type::F64 => self.float(64, 52),
            integer => self.integer(integer.bits().min(64)),
        }
    }

    /// Any bits, a small number of either sign, or one beside a power of two.
    fn integer(&mut self, bits: u32) -> u64 {
        let mask = u64::MAX >> (64 - bits);
        mask & match self.below(4) {
            0 => self.bits(),
            1 => (self.below(9) as u64).wrapping_sub(4),
            2 => (1u64 << self.below(bits as usize)).wrapping_add(self.below(3) as u64).wrapping_sub(1),
            _ => self.bits() >> self.below(bits as usize),
        }
    }

    /// A zero, a subnormal, infinity, NaN, something near one or an integer limit, or any bits.
    fn float(&mut self, bits: u32, fraction_bits: u32) -> u64 {
        let fraction_mask = (1u64 << fraction_bits) - 1;
        let one = (1u64 << (bits - 2)) - (1 << fraction_bits);
        let infinity = (1u64 << (bits - 1)) - (1 << fraction_bits);
        let magnitude = match self.below(16) {
            0 => 0,
            1 => 1 + self.below(3) as u64,
            2 => self.bits() & fraction_mask,
            3 => (1 << fraction_bits) + self.below(3) as u64 - 1,
            4 => infinity - 1 - self.below(2) as u64,
            5 => infinity,
            6 => infinity | 1 << (fraction_bits - 1) | self.bits() & fraction_mask,
            // Powers of two up to those where integers end, and their neighbours.
            7 | 8 => {
                let power = (self.below(70) as u64) << fraction_bits;
                (one + power).min(infinity - 1).wrapping_add(self.below(3) as u64).wrapping_sub(1)
            }
            // Near one, with few fraction bits: exact results and ties.
            9 | 10 => {
                let low_zeros = fraction_bits - 3;
                (one - (2 << fraction_bits)) + ((self.below(32) as u64) << low_zeros)
            }
            11 | 12 => one + (self.bits() & fraction_mask),
            _ => self.bits(),
        };
        let sign = (self.bits() & 1) << (bits - 1);
        sign | magnitude & ((1 << (bits - 1)) - 1)
    }
}
