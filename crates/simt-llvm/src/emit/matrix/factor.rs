//! The factors of a product: from registers into vectors with one element, or a few that are multiplied together, in each lane.

use simt_ir::{Factor, Type};

use super::{Form, Pieces, Source};
use crate::emit::dot::FLIP;
use crate::emit::{FunctionEmitter, LANES};
use crate::llvm::{Bin, Cast, IntPredicate, Val};

impl FunctionEmitter<'_> {
    /// Takes the registers of a factor apart: floats into one vector for each element, in the precision of the sums; integers
    /// into vectors of two 16-bit numbers or of four bytes in each lane; bits stay as they are.
    pub(super) fn factor_planes(&self, factor: Factor, form: Form, flipped: bool, registers: &[Val]) -> Vec<Pieces> {
        let vectors = registers.iter().flat_map(|register| match (form, factor) {
            (_, Factor::F64 | Factor::B1) => vec![*register],
            (Form::Single, _) => {
                (0..factor.in_register()).map(|part| self.single_of(factor, *register, part)).collect()
            }
            (Form::Pairs | Form::Bytes { .. }, _) => {
                // Flipped bytes are made as if they were of the other kind.
                let bytes = match factor.bits() {
                    4 => self.nibbles_as_bytes(factor.is_signed(), flipped, *register).to_vec(),
                    _ if flipped => vec![self.flipped_bytes(*register)],
                    _ => vec![*register],
                };
                match form {
                    Form::Pairs => {
                        bytes.iter().flat_map(|bytes| self.bytes_as_pairs(factor.is_signed(), *bytes)).collect()
                    }
                    _ => bytes,
                }
            }
        });
        vectors.map(|vector| self.pieces(vector)).collect()
    }

    /// Bytes with their highest bits flipped: 128 more or less.
    fn flipped_bytes(&self, register: Val) -> Val {
        self.ir.xor(register, self.ir.constant(self.ir.type_of(register), FLIP))
    }

    /// Element `part` of a register of floats, as singles.
    fn single_of(&self, factor: Factor, register: Val, part: u32) -> Val {
        let ir = self.ir;
        let word = self.vector_type(Type::I32);
        let single = self.vector_type(Type::F32);
        let shifted = |left: i64| match left {
            0 => register,
            1.. => ir.bin(Bin::Shl, register, ir.constant(word, left as u64)),
            _ => ir.bin(Bin::LShr, register, ir.constant(word, -left as u64)),
        };
        // The number of bits that bring the part's highest bit to bit 31, or its lowest to bit 0.
        let up = i64::from(32 - (part + 1) * factor.bits());
        let down = -i64::from(part * factor.bits());
        match factor {
            Factor::F16 => {
                let half = ir.cast(Cast::Trunc, shifted(down), self.vector_type(Type::I16));
                self.widen(Type::F16, half)
            }
            Factor::BF16 => {
                let bits = ir.and(shifted(up), ir.constant(word, 0xffff_0000));
                ir.cast(Cast::BitCast, bits, single)
            }
            Factor::TF32 => ir.cast(Cast::BitCast, ir.and(register, ir.constant(word, !0x1fff & 0xffff_ffff)), single),
            Factor::E5M2 => {
                let bits = ir.and(shifted(up - 16), ir.constant(word, 0xff00));
                self.widen(Type::F16, ir.cast(Cast::Trunc, bits, self.vector_type(Type::I16)))
            }
            Factor::E3M2 => self.small_float(shifted(up), 2, 3, 2),
            Factor::E2M3 => self.small_float(shifted(up), 2, 2, 3),
            Factor::E2M1 => self.small_float(shifted(up), 2, 2, 1),
            _ => {
                let value = self.small_float(shifted(up), 0, 4, 3);
                let magnitude = ir.and(shifted(up), ir.constant(word, 0x7f00_0000));
                let nan = ir.icmp(IntPredicate::LLVMIntEQ, magnitude, ir.constant(word, 0x7f00_0000));
                let canonical = ir.cast(Cast::BitCast, ir.constant(word, 0x7fff_ffff), single);
                ir.select(nan, canonical, value)
            }
        }
    }

    /// A float without infinities in the byte at the top of each word, behind `unused` bits: its exponent is brought to that of a
    /// single, which is then off by the difference of the biases.
    fn small_float(&self, word: Val, unused: u32, exponent_bits: u32, fraction_bits: u32) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(word);
        // For e2m1 the number lies in bits 2 to 5 of its byte.
        let width = 1 + exponent_bits + fraction_bits;
        let word = if unused > 0 { ir.bin(Bin::Shl, word, ir.constant(ty, u64::from(unused))) } else { word };
        let sign = ir.and(word, ir.constant(ty, 0x8000_0000));
        let magnitude_mask = ((1u64 << (width - 1)) - 1) << (32 - width);
        let magnitude = ir.and(word, ir.constant(ty, magnitude_mask));
        // The lowest bit of the exponent comes to bit 23.
        let place = 32 - width + fraction_bits;
        let bits = ir.bin(Bin::LShr, magnitude, ir.constant(ty, u64::from(place - 23)));
        let single = self.vector_type(Type::F32);
        let bias = (1 << (exponent_bits - 1)) - 1;
        let scale = ir.cast(Cast::BitCast, ir.constant(ty, (127 + 127 - bias) << 23), single);
        let scaled = ir.bin(Bin::FMul, ir.cast(Cast::BitCast, bits, single), scale);
        let signed = ir.or(ir.cast(Cast::BitCast, scaled, ty), sign);
        ir.cast(Cast::BitCast, signed, single)
    }

    /// The even and the odd nibbles as bytes; signed ones that are `flipped` are 8 more, and have no sign.
    fn nibbles_as_bytes(&self, signed: bool, flipped: bool, register: Val) -> [Val; 2] {
        let ir = self.ir;
        let word = ir.type_of(register);
        let bytes = ir.vector(ir.int(8), LANES * 4);
        [0, 4].map(|shift| {
            let nibbles = ir.and(ir.bin(Bin::LShr, register, ir.constant(word, shift)), ir.constant(word, 0x0f0f_0f0f));
            if !signed {
                return nibbles;
            }
            let nibbles = ir.cast(Cast::BitCast, nibbles, bytes);
            let unsigned = ir.xor(nibbles, ir.constant(bytes, 8));
            let made = if flipped { unsigned } else { ir.sub(unsigned, ir.constant(bytes, 8)) };
            ir.cast(Cast::BitCast, made, word)
        })
    }

    /// A piece of a vector whose lanes are those of other vectors.
    pub(super) fn gather_planes(&self, vectors: &[Pieces], sources: &[Source]) -> Val {
        let width = sources.len() as u32;
        // Which piece of which vector, and which lane of it.
        let sources: Vec<(Source, u32)> =
            sources.iter().map(|(vector, lane)| ((*vector, lane / width), lane % width)).collect();
        let mut pieces: Vec<Source> = sources.iter().map(|(piece, _)| *piece).collect();
        pieces.sort_unstable();
        pieces.dedup();
        let piece = |(vector, index): Source| vectors[vector as usize][index as usize];
        let (first, second) = (pieces[0], *pieces.get(1).unwrap_or(&pieces[0]));
        let from_two =
            |(source, lane): &(Source, u32)| if *source == second && second != first { width + lane } else { *lane };
        let order: Vec<u32> = sources.iter().map(from_two).collect();
        let mut result = self.ir.shuffle(piece(first), piece(second), &order);
        for other in pieces.into_iter().skip(2) {
            let own = |(index, (source, lane)): (usize, &(Source, u32))| {
                if *source == other { width + lane } else { index as u32 }
            };
            let order: Vec<u32> = sources.iter().enumerate().map(own).collect();
            result = self.ir.shuffle(result, piece(other), &order);
        }
        result
    }
}
