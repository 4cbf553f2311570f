//! A kernel with all it can reach.

use std::collections::HashMap;

use simt_ir::{AddressSpace, FunctionId, Program, Symbol, SymbolId, Type};

use super::function::lower_function;
use super::params::piece_types;
use super::symbols::{GlobalSymbol, global_space, ordinals, symbols_of};
use crate::ast::{Function, FunctionKind, Module, Space, Variables};
use crate::error::Result;

/// A parameter of a kernel, as `cuFuncGetParamInfo` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelParameter {
    /// Name in the PTX.
    pub name: String,
    /// Offset in the parameter buffer, in bytes.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
}

/// The parameters of a kernel with their places in the parameter buffer: in order, each aligned to its own alignment.
pub fn kernel_parameters(function: &Function) -> Vec<KernelParameter> {
    let mut at = 0u64;
    let mut list = Vec::new();
    for declaration in &function.signature.params {
        for name in &declaration.names {
            let elements = if name.dimensions.is_empty() { Some(1) } else { name.elements() };
            let size = declaration.element_bytes() * elements.unwrap_or(0);
            at = at.next_multiple_of(declaration.alignment().max(1));
            list.push(KernelParameter { name: name.name.to_string(), offset: at as u32, size: size as u32 });
            at += size;
        }
    }
    list
}

/// Lowers a kernel and every function it can reach. The second result lists the global and const variables declared inside
/// the functions: they live as long as the module and are to be placed like those at module scope.
///
/// Errors are of syntax. What is not implemented is inside the program, as `Unsupported` operations.
pub fn lower_kernel(module: &Module, kernel: &str) -> Result<(Program, Vec<GlobalSymbol>)> {
    let mut lowering = ProgramLowering::new(module);
    lowering.request(kernel);
    let mut next = 0;
    while next < lowering.requested.len() {
        let name = lowering.requested[next].clone();
        next += 1;
        lower_function(&mut lowering, &name)?;
        if lowering.indirect && !lowering.candidates_added {
            lowering.candidates_added = true;
            lowering.request_candidates();
        }
    }
    Ok(lowering.finish())
}

/// What functions of a program share while they are lowered.
pub(super) struct ProgramLowering<'a> {
    pub module: &'a Module,
    pub program: Program,
    /// Names of functions by id.
    requested: Vec<String>,
    ids: HashMap<String, FunctionId>,
    pub ordinals: HashMap<String, u32>,
    aliases: HashMap<String, String>,
    symbols: HashMap<String, SymbolId>,
    pub function_globals: Vec<GlobalSymbol>,
    /// Whether any function calls through a pointer.
    pub indirect: bool,
    candidates_added: bool,
}

impl<'a> ProgramLowering<'a> {
    fn new(module: &'a Module) -> Self {
        let aliases = module.items.iter().filter_map(|item| match item {
            crate::ast::Item::Alias { name, target } => Some((name.to_string(), target.to_string())),
            _ => None,
        });
        let mut lowering = Self {
            module,
            program: Program { shared_align: 16, ..Program::default() },
            requested: Vec::new(),
            ids: HashMap::new(),
            ordinals: ordinals(module),
            aliases: aliases.collect(),
            symbols: HashMap::new(),
            function_globals: Vec::new(),
            indirect: false,
            candidates_added: false,
        };
        for variables in module.variables() {
            if let Some(space) = global_space(variables.space) {
                for name in &variables.names {
                    lowering.add_symbol(&name.name, &name.name, space, 0, 0);
                }
            }
        }
        lowering
    }

    /// The name a function is defined under.
    pub fn resolve<'n>(&'n self, name: &'n str) -> &'n str {
        self.aliases.get(name).map_or(name, String::as_str)
    }

    /// The id of a function, which will be lowered.
    pub fn request(&mut self, name: &str) -> FunctionId {
        let name = self.resolve(name).to_string();
        if let Some(id) = self.ids.get(&name) {
            return *id;
        }
        let id = FunctionId(self.requested.len() as u32);
        self.program.ordinals.push(self.ordinals.get(&name).copied().unwrap_or(u32::MAX >> 8));
        self.ids.insert(name.clone(), id);
        self.requested.push(name);
        id
    }

    /// Every device function of the module may be the target of a call through a pointer.
    fn request_candidates(&mut self) {
        let names: Vec<String> = self
            .module
            .functions()
            .filter(|function| function.kind == FunctionKind::Device && function.body.is_some())
            .map(|function| function.name.to_string())
            .collect();
        for name in names {
            self.request(&name);
        }
    }

    /// Adds a symbol of the program under a key; `name` is how the module's owner knows it.
    pub fn add_symbol(&mut self, key: &str, name: &str, space: AddressSpace, offset: u32, size: u64) -> SymbolId {
        if let Some(known) = self.symbols.get(key) {
            return *known;
        }
        let id = SymbolId(self.program.symbols.len() as u32);
        self.program.symbols.push(Symbol { name: name.to_string(), space, offset, size });
        self.symbols.insert(key.to_string(), id);
        id
    }

    /// A symbol at module scope.
    pub fn module_symbol(&mut self, name: &str) -> Option<SymbolId> {
        if let Some(known) = self.symbols.get(name) {
            return Some(*known);
        }
        // Shared variables are given a place when a function uses them: others need not be paid for.
        let module = self.module;
        let variables = module
            .variables()
            .find(|variables| variables.space == Space::Shared && variables.names.iter().any(|n| n.name == name))?;
        Some(self.place_shared(name, variables, name))
    }

    /// Gives a shared variable its place. Arrays of open size begin where static shared memory ends, once that is known.
    pub fn place_shared(&mut self, key: &str, variables: &Variables, name: &str) -> SymbolId {
        let declarator = variables.names.iter().find(|n| n.name == name);
        let elements = declarator.and_then(|n| if n.dimensions.is_empty() { Some(1) } else { n.elements() });
        let size = variables.element_bytes() * elements.unwrap_or(0);
        let align = (variables.alignment() as u32).max(1);
        self.program.shared_align = self.program.shared_align.max(align);
        if size == 0 {
            return self.add_symbol(key, name, AddressSpace::Shared, 0, 0);
        }
        let offset = self.program.shared_bytes.next_multiple_of(align);
        self.program.shared_bytes = offset + size as u32;
        self.add_symbol(key, name, AddressSpace::Shared, offset, size)
    }

    /// A variable declared inside a function that lives as long as the module.
    pub fn add_function_global(&mut self, function: &str, variables: &Variables, space: AddressSpace) {
        for symbol in symbols_of(variables, space, Some(function), &self.ordinals) {
            self.add_symbol(&symbol.name.clone(), &symbol.name, space, 0, 0);
            self.function_globals.push(symbol);
        }
    }

    fn finish(mut self) -> (Program, Vec<GlobalSymbol>) {
        let end = self.program.shared_bytes.next_multiple_of(self.program.shared_align);
        let mut has_dynamic = false;
        for symbol in &mut self.program.symbols {
            if symbol.space == AddressSpace::Shared && symbol.size == 0 {
                symbol.offset = end;
                has_dynamic = true;
            }
        }
        if has_dynamic {
            self.program.shared_bytes = end;
        }
        (self.program, self.function_globals)
    }
}

/// Types of parameters and results of a device function, as pieces.
pub(super) fn piece_signature(function: &Function) -> (Vec<Type>, Vec<Type>) {
    let types = |list: &[Variables]| list.iter().flat_map(piece_types).collect();
    (types(&function.signature.params), types(&function.signature.returns))
}
