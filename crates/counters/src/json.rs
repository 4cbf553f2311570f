//! Counts as JSON, in the form that `docs/counters.md` describes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use simt_ir::abi::AccessKind;
use simt_ir::instrument::InstructionClass;

use crate::collector::{Collector, total};
use crate::counts::{Access, Counts, Space, ratio};

/// Version of the form.
const SCHEMA: u32 = 1;

const KINDS: [(AccessKind, &str); 3] =
    [(AccessKind::Load, "load"), (AccessKind::Store, "store"), (AccessKind::Atomic, "atomic")];

pub(crate) fn json(collector: &Collector) -> String {
    let sums = collector.sums();
    let kernels: Vec<Value> = sums
        .iter()
        .map(|sum| {
            let text = |line: u32| sum.texts.get(&line).cloned().unwrap_or_default();
            json!({
                "name": sum.name,
                "module": format!("{:016x}", sum.module),
                "launches": sum.launches,
                "failed": sum.failed,
                "counts": counts_json(&sum.total()),
                "lines": lines_json(&sum.lines, Some(&text)),
            })
        })
        .collect();
    let (launches, left_out) = collector.with_launches(|kept| {
        let launches = kept.launches.iter().map(|(launch, lines)| {
            json!({
                "kernel": launch.kernel,
                "module": format!("{:016x}", launch.module),
                "stream": launch.info.stream,
                "sequence": launch.info.sequence,
                "grid": launch.info.grid,
                "block": launch.info.block,
                "failed": launch.info.failed,
                "counts": counts_json(&total(lines)),
                "lines": lines_json(lines, None),
            })
        });
        (launches.collect::<Vec<Value>>(), kept.left_out)
    });
    let all = json!({ "schema": SCHEMA, "kernels": kernels, "launches": launches, "launches_left_out": left_out });
    format!("{all:#}\n")
}

/// Gives the text of a line.
type TextOf<'a> = &'a dyn Fn(u32) -> String;

fn lines_json(lines: &BTreeMap<u32, Counts>, text: Option<TextOf<'_>>) -> Vec<Value> {
    let line = |(line, counts): (&u32, &Counts)| {
        let mut value = counts_json(counts);
        if let Value::Object(fields) = &mut value {
            fields.insert("line".to_owned(), json!(line));
            if let Some(text) = text {
                fields.insert("text".to_owned(), json!(text(*line)));
            }
        }
        value
    };
    lines.iter().map(line).collect()
}

fn counts_json(counts: &Counts) -> Value {
    let all = counts.all_instructions();
    let classes: Map<String, Value> = counts
        .instructions
        .iter()
        .map(|(class, count)| (class.name().to_owned(), json!({ "warps": count.warps, "threads": count.threads })))
        .collect();
    let mut fields = Map::new();
    let instructions = json!({
        "warps": all.warps,
        "threads": all.threads,
        "active_threads": ratio(all.threads, all.warps),
        "classes": classes,
    });
    fields.insert("instructions".to_owned(), instructions);
    let branches = counts.of_class(InstructionClass::Branch).warps;
    if branches > 0 {
        let divergent = counts.divergent_branches;
        fields.insert("branches".to_owned(), json!({ "executed": branches, "divergent": divergent }));
    }
    for space in Space::ALL {
        let kinds: Map<String, Value> = KINDS
            .iter()
            .filter(|(kind, _)| counts.access(space, *kind).requests > 0)
            .map(|(kind, name)| ((*name).to_owned(), access_json(space, *kind, counts.access(space, *kind))))
            .collect();
        if !kinds.is_empty() {
            fields.insert(space.name().to_owned(), Value::Object(kinds));
        }
    }
    Value::Object(fields)
}

fn access_json(space: Space, kind: AccessKind, access: Access) -> Value {
    let Access { requests, threads, bytes, units, least } = access;
    let mut value = json!({ "requests": requests, "threads": threads, "bytes": bytes });
    let more: &[(&str, Value)] = match (space, kind) {
        (Space::Shared, AccessKind::Atomic) => &[],
        (Space::Shared, _) => &[("wavefronts", json!(units)), ("conflicts", json!(units - least))],
        _ => &[("sectors", json!(units)), ("sectors_per_request", json!(ratio(units, requests)))],
    };
    if let Value::Object(fields) = &mut value {
        fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    value
}
