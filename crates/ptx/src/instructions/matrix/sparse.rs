//! `mma.sp` (PTX ISA 9.7.14.6): half of the elements of A are zero and left out, and metadata say which; so it is with
//! `wgmma.mma_async.sp` (9.7.15.6) for the rows of each warp.
//!
//! The whole A is made of what is kept, and multiplied as by `mma`. A row falls into chunks: of four units of which two are kept, or
//! of two words of which one is. A unit is an element of 8 or 16 bits or a pair of elements of 4 bits. Each chunk has four bits of
//! metadata: the positions of the two units in the chunk; for words those of their halves.

use simt_ir::{BinaryOp, IntCondition, MatrixProduct, Type, Value};

use super::layout::LanePlace;
use super::mma::product;
use super::transport::from_lane;
use super::{multiply, registers, write_registers};
use crate::check::Checked;
use crate::instructions::memory::constant_operand;
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[Declaration {
    forms: &[
        "mma.SP{sp sp::ordered_metadata}.sync.aligned.SHAPE{m16n8k16 m16n8k32}.row.col.D{f16 f32}.A{f16}.B{f16}\
         .C{f16 f32} =d:any, a:any, b:any, c:any, e:b32, #f:u32 @7.1 sm_80",
        "mma.SP{sp sp::ordered_metadata}.sync.aligned.SHAPE{m16n8k16 m16n8k32}.row.col.D{f32}.A{bf16}.B{bf16}\
         .C{f32} =d:any, a:any, b:any, c:any, e:b32, #f:u32 @7.1 sm_80",
        "mma.SP{sp sp::ordered_metadata}.sync.aligned.SHAPE{m16n8k8 m16n8k16}.row.col.D{f32}.A{tf32}.B{tf32}\
         .C{f32} =d:any, a:any, b:any, c:any, e:b32, #f:u32 @7.1 sm_80",
        "mma.SP{sp sp::ordered_metadata}.sync.aligned.SHAPE{m16n8k32 m16n8k64}.row.col.satfinite?.D{s32}.A{u8 s8}\
         .B{u8 s8}.C{s32} =d:any, a:any, b:any, c:any, e:b32, #f:u32 @7.1 sm_80",
        "mma.SP{sp sp::ordered_metadata}.sync.aligned.SHAPE{m16n8k64 m16n8k128}.row.col.satfinite?.D{s32}.A{u4 s4}\
         .B{u4 s4}.C{s32} =d:any, a:any, b:any, c:any, e:b32, #f:u32 @7.1 sm_80",
        "mma.SP{sp sp::ordered_metadata}.sync.aligned.SHAPE{m16n8k64}.row.col.D{f16 f32}.A{e4m3 e5m2}.B{e4m3 e5m2}\
         .C{f16 f32} =d:any, a:any, b:any, c:any, e:b32, #f:u32 @8.4 sm_89",
    ],
    guarding: Guarding::Region,
    lower: sparse_mma,
}];

fn sparse_mma(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let Some(product) = product(i) else { return Problem::invalid("this product has no shape") };
    let kept = registers(cx, i, "a", product.a.register(), product.a_registers() / 2)?;
    let b = registers(cx, i, "b", product.b.register(), product.b_registers())?;
    let c = registers(cx, i, "c", product.c.register(), product.sum_registers(product.c))?;
    let a = expand_a(cx, i, &product, &kept)?;
    let d = multiply(cx, i, product, &a, &b, &c);
    write_registers(cx, i, "d", &d)
}

/// All registers of A, of those that are `kept`, as the metadata `e` and their selector `f` say.
pub(super) fn expand_a(
    cx: &mut Lowering<'_>,
    i: &Checked<'_>,
    product: &MatrixProduct,
    kept: &[Value],
) -> Result<Vec<Value>, Problem> {
    let metadata = cx.source(i, "e")?;
    let chunks = Chunks { unit_bits: product.a.bits().max(8), columns: kept.len() as u32 };
    let selector = constant_operand(i, "f").and_then(|selector| u32::try_from(selector).ok());
    let Some(selector) = selector.filter(|selector| *selector < chunks.selectors()) else {
        return Problem::invalid(format!("the selector of the metadata is below {}", chunks.selectors()));
    };
    Ok(expand(cx, &chunks, kept, metadata, selector))
}

/// How the elements of A are left out.
struct Chunks {
    /// Bits of what is kept or not.
    unit_bits: u32,
    /// Registers of the whole A for each of the two rows that a lane has.
    columns: u32,
}

impl Chunks {
    /// Lanes of a group of four that hold metadata.
    fn lanes(&self) -> u32 {
        if self.unit_bits == 8 { self.columns } else { self.columns / 2 }
    }

    /// How many sets of such lanes there are.
    fn selectors(&self) -> u32 {
        4 / self.lanes().clamp(1, 4)
    }

    /// For a register of A: the lane of its group that holds the metadata, and which four bits there, where those of lane 0 of the
    /// group begin.
    fn metadata(&self, column: u32, half: u32) -> (u32, u32) {
        match self.unit_bits {
            8 => (half + 2 * (column / 2), 4 * (column % 2)),
            _ => (column / 2, 4 * half + 2 * (column % 2)),
        }
    }
}

/// All registers of A.
fn expand(cx: &mut Lowering<'_>, chunks: &Chunks, kept: &[Value], metadata: Value, selector: u32) -> Vec<Value> {
    let place = LanePlace::new(cx);
    let first_lane = cx.shift_left_by(place.group, 2);
    let pair = cx.shift_right_by(false, place.in_group, 1);
    let odd = cx.binary_constant(BinaryOp::And, place.in_group, 1);
    let mut all = Vec::new();
    for (column, half) in (0..chunks.columns).flat_map(|column| [(column, 0), (column, 1)]) {
        // Two lanes of the whole A share a lane of what is kept.
        let source = cx.binary_constant(BinaryOp::Add, first_lane, u64::from(2 * (column % 2)));
        let source = cx.binary(BinaryOp::Add, source, pair);
        let word = from_lane(cx, kept[(column / 2 * 2 + half) as usize], source);
        let (lane, first) = chunks.metadata(column, half);
        let lane = u64::from(selector * chunks.lanes() + lane);
        let holder = cx.binary_constant(BinaryOp::Add, first_lane, lane);
        let held = from_lane(cx, metadata, holder);
        let index = if chunks.unit_bits == 8 { place.in_group } else { pair };
        let index = cx.binary_constant(BinaryOp::Add, index, u64::from(first));
        let shift = cx.shift_left_by(index, 2);
        let positions = cx.binary(BinaryOp::ShrUnsigned, held, shift);
        all.push(match chunks.unit_bits {
            32 => expand_word(cx, word, positions, odd),
            16 => expand_halves(cx, word, positions, odd),
            _ => expand_bytes(cx, word, positions, odd),
        });
    }
    all
}

/// A word, if it is the one of two that is kept.
fn expand_word(cx: &mut Lowering<'_>, word: Value, positions: Value, odd: Value) -> Value {
    let kept = cx.shift_right_by(false, positions, 1);
    let kept = cx.binary_constant(BinaryOp::And, kept, 1);
    let is_kept = cx.compare(IntCondition::Eq, kept, odd);
    let zero = cx.word(0);
    cx.select(is_kept, word, zero)
}

/// Two of four halves: the first two in even lanes.
fn expand_halves(cx: &mut Lowering<'_>, word: Value, positions: Value, odd: Value) -> Value {
    let kept = cx.unpack(word, 2);
    let zero = cx.constant(Type::I16, 0);
    let first = cx.shift_left_by(odd, 1);
    let parts = [0, 1].map(|part| {
        let own = cx.binary_constant(BinaryOp::Add, first, part);
        [1, 0].into_iter().fold(zero, |value, index| {
            let position = cx.shift_right_by(false, positions, 2 * index);
            let position = cx.binary_constant(BinaryOp::And, position, 3);
            let is_here = cx.compare(IntCondition::Eq, position, own);
            cx.select(is_here, kept[index as usize], value)
        })
    });
    cx.pack(&parts)
}

/// Four bytes, of which two are kept: those of the low half of a word in even lanes.
fn expand_bytes(cx: &mut Lowering<'_>, word: Value, positions: Value, odd: Value) -> Value {
    let up = cx.shift_left_by(odd, 4);
    let half = cx.binary(BinaryOp::ShrUnsigned, word, up);
    let [first, second] = [0, 1].map(|index| {
        let byte = cx.shift_right_by(false, half, 8 * index);
        let byte = cx.binary_constant(BinaryOp::And, byte, 0xff);
        let position = cx.shift_right_by(false, positions, 2 * index);
        let position = cx.binary_constant(BinaryOp::And, position, 3);
        let shift = cx.shift_left_by(position, 3);
        cx.binary(BinaryOp::Shl, byte, shift)
    });
    cx.binary(BinaryOp::Or, first, second)
}
