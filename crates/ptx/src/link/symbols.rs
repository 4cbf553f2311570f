//! What a module declares and defines at its scope.

use std::collections::HashMap;

use crate::ast::{FunctionKind, Item, Linkage, Module, Name, Space, Variables};
use crate::lowering::Types;

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Kernel,
    Function,
    Variable(Space),
}

/// How much a definition counts when there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// Only this module knows it.
    Private,
    /// `.weak`, `.common`: any of them will do.
    Weak,
    /// There may be no other.
    Strong,
}

/// A name at the scope of a module.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    pub kind: Kind,
    /// The strength of the definition; none where the module only declares the name.
    pub defined: Option<Strength>,
    /// Bytes of a variable, where they are stated.
    pub bytes: Option<u64>,
    /// The types that a function is called with.
    pub types: Option<Types>,
    pub align: u64,
    /// The item that defines it, or else declares it first.
    pub item: usize,
    /// The name's place in the item, of a declaration of variables.
    pub position: usize,
}

impl Symbol {
    /// Whether other modules may use the definition.
    pub fn is_exported(&self) -> bool {
        matches!(self.defined, Some(Strength::Weak | Strength::Strong))
    }
}

fn strength_of(linkage: Option<Linkage>) -> Strength {
    match linkage {
        Some(Linkage::Visible) => Strength::Strong,
        Some(Linkage::Weak | Linkage::Common) => Strength::Weak,
        Some(Linkage::Extern) | None => Strength::Private,
    }
}

/// The names of a module.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The names in the order of the text.
    pub order: Vec<Name>,
    pub symbols: HashMap<Name, Symbol>,
}

impl Table {
    pub fn new(module: &Module) -> Table {
        let mut table = Table::default();
        for (index, item) in module.items.iter().enumerate() {
            match item {
                Item::Function(function) => {
                    let kind = match function.kind {
                        FunctionKind::Entry => Kind::Kernel,
                        FunctionKind::Device => Kind::Function,
                    };
                    let strength = strength_of(function.linkage);
                    let symbol = Symbol {
                        kind,
                        defined: function.body.is_some().then_some(strength),
                        bytes: None,
                        types: Types::of(&function.signature).ok(),
                        align: 1,
                        item: index,
                        position: 0,
                    };
                    table.add(&function.name, symbol, strength);
                }
                Item::Variables(variables) => table.add_variables(index, variables),
                Item::Alias { name, .. } => table.add_alias(module, index, name),
                Item::File(_) | Item::Pragma(_) | Item::Section(_) => {}
            }
        }
        table
    }

    /// What a name is, if the module has it.
    pub fn get(&self, name: &str) -> Option<&Symbol> {
        self.symbols.get(name)
    }

    /// The names with what they are, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Symbol)> {
        self.order.iter().filter_map(|name| Some((name, self.symbols.get(name)?)))
    }

    fn add_variables(&mut self, item: usize, variables: &Variables) {
        for (position, declarator) in variables.names.iter().enumerate() {
            let strength = strength_of(variables.linkage);
            let bytes = declarator.elements().and_then(|count| count.checked_mul(variables.element_bytes()));
            let symbol = Symbol {
                kind: Kind::Variable(variables.space),
                defined: (variables.linkage != Some(Linkage::Extern)).then_some(strength),
                bytes: bytes.filter(|bytes| *bytes > 0),
                types: None,
                align: variables.alignment(),
                item,
                position,
            };
            self.add(&declarator.name, symbol, strength);
        }
    }

    /// An alias is a definition, as strong as the function's declaration says.
    fn add_alias(&mut self, module: &Module, item: usize, name: &Name) {
        let declaration = module.function(name);
        let strength = strength_of(declaration.and_then(|function| function.linkage));
        let symbol = Symbol {
            kind: Kind::Function,
            defined: Some(strength),
            bytes: None,
            types: declaration.and_then(|function| Types::of(&function.signature).ok()),
            align: 1,
            item,
            position: 0,
        };
        self.add(name, symbol, strength);
    }

    /// Adds a declaration or definition; `strength` is what its linkage says.
    fn add(&mut self, name: &Name, symbol: Symbol, strength: Strength) {
        let Some(known) = self.symbols.get_mut(name) else {
            self.order.push(name.clone());
            self.symbols.insert(name.clone(), symbol);
            return;
        };
        match (known.defined, symbol.defined) {
            // A definition behind its declaration, whose linkage counts where its own is not stated.
            (None, Some(Strength::Private)) => *known = Symbol { defined: Some(strength), ..symbol },
            (None, Some(_)) => *known = symbol,
            // Another declaration may say that others see it.
            (Some(Strength::Private), None) if strength != Strength::Private => known.defined = Some(strength),
            _ => {}
        }
    }
}
