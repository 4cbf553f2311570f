//! Checks that a program is well formed. Front ends and passes run it in tests and debug builds.

use std::fmt;

use crate::analysis::{Dominators, liveness_uses};
use crate::{BlockId, Function, FunctionKind, Op, Program, Terminator, Type, Value};

/// What is wrong with a program, and where.
#[derive(Clone, PartialEq, Debug)]
pub struct VerifyError {
    /// Name of the function.
    pub function: String,
    /// Source line, 0 if none.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}): {}", self.function, self.line, self.message)
    }
}

impl std::error::Error for VerifyError {}

/// Checks every function: each value is defined once and before its uses, types agree, phis match predecessors.
pub fn verify(program: &Program) -> Result<(), VerifyError> {
    for (index, function) in program.functions.iter().enumerate() {
        let expected = if index == 0 { FunctionKind::Kernel } else { FunctionKind::Device };
        let verifier = Verifier { program, function };
        if function.kind != expected {
            return Err(verifier.error(0, format!("function {index} is a {:?}", function.kind)));
        }
        verifier.run()?;
    }
    Ok(())
}

struct Verifier<'a> {
    program: &'a Program,
    function: &'a Function,
}

/// Where a value is defined: block and position in it (phis and parameters at 0, instruction i at i + 1).
type Site = (BlockId, usize);

impl Verifier<'_> {
    fn error(&self, line: u32, message: String) -> VerifyError {
        VerifyError { function: self.function.name.clone(), line, message }
    }

    fn run(&self) -> Result<(), VerifyError> {
        let sites = self.definitions()?;
        let dominators = Dominators::new(self.function);
        let predecessors = self.function.predecessors();
        if !predecessors[0].is_empty() {
            return Err(self.error(0, "the entry block has predecessors".into()));
        }
        for id in self.function.block_ids().filter(|id| dominators.is_reachable(*id)) {
            let block = self.function.block(id);
            let use_at = |value: Value, position: usize, line: u32| -> Result<(), VerifyError> {
                let Some(Some((from, defined))) = sites.get(value.0 as usize) else {
                    return Err(self.error(line, format!("{value} is not defined")));
                };
                let before = if *from == id { *defined <= position } else { dominators.dominates(*from, id) };
                if before {
                    Ok(())
                } else {
                    Err(self.error(line, format!("{value} does not dominate its use in {id}")))
                }
            };
            for phi in &block.phis {
                self.phi(id, phi, &predecessors[id.0 as usize], &dominators, &sites)?;
            }
            for (position, instruction) in block.instructions.iter().enumerate() {
                for operand in instruction.op.operands() {
                    use_at(operand, position, instruction.line)?;
                }
                self.types(instruction)?;
            }
            let mut result = Ok(());
            liveness_uses(&block.terminator, |value| {
                if result.is_ok() {
                    result = use_at(value, block.instructions.len(), block.terminator_line);
                }
            });
            result?;
            self.terminator(id)?;
        }
        Ok(())
    }

    fn definitions(&self) -> Result<Vec<Option<Site>>, VerifyError> {
        let mut sites: Vec<Option<Site>> = vec![None; self.function.value_types.len()];
        let mut define = |value: Value, site: Site, line: u32| -> Result<(), VerifyError> {
            match sites.get_mut(value.0 as usize) {
                None => Err(self.error(line, format!("{value} is not in the value table"))),
                Some(Some(_)) => Err(self.error(line, format!("{value} is defined twice"))),
                Some(slot) => {
                    *slot = Some(site);
                    Ok(())
                }
            }
        };
        for index in 0..self.function.parameters.len() {
            define(Value(index as u32), (Function::ENTRY, 0), 0)?;
        }
        for id in self.function.block_ids() {
            let block = self.function.block(id);
            for phi in &block.phis {
                define(phi.result, (id, 0), 0)?;
            }
            for (position, instruction) in block.instructions.iter().enumerate() {
                for result in &instruction.results {
                    define(*result, (id, position + 1), instruction.line)?;
                }
            }
        }
        Ok(sites)
    }

    fn phi(
        &self,
        id: BlockId,
        phi: &crate::Phi,
        predecessors: &[BlockId],
        dominators: &Dominators,
        sites: &[Option<Site>],
    ) -> Result<(), VerifyError> {
        let ty = self.function.ty(phi.result);
        for from in predecessors.iter().filter(|from| dominators.is_reachable(**from)) {
            let count = phi.incoming.iter().filter(|(block, _)| block == from).count();
            if count != 1 {
                return Err(self.error(0, format!("phi {} in {id} has {count} values for {from}", phi.result)));
            }
        }
        for (from, value) in &phi.incoming {
            if !predecessors.contains(from) {
                return Err(self.error(0, format!("phi {} in {id} names {from}, which is no predecessor", phi.result)));
            }
            if self.function.ty(*value) != ty {
                return Err(self.error(0, format!("phi {} in {id}: {value} has another type", phi.result)));
            }
            let defined = sites.get(value.0 as usize).copied().flatten();
            if dominators.is_reachable(*from) && !defined.is_some_and(|(block, _)| dominators.dominates(block, *from)) {
                return Err(
                    self.error(0, format!("phi {} in {id}: {value} does not reach the end of {from}", phi.result))
                );
            }
        }
        Ok(())
    }

    fn types(&self, instruction: &crate::Instruction) -> Result<(), VerifyError> {
        let op = &instruction.op;
        let mismatch = |what: String| self.error(instruction.line, format!("{op}: {what}"));
        if let Op::Call { function, .. } = op
            && function.0 as usize >= self.program.functions.len()
        {
            return Err(mismatch("calls no function of the program".into()));
        }
        let expected = op.result_types(|function| self.program.function(function).returns.clone());
        let actual: Vec<Type> = instruction.results.iter().map(|value| self.function.ty(*value)).collect();
        if expected != actual {
            return Err(mismatch(format!("results are {actual:?}, expected {expected:?}")));
        }
        if let Op::MatrixProduct { product, a, b, c } = op {
            let lengths = [product.a_registers(), product.b_registers(), product.sum_registers(product.c)];
            if [a.len(), b.len(), c.len()] != lengths {
                return Err(mismatch(format!("the matrices take {lengths:?} registers")));
            }
        }
        if let Op::Texture { op: texture, operands } = op
            && operands.len() != texture.operand_types().len()
        {
            return Err(mismatch(format!("takes {} operands", texture.operand_types().len())));
        }
        if let Op::Tensor { op: tensor, operands } = op
            && operands.len() != tensor.operand_count()
        {
            return Err(mismatch(format!("takes {} operands", tensor.operand_count())));
        }
        let operands = op.operands();
        let expected = self.operand_types(op, operands.len());
        for (operand, expected) in operands.iter().zip(expected) {
            let actual = self.function.ty(*operand);
            if actual != expected {
                return Err(mismatch(format!("{operand} is {actual}, expected {expected}")));
            }
        }
        Ok(())
    }

    /// Types that the operands must have, in the order of [`Op::operands`]; shorter where any type will do.
    fn operand_types(&self, op: &Op, count: usize) -> Vec<Type> {
        use crate::BinaryOp::{Shl, ShrSigned, ShrUnsigned};
        match op {
            Op::Binary { op: Shl | ShrSigned | ShrUnsigned, ty, .. } => vec![*ty, Type::I32],
            Op::Unary { ty, .. }
            | Op::Binary { ty, .. }
            | Op::IntCompare { ty, .. }
            | Op::FloatUnary { ty, .. }
            | Op::FloatBinary { ty, .. }
            | Op::FloatCompare { ty, .. }
            | Op::Expect { ty, .. }
            | Op::Fma { ty, .. }
            | Op::Concat { ty, .. } => vec![*ty; count],
            Op::Select { ty, .. } => vec![Type::I1, *ty, *ty],
            Op::Lop3 { .. }
            | Op::Permute { .. }
            | Op::FunnelShift { .. }
            | Op::DotProduct4 { .. }
            | Op::DotProduct2 { .. }
            | Op::Halves { .. }
            | Op::FindNthSet { .. }
            | Op::Shuffle { .. }
            | Op::WarpSync { .. }
            | Op::Elect { .. } => vec![Type::I32; count],
            Op::Agree { .. } => vec![Type::I1],
            Op::BitFieldExtract { ty, .. } => vec![*ty, Type::I32, Type::I32],
            Op::BitFieldInsert { ty, .. } => vec![*ty, *ty, Type::I32, Type::I32],
            Op::Extend { from, .. }
            | Op::Truncate { from, .. }
            | Op::Bitcast { from, .. }
            | Op::IntToFloat { from, .. }
            | Op::FloatToInt { from, .. }
            | Op::FloatToFloat { from, .. } => vec![*from],
            Op::ToGeneric { .. }
            | Op::FromGeneric { .. }
            | Op::IsInSpace { .. }
            | Op::RankOf { .. }
            | Op::StackAlloc { .. }
            | Op::StackRestore { .. } => {
                vec![Type::I64]
            }
            Op::MapToRank { .. } => vec![Type::I64, Type::I32],
            Op::Load { .. } => vec![Type::I64, Type::I1],
            Op::Store { ty, values, .. } => {
                let mut list = vec![Type::I64];
                list.extend(values.iter().map(|_| *ty));
                list.push(Type::I1);
                list
            }
            Op::Atomic { ty, compare, .. } => {
                let mut list = vec![Type::I64, *ty];
                list.extend(compare.iter().map(|_| *ty));
                list.push(Type::I1);
                list
            }
            Op::Barrier { threads, .. } => {
                let mut list = vec![Type::I32];
                list.extend(threads.iter().map(|_| Type::I32));
                list.push(Type::I1);
                list
            }
            Op::Vote { .. } => vec![Type::I1, Type::I32],
            Op::Match { ty, .. } => vec![*ty, Type::I32],
            Op::Reduce { op, .. } => vec![if op.is_float() { Type::F32 } else { Type::I32 }, Type::I32],
            Op::MatrixProduct { product, a, b, .. } => {
                let mut list = vec![product.a.register(); a.len()];
                list.extend(b.iter().map(|_| product.b.register()));
                list.resize(count, product.c.register());
                list
            }
            Op::Call { function, .. } => self.program.function(*function).parameters.clone(),
            Op::Texture { op, .. } => op.operand_types(),
            Op::Tensor { op, .. } => op.operand_types(),
            Op::CallIndirect { .. } => vec![Type::I64],
            _ => vec![],
        }
    }

    fn terminator(&self, id: BlockId) -> Result<(), VerifyError> {
        let block = self.function.block(id);
        let wrong = |message: &str| self.error(block.terminator_line, format!("{id}: {message}"));
        let mut in_range = true;
        block.terminator.for_each_successor(|to| in_range &= (to.0 as usize) < self.function.blocks.len());
        if !in_range {
            return Err(wrong("the terminator goes to a block that does not exist"));
        }
        match &block.terminator {
            Terminator::CondBranch { condition, then, otherwise } => {
                if self.function.ty(*condition) != Type::I1 {
                    return Err(wrong("the condition is not an i1"));
                }
                if then == otherwise {
                    return Err(wrong("both targets are the same block"));
                }
            }
            Terminator::Switch { index, targets } => {
                if self.function.ty(*index) != Type::I32 || targets.is_empty() {
                    return Err(wrong("a switch has an i32 index and at least one target"));
                }
            }
            Terminator::Return(values) => {
                let types: Vec<Type> = values.iter().map(|value| self.function.ty(*value)).collect();
                if types != self.function.returns {
                    return Err(wrong("the returned values do not have the function's return types"));
                }
            }
            Terminator::Branch(_) | Terminator::Exit | Terminator::Trap | Terminator::Unreachable => {}
        }
        Ok(())
    }
}
