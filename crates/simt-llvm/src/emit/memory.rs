//! Loads and stores.
//!
//! An address that is uniform gives one scalar access; one in progression with the element's size as stride a plain vector access; in
//! progression within half warps two of those; anything else gathers or scatters. Every access is first tested against the bounds of its
//! space and for alignment, by one comparison where the addresses are in progression; what fails the test is looked at lane by lane by the
//! engine, which knows registered host memory and reports faults.

use std::mem::offset_of;

use simt_ir::abi::{ACCESS_LISTED, AccessKind, AccessSpace, LaunchContext, RuntimeTable, WarpContext};
use simt_ir::analysis::Shape;
use simt_ir::{AddressSpace, MemoryOrder, Op, Type, Value};

use super::value::Repr;
use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bb, Cast, Fun, IntPredicate, Ordering, Ty, Val};

/// A load or store being emitted.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub space: AddressSpace,
    pub ty: Type,
    pub count: u32,
    pub kind: AccessKind,
}

impl Access {
    /// Bytes each lane accesses.
    pub fn bytes(self) -> u32 {
        self.ty.bytes() * self.count
    }

    fn runtime_space(self) -> AccessSpace {
        match self.space {
            AddressSpace::Shared => AccessSpace::Shared,
            AddressSpace::Local => AccessSpace::Local,
            AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const | AddressSpace::Param => {
                AccessSpace::Global
            }
        }
    }
}

/// How the lanes' addresses lie.
#[derive(Clone, Copy)]
enum Pattern {
    /// All lanes at one address.
    Uniform(Val),
    /// One element behind the other from here; the vector and the test for the case that this was only hoped for.
    Contiguous { base: Val, holds: Option<Val> },
    /// Within segments of so many lanes contiguous, or all at one address.
    Segments { addresses: Val, length: u32, contiguous: bool },
    /// Anything.
    Listed(Val),
}

impl FunctionEmitter<'_> {
    pub fn memory(&mut self, op: &Op, results: &[Value]) -> Result<(), Error> {
        let (guard, order) = match op {
            Op::Load { guard, order, .. } | Op::Store { guard, order, .. } => (*guard, *order),
            _ => unreachable!("only loads and stores come here"),
        };
        if order != MemoryOrder::Weak {
            self.compiler_fence();
        }
        let outer = self.mask;
        // What is first read inside the guarded part would not be at hand behind it.
        for operand in op.operands() {
            self.get(operand);
        }
        let skip = guard.map(|guard| {
            self.mask = self.active_where(guard);
            self.enter_if_any()
        });
        let loaded = match op {
            Op::Load { space, ty, count, address, offset, .. } => {
                let access = Access { space: *space, ty: *ty, count: u32::from(*count), kind: AccessKind::Load };
                self.load_access(access, *address, *offset)
            }
            Op::Store { space, ty, address, offset, values, .. } => {
                let access = Access { space: *space, ty: *ty, count: values.len() as u32, kind: AccessKind::Store };
                self.store_access(access, *address, *offset, values);
                Vec::new()
            }
            _ => unreachable!("only loads and stores come here"),
        };
        let loaded = match skip {
            Some(skip) => self.leave_guard(skip, loaded, results),
            None => loaded,
        };
        self.mask = outer;
        for (result, repr) in results.iter().zip(loaded) {
            self.define(*result, repr);
        }
        if order != MemoryOrder::Weak {
            self.compiler_fence();
        }
        Ok(())
    }

    /// Keeps LLVM from moving memory accesses across; costs nothing at run time.
    pub fn compiler_fence(&self) {
        self.ir.compiler_fence();
    }

    /// Goes on only if a lane is active; returns the block that jumped over and the block where both meet.
    pub fn enter_if_any(&mut self) -> (Bb, Bb) {
        let (inside, join) = (self.new_block("guarded"), self.new_block("join"));
        let from = self.ir.current_block();
        self.ir.cond_br(self.any(self.mask), inside, join);
        self.ir.position(inside);
        (from, join)
    }

    /// Ends what [`FunctionEmitter::enter_if_any`] began: lanes that did not load get 0.
    fn leave_guard(&mut self, (from, join): (Bb, Bb), loaded: Vec<Repr>, results: &[Value]) -> Vec<Repr> {
        let mut inside = Vec::new();
        for (repr, result) in loaded.iter().zip(results) {
            let ty = self.function.ty(*result);
            let scalar = matches!(repr, Repr::Uniform(_)) && self.shape(*result).is_uniform();
            inside.push(match repr {
                Repr::Uniform(value) if scalar => *value,
                other => {
                    let vector = self.to_vector(*other, ty);
                    self.ir.select(self.mask, vector, self.ir.zero(self.vector_type(ty)))
                }
            });
        }
        let end = self.ir.current_block();
        self.ir.br(join);
        self.ir.position(join);
        inside
            .into_iter()
            .map(|value| {
                let ty = self.ir.type_of(value);
                let merged = self.ir.phi(ty, &[(value, end), (self.ir.zero(ty), from)]);
                if self.ir.is_vector(ty) { Repr::Vector(merged) } else { Repr::Uniform(merged) }
            })
            .collect()
    }

    /// The addresses of an access, the constant offset added.
    fn pattern(&mut self, access: Access, address: Value, offset: i64) -> Pattern {
        let offset_scalar = self.i64(offset as u64);
        let repr = self.get(address);
        let bytes = i64::from(access.bytes());
        match (repr, self.shape(address)) {
            (Repr::Uniform(base), _) if access.space != AddressSpace::Local => {
                Pattern::Uniform(self.ir.add(base, offset_scalar))
            }
            (Repr::Affine { base, stride, speculation }, _)
                if stride == bytes && access.space != AddressSpace::Local =>
            {
                Pattern::Contiguous { base: self.ir.add(base, offset_scalar), holds: speculation.map(|s| s.holds) }
            }
            (_, Shape::Segmented { stride, length })
                if (stride == 0 || stride == bytes) && access.space != AddressSpace::Local && access.count == 1 =>
            {
                let addresses = self.ir.add(self.vector(address), self.ir.splat(offset_scalar, LANES));
                Pattern::Segments { addresses, length: u32::from(length), contiguous: stride != 0 }
            }
            _ => Pattern::Listed(self.ir.add(self.vector(address), self.ir.splat(offset_scalar, LANES))),
        }
    }

    fn load_access(&mut self, access: Access, address: Value, offset: i64) -> Vec<Repr> {
        match self.pattern(access, address, offset) {
            Pattern::Uniform(at) => {
                if !self.is_proven(access, address, offset) {
                    self.check_scalar(access, at);
                }
                self.load_uniform(access, at)
            }
            Pattern::Contiguous { base, holds: None } if self.is_proven(access, address, offset) => {
                let pointer = self.pointer(access.space, base);
                self.load_contiguous(access, pointer).into_iter().map(Repr::Vector).collect()
            }
            Pattern::Contiguous { base, holds } => {
                let vector = self.vector(address);
                let listed = self.ir.add(vector, self.ir.splat(self.i64(offset as u64), LANES));
                self.record(access, base, access.bytes());
                let bad = self.out_of_bounds(access, base, 31 * access.bytes());
                let bad = self.or_not(bad, holds);
                self.fast_or_listed(access, bad, listed, |this| {
                    let pointer = this.pointer(access.space, base);
                    this.load_contiguous(access, pointer)
                })
            }
            Pattern::Segments { addresses, length, contiguous } if self.is_proven(access, address, offset) => {
                let bases = self.segment_bases(addresses, length);
                vec![Repr::Vector(self.load_segments(access, &bases, length, contiguous))]
            }
            Pattern::Segments { addresses, length, contiguous } => {
                self.record_listed(access, addresses);
                let bases = self.segment_bases(addresses, length);
                let bad = self.segments_out_of_bounds(
                    access,
                    &bases,
                    if contiguous { (length - 1) * access.bytes() } else { 0 },
                );
                self.fast_or_listed(access, bad, addresses, |this| {
                    vec![this.load_segments(access, &bases, length, contiguous)]
                })
            }
            Pattern::Listed(addresses) if self.unit.outline => {
                self.call_outlined(access, addresses, &[]).into_iter().map(Repr::Vector).collect()
            }
            Pattern::Listed(addresses) => {
                if !self.is_proven(access, address, offset) {
                    self.check_listed(access, addresses);
                }
                self.gather(access, addresses).into_iter().map(Repr::Vector).collect()
            }
        }
    }

    /// The quick way unless `bad`; then the engine looks at each lane, and what it lets pass is gathered.
    fn fast_or_listed(
        &mut self,
        access: Access,
        bad: Val,
        addresses: Val,
        fast: impl FnOnce(&mut Self) -> Vec<Val>,
    ) -> Vec<Repr> {
        let (slow, quick, join) = (self.new_block("slow"), self.new_block("quick"), self.new_block("loaded"));
        self.ir.unlikely_br(bad, slow, quick);
        self.ir.position(quick);
        let loaded = fast(self);
        let quick_end = self.ir.current_block();
        self.ir.br(join);
        self.ir.position(slow);
        self.examine(access, addresses);
        let gathered = self.gather_out_of_line(access, addresses);
        let slow_end = self.ir.current_block();
        self.ir.br(join);
        self.ir.position(join);
        loaded
            .into_iter()
            .zip(gathered)
            .map(|(a, b)| Repr::Vector(self.ir.phi(self.ir.type_of(a), &[(a, quick_end), (b, slow_end)])))
            .collect()
    }

    fn load_uniform(&mut self, access: Access, at: Val) -> Vec<Repr> {
        let pointer = self.pointer(access.space, at);
        let element = self.scalar_type(access.ty);
        if access.count == 1 {
            return vec![Repr::Uniform(self.ir.load_aligned(element, pointer, access.ty.bytes()))];
        }
        let whole = self.ir.load_aligned(self.ir.vector(element, access.count), pointer, access.bytes());
        (0..access.count).map(|index| Repr::Uniform(self.ir.extract_at(whole, index))).collect()
    }

    fn load_contiguous(&mut self, access: Access, pointer: Val) -> Vec<Val> {
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

    fn segment_bases(&self, addresses: Val, length: u32) -> Vec<Val> {
        (0..LANES / length).map(|segment| self.ir.extract_at(addresses, segment * length)).collect()
    }

    fn segments_out_of_bounds(&mut self, access: Access, bases: &[Val], span: u32) -> Val {
        let tests: Vec<Val> = bases.iter().map(|base| self.out_of_bounds(access, *base, span)).collect();
        tests.into_iter().reduce(|a, b| self.ir.or(a, b)).expect("a warp has segments")
    }

    fn load_segments(&mut self, access: Access, bases: &[Val], length: u32, contiguous: bool) -> Val {
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
    fn gather_out_of_line(&mut self, access: Access, addresses: Val) -> Vec<Val> {
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

    fn store_access(&mut self, access: Access, address: Value, offset: i64, values: &[Value]) {
        match self.pattern(access, address, offset) {
            Pattern::Uniform(at) => {
                if !self.is_proven(access, address, offset) {
                    self.check_scalar(access, at);
                }
                self.store_uniform(access, at, values);
            }
            Pattern::Contiguous { base, holds: None } if self.is_proven(access, address, offset) => {
                let vectors: Vec<Val> = values.iter().map(|value| self.stored(*value)).collect();
                let pointer = self.pointer(access.space, base);
                self.store_contiguous(access, pointer, &vectors);
            }
            Pattern::Contiguous { base, holds } => {
                let listed = self.ir.add(self.vector(address), self.ir.splat(self.i64(offset as u64), LANES));
                let vectors: Vec<Val> = values.iter().map(|value| self.stored(*value)).collect();
                self.record(access, base, access.bytes());
                let bad = self.out_of_bounds(access, base, 31 * access.bytes());
                let bad = self.or_not(bad, holds);
                let (slow, quick, join) = (self.new_block("slow"), self.new_block("quick"), self.new_block("stored"));
                self.ir.unlikely_br(bad, slow, quick);
                self.ir.position(quick);
                let pointer = self.pointer(access.space, base);
                self.store_contiguous(access, pointer, &vectors);
                self.ir.br(join);
                self.ir.position(slow);
                self.examine(access, listed);
                self.scatter(access, listed, &vectors);
                self.ir.br(join);
                self.ir.position(join);
            }
            Pattern::Segments { addresses, length, contiguous: true } => {
                let vectors: Vec<Val> = values.iter().map(|value| self.stored(*value)).collect();
                self.record_listed(access, addresses);
                let bases = self.segment_bases(addresses, length);
                let bad = self.segments_out_of_bounds(access, &bases, (length - 1) * access.bytes());
                let (slow, quick, join) = (self.new_block("slow"), self.new_block("quick"), self.new_block("stored"));
                self.ir.unlikely_br(bad, slow, quick);
                self.ir.position(quick);
                for (index, base) in bases.iter().enumerate() {
                    let first = index as u32 * length;
                    let order: Vec<u32> = (first..first + length).collect();
                    let part = self.ir.shuffle(vectors[0], vectors[0], &order);
                    let pointer = self.pointer(access.space, *base);
                    let mask = self.segment_mask(first, length);
                    self.masked_store(part, pointer, access.ty.bytes(), mask);
                }
                self.ir.br(join);
                self.ir.position(slow);
                self.examine(access, addresses);
                self.scatter(access, addresses, &vectors);
                self.ir.br(join);
                self.ir.position(join);
            }
            Pattern::Segments { addresses, .. } | Pattern::Listed(addresses) => {
                let vectors: Vec<Val> = values.iter().map(|value| self.stored(*value)).collect();
                if self.unit.outline {
                    self.call_outlined(access, addresses, &vectors);
                    return;
                }
                if !self.is_proven(access, address, offset) {
                    self.check_listed(access, addresses);
                }
                self.scatter(access, addresses, &vectors);
            }
        }
    }

    /// A value as it goes to memory.
    fn stored(&mut self, value: Value) -> Val {
        self.observed(value)
    }

    /// All lanes store to one place: the last active one is seen afterwards, as good as any.
    fn store_uniform(&mut self, access: Access, at: Val, values: &[Value]) {
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

    fn store_contiguous(&mut self, access: Access, pointer: Val, vectors: &[Val]) {
        let mask = self.repeat_mask(access.count);
        let whole = self.interleave(vectors);
        self.masked_store(whole, pointer, access.ty.bytes(), mask);
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

    /// `line << 8 | shape`, see `WarpContext::access`.
    fn access_code(&self, shape: u32) -> Val {
        match self.line_value {
            Some(line) => {
                let moved = self.ir.bin(crate::llvm::Bin::Shl, line, self.i32(8));
                self.ir.or(moved, self.i32(shape))
            }
            None => self.i32(self.line << 8 | shape),
        }
    }

    fn or_not(&self, bad: Val, holds: Option<Val>) -> Val {
        holds.map_or(bad, |holds| self.ir.or(bad, self.ir.not(holds)))
    }

    /// Notes the access in the warp's context, for the case that it faults inside the range that is tested.
    fn record(&self, access: Access, base: Val, stride: u32) {
        if access.runtime_space() != AccessSpace::Global || access.space == AddressSpace::Param {
            return;
        }
        let code = self.access_code(stride);
        let note = self.ir.store(code, self.warp_field(offset_of!(WarpContext, access)), 4);
        self.ir.set_volatile(note);
        let note = self.ir.store(base, self.warp_field(offset_of!(WarpContext, access_base)), 8);
        self.ir.set_volatile(note);
    }

    fn record_listed(&self, access: Access, addresses: Val) {
        if access.runtime_space() != AccessSpace::Global || access.space == AddressSpace::Param {
            return;
        }
        let code = self.access_code(ACCESS_LISTED);
        let note = self.ir.store(code, self.warp_field(offset_of!(WarpContext, access)), 4);
        self.ir.set_volatile(note);
        let note = self.ir.store(addresses, self.warp_field(offset_of!(WarpContext, access_addresses)), 8);
        self.ir.set_volatile(note);
    }

    /// Whether accesses at `base … base + span` leave their space or are misaligned: an `i1`.
    fn out_of_bounds(&self, access: Access, base: Val, span: u32) -> Val {
        let bytes = access.bytes();
        let outside = match access.space {
            AddressSpace::Param => return self.ir.constant(self.ir.int(1), 0),
            AddressSpace::Shared => {
                let size = self.launch_i32(offset_of!(LaunchContext, shared_bytes));
                let size = self.ir.cast(Cast::ZExt, size, self.ir.int(64));
                let limit = self.ir.sub(size, self.i64(u64::from(span + bytes)));
                let too_small = self.ir.icmp(IntPredicate::LLVMIntSLT, limit, self.i64(0));
                self.ir.or(self.ir.icmp(IntPredicate::LLVMIntUGT, base, limit), too_small)
            }
            _ => {
                let start = self.launch_i64(offset_of!(LaunchContext, arena_base));
                let size = self.launch_i64(offset_of!(LaunchContext, arena_size));
                let limit = self.ir.sub(size, self.i64(u64::from(span + bytes)));
                self.ir.icmp(IntPredicate::LLVMIntUGT, self.ir.sub(base, start), limit)
            }
        };
        if bytes == 1 {
            return outside;
        }
        let low = self.ir.and(base, self.i64(u64::from(bytes) - 1));
        self.ir.or(outside, self.ir.icmp(IntPredicate::LLVMIntNE, low, self.i64(0)))
    }

    /// Whether what is known of the address when the code is made says that no lane leaves static shared memory, or
    /// the kernel's own frame, and all are aligned.
    pub fn is_proven(&self, access: Access, address: Value, offset: i64) -> bool {
        let fact = self.shapes.fact(address);
        let bytes = i64::from(access.bytes());
        let (Some(low), Some(high)) = (fact.range.0.checked_add(offset), fact.range.1.checked_add(offset)) else {
            return false;
        };
        let size = match access.space {
            AddressSpace::Shared => self.unit.program.shared_bytes,
            AddressSpace::Local => self.unit.program.kernel().local_bytes,
            _ => return false,
        };
        let inside = low >= 0 && high.saturating_add(bytes) <= i64::from(size);
        let align = fact.lanes_align.min(if offset == 0 { 63 } else { offset.trailing_zeros() as u8 });
        inside && 1i64 << align.min(62) >= bytes
    }

    /// Tests one address for all lanes.
    fn check_scalar(&mut self, access: Access, at: Val) {
        self.record(access, at, 0);
        let bad = self.out_of_bounds(access, at, 0);
        let (slow, join) = (self.new_block("slow"), self.new_block("checked"));
        self.ir.unlikely_br(bad, slow, join);
        self.ir.position(slow);
        self.examine(access, self.ir.splat(at, LANES));
        self.ir.br(join);
        self.ir.position(join);
    }

    /// Tests the address of each active lane.
    pub fn check_listed(&mut self, access: Access, addresses: Val) {
        self.record_listed(access, addresses);
        if access.space == AddressSpace::Param {
            return;
        }
        let bytes = u64::from(access.bytes());
        let words = self.ir.type_of(addresses);
        let (start, size) = match access.space {
            AddressSpace::Shared | AddressSpace::Local => {
                let field = if access.space == AddressSpace::Shared {
                    offset_of!(LaunchContext, shared_bytes)
                } else {
                    offset_of!(LaunchContext, local_stride)
                };
                (self.i64(0), self.ir.cast(Cast::ZExt, self.launch_i32(field), self.ir.int(64)))
            }
            _ => (
                self.launch_i64(offset_of!(LaunchContext, arena_base)),
                self.launch_i64(offset_of!(LaunchContext, arena_size)),
            ),
        };
        // Of a space smaller than the access no address is good: the limit then is -1, and the test signed.
        let limit = self.ir.sub(size, self.i64(bytes));
        let distance = self.ir.sub(addresses, self.ir.splat(start, LANES));
        let above = self.ir.icmp(IntPredicate::LLVMIntSGT, distance, self.ir.splat(limit, LANES));
        let below = self.ir.icmp(IntPredicate::LLVMIntSLT, distance, self.ir.zero(words));
        let mut bad = self.ir.or(above, below);
        if bytes > 1 {
            let low = self.ir.and(addresses, self.ir.constant(words, bytes - 1));
            bad = self.ir.or(bad, self.ir.icmp(IntPredicate::LLVMIntNE, low, self.ir.zero(words)));
        }
        let bad = self.any(self.ir.and(bad, self.mask));
        let (slow, join) = (self.new_block("slow"), self.new_block("checked"));
        self.ir.unlikely_br(bad, slow, join);
        self.ir.position(slow);
        self.examine(access, addresses);
        self.ir.br(join);
        self.ir.position(join);
    }

    /// Has the engine look at each active lane's address; leaves by the fault block if one is bad.
    fn examine(&mut self, access: Access, addresses: Val) {
        let helper = self.examine_helper();
        let details = access.bytes() | (access.kind as u32) << 16 | (access.runtime_space() as u32) << 24;
        let lanes = self.mask_bits(self.mask);
        let line = self.line_value.unwrap_or_else(|| self.i32(self.line));
        let arguments = [self.launch, self.warp, lanes, addresses, line, self.i32(details)];
        let verdict = self.ir.call(helper, &arguments);
        let faulted = self.ir.icmp(IntPredicate::LLVMIntNE, verdict, self.i32(0));
        self.leave_by_fault(faulted);
    }

    /// `(launch, warp, lanes, addresses, line, bytes | kind << 16 | space << 24) -> verdict`.
    fn examine_helper(&self) -> Fun {
        let name = "examine".to_string();
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let ir = self.ir;
        let (i32_ty, words) = (ir.int(32), ir.vector(ir.int(64), LANES));
        let ty = ir.function_type(i32_ty, &[ir.ptr(), ir.ptr(), i32_ty, words, i32_ty, i32_ty]);
        let fun = ir.add_function(&name, ty, true);
        ir.add_attribute(fun, u32::MAX, "noinline");
        ir.add_attribute(fun, u32::MAX, "cold");
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let parameter = |index: u32| ir.parameter(fun, index);
        let (launch, warp, details) = (parameter(0), parameter(1), parameter(5));
        let code = ir.or(ir.bin(crate::llvm::Bin::Shl, parameter(4), self.i32(8)), self.i32(ACCESS_LISTED));
        ir.store(code, ir.offset_by(warp, offset_of!(WarpContext, access)), 4);
        ir.store(parameter(3), ir.offset_by(warp, offset_of!(WarpContext, access_addresses)), 8);
        let field = |shift: u32| {
            let moved = ir.bin(crate::llvm::Bin::LShr, details, self.i32(shift));
            ir.and(moved, self.i32(if shift == 0 { 0xffff } else { 0xff }))
        };
        let table = ir.load_aligned(ir.ptr(), ir.offset_by(launch, offset_of!(LaunchContext, runtime)), 8);
        let target = ir.load_aligned(ir.ptr(), ir.offset_by(table, offset_of!(RuntimeTable, check_access)), 8);
        let callee = ir.function_type(i32_ty, &[ir.ptr(), ir.ptr(), i32_ty, i32_ty, i32_ty, i32_ty]);
        let arguments = [launch, warp, parameter(2), field(0), field(16), field(24)];
        ir.ret(ir.call_pointer(target, callee, &arguments));
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }

    /// A fence of the memory model.
    pub fn fence(&self, order: MemoryOrder) {
        match order {
            MemoryOrder::SequentiallyConsistent => self.ir.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent),
            _ => self.ir.fence(Ordering::LLVMAtomicOrderingAcquireRelease),
        }
    }
}
