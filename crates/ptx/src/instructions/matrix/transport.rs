//! `ldmatrix`, `stmatrix`, `movmatrix` (PTX ISA 9.7.14.5.15 to 9.7.14.5.17): matrices of eight rows of 16 bytes.
//!
//! Lane `8j + r` says where row `r` of matrix `j` is. Of the matrix in a register, lane `4r + c` holds bytes `4c..4c + 4` of row
//! `r`; of a transposed one, elements `2c` and `2c + 1` of column `r`.

use simt_ir::{BinaryOp, Op, ShuffleMode, Type, Value};

use super::layout::{LanePlace, at, load, number, store};
use super::{registers, write_registers};
use crate::check::Checked;
use crate::instructions::memory::{Target, bracketed, target};
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &["ldmatrix.sync.aligned.SHAPE{m8n8}.COUNT{x1 x2 x4}.trans?.SPACE{shared shared::cta}?.T{b16} \
                  =r:any, [p] @6.5 sm_75"],
        guarding: Guarding::Region,
        lower: load_matrix,
    },
    Declaration {
        forms: &["stmatrix.sync.aligned.SHAPE{m8n8}.COUNT{x1 x2 x4}.trans?.SPACE{shared shared::cta}?.T{b16} \
                  [p], r:any @7.8 sm_90"],
        guarding: Guarding::Region,
        lower: store_matrix,
    },
    Declaration {
        forms: &["movmatrix.sync.aligned.m8n8.trans.b16 =d:b32, a:b32 @7.8 sm_75"],
        guarding: Guarding::Region,
        lower: transpose,
    },
];

/// The value that lane `lane` has.
pub(super) fn from_lane(cx: &mut Lowering<'_>, value: Value, lane: Value) -> Value {
    let (clamp, members) = (cx.word(31), cx.word(u32::MAX));
    let results = cx.builder.push(Op::Shuffle { mode: ShuffleMode::Index, value, lane, clamp, members });
    results[0]
}

/// Where rows of matrices are: the address that each lane gives, in its two halves.
struct Rows {
    target: Target,
    low: Value,
    high: Value,
}

impl Rows {
    fn new(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<Self, Problem> {
        let target = target(cx, i.slot("SPACE"), bracketed(i, "p")?)?;
        let address = cx.add_offset(target.address, target.offset);
        let low = cx.resize(false, Type::I32, address);
        let high = cx.shift_right_by(false, address, 32);
        let high = cx.resize(false, Type::I32, high);
        Ok(Self { target, low, high })
    }

    /// The address of byte `byte`, an `i64`, of the row that lane `lane` points at.
    fn at(&self, cx: &mut Lowering<'_>, lane: Value, byte: Value) -> Target {
        let low = from_lane(cx, self.low, lane);
        let row = if self.target.space == simt_ir::AddressSpace::Shared {
            cx.resize(false, Type::I64, low)
        } else {
            let high = from_lane(cx, self.high, lane);
            cx.pack(&[low, high])
        };
        let address = cx.binary(BinaryOp::Add, row, byte);
        at(self.target.space, address)
    }
}

fn count(i: &Checked<'_>) -> u32 {
    match i.slot("COUNT") {
        Some("x2") => 2,
        Some("x4") => 4,
        _ => 1,
    }
}

/// `value + constant`, of lane numbers.
fn plus(cx: &mut Lowering<'_>, value: Value, constant: u32) -> Value {
    cx.binary_constant(BinaryOp::Add, value, u64::from(constant))
}

/// The places of the parts of matrix `index` that a lane holds: one of 32 bits, or two of 16.
fn places(cx: &mut Lowering<'_>, rows: &Rows, place: LanePlace, index: u32, transposed: bool) -> Vec<Target> {
    if !transposed {
        let lane = plus(cx, place.group, 8 * index);
        let byte = number(cx, place.in_group, 4, 0);
        return vec![rows.at(cx, lane, byte)];
    }
    let byte = number(cx, place.group, 2, 0);
    let first = cx.shift_left_by(place.in_group, 1);
    [0, 1]
        .map(|part| {
            let lane = plus(cx, first, 8 * index + part);
            rows.at(cx, lane, byte)
        })
        .to_vec()
}

fn load_matrix(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let rows = Rows::new(cx, i)?;
    let place = LanePlace::new(cx);
    let mut values = Vec::new();
    for index in 0..count(i) {
        let places = places(cx, &rows, place, index, i.has("trans"));
        values.push(match places[..] {
            [whole] => load(cx, whole, Type::I32),
            _ => {
                let parts: Vec<Value> = places.iter().map(|place| load(cx, *place, Type::I16)).collect();
                cx.pack(&parts)
            }
        });
    }
    write_registers(cx, i, "r", &values)
}

fn store_matrix(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let values = registers(cx, i, "r", Type::I32, count(i) as usize)?;
    let rows = Rows::new(cx, i)?;
    let place = LanePlace::new(cx);
    for (index, value) in values.into_iter().enumerate() {
        let places = places(cx, &rows, place, index as u32, i.has("trans"));
        match places[..] {
            [whole] => store(cx, whole, Type::I32, value),
            _ => {
                let parts = cx.unpack(value, 2);
                for (place, part) in places.iter().zip(parts) {
                    store(cx, *place, Type::I16, part);
                }
            }
        }
    }
    Ok(())
}

/// Elements `2c` and `2c + 1` of row `r` of the result are in rows `2c` and `2c + 1` of the source, in column `r`.
fn transpose(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let value = cx.source(i, "a")?;
    let place = LanePlace::new(cx);
    let column = cx.shift_right_by(false, place.group, 1);
    let odd = cx.binary_constant(BinaryOp::And, place.group, 1);
    let shift = cx.shift_left_by(odd, 4);
    let parts = [0, 1].map(|part| {
        let row = cx.shift_left_by(place.in_group, 3);
        let row = plus(cx, row, 4 * part);
        let lane = cx.binary(BinaryOp::Add, row, column);
        let pair = from_lane(cx, value, lane);
        let element = cx.binary(BinaryOp::ShrUnsigned, pair, shift);
        cx.resize(false, Type::I16, element)
    });
    let d = cx.pack(&parts);
    cx.write(i, "d", d)
}
