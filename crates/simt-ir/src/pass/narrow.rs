//! Comparisons of numbers that were bytes or halves before they were extended: PTX has no registers for bytes, but a vector holds four times as
//! many of them.

use std::collections::HashMap;

use crate::{Function, Instruction, IntCondition, Op, Type, Value};

/// Bits of the widest numbers that are taken as they were before. Indices are wider: what is known of their order shows in the form that they have.
const NARROW_BITS: u32 = 16;

/// Compares what was extended from a narrow type in that type, with a number that was extended likewise or with a constant that fits.
pub fn narrow_comparisons(function: &mut Function) {
    let sources = sources(function);
    for id in function.block_ids().collect::<Vec<_>>() {
        let mut kept = Vec::new();
        for mut instruction in std::mem::take(&mut function.block_mut(id).instructions) {
            if let Op::IntCompare { condition, a, b, .. } = instruction.op
                && let Some((narrow, a, b)) = narrowed(&sources, condition, a, b)
            {
                let mut operand = |source: Source| match source {
                    Source::Extended { value, .. } => value,
                    Source::Constant { bits, .. } => {
                        let value = function.new_value(narrow.ty);
                        let op = Op::Const { ty: narrow.ty, bits };
                        kept.push(Instruction { op, results: vec![value], line: instruction.line });
                        value
                    }
                };
                let (a, b) = (operand(a), operand(b));
                instruction.op = Op::IntCompare { condition: narrow.condition, ty: narrow.ty, a, b };
            }
            kept.push(instruction);
        }
        function.block_mut(id).instructions = kept;
    }
}

/// What a number is made of.
#[derive(Clone, Copy)]
enum Source {
    Extended { signed: bool, from: Type, value: Value },
    Constant { ty: Type, bits: u64 },
}

/// How narrow numbers are compared.
struct Narrow {
    condition: IntCondition,
    ty: Type,
}

fn sources(function: &Function) -> HashMap<Value, Source> {
    let instructions = function.blocks.iter().flat_map(|block| &block.instructions);
    let source = |instruction: &Instruction| match instruction.op {
        Op::Extend { signed, from, a, .. } if (8..=NARROW_BITS).contains(&from.bits()) => {
            Some((instruction.results[0], Source::Extended { signed, from, value: a }))
        }
        Op::Const { ty, bits } if ty.is_int() => Some((instruction.results[0], Source::Constant { ty, bits })),
        _ => None,
    };
    instructions.filter_map(source).collect()
}

/// The comparison in the narrow type of one operand, if the other has a place there.
fn narrowed(
    sources: &HashMap<Value, Source>,
    condition: IntCondition,
    a: Value,
    b: Value,
) -> Option<(Narrow, Source, Source)> {
    let (a, b) = (*sources.get(&a)?, *sources.get(&b)?);
    let (signed, ty) = match (a, b) {
        (Source::Extended { signed, from, .. }, _) | (_, Source::Extended { signed, from, .. }) => (signed, from),
        _ => return None,
    };
    let (a, b) = (fitted(a, signed, ty)?, fitted(b, signed, ty)?);
    // Numbers that were extended with zeros are never negative. Sign extension keeps the order of signed and of unsigned numbers.
    let condition = if signed { condition } else { unsigned(condition) };
    Some((Narrow { condition, ty }, a, b))
}

/// A number as one of the narrow type, if extending it gives the number back.
fn fitted(source: Source, signed: bool, narrow: Type) -> Option<Source> {
    match source {
        Source::Extended { signed: own, from, .. } => (own == signed && from == narrow).then_some(source),
        Source::Constant { ty, bits } => {
            let (all, all_narrow) = (u64::MAX >> (64 - ty.bits().min(64)), u64::MAX >> (64 - narrow.bits()));
            let low = bits & all_narrow;
            let is_negative = signed && low >> (narrow.bits() - 1) == 1;
            let extended = if is_negative { low | (all & !all_narrow) } else { low };
            (ty.bits() <= 64 && extended == bits).then_some(Source::Constant { ty: narrow, bits: low })
        }
    }
}

fn unsigned(condition: IntCondition) -> IntCondition {
    use IntCondition::*;
    match condition {
        LtSigned => LtUnsigned,
        LeSigned => LeUnsigned,
        GtSigned => GtUnsigned,
        GeSigned => GeUnsigned,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::evaluate;
    use crate::{FunctionBuilder, FunctionKind, MemoryOrder, Terminator};

    const CONDITIONS: [IntCondition; 10] = {
        use IntCondition::*;
        [Eq, Ne, LtSigned, LeSigned, GtSigned, GeSigned, LtUnsigned, LeUnsigned, GtUnsigned, GeUnsigned]
    };

    /// Compares a byte, extended to 32 bits, with a constant.
    fn comparison(condition: IntCondition, signed: bool, bits: u64) -> (Function, Value) {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let address = builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
        let byte = builder.push1(Op::Load {
            space: crate::AddressSpace::Global,
            ty: Type::I8,
            count: 1,
            order: MemoryOrder::Weak,
            address,
            offset: 0,
            guard: None,
        });
        let wide = builder.push1(Op::Extend { signed, from: Type::I8, to: Type::I32, a: byte });
        let constant = builder.constant(Type::I32, bits);
        let result = builder.int_compare(condition, wide, constant);
        builder.terminate(Terminator::Exit);
        (builder.finish(), result)
    }

    #[test]
    fn narrow_comparisons_say_what_wide_ones_say() {
        let bounds = [0u32, 1, 127, 128, 255, 256, 0x7fff_ffff, 0x8000_0000, 0xffff_ff7f, 0xffff_ff80, u32::MAX];
        let mut narrow = 0;
        for (condition, signed, bound) in CONDITIONS
            .into_iter()
            .flat_map(|condition| [false, true].map(|signed| (condition, signed)))
            .flat_map(|(condition, signed)| bounds.map(|bound| (condition, signed, bound)))
        {
            let (mut function, result) = comparison(condition, signed, bound.into());
            narrow_comparisons(&mut function);
            let instructions = &function.block(Function::ENTRY).instructions;
            let compare = instructions.iter().find(|it| it.results == [result]).expect("it is still there");
            let Op::IntCompare { ty: Type::I8, b, .. } = compare.op else { continue };
            narrow += 1;
            let constant = instructions.iter().find(|it| it.results == [b]).expect("made before it");
            let Op::Const { bits, .. } = constant.op else { panic!("{constant:?}") };
            for byte in 0..=u8::MAX {
                let wide = if signed { byte as i8 as i32 as u32 } else { byte.into() };
                let expected = evaluate(
                    &Op::IntCompare { condition, ty: Type::I32, a: Value(0), b: Value(1) },
                    &[wide.into(), bound.into()],
                );
                let got = evaluate(&compare.op, &[byte.into(), bits.into()]);
                assert_eq!(got, expected, "{byte} {condition:?} {bound:#x}, signed: {signed}");
            }
        }
        // Of the bounds five fit when bytes have no sign, and five when they have.
        assert_eq!(narrow, CONDITIONS.len() * 10);
    }
}
