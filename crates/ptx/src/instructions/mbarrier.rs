//! `mbarrier` objects (PTX ISA 9.7.13.15).
//!
//! The manual leaves the layout of the 64-bit object open. Here: bits 0–19 count the arrivals that are still missing in
//! this phase, bits 20–39 those that the next phase will want, bits 40–61 are the transactions that are missing (two's
//! complement), and bit 63 is the parity of the phase. Every change is one compare-and-swap. The *state* that an arrival
//! returns is the object before it.

use simt_ir::{AtomicOp, BinaryOp, IntCondition, MemoryOrder, Op, RuntimeFunction, Scope, Type, Value};

use super::memory::{Target, bracketed, target};
use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

const COUNT_BITS: u32 = 20;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
const EXPECTED_AT: u32 = 20;
const TRANSACTIONS_AT: u32 = 40;
const TRANSACTIONS_MASK: u64 = (1 << 22) - 1;
const PARITY_AT: u32 = 63;

/// How long a waiting warp sleeps before it looks again, in nanoseconds.
const WAIT_NANOSECONDS: u32 = 20;

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "mbarrier.init.SPACE{shared shared::cta}?.b64 [a], count:u32 @7.0 sm_80",
            "mbarrier.inval.SPACE{shared shared::cta}?.b64 [a] @7.0 sm_80",
        ],
        guarding: Guarding::Region,
        lower: init,
    },
    Declaration {
        forms: &[
            "mbarrier.ACTION{arrive arrive_drop}.ORDER{release relaxed}?.SCOPE{cta cluster}?\
             .SPACE{shared shared::cta shared::cluster}?.b64 =s:b64, [a], count:u32? @7.0 sm_80",
            "mbarrier.ACTION{arrive arrive_drop}.noComplete.ORDER{release relaxed}?.SCOPE{cta cluster}?\
             .SPACE{shared shared::cta}?.b64 =s:b64, [a], count:u32 @7.0 sm_80",
            "mbarrier.ACTION{arrive arrive_drop}.expect_tx.ORDER{release relaxed}?.SCOPE{cta cluster}?\
             .SPACE{shared shared::cta shared::cluster}?.b64 =s:b64, [a], bytes:u32 @8.0 sm_90",
            "mbarrier.ACTION{expect_tx complete_tx}.ORDER{relaxed}?.SCOPE{cta cluster}?\
             .SPACE{shared shared::cta shared::cluster}?.b64 [a], bytes:u32 @8.0 sm_90",
        ],
        guarding: Guarding::Region,
        lower: arrive,
    },
    Declaration {
        forms: &[
            "mbarrier.ACTION{test_wait try_wait}.ORDER{acquire relaxed}?.SCOPE{cta cluster}?\
             .SPACE{shared shared::cta}?.b64 =p:pred, [a], state:b64, hint:u32? @7.0 sm_80",
            "mbarrier.ACTION{test_wait try_wait}.parity.ORDER{acquire relaxed}?.SCOPE{cta cluster}?\
             .SPACE{shared shared::cta}?.b64 =p:pred, [a], phase:u32, hint:u32? @7.1 sm_80",
        ],
        guarding: Guarding::Region,
        lower: wait,
    },
    Declaration {
        forms: &["mbarrier.pending_count.b64 =d:u32, state:b64 @7.0 sm_80"],
        guarding: Guarding::Select,
        lower: pending_count,
    },
    Declaration {
        forms: &["cp.async.mbarrier.arrive.noinc?.SPACE{shared shared::cta}?.b64 [a] @7.0 sm_80"],
        guarding: Guarding::Region,
        lower: copy_arrive,
    },
];

/// What changes an object.
struct Change {
    /// Arrivals, an `i64`.
    arrivals: Value,
    /// Transactions that become missing, an `i64`.
    transactions: Value,
    /// Whether the arrivals are not wanted in later phases.
    drop: bool,
}

fn init(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let Target { space, address, offset } = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let object = if i.operand("count").is_some() {
        let count = cx.source(i, "count")?;
        let count = cx.resize(false, Type::I64, count);
        let count = cx.binary_constant(BinaryOp::And, count, COUNT_MASK);
        let expected = cx.shift_left_by(count, EXPECTED_AT);
        cx.binary(BinaryOp::Or, expected, count)
    } else {
        cx.constant(Type::I64, 0)
    };
    let (ty, order, values) = (Type::I64, MemoryOrder::Weak, vec![object]);
    cx.builder.push(Op::Store { space, ty, order, address, offset, values, guard: None });
    Ok(())
}

fn arrive(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let place = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let arrives = matches!(i.slot("ACTION"), Some("arrive" | "arrive_drop"));
    let arrivals = if i.operand("count").is_some() {
        let count = cx.source(i, "count")?;
        cx.resize(false, Type::I64, count)
    } else {
        cx.constant(Type::I64, u64::from(arrives))
    };
    let mut transactions = cx.constant(Type::I64, 0);
    if i.operand("bytes").is_some() {
        let bytes = cx.source(i, "bytes")?;
        transactions = cx.resize(false, Type::I64, bytes);
        if i.slot("ACTION") == Some("complete_tx") {
            transactions = cx.builder.unary(simt_ir::UnaryOp::Neg, transactions);
        }
    }
    let drop = i.slot("ACTION") == Some("arrive_drop");
    let state = update(cx, &place, &Change { arrivals, transactions, drop });
    cx.write(i, "s", state)
}

/// States that `bytes` (an `i32`) of an asynchronous copy have arrived.
pub(super) fn complete_transactions(cx: &mut Lowering<'_>, place: &Target, bytes: Value) {
    let bytes = cx.resize(false, Type::I64, bytes);
    let transactions = cx.builder.unary(simt_ir::UnaryOp::Neg, bytes);
    let arrivals = cx.constant(Type::I64, 0);
    update(cx, place, &Change { arrivals, transactions, drop: false });
}

/// Changes an object in one step, lane by lane; gives the object before.
fn update(cx: &mut Lowering<'_>, place: &Target, change: &Change) -> Value {
    let (space, address, offset) = (place.space, place.address, place.offset);
    let ty = Type::I64;
    let load = Op::Load { space, ty, count: 1, order: MemoryOrder::Relaxed, address, offset, guard: None };
    let first = cx.builder.push1(load);
    cx.repeat(first, |cx, old| {
        let operand = changed(cx, old, change);
        let found = cx.builder.push1(Op::Atomic {
            op: AtomicOp::CompareExchange,
            space,
            ty,
            order: MemoryOrder::AcquireRelease,
            scope: Scope::Block,
            address,
            offset,
            operand,
            compare: Some(old),
            guard: None,
            returns: true,
        });
        let done = cx.compare(IntCondition::Eq, found, old);
        (found, done)
    })
}

/// The object after a change: the phase is complete when no arrival and no transaction is missing.
fn changed(cx: &mut Lowering<'_>, old: Value, change: &Change) -> Value {
    let field = |cx: &mut Lowering<'_>, at: u32, mask: u64| {
        let shifted = cx.shift_right_by(false, old, at);
        cx.binary_constant(BinaryOp::And, shifted, mask)
    };
    let mut expected = field(cx, EXPECTED_AT, COUNT_MASK);
    let pending = field(cx, 0, COUNT_MASK);
    let transactions = field(cx, TRANSACTIONS_AT, TRANSACTIONS_MASK);
    if change.drop {
        expected = cx.binary(BinaryOp::Sub, expected, change.arrivals);
    }
    let pending = cx.binary(BinaryOp::Sub, pending, change.arrivals);
    let transactions = cx.binary(BinaryOp::Add, transactions, change.transactions);
    let transactions = cx.binary_constant(BinaryOp::And, transactions, TRANSACTIONS_MASK);
    let missing = cx.binary(BinaryOp::Or, pending, transactions);
    let complete = cx.is_zero(missing);
    let pending = cx.select(complete, expected, pending);
    let pending = cx.binary_constant(BinaryOp::And, pending, COUNT_MASK);
    let expected = cx.binary_constant(BinaryOp::And, expected, COUNT_MASK);
    let parity = cx.binary_constant(BinaryOp::And, old, 1 << PARITY_AT);
    let flip = cx.resize(false, Type::I64, complete);
    let flip = cx.shift_left_by(flip, PARITY_AT);
    let parity = cx.binary(BinaryOp::Xor, parity, flip);
    let expected = cx.shift_left_by(expected, EXPECTED_AT);
    let transactions = cx.shift_left_by(transactions, TRANSACTIONS_AT);
    let counts = cx.binary(BinaryOp::Or, pending, expected);
    let counts = cx.binary(BinaryOp::Or, counts, transactions);
    cx.binary(BinaryOp::Or, counts, parity)
}

/// Whether the phase of a state, or the one of a parity, is complete. `try_wait` may take its time: it lets others run.
fn wait(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let Target { space, address, offset } = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
    let order = if i.has("relaxed") { MemoryOrder::Relaxed } else { MemoryOrder::Acquire };
    let object = cx.builder.push1(Op::Load { space, ty: Type::I64, count: 1, order, address, offset, guard: None });
    let current = cx.shift_right_by(false, object, PARITY_AT);
    let asked = if i.has("parity") {
        let phase = cx.source(i, "phase")?;
        let phase = cx.resize(false, Type::I64, phase);
        cx.binary_constant(BinaryOp::And, phase, 1)
    } else {
        let state = cx.source(i, "state")?;
        cx.shift_right_by(false, state, PARITY_AT)
    };
    let complete = cx.compare(IntCondition::Ne, current, asked);
    if i.slot("ACTION") == Some("try_wait") {
        let incomplete = cx.not(complete);
        let after = cx.begin_region(incomplete);
        let nanoseconds = cx.word(WAIT_NANOSECONDS);
        cx.builder.push(Op::RuntimeCall { function: RuntimeFunction::Nanosleep, arguments: vec![nanoseconds] });
        cx.end_region(after);
    }
    cx.write(i, "p", complete)
}

fn pending_count(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let state = cx.source(i, "state")?;
    let count = cx.binary_constant(BinaryOp::And, state, COUNT_MASK);
    let count = cx.resize(false, Type::I32, count);
    cx.write(i, "d", count)
}

/// The copies of this thread are complete: with `.noinc` that is one of the expected arrivals, without it the arrival was
/// added to those expected, which comes to nothing.
fn copy_arrive(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    if i.has("noinc") {
        let place = target(cx, i.slot("SPACE"), bracketed(i, "a")?)?;
        let (arrivals, transactions) = (cx.constant(Type::I64, 1), cx.constant(Type::I64, 0));
        update(cx, &place, &Change { arrivals, transactions, drop: false });
    }
    Ok(())
}
