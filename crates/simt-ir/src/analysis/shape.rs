//! What is known of a value across the lanes of a warp: the same in all, in arithmetic progression, or anything.
//!
//! This is where vector code gets its speed: a uniform value stays scalar, and an address in progression becomes one plain
//! vector access instead of 32.

use super::Schedule;
use crate::{
    AddressSpace, BinaryOp, BlockId, Function, FunctionKind, IntCondition, Op, Program, SpecialRegister, Symbol,
    SymbolId, Terminator, Type, Value,
};

/// The lanes of a value, relative to each other. Speaks only of lanes that are active where the value is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// The same in all lanes.
    Uniform,
    /// Lane `l` holds `lane 0 + l * stride`, wrapping in the value's type. The stride is not 0.
    Affine {
        /// Distance between neighbouring lanes.
        stride: i64,
        /// Whether that holds only if an extension on the way did not wrap, which the code has to test when it relies on it.
        speculative: bool,
    },
    /// Within each aligned segment of `length` lanes (8 or 16) in progression as above; nothing is known between segments.
    Segmented {
        /// Distance between neighbouring lanes; may be 0.
        stride: i64,
        /// Lanes of a segment.
        length: u8,
    },
    /// Anything.
    Varying,
}

impl Shape {
    /// Whether all lanes hold the same value.
    pub fn is_uniform(self) -> bool {
        self == Shape::Uniform
    }

    /// (stride, segment length, speculative) of what is in progression.
    fn progression(self) -> Option<(i64, u8, bool)> {
        match self {
            Shape::Uniform => Some((0, 32, false)),
            Shape::Affine { stride, speculative } => Some((stride, 32, speculative)),
            Shape::Segmented { stride, length } => Some((stride, length, false)),
            Shape::Varying => None,
        }
    }

    fn from_progression(stride: i64, length: u8, speculative: bool) -> Shape {
        match (stride, length) {
            (0, 32) if !speculative => Shape::Uniform,
            (0, 32) => Shape::Varying,
            (stride, 32) => Shape::Affine { stride, speculative },
            (stride, length @ (8 | 16)) if !speculative => Shape::Segmented { stride, length },
            _ => Shape::Varying,
        }
    }
}

/// What is known of one value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fact {
    /// Across lanes.
    pub shape: Shape,
    /// Smallest and largest value that any lane can hold, as signed numbers of the value's type.
    pub range: (i64, i64),
    /// Known trailing zero bits of lane 0's value.
    pub align: u8,
    /// Known trailing zero bits of every lane's value.
    pub lanes_align: u8,
    /// The value, if it is an integer constant.
    pub constant: Option<u64>,
}

/// What the launch tells about a kernel before it is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LaunchShape {
    /// Size of a block, if code is made for one size.
    pub block: Option<[u32; 3]>,
    /// Whether `grid * block` threads fit in 31 bits in each dimension, and `gridDim` in 31 bits.
    pub small_grid: bool,
}

/// Shapes of all values of a function, with the walk that follows from them.
pub struct Shapes {
    facts: Vec<Option<Fact>>,
    /// The walk.
    pub schedule: Schedule,
}

impl Shapes {
    /// Analyses a function. Branches found divergent make phis vary, which may make more branches divergent: repeated until
    /// nothing changes.
    pub fn new(program: &Program, function: &Function, launch: LaunchShape) -> Self {
        let mut divergent = vec![false; function.blocks.len()];
        loop {
            let schedule = Schedule::new(function, |block| divergent[block.0 as usize]);
            let analysis = Analysis { symbols: &program.symbols, function, launch, schedule: &schedule };
            let facts = analysis.run();
            let mut changed = false;
            for block in function.block_ids() {
                let decides = match function.block(block).terminator {
                    Terminator::CondBranch { condition, .. } => Some(condition),
                    Terminator::Switch { index, .. } => Some(index),
                    _ => None,
                };
                let is_divergent =
                    decides.and_then(|v| facts[v.0 as usize]).is_some_and(|fact: Fact| !fact.shape.is_uniform());
                if is_divergent && !divergent[block.0 as usize] {
                    divergent[block.0 as usize] = true;
                    changed = true;
                }
            }
            if !changed {
                return Self { facts, schedule };
            }
        }
    }

    /// What is known of a value; of one that is never computed, nothing.
    pub fn fact(&self, value: Value) -> Fact {
        self.facts[value.0 as usize].unwrap_or(Fact {
            shape: Shape::Varying,
            range: (i64::MIN, i64::MAX),
            align: 0,
            lanes_align: 0,
            constant: None,
        })
    }

    /// Shape of a value.
    pub fn shape(&self, value: Value) -> Shape {
        self.fact(value).shape
    }

    /// Whether lanes may disagree at the block's end.
    pub fn is_divergent(&self, function: &Function, block: BlockId) -> bool {
        match function.block(block).terminator {
            Terminator::CondBranch { condition, .. } => !self.shape(condition).is_uniform(),
            Terminator::Switch { index, .. } => !self.shape(index).is_uniform(),
            _ => false,
        }
    }
}

/// All values of a type, as signed numbers.
fn full_range(ty: Type) -> (i64, i64) {
    match ty.bits() {
        bits @ 1..=63 => (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1),
        _ => (i64::MIN, i64::MAX),
    }
}

struct Analysis<'a> {
    symbols: &'a [Symbol],
    function: &'a Function,
    launch: LaunchShape,
    schedule: &'a Schedule,
}

type Facts = Vec<Option<Fact>>;

impl Analysis<'_> {
    fn run(&self) -> Facts {
        let mut facts: Facts = vec![None; self.function.value_types.len()];
        for (index, ty) in self.function.parameters.iter().enumerate() {
            facts[index] = Some(varying(*ty));
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

    fn phi(&self, block: BlockId, phi: &crate::Phi, facts: &Facts) -> Option<Fact> {
        let ty = self.function.ty(phi.result);
        let known: Vec<Fact> = phi.incoming.iter().filter_map(|(_, value)| facts[value.0 as usize]).collect();
        let first = *known.first()?;
        let same = phi.incoming.iter().all(|(_, value)| *value == phi.incoming[0].1);
        let blended = self.schedule.is_blended(block);
        let mut shape = if blended && !(same && !self.schedule.arrives_apart(block) && !self.leaves_loop(block)) {
            Shape::Varying
        } else {
            first.shape
        };
        let mut align = first.align;
        let mut lanes_align = first.lanes_align;
        for fact in &known[1..] {
            align = align.min(fact.align);
            lanes_align = lanes_align.min(fact.lanes_align);
            shape = meet(shape, fact.shape);
        }
        if shape == Shape::Varying {
            align = 0;
        }
        let range =
            known.iter().fold(first.range, |range, fact| (range.0.min(fact.range.0), range.1.max(fact.range.1)));
        // Loops could widen the range step by step for ever: only what is complete and small is believed.
        let complete = phi.incoming.len() == known.len() && !self.is_loop_entry(block);
        Some(Fact { shape, range: if complete { range } else { full_range(ty) }, align, lanes_align, constant: None })
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
                    self.binary(*op, ty, get(*a)?, get(*b)?)
                }
                Op::Extend { signed, from, a, .. } => extend(*signed, *from, ty, get(*a)?),
                Op::Truncate { a, .. } if ty != Type::I1 => truncate(ty, get(*a)?),
                Op::Bitcast { from, to, a } if from.is_int() && to.is_int() => get(*a)?,
                Op::IntCompare { condition, a, b, .. } => compare(*condition, get(*a)?, get(*b)?),
                Op::ToGeneric { space: crate::AddressSpace::Local, .. } => varying(ty),
                Op::ToGeneric { a, .. } | Op::FromGeneric { a, .. } => {
                    Fact { range: full_range(ty), align: 0, lanes_align: 0, constant: None, ..get(*a)? }
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
                    if address.shape.is_uniform() && !guarded && !apart && weak { uniform(ty) } else { varying(ty) }
                }
                // Lanes may name different groups.
                Op::Vote { members, .. } | Op::Reduce { members, .. } if !apart => {
                    if get(*members)?.shape.is_uniform() { uniform(ty) } else { varying(ty) }
                }
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
        Some(fact)
    }

    /// Shared variables lie at known offsets; local ones at offsets that fit in 31 bits.
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
        };
        match register {
            TidX | TidY | TidZ => self.thread_index(register),
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
            WarpId => ranged(uniform(Type::I32), 0, 31),
            other => uniform(other.ty()),
        }
    }

    /// Threads are numbered x fastest; 32 consecutive ones are a warp.
    fn thread_index(&self, register: SpecialRegister) -> Fact {
        use SpecialRegister::{TidX, TidY};
        let Some([x, y, z]) = self.launch.block else {
            return Fact { range: (0, 1023), ..varying(Type::I32) };
        };
        let progression = |stride: i64, length: u8, high: u32, align: u8| Fact {
            shape: Shape::from_progression(stride, length, false),
            range: (0, i64::from(high.max(1)) - 1),
            align,
            lanes_align: 0,
            constant: if high <= 1 { Some(0) } else { None },
        };
        let one_row = x % 32 == 0 || (y == 1 && z == 1);
        let segment = [16u32, 8].into_iter().find(|length| x % length == 0);
        match (register, one_row, segment) {
            (TidX, ..) if x == 1 => constant(Type::I32, 0),
            (TidX, true, _) => progression(1, 32, x, 5),
            (TidX, false, Some(length)) => progression(1, length as u8, x, 0),
            (TidY, ..) if y == 1 => constant(Type::I32, 0),
            (TidY, true, _) => progression(0, 32, y, 0),
            (TidY, false, Some(length)) => progression(0, length as u8, y, 0),
            (TidX, ..) => Fact { range: (0, i64::from(x) - 1), ..varying(Type::I32) },
            (TidY, ..) => Fact { range: (0, i64::from(y) - 1), ..varying(Type::I32) },
            _ if z == 1 => constant(Type::I32, 0),
            _ if one_row || (x * y) % 32 == 0 => progression(0, 32, z, 0),
            _ => match segment {
                Some(length) => progression(0, length as u8, z, 0),
                None => Fact { range: (0, i64::from(z) - 1), ..varying(Type::I32) },
            },
        }
    }

    fn binary(&self, op: BinaryOp, ty: Type, a: Fact, b: Fact) -> Fact {
        use BinaryOp::*;
        let range = binary_range(op, ty, a.range, b.range);
        let constant = match (a.constant, b.constant) {
            (Some(a), Some(b)) => fold(op, ty, a, b),
            _ => None,
        };
        if let Some(bits) = constant {
            return self::constant(ty, bits);
        }
        let both = a.shape.progression().zip(b.shape.progression());
        let shape = match (op, both) {
            (_, Some(((0, 32, _), (0, 32, _)))) => Shape::Uniform,
            (Add, Some((p, q))) => Shape::from_progression(p.0.wrapping_add(q.0), p.1.min(q.1), p.2 | q.2),
            (Sub, Some((p, q))) => Shape::from_progression(p.0.wrapping_sub(q.0), p.1.min(q.1), p.2 | q.2),
            (Mul, Some((p, q))) => match (a.constant, b.constant) {
                (_, Some(factor)) => scaled(p, sign_extend(ty, factor)),
                (Some(factor), _) => scaled(q, sign_extend(ty, factor)),
                _ if p.0 == 0 && q.0 == 0 => Shape::from_progression(0, p.1.min(q.1), p.2 | q.2),
                _ => Shape::Varying,
            },
            (Shl, Some((p, _))) => match b.constant {
                Some(amount) if amount < u64::from(ty.bits()) => scaled(p, 1i64 << amount),
                _ => Shape::Varying,
            },
            // The low bits of lane 0 are zero, so that adding the lane's part does not carry into the bits kept.
            (ShrUnsigned | ShrSigned, Some((p, _))) => match b.constant {
                Some(amount) if lanes_fit(p, a.align, amount) && p.1 == 32 => Shape::Uniform,
                _ => segment_uniform(p, b.shape),
            },
            (And, Some((p, _))) => match b.constant {
                Some(mask) if lanes_fit(p, a.align, u64::from(mask.trailing_ones())) => {
                    Shape::from_progression(p.0, p.1, p.2)
                }
                Some(mask) if lanes_fit(p, a.align, u64::from(mask.trailing_zeros())) && p.1 == 32 => Shape::Uniform,
                _ => segment_uniform(p, b.shape),
            },
            (Or | Xor, Some((p, q))) => {
                if lanes_fit(p, a.align, u64::from(b.align)) && q.0 == 0 && q.1 == 32 {
                    Shape::from_progression(p.0, p.1, p.2)
                } else if lanes_fit(q, b.align, u64::from(a.align)) && p.0 == 0 && p.1 == 32 {
                    Shape::from_progression(q.0, q.1, q.2)
                } else {
                    segment_uniform(p, b.shape)
                }
            }
            (_, Some((p, _))) => segment_uniform(p, b.shape),
            _ => Shape::Varying,
        };
        let align = if shape == Shape::Varying { 0 } else { binary_align(op, a, b) };
        let lanes_align = lanes_align(op, a, b).min(ty.bits() as u8);
        Fact { shape, range, align, lanes_align, constant: None }
    }
}

/// An operation on values that are constant within segments is constant within segments.
fn segment_uniform(a: (i64, u8, bool), b: Shape) -> Shape {
    match b.progression() {
        Some((0, length, false)) if a.0 == 0 && !a.2 => Shape::from_progression(0, a.1.min(length), false),
        _ => Shape::Varying,
    }
}

fn scaled(p: (i64, u8, bool), factor: i64) -> Shape {
    match p.0.checked_mul(factor) {
        Some(0) if p.2 => Shape::Varying,
        Some(stride) => Shape::from_progression(stride, p.1, p.2),
        None => Shape::Varying,
    }
}

/// Whether what the lanes add to lane 0 stays below bit `bits`, and lane 0 has zeros there.
fn lanes_fit(p: (i64, u8, bool), align: u8, bits: u64) -> bool {
    !p.2 && p.0 >= 0 && u64::from(align) >= bits.min(63) && bits < 63 && p.0.saturating_mul(31) < (1i64 << bits)
}

fn binary_align(op: BinaryOp, a: Fact, b: Fact) -> u8 {
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or | BinaryOp::Xor => a.align.min(b.align),
        BinaryOp::Mul => a.align.saturating_add(b.align).min(63),
        BinaryOp::And => a.align.max(b.align),
        BinaryOp::Shl => b.constant.map_or(a.align, |amount| a.align.saturating_add(amount.min(63) as u8)).min(63),
        BinaryOp::ShrUnsigned | BinaryOp::ShrSigned => {
            b.constant.map_or(0, |amount| a.align.saturating_sub(amount.min(63) as u8))
        }
        _ => 0,
    }
}

/// Trailing zeros that every lane's result has.
fn lanes_align(op: BinaryOp, a: Fact, b: Fact) -> u8 {
    let (x, y) = (a.lanes_align, b.lanes_align);
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or | BinaryOp::Xor => x.min(y),
        BinaryOp::MinSigned | BinaryOp::MinUnsigned | BinaryOp::MaxSigned | BinaryOp::MaxUnsigned => x.min(y),
        BinaryOp::Mul => x.saturating_add(y).min(63),
        BinaryOp::And => x.max(y),
        BinaryOp::Shl => x.saturating_add(b.constant.map_or(0, |amount| amount.min(63) as u8)).min(63),
        BinaryOp::ShrUnsigned | BinaryOp::ShrSigned => {
            b.constant.map_or(0, |amount| x.saturating_sub(amount.min(63) as u8))
        }
        _ => 0,
    }
}

fn sign_extend(ty: Type, bits: u64) -> i64 {
    let shift = 64 - ty.bits().min(64);
    ((bits << shift) as i64) >> shift
}

fn fold(op: BinaryOp, ty: Type, a: u64, b: u64) -> Option<u64> {
    let mask = if ty.bits() >= 64 { u64::MAX } else { (1u64 << ty.bits()) - 1 };
    Some(
        mask & match op {
            BinaryOp::Add => a.wrapping_add(b),
            BinaryOp::Sub => a.wrapping_sub(b),
            BinaryOp::Mul => a.wrapping_mul(b),
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            BinaryOp::Shl if b < 64 => a << b,
            BinaryOp::ShrUnsigned if b < 64 => a >> b,
            _ => return None,
        },
    )
}

/// Range of a result; the type's full range where it might wrap.
fn binary_range(op: BinaryOp, ty: Type, a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    let full = full_range(ty);
    let fit = |low: i128, high: i128| {
        if low >= i128::from(full.0) && high <= i128::from(full.1) { (low as i64, high as i64) } else { full }
    };
    let wide = |x: i64| i128::from(x);
    match op {
        BinaryOp::Add => fit(wide(a.0) + wide(b.0), wide(a.1) + wide(b.1)),
        BinaryOp::Sub => fit(wide(a.0) - wide(b.1), wide(a.1) - wide(b.0)),
        BinaryOp::Mul => {
            let products = [wide(a.0) * wide(b.0), wide(a.0) * wide(b.1), wide(a.1) * wide(b.0), wide(a.1) * wide(b.1)];
            fit(products.into_iter().min().unwrap_or(0), products.into_iter().max().unwrap_or(0))
        }
        BinaryOp::Shl if b.0 == b.1 && (0..63).contains(&b.0) => fit(wide(a.0) << b.0, wide(a.1) << b.0),
        BinaryOp::ShrSigned if b.0 == b.1 && (0..63).contains(&b.0) => (a.0 >> b.0, a.1 >> b.0),
        BinaryOp::ShrUnsigned if a.0 >= 0 && b.0 == b.1 && (0..63).contains(&b.0) => (a.0 >> b.0, a.1 >> b.0),
        BinaryOp::And if b.0 >= 0 => (0, b.1),
        BinaryOp::And if a.0 >= 0 => (0, a.1),
        BinaryOp::RemUnsigned if b.0 > 0 && a.0 >= 0 => (0, (b.1 - 1).min(a.1)),
        BinaryOp::DivUnsigned if b.0 > 0 && a.0 >= 0 => (0, a.1),
        BinaryOp::MinSigned => (a.0.min(b.0), a.1.min(b.1)),
        BinaryOp::MaxSigned => (a.0.max(b.0), a.1.max(b.1)),
        _ => full,
    }
}

fn extend(signed: bool, from: Type, to: Type, a: Fact) -> Fact {
    let fits = if signed { true } else { a.range.0 >= 0 };
    let range = if fits {
        a.range
    } else if from.bits() < 63 {
        (0, (1i64 << from.bits()) - 1)
    } else {
        full_range(to)
    };
    let constant = a.constant.map(|bits| {
        let bits = if signed { sign_extend(from, bits) as u64 } else { bits };
        if to.bits() >= 64 { bits } else { bits & ((1 << to.bits()) - 1) }
    });
    // The progression survives if no lane wraps in the narrow type, which the range proves: a lane outside it would
    // have made the range the full one.
    let stride = a.shape.progression().map_or(0, |p| p.0);
    let width = i128::from(a.range.1) - i128::from(a.range.0) + 32 * i128::from(stride.unsigned_abs());
    let proven = fits && width < 1i128 << from.bits().min(64);
    let shape = match a.shape {
        Shape::Affine { stride, speculative } => {
            if stride.unsigned_abs().saturating_mul(32) >= 1u64 << (from.bits() - 1).min(62) || from == Type::I1 {
                Shape::Varying
            } else {
                Shape::Affine { stride, speculative: speculative || !proven }
            }
        }
        Shape::Segmented { stride, .. } if stride != 0 && !proven => Shape::Varying,
        other => other,
    };
    Fact {
        shape,
        range,
        align: if shape == Shape::Varying { 0 } else { a.align },
        lanes_align: a.lanes_align,
        constant,
    }
}

fn truncate(ty: Type, a: Fact) -> Fact {
    let full = full_range(ty);
    let inside = a.range.0 >= full.0 && a.range.1 <= full.1;
    let shape = match a.shape {
        Shape::Affine { speculative: true, .. } => Shape::Varying,
        Shape::Affine { stride, .. } if sign_extend(ty, stride as u64) != stride => Shape::Varying,
        other => other,
    };
    let mask = if ty.bits() >= 64 { u64::MAX } else { (1u64 << ty.bits()) - 1 };
    Fact {
        shape,
        range: if inside { a.range } else { full },
        align: if shape == Shape::Varying { 0 } else { a.align },
        lanes_align: a.lanes_align,
        constant: a.constant.map(|bits| bits & mask),
    }
}

/// A comparison is uniform if both sides are, or if all lanes lie in one aligned group of 32 and the bound is a multiple of 32.
fn compare(condition: IntCondition, a: Fact, b: Fact) -> Fact {
    use IntCondition::*;
    let grouped = |x: Fact, bound: Fact| {
        x.shape == (Shape::Affine { stride: 1, speculative: false })
            && x.align >= 5
            && x.range.0 >= 0
            && bound.shape.is_uniform()
            && bound.align >= 5
            && bound.range.0 >= 0
    };
    let left = grouped(a, b) && matches!(condition, LtSigned | LtUnsigned | GeSigned | GeUnsigned);
    let right = grouped(b, a) && matches!(condition, GtSigned | GtUnsigned | LeSigned | LeUnsigned);
    let segment = match (a.shape.progression(), b.shape.progression()) {
        (Some((0, p, false)), Some((0, q, false))) => Shape::from_progression(0, p.min(q), false),
        _ => Shape::Varying,
    };
    let shape = if left || right { Shape::Uniform } else { segment };
    Fact { shape, range: full_range(Type::I1), align: 0, lanes_align: 0, constant: None }
}

fn constant(ty: Type, bits: u64) -> Fact {
    let value = sign_extend(ty, bits);
    let align = if bits == 0 { 63 } else { bits.trailing_zeros() as u8 };
    if ty.is_float() || ty.bits() > 64 {
        return uniform(ty);
    }
    Fact { shape: Shape::Uniform, range: (value, value), align, lanes_align: align, constant: Some(bits) }
}

fn uniform(ty: Type) -> Fact {
    Fact { shape: Shape::Uniform, range: full_range(ty), align: 0, lanes_align: 0, constant: None }
}

fn varying(ty: Type) -> Fact {
    Fact { shape: Shape::Varying, range: full_range(ty), align: 0, lanes_align: 0, constant: None }
}

/// The weaker of two shapes; speculation in either makes the result speculative.
fn meet(a: Shape, b: Shape) -> Shape {
    match (a.progression(), b.progression()) {
        (Some(p), Some(q)) if p.0 == q.0 => Shape::from_progression(p.0, p.1.min(q.1), p.2 | q.2),
        _ => Shape::Varying,
    }
}

/// Stores a new fact; facts only ever get weaker, so that the analysis ends.
fn update(facts: &mut Facts, value: Value, fact: Option<Fact>) -> bool {
    let slot = &mut facts[value.0 as usize];
    let Some(mut fact) = fact else { return false };
    if let Some(old) = *slot {
        if old == fact {
            return false;
        }
        fact.shape = meet(old.shape, fact.shape);
        fact.align = if fact.shape == Shape::Varying { 0 } else { fact.align.min(old.align) };
        fact.lanes_align = fact.lanes_align.min(old.lanes_align);
        fact.range = (fact.range.0.min(old.range.0), fact.range.1.max(old.range.1));
        if fact.constant != old.constant {
            fact.constant = None;
        }
        if old == fact {
            return false;
        }
    }
    *slot = Some(fact);
    true
}
