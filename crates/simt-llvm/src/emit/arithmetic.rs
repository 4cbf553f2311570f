//! Pure operations: which of them stay scalar, and how a progression goes through them.

use std::mem::offset_of;

use simt_ir::abi::{LaunchContext, RuntimeTable};
use simt_ir::analysis::Shape;
use simt_ir::{AddressSpace, BinaryOp, Op, SpecialRegister, Type, Value};

use super::value::{Bases, Distances, Repr, Speculation};
use super::{FunctionEmitter, LANES};
use crate::Error;
use crate::llvm::{Bin, Cast, IntPredicate, Val};

impl FunctionEmitter<'_> {
    /// Emits an operation with one result and no effects.
    pub fn pure(&mut self, op: &Op, result: Value) -> Result<(), Error> {
        let ty = self.function.ty(result);
        match op {
            Op::Const { bits, .. } => {
                let constant = self.constant_of(ty, *bits);
                self.define(result, Repr::Uniform(constant));
                return Ok(());
            }
            Op::Special(register) => return self.special(*register, result),
            Op::LoadParam { offset, .. } => {
                let params = self.launch_field(self.ir.ptr(), offset_of!(LaunchContext, params), 8);
                let pointer = self.ir.offset_by(params, *offset as usize);
                let align = 1 << offset.trailing_zeros().min(3);
                let value = self.ir.load_invariant(self.scalar_type(ty), pointer, align);
                self.define(result, Repr::Uniform(value));
                return Ok(());
            }
            Op::SymbolAddress(symbol) => return self.symbol_address(*symbol, result),
            Op::FunctionAddress(function) => {
                let address = self.i64(self.unit.program.address_of(*function));
                self.define(result, Repr::Uniform(address));
                return Ok(());
            }
            Op::ToGeneric { space, a } => return self.change_space(*space, *a, result, true),
            Op::FromGeneric { space, a } => return self.change_space(*space, *a, result, false),
            Op::IsInSpace { space, a } => return self.is_in_space(*space, *a, result),
            Op::MapToRank { a, rank } => return self.map_to_rank(*a, *rank, result),
            Op::RankOf { a } => return self.rank_of(*a, result),
            Op::Expect { stride, a, .. } if self.shape(*a) == Shape::Varying => {
                self.expect(*stride, *a, result);
                return Ok(());
            }
            _ => {}
        }
        let operands = op.operands();
        // Bits of a float, and floats from elsewhere, show what kind of NaN arithmetic made.
        let shows_bits =
            matches!(op, Op::Bitcast { .. } | Op::Select { .. }) && !self.arithmetic_nans[result.0 as usize];
        match self.shape(result) {
            Shape::Uniform => {
                let read = |this: &mut Self, operand| {
                    if shows_bits { this.observed_uniform(operand) } else { this.lane_zero(operand) }
                };
                let scalars: Vec<Val> = operands.iter().map(|operand| read(self, *operand)).collect();
                let value = self.evaluate(op, &scalars)?;
                self.define(result, Repr::Uniform(value));
            }
            Shape::Affine { stride, speculative } => {
                let scalars: Vec<Val> = operands.iter().map(|operand| self.lane_zero(*operand)).collect();
                let base = self.evaluate(op, &scalars)?;
                let speculation = if speculative { Some(self.speculate(op, ty)?) } else { None };
                self.define(result, Repr::Affine { base, stride, speculation });
            }
            Shape::Segmented { stride, length, speculative, outer } => {
                let operands: Vec<Bases> =
                    operands.iter().map(|operand| self.bases_of(*operand, length.into())).collect();
                let mut bases = Vec::new();
                for segment in 0..self.bases_kept(length, outer) as usize {
                    let scalars: Vec<Val> = operands.iter().map(|bases| bases[segment]).collect();
                    bases.push(self.evaluate(op, &scalars)?);
                }
                let speculation = if speculative { Some(self.speculate(op, ty)?) } else { None };
                let bases = self.all_bases(bases, length.into(), outer, ty);
                self.define(result, Repr::Segments { bases, stride, speculation });
            }
            Shape::Varying => {
                let read = |this: &mut Self, operand| {
                    if shows_bits { this.observed(operand) } else { this.vector(operand) }
                };
                let vectors: Vec<Val> = operands.iter().map(|operand| read(self, *operand)).collect();
                let value = self.evaluate(op, &vectors)?;
                self.define_vector(result, value);
            }
        }
        Ok(())
    }

    pub fn constant_of(&self, ty: Type, bits: u64) -> Val {
        match ty {
            Type::F32 => self.ir.cast(Cast::BitCast, self.i32(bits as u32), self.ir.f32()),
            Type::F64 => self.ir.cast(Cast::BitCast, self.i64(bits), self.ir.f64()),
            other => self.ir.constant(self.scalar_type(other), bits),
        }
    }

    /// The test and the true distances of a result whose progression is only hoped for.
    fn speculate(&mut self, op: &Op, ty: Type) -> Result<Speculation, Error> {
        Ok(match op {
            Op::Extend { signed, from, a, .. } => self.speculate_extension(*signed, *from, ty, *a),
            Op::Binary { op: op @ (BinaryOp::MinSigned | BinaryOp::MaxSigned), a, b, .. } => {
                let (index, bound) = if self.shape(*b).is_uniform() { (*a, *b) } else { (*b, *a) };
                self.speculate_bound(*op, ty, index, bound)
            }
            Op::Binary { op, a, b, .. } => {
                let constants = (self.shapes.fact(*a).constant, self.shapes.fact(*b).constant);
                if let Some(source) = self.keeps_distances(op, *a, *b) {
                    return Ok(self.speculation_of(source));
                }
                let (a, b) = (self.speculation_of(*a), self.speculation_of(*b));
                let holds = self.ir.and(a.holds, b.holds);
                let (a, b) = (self.loaded(a.distances, ty), self.loaded(b.distances, ty));
                let vector = self.vector_type(ty);
                let distances = match (op, constants) {
                    (BinaryOp::Add, _) => self.ir.add(a, b),
                    (BinaryOp::Sub, _) => self.ir.sub(a, b),
                    (BinaryOp::Mul, (_, Some(factor))) => self.ir.mul(a, self.ir.constant(vector, factor)),
                    (BinaryOp::Mul, (Some(factor), _)) => self.ir.mul(b, self.ir.constant(vector, factor)),
                    (BinaryOp::Shl, (_, Some(amount))) => self.ir.bin(Bin::Shl, a, self.ir.constant(vector, amount)),
                    other => return Err(self.unsupported(&format!("{other:?}: speculation"))),
                };
                Speculation { holds, distances: Distances::Are(distances) }
            }
            Op::Select { condition, a, b, .. } => {
                let condition = self.uniform(*condition);
                let (a, b) = (self.speculation_of(*a), self.speculation_of(*b));
                let holds = self.ir.select(condition, a.holds, b.holds);
                let (a, b) = (self.loaded(a.distances, ty), self.loaded(b.distances, ty));
                Speculation { holds, distances: Distances::Are(self.ir.select(condition, a, b)) }
            }
            Op::Bitcast { a, .. } | Op::Expect { a, .. } => self.speculation_of(*a),
            other => return Err(self.unsupported(&format!("{other}: speculation"))),
        })
    }

    /// The operand whose distances a sum has, where the other one is the same in all lanes.
    pub fn keeps_distances(&self, op: &BinaryOp, a: Value, b: Value) -> Option<Value> {
        let is_uniform = |value: Value| self.shape(value).is_uniform();
        match op {
            BinaryOp::Add | BinaryOp::Sub if is_uniform(b) => Some(a),
            BinaryOp::Add if is_uniform(a) => Some(b),
            _ => None,
        }
    }

    /// Distances of any value in progression; those that hold for sure have a test that is always true.
    fn speculation_of(&mut self, value: Value) -> Speculation {
        let ty = self.function.ty(value);
        let certain = self.ir.constant(self.ir.int(1), 1);
        match self.get(value) {
            Repr::Affine { speculation: Some(speculation), .. }
            | Repr::Segments { speculation: Some(speculation), .. } => speculation,
            Repr::Segments { bases, stride, speculation: None } => {
                let length = self.lanes() / bases.len() as u32;
                let distances = Distances::Are(self.segment_distances(ty, stride, length));
                Speculation { holds: certain, distances }
            }
            Repr::Affine { stride, speculation: None, .. } => {
                Speculation { holds: certain, distances: Distances::Are(self.distances(ty, stride)) }
            }
            Repr::Uniform(_) | Repr::Vector(_) | Repr::Part { .. } => {
                Speculation { holds: certain, distances: Distances::Are(self.ir.zero(self.vector_type(ty))) }
            }
        }
    }

    /// Of an index held below or above a uniform bound.
    fn speculate_bound(&mut self, op: BinaryOp, ty: Type, index: Value, bound: Value) -> Speculation {
        let source = self.speculation_of(index);
        let (stride, length) = self.progression_of(index);
        let (bases, exact, bound) = (self.bases_of(index, length), self.vector(index), self.uniform(bound));
        let held: Vec<Val> = bases.iter().map(|base| self.binary(op, ty, *base, bound)).collect();
        let bounds = self.ir.splat(bound, self.lanes());
        let exact = self.binary(op, ty, exact, bounds);
        let distances = self.ir.sub(exact, self.spread_segments(&Bases::new(held)));
        let span = self.ir.constant(self.scalar_type(ty), stride.wrapping_mul(i64::from(length) - 1) as u64);
        let mut holds = source.holds;
        for base in bases.iter() {
            let last = self.ir.add(*base, span);
            let (end, predicate) = match op {
                BinaryOp::MaxSigned => (*base, IntPredicate::LLVMIntSGE),
                _ => (last, IntPredicate::LLVMIntSLE),
            };
            let within = self.ir.icmp(predicate, end, bound);
            let counts_up = self.ir.icmp(IntPredicate::LLVMIntSGE, last, *base);
            holds = self.ir.and(holds, self.ir.and(within, counts_up));
        }
        Speculation { holds, distances: Distances::Are(distances) }
    }

    /// Of a value of which nothing is known: what it would be if its first active lanes said where the progressions begin.
    fn expect(&mut self, stride: i64, a: Value, result: Value) {
        let (ty, vector) = (self.function.ty(a), self.vector(a));
        let length = match self.shape(result) {
            Shape::Affine { .. } => self.lanes(),
            Shape::Segmented { length, .. } => u32::from(length),
            Shape::Uniform | Shape::Varying => return self.define_vector(result, vector),
        };
        let scalar = self.scalar_type(ty);
        let starts = (0..self.lanes() / length).map(|segment| {
            let lane = self.first_active_of(segment * length, length);
            let before = self.ir.sub(lane, self.i64(u64::from(segment * length)));
            let steps = if ty.bits() == 64 { before } else { self.ir.cast(Cast::Trunc, before, scalar) };
            self.ir.sub(self.ir.extract(vector, lane), self.ir.mul(steps, self.ir.constant(scalar, stride as u64)))
        });
        let bases = Bases::new(starts);
        let distances = self.ir.sub(vector, self.spread_segments(&bases));
        let regular = self.segment_distances(ty, stride, length);
        let differs = self.ir.icmp(IntPredicate::LLVMIntNE, distances, regular);
        let any = self.any(self.ir.and(self.mask, differs));
        let holds = self.ir.icmp(IntPredicate::LLVMIntEQ, any, self.ir.constant(self.ir.int(1), 0));
        let speculation = Some(Speculation { holds, distances: Distances::Are(distances) });
        let repr = match length == self.lanes() {
            true => Repr::Affine { base: bases[0], stride, speculation },
            false => Repr::Segments { bases, stride, speculation },
        };
        self.define(result, repr);
    }

    /// Stride and length of the segments of a value in progression.
    fn progression_of(&self, value: Value) -> (i64, u32) {
        match self.shape(value) {
            Shape::Affine { stride, .. } => (stride, self.lanes()),
            Shape::Segmented { stride, length, .. } => (stride, u32::from(length)),
            Shape::Uniform | Shape::Varying => unreachable!("only progressions are hoped for"),
        }
    }

    fn speculate_extension(&mut self, signed: bool, from: Type, ty: Type, a: Value) -> Speculation {
        let source = self.speculation_of(a);
        let (stride, length) = self.progression_of(a);
        let bases = self.bases_of(a, length);
        let narrow = self.vector(a);
        let cast = if signed { Cast::SExt } else { Cast::ZExt };
        let wide = self.ir.cast(cast, narrow, self.vector_type(ty));
        let wide_bases = Bases::new(bases.iter().map(|base| self.ir.cast(cast, *base, self.scalar_type(ty))));
        let distances = self.ir.sub(wide, self.spread_segments(&wide_bases));
        // No lane wraps if the last of its segment does not: the stride is small against the type.
        let span = stride.wrapping_mul(i64::from(length) - 1);
        let mut holds = source.holds;
        let scalar = self.scalar_type(from);
        let (least, most) = match signed {
            true => (-1 << (from.bits() - 1), (1 << (from.bits() - 1)) - 1),
            false => (0, (1_i128 << from.bits()) - 1),
        };
        let (upward, downward) = match signed {
            true => (IntPredicate::LLVMIntSLE, IntPredicate::LLVMIntSGE),
            false => (IntPredicate::LLVMIntULE, IntPredicate::LLVMIntUGE),
        };
        let (predicate, bound) = match span >= 0 {
            true => (upward, most - i128::from(span)),
            false => (downward, least - i128::from(span)),
        };
        for base in bases.iter() {
            holds = self.ir.and(holds, self.ir.icmp(predicate, *base, self.ir.constant(scalar, bound as u64)));
        }
        Speculation { holds, distances: Distances::Are(distances) }
    }

    fn symbol_address(&mut self, symbol: simt_ir::SymbolId, result: Value) -> Result<(), Error> {
        let data = &self.unit.program.symbols[symbol.0 as usize];
        let address = match data.space {
            AddressSpace::Shared => self.i64(u64::from(data.offset)),
            AddressSpace::Local => {
                let base = self.ir.cast(Cast::ZExt, self.stack_base, self.ir.int(64));
                self.ir.add(base, self.i64(u64::from(data.offset)))
            }
            _ => self.variable_address(symbol),
        };
        self.define(result, Repr::Uniform(address));
        Ok(())
    }

    /// The address of a variable in global or constant memory.
    pub(super) fn variable_address(&self, symbol: simt_ir::SymbolId) -> Val {
        let table = self.launch_field(self.ir.ptr(), offset_of!(LaunchContext, symbols), 8);
        self.ir.load_invariant(self.ir.int(64), self.ir.offset_by(table, 8 * symbol.0 as usize), 8)
    }

    fn change_space(&mut self, space: AddressSpace, a: Value, result: Value, to_generic: bool) -> Result<(), Error> {
        let base = match space {
            AddressSpace::Shared => self.ir.cast(Cast::PtrToInt, self.shared_base(), self.ir.int(64)),
            AddressSpace::Local => self.ir.cast(Cast::PtrToInt, self.local_base(), self.ir.int(64)),
            AddressSpace::Param => {
                let params = self.launch_field(self.ir.ptr(), offset_of!(LaunchContext, params), 8);
                self.ir.cast(Cast::PtrToInt, params, self.ir.int(64))
            }
            AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const => self.i64(0),
        };
        let op = if to_generic { Bin::Add } else { Bin::Sub };
        if space == AddressSpace::Local {
            let frames = self.ir.add(self.ir.splat(base, self.lanes()), self.lane_frames());
            let vector = self.vector(a);
            let moved = self.ir.bin(op, vector, frames);
            self.define_vector(result, moved);
            return Ok(());
        }
        let repr = match self.get(a) {
            Repr::Uniform(value) => Repr::Uniform(self.ir.bin(op, value, base)),
            Repr::Affine { base: value, stride, speculation } => {
                Repr::Affine { base: self.ir.bin(op, value, base), stride, speculation }
            }
            Repr::Segments { bases, stride, speculation } => {
                let bases = Bases::new(bases.iter().map(|value| self.ir.bin(op, *value, base)));
                Repr::Segments { bases, stride, speculation }
            }
            repr @ (Repr::Vector(_) | Repr::Part { .. }) => {
                let vector = self.to_vector(repr, Type::I64);
                Repr::Vector(self.ir.bin(op, vector, self.ir.splat(base, self.lanes())))
            }
        };
        self.define(result, repr);
        Ok(())
    }

    fn is_in_space(&mut self, space: AddressSpace, a: Value, result: Value) -> Result<(), Error> {
        let address = self.vector(a);
        let within = |this: &Self, start: Val, size: Val| {
            let distance = this.ir.sub(address, start);
            this.ir.icmp(IntPredicate::LLVMIntULT, distance, size)
        };
        let field = |this: &Self, offset: usize| {
            let size = this.ir.cast(Cast::ZExt, this.launch_i32(offset), this.ir.int(64));
            this.ir.splat(size, this.lanes())
        };
        let shared = self.ir.cast(Cast::PtrToInt, self.shared_base(), self.ir.int(64));
        let in_shared =
            within(self, self.ir.splat(shared, self.lanes()), field(self, offset_of!(LaunchContext, shared_bytes)));
        let local = self.ir.cast(Cast::PtrToInt, self.local_base(), self.ir.int(64));
        let local = self.ir.add(self.ir.splat(local, self.lanes()), self.lane_frames());
        let in_local = within(self, local, field(self, offset_of!(LaunchContext, local_stride)));
        let verdict = match space {
            AddressSpace::Shared => in_shared,
            AddressSpace::Local => in_local,
            AddressSpace::Generic => self.all_lanes(),
            AddressSpace::Global => self.ir.not(self.ir.or(in_shared, in_local)),
            // Constants and parameters lie in global memory here; what is asked is whether ld.const/ld.param may be used.
            AddressSpace::Const | AddressSpace::Param => self.no_lanes(),
        };
        self.define_vector(result, verdict);
        Ok(())
    }

    fn special(&mut self, register: SpecialRegister, result: Value) -> Result<(), Error> {
        use SpecialRegister::*;
        let dims = |field: usize, index: usize| field + 4 * index;
        let value = match register {
            TidX | TidY | TidZ => return self.thread_index(register, result),
            LaneId => {
                let first = self.i32(0);
                let repr = match self.lanes() {
                    LANES => Repr::Affine { base: first, stride: 1, speculation: None },
                    lanes => Repr::Segments {
                        bases: Bases::new((0..lanes / LANES).map(|_| first)),
                        stride: 1,
                        speculation: None,
                    },
                };
                self.define(result, repr);
                return Ok(());
            }
            LanemaskEq | LanemaskLe | LanemaskLt | LanemaskGe | LanemaskGt => {
                let list: Vec<Val> = (0..LANES)
                    .map(|lane| {
                        let below = (1u32 << lane) - 1;
                        self.i32(match register {
                            LanemaskEq => 1 << lane,
                            LanemaskLt => below,
                            LanemaskLe => below | 1 << lane,
                            LanemaskGt => !(below | 1 << lane),
                            _ => !below,
                        })
                    })
                    .collect();
                self.define_vector(result, self.ir.constant_vector(&list));
                return Ok(());
            }
            CtaidX | CtaidY | CtaidZ => self.block_index[register as usize - CtaidX as usize],
            NtidX | NtidY | NtidZ => {
                self.launch_i32(dims(offset_of!(LaunchContext, block), register as usize - NtidX as usize))
            }
            NctaidX | NctaidY | NctaidZ => {
                self.launch_i32(dims(offset_of!(LaunchContext, grid), register as usize - NctaidX as usize))
            }
            ClusterNctaidX | ClusterNctaidY | ClusterNctaidZ => {
                self.launch_i32(dims(offset_of!(LaunchContext, cluster), register as usize - ClusterNctaidX as usize))
            }
            ClusterIdX | ClusterIdY | ClusterIdZ => {
                self.cluster_quotient(register as usize - ClusterIdX as usize, false)
            }
            ClusterCtaidX | ClusterCtaidY | ClusterCtaidZ => {
                self.cluster_quotient(register as usize - ClusterCtaidX as usize, true)
            }
            NclusterIdX | NclusterIdY | NclusterIdZ => {
                let index = register as usize - NclusterIdX as usize;
                let grid = self.launch_i32(dims(offset_of!(LaunchContext, grid), index));
                let cluster = self.launch_i32(dims(offset_of!(LaunchContext, cluster), index));
                self.ir.bin(Bin::UDiv, grid, cluster)
            }
            ClusterCtarank => self.cluster_rank(),
            ClusterNctarank => {
                let [x, y, z] = [0, 1, 2].map(|index| self.launch_i32(dims(offset_of!(LaunchContext, cluster), index)));
                self.ir.mul(x, self.ir.mul(y, z))
            }
            WarpId => self.warp_index,
            NwarpId => {
                let threads = self.block_threads();
                self.ir.bin(Bin::LShr, self.ir.add(threads, self.i32(LANES - 1)), self.i32(5))
            }
            SmId => self.load_warp(offset_of!(simt_ir::abi::WarpContext, sm_id)),
            NsmId => self.launch_i32(offset_of!(LaunchContext, sm_count)),
            GridId => self.launch_i64(offset_of!(LaunchContext, grid_id)),
            DynamicSharedSize => self.launch_i32(offset_of!(LaunchContext, dynamic_shared_bytes)),
            TotalSharedSize => self.launch_i32(offset_of!(LaunchContext, shared_bytes)),
            Environment0 | Environment1 | Environment2 | Environment3 => {
                let index = register as usize - Environment0 as usize;
                self.launch_i32(dims(offset_of!(LaunchContext, environment), index))
            }
            Clock64 | Clock | ClockHi => {
                let clock = self.call_runtime(offset_of!(RuntimeTable, clock), self.ir.int(64), &[]);
                match register {
                    Clock => self.ir.cast(Cast::Trunc, clock, self.ir.int(32)),
                    ClockHi => {
                        let high = self.ir.bin(Bin::LShr, clock, self.i64(32));
                        self.ir.cast(Cast::Trunc, high, self.ir.int(32))
                    }
                    _ => clock,
                }
            }
            GlobalTimer => self.call_runtime(offset_of!(RuntimeTable, global_timer), self.ir.int(64), &[]),
            Zero32 => self.i32(0),
            Zero64 => self.i64(0),
        };
        self.define(result, Repr::Uniform(value));
        Ok(())
    }

    pub fn cluster_quotient(&self, index: usize, remainder: bool) -> Val {
        let cluster = self.launch_i32(offset_of!(LaunchContext, cluster) + 4 * index);
        self.ir.bin(if remainder { Bin::URem } else { Bin::UDiv }, self.block_index[index], cluster)
    }

    /// Threads of a block: an `i32`.
    pub fn block_threads(&self) -> Val {
        match self.unit.block {
            Some(block) => self.i32(block.iter().product()),
            None => {
                let [x, y, z] = [0, 1, 2].map(|index| self.launch_i32(offset_of!(LaunchContext, block) + 4 * index));
                self.ir.mul(x, self.ir.mul(y, z))
            }
        }
    }

    /// Number in the block of the thread that is lane 0.
    pub fn first_thread(&self) -> Val {
        self.ir.bin(Bin::Shl, self.warp_index, self.i32(self.lanes().trailing_zeros()))
    }

    /// `%tid`: threads are numbered x fastest, consecutive ones are the lanes.
    fn thread_index(&mut self, register: SpecialRegister, result: Value) -> Result<(), Error> {
        let first = self.first_thread();
        let [x, y, _] = match self.unit.block {
            Some(block) => block.map(|size| self.i32(size)),
            None => [0, 1, 2].map(|index| self.launch_i32(offset_of!(LaunchContext, block) + 4 * index)),
        };
        let flat = self.unit.block.is_some_and(|block| block[1] == 1 && block[2] == 1);
        let split = |this: &Self, linear: Val| -> Val {
            let spread = |value: Val| this.ir.type_of(linear) != this.ir.type_of(value);
            let [x, y] = [x, y].map(|value| if spread(value) { this.ir.splat(value, this.lanes()) } else { value });
            let rest = || this.ir.bin(Bin::UDiv, linear, x);
            match register {
                SpecialRegister::TidX if flat => linear,
                SpecialRegister::TidX => this.ir.bin(Bin::URem, linear, x),
                SpecialRegister::TidY => this.ir.bin(Bin::URem, rest(), y),
                _ => this.ir.bin(Bin::UDiv, rest(), y),
            }
        };
        match self.shape(result) {
            Shape::Uniform => {
                let value = split(self, first);
                self.define(result, Repr::Uniform(value));
            }
            Shape::Affine { stride, .. } => {
                let base = split(self, first);
                self.define(result, Repr::Affine { base, stride, speculation: None });
            }
            Shape::Segmented { stride, length, outer, .. } => {
                let firsts = (0..self.bases_kept(length, outer)).map(|segment| segment * u32::from(length));
                let kept: Vec<Val> = firsts.map(|lane| split(self, self.ir.add(first, self.i32(lane)))).collect();
                let bases = self.all_bases(kept, length.into(), outer, Type::I32);
                self.define(result, Repr::Segments { bases, stride, speculation: None });
            }
            Shape::Varying => {
                let linear = self.ir.add(self.ir.splat(first, self.lanes()), self.lane_numbers(self.ir.int(32)));
                let value = split(self, linear);
                self.define_vector(result, value);
            }
        }
        Ok(())
    }
}
