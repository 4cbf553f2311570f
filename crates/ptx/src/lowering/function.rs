//! Lowers one function.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use simt_ir::{BlockId, Function as IrFunction, FunctionBuilder, FunctionKind, Op, Terminator, UnaryOp, Value};

use super::LowerError;
use super::cfg::{Cfg, Flow};
use super::context::{Lowering, Problem, register_type};
use super::program::{ProgramBuilder, Types};
use super::ssa::Ssa;
use crate::ast::{Body, Function, FunctionKind as PtxKind, Module, Space};
use crate::check::{Checked, Outcome, check};
use crate::error::Error;
use crate::instructions::{Guarding, class_of};
use crate::resolve::{Code, LocalRole, Operand, Resolved, Step, Symbol, resolve};

/// Lowers the library's function number `index`.
pub(super) fn lower(program: &mut ProgramBuilder, index: usize) -> Result<IrFunction, LowerError> {
    let library = Arc::clone(&program.library);
    let place = library.functions[index];
    let unit = &library.modules[place.module];
    let function = library.function(place);
    program.module = place.module;
    let text_error = |error: Error| LowerError::Text { function: function.name.to_string(), error };
    let body: Body = unit.module.body(function).map_err(text_error)?;
    let code = resolve(&unit.module, &unit.names, function, &body).map_err(text_error)?;
    let cfg = Cfg::new(&code);
    let declaration_error = |problem: Problem| {
        let (Problem::Invalid(reason) | Problem::Unsupported(reason)) = problem;
        LowerError::Declaration { function: function.name.to_string(), reason }
    };
    let mut lowering = begin(program, &unit.module, function, &code).map_err(declaration_error)?;
    lowering.place_locals(&addressed_locals(&code)).map_err(declaration_error)?;
    lowering.receive_parameters().map_err(declaration_error)?;
    lowering.blocks(&cfg).map_err(text_error)?;
    let Lowering { builder, ssa, .. } = lowering;
    let mut lowered = builder.finish();
    ssa.finish(&mut lowered);
    Ok(lowered)
}

fn begin<'a>(
    program: &'a mut ProgramBuilder,
    module: &'a Module,
    function: &Function,
    code: &'a Code<'a>,
) -> Result<Lowering<'a>, Problem> {
    let (kind, types) = match function.kind {
        PtxKind::Entry => (FunctionKind::Kernel, Types { parameters: Vec::new(), returns: Vec::new() }),
        PtxKind::Device => (FunctionKind::Device, Types::of(&function.signature)?),
    };
    let mut builder = FunctionBuilder::new(function.name.as_str(), kind, types.parameters, types.returns);
    if kind == FunctionKind::Kernel {
        let required = function.shape_directive("reqntid").map(|shape| (shape, true));
        builder.function_mut().block_limit =
            required.or_else(|| function.shape_directive("maxntid").map(|shape| (shape, false)));
    }
    let mut ssa = Ssa::default();
    let registers = code.registers.iter().map(|register| ssa.declare(register_type(register.ty))).collect();
    let carry = ssa.declare(simt_ir::Type::I1);
    ssa.seal(&mut builder, IrFunction::ENTRY);
    Ok(Lowering {
        builder,
        ssa,
        module,
        code,
        program,
        kind,
        guard: None,
        registers,
        places: Vec::new(),
        carry,
        origins: FxHashMap::default(),
        label_blocks: Vec::new(),
        next_block: None,
    })
}

/// Which variables of a function have their address taken: they are named outside brackets, other than in a call.
fn addressed_locals(code: &Code<'_>) -> Vec<bool> {
    let mut addressed = vec![false; code.locals.len()];
    for step in &code.steps {
        let Step::Instruction(resolved) = step else {
            continue;
        };
        if resolved.source.opcode() == "call" {
            continue;
        }
        for operand in &resolved.operands {
            if let Operand::Symbol(Symbol::Local(local), _) = operand {
                addressed[local.0 as usize] = true;
            }
        }
    }
    addressed
}

impl Lowering<'_> {
    fn blocks(&mut self, cfg: &Cfg) -> Result<(), Error> {
        let mut waiting = vec![0usize; cfg.blocks.len()];
        for block in cfg.blocks.iter().filter(|block| block.reachable) {
            block.successors.iter().for_each(|successor| waiting[*successor] += 1);
        }
        let ids = self.create_blocks(cfg, waiting[0] > 0);
        self.label_blocks = (0..self.code.labels.len() as u32)
            .map(|label| ids.get(cfg.block_of(crate::resolve::LabelId(label))).copied().flatten())
            .collect();
        if waiting[0] > 0 {
            // The entry of a function has no predecessors: a loop over the first block begins behind it.
            if let Some(first) = ids[0] {
                self.branch(first);
            }
        }
        for (index, block) in cfg.blocks.iter().enumerate() {
            let Some(id) = ids[index] else { continue };
            self.builder.switch_to(id);
            self.next_block = ids.get(index + 1).copied().flatten();
            for step in block.steps.clone() {
                self.step(step)?;
            }
            self.fall_through();
            for successor in &block.successors {
                waiting[*successor] -= 1;
                if let (0, Some(successor)) = (waiting[*successor], ids[*successor]) {
                    self.ssa.seal(&mut self.builder, successor);
                }
            }
        }
        Ok(())
    }

    /// A block for each reachable one; the entry itself serves as the first unless that is the target of a branch.
    fn create_blocks(&mut self, cfg: &Cfg, entry_is_target: bool) -> Vec<Option<BlockId>> {
        let create = |(index, block): (usize, &super::cfg::BasicBlock)| {
            if !block.reachable {
                return None;
            }
            let id = if index == 0 && !entry_is_target { IrFunction::ENTRY } else { self.builder.create_block() };
            Some(id)
        };
        cfg.blocks.iter().enumerate().map(create).collect()
    }

    fn fall_through(&mut self) {
        if self.builder.is_terminated() {
            return;
        }
        match self.next_block {
            Some(next) => self.branch(next),
            None => match self.return_terminator() {
                Ok(terminator) => self.builder.terminate(terminator),
                // The text ends without `ret` in a function whose results cannot be read: nothing arrives here.
                Err(_) => self.builder.terminate(Terminator::Unreachable),
            },
        }
    }

    /// `ret`: the end of a kernel, or the values of a function's results.
    pub fn return_terminator(&mut self) -> Result<Terminator, Problem> {
        let mut values = Vec::new();
        if self.kind == FunctionKind::Device {
            for index in 0..self.code.locals.len() {
                if matches!(self.code.locals[index].role, LocalRole::Return(_)) {
                    values.extend(self.load_pieces(crate::resolve::LocalId(index as u32))?);
                }
            }
        }
        Ok(Terminator::Return(values))
    }

    fn step(&mut self, index: usize) -> Result<(), Error> {
        let code = self.code;
        let resolved = match &code.steps[index] {
            Step::Instruction(resolved) => resolved,
            Step::Label(_) => return Ok(()),
            Step::FreshRegisters(range) => {
                for register in range.clone() {
                    self.forget(self.registers[register as usize]);
                }
                return Ok(());
            }
            Step::FreshLocal(local) => {
                if let super::Place::Pieces(pieces) = self.place(*local).clone() {
                    pieces.iter().for_each(|piece| self.forget(piece.variable));
                }
                return Ok(());
            }
        };
        self.builder.set_line(resolved.source.span.line);
        let problem = match check(self.module, code, resolved)? {
            Outcome::Unknown(reason) => Problem::Unsupported(reason),
            Outcome::Checked(checked) => match self.guarded(&checked) {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            },
        };
        self.guard = None;
        match problem {
            Problem::Invalid(reason) => {
                let message = format!("`{}`: {reason}", resolved.source.name);
                Err(Error::new(self.module.text(), resolved.source.span, message))
            }
            Problem::Unsupported(reason) => {
                self.unsupported(resolved, &reason);
                Ok(())
            }
        }
    }

    /// A variable that begins to live: what an earlier turn of a loop left in it does not count.
    fn forget(&mut self, variable: super::ssa::Variable) {
        let block = self.builder.current_block();
        self.ssa.forget(&mut self.builder, variable, block);
    }

    fn unsupported(&mut self, resolved: &Resolved<'_>, reason: &str) {
        if !self.builder.is_terminated() {
            let text = format!("line {}: `{}`: {reason}", resolved.source.span.line, resolved.source);
            self.builder.push(Op::Unsupported { text, returns: Vec::new() });
            // Where an instruction that ends a block would go on is not known.
            if Flow::of(resolved.source) != Flow::Next {
                self.builder.terminate(Terminator::Unreachable);
            }
        }
    }

    /// Lowers an instruction under its guard.
    fn guarded(&mut self, checked: &Checked<'_>) -> Result<(), Problem> {
        if self.program.marks {
            self.builder.push(Op::Mark { class: class_of(checked) });
        }
        let guard = self.guard_value(checked.resolved);
        let lower = checked.entry.lower.0;
        match (guard, checked.entry.guarding) {
            (None, _) => lower(self, checked),
            (Some(guard), Guarding::Select | Guarding::Operand | Guarding::Terminator) => {
                self.guard = Some(guard);
                let result = lower(self, checked);
                self.guard = None;
                result
            }
            (Some(guard), Guarding::Region) => {
                let after = self.begin_region(guard);
                let result = lower(self, checked);
                if let Err(Problem::Unsupported(reason)) = &result {
                    self.unsupported(checked.resolved, reason);
                }
                self.end_region(after);
                match result {
                    Err(Problem::Unsupported(_)) => Ok(()),
                    other => other,
                }
            }
        }
    }

    fn guard_value(&mut self, resolved: &Resolved<'_>) -> Option<Value> {
        let (register, negated) = resolved.guard?;
        let value = self.get(self.registers[register.0 as usize]);
        Some(if negated { self.builder.unary(UnaryOp::Not, value) } else { value })
    }

    /// The block of a label.
    pub fn label_block(&self, label: crate::resolve::LabelId) -> Result<BlockId, Problem> {
        match self.label_blocks.get(label.0 as usize).copied().flatten() {
            Some(block) => Ok(block),
            None => Problem::invalid("a branch to a label that has no place"),
        }
    }

    /// The variable's space, if the symbol is a variable of this function or of the module.
    pub fn symbol_space(&mut self, symbol: &Symbol) -> Result<Option<Space>, Problem> {
        Ok(match symbol {
            Symbol::Local(local) => Some(self.code.locals[local.0 as usize].declaration.space),
            Symbol::Variable(index) => {
                let library = Arc::clone(&self.program.library);
                let unit = &library.modules[self.program.module];
                unit.names.variable(&unit.module, *index).map(|(declaration, _)| declaration.space)
            }
            Symbol::Function(_) => None,
        })
    }
}
