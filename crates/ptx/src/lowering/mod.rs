//! Lowering: from a kernel's PTX to a [`Program`] of the SIMT IR.
//!
//! A [`Library`] is one module or several that are linked. [`Library::lower`] makes the program of one kernel: the kernel
//! and every function it may reach. An instruction that is not implemented becomes an `Unsupported` operation with its text,
//! so that the launch can name it; an instruction that is wrong is an error.
//!
//! Registers are containers of bits: a register declared `.f32` or `.f64` is kept as a float, every other one as an integer
//! of its width, and instructions reinterpret what they read. The carry flag is one more variable.

mod call;
mod cfg;
mod context;
mod emit;
mod function;
mod global;
mod kernel;
mod library;
mod opaque;
mod place;
mod program;
mod ssa;
mod taken;

use std::fmt;
use std::sync::Arc;

use simt_ir::Program;

pub(crate) use call::is_runtime_function;
pub(crate) use context::{Lowering, Problem, ir_type};
pub(crate) use emit::FloatModifiers;
pub use global::{GlobalSymbol, Relocation, RelocationTarget, global_symbols};
pub use kernel::{KernelParameter, kernel_parameters};
pub use library::Library;
pub(crate) use place::Place;

use crate::ast::{FunctionKind, Module};
use crate::error::Error;
use program::ProgramBuilder;
pub(crate) use program::Types;

/// Why a kernel cannot be lowered or modules cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LowerError {
    /// There is no such kernel.
    NoKernel {
        /// The name asked for.
        name: String,
    },
    /// Two modules define one exported name.
    Duplicate {
        /// The name.
        name: String,
    },
    /// A function's text is wrong.
    Text {
        /// The function.
        function: String,
        /// What is wrong with it, and where.
        error: Error,
    },
    /// A variable's initial value is wrong.
    Initializer {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A signature or declaration is wrong or not supported.
    Declaration {
        /// The function.
        function: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LowerError::NoKernel { name } => write!(f, "there is no kernel `{name}`"),
            LowerError::Duplicate { name } => {
                write!(f, "`{name}` is defined by more than one module")
            }
            LowerError::Text { function, error } => write!(f, "in `{function}`: {error}"),
            LowerError::Initializer { variable, reason } => {
                write!(f, "the initial value of `{variable}`: {reason}")
            }
            LowerError::Declaration { function, reason } => write!(f, "in `{function}`: {reason}"),
        }
    }
}

impl std::error::Error for LowerError {}

/// Lowers a kernel of a single module; see [`Library::lower`].
///
/// # Errors
/// As [`Library::lower`].
pub fn lower_kernel(module: &Module, kernel: &str) -> Result<(Program, Vec<GlobalSymbol>), LowerError> {
    Library::new(vec![module.clone()])?.lower(kernel)
}

/// As [`lower_kernel`], with a mark (`Op::Mark`) for each instruction, so that what is executed can be counted.
///
/// # Errors
/// As [`Library::lower`].
pub fn lower_kernel_marked(module: &Module, kernel: &str) -> Result<(Program, Vec<GlobalSymbol>), LowerError> {
    Library::new(vec![module.clone()])?.lower_as(kernel, true)
}

impl Library {
    /// The program of the kernel `name`. The second result lists the global and const variables that its functions declare
    /// in their bodies: they live as long as the module and are to be placed like those at module scope.
    ///
    /// # Errors
    /// There is no such kernel, or the text of a function that it may reach is wrong.
    pub fn lower(&self, name: &str) -> Result<(Program, Vec<GlobalSymbol>), LowerError> {
        self.lower_as(name, false)
    }

    fn lower_as(&self, name: &str, marks: bool) -> Result<(Program, Vec<GlobalSymbol>), LowerError> {
        let inner = &self.inner;
        let is_kernel = |index: &usize| {
            let function = inner.function(inner.functions[*index]);
            function.kind == FunctionKind::Entry && function.name == name
        };
        let kernel = (0..inner.functions.len()).find(is_kernel);
        let kernel = kernel.ok_or_else(|| LowerError::NoKernel { name: name.to_owned() })?;
        let mut builder = ProgramBuilder::new(Arc::clone(inner), marks);
        builder.function_id(kernel);
        loop {
            while let Some(index) = builder.functions.get(builder.program.functions.len()).copied() {
                let function = function::lower(&mut builder, index)?;
                builder.program.functions.push(function);
            }
            if !add_indirect_candidates(&mut builder) {
                break;
            }
        }
        builder.place_dynamic_shared();
        builder.program.ordinals = builder.functions.iter().map(|index| *index as u32).collect();
        Ok((builder.program, builder.function_globals))
    }
}

/// Adds the functions that calls through pointers may reach: those whose address is taken anywhere and whose types are those
/// of a call. Returns whether there were new ones.
fn add_indirect_candidates(builder: &mut ProgramBuilder) -> bool {
    if builder.indirect_calls.is_empty() {
        return false;
    }
    let before = builder.functions.len();
    let library = Arc::clone(&builder.library);
    for index in library.address_taken() {
        let function = library.function(library.functions[*index]);
        // Kernels whose addresses are taken are launched, not called.
        if function.kind == FunctionKind::Entry {
            continue;
        }
        let types = Types::of(&function.signature);
        if types.is_ok_and(|types| builder.indirect_calls.contains(&types)) {
            builder.function_id(*index);
        }
    }
    builder.functions.len() > before
}
