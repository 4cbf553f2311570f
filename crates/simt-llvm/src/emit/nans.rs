//! NaNs that arithmetic made. Their bits are the processor's, and become the card's only where somebody looks at them.

use simt_ir::{FloatBinaryOp, Function, Op, Sum, Type, Value};

/// For each value of a function, whether it may be a NaN that float arithmetic made, and whose bits are therefore not yet those
/// the card would show. A phi or selection is so only if all its inputs are: the others are made canonical on the way in. The bits of a float on its way
/// to other lanes count as a float.
pub(super) fn arithmetic_nans(function: &Function) -> Vec<bool> {
    let mut marks = vec![false; function.value_types.len()];
    let shuffled = shuffled_floats(function);
    for block in &function.blocks {
        for phi in &block.phis {
            marks[phi.result.0 as usize] = function.ty(phi.result) == Type::F32;
        }
        for instruction in &block.instructions {
            let makes = match &instruction.op {
                Op::FloatUnary { .. } | Op::FloatBinary { .. } | Op::Fma { .. } => true,
                Op::MatrixProduct { product, .. } => product.d == Sum::F32,
                // From f64 and bf16 a NaN's own bits come along, from f32 without a flush those of the operand.
                Op::FloatToFloat { from, .. } => matches!(from, Type::F16 | Type::F32),
                Op::Select { ty, .. } => *ty == Type::F32,
                // Never a NaN, and so never one with bits to keep.
                Op::IntToFloat { .. } => true,
                Op::Const { bits, .. } => !f32::from_bits(*bits as u32).is_nan(),
                _ => false,
            };
            for result in &instruction.results {
                marks[result.0 as usize] = (makes && function.ty(*result) == Type::F32) || shuffled[result.0 as usize];
            }
        }
    }
    // Phis, selections and copies fall with any input that is not arithmetic.
    let mut changed = true;
    while changed {
        changed = false;
        let mut set = |marks: &mut Vec<bool>, value: Value, mark: bool| {
            changed |= std::mem::replace(&mut marks[value.0 as usize], mark) != mark;
        };
        for block in &function.blocks {
            for phi in &block.phis {
                if marks[phi.result.0 as usize] && phi.incoming.iter().any(|(_, value)| !marks[value.0 as usize]) {
                    set(&mut marks, phi.result, false);
                }
            }
            for instruction in &block.instructions {
                let Some(&result) = instruction.results.first() else { continue };
                let arithmetic = |value: Value| marks[value.0 as usize];
                let stays = match instruction.op {
                    Op::Select { a, b, .. } => arithmetic(a) && arithmetic(b),
                    Op::FloatToFloat { flush: false, from: Type::F32, a, .. } => arithmetic(a),
                    Op::Bitcast { a, .. } | Op::Shuffle { value: a, .. } => arithmetic(a),
                    _ => true,
                };
                if marks[result.0 as usize] && !stays {
                    set(&mut marks, result, false);
                }
            }
        }
    }
    // What is never a NaN has no bits to be put right.
    never_nans(function).into_iter().for_each(|value| marks[value.0 as usize] = false);
    marks
}

/// Results of single-precision arithmetic that are never a NaN: saturated ones, and what one more operation makes of them and of finite constants, as in
/// the first steps of an exponential.
fn never_nans(function: &Function) -> Vec<Value> {
    let mut finite = vec![false; function.value_types.len()];
    let instructions = || function.blocks.iter().flat_map(|block| &block.instructions);
    for instruction in instructions() {
        let is_finite = match instruction.op {
            Op::Const { ty: Type::F32, bits } => f32::from_bits(bits as u32).is_finite(),
            // A NaN becomes 0.
            Op::FloatUnary { ty: Type::F32, saturate, .. }
            | Op::FloatBinary { ty: Type::F32, saturate, .. }
            | Op::Fma { ty: Type::F32, saturate, .. }
            | Op::FloatToFloat { to: Type::F32, saturate, .. } => saturate,
            _ => false,
        };
        instruction.results.iter().for_each(|result| finite[result.0 as usize] = is_finite);
    }
    let of_finite = |op: &Op| op.operands().iter().all(|operand| finite[operand.0 as usize]);
    // Infinities may come of it, but nothing takes one from another here.
    let is_number = |op: &Op| match op {
        Op::Fma { ty: Type::F32, .. } => of_finite(op),
        Op::FloatBinary { op: kind, ty: Type::F32, .. } => {
            matches!(kind, FloatBinaryOp::Add | FloatBinaryOp::Sub | FloatBinaryOp::Mul) && of_finite(op)
        }
        _ => false,
    };
    let results = instructions().flat_map(|it| it.results.iter().map(move |result| (*result, &it.op)));
    results.filter(|(result, op)| finite[result.0 as usize] || is_number(op)).map(|(result, _)| result).collect()
}

/// By value: whether it is the bits of a float that are shuffled, or comes of them, and nobody looks at them on the way but as at a float.
fn shuffled_floats(function: &Function) -> Vec<bool> {
    let instructions = || function.blocks.iter().flat_map(|block| &block.instructions);
    // Whether all uses of a value are as a float, or to shuffle it; both fall with any other use.
    let (mut as_float, mut to_shuffle) =
        (vec![true; function.value_types.len()], vec![true; function.value_types.len()]);
    for block in &function.blocks {
        let mut seen = |value: Value| {
            as_float[value.0 as usize] = false;
            to_shuffle[value.0 as usize] = false;
        };
        block.phis.iter().flat_map(|phi| &phi.incoming).for_each(|(_, value)| seen(*value));
        block.terminator.clone().for_each_operand_mut(|value| seen(*value));
    }
    for instruction in instructions() {
        let shuffled = if let Op::Shuffle { value, .. } = instruction.op { Some(value) } else { None };
        let read = if let Op::Bitcast { from: Type::I32, to: Type::F32, a } = instruction.op { Some(a) } else { None };
        for (index, operand) in instruction.op.operands().into_iter().enumerate() {
            as_float[operand.0 as usize] &= read == Some(operand);
            to_shuffle[operand.0 as usize] &= shuffled == Some(operand) && index == 0;
        }
    }
    let mut found = vec![false; function.value_types.len()];
    let mut carried = vec![false; function.value_types.len()];
    for instruction in instructions() {
        if let Op::Shuffle { value, .. } = instruction.op {
            let result = instruction.results[0];
            carried[value.0 as usize] = true;
            found[result.0 as usize] = as_float[result.0 as usize];
        }
    }
    // A value that is shuffled several times is a float's bits only if all of its shuffles are read as floats.
    for instruction in instructions() {
        if let Op::Shuffle { value, .. } = instruction.op {
            carried[value.0 as usize] &= found[instruction.results[0].0 as usize];
        }
    }
    for instruction in instructions() {
        if let Op::Bitcast { from: Type::F32, to: Type::I32, .. } = instruction.op {
            let result = instruction.results[0].0 as usize;
            found[result] = carried[result] && to_shuffle[result];
        }
    }
    for instruction in instructions() {
        if let Op::Shuffle { value, .. } = instruction.op {
            let result = instruction.results[0].0 as usize;
            found[result] &= found[value.0 as usize];
        }
    }
    for instruction in instructions() {
        if let Op::Bitcast { from: Type::I32, to: Type::F32, a } = instruction.op {
            found[instruction.results[0].0 as usize] = found[a.0 as usize];
        }
    }
    found
}
