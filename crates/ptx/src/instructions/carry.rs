//! Extended-precision arithmetic (PTX ISA 9.7.2). The carry flag `CC.CF` is one bit a lane.
//!
//! After a subtraction the flag is 1 if nothing was borrowed, as in the machine, where `a - b` is `a + !b + 1`.

use simt_ir::{BinaryOp, IntCondition, UnaryOp, Value};

use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &["add.cc.T{u32 s32 u64 s64} =d:T, a:T, b:T", "addc.cc?.T{u32 s32 u64 s64} =d:T, a:T, b:T"],
        guarding: Guarding::Select,
        lower: add,
    },
    Declaration {
        forms: &["sub.cc.T{u32 s32 u64 s64} =d:T, a:T, b:T", "subc.cc?.T{u32 s32 u64 s64} =d:T, a:T, b:T"],
        guarding: Guarding::Select,
        lower: sub,
    },
    Declaration {
        forms: &[
            "mad.MODE{lo hi}.cc.T{u32 s32 u64 s64} =d:T, a:T, b:T, c:T",
            "madc.MODE{lo hi}.cc?.T{u32 s32 u64 s64} =d:T, a:T, b:T, c:T",
        ],
        guarding: Guarding::Select,
        lower: mad,
    },
];

/// Whether the instruction adds the flag: `addc`, `subc`, `madc`.
fn takes_carry(i: &Checked<'_>) -> bool {
    i.resolved.source.opcode().ends_with('c')
}

/// `a + b`, with the flag if the instruction takes it; sets the flag if it says so.
fn sum(cx: &mut Lowering<'_>, i: &Checked<'_>, a: Value, b: Value) -> Value {
    let mut sum = cx.binary(BinaryOp::Add, a, b);
    let mut carry = None;
    if i.has("cc") {
        carry = Some(cx.compare(IntCondition::LtUnsigned, sum, a));
    }
    if takes_carry(i) {
        let old = cx.carry();
        let old = cx.resize(false, cx.ty(sum), old);
        let with_carry = cx.binary(BinaryOp::Add, sum, old);
        if let Some(first) = carry {
            let second = cx.compare(IntCondition::LtUnsigned, with_carry, sum);
            carry = Some(cx.binary(BinaryOp::Or, first, second));
        }
        sum = with_carry;
    }
    if let Some(carry) = carry {
        cx.set_carry(carry);
    }
    sum
}

fn add(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let d = sum(cx, i, a, b);
    cx.write(i, "d", d)
}

/// `a - b`, less the borrow if the instruction takes it. The flag is that of `a + !b + 1`, as in the machine: set if nothing
/// was borrowed. Programs see that: the code that NVIDIA's compiler makes for 128-bit division reads a borrow with `addc`.
fn sub(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b) = (cx.source(i, "a")?, cx.source(i, "b")?);
    let mut d = cx.binary(BinaryOp::Sub, a, b);
    let mut borrow = i.has("cc").then(|| cx.compare(IntCondition::LtUnsigned, a, b));
    if takes_carry(i) {
        let flag = cx.carry();
        let old = cx.builder.unary(UnaryOp::Not, flag);
        let old = cx.resize(false, cx.ty(d), old);
        if let Some(first) = borrow {
            let second = cx.compare(IntCondition::LtUnsigned, d, old);
            borrow = Some(cx.binary(BinaryOp::Or, first, second));
        }
        d = cx.binary(BinaryOp::Sub, d, old);
    }
    if let Some(borrow) = borrow {
        let flag = cx.builder.unary(UnaryOp::Not, borrow);
        cx.set_carry(flag);
    }
    cx.write(i, "d", d)
}

fn mad(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (a, b, c) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let op = match (i.has("hi"), i.ty("T").is_signed()) {
        (false, _) => BinaryOp::Mul,
        (true, true) => BinaryOp::MulHighSigned,
        (true, false) => BinaryOp::MulHighUnsigned,
    };
    let product = cx.binary(op, a, b);
    let d = sum(cx, i, product, c);
    cx.write(i, "d", d)
}
