//! New names in bodies and initial values, and what these use.

use std::collections::{HashMap, HashSet};

use crate::ast::{
    Address, Body, Function, Initializer, InlinedAt, Name, Operand, SourceLocation, Statement, SymbolAddress, Variables,
};

/// What is to change in a module, and what was seen of it.
#[derive(Debug)]
pub(super) struct Renamer<'a> {
    /// New names of what the module keeps for itself.
    pub names: &'a HashMap<Name, Name>,
    /// Added to the numbers of source files.
    pub file_offset: u32,
    /// The names at module scope that were used, with the line of the first use.
    pub used: HashMap<Name, Option<u32>>,
    scopes: Vec<Scope>,
    line: Option<u32>,
}

/// The names of a block of a body, which hide those of the module.
#[derive(Debug, Default)]
struct Scope {
    names: HashSet<Name>,
    /// `prefix<count>`.
    ranges: Vec<(Name, u32)>,
}

impl<'a> Renamer<'a> {
    pub fn new(names: &'a HashMap<Name, Name>, file_offset: u32) -> Renamer<'a> {
        Renamer { names, file_offset, used: HashMap::new(), scopes: Vec::new(), line: None }
    }

    /// A name at module scope.
    pub fn global(&self, name: &Name) -> Name {
        self.names.get(name).unwrap_or(name).clone()
    }

    /// Renames in a body of a function.
    pub fn body(&mut self, function: &Function, body: &mut Body) {
        let mut parameters = Scope::default();
        for declaration in function.signature.params.iter().chain(&function.signature.returns) {
            parameters.declare(declaration);
        }
        self.scopes = vec![parameters];
        self.block(&mut body.statements);
        self.scopes.clear();
        self.line = None;
    }

    /// Renames in the initial values of variables.
    pub fn initializers(&mut self, variables: &mut Variables) {
        for initializer in variables.names.iter_mut().filter_map(|name| name.initializer.as_mut()) {
            self.initializer(initializer);
        }
    }

    fn initializer(&mut self, initializer: &mut Initializer) {
        match initializer {
            // A property is a number or a keyword.
            Initializer::Value(_) | Initializer::Property(..) => {}
            Initializer::Symbol(SymbolAddress { symbol, .. }) => self.name(symbol),
            Initializer::List(list) => list.iter_mut().for_each(|element| self.initializer(element)),
        }
    }

    fn block(&mut self, statements: &mut [Statement]) {
        let mut scope = Scope::default();
        for statement in statements.iter() {
            match statement {
                Statement::Label(name, _)
                | Statement::CallPrototype(name, _)
                | Statement::CallTargets(name, _)
                | Statement::BranchTargets(name, _) => {
                    scope.names.insert(name.clone());
                }
                Statement::Variables(variables) => scope.declare(variables),
                _ => {}
            }
        }
        self.scopes.push(scope);
        for statement in statements {
            match statement {
                Statement::Instruction(instruction) => {
                    self.line = Some(instruction.span.line);
                    instruction.operands.iter_mut().for_each(|operand| self.operand(operand));
                }
                Statement::Block(inner) => self.block(inner),
                Statement::Variables(variables) => self.initializers(variables),
                Statement::CallTargets(_, targets) => targets.iter_mut().for_each(|target| self.name(target)),
                Statement::Location(location) => self.location(location),
                Statement::Label(..)
                | Statement::Pragma(_)
                | Statement::CallPrototype(..)
                | Statement::BranchTargets(..) => {}
            }
        }
        self.scopes.pop();
    }

    fn location(&self, location: &mut SourceLocation) {
        location.file += self.file_offset;
        // The names of inlined functions are in sections of debug information, which are not linked.
        let _: Option<InlinedAt> = location.inlined.take();
    }

    fn operand(&mut self, operand: &mut Operand) {
        match operand {
            Operand::Name(name)
            | Operand::Component(name, _)
            | Operand::Offset(name, _)
            | Operand::Element(name, _) => self.name(name),
            Operand::Address(address) => {
                let Address { base, rest, .. } = &mut **address;
                self.operand(base);
                rest.iter_mut().for_each(|part| self.operand(part));
            }
            Operand::Vector(list) | Operand::List(list) => list.iter_mut().for_each(|part| self.operand(part)),
            Operand::Pair(pair) => {
                self.operand(&mut pair.0);
                self.operand(&mut pair.1);
            }
            Operand::Not(inner) | Operand::Negated(inner) => self.operand(inner),
            Operand::Immediate(_) | Operand::Sink => {}
        }
    }

    /// Renames what is not hidden by a name of the function.
    fn name(&mut self, name: &mut Name) {
        if self.scopes.iter().any(|scope| scope.has(name)) {
            return;
        }
        self.used.entry(name.clone()).or_insert(self.line);
        if let Some(new) = self.names.get(name) {
            *name = new.clone();
        }
    }
}

impl Scope {
    fn declare(&mut self, variables: &Variables) {
        for declarator in &variables.names {
            match declarator.range {
                Some(count) => self.ranges.push((declarator.name.clone(), count)),
                None => {
                    self.names.insert(declarator.name.clone());
                }
            }
        }
    }

    fn has(&self, name: &Name) -> bool {
        self.names.contains(name)
            || self.ranges.iter().any(|(prefix, count)| {
                let number = name.strip_prefix(prefix.as_str()).filter(|number| is_number(number));
                number.and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| number < *count)
            })
    }
}

/// Digits without zeros before them.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'))
}
