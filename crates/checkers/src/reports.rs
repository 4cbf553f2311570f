//! The findings of a process: each told once, where it is found, and counted.

use crate::finding::Finding;
use crate::source::SourcePlace;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Different findings that are kept and told; more are only counted.
const FINDINGS_MAX: usize = 100;

/// What makes findings the same: check, kind, kernel, and the lines.
type Key = (&'static str, &'static str, String, u32, u32);

/// What was found so far.
#[derive(Default)]
pub struct Reports {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order in which they were found, and how often each was.
    findings: Vec<(Finding, u64)>,
    known: HashMap<Key, usize>,
    /// Findings that came when the list was full.
    left_out: u64,
}

impl Reports {
    /// Tells of a finding, unless the same has been told.
    pub(crate) fn add(&self, finding: Finding) {
        let line = |index: usize| finding.parties.get(index).map_or(0, |party| party.line);
        // Who of two came first is chance.
        let lines = (line(0).min(line(1)), line(0).max(line(1)));
        let key = (finding.check, finding.kind, finding.kernel.clone(), lines.0, lines.1);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&index) = state.known.get(&key) {
            state.findings[index].1 += 1;
            return;
        }
        if state.findings.len() >= FINDINGS_MAX {
            state.left_out += 1;
            return;
        }
        eprintln!("apex check: {finding}");
        let index = state.findings.len();
        state.known.insert(key, index);
        state.findings.push((finding, 1));
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).findings.is_empty()
    }

    /// How much was found, in a line.
    pub fn summary(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let times: u64 = state.findings.iter().map(|(_, times)| times).sum::<u64>() + state.left_out;
        let more =
            if state.left_out > 0 { format!(" ({} of others are not listed)", state.left_out) } else { String::new() };
        format!("apex check: {} found, {times} times in all{more}", state.findings.len())
    }

    /// Everything, for programs.
    pub fn json(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let findings: Vec<Value> = state.findings.iter().map(|(finding, times)| value_of(finding, *times)).collect();
        let all = json!({ "schema": 1, "findings": findings, "left_out": state.left_out });
        format!("{all:#}\n")
    }
}

fn value_of(finding: &Finding, times: u64) -> Value {
    let place = |place: &SourcePlace| json!({ "file": place.file, "line": place.line });
    let parties: Vec<Value> = finding.parties.iter().map(|party| {
        let mut value = json!({
            "what": party.what, "line": party.line, "text": party.place.text, "block": party.block, "thread": party.thread,
        });
        if let Some(source) = &party.place.source {
value["source"] = place(source);
        }
        if !party.place.called_from.is_empty() {
            value["called_from"] = party.place.called_from.iter().map(place).collect();
        }
        value
    }).collect();
    json!({
        "check": finding.check, "kind": finding.kind, "kernel": finding.kernel, "times": times, "parties": parties,
        "detail": finding.detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Party;
    use crate::source::Line;

    fn finding(first: u32, second: u32) -> Finding {
        let party =
            |line| Party { what: "store".into(), line, place: Line::default(), block: [0; 3], thread: [1, 0, 0] };
        Finding {
            check: "race",
            kind: "test",
            kernel: "k".into(),
            parties: vec![party(first), party(second)],
            detail: String::new(),
        }
    }

    #[test]
    fn the_same_is_told_once_whoever_came_first() {
        let reports = Reports::default();
        assert!(reports.is_empty());
        for (first, second) in [(3, 4), (4, 3), (3, 3)] {
            reports.add(finding(first, second));
        }
        assert_eq!(reports.summary(), "apex check: 2 found, 3 times in all");
        assert!(reports.json().contains("\"times\": 2"), "{}", reports.json());
    }

    #[test]
    fn there_is_an_end_to_it() {
        let reports = Reports::default();
        for line in 0..FINDINGS_MAX as u32 + 5 {
            reports.add(finding(line, line));
        }
        assert_eq!(reports.summary(), "apex check: 100 found, 105 times in all (5 of others are not listed)");
    }
}
