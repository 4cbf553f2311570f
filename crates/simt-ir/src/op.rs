//! Operations. Each says its operand types, its result types, and its meaning for one active lane.
//!
//! The meaning is exact (bit for bit) unless an operation is marked *approximate*; then the PTX ISA's documented
//! error bound is what every implementation has to keep.

use crate::tensor::TensorOp;
use crate::texture::TextureOp;
use crate::{DeviceCall, FunctionId, MatrixProduct, SpecialRegister, SymbolId, Type, Value};

/// Memory as a program addresses it. An address is always an `i64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AddressSpace {
    /// Anything: a host-sized address that may lie in global, shared or local memory.
    Generic,
    /// Device memory; the same numbers as generic addresses.
    Global,
    /// Constant memory; the same numbers as generic addresses, never written by a kernel.
    Const,
    /// The block's shared memory; the address is a byte offset from its start.
    Shared,
    /// The lane's own memory; the address is a byte offset from the start of the lane's local memory
    /// (addresses come from [`Op::SymbolAddress`] of a local symbol, and [`Op::StackAlloc`]).
    Local,
    /// Kernel parameters; the address is a byte offset into the parameter buffer.
    Param,
}

/// Rounding of a floating-point result, or of a value to an integer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are IEEE 754's")]
pub enum Rounding {
    NearestEven,
    TowardZero,
    TowardNegative,
    TowardPositive,
    /// Only in conversions: nearest, ties away from zero (`.rna`).
    NearestAway,
}

/// `result = op(a)` on integers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    /// Two's complement negation; same type.
    Neg,
    /// Bitwise complement; same type, `i1` too.
    Not,
    /// Absolute value, wrapping at the minimum; same type.
    Abs,
    /// Leading zeros; result `i32`, the width for 0.
    CountLeadingZeros,
    /// Set bits; result `i32`.
    PopCount,
    /// Bits in reverse order; same type.
    ReverseBits,
    /// Bit position of the most significant set bit; result `i32`, `0xffff_ffff` if none (`bfind.u`).
    FindMsbUnsigned,
    /// Bit position of the most significant bit that differs from the sign; result `i32`, `0xffff_ffff` if none (`bfind.s`).
    FindMsbSigned,
}

/// `result = a op b` on integers of one type; the result has that type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    /// Wrapping.
    Add,
    /// Wrapping.
    Sub,
    /// Low half of the product.
    Mul,
    /// High half of the signed product.
    MulHighSigned,
    /// High half of the unsigned product.
    MulHighUnsigned,
    /// Rounds toward zero. x / 0 = -1 (all ones); minimum / -1 = minimum. Never traps.
    DivSigned,
    /// x / 0 = all ones. Never traps.
    DivUnsigned,
    /// Sign of the dividend. x % 0 = all ones, as on the card; minimum % -1 = 0. Never traps.
    RemSigned,
    /// x % 0 = all ones, as on the card. Never traps.
    RemUnsigned,
    /// Bitwise, `i1` too.
    And,
    /// Bitwise, `i1` too.
    Or,
    /// Bitwise, `i1` too.
    Xor,
    /// `b` is an `i32`, unsigned; amounts ≥ the width give 0.
    Shl,
    /// `b` is an `i32`, unsigned; amounts ≥ the width give 0.
    ShrUnsigned,
    /// `b` is an `i32`, unsigned; amounts ≥ the width fill with the sign.
    ShrSigned,
    /// Signed minimum.
    MinSigned,
    /// Unsigned minimum.
    MinUnsigned,
    /// Signed maximum.
    MaxSigned,
    /// Unsigned maximum.
    MaxUnsigned,
    /// Signed, clamped to the type's range (`add.sat.s32`).
    AddSaturateSigned,
    /// Signed, clamped to the type's range (`sub.sat.s32`).
    SubSaturateSigned,
}

/// Comparison of integers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are their own meaning")]
pub enum IntCondition {
    Eq,
    Ne,
    LtSigned,
    LeSigned,
    GtSigned,
    GeSigned,
    LtUnsigned,
    LeUnsigned,
    GtUnsigned,
    GeUnsigned,
}

/// Comparison of floats. The plain ones are false if either side is NaN, those with `OrNan` are true then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are their own meaning")]
pub enum FloatCondition {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    EqOrNan,
    NeOrNan,
    LtOrNan,
    LeOrNan,
    GtOrNan,
    GeOrNan,
    /// Neither is NaN (`.num`).
    Ordered,
    /// Either is NaN (`.nan`).
    Unordered,
}

/// `result = op(a)` on floats; the result has the operand's type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FloatUnaryOp {
    /// Flips the sign. NaN gives the canonical NaN, but in f64 itself, made quiet.
    Neg,
    /// Clears the sign. NaN as [`FloatUnaryOp::Neg`].
    Abs,
    /// Correctly rounded square root, by the operation's rounding.
    Sqrt,
    /// Correctly rounded 1/x, by the operation's rounding.
    Rcp,
    /// To an integral value, by the operation's rounding (`cvt.rni.f32.f32` …).
    RoundToIntegral,
    /// *Approximate* 1/x: f32 within 1 ulp; f64 (`rcp.approx.ftz.f64`) within the PTX ISA's gross bound.
    RcpApprox,
    /// *Approximate* square root, f32.
    SqrtApprox,
    /// *Approximate* 1/sqrt(x): f32; f64 too.
    RsqrtApprox,
    /// *Approximate* 2^x: f32, f16, bf16.
    Ex2Approx,
    /// *Approximate* log2(x), f32.
    Lg2Approx,
    /// *Approximate* sin(x), f32.
    SinApprox,
    /// *Approximate* cos(x), f32.
    CosApprox,
    /// *Approximate* tanh(x): f32, f16, bf16.
    TanhApprox,
}

/// `result = a op b` on floats of one type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FloatBinaryOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Correctly rounded quotient.
    Div,
    /// *Approximate* quotient, f32 (`div.approx`).
    DivApprox,
    /// *Approximate* quotient over the full range, f32 (`div.full`).
    DivFull,
    /// The smaller; if one is NaN the other; -0 < +0. Both NaN: canonical NaN, f64 the first, made quiet.
    Min,
    /// The larger; if one is NaN the other; -0 < +0. Both NaN: canonical NaN, f64 the first, made quiet.
    Max,
    /// The smaller; canonical NaN (f64: the first NaN, made quiet) if either is NaN (`min.NaN`).
    MinNan,
    /// The larger; canonical NaN (f64: the first NaN, made quiet) if either is NaN (`max.NaN`).
    MaxNan,
}

/// How strong a memory operation is (PTX ISA 8, memory consistency model).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the memory model's")]
pub enum MemoryOrder {
    Weak,
    Volatile,
    Relaxed,
    Acquire,
    Release,
    AcquireRelease,
    SequentiallyConsistent,
}

/// The threads that a strong operation is ordered with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the memory model's")]
pub enum Scope {
    Block,
    Cluster,
    Device,
    System,
}

/// Read-modify-write operations. The result is the value before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AtomicOp {
    /// Integer, wrapping.
    Add,
    /// Bitwise.
    And,
    /// Bitwise.
    Or,
    /// Bitwise.
    Xor,
    /// Signed.
    MinSigned,
    /// Unsigned.
    MinUnsigned,
    /// Signed.
    MaxSigned,
    /// Unsigned.
    MaxUnsigned,
    /// Stores the operand.
    Exchange,
    /// Stores `operand` if memory equals `compare`.
    CompareExchange,
    /// `old >= operand ? 0 : old + 1`, unsigned.
    Increment,
    /// `old == 0 || old > operand ? operand : old - 1`, unsigned.
    Decrement,
    /// f16, bf16, f32, f64, rounded to nearest even; f32 flushes subnormals in global memory as the card does.
    AddFloat,
    /// f16, bf16: `min` of the memory model's float atomics.
    MinFloat,
    /// f16, bf16.
    MaxFloat,
    /// Two packed f16 in an `i32`, each added on its own.
    AddF16x2,
    /// Two packed bf16 in an `i32`, each added on its own.
    AddBF16x2,
}

/// What a block barrier does (PTX ISA 9.7.13).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BarrierKind {
    /// Arrive and wait. No result.
    Sync,
    /// Arrive, go on. No result.
    Arrive,
    /// Arrive and wait; result `i32`: number of threads whose predicate is true.
    ReducePopCount,
    /// Arrive and wait; result `i1`: true if all predicates are.
    ReduceAnd,
    /// Arrive and wait; result `i1`: true if any predicate is.
    ReduceOr,
}

/// Which lane a shuffle reads (PTX ISA 9.7.9.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum ShuffleMode {
    Up,
    Down,
    Butterfly,
    Index,
}

/// What a vote returns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum VoteMode {
    All,
    Any,
    Uniform,
    /// Result is an `i32` with a bit for each participating lane whose predicate is true.
    Ballot,
}

/// What `match` returns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MatchKind {
    /// Result `i32`: mask of participating lanes that hold the same value.
    Any,
    /// Results `i32` (the member mask if all hold the same value, else 0) and `i1` (whether they do).
    All,
}

/// Reductions across lanes (`redux.sync`). Integer ones on `i32`; float ones on `f32`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum ReduceOp {
    Add,
    And,
    Or,
    Xor,
    MinSigned,
    MinUnsigned,
    MaxSigned,
    MaxUnsigned,
    MinFloat,
    MaxFloat,
    MinFloatNan,
    MaxFloatNan,
    /// `redux.sync.min.abs`.
    MinFloatAbs,
    /// `redux.sync.max.abs`.
    MaxFloatAbs,
    /// `redux.sync.min.abs.NaN`.
    MinFloatAbsNan,
    /// `redux.sync.max.abs.NaN`.
    MaxFloatAbsNan,
}

/// Byte permutation modes of `prmt` (PTX ISA 9.7.9.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum PermuteMode {
    Generic,
    ForwardFour,
    BackwardFour,
    ReplicateByte,
    EdgeClampLeft,
    EdgeClampRight,
    ReplicateHalf,
}

/// Functions of the device runtime, called with the active lanes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RuntimeFunction {
    /// `(format: i64, arguments: i64) -> i32`, generic addresses (CUDA C++ guide, formatted output).
    Vprintf,
    /// `(message: i64, file: i64, line: i32, function: i64, character size: i64)`; does not return for the lanes that call.
    AssertFail,
    /// `(bytes: i64) -> i64`.
    Malloc,
    /// `(address: i64)`.
    Free,
    /// `(nanoseconds: i32)`; other warps may run meanwhile.
    Nanosleep,
    /// What the system answers, with the types that the list says.
    Device(DeviceCall),
}

/// An operation. Operands are listed in the order in which [`Op::operands`] gives them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "each variant documents its fields; the fields' names are those of the operands")]
pub enum Op {
    /// `-> ty`. The bits, zero-extended. `i128` constants are made by `Concat`.
    Const { ty: Type, bits: u64 },
    /// `-> register.ty()`.
    Special(SpecialRegister),
    /// `-> ty`. Reads the kernel's parameter buffer; only in kernels.
    LoadParam { ty: Type, offset: u32 },
    /// `-> i64`. In the symbol's own space (global and const: generic numbers; shared, local: offsets).
    SymbolAddress(SymbolId),
    /// `-> i64`. The device address of a function: see [`crate::function_address`].
    FunctionAddress(FunctionId),

    /// `ty -> ty` or `i32`; see [`UnaryOp`].
    Unary { op: UnaryOp, ty: Type, a: Value },
    /// `ty, ty -> ty` (shifts: `ty, i32 -> ty`).
    Binary { op: BinaryOp, ty: Type, a: Value, b: Value },
    /// `ty, ty -> i1`.
    IntCompare { condition: IntCondition, ty: Type, a: Value, b: Value },
    /// `i1, ty, ty -> ty`. `condition ? a : b`.
    Select { ty: Type, condition: Value, a: Value, b: Value },
    /// Three-input logic by truth table (`lop3`), `i32` and also `i1`-free: `ty` is `i32`.
    Lop3 { a: Value, b: Value, c: Value, table: u8 },
    /// `i32, i32, i32 -> i32`: bytes of `b:a` chosen by `selector` (`prmt`).
    Permute { mode: PermuteMode, a: Value, b: Value, selector: Value },
    /// `ty, i32, i32 -> ty` (`bfe`; of position and length the low 8 bits count, for `i64` numbers above 255 as 255).
    BitFieldExtract { ty: Type, signed: bool, a: Value, position: Value, length: Value },
    /// `ty, ty, i32, i32 -> ty`: `a` put into `b` (`bfi`; position and length as in [`Op::BitFieldExtract`]).
    BitFieldInsert { ty: Type, a: Value, b: Value, position: Value, length: Value },
    /// `i32, i32, i32 -> i32` (`shf.l`/`shf.r` of `high:low`). `clamp`: amounts > 32 count as 32, else modulo 32.
    FunnelShift { left: bool, clamp: bool, low: Value, high: Value, amount: Value },
    /// `i32, i32, i32 -> i32` (`dp4a`): c + sum of four byte products.
    DotProduct4 { a_signed: bool, b_signed: bool, a: Value, b: Value, c: Value },
    /// `i32, i32, i32 -> i32` (`dp2a`): c + two 16x8-bit products, with the high or low byte pair of b.
    DotProduct2 { a_signed: bool, b_signed: bool, high: bool, a: Value, b: Value, c: Value },
    /// `i32, i32 -> i32` (`add.s16x2`, `max.u16x2`): the operation on the low halves and on the high halves, each an `i16`. One of
    /// [`HALVES_OPS`](crate::number::variants::HALVES_OPS).
    Halves { op: BinaryOp, a: Value, b: Value },
    /// `i32, i32, i32 -> i32` (`fns`): position of the n-th set bit of `a` from `base`, or `0xffff_ffff`.
    FindNthSet { a: Value, base: Value, n: Value },

    /// Widens, `from -> to`, both integers.
    Extend { signed: bool, from: Type, to: Type, a: Value },
    /// Keeps the low bits, `from -> to`, both integers (to `i1`: bit 0).
    Truncate { from: Type, to: Type, a: Value },
    /// `ty -> ty`, an integer. The value itself. Code may hope that the active lanes hold it in progression, each by `stride` more than the
    /// lane before, and has to be right where they do not.
    Expect { ty: Type, stride: i64, a: Value },
    /// Same bits, `from -> to`, of equal width.
    Bitcast { from: Type, to: Type, a: Value },
    /// `half, half -> twice as wide` integers: low, high.
    Concat { ty: Type, low: Value, high: Value },

    /// `ty -> ty`. Subnormal inputs and results become zero of the same sign if `flush` (f32 only); then `saturate` to [0, 1]
    /// (NaN gives 0).
    FloatUnary { op: FloatUnaryOp, ty: Type, rounding: Rounding, flush: bool, saturate: bool, a: Value },
    /// `ty, ty -> ty`; flags as above.
    FloatBinary { op: FloatBinaryOp, ty: Type, rounding: Rounding, flush: bool, saturate: bool, a: Value, b: Value },
    /// `ty, ty, ty -> ty`: `a*b + c` rounded once; flags as above; `relu`: negative results and NaN become +0
    /// (NaN stays NaN canonical: PTX `fma.relu`).
    Fma { ty: Type, rounding: Rounding, flush: bool, saturate: bool, relu: bool, a: Value, b: Value, c: Value },
    /// `ty, ty -> i1`.
    FloatCompare { condition: FloatCondition, ty: Type, flush: bool, a: Value, b: Value },
    /// Integer to float.
    IntToFloat { signed: bool, rounding: Rounding, from: Type, to: Type, a: Value },
    /// Float to integer, clamped to the target's range. NaN gives 0, but only the top bit where f64 or a 64-bit target is
    /// involved, as on the card.
    FloatToInt { signed: bool, rounding: Rounding, flush: bool, from: Type, to: Type, a: Value },
    /// Between float types. `flush` concerns subnormal f32 operands (not on their way to f16) and results; `relu`: negatives
    /// to +0; `saturate` to [0, 1]. What becomes of a NaN is stated in `number/rules.rs`.
    FloatToFloat { rounding: Rounding, flush: bool, saturate: bool, relu: bool, from: Type, to: Type, a: Value },

    /// `i64, [guard i1] -> count × ty`, at `address + offset`; elements lie one behind the other, the whole is aligned to its size.
    /// Lanes whose guard is false do not access memory, and get 0.
    Load {
        space: AddressSpace,
        ty: Type,
        count: u8,
        order: MemoryOrder,
        address: Value,
        offset: i64,
        guard: Option<Value>,
    },
    /// `i64, values…, [guard i1]`.
    Store {
        space: AddressSpace,
        ty: Type,
        order: MemoryOrder,
        address: Value,
        offset: i64,
        values: Vec<Value>,
        guard: Option<Value>,
    },
    /// `i64, operand, [compare], [guard] -> ty` (the old value; no result at all if `returns` is false).
    /// Lanes of one warp that hit one address are applied in lane order.
    Atomic {
        op: AtomicOp,
        space: AddressSpace,
        ty: Type,
        order: MemoryOrder,
        scope: Scope,
        address: Value,
        offset: i64,
        operand: Value,
        compare: Option<Value>,
        guard: Option<Value>,
        returns: bool,
    },
    /// Orders memory operations.
    Fence { order: MemoryOrder, scope: Scope },
    /// `i64 -> i64`: offset or address in `space` to a generic address.
    ToGeneric { space: AddressSpace, a: Value },
    /// `i64 -> i64`: generic address to one in `space`.
    FromGeneric { space: AddressSpace, a: Value },
    /// `i64 -> i1`: whether a generic address lies in `space`.
    IsInSpace { space: AddressSpace, a: Value },
    /// `i64, i32 -> i64`: the generic address, in the shared memory of the block with this rank in the cluster, of what a generic
    /// address says in the block's own.
    MapToRank { a: Value, rank: Value },
    /// `i64 -> i32`: the rank in the cluster of the block in whose shared memory a generic address lies; no rank if in none.
    RankOf { a: Value },
    /// `-> i64`: a fresh piece of the lane's local memory, as an offset in local space. Freed when the function returns, or by
    /// [`Op::StackRestore`].
    StackAlloc { size: Value, align: u32 },
    /// `-> i64`: the current top of the stack.
    StackSave,
    /// `i64 ->`: back to an earlier top.
    StackRestore { top: Value },

    /// Barrier of the block: `id: i32, [threads: i32], [predicate: i1]`; see [`BarrierKind`] for the result.
    Barrier { kind: BarrierKind, id: Value, threads: Option<Value>, predicate: Option<Value> },
    /// Barrier of all blocks of a cluster. `arrive` without `wait`, `wait` without `arrive`, or both.
    ClusterBarrier { arrive: bool, wait: bool },
    /// Lanes in `mask` wait for each other (`bar.warp.sync`).
    WarpSync { mask: Value },
    /// `i32, i32, i32, i32 -> i32, i1` (`shfl.sync`): value, lane argument, clamp-and-segment argument, member mask.
    /// The second result says whether the source lane was in range. Lanes outside `members` are not read.
    Shuffle { mode: ShuffleMode, value: Value, lane: Value, clamp: Value, members: Value },
    /// `i1, i32 -> i1` or `i32`.
    Vote { mode: VoteMode, predicate: Value, members: Value },
    /// `ty, i32 -> i32 [, i1]`.
    Match { kind: MatchKind, ty: Type, value: Value, members: Value },
    /// `i32, i32 -> i32` (float kinds on `f32`).
    Reduce { op: ReduceOp, value: Value, members: Value },
    /// `i1 -> i1`: whether all lanes that are computed together are active, with this condition `on`. Always the same in all lanes.
    Agree { condition: Value, on: bool },
    /// `-> i32`: mask of active lanes.
    ActiveMask,
    /// `registers of A…, of B…, of C… -> of D…`: a product of matrices that all lanes of the warp hold together, see
    /// [`MatrixProduct`]. All lanes are active.
    MatrixProduct { product: MatrixProduct, a: Vec<Value>, b: Vec<Value>, c: Vec<Value> },
    /// Reads, writes or asks about a texture or surface; types of operands and results are [`TextureOp`]'s.
    Texture { op: TextureOp, operands: Vec<Value> },
    /// Moves a part of a tensor, or changes a tensor map; types of operands and results are [`TensorOp`]'s.
    Tensor { op: TensorOp, operands: Vec<Value> },
    /// `i32 -> i32, i1`: lane id of the elected leader, and whether this lane is it.
    Elect { members: Value },

    /// Calls a function of the program.
    Call { function: FunctionId, arguments: Vec<Value> },
    /// Calls through a pointer (`i64`), which may differ from lane to lane. Results have types `returns`.
    CallIndirect { target: Value, arguments: Vec<Value>, returns: Vec<Type> },
    /// Calls the device runtime.
    RuntimeCall { function: RuntimeFunction, arguments: Vec<Value> },

    /// Here an instruction of the program begins, at the operation's line. Does nothing, but can be counted.
    Mark { class: crate::instrument::InstructionClass },

    /// An instruction that is not implemented: the kernel loads, and its launch fails with this text.
    Unsupported { text: String, returns: Vec<Type> },
}
