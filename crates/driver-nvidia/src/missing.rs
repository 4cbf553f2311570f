//! What is told about names that only one of table and library has.

use cuda_abi::CUresult;
use driver_api::env;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Names that have been told. More than this many are no driver's: the rest goes untold.
const TOLD_MAX: usize = 1024;

static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Writes a line, the first time for each name, unless `APEX_QUIET=1`.
fn tell_once(name: &str, line: impl FnOnce() -> String) {
    if env::is_quiet() {
        return;
    }
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() < TOLD_MAX && told.insert(name.to_owned()) {
        drop(told);
        // Nobody may read it; a panic here would end the program.
        let _ = writeln!(std::io::stderr(), "apex: {}", line());
    }
}

/// Answers for a function of the table that NVIDIA's library lacks, because it is older: `CUDA_ERROR_NOT_SUPPORTED`, and a
/// line the first time.
#[cold]
pub fn report_missing(symbol: &str, library: &Path) -> CUresult {
    tell_once(symbol, || format!("{} has no {symbol}", library.display()));
    CUresult::CUDA_ERROR_NOT_SUPPORTED
}

/// Tells that a program was given a function of NVIDIA's that the table lacks, because the library is newer. Such calls go past
/// APEX.
#[cold]
pub fn report_foreign(name: &str) {
    tell_once(name, || format!("{name} is newer than APEX: calls of it go to NVIDIA's driver directly"));
}
