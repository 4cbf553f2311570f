//! The sums of a product: from registers into the form that is computed with, and back.

use simt_ir::{Element, MatrixProduct, Place, Sum, Type};

use super::{Pieces, Source};
use crate::emit::{FunctionEmitter, LANES};
use crate::llvm::{Bin, Cast, Val};

impl FunctionEmitter<'_> {
    /// The sums that lanes begin with, for a register (or, with two in a register, a part of one) of results.
    pub(super) fn old_sum(&self, product: &MatrixProduct, c: &[Val], place: Place) -> Pieces {
        let vectors: Vec<Pieces> = match product.c {
            Sum::F16 => c.iter().flat_map(|register| self.halves_as_singles(*register)).collect(),
            _ => c.to_vec(),
        }
        .into_iter()
        .map(|vector| self.pieces(vector))
        .collect();
        let sources: Vec<Source> =
            lanes_of(product, place).iter().map(|element| find_sum(product, vectors.len() as u32, *element)).collect();
        let width = LANES as usize / vectors[0].len();
        sources.chunks(width).map(|sources| self.gather_planes(&vectors, sources)).collect()
    }

    fn halves_as_singles(&self, register: Val) -> [Val; 2] {
        let ir = self.ir;
        let word = ir.type_of(register);
        [0, 16].map(|shift| {
            let bits = ir.bin(Bin::LShr, register, ir.constant(word, shift));
            self.widen(Type::F16, ir.cast(Cast::Trunc, bits, self.vector_type(Type::I16)))
        })
    }

    /// The registers of results, from sums that lie in one vector for each part of a register.
    pub(super) fn finish_sums(&self, product: &MatrixProduct, sums: &[Pieces], old: &[Pieces]) -> Vec<Val> {
        let ir = self.ir;
        let whole = |pieces: &Pieces| self.concatenate(pieces);
        match product.d {
            // NaNs are brought to the card's form where somebody looks, which the next product does not.
            Sum::F64 | Sum::F32 => sums.iter().map(whole).collect(),
            Sum::I32 => {
                let add = |(sum, old): (&Pieces, &Pieces)| {
                    let (sum, old) = (whole(sum), whole(old));
                    match product.saturate {
                        true => ir.intrinsic("llvm.sadd.sat", &[ir.type_of(old)], &[old, sum]),
                        false => ir.add(old, sum),
                    }
                };
                sums.iter().zip(old).map(add).collect()
            }
            Sum::F16 => {
                let word = self.vector_type(Type::I32);
                let half = |sum: &Pieces| ir.cast(Cast::ZExt, self.narrow(Type::F16, whole(sum)), word);
                let pack =
                    |pair: &[Pieces]| ir.or(half(&pair[0]), ir.bin(Bin::Shl, half(&pair[1]), ir.constant(word, 16)));
                sums.chunks(2).map(pack).collect()
            }
        }
    }
}

/// Every part of every register of results, for lane 0.
pub(super) fn sum_places(product: &MatrixProduct) -> Vec<Place> {
    let parts = product.d.in_register();
    let registers = product.sum_registers(product.d) as u32;
    (0..registers * parts).map(|index| Place { register: index / parts, part: index % parts, lane: 0 }).collect()
}

/// What each lane holds of a part of a register of results.
pub(super) fn lanes_of(product: &MatrixProduct, place: Place) -> Vec<Element> {
    (0..LANES).map(|lane| product.sum_at(product.d, Place { lane, ..place })).collect()
}

/// Where an element of C is: in which of the vectors that have one part of a register each, and in which lane.
fn find_sum(product: &MatrixProduct, vectors: u32, element: Element) -> (u32, u32) {
    let parts = product.c.in_register();
    let all = (0..vectors).flat_map(|vector| (0..LANES).map(move |lane| (vector, lane)));
    let place = |(vector, lane): &(u32, u32)| Place { register: vector / parts, part: vector % parts, lane: *lane };
    all.into_iter().find(|at| product.sum_at(product.c, place(at)) == element).unwrap_or_default()
}
