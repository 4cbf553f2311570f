//! How the lanes of an access move: one scalar, a plain vector, parts of vectors, or a gather or scatter. What is accessed has been
//! checked.

use std::mem::offset_of;

use simt_ir::abi::LaunchContext;
use simt_ir::{AddressSpace, Type, Value};

use super::memory::Access;
use super::value::Repr;
use super::{FunctionEmitter, LANES};
use crate::llvm::{Cast, Fun, IntPredicate, Ty, Val};

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

    pub fn load_contiguous(&mut self, access: Access, pointer: Val) -> Vec<Val> {
        let total = LANES * access.count;
        let ty = self.ir.vector(self.scalar_type(access.ty), total);
        let mask = self.repeat_mask(access.count);
        let whole = self.masked_load(ty, pointer, access.ty.bytes(), mask);
        if access.count == 1 {
            return vec![whole];
        }
        (0..access.count)
            .map(|index| {
                let order: Vec<u32> = (0..LANES).map(|lane| lane * access.count + index).collect();
                self.ir.shuffle(whole, self.ir.poison(ty), &order)
            })
            .collect()
    }

    fn masked_load(&self, ty: Ty, pointer: Val, align: u32, mask: Val) -> Val {
        let arguments = [pointer, self.i32(align), mask, self.ir.zero(ty)];
        self.ir.intrinsic("llvm.masked.load", &[ty, self.ir.ptr()], &arguments)
    }

    /// The mask with each lane repeated `count` times.
    fn repeat_mask(&self, count: u32) -> Val {
        if count == 1 {
            return self.mask;
        }
        let order: Vec<u32> = (0..LANES * count).map(|index| index / count).collect();
        self.ir.shuffle(self.mask, self.mask, &order)
    }

    pub fn segment_bases(&self, addresses: Val, length: u32) -> Vec<Val> {
        (0..LANES / length).map(|segment| self.ir.extract_at(addresses, segment * length)).collect()
    }

    pub fn load_segments(&mut self, access: Access, bases: &[Val], length: u32, contiguous: bool) -> Val {
        let element = self.scalar_type(access.ty);
        let ty = self.ir.vector(element, length);
        let parts: Vec<Val> = bases
            .iter()
            .enumerate()
            .map(|(index, base)| {
                let pointer = self.pointer(access.space, *base);
                if contiguous {
                    let mask = self.segment_mask(index as u32 * length, length);
                    self.masked_load(ty, pointer, access.ty.bytes(), mask)
                } else {
                    // The base lane may be inactive: one whose address was never meant to be read must not be.
                    let mask = self.segment_mask(index as u32 * length, length);
                    let bits = self.ir.cast(Cast::BitCast, mask, self.ir.int(length));
                    let any = self.ir.icmp(IntPredicate::LLVMIntNE, bits, self.ir.zero(self.ir.int(length)));
                    let one = self.ir.insert(self.ir.zero(self.ir.vector(self.ir.int(1), 2)), any, self.i32(0));
                    let pair = self.ir.vector(element, 2);
                    let loaded = self.masked_load(pair, pointer, access.ty.bytes(), one);
                    self.ir.splat(self.ir.extract_at(loaded, 0), length)
                }
            })
            .collect();
        self.concatenate(&parts)
    }

    fn segment_mask(&self, first: u32, length: u32) -> Val {
        let order: Vec<u32> = (first..first + length).collect();
        self.ir.shuffle(self.mask, self.mask, &order)
    }

    /// Vectors of one length, one behind the other.
    pub fn concatenate(&self, parts: &[Val]) -> Val {
        if let [only] = parts {
            return *only;
        }
        let joined: Vec<Val> = parts
            .chunks(2)
            .map(|pair| {
                let length = self.ir.lanes(self.ir.type_of(pair[0]));
                self.ir.shuffle(pair[0], pair[1], &(0..2 * length).collect::<Vec<u32>>())
            })
            .collect();
        self.concatenate(&joined)
    }

    pub fn gather(&mut self, access: Access, addresses: Val) -> Vec<Val> {
        let ty = self.vector_type(access.ty);
        let pointers = self.lane_pointers(access.space, addresses);
        (0..access.count)
            .map(|index| {
                let at = self.ir.offset(pointers, self.i64(u64::from(index * access.ty.bytes())));
                let arguments = [at, self.i32(access.ty.bytes()), self.mask, self.ir.zero(ty)];
                self.ir.intrinsic("llvm.masked.gather", &[ty, self.ir.vector(self.ir.ptr(), LANES)], &arguments)
            })
            .collect()
    }

    /// A gather in a function of its own: where it is not expected to be run, it should not swell the code.
    pub fn gather_out_of_line(&mut self, access: Access, addresses: Val) -> Vec<Val> {
        let pointers = self.lane_pointers(access.space, addresses);
        let helper = self.gather_helper(access.ty);
        let lanes = self.mask_bits(self.mask);
        (0..access.count)
            .map(|index| {
                let at = self.ir.offset(pointers, self.i64(u64::from(index * access.ty.bytes())));
                self.ir.call(helper, &[lanes, at])
            })
            .collect()
    }

    fn gather_helper(&self, ty: Type) -> Fun {
        let name = format!("gather_{ty}");
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let (ir, vector) = (self.ir, self.vector_type(ty));
        let pointers = ir.vector(ir.ptr(), LANES);
        let fun = ir.add_function(&name, ir.function_type(vector, &[ir.int(32), pointers]), true);
        ir.add_attribute(fun, u32::MAX, "noinline");
        ir.add_attribute(fun, u32::MAX, "cold");
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let mask = self.mask_from_bits(ir.parameter(fun, 0));
        let arguments = [ir.parameter(fun, 1), self.i32(ty.bytes()), mask, ir.zero(vector)];
        ir.ret(ir.intrinsic("llvm.masked.gather", &[vector, pointers], &arguments));
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }

    /// A value as it goes to memory.
    pub fn stored(&mut self, value: Value) -> Val {
        self.observed(value)
    }

    /// All lanes store to one place: the last active one is seen afterwards, as good as any.
    pub fn store_uniform(&mut self, access: Access, at: Val, values: &[Value]) {
        let pointer = self.pointer(access.space, at);
        let element = self.scalar_type(access.ty);
        let lane = self.last_active_lane();
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

    fn last_active_lane(&self) -> Val {
        let bits = self.mask_bits(self.mask);
        let zeros = self.ir.intrinsic("llvm.ctlz", &[self.ir.int(32)], &[bits, self.ir.constant(self.ir.int(1), 0)]);
        self.ir.and(self.ir.sub(self.i32(LANES - 1), zeros), self.i32(LANES - 1))
    }

    pub fn store_contiguous(&mut self, access: Access, pointer: Val, vectors: &[Val]) {
        let mask = self.repeat_mask(access.count);
        let whole = self.interleave(vectors);
        self.masked_store(whole, pointer, access.ty.bytes(), mask);
    }

    pub fn store_segments(&mut self, access: Access, bases: &[Val], length: u32, vector: Val) {
        for (index, base) in bases.iter().enumerate() {
            let first = index as u32 * length;
            let order: Vec<u32> = (first..first + length).collect();
            let part = self.ir.shuffle(vector, vector, &order);
            let pointer = self.pointer(access.space, *base);
            let mask = self.segment_mask(first, length);
            self.masked_store(part, pointer, access.ty.bytes(), mask);
        }
    }

    fn masked_store(&self, value: Val, pointer: Val, align: u32, mask: Val) {
        let arguments = [value, pointer, self.i32(align), mask];
        self.ir.intrinsic("llvm.masked.store", &[self.ir.type_of(value), self.ir.ptr()], &arguments);
    }

    /// Lane 0 of each vector, then lane 1 of each, and so on.
    fn interleave(&self, vectors: &[Val]) -> Val {
        let joined = self.concatenate(vectors);
        if vectors.len() == 1 {
            return joined;
        }
        let count = vectors.len() as u32;
        let order: Vec<u32> = (0..LANES * count).map(|index| index % count * LANES + index / count).collect();
        self.ir.shuffle(joined, joined, &order)
    }

    pub fn scatter(&mut self, access: Access, addresses: Val, vectors: &[Val]) {
        let pointers = self.lane_pointers(access.space, addresses);
        for (index, vector) in vectors.iter().enumerate() {
            let at = self.ir.offset(pointers, self.i64(u64::from(index as u32 * access.ty.bytes())));
            let types = [self.ir.type_of(*vector), self.ir.vector(self.ir.ptr(), LANES)];
            self.ir.intrinsic("llvm.masked.scatter", &types, &[*vector, at, self.i32(access.ty.bytes()), self.mask]);
        }
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

    /// The lanes' addresses in a space as pointers.
    pub fn lane_pointers(&self, space: AddressSpace, addresses: Val) -> Val {
        match space {
            AddressSpace::Shared => self.ir.offset(self.shared_base(), addresses),
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
        self.ir.mul(self.lane_numbers(self.ir.int(64)), self.ir.splat(stride, LANES))
    }
}
