//! The kernel as the engine calls one that never waits: a function for one warp, and the loops over blocks and warps around it.

use std::mem::offset_of;

use simt_ir::abi::{LaunchContext, WarpContext};
use simt_ir::analysis::Shapes;
use simt_ir::{AddressSpace, Function, Op};

use super::Unit;
use super::kernel::{Coordinates, ENTRY_NAME, describe, new_emitter};
use crate::Error;
use crate::llvm::{Bin, Cast, Fun, IntPredicate};

/// How many threads side by side go on to the next row together: four bytes a thread, they are half a kilobyte of each row of memory.
const ROW_THREADS: u32 = 128;

/// The kernel as `simt_ir::abi::RunBlocks`.
pub fn emit_block_entry(unit: &Unit<'_>, kernel: &Function, shapes: Shapes) -> Result<(), Error> {
    let ir = unit.ir;
    let word = ir.int(32);
    let body_ty = ir.function_type(word, &[ir.ptr(), ir.ptr(), word, word, word, word]);
    let body = ir.add_function("warp", body_ty, true);
    describe(ir, body);
    ir.add_attribute(body, u32::MAX, "alwaysinline");
    let side_by_side = blocks_side_by_side(unit, kernel, &shapes);
    let emitter = new_emitter(unit, kernel, body, shapes);
    ir.position(emitter.slots);
    let parameter = |index: u32| ir.parameter(body, index);
    let coordinates = Coordinates { block_index: [2, 3, 4].map(parameter), warp_index: parameter(5) };
    emitter.emit(coordinates, None, &[])?;
    emit_block_loop(unit, body, side_by_side);
    Ok(())
}

/// How many blocks, neighbours in x, are computed together: the first warp of each, then the second of each. Where a block is narrow and has several rows of
/// threads, and each thread does its part and ends, as in a stencil, so the rows of memory are read in longer pieces, which the processor fetches ahead. Blocks have no
/// order; these have no shared memory and tell nobody of their order either.
fn blocks_side_by_side(unit: &Unit<'_>, kernel: &Function, shapes: &Shapes) -> u32 {
    let Some([x, y, z]) = unit.block else { return 1 };
    let is_plain = |op: &Op| match op {
        Op::Load { space, .. } | Op::Store { space, .. } => {
            matches!(space, AddressSpace::Global | AddressSpace::Const | AddressSpace::Param)
        }
        other => other.is_removable(),
    };
    let has_rows = x * y * z > unit.lanes && y * z > 1;
    let is_straight = shapes.schedule.layout.loops.is_empty();
    let mut instructions = kernel.blocks.iter().flat_map(|block| &block.instructions);
    let is_eligible = has_rows && is_straight && unit.instrumentation.is_none();
    if is_eligible && instructions.all(|instruction| is_plain(&instruction.op)) { (ROW_THREADS / x).max(1) } else { 1 }
}

fn emit_block_loop(unit: &Unit<'_>, body: Fun, side_by_side: u32) {
    let ir = unit.ir;
    let (word, long) = (ir.int(32), ir.int(64));
    let fun = ir.add_function(ENTRY_NAME, ir.function_type(word, &[ir.ptr(), ir.ptr(), long, long]), false);
    describe(ir, fun);
    let [launch, warp, first, count] = [0, 1, 2, 3].map(|index| ir.parameter(fun, index));
    let [entry, blocks, warps, each, next_each, next_warp, next_block, done, faulted] =
        ["entry", "blocks", "warps", "each", "next_each", "next_warp", "next_block", "done", "faulted"]
            .map(|name| ir.append_block(fun, name));
    let launch_word = |offset: usize| ir.load_invariant(word, ir.offset_by(launch, offset), 4);
    let number = |value: u64| ir.constant(word, value);

    ir.position(entry);
    let grid = [0, 4].map(|part| launch_word(offset_of!(LaunchContext, grid) + part));
    let threads = match unit.block {
        Some(block) => number(u64::from(block.iter().product::<u32>())),
        None => {
            let [x, y, z] = [0, 4, 8].map(|part| launch_word(offset_of!(LaunchContext, block) + part));
            ir.mul(x, ir.mul(y, z))
        }
    };
    let lanes_bits = u64::from(unit.lanes.trailing_zeros());
    let warp_count = ir.bin(Bin::LShr, ir.add(threads, number(u64::from(unit.lanes) - 1)), number(lanes_bits));
    let wide = grid.map(|size| ir.cast(Cast::ZExt, size, long));
    let row = ir.bin(Bin::UDiv, first, wide[0]);
    let start = [ir.bin(Bin::URem, first, wide[0]), ir.bin(Bin::URem, row, wide[1]), ir.bin(Bin::UDiv, row, wide[1])]
        .map(|index| ir.cast(Cast::Trunc, index, word));
    ir.cond_br(ir.icmp(IntPredicate::LLVMIntEQ, count, ir.constant(long, 0)), done, blocks);

    ir.position(blocks);
    let left = ir.phi(long, &[(count, entry)]);
    let index = start.map(|value| ir.phi(word, &[(value, entry)]));
    let block_word = |part: usize| ir.offset_by(warp, offset_of!(WarpContext, block_index) + 4 * part);
    (0..3).for_each(|part| _ = ir.store(index[part], block_word(part), 4));
    // Those that are done together are of one row of the grid.
    let together = (side_by_side > 1).then(|| {
        let min = |ty, a, b| ir.intrinsic("llvm.umin", &[ty], &[a, b]);
        let in_row = ir.sub(grid[0], index[0]);
        let most = min(word, in_row, number(side_by_side.into()));
        ir.cast(Cast::Trunc, min(long, left, ir.cast(Cast::ZExt, most, long)), word)
    });
    ir.br(warps);

    ir.position(warps);
    let warp_index = ir.phi(word, &[(number(0), blocks)]);
    ir.store(warp_index, ir.offset_by(warp, offset_of!(WarpContext, warp_index)), 4);
    ir.br(each);

    ir.position(each);
    let offset = ir.phi(word, &[(number(0), warps)]);
    let x = match together {
        Some(_) => {
            let x = ir.add(index[0], offset);
            ir.store(x, block_word(0), 4);
            x
        }
        None => index[0],
    };
    ir.store(number(0), ir.offset_by(warp, offset_of!(WarpContext, exited)), 4);
    let status = ir.call(body, &[launch, warp, x, index[1], index[2], warp_index]);
    ir.unlikely_br(ir.icmp(IntPredicate::LLVMIntNE, status, number(0)), faulted, next_each);

    ir.position(next_each);
    let done_together = together.unwrap_or_else(|| number(1));
    let further = ir.add(offset, number(1));
    ir.add_incoming(offset, &[(further, next_each)]);
    ir.cond_br(ir.icmp(IntPredicate::LLVMIntULT, further, done_together), each, next_warp);

    ir.position(next_warp);
    let next = ir.add(warp_index, number(1));
    ir.add_incoming(warp_index, &[(next, next_warp)]);
    ir.cond_br(ir.icmp(IntPredicate::LLVMIntULT, next, warp_count), warps, next_block);

    ir.position(next_block);
    // The next block: x fastest, carrying into y and z.
    let x = ir.add(index[0], done_together);
    let x_over = ir.icmp(IntPredicate::LLVMIntEQ, x, grid[0]);
    let y = ir.add(index[1], ir.cast(Cast::ZExt, x_over, word));
    let y_over = ir.icmp(IntPredicate::LLVMIntEQ, y, grid[1]);
    let z = ir.add(index[2], ir.cast(Cast::ZExt, y_over, word));
    let following = [ir.select(x_over, number(0), x), ir.select(y_over, number(0), y), z];
    for (phi, value) in index.iter().zip(following) {
        ir.add_incoming(*phi, &[(value, next_block)]);
    }
    let rest = ir.sub(left, ir.cast(Cast::ZExt, done_together, long));
    ir.add_incoming(left, &[(rest, next_block)]);
    ir.cond_br(ir.icmp(IntPredicate::LLVMIntEQ, rest, ir.constant(long, 0)), done, blocks);

    for (end, status) in [(done, number(0)), (faulted, status)] {
        ir.position(end);
        if unit.streamed.get() {
            ir.intrinsic("llvm.x86.sse.sfence", &[], &[]);
        }
        ir.ret(status);
    }
}
