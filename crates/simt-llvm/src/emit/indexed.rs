//! Accesses to elements of an array: at a base that all lanes share, and an index of 32 bits in each lane.
//!
//! What such an index adds cannot leave the margins around the arena, so that the base alone is tested, in a scalar that is often the same for
//! many accesses; offsets in shared memory, words too, are tested as such. And the processor gathers twice as many lanes at a time by indices as it does by addresses.

use std::mem::offset_of;

use simt_ir::abi::{ACCESS_INDEXED, LaunchContext, OFFSET_REACH};
use simt_ir::analysis::{Indexed, indexed};
use simt_ir::{AddressSpace, Op, Type, Value};

use super::FunctionEmitter;
use super::memory::Access;
use super::value::Repr;
use crate::llvm::{Bin, Cast, Fun, IntPredicate, Val};

/// The sign of an index.
const SIGN: u64 = 1 << 31;

/// Indices of an array, one for each lane.
#[derive(Clone, Copy)]
pub(super) struct Indices {
    /// An address, the constant offset included.
    pub base: Val,
    /// For each lane a number with a sign.
    pub index: Val,
    /// What the index counts.
    pub bytes: u32,
}

impl FunctionEmitter<'_> {
    /// What an access's address is made of, if the base is the same in all lanes and at hand, and with it all lanes are aligned.
    pub fn indexed(&self, access: Access, address: Value, offset: i64) -> Option<Indexed> {
        let bytes = i64::from(access.align());
        if !access.in_arena() || offset.unsigned_abs() >= OFFSET_REACH || offset % bytes != 0 {
            return None;
        }
        let found = indexed(&|value| self.operation(value), address)?;
        let aligned = 1i64 << self.shapes.fact(found.steps[1]).lanes_align.min(62) >= bytes;
        let has_base = matches!(self.at_hand.get(&found.base), Some(Repr::Uniform(_)));
        (aligned && has_base).then_some(found)
    }

    /// The elements that the lanes access, where that is better than to list their addresses.
    pub fn indices(&mut self, access: Access, address: Value, offset: i64) -> Option<Indices> {
        let is_fit = !self.unit.quick && !self.unit.outline && self.unit.target.gathers() && !access.is_whole();
        let found = self.indexed(access, address, offset).filter(|_| is_fit)?;
        let index = self.at_hand.get(&found.index).map(|repr| self.to_vector(*repr, Type::I32))?;
        let ir = self.ir;
        let base = ir.add(self.uniform(found.base), self.i64(offset as u64));
        let bytes = found.element_bytes;
        if found.signed || self.shapes.fact(found.index).range.0 >= 0 {
            return Some(Indices { base, index, bytes });
        }
        // The processor takes indices for numbers with a sign: they count from the middle.
        let middle = self.i64(SIGN * u64::from(bytes));
        let index = ir.bin(Bin::Xor, index, ir.constant(ir.type_of(index), SIGN));
        Some(Indices { base: ir.add(base, middle), index, bytes })
    }

    /// The addresses of elements, moved by some bytes, as pointers.
    pub fn element_pointers(&self, indices: Indices, moved: u32) -> Val {
        let ir = self.ir;
        let base = ir.cast(Cast::IntToPtr, ir.add(indices.base, self.i64(moved.into())), ir.ptr());
        let index = ir.cast(Cast::SExt, indices.index, ir.vector(ir.int(64), self.lanes()));
        ir.element_pointer(ir.int(8 * indices.bytes), base, index)
    }

    /// The addresses of elements as numbers.
    pub fn element_addresses(&self, indices: Indices) -> Val {
        let pointers = self.element_pointers(indices, 0);
        self.ir.cast(Cast::PtrToInt, pointers, self.ir.vector(self.ir.int(64), self.lanes()))
    }

    /// Whether elements may lie where nothing faults that is not theirs, or are misaligned: by their base.
    pub fn is_bad_base(&mut self, access: Access, found: &Indexed) -> Val {
        let ir = self.ir;
        let base = self.uniform(found.base);
        let start = self.launch_i64(offset_of!(LaunchContext, bases_start));
        let last = self.launch_i64(offset_of!(LaunchContext, bases_last));
        let outside = ir.icmp(IntPredicate::LLVMIntUGT, ir.sub(base, start), last);
        if 1u64 << self.shapes.fact(found.base).lanes_align.min(62) >= u64::from(access.align()) {
            return outside;
        }
        self.or_misaligned(outside, access.align(), base)
    }

    /// For each lane, whether an access to shared memory at a word is bad, which is extended to the address: half as many vectors as the
    /// addresses take. Shared memory is far smaller than what a word with a sign counts.
    pub fn is_bad_word(&self, access: Access, address: Value, offset: i64) -> Option<Val> {
        let bytes = i64::from(access.bytes());
        let Op::Extend { signed, from: Type::I32, to: Type::I64, a } = *self.operation(address)? else {
            return None;
        };
        let is_near = if signed { offset.unsigned_abs() < SIGN / 2 } else { (0..SIGN as i64).contains(&offset) };
        if access.space != AddressSpace::Shared || !is_near || offset % bytes != 0 {
            return None;
        }
        let word = self.at_hand.get(&a).map(|repr| self.to_vector(*repr, Type::I32))?;
        let ir = self.ir;
        let long = ir.int(64);
        // What is below zero by its sign comes back by the offset, if that is added to the word.
        let (at, beyond) = match signed && offset != 0 {
            true => (ir.add(word, ir.constant(ir.type_of(word), offset as u64)), 0),
            false => (word, offset),
        };
        let size = ir.cast(Cast::ZExt, self.launch_i32(offset_of!(LaunchContext, shared_bytes)), long);
        // How many words are good: none, if the memory is smaller than what is accessed.
        let good = ir.sub(size, self.i64((beyond + bytes - 1) as u64));
        let good = ir.intrinsic("llvm.smax", &[long], &[good, self.i64(0)]);
        let good = ir.splat(ir.cast(Cast::Trunc, good, ir.int(32)), self.lanes());
        let outside = ir.icmp(IntPredicate::LLVMIntUGE, at, good);
        match 1i64 << self.shapes.fact(a).lanes_align.min(62) >= bytes {
            true => Some(outside),
            false => Some(self.or_misaligned(outside, access.bytes(), word)),
        }
    }

    /// As [`FunctionEmitter::examine`]. The addresses are made in a function of their own, lest what makes them be shared with the access,
    /// which does without.
    pub fn examine_indices(&mut self, access: Access, indices: Indices) {
        let helper = self.examine_indices_helper(indices.bytes);
        let [lanes, line, details] = self.examined(access);
        let arguments = [self.launch, self.warp, lanes, indices.base, indices.index, line, details];
        let verdict = self.ir.call(helper, &arguments);
        let faulted = self.ir.icmp(IntPredicate::LLVMIntNE, verdict, self.i32(0));
        self.leave_by_fault(faulted);
    }

    /// `(launch, warp, lanes, base, index, line, details) -> verdict`, of elements of so many bytes.
    fn examine_indices_helper(&self, bytes: u32) -> Fun {
        let name = format!("examine_indices{bytes}");
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let examine = self.examine_helper();
        let ir = self.ir;
        let (word, long) = (ir.int(32), ir.int(64));
        let index = ir.vector(word, self.lanes());
        let ty = ir.function_type(word, &[ir.ptr(), ir.ptr(), self.mask_int(), long, index, word, word]);
        let fun = self.add_cold_helper(&name, ty);
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let [launch, warp, lanes, base, index, line, details] = [0, 1, 2, 3, 4, 5, 6].map(|i| ir.parameter(fun, i));
        let addresses = self.element_addresses(Indices { base, index, bytes });
        ir.ret(ir.call(examine, &[launch, warp, lanes, addresses, line, details]));
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }

    /// The shape code of elements of so many bytes in the warp's context.
    pub fn indexed_code(indices: Indices) -> u32 {
        ACCESS_INDEXED + indices.bytes.trailing_zeros()
    }
}
