//! The facts of all values of a function, from those of special registers on.

use super::fact::{Fact, Facts, Place, constant, full_range, uniform, update, varying};
use super::progression::{Progression, SEGMENTS_MAX, WHOLE, meet};
use super::{LaunchShape, Shape, integer};
use crate::analysis::counted::Counted;
use crate::analysis::{LoopId, Schedule};
use crate::{
    AddressSpace, BlockId, Function, FunctionKind, Op, Phi, Program, SpecialRegister, Symbol, SymbolId, Type, Value,
    WARP_SIZE,
};

pub(super) struct Analysis<'a> {
    pub(super) symbols: &'a [Symbol],
    pub(super) function: &'a Function,
    pub(super) launch: LaunchShape,
    pub(super) schedule: &'a Schedule,
    /// Whether lanes that meet are taken to have come by the same way, so that what follows is only hoped for.
    pub(super) hopeful: bool,
    pub(super) counted: Counted<'a>,
    /// Of each loop, if its turns are counted.
    pub(super) turns: Vec<Option<u64>>,
}

impl<'a> Analysis<'a> {
    pub(super) fn new(
        program: &'a Program,
        function: &'a Function,
        launch: LaunchShape,
        schedule: &'a Schedule,
    ) -> Self {
        let counted = Counted::new(function, &schedule.layout);
        let turns = counted.turns();
        Self { symbols: &program.symbols, function, launch, schedule, hopeful: false, counted, turns }
    }

    pub(super) fn run(&self) -> Facts {
        let mut facts: Facts = vec![None; self.function.value_types.len()];
        for (index, ty) in self.function.parameters.iter().enumerate() {
            let is_lane = self.function.kind == FunctionKind::Lane;
            facts[index] = Some(if is_lane { uniform(*ty) } else { varying(*ty) });
        }
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &self.schedule.layout.order {
                let data = self.function.block(block);
                for phi in &data.phis {
                    let fact = self.phi(block, phi, &facts);
                    changed |= update(&mut facts, phi.result, fact);
                }
                for instruction in &data.instructions {
                    for &result in &instruction.results {
                        let fact = self.instruction(block, &instruction.op, result, &facts);
                        changed |= update(&mut facts, result, fact);
                    }
                }
            }
        }
        facts
    }

    fn phi(&self, block: BlockId, phi: &Phi, facts: &Facts) -> Option<Fact> {
        let ty = self.function.ty(phi.result);
        let known: Vec<Fact> = phi.incoming.iter().filter_map(|(_, value)| facts[value.0 as usize]).collect();
        let first = *known.first()?;
        let same = phi.incoming.iter().all(|(_, value)| *value == phi.incoming[0].1);
        let blended = self.schedule.is_blended(block);
        let apart = self.schedule.arrives_apart(block);
        let mixed = blended && !(same && !apart && !self.leaves_loop(block));
        let mut shape = if mixed && (apart || !self.hopeful) { Shape::Varying } else { first.shape };
        let mut align = first.align;
        let mut lanes_align = first.lanes_align;
        for fact in &known[1..] {
            align = align.min(fact.align);
            lanes_align = lanes_align.min(fact.lanes_align);
            shape = meet(shape, fact.shape);
        }
        if mixed {
            shape = shape.if_proven(false);
        }
        if shape == Shape::Varying {
            align = 0;
        }
        let range =
            known.iter().fold(first.range, |range, fact| (range.0.min(fact.range.0), range.1.max(fact.range.1)));
        // Loops could widen the range step by step for ever: only what is complete and small is believed, or counted.
        let complete = phi.incoming.len() == known.len() && !self.is_loop_entry(block);
        let (range, place) = match self.counted_up(block, phi, facts) {
            Some(counted) => counted,
            None if complete => (range, None),
            None => (full_range(ty), None),
        };
        Some(Fact { shape, range, align, lanes_align, constant: None, place })
    }

    /// The range of a phi that a loop with counted turns changes by as much in each, and where it is an address.
    fn counted_up(&self, block: BlockId, phi: &Phi, facts: &Facts) -> Option<((i64, i64), Option<Place>)> {
        let layout = &self.schedule.layout;
        let index = layout.loops.iter().position(|info| info.entries == [block])?;
        let (id, ty) = (LoopId(index as u32), self.function.ty(phi.result));
        let reach = i64::try_from(self.turns[index]? - 1).ok()?.checked_mul(self.counted.step(id, phi)?)?;
        let by = (reach.min(0), reach.max(0));
        let mut starts = phi.incoming.iter().filter(|(from, _)| !layout.contains(id, *from));
        let (_, start) = starts.next().filter(|_| starts.next().is_none())?;
        let start = facts[start.0 as usize]?;
        let range = start.range.0.checked_add(by.0).zip(start.range.1.checked_add(by.1));
        let (all, place) = (full_range(ty), start.place.and_then(|place| place.moved(by)));
        let fits = range.filter(|range| ty.bits() <= 64 && range.0 >= all.0 && range.1 <= all.1);
        (fits.is_some() || place.is_some()).then(|| (fits.unwrap_or(all), place))
    }

    fn is_loop_entry(&self, block: BlockId) -> bool {
        self.schedule.layout.loops.iter().any(|info| info.entries.contains(&block))
    }

    fn leaves_loop(&self, block: BlockId) -> bool {
        let layout = &self.schedule.layout;
        self.function
            .block(block)
            .phis
            .iter()
            .flat_map(|phi| &phi.incoming)
            .any(|(from, _)| layout.innermost[from.0 as usize].is_some_and(|id| !layout.contains(id, block)))
    }

    fn instruction(&self, block: BlockId, op: &Op, result: Value, facts: &Facts) -> Option<Fact> {
        let apart = self.schedule.runs_apart(block);
        let ty = self.function.ty(result);
        let get = |value: Value| facts[value.0 as usize];
        let fact =
            match op {
                Op::Const { bits, .. } => constant(ty, *bits),
                Op::Special(register) if apart && register.is_volatile() => varying(ty),
                Op::Special(register) => self.special(*register),
                Op::SymbolAddress(symbol) => self.symbol(*symbol),
                Op::LoadParam { .. } | Op::FunctionAddress(_) => uniform(ty),
                Op::Binary { op, a, b, .. } if ty.is_int() && ty.bits() <= 64 => {
                    integer::binary(self.launch.lanes, *op, ty, get(*a)?, get(*b)?)
                }
                Op::Extend { signed, from, a, .. } => integer::extend(self.launch.lanes, *signed, *from, ty, get(*a)?),
                Op::Truncate { a, .. } if ty != Type::I1 => integer::truncate(ty, get(*a)?),
                Op::Expect { stride, a, .. } => self.expected(*stride, get(*a)?, apart),
                Op::Bitcast { from, to, a } if from.is_int() && to.is_int() => get(*a)?,
                Op::IntCompare { condition, a, b, .. } => {
                    integer::compare(self.launch.lanes, *condition, get(*a)?, get(*b)?)
                }
                Op::ToGeneric { space: crate::AddressSpace::Local, .. } => varying(ty),
                // The addresses of these spaces are generic ones.
                Op::ToGeneric { space: AddressSpace::Global | AddressSpace::Const, a }
                | Op::FromGeneric { space: AddressSpace::Global | AddressSpace::Const, a } => get(*a)?,
                Op::ToGeneric { a, .. } | Op::FromGeneric { a, .. } => {
                    Fact { range: full_range(ty), align: 0, lanes_align: 0, constant: None, place: None, ..get(*a)? }
                }
                Op::Select { condition, a, b, .. } => {
                    let (condition, a, b) = (get(*condition)?, get(*a)?, get(*b)?);
                    let shape = if condition.shape.is_uniform() { meet(a.shape, b.shape) } else { Shape::Varying };
                    let range = (a.range.0.min(b.range.0), a.range.1.max(b.range.1));
                    Fact {
                        shape,
                        range,
                        align: if shape == Shape::Varying { 0 } else { a.align.min(b.align) },
                        lanes_align: a.lanes_align.min(b.lanes_align),
                        constant: None,
                        place: None,
                    }
                }
                // Each lane has its own local memory, at the same offsets.
                Op::Load { space: AddressSpace::Local, .. } => varying(ty),
                Op::Load { address, guard, order, .. } => {
                    let address = get(*address)?;
                    let guarded = match guard {
                        Some(guard) => !get(*guard)?.shape.is_uniform(),
                        None => false,
                    };
                    // What lanes read at another time may differ.
                    let weak = *order == crate::MemoryOrder::Weak || *order == crate::MemoryOrder::Volatile;
                    let alike = !guarded && !apart && weak;
                    match address.shape {
                        Shape::Uniform if alike => uniform(ty),
                        // Numbers that are computed with, not indices, for which a scalar for each segment would not pay.
                        Shape::Segmented { stride: 0, length, speculative: false, .. } if alike && ty == Type::F32 => {
                            Fact {
                                shape: Shape::Segmented { stride: 0, length, speculative: false, outer: None },
                                ..varying(ty)
                            }
                        }
                        _ => varying(ty),
                    }
                }
                // Lanes may name different groups.
                Op::Vote { members, .. } | Op::Reduce { members, .. } if !apart => {
                    if get(*members)?.shape.is_uniform() { uniform(ty) } else { varying(ty) }
                }
                Op::Agree { .. } => uniform(ty),
                Op::ActiveMask | Op::Barrier { .. } if !apart => uniform(ty),
                Op::StackAlloc { .. } | Op::StackSave => {
                    if apart {
                        varying(ty)
                    } else {
                        uniform(ty)
                    }
                }
                other if other.is_pure() => {
                    let mut all_uniform = true;
                    for operand in other.operands() {
                        all_uniform &= get(operand)?.shape.is_uniform();
                    }
                    if all_uniform { uniform(ty) } else { varying(ty) }
                }
                _ => varying(ty),
            };
        // There is but one lane.
        let is_apart = self.function.kind == FunctionKind::Lane && !fact.shape.is_uniform();
        Some(if is_apart { uniform(ty) } else { fact })
    }

    /// What is expected of a value of which nothing is known. Warps of a team owe each other nothing.
    fn expected(&self, stride: i64, a: Fact, apart: bool) -> Fact {
        if a.shape != Shape::Varying || apart {
            return a;
        }
        let length = if self.launch.lanes == WARP_SIZE { WHOLE } else { WARP_SIZE as u8 };
        Fact { shape: Progression { stride, length, speculative: true, outer: None }.shape(), align: 0, ..a }
    }

    /// Global and const variables lie anywhere, shared ones at known offsets; local ones at offsets that fit in 31 bits.
    fn symbol(&self, symbol: SymbolId) -> Fact {
        match self.symbols.get(symbol.0 as usize) {
            Some(symbol) if symbol.space == AddressSpace::Shared => constant(Type::I64, u64::from(symbol.offset)),
            // A kernel's own frame is the first on the stack.
            Some(symbol) if symbol.space == AddressSpace::Local && self.function.kind == FunctionKind::Kernel => {
                constant(Type::I64, u64::from(symbol.offset))
            }
            Some(symbol) if symbol.space == AddressSpace::Local => {
                Fact { range: (0, i64::from(i32::MAX)), ..uniform(Type::I64) }
            }
            Some(variable) if matches!(variable.space, AddressSpace::Global | AddressSpace::Const) => {
                let align = variable.align.max(1).trailing_zeros() as u8;
                let place = Some(Place { symbol, range: (0, 0) });
                Fact { align, lanes_align: align, place, ..uniform(Type::I64) }
            }
            _ => uniform(Type::I64),
        }
    }

    fn special(&self, register: SpecialRegister) -> Fact {
        use SpecialRegister::*;
        let ranged = |fact: Fact, low: i64, high: i64| Fact { range: (low, high), ..fact };
        let affine = |align| Fact {
            shape: Shape::Affine { stride: 1, speculative: false },
            range: (0, 1023),
            align,
            lanes_align: 0,
            constant: None,
            place: None,
        };
        match register {
            TidX | TidY | TidZ => self.thread_index(register),
            LaneId if self.launch.lanes != WARP_SIZE => {
                let warps = Progression { stride: 1, length: WARP_SIZE as u8, speculative: false, outer: Some(0) };
                Fact { shape: warps.shape(), range: (0, 31), ..affine(32) }
            }
            LaneId => Fact { align: 32, constant: None, range: (0, 31), ..affine(32) },
            LanemaskEq | LanemaskLe | LanemaskLt | LanemaskGe | LanemaskGt => varying(Type::I32),
            NtidX | NtidY | NtidZ => match self.launch.block {
                Some(block) => constant(Type::I32, block[(register as usize) - (NtidX as usize)] as u64),
                None => ranged(uniform(Type::I32), 1, 1024),
            },
            CtaidX | NctaidX => {
                let limit = if self.launch.small_grid {
                    i64::from(i32::MAX) / i64::from(self.launch.block.map_or(1024, |block| block[0])) - 1
                } else {
                    i64::from(i32::MAX)
                };
                ranged(uniform(Type::I32), 0, limit)
            }
            CtaidY | CtaidZ | NctaidY | NctaidZ => ranged(uniform(Type::I32), 0, 65535),
            WarpId if self.launch.lanes != WARP_SIZE => ranged(varying(Type::I32), 0, 31),
            WarpId => ranged(uniform(Type::I32), 0, 31),
            other => uniform(other.ty()),
        }
    }

    /// Threads are numbered x fastest; consecutive ones are the lanes.
    fn thread_index(&self, register: SpecialRegister) -> Fact {
        use SpecialRegister::{TidX, TidY};
        let Some([x, y, z]) = self.launch.block else {
            return Fact { range: (0, 1023), ..varying(Type::I32) };
        };
        let fact = |progression: Progression, high: u32, align: u8| Fact {
            shape: progression.shape(),
            range: (0, i64::from(high.max(1)) - 1),
            align,
            lanes_align: 0,
            constant: if high <= 1 { Some(0) } else { None },
            place: None,
        };
        let progression = |stride: i64, length: u8, high: u32, align: u8| {
            fact(Progression { stride, length, speculative: false, outer: None }, high, align)
        };
        let lanes = self.launch.lanes;
        let lanes_bits = lanes.trailing_zeros() as u8;
        let one_row = x % lanes == 0 || (y == 1 && z == 1);
        let segment = [64u32, 32, 16, 8]
            .into_iter()
            .find(|length| *length < lanes && lanes / length <= SEGMENTS_MAX && x % length == 0);
        // A segment for each row, and as many rows for each set of lanes: each begins as far from the one before.
        let rows = |length: u32, outer: i64| (x == length && (x * y) % lanes == 0).then_some(outer);
        let segmented = |stride: i64, length: u32, outer: i64, high: u32| {
            let outer = rows(length, outer);
            // Lane 0 is the first of a row, or as many lanes into it as divide both.
            let align = match (stride, outer) {
                (1, _) if lanes.is_multiple_of(x) => 63,
                (1, _) => x.trailing_zeros().min(lanes.trailing_zeros()) as u8,
                (_, Some(_)) => (lanes / length).trailing_zeros() as u8,
                _ => 0,
            };
            fact(Progression { stride, length: length as u8, speculative: false, outer }, high, align)
        };
        match (register, one_row, segment) {
            (TidX, ..) if x == 1 => constant(Type::I32, 0),
            (TidX, true, _) => progression(1, WHOLE, x, lanes_bits),
            (TidX, false, Some(length)) => segmented(1, length, 0, x),
            (TidY, ..) if y == 1 => constant(Type::I32, 0),
            (TidY, true, _) => progression(0, WHOLE, y, 0),
            (TidY, false, Some(length)) => segmented(0, length, 1, y),
            (TidX, ..) => Fact { range: (0, i64::from(x) - 1), ..varying(Type::I32) },
            (TidY, ..) => Fact { range: (0, i64::from(y) - 1), ..varying(Type::I32) },
            _ if z == 1 => constant(Type::I32, 0),
            _ if one_row || (x * y) % lanes == 0 => progression(0, WHOLE, z, 0),
            _ => match segment {
                Some(length) => segmented(0, length, 0, z),
                None => Fact { range: (0, i64::from(z) - 1), ..varying(Type::I32) },
            },
        }
    }
}
