//! A program under construction: its functions and symbols get their numbers when they are first referred to.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use simt_ir::{AddressSpace, FunctionId, Program, Symbol, SymbolId, Type};

use super::context::Problem;
use super::global::{GlobalSymbol, address_space};
use super::library::Inner;
use super::place::piece_types;
use crate::ast::{Declarator, Function, FunctionKind, Signature, Space, Variables};
use crate::instructions::special::RESERVED_SHARED_BYTES;

/// Shared memory that a program may declare: more than any device has.
const SHARED_BYTES_MAX: u64 = 16 << 20;

/// The types of a function's parameters and results.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Types {
    pub parameters: Vec<Type>,
    pub returns: Vec<Type>,
}

impl Types {
    /// The types by which a function with this signature is called.
    pub fn of(signature: &Signature) -> Result<Types, Problem> {
        let flatten = |list: &[Variables]| -> Result<Vec<Type>, Problem> {
            let mut types = Vec::new();
            for declaration in list {
                for declarator in &declaration.names {
                    types.extend(piece_types(declaration, declarator)?.into_iter().map(|(_, ty)| ty));
                }
            }
            Ok(types)
        };
        Ok(Types { parameters: flatten(&signature.params)?, returns: flatten(&signature.returns)? })
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[Type]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "({}) -> ({})", list(&self.parameters), list(&self.returns))
    }
}

pub(crate) struct ProgramBuilder {
    pub library: Arc<Inner>,
    /// The module whose function is being lowered.
    pub module: usize,
    /// Whether each instruction leaves a mark, so that what is executed can be counted.
    pub marks: bool,
    pub program: Program,
    /// For each function of the program its index in the library.
    pub functions: Vec<usize>,
    function_ids: HashMap<usize, FunctionId>,
    variable_ids: HashMap<usize, SymbolId>,
    /// Symbols of dynamic shared memory with their alignment; placed when all of static shared memory is known.
    dynamic_shared: Vec<(SymbolId, u64)>,
    /// The types of the calls through pointers, each once.
    pub indirect_calls: Vec<Types>,
    /// The global and const variables that functions declare.
    pub function_globals: Vec<GlobalSymbol>,
    /// Shared memory for the system, where a function asks for it.
    reserved_shared: Option<SymbolId>,
}

impl ProgramBuilder {
    pub fn new(library: Arc<Inner>, marks: bool) -> ProgramBuilder {
        ProgramBuilder {
            library,
            module: 0,
            marks,
            program: Program { shared_align: 16, ..Program::default() },
            functions: Vec::new(),
            function_ids: HashMap::new(),
            variable_ids: HashMap::new(),
            dynamic_shared: Vec::new(),
            indirect_calls: Vec::new(),
            function_globals: Vec::new(),
            reserved_shared: None,
        }
    }

    /// The number of a function of the library.
    pub fn function_id(&mut self, index: usize) -> FunctionId {
        let functions = &mut self.functions;
        *self.function_ids.entry(index).or_insert_with(|| {
            functions.push(index);
            FunctionId(functions.len() as u32 - 1)
        })
    }

    /// The number of the function that `name` means here; none if it is not defined.
    pub fn function(&mut self, name: &str) -> Result<Option<FunctionId>, Problem> {
        let Some(index) = self.library.find_function(self.module, name) else {
            return Ok(None);
        };
        if self.library.function(self.library.functions[index]).kind == FunctionKind::Entry {
            return Problem::unsupported(format!("a call of the kernel `{name}`"));
        }
        Ok(Some(self.function_id(index)))
    }

    /// The device address of the kernel that `name` means here, if it is one.
    pub fn kernel_address(&self, name: &str) -> Option<u64> {
        let index = self.library.find_function(self.module, name)?;
        let is_kernel = self.library.function(self.library.functions[index]).kind == FunctionKind::Entry;
        is_kernel.then(|| simt_ir::function_address(index as u32))
    }

    /// The definition of the function that `name` means here.
    pub fn definition(&self, name: &str) -> Option<&Function> {
        let index = self.library.find_function(self.module, name)?;
        Some(self.library.function(self.library.functions[index]))
    }

    /// The symbol of a variable at module scope, and its space.
    pub fn module_symbol(&mut self, index: usize) -> Result<(SymbolId, AddressSpace), Problem> {
        let library = Arc::clone(&self.library);
        let global = library.modules[self.module].variables[index];
        let place = &library.variables[global];
        let (declaration, declarator) = library.variable(place);
        let space = match (address_space(declaration.space), declaration.space) {
            (Some(space), _) => space,
            (None, Space::Shared) => AddressSpace::Shared,
            (None, other) => {
                return Problem::unsupported(format!("the {other} variable `{}`", declarator.name));
            }
        };
        if let Some(symbol) = self.variable_ids.get(&global) {
            return Ok((*symbol, space));
        }
        let symbol = if space == AddressSpace::Shared {
            self.place_shared(declarator.name.to_string(), declaration, declarator)?
        } else {
            let global = library.global(place).map_err(|error| Problem::Invalid(error.to_string()))?;
            self.add_symbol(Symbol {
                name: global.name,
                space,
                offset: 0,
                align: global.align as u32,
                size: global.size,
            })
        };
        self.variable_ids.insert(global, symbol);
        Ok((symbol, space))
    }

    /// A shared variable of a function.
    pub fn shared_symbol(
        &mut self,
        function: &str,
        declaration: &Variables,
        declarator: &Declarator,
    ) -> Result<SymbolId, Problem> {
        self.place_shared(format!("{function}::{}", declarator.name), declaration, declarator)
    }

    /// A global or const variable of a function.
    pub fn function_global(
        &mut self,
        function: &str,
        declaration: &Variables,
        declarator: &Declarator,
    ) -> Result<(SymbolId, AddressSpace), Problem> {
        // Several blocks of a function may declare one name: the later ones are numbered.
        let mut name = format!("{function}${}", declarator.name);
        let used = self.function_globals.iter().filter(|global| global.name.starts_with(&name)).count();
        if used > 0 {
            name = format!("{name}${used}");
        }
        let global = self.library.global_symbol(self.module, name, declaration, declarator);
        let global = global.map_err(|error| Problem::Invalid(error.to_string()))?;
        let (space, align, size) = (global.space, global.align as u32, global.size);
        let symbol = self.add_symbol(Symbol { name: global.name.clone(), space, offset: 0, align, size });
        self.function_globals.push(global);
        Ok((symbol, space))
    }

    /// A local variable of a function, `offset` bytes into its frame.
    pub fn local_symbol(&mut self, function: &str, name: &str, offset: u32, size: u64) -> SymbolId {
        let name = format!("{function}::{name}");
        self.add_symbol(Symbol { name, space: AddressSpace::Local, offset, align: 1, size })
    }

    fn place_shared(
        &mut self,
        name: String,
        declaration: &Variables,
        declarator: &Declarator,
    ) -> Result<SymbolId, Problem> {
        let space = AddressSpace::Shared;
        let align = declaration.alignment();
        self.program.shared_align = self.program.shared_align.max(align as u32);
        let size = declarator.elements().map(|count| count.saturating_mul(declaration.element_bytes()));
        let Some(size) = size.filter(|size| *size > 0) else {
            let symbol = self.add_symbol(Symbol { name, space, offset: 0, align: 1, size: 0 });
            self.dynamic_shared.push((symbol, align));
            return Ok(symbol);
        };
        self.allocate_shared(name, size, align)
    }

    /// The symbol of the shared memory that is reserved for the system.
    pub fn reserved_shared(&mut self) -> Result<SymbolId, Problem> {
        if let Some(symbol) = self.reserved_shared {
            return Ok(symbol);
        }
        let size = u64::from(RESERVED_SHARED_BYTES);
        let symbol = self.allocate_shared("%reserved_smem".to_owned(), size, 128)?;
        self.reserved_shared = Some(symbol);
        Ok(symbol)
    }

    fn allocate_shared(&mut self, name: String, size: u64, align: u64) -> Result<SymbolId, Problem> {
        let space = AddressSpace::Shared;
        self.program.shared_align = self.program.shared_align.max(align as u32);
        let offset = u64::from(self.program.shared_bytes).next_multiple_of(align);
        let end = offset.saturating_add(size);
        if end > SHARED_BYTES_MAX {
            return Problem::invalid(format!("the shared variables take more than {SHARED_BYTES_MAX} bytes"));
        }
        self.program.shared_bytes = end as u32;
        Ok(self.add_symbol(Symbol { name, space, offset: offset as u32, align: 1, size }))
    }

    fn add_symbol(&mut self, symbol: Symbol) -> SymbolId {
        self.program.symbols.push(symbol);
        SymbolId(self.program.symbols.len() as u32 - 1)
    }

    /// Places dynamic shared memory behind the static one.
    pub fn place_dynamic_shared(&mut self) {
        let align = self.dynamic_shared.iter().map(|(_, align)| *align).max().unwrap_or(1);
        let start = u64::from(self.program.shared_bytes).next_multiple_of(align) as u32;
        self.program.shared_bytes = start;
        for (symbol, _) in &self.dynamic_shared {
            self.program.symbols[symbol.0 as usize].offset = start;
        }
    }

    /// Notes the types of a call through a pointer.
    pub fn note_indirect_call(&mut self, types: Types) {
        if !self.indirect_calls.contains(&types) {
            self.indirect_calls.push(types);
        }
    }
}
