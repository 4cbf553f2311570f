//! Products of matrices that a warp holds together (PTX ISA 9.7.14).

mod directed;
mod layout;
mod mma;
mod sparse;
mod transport;
mod warpgroup;
mod wmma;

use simt_ir::{Factor, MatrixProduct, Rounding, Sum, Type, Value};

use super::Declaration;
use super::memory::elements;
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{FloatModifiers, Lowering, Problem};

/// The tables of this family's files.
pub(super) const INSTRUCTIONS: &[&[Declaration]] =
    &[mma::INSTRUCTIONS, sparse::INSTRUCTIONS, wmma::INSTRUCTIONS, transport::INSTRUCTIONS, warpgroup::INSTRUCTIONS];

/// The size that a modifier such as `m16n8k16` states: rows, columns, and how many products each sum has.
fn shape(modifier: Option<&str>) -> Option<[u32; 3]> {
    let (m, rest) = modifier?.strip_prefix('m')?.split_once('n')?;
    let (n, k) = rest.split_once('k')?;
    Some([m.parse().ok()?, n.parse().ok()?, k.parse().ok()?])
}

/// The elements of a factor.
fn factor(modifier: &str) -> Option<Factor> {
    Some(match modifier {
        "f16" => Factor::F16,
        "bf16" => Factor::BF16,
        "tf32" => Factor::TF32,
        "f64" => Factor::F64,
        "e4m3" => Factor::E4M3,
        "e5m2" => Factor::E5M2,
        "e3m2" => Factor::E3M2,
        "e2m3" => Factor::E2M3,
        "e2m1" => Factor::E2M1,
        "s8" => Factor::S8,
        "u8" => Factor::U8,
        "s4" => Factor::S4,
        "u4" => Factor::U4,
        "b1" => Factor::B1,
        _ => return None,
    })
}

/// The elements of a matrix of sums.
fn sum(modifier: &str) -> Option<Sum> {
    Some(match modifier {
        "f16" => Sum::F16,
        "f32" => Sum::F32,
        "f64" => Sum::F64,
        "s32" => Sum::I32,
        _ => return None,
    })
}

/// The PTX type of a register with values of a type.
fn register_of(ty: Type) -> ScalarType {
    match ty {
        Type::F32 => ScalarType::F32,
        Type::F64 => ScalarType::F64,
        _ => ScalarType::B32,
    }
}

/// The registers of the operand `name`.
fn registers(
    cx: &mut Lowering<'_>,
    i: &Checked<'_>,
    name: &str,
    ty: Type,
    count: usize,
) -> Result<Vec<Value>, Problem> {
    let list = i.operand(name).map(elements).unwrap_or_default();
    if list.len() != count {
        return Problem::invalid(format!("operand `{name}` has {} registers, expected {count}", list.len()));
    }
    list.iter().map(|element| cx.value(element, register_of(ty))).collect()
}

/// Sets the registers of the operand `name`.
fn write_registers(cx: &mut Lowering<'_>, i: &Checked<'_>, name: &str, values: &[Value]) -> Result<(), Problem> {
    let list = i.operand(name).map(elements).unwrap_or_default();
    if list.len() != values.len() {
        return Problem::invalid(format!("operand `{name}` has {} registers, expected {}", list.len(), values.len()));
    }
    list.iter().zip(values).try_for_each(|(element, value)| cx.assign(element, *value, false))
}

/// The product of matrices whose registers are at hand, rounded as the instruction says.
fn multiply(
    cx: &mut Lowering<'_>,
    i: &Checked<'_>,
    product: MatrixProduct,
    a: &[Value],
    b: &[Value],
    c: &[Value],
) -> Vec<Value> {
    let modifiers = FloatModifiers { saturate: false, ..FloatModifiers::of(i) };
    if product.d == Sum::F64 && modifiers.rounding != Rounding::NearestEven {
        return directed::multiply(cx, modifiers, &product, [a, b, c]);
    }
    cx.builder.push(simt_ir::Op::MatrixProduct { product, a: a.to_vec(), b: b.to_vec(), c: c.to_vec() })
}
