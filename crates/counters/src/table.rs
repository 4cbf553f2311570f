//! The sums of kernels as a table.

use std::fmt::Write as _;

use simt_ir::abi::AccessKind::{Atomic, Load, Store};
use simt_ir::instrument::InstructionClass;

use crate::collector::KernelSum;
use crate::counts::{Counts, Space, ratio};

/// A column: heading, and what stands under it.
type Column = (&'static str, fn(&KernelSum, &Counts) -> String);

const COLUMNS: &[Column] = &[
    ("launches", |sum, _| sum.launches.to_string()),
    ("instructions", |_, counts| counts.all_instructions().warps.to_string()),
    ("active", |_, counts| {
        let all = counts.all_instructions();
        format!("{:.1}", ratio(all.threads, all.warps))
    }),
    ("branches", |_, counts| counts.of_class(InstructionClass::Branch).warps.to_string()),
    ("divergent", |_, counts| counts.divergent_branches.to_string()),
    ("loads", |_, counts| counts.access(Space::Global, Load).requests.to_string()),
    ("sectors/ld", |_, counts| per_request(counts, true)),
    ("stores", |_, counts| counts.access(Space::Global, Store).requests.to_string()),
    ("sectors/st", |_, counts| per_request(counts, false)),
    ("shared", |_, counts| {
        let [load, store, atomic] = [Load, Store, Atomic].map(|kind| counts.access(Space::Shared, kind).requests);
        (load + store + atomic).to_string()
    }),
    ("conflicts", |_, counts| {
        let [load, store] = [Load, Store].map(|kind| counts.access(Space::Shared, kind));
        (load.units + store.units - load.least - store.least).to_string()
    }),
    ("atomics", |_, counts| counts.of_class(InstructionClass::Atomic).warps.to_string()),
    ("barriers", |_, counts| counts.of_class(InstructionClass::Barrier).warps.to_string()),
    ("local B", |_, counts| counts.bytes(Space::Local).to_string()),
];

fn per_request(counts: &Counts, loads: bool) -> String {
    let access = counts.access(Space::Global, if loads { Load } else { Store });
    format!("{:.2}", ratio(access.units, access.requests))
}

/// Characters of a name that are shown.
const NAME_MAX: usize = 40;

/// A line for each kernel; empty without kernels.
pub(crate) fn table(sums: &[KernelSum]) -> String {
    let mut text = String::new();
    if sums.is_empty() {
        return text;
    }
    let name = |sum: &KernelSum| sum.name.chars().take(NAME_MAX).collect::<String>();
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|sum| {
            let counts = sum.total();
            let cells = COLUMNS.iter().map(|(_, cell)| cell(sum, &counts));
            [name(sum)].into_iter().chain(cells).collect()
        })
        .collect();
    let headings: Vec<String> =
        ["kernel"].into_iter().chain(COLUMNS.iter().map(|(heading, _)| *heading)).map(str::to_owned).collect();
    let width = |column: usize| rows.iter().chain([&headings]).map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..headings.len()).map(|column| width(column).unwrap_or(0)).collect();
    for row in [&headings].into_iter().chain(&rows) {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Names to the left, numbers to the right.
            let _ = if column == 0 { write!(text, "{cell:<width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.push('\n');
    }
    text
}
