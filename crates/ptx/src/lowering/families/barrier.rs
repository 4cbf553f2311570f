//! Barriers and fences (PTX ISA 9.7.13.1 – 9.7.13.4).

use simt_ir::{BarrierKind, MemoryOrder, Op, Scope, Type, UnaryOp};

use super::atomic::scope;
use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Refusal};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "membar" => {
            let scope = match () {
                _ if inst.has("cta") => Scope::Block,
                _ if inst.has("sys") => Scope::System,
                _ => Scope::Device,
            };
            l.builder.push(Op::Fence { order: MemoryOrder::SequentiallyConsistent, scope });
            Ok(())
        }
        "fence" => {
            let weak = ["acq_rel", "acquire", "release"].iter().any(|name| inst.has(name));
            let order = if weak { MemoryOrder::AcquireRelease } else { MemoryOrder::SequentiallyConsistent };
            l.builder.push(Op::Fence { order, scope: scope(inst) });
            Ok(())
        }
        // Grids of one stream run one after the other: there is nothing to wait for, or to let go ahead.
        "griddepcontrol" => Ok(()),
        _ if inst.has("cluster") => {
            let (arrive, wait) = (inst.has("arrive"), inst.has("wait"));
            l.builder.push(Op::ClusterBarrier { arrive, wait });
            Ok(())
        }
        _ if inst.has("warp") => {
            let mask = l.read(inst.operand(0)?, ScalarType::B32)?;
            l.builder.push(Op::WarpSync { mask });
            Ok(())
        }
        _ => block_barrier(l, inst),
    }
}

/// `bar` and `barrier`: `sync a{, b}`, `arrive a, b`, `red.op d, a{, b}, {!}c`.
fn block_barrier(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let word = ScalarType::U32;
    if inst.has("red") {
        let kind = match () {
            _ if inst.has("popc") => BarrierKind::ReducePopCount,
            _ if inst.has("and") => BarrierKind::ReduceAnd,
            _ if inst.has("or") => BarrierKind::ReduceOr,
            _ => return Err(Refusal("reduction".into())),
        };
        let id = l.read(inst.operand(1)?, word)?;
        let last = inst.operands.len() - 1;
        let threads = if last == 3 { Some(l.read(inst.operand(2)?, word)?) } else { None };
        let predicate = match inst.operand(last)? {
            Operand::Not(inner) => {
                let value = l.read(inner, ScalarType::Pred)?;
                l.builder.unary(UnaryOp::Not, value)
            }
            other => l.read(other, ScalarType::Pred)?,
        };
        let value = l.builder.push1(Op::Barrier { kind, id, threads, predicate: Some(predicate) });
        let ty = if kind == BarrierKind::ReducePopCount { ScalarType::U32 } else { ScalarType::Pred };
        return l.write(inst.operand(0)?, ty, value);
    }
    let kind = if inst.has("arrive") { BarrierKind::Arrive } else { BarrierKind::Sync };
    let id = match inst.operands.first() {
        Some(operand) => l.read(operand, word)?,
        None => l.builder.constant(Type::I32, 0),
    };
    let threads = match inst.operands.get(1) {
        Some(operand) => Some(l.read(operand, word)?),
        None => None,
    };
    l.builder.push(Op::Barrier { kind, id, threads, predicate: None });
    Ok(())
}
