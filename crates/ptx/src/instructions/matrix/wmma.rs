//! `wmma` (PTX ISA 9.7.14.4): matrices of 16 rows or columns, made of those that `mma` takes.
//!
//! Who holds which element of such a fragment is for the implementation to say. Here a fragment is the registers of the
//! smaller matrices one after the other, by columns of blocks; where PTX has more registers than that, the first ones are repeated.

use simt_ir::{Arrangement, BinaryOp, Combine, Factor, MatrixProduct, Sum, Type, Value};

use super::layout::{InMemory, LanePlace, load, number, store};
use super::{factor, multiply, register_of, registers, shape, sum, write_registers};
use crate::check::Checked;
use crate::instructions::memory::{bracketed, elements, target};
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "wmma.load.M{a b}.sync.aligned.LAYOUT{row col}.SHAPE{m16n16k16 m8n32k16 m32n8k16}\
             .SPACE{global shared shared::cta}?.T{f16 s8 u8} =r:any, [p], stride:b32? @6.0 sm_70",
            "wmma.load.M{a b}.sync.aligned.LAYOUT{row col}.SHAPE{m16n16k16 m8n32k16 m32n8k16}\
             .SPACE{global shared shared::cta}?.T{bf16} =r:any, [p], stride:b32? @7.0 sm_80",
            "wmma.load.M{a b}.sync.aligned.LAYOUT{row col}.SHAPE{m16n16k8}\
             .SPACE{global shared shared::cta}?.T{tf32} =r:any, [p], stride:b32? @7.0 sm_80",
            "wmma.load.M{a b}.sync.aligned.LAYOUT{row col}.SHAPE{m8n8k4}\
             .SPACE{global shared shared::cta}?.T{f64} =r:any, [p], stride:b32? @7.0 sm_80",
            "wmma.load.M{a b}.sync.aligned.LAYOUT{row col}.SHAPE{m8n8k32}\
             .SPACE{global shared shared::cta}?.T{s4 u4} =r:any, [p], stride:b32? @6.3 sm_75",
            "wmma.load.M{a b}.sync.aligned.LAYOUT{row col}.SHAPE{m8n8k128}\
             .SPACE{global shared shared::cta}?.T{b1} =r:any, [p], stride:b32? @6.3 sm_75",
        ],
        guarding: Guarding::Region,
        lower: load_factor,
    },
    Declaration {
        forms: &[
            "wmma.load.c.sync.aligned.LAYOUT{row col}.SHAPE{m16n16k16 m8n32k16 m32n8k16 m16n16k8 m8n8k4 m8n8k32 m8n8k128}\
             .SPACE{global shared shared::cta}?.T{f16 f32 s32 f64} =r:any, [p], stride:b32? @6.0 sm_70",
        ],
        guarding: Guarding::Region,
        lower: load_sums,
    },
    Declaration {
        forms: &[
            "wmma.store.d.sync.aligned.LAYOUT{row col}.SHAPE{m16n16k16 m8n32k16 m32n8k16 m16n16k8 m8n8k4 m8n8k32 m8n8k128}\
             .SPACE{global shared shared::cta}?.T{f16 f32 s32 f64} [p], r:any, stride:b32? @6.0 sm_70",
        ],
        guarding: Guarding::Region,
        lower: store_sums,
    },
    Declaration {
        forms: &[
            "wmma.mma.sync.aligned.AL{row col}.BL{row col}.SHAPE{m16n16k16 m8n32k16 m32n8k16}.D{f16 f32}.C{f16 f32}\
             .satfinite? =d:any, a:any, b:any, c:any @6.0 sm_70",
            "wmma.mma.sync.aligned.AL{row col}.BL{row col}.SHAPE{m16n16k16 m8n32k16 m32n8k16}.D{s32}.A{s8 u8}.B{s8 u8}\
             .C{s32}.satfinite? =d:any, a:any, b:any, c:any @6.3 sm_72",
            "wmma.mma.sync.aligned.AL{row col}.BL{row col}.SHAPE{m16n16k16 m8n32k16 m32n8k16}.D{f32}.A{bf16}.B{bf16}\
             .C{f32} =d:any, a:any, b:any, c:any @7.0 sm_80",
            "wmma.mma.sync.aligned.AL{row col}.BL{row col}.SHAPE{m16n16k8}.D{f32}.A{tf32}.B{tf32}.C{f32} \
             =d:any, a:any, b:any, c:any @7.0 sm_80",
            "wmma.mma.sync.aligned.AL{row col}.BL{row col}.SHAPE{m8n8k4}.RND?.D{f64}.A{f64}.B{f64}.C{f64} \
             =d:any, a:any, b:any, c:any @7.0 sm_80",
            "wmma.mma.sync.aligned.AL{row}.BL{col}.SHAPE{m8n8k32}.D{s32}.A{s4 u4}.B{s4 u4}.C{s32}.satfinite? \
             =d:any, a:any, b:any, c:any @6.3 sm_75",
            "wmma.mma.OP{xor and}.popc.sync.aligned.AL{row}.BL{col}.SHAPE{m8n8k128}.D{s32}.A{b1}.B{b1}.C{s32} \
             =d:any, a:any, b:any, c:any @6.3 sm_75",
        ],
        guarding: Guarding::Region,
        lower: multiply_fragments,
    },
];

/// A matrix product, and how many smaller ones make it.
struct Blocks {
    /// The smaller product.
    each: MatrixProduct,
    /// How many below each other.
    rows: u32,
    /// How many beside each other.
    columns: u32,
}

impl Blocks {
    fn new(i: &Checked<'_>, a: Factor, b: Factor, c: Sum, d: Sum) -> Result<Self, Problem> {
        let Some([m, n, k]) = shape(i.slot("SHAPE")) else { return Problem::invalid("this product has no shape") };
        let combine = match i.slot("OP") {
            Some("xor") => Combine::XorPopCount,
            Some(_) => Combine::AndPopCount,
            None => Combine::Multiply,
        };
        let saturate = i.has("satfinite") && d == Sum::I32;
        let (block_rows, n_block) = (m.min(16), 8);
        let arrangement = Arrangement::Groups;
        let each = MatrixProduct { m: block_rows, n: n_block, k, a, b, c, d, combine, saturate, arrangement };
        Ok(Self { each, rows: m / block_rows, columns: n / n_block })
    }

    /// Of a matrix that is looked at alone; what is not said of the others does not matter.
    fn of_matrix(i: &Checked<'_>, factor: Factor, sum: Sum) -> Result<Self, Problem> {
        Self::new(i, factor, factor, sum, sum)
    }
}

/// Registers that PTX gives to a fragment whose elements take `needed`.
fn fragment_registers(factor: Factor, needed: usize) -> usize {
    if factor == Factor::F16 { 8 } else { needed }
}

/// The matrix in memory that an instruction names; `line` is the length of a line where no stride is given.
fn in_memory(cx: &mut Lowering<'_>, i: &Checked<'_>, bits: u32, line: u32) -> Result<InMemory, Problem> {
    let target = target(cx, i.slot("SPACE"), bracketed(i, "p")?)?;
    let stride = match i.operand("stride") {
        Some(_) => cx.source(i, "stride")?,
        None => cx.word(line),
    };
    Ok(InMemory { target, stride: cx.resize(false, Type::I64, stride), bits })
}

fn load_factor(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let Some(factor) = i.slot("T").and_then(factor) else { return Problem::invalid("a matrix has a type") };
    let blocks = Blocks::of_matrix(i, factor, Sum::F32)?;
    let is_a = i.slot("M") == Some("a");
    let by_rows = i.slot("LAYOUT") == Some("row");
    let MatrixProduct { m, n, k, .. } = blocks.each;
    // Lines of A are its rows, and of B its columns, if the elements that are multiplied together lie one behind the other.
    let along_k = is_a == by_rows;
    let across = if is_a { m * blocks.rows } else { n * blocks.columns };
    let memory = in_memory(cx, i, factor.bits(), if along_k { k } else { across })?;
    let place = LanePlace::new(cx);
    let (count, lines) = if is_a { (blocks.rows, m) } else { (blocks.columns, n) };
    let mut values = Vec::new();
    for block in 0..count {
        let registers = if is_a { blocks.each.a_registers() } else { blocks.each.b_registers() } as u32;
        for register in 0..registers {
            // A register of A may be of the lower eight rows.
            let first_line = block * lines + register % (lines / 8) * 8;
            let first_k = register / (lines / 8) * 4 * factor.in_register();
            let line = number(cx, place.group, 1, first_line);
            values.push(load_register(cx, &memory, factor, line, place.in_group, first_k, along_k));
        }
    }
    let wanted = fragment_registers(factor, values.len());
    let repeated: Vec<Value> = values.iter().copied().cycle().take(wanted).collect();
    write_registers(cx, i, "r", &repeated)
}

/// One register of a factor: its elements are in one line, or each in another one.
fn load_register(
    cx: &mut Lowering<'_>,
    memory: &InMemory,
    factor: Factor,
    line: Value,
    in_group: Value,
    first_k: u32,
    along_k: bool,
) -> Value {
    let parts = factor.in_register();
    if along_k || parts == 1 {
        let k = number(cx, in_group, parts, first_k);
        let (line, column) = if along_k { (line, k) } else { (k, line) };
        let from = memory.address(cx, line, column);
        return load(cx, from, factor.register());
    }
    let element = Type::int(factor.bits()).unwrap_or(Type::I8);
    let parts: Vec<Value> = (0..parts)
        .map(|part| {
            let k = number(cx, in_group, parts, first_k + part);
            let from = memory.address(cx, k, line);
            load(cx, from, element)
        })
        .collect();
    cx.pack(&parts)
}

/// Calls `visit` for each register of sums with the row and the column of its first element, as `i64`.
fn for_each_sum(
    cx: &mut Lowering<'_>,
    blocks: &Blocks,
    sum: Sum,
    mut visit: impl FnMut(&mut Lowering<'_>, usize, Value, Value),
) {
    let place = LanePlace::new(cx);
    let registers = blocks.each.sum_registers(sum) as u32;
    let mut index = 0;
    for block in 0..blocks.rows * blocks.columns {
        let (block_column, block_row) = (block / blocks.rows, block % blocks.rows);
        for register in 0..registers {
            let (row, column) = if sum == Sum::F16 { (register, 0) } else { (register / 2, register % 2) };
            let row = number(cx, place.group, 1, block_row * blocks.each.m + row * 8);
            let column = number(cx, place.in_group, 2, block_column * blocks.each.n + column);
            visit(cx, index, row, column);
            index += 1;
        }
    }
}

/// The blocks, the type and the place in memory of the sums that an instruction moves, and whether they lie there by rows.
fn sums_of(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(Blocks, Sum, InMemory, bool), Problem> {
    let Some(sum) = i.slot("T").and_then(sum) else { return Problem::invalid("a matrix has a type") };
    let blocks = Blocks::of_matrix(i, Factor::F16, sum)?;
    let by_rows = i.slot("LAYOUT") == Some("row");
    let line = if by_rows { blocks.each.n * blocks.columns } else { blocks.each.m * blocks.rows };
    let memory = in_memory(cx, i, sum.register().bits() / sum.in_register(), line)?;
    Ok((blocks, sum, memory, by_rows))
}

fn load_sums(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (blocks, sum, memory, by_rows) = sums_of(cx, i)?;
    let mut values = Vec::new();
    for_each_sum(cx, &blocks, sum, |cx, _, row, column| {
        let [first, second] = pair(cx, &memory, row, column, by_rows);
        values.push(match (sum, by_rows) {
            (Sum::F16, true) => load(cx, first, Type::I32),
            (Sum::F16, false) => {
                let parts = [load(cx, first, Type::I16), load(cx, second, Type::I16)];
                cx.pack(&parts)
            }
            _ => load(cx, first, sum.register()),
        });
    });
    write_registers(cx, i, "r", &values)
}

fn store_sums(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (blocks, sum, memory, by_rows) = sums_of(cx, i)?;
    let count = blocks.each.sum_registers(sum) * (blocks.rows * blocks.columns) as usize;
    let values = registers(cx, i, "r", sum.register(), count)?;
    for_each_sum(cx, &blocks, sum, |cx, index, row, column| {
        let [first, second] = pair(cx, &memory, row, column, by_rows);
        let value = values[index];
        match (sum, by_rows) {
            (Sum::F16, true) => store(cx, first, Type::I32, value),
            (Sum::F16, false) => {
                let parts = cx.unpack(value, 2);
                store(cx, first, Type::I16, parts[0]);
                store(cx, second, Type::I16, parts[1]);
            }
            _ => store(cx, first, sum.register(), value),
        }
    });
    Ok(())
}

/// The addresses of an element and of its right neighbour.
fn pair(
    cx: &mut Lowering<'_>,
    memory: &InMemory,
    row: Value,
    column: Value,
    by_rows: bool,
) -> [crate::instructions::memory::Target; 2] {
    let next = cx.binary_constant(BinaryOp::Add, column, 1);
    [column, next].map(|column| match by_rows {
        true => memory.address(cx, row, column),
        false => memory.address(cx, column, row),
    })
}

fn multiply_fragments(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let of = |slot: &str| i.slot(slot).and_then(factor).unwrap_or(Factor::F16);
    let (Some(c), Some(d)) = (i.slot("C").and_then(sum), i.slot("D").and_then(sum)) else {
        return Problem::invalid("a product has a type");
    };
    let blocks = Blocks::new(i, of("A"), of("B"), c, d)?;
    let each = blocks.each;
    let (rows, columns) = (blocks.rows as usize, blocks.columns as usize);
    let [a_count, b_count, c_count] = [each.a_registers(), each.b_registers(), each.sum_registers(c)];
    let a = fragment(cx, i, "a", each.a, rows * a_count)?;
    let b = fragment(cx, i, "b", each.b, columns * b_count)?;
    let c = registers(cx, i, "c", c.register(), rows * columns * c_count)?;
    let mut sums = Vec::new();
    for block in 0..rows * columns {
        let (column, row) = (block / rows, block % rows);
        let a = &a[row * a_count..][..a_count];
        let b = &b[column * b_count..][..b_count];
        sums.extend(multiply(cx, i, each, a, b, &c[block * c_count..][..c_count]));
    }
    write_registers(cx, i, "d", &sums)
}

/// The registers of a factor that hold something of their own.
fn fragment(
    cx: &mut Lowering<'_>,
    i: &Checked<'_>,
    name: &str,
    factor: Factor,
    needed: usize,
) -> Result<Vec<Value>, Problem> {
    let list = i.operand(name).map(elements).unwrap_or_default();
    let wanted = fragment_registers(factor, needed);
    if list.len() != wanted {
        return Problem::invalid(format!("operand `{name}` has {} registers, expected {wanted}", list.len()));
    }
    list[..needed].iter().map(|element| cx.value(element, register_of(factor.register()))).collect()
}
