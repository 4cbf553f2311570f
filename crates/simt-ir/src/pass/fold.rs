//! Index arithmetic that the launch makes superfluous: with known ranges of thread numbers the corrections of signed divisions are zero, and
//! remainders are bits. And bits of indices in a form in which it shows how they change from lane to lane.

use std::collections::{HashMap, HashSet};

use crate::analysis::{Dominators, Shape, Shapes};
use crate::{BinaryOp, Function, Instruction, Op, Type, Value};

/// Replaces sums and shifts by what `shapes` knows to be zero by their other operand, `x - (x & m)` by `x & !m`, and the insertion of a field at a
/// known place by its parts; takes what was extended as it was, and bits of what is shifted before it is shifted. Addresses of variables are no numbers here: checks ask of which
/// variable an address is made.
pub fn fold_known(function: &mut Function, shapes: &Shapes) {
    let mut folding = Folding {
        replaced: (0..function.value_types.len() as u32).map(Value).collect(),
        masked: HashMap::new(),
        shifted: HashMap::new(),
        extended: HashMap::new(),
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
    /// Of `x >> n`, `x` and both, by its value.
    shifted: HashMap<Value, (Value, Value, u64)>,
    /// Of numbers that were extended, what they were before.
    extended: HashMap<Value, Value>,
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
        let all = u64::MAX >> (64 - ty.bits());
        let mut make = |function: &mut Function, op: Op| {
            let made = function.new_value(ty);
            before.push(Instruction { op, results: vec![made], line: at.line });
            made
        };
        if let Op::BitFieldInsert { a, b, position, length, .. } = at.op {
            let (Some(position), Some(length)) = (self.constant(position), self.constant(length)) else { return };
            let width = u64::from(ty.bits());
            if length == 0 || length > width || position > width - length {
                return;
            }
            let field = (all >> (width - length)) << position;
            let (field_mask, rest_mask) = (Op::Const { ty, bits: field }, Op::Const { ty, bits: all & !field });
            let amount = make(function, Op::Const { ty: Type::I32, bits: position });
            let moved = make(function, Op::Binary { op: BinaryOp::Shl, ty, a, b: amount });
            let mask = make(function, field_mask);
            let put = make(function, Op::Binary { op: BinaryOp::And, ty, a: moved, b: mask });
            let mask = make(function, rest_mask);
            let rest = make(function, Op::Binary { op: BinaryOp::And, ty, a: b, b: mask });
            at.op = Op::Binary { op: BinaryOp::Or, ty, a: rest, b: put };
            return;
        }
        match at.op {
            Op::Extend { a, .. } => _ = self.extended.insert(result, a),
            Op::Truncate { a, .. } => {
                if let Some(&narrow) = self.extended.get(&a).filter(|narrow| function.ty(**narrow) == ty) {
                    self.replaced[result.0 as usize] = narrow;
                }
            }
            _ => {}
        }
        let Op::Binary { op, a, b, .. } = at.op else { return };
        match op {
            BinaryOp::And => {
                for (x, mask) in [(a, b), (b, a)] {
                    let Some(mask) = self.constant(mask) else { continue };
                    self.masked.insert(result, (x, mask));
                    let Some(&(whole, amount, bits)) = self.shifted.get(&x) else { continue };
                    // Bits that are the same in many lanes, or count up, of which nothing shows when others are beside them.
                    let mask = make(function, Op::Const { ty, bits: mask << bits & all });
                    let kept = make(function, Op::Binary { op: BinaryOp::And, ty, a: whole, b: mask });
                    at.op = Op::Binary { op: BinaryOp::ShrUnsigned, ty, a: kept, b: amount };
                    break;
                }
            }
            BinaryOp::ShrUnsigned if self.shape(result) == Shape::Varying && self.shape(a) != Shape::Varying => {
                if let Some(bits) = self.constant(b).filter(|bits| *bits < ty.bits().into()) {
                    self.shifted.insert(result, (a, b, bits));
                }
            }
            BinaryOp::Sub if self.masked.get(&b).is_some_and(|(x, _)| *x == a) => {
                let mask = make(function, Op::Const { ty, bits: !self.masked[&b].1 & all });
                at.op = Op::Binary { op: BinaryOp::And, ty, a, b: mask };
            }
            _ if leaves_unchanged(op, self.constant(b)) => self.replaced[result.0 as usize] = a,
            BinaryOp::Add if self.constant(a) == Some(0) => self.replaced[result.0 as usize] = b,
            _ => {}
        }
    }

    /// Of a value that the function had before.
    fn shape(&self, value: Value) -> Shape {
        self.shapes.known(value).map_or(Shape::Varying, |fact| fact.shape)
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
    use crate::{FunctionBuilder, FunctionKind, Program, SpecialRegister};

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

    #[test]
    fn bits_of_a_thread_number_are_taken_before_they_are_moved() {
        let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
        let constant = |builder: &mut FunctionBuilder, bits| builder.constant(Type::I32, bits);
        let thread = builder.push1(Op::Special(SpecialRegister::TidX));
        let one = constant(&mut builder, 1);
        let half = builder.push1(Op::Binary { op: BinaryOp::ShrUnsigned, ty: Type::I32, a: thread, b: one });
        let eight = constant(&mut builder, 8);
        let bit = builder.push1(Op::Binary { op: BinaryOp::And, ty: Type::I32, a: half, b: eight });
        let fifteen = constant(&mut builder, 15);
        let low = builder.push1(Op::Binary { op: BinaryOp::And, ty: Type::I32, a: thread, b: fifteen });
        let seven = constant(&mut builder, 7);
        let warps = builder.push1(Op::Binary { op: BinaryOp::ShrUnsigned, ty: Type::I32, a: thread, b: seven });
        let (position, length) = (constant(&mut builder, 6), constant(&mut builder, 26));
        let row = builder.push1(Op::BitFieldInsert { ty: Type::I32, a: warps, b: low, position, length });
        let wide = builder.push1(Op::Extend { signed: true, from: Type::I32, to: Type::I64, a: row });
        let narrow = builder.push1(Op::Truncate { from: Type::I64, to: Type::I32, a: wide });
        let sum = builder.push1(Op::Binary { op: BinaryOp::Add, ty: Type::I32, a: narrow, b: bit });
        builder.terminate(crate::Terminator::Return(Vec::new()));
        let mut program = Program { functions: vec![builder.finish()], ..Program::default() };
        let launch = LaunchShape { block: Some([256, 1, 1]), ..LaunchShape::default() };
        let shapes = Shapes::new(&program, &program.functions[0], launch);
        assert_eq!((shapes.shape(bit), shapes.shape(row)), (Shape::Varying, Shape::Varying));
        fold_known(&mut program.functions[0], &shapes);
        let entry = program.functions[0].block(Function::ENTRY);
        let made = entry.instructions.iter().find(|i| i.results == [sum]).expect("it is still made");
        assert_eq!(made.op, Op::Binary { op: BinaryOp::Add, ty: Type::I32, a: row, b: bit });
        let shapes = Shapes::new(&program, &program.functions[0], launch);
        let segmented = |stride, outer| Shape::Segmented { stride, length: 16, speculative: false, outer };
        assert_eq!(shapes.shape(bit), segmented(0, None));
        assert_eq!(shapes.shape(row), segmented(1, Some(0)));
        assert!(shapes.shape(warps).is_uniform());
    }
}
