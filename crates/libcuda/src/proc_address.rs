//! Look-ups by name and version, for `cuGetProcAddress`.
//!
//! A name has rows: one for each plain version, one for each per-thread version. A look-up for a CUDA version takes
//! the newest row that the version covers. With the per-thread flag, only per-thread rows count for a name that has
//! any; without it, per-thread rows do not count. `tests/data/look-ups-580.txt` holds the answers of NVIDIA's driver.

use crate::exports::ADDRESSES;
use core::ffi::{CStr, c_void};
use cuda_abi::{CUdriverProcAddress_flags as Flags, FUNCTIONS, Function};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Why a look-up has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The version is newer than the driver, or the flags hold a bit that means nothing.
    InvalidArgument,
    /// No function has that name.
    UnknownName,
    /// Every version of the function is newer than the version asked for.
    VersionNotSufficient,
}

/// Finds the address of a function.
///
/// `version` is a CUDA version as 1000 times the major and 10 times the minor number; a negative one stands for the
/// newest. `flags` is a combination of [`Flags`].
///
/// # Errors
/// See [`Refusal`].
pub fn look_up(name: &CStr, version: i32, flags: u64, driver_version: i32) -> Result<*const c_void, Refusal> {
    let all_flags =
        u64::from(Flags::CU_GET_PROC_ADDRESS_LEGACY_STREAM.0 | Flags::CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM.0);
    if version > driver_version || flags & !all_flags != 0 {
        return Err(Refusal::InvalidArgument);
    }
    // A driver that reports an older version does not know newer functions.
    let version = if version < 0 { driver_version } else { version } as u32;
    let wants_per_thread = flags & u64::from(Flags::CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM.0) != 0;
    let name = name.to_str().map_err(|_| Refusal::UnknownName)?;
    let rows = index().get(name).ok_or(Refusal::UnknownName)?;
    let has_per_thread = rows.iter().any(|row| FUNCTIONS[*row].target.is_some());
    let counts = |function: &Function| function.target.is_some() == (wants_per_thread && has_per_thread);
    rows.iter()
        .filter(|row| counts(&FUNCTIONS[**row]) && FUNCTIONS[**row].since <= version)
        .max_by_key(|row| FUNCTIONS[**row].since)
        .map(|row| ADDRESSES[*row].0)
        .ok_or(Refusal::VersionNotSufficient)
}

/// The rows of the table by name. Functions without a declaration have none.
fn index() -> &'static HashMap<&'static str, Vec<usize>> {
    static INDEX: OnceLock<HashMap<&'static str, Vec<usize>>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index: HashMap<_, Vec<usize>> = HashMap::new();
        for (row, function) in FUNCTIONS.iter().enumerate().filter(|(_, function)| !function.base.is_empty()) {
            index.entry(function.base).or_default().push(row);
        }
        index
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    /// Driver 580.159.04's answers: a name, the kind of look-up, and from which version on it answers which symbol.
    const RECORDED: &str = include_str!("../tests/data/look-ups-580.txt");
    const DRIVER: i32 = 13000;

    fn address_of(symbol: &str) -> *const c_void {
        let row = FUNCTIONS.iter().position(|function| function.symbol == symbol);
        ADDRESSES[row.unwrap_or_else(|| panic!("{symbol} is not in the table"))].0
    }

    fn answer(name: &str, version: i32, flags: u64) -> Result<*const c_void, Refusal> {
        look_up(&CString::new(name).expect("a name without null bytes"), version, flags, DRIVER)
    }

    #[test]
    fn every_answer_is_the_driver_s() {
        let mut versions: Vec<u32> = FUNCTIONS.iter().map(|function| function.since).collect();
        versions.sort_unstable();
        versions.dedup();
        let mut look_ups = 0;
        for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let name = words.next().expect("a name");
            let flags: [u64; 2] = if words.next() == Some("per-thread") { [2, 3] } else { [0, 1] };
            let steps: Vec<(u32, &str)> = words
                .map(|word| word.split_once('=').expect("version=symbol"))
                .map(|(version, symbol)| (version.parse().expect("a version"), symbol))
                .collect();
            for version in &versions {
                let expected =
                    steps.iter().rev().find(|(since, _)| since <= version).map(|(_, symbol)| address_of(symbol));
                for flags in flags {
                    let found = answer(name, *version as i32, flags);
                    assert_eq!(found.ok(), expected, "{name} for {version} with flags {flags}");
                    look_ups += 1;
                }
            }
        }
        assert_eq!(look_ups, 477 * 4 * versions.len());
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(answer("cuNoSuchFunction", 12000, 0), Err(Refusal::UnknownName));
        assert_eq!(answer("", 12000, 0), Err(Refusal::UnknownName));
        assert_eq!(answer("cuMemAlloc_v2", 13000, 0), Err(Refusal::UnknownName));
        assert_eq!(answer("cuEGLApiInit", 13000, 0), Err(Refusal::UnknownName));
        assert_eq!(answer("cuMemAlloc", 1000, 0), Err(Refusal::VersionNotSufficient));
        assert_eq!(answer("cuMemcpyHtoD", 6000, 2), Err(Refusal::VersionNotSufficient));
        assert_eq!(answer("cuMemAlloc", 13010, 0), Err(Refusal::InvalidArgument));
        assert_eq!(answer("cuMemAlloc", 13000, 4), Err(Refusal::InvalidArgument));
        assert_eq!(answer("cuMemAlloc", -1, 0), Ok(address_of("cuMemAlloc_v2")));
    }

    #[test]
    fn an_older_driver_knows_older_functions_only() {
        assert_eq!(look_up(c"cuMemGetDefaultMemPool", -1, 0, 12080), Err(Refusal::VersionNotSufficient));
        assert_eq!(look_up(c"cuCtxSynchronize", 12080, 0, 12080), Ok(address_of("cuCtxSynchronize")));
    }
}
