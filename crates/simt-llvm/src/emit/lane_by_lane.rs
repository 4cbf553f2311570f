//! Gathers and scatters as accesses lane by lane, on processors whose instructions for them are slower than that.
//!
//! Lanes that do not take part must not fault: where some may not, in shared memory they load its first word, and elsewhere, and for stores, the
//! instruction stays.

use simt_ir::AddressSpace;

use super::FunctionEmitter;
use super::indexed::Indices;
use crate::llvm::{Bin, Cast, Ty, Val};

/// Where lanes access memory.
#[derive(Clone, Copy)]
pub(super) enum Places {
    /// Addresses, of 64 bits.
    At(Val),
    /// So many bytes times a number of 32 bits with a sign, from a pointer on.
    From { base: Val, index: Val, bytes: u32 },
}

impl FunctionEmitter<'_> {
    /// The places of a gather by addresses, if it is to be done lane by lane.
    pub fn loaded_at(&self, space: AddressSpace, addresses: Val) -> Option<Places> {
        let is_safe = self.mask == self.all_lanes() || space == AddressSpace::Shared;
        if is_safe && self.goes_lane_by_lane() { self.places_at(space, addresses) } else { None }
    }

    /// As [`FunctionEmitter::loaded_at`], of a scatter.
    pub fn stored_at(&self, space: AddressSpace, addresses: Val) -> Option<Places> {
        let is_safe = self.mask == self.all_lanes();
        if is_safe && self.goes_lane_by_lane() { self.places_at(space, addresses) } else { None }
    }

    fn places_at(&self, space: AddressSpace, addresses: Val) -> Option<Places> {
        let ir = self.ir;
        match space {
            AddressSpace::Shared => {
                let index = ir.cast(Cast::Trunc, addresses, ir.vector(ir.int(32), self.lanes()));
                Some(Places::From { base: self.shared_base(), index, bytes: 1 })
            }
            AddressSpace::Global | AddressSpace::Generic => Some(Places::At(addresses)),
            _ => None,
        }
    }

    /// The places of a gather or scatter by indices, if it is to be done lane by lane.
    pub fn places_from(&self, indices: Indices) -> Option<Places> {
        let Indices { base, index, bytes } = indices;
        let is_safe = self.mask == self.all_lanes();
        (is_safe && self.goes_lane_by_lane()).then(|| Places::From {
            base: self.ir.cast(Cast::IntToPtr, base, self.ir.ptr()),
            index,
            bytes,
        })
    }

    fn goes_lane_by_lane(&self) -> bool {
        self.unit.target.zen5 && !self.unit.quick && !self.unit.outline
    }

    /// What lies so many bytes behind the lanes' places, an element for each.
    pub fn load_lanes(&self, element: Ty, places: Places, moved: u32) -> Val {
        let ir = self.ir;
        let ty = ir.vector(element, self.lanes());
        let is_full = self.mask == self.all_lanes();
        let pointers = self.lanes_at(places);
        let loaded = pointers.into_iter().enumerate().fold(ir.poison(ty), |all, (lane, pointer)| {
            let word = ir.load_aligned(element, ir.offset_by(pointer, moved as usize), ir.bits(element) / 8);
            ir.insert(all, word, self.i32(lane as u32))
        });
        if is_full { loaded } else { ir.select(self.mask, loaded, ir.zero(ty)) }
    }

    /// Stores an element of each lane so many bytes behind its place, in this order. All lanes take part.
    pub fn store_lanes(&self, values: Val, places: Places, moved: u32, order: &[u32]) {
        let ir = self.ir;
        let bytes = ir.bits(ir.element(ir.type_of(values))) / 8;
        let pointers = self.lanes_at(places);
        for &lane in order {
            let pointer = ir.offset_by(pointers[lane as usize], moved as usize);
            ir.store(ir.extract_at(values, lane), pointer, bytes);
        }
    }

    /// The lanes' places, where those that do not take part get the first of all.
    fn lanes_at(&self, places: Places) -> Vec<Val> {
        let ir = self.ir;
        match places {
            Places::At(addresses) => (0..self.lanes())
                .map(|lane| ir.cast(Cast::IntToPtr, ir.extract_at(addresses, lane), ir.ptr()))
                .collect(),
            Places::From { base, index, bytes } => {
                let is_full = self.mask == self.all_lanes();
                let index = if is_full { index } else { ir.select(self.mask, index, ir.zero(ir.type_of(index))) };
                let at = |distance: Val| ir.element_pointer(ir.int(8 * bytes), base, distance);
                self.signed_words(index).into_iter().map(at).collect()
            }
        }
    }

    /// The elements of a vector of 32 bits, extended to 64. Two come out of a register at once.
    fn signed_words(&self, vector: Val) -> Vec<Val> {
        let ir = self.ir;
        let long = ir.int(64);
        let pairs = ir.cast(Cast::BitCast, vector, ir.vector(long, self.lanes() / 2));
        let halves = |pair: u32| {
            let both = ir.extract_at(pairs, pair);
            let low = ir.cast(Cast::SExt, ir.cast(Cast::Trunc, both, ir.int(32)), long);
            [low, ir.bin(Bin::AShr, both, self.i64(32))]
        };
        (0..self.lanes() / 2).flat_map(halves).collect()
    }
}
