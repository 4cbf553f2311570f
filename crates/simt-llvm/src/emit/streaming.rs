//! Stores past the caches: of launches that write more than the nearest caches hold.
//!
//! A plain store has its line read from memory first, though all of it is written over. A streaming store (`movnt`) of a whole line does without, which
//! saves a third of what a copy moves, and where a block writes short pieces of many rows, waiting too. But what is written is not in a cache then for
//! whoever reads it next; so this is done only where a launch writes so much that most of it would not be there either.
//!
//! Such stores are not ordered with others that follow. Kernels have them that tell nobody while they run what they have written: without atomics,
//! fences and accesses stronger than weak. Before the engine hears that blocks are done there is a fence (`sfence`).

use std::collections::HashSet;
use std::mem::offset_of;

use simt_ir::abi::LaunchContext;
use simt_ir::{AddressSpace, MemoryOrder, Op, Program};

use super::FunctionEmitter;
use super::memory::Access;
use super::prefetch::CACHE_LINE_BYTES;
use crate::llvm::{Bin, Cast, IntPredicate, Val};

/// What the threads of a launch write, at least, for that to go past the caches: more than the caches of a few cores.
const STREAM_BYTES_MIN: u64 = 32 << 20;

/// What each thread of a kernel stores to global memory, in bytes, if all its stores may go past the caches: it says nothing to other blocks while it
/// runs, and does not write where it reads.
pub(super) fn streamed_bytes(program: &Program) -> Option<u64> {
    let ops =
        || program.kernel().blocks.iter().flat_map(|block| &block.instructions).map(|instruction| &instruction.op);
    let is_plain = |op: &Op| match op {
        Op::Store { order, .. } => *order == MemoryOrder::Weak,
        Op::Barrier { .. } | Op::Mark { .. } => true,
        other => other.is_removable(),
    };
    let read: HashSet<_> = ops()
        .filter_map(|op| match op {
            Op::Load { space: AddressSpace::Global, address, .. } => Some(*address),
            _ => None,
        })
        .collect();
    let updates =
        |op: &Op| matches!(op, Op::Store { space: AddressSpace::Global, address, .. } if read.contains(address));
    let bytes = ops().map(|op| match op {
        Op::Store { space: AddressSpace::Global, ty, values, .. } => u64::from(ty.bytes()) * values.len() as u64,
        _ => 0,
    });
    (ops().all(is_plain) && !ops().any(updates)).then(|| bytes.sum())
}

impl FunctionEmitter<'_> {
    /// Stores vectors of all lanes past the caches where that is worth it and each begins with a line, and otherwise as `plainly` does.
    pub fn store_streaming(&mut self, access: Access, pieces: &[(Val, Val)], plainly: impl FnOnce(&mut Self)) {
        let Some(streams) = self.streams(access, pieces) else { return plainly(self) };
        let [past, through, join] = ["stream", "store", "stored"].map(|name| self.new_block(name));
        self.ir.cond_br(streams, past, through);
        self.ir.position(past);
        for (vector, pointer) in pieces {
            let store = self.ir.store(*vector, *pointer, CACHE_LINE_BYTES);
            self.ir.set_nontemporal(store);
            // Or LLVM would make one of this store and the plain one.
            self.ir.set_volatile(store);
        }
        self.ir.br(join);
        self.ir.position(through);
        plainly(self);
        self.ir.br(join);
        self.ir.position(join);
        self.unit.streamed.set(true);
    }

    /// Whether stores go past the caches, if they may.
    fn streams(&self, access: Access, pieces: &[(Val, Val)]) -> Option<Val> {
        let ir = self.ir;
        let piece_bytes = self.lanes() * access.bytes() / pieces.len() as u32;
        let may = access.space == AddressSpace::Global
            && self.mask == self.all_lanes()
            && piece_bytes.is_multiple_of(CACHE_LINE_BYTES);
        let threads: u64 = self.unit.block.filter(|_| may)?.iter().map(|size| u64::from(*size)).product();
        let block_bytes = threads * self.unit.streamed_bytes?;
        let long = ir.int(64);
        let blocks = [0, 4, 8].map(|part| {
            let field = ir.offset_by(self.launch, offset_of!(LaunchContext, grid) + part);
            ir.cast(Cast::ZExt, ir.load_invariant(ir.int(32), field, 4), long)
        });
        let blocks = blocks.into_iter().reduce(|a, b| ir.mul(a, b)).expect("a grid has dimensions");
        let is_much =
            ir.icmp(IntPredicate::LLVMIntUGE, blocks, self.i64(STREAM_BYTES_MIN.div_ceil(block_bytes.max(1))));
        let places = pieces.iter().map(|(_, pointer)| ir.cast(Cast::PtrToInt, *pointer, long));
        let places = places.reduce(|a, b| ir.or(a, b))?;
        let within = ir.bin(Bin::And, places, self.i64(u64::from(CACHE_LINE_BYTES) - 1));
        Some(ir.and(is_much, ir.icmp(IntPredicate::LLVMIntEQ, within, self.i64(0))))
    }
}
