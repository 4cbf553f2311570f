//! A kernel that is tuned, for blocks of one size.

use super::Tuning;
use crate::lock_order::{Lock, Order};
use jit::{Choice, CodeShape, Compiled, Options};
use simt::{Kernel, Outcome, Tuner, VARIANTS_MAX};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Another shape is compiled when launches have taken so many times what the first one took to compile: the compiler then has a
/// twentieth of a core at most.
const LAUNCHES_PER_COMPILE: u32 = 20;

/// Launches have taken so long at least.
const LAUNCHES_MIN: Duration = Duration::from_millis(20);

/// Kernels that took longer to compile stay as they are: a process that exits has to wait for the compiler.
const COMPILE_MAX: Duration = Duration::from_millis(500);

/// A kernel whose code may be exchanged.
pub(crate) struct KernelTuning {
    /// Itself, for jobs.
    this: Weak<KernelTuning>,
    tuning: Arc<Tuning>,
    program: Arc<jit::Module>,
    name: String,
    options: Options,
    /// Time of launches between two trials.
    interval: Duration,
    /// What is tuned. It may go while something is compiled for it.
    kernel: OnceLock<Weak<Kernel>>,
    search: Lock<Search>,
}

/// How far the search has come.
struct Search {
    /// The compiler's choice.
    first: CodeShape,
    /// The fastest so far.
    best: CodeShape,
    /// Its time in parts of the first one's.
    ratio: f64,
    tried: Vec<CodeShape>,
    /// What competes at present.
    challenger: Option<CodeShape>,
}

impl KernelTuning {
    /// What tunes a kernel with this code; `None` where that cannot pay.
    pub(crate) fn new(
        tuning: &Arc<Tuning>,
        program: &Arc<jit::Module>,
        name: &str,
        options: Options,
        compiled: &Compiled,
    ) -> Option<Arc<KernelTuning>> {
        // Variables within functions would be placed once for each shape.
        if compiled.compile_time > COMPILE_MAX || !compiled.function_globals.is_empty() {
            return None;
        }
        let first = CodeShape { lanes: compiled.code().lanes };
        let search = Search { first, best: first, ratio: 1.0, tried: vec![first], challenger: None };
        Some(Arc::new_cyclic(|this| KernelTuning {
            this: this.clone(),
            tuning: tuning.clone(),
            program: program.clone(),
            name: name.to_string(),
            options,
            interval: (compiled.compile_time * LAUNCHES_PER_COMPILE).max(LAUNCHES_MIN),
            kernel: OnceLock::new(),
            search: Lock::new(Order::Search, search),
        }))
    }

    /// Begins to look at how long the kernel runs.
    pub(crate) fn begin(&self, kernel: &Arc<Kernel>) {
        let _ = self.kernel.set(Arc::downgrade(kernel));
        kernel.notify_after(nanoseconds(self.interval));
    }

    fn kernel(&self) -> Option<Arc<Kernel>> {
        self.kernel.get()?.upgrade()
    }

    /// Has `job` done by the thread for such things.
    fn later(&self, job: impl FnOnce(&KernelTuning) + Send + 'static) {
        if let Some(this) = self.this.upgrade() {
            self.tuning.background.add(move || job(&this));
        }
    }

    /// Begins the next trial, or ends the search.
    fn try_next(&self) {
        while let Some(kernel) = self.kernel() {
            let Some(shape) = self.next_shape() else { return self.finish(&kernel) };
            // Not kept meanwhile: a module that is unloaded has its memory free at once.
            drop(kernel);
            let compiled = self.program.compile_shape(&self.name, self.options, shape);
            let Some(kernel) = self.kernel() else { return };
            // A shape that cannot be compiled is as one that lost.
            let Ok(compiled) = compiled else { continue };
            self.search.lock().challenger = Some(shape);
            // SAFETY: the compiler keeps to the contract; the code is of the same program with the same symbols, and stays in memory as long as
            // `compiled`, which the kernel owns.
            if !unsafe { kernel.compete(compiled.code(), compiled) } {
                self.search.lock().challenger = None;
                return self.finish(&kernel);
            }
            return;
        }
    }

    /// The next shape to try; it counts as tried.
    fn next_shape(&self) -> Option<CodeShape> {
        let best = self.search.lock().best;
        let neighbours = self.program.neighbours(&self.name, self.options, best).ok()?;
        let mut search = self.search.lock();
        if search.tried.len() >= VARIANTS_MAX {
            return None;
        }
        let next = neighbours.into_iter().find(|shape| !search.tried.contains(shape))?;
        search.tried.push(next);
        Some(next)
    }

    /// Takes the outcome of a trial.
    fn conclude(&self, outcome: Outcome) {
        let mut search = self.search.lock();
        let Some(challenger) = search.challenger.take() else { return };
        self.tuning.journal.note_trial(&self.name, self.options.block, search.best, challenger, outcome);
        match outcome {
            Outcome::Taken(comparison) => {
                search.best = challenger;
                search.ratio *= comparison.ratio;
            }
            Outcome::Refused(_) => {}
            // Nothing was found, and nothing is to be kept: another process may have more launches alike.
            Outcome::Undecided => return,
        }
        drop(search);
        if let Some(kernel) = self.kernel() {
            kernel.notify_after(nanoseconds(self.interval));
        }
    }

    /// Keeps what was found.
    fn finish(&self, kernel: &Kernel) {
        let search = self.search.lock();
        let (first, shape) = (search.first, (search.best != search.first).then_some(search.best));
        let choice = Choice { shape, ratio: search.ratio };
        drop(search);
        self.program.keep_choice(&self.name, self.options, &choice);
        let spent = Duration::from_nanos(kernel.spent_ns());
        self.tuning.journal.note_end(&self.name, self.options.block, first, &choice, spent);
    }
}

impl Tuner for KernelTuning {
    fn is_due(&self) {
        self.later(KernelTuning::try_next);
    }

    fn decided(&self, outcome: Outcome) {
        self.later(move |this| this.conclude(outcome));
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
