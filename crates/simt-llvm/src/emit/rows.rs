//! Loads of which every lane reads a part of a row that another lane points at, as `ldmatrix` does: lane `l` reads at
//! `shuffle(address, source(l)) + distance(l)`, where sources and distances are known when code is made. The lanes that share a
//! source read what lies one behind the other: one vector load for each row and a permutation, where a gather would load lane by
//! lane.

use std::collections::BTreeMap;

use simt_ir::{AddressSpace, BinaryOp, BlockId, Op, ShuffleMode, SpecialRegister, Type, Value};

use super::memory::Access;
use super::notes::{AccessWay, Bounds};
use super::value::{Bases, Repr};
use super::{FunctionEmitter, LANES};
use crate::llvm::{Cast, IntPredicate, Val};

/// How deep the expressions are that are followed to the number of the lane.
const DEPTH_MAX: u32 = 6;

/// Lanes that read one row, one behind the other.
const ROW_LANES_MIN: u32 = 4;

/// What the lanes of a load read.
#[derive(Debug, PartialEq)]
struct Rows {
    /// The lanes that hold the addresses of the rows.
    sources: Vec<u32>,
    /// Where in its row each of them begins to be read.
    begins: Vec<i64>,
    /// Which element of the rows, laid one behind the other, each lane gets.
    order: Vec<u32>,
}

/// Lanes' pointers to rows that a block reads.
pub(super) struct RowPointers {
    block: BlockId,
    value: Value,
    /// Where they are, unless they are regular.
    slot: Option<Val>,
    tested: bool,
}

/// What an address is made of: the pointer that lane `lane` holds, and a distance.
struct Pointed {
    pointers: Value,
    lane: Value,
    distance: Value,
}

/// The rows that lanes read elements of so many bytes of, if each is read by as many lanes, one behind the other.
fn rows(sources: &[u32], distances: &[i64], bytes: u32) -> Option<Rows> {
    let mut readers = BTreeMap::<u32, Vec<(i64, usize)>>::new();
    for (lane, (source, distance)) in sources.iter().zip(distances).enumerate() {
        readers.entry(*source).or_default().push((*distance, lane));
    }
    let length = sources.len() / readers.len();
    let mut found = Rows { sources: Vec::new(), begins: Vec::new(), order: vec![0; sources.len()] };
    for (row, (source, mut lanes)) in readers.into_iter().enumerate() {
        lanes.sort_unstable();
        let begin = lanes[0].0;
        let in_order =
            lanes.iter().zip(0..).all(|((distance, _), index)| *distance == begin + index * i64::from(bytes));
        if lanes.len() != length || length < ROW_LANES_MIN as usize || !in_order {
            return None;
        }
        found.sources.push(source);
        found.begins.push(begin);
        for (index, (_, lane)) in lanes.into_iter().enumerate() {
            found.order[lane] = (row * length + index) as u32;
        }
    }
    Some(found)
}

impl<'a> FunctionEmitter<'a> {
    /// Loads rows of shared memory that lanes point at for each other, if that is what this load does.
    pub fn load_rows(&mut self, access: Access, address: Value, offset: i64) -> Option<Val> {
        let whole = self.guard.is_none() && self.mask == self.all_lanes() && self.lanes() == LANES;
        if access.space != AddressSpace::Shared || access.count != 1 || access.strong || !whole {
            return None;
        }
        let pointers = self.pointed_by(address)?.pointers;
        let rows = self.find_rows(address, offset, access.bytes())?;
        // It was asked for in this block, by the shuffle.
        let repr = *self.at_hand.get(&pointers)?;
        let proven = self.is_proven(access, address, offset);
        let slot = self.pointers_at_hand(access, pointers, repr, proven);
        let way =
            AccessWay::Segmented { lanes: LANES / rows.sources.len() as u32, contiguous: true, if_in_order: false };
        self.note_access_as(access, way, if proven { Bounds::Proven } else { Bounds::Tested }, false);
        let addresses = self.row_addresses(repr, slot, &rows.sources).into_iter().zip(&rows.begins);
        let bases: Vec<Val> = addresses
            .map(|(row, begin)| {
                let wide = self.ir.cast(Cast::ZExt, row, self.ir.int(64));
                self.ir.add(wide, self.i64(*begin as u64))
            })
            .collect();
        let loaded = self.load_contiguous_segments(access, &bases);
        let in_place = rows.order.iter().zip(0..).all(|(from, lane)| *from == lane);
        Some(if in_place { loaded } else { self.ir.shuffle(loaded, loaded, &rows.order) })
    }

    /// The lanes' pointers to rows in a stack slot, where single ones can be reached that are not regular; and, unless all that this block
    /// reads of them is `proven` to be there, tested. Both is done once for all loads of the block by the same pointers.
    fn pointers_at_hand(&mut self, access: Access, pointers: Value, repr: Repr, proven: bool) -> Option<Val> {
        let here = self.block;
        let known = self.row_pointers.iter().position(|known| (known.block, known.value) == (here, pointers));
        let index = known.unwrap_or_else(|| {
            let slot = regular(&repr).is_none().then(|| {
                let held = self.to_vector(repr, Type::I32);
                let slot = self.slot(self.ir.type_of(held));
                // LLVM would take the vector apart, which is slower, if the store were an ordinary one.
                self.ir.set_volatile(self.ir.store(held, slot, 0));
                slot
            });
            self.row_pointers.push(RowPointers { block: here, value: pointers, slot, tested: false });
            self.row_pointers.len() - 1
        });
        if !proven && !self.row_pointers[index].tested {
            self.test_rows(access, pointers, repr);
            self.row_pointers[index].tested = true;
        }
        self.row_pointers[index].slot
    }

    /// Tests all rows that loads of this block read by the same pointers: whether one leaves shared memory, or is misaligned. If so, the
    /// engine looks at the first and the last element of each. Regular rows are good where those from the first to the last of each segment
    /// are, whether or not all of them are read: only where that is not so, each is tested.
    fn test_rows(&mut self, access: Access, pointers: Value, repr: Repr) {
        let (mut read, mut begin, mut last) = (0, i64::MAX, i64::MIN);
        for instruction in &self.function.block(self.block).instructions {
            let Op::Load { space: AddressSpace::Shared, ty, count: 1, guard: None, address, offset, .. } =
                instruction.op
            else {
                continue;
            };
            let alike =
                ty.bytes() == access.bytes() && self.pointed_by(address).is_some_and(|by| by.pointers == pointers);
            let Some(rows) = alike.then(|| self.find_rows(address, offset, ty.bytes())).flatten() else { continue };
            let length = i64::from(LANES) / rows.sources.len() as i64;
            for (source, first) in rows.sources.iter().zip(&rows.begins) {
                read |= 1 << source;
                begin = begin.min(*first);
                last = last.max(first + (length - 1) * i64::from(access.bytes()));
            }
        }
        let ir = self.ir;
        let join = self.new_block("rows_tested");
        if let Some(bad) = self.is_bad_regular(access, &repr, begin, last) {
            let each = self.new_block("slow_rows");
            ir.unlikely_br(bad, each, join);
            ir.position(each);
        }
        let held = self.to_vector(repr, Type::I32);
        let wide = ir.cast(Cast::ZExt, held, ir.vector(ir.int(64), LANES));
        let places = [begin, last].map(|distance| ir.add(wide, ir.splat(self.i64(distance as u64), LANES)));
        let bad = places.map(|at| self.is_bad_element(access, at)).into_iter().reduce(|a, b| ir.or(a, b));
        let bad = ir.and(self.mask_bits(bad.expect("there are two")), self.i32(read));
        let bad = ir.icmp(IntPredicate::LLVMIntNE, bad, self.i32(0));
        let slow = self.new_block("slow");
        ir.unlikely_br(bad, slow, join);
        ir.position(slow);
        let outer = self.mask;
        self.mask = self.mask_from_bits(self.i32(read));
        for at in places {
            self.examine(access, at);
        }
        self.mask = outer;
        ir.br(join);
        ir.position(join);
    }

    /// Whether what is read from `begin` to `last` of regular rows may not be there, for each segment of lanes as a whole.
    fn is_bad_regular(&self, access: Access, repr: &Repr, begin: i64, last: i64) -> Option<Val> {
        let (bases, stride) = regular(repr)?;
        let length = LANES / bases.len() as u32;
        let span = u32::try_from(stride.checked_mul(i64::from(length) - 1)?.checked_add(last - begin)?).ok()?;
        if stride < 0 || stride % i64::from(access.bytes()) != 0 {
            return None;
        }
        let ir = self.ir;
        let bad = bases.iter().map(|base| {
            let at = ir.add(ir.cast(Cast::ZExt, *base, ir.int(64)), self.i64(begin as u64));
            self.is_bad_run(access, at, span)
        });
        bad.reduce(|a, b| ir.or(a, b))
    }

    /// What a load reads of the rows that lanes point at, of elements of so many bytes.
    fn find_rows(&self, address: Value, offset: i64, bytes: u32) -> Option<Rows> {
        let Pointed { lane, distance, .. } = self.pointed_by(address)?;
        let sources = self.in_lanes(lane)?.into_iter().map(|source| source as u32 % LANES);
        let distances = self.in_lanes(distance)?.into_iter();
        let distances =
            distances.map(|distance| (distance as i64).checked_add(offset)).collect::<Option<Vec<i64>>>()?;
        rows(&sources.collect::<Vec<u32>>(), &distances, bytes)
    }

    /// What an address is made of, if other lanes point at it.
    fn pointed_by(&self, address: Value) -> Option<Pointed> {
        let Op::Binary { op: BinaryOp::Add, ty: Type::I64, a, b } = self.operation(address)? else { return None };
        let found = |(pointers, lane), distance| Pointed { pointers, lane, distance };
        let first = self.shuffled(*a).map(|shuffled| found(shuffled, *b));
        first.or_else(|| self.shuffled(*b).map(|shuffled| found(shuffled, *a)))
    }

    /// What an offset in shared memory is shuffled from, and the lane that it is taken from.
    fn shuffled(&self, offset: Value) -> Option<(Value, Value)> {
        let Op::Extend { signed: false, a, .. } = self.operation(offset)? else { return None };
        let Op::Shuffle { mode: ShuffleMode::Index, value, lane, clamp, .. } = self.operation(*a)? else { return None };
        (self.shapes.fact(*clamp).constant == Some(u64::from(LANES) - 1)).then_some((*value, *lane))
    }

    /// The operation that makes a value.
    pub fn operation(&self, value: Value) -> Option<&'a Op> {
        let all = self.operations.get_or_init(|| {
            let mut all = vec![None; self.function.value_types.len()];
            for id in self.function.block_ids() {
                for instruction in &self.function.block(id).instructions {
                    if let Some(result) = instruction.results.first() {
                        all[result.0 as usize] = Some(&instruction.op);
                    }
                }
            }
            all
        });
        all[value.0 as usize]
    }

    /// A value in each lane of a warp, if it depends on nothing but the number of the lane.
    pub fn in_lanes(&self, value: Value) -> Option<Vec<u128>> {
        self.in_lanes_within(value, DEPTH_MAX)
    }

    fn in_lanes_within(&self, value: Value, depth: u32) -> Option<Vec<u128>> {
        if let Some(constant) = self.shapes.fact(value).constant {
            return Some(vec![constant.into(); LANES as usize]);
        }
        if let Some(known) = self.known_lanes.borrow().get(&value) {
            return known.clone();
        }
        let found = match self.operation(value)? {
            Op::Special(SpecialRegister::LaneId) => Some((0..LANES).map(u128::from).collect()),
            op @ (Op::Binary { .. } | Op::Extend { .. } | Op::Truncate { .. }) if depth > 0 => {
                let operands = op.operands().into_iter().map(|operand| self.in_lanes_within(operand, depth - 1));
                let operands = operands.collect::<Option<Vec<Vec<u128>>>>()?;
                let in_lane = |lane: usize| {
                    simt_ir::number::evaluate(op, &operands.iter().map(|lanes| lanes[lane]).collect::<Vec<u128>>())
                };
                (0..LANES as usize).map(in_lane).collect()
            }
            _ => None,
        };
        self.known_lanes.borrow_mut().insert(value, found.clone());
        found
    }

    /// The offsets that some lanes hold, as scalars; those that are not regular are in `slot`.
    fn row_addresses(&self, repr: Repr, slot: Option<Val>, sources: &[u32]) -> Vec<Val> {
        if let Some((bases, stride)) = regular(&repr) {
            let length = LANES / bases.len() as u32;
            let at = |source: &u32| {
                let distance = i64::from(source % length) * stride;
                self.ir.add(bases[(source / length) as usize], self.i32(distance as u32))
            };
            return sources.iter().map(at).collect();
        }
        let slot = slot.expect("pointers that are not regular are in memory");
        let at = |source: &u32| {
            let place = self.ir.offset(slot, self.i64(u64::from(source * 4)));
            self.ir.load(self.ir.int(32), place)
        };
        sources.iter().map(at).collect()
    }
}

/// Where segments of lanes begin, and the distance from lane to lane, where that is certain.
fn regular(repr: &Repr) -> Option<(Bases, i64)> {
    match *repr {
        Repr::Affine { base, stride, speculation: None } => Some((Bases::new([base]), stride)),
        Repr::Segments { bases, stride, speculation: None } => Some((bases, stride)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found() {
        // As of `ldmatrix`: four lanes a row, in order.
        let sources: Vec<u32> = (0..32).map(|lane| 8 + lane / 4).collect();
        let distances: Vec<i64> = (0..32).map(|lane| 4 * (lane % 4)).collect();
        let found = rows(&sources, &distances, 4).unwrap();
        assert_eq!(found.sources, (8..16).collect::<Vec<u32>>());
        assert_eq!(found.order, (0..32).collect::<Vec<u32>>());
        // Transposed: the lanes of a row lie apart.
        let sources: Vec<u32> = (0..32).map(|lane| 2 * (lane % 4) + 1).collect();
        let distances: Vec<i64> = (0..32).map(|lane| 2 * (lane / 4)).collect();
        let found = rows(&sources, &distances, 2).unwrap();
        assert_eq!(found.sources, [1, 3, 5, 7]);
        assert_eq!(found.order[5], 8 + 1);
    }

    #[test]
    fn what_is_no_row_is_not_taken_for_one() {
        let distances: Vec<i64> = (0..32).map(|lane| 8 * (lane % 4)).collect();
        let sources: Vec<u32> = (0..32).map(|lane| lane / 4).collect();
        assert_eq!(rows(&sources, &distances, 4), None);
        let alone: Vec<u32> = (0..32).collect();
        assert_eq!(rows(&alone, &[0; 32], 4), None);
        let uneven: Vec<u32> = (0..32).map(|lane| u32::from(lane > 4)).collect();
        let distances: Vec<i64> = (0..32).map(|lane| 4 * if lane > 4 { lane - 5 } else { lane }).collect();
        assert_eq!(rows(&uneven, &distances, 4), None);
    }
}
