//! Values that may stay together as memory has them: the parts of a vector load (`float4`) on which the same is done part by part.
//!
//! Memory holds the parts of lane 0, then those of lane 1. To have a vector of lanes for each part they must be taken apart, and put
//! together again to be stored. What treats all parts alike need not: it can be computed for all parts of all lanes as they lie, and what is only
//! copied can be stored as it was loaded.

use std::collections::{HashMap, VecDeque};

use super::{Shape, Shapes};
use crate::{BlockId, FloatBinaryOp, FloatUnaryOp, Function, Op, Rounding, Type, Value};

/// The packs of a function.
#[derive(Default)]
pub struct Packs {
    /// By value: its pack and its place in it.
    places: HashMap<Value, (usize, usize)>,
    packs: Vec<Pack>,
}

struct Pack {
    /// In the order of memory.
    members: Vec<Value>,
    made: Made,
}

/// How the members of a pack are made.
enum Made {
    /// By one load.
    Loaded,
    /// By operations of one block that differ only in operands that are packs themselves: for each operand one value for each member.
    Computed(Vec<Vec<Value>>),
    /// As phis of one block: for each edge one value for each member.
    Met(Vec<Vec<Value>>),
}

/// What operations must have in common to be computed together: block, operation without its operands, the operand that is known to be of a
/// pack, and the other operands as far as all members share them.
type Likeness = (BlockId, Op, usize, Vec<Option<Value>>);

impl Packs {
    /// Follows what vector loads give through arithmetic and phis.
    pub fn new(function: &Function, shapes: &Shapes) -> Self {
        if shapes.schedule.irregular {
            return Self::default();
        }
        let mut finder = Finder::new(function, shapes);
        finder.seed();
        while let Some(pack) = finder.pending.pop_front() {
            finder.grow(pack);
        }
        let stored = finder.stored();
        stored.iter().for_each(|values| finder.meet(values));
        finder.keep_what_pays(&stored)
    }

    /// The pack of a value and its place in it.
    pub fn place(&self, value: Value) -> Option<(usize, usize)> {
        self.places.get(&value).copied()
    }

    /// The members of a pack, in the order of memory.
    pub fn members(&self, pack: usize) -> &[Value] {
        &self.packs[pack].members
    }

    /// For each operand of the operations that make a pack's members: what the first of them takes. `None` for members that are loaded or met.
    pub fn first_operands(&self, pack: usize) -> Option<Vec<Value>> {
        match &self.packs[pack].made {
            Made::Computed(operands) => Some(operands.iter().map(|values| values[0]).collect()),
            Made::Loaded | Made::Met(_) => None,
        }
    }
}

struct Finder<'a> {
    function: &'a Function,
    shapes: &'a Shapes,
    /// Operations that may be computed together, by each of their operands: block, position in it, number of the operand.
    uses: HashMap<Value, Vec<(BlockId, usize, usize)>>,
    /// Where phis are.
    phis: HashMap<Value, (BlockId, usize)>,
    found: Packs,
    pending: VecDeque<usize>,
}

impl<'a> Finder<'a> {
    fn new(function: &'a Function, shapes: &'a Shapes) -> Self {
        let mut uses: HashMap<Value, Vec<(BlockId, usize, usize)>> = HashMap::new();
        let mut phis = HashMap::new();
        for &id in &shapes.schedule.layout.order {
            let block = function.block(id);
            phis.extend(block.phis.iter().enumerate().map(|(at, phi)| (phi.result, (id, at))));
            for (at, instruction) in block.instructions.iter().enumerate().filter(|(_, i)| is_alike_in_parts(&i.op)) {
                for (number, operand) in instruction.op.operands().into_iter().enumerate() {
                    uses.entry(operand).or_default().push((id, at, number));
                }
            }
        }
        Self { function, shapes, uses, phis, found: Packs::default(), pending: VecDeque::new() }
    }

    /// The results of loads of several elements that lie one behind the other.
    fn seed(&mut self) {
        for &id in &self.shapes.schedule.layout.order {
            for instruction in &self.function.block(id).instructions {
                if let Op::Load { ty, count: 2.., address, guard: None, .. } = instruction.op
                    && self.are_neighbours(address, ty, instruction.results.len())
                {
                    self.add(instruction.results.clone(), Made::Loaded);
                }
            }
        }
    }

    /// What stores of several elements write that lie one behind the other.
    fn stored(&self) -> Vec<Vec<Value>> {
        let blocks = self.shapes.schedule.layout.order.iter().map(|id| self.function.block(*id));
        let ops = blocks.flat_map(|block| &block.instructions).map(|instruction| &instruction.op);
        ops.filter_map(|op| match op {
            Op::Store { ty, address, values, .. } if values.len() > 1 => {
                self.are_neighbours(*address, *ty, values.len()).then(|| values.clone())
            }
            _ => None,
        })
        .collect()
    }

    /// Whether lanes access so many elements each, and each lane those behind the ones of the lane before it.
    fn are_neighbours(&self, address: Value, ty: Type, count: usize) -> bool {
        match self.shapes.shape(address) {
            Shape::Affine { stride, .. } | Shape::Segmented { stride, .. } => {
                stride == i64::from(ty.bytes()) * count as i64
            }
            Shape::Uniform | Shape::Varying => false,
        }
    }

    fn add(&mut self, members: Vec<Value>, made: Made) {
        let pack = self.found.packs.len();
        self.found.places.extend(members.iter().enumerate().map(|(at, value)| (*value, (pack, at))));
        self.found.packs.push(Pack { members, made });
        self.pending.push_back(pack);
    }

    /// Whether a value is the same in all lanes, or in all of a segment, so that it is cheap to have for each part.
    fn is_flat(&self, value: Value) -> bool {
        matches!(self.shapes.shape(value), Shape::Uniform | Shape::Segmented { stride: 0, speculative: false, .. })
    }

    /// Finds operations that do the same with each member of a pack.
    fn grow(&mut self, pack: usize) {
        let members = self.found.packs[pack].members.clone();
        let mut alike: HashMap<Likeness, Vec<Vec<(BlockId, usize)>>> = HashMap::new();
        let mut order: Vec<Likeness> = Vec::new();
        for (place, member) in members.iter().enumerate() {
            for &(block, at, number) in self.uses.get(member).map_or(&[][..], Vec::as_slice) {
                let likeness = self.likeness(block, at, number);
                let lists = alike.entry(likeness.clone()).or_insert_with(|| {
                    order.push(likeness);
                    vec![Vec::new(); members.len()]
                });
                lists[place].push((block, at));
            }
        }
        for likeness in order {
            let lists = &alike[&likeness];
            if lists.iter().all(|list| list.len() == lists[0].len()) {
                for turn in 0..lists[0].len() {
                    let operations: Vec<(BlockId, usize)> = lists.iter().map(|list| list[turn]).collect();
                    self.take_together(&operations);
                }
            }
        }
    }

    fn likeness(&self, block: BlockId, at: usize, number: usize) -> Likeness {
        let mut op = self.function.block(block).instructions[at].op.clone();
        let operands = op.operands();
        let shared = operands.iter().enumerate().map(|(other, value)| {
            let counts = other != number && self.is_flat(*value);
            counts.then_some(*value)
        });
        let shared = shared.collect();
        op.for_each_operand_mut(|operand| *operand = Value(0));
        (block, op, number, shared)
    }

    /// Makes a pack of operations' results, and of phis that they take.
    fn take_together(&mut self, operations: &[(BlockId, usize)]) {
        let instruction = |(block, at): (BlockId, usize)| &self.function.block(block).instructions[at];
        let results: Vec<Value> = operations.iter().map(|place| instruction(*place).results[0]).collect();
        if results.iter().any(|result| self.found.places.contains_key(result)) || has_twice(&results) {
            return;
        }
        let of_each: Vec<Vec<Value>> = operations.iter().map(|place| instruction(*place).op.operands()).collect();
        let operands: Vec<Vec<Value>> =
            (0..of_each[0].len()).map(|number| of_each.iter().map(|list| list[number]).collect()).collect();
        for values in &operands {
            self.meet(values);
        }
        self.add(results, Made::Computed(operands));
    }

    /// Makes a pack of phis of one block, and of phis that they take.
    fn meet(&mut self, values: &[Value]) {
        let places: Option<Vec<(BlockId, usize)>> = values.iter().map(|value| self.phis.get(value).copied()).collect();
        let Some(places) = places else { return };
        let block = places[0].0;
        let known = values.iter().any(|value| self.found.places.contains_key(value));
        if known || has_twice(values) || places.iter().any(|(other, _)| *other != block) {
            return;
        }
        let phis: Vec<_> = places.iter().map(|(_, at)| &self.function.block(block).phis[*at]).collect();
        let from = |phi: &crate::Phi, edge: BlockId| {
            phi.incoming.iter().find(|(from, _)| *from == edge).map(|(_, value)| *value)
        };
        let edges: Option<Vec<Vec<Value>>> =
            phis[0].incoming.iter().map(|(edge, _)| phis.iter().map(|phi| from(phi, *edge)).collect()).collect();
        if let Some(edges) = edges {
            self.add(values.to_vec(), Made::Met(edges.clone()));
            edges.iter().for_each(|values| self.meet(values));
        }
    }

    /// Drops packs that are made of what is none, until all that are left are made of each other, of loads and of what all members share; and those
    /// that are neither computed nor stored together.
    fn keep_what_pays(mut self, stored: &[Vec<Value>]) -> Packs {
        let mut alive = vec![true; self.found.packs.len()];
        loop {
            let dead: Vec<usize> =
                (0..alive.len()).filter(|pack| alive[*pack] && !self.is_consistent(*pack, &alive)).collect();
            if dead.is_empty() {
                break;
            }
            dead.iter().for_each(|pack| alive[*pack] = false);
        }
        let computed = (0..alive.len()).filter(|pack| matches!(self.found.packs[*pack].made, Made::Computed(_)));
        let ends = computed.chain(stored.iter().filter_map(|values| self.pack_of(values)));
        let mut pays = vec![false; alive.len()];
        let mut next: Vec<usize> = ends.filter(|pack| alive[*pack]).collect();
        while let Some(pack) = next.pop() {
            if !std::mem::replace(&mut pays[pack], true)
                && let Made::Computed(lists) | Made::Met(lists) = &self.found.packs[pack].made
            {
                next.extend(lists.iter().filter_map(|values| self.pack_of(values)));
            }
        }
        self.found.places.retain(|_, (pack, _)| pays[*pack]);
        self.found
    }

    /// The pack of which values are the members, in order.
    fn pack_of(&self, values: &[Value]) -> Option<usize> {
        let (pack, _) = self.found.places.get(&values[0])?;
        (self.found.packs[*pack].members == values).then_some(*pack)
    }

    fn is_consistent(&self, pack: usize, alive: &[bool]) -> bool {
        let is_pack = |values: &[Value]| self.pack_of(values).is_some_and(|other| alive[other]);
        let is_shared = |values: &[Value]| values.iter().all(|value| *value == values[0]) && self.is_flat(values[0]);
        match &self.found.packs[pack].made {
            Made::Loaded => true,
            Made::Computed(lists) | Made::Met(lists) => lists.iter().all(|values| is_pack(values) || is_shared(values)),
        }
    }
}

fn has_twice(values: &[Value]) -> bool {
    values.iter().enumerate().any(|(at, value)| values[..at].contains(value))
}

/// Whether an operation on vectors is done element by element, in few instructions.
fn is_alike_in_parts(op: &Op) -> bool {
    use FloatBinaryOp::{Add, Div, Max, Min, Mul, Sub};
    match op {
        Op::Fma { ty, rounding, .. } => *ty == Type::F32 && *rounding == Rounding::NearestEven,
        Op::FloatBinary { op: Add | Sub | Mul | Div | Min | Max, ty, rounding, .. } => {
            *ty == Type::F32 && *rounding == Rounding::NearestEven
        }
        Op::FloatUnary { op: FloatUnaryOp::Neg | FloatUnaryOp::Abs, ty, .. } => *ty == Type::F32,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::LaunchShape;
    use crate::{
        AddressSpace, BinaryOp, FunctionBuilder, FunctionKind, MemoryOrder, Program, SpecialRegister, Terminator,
    };

    /// A kernel that loads four elements for each lane and gives them to `rest`, with a uniform number.
    fn kernel(rest: impl Fn(&mut FunctionBuilder, &[Value], Value)) -> (Program, Shapes) {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let thread = builder.push1(Op::Special(SpecialRegister::TidX));
        let sixteen = builder.constant(Type::I32, 16);
        let offset = builder.push1(Op::Binary { op: BinaryOp::Mul, ty: Type::I32, a: thread, b: sixteen });
        let address = builder.push1(Op::Extend { signed: false, from: Type::I32, to: Type::I64, a: offset });
        let factor = builder.push1(Op::LoadParam { ty: Type::F32, offset: 0 });
        let loaded = builder.push(Op::Load {
            space: AddressSpace::Shared,
            ty: Type::F32,
            count: 4,
            order: MemoryOrder::Weak,
            address,
            offset: 0,
            guard: None,
        });
        rest(&mut builder, &loaded, factor);
        builder.terminate(Terminator::Return(Vec::new()));
        let program = Program { functions: vec![builder.finish()], ..Program::default() };
        let launch = LaunchShape { block: Some([64, 1, 1]), ..LaunchShape::default() };
        let shapes = Shapes::new(&program, program.kernel(), launch);
        (program, shapes)
    }

    fn scaled(builder: &mut FunctionBuilder, a: Value, b: Value) -> Value {
        let (op, ty, rounding) = (FloatBinaryOp::Mul, Type::F32, Rounding::NearestEven);
        builder.push1(Op::FloatBinary { op, ty, rounding, flush: false, saturate: false, a, b })
    }

    #[test]
    fn what_is_done_with_each_part_is_a_pack() {
        let products = std::cell::RefCell::new(Vec::new());
        let (program, shapes) = kernel(|builder, loaded, factor| {
            *products.borrow_mut() = loaded.iter().map(|part| scaled(builder, *part, factor)).collect();
        });
        let packs = Packs::new(program.kernel(), &shapes);
        let places: Vec<_> = products.borrow().iter().map(|value| packs.place(*value)).collect();
        let (pack, _) = places[0].expect("the first product is in a pack");
        assert_eq!(places, (0..4).map(|at| Some((pack, at))).collect::<Vec<_>>());
        assert_eq!(packs.members(pack), &products.borrow()[..]);
    }

    #[test]
    fn what_is_stored_as_it_was_loaded_is_a_pack() {
        let copied = std::cell::RefCell::new(Vec::new());
        let (program, shapes) = kernel(|builder, loaded, factor| {
            *copied.borrow_mut() = loaded.to_vec();
            let thread = builder.push1(Op::Special(SpecialRegister::TidX));
            let thread = builder.push1(Op::Extend { signed: false, from: Type::I32, to: Type::I64, a: thread });
            let sixteen = builder.constant(Type::I64, 16);
            let address = builder.push1(Op::Binary { op: BinaryOp::Mul, ty: Type::I64, a: thread, b: sixteen });
            let (space, order) = (AddressSpace::Shared, MemoryOrder::Weak);
            let store =
                |address, values| Op::Store { space, ty: Type::F32, order, address, offset: 4096, values, guard: None };
            builder.push(store(address, loaded.to_vec()));
            let _ = factor;
        });
        let packs = Packs::new(program.kernel(), &shapes);
        let pack = packs.place(copied.borrow()[0]).expect("the first part is in a pack").0;
        assert_eq!(packs.members(pack), &copied.borrow()[..]);
    }

    #[test]
    fn what_is_stored_in_another_order_is_none() {
        let parts = std::cell::RefCell::new(Vec::new());
        let (program, shapes) = kernel(|builder, loaded, _| {
            *parts.borrow_mut() = loaded.to_vec();
            let address = builder.constant(Type::I64, 4096);
            let (space, order) = (AddressSpace::Shared, MemoryOrder::Weak);
            let store = |values| Op::Store { space, ty: Type::F32, order, address, offset: 0, values, guard: None };
            builder.push(store(loaded.iter().rev().copied().collect()));
        });
        let packs = Packs::new(program.kernel(), &shapes);
        assert!(parts.borrow().iter().all(|value| packs.place(*value).is_none()));
    }

    #[test]
    fn parts_that_meet_different_things_are_none() {
        let products = std::cell::RefCell::new(Vec::new());
        let (program, shapes) = kernel(|builder, loaded, factor| {
            // The last part is multiplied by another one, not by the factor.
            let factors = [factor, factor, factor, loaded[0]];
            *products.borrow_mut() = loaded.iter().zip(factors).map(|(part, by)| scaled(builder, *part, by)).collect();
        });
        let packs = Packs::new(program.kernel(), &shapes);
        assert!(products.borrow().iter().all(|value| packs.place(*value).is_none()));
    }
}
