//! Addresses and their spaces (PTX ISA 9.7.9.17, 9.7.9.20).

use simt_ir::{AddressSpace, FunctionKind, Op};

use super::{Declaration, Guarding, cluster};
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
];

/// The space that a modifier names; that of a cluster's shared memory is generic, and addresses are to be made so.
pub(super) fn space(cx: &Lowering<'_>, modifier: &str) -> AddressSpace {
    match modifier {
        "const" => AddressSpace::Const,
        "global" => AddressSpace::Global,
        "local" => AddressSpace::Local,
        "shared" | "shared::cta" => AddressSpace::Shared,
        CLUSTER => AddressSpace::Generic,
        // The parameters of device functions that have an address lie in local memory.
        _ if cx.kind == FunctionKind::Device => AddressSpace::Local,
        _ => AddressSpace::Param,
    }
}

/// The space modifier of the shared memory of a cluster.
pub(super) const CLUSTER: &str = "shared::cluster";

/// A register of 32 or 64 bits or an address, as 64 bits.
pub(super) fn operand(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<simt_ir::Value, Problem> {
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
    let a = operand(cx, i)?;
    let modifier = i.slot("SPACE").unwrap_or_default();
    let space = space(cx, modifier);
    let d = match (modifier, i.has("to")) {
        (CLUSTER, true) => cluster::from_generic(cx, a),
        (CLUSTER, false) => cluster::to_generic(cx, a),
        (_, true) => cx.builder.push1(Op::FromGeneric { space, a }),
        (_, false) => cx.builder.push1(Op::ToGeneric { space, a }),
    };
    let d = cx.reinterpret(d, i.ty("T"));
    cx.write(i, "d", d)
}

fn isspacep(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let a = operand(cx, i)?;
    let p = match i.slot("SPACE").unwrap_or_default() {
        CLUSTER => cluster::is_within(cx, a),
        modifier => {
            let space = space(cx, modifier);
            cx.builder.push1(Op::IsInSpace { space, a })
        }
    };
    cx.write(i, "p", p)
}
