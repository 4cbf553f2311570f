//! From PTX to simt-ir: a kernel and every function it can reach become a [`Program`].
//!
//!
//! What is not implemented becomes an `Unsupported` operation with the instruction's text and line: the module loads, the kernel can be
//! listed and queried, and its launch fails with that text.

mod call;
mod families;
mod function;
mod operand;
mod params;
mod program;
mod registers;
mod symbols;
mod view;

pub use program::{KernelParameter, kernel_parameters, lower_kernel};
pub use symbols::{GlobalSymbol, Relocation, RelocationTarget, global_symbols};

pub(crate) use function::Lowerer;
pub(crate) use operand::Place;
pub(crate) use view::{Inst, Outcome, Refusal};

use simt_ir::Type;

use crate::ast::ScalarType;

/// The IR type that holds a PTX type: its bits, and for f32 and f64 what they mean.
pub(crate) fn register_type(ty: ScalarType) -> Type {
    match ty {
        ScalarType::Pred => Type::I1,
        ScalarType::F32 => Type::F32,
        ScalarType::F64 => Type::F64,
        other => Type::int(other.bits()).unwrap_or(Type::I64),
    }
}

/// The IR type that arithmetic on a PTX type has.
pub(crate) fn value_type(ty: ScalarType) -> Type {
    match ty {
        ScalarType::F16 => Type::F16,
        ScalarType::Bf16 => Type::BF16,
        other => register_type(other),
    }
}
