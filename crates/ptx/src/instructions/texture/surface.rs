//! `suld`, `sust`, `sured`.

use simt_ir::texture::{Beyond, SurfaceAccess, SurfaceAction, SurfaceReduction, TextureOp};

use super::{bracketed, coordinates, geometry, push, resource, vector};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::instructions::memory::elements;
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &["suld.b.G{1d 2d 3d a1d a2d}.CACHE{ca cg cs cv}?.V{v2 v4}?.T{b8 b16 b32 b64}.BEYOND{trap clamp zero} \
             =d:any, [a] @2.0 sm_20"],
        guarding: Guarding::Region,
        lower: load,
    },
    Declaration {
        forms: &[
            "sust.b.G{1d 2d 3d a1d a2d}.CACHE{wb cg cs wt}?.V{v2 v4}?.T{b8 b16 b32 b64}.BEYOND{trap clamp zero} \
             [a], c:any @2.0 sm_20",
            "sust.p.G{1d 2d 3d a1d a2d}.CACHE{wb cg cs wt}?.V{v2 v4}?.T{b32 u32 s32 f32}.BEYOND{trap clamp zero} \
             [a], c:any @2.0 sm_20",
        ],
        guarding: Guarding::Region,
        lower: store,
    },
    Declaration {
        forms: &[
            "sured.b.OP{add min max and or}.G{1d 2d 3d a1d a2d}.T{u32 u64 s32 b32 s64}.BEYOND{trap clamp zero} \
             [a], c:T @2.0 sm_20",
            "sured.p.OP{add min max and or}.G{1d 2d 3d a1d a2d}.T{b32 b64}.BEYOND{trap clamp zero} [a], c:T @2.0 sm_20",
        ],
        guarding: Guarding::Region,
        lower: reduce,
    },
];

/// Appends an access with these operands behind the coordinates.
fn access(
    cx: &mut Lowering<'_>,
    i: &Checked<'_>,
    action: SurfaceAction,
    values: &[simt_ir::Value],
) -> Result<Vec<simt_ir::Value>, Problem> {
    let geometry = geometry(i)?;
    let address = bracketed(i)?;
    let [place] = &address.rest[..] else {
        return Problem::invalid("expected a surface and coordinates in brackets");
    };
    let beyond = match i.slot("BEYOND") {
        Some("clamp") => Beyond::Clamp,
        Some("zero") => Beyond::Zero,
        _ => Beyond::Trap,
    };
    let mut operands = vec![resource(cx, &address.base)?];
    operands.extend(coordinates(cx, place, geometry, ScalarType::S32)?);
    operands.extend_from_slice(values);
    Ok(push(cx, TextureOp::Surface(SurfaceAccess { geometry, action, beyond }), operands))
}

/// How many elements an access has.
fn count(i: &Checked<'_>) -> u8 {
    match i.slot("V") {
        Some("v2") => 2,
        Some("v4") => 4,
        _ => 1,
    }
}

/// Bytes of an element; the elements together have at most 16.
fn element_bytes(i: &Checked<'_>) -> Result<u8, Problem> {
    let bytes = i.ty("T").bytes() as u8;
    if bytes * count(i) > 16 { Problem::invalid("more than 16 bytes of a surface") } else { Ok(bytes) }
}

fn load(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let action = SurfaceAction::Load { bytes: element_bytes(i)?, count: count(i) };
    let values = access(cx, i, action, &[])?;
    let list = i.operand("d").map(elements).unwrap_or_default();
    if list.len() != values.len() {
        return Problem::invalid(format!("{} registers for {} elements", list.len(), values.len()));
    }
    list.iter().zip(values).try_for_each(|(register, value)| cx.assign(register, value, false))
}

fn store(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (count, by_texel) = (count(i), i.has("p"));
    let action = match by_texel {
        true => SurfaceAction::StoreFormatted { count },
        false => SurfaceAction::Store { bytes: element_bytes(i)?, count },
    };
    let ty = if by_texel { ScalarType::B32 } else { i.ty("T") };
    let operand = i.operand("c").ok_or_else(|| Problem::Invalid("a store has a value".into()))?;
    if elements(operand).len() != usize::from(count) {
        return Problem::invalid(format!("{} values for {count} elements", elements(operand).len()));
    }
    let values = vector(cx, operand, ty, usize::from(count))?;
    access(cx, i, action, &values).map(|_| ())
}

fn reduce(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let op = match (i.slot("OP"), ty.is_signed()) {
        (Some("min"), true) => SurfaceReduction::MinSigned,
        (Some("min"), false) => SurfaceReduction::MinUnsigned,
        (Some("max"), true) => SurfaceReduction::MaxSigned,
        (Some("max"), false) => SurfaceReduction::MaxUnsigned,
        (Some("and"), _) => SurfaceReduction::And,
        (Some("or"), _) => SurfaceReduction::Or,
        _ => SurfaceReduction::Add,
    };
    let value = cx.source(i, "c")?;
    let action = SurfaceAction::Reduce { op, wide: ty.bits() == 64, by_texel: i.has("p") };
    access(cx, i, action, &[value]).map(|_| ())
}
