//! Registers that tell a lane where it is and what it was launched with (PTX ISA, chapter 10).

use crate::Type;

/// Values that the hardware supplies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's special registers, PTX ISA 10")]
pub enum SpecialRegister {
    TidX,
    TidY,
    TidZ,
    NtidX,
    NtidY,
    NtidZ,
    CtaidX,
    CtaidY,
    CtaidZ,
    NctaidX,
    NctaidY,
    NctaidZ,
    LaneId,
    WarpId,
    NwarpId,
    SmId,
    NsmId,
    /// `i64`.
    GridId,
    LanemaskEq,
    LanemaskLe,
    LanemaskLt,
    LanemaskGe,
    LanemaskGt,
    /// `i32`: the low half of `Clock64`.
    Clock,
    /// `i32`: the high half of `Clock64`.
    ClockHi,
    /// `i64`: cycles of the device's clock; never decreases on one SM.
    Clock64,
    /// `i64`: nanoseconds.
    GlobalTimer,
    ClusterIdX,
    ClusterIdY,
    ClusterIdZ,
    NclusterIdX,
    NclusterIdY,
    NclusterIdZ,
    ClusterCtaidX,
    ClusterCtaidY,
    ClusterCtaidZ,
    ClusterNctaidX,
    ClusterNctaidY,
    ClusterNctaidZ,
    ClusterCtarank,
    ClusterNctarank,
    DynamicSharedSize,
    TotalSharedSize,
    /// `%envreg0` … `%envreg3`: the driver's; 1 and 2 hold the address of a cooperative grid's workspace.
    Environment0,
    Environment1,
    Environment2,
    Environment3,
    /// Any other environment or performance-monitor register: reads 0.
    Zero32,
    /// As [`SpecialRegister::Zero32`], `i64`.
    Zero64,
}

impl SpecialRegister {
    /// Type of the value; `i32` for most.
    pub fn ty(self) -> Type {
        match self {
            Self::GridId | Self::Clock64 | Self::GlobalTimer | Self::Zero64 => Type::I64,
            _ => Type::I32,
        }
    }
}
