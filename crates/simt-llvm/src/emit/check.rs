//! Whether an access may go on: bounds and alignment, tested before memory is touched.
//!
//! Of global memory only the address without its constant offset is tested, against the arena widened by what offsets can reach: what
//! lies between faults by itself. So one test does for all accesses with the same address, wherever the first of them dominates; and for all
//! with the same base to which indices of 32 bits are added (`indexed.rs`). Shared and local memory adjoin that of others and are tested exactly, unless what is known of the address says enough.
//!
//! What fails the test is looked at lane by lane by the engine, which knows registered host memory and reports faults.

use std::mem::offset_of;

use simt_ir::abi::{
    ACCESS_ALONE, ACCESS_LISTED, AccessRows, AccessSpace, LaunchContext, OFFSET_REACH, RuntimeTable, WarpContext,
};
use simt_ir::{AddressSpace, BlockId, FunctionKind, Type, Value};

use super::memory::{Access, Pattern};
use super::notes::Bounds;
use super::value::Repr;
use super::{FunctionEmitter, LANES};
use crate::llvm::{Bin, Cast, Fun, IntPredicate, Ty, Val};

/// An address in global memory that has passed the test.
pub(super) struct Checked {
    block: BlockId,
    address: Value,
    /// The lanes that passed, where not all that run the block did.
    guard: Option<Value>,
    /// What the address is a multiple of.
    align: u32,
}

impl FunctionEmitter<'_> {
    /// Tests an access of all active lanes; leaves by the fault block if one is bad.
    pub fn check(&mut self, access: Access, address: Value, offset: i64, pattern: &Pattern) {
        let is_param = access.space == AddressSpace::Param;
        // The test for the pattern is that for its bounds.
        if let Pattern::Reversed { .. } = pattern {
            self.note_access(access, pattern, Bounds::Tested);
            return;
        }
        if !is_param && self.is_proven(access, address, offset) {
            self.note_access(access, pattern, Bounds::Proven);
            return;
        }
        self.record(access, pattern);
        if is_param {
            self.note_access(access, pattern, Bounds::Proven);
            return;
        }
        let by_base = access.in_arena() && offset.unsigned_abs() < OFFSET_REACH;
        let indexed = self.indexed(access, address, offset);
        let merged = by_base
            && (self.is_checked(access, address, offset)
                || indexed.is_some_and(|found| self.is_checked(access, found.base, offset)));
        self.note_access(access, pattern, if merged { Bounds::Merged } else { Bounds::Tested });
        if merged {
            return;
        }
        let bad = match indexed {
            Some(found) => self.is_bad_base(access, &found),
            None => self.is_bad_pattern(access, address, offset, pattern),
        };
        let exactly = match pattern {
            // Where not all lanes take part, those that do may well lie inside.
            Pattern::Contiguous { base, .. } if self.mask != self.all_lanes() => Some((address, *base, offset)),
            _ => None,
        };
        self.examine_if(bad, access, pattern, exactly);
        if !by_base || self.unit.host_memory {
            return;
        }
        let align = if offset % i64::from(access.align()) == 0 { access.align() } else { 1 };
        let checked = |address: Value| Checked { block: self.block, address, guard: self.guard, align };
        // Lanes whose order was only hoped for may have other addresses.
        let address = pattern.holds().is_none().then_some(address);
        let new: Vec<Checked> = address.into_iter().chain(indexed.map(|found| found.base)).map(checked).collect();
        self.checked.extend(new);
    }

    /// Whether an access of one of the active lanes is bad.
    fn is_bad_pattern(&mut self, access: Access, address: Value, offset: i64, pattern: &Pattern) -> Val {
        match pattern {
            Pattern::Uniform(at) | Pattern::Contiguous { base: at, .. } => {
                let span = if matches!(pattern, Pattern::Uniform(_)) { 0 } else { (self.lanes() - 1) * access.bytes() };
                self.is_bad(access, address, *at, offset, span)
            }
            Pattern::Segments { bases, stride, .. } => {
                let length = self.lanes() / bases.len() as u32;
                let span = (length - 1) * *stride as u32;
                let tests: Vec<Val> =
                    bases.iter().map(|base| self.is_bad(access, address, *base, offset, span)).collect();
                tests.into_iter().reduce(|a, b| self.ir.or(a, b)).expect("a warp has segments")
            }
            Pattern::Columns { base, stride, segments, .. } => {
                let span = (self.lanes() / segments - 1) * *stride as u32 + (segments - 1) * access.bytes();
                self.is_bad(access, address, *base, offset, span)
            }
            Pattern::Reversed { .. } => unreachable!("tested with the pattern"),
            Pattern::Indexed(_) => unreachable!("the base is tested"),
            Pattern::Listed(addresses) => {
                let by_word = self.is_bad_word(access, address, offset);
                let bad = by_word.unwrap_or_else(|| self.is_bad(access, address, *addresses, offset, 0));
                self.any(self.ir.and(bad, self.mask))
            }
        }
    }

    /// Tests the address of each active lane, of which nothing else is known.
    pub fn check_addresses(&mut self, access: Access, addresses: Val) {
        let pattern = Pattern::Listed(addresses);
        self.record(access, &pattern);
        if access.space == AddressSpace::Param {
            return;
        }
        let bad = self.is_bad_element(access, addresses);
        let bad = self.any(self.ir.and(bad, self.mask));
        self.examine_if(bad, access, &pattern, None);
    }

    /// Whether an access of each lane is bad, of whose address nothing is known.
    pub fn is_bad_element(&self, access: Access, addresses: Val) -> Val {
        let outside = self.is_outside(access, addresses, 0, false);
        self.or_misaligned(outside, access.align(), addresses)
    }

    /// Has the engine look at each active lane if `bad`. `exactly`: where lanes lie one behind the other, of an address and an offset, and those that
    /// are active are to be tested first.
    fn examine_if(&mut self, bad: Val, access: Access, pattern: &Pattern, exactly: Option<(Value, Val, i64)>) {
        let (slow, join) = (self.new_block("slow"), self.new_block("checked"));
        self.ir.unlikely_br(bad, slow, join);
        self.ir.position(slow);
        if let Some((address, base, offset)) = exactly {
            let examined = self.new_block("examined");
            self.ir.unlikely_br(self.is_bad_run_of_active(access, address, base, offset, false), examined, join);
            self.ir.position(examined);
        }
        match pattern {
            Pattern::Uniform(at) => self.examine_row(access, *at, 0),
            Pattern::Contiguous { base, .. } => self.examine_row(access, *base, access.bytes()),
            Pattern::Columns { base, stride, segments, .. } => {
                let addresses = self.column_addresses(*base, *stride, *segments, access);
                self.examine(access, addresses);
            }
            Pattern::Reversed { .. } => unreachable!("tested with the pattern"),
            Pattern::Indexed(indices) => self.examine_indices(access, *indices),
            Pattern::Segments { bases, stride, speculation } => {
                let repr = Repr::Segments { bases: *bases, stride: *stride, speculation: *speculation };
                self.examine(access, self.to_vector(repr, Type::I64));
            }
            Pattern::Listed(addresses) => self.examine(access, *addresses),
        }
        self.ir.br(join);
        self.ir.position(join);
    }

    /// The lanes' addresses.
    fn column_addresses(&self, base: Val, stride: i64, segments: u32, access: Access) -> Val {
        let length = self.lanes() / segments;
        let distance = |lane: u32| {
            self.i64((i64::from(lane % length) * stride) as u64 + u64::from(lane / length * access.bytes()))
        };
        let distances: Vec<Val> = (0..self.lanes()).map(distance).collect();
        self.ir.add(self.ir.splat(base, self.lanes()), self.ir.constant_vector(&distances))
    }

    /// Whether an access that dominates this one has tested the same address.
    fn is_checked(&self, access: Access, address: Value, offset: i64) -> bool {
        let bytes = access.align();
        let known = u64::from(self.shapes.fact(address).lanes_align.min(62));
        let aligned = 1u64 << known >= u64::from(bytes);
        offset % i64::from(bytes) == 0
            && self.checked.iter().any(|checked| {
                checked.address == address
                    && (aligned || checked.align >= bytes)
                    && (checked.guard.is_none() || checked.guard == self.guard)
                    && self.dominators.dominates(checked.block, self.block)
            })
    }

    /// Whether what is known of the address when the code is made says that no lane leaves static shared memory,
    /// the kernel's own frame or a variable, and all are aligned.
    pub fn is_proven(&self, access: Access, address: Value, offset: i64) -> bool {
        let fact = self.shapes.fact(address);
        let bytes = i64::from(access.bytes());
        let (range, size) = match (access.space, fact.place) {
            (AddressSpace::Shared, _) => (fact.range, u64::from(self.unit.program.shared_bytes)),
            (AddressSpace::Local, _) => (fact.range, u64::from(self.unit.program.kernel().local_bytes)),
            (_, Some(place)) => (place.range, self.unit.program.symbols[place.symbol.0 as usize].size),
            _ => return false,
        };
        let (Some(low), Some(high)) = (range.0.checked_add(offset), range.1.checked_add(offset)) else {
            return false;
        };
        let inside = low >= 0 && i64::try_from(size).is_ok_and(|size| high.saturating_add(bytes) <= size);
        inside && fact.is_aligned(offset, access.align())
    }

    /// Whether accesses at `at … at + span`, of which nothing is known, are bad: a multiple of their size lies between them.
    pub fn is_bad_run(&self, access: Access, at: Val, span: u32) -> Val {
        let outside = self.is_outside(access, at, span, false);
        self.or_misaligned(outside, access.align(), at)
    }

    /// Whether accesses at `at … at + span`, the offset included, are bad; `at` is an address or one for each lane, and so is the result.
    pub fn is_bad(&self, access: Access, address: Value, at: Val, offset: i64, span: u32) -> Val {
        let never_below = self.shapes.fact(address).range.0.checked_add(offset).is_some_and(|lowest| lowest >= 0);
        let outside = match access.in_arena() && offset.unsigned_abs() < OFFSET_REACH {
            true => self.is_outside(access, self.ir.sub(at, self.like(at, offset as u64)), 0, false),
            false => self.is_outside(access, at, span, never_below),
        };
        let known = self.shapes.fact(address).lanes_align.min(62);
        let bytes = i64::from(access.align());
        if 1i64 << known >= bytes && offset % bytes == 0 {
            return outside;
        }
        self.or_misaligned(outside, access.align(), at)
    }

    /// Whether an access of the active lanes is bad that lie one element behind the other, the first lane of the function at `base`; or, `reversed`,
    /// the last lane there.
    pub fn is_bad_run_of_active(&self, access: Access, address: Value, base: Val, offset: i64, reversed: bool) -> Val {
        let ir = self.ir;
        let lanes = self.mask_bits(self.mask);
        let none_is_zero = ir.constant(ir.int(1), 0);
        let zeros = |name: &str| self.lane_number(ir.intrinsic(name, &[self.mask_int()], &[lanes, none_is_zero]));
        let distance = |elements: Val| ir.mul(elements, self.i64(access.bytes().into()));
        let (before, behind) = if reversed { ("llvm.ctlz", "llvm.cttz") } else { ("llvm.cttz", "llvm.ctlz") };
        let lowest = ir.add(base, distance(zeros(before)));
        let last = self.i64(u64::from(self.lanes()) - 1);
        let highest = ir.add(base, distance(ir.sub(last, zeros(behind))));
        let is_bad = |at: Val| self.is_bad(access, address, at, offset, 0);
        ir.or(is_bad(lowest), is_bad(highest))
    }

    pub fn or_misaligned(&self, outside: Val, bytes: u32, at: Val) -> Val {
        if bytes == 1 {
            return outside;
        }
        let low = self.ir.and(at, self.like(at, u64::from(bytes) - 1));
        self.ir.or(outside, self.ir.icmp(IntPredicate::LLVMIntNE, low, self.like(at, 0)))
    }

    /// Whether accesses at `at … at + span` leave their space. `never_below`: it is known that they do not lie before it.
    fn is_outside(&self, access: Access, at: Val, span: u32, never_below: bool) -> Val {
        let ir = self.ir;
        let spread = |scalar: Val| if ir.is_vector(ir.type_of(at)) { ir.splat(scalar, self.lanes()) } else { scalar };
        let last = self.i64(u64::from(span + access.bytes()));
        if access.in_arena() {
            let start = self.launch_i64(offset_of!(LaunchContext, arena_base));
            let size = self.launch_i64(offset_of!(LaunchContext, arena_size));
            let distance = ir.sub(at, spread(start));
            return ir.icmp(IntPredicate::LLVMIntUGT, distance, spread(ir.sub(size, last)));
        }
        let field = match access.space {
            AddressSpace::Shared => offset_of!(LaunchContext, shared_bytes),
            _ => offset_of!(LaunchContext, local_stride),
        };
        let size = ir.cast(Cast::ZExt, self.launch_i32(field), ir.int(64));
        // Of a space smaller than the access no address is good: the limit then is negative, and the test signed.
        let above = ir.icmp(IntPredicate::LLVMIntSGT, at, spread(ir.sub(size, last)));
        if never_below {
            return above;
        }
        ir.or(above, ir.icmp(IntPredicate::LLVMIntSLT, at, self.like(at, 0)))
    }

    /// Notes the access in the warp's context, for the case that it faults inside the range that is tested.
    pub fn record(&self, access: Access, pattern: &Pattern) {
        if !access.in_arena() {
            return;
        }
        let shape = match pattern {
            Pattern::Uniform(_) if self.function.kind == FunctionKind::Lane => ACCESS_ALONE,
            Pattern::Uniform(_) => 0,
            Pattern::Contiguous { base, .. } => {
                self.record_word(offset_of!(WarpContext, access_base), *base);
                access.bytes()
            }
            Pattern::Segments { bases, stride, .. } => {
                let same = *stride != 0 && bases.iter().all(|base| *base == bases[0]);
                for (index, base) in bases.iter().enumerate().take(if same { 1 } else { bases.len() }) {
                    self.record_word(offset_of!(WarpContext, access_addresses) + 8 * index, *base);
                }
                AccessRows { rows: bases.len() as u32, stride: *stride as u32, same }.code()
            }
            Pattern::Columns { .. } | Pattern::Reversed { .. } => unreachable!("only shared memory is accessed so"),
            Pattern::Indexed(indices) => {
                self.record_word(offset_of!(WarpContext, access_addresses), indices.index);
                self.record_word(offset_of!(WarpContext, access_base), indices.base);
                Self::indexed_code(*indices)
            }
            Pattern::Listed(addresses) => {
                self.record_word(offset_of!(WarpContext, access_addresses), *addresses);
                ACCESS_LISTED
            }
        };
        self.record_word(offset_of!(WarpContext, access), self.access_code(shape));
    }

    /// Stores to the warp's context what the compiler cannot leave out.
    fn record_word(&self, field: usize, value: Val) {
        self.ir.set_volatile(self.ir.store(value, self.warp_field(field), 4));
    }

    /// `line << 8 | shape`, see `WarpContext::access`.
    fn access_code(&self, shape: u32) -> Val {
        match self.line_value {
            Some(line) => {
                let moved = self.ir.bin(Bin::Shl, line, self.i32(8));
                self.ir.or(moved, self.i32(shape))
            }
            None => self.i32(self.line << 8 | shape),
        }
    }

    /// Has the engine look at each active lane's address; leaves by the fault block if one is bad.
    pub fn examine(&mut self, access: Access, addresses: Val) {
        let helper = self.examine_helper();
        for (first, part) in access.parts() {
            let [lanes, line, details] = self.examined(part);
            let moved = self.moved(addresses, first * access.ty.bytes());
            let verdict = self.ir.call(helper, &[self.launch, self.warp, lanes, moved, line, details]);
            let faulted = self.ir.icmp(IntPredicate::LLVMIntNE, verdict, self.i32(0));
            self.leave_by_fault(faulted);
        }
    }

    /// An address or one for each lane, so many bytes further on.
    pub fn moved(&self, at: Val, distance: u32) -> Val {
        if distance == 0 { at } else { self.ir.add(at, self.like(at, distance.into())) }
    }

    /// The same where the lanes' addresses begin at `base` and are `stride` bytes apart.
    fn examine_row(&mut self, access: Access, base: Val, stride: u32) {
        let helper = self.examine_row_helper();
        let stride = self.i64(stride.into());
        for (first, part) in access.parts() {
            let [lanes, line, details] = self.examined(part);
            let moved = self.moved(base, first * access.ty.bytes());
            let verdict = self.ir.call(helper, &[self.launch, self.warp, lanes, moved, stride, line, details]);
            let faulted = self.ir.icmp(IntPredicate::LLVMIntNE, verdict, self.i32(0));
            self.leave_by_fault(faulted);
        }
    }

    /// What the helpers are told of an access: lanes, line, `bytes | kind << 16 | space << 24`.
    pub fn examined(&self, access: Access) -> [Val; 3] {
        let details = access.bytes() | (access.kind as u32) << 16 | (access.runtime_space() as u32) << 24;
        let line = self.line_value.unwrap_or_else(|| self.i32(self.line));
        [self.mask_bits(self.mask), line, self.i32(details)]
    }

    /// Of a team's mask as an integer the 32 bits from `first` on.
    fn warp_bits(&self, lanes: Val, first: u32) -> Val {
        if self.lanes() == LANES {
            return lanes;
        }
        let shifted = self.ir.bin(Bin::LShr, lanes, self.ir.constant(self.mask_int(), first.into()));
        self.ir.cast(Cast::Trunc, shifted, self.ir.int(32))
    }

    /// A function that is hardly ever called.
    pub fn add_cold_helper(&self, name: &str, ty: Ty) -> Fun {
        let fun = self.ir.add_function(name, ty, true);
        // As all others: for each set of such attributes LLVM makes a description of the processor.
        super::kernel::describe(self.ir, fun);
        self.ir.add_attribute(fun, u32::MAX, "noinline");
        self.ir.add_attribute(fun, u32::MAX, "cold");
        fun
    }

    /// `(launch, warp, lanes, base, stride, line, details) -> verdict`: calls the helper for any addresses. Here, since accesses are many and
    /// their addresses take several registers.
    fn examine_row_helper(&self) -> Fun {
        let name = "examine_row".to_string();
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let examine = self.examine_helper();
        let ir = self.ir;
        let (word, long) = (ir.int(32), ir.int(64));
        let ty = ir.function_type(word, &[ir.ptr(), ir.ptr(), self.mask_int(), long, long, word, word]);
        let fun = self.add_cold_helper(&name, ty);
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let [launch, warp, lanes, base, stride, line, details] = [0, 1, 2, 3, 4, 5, 6].map(|i| ir.parameter(fun, i));
        let distances = ir.mul(self.lane_numbers(long), ir.splat(stride, self.lanes()));
        let addresses = ir.add(ir.splat(base, self.lanes()), distances);
        ir.ret(ir.call(examine, &[launch, warp, lanes, addresses, line, details]));
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }

    /// Whether one of some lanes is not sure to access its space only, of accesses whose bytes and space (`AccessSpace`) are numbers in the code.
    fn is_any_doubtful(&self, launch: Val, lanes: Val, addresses: Val, [bytes, space]: [Val; 2]) -> Val {
        let ir = self.ir;
        let long = ir.int(64);
        let field = |ty: Ty, offset: usize| ir.load_aligned(ty, ir.offset_by(launch, offset), 4);
        let size_of = |offset: usize| ir.cast(Cast::ZExt, field(ir.int(32), offset), long);
        let is = |other: AccessSpace| ir.icmp(IntPredicate::LLVMIntEQ, space, self.i32(other as u32));
        let own_size = ir.select(
            is(AccessSpace::Shared),
            size_of(offset_of!(LaunchContext, shared_bytes)),
            size_of(offset_of!(LaunchContext, local_stride)),
        );
        let arena = [offset_of!(LaunchContext, arena_base), offset_of!(LaunchContext, arena_size)];
        let [arena_base, arena_size] = arena.map(|offset| field(long, offset));
        let is_global = is(AccessSpace::Global);
        let size = ir.select(is_global, arena_size, own_size);
        let begin = ir.select(is_global, arena_base, ir.zero(long));
        let bytes = ir.cast(Cast::ZExt, bytes, long);
        let spread = |scalar: Val| ir.splat(scalar, self.lanes());
        let distances = ir.sub(addresses, spread(begin));
        // Of a space smaller than the access the limit is negative, and no address good.
        let above = ir.icmp(IntPredicate::LLVMIntSGT, distances, spread(ir.sub(size, bytes)));
        let below = ir.icmp(IntPredicate::LLVMIntSLT, distances, self.like(addresses, 0));
        let low = ir.and(addresses, spread(ir.sub(bytes, self.i64(1))));
        let misaligned = ir.icmp(IntPredicate::LLVMIntNE, low, self.like(addresses, 0));
        let doubtful = ir.or(ir.or(above, below), misaligned);
        self.any(ir.and(doubtful, self.mask_from_bits(lanes)))
    }

    /// `(launch, warp, lanes, addresses, line, bytes | kind << 16 | space << 24) -> verdict`.
    pub fn examine_helper(&self) -> Fun {
        let name = "examine".to_string();
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let ir = self.ir;
        let (i32_ty, words) = (ir.int(32), ir.vector(ir.int(64), self.lanes()));
        let ty = ir.function_type(i32_ty, &[ir.ptr(), ir.ptr(), self.mask_int(), words, i32_ty, i32_ty]);
        let fun = self.add_cold_helper(&name, ty);
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let parameter = |index: u32| ir.parameter(fun, index);
        let (launch, warp, details) = (parameter(0), parameter(1), parameter(5));
        let code = ir.or(ir.bin(Bin::Shl, parameter(4), self.i32(8)), self.i32(ACCESS_LISTED));
        ir.store(code, ir.offset_by(warp, offset_of!(WarpContext, access)), 4);
        ir.store(parameter(3), ir.offset_by(warp, offset_of!(WarpContext, access_addresses)), 8);
        let field = |shift: u32| {
            let moved = ir.bin(Bin::LShr, details, self.i32(shift));
            ir.and(moved, self.i32(if shift == 0 { 0xffff } else { 0xff }))
        };
        // Most are good: who asks has seen only that lanes are not in order, or that not all of them would be good.
        let [asked, all_good] = ["asked", "all_good"].map(|name| ir.append_block(fun, name));
        ir.cond_br(self.is_any_doubtful(launch, parameter(2), parameter(3), [field(0), field(24)]), asked, all_good);
        ir.position(all_good);
        ir.ret(self.i32(0));
        ir.position(asked);
        let table = ir.load_aligned(ir.ptr(), ir.offset_by(launch, offset_of!(LaunchContext, runtime)), 8);
        let target = ir.load_aligned(ir.ptr(), ir.offset_by(table, offset_of!(RuntimeTable, check_access)), 8);
        let callee = ir.function_type(i32_ty, &[ir.ptr(), ir.ptr(), i32_ty, i32_ty, i32_ty, i32_ty]);
        let first_lane = ir.offset_by(warp, offset_of!(WarpContext, first_lane));
        // The engine looks at one warp of a team after the other.
        for first in (0..self.lanes()).step_by(LANES as usize) {
            let order: Vec<u32> = (first..first + LANES).collect();
            let addresses = ir.shuffle(parameter(3), parameter(3), &order);
            ir.store(addresses, ir.offset_by(warp, offset_of!(WarpContext, access_addresses)), 8);
            ir.store(self.i32(first), first_lane, 4);
            let lanes = self.warp_bits(parameter(2), first);
            let verdict = ir.call_pointer(target, callee, &[launch, warp, lanes, field(0), field(16), field(24)]);
            let (bad, good) = (ir.append_block(fun, "bad"), ir.append_block(fun, "good"));
            ir.cond_br(ir.icmp(IntPredicate::LLVMIntNE, verdict, self.i32(0)), bad, good);
            ir.position(bad);
            ir.ret(verdict);
            ir.position(good);
        }
        ir.store(self.i32(0), first_lane, 4);
        // As an access that faults is to find them.
        ir.store(parameter(3), ir.offset_by(warp, offset_of!(WarpContext, access_addresses)), 8);
        ir.ret(self.i32(0));
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }
}
