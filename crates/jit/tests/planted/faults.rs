//! Faults as a compiler would make them, made in a prepared program: what is compiled then differs from what is interpreted.
//!
//! One place of a program is changed, which chance picks among those that the fault can be in. Nothing of this is in the compiler.

use std::collections::BTreeSet;
use std::ops::Range;

use simt_interp::random::Rng;
use simt_ir::analysis::Layout;
use simt_ir::{
    AddressSpace, BarrierKind, BinaryOp, Block, BlockId, FloatBinaryOp, Function, Instruction, IntCondition, Op,
    Rounding, ShuffleMode, SpecialRegister, Terminator, Type, UnaryOp, Value,
};

/// A fault.
pub struct Fault {
    /// What kind of mistake it is.
    pub kind: &'static str,
    /// What goes wrong.
    pub name: &'static str,
    /// Makes it in a kernel; false if there is no place for it.
    pub plant: fn(&mut Function, &mut Rng) -> bool,
}

const fn fault(kind: &'static str, name: &'static str, plant: fn(&mut Function, &mut Rng) -> bool) -> Fault {
    Fault { kind, name, plant }
}

/// All faults.
pub const FAULTS: &[Fault] = &[
    fault("mask", "an access ignores its guard", without_guard),
    fault("mask", "one lane goes the wrong way at a branch", one_lane_astray),
    fault("mask", "a store of a branch is done by all lanes before it", store_before_branch),
    fault("mask", "a value from a branch reaches one lane that was not there", one_lane_merged),
    fault("rounding", "another rounding mode", other_rounding),
    fault("rounding", "a fused multiplication is rounded before the addition", rounded_twice),
    fault("rounding", "subnormal numbers are not flushed", not_flushed),
    fault("hazard", "a load is done before the store in front of it", load_before_store),
    fault("hazard", "two stores change places", stores_exchanged),
    fault("hazard", "copies at the head of a block are made one after the other", copies_in_turn),
    fault("hazard", "a barrier is left out", without_barrier),
    fault("address class", "a gather is taken for a row", gather_as_row),
    fault("address class", "a gather is taken for rows of eight lanes", gather_as_short_rows),
    fault("address class", "a gather is taken for one address", gather_as_one),
    fault("address class", "a generic address is taken for one in shared memory", generic_as_shared),
    fault("address class", "the constant part of an address is lost", without_offset),
];

type Place = (BlockId, usize);

/// One of the places whose instructions are wanted.
fn pick(function: &Function, rng: &mut Rng, wanted: impl Fn(&Op) -> bool) -> Option<Place> {
    let block_places = |id: BlockId| (0..function.block(id).instructions.len()).map(move |index| (id, index));
    let places = function.block_ids().flat_map(block_places);
    let places: Vec<Place> =
        places.filter(|(id, index)| wanted(&function.block(*id).instructions[*index].op)).collect();
    (!places.is_empty()).then(|| rng.pick(&places))
}

/// Changes the operation at one of the places for which `change` makes another one.
fn replace(function: &mut Function, rng: &mut Rng, change: impl Fn(&Op) -> Option<Op>) -> bool {
    let Some((id, index)) = pick(function, rng, |op| change(op).is_some()) else { return false };
    let op = &mut function.block_mut(id).instructions[index].op;
    *op = change(op).expect("the place was picked for it");
    true
}

/// New instructions.
struct Made<'f> {
    function: &'f mut Function,
    instructions: Vec<Instruction>,
}

impl Made<'_> {
    fn push(&mut self, op: Op) -> Value {
        let types = op.result_types(|_| unreachable!("no calls are made"));
        let results: Vec<Value> = types.into_iter().map(|ty| self.function.new_value(ty)).collect();
        let first = results[0];
        self.instructions.push(Instruction { op, results, line: 0 });
        first
    }

    fn int(&mut self, ty: Type, bits: u64) -> Value {
        self.push(Op::Const { ty, bits })
    }

    fn binary(&mut self, op: BinaryOp, ty: Type, a: Value, b: Value) -> Value {
        self.push(Op::Binary { op, ty, a, b })
    }

    fn lane(&mut self) -> Value {
        self.push(Op::Special(SpecialRegister::LaneId))
    }

    /// Whether the lane is the one of this number.
    fn is_lane(&mut self, number: u64) -> Value {
        let (lane, number) = (self.lane(), self.int(Type::I32, number));
        self.push(Op::IntCompare { condition: IntCondition::Eq, ty: Type::I32, a: lane, b: number })
    }
}

fn made(function: &mut Function) -> Made<'_> {
    Made { function, instructions: Vec::new() }
}

/// Puts what was made in front of an instruction, which is returned.
fn before(made: Made<'_>, (id, index): Place) -> &mut Instruction {
    let behind = index + made.instructions.len();
    let Made { function, instructions } = made;
    let block = function.block_mut(id);
    block.instructions.splice(index..index, instructions);
    &mut block.instructions[behind]
}

// Masks.

fn without_guard(function: &mut Function, rng: &mut Rng) -> bool {
    replace(function, rng, |op| {
        let mut op = op.clone();
        match &mut op {
            Op::Load { guard, .. } | Op::Store { guard, .. } | Op::Atomic { guard, .. } => guard.take().map(|_| op),
            _ => None,
        }
    })
}

/// In a loop only ever out of it, so that the loop comes to an end.
fn one_lane_astray(function: &mut Function, rng: &mut Rng) -> bool {
    let layout = Layout::new(function);
    let branches: Vec<BlockId> = layout
        .order
        .iter()
        .copied()
        .filter(|id| matches!(function.block(*id).terminator, Terminator::CondBranch { .. }))
        .collect();
    if branches.is_empty() {
        return false;
    }
    let id = rng.pick(&branches);
    let Terminator::CondBranch { condition, then, otherwise } = function.block(id).terminator else { return false };
    let leaves = |to: BlockId| layout.innermost[id.0 as usize].is_some_and(|inner| !layout.contains(inner, to));
    let lane = rng.below(16) as u64;
    let mut made = made(function);
    let is_lane = made.is_lane(lane);
    let condition = match (leaves(then), leaves(otherwise)) {
        (true, false) => made.binary(BinaryOp::Or, Type::I1, condition, is_lane),
        (false, true) => {
            let others = made.push(Op::Unary { op: UnaryOp::Not, ty: Type::I1, a: is_lane });
            made.binary(BinaryOp::And, Type::I1, condition, others)
        }
        _ => made.binary(BinaryOp::Xor, Type::I1, condition, is_lane),
    };
    let Made { function, instructions } = made;
    function.block_mut(id).instructions.extend(instructions);
    function.block_mut(id).terminator = Terminator::CondBranch { condition, then, otherwise };
    true
}

/// A store of a block to which one branch leads.
fn store_before_branch(function: &mut Function, rng: &mut Rng) -> bool {
    let predecessors = function.predecessors();
    let mut places = Vec::new();
    for id in function.block_ids() {
        let [from] = predecessors[id.0 as usize][..] else { continue };
        let block = function.block(id);
        let is_store = |index: &usize| matches!(block.instructions[*index].op, Op::Store { .. });
        if matches!(function.block(from).terminator, Terminator::CondBranch { .. }) {
            let stores = (0..block.instructions.len()).filter(is_store);
            places.extend(stores.filter_map(|index| Some((from, id, with_operands(block, 0, index)?))));
        }
    }
    if places.is_empty() {
        return false;
    }
    let (from, id, moved) = places.swap_remove(rng.below(places.len()));
    let moved = take(function.block_mut(id), &moved);
    function.block_mut(from).instructions.extend(moved);
    true
}

/// An instruction's index, behind those of the instructions from `first` on that make its operands; nothing if these do more than that.
fn with_operands(block: &Block, first: usize, index: usize) -> Option<Vec<usize>> {
    let (mut needed, mut open) = (BTreeSet::new(), vec![index]);
    while let Some(at) = open.pop() {
        needed.insert(at);
        for operand in block.instructions[at].op.operands() {
            if first == 0 && block.phis.iter().any(|phi| phi.result == operand) {
                return None;
            }
            let maker = (first..at).find(|at| block.instructions[*at].results.contains(&operand));
            if let Some(maker) = maker {
                if !block.instructions[maker].op.is_pure() {
                    return None;
                }
                open.push(maker);
            }
        }
    }
    Some(needed.into_iter().collect())
}

/// Takes instructions, whose indices ascend, out of a block.
fn take(block: &mut Block, indices: &[usize]) -> Vec<Instruction> {
    let mut taken: Vec<Instruction> = indices.iter().rev().map(|index| block.instructions.remove(*index)).collect();
    taken.reverse();
    taken
}

/// Where two values meet, one lane takes the wrong one, as far as that one is known everywhere.
fn one_lane_merged(function: &mut Function, rng: &mut Rng) -> bool {
    let lane = rng.below(16) as u64;
    let wanted = |op: &Op| matches!(op, Op::Select { ty, .. } if *ty != Type::I1);
    let Some((id, index)) = pick(function, rng, wanted) else { return false };
    let Op::Select { ty, condition, a, b } = function.block(id).instructions[index].op else { return false };
    let mut made = made(function);
    let is_lane = made.is_lane(lane);
    let condition = made.binary(BinaryOp::Xor, Type::I1, condition, is_lane);
    before(made, (id, index)).op = Op::Select { ty, condition, a, b };
    true
}

// Rounding.

fn other_rounding(function: &mut Function, rng: &mut Rng) -> bool {
    replace(function, rng, |op| {
        let mut op = op.clone();
        let rounding = match &mut op {
            Op::FloatBinary { op: kind, rounding, .. } => {
                use FloatBinaryOp::{Add, Div, Mul, Sub};
                matches!(kind, Add | Sub | Mul | Div).then_some(rounding)?
            }
            Op::Fma { rounding, .. }
            | Op::IntToFloat { rounding, .. }
            | Op::FloatToInt { rounding, .. }
            | Op::FloatToFloat { rounding, .. } => rounding,
            _ => return None,
        };
        *rounding = if *rounding == Rounding::NearestEven { Rounding::TowardZero } else { Rounding::NearestEven };
        Some(op)
    })
}

fn rounded_twice(function: &mut Function, rng: &mut Rng) -> bool {
    let Some(place) = pick(function, rng, |op| matches!(op, Op::Fma { .. })) else { return false };
    let Op::Fma { ty, rounding, flush, saturate, relu: false, a, b, c } =
        function.block(place.0).instructions[place.1].op
    else {
        return false;
    };
    let mut made = made(function);
    let product = made.push(Op::FloatBinary { op: FloatBinaryOp::Mul, ty, rounding, flush, saturate: false, a, b });
    before(made, place).op =
        Op::FloatBinary { op: FloatBinaryOp::Add, ty, rounding, flush, saturate, a: product, b: c };
    true
}

fn not_flushed(function: &mut Function, rng: &mut Rng) -> bool {
    replace(function, rng, |op| {
        let mut op = op.clone();
        match &mut op {
            Op::FloatBinary { flush, .. } | Op::Fma { flush, .. } | Op::FloatToFloat { flush, .. } => {
                std::mem::take(flush).then_some(op)
            }
            _ => None,
        }
    })
}

// Hazards.

/// Space, address and the bytes from there on that are accessed.
fn accessed(op: &Op) -> Option<(AddressSpace, Value, Range<i64>)> {
    let (space, address, offset, bytes) = match op {
        Op::Load { space, ty, count, address, offset, .. } => (space, address, *offset, ty.bytes() * u32::from(*count)),
        Op::Store { space, ty, values, address, offset, .. } => {
            (space, address, *offset, ty.bytes() * values.len() as u32)
        }
        _ => return None,
    };
    Some((*space, *address, offset..offset + i64::from(bytes)))
}

/// Whether two accesses may concern the same memory, so that their order matters.
fn may_meet(one: &Op, other: &Op) -> bool {
    let (Some((space, address, bytes)), Some((other_space, other_address, other_bytes))) =
        (accessed(one), accessed(other))
    else {
        return false;
    };
    let apart = bytes.end <= other_bytes.start || other_bytes.end <= bytes.start;
    (space == other_space || [space, other_space].contains(&AddressSpace::Generic))
        && !(address == other_address && apart)
}

/// Moves an instruction in front of a store before it in the same block that may concern the same memory.
fn moved_before_store(function: &mut Function, rng: &mut Rng, moved: fn(&Op) -> bool) -> bool {
    let mut places = Vec::new();
    for id in function.block_ids() {
        let block = function.block(id);
        for (first, store) in block.instructions.iter().enumerate() {
            if !matches!(store.op, Op::Store { .. }) {
                continue;
            }
            for (second, instruction) in block.instructions.iter().enumerate().skip(first + 1) {
                if moved(&instruction.op) && may_meet(&store.op, &instruction.op) {
                    places.extend(with_operands(block, first, second).map(|moved| (id, first, moved)));
                }
            }
        }
    }
    if places.is_empty() {
        return false;
    }
    let (id, first, moved) = places.swap_remove(rng.below(places.len()));
    let block = function.block_mut(id);
    let moved = take(block, &moved);
    block.instructions.splice(first..first, moved);
    true
}

fn load_before_store(function: &mut Function, rng: &mut Rng) -> bool {
    moved_before_store(function, rng, |op| matches!(op, Op::Load { .. }))
}

fn stores_exchanged(function: &mut Function, rng: &mut Rng) -> bool {
    moved_before_store(function, rng, |op| matches!(op, Op::Store { .. }))
}

/// A phi that another phi of its block is to have on the same edge has been written before it is read.
fn copies_in_turn(function: &mut Function, rng: &mut Rng) -> bool {
    let mut places = Vec::new();
    for id in function.block_ids() {
        let phis = &function.block(id).phis;
        for (at, phi) in phis.iter().enumerate() {
            for (edge, (_, value)) in phi.incoming.iter().enumerate() {
                let source = phis.iter().position(|other| other.result == *value);
                places.extend(source.filter(|source| *source != at).map(|source| (id, at, edge, source)));
            }
        }
    }
    if places.is_empty() {
        return false;
    }
    let (id, at, edge, source) = rng.pick(&places);
    let phis = &mut function.block_mut(id).phis;
    let from = phis[at].incoming[edge].0;
    let written = phis[source].incoming.iter().find(|(other, _)| *other == from).expect("phis have the same edges").1;
    phis[at].incoming[edge].1 = written;
    true
}

fn without_barrier(function: &mut Function, rng: &mut Rng) -> bool {
    let is_barrier = |op: &Op| matches!(op, Op::Barrier { kind: BarrierKind::Sync, .. });
    let Some((id, index)) = pick(function, rng, is_barrier) else { return false };
    function.block_mut(id).instructions.remove(index);
    true
}

// Addresses.

/// Gives an access another address, which is made of its own and the number of bytes of an element.
fn with_address(function: &mut Function, rng: &mut Rng, change: fn(&mut Made<'_>, Value, u64) -> Value) -> bool {
    let Some(place) = pick(function, rng, |op| matches!(op, Op::Load { .. } | Op::Store { .. })) else { return false };
    let (address, bytes) = match &function.block(place.0).instructions[place.1].op {
        Op::Load { ty, count, address, .. } => (*address, ty.bytes() * u32::from(*count)),
        Op::Store { ty, values, address, .. } => (*address, ty.bytes() * values.len() as u32),
        _ => return false,
    };
    let mut made = made(function);
    let changed = change(&mut made, address, bytes.into());
    match &mut before(made, place).op {
        Op::Load { address, .. } | Op::Store { address, .. } => *address = changed,
        _ => return false,
    }
    true
}

/// The value of another lane, whose number is given in each.
fn of_lane(made: &mut Made<'_>, value: Value, lane: Value) -> Value {
    let members = made.push(Op::ActiveMask);
    let (clamp, half) = (made.int(Type::I32, 31), made.int(Type::I32, 32));
    let upper = made.binary(BinaryOp::ShrUnsigned, Type::I64, value, half);
    let [low, high] = [value, upper].map(|value| {
        let value = made.push(Op::Truncate { from: Type::I64, to: Type::I32, a: value });
        made.push(Op::Shuffle { mode: ShuffleMode::Index, value, lane, clamp, members })
    });
    made.push(Op::Concat { ty: Type::I32, low, high })
}

/// The number of the first lane that is there.
fn first_lane(made: &mut Made<'_>) -> Value {
    let members = made.push(Op::ActiveMask);
    let reversed = made.push(Op::Unary { op: UnaryOp::ReverseBits, ty: Type::I32, a: members });
    made.push(Op::Unary { op: UnaryOp::CountLeadingZeros, ty: Type::I32, a: reversed })
}

/// What lanes have that lie `bytes` apart, beginning with the address that lane `first` has.
fn row(made: &mut Made<'_>, address: Value, first: Value, bytes: u64) -> Value {
    let start = of_lane(made, address, first);
    let lane = made.lane();
    let distance = made.binary(BinaryOp::Sub, Type::I32, lane, first);
    let distance = made.push(Op::Extend { signed: true, from: Type::I32, to: Type::I64, a: distance });
    let bytes = made.int(Type::I64, bytes);
    let distance = made.binary(BinaryOp::Mul, Type::I64, distance, bytes);
    made.binary(BinaryOp::Add, Type::I64, start, distance)
}

fn gather_as_row(function: &mut Function, rng: &mut Rng) -> bool {
    with_address(function, rng, |made, address, bytes| {
        let first = first_lane(made);
        row(made, address, first, bytes)
    })
}

fn gather_as_short_rows(function: &mut Function, rng: &mut Rng) -> bool {
    with_address(function, rng, |made, address, bytes| {
        let (lane, mask) = (made.lane(), made.int(Type::I32, !7 & 0xffff_ffff));
        let first = made.binary(BinaryOp::And, Type::I32, lane, mask);
        row(made, address, first, bytes)
    })
}

fn gather_as_one(function: &mut Function, rng: &mut Rng) -> bool {
    with_address(function, rng, |made, address, _| {
        let first = first_lane(made);
        of_lane(made, address, first)
    })
}

fn generic_as_shared(function: &mut Function, rng: &mut Rng) -> bool {
    replace(function, rng, |op| {
        let mut op = op.clone();
        match &mut op {
            Op::Load { space, .. } | Op::Store { space, .. } | Op::Atomic { space, .. }
                if *space == AddressSpace::Generic =>
            {
                *space = AddressSpace::Shared;
                Some(op)
            }
            _ => None,
        }
    })
}

fn without_offset(function: &mut Function, rng: &mut Rng) -> bool {
    replace(function, rng, |op| {
        let mut op = op.clone();
        match &mut op {
            Op::Load { offset, .. } | Op::Store { offset, .. } if *offset != 0 => {
                *offset = 0;
                Some(op)
            }
            _ => None,
        }
    })
}
