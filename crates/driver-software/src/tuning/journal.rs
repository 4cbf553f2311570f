//! What was tried and what it gained (`APEX_ADAPT=report`): shown when the process exits.

use super::Tuning;
use crate::lock_order::{Lock, Order};
use core::ffi::c_int;
use jit::{Choice, CodeShape};
use simt::Outcome;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Most lines that are kept; what comes later is not shown.
const LINES_MAX: usize = 4096;

/// Letters of a kernel's name that are shown.
const NAME_MAX: usize = 60;

/// The lines to show.
pub(super) struct Journal(Lock<Vec<String>>);

impl Default for Journal {
    fn default() -> Self {
        Journal(Lock::new(Order::Journal, Vec::new()))
    }
}

impl Journal {
    fn add(&self, line: String) {
        let mut lines = self.0.lock();
        if lines.len() < LINES_MAX {
            lines.push(line);
        }
    }

    pub(super) fn note_trial(
        &self,
        name: &str,
        block: Option<[u32; 3]>,
        best: CodeShape,
        challenger: CodeShape,
        outcome: Outcome,
    ) {
        let result = match outcome {
            Outcome::Taken(it) => {
                format!("takes {:.2} of the time, faster in {:.0} %: taken", it.ratio, it.wins * 100.0)
            }
            Outcome::Refused(it) => format!("takes {:.2} of the time, faster in {:.0} %", it.ratio, it.wins * 100.0),
            Outcome::Undecided => "undecided: too few launches alike".to_string(),
        };
        self.add(format!("{}: {challenger} against {best} {result}", title(name, block)));
    }

    pub(super) fn note_end(
        &self,
        name: &str,
        block: Option<[u32; 3]>,
        first: CodeShape,
        choice: &Choice,
        spent: Duration,
    ) {
        let result = match choice.shape {
            None => format!("stays with {first}"),
            Some(shape) => format!("{shape} instead of {first}, {:.2} of the time", choice.ratio),
        };
        self.add(format!("{}: {result}, found in {:.1} s of launches", title(name, block), spent.as_secs_f64()));
    }

    pub(super) fn note_found(&self, name: &str, block: Option<[u32; 3]>, choice: &Choice) {
        if let Some(shape) = choice.shape {
            let title = title(name, block);
            self.add(format!("{title}: {shape}, {:.2} of the time, found by an earlier process", choice.ratio));
        }
    }

    fn text(&self) -> String {
        self.0.lock().iter().map(|line| format!("apex: {line}\n")).collect()
    }
}

/// Kernel and block, as they are shown.
fn title(name: &str, block: Option<[u32; 3]>) -> String {
    let mut title: String = name.chars().take(NAME_MAX).collect();
    if let Some([x, y, z]) = block {
        let _ = write!(title, " in blocks of {x} x {y} x {z}");
    }
    title
}

/// What is to be shown at exit.
struct Pending {
    tuning: Arc<Tuning>,
    /// The process that tunes: a forked child has a copy of this, and nothing to show.
    process: u32,
}

static PENDING: OnceLock<Pending> = OnceLock::new();

/// Has the journal shown when the process exits in the ordinary way.
pub(super) fn show_at_exit(tuning: &Arc<Tuning>) {
    let is_first = PENDING.set(Pending { tuning: tuning.clone(), process: std::process::id() }).is_ok();
    if is_first && !stdx::at_exit(show) {
        eprintln!("apex: what is timed will not be shown: the system refuses a function at exit");
    }
}

extern "C" fn show(_code: c_int) {
    // A panic has been reported by its hook.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(pending) = PENDING.get().filter(|pending| pending.process == std::process::id()) {
            eprint!("{}", pending.tuning.journal.text());
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use simt::Comparison;

    #[test]
    fn trials_and_ends_are_told() {
        let journal = Journal::default();
        let shape = |lanes| CodeShape { lanes };
        let outcome = Outcome::Taken(Comparison { ratio: 0.8, wins: 1.0 });
        journal.note_trial("kernel", Some([256, 1, 1]), shape(32), shape(64), outcome);
        let choice = Choice { shape: Some(shape(64)), ratio: 0.8 };
        journal.note_end("kernel", None, shape(32), &choice, Duration::from_millis(1500));
        journal.note_found("kernel", None, &choice);
        assert_eq!(
            journal.text(),
            "apex: kernel in blocks of 256 x 1 x 1: 64 lanes against 32 lanes takes 0.80 of the time, faster in 100 %: taken\n\
             apex: kernel: 64 lanes instead of 32 lanes, 0.80 of the time, found in 1.5 s of launches\n\
             apex: kernel: 64 lanes, 0.80 of the time, found by an earlier process\n"
        );
    }
}
