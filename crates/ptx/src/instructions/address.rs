//! Addresses and their spaces (PTX ISA 9.7.9.17, 9.7.9.20).

use simt_ir::{AddressSpace, FunctionKind, Op};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "cvta.to?.SPACE{const global local shared shared::cta shared::cluster param param::entry}.T{u32 u64} \
             =d:T, a:any",
        ],
        guarding: Guarding::Select,
        lower: cvta,
    },
    Declaration {
        forms: &["isspacep.SPACE{const global local shared shared::cta shared::cluster param param::entry} \
             =p:pred, a:any"],
        guarding: Guarding::Select,
        lower: isspacep,
    },
    Declaration {
        forms: &["getctarank.SPACE{shared::cluster}?.T{u32 u64} =d:u32, a:any @7.8 sm_90"],
        guarding: Guarding::Select,
        lower: block_rank,
    },
];

/// The space that a modifier names. The window of a cluster's shared memory is that of the block itself.
pub(super) fn space(cx: &Lowering<'_>, modifier: &str) -> AddressSpace {
    match modifier {
        "const" => AddressSpace::Const,
        "global" => AddressSpace::Global,
        "local" => AddressSpace::Local,
        "shared" | "shared::cta" | "shared::cluster" => AddressSpace::Shared,
        // The parameters of device functions that have an address lie in local memory.
        _ if cx.kind == FunctionKind::Device => AddressSpace::Local,
        _ => AddressSpace::Param,
    }
}

/// A register of 32 or 64 bits or an address, as 64 bits.
fn address(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<simt_ir::Value, Problem> {
    match i.operand("a") {
        Some(Operand::Register(register)) => {
            let ty = cx.bits_of_register(*register);
            let value = cx.value(&Operand::Register(*register), ty)?;
            Ok(cx.resize(false, simt_ir::Type::I64, value))
        }
        Some(operand @ (Operand::Symbol(..) | Operand::Immediate(_))) => cx.value(operand, ScalarType::B64),
        _ => Problem::invalid("expected a register or a variable"),
    }
}

fn cvta(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = address(cx, i)?;
    let space = space(cx, i.slot("SPACE").unwrap_or_default());
    let op = if i.has("to") { Op::FromGeneric { space, a } } else { Op::ToGeneric { space, a } };
    let d = cx.builder.push1(op);
    let d = cx.reinterpret(d, i.ty("T"));
    cx.write(i, "d", d)
}

fn isspacep(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = address(cx, i)?;
    let space = space(cx, i.slot("SPACE").unwrap_or_default());
    let p = cx.builder.push1(Op::IsInSpace { space, a });
    cx.write(i, "p", p)
}

/// An address of shared memory is always one of the block itself.
fn block_rank(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let d = cx.builder.push1(Op::Special(simt_ir::SpecialRegister::ClusterCtarank));
    cx.write(i, "d", d)
}
