//! `wgmma` (PTX ISA 9.7.15): products of a warpgroup, whose factors lie in shared memory.
//!
//! `wgmma.mma_async.sp` has half of A, and metadata of what is left out as `mma.sp` has them.
//!
//! A product may be complete as soon as it is issued: it is done on the spot, by each of the four warps for its own 16
//! rows, and waiting for it is nothing.

use simt_ir::{AddressSpace, Arrangement, BinaryOp, Combine, IntCondition, MatrixProduct, Sum, Type, Value};

use super::layout::{LanePlace, at, load};
use super::sparse::expand_a;
use super::{factor, multiply, registers, shape, sum, write_registers};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::instructions::memory::{constant_operand, elements};
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{Lowering, Problem};

/// Rows of a warp.
const ROWS: u32 = 16;

macro_rules! forms {
    ($sparse:literal $k:literal $rest:literal) => {
        concat!(
            "wgmma.mma_async",
            $sparse,
            ".sync.aligned.SHAPE{m64n8",
            $k,
            " m64n16",
            $k,
            " m64n24",
            $k,
            " m64n32",
            $k,
            " m64n40",
            $k,
            " m64n48",
            $k,
            " m64n56",
            $k,
            " m64n64",
            $k,
            " m64n72",
            $k,
            " m64n80",
            $k,
            " m64n88",
            $k,
            " m64n96",
            $k,
            " m64n104",
            $k,
            " m64n112",
            $k,
            " m64n120",
            $k,
            " m64n128",
            $k,
            " m64n136",
            $k,
            " m64n144",
            $k,
            " m64n152",
            $k,
            " m64n160",
            $k,
            " m64n168",
            $k,
            " m64n176",
            $k,
            " m64n184",
            $k,
            " m64n192",
            $k,
            " m64n200",
            $k,
            " m64n208",
            $k,
            " m64n216",
            $k,
            " m64n224",
            $k,
            " m64n232",
            $k,
            " m64n240",
            $k,
            " m64n248",
            $k,
            " m64n256",
            $k,
            "}",
            $rest,
            " @8.0 sm_90"
        )
    };
}

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            forms!("" "k16" ".D{f16 f32}.A{f16}.B{f16} =d:any, a:any, b:b64, scale_d:pred, #sa:s32, #sb:s32, #x:u32, #y:u32?"),
            forms!("" "k16" ".D{f32}.A{bf16}.B{bf16} =d:any, a:any, b:b64, scale_d:pred, #sa:s32, #sb:s32, #x:u32, #y:u32?"),
            forms!("" "k8" ".D{f32}.A{tf32}.B{tf32} =d:any, a:any, b:b64, scale_d:pred, #sa:s32, #sb:s32"),
            forms!("" "k32" ".D{f16 f32}.A{e4m3 e5m2}.B{e4m3 e5m2} =d:any, a:any, b:b64, scale_d:pred, #sa:s32, #sb:s32"),
            forms!("" "k32" ".satfinite?.D{s32}.A{s8 u8}.B{s8 u8} =d:any, a:any, b:b64, scale_d:pred"),
            forms!("" "k256" ".D{s32}.A{b1}.B{b1}.OP{and}.popc =d:any, a:any, b:b64, scale_d:pred"),
            forms!(".sp" "k32" ".D{f16 f32}.A{f16}.B{f16} =d:any, a:any, b:b64, e:b32, #f:u32, scale_d:pred, #sa:s32, #sb:s32, #x:u32, #y:u32?"),
            forms!(".sp" "k32" ".D{f32}.A{bf16}.B{bf16} =d:any, a:any, b:b64, e:b32, #f:u32, scale_d:pred, #sa:s32, #sb:s32, #x:u32, #y:u32?"),
            forms!(".sp" "k16" ".D{f32}.A{tf32}.B{tf32} =d:any, a:any, b:b64, e:b32, #f:u32, scale_d:pred, #sa:s32, #sb:s32"),
            forms!(".sp" "k64" ".D{f16 f32}.A{e4m3 e5m2}.B{e4m3 e5m2} =d:any, a:any, b:b64, e:b32, #f:u32, scale_d:pred, #sa:s32, #sb:s32"),
            forms!(".sp" "k64" ".satfinite?.D{s32}.A{s8 u8}.B{s8 u8} =d:any, a:any, b:b64, e:b32, #f:u32, scale_d:pred"),
        ],
        guarding: Guarding::Region,
        lower: multiply_of_warpgroup,
    },
    Declaration {
        forms: &[
            "wgmma.fence.sync.aligned @8.0 sm_90",
            "wgmma.commit_group.sync.aligned @8.0 sm_90",
            "wgmma.wait_group.sync.aligned #n:u32 @8.0 sm_90",
        ],
        guarding: Guarding::Region,
        lower: |_, _| Ok(()),
    },
];

fn multiply_of_warpgroup(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (Some([_, n, k]), Some(d)) = (shape(i.slot("SHAPE")), i.slot("D").and_then(sum)) else {
        return Problem::invalid("this product has no shape");
    };
    let (Some(a), Some(b)) = (i.slot("A").and_then(factor), i.slot("B").and_then(factor)) else {
        return Problem::invalid("this product has no types");
    };
    let combine = if i.has("popc") { Combine::AndPopCount } else { Combine::Multiply };
    let (saturate, arrangement) = (i.has("satfinite"), Arrangement::Groups);
    let product = MatrixProduct { m: ROWS, n: 8, k, a, b, c: d, d, combine, saturate, arrangement };
    let place = LanePlace::new(cx);

    let a_in_registers = matches!(i.operand("a").map(elements), Some(list) if list.len() > 1);
    // The last two numbers say whether A and B are transposed; A can only be in shared memory.
    let [x, y] = ["x", "y"].map(|name| constant_operand(i, name).unwrap_or(0) == 1);
    let (a_transposed, b_transposed) = if a_in_registers { (false, x) } else { (x, y) };
    let sparse = i.operand("e").is_some();
    let words = product.a_registers() / if sparse { 2 } else { 1 };
    let a_values = if a_in_registers {
        registers(cx, i, "a", Type::I32, words)?
    } else {
        let descriptor = cx.source_as(i, "a", ScalarType::B64)?;
        let matrix = InShared::new(cx, descriptor, a_transposed, product.a.bits());
        let row = first_row_of_warp(cx);
        let rows = [0, 8].map(|more| cx.binary_constant(BinaryOp::Add, row, more));
        (0..words as u32)
            .map(|register| matrix.register(cx, place, rows[register as usize % 2], register / 2))
            .collect()
    };
    let a_values = if sparse { expand_a(cx, i, &product, &a_values)? } else { a_values };
    let a_values = negated_if(cx, i, &product, a_values);
    let descriptor = cx.source(i, "b")?;
    let b_matrix = InShared::new(cx, descriptor, b_transposed, product.b.bits());

    let each = product.sum_registers(d);
    let count = (n / 8) as usize * each;
    let old = registers(cx, i, "d", d.register(), count)?;
    let scale = cx.source(i, "scale_d")?;
    let zero = cx.constant(d.register(), 0);
    let mut sums = Vec::new();
    for block in 0..n / 8 {
        let first = cx.word(block * 8);
        let b_values: Vec<Value> =
            (0..product.b_registers() as u32).map(|register| b_matrix.register(cx, place, first, register)).collect();
        let c: Vec<Value> =
            old[block as usize * each..][..each].iter().map(|old| cx.select(scale, *old, zero)).collect();
        sums.extend(multiply(cx, i, product, &a_values, &b_values, &c));
    }
    write_registers(cx, i, "d", &sums)
}

/// Of the 64 rows of a warpgroup, the first that the warp has.
fn first_row_of_warp(cx: &mut Lowering<'_>) -> Value {
    let warp = cx.builder.push1(simt_ir::Op::Special(simt_ir::SpecialRegister::WarpId));
    let warp = cx.binary_constant(BinaryOp::And, warp, 3);
    cx.binary_constant(BinaryOp::Mul, warp, u64::from(ROWS))
}

/// The elements of A with the sign that the two factors' scales give to the product.
fn negated_if(cx: &mut Lowering<'_>, i: &Checked<'_>, product: &MatrixProduct, values: Vec<Value>) -> Vec<Value> {
    let is_negative = |name: &str| constant_operand(i, name).is_some_and(|scale| scale as i32 == -1);
    if product.d == Sum::I32 || is_negative("sa") == is_negative("sb") {
        return values;
    }
    let bits = product.a.bits();
    let signs = (0..32 / bits).fold(0u64, |signs, part| signs | 1 << (part * bits + bits - 1));
    values.into_iter().map(|value| cx.binary_constant(BinaryOp::Xor, value, signs)).collect()
}

/// A matrix in shared memory as a descriptor describes it (PTX ISA 9.7.15.5.1): pieces of eight lines of 16 bytes, which lie one
/// after the other, or side by side in lines of 32, 64 or 128 bytes with the pieces of a line exchanged. Lines are rows of A or
/// columns of B, or, if the matrix is transposed, go across them.
struct InShared {
    start: Value,
    /// From one piece to the next along the lines, where that is not the next 16 bytes.
    leading: Value,
    /// From eight lines to the next.
    stride: Value,
    /// Swizzling: 0 none, 1 128 bytes, 2 64 bytes, 3 32 bytes.
    mode: Value,
    transposed: bool,
    bits: u32,
}

impl InShared {
    fn new(cx: &mut Lowering<'_>, descriptor: Value, transposed: bool, bits: u32) -> Self {
        let mut field = |shift: u32, width: u32| {
            let value = cx.shift_right_by(false, descriptor, shift);
            let value = cx.binary_constant(BinaryOp::And, value, (1 << width) - 1);
            cx.resize(false, Type::I32, value)
        };
        let (start, leading, stride, mode) = (field(0, 14), field(16, 14), field(32, 14), field(62, 2));
        let [start, leading, stride] = [start, leading, stride].map(|bytes| cx.shift_left_by(bytes, 4));
        Self { start, leading, stride, mode, transposed, bits }
    }

    /// A register of a factor: elements of row (or column) `first + group`, in the `column`-th register of the row.
    fn register(&self, cx: &mut Lowering<'_>, place: LanePlace, first: Value, column: u32) -> Value {
        let line = cx.binary(BinaryOp::Add, first, place.group);
        let parts = 32 / self.bits;
        let k = cx.binary_constant(BinaryOp::Mul, place.in_group, u64::from(parts));
        let k = cx.binary_constant(BinaryOp::Add, k, u64::from(column * 4 * parts));
        if !self.transposed {
            let byte = cx.binary_constant(BinaryOp::Mul, k, u64::from(self.bits));
            let byte = cx.shift_right_by(false, byte, 3);
            return self.load(cx, line, byte, Type::I32);
        }
        let element = Type::int(self.bits).unwrap_or(Type::I32);
        let elements: Vec<Value> = (0..parts)
            .map(|part| {
                let k = cx.binary_constant(BinaryOp::Add, k, u64::from(part));
                let byte = cx.binary_constant(BinaryOp::Mul, line, u64::from(self.bits / 8));
                self.load(cx, k, byte, element)
            })
            .collect();
        cx.pack(&elements)
    }

    /// The value at byte `byte` of line `line`, as the matrix lies in memory.
    fn load(&self, cx: &mut Lowering<'_>, line: Value, byte: Value, ty: Type) -> Value {
        // Without swizzling a line of a piece has 16 bytes, else 128, 64 or 32.
        let zero = cx.word(0);
        let plain = cx.compare(IntCondition::Eq, self.mode, zero);
        let (four, eight) = (cx.word(4), cx.word(8));
        let swizzled_shift = cx.binary(BinaryOp::Sub, eight, self.mode);
        let line_shift = cx.select(plain, four, swizzled_shift);
        let one = cx.word(1);
        let line_bytes = cx.binary(BinaryOp::Shl, one, line_shift);
        let last = cx.binary_constant(BinaryOp::Sub, line_bytes, 1);

        let (line_block, in_block) = (cx.shift_right_by(false, line, 3), cx.binary_constant(BinaryOp::And, line, 7));
        let (byte_block, in_line) =
            (cx.binary(BinaryOp::ShrUnsigned, byte, line_shift), cx.binary(BinaryOp::And, byte, last));
        // Across lines the stride counts, along them the leading dimension; transposed and plain the other way round.
        let exchanged = if self.transposed { plain } else { cx.constant(Type::I1, 0) };
        let across = cx.select(exchanged, self.leading, self.stride);
        let along = cx.select(exchanged, self.stride, self.leading);
        let terms = [
            cx.binary(BinaryOp::Mul, line_block, across),
            cx.binary(BinaryOp::Mul, byte_block, along),
            cx.binary(BinaryOp::Shl, in_block, line_shift),
            in_line,
        ];
        let address = terms.into_iter().fold(self.start, |sum, term| cx.binary(BinaryOp::Add, sum, term));
        let address = self.swizzled(cx, address, plain);
        let address = cx.resize(false, Type::I64, address);
        load(cx, at(AddressSpace::Shared, address), ty)
    }

    /// The 16-byte pieces of a line are exchanged by the low bits of the number of its 128 bytes.
    fn swizzled(&self, cx: &mut Lowering<'_>, address: Value, plain: Value) -> Value {
        // Three, two, or one bit.
        let eight = cx.word(8);
        let pieces = cx.binary(BinaryOp::ShrUnsigned, eight, self.mode);
        let mask = cx.binary_constant(BinaryOp::Mul, pieces, 2);
        let mask = cx.binary_constant(BinaryOp::Sub, mask, 1);
        let number = cx.shift_right_by(false, address, 7);
        let number = cx.binary(BinaryOp::And, number, mask);
        let exchange = cx.shift_left_by(number, 4);
        let zero = cx.word(0);
        let exchange = cx.select(plain, zero, exchange);
        cx.binary(BinaryOp::Xor, address, exchange)
    }
}
