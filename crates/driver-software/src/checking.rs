//! Checks of kernels (`APEX_CHECK`): what is wrong is told where it is found; when the process exits, how much it was.

use crate::settings::CheckSetting;
use checkers::{Checker, Reports};
use simt::arena::Arena;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

/// The exit code of a program that something was found in, and that would have ended with 0.
const EXIT_FOUND: c_int = 86;

/// What is to be shown at exit.
struct Pending {
    reports: Arc<Reports>,
    setting: CheckSetting,
    /// The process that checks: a forked child has a copy of this, and nothing to show.
    process: u32,
}

static PENDING: OnceLock<Pending> = OnceLock::new();

/// Begins to check.
pub(crate) fn start(setting: CheckSetting, arena: &Arc<Arena>) -> Arc<Checker> {
    let reports: Arc<Reports> = Arc::default();
    let checker = Checker::new(setting.checks, arena.clone(), reports.clone());
    let is_first = PENDING.set(Pending { reports, setting, process: std::process::id() }).is_ok();
    if is_first && !stdx::at_exit(show_at_exit) {
        eprintln!("apex: the checks will not be summed up: the system refuses a function at exit");
    }
    checker
}

extern "C" fn show_at_exit(code: c_int) {
    // A panic has been reported by its hook.
    let found = catch_unwind(|| {
        let pending = PENDING.get().filter(|pending| pending.process == std::process::id());
        pending.is_some_and(|pending| {
            let shown = catch_unwind(AssertUnwindSafe(|| show(pending)));
            shown.is_ok() && !pending.reports.is_empty()
        })
    });
    if code == 0 && matches!(found, Ok(true)) {
        // SAFETY: glibc goes on with the functions that are left, and with the new code.
        unsafe { libc::exit(EXIT_FOUND) };
    }
}

fn show(pending: &Pending) {
    if !pending.reports.is_empty() {
        eprintln!("{}", pending.reports.summary());
    }
    if let Some(path) = &pending.setting.report {
        let path = crate::counting::with_process(path, pending.process);
        if let Err(error) = crate::counting::write_whole(&path, &pending.reports.json()) {
            eprintln!("apex: cannot write {}: {error}", path.display());
        }
    }
}
