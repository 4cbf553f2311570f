//! Shared memory of the other blocks of a cluster: it lies one after the other, by rank.

use std::mem::offset_of;

use simt_ir::Value;
use simt_ir::abi::{LaunchContext, SHARED_ALIGN};

use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bin, Cast, IntPredicate, Val};

impl FunctionEmitter<'_> {
    /// Rank of the block in its cluster: an `i32`.
    pub fn cluster_rank(&self) -> Val {
        let [x, y, z] = [0, 1, 2].map(|index| self.cluster_quotient(index, true));
        let [nx, ny] = [0, 1].map(|index| self.launch_i32(offset_of!(LaunchContext, cluster) + 4 * index));
        self.ir.add(x, self.ir.mul(nx, self.ir.add(y, self.ir.mul(ny, z))))
    }

    /// Bytes from the shared memory of one block to that of the next: an `i64`.
    fn shared_stride(&self) -> Val {
        let bytes = self.launch_i32(offset_of!(LaunchContext, shared_bytes));
        let bytes = self.ir.cast(Cast::ZExt, bytes, self.ir.int(64));
        let above = self.ir.add(bytes, self.i64(SHARED_ALIGN - 1));
        self.ir.and(above, self.i64(!(SHARED_ALIGN - 1)))
    }

    pub fn map_to_rank(&mut self, a: Value, rank: Value, result: Value) -> Result<(), Error> {
        let ir = self.ir;
        let (address, rank) = (self.vector(a), self.vector(rank));
        let distance = ir.sub(rank, ir.splat(self.cluster_rank(), LANES));
        let distance = ir.cast(Cast::SExt, distance, ir.vector(ir.int(64), LANES));
        let moved = ir.add(address, ir.mul(distance, ir.splat(self.shared_stride(), LANES)));
        self.define_vector(result, moved);
        Ok(())
    }

    pub fn rank_of(&mut self, a: Value, result: Value) -> Result<(), Error> {
        let ir = self.ir;
        let stride = self.shared_stride();
        let own = ir.cast(Cast::PtrToInt, self.shared_base(), ir.int(64));
        let rank = ir.cast(Cast::ZExt, self.cluster_rank(), ir.int(64));
        let first = ir.sub(own, ir.mul(rank, stride));
        let distance = ir.sub(self.vector(a), ir.splat(first, LANES));
        // A kernel without shared memory has no stride.
        let some = ir.intrinsic("llvm.umax", &[ir.int(64)], &[stride, self.i64(1)]);
        let quotient = ir.bin(Bin::UDiv, distance, ir.splat(some, LANES));
        let word = ir.type_of(quotient);
        let too_large = ir.icmp(IntPredicate::LLVMIntUGT, quotient, ir.constant(word, u64::from(u32::MAX)));
        let narrow = ir.cast(Cast::Trunc, quotient, ir.vector(ir.int(32), LANES));
        let none = ir.constant(ir.type_of(narrow), u64::from(u32::MAX));
        self.define_vector(result, ir.select(too_large, none, narrow));
        Ok(())
    }
}
