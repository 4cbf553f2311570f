//! JSON, an object a line: first one about the process, then one for each event.

use std::io::Write;

use anyhow::Result;
use serde_json::{Map, Value, json};
use telemetry::records::{Fact, flags};

use super::Exporter;
use super::event::Event;

/// Writes JSON.
pub struct Json;

impl Exporter for Json {
    fn begin(&mut self, facts: &[Fact], out: &mut dyn Write) -> Result<()> {
        let facts: Map<String, Value> =
            facts.iter().map(|fact| (fact.name.clone(), Value::from(fact.value.clone()))).collect();
        line(&json!({ "kind": "process", "version": 1, "facts": facts }), out)
    }

    fn event(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<()> {
        let mut object = json!({
            "kind": event.kind,
            "name": event.name,
            "start_ns": event.start,
            "duration_ns": event.duration,
            "context": event.context,
            "stream": event.stream,
            "result": event.result,
        });
        let optional = [
            ("correlation", event.correlation),
            ("thread", event.thread),
            ("device", event.device),
            ("bytes", event.bytes),
            ("address", event.address),
            ("graph", event.graph),
        ];
        for (name, number) in optional {
            if let Some(number) = number {
                object[name] = number.into();
            }
        }
        for (_, name) in flags::NAMES.iter().filter(|(bit, _)| event.flags & bit != 0) {
            object[name] = true.into();
        }
        if let Some(launch) = event.launch {
            object["grid"] = json!(launch.grid);
            object["block"] = json!(launch.block);
            object["cluster_blocks"] = launch.cluster.into();
            object["dynamic_shared_bytes"] = launch.dynamic_shared.into();
            object["static_shared_bytes"] = launch.static_shared.into();
            object["registers"] = launch.registers.into();
            object["local_bytes"] = launch.local.into();
            if let Some(blocks) = launch.active_blocks {
                object["active_blocks"] = blocks.into();
            }
            if let Some((part, limits)) = &launch.occupancy {
                object["occupancy"] = json!(part);
                object["limited_by"] = limits.as_str().into();
            }
        }
        line(&object, out)
    }
}

fn line(value: &Value, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(out.write_all(b"\n")?)
}
