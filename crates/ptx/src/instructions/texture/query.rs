//! `txq`, `suq`, `istypep`.

use simt_ir::texture::{Opaque, Query, TextureOp};

use super::{bracketed, push, resource};
use crate::check::Checked;
use crate::instructions::{Declaration, Guarding};
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "txq.QUERY{width height depth channel_data_type channel_order normalized_coords array_size \
             num_mipmap_levels num_samples filter_mode addr_mode_0 addr_mode_1 addr_mode_2 \
             force_unnormalized_coords}.b32 =d:b32, [a]",
            "txq.level.QUERY{width height depth}.b32 =d:b32, [a], lod:b32",
            "suq.QUERY{width height depth channel_data_type channel_order array_size memory_layout}.b32 =d:b32, [a]",
        ],
        guarding: Guarding::Region,
        lower: query,
    },
    Declaration {
        forms: &["istypep.TYPE{texref samplerref surfref} =p:pred, a:any @4.0 sm_30"],
        guarding: Guarding::Region,
        lower: is_type,
    },
];

fn query(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let address = bracketed(i)?;
    let query = i.slot("QUERY").and_then(Query::from_name);
    let query = query.ok_or_else(|| Problem::Invalid("nothing is asked".into()))?;
    if !address.rest.is_empty() {
        return Problem::invalid("a query has no coordinates");
    }
    let mut operands = vec![resource(cx, &address.base)?];
    let level = i.operand("lod").is_some();
    if level {
        operands.push(cx.source(i, "lod")?);
    }
    let answer = push(cx, TextureOp::Query { query, level }, operands);
    cx.write(i, "d", answer[0])
}

fn is_type(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let kind = match i.slot("TYPE") {
        Some("texref") => Opaque::Texture,
        Some("samplerref") => Opaque::Sampler,
        _ => Opaque::Surface,
    };
    let operand = i.operand("a").ok_or_else(|| Problem::Invalid("nothing is asked about".into()))?;
    let named = resource(cx, operand)?;
    let answer = push(cx, TextureOp::IsType(kind), vec![named]);
    cx.write(i, "p", answer[0])
}
