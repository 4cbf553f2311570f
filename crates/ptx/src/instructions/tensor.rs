//! Copies of boxes of tensors, and tensor maps (PTX ISA 9.7.9.27, 9.7.9.28, 9.7.13.16).
//!
//! What a copy does is up to `simt_ir::tensor`; it is done on the spot, and the barrier is told of it. The innermost dimension comes first
//! among the coordinates.

use simt_ir::tensor::{Access, Element, Field, Mode, Reduction, TensorOp};
use simt_ir::{AddressSpace, MemoryOrder, Op, Scope, Value};

use super::bulk::{copy_constant, to_each_block};
use super::mbarrier::complete_transactions;
use super::memory::{Target, bracketed, constant_operand, target};
use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};
use crate::resolve::{Address, Operand};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "cp.async.bulk.tensor.D{1d 2d 3d 4d 5d}.SPACE{shared::cluster shared::cta}.global.MODE{tile}?\
             .mbarrier::complete_tx::bytes.L2::cache_hint? [d], [a], [bar], policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{1d 2d 3d 4d 5d}.SPACE{shared::cluster}.global.MODE{tile}?\
             .mbarrier::complete_tx::bytes.multicast::cluster.L2::cache_hint? [d], [a], [bar], mask:b16, policy:b64? \
             @8.0 sm_90",
            "cp.async.bulk.tensor.D{3d}.SPACE{shared::cluster shared::cta}.global.MODE{im2col}\
             .mbarrier::complete_tx::bytes.L2::cache_hint? [d], [a], [bar], offsets:b16*1, policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{4d}.SPACE{shared::cluster shared::cta}.global.MODE{im2col}\
             .mbarrier::complete_tx::bytes.L2::cache_hint? [d], [a], [bar], offsets:b16*2, policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{5d}.SPACE{shared::cluster shared::cta}.global.MODE{im2col}\
             .mbarrier::complete_tx::bytes.L2::cache_hint? [d], [a], [bar], offsets:b16*3, policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{3d}.SPACE{shared::cluster}.global.MODE{im2col}.mbarrier::complete_tx::bytes\
             .multicast::cluster.L2::cache_hint? [d], [a], [bar], offsets:b16*1, mask:b16, policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{4d}.SPACE{shared::cluster}.global.MODE{im2col}.mbarrier::complete_tx::bytes\
             .multicast::cluster.L2::cache_hint? [d], [a], [bar], offsets:b16*2, mask:b16, policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{5d}.SPACE{shared::cluster}.global.MODE{im2col}.mbarrier::complete_tx::bytes\
             .multicast::cluster.L2::cache_hint? [d], [a], [bar], offsets:b16*3, mask:b16, policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{2d}.SPACE{shared::cluster shared::cta}.global.MODE{tile::gather4}\
             .mbarrier::complete_tx::bytes.L2::cache_hint? [d], [a], [bar], policy:b64? @8.6 sm_100",
            "cp.async.bulk.tensor.D{2d}.SPACE{shared::cluster}.global.MODE{tile::gather4}.mbarrier::complete_tx::bytes\
             .multicast::cluster.L2::cache_hint? [d], [a], [bar], mask:b16, policy:b64? @8.6 sm_100",
        ],
        guarding: Guarding::Region,
        lower: load,
    },
    Declaration {
        forms: &[
            "cp.async.bulk.tensor.D{1d 2d 3d 4d 5d}.global.FROM{shared::cta}.MODE{tile}?.bulk_group.L2::cache_hint? \
             [a], [s], policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{3d 4d 5d}.global.FROM{shared::cta}.MODE{im2col_no_offs}.bulk_group.L2::cache_hint? \
             [a], [s], policy:b64? @8.0 sm_90",
            "cp.async.bulk.tensor.D{2d}.global.FROM{shared::cta}.MODE{tile::scatter4}.bulk_group.L2::cache_hint? \
             [a], [s], policy:b64? @8.6 sm_100",
            "cp.reduce.async.bulk.tensor.D{1d 2d 3d 4d 5d}.global.FROM{shared::cta}.OP{add min max inc dec and or xor}\
             .MODE{tile}?.bulk_group.L2::cache_hint? [a], [s], policy:b64? @8.0 sm_90",
            "cp.reduce.async.bulk.tensor.D{3d 4d 5d}.global.FROM{shared::cta}.OP{add min max inc dec and or xor}\
             .MODE{im2col_no_offs}.bulk_group.L2::cache_hint? [a], [s], policy:b64? @8.0 sm_90",
        ],
        guarding: Guarding::Region,
        lower: store,
    },
    Declaration {
        forms: &[
            "cp.async.bulk.prefetch.tensor.D{1d 2d 3d 4d 5d}.LEVEL{L2}.global.MODE{tile}?.L2::cache_hint? \
             [a], policy:b64? @8.0 sm_90",
            "cp.async.bulk.prefetch.tensor.D{3d}.LEVEL{L2}.global.MODE{im2col}.L2::cache_hint? \
             [a], offsets:b16*1, policy:b64? @8.0 sm_90",
            "cp.async.bulk.prefetch.tensor.D{4d}.LEVEL{L2}.global.MODE{im2col}.L2::cache_hint? \
             [a], offsets:b16*2, policy:b64? @8.0 sm_90",
            "cp.async.bulk.prefetch.tensor.D{5d}.LEVEL{L2}.global.MODE{im2col}.L2::cache_hint? \
             [a], offsets:b16*3, policy:b64? @8.0 sm_90",
            "cp.async.bulk.prefetch.tensor.D{2d}.LEVEL{L2}.global.MODE{tile::gather4}.L2::cache_hint? \
             [a], policy:b64? @8.6 sm_100",
        ],
        guarding: Guarding::Region,
        lower: prefetch,
    },
    Declaration {
        forms: &[
            "tensormap.replace.tile.FIELD{global_address}.SPACE{global shared::cta}?.b1024.b64 [a], value:b64 @8.3 sm_90",
            "tensormap.replace.tile.FIELD{rank}.SPACE{global shared::cta}?.b1024.b32 [a], value:b32 @8.3 sm_90",
            "tensormap.replace.tile.FIELD{box_dim global_dim element_stride}.SPACE{global shared::cta}?.b1024.b32 \
             [a], #ordinal:u32, value:b32 @8.3 sm_90",
            "tensormap.replace.tile.FIELD{global_stride}.SPACE{global shared::cta}?.b1024.b64 \
             [a], #ordinal:u32, value:b64 @8.3 sm_90",
            "tensormap.replace.tile.FIELD{elemtype interleave_layout swizzle_mode fill_mode swizzle_atomicity}\
             .SPACE{global shared::cta}?.b1024.b32 [a], #value:u32 @8.3 sm_90",
        ],
        guarding: Guarding::Region,
        lower: replace,
    },
    Declaration {
        forms: &["tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.SCOPE.sync.aligned \
             [d], [a], #size:u32 @8.3 sm_90"],
        guarding: Guarding::Region,
        lower: copy_and_fence,
    },
];

/// Which part of a tensor the modifiers speak of.
fn access(i: &Checked<'_>) -> Access {
    let rank = i.slot("D").and_then(|name| name.chars().next()?.to_digit(10)).unwrap_or(1) as u8;
    let mode = match i.slot("MODE") {
        Some("im2col" | "im2col_no_offs") => Mode::Pixels,
        Some("tile::gather4" | "tile::scatter4") => Mode::Rows,
        _ => Mode::Tile,
    };
    Access { rank, mode }
}

/// The generic address that a place comes to.
fn generic(cx: &mut Lowering<'_>, place: &Target) -> Value {
    let address = match place.space {
        AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const => place.address,
        space => cx.builder.push1(Op::ToGeneric { space, a: place.address }),
    };
    cx.add_offset(address, place.offset)
}

/// The bracketed operand `a`: a tensor map, and coordinates.
fn tensor<'a>(i: &Checked<'a>, access: Access) -> Result<(&'a Address, &'a [Operand]), Problem> {
    let Some(Operand::Address(address)) = i.operand("a") else {
        return Problem::invalid("expected a tensor map and coordinates in brackets");
    };
    let [Operand::Vector(coordinates)] = &address.rest[..] else {
        return Problem::invalid("expected a tensor map and coordinates in brackets: [map, {x, y}]");
    };
    if coordinates.len() != access.coordinates() {
        return Problem::invalid(format!("{} coordinates, {} are needed", coordinates.len(), access.coordinates()));
    }
    Ok((address, coordinates))
}

/// The operands of an access but for the address in shared memory: the map, and the numbers.
fn operands(cx: &mut Lowering<'_>, i: &Checked<'_>, access: Access) -> Result<(Value, Vec<Value>), Problem> {
    let (address, coordinates) = tensor(i, access)?;
    let map = target(cx, None, address)?;
    let map = generic(cx, &map);
    let mut numbers =
        coordinates.iter().map(|number| cx.value(number, ScalarType::B32)).collect::<Result<Vec<_>, _>>()?;
    if let Some(Operand::Vector(offsets)) = i.operand("offsets") {
        for offset in offsets {
            let offset = cx.value(offset, ScalarType::B16)?;
            numbers.push(cx.resize(false, simt_ir::Type::I32, offset));
        }
    }
    Ok((map, numbers))
}

fn push(cx: &mut Lowering<'_>, op: TensorOp, map: Value, second: Value, numbers: &[Value]) -> Vec<Value> {
    let mut operands = vec![map, second];
    operands.extend_from_slice(numbers);
    cx.builder.push(Op::Tensor { op, operands })
}

fn load(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let access = access(i);
    let (map, numbers) = operands(cx, i, access)?;
    let to = target(cx, i.slot("SPACE"), bracketed(i, "d")?)?;
    let barrier = target(cx, i.slot("SPACE"), bracketed(i, "bar")?)?;
    let copy = |cx: &mut Lowering<'_>, [to, barrier]: [Target; 2]| {
        let shared = generic(cx, &to);
        let bytes = push(cx, TensorOp::Load(access), map, shared, &numbers);
        complete_transactions(cx, &barrier, bytes[0]);
    };
    if i.has("multicast::cluster") {
        let mask = cx.source(i, "mask")?;
        to_each_block(cx, mask, [to, barrier], copy);
    } else {
        copy(cx, [to, barrier]);
    }
    Ok(())
}

fn store(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let access = access(i);
    let op = match i.slot("OP") {
        None => TensorOp::Store(access),
        Some(name) => TensorOp::Reduce(access, reduction(name)),
    };
    let (map, numbers) = operands(cx, i, access)?;
    let from = target(cx, i.slot("FROM"), bracketed(i, "s")?)?;
    let shared = generic(cx, &from);
    push(cx, op, map, shared, &numbers);
    Ok(())
}

fn reduction(name: &str) -> Reduction {
    match name {
        "min" => Reduction::Min,
        "max" => Reduction::Max,
        "inc" => Reduction::Increment,
        "dec" => Reduction::Decrement,
        "and" => Reduction::And,
        "or" => Reduction::Or,
        "xor" => Reduction::Xor,
        _ => Reduction::Add,
    }
}

/// What only concerns caches has no meaning here.
fn prefetch(_: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    tensor(i, access(i)).map(|_| ())
}

/// The numbers of PTX's types of elements, which are not quite the driver API's.
const ELEMENTS: [Element; 13] = [
    Element::U8,
    Element::U16,
    Element::U32,
    Element::S32,
    Element::U64,
    Element::S64,
    Element::F16,
    Element::F32,
    Element::F32Flushed,
    Element::F64,
    Element::BF16,
    Element::TF32,
    Element::TF32Flushed,
];

fn replace(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let place = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let map = generic(cx, &place);
    let ordinal = match (constant_operand(i, "ordinal"), i.slot("FIELD")) {
        (Some(ordinal), Some("global_stride")) if ordinal > 3 => {
            return Problem::invalid(format!("a tensor map has no stride {ordinal}"));
        }
        (Some(ordinal), _) if ordinal > 4 => {
            return Problem::invalid(format!("a tensor map has no dimension {ordinal}"));
        }
        (ordinal, _) => ordinal.unwrap_or(0) as u8,
    };
    let (field, limit) = match i.slot("FIELD").unwrap_or_default() {
        "global_address" => (Field::GlobalAddress, None),
        "rank" => (Field::Rank, None),
        "box_dim" => (Field::BoxDim(ordinal), None),
        "global_dim" => (Field::GlobalDim(ordinal), None),
        "element_stride" => (Field::ElementStride(ordinal), None),
        "global_stride" => (Field::GlobalStride(ordinal), None),
        "elemtype" => (Field::ElementType, Some(ELEMENTS.len() as u64)),
        "interleave_layout" => (Field::InterleaveLayout, Some(3)),
        "swizzle_mode" => (Field::SwizzleMode, Some(4)),
        "fill_mode" => (Field::FillMode, Some(2)),
        // Pieces of 16 bytes are the only ones.
        _ if constant_operand(i, "value") == Some(0) => return Ok(()),
        _ => return Problem::unsupported("`tensormap.replace` with another atomicity of swizzling than 16 bytes"),
    };
    let value = match limit {
        None => {
            let value = cx.source(i, "value")?;
            cx.resize(false, simt_ir::Type::I64, value)
        }
        Some(limit) => {
            let number = constant_operand(i, "value").unwrap_or(u64::MAX);
            if number >= limit {
                let what = i.slot("FIELD").unwrap_or_default();
                return Problem::unsupported(format!("`tensormap.replace` with {number} for `.{what}`"));
            }
            let number = if field == Field::ElementType { ELEMENTS[number as usize] as u64 } else { number };
            cx.constant(simt_ir::Type::I64, number)
        }
    };
    push(cx, TensorOp::Replace(field), map, value, &[]);
    Ok(())
}

/// A map is copied by all lanes of a warp, which come to the same.
fn copy_and_fence(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let to = target(cx, Some("global"), bracketed(i, "d")?)?;
    let from = target(cx, Some("shared::cta"), bracketed(i, "a")?)?;
    if constant_operand(i, "size") != Some(simt_ir::tensor::MAP_BYTES as u64) {
        return Problem::invalid("the size of a tensor map is 128");
    }
    copy_constant(cx, &from, &to, simt_ir::tensor::MAP_BYTES as u32);
    cx.builder.push(Op::Fence { order: MemoryOrder::AcquireRelease, scope: Scope::Device });
    Ok(())
}
