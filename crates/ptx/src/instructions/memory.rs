//! Loads, stores and what only concerns caches (PTX ISA 9.7.9.8 to 9.7.9.19).

use simt_ir::{AddressSpace, FunctionKind, MemoryOrder, Op, Type, Value};

use super::{Declaration, Guarding, address, cluster};
use crate::ast::{Immediate, ScalarType, Space};
use crate::check::Checked;
use crate::lowering::{Lowering, Place, Problem, ir_type};
use crate::resolve::{Address, Operand, Symbol};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "ld.ORDER{weak relaxed acquire volatile}?.SCOPE?\
             .SPACE{const global local shared shared::cta shared::cluster param param::entry param::func}?\
             .nc?.CACHE{ca cg cs lu cv}?.L1?.L2?.L2::cache_hint?.PREFETCH?.unified?.V?\
             .T{b8 b16 b32 b64 b128 u8 u16 u32 u64 s8 s16 s32 s64 f32 f64} =d:T~*V, [a], policy:b64?",
            "ld.ORDER{mmio}.relaxed.sys.SPACE{global}?\
             .T{b8 b16 b32 b64 b128 u8 u16 u32 u64 s8 s16 s32 s64 f32 f64} =d:T~, [a] @8.2 sm_70",
            "ldu.SPACE{global}?.V?.T{b8 b16 b32 b64 b128 u8 u16 u32 u64 s8 s16 s32 s64 f32 f64} =d:T~*V, [a]",
        ],
        guarding: Guarding::Operand,
        lower: load,
    },
    Declaration {
        forms: &[
            "st.ORDER{weak relaxed release volatile}?.SCOPE?\
             .SPACE{global local shared shared::cta shared::cluster param param::func}?\
             .CACHE{wb cg cs wt}?.L1?.L2?.L2::cache_hint?.V?\
             .T{b8 b16 b32 b64 b128 u8 u16 u32 u64 s8 s16 s32 s64 f32 f64} [a], b:T~+*V, policy:b64?",
            "st.ORDER{mmio}.relaxed.sys.SPACE{global}?\
             .T{b8 b16 b32 b64 b128 u8 u16 u32 u64 s8 s16 s32 s64 f32 f64} [a], b:T~ @8.2 sm_70",
        ],
        guarding: Guarding::Operand,
        lower: store,
    },
    Declaration {
        forms: &[
            "prefetch.SPACE{global local}?.LEVEL{L1 L2 L2::evict_last L2::evict_normal} [a]",
            "prefetch.SPACE{const param global}?.tensormap [a] @8.0 sm_90",
            "prefetchu.LEVEL{L1} [a]",
            "applypriority.global?.L2::evict_normal [a], #size:u32 @7.4 sm_80",
            "discard.global?.LEVEL{L2} [a], #size:u32 @7.4 sm_80",
        ],
        guarding: Guarding::Select,
        lower: nothing,
    },
    Declaration {
        forms: &[
            "createpolicy.fractional.P{L2::evict_last L2::evict_normal L2::evict_first L2::evict_unchanged}\
             .S{L2::evict_first L2::evict_unchanged}?.b64 =d:b64, fraction:f32? @7.4 sm_80",
            "createpolicy.range.SPACE{global}?.P{L2::evict_last L2::evict_normal L2::evict_first L2::evict_unchanged}\
             .S{L2::evict_first L2::evict_unchanged}?.b64 =d:b64, [a], primary:u32, total:u32 @7.4 sm_80",
            "createpolicy.cvt.LEVEL{L2}.b64 =d:b64, a:b64 @7.4 sm_80",
        ],
        guarding: Guarding::Select,
        lower: cache_policy,
    },
];

/// What only concerns caches has no meaning here.
fn nothing(_: &mut Lowering<'_>, _: &Checked<'_>) -> Result<(), Problem> {
    Ok(())
}

/// A cache policy is a number that only memory operations look at, and they do not.
fn cache_policy(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let d = cx.constant(Type::I64, 0);
    cx.write(i, "d", d)
}

/// Where a memory operation goes.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub space: AddressSpace,
    pub address: Value,
    pub offset: i64,
}

/// The bracketed operand `name`.
pub(super) fn bracketed<'a>(i: &Checked<'a>, name: &str) -> Result<&'a Address, Problem> {
    match i.operand(name) {
        Some(Operand::Address(address)) if address.rest.is_empty() => Ok(address),
        _ => Problem::invalid("expected an address in brackets"),
    }
}

/// The address that an instruction accesses. Without a space modifier a variable is in its own space, and a register
/// holds a generic address.
pub(super) fn target(cx: &mut Lowering<'_>, modifier: Option<&str>, place: &Address) -> Result<Target, Problem> {
    let stated = modifier.map(|modifier| address::space(cx, modifier));
    let (space, base, offset) = match &place.base {
        Operand::Symbol(symbol, inner) => {
            let value = cx.symbol_address(symbol)?;
            let own = match cx.symbol_space(symbol)? {
                Some(Space::Global) => AddressSpace::Global,
                Some(Space::Const) => AddressSpace::Const,
                Some(Space::Shared) => AddressSpace::Shared,
                Some(Space::Local) => AddressSpace::Local,
                Some(Space::Param) => address::space(cx, "param"),
                _ => return Problem::invalid("this symbol has no memory"),
            };
            (own, value, place.offset.wrapping_add(*inner))
        }
        Operand::Register(register) => {
            let ty = cx.bits_of_register(*register);
            let value = cx.value(&place.base, ty)?;
            // Addresses of these spaces have 32 bits, and so has the sum with the offset: a register that lies below 0 by less than the offset leads to
            // the space's beginning.
            let has_32_bits = matches!(stated, Some(AddressSpace::Shared | AddressSpace::Local));
            let mut value = cx.resize(has_32_bits, Type::I64, value);
            if modifier == Some(address::CLUSTER) {
                value = cluster::to_generic(cx, value);
            }
            (stated.unwrap_or(AddressSpace::Generic), value, place.offset)
        }
        Operand::Immediate(value) => {
            let value = cx.immediate(*value, ScalarType::B64);
            (stated.unwrap_or(AddressSpace::Generic), value, place.offset)
        }
        _ => return Problem::invalid("expected a register or a variable in brackets"),
    };
    Ok(Target { space, address: base, offset })
}

/// The order that the modifiers state; `.mmio` and `.volatile` are kept as they are written.
fn order(i: &Checked<'_>) -> MemoryOrder {
    match i.slot("ORDER") {
        Some("relaxed") => MemoryOrder::Relaxed,
        Some("acquire") => MemoryOrder::Acquire,
        Some("release") => MemoryOrder::Release,
        Some("volatile" | "mmio") => MemoryOrder::Volatile,
        _ => MemoryOrder::Weak,
    }
}

fn is_parameter(i: &Checked<'_>) -> bool {
    i.slot("SPACE").is_some_and(|space| space.starts_with("param"))
}

/// The elements of a possibly scalar operand.
pub(super) fn elements(operand: &Operand) -> &[Operand] {
    match operand {
        Operand::Vector(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

/// A value of 128 bits is accessed as its halves.
fn load(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let address = bracketed(i, "a")?;
    let Some(results) = i.operand("d").map(elements) else {
        return Problem::invalid("a load has a result");
    };
    let values = match parameter_place(cx, i, address) {
        Some((place, offset)) => load_parameter(cx, &place, offset, ty, results.len())?,
        None => {
            let Target { space, address, offset } = target(cx, i.slot("SPACE"), address)?;
            let (wide, guard) = (ty == ScalarType::B128, cx.guard);
            let (ty, count) = if wide { (Type::I64, 2 * results.len()) } else { (ir_type(ty), results.len()) };
            let load = Op::Load { space, ty, count: count as u8, order: order(i), address, offset, guard };
            let parts = cx.builder.push(load);
            if wide { parts.chunks(2).map(|halves| cx.pack(halves)).collect() } else { parts }
        }
    };
    for (result, value) in results.iter().zip(values) {
        cx.assign(result, value, ty.is_signed())?;
    }
    Ok(())
}

/// For `ld.param` and `st.param` of a named parameter that is not in memory: its place and the offset.
fn parameter_place(cx: &Lowering<'_>, i: &Checked<'_>, address: &Address) -> Option<(Place, i64)> {
    let Operand::Symbol(Symbol::Local(local), inner) = &address.base else {
        return None;
    };
    let place = cx.place(*local);
    let by_value = matches!(place, Place::KernelParameter(_) | Place::Pieces(_));
    (by_value && (is_parameter(i) || i.slot("SPACE").is_none()))
        .then(|| (place.clone(), address.offset.wrapping_add(*inner)))
}

fn load_parameter(
    cx: &mut Lowering<'_>,
    place: &Place,
    offset: i64,
    ty: ScalarType,
    count: usize,
) -> Result<Vec<Value>, Problem> {
    let mut values = Vec::new();
    for index in 0..count {
        let offset = offset + (index as i64) * i64::from(ty.bytes());
        values.push(match place {
            Place::KernelParameter(start) => {
                let offset = i64::from(*start) + offset;
                let end = offset + i64::from(ty.bytes());
                if offset < 0 || end > i64::from(cx.builder.function().param_bytes) {
                    return Problem::invalid("an access beyond the kernel's parameters");
                }
                let offset = offset as u32;
                if ty == ScalarType::B128 {
                    let halves =
                        [0, 8].map(|at| cx.builder.push1(Op::LoadParam { ty: Type::I64, offset: offset + at }));
                    cx.pack(&halves)
                } else {
                    cx.builder.push1(Op::LoadParam { ty: ir_type(ty), offset })
                }
            }
            Place::Pieces(pieces) => {
                let value = cx.load_from_pieces(pieces, offset, ty.bytes())?;
                cx.bitcast(ir_type(ty), value)
            }
            Place::Memory(..) | Place::Register => {
                return Problem::invalid("this parameter is not read by value");
            }
        });
    }
    Ok(values)
}

fn store(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let ty = i.ty("T");
    let address = bracketed(i, "a")?;
    let Some(sources) = i.operand("b").map(elements) else {
        return Problem::invalid("a store has a value");
    };
    let values = sources.iter().map(|source| cx.value(source, ty)).collect::<Result<Vec<_>, _>>()?;
    match parameter_place(cx, i, address) {
        Some((Place::Pieces(pieces), offset)) => {
            for (index, value) in values.into_iter().enumerate() {
                let value = cx.as_int(value);
                let offset = offset + (index as i64) * i64::from(ty.bytes());
                cx.store_to_pieces(&pieces, offset, ty.bytes(), value)?;
            }
            Ok(())
        }
        Some(_) => Problem::invalid("a kernel's parameter is not written"),
        None => {
            let Target { space, address, offset } = target(cx, i.slot("SPACE"), address)?;
            if space == AddressSpace::Param && cx.kind == FunctionKind::Kernel {
                return Problem::invalid("a kernel's parameter is not written");
            }
            let (wide, guard) = (ty == ScalarType::B128, cx.guard);
            let ty = if wide { Type::I64 } else { ir_type(ty) };
            let values = if wide { values.into_iter().flat_map(|value| cx.unpack(value, 2)).collect() } else { values };
            cx.builder.push(Op::Store { space, ty, order: order(i), address, offset, values, guard });
            Ok(())
        }
    }
}

/// A number written as an operand, if it is one.
pub(super) fn constant_operand(i: &Checked<'_>, name: &str) -> Option<u64> {
    match i.operand(name) {
        Some(Operand::Immediate(value @ (Immediate::Signed(_) | Immediate::Unsigned(_)))) => value.as_bits(),
        _ => None,
    }
}
