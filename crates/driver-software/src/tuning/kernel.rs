//! A kernel that is tuned, for blocks of one size.

use super::Tuning;
use super::background::Background;
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

/// No other shapes are tried of kernels that took longer to compile: a process that exits would cut the compiler off, and the time would be lost.
const COMPILE_MAX: Duration = Duration::from_millis(500);

/// Quick code is compiled anew when launches have taken so many times what compiling it took: less than the compiler will need, since what it
/// makes is several times as fast, and it has a core of its own most often.
const LAUNCHES_PER_QUICK_COMPILE: f64 = 2.0;

/// A kernel whose code may be exchanged.
pub(crate) struct KernelTuning {
    /// Itself, for jobs.
    this: Weak<KernelTuning>,
    tuning: Arc<Tuning>,
    program: Arc<jit::Module>,
    name: String,
    options: Options,
    /// Whether the kernel begins with quick code, and how long that took to compile.
    quick: Option<Duration>,
    /// What is tuned. It may go while something is compiled for it.
    kernel: OnceLock<Weak<Kernel>>,
    /// The search for faster shapes; none as long as the kernel runs quick code.
    search: OnceLock<Lock<Search>>,
}

/// How far the search has come.
struct Search {
    /// Time of launches between two trials.
    interval: Duration,
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

impl Search {
    /// A search that begins with this code; `None` where that cannot pay.
    fn from(compiled: &Compiled) -> Option<Lock<Search>> {
        // Variables within functions would be placed once for each shape.
        if compiled.compile_time > COMPILE_MAX || !compiled.function_globals.is_empty() {
            return None;
        }
        let first = CodeShape { lanes: compiled.code().lanes };
        let interval = (compiled.compile_time * LAUNCHES_PER_COMPILE).max(LAUNCHES_MIN);
        let search = Search { interval, first, best: first, ratio: 1.0, tried: vec![first], challenger: None };
        Some(Lock::new(Order::Search, search))
    }
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
        let quick = compiled.could_be_faster.then_some(compiled.compile_time);
        let search = if quick.is_some() { OnceLock::new() } else { OnceLock::from(Search::from(compiled)?) };
        Some(Arc::new_cyclic(|this| KernelTuning {
            this: this.clone(),
            tuning: tuning.clone(),
            program: program.clone(),
            name: name.to_string(),
            options,
            quick,
            kernel: OnceLock::new(),
            search,
        }))
    }

    /// Begins to look at how long the kernel runs.
    pub(crate) fn begin(&self, kernel: &Arc<Kernel>) {
        let _ = self.kernel.set(Arc::downgrade(kernel));
        if let Some(compile_time) = self.quick {
            kernel.make_provisional();
            kernel.notify_after(nanoseconds(compile_time.mul_f64(LAUNCHES_PER_QUICK_COMPILE)));
        } else if let Some(search) = self.search.get() {
            kernel.notify_after(nanoseconds(search.lock().interval));
        }
    }

    /// Puts fast code in place of quick code. The search for faster shapes begins after that.
    fn exchange(&self) {
        if self.kernel().is_none() {
            return;
        }
        // Quick code stays where the compiler fails.
        let Ok(compiled) = self.program.compile(&self.name, self.options) else { return };
        let Some(kernel) = self.kernel() else { return };
        // SAFETY: the compiler keeps to the contract; the code is of the same program with the same symbols, and stays in memory as long as
        // `compiled`, which the kernel owns.
        if !unsafe { kernel.replace(compiled.code(), compiled.clone()) } {
            return;
        }
        if let Some(search) = Search::from(&compiled) {
            let search = self.search.get_or_init(|| search);
            kernel.notify_after(nanoseconds(search.lock().interval));
        }
    }

    fn kernel(&self) -> Option<Arc<Kernel>> {
        self.kernel.get()?.upgrade()
    }

    /// Has `job` done by a thread.
    fn later(&self, thread: &Arc<Background>, job: impl FnOnce(&KernelTuning) + Send + 'static) {
        if let Some(this) = self.this.upgrade() {
            thread.add(move || job(&this));
        }
    }

    /// Begins the next trial, or ends the search.
    fn try_next(&self, search: &Lock<Search>) {
        while let Some(kernel) = self.kernel() {
            let Some(shape) = self.next_shape(search) else { return self.finish(search, &kernel) };
            // Not kept meanwhile: a module that is unloaded has its memory free at once.
            drop(kernel);
            let compiled = self.program.compile_shape(&self.name, self.options, shape);
            let Some(kernel) = self.kernel() else { return };
            // A shape that cannot be compiled is as one that lost.
            let Ok(compiled) = compiled else { continue };
            search.lock().challenger = Some(shape);
            // SAFETY: the compiler keeps to the contract; the code is of the same program with the same symbols, and stays in memory as long as
            // `compiled`, which the kernel owns.
            if !unsafe { kernel.compete(compiled.code(), compiled) } {
                search.lock().challenger = None;
                return self.finish(search, &kernel);
            }
            return;
        }
    }

    /// The next shape to try; it counts as tried.
    fn next_shape(&self, search: &Lock<Search>) -> Option<CodeShape> {
        let next = self.untried(search)?;
        search.lock().tried.push(next);
        Some(next)
    }

    /// What there is still to try.
    fn untried(&self, search: &Lock<Search>) -> Option<CodeShape> {
        let best = search.lock().best;
        let neighbours = self.program.neighbours(&self.name, self.options, best).ok()?;
        let search = search.lock();
        let may_try = search.tried.len() < VARIANTS_MAX;
        neighbours.into_iter().find(|shape| may_try && !search.tried.contains(shape))
    }

    /// Takes the outcome of a trial.
    fn conclude(&self, outcome: Outcome) {
        let Some(all) = self.search.get() else { return };
        let mut search = all.lock();
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
        let interval = search.interval;
        drop(search);
        let Some(kernel) = self.kernel() else { return };
        if self.untried(all).is_none() {
            return self.finish(all, &kernel);
        }
        // The process may end before the next trial does.
        if matches!(outcome, Outcome::Taken(_)) {
            self.keep(all);
        }
        kernel.notify_after(nanoseconds(interval));
    }

    /// Ends the search.
    fn finish(&self, search: &Lock<Search>, kernel: &Kernel) {
        let choice = self.keep(search);
        let spent = Duration::from_nanos(kernel.spent_ns());
        self.tuning.journal.note_end(&self.name, self.options.block, search.lock().first, &choice, spent);
    }

    /// Keeps what was found so far.
    fn keep(&self, search: &Lock<Search>) -> Choice {
        let search = search.lock();
        let shape = (search.best != search.first).then_some(search.best);
        let choice = Choice { shape, ratio: search.ratio };
        drop(search);
        self.program.keep_choice(&self.name, self.options, &choice);
        choice
    }
}

impl Tuner for KernelTuning {
    fn is_due(&self) {
        match self.search.get() {
            Some(_) => self.later(&self.tuning.trials, |this| {
                if let Some(search) = this.search.get() {
                    this.try_next(search);
                }
            }),
            None => self.later(&self.tuning.exchanges, KernelTuning::exchange),
        }
    }

    fn decided(&self, outcome: Outcome) {
        self.later(&self.tuning.trials, move |this| this.conclude(outcome));
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
