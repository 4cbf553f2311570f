//! Tables whose bytes follow from their index by a formula of bits: lookups are computed.
//!
//! Many a table of 256 elements is one of linear algebra. Each bit of what it holds is a sum, without carries, of some bits of the index, and of a constant: so
//! are the tables of a CRC, of products in a field of 256 elements (Reed-Solomon), of bits in reverse. Or of the index's inverse in
//! AES's field: so are its substitution, and the tables that do more of a round. The processor computes either for 64 bytes at once (GFNI), from a matrix of 64
//! bits. What a table holds is known only when it is there: so the function that takes it apart tries both formulas for each plane, tells in the frame whether one
//! holds for all elements, and lookups go by that.

use simt_ir::analysis::TABLE_ELEMENTS_MAX;

use super::FunctionEmitter;
use super::tables::REGISTER;
use crate::llvm::{Bin, Cast, Fun, IntPredicate, Val};

/// Elements of a table that may have a formula: as many as bytes tell apart.
pub(super) const ELEMENTS: u32 = TABLE_ELEMENTS_MAX;

/// Where in a formula's part of the frame is what it is one of, and a register each of matrices and constants, with those of one plane for each eight
/// bytes.
const KIND: u32 = 0;
const MATRICES: u32 = REGISTER;
const CONSTANTS: u32 = 2 * REGISTER;
/// Bytes of all of that, as a power of two.
pub(super) const FORMULA_BYTES: u32 = 4 * REGISTER;

/// Lanes that are computed at a time: for each, the bytes of all planes.
const LANES_AT_ONCE: u32 = 16;

/// The matrix that leaves bytes as they are: in its byte `7 - i` are the bits of the operand whose sum is bit `i` of the result.
const IDENTITY: u64 = 0x0102_0408_1020_4080;
/// A byte for each bit.
const BITS: u64 = 0x8040_2010_0804_0201;

/// What a formula is one of, by its number in the frame; 0 is there where there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Of the index's inverse, which for 0 is 0.
    Inverse = 1,
    /// Of the index.
    Index = 2,
}

impl Of {
    /// The index for which this is one bit.
    fn index_of_bit(self, bit: u32) -> u8 {
        match self {
            Of::Index => 1 << bit,
            Of::Inverse => inverse(1 << bit),
        }
    }
}

/// The product in AES's field, modulo x^8 + x^4 + x^3 + x + 1.
pub(super) fn product(mut a: u8, b: u8) -> u8 {
    (0..8).fold(0, |sum, bit| {
        let term = if b >> bit & 1 == 1 { a } else { 0 };
        a = a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b };
        sum ^ term
    })
}

/// The inverse in AES's field: the power of 254, as each but 0 has 1 as that of 255.
pub(super) fn inverse(a: u8) -> u8 {
    (0..254).fold(1, |power, _| product(power, a))
}

/// The matrix that, times the index's inverse, gives the bytes of a plane but for what that has for 0.
pub(super) fn matrix_of_inverse(plane: impl Fn(u8) -> u8) -> u64 {
    let columns = [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| plane(Of::Inverse.index_of_bit(bit)) ^ plane(0));
    let row =
        |bit: u32| (0..8).fold(0, |row, column: u32| row | u64::from(columns[column as usize] >> bit & 1) << column);
    (0..8).fold(0, |matrix, bit| matrix | row(bit) << (8 * (7 - bit)))
}

/// The plane that eight bytes of a register are of, and which of two groups of eight lanes: for elements of so many bytes.
fn part_of(eight: u32, element_bytes: u32) -> (u32, u32) {
    (eight % element_bytes, eight / element_bytes % 2)
}

impl FunctionEmitter<'_> {
    /// The elements that a byte of each word chooses of a table: by its formula, if it has one, and otherwise as `by_planes` says.
    pub(super) fn by_formula(
        &mut self,
        formula: Val,
        element_bytes: u32,
        (words, byte): (Val, u32),
        by_planes: impl Fn(&Self) -> Val,
    ) -> Val {
        let ir = self.ir;
        let (computed, looked_up, found) =
            (self.new_block("formula"), self.new_block("planes"), self.new_block("found"));
        // LLVM is not to know that all lookups go the same way: it would make code for each order of ways.
        let kind = ir.load_aligned(ir.int(64), ir.offset_by(formula, KIND as usize), 8);
        ir.set_volatile(kind);
        // Code for the other way is out of the way: both together would not fit into the nearest cache where there are many lookups.
        ir.unlikely_br(ir.icmp(IntPredicate::LLVMIntEQ, kind, self.i64(0)), looked_up, computed);
        ir.position(looked_up);
        let from_planes = by_planes(self);
        ir.br(found);
        ir.position(computed);
        let registers = ir.lanes(ir.type_of(words)) / LANES_AT_ONCE;
        let operands: Vec<Val> = (0..registers)
            .map(|register| {
                let first = register * LANES_AT_ONCE;
                let lanes: Vec<u32> = (first..first + LANES_AT_ONCE).collect();
                self.operand(element_bytes, ir.shuffle(words, words, &lanes), byte)
            })
            .collect();
        // Of a formula of the index the operands are inverted beforehand, and so come back.
        let (inverts, ready) = (self.new_block("inverts"), self.new_block("ready"));
        let here = ir.current_block();
        let is_of_index = ir.icmp(IntPredicate::LLVMIntEQ, kind, self.i64(Of::Index as u64));
        ir.unlikely_br(is_of_index, inverts, ready);
        ir.position(inverts);
        let identity = self.matrices(self.i64(IDENTITY));
        let inverses: Vec<Val> = operands.iter().map(|operand| self.affine(Of::Inverse, *operand, identity)).collect();
        ir.br(ready);
        ir.position(ready);
        let ty = ir.type_of(operands[0]);
        let both = operands.into_iter().zip(inverses);
        let operands: Vec<Val> =
            both.map(|(operand, inverse)| ir.phi(ty, &[(operand, here), (inverse, inverts)])).collect();
        let parts: Vec<Val> =
            operands.into_iter().map(|operand| self.product(formula, element_bytes, operand)).collect();
        let all = self.concatenate(&parts);
        ir.br(found);
        ir.position(found);
        ir.phi(ir.type_of(all), &[(all, ready), (from_planes, looked_up)])
    }

    /// A byte of each of 16 words, once for each plane.
    fn operand(&self, element_bytes: u32, words: Val, byte: u32) -> Val {
        let bytes = self.ir.vector(self.ir.int(8), REGISTER);
        let order = (0..REGISTER).map(|place| {
            let (_, group) = part_of(place / 8, element_bytes);
            4 * (8 * group + place % 8) + byte
        });
        self.permuted(self.ir.cast(Cast::BitCast, words, bytes), order)
    }

    /// The elements that follow from an operand.
    fn product(&self, formula: Val, element_bytes: u32, operand: Val) -> Val {
        let ir = self.ir;
        let in_frame = |at: u32| ir.load_aligned(ir.type_of(operand), ir.offset_by(formula, at as usize), REGISTER);
        let product = self.affine(Of::Inverse, operand, in_frame(MATRICES));
        let computed = ir.bin(Bin::Xor, product, in_frame(CONSTANTS));
        // The bytes of a lane side by side.
        let gathered = (0..REGISTER).map(|byte| {
            let (lane, plane) = (byte / element_bytes % LANES_AT_ONCE, byte % element_bytes);
            8 * (element_bytes * (lane / 8) + plane) + lane % 8
        });
        let elements = ir.vector(ir.int(8 * element_bytes), REGISTER / element_bytes);
        let all = ir.cast(Cast::BitCast, self.permuted(computed, gathered), elements);
        ir.shuffle(all, all, &(0..LANES_AT_ONCE).collect::<Vec<u32>>())
    }

    /// Bytes in another order.
    fn permuted(&self, bytes: Val, order: impl Iterator<Item = u32>) -> Val {
        let ir = self.ir;
        let order: Vec<Val> = order.map(|place| ir.constant(ir.int(8), place.into())).collect();
        ir.intrinsic("llvm.x86.avx512.permvar.qi.512", &[], &[bytes, ir.constant_vector(&order)])
    }

    /// The same matrix for all bytes.
    fn matrices(&self, matrix: Val) -> Val {
        let ir = self.ir;
        ir.cast(Cast::BitCast, ir.splat(matrix, REGISTER / 8), ir.vector(ir.int(8), REGISTER))
    }

    /// 64 bytes, or their inverses, times matrices.
    fn affine(&self, of: Of, bytes: Val, matrices: Val) -> Val {
        let ir = self.ir;
        let name = match of {
            Of::Index => "llvm.x86.vgf2p8affineqb.512",
            Of::Inverse => "llvm.x86.vgf2p8affineinvqb.512",
        };
        ir.intrinsic(name, &[], &[bytes, matrices, ir.constant(ir.int(8), 0)])
    }

    /// The function `(planes, where to)` that looks for a table's formula.
    pub(super) fn formula_function(&self, element_bytes: u32) -> Fun {
        let name = format!("formula_{element_bytes}");
        self.function_from_to(name, |planes, to| self.find_formula(element_bytes, planes, to))
    }

    /// Stores a formula of the index's inverse, of which matrices and constants are known.
    pub(super) fn store_formula_of_inverse(&self, to: Val, planes: &[(u64, u8)]) {
        let store = |at: u32, word: u64| _ = self.ir.store(self.i64(word), self.ir.offset_by(to, at as usize), 8);
        store(KIND, Of::Inverse as u64);
        for eight in 0..REGISTER / 8 {
            let (matrix, constant) = planes[part_of(eight, planes.len() as u32).0 as usize];
            store(MATRICES + 8 * eight, matrix);
            store(CONSTANTS + 8 * eight, u64::from(constant) * (u64::MAX / 0xff));
        }
    }

    /// Looks for the formula of a table in planes.
    fn find_formula(&self, element_bytes: u32, planes: Val, to: Val) {
        let ir = self.ir;
        let plane = |number: u32| ir.offset_by(planes, (number * ELEMENTS) as usize);
        let tried = [Of::Inverse, Of::Index].map(|of| {
            let tries: Vec<(Val, Val)> = (0..element_bytes).map(|number| self.try_formula(of, plane(number))).collect();
            let yes = ir.constant(ir.int(1), 1);
            (tries.iter().fold(yes, |all, (_, holds)| ir.bin(Bin::And, all, *holds)), tries)
        });
        let [(of_inverse, inverse_tries), (of_index, index_tries)] = &tried;
        let store = |at: u32, word: Val| _ = ir.store(word, ir.offset_by(to, at as usize), 8);
        let other = ir.select(*of_index, self.i64(Of::Index as u64), self.i64(0));
        store(KIND, ir.select(*of_inverse, self.i64(Of::Inverse as u64), other));
        for eight in 0..REGISTER / 8 {
            let (number, _) = part_of(eight, element_bytes);
            let [inverse, index] = [inverse_tries, index_tries].map(|tries| tries[number as usize].0);
            store(MATRICES + 8 * eight, ir.select(*of_inverse, inverse, index));
            let constant = ir.cast(Cast::ZExt, ir.load_aligned(ir.int(8), plane(number), 1), ir.int(64));
            store(CONSTANTS + 8 * eight, ir.mul(constant, self.i64(u64::MAX / 0xff)));
        }
    }

    /// The matrix that a plane has if it has a formula, and whether that gives all of it.
    fn try_formula(&self, of: Of, plane: Val) -> (Val, Val) {
        let ir = self.ir;
        let byte = |index: u8| ir.load_aligned(ir.int(8), ir.offset_by(plane, index.into()), 1);
        let constant = byte(0);
        // A column of the matrix is what a single bit gives. Multiplied with each bit, the matrix of columns gives rows.
        let columns = (0..8).fold(self.i64(0), |columns, bit| {
            let column = ir.bin(Bin::Xor, byte(of.index_of_bit(bit)), constant);
            let place = self.i64(8 * (7 - u64::from(bit)));
            ir.bin(Bin::Or, columns, ir.bin(Bin::Shl, ir.cast(Cast::ZExt, column, ir.int(64)), place))
        });
        let bytes = ir.vector(ir.int(8), REGISTER);
        let words = ir.vector(ir.int(64), REGISTER / 8);
        let bits = self.matrices(self.i64(BITS));
        let rows = ir.cast(Cast::BitCast, self.affine(Of::Index, bits, self.matrices(columns)), words);
        let matrix = ir.intrinsic("llvm.bswap", &[ir.int(64)], &[ir.extract(rows, self.i32(0))]);
        let all = (0..ELEMENTS / REGISTER).fold(ir.constant(ir.int(1), 1), |all, register| {
            let first = register * REGISTER;
            let indices: Vec<Val> =
                (first..first + REGISTER).map(|index| ir.constant(ir.int(8), index.into())).collect();
            let indices = ir.constant_vector(&indices);
            let computed =
                ir.bin(Bin::Xor, self.affine(of, indices, self.matrices(matrix)), ir.splat(constant, REGISTER));
            let held = ir.load_aligned(bytes, ir.offset_by(plane, first as usize), REGISTER);
            let differ = ir.icmp(IntPredicate::LLVMIntNE, computed, held);
            let none = ir.icmp(IntPredicate::LLVMIntEQ, ir.cast(Cast::BitCast, differ, ir.int(64)), self.i64(0));
            ir.bin(Bin::And, all, none)
        });
        (matrix, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses_are_those_of_aes() {
        assert_eq!([0, 1, 2, 0x53, 0xca].map(inverse), [0, 1, 0x8d, 0xca, 0x53]);
        assert!((1..=255).all(|a| product(a, inverse(a)) == 1));
    }
}
