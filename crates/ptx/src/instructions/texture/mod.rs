//! Textures and surfaces (PTX ISA 9.7.10, 9.7.11).

mod query;
mod sample;
mod surface;

use simt_ir::texture::{Geometry, TextureOp};
use simt_ir::{Op, Value};

use super::Declaration;
use super::memory::elements;
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};
use crate::resolve::{Address, Operand};

/// The tables of this family's files.
pub(super) const INSTRUCTIONS: &[&[Declaration]] = &[sample::INSTRUCTIONS, surface::INSTRUCTIONS, query::INSTRUCTIONS];

/// The coordinates that the modifier in slot `G` names.
fn geometry(i: &Checked<'_>) -> Result<Geometry, Problem> {
    Ok(match i.slot("G") {
        Some("1d") => Geometry::D1,
        Some("2d") => Geometry::D2,
        Some("3d") => Geometry::D3,
        Some("a1d") => Geometry::Layered1,
        Some("a2d") => Geometry::Layered2,
        Some("cube") => Geometry::Cube,
        Some("acube") => Geometry::LayeredCube,
        Some(other) => return Problem::unsupported(format!("textures of several samples (`.{other}`)")),
        None => return Problem::invalid("the coordinates are not named"),
    })
}

/// The bracketed operand `a`: the name of the resource, and what stands behind it.
fn bracketed<'a>(i: &Checked<'a>) -> Result<&'a Address, Problem> {
    match i.operand("a") {
        Some(Operand::Address(address)) if address.offset == 0 => Ok(address),
        _ => Problem::invalid("expected a texture, sampler or surface in brackets"),
    }
}

/// What names a resource: the number in a register, or the address of a variable.
fn resource(cx: &mut Lowering<'_>, operand: &Operand) -> Result<Value, Problem> {
    match operand {
        Operand::Register(_) | Operand::Symbol(_, 0) => cx.value(operand, ScalarType::B64),
        _ => Problem::invalid("a texture, sampler or surface is a register or a variable"),
    }
}

/// The first `count` elements of a vector, each of type `ty`. There may be more, which have no meaning.
fn vector(cx: &mut Lowering<'_>, operand: &Operand, ty: ScalarType, count: usize) -> Result<Vec<Value>, Problem> {
    let list = elements(operand);
    if list.len() < count {
        return Problem::invalid(format!("a vector has {} elements, {count} are needed", list.len()));
    }
    list[..count].iter().map(|element| cx.value(element, ty)).collect()
}

/// The coordinates in a vector: the layer first, where there are layers.
fn coordinates(
    cx: &mut Lowering<'_>,
    operand: &Operand,
    geometry: Geometry,
    ty: ScalarType,
) -> Result<Vec<Value>, Problem> {
    let list = elements(operand);
    let (layer, rest) = list.split_at(usize::from(geometry.is_layered()).min(list.len()));
    if rest.len() < geometry.dimensions() || layer.len() < usize::from(geometry.is_layered()) {
        return Problem::invalid(format!("{} coordinates are too few", list.len()));
    }
    let mut values = layer.iter().map(|layer| cx.value(layer, ScalarType::B32)).collect::<Result<Vec<_>, _>>()?;
    for coordinate in &rest[..geometry.dimensions()] {
        values.push(cx.value(coordinate, ty)?);
    }
    Ok(values)
}

/// Appends an operation whose operands have been put together.
fn push(cx: &mut Lowering<'_>, op: TextureOp, operands: Vec<Value>) -> Vec<Value> {
    cx.builder.push(Op::Texture { op, operands })
}
