//! Products of doubles that are rounded in a direction: seldom, and so made of shuffles and fused multiplications.

use simt_ir::{BinaryOp, MatrixProduct, Type, Value};

use super::layout::LanePlace;
use super::transport::from_lane;
use crate::lowering::{FloatModifiers, Lowering};

/// What each lane gets of the product of doubles, arranged in groups of four lanes, each step rounded as `modifiers` say.
pub(super) fn multiply(
    cx: &mut Lowering<'_>,
    modifiers: FloatModifiers,
    product: &MatrixProduct,
    [a, b, c]: [&[Value]; 3],
) -> Vec<Value> {
    let place = LanePlace::new(cx);
    let first_of_group = cx.shift_left_by(place.group, 2);
    let first_column = cx.shift_left_by(place.in_group, 3);
    let halves = |cx: &mut Lowering<'_>, registers: &[Value]| -> Vec<Vec<Value>> {
        registers.iter().map(|register| cx.unpack(*register, 2)).collect()
    };
    let (a, b) = (halves(cx, a), halves(cx, b));
    let row_blocks = product.m / 8;
    let mut sums = c.to_vec();
    for k in 0..product.k {
        let (step, lane_in_group) = (k / 4, u64::from(k % 4));
        let lane = cx.binary_constant(BinaryOp::Add, first_of_group, lane_in_group);
        let lefts: Vec<Value> =
            (0..row_blocks).map(|block| double_from(cx, &a[(step * row_blocks + block) as usize], lane)).collect();
        // A column of B is with four lanes, and a lane has sums of two columns.
        let rights: Vec<Value> = [0, 4]
            .into_iter()
            .map(|next| {
                let lane = cx.binary_constant(BinaryOp::Add, first_column, next + lane_in_group);
                double_from(cx, &b[step as usize], lane)
            })
            .collect();
        for (register, sum) in sums.iter_mut().enumerate() {
            *sum = cx.fma(modifiers, lefts[register / 2], rights[register % 2], *sum);
        }
    }
    sums
}

/// The double of another lane, whose halves are given.
fn double_from(cx: &mut Lowering<'_>, halves: &[Value], lane: Value) -> Value {
    let parts: Vec<Value> = halves.iter().map(|half| from_lane(cx, *half, lane)).collect();
    let bits = cx.pack(&parts);
    cx.bitcast(Type::F64, bits)
}
