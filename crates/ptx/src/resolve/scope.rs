//! Tables of names.

use std::collections::HashMap;

use super::{LabelId, LocalId, RegisterId};
use crate::ast::{Declarator, Item, Linkage, Module, Name, Variables};

/// The names at module scope.
#[derive(Debug, Default)]
pub struct ModuleNames {
    /// The variables, each once: the defining declaration where there are several.
    variables: Vec<VariablePlace>,
    names: HashMap<Name, ModuleName>,
}

/// Where a variable is declared: index of the item, and of the name in its declaration.
#[derive(Clone, Copy, Debug)]
struct VariablePlace {
    item: usize,
    name: usize,
}

/// What a name at module scope stands for.
#[derive(Clone, Debug)]
pub(super) enum ModuleName {
    Variable(usize),
    /// The function's own name, or that of the function an alias stands for.
    Function(Name),
}

impl ModuleNames {
    /// Collects the names of a module.
    pub fn new(module: &Module) -> ModuleNames {
        let mut table = ModuleNames::default();
        for (item_index, item) in module.items.iter().enumerate() {
            match item {
                Item::Function(function) => {
                    // An alias may be declared as a function, before or behind the alias itself.
                    let name = || ModuleName::Function(function.name.clone());
                    table.names.entry(function.name.clone()).or_insert_with(name);
                }
                Item::Variables(variables) => {
                    for (name, declarator) in variables.names.iter().enumerate() {
                        table.add_variable(VariablePlace { item: item_index, name }, variables, declarator);
                    }
                }
                Item::Alias { name, target } => {
                    table.names.insert(name.clone(), ModuleName::Function(target.clone()));
                }
                Item::File(_) | Item::Pragma(_) | Item::Section(_) => {}
            }
        }
        table
    }

    fn add_variable(&mut self, place: VariablePlace, variables: &Variables, declarator: &Declarator) {
        if let Some(ModuleName::Variable(index)) = self.names.get(&declarator.name) {
            // `.extern` followed by the definition.
            if variables.linkage != Some(Linkage::Extern) {
                self.variables[*index] = place;
            }
            return;
        }
        self.names.insert(declarator.name.clone(), ModuleName::Variable(self.variables.len()));
        self.variables.push(place);
    }

    pub(super) fn get(&self, name: &str) -> Option<&ModuleName> {
        self.names.get(name)
    }

    /// The function that `name` or the alias `name` stands for.
    pub fn function<'a>(&'a self, name: &'a str) -> &'a str {
        match self.names.get(name) {
            Some(ModuleName::Function(target)) => target,
            _ => name,
        }
    }

    /// The index of the variable `name`.
    pub fn variable_index(&self, name: &str) -> Option<usize> {
        match self.names.get(name) {
            Some(ModuleName::Variable(index)) => Some(*index),
            _ => None,
        }
    }

    /// How many variables there are.
    pub fn variable_count(&self) -> usize {
        self.variables.len()
    }

    /// The declaration of a variable of `module`, which is the module that these names were collected from.
    pub fn variable<'m>(&self, module: &'m Module, index: usize) -> Option<(&'m Variables, &'m Declarator)> {
        let place = self.variables.get(index)?;
        match module.items.get(place.item)? {
            Item::Variables(variables) => Some((variables, variables.names.get(place.name)?)),
            _ => None,
        }
    }
}

/// What a name in a body stands for.
#[derive(Clone, Debug)]
pub(super) enum Entity {
    /// A register with `elements` consecutive ids.
    Register {
        first: RegisterId,
        elements: u32,
    },
    Local(LocalId),
    Label(LabelId),
    Prototype(usize),
    CallTargets(usize),
    BranchTargets(usize),
}

/// `prefix<count>`: the registers `prefix0` to `prefix(count-1)`.
#[derive(Clone, Debug)]
struct Range {
    first: RegisterId,
    count: u32,
    elements: u32,
}

/// The names of one block.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: HashMap<Name, Entity>,
    ranges: HashMap<Name, Range>,
}

impl Scope {
    /// Declares a name; false if the scope has it already.
    pub fn declare(&mut self, name: &Name, entity: Entity) -> bool {
        self.names.insert(name.clone(), entity).is_none()
    }

    /// Declares `prefix<count>`; false if the scope has this prefix already.
    pub fn declare_range(&mut self, prefix: &Name, first: RegisterId, count: u32, elements: u32) -> bool {
        self.ranges.insert(prefix.clone(), Range { first, count, elements }).is_none()
    }

    pub fn get(&self, name: &str) -> Option<Entity> {
        self.names.get(name).cloned().or_else(|| self.get_in_range(name))
    }

    /// `%r12` may be number 12 of `%r<n>` or number 2 of `%r1<n>`.
    fn get_in_range(&self, name: &str) -> Option<Entity> {
        let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
        (name.len() - digits..name.len()).find_map(|split| {
            let (prefix, number) = name.split_at(split);
            let range = self.ranges.get(prefix)?;
            let canonical = number.len() == 1 || !number.starts_with('0');
            let index: u32 = number.parse().ok().filter(|index| canonical && *index < range.count)?;
            let first = RegisterId(range.first.0 + index * range.elements);
            Some(Entity::Register { first, elements: range.elements })
        })
    }
}
