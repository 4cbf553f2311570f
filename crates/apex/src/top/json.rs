//! As JSON: an object for each process, with the records of its snapshot as `docs/live.md` describes them.

use anyhow::Result;
use apex_server::{ProcessView, Processes, State, names};
use serde_json::{Map, Value as Json, json};
use telemetry::live::records::CALLS;
use telemetry::records::{COPIES, LOADS, MEMORIES, Names, Record, SYNCS, Value};

/// What is known now.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn text(processes: &Processes) -> Result<String> {
    let all: Vec<Json> = processes.iter().map(process).collect();
    let problems: Vec<Json> =
        processes.problems().map(|problem| json!({ "path": problem.path, "reason": problem.reason })).collect();
    Ok(serde_json::to_string_pretty(&json!({ "version": 1, "processes": all, "problems": problems }))? + "\n")
}

fn process(view: &ProcessView) -> Json {
    let snapshot = &view.snapshot;
    let mut kernels = rows(&snapshot.kernels, None);
    for (row, kernel) in kernels.iter_mut().zip(&snapshot.kernels) {
        row["demangled"] = names::demangled(&kernel.name).into();
    }
    json!({
        "state": match view.state {
            State::Running => "running",
            State::Exited => "exited",
            State::Killed => "killed",
        },
        "process": row(&snapshot.process, None),
        "totals": row(&snapshot.totals, None),
        "devices": rows(&snapshot.devices, None),
        "kernels": kernels,
        "other_kernels": row(&snapshot.others, None),
        "copies": rows(&snapshot.copies, Some(("kind", COPIES))),
        "sets": rows(&snapshot.sets, None),
        "memory": rows(&snapshot.memories, Some(("kind", MEMORIES))),
        "synchronisations": rows(&snapshot.syncs, Some(("kind", SYNCS))),
        "loads": rows(&snapshot.loads, Some(("kind", LOADS))),
        "failures": rows(&snapshot.failures, Some(("call", CALLS))),
    })
}

fn rows<R: Record>(rows: &[R], named: Option<(&str, Names)>) -> Vec<Json> {
    rows.iter().map(|record| row(record, named)).collect()
}

/// A record as an object. A column that numbers kinds is replaced by their names.
fn row<R: Record>(record: &R, named: Option<(&str, Names)>) -> Json {
    let field = |(place, column): (usize, &telemetry::records::Column)| {
        let value = match (record.value(place), named) {
            (Value::Number(kind), Some((name, names))) if name == column.name => names.of(kind).into(),
            (Value::Number(number), _) => number.into(),
            (Value::Text(text), _) => text.into(),
        };
        (column.name.to_owned(), value)
    };
    Json::Object(R::COLUMNS.iter().enumerate().map(field).collect::<Map<_, _>>())
}
