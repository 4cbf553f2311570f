//! One function: scopes, labels, guards, control flow.

use std::collections::HashMap;

use simt_ir::{AddressSpace, BlockId, FunctionBuilder, FunctionKind, Op, Terminator, Type, UnaryOp, Value};

use super::params::{ParamVariable, piece_types};
use super::program::{ProgramLowering, kernel_parameters, piece_signature};
use super::registers::{Registers, Variable};
use super::symbols::scoped_name;
use super::view::{Inst, Outcome, Refusal, refuse};
use super::{families, register_type};
use crate::ast::{
    self, Function, FunctionKind as PtxKind, Guard, Instruction, Name, Operand, Signature, Space, Statement, Variables,
};
use crate::error::Result;

/// What a name stands for inside a function.
#[derive(Clone, Debug)]
pub(crate) enum Binding {
    Register(Variable, ast::ScalarType),
    /// A vector register: its elements.
    VectorRegister(Vec<Variable>),
    /// A parameter of a kernel: its offset in the buffer.
    KernelParam(u32),
    /// A row of pieces: a call's parameter, a device function's parameter or return value.
    Pieces(ParamVariable),
    /// A variable in memory.
    Symbol(simt_ir::SymbolId, AddressSpace),
}

/// One level of `{ … }`.
#[derive(Default)]
struct Scope {
    names: HashMap<Name, Binding>,
    prototypes: HashMap<Name, Signature>,
    branch_targets: HashMap<Name, Vec<Name>>,
}

/// Lowers one function.
pub(crate) struct Lowerer<'p, 'm> {
    pub builder: FunctionBuilder,
    pub(super) registers: Registers,
    pub(super) shared: &'p mut ProgramLowering<'m>,
    scopes: Vec<Scope>,
    labels: HashMap<Name, BlockId>,
    /// Guard of the instruction being lowered: results are kept where it is false.
    pub guard: Option<Value>,
    pub(super) kind: FunctionKind,
    name: String,
    returns: Vec<ParamVariable>,
    /// The carry flag of the extended-precision instructions.
    pub carry: Variable,
}

/// Lowers the function `name` and appends it to the program.
pub(super) fn lower_function(program: &mut ProgramLowering<'_>, name: &str) -> Result<()> {
    let module = program.module;
    let Some(declaration) = module.function(name) else {
        program.program.functions.push(missing_function(name, Vec::new(), Vec::new()));
        return Ok(());
    };
    let kind = if declaration.kind == PtxKind::Entry { FunctionKind::Kernel } else { FunctionKind::Device };
    if declaration.body.is_none() {
        let (parameters, returns) = piece_signature(declaration);
        program.program.functions.push(missing_function(name, parameters, returns));
        return Ok(());
    }
    let body = module.body(declaration)?;
    let function = lower_body(program, declaration, kind, &body.statements);
    program.program.functions.push(function);
    Ok(())
}

/// A function that the module declares but does not define.
fn missing_function(name: &str, parameters: Vec<Type>, returns: Vec<Type>) -> simt_ir::Function {
    let mut builder = FunctionBuilder::new(name, FunctionKind::Device, parameters, returns);
    builder.push_with(Op::Unsupported { text: format!("function {name}, which is not defined"), returns: vec![] }, &[]);
    builder.terminate(Terminator::Trap);
    builder.finish()
}

fn lower_body(
    program: &mut ProgramLowering<'_>,
    declaration: &Function,
    kind: FunctionKind,
    statements: &[Statement],
) -> simt_ir::Function {
    let (parameters, returns) =
        if kind == FunctionKind::Kernel { (Vec::new(), Vec::new()) } else { piece_signature(declaration) };
    let name = declaration.name.to_string();
    let mut builder = FunctionBuilder::new(&name, kind, parameters, returns);
    let mut registers = Registers::default();
    let carry = registers.declare(Type::I1);
    if let Some(limit) = declaration.shape_directive("reqntid") {
        builder.function_mut().block_limit = Some((limit, true));
    } else if let Some(limit) = declaration.shape_directive("maxntid") {
        builder.function_mut().block_limit = Some((limit, false));
    }
    // The entry block must not be a jump's target: the body begins in a block of its own.
    let mut lowerer = Lowerer {
        builder,
        registers,
        shared: program,
        scopes: vec![Scope::default()],
        labels: HashMap::new(),
        guard: None,
        kind,
        name,
        returns: Vec::new(),
        carry,
    };
    lowerer.declare_signature(declaration);
    lowerer.scopes.push(Scope::default());
    lowerer.statements(statements);
    lowerer.finish()
}

impl<'m> Lowerer<'_, 'm> {
    pub(super) fn program(&mut self) -> &mut ProgramLowering<'m> {
        self.shared
    }

    fn declare_signature(&mut self, declaration: &Function) {
        if self.kind == FunctionKind::Kernel {
            let parameters = kernel_parameters(declaration);
            let bytes = parameters.last().map_or(0, |last| last.offset + last.size);
            self.builder.function_mut().param_bytes = bytes;
            for parameter in parameters {
                self.bind(&parameter.name, Binding::KernelParam(parameter.offset));
            }
            return;
        }
        let mut index = 0;
        for variables in &declaration.signature.params {
            let row = self.declare_pieces(&piece_types(variables));
            for (_, piece) in &row.pieces {
                let value = self.builder.parameter(index);
                self.write_variable(*piece, value);
                index += 1;
            }
            self.bind_row(variables, row);
        }
        for variables in &declaration.signature.returns {
            let row = self.declare_pieces(&piece_types(variables));
            self.returns.push(row.clone());
            self.bind_row(variables, row);
        }
    }

    /// Parameters in `.reg` space are registers; those in `.param` space rows of pieces.
    fn bind_row(&mut self, variables: &Variables, row: ParamVariable) {
        let Some(name) = variables.names.first() else { return };
        if variables.space == Space::Register && row.pieces.len() == 1 {
            self.bind(&name.name, Binding::Register(row.pieces[0].1, variables.ty));
        } else {
            self.bind(&name.name, Binding::Pieces(row));
        }
    }

    pub(super) fn bind(&mut self, name: &str, binding: Binding) {
        let scope = self.scopes.last_mut().expect("there is always a scope");
        scope.names.insert(name.into(), binding);
    }

    /// What a name stands for, innermost scope first, then the module's symbols.
    pub(crate) fn lookup(&mut self, name: &str) -> Option<Binding> {
        for scope in self.scopes.iter().rev() {
            if let Some(binding) = scope.names.get(name) {
                return Some(binding.clone());
            }
        }
        let program = self.program();
        let symbol = program.module_symbol(name)?;
        let space = program.program.symbols[symbol.0 as usize].space;
        Some(Binding::Symbol(symbol, space))
    }

    pub(super) fn prototype(&self, name: &str) -> Option<&Signature> {
        self.scopes.iter().rev().find_map(|scope| scope.prototypes.get(name))
    }

    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Instruction(instruction) => self.instruction(instruction),
                Statement::Label(name, _) => {
                    let block = self.label(name);
                    self.builder.terminate(Terminator::Branch(block));
                    self.builder.switch_to(block);
                }
                Statement::Variables(variables) => self.declare(variables),
                Statement::Block(inner) => {
                    self.scopes.push(Scope::default());
                    self.statements(inner);
                    self.scopes.pop();
                }
                Statement::CallPrototype(name, signature) => {
                    let scope = self.scopes.last_mut().expect("there is always a scope");
                    scope.prototypes.insert(name.clone(), signature.clone());
                }
                Statement::BranchTargets(name, targets) => {
                    let scope = self.scopes.last_mut().expect("there is always a scope");
                    scope.branch_targets.insert(name.clone(), targets.clone());
                }
                Statement::CallTargets(..) | Statement::Location(_) | Statement::Pragma(_) => {}
            }
        }
    }

    pub(crate) fn label(&mut self, name: &Name) -> BlockId {
        if let Some(block) = self.labels.get(name) {
            return *block;
        }
        let block = self.builder.create_block();
        self.labels.insert(name.clone(), block);
        block
    }

    pub(crate) fn branch_targets(&self, name: &Name) -> Option<Vec<Name>> {
        self.scopes.iter().rev().find_map(|scope| scope.branch_targets.get(name)).cloned()
    }

    fn declare(&mut self, variables: &Variables) {
        match variables.space {
            Space::Register => self.declare_registers(variables),
            Space::Param => {
                for _ in &variables.names {
                    let row = self.declare_pieces(&piece_types(variables));
                    self.bind_row(variables, row);
                }
            }
            Space::Local => {
                for name in &variables.names {
                    let elements = if name.dimensions.is_empty() { Some(1) } else { name.elements() };
                    let size = variables.element_bytes() * elements.unwrap_or(0);
                    let align = (variables.alignment() as u32).max(1);
                    let function = self.builder.function_mut();
                    let offset = function.local_bytes.next_multiple_of(align);
                    function.local_bytes = offset + size as u32;
                    function.local_align = function.local_align.max(align);
                    let key = format!("local {} {} {offset}", self.name, name.name);
                    let symbol = self.program().add_symbol(&key, &name.name, AddressSpace::Local, offset, size);
                    self.bind(&name.name, Binding::Symbol(symbol, AddressSpace::Local));
                }
            }
            Space::Shared => {
                for name in &variables.names {
                    let key = format!("shared {}${}${}", self.name, name.name, self.scopes.len());
                    let symbol = self.program().place_shared(&key, variables, &name.name);
                    self.bind(&name.name, Binding::Symbol(symbol, AddressSpace::Shared));
                }
            }
            Space::Global | Space::Const | Space::Texture => {
                let space = if variables.space == Space::Const { AddressSpace::Const } else { AddressSpace::Global };
                let function = self.name.clone();
                self.program().add_function_global(&function, variables, space);
                for name in &variables.names {
                    let key = scoped_name(&function, &name.name);
                    let symbol = self.program().add_symbol(&key, &key, space, 0, 0);
                    self.bind(&name.name, Binding::Symbol(symbol, space));
                }
            }
            Space::SpecialRegister => {}
        }
    }

    fn declare_registers(&mut self, variables: &Variables) {
        let ty = register_type(variables.ty);
        for name in &variables.names {
            let names: Vec<Name> = match name.range {
                Some(count) => (0..count).map(|index| format!("{}{index}", name.name).into()).collect(),
                None => vec![name.name.clone()],
            };
            for name in names {
                let binding = if variables.vector > 1 {
                    let elements = (0..variables.vector).map(|_| self.registers.declare(ty)).collect();
                    Binding::VectorRegister(elements)
                } else {
                    Binding::Register(self.registers.declare(ty), variables.ty)
                };
                self.bind(&name, binding);
            }
        }
    }

    pub(super) fn read_variable(&mut self, variable: Variable) -> Value {
        let block = self.builder.current_block();
        self.registers.read(&mut self.builder, variable, block)
    }

    /// What a variable holds here.
    pub(crate) fn read_variable_value(&mut self, variable: Variable) -> Value {
        self.read_variable(variable)
    }

    pub(super) fn write_variable(&mut self, variable: Variable, value: Value) {
        let block = self.builder.current_block();
        self.registers.write(variable, block, value);
    }

    fn instruction(&mut self, instruction: &Instruction) {
        if self.builder.is_terminated() {
            // Code behind a jump that no label leads to.
            let block = self.builder.create_block();
            self.builder.switch_to(block);
        }
        self.builder.set_line(instruction.span.line);
        let inst = Inst::new(instruction);
        if let Err(Refusal(reason)) = self.lower_guarded(instruction, &inst) {
            self.guard = None;
            let text = format!("{} ({reason})", inst.name);
            self.builder.push_with(Op::Unsupported { text, returns: vec![] }, &[]);
        }
    }

    fn lower_guarded(&mut self, instruction: &Instruction, inst: &Inst<'_>) -> Outcome {
        let Some(guard) = &instruction.guard else { return families::lower(self, inst) };
        let condition = self.guard_value(guard)?;
        if matches!(inst.opcode, "bra" | "ret" | "exit") {
            return self.branch_if(condition, inst);
        }
        if needs_control_flow(inst.opcode) {
            let (inside, after) = (self.builder.create_block(), self.builder.create_block());
            self.builder.terminate(Terminator::CondBranch { condition, then: inside, otherwise: after });
            self.builder.switch_to(inside);
            let outcome = families::lower(self, inst);
            self.builder.terminate(Terminator::Branch(after));
            self.builder.switch_to(after);
            return outcome;
        }
        self.guard = Some(condition);
        let outcome = families::lower(self, inst);
        self.guard = None;
        outcome
    }

    fn guard_value(&mut self, guard: &Guard) -> std::result::Result<Value, Refusal> {
        let value = self.read_name(&guard.register, Type::I1)?;
        Ok(if guard.negated { self.builder.unary(UnaryOp::Not, value) } else { value })
    }

    /// `@p bra`, `@p ret`, `@p exit`.
    fn branch_if(&mut self, condition: Value, inst: &Inst<'_>) -> Outcome {
        let after = self.builder.create_block();
        if inst.opcode == "bra" {
            let Operand::Name(name) = inst.operand(0)? else { return refuse("a branch to no label") };
            let target = self.label(name);
            self.builder.terminate(Terminator::CondBranch { condition, then: target, otherwise: after });
        } else {
            let leave = self.builder.create_block();
            self.builder.terminate(Terminator::CondBranch { condition, then: leave, otherwise: after });
            self.builder.switch_to(leave);
            families::lower(self, inst)?;
        }
        self.builder.switch_to(after);
        Ok(())
    }

    /// Ends the function for the active lanes.
    pub(crate) fn return_from_function(&mut self) {
        let rows = self.returns.clone();
        let pieces: Vec<Variable> = rows.iter().flat_map(|row| row.pieces.iter().map(|(_, piece)| *piece)).collect();
        let values = pieces.into_iter().map(|piece| self.read_variable(piece)).collect();
        self.builder.terminate(Terminator::Return(values));
    }

    fn finish(mut self) -> simt_ir::Function {
        if !self.builder.is_terminated() {
            self.return_from_function();
        }
        self.registers.seal(self.builder)
    }
}

/// Whether a guard on the instruction decides who takes part in it, so that it has to become a branch.
fn needs_control_flow(opcode: &str) -> bool {
    matches!(
        opcode,
        "call"
            | "bar"
            | "barrier"
            | "shfl"
            | "vote"
            | "match"
            | "redux"
            | "activemask"
            | "elect"
            | "trap"
            | "brkpt"
            | "nanosleep"
            | "brx"
            | "alloca"
            | "stackrestore"
            | "stacksave"
            | "membar"
            | "fence"
    )
}
