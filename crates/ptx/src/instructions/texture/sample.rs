//! `tex` and `tld4`.

use simt_ir::Type;
use simt_ir::texture::{Detail, Geometry, Sample, TextureOp};

use super::{bracketed, coordinates, geometry, push, resource, vector};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::instructions::memory::elements;
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{FloatModifiers, Lowering, Problem};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "tex.base?.G{1d 2d 3d a1d a2d cube acube 2dms a2dms}.v4.DT{u32 s32 f16 f32}.CT{s32 f32} \
             =d:any|=p:pred?, [a], e:any?, f:any?",
            "tex.base?.G{1d 2d 3d a1d a2d cube acube}.v2.DT{f16x2}.CT{s32 f32} =d:any|=p:pred?, [a], e:any?, f:any?",
            "tex.level.G{1d 2d 3d a1d a2d cube acube}.v4.DT{u32 s32 f16 f32}.CT{s32 f32} \
             =d:any|=p:pred?, [a], lod:CT, e:any?, f:any?",
            "tex.level.G{1d 2d 3d a1d a2d cube acube}.v2.DT{f16x2}.CT{s32 f32} \
             =d:any|=p:pred?, [a], lod:CT, e:any?, f:any?",
            "tex.grad.G{1d 2d 3d a1d a2d cube acube}.v4.DT{u32 s32 f16 f32}.CT{f32} \
             =d:any|=p:pred?, [a], dx:any, dy:any, e:any?, f:any?",
            "tex.grad.G{1d 2d 3d a1d a2d cube acube}.v2.DT{f16x2}.CT{f32} \
             =d:any|=p:pred?, [a], dx:any, dy:any, e:any?, f:any?",
        ],
        guarding: Guarding::Region,
        lower: sample,
    },
    Declaration {
        forms: &["tld4.COMPONENT{r g b a}.G{2d a2d cube acube}.v4.DT{u32 s32 f32}.CT{f32} \
             =d:any|=p:pred?, [a], e:any?, f:any?"],
        guarding: Guarding::Region,
        lower: sample,
    },
];

fn sample(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let geometry = geometry(i)?;
    let coordinate = i.ty("CT");
    let detail = if i.has("level") {
        Detail::Level
    } else if i.has("grad") {
        Detail::Gradient
    } else {
        Detail::Base
    };
    let address = bracketed(i)?;
    let mut operands = vec![resource(cx, &address.base)?];
    let place = match &address.rest[..] {
        [place] => place,
        [sampler, place] => {
            operands.push(resource(cx, sampler)?);
            place
        }
        _ => return Problem::invalid("expected a texture, perhaps a sampler, and coordinates in brackets"),
    };
    operands.extend(coordinates(cx, place, geometry, coordinate)?);
    match detail {
        Detail::Base => {}
        Detail::Level => operands.push(cx.source(i, "lod")?),
        Detail::Gradient => {
            for name in ["dx", "dy"] {
                let gradient = i.operand(name).ok_or_else(|| Problem::Invalid("a gradient is missing".into()))?;
                operands.extend(vector(cx, gradient, ScalarType::F32, geometry.dimensions())?);
            }
        }
    }
    let (offset, depth) = offset_and_depth(i, geometry)?;
    if let Some(offset) = offset {
        operands.extend(vector(cx, offset, ScalarType::S32, geometry.dimensions())?);
    }
    if let Some(depth) = depth {
        operands.push(cx.value(depth, ScalarType::F32)?);
    }
    let gather = i.slot("COMPONENT").map(|name| "rgba".find(name).unwrap_or(0) as u8);
    let op = Sample {
        geometry,
        integer: coordinate == ScalarType::S32,
        detail,
        gather,
        sampler: address.rest.len() == 2,
        offset: offset.is_some(),
        compare: depth.is_some(),
    };
    let texel = push(cx, TextureOp::Sample(op), operands);
    write(cx, i, &texel)?;
    // No texture here is sparse: every texel is there.
    let resident = cx.constant(Type::I1, 1);
    cx.write(i, "p", resident)
}

/// The optional operands: an offset is a vector, but in one dimension may be a scalar; a depth is a scalar.
fn offset_and_depth<'a>(
    i: &Checked<'a>,
    geometry: Geometry,
) -> Result<(Option<&'a Operand>, Option<&'a Operand>), Problem> {
    let compares = !matches!(geometry, Geometry::D1 | Geometry::D3 | Geometry::Layered1);
    let is_offset = |operand: &Operand| matches!(operand, Operand::Vector(_)) || !compares;
    let (offset, depth) = match (i.operand("e"), i.operand("f")) {
        (Some(first), second) if is_offset(first) => (Some(first), second),
        (Some(depth), None) => (None, Some(depth)),
        (first, second) => (first, second),
    };
    if offset.is_some() && geometry.is_cube() {
        return Problem::invalid("a cube is read without an offset");
    }
    if depth.is_some() && !compares {
        return Problem::invalid("a depth is compared in two dimensions and in cubes only");
    }
    Ok((offset, depth))
}

/// Sets the results to a texel: the bits of four numbers.
fn write(cx: &mut Lowering<'_>, i: &Checked<'_>, texel: &[simt_ir::Value]) -> Result<(), Problem> {
    let list = i.operand("d").map(elements).unwrap_or_default();
    let halves = |cx: &mut Lowering<'_>| -> Vec<simt_ir::Value> {
        let half = |bits: &simt_ir::Value| {
            let float = cx.bitcast(Type::F32, *bits);
            let half = cx.float_to_float(FloatModifiers::PLAIN, Type::F16, float);
            cx.as_int(half)
        };
        texel.iter().map(half).collect()
    };
    let values = match i.slot("DT") {
        Some("f16") => halves(cx),
        Some("f16x2") => {
            let halves = halves(cx);
            halves.chunks(2).map(|pair| cx.pack(pair)).collect()
        }
        Some("f32") => texel.iter().map(|bits| cx.bitcast(Type::F32, *bits)).collect(),
        _ => texel.to_vec(),
    };
    if list.len() != values.len() {
        return Problem::invalid(format!("{} registers for {} results", list.len(), values.len()));
    }
    list.iter().zip(values).try_for_each(|(register, value)| cx.assign(register, value, false))
}
