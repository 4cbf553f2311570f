//! Operations across the lanes of a warp (PTX ISA 9.7.9.5, 9.7.9.6, 9.7.13.7 to 9.7.13.11).

use simt_ir::{MatchKind, Op, ReduceOp, ShuffleMode, Value, VoteMode};

use super::{Declaration, Guarding};
use crate::ast::ScalarType;
use crate::check::Checked;
use crate::lowering::{Lowering, Problem, ir_type};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "shfl.MODE{up down bfly idx}.b32 =d:b32|=p:pred?, a:b32, b:b32, c:b32",
            "shfl.sync.MODE{up down bfly idx}.b32 =d:b32|=p:pred?, a:b32, b:b32, c:b32, members:b32 @6.0 sm_30",
        ],
        guarding: Guarding::Region,
        lower: shuffle,
    },
    Declaration {
        forms: &[
            "vote.MODE{all any uni}.pred =d:pred, a:pred",
            "vote.MODE{ballot}.b32 =d:b32, a:pred",
            "vote.sync.MODE{all any uni}.pred =d:pred, a:pred, members:b32 @6.0 sm_30",
            "vote.sync.MODE{ballot}.b32 =d:b32, a:pred, members:b32 @6.0 sm_30",
        ],
        guarding: Guarding::Region,
        lower: vote,
    },
    Declaration {
        forms: &[
            "match.any.sync.T{b32 b64} =d:b32|_?, a:T, members:b32 @6.0 sm_70",
            "match.all.sync.T{b32 b64} =d:b32|=p:pred?, a:T, members:b32 @6.0 sm_70",
        ],
        guarding: Guarding::Region,
        lower: matching,
    },
    Declaration {
        forms: &[
            "redux.sync.OP{add min max}.T{u32 s32} =d:T, a:T, members:b32 @7.0 sm_80",
            "redux.sync.OP{and or xor}.T{b32} =d:T, a:T, members:b32 @7.0 sm_80",
            "redux.sync.OP{min max}.abs?.NaN?.T{f32} =d:T, a:T, members:b32 @8.6 sm_100",
        ],
        guarding: Guarding::Region,
        lower: reduce,
    },
    Declaration { forms: &["activemask.b32 =d:b32 @6.2 sm_30"], guarding: Guarding::Region, lower: active_mask },
    Declaration {
        forms: &["elect.sync =d:b32|=p:pred, members:b32 @8.0 sm_90"],
        guarding: Guarding::Region,
        lower: elect,
    },
];

/// The member mask; the forms without `.sync` mean the active lanes.
fn members(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<Value, Problem> {
    if i.operand("members").is_some() { cx.source(i, "members") } else { Ok(cx.builder.push1(Op::ActiveMask)) }
}

fn shuffle(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (value, lane, clamp) = (cx.source(i, "a")?, cx.source(i, "b")?, cx.source(i, "c")?);
    let members = members(cx, i)?;
    let mode = match i.slot("MODE") {
        Some("up") => ShuffleMode::Up,
        Some("down") => ShuffleMode::Down,
        Some("bfly") => ShuffleMode::Butterfly,
        _ => ShuffleMode::Index,
    };
    let results = cx.builder.push(Op::Shuffle { mode, value, lane, clamp, members });
    cx.write(i, "d", results[0])?;
    cx.write(i, "p", results[1])
}

fn vote(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let predicate = cx.source(i, "a")?;
    let members = members(cx, i)?;
    let mode = match i.slot("MODE") {
        Some("all") => VoteMode::All,
        Some("any") => VoteMode::Any,
        Some("uni") => VoteMode::Uniform,
        _ => VoteMode::Ballot,
    };
    let d = cx.builder.push1(Op::Vote { mode, predicate, members });
    cx.write(i, "d", d)
}

fn matching(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (value, members) = (cx.source(i, "a")?, cx.source(i, "members")?);
    let kind = if i.has("all") { MatchKind::All } else { MatchKind::Any };
    let results = cx.builder.push(Op::Match { kind, ty: ir_type(i.ty("T")), value, members });
    cx.write(i, "d", results[0])?;
    results.get(1).map_or(Ok(()), |all| cx.write(i, "p", *all))
}

fn reduce(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (value, members) = (cx.source(i, "a")?, cx.source(i, "members")?);
    let ty = i.ty("T");
    let op = match (i.slot("OP").unwrap_or_default(), ty, i.has("abs"), i.has("NaN")) {
        ("min", ScalarType::F32, false, false) => ReduceOp::MinFloat,
        ("min", ScalarType::F32, false, true) => ReduceOp::MinFloatNan,
        ("min", ScalarType::F32, true, false) => ReduceOp::MinFloatAbs,
        ("min", ScalarType::F32, true, true) => ReduceOp::MinFloatAbsNan,
        ("max", ScalarType::F32, false, false) => ReduceOp::MaxFloat,
        ("max", ScalarType::F32, false, true) => ReduceOp::MaxFloatNan,
        ("max", ScalarType::F32, true, false) => ReduceOp::MaxFloatAbs,
        ("max", ScalarType::F32, true, true) => ReduceOp::MaxFloatAbsNan,
        ("min", ScalarType::S32, ..) => ReduceOp::MinSigned,
        ("min", ..) => ReduceOp::MinUnsigned,
        ("max", ScalarType::S32, ..) => ReduceOp::MaxSigned,
        ("max", ..) => ReduceOp::MaxUnsigned,
        ("and", ..) => ReduceOp::And,
        ("or", ..) => ReduceOp::Or,
        ("xor", ..) => ReduceOp::Xor,
        _ => ReduceOp::Add,
    };
    let d = cx.builder.push1(Op::Reduce { op, value, members });
    cx.write(i, "d", d)
}

fn active_mask(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let d = cx.builder.push1(Op::ActiveMask);
    cx.write(i, "d", d)
}

fn elect(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let members = cx.source(i, "members")?;
    let results = cx.builder.push(Op::Elect { members });
    cx.write(i, "d", results[0])?;
    cx.write(i, "p", results[1])
}
