//! Stores of lanes to one place, or to places in no order, of which some may be the same: the lane is seen that is seen on a card
//! ([`Op::store_group`]).

use simt_ir::{AddressSpace, Op, Value};

use super::FunctionEmitter;
use super::indexed::Indices;
use super::memory::Access;
use super::value::Repr;
use crate::llvm::{Bin, Cast, Ty, Val};

impl FunctionEmitter<'_> {
    /// All lanes store to one place.
    pub fn store_uniform(&mut self, access: Access, at: Val, values: &[Value]) {
        let pointer = self.pointer(access.space, at);
        let element = self.scalar_type(access.ty);
        let lane = self.seen_lane(access);
        let mut whole = self.ir.poison(self.ir.vector(element, access.count));
        for (index, value) in values.iter().enumerate() {
            let scalar = match self.get(*value) {
                Repr::Uniform(_) => self.observed_uniform(*value),
                _ => {
                    let vector = self.stored(*value);
                    self.ir.extract(vector, lane)
                }
            };
            if access.count == 1 {
                self.ir.store(scalar, pointer, access.ty.bytes());
                return;
            }
            whole = self.ir.insert(whole, scalar, self.i32(index as u32));
        }
        self.ir.store(whole, pointer, access.bytes());
    }

    /// Of all active lanes the one whose value is seen afterwards if they store to one place ([`Op::store_group`]). Some lane is active.
    fn seen_lane(&self, access: Access) -> Val {
        let ir = self.ir;
        let (word, bits) = (self.mask_int(), self.mask_bits(self.mask));
        let first_of = |lanes: Val| ir.intrinsic("llvm.cttz", &[word], &[lanes, ir.constant(ir.int(1), 0)]);
        let together = Op::store_group(access.bytes());
        let lane = if together == self.lanes() {
            first_of(bits)
        } else {
            let group = ir.and(self.last_lane(bits), ir.constant(word, !(u64::from(together) - 1)));
            ir.add(group, first_of(ir.bin(Bin::LShr, bits, group)))
        };
        ir.and(self.lane_number(lane), self.i64(u64::from(self.lanes()) - 1))
    }

    /// The lanes in the order in which their stores are done, so that the right one is seen if some go to one place. The local memory of each is its own.
    fn store_order(&self, access: Access) -> Vec<u32> {
        let together = if access.space == AddressSpace::Local { 1 } else { Op::store_group(access.bytes()) };
        (0..self.lanes()).map(|turn| turn / together * together + together - 1 - turn % together).collect()
    }

    pub fn scatter(&mut self, access: Access, addresses: Val, vectors: &[Val]) {
        if access.is_whole() {
            return self.store_whole(access, addresses, vectors);
        }
        let piece = self.piece_of(access);
        if self.ir.bits(piece) < 32 && access.count == 1 {
            return self.scatter_small(access, addresses, vectors[0]);
        }
        let order = self.store_order(access);
        if let Some(places) = self.stored_at(access.space, addresses) {
            return self.store_pieces(access, piece, vectors, |value, moved| {
                self.store_lanes(value, places, moved, &order);
            });
        }
        let addresses = self.ir.shuffle(addresses, addresses, &order);
        let pointers = |moved: u32| self.moved_pointers(access.space, addresses, moved);
        self.scatter_pieces(access, piece, vectors, &order, pointers);
    }

    /// As [`FunctionEmitter::scatter`], by indices.
    pub fn scatter_elements(&mut self, access: Access, indices: Indices, vectors: &[Val]) {
        let piece = self.piece_of(access);
        if self.ir.bits(piece) < 32 && access.count == 1 {
            let addresses = self.element_addresses(indices);
            return self.scatter_small(access, addresses, vectors[0]);
        }
        let order = self.store_order(access);
        if let Some(places) = self.places_from(indices) {
            return self.store_pieces(access, piece, vectors, |value, moved| {
                self.store_lanes(value, places, moved, &order);
            });
        }
        let index = self.ir.shuffle(indices.index, indices.index, &order);
        let pointers = |moved: u32| self.element_pointers(Indices { index, ..indices }, moved);
        self.scatter_pieces(access, piece, vectors, &order, pointers);
    }

    /// As [`FunctionEmitter::gather_pieces`], for stores of the lanes in some order, in which `pointers` are.
    fn scatter_pieces(&self, access: Access, piece: Ty, vectors: &[Val], order: &[u32], pointers: impl Fn(u32) -> Val) {
        let mask = self.ir.shuffle(self.mask, self.mask, order);
        self.store_pieces(access, piece, vectors, |value, moved| {
            let types = [self.ir.type_of(value), self.ir.vector(self.ir.ptr(), self.lanes())];
            let value = self.ir.shuffle(value, value, order);
            let arguments = [value, pointers(moved), self.i32(self.ir.bits(piece) / 8), mask];
            self.ir.intrinsic("llvm.masked.scatter", &types, &arguments);
        });
    }

    /// Has what lanes store put together to pieces, each with the bytes by which it is moved, stored by `store`.
    fn store_pieces(&self, access: Access, piece: Ty, vectors: &[Val], store: impl Fn(Val, u32)) {
        let (bytes, count) = (self.ir.bits(piece) / 8, self.ir.bits(piece) / (8 * access.ty.bytes()));
        for (index, elements) in vectors.chunks(count as usize).enumerate() {
            let value = if count == 1 { elements[0] } else { self.put_together(elements, piece) };
            store(value, index as u32 * bytes);
        }
    }

    /// A scatter of elements of 8 or 16 bits, which the processor does not have.
    fn scatter_small(&mut self, access: Access, addresses: Val, vector: Val) {
        let pointers = self.lane_addresses(access, addresses);
        let values = self.spill(vector);
        let (element, bytes) = (self.scalar_type(access.ty), access.ty.bytes());
        let store = |this: &mut Self, lane: Val| {
            let ir = this.ir;
            let place = |bytes: u32| ir.mul(lane, ir.constant(ir.int(64), u64::from(bytes)));
            let address = ir.load(ir.int(64), ir.offset(pointers, place(8)));
            let value = ir.load_aligned(element, ir.offset(values, place(bytes)), bytes);
            ir.store(value, ir.cast(Cast::IntToPtr, address, ir.ptr()), bytes);
        };
        let every = self.store_order(access);
        self.some_or_all_lanes(
            |this| this.each_active_lane_from_last(store),
            |this| every.iter().for_each(|lane| store(this, this.i64((*lane).into()))),
        );
    }

    /// As [`FunctionEmitter::load_whole`], for stores.
    fn store_whole(&mut self, access: Access, addresses: Val, vectors: &[Val]) {
        let ir = self.ir;
        let pointers = self.lane_addresses(access, addresses);
        let stored = self.spill(self.interleave(vectors));
        let lane_type = ir.vector(self.scalar_type(access.ty), access.count);
        let place = |lane: Val, bytes: u64| ir.mul(lane, ir.constant(ir.int(64), bytes));
        let (outer, together) = (self.mask, Op::store_group(access.bytes()));
        for first in (0..self.lanes()).step_by(together as usize) {
            let is_in = |lane: u32| ir.constant(ir.int(1), u64::from((first..first + together).contains(&lane)));
            self.mask = ir.and(outer, ir.constant_vector(&(0..self.lanes()).map(is_in).collect::<Vec<_>>()));
            self.each_active_lane_from_last(|_, lane| {
                let pointer =
                    ir.cast(Cast::IntToPtr, ir.load(ir.int(64), ir.offset(pointers, place(lane, 8))), ir.ptr());
                ir.store(ir.load_aligned(lane_type, ir.offset(stored, place(lane, 16)), 16), pointer, 16);
            });
        }
        self.mask = outer;
    }
}
