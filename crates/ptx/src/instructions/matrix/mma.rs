//! `mma` (PTX ISA 9.7.14.5).

use simt_ir::{Arrangement, Combine, MatrixProduct};

use super::{factor, multiply, registers, shape, sum, write_registers};
use crate::check::Checked;
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[Declaration {
    forms: &[
        "mma.sync.aligned.SHAPE{m8n8k4}.AL{row col}.BL{row col}.D{f16 f32}.A{f16}.B{f16}.C{f16 f32} \
         =d:any, a:any, b:any, c:any @6.4 sm_70",
        "mma.sync.aligned.SHAPE{m16n8k8}.row.col.D{f16 f32}.A{f16}.B{f16}.C{f16 f32} \
         =d:any, a:any, b:any, c:any @6.5 sm_75",
        "mma.sync.aligned.SHAPE{m16n8k16}.row.col.D{f16 f32}.A{f16}.B{f16}.C{f16 f32} \
         =d:any, a:any, b:any, c:any @7.0 sm_80",
        "mma.sync.aligned.SHAPE{m16n8k8 m16n8k16}.row.col.D{f32}.A{bf16}.B{bf16}.C{f32} \
         =d:any, a:any, b:any, c:any @7.0 sm_80",
        "mma.sync.aligned.SHAPE{m16n8k4 m16n8k8}.row.col.D{f32}.A{tf32}.B{tf32}.C{f32} \
         =d:any, a:any, b:any, c:any @7.0 sm_80",
        "mma.sync.aligned.SHAPE{m8n8k4}.row.col.RND?.D{f64}.A{f64}.B{f64}.C{f64} =d:any, a:any, b:any, c:any @7.0 sm_80",
        "mma.sync.aligned.SHAPE{m16n8k4 m16n8k8 m16n8k16}.row.col.RND?.D{f64}.A{f64}.B{f64}.C{f64} \
         =d:any, a:any, b:any, c:any @7.8 sm_90",
        "mma.sync.aligned.SHAPE{m16n8k16 m16n8k32}.row.col.D{f16 f32}.A{e4m3 e5m2}.B{e4m3 e5m2}.C{f16 f32} \
         =d:any, a:any, b:any, c:any @8.4 sm_89",
        "mma.sync.aligned.SHAPE{m16n8k32}.row.col.kind::f8f6f4.D{f16 f32}.A{e4m3 e5m2 e3m2 e2m3 e2m1}\
         .B{e4m3 e5m2 e3m2 e2m3 e2m1}.C{f16 f32} =d:any, a:any, b:any, c:any @8.7 sm_120",
        "mma.sync.aligned.SHAPE{m8n8k16}.row.col.satfinite?.D{s32}.A{u8 s8}.B{u8 s8}.C{s32} \
         =d:any, a:any, b:any, c:any @6.5 sm_75",
        "mma.sync.aligned.SHAPE{m16n8k16 m16n8k32}.row.col.satfinite?.D{s32}.A{u8 s8}.B{u8 s8}.C{s32} \
         =d:any, a:any, b:any, c:any @7.0 sm_80",
        "mma.sync.aligned.SHAPE{m8n8k32}.row.col.satfinite?.D{s32}.A{u4 s4}.B{u4 s4}.C{s32} \
         =d:any, a:any, b:any, c:any @6.5 sm_75",
        "mma.sync.aligned.SHAPE{m16n8k32 m16n8k64}.row.col.satfinite?.D{s32}.A{u4 s4}.B{u4 s4}.C{s32} \
         =d:any, a:any, b:any, c:any @7.0 sm_80",
        "mma.sync.aligned.SHAPE{m8n8k128 m16n8k128 m16n8k256}.row.col.D{s32}.A{b1}.B{b1}.C{s32}.OP{xor and}.popc \
         =d:any, a:any, b:any, c:any @7.0 sm_75",
    ],
    guarding: Guarding::Region,
    lower: mma,
}];

/// The product that the modifiers state.
pub(super) fn product(i: &Checked<'_>) -> Option<MatrixProduct> {
    let [m, n, k] = shape(i.slot("SHAPE"))?;
    let by_rows = |slot: &str| i.slot(slot) == Some("row");
    let arrangement = match i.slot("AL") {
        Some(_) => Arrangement::QuadPairs { a_by_rows: by_rows("AL"), b_by_rows: by_rows("BL") },
        None => Arrangement::Groups,
    };
    let combine = match i.slot("OP") {
        Some("xor") => Combine::XorPopCount,
        Some(_) => Combine::AndPopCount,
        None => Combine::Multiply,
    };
    Some(MatrixProduct {
        m,
        n,
        k,
        a: factor(i.slot("A")?)?,
        b: factor(i.slot("B")?)?,
        c: sum(i.slot("C")?)?,
        d: sum(i.slot("D")?)?,
        combine,
        saturate: i.has("satfinite"),
        arrangement,
    })
}

fn mma(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let Some(product) = product(i) else { return Problem::invalid("this product has no shape") };
    let a = registers(cx, i, "a", product.a.register(), product.a_registers())?;
    let b = registers(cx, i, "b", product.b.register(), product.b_registers())?;
    let c = registers(cx, i, "c", product.c.register(), product.sum_registers(product.c))?;
    let d = multiply(cx, i, product, &a, &b, &c);
    write_registers(cx, i, "d", &d)
}
