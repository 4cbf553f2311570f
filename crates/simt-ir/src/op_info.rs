//! What is common to all operations: their operands, result types and effects, as data.

use crate::{BarrierKind, FunctionId, MatchKind, Op, RuntimeFunction, Type, UnaryOp, Value, VoteMode};

/// Calls `$visit` with each operand of `$op`, a reference of the mutability of `$op`.
macro_rules! visit_operands {
    ($op:expr, $visit:expr) => {
        match $op {
            Op::Const { .. }
            | Op::Special(_)
            | Op::LoadParam { .. }
            | Op::SymbolAddress(_)
            | Op::FunctionAddress(_)
            | Op::Fence { .. }
            | Op::StackSave
            | Op::ClusterBarrier { .. }
            | Op::ActiveMask
            | Op::Mark { .. }
            | Op::Unsupported { .. } => {}
            Op::Unary { a, .. }
            | Op::Extend { a, .. }
            | Op::Truncate { a, .. }
            | Op::Bitcast { a, .. }
            | Op::Expect { a, .. }
            | Op::FloatUnary { a, .. }
            | Op::IntToFloat { a, .. }
            | Op::FloatToInt { a, .. }
            | Op::FloatToFloat { a, .. }
            | Op::ToGeneric { a, .. }
            | Op::FromGeneric { a, .. }
            | Op::RankOf { a }
            | Op::IsInSpace { a, .. }
            | Op::Agree { condition: a, .. } => $visit(a),
            Op::Binary { a, b, .. }
            | Op::Halves { a, b, .. }
            | Op::IntCompare { a, b, .. }
            | Op::FloatBinary { a, b, .. }
            | Op::FloatCompare { a, b, .. }
            | Op::MapToRank { a, rank: b }
            | Op::Concat { low: a, high: b, .. }
            | Op::Match { value: a, members: b, .. }
            | Op::Reduce { value: a, members: b, .. }
            | Op::Vote { predicate: a, members: b, .. } => {
                $visit(a);
                $visit(b);
            }
            Op::Select { condition: a, a: b, b: c, .. }
            | Op::Lop3 { a, b, c, .. }
            | Op::Permute { a, b, selector: c, .. }
            | Op::BitFieldExtract { a, position: b, length: c, .. }
            | Op::FunnelShift { low: a, high: b, amount: c, .. }
            | Op::DotProduct4 { a, b, c, .. }
            | Op::DotProduct2 { a, b, c, .. }
            | Op::FindNthSet { a, base: b, n: c }
            | Op::Fma { a, b, c, .. } => {
                $visit(a);
                $visit(b);
                $visit(c);
            }
            Op::BitFieldInsert { a, b, position: c, length: d, .. }
            | Op::Shuffle { value: a, lane: b, clamp: c, members: d, .. } => {
                $visit(a);
                $visit(b);
                $visit(c);
                $visit(d);
            }
            Op::Load { address, guard, .. } => {
                $visit(address);
                if let Some(guard) = guard {
                    $visit(guard);
                }
            }
            Op::Store { address, values, guard, .. } => {
                $visit(address);
                for value in values {
                    $visit(value);
                }
                if let Some(guard) = guard {
                    $visit(guard);
                }
            }
            Op::Atomic { address, operand, compare, guard, .. } => {
                $visit(address);
                $visit(operand);
                if let Some(compare) = compare {
                    $visit(compare);
                }
                if let Some(guard) = guard {
                    $visit(guard);
                }
            }
            Op::MatrixProduct { a, b, c, .. } => {
                for value in a {
                    $visit(value);
                }
                for value in b {
                    $visit(value);
                }
                for value in c {
                    $visit(value);
                }
            }
            Op::StackAlloc { size, .. } => $visit(size),
            Op::StackRestore { top } => $visit(top),
            Op::Barrier { id, threads, predicate, .. } => {
                $visit(id);
                if let Some(threads) = threads {
                    $visit(threads);
                }
                if let Some(predicate) = predicate {
                    $visit(predicate);
                }
            }
            Op::WarpSync { mask } => $visit(mask),
            Op::Elect { members } => $visit(members),
            Op::Call { arguments, .. }
            | Op::RuntimeCall { arguments, .. }
            | Op::Texture { operands: arguments, .. }
            | Op::Tensor { operands: arguments, .. } => {
                for argument in arguments {
                    $visit(argument);
                }
            }
            Op::CallIndirect { target, arguments, .. } => {
                $visit(target);
                for argument in arguments {
                    $visit(argument);
                }
            }
        }
    };
}

impl Op {
    /// The operands, in order.
    pub fn operands(&self) -> Vec<Value> {
        let mut list = Vec::new();
        self.for_each_operand(|value| list.push(value));
        list
    }

    /// Calls `visit` with each operand, in order.
    pub fn for_each_operand(&self, mut visit: impl FnMut(Value)) {
        let mut visit = |value: &Value| visit(*value);
        visit_operands!(self, visit);
    }

    /// Calls `visit` with each operand, to be replaced.
    pub fn for_each_operand_mut(&mut self, mut visit: impl FnMut(&mut Value)) {
        visit_operands!(self, visit);
    }

    /// Types of the results. A direct call's are those of its function, which `returns_of` tells.
    pub fn result_types(&self, returns_of: impl Fn(FunctionId) -> Vec<Type>) -> Vec<Type> {
        match self {
            Op::Const { ty, .. }
            | Op::LoadParam { ty, .. }
            | Op::Binary { ty, .. }
            | Op::Select { ty, .. }
            | Op::Expect { ty, .. }
            | Op::BitFieldExtract { ty, .. }
            | Op::BitFieldInsert { ty, .. }
            | Op::FloatUnary { ty, .. }
            | Op::FloatBinary { ty, .. }
            | Op::Fma { ty, .. } => vec![*ty],
            Op::Unary { op, ty, .. } => vec![match op {
                UnaryOp::Neg | UnaryOp::Not | UnaryOp::Abs | UnaryOp::ReverseBits => *ty,
                UnaryOp::CountLeadingZeros | UnaryOp::PopCount | UnaryOp::FindMsbUnsigned | UnaryOp::FindMsbSigned => {
                    Type::I32
                }
            }],
            Op::Special(register) => vec![register.ty()],
            Op::Extend { to, .. }
            | Op::Truncate { to, .. }
            | Op::Bitcast { to, .. }
            | Op::IntToFloat { to, .. }
            | Op::FloatToInt { to, .. }
            | Op::FloatToFloat { to, .. } => vec![*to],
            Op::Concat { ty, .. } => vec![Type::int(ty.bits() * 2).unwrap_or(Type::I128)],
            Op::SymbolAddress(_)
            | Op::FunctionAddress(_)
            | Op::ToGeneric { .. }
            | Op::FromGeneric { .. }
            | Op::MapToRank { .. }
            | Op::StackAlloc { .. }
            | Op::StackSave => vec![Type::I64],
            Op::IntCompare { .. } | Op::FloatCompare { .. } | Op::IsInSpace { .. } | Op::Agree { .. } => vec![Type::I1],
            Op::Lop3 { .. }
            | Op::Permute { .. }
            | Op::FunnelShift { .. }
            | Op::DotProduct4 { .. }
            | Op::DotProduct2 { .. }
            | Op::Halves { .. }
            | Op::FindNthSet { .. }
            | Op::RankOf { .. }
            | Op::ActiveMask => vec![Type::I32],
            Op::Reduce { op, .. } => vec![if op.is_float() { Type::F32 } else { Type::I32 }],
            Op::Load { ty, count, .. } => vec![*ty; *count as usize],
            Op::Atomic { ty, returns, .. } => {
                if *returns {
                    vec![*ty]
                } else {
                    vec![]
                }
            }
            Op::Store { .. }
            | Op::Fence { .. }
            | Op::StackRestore { .. }
            | Op::ClusterBarrier { .. }
            | Op::Mark { .. }
            | Op::WarpSync { .. } => vec![],
            Op::Barrier { kind, .. } => match kind {
                BarrierKind::Sync | BarrierKind::Arrive => vec![],
                BarrierKind::ReducePopCount => vec![Type::I32],
                BarrierKind::ReduceAnd | BarrierKind::ReduceOr => vec![Type::I1],
            },
            Op::Shuffle { .. } | Op::Elect { .. } => vec![Type::I32, Type::I1],
            Op::Vote { mode, .. } => vec![if *mode == VoteMode::Ballot { Type::I32 } else { Type::I1 }],
            Op::Match { kind, .. } => match kind {
                MatchKind::Any => vec![Type::I32],
                MatchKind::All => vec![Type::I32, Type::I1],
            },
            Op::MatrixProduct { product, .. } => {
                vec![product.d.register(); product.sum_registers(product.d)]
            }
            Op::Texture { op, .. } => op.result_types(),
            Op::Tensor { op, .. } => op.result_types(),
            Op::Call { function, .. } => returns_of(*function),
            Op::CallIndirect { returns, .. } | Op::Unsupported { returns, .. } => returns.clone(),
            Op::RuntimeCall { function, .. } => match function {
                RuntimeFunction::Vprintf => vec![Type::I32],
                RuntimeFunction::Malloc => vec![Type::I64],
                RuntimeFunction::Device(call) => vec![call.result()],
                RuntimeFunction::AssertFail | RuntimeFunction::Free | RuntimeFunction::Nanosleep => vec![],
            },
        }
    }

    /// Whether the result depends on nothing but the operands of the same lane (and constants of the launch), and executing the
    /// operation once more, or for more lanes, or not at all, can be noticed by nobody.
    pub fn is_pure(&self) -> bool {
        match self {
            Op::Special(register) => !register.is_volatile(),
            Op::Load { .. }
            | Op::Store { .. }
            | Op::Atomic { .. }
            | Op::Fence { .. }
            | Op::StackAlloc { .. }
            | Op::StackSave
            | Op::StackRestore { .. }
            | Op::Barrier { .. }
            | Op::ClusterBarrier { .. }
            | Op::WarpSync { .. }
            | Op::Shuffle { .. }
            | Op::Vote { .. }
            | Op::Match { .. }
            | Op::Reduce { .. }
            | Op::Agree { .. }
            | Op::ActiveMask
            | Op::Elect { .. }
            | Op::MatrixProduct { .. }
            | Op::Texture { .. }
            | Op::Tensor { .. }
            | Op::Call { .. }
            | Op::CallIndirect { .. }
            | Op::RuntimeCall { .. }
            | Op::Mark { .. }
            | Op::Unsupported { .. } => false,
            _ => true,
        }
    }

    /// Whether the operation may be dropped when nobody uses its results.
    pub fn is_removable(&self) -> bool {
        match self {
            Op::Load { order, .. } => *order == crate::MemoryOrder::Weak,
            Op::Texture { op, .. } => op.only_reads(),
            Op::Special(_)
            | Op::Vote { .. }
            | Op::Match { .. }
            | Op::Reduce { .. }
            | Op::Shuffle { .. }
            | Op::Agree { .. }
            | Op::ActiveMask
            | Op::Elect { .. }
            | Op::MatrixProduct { .. }
            | Op::StackSave => true,
            other => other.is_pure(),
        }
    }

    /// Lanes whose stores of so many bytes a card does at a time, 128 bytes: where several of these store to one place, the value of the lowest is seen
    /// afterwards, and where lanes of several such groups do, one of the last group. CUDA leaves that open; an H200 was seen to do so, for up to 16 bytes
    /// (`filetests/cases/cuda/store_collisions.cu`), and there are programs in which only that value is right.
    pub fn store_group(bytes: u32) -> u32 {
        (128 / bytes).min(crate::WARP_SIZE)
    }

    /// The lanes that perform an operation across lanes together, where it names them.
    pub fn members(&self) -> Option<Value> {
        match self {
            Op::Shuffle { members, .. }
            | Op::Vote { members, .. }
            | Op::Match { members, .. }
            | Op::Reduce { members, .. }
            | Op::Elect { members } => Some(*members),
            Op::WarpSync { mask } => Some(*mask),
            _ => None,
        }
    }

    /// Whether the warp may have to wait here for other warps.
    pub fn may_suspend(&self) -> bool {
        match self {
            Op::Barrier { .. } => true,
            Op::ClusterBarrier { wait, .. } => *wait,
            Op::RuntimeCall { function, .. } => *function == RuntimeFunction::Nanosleep,
            _ => false,
        }
    }
}

impl crate::ReduceOp {
    /// Whether it reduces `f32` values.
    pub fn is_float(self) -> bool {
        use crate::ReduceOp::*;
        !matches!(self, Add | And | Or | Xor | MinSigned | MinUnsigned | MaxSigned | MaxUnsigned)
    }
}

impl crate::SpecialRegister {
    /// Whether two reads by one thread may give different values.
    pub fn is_volatile(self) -> bool {
        matches!(self, Self::Clock | Self::ClockHi | Self::Clock64 | Self::GlobalTimer)
    }

    /// Whether all lanes of a warp read the same value, whatever the block's shape.
    pub fn is_uniform(self) -> bool {
        !matches!(
            self,
            Self::TidX
                | Self::TidY
                | Self::TidZ
                | Self::LaneId
                | Self::LanemaskEq
                | Self::LanemaskLe
                | Self::LanemaskLt
                | Self::LanemaskGe
                | Self::LanemaskGt
        )
    }
}
