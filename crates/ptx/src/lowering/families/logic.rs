//! Logic and shifts (PTX ISA 9.7.8), byte permutation (9.7.9.7).

use simt_ir::{BinaryOp, IntCondition, Op, PermuteMode, Type, UnaryOp};

use crate::ast::{Immediate, Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, register_type};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "and" | "or" | "xor" => {
            let ty = inst.ty()?;
            let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
            let op = match inst.opcode {
                "and" => BinaryOp::And,
                "or" => BinaryOp::Or,
                _ => BinaryOp::Xor,
            };
            let value = l.builder.binary(op, a, b);
            l.write(inst.operand(0)?, ty, value)
        }
        "not" => {
            let ty = inst.ty()?;
            let a = l.read(inst.operand(1)?, ty)?;
            let value = l.builder.unary(UnaryOp::Not, a);
            l.write(inst.operand(0)?, ty, value)
        }
        "cnot" => {
            let ty = inst.ty()?;
            let a = l.read(inst.operand(1)?, ty)?;
            let (zero, one) = (l.builder.constant(register_type(ty), 0), l.builder.constant(register_type(ty), 1));
            let is_zero = l.builder.int_compare(IntCondition::Eq, a, zero);
            let value = l.builder.select(is_zero, one, zero);
            l.write(inst.operand(0)?, ty, value)
        }
        "lop3" => lop3(l, inst),
        "shf" => {
            let word = ScalarType::B32;
            let low = l.read(inst.operand(1)?, word)?;
            let high = l.read(inst.operand(2)?, word)?;
            let amount = l.read(inst.operand(3)?, word)?;
            let op = Op::FunnelShift { left: inst.has("l"), clamp: inst.has("clamp"), low, high, amount };
            let value = l.builder.push1(op);
            l.write(inst.operand(0)?, word, value)
        }
        "shl" | "shr" => {
            let ty = inst.ty()?;
            let a = l.read(inst.operand(1)?, ty)?;
            let amount = l.read(inst.operand(2)?, ScalarType::U32)?;
            let op = match (inst.opcode, ty.is_signed()) {
                ("shl", _) => BinaryOp::Shl,
                (_, true) => BinaryOp::ShrSigned,
                (_, false) => BinaryOp::ShrUnsigned,
            };
            let value = l.builder.binary(op, a, amount);
            l.write(inst.operand(0)?, ty, value)
        }
        _ => permute(l, inst),
    }
}

/// `lop3{.BoolOp}.b32 d{|p}, a, b, c, table{, q}`.
fn lop3(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let word = ScalarType::B32;
    let (a, b, c) = (l.read(inst.operand(1)?, word)?, l.read(inst.operand(2)?, word)?, l.read(inst.operand(3)?, word)?);
    let Operand::Immediate(table) = inst.operand(4)? else { return Err(Refusal("the table is no constant".into())) };
    let table = match table {
        Immediate::Signed(value) => *value as u8,
        Immediate::Unsigned(value) => *value as u8,
        _ => return Err(Refusal("the table is no integer".into())),
    };
    let value = l.builder.push1(Op::Lop3 { a, b, c, table });
    let destination = inst.operand(0)?;
    if let Operand::Pair(pair) = destination {
        let zero = l.builder.constant(Type::I32, 0);
        let some = l.builder.int_compare(IntCondition::Ne, value, zero);
        let q = l.read(inst.operand(5)?, ScalarType::Pred)?;
        let op = if inst.has("or") { BinaryOp::Or } else { BinaryOp::And };
        let predicate = l.builder.binary(op, some, q);
        l.write(&pair.1, ScalarType::Pred, predicate)?;
        return l.write(&pair.0, word, value);
    }
    l.write(destination, word, value)
}

fn permute(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let word = ScalarType::B32;
    let mode = match () {
        _ if inst.has("f4e") => PermuteMode::ForwardFour,
        _ if inst.has("b4e") => PermuteMode::BackwardFour,
        _ if inst.has("rc8") => PermuteMode::ReplicateByte,
        _ if inst.has("ecl") => PermuteMode::EdgeClampLeft,
        _ if inst.has("ecr") => PermuteMode::EdgeClampRight,
        _ if inst.has("rc16") => PermuteMode::ReplicateHalf,
        _ => PermuteMode::Generic,
    };
    let (a, b) = (l.read(inst.operand(1)?, word)?, l.read(inst.operand(2)?, word)?);
    let selector = l.read(inst.operand(3)?, word)?;
    let value = l.builder.push1(Op::Permute { mode, a, b, selector });
    l.write(inst.operand(0)?, word, value)
}
