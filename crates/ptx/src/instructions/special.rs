//! Special registers (PTX ISA 10).

use simt_ir::SpecialRegister;

use crate::ast::{Immediate, ScalarType};
use crate::resolve::Operand;

/// A special register, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special {
    /// The register.
    pub register: SpecialRegister,
    /// What is read of it.
    pub part: Part,
}

/// What is read of a special register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The low 32 bits of a 64-bit register.
    Low,
    /// The high 32 bits of a 64-bit register.
    High,
    /// A predicate: whether the register is greater than 1.
    AboveOne,
}

impl Special {
    /// The type of what is read; an instruction may read it as a narrower one.
    pub fn ty(self) -> ScalarType {
        match self.part {
            Part::Whole if self.register.ty() == simt_ir::Type::I64 => ScalarType::U64,
            Part::Whole | Part::Low | Part::High => ScalarType::U32,
            Part::AboveOne => ScalarType::Pred,
        }
    }
}

/// The scalar special registers.
const SCALARS: &[(&str, SpecialRegister)] = &[
    ("%laneid", SpecialRegister::LaneId),
    ("%warpid", SpecialRegister::WarpId),
    ("%nwarpid", SpecialRegister::NwarpId),
    ("%smid", SpecialRegister::SmId),
    ("%nsmid", SpecialRegister::NsmId),
    ("%gridid", SpecialRegister::GridId),
    ("%lanemask_eq", SpecialRegister::LanemaskEq),
    ("%lanemask_le", SpecialRegister::LanemaskLe),
    ("%lanemask_lt", SpecialRegister::LanemaskLt),
    ("%lanemask_ge", SpecialRegister::LanemaskGe),
    ("%lanemask_gt", SpecialRegister::LanemaskGt),
    ("%clock", SpecialRegister::Clock),
    ("%clock_hi", SpecialRegister::ClockHi),
    ("%clock64", SpecialRegister::Clock64),
    ("%globaltimer", SpecialRegister::GlobalTimer),
    ("%cluster_ctarank", SpecialRegister::ClusterCtarank),
    ("%cluster_nctarank", SpecialRegister::ClusterNctarank),
    ("%dynamic_smem_size", SpecialRegister::DynamicSharedSize),
    ("%total_smem_size", SpecialRegister::TotalSharedSize),
    ("%aggr_smem_size", SpecialRegister::TotalSharedSize),
    ("%envreg0", SpecialRegister::Environment0),
    ("%envreg1", SpecialRegister::Environment1),
    ("%envreg2", SpecialRegister::Environment2),
    ("%envreg3", SpecialRegister::Environment3),
    // There are no graphs that a kernel could ask about.
    ("%current_graph_exec", SpecialRegister::Zero64),
];

/// The vector special registers: x, y, z; the fourth element reads 0.
const VECTORS: &[(&str, [SpecialRegister; 3])] = &[
    ("%tid", [SpecialRegister::TidX, SpecialRegister::TidY, SpecialRegister::TidZ]),
    ("%ntid", [SpecialRegister::NtidX, SpecialRegister::NtidY, SpecialRegister::NtidZ]),
    ("%ctaid", [SpecialRegister::CtaidX, SpecialRegister::CtaidY, SpecialRegister::CtaidZ]),
    ("%nctaid", [SpecialRegister::NctaidX, SpecialRegister::NctaidY, SpecialRegister::NctaidZ]),
    ("%clusterid", [SpecialRegister::ClusterIdX, SpecialRegister::ClusterIdY, SpecialRegister::ClusterIdZ]),
    ("%nclusterid", [SpecialRegister::NclusterIdX, SpecialRegister::NclusterIdY, SpecialRegister::NclusterIdZ]),
    (
        "%cluster_ctaid",
        [SpecialRegister::ClusterCtaidX, SpecialRegister::ClusterCtaidY, SpecialRegister::ClusterCtaidZ],
    ),
    (
        "%cluster_nctaid",
        [SpecialRegister::ClusterNctaidX, SpecialRegister::ClusterNctaidY, SpecialRegister::ClusterNctaidZ],
    ),
];

/// Bytes of the shared memory that is reserved for the system. A kernel that asks for it (cooperative groups do, for
/// groups of several warps) has it as part of its static shared memory.
pub(crate) const RESERVED_SHARED_BYTES: u32 = 1024;

/// The places in reserved shared memory that have names.
const RESERVED: &[(&str, u32)] = &[
    ("%reserved_smem_offset_begin", 0),
    ("%reserved_smem_offset_0", 0),
    ("%reserved_smem_offset_1", RESERVED_SHARED_BYTES / 2),
    ("%reserved_smem_offset_end", RESERVED_SHARED_BYTES),
    ("%reserved_smem_offset_cap", RESERVED_SHARED_BYTES),
];

/// The special register `name`, or its component.
pub(crate) fn find(name: &str, component: Option<&str>) -> Option<Operand> {
    if !name.starts_with('%') {
        return None;
    }
    if let Some((_, registers)) = VECTORS.iter().find(|(vector, _)| *vector == name) {
        let element = |index: usize| registers.get(index).copied().map_or(fourth_element(), operand);
        let position = |component: &str| {
            ["xr", "yg", "zb", "wa"].iter().position(|names| component.len() == 1 && names.contains(component))
        };
        return match component {
            Some(component) => position(component).map(element),
            None => Some(Operand::Vector((0..4).map(element).collect())),
        };
    }
    if component.is_some() {
        return None;
    }
    if let Some((_, offset)) = RESERVED.iter().find(|(place, _)| *place == name) {
        return Some(Operand::ReservedShared(*offset));
    }
    let special = |register, part| Some(Operand::Special(Special { register, part }));
    match name {
        "%globaltimer_lo" => return special(SpecialRegister::GlobalTimer, Part::Low),
        "%globaltimer_hi" => return special(SpecialRegister::GlobalTimer, Part::High),
        // A cluster of one block cannot be told from none, and behaves the same.
        "%is_explicit_cluster" => return special(SpecialRegister::ClusterNctarank, Part::AboveOne),
        _ => {}
    }
    let scalar = SCALARS.iter().find(|(scalar, _)| *scalar == name).map(|(_, register)| *register);
    scalar.or_else(|| numbered(name)).map(operand)
}

/// `%envreg4`..`%envreg31`, `%pm0`..`%pm7` and `%pm0_64`..`%pm7_64` read 0.
fn numbered(name: &str) -> Option<SpecialRegister> {
    let below = |digits: &str, end: u32| digits.parse::<u32>().is_ok_and(|number| number < end);
    if let Some(digits) = name.strip_prefix("%envreg") {
        return below(digits, 32).then_some(SpecialRegister::Zero32);
    }
    let digits = name.strip_prefix("%pm")?;
    match digits.strip_suffix("_64") {
        Some(digits) => below(digits, 8).then_some(SpecialRegister::Zero64),
        None => below(digits, 8).then_some(SpecialRegister::Zero32),
    }
}

fn operand(register: SpecialRegister) -> Operand {
    Operand::Special(Special { register, part: Part::Whole })
}

fn fourth_element() -> Operand {
    Operand::Immediate(Immediate::Signed(0))
}
