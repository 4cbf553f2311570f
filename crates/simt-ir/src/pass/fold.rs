//! Index arithmetic that the launch makes superfluous: with known ranges of thread numbers the corrections of signed divisions are zero, and
//! remainders are bits.

use std::collections::{HashMap, HashSet};

use crate::analysis::{Dominators, Shapes};
use crate::{BinaryOp, Function, Instruction, Op, Value};

/// Replaces sums and shifts by what `shapes` knows to be zero by their other operand, and `x - (x & m)` by `x & !m`. Addresses of variables are
/// no numbers here: checks ask of which variable an address is made.
pub fn fold_known(function: &mut Function, shapes: &Shapes) {
    let mut folding = Folding {
        replaced: (0..function.value_types.len() as u32).map(Value).collect(),
        masked: HashMap::new(),
        symbolic: HashSet::new(),
        shapes,
    };
    let order = Dominators::new(function).reverse_post_order().to_vec();
    for id in order {
        let mut kept = Vec::new();
        for mut instruction in std::mem::take(&mut function.block_mut(id).instructions) {
            instruction.op.for_each_operand_mut(|operand| *operand = folding.replaced[operand.0 as usize]);
            if let (true, &[result]) = (instruction.op.is_pure(), &instruction.results[..]) {
                folding.fold(function, &mut instruction, result, &mut kept);
            }
            kept.push(instruction);
        }
        function.block_mut(id).instructions = kept;
    }
    let replaced = folding.replaced;
    let replace = |value: &mut Value| {
        if let Some(other) = replaced.get(value.0 as usize) {
            *value = *other;
        }
    };
    for block in &mut function.blocks {
        block.phis.iter_mut().flat_map(|phi| &mut phi.incoming).for_each(|(_, value)| replace(value));
        block.terminator.for_each_operand_mut(replace);
    }
}

struct Folding<'a> {
    /// By value that the function had before: what stands for it.
    replaced: Vec<Value>,
    /// Of `x & m`, by its value.
    masked: HashMap<Value, (Value, u64)>,
    /// What is made of the address of a variable.
    symbolic: HashSet<Value>,
    shapes: &'a Shapes,
}

impl Folding<'_> {
    /// Makes an operation a simpler one, or another value stand for its result. `before` are the instructions before it.
    fn fold(&mut self, function: &mut Function, at: &mut Instruction, result: Value, before: &mut Vec<Instruction>) {
        let is_symbolic = |operand: Value| self.symbolic.contains(&operand);
        if matches!(at.op, Op::SymbolAddress(_)) || at.op.operands().into_iter().any(is_symbolic) {
            self.symbolic.insert(result);
        }
        let ty = function.ty(result);
        if !ty.is_int() || ty.bits() > 64 {
            return;
        }
        let Op::Binary { op, a, b, .. } = at.op else { return };
        match op {
            BinaryOp::And => {
                for (x, mask) in [(a, b), (b, a)] {
                    if let Some(mask) = self.constant(mask) {
                        self.masked.insert(result, (x, mask));
                    }
                }
            }
            BinaryOp::Sub if self.masked.get(&b).is_some_and(|(x, _)| *x == a) => {
                let bits = !self.masked[&b].1 & (u64::MAX >> (64 - ty.bits()));
                let mask = function.new_value(ty);
                before.push(Instruction { op: Op::Const { ty, bits }, results: vec![mask], line: at.line });
                at.op = Op::Binary { op: BinaryOp::And, ty, a, b: mask };
            }
            _ if leaves_unchanged(op, self.constant(b)) => self.replaced[result.0 as usize] = a,
            BinaryOp::Add if self.constant(a) == Some(0) => self.replaced[result.0 as usize] = b,
            _ => {}
        }
    }

    /// Of a value that the function had before.
    fn constant(&self, value: Value) -> Option<u64> {
        self.shapes.known(value).filter(|_| !self.symbolic.contains(&value)).and_then(|fact| fact.constant)
    }
}

fn leaves_unchanged(op: BinaryOp, b: Option<u64>) -> bool {
    use BinaryOp::{Add, Or, Shl, ShrSigned, ShrUnsigned, Sub, Xor};
    b == Some(0) && matches!(op, Add | Sub | Or | Xor | Shl | ShrSigned | ShrUnsigned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::LaunchShape;
    use crate::{FunctionBuilder, FunctionKind, Program, SpecialRegister, Type};

    #[test]
    fn a_signed_remainder_of_a_thread_number_is_its_low_bits() {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let thread = builder.push1(Op::Special(SpecialRegister::TidX));
        let constant = |builder: &mut FunctionBuilder, bits| builder.constant(Type::I32, bits);
        let binary = |builder: &mut FunctionBuilder, op, a, bits| {
            let b = constant(builder, bits);
            builder.push1(Op::Binary { op, ty: Type::I32, a, b })
        };
        // As compilers divide by four.
        let sign = binary(&mut builder, BinaryOp::ShrSigned, thread, 31);
        let correction = binary(&mut builder, BinaryOp::ShrUnsigned, sign, 30);
        let corrected = builder.push1(Op::Binary { op: BinaryOp::Add, ty: Type::I32, a: thread, b: correction });
        let whole = binary(&mut builder, BinaryOp::And, corrected, 0xffff_fffc);
        let rest = builder.push1(Op::Binary { op: BinaryOp::Sub, ty: Type::I32, a: thread, b: whole });
        builder.terminate(crate::Terminator::Return(Vec::new()));
        let mut program = Program { functions: vec![builder.finish()], ..Program::default() };
        let launch = LaunchShape { block: Some([64, 1, 1]), ..LaunchShape::default() };
        let shapes = Shapes::new(&program, &program.functions[0], launch);
        fold_known(&mut program.functions[0], &shapes);
        let entry = program.functions[0].block(Function::ENTRY);
        let made = entry.instructions.iter().find(|i| i.results == [rest]).expect("it is still made");
        let Op::Binary { op: BinaryOp::And, a, b, .. } = made.op else { panic!("{}", made.op) };
        assert_eq!(a, thread);
        assert!(entry.instructions.iter().any(|i| i.results == [b] && i.op == Op::Const { ty: Type::I32, bits: 3 }));
    }
}
