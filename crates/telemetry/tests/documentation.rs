//! `docs/recording.md` is made from the table of records: `UPDATE_EXPECT=1 cargo test -p telemetry` writes it again.

use std::fmt::Write as _;

use expect_test::expect_file;
use telemetry::file::{BLOCK_BYTES_MAX, BLOCK_ROWS_MAX, VERSION};
use telemetry::records::{COPIES, Coding, KINDS, LOADS, MEMORIES, SYNCS};

const HEAD: &str = include_str!("recording-head.md");

#[test]
fn the_documentation_is_the_table() {
    let mut text = HEAD
        .replace("VERSION", &VERSION.to_string())
        .replace("BLOCK_ROWS", &BLOCK_ROWS_MAX.to_string())
        .replace("BLOCK_BYTES", &(BLOCK_BYTES_MAX >> 20).to_string());
    for (kind, name, columns, meaning) in KINDS {
        let _ = writeln!(
            text,
            "\n### {kind}: {name}\n\n{}\n\n| column | coding | meaning |\n|---|---|---|",
            meaning.trim()
        );
        for column in *columns {
            let coding = match column.coding {
                Coding::Plain => "plain",
                Coding::Delta => "delta",
                Coding::Text => "text",
            };
            let _ = writeln!(text, "| `{}` | {coding} | {} |", column.name, column.meaning);
        }
    }
    text.push_str("\n## Kinds\n\nThe numbers in columns `kind`.\n");
    for (record, names) in [("Copy", COPIES), ("Memory", MEMORIES), ("Sync", SYNCS), ("Load", LOADS)] {
        let list: Vec<String> = names.0.iter().enumerate().map(|(number, name)| format!("{number} {name}")).collect();
        let _ = writeln!(text, "\n- {record}: {}", list.join("; "));
    }
    expect_file!["../../../docs/recording.md"].assert_eq(&text);
}
