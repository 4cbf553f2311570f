//! What the cases wrote on a real GPU: JSON that `record_on_gpu.py` made there, committed under `data/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::case::{self, Case};
use crate::verdict;

/// The recordings that must be there; a recording of another card beside them is checked as well.
pub const REQUIRED: &[&str] = &["h100", "h200"];

/// A recording.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The card's name.
    pub card: String,
    /// The driver's version.
    pub driver: String,
    /// The compiler's version.
    pub nvcc: String,
    /// The day, as year-month-day.
    pub date: String,
    /// The outcome of each case, by name.
    pub cases: BTreeMap<String, Outcome>,
}

/// What one case did.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// [`Case::digest`] of what was run.
    pub digest: String,
    /// The exit code; negative for a signal; absent if it did not compile or end in time.
    pub exit_code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it, or the compiler, wrote to stderr.
    pub stderr: String,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// When it cannot be read or is not well-formed.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read {}: record_on_gpu.py makes it on such a card", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a recording", path.display()))
    }

    /// Everything in which the recording and the cases that it holds disagree.
    ///
    /// # Errors
    /// When a case's headers cannot be read.
    pub fn disagreements(&self, cases: &[Case]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for case in cases {
            match self.cases.get(&case.name) {
                None => {}
                Some(outcome) if outcome.digest != case.digest()? => {
                    found.push(format!("{}: has changed since it was recorded", case.name));
                }
                Some(outcome) => found.extend(outcome.disagreement(case)),
            }
        }
        let known = |name: &String| cases.iter().any(|case| case.name == *name);
        found.extend(self.cases.keys().filter(|name| !known(name)).map(|name| format!("{name}: no such case")));
        Ok(found)
    }
}

/// Compute capability of the newest card that cases can be run on here, times ten.
const NEWEST_CARD: u32 = 90;

/// The cases that no recording holds, without those for cards that are newer than the newest at hand.
pub fn unrecorded<'a>(recordings: &[Recording], cases: &'a [Case]) -> Vec<&'a str> {
    let is_recorded = |case: &Case| recordings.iter().any(|recording| recording.cases.contains_key(&case.name));
    let can_be = |case: &&Case| case.target().is_none_or(|target| target <= NEWEST_CARD);
    cases.iter().filter(can_be).filter(|case| !is_recorded(case)).map(|case| case.name.as_str()).collect()
}

impl Outcome {
    fn disagreement(&self, case: &Case) -> Option<String> {
        let mut text = String::new();
        if self.exit_code != Some(case.expected.exit_code) {
            let got = self.exit_code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            text += &format!("exit code {got}, the case says {}\n{}\n", case.expected.exit_code, self.stderr);
        }
        for part in &case.expected.stderr_parts {
            if !self.stderr.contains(part.as_str()) {
                text += &format!("stderr did not contain: {part}\n");
            }
        }
        text += &verdict::difference(&case.expected.stdout, &case::lines(&self.stdout));
        (!text.is_empty()).then(|| format!("{}: {text}", case.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Expected;

    fn case(name: &str) -> Case {
        let expected = Expected { stdout: vec!["1".to_owned()], ..Expected::default() };
        let path = crate::root().join("cases/cuda").join(name);
        Case { name: format!("cuda/{name}"), path, source: name.to_owned(), parts: Vec::new(), expected }
    }

    fn outcome(case: &Case, stdout: &str) -> Outcome {
        let digest = case.digest().unwrap();
        Outcome { digest, exit_code: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
    }

    #[test]
    fn every_kind_of_disagreement_is_found() {
        let cases = ["agrees", "differs", "changed", "absent"].map(case);
        let mut changed = outcome(&cases[2], "1\n");
        changed.digest.clear();
        let recording = Recording {
            card: "a card".to_owned(),
            driver: "1".to_owned(),
            nvcc: "1".to_owned(),
            date: "2026-01-01".to_owned(),
            cases: BTreeMap::from([
                (cases[0].name.clone(), outcome(&cases[0], "1 \n")),
                (cases[1].name.clone(), outcome(&cases[1], "2\n")),
                (cases[2].name.clone(), changed),
                ("cuda/gone".to_owned(), outcome(&cases[0], "")),
            ]),
        };
        assert_eq!(
            recording.disagreements(&cases).unwrap(),
            [
                "cuda/differs: stdout differs from line 1:\n  - 1\n  + 2\n",
                "cuda/changed: has changed since it was recorded",
                "cuda/gone: no such case",
            ]
        );
        assert_eq!(unrecorded(&[recording], &cases), ["cuda/absent"]);
    }
}
