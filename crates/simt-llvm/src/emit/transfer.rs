//! How the lanes of an access move: one scalar, a plain vector, parts of vectors, or a gather (scatters are in `scatter.rs`). What is accessed has been
//! checked.

use std::mem::offset_of;

use simt_ir::abi::{LaunchContext, SHARED_MARGIN};
use simt_ir::{AddressSpace, Value};

use super::FunctionEmitter;
use super::indexed::Indices;
use super::lane_by_lane::Places;
use super::memory::Access;
use super::value::Repr;
use crate::llvm::{Bin, Cast, Fun, IntPredicate, Ty, Val};

/// Words of 128 bits.
const BLOCK: u32 = 4;

impl FunctionEmitter<'_> {
    pub fn load_uniform(&mut self, access: Access, at: Val) -> Vec<Repr> {
        let pointer = self.pointer(access.space, at);
        let element = self.scalar_type(access.ty);
        if access.count == 1 {
            return vec![Repr::Uniform(self.ir.load_aligned(element, pointer, access.ty.bytes()))];
        }
        let whole = self.ir.load_aligned(self.ir.vector(element, access.count), pointer, access.bytes());
        (0..access.count).map(|index| Repr::Uniform(self.ir.extract_at(whole, index))).collect()
    }

    /// Loads what lies one behind the other, as memory has it.
    pub fn load_contiguous(&mut self, access: Access, pointer: Val) -> Val {
        let total = self.lanes() * access.count;
        let ty = self.ir.vector(self.scalar_type(access.ty), total);
        self.prefetch(access, pointer);
        // Some lane is active, and what lies around shared memory may be read: a load without a mask need not wait for one.
        let is_open = access.space == AddressSpace::Shared && u64::from(self.lanes() * access.bytes()) <= SHARED_MARGIN;
        let mask = if is_open {
            self.ir.constant(self.ir.vector(self.ir.int(1), total), 1)
        } else {
            self.repeat_mask(access.count)
        };
        self.masked_load(ty, pointer, access.ty.bytes(), mask)
    }

    pub fn masked_load(&self, ty: Ty, pointer: Val, align: u32, mask: Val) -> Val {
        let arguments = [pointer, self.i32(align), mask, self.ir.zero(ty)];
        self.ir.intrinsic("llvm.masked.load", &[ty, self.ir.ptr()], &arguments)
    }

    /// The mask with each lane repeated `count` times.
    pub fn repeat_mask(&self, count: u32) -> Val {
        self.repeated(self.mask, self.lanes(), count)
    }

    /// A vector of `length` lanes with each repeated `count` times.
    fn repeated(&self, vector: Val, length: u32, count: u32) -> Val {
        if count == 1 {
            return vector;
        }
        let order: Vec<u32> = (0..length * count).map(|index| index / count).collect();
        self.ir.shuffle(vector, vector, &order)
    }

    /// As [`FunctionEmitter::load_contiguous`], for each segment.
    pub fn load_contiguous_segments(&mut self, access: Access, bases: &[Val]) -> Val {
        let length = self.lanes() / bases.len() as u32;
        let ty = self.ir.vector(self.scalar_type(access.ty), length * access.count);
        let pointers: Vec<Val> = bases.iter().map(|base| self.pointer(access.space, *base)).collect();
        self.prefetch_segments(access, &pointers);
        let parts: Vec<Val> = pointers
            .iter()
            .enumerate()
            .map(|(index, pointer)| {
                let mask = self.segment_mask(index as u32 * length, length);
                self.masked_load(ty, *pointer, access.ty.bytes(), self.repeated(mask, length, access.count))
            })
            .collect();
        self.concatenate(&parts)
    }

    /// Loads one place for each segment.
    pub fn load_segments(&mut self, access: Access, bases: &[Val]) -> Vec<Val> {
        let length = self.lanes() / bases.len() as u32;
        let element = self.scalar_type(access.ty);
        let masks: Vec<Val> = (0..bases.len() as u32).map(|index| self.segment_mask(index * length, length)).collect();
        // The base lane may be inactive: one whose address was never meant to be read must not be.
        let loaded: Vec<Val> = bases
            .iter()
            .zip(masks)
            .map(|(base, mask)| {
                let pointer = self.pointer(access.space, *base);
                let bits = self.ir.cast(Cast::BitCast, mask, self.ir.int(length));
                let any = self.ir.icmp(IntPredicate::LLVMIntNE, bits, self.ir.zero(self.ir.int(length)));
                // A vector, because only those can be loaded under a mask.
                let count = access.count.max(2);
                let wanted = self.ir.splat(any, access.count);
                let mask = if access.count == 1 {
                    self.ir.insert(self.ir.zero(self.ir.vector(self.ir.int(1), count)), any, self.i32(0))
                } else {
                    wanted
                };
                self.masked_load(self.ir.vector(element, count), pointer, access.ty.bytes(), mask)
            })
            .collect();
        let spread = |index: u32| {
            let parts: Vec<Val> =
                loaded.iter().map(|whole| self.ir.splat(self.ir.extract_at(*whole, index), length)).collect();
            self.concatenate(&parts)
        };
        (0..access.count).map(spread).collect()
    }

    fn segment_mask(&self, first: u32, length: u32) -> Val {
        let order: Vec<u32> = (first..first + length).collect();
        self.ir.shuffle(self.mask, self.mask, &order)
    }

    /// Vectors of one length, one behind the other: as many as the next power of two, of which nothing is said beyond the last given.
    pub fn concatenate(&self, parts: &[Val]) -> Val {
        if let [only] = parts {
            return *only;
        }
        let joined: Vec<Val> = parts
            .chunks(2)
            .map(|pair| {
                let length = self.ir.lanes(self.ir.type_of(pair[0]));
                let other = pair.get(1).unwrap_or(&pair[0]);
                self.ir.shuffle(pair[0], *other, &(0..2 * length).collect::<Vec<u32>>())
            })
            .collect();
        self.concatenate(&joined)
    }

    pub fn gather(&mut self, access: Access, addresses: Val) -> Vec<Val> {
        if access.is_whole() {
            return self.load_whole(access, addresses);
        }
        let piece = self.piece_of(access);
        if self.ir.bits(piece) < 32 && access.count == 1 && self.unit.target.gathers() {
            return vec![self.gather_small(access, piece, addresses)];
        }
        let pointers = |moved| self.moved_pointers(access.space, addresses, moved);
        self.gather_pieces(access, piece, self.loaded_at(access.space, addresses), pointers)
    }

    /// As [`FunctionEmitter::gather`], by indices.
    pub fn gather_elements(&mut self, access: Access, indices: Indices) -> Vec<Val> {
        let piece = self.piece_of(access);
        if self.ir.bits(piece) < 32 && access.count == 1 {
            let addresses = self.element_addresses(indices);
            return vec![self.gather_small(access, piece, addresses)];
        }
        self.gather_pieces(access, piece, self.places_from(indices), |moved| self.element_pointers(indices, moved))
    }

    /// Gathers what lanes access, a piece at a time: from `places`, if that is to be done lane by lane; otherwise `pointers` gives the lanes' addresses, moved by
    /// some bytes.
    fn gather_pieces(
        &self,
        access: Access,
        piece: Ty,
        places: Option<Places>,
        pointers: impl Fn(u32) -> Val,
    ) -> Vec<Val> {
        let ty = self.ir.vector(piece, self.lanes());
        let bytes = self.ir.bits(piece) / 8;
        let pieces: Vec<Val> = (0..access.bytes() / bytes)
            .map(|index| {
                if let Some(places) = places {
                    return self.load_lanes(piece, places, index * bytes);
                }
                let arguments = [pointers(index * bytes), self.i32(bytes), self.mask, self.ir.zero(ty)];
                self.ir.intrinsic("llvm.masked.gather", &[ty, self.ir.vector(self.ir.ptr(), self.lanes())], &arguments)
            })
            .collect();
        pieces.into_iter().flat_map(|piece| self.take_apart(access, piece)).collect()
    }

    /// A gather of elements of 8 or 16 bits, which the processor does not have: of the words that they lie in. Memory of every space
    /// ends at a multiple of a word.
    fn gather_small(&mut self, access: Access, element: Ty, addresses: Val) -> Val {
        let ir = self.ir;
        let (word, wide) = (ir.vector(ir.int(32), self.lanes()), ir.type_of(addresses));
        let pointers = self.lane_pointers(access.space, ir.and(addresses, ir.constant(wide, !3)));
        let arguments = [pointers, self.i32(4), self.mask, ir.zero(word)];
        let words = ir.intrinsic("llvm.masked.gather", &[word, ir.vector(ir.ptr(), self.lanes())], &arguments);
        let byte = ir.and(ir.cast(Cast::Trunc, addresses, word), ir.constant(word, 3));
        let shifted = ir.bin(Bin::LShr, words, ir.bin(Bin::Shl, byte, ir.constant(word, 3)));
        ir.cast(Cast::Trunc, shifted, ir.vector(element, self.lanes()))
    }

    /// What a gather or scatter moves at a time: of several small elements as many as make 32 or 64 bits, which is quicker, and which others
    /// see as a whole.
    pub fn piece_of(&self, access: Access) -> Ty {
        match (access.count, access.bytes()) {
            (2.., bytes) if bytes % 8 == 0 => self.ir.int(64),
            (2.., 4) => self.ir.int(32),
            _ => self.scalar_type(access.ty),
        }
    }

    /// The elements of an access of which each lane of `piece` holds some, as a vector for each.
    fn take_apart(&self, access: Access, piece: Val) -> Vec<Val> {
        let element = self.scalar_type(access.ty);
        let count = self.ir.bits(self.ir.element(self.ir.type_of(piece))) / self.ir.bits(element);
        let all = self.ir.cast(Cast::BitCast, piece, self.ir.vector(element, self.lanes() * count));
        self.deinterleave(all, count)
    }

    /// Vectors of elements as one vector of larger pieces: the reverse of [`FunctionEmitter::take_apart`].
    pub fn put_together(&self, vectors: &[Val], piece: Ty) -> Val {
        self.ir.cast(Cast::BitCast, self.interleave(vectors), self.ir.vector(piece, self.lanes()))
    }

    /// Loads of 16 bytes that others must see as a whole: the processor does so for one load of 16 bytes, and not for a gather.
    fn load_whole(&mut self, access: Access, addresses: Val) -> Vec<Val> {
        let ir = self.ir;
        let pointers = self.lane_addresses(access, addresses);
        let element = self.scalar_type(access.ty);
        let lane_type = ir.vector(element, access.count);
        let loaded = self.slot(ir.vector(element, self.lanes() * access.count));
        ir.store(ir.zero(ir.vector(element, self.lanes() * access.count)), loaded, 0);
        let place = |lane: Val, bytes: u64| ir.mul(lane, ir.constant(ir.int(64), bytes));
        self.each_active_lane(|_, lane| {
            let pointer = ir.cast(Cast::IntToPtr, ir.load(ir.int(64), ir.offset(pointers, place(lane, 8))), ir.ptr());
            ir.store(ir.load_aligned(lane_type, pointer, 16), ir.offset(loaded, place(lane, 16)), 16);
        });
        let all = ir.load(ir.vector(element, self.lanes() * access.count), loaded);
        self.deinterleave(all, access.count)
    }

    /// The lanes' addresses as numbers, in a stack slot.
    pub fn lane_addresses(&mut self, access: Access, addresses: Val) -> Val {
        let pointers = self.lane_pointers(access.space, addresses);
        self.spill(self.ir.cast(Cast::PtrToInt, pointers, self.ir.vector(self.ir.int(64), self.lanes())))
    }

    /// A vector in a stack slot, so that code can reach a lane by its number.
    pub fn spill(&self, vector: Val) -> Val {
        let slot = self.slot(self.ir.type_of(vector));
        self.ir.store(vector, slot, 0);
        slot
    }

    /// A gather in a function of its own: where it is not expected to be run, it should not swell the code.
    pub fn gather_out_of_line(&mut self, access: Access, addresses: Val) -> Vec<Val> {
        if access.is_whole() {
            return self.load_whole(access, addresses);
        }
        let piece = self.piece_of(access);
        let bytes = self.ir.bits(piece) / 8;
        let pointers = self.lane_pointers(access.space, addresses);
        let helper = self.gather_helper(piece);
        let lanes = self.mask_bits(self.mask);
        let pieces: Vec<Val> = (0..access.bytes() / bytes)
            .map(|index| self.ir.call(helper, &[lanes, self.ir.offset(pointers, self.i64(u64::from(index * bytes)))]))
            .collect();
        pieces.into_iter().flat_map(|piece| self.take_apart(access, piece)).collect()
    }

    fn gather_helper(&self, piece: Ty) -> Fun {
        let ir = self.ir;
        let float = if piece == ir.f32() || piece == ir.f64() { "f" } else { "i" };
        let name = format!("gather_{float}{}", ir.bits(piece));
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let vector = ir.vector(piece, self.lanes());
        let pointers = ir.vector(ir.ptr(), self.lanes());
        let fun = ir.add_function(&name, ir.function_type(vector, &[self.mask_int(), pointers]), true);
        ir.add_attribute(fun, u32::MAX, "noinline");
        ir.add_attribute(fun, u32::MAX, "cold");
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let mask = self.mask_from_bits(ir.parameter(fun, 0));
        let arguments = [ir.parameter(fun, 1), self.i32(ir.bits(piece) / 8), mask, ir.zero(vector)];
        ir.ret(ir.intrinsic("llvm.masked.gather", &[vector, pointers], &arguments));
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }

    /// A value as it goes to memory.
    pub fn stored(&mut self, value: Value) -> Val {
        self.observed(value)
    }

    /// Stores what memory is to have one behind the other.
    pub fn store_contiguous(&mut self, access: Access, pointer: Val, whole: Val) {
        self.store_streaming(access, &[(whole, pointer)], |this| {
            this.prefetch_for_store(access, pointer);
            let mask = this.repeat_mask(access.count);
            this.masked_store(whole, pointer, access.ty.bytes(), mask);
        });
    }

    pub fn store_segments(&mut self, access: Access, bases: &[Val], whole: Val) {
        let length = self.lanes() / bases.len() as u32;
        let begins = (0..self.lanes()).step_by(length as usize);
        let part = |first: u32| {
            let order: Vec<u32> = (first * access.count..(first + length) * access.count).collect();
            self.ir.shuffle(whole, whole, &order)
        };
        let pieces: Vec<(Val, Val)> =
            begins.clone().zip(bases).map(|(first, base)| (part(first), self.pointer(access.space, *base))).collect();
        self.store_streaming(access, &pieces, |this| {
            for (first, (part, pointer)) in begins.zip(&pieces) {
                let mask = this.repeated(this.segment_mask(first, length), length, access.count);
                this.masked_store(*part, *pointer, access.ty.bytes(), mask);
            }
        });
    }

    /// Loads of all lanes, `segments` of them to a column.
    pub fn load_columns(&mut self, access: Access, base: Val, stride: i64, segments: u32) -> Val {
        let length = self.lanes() / segments;
        if access.ty.bytes() == 4 && segments.is_multiple_of(BLOCK) && length.is_multiple_of(BLOCK * BLOCK) {
            return self.load_columns_by_blocks(access, base, stride, segments);
        }
        let column = self.ir.vector(self.scalar_type(access.ty), segments);
        let columns: Vec<Val> = (0..length)
            .map(|place| {
                let pointer = self.column(access, base, stride, place);
                self.ir.load_aligned(column, pointer, access.ty.bytes())
            })
            .collect();
        let all = self.concatenate(&columns);
        let order: Vec<u32> = (0..self.lanes()).map(|lane| lane % length * segments + lane / length).collect();
        self.ir.shuffle(all, all, &order)
    }

    /// The same for words, of blocks of 4 x 4 that are turned within 128 bits, where an instruction moves words of two registers at once: four
    /// such blocks make up a register of 512 bits, in whose parts lanes lie as they are wanted.
    fn load_columns_by_blocks(&mut self, access: Access, base: Val, stride: i64, segments: u32) -> Val {
        let length = self.lanes() / segments;
        let ir = self.ir;
        let part = ir.vector(self.scalar_type(access.ty), BLOCK);
        let columns: Vec<Val> = (0..length).map(|place| self.column(access, base, stride, place)).collect();
        let mut rows: Vec<Vec<Val>> = vec![Vec::new(); segments as usize];
        for first in (0..segments).step_by(BLOCK as usize) {
            for places in columns.chunks((BLOCK * BLOCK) as usize) {
                let at = |place: usize| {
                    ir.load_aligned(part, ir.offset_by(places[place], first as usize * 4), access.ty.bytes())
                };
                let step = BLOCK as usize;
                let four =
                    [0, 1, 2, 3].map(|place| self.concatenate(&[0, 1, 2, 3].map(|block| at(block * step + place))));
                for (row, turned) in rows[first as usize..].iter_mut().zip(self.turn_blocks(four)) {
                    row.push(turned);
                }
            }
        }
        self.concatenate(&rows.concat())
    }

    /// Turns blocks of 4 x 4 words, each in the same 128 bits of four registers.
    fn turn_blocks(&self, rows: [Val; 4]) -> [Val; 4] {
        // Of two registers the first or second half of each 128 bits, in turns of so many words.
        let merge = |a: Val, b: Val, half: u32, words: u32| {
            let lanes = self.ir.lanes(self.ir.type_of(a));
            let order: Vec<u32> = (0..lanes)
                .map(|lane| {
                    let (block, place) = (lane / BLOCK * BLOCK, lane % BLOCK);
                    let from = place / words % 2 * lanes;
                    from + block + half * 2 + place / (2 * words) * words + place % words
                })
                .collect();
            self.ir.shuffle(a, b, &order)
        };
        let [a, b, c, d] = rows;
        let [low, high] = [0, 1].map(|half| [merge(a, b, half, 1), merge(c, d, half, 1)]);
        [low, high].map(|[ab, cd]| [0, 1].map(|half| merge(ab, cd, half, 2))).concat().try_into().expect("four rows")
    }

    /// As [`FunctionEmitter::load_columns`], for stores.
    pub fn store_columns(&mut self, access: Access, base: Val, stride: i64, segments: u32, vector: Val) {
        let length = self.lanes() / segments;
        let order: Vec<u32> = (0..self.lanes()).map(|at| at % segments * length + at / segments).collect();
        let all = self.ir.shuffle(vector, vector, &order);
        for place in 0..length {
            let pointer = self.column(access, base, stride, place);
            let lanes: Vec<u32> = (place * segments..(place + 1) * segments).collect();
            self.ir.store(self.ir.shuffle(all, all, &lanes), pointer, access.ty.bytes());
        }
    }

    /// Where the lanes at one place of their segments begin.
    fn column(&mut self, access: Access, base: Val, stride: i64, place: u32) -> Val {
        let distance = self.i64((stride * i64::from(place)) as u64);
        self.pointer(access.space, self.ir.add(base, distance))
    }

    pub fn masked_store(&self, value: Val, pointer: Val, align: u32, mask: Val) {
        let arguments = [value, pointer, self.i32(align), mask];
        self.ir.intrinsic("llvm.masked.store", &[self.ir.type_of(value), self.ir.ptr()], &arguments);
    }

    /// The vectors of which [`FunctionEmitter::interleave`] made one.
    pub fn deinterleave(&self, all: Val, count: u32) -> Vec<Val> {
        if count == 1 {
            return vec![all];
        }
        (0..count)
            .map(|index| {
                let order: Vec<u32> = (0..self.lanes()).map(|lane| lane * count + index).collect();
                self.ir.shuffle(all, all, &order)
            })
            .collect()
    }

    /// Lane 0 of each vector, then lane 1 of each, and so on.
    pub fn interleave(&self, vectors: &[Val]) -> Val {
        let joined = self.concatenate(vectors);
        if vectors.len() == 1 {
            return joined;
        }
        let count = vectors.len() as u32;
        let order: Vec<u32> =
            (0..self.lanes() * count).map(|index| index % count * self.lanes() + index / count).collect();
        self.ir.shuffle(joined, joined, &order)
    }

    /// A scalar address of a space as a pointer.
    pub fn pointer(&self, space: AddressSpace, address: Val) -> Val {
        match space {
            AddressSpace::Shared => self.ir.offset(self.shared_base(), address),
            AddressSpace::Param => {
                let params = self.launch_field(self.ir.ptr(), offset_of!(LaunchContext, params), 8);
                self.ir.offset(params, address)
            }
            AddressSpace::Local => unreachable!("local addresses differ from lane to lane"),
            AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const => {
                self.ir.cast(Cast::IntToPtr, address, self.ir.ptr())
            }
        }
    }

    /// The lanes' addresses in a space, moved by a distance, as pointers. Numbers are moved, not pointers, which LLVM would do lane by lane
    /// where it cuts vectors into slices.
    pub fn moved_pointers(&self, space: AddressSpace, addresses: Val, bytes: u32) -> Val {
        let moved = match bytes {
            0 => addresses,
            bytes => self.ir.add(addresses, self.ir.splat(self.i64(bytes.into()), self.lanes())),
        };
        self.lane_pointers(space, moved)
    }

    /// The lanes' addresses in a space as pointers.
    pub fn lane_pointers(&self, space: AddressSpace, addresses: Val) -> Val {
        match space {
            AddressSpace::Shared => {
                // Offsets are small, once they have been checked; the processor gathers twice as many lanes at a time by 32-bit ones.
                let word = self.ir.vector(self.ir.int(32), self.lanes());
                let narrow = self.ir.cast(Cast::Trunc, addresses, word);
                self.ir.offset(self.shared_base(), self.ir.cast(Cast::SExt, narrow, self.ir.type_of(addresses)))
            }
            AddressSpace::Param => {
                let params = self.launch_field(self.ir.ptr(), offset_of!(LaunchContext, params), 8);
                self.ir.offset(params, addresses)
            }
            AddressSpace::Local => self.ir.offset(self.local_base(), self.ir.add(addresses, self.lane_frames())),
            AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const => self.pointers(addresses),
        }
    }

    /// `lane * local_stride`.
    pub fn lane_frames(&self) -> Val {
        let stride = self.launch_i32(offset_of!(LaunchContext, local_stride));
        let stride = self.ir.cast(Cast::ZExt, stride, self.ir.int(64));
        self.ir.mul(self.lane_numbers(self.ir.int(64)), self.ir.splat(stride, self.lanes()))
    }
}
