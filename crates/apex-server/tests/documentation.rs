//! `docs/live.md` is made from the tables of metrics and records: `UPDATE_EXPECT=1 cargo test -p apex-server` writes it again.

use std::fmt::Write as _;

use apex_server::metrics::{DEVICE_METRICS, Kind, METRICS, Metric};
use expect_test::expect_file;
use telemetry::live::VERSION;
use telemetry::live::records::{CALLS, KINDS};

const HEAD: &str = include_str!("live-head.md");

fn kind(metric: &Metric) -> &'static str {
    match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    }
}

#[test]
fn the_documentation_is_the_tables() {
    let row = |metric: &&Metric| {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{}` | {} | {} | {} |\n", metric.name, kind(metric), labels.join(", "), metric.help)
    };
    let device_row = |metric: &&Metric| format!("| `{}` | {} | {} |\n", metric.name, kind(metric), metric.help);
    let mut text = HEAD
        .replace("DEVICE_METRICS\n", &(DEVICE_METRICS.iter().map(device_row).collect::<String>() + "\n"))
        .replace("METRICS\n", &(METRICS.iter().map(row).collect::<String>() + "\n"))
        .replace("VERSION", &VERSION.to_string());
    text.push_str(
        "\n### Records\n\nCounts and times are of the process since its first call that is observed. Times are in nanoseconds, sizes in bytes; \
         `device` is a device's ordinal plus 1, and 0 for what belongs to no device that is known.\n",
    );
    for (kind, name, columns, meaning) in KINDS {
        let _ = writeln!(text, "\n#### {kind}: {name}\n\n{}\n\n| column | meaning |\n|---|---|", meaning.trim());
        for column in *columns {
            let _ = writeln!(text, "| `{}` | {} |", column.name, column.meaning);
        }
    }
    let calls: Vec<String> = CALLS.0.iter().enumerate().map(|(number, name)| format!("{number} {name}")).collect();
    let _ = writeln!(
        text,
        "\nColumns `kind` have the numbers of [recordings](recording.md#kinds); `call`: {}. Columns are `plain`, names and texts `text`.",
        calls.join("; ")
    );
    expect_file!["../../../docs/live.md"].assert_eq(&text);
}
