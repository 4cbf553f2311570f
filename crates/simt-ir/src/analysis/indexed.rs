//! Addresses that are made of a base and an index of 32 bits, as those of an array's elements are.

use crate::{BinaryOp, Op, Type, Value};

/// Bytes of an element up to which an index counts: what processors multiply by on the way to memory.
const ELEMENT_BYTES_MAX: u64 = 8;

/// An address: `base + index * element_bytes`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Indexed {
    /// Of 64 bits.
    pub base: Value,
    /// Of 32 bits.
    pub index: Value,
    /// Whether the index is extended with its sign, and not with zeros.
    pub signed: bool,
    /// 1, 2, 4 or 8.
    pub element_bytes: u32,
    /// The index extended, and multiplied; the same where there is nothing to multiply.
    pub steps: [Value; 2],
}

/// What an address is made of, by the operations that make values.
pub fn indexed<'a>(operation: &impl Fn(Value) -> Option<&'a Op>, address: Value) -> Option<Indexed> {
    let Op::Binary { op: BinaryOp::Add, ty: Type::I64, a, b } = *operation(address)? else { return None };
    let found = |base: Value, scaled: Value| {
        let (extended, element_bytes) = multiplied(operation, scaled)?;
        let (index, signed) = extended_word(operation, extended)?;
        Some(Indexed { base, index, signed, element_bytes, steps: [extended, scaled] })
    };
    found(a, b).or_else(|| found(b, a))
}

/// A value as a multiple of another, by as much as an element may have.
fn multiplied<'a>(operation: &impl Fn(Value) -> Option<&'a Op>, value: Value) -> Option<(Value, u32)> {
    let (factor, bytes) = match *operation(value)? {
        Op::Binary { op: BinaryOp::Mul, ty: Type::I64, a, b } => match (constant(operation, a), constant(operation, b))
        {
            (None, Some(bytes)) => (a, bytes),
            (Some(bytes), None) => (b, bytes),
            _ => return None,
        },
        Op::Binary { op: BinaryOp::Shl, ty: Type::I64, a, b } => (a, 1u64.checked_shl(constant(operation, b)? as u32)?),
        _ => (value, 1),
    };
    (bytes.is_power_of_two() && bytes <= ELEMENT_BYTES_MAX).then_some((factor, bytes as u32))
}

/// The word that is extended to a value, and whether with its sign.
fn extended_word<'a>(operation: &impl Fn(Value) -> Option<&'a Op>, value: Value) -> Option<(Value, bool)> {
    match *operation(value)? {
        Op::Extend { signed, from: Type::I32, to: Type::I64, a } if constant(operation, a).is_none() => {
            Some((a, signed))
        }
        _ => None,
    }
}

/// The number that a value always is: a constant of 64 bits, or one of 32 bits that is extended.
fn constant<'a>(operation: &impl Fn(Value) -> Option<&'a Op>, value: Value) -> Option<u64> {
    match *operation(value)? {
        Op::Const { bits, .. } => Some(bits),
        Op::Extend { signed, from: Type::I32, a, .. } => match *operation(a)? {
            Op::Const { bits, .. } if signed => Some(i64::from(bits as i32) as u64),
            Op::Const { bits, .. } => Some(bits),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Function, FunctionBuilder, FunctionKind, Terminator};

    /// The operations of a function's first block.
    fn operation<'a>(function: &'a Function) -> impl Fn(Value) -> Option<&'a Op> {
        move |value| {
            let mut all = function.block(Function::ENTRY).instructions.iter();
            all.find(|instruction| instruction.results == [value]).map(|instruction| &instruction.op)
        }
    }

    #[test]
    fn an_element_is_recognised_however_it_is_computed() {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let base = builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
        let index = builder.push1(Op::LoadParam { ty: Type::I32, offset: 8 });
        let mut binary = |op, a, b| builder.push1(Op::Binary { op, ty: Type::I64, a, b });
        let sum = binary(BinaryOp::Add, base, base);
        let extend = |signed, a| Op::Extend { signed, from: Type::I32, to: Type::I64, a };
        let (signed, unsigned) = (builder.push1(extend(true, index)), builder.push1(extend(false, index)));
        let (two, four) = (builder.constant(Type::I32, 2), builder.constant(Type::I32, 4));
        let four = builder.push1(extend(true, four));
        let twelve = builder.constant(Type::I64, 12);
        let mut binary = |op, a, b| builder.push1(Op::Binary { op, ty: Type::I64, a, b });
        let (by_four, shifted) = (binary(BinaryOp::Mul, four, signed), binary(BinaryOp::Shl, unsigned, two));
        let by_twelve = binary(BinaryOp::Mul, signed, twelve);
        let addresses = [by_four, shifted, signed, by_twelve, four].map(|part| binary(BinaryOp::Add, part, base));
        builder.terminate(Terminator::Exit);
        let function = builder.finish();
        let found = |address| {
            indexed(&operation(&function), address).map(|it| (it.base, it.index, it.signed, it.element_bytes))
        };
        assert_eq!(found(addresses[0]), Some((base, index, true, 4)));
        assert_eq!(found(addresses[1]), Some((base, index, false, 4)));
        assert_eq!(found(addresses[2]), Some((base, index, true, 1)));
        // Elements of 12 bytes, a constant distance, and no index at all.
        assert_eq!([addresses[3], addresses[4], sum].map(found), [None; 3]);
    }
}
