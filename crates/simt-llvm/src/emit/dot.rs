//! Sums of products of small integers: `dp4a`, `dp2a`, and what matrix products are made of.
//!
//! AVX512-VNNI multiplies bytes without a sign by bytes with one. Where both have one or neither has, the highest bits of one side's bytes are
//! flipped, which makes each of them 128 more or less, and 128 times the sum of the other side's bytes is taken back. All of it is exact, as
//! nothing saturates.

use super::FunctionEmitter;
use crate::llvm::{Bin, Cast, Val};

/// 128 in each byte: the highest bits.
pub(super) const FLIP: u64 = 0x8080_8080;

impl FunctionEmitter<'_> {
    #[allow(clippy::too_many_arguments, reason = "the attributes of dp2a and dp4a, and their three operands")]
    pub fn dot_product(&self, count: u32, a_signed: bool, b_signed: bool, high: bool, a: Val, b: Val, c: Val) -> Val {
        let ir = self.ir;
        if count == 4 && ir.is_vector(ir.type_of(a)) && self.unit.target.gathers() {
            let parts = self.pieces(a).into_iter().zip(self.pieces(b)).zip(self.pieces(c));
            let sums: Vec<Val> = parts.map(|((a, b), c)| self.dot_of_four(a_signed, b_signed, a, b, c)).collect();
            return self.concatenate(&sums);
        }
        let shape = ir.type_of(a);
        let part = |value: Val, signed: bool, bits: u64, index: u64| {
            let up = ir.bin(Bin::Shl, value, ir.constant(shape, 32 - bits * (index + 1)));
            ir.bin(if signed { Bin::AShr } else { Bin::LShr }, up, ir.constant(shape, 32 - bits))
        };
        let a_bits = if count == 4 { 8 } else { 16 };
        let b_first = if count == 2 && high { 2 } else { 0 };
        (0..u64::from(count)).fold(c, |sum, index| {
            ir.add(sum, ir.mul(part(a, a_signed, a_bits, index), part(b, b_signed, 8, b_first + index)))
        })
    }

    /// `c` and the products of four bytes in each lane of a vector of the machine's width.
    fn dot_of_four(&self, a_signed: bool, b_signed: bool, a: Val, b: Val, c: Val) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(a);
        if !self.unit.target.vnni {
            let pairs = self.bytes_as_pairs(a_signed, a).into_iter().zip(self.bytes_as_pairs(b_signed, b));
            return pairs.fold(c, |sum, (a, b)| ir.add(sum, self.dot_of_pairs(a, b)));
        }
        let flip = ir.constant(ty, FLIP);
        match (a_signed, b_signed) {
            (false, true) => self.dot_of_bytes(c, a, b),
            (true, false) => self.dot_of_bytes(c, b, a),
            (true, true) => ir.sub(self.dot_of_bytes(c, ir.xor(a, flip), b), self.dot_of_bytes(ir.zero(ty), flip, b)),
            // Read with a sign the bytes of `flip` are -128.
            (false, false) => ir.sub(self.dot_of_bytes(c, a, ir.xor(b, flip)), self.dot_of_bytes(ir.zero(ty), a, flip)),
        }
    }

    /// Adds the products of four bytes in each lane, `unsigned` ones and `signed` ones, with AVX512-VNNI.
    pub fn dot_of_bytes(&self, sum: Val, unsigned: Val, signed: Val) -> Val {
        self.ir.intrinsic("llvm.x86.avx512.vpdpbusd.512", &[], &[sum, unsigned, signed])
    }

    /// The even and the odd bytes of a vector of words, each as two 16-bit numbers in a lane.
    pub fn bytes_as_pairs(&self, signed: bool, register: Val) -> [Val; 2] {
        let ir = self.ir;
        let word = ir.type_of(register);
        let pairs = ir.vector(ir.int(16), ir.lanes(word) * 2);
        let eight = ir.constant(pairs, 8);
        let halves = ir.cast(Cast::BitCast, register, pairs);
        let shift = if signed { Bin::AShr } else { Bin::LShr };
        let even = ir.bin(shift, ir.bin(Bin::Shl, halves, eight), eight);
        let odd = ir.bin(shift, halves, eight);
        [even, odd].map(|pairs| ir.cast(Cast::BitCast, pairs, word))
    }

    /// In each lane the sum of the products of two 16-bit numbers.
    pub fn dot_of_pairs(&self, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(a);
        let name = match (self.unit.target.avx512, self.unit.target.avx2) {
            (true, _) => "llvm.x86.avx512.pmaddw.d.512",
            (false, true) => "llvm.x86.avx2.pmadd.wd",
            (false, false) => {
                let sixteen = ir.constant(ty, 16);
                let low = |word: Val| ir.bin(Bin::AShr, ir.bin(Bin::Shl, word, sixteen), sixteen);
                let high = |word: Val| ir.bin(Bin::AShr, word, sixteen);
                return ir.add(ir.mul(low(a), low(b)), ir.mul(high(a), high(b)));
            }
        };
        let pairs = ir.vector(ir.int(16), 2 * ir.lanes(ty));
        let [a, b] = [a, b].map(|piece| ir.cast(Cast::BitCast, piece, pairs));
        ir.intrinsic(name, &[], &[a, b])
    }

    /// A vector in pieces of the machine's width.
    pub fn pieces(&self, vector: Val) -> Vec<Val> {
        let ir = self.ir;
        let ty = ir.type_of(vector);
        let machine_bits = if self.unit.target.avx512 { 512 } else { 256 };
        let width = machine_bits / ir.bits(ir.element(ty));
        (0..ir.lanes(ty))
            .step_by(width as usize)
            .map(|from| ir.shuffle(vector, vector, &(from..from + width).collect::<Vec<_>>()))
            .collect()
    }
}
