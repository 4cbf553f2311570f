//! Instrumentation: what code compiled for an observer says of itself while it runs (`simt_ir::instrument`).
//!
//! Nothing of this is emitted otherwise. Addresses are made of whatever stands for them, so that an observer sees what each lane
//! accesses, however the access itself is done.

use std::mem::offset_of;

use simt_ir::abi::{LaunchContext, RuntimeTable, WarpContext};
use simt_ir::instrument::{Instrumentation, Mark, SEGMENT_WORDS, Site, SiteKind, SiteVariable};
use simt_ir::{AddressSpace, BinaryOp, BlockId, Function, Op, SymbolId, Value};

use super::memory::Access;
use super::{FunctionEmitter, LANES};
use crate::llvm::{Bin, Cast, Fun, IntPredicate, Val};

impl FunctionEmitter<'_> {
    /// An instruction of the program begins here: one more of its segment, or the first of a new one.
    pub fn mark(&mut self, mark: Mark) {
        let Some(instrumentation) = &self.unit.instrumentation else { return };
        if let Some(segment) = self.segment {
            instrumentation.borrow_mut().segments[segment].push(mark);
            return;
        }
        self.segment = Some(self.new_segment(vec![mark], self.mask, false));
    }

    /// Counts the marks of a block that is not run, because all it does is to end its threads: for the lanes that would have run it.
    pub fn mark_ending(&self, block: BlockId, lanes: Val) {
        let instructions = &self.function.block(block).instructions;
        let marks: Vec<Mark> = instructions.iter().filter_map(mark_of).collect();
        if self.unit.instrumentation.is_some() && !marks.is_empty() {
            self.new_segment(marks, lanes, true);
        }
    }

    /// A new segment, counted here for `lanes`; `perhaps_none`: there may be none.
    fn new_segment(&self, marks: Vec<Mark>, lanes: Val, perhaps_none: bool) -> usize {
        let segment = self.with_instrumentation(|instrumentation| {
            instrumentation.segments.push(marks);
            instrumentation.segments.len() - 1
        });
        let ir = self.ir;
        let tally = ir.load_aligned(ir.ptr(), self.warp_field(offset_of!(WarpContext, tally)), 8);
        let wide = |value: Val| ir.cast(Cast::ZExt, value, ir.int(64));
        let warps = if perhaps_none { wide(self.any(lanes)) } else { self.i64(1) };
        let bits = self.mask_bits(lanes);
        let threads = wide(ir.intrinsic("llvm.ctpop", &[ir.int(32)], &[bits]));
        for (index, more) in [warps, threads].into_iter().enumerate() {
            let place = ir.offset_by(tally, (segment * SEGMENT_WORDS + index) * 8);
            let sum = ir.add(ir.load_aligned(ir.int(64), place, 8), more);
            ir.store(sum, place, 8);
        }
        segment
    }

    /// Tells the observer where the active lanes are about to access memory.
    pub fn observe_access(&mut self, access: Access, address: Value, offset: i64) {
        if self.unit.instrumentation.is_none() || access.space == AddressSpace::Param {
            return;
        }
        let kind = SiteKind::Access { kind: access.kind, space: access.space, bytes: access.bytes() };
        let site = self.new_site(kind, self.variable_of(address));
        let addresses = self.ir.add(self.vector(address), self.ir.splat(self.i64(offset as u64), LANES));
        let details = access.bytes() | (access.kind as u32) << 16 | (access.runtime_space() as u32) << 24;
        let helper = self.observe_helper();
        let lanes = self.mask_bits(self.mask);
        let arguments = [self.launch, self.warp, lanes, addresses, self.i32(site), self.i32(details)];
        self.ir.call(helper, &arguments);
    }

    /// Tells the observer which of the active lanes go one way at a branch, and which another.
    pub fn observe_branch(&mut self, taken: Val) {
        if self.unit.instrumentation.is_none() {
            return;
        }
        let site = self.new_site(SiteKind::Branch, None);
        let (lanes, taken) = (self.mask_bits(self.mask), self.mask_bits(taken));
        let arguments = [self.launch, self.warp, lanes, self.i32(site), taken];
        self.call_runtime(offset_of!(RuntimeTable, observe_branch), self.ir.void(), &arguments);
    }

    /// As [`FunctionEmitter::observe_branch`], for a branch by an index: one way is that of the first active lane.
    pub fn observe_switch(&mut self, index: Val) {
        if self.unit.instrumentation.is_some() {
            let first = self.ir.splat(self.first_active(index), LANES);
            let same = self.ir.icmp(IntPredicate::LLVMIntEQ, index, first);
            self.observe_branch(self.ir.and(self.mask, same));
        }
    }

    /// Tells the observer that the active lanes arrive at a barrier.
    pub fn observe_barrier(&mut self, id: Value, threads: Option<Value>) {
        if self.unit.instrumentation.is_none() {
            return;
        }
        let id = self.wide_vector(id);
        let values = match threads {
            Some(threads) => {
                let shift = self.ir.splat(self.i64(32), LANES);
                let threads = self.wide_vector(threads);
                self.ir.or(id, self.ir.bin(Bin::Shl, threads, shift))
            }
            None => id,
        };
        self.observe_meeting(SiteKind::Barrier, values);
    }

    /// Tells the observer that the active lanes execute an operation of the lanes that their masks name.
    pub fn observe_members(&mut self, members: Value) {
        if self.unit.instrumentation.is_some() {
            let values = self.wide_vector(members);
            self.observe_meeting(SiteKind::Members, values);
        }
    }

    fn wide_vector(&mut self, value: Value) -> Val {
        let vector = self.vector(value);
        self.ir.cast(Cast::ZExt, vector, self.ir.vector(self.ir.int(64), LANES))
    }

    fn observe_meeting(&mut self, kind: SiteKind, values: Val) {
        let site = self.new_site(kind, None);
        self.ir.store(values, self.warp_field(offset_of!(WarpContext, access_addresses)), 8);
        let arguments = [self.launch, self.warp, self.mask_bits(self.mask), self.i32(site)];
        self.call_runtime(offset_of!(RuntimeTable, observe_meeting), self.ir.void(), &arguments);
    }

    /// The variable whose address an address is made of, if there is one and it has a size.
    fn variable_of(&self, address: Value) -> Option<SiteVariable> {
        let roots = self.address_roots.get_or_init(|| address_roots(self.function));
        let symbol = (*roots.get(address.0 as usize)?)?;
        let known = self.unit.program.symbols.get(symbol.0 as usize)?;
        let bytes = u32::try_from(known.size).ok().filter(|bytes| *bytes > 0)?;
        Some(SiteVariable { symbol: symbol.0, offset: known.offset, bytes })
    }

    fn new_site(&self, kind: SiteKind, variable: Option<SiteVariable>) -> u32 {
        self.with_instrumentation(|instrumentation| {
            instrumentation.sites.push(Site { line: self.line, kind, variable });
            instrumentation.sites.len() as u32 - 1
        })
    }

    fn with_instrumentation<T>(&self, change: impl FnOnce(&mut Instrumentation) -> T) -> T {
        change(&mut self.unit.instrumentation.as_ref().expect("the caller has seen to it").borrow_mut())
    }

    /// `(launch, warp, lanes, addresses, site, bytes | kind << 16 | space << 24)`: puts the addresses where the engine looks for them.
    fn observe_helper(&self) -> Fun {
        let name = "observe".to_string();
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let ir = self.ir;
        let (word, addresses) = (ir.int(32), ir.vector(ir.int(64), LANES));
        let ty = ir.function_type(word, &[ir.ptr(), ir.ptr(), word, addresses, word, word]);
        let fun = ir.add_function(&name, ty, true);
        super::kernel::describe(ir, fun);
        ir.add_attribute(fun, u32::MAX, "noinline");
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let parameter = |index: u32| ir.parameter(fun, index);
        let (launch, warp, details) = (parameter(0), parameter(1), parameter(5));
        ir.store(parameter(3), ir.offset_by(warp, offset_of!(WarpContext, access_addresses)), 8);
        let field = |shift: u32, mask: u32| ir.and(ir.bin(Bin::LShr, details, self.i32(shift)), self.i32(mask));
        let table = ir.load_aligned(ir.ptr(), ir.offset_by(launch, offset_of!(LaunchContext, runtime)), 8);
        let target = ir.load_aligned(ir.ptr(), ir.offset_by(table, offset_of!(RuntimeTable, observe_access)), 8);
        let callee = ir.function_type(ir.void(), &[ir.ptr(), ir.ptr(), word, word, word, word, word]);
        let arguments = [launch, warp, parameter(2), parameter(4), field(0, 0xffff), field(16, 0xff), field(24, 0xff)];
        ir.call_pointer(target, callee, &arguments);
        ir.ret(self.i32(0));
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }
}

/// The mark that an instruction is, if it is one.
fn mark_of(instruction: &simt_ir::Instruction) -> Option<Mark> {
    match instruction.op {
        Op::Mark { class } => Some(Mark { line: instruction.line, class }),
        _ => None,
    }
}

/// For each value the variable whose address it is made of, where the code shows that.
fn address_roots(function: &Function) -> Vec<Option<SymbolId>> {
    let mut roots: Vec<Option<SymbolId>> = Vec::new();
    for block in function.block_ids() {
        for instruction in &function.block(block).instructions {
            let root = |value: &Value| roots.get(value.0 as usize).copied().flatten();
            let found = match &instruction.op {
                Op::SymbolAddress(symbol) => Some(*symbol),
                Op::Binary { op: BinaryOp::Add, a, b, .. } => match (root(a), root(b)) {
                    (Some(symbol), None) | (None, Some(symbol)) => Some(symbol),
                    _ => None,
                },
                Op::Binary { op: BinaryOp::Sub, a, .. }
                | Op::Extend { a, .. }
                | Op::Truncate { a, .. }
                | Op::ToGeneric { a, .. }
                | Op::FromGeneric { a, .. } => root(a),
                _ => None,
            };
            if let (Some(symbol), Some(result)) = (found, instruction.results.first()) {
                let index = result.0 as usize;
                if roots.len() <= index {
                    roots.resize(index + 1, None);
                }
                roots[index] = Some(symbol);
            }
        }
    }
    roots
}
