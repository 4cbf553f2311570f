//! Gathers as loads lane by lane, on processors that gather slower than that.
//!
//! A gather of 16 words takes Zen 5 18 cycles; as many loads, each put into its place of a register as it comes, take 9. Lanes that do not take
//! part must not fault: in shared memory they load its first word, elsewhere there is no place that is sure to be there, and the gather stays.

use simt_ir::AddressSpace;

use super::FunctionEmitter;
use super::indexed::Indices;
use super::memory::Access;
use crate::llvm::{Bin, Cast, Ty, Val};

/// Where lanes load.
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
        if !self.loads_lane_by_lane(space) {
            return None;
        }
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

    /// As [`FunctionEmitter::loaded_at`], of a gather by indices.
    pub fn loaded_from(&self, access: Access, indices: Indices) -> Option<Places> {
        let Indices { base, index, bytes } = indices;
        // An array in shared memory has an address of the program's here, as one in global memory.
        let in_full = self.loads_lane_by_lane(AddressSpace::Global) && access.in_arena();
        in_full.then(|| Places::From { base: self.ir.cast(Cast::IntToPtr, base, self.ir.ptr()), index, bytes })
    }

    fn loads_lane_by_lane(&self, space: AddressSpace) -> bool {
        let unit = self.unit;
        let is_full = self.mask == self.all_lanes() || space == AddressSpace::Shared;
        unit.target.zen5 && is_full && !unit.quick && !unit.outline
    }

    /// What lies so many bytes behind the lanes' places, an element for each.
    pub fn load_lanes(&self, element: Ty, places: Places, moved: u32) -> Val {
        let ir = self.ir;
        let ty = ir.vector(element, self.lanes());
        let is_full = self.mask == self.all_lanes();
        let pointers: Vec<Val> = match places {
            Places::At(addresses) => (0..self.lanes())
                .map(|lane| ir.cast(Cast::IntToPtr, ir.extract_at(addresses, lane), ir.ptr()))
                .collect(),
            Places::From { base, index, bytes } => {
                let none = ir.zero(ir.type_of(index));
                let index = if is_full { index } else { ir.select(self.mask, index, none) };
                let at = |distance: Val| ir.element_pointer(ir.int(8 * bytes), base, distance);
                self.signed_words(index).into_iter().map(at).collect()
            }
        };
        let loaded = pointers.into_iter().enumerate().fold(ir.poison(ty), |all, (lane, pointer)| {
            let word = ir.load_aligned(element, ir.offset_by(pointer, moved as usize), ir.bits(element) / 8);
            ir.insert(all, word, self.i32(lane as u32))
        });
        if is_full { loaded } else { ir.select(self.mask, loaded, ir.zero(ty)) }
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
