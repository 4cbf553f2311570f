//! Adaptive choice: other shapes of a kernel's code, compiled while it is in use and tried on its launches.
//!
//! Which shape is fastest depends on data and machine, and the compiler can only guess. A kernel that has run for so long that it may pay is
//! compiled in a shape next to its present one, by a thread of its own; the engine times both on real launches and keeps the faster
//! (`simt::Tuner`). So it goes on to the next, until no neighbour is faster. What was found is kept on disk with the code, so that later processes
//! begin with it and time nothing. `APEX_ADAPT=0` switches all of this off.

mod background;
mod journal;
mod kernel;

pub(crate) use kernel::KernelTuning;

use crate::settings::AdaptSetting;
use background::{Background, Urgency};
use journal::Journal;
use std::sync::Arc;

/// What all kernels that are tuned share.
pub(crate) struct Tuning {
    /// Puts fast code in place of quick code.
    exchanges: Arc<Background>,
    /// Makes what may be faster.
    trials: Arc<Background>,
    journal: Journal,
}

impl Tuning {
    /// Machine code of the shape that was found fastest earlier; `None` if none was, or it cannot be made.
    pub(crate) fn compile_found(
        &self,
        program: &jit::Module,
        name: &str,
        options: jit::Options,
    ) -> Option<Arc<jit::Compiled>> {
        let choice = program.choice(name, options)?;
        let compiled = match choice.shape {
            Some(shape) => program.compile_shape(name, options, shape),
            None => program.compile(name, options),
        };
        let compiled = compiled.ok()?;
        self.journal.note_found(name, options.block, &choice);
        Some(compiled)
    }
}

/// Begins to tune kernels, if the setting says so.
pub(crate) fn start(setting: AdaptSetting) -> Option<Arc<Tuning>> {
    if setting == AdaptSetting::Off {
        return None;
    }
    let tuning = Arc::new(Tuning {
        exchanges: Background::new(Urgency::Usual),
        trials: Background::new(Urgency::Less),
        journal: Journal::default(),
    });
    if setting == AdaptSetting::Report {
        journal::show_at_exit(&tuning);
    }
    Some(tuning)
}
