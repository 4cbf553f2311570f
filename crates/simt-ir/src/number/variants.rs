//! Every variant of the small enums that operations carry, in declaration order.
//!
//! [`super::encode`] numbers them by this order, and generators of random programs choose from them.

use crate::{
    AtomicOp, BinaryOp, FloatBinaryOp, FloatCondition, FloatUnaryOp, IntCondition, PermuteMode, ReduceOp, Rounding,
    Type, UnaryOp,
};

/// Declares a list of variants; a variant that is missing from it, or out of order, does not compile.
macro_rules! list {
    ($(#[$doc:meta])* $name:ident: $ty:ident = $($variant:ident)*) => {
        $(#[$doc])*
        pub const $name: &[$ty] = &[$($ty::$variant),*];
        const _: fn($ty) = |value| match value { $($ty::$variant => {})* };
        const _: () = {
            let mut index = 0;
            while index < $name.len() {
                assert!($name[index] as usize == index, "the list is in declaration order");
                index += 1;
            }
        };
    };
}

list! {
    /// All types.
    TYPES: Type = I1 I8 I16 I32 I64 I128 F16 BF16 F32 F64
}
list! {
    /// All roundings.
    ROUNDINGS: Rounding = NearestEven TowardZero TowardNegative TowardPositive NearestAway
}
list! {
    /// All integer operations on one operand.
    UNARY_OPS: UnaryOp = Neg Not Abs CountLeadingZeros PopCount ReverseBits FindMsbUnsigned FindMsbSigned
}
list! {
    /// All integer operations on two operands.
    BINARY_OPS: BinaryOp = Add Sub Mul MulHighSigned MulHighUnsigned DivSigned DivUnsigned RemSigned RemUnsigned And Or
        Xor Shl ShrUnsigned ShrSigned MinSigned MinUnsigned MaxSigned MaxUnsigned AddSaturateSigned SubSaturateSigned
}
/// The operations that there are on halves of words ([`Op::Halves`](crate::Op::Halves)).
pub const HALVES_OPS: &[BinaryOp] = &[
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::MinSigned,
    BinaryOp::MinUnsigned,
    BinaryOp::MaxSigned,
    BinaryOp::MaxUnsigned,
];

list! {
    /// All comparisons of integers.
    INT_CONDITIONS: IntCondition = Eq Ne LtSigned LeSigned GtSigned GeSigned LtUnsigned LeUnsigned GtUnsigned GeUnsigned
}
list! {
    /// All comparisons of floats.
    FLOAT_CONDITIONS: FloatCondition = Eq Ne Lt Le Gt Ge EqOrNan NeOrNan LtOrNan LeOrNan GtOrNan GeOrNan Ordered Unordered
}
list! {
    /// All float operations on one operand.
    FLOAT_UNARY_OPS: FloatUnaryOp = Neg Abs Sqrt Rcp RoundToIntegral RcpApprox SqrtApprox RsqrtApprox Ex2Approx Lg2Approx
        SinApprox CosApprox TanhApprox
}
list! {
    /// All float operations on two operands.
    FLOAT_BINARY_OPS: FloatBinaryOp = Add Sub Mul Div DivApprox DivFull Min Max MinNan MaxNan
}
list! {
    /// All byte permutations.
    PERMUTE_MODES: PermuteMode = Generic ForwardFour BackwardFour ReplicateByte EdgeClampLeft EdgeClampRight ReplicateHalf
}
list! {
    /// All read-modify-write operations.
    ATOMIC_OPS: AtomicOp = Add And Or Xor MinSigned MinUnsigned MaxSigned MaxUnsigned Exchange CompareExchange Increment
        Decrement AddFloat MinFloat MaxFloat AddF16x2 AddBF16x2
}
list! {
    /// All reductions across lanes.
    REDUCE_OPS: ReduceOp = Add And Or Xor MinSigned MinUnsigned MaxSigned MaxUnsigned MinFloat MaxFloat MinFloatNan
        MaxFloatNan MinFloatAbs MaxFloatAbs MinFloatAbsNan MaxFloatAbsNan
}
