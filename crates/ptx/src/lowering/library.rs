//! A library: one or several modules that refer to each other by name, as the linker sees them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::LowerError;
use crate::ast::{Declarator, Function, FunctionKind, Item, Linkage, Module, Name, Space, Variables};
use crate::resolve::ModuleNames;

/// Modules that are linked together. Cheap to clone.
///
/// A name with linkage `.visible`, `.weak` or `.common` is one thing in all modules; every other name belongs to its
/// module.
#[derive(Clone, Debug)]
pub struct Library {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub modules: Vec<Unit>,
    /// The functions with a body. Their order gives them their ordinals.
    pub functions: Vec<FunctionPlace>,
    /// The variables, each once.
    pub variables: Vec<VariablePlace>,
    /// Functions that other modules may call, by name.
    exported_functions: HashMap<Name, usize>,
    /// Filled when the first kernel with a call through a pointer is lowered.
    pub address_taken: OnceLock<BTreeSet<usize>>,
}

/// A module with its tables.
#[derive(Debug)]
pub(crate) struct Unit {
    pub module: Module,
    pub names: ModuleNames,
    /// Functions with a body, by name: index into [`Inner::functions`].
    functions: HashMap<Name, usize>,
    /// For each variable of the module its index in [`Inner::variables`].
    pub variables: Vec<usize>,
}

/// Where a function is defined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FunctionPlace {
    pub module: usize,
    item: usize,
}

/// Where a variable is declared.
#[derive(Clone, Debug)]
pub(crate) struct VariablePlace {
    pub module: usize,
    /// Index in the module's names.
    pub index: usize,
    /// The variable's name, unique in the library.
    pub name: Name,
}

impl Library {
    /// Links modules.
    ///
    /// # Errors
    /// A kernel, function or variable that two modules define under one exported name.
    pub fn new(modules: Vec<Module>) -> Result<Library, LowerError> {
        let units = modules.into_iter().map(|module| {
            let names = ModuleNames::new(&module);
            Unit { module, names, functions: HashMap::new(), variables: Vec::new() }
        });
        let mut inner = Inner {
            modules: units.collect(),
            functions: Vec::new(),
            variables: Vec::new(),
            exported_functions: HashMap::new(),
            address_taken: OnceLock::new(),
        };
        inner.collect_functions()?;
        inner.collect_variables()?;
        Ok(Library { inner: Arc::new(inner) })
    }

    /// The modules.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.inner.modules.iter().map(|unit| &unit.module)
    }

    /// The kernels with the modules that hold them.
    pub fn kernels(&self) -> impl Iterator<Item = (&Module, &Function)> {
        self.inner.functions.iter().filter_map(|place| {
            let function = self.inner.function(*place);
            (function.kind == FunctionKind::Entry).then_some((&self.inner.modules[place.module].module, function))
        })
    }

    /// The device address of the function `name`, as a function pointer holds it.
    pub fn function_address(&self, name: &str) -> Option<u64> {
        let ordinal = (0..self.inner.modules.len()).find_map(|module| self.inner.find_function(module, name))?;
        Some(simt_ir::function_address(ordinal as u32))
    }

    /// The kernel with this device address.
    pub fn kernel_at(&self, address: u64) -> Option<&Function> {
        let ordinal = simt_ir::function_ordinal(address)?;
        let function = self.inner.function(*self.inner.functions.get(ordinal as usize)?);
        (function.kind == FunctionKind::Entry).then_some(function)
    }
}

fn is_exported(linkage: Option<Linkage>) -> bool {
    matches!(linkage, Some(Linkage::Visible | Linkage::Weak | Linkage::Common))
}

impl Inner {
    /// The function at a place.
    pub fn function(&self, place: FunctionPlace) -> &Function {
        match &self.modules[place.module].module.items[place.item] {
            Item::Function(function) => function,
            _ => unreachable!("a function's place is that of a function"),
        }
    }

    /// The definition of the function that `name` means in `module`: its index.
    pub fn find_function(&self, module: usize, name: &str) -> Option<usize> {
        let unit = &self.modules[module];
        let name = unit.names.function(name);
        unit.functions.get(name).or_else(|| self.exported_functions.get(name)).copied()
    }

    /// The declaration of a variable.
    pub fn variable(&self, place: &VariablePlace) -> (&Variables, &Declarator) {
        let unit = &self.modules[place.module];
        unit.names.variable(&unit.module, place.index).expect("a variable's place is that of a variable")
    }

    fn collect_functions(&mut self) -> Result<(), LowerError> {
        for module in 0..self.modules.len() {
            for item in 0..self.modules[module].module.items.len() {
                let Item::Function(function) = &self.modules[module].module.items[item] else {
                    continue;
                };
                if function.body.is_none() {
                    continue;
                }
                let (name, linkage) = (function.name.clone(), function.linkage);
                let ordinal = self.functions.len();
                self.functions.push(FunctionPlace { module, item });
                let known = self.exported_functions.get(&name).copied();
                let exported = is_exported(linkage) || function.kind == FunctionKind::Entry;
                match known {
                    Some(_) if exported && linkage != Some(Linkage::Weak) && !self.is_weak(known) => {
                        return Err(LowerError::Duplicate { name: name.to_string() });
                    }
                    // The first weak definition, or the strong one, serves everybody.
                    Some(_) if linkage == Some(Linkage::Weak) => {}
                    _ if exported => {
                        self.exported_functions.insert(name.clone(), ordinal);
                    }
                    _ => {}
                }
                self.modules[module].functions.entry(name).or_insert(ordinal);
            }
        }
        self.prefer_exported();
        Ok(())
    }

    fn is_weak(&self, function: Option<usize>) -> bool {
        function.is_some_and(|index| self.function(self.functions[index]).linkage == Some(Linkage::Weak))
    }

    /// A module's own weak definition gives way to the one that serves everybody.
    fn prefer_exported(&mut self) {
        for module in 0..self.modules.len() {
            let names: Vec<Name> = self.modules[module].functions.keys().cloned().collect();
            for name in names {
                let own = self.modules[module].functions.get(&name).copied();
                if self.is_weak(own)
                    && let Some(exported) = self.exported_functions.get(&name)
                {
                    self.modules[module].functions.insert(name, *exported);
                }
            }
        }
    }

    fn collect_variables(&mut self) -> Result<(), LowerError> {
        // By exported name: the index, and whether it is a definition (not `.extern`).
        let mut shared_names: HashMap<Name, (usize, bool)> = HashMap::new();
        let several = self.modules.len() > 1;
        for module in 0..self.modules.len() {
            for index in 0..self.modules[module].names.variable_count() {
                let mut place = VariablePlace { module, index, name: Name::default() };
                let (declaration, declarator) = self.variable(&place);
                let (linkage, space, mut name) = (declaration.linkage, declaration.space, declarator.name.clone());
                let external = linkage == Some(Linkage::Extern);
                // Dynamic shared memory is one for all, whatever its name.
                let by_name = (external || is_exported(linkage)) && space != Space::Shared;
                if !by_name && several {
                    name = Name::new(format!("{name}@{module}"));
                }
                place.name = name.clone();
                let global = match shared_names.get(&name).copied().filter(|_| by_name) {
                    None => {
                        self.variables.push(place);
                        self.variables.len() - 1
                    }
                    Some((known, _)) if external => known,
                    Some((known, false)) => {
                        self.variables[known] = place;
                        known
                    }
                    Some((known, true)) if matches!(linkage, Some(Linkage::Weak | Linkage::Common)) => known,
                    Some((known, true)) => {
                        let weak = matches!(
                            self.variable(&self.variables[known]).0.linkage,
                            Some(Linkage::Weak | Linkage::Common)
                        );
                        if !weak {
                            return Err(LowerError::Duplicate { name: name.to_string() });
                        }
                        self.variables[known] = place;
                        known
                    }
                };
                if by_name {
                    let defined = shared_names.get(&name).is_some_and(|(_, defined)| *defined);
                    shared_names.insert(name, (global, defined || !external));
                }
                self.modules[module].variables.push(global);
            }
        }
        Ok(())
    }
}
