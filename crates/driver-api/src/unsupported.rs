//! What happens when no driver implements a function: an error code, and one line for the person at the terminal.

use crate::env;
use cuda_abi::CUresult;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Functions that have been reported. Bounded by the number of functions in the table: only names from there come in.
static REPORTED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Answers for a function that no driver implements: `CUDA_ERROR_NOT_SUPPORTED`. The first time for each function a
/// line is written to stderr, unless `APEX_QUIET=1`.
#[cold]
pub fn report(symbol: &'static str) -> CUresult {
    if !env::is_quiet() {
        let first = REPORTED.lock().unwrap_or_else(PoisonError::into_inner).insert(symbol);
        if first {
            eprintln!("apex: {symbol} is not implemented by the software device");
        }
    }
    CUresult::CUDA_ERROR_NOT_SUPPORTED
}
