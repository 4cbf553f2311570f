//! Counters of kernels (`APEX_COUNTERS`): kept while the process runs, shown when it exits.

use crate::settings::CountersSetting;
use core::ffi::c_int;
use counters::Collector;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What is to be shown at exit.
struct Pending {
    collector: Arc<Collector>,
    setting: CountersSetting,
    /// The process that counts: a forked child has a copy of this, and nothing to show.
    process: u32,
}

static PENDING: OnceLock<Pending> = OnceLock::new();

/// Begins to count. What is counted is shown when the process exits in the ordinary way.
pub(crate) fn start(setting: CountersSetting) -> Arc<Collector> {
    let collector = Collector::new();
    let pending = Pending { collector: collector.clone(), setting, process: std::process::id() };
    if PENDING.set(pending).is_ok() && !stdx::at_exit(show_at_exit) {
        eprintln!("apex: the counters will not be shown: the system refuses a function at exit");
    }
    collector
}

extern "C" fn show_at_exit(_code: c_int) {
    // A panic has been reported by its hook.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(pending) = PENDING.get().filter(|pending| pending.process == std::process::id()) {
            show(pending);
        }
    }));
}

fn show(pending: &Pending) {
    let table = pending.collector.table();
    if table.is_empty() {
        return;
    }
    eprint!("{table}");
    if let CountersSetting::File(path) = &pending.setting {
        let path = with_process(path, pending.process);
        if let Err(error) = write_whole(&path, &pending.collector.json()) {
            eprintln!("apex: cannot write {}: {error}", path.display());
        }
    }
}

/// The path with the process's number in place of `%p`, so that several processes need not share a file.
pub(crate) fn with_process(path: &Path, process: u32) -> PathBuf {
    match path.to_str() {
        Some(text) => PathBuf::from(text.replace("%p", &process.to_string())),
        None => path.to_owned(),
    }
}

/// Puts a file in place whole, so that nobody reads half of it.
pub(crate) fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_the_process() {
        assert_eq!(with_process(Path::new("a/%p.json"), 7), Path::new("a/7.json"));
        assert_eq!(with_process(Path::new("a.json"), 7), Path::new("a.json"));
    }
}
