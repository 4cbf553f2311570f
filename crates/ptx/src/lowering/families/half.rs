//! Half precision, bfloat16, and their packed pairs (PTX ISA 9.7.4).

use simt_ir::{Op, Type, Value};

use super::float;
use super::integer::half_of;
use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Refusal};

/// Whether a type is one of the halves or a pair of them.
pub(super) fn is_half(ty: ScalarType) -> bool {
    matches!(ty, ScalarType::F16 | ScalarType::Bf16 | ScalarType::F16x2 | ScalarType::Bf16x2)
}

/// The IR type of one half, and whether the PTX type is a pair.
fn parts(ty: ScalarType) -> (Type, bool) {
    match ty {
        ScalarType::F16 => (Type::F16, false),
        ScalarType::Bf16 => (Type::BF16, false),
        ScalarType::F16x2 => (Type::F16, true),
        _ => (Type::BF16, true),
    }
}

pub(super) fn arithmetic(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    if inst.types().len() > 1 {
        return float::arithmetic(l, inst, ty);
    }
    each_half(l, inst, ty, &inst.operands[1..], |l, half, operands| float::operation(l, inst, half, operands))
}

pub(super) fn function(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    each_half(l, inst, ty, &inst.operands[1..], |l, half, operands| float::function(l, inst, half, operands[0]))
}

/// Applies an operation to the half, or to both halves, and writes the result.
fn each_half(
    l: &mut Lowerer<'_, '_>,
    inst: &Inst<'_>,
    ty: ScalarType,
    sources: &[Operand],
    mut operation: impl FnMut(&mut Lowerer<'_, '_>, Type, &[Value]) -> Result<Value, Refusal>,
) -> Outcome {
    let (half, pair) = parts(ty);
    if !pair {
        let mut operands = Vec::new();
        for source in sources {
            operands.push(l.read(source, ty)?);
        }
        let value = operation(l, half, &operands)?;
        return l.write(inst.operand(0)?, ty, value);
    }
    let mut words = Vec::new();
    for source in sources {
        words.push(l.read(source, ScalarType::B32)?);
    }
    let mut results = Vec::new();
    for index in 0..2 {
        let mut operands = Vec::new();
        for word in &words {
            let bits = half_of(l, *word, index);
            operands.push(l.builder.bitcast(half, bits));
        }
        let value = operation(l, half, &operands)?;
        results.push(l.builder.bitcast(Type::I16, value));
    }
    let value = l.builder.push1(Op::Concat { ty: Type::I16, low: results[0], high: results[1] });
    l.write(inst.operand(0)?, ScalarType::B32, value)
}
