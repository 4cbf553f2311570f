//! The walk through a body that resolves its names.

use super::scope::{Entity, ModuleName, Scope};
use super::{
    Address, Code, LabelId, Local, LocalId, LocalRole, ModuleNames, Operand, Register, RegisterId, Resolved, Selector,
    Step, Symbol, error,
};
use crate::ast::{
    self, Body, Declarator, Function, Guard, Instruction, Module, Name, Space, Span, Statement, Variables,
};
use crate::error::{Error, Result};
use crate::instructions::special;

/// A body may declare this many registers.
const REGISTERS_MAX: usize = 1 << 24;

pub(super) struct Walk<'a, 'm> {
    module: &'a Module,
    names: &'a ModuleNames,
    code: Code<'m>,
    scopes: Vec<Scope>,
    location: (u32, u32),
}

impl<'a, 'm> Walk<'a, 'm> {
    /// Begins with the parameters and return values of `function`.
    pub fn new(module: &'a Module, names: &'a ModuleNames, function: &'m Function) -> Result<Walk<'a, 'm>> {
        let mut walk = Walk { module, names, code: Code::default(), scopes: vec![Scope::default()], location: (0, 0) };
        let signature = &function.signature;
        for (index, declaration) in signature.returns.iter().enumerate() {
            walk.declare_parameter(declaration, LocalRole::Return(index))?;
        }
        for (index, declaration) in signature.params.iter().enumerate() {
            walk.declare_parameter(declaration, LocalRole::Parameter(index))?;
        }
        Ok(walk)
    }

    pub fn run(mut self, body: &'m Body) -> Result<Code<'m>> {
        self.block(&body.statements)?;
        Ok(self.code)
    }

    fn error(&self, span: Span, message: String) -> Error {
        error(self.module, span, message)
    }

    fn declare(&mut self, name: &Name, span: Span, entity: Entity) -> Result<()> {
        let declared = self.scopes.last_mut().is_some_and(|scope| scope.declare(name, entity));
        if declared { Ok(()) } else { Err(self.error(span, format!("`{name}` is declared twice"))) }
    }

    fn declare_parameter(&mut self, declaration: &'m Variables, role: LocalRole) -> Result<()> {
        for declarator in &declaration.names {
            let register = (declaration.space == Space::Register).then(|| self.new_registers(declaration, 1));
            let local = LocalId(self.code.locals.len() as u32);
            self.code.locals.push(Local { role, declaration, declarator, register });
            // `_` names a parameter that nobody reads.
            if declarator.name == "_" {
                continue;
            }
            let entity = match register {
                Some(first) => Entity::Register { first, elements: 1 },
                None => Entity::Local(local),
            };
            self.declare(&declarator.name, declarator.span, entity)?;
        }
        Ok(())
    }

    fn new_registers(&mut self, declaration: &Variables, count: u32) -> RegisterId {
        let first = RegisterId(self.code.registers.len() as u32);
        let elements = count as usize * declaration.vector as usize;
        self.code.registers.extend(std::iter::repeat_n(Register { ty: declaration.ty }, elements));
        first
    }

    fn block(&mut self, statements: &'m [Statement]) -> Result<()> {
        self.scopes.push(Scope::default());
        self.declare_labels(statements)?;
        for statement in statements {
            match statement {
                Statement::Instruction(instruction) => self.instruction(instruction)?,
                Statement::Label(name, span) => {
                    if let Some(Entity::Label(label)) = self.lookup(name) {
                        self.code.steps.push(Step::Label(label));
                    } else {
                        return Err(self.error(*span, format!("`{name}` is declared twice")));
                    }
                }
                Statement::Variables(variables) => self.variables(variables)?,
                Statement::Block(inner) => self.block(inner)?,
                Statement::Location(location) => self.location = (location.file, location.line),
                Statement::Pragma(_)
                | Statement::CallPrototype(..)
                | Statement::CallTargets(..)
                | Statement::BranchTargets(..) => {}
            }
        }
        self.scopes.pop();
        Ok(())
    }

    /// Labels and named lists are visible in the whole block, before they are written too.
    fn declare_labels(&mut self, statements: &'m [Statement]) -> Result<()> {
        for statement in statements {
            match statement {
                Statement::Label(name, span) => {
                    let label = LabelId(self.code.labels.len() as u32);
                    self.code.labels.push(name.clone());
                    self.declare(name, *span, Entity::Label(label))?;
                }
                Statement::CallPrototype(name, signature) => {
                    let entity = Entity::Prototype(self.code.prototypes.len());
                    self.code.prototypes.push(signature);
                    self.declare(name, Span::default(), entity)?;
                }
                Statement::CallTargets(name, targets) => {
                    let entity = Entity::CallTargets(self.code.call_targets.len());
                    self.code.call_targets.push(targets);
                    self.declare(name, Span::default(), entity)?;
                }
                Statement::BranchTargets(name, _) => {
                    let entity = Entity::BranchTargets(self.code.branch_targets.len());
                    self.code.branch_targets.push(Vec::new());
                    self.declare(name, Span::default(), entity)?;
                }
                _ => {}
            }
        }
        // The labels that the lists name may stand behind them.
        for statement in statements {
            if let Statement::BranchTargets(name, targets) = statement {
                let labels = targets.iter().map(|target| self.label(target)).collect::<Result<Vec<_>>>()?;
                if let Some(Entity::BranchTargets(index)) = self.lookup(name) {
                    self.code.branch_targets[index] = labels;
                }
            }
        }
        Ok(())
    }

    fn label(&self, name: &Name) -> Result<LabelId> {
        match self.lookup(name) {
            Some(Entity::Label(label)) => Ok(label),
            _ => Err(self.error(Span::default(), format!("`{name}` is no label"))),
        }
    }

    fn variables(&mut self, declaration: &'m Variables) -> Result<()> {
        for declarator in &declaration.names {
            if declaration.space == Space::Register {
                self.registers(declaration, declarator)?;
            } else {
                let local = LocalId(self.code.locals.len() as u32);
                let role = LocalRole::Variable;
                self.code.locals.push(Local { role, declaration, declarator, register: None });
                self.code.steps.push(Step::FreshLocal(local));
                self.declare(&declarator.name, declarator.span, Entity::Local(local))?;
            }
        }
        Ok(())
    }

    fn registers(&mut self, declaration: &'m Variables, declarator: &'m Declarator) -> Result<()> {
        let count = declarator.range.unwrap_or(1);
        let total = self.code.registers.len() + count as usize * declaration.vector as usize;
        if total > REGISTERS_MAX {
            return Err(self.error(declarator.span, format!("a function has at most {REGISTERS_MAX} registers")));
        }
        let first = self.new_registers(declaration, count);
        // Those of the outermost block live as long as the function.
        if self.scopes.len() > 2 {
            self.code.steps.push(Step::FreshRegisters(first.0..self.code.registers.len() as u32));
        }
        if declarator.range.is_none() {
            let entity = Entity::Register { first, elements: declaration.vector };
            return self.declare(&declarator.name, declarator.span, entity);
        }
        let name = &declarator.name;
        let scope = self.scopes.last_mut();
        let declared = scope.is_some_and(|scope| scope.declare_range(name, first, count, declaration.vector));
        if declared { Ok(()) } else { Err(self.error(declarator.span, format!("`{name}<n>` is declared twice"))) }
    }

    fn lookup(&self, name: &str) -> Option<Entity> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    fn instruction(&mut self, source: &'m Instruction) -> Result<()> {
        let guard = source.guard.as_ref().map(|guard| self.guard(guard, source.span)).transpose()?;
        let mut operands = self.operands(&source.operands, source.span)?;
        if matches!(source.opcode(), "ld" | "ldu" | "st") {
            let elements = source.operands.iter().zip(&mut operands);
            for (_, operand) in elements.filter(|(written, _)| matches!(written, ast::Operand::Element(..))) {
                let base = std::mem::replace(operand, Operand::Sink);
                *operand = Operand::Address(Box::new(Address { base, offset: 0, rest: Vec::new() }));
            }
        }
        self.code.steps.push(Step::Instruction(Resolved { source, guard, operands, location: self.location }));
        Ok(())
    }

    fn guard(&self, guard: &Guard, span: Span) -> Result<(RegisterId, bool)> {
        match self.lookup(&guard.register) {
            Some(Entity::Register { first, elements: 1 })
                if self.code.registers[first.0 as usize].ty == ast::ScalarType::Pred =>
            {
                Ok((first, guard.negated))
            }
            _ => Err(self.error(span, format!("`{}` is no predicate register", guard.register))),
        }
    }

    fn operands(&self, list: &[ast::Operand], span: Span) -> Result<Vec<Operand>> {
        list.iter().map(|operand| self.operand(operand, span)).collect()
    }

    fn operand(&self, operand: &ast::Operand, span: Span) -> Result<Operand> {
        Ok(match operand {
            ast::Operand::Name(name) => self.name(name, span)?,
            ast::Operand::Component(name, component) => self.component(name, component, span)?,
            ast::Operand::Offset(name, offset) => match self.name(name, span)? {
                Operand::Symbol(symbol, _) => Operand::Symbol(symbol, *offset),
                register @ Operand::Register(_) => {
                    let address = Address { base: register, offset: *offset, rest: Vec::new() };
                    // `[{..}, %r1+4]` and the like; instructions that want a value refuse it.
                    Operand::Address(Box::new(address))
                }
                _ => return Err(self.error(span, format!("`{name}` has no address to add to"))),
            },
            ast::Operand::Element(name, index) => self.element(name, *index, span)?,
            ast::Operand::Immediate(value) => Operand::Immediate(*value),
            ast::Operand::Address(address) => Operand::Address(Box::new(Address {
                base: self.operand(&address.base, span)?,
                offset: address.offset,
                rest: self.operands(&address.rest, span)?,
            })),
            ast::Operand::Vector(list) => Operand::Vector(self.operands(list, span)?),
            ast::Operand::List(list) => Operand::List(self.operands(list, span)?),
            ast::Operand::Pair(pair) => {
                Operand::Pair(Box::new((self.operand(&pair.0, span)?, self.operand(&pair.1, span)?)))
            }
            ast::Operand::Not(inner) => Operand::Not(Box::new(self.operand(inner, span)?)),
            ast::Operand::Negated(inner) => Operand::Negated(Box::new(self.operand(inner, span)?)),
            ast::Operand::Sink => Operand::Sink,
        })
    }

    fn name(&self, name: &Name, span: Span) -> Result<Operand> {
        if let Some(entity) = self.lookup(name) {
            return Ok(match entity {
                Entity::Register { first, elements: 1 } => Operand::Register(first),
                Entity::Register { first, elements } => {
                    Operand::Vector((0..elements).map(|index| Operand::Register(RegisterId(first.0 + index))).collect())
                }
                Entity::Local(local) => Operand::Symbol(Symbol::Local(local), 0),
                Entity::Label(label) => Operand::Label(label),
                Entity::Prototype(index) => Operand::Prototype(index),
                Entity::CallTargets(index) => Operand::CallTargets(index),
                Entity::BranchTargets(index) => Operand::BranchTargets(index),
            });
        }
        if let Some(found) = special::find(name, None) {
            return Ok(found);
        }
        match self.names.get(name) {
            Some(ModuleName::Variable(index)) => Ok(Operand::Symbol(Symbol::Variable(*index), 0)),
            Some(ModuleName::Function(target)) => Ok(Operand::Symbol(Symbol::Function(target.clone()), 0)),
            None => Err(self.error(span, format!("`{name}` is not declared"))),
        }
    }

    /// The address of an element of an array.
    fn element(&self, name: &Name, index: i64, span: Span) -> Result<Operand> {
        let declaration = match self.lookup(name) {
            Some(Entity::Local(local)) => {
                let Local { declaration, declarator, .. } = self.code.locals[local.0 as usize];
                Some((Symbol::Local(local), declaration, declarator))
            }
            Some(_) => None,
            None => self.names.variable_index(name).and_then(|variable| {
                let (declaration, declarator) = self.names.variable(self.module, variable)?;
                Some((Symbol::Variable(variable), declaration, declarator))
            }),
        };
        match declaration {
            Some((symbol, variables, declarator)) if declarator.dimensions.len() == 1 => {
                // Of vectors the members are counted, as a card shows.
                Ok(Operand::Symbol(symbol, index.wrapping_mul(variables.ty.bytes().into())))
            }
            _ => Err(self.error(span, format!("`{name}` is no array of one dimension"))),
        }
    }

    fn component(&self, name: &Name, component: &Name, span: Span) -> Result<Operand> {
        let wrong = || self.error(span, format!("`{name}` has no component `.{component}`"));
        if let Some(Entity::Register { first, elements }) = self.lookup(name) {
            if let (1, Some(selector)) = (elements, Selector::parse(component)) {
                return Ok(Operand::Part(first, selector));
            }
            let position = ["xyzw", "rgba"].iter().find_map(|set| set.find(component.as_str()));
            return match position {
                Some(index) if component.len() == 1 && (index as u32) < elements => {
                    Ok(Operand::Register(RegisterId(first.0 + index as u32)))
                }
                _ => Err(wrong()),
            };
        }
        special::find(name, Some(component)).ok_or_else(wrong)
    }
}
