//! Which back end would answer, and whether NVIDIA's library has what the table lacks.

use std::collections::BTreeSet;
use std::path::Path;

use binary::SymbolChoice;
use cuda_abi::SYMBOLS;
use driver_api::env;
use nvidia_finder::Decision;

use super::Finding;

/// Functions that are named before "and more".
const NAMED: usize = 5;

const SUBJECT: &str = "back end";

/// Whether NVIDIA's driver would answer, and what is to be said about it.
pub fn check() -> (bool, Vec<Finding>) {
    match nvidia_finder::decide() {
        Decision::Software(reason) => {
            (false, vec![Finding::good(SUBJECT, format!("the software GPU, because {reason}"))])
        }
        Decision::Impossible(reason) => {
            let remedy = format!("set {} or {}", env::BACKEND.name, env::REAL_LIBCUDA.name);
            (false, vec![Finding::problem(SUBJECT, reason, remedy)])
        }
        Decision::Nvidia { path, .. } => (true, check_library(&path)),
    }
}

fn check_library(path: &Path) -> Vec<Finding> {
    let what = format!("NVIDIA's driver, {}", path.display());
    let names = match exported(path) {
        Ok(names) => names,
        Err(error) => return vec![Finding::problem(SUBJECT, format!("{what}: {error}"), "install it again")],
    };
    let known: BTreeSet<&str> = SYMBOLS.iter().copied().collect();
    let newer: Vec<&str> = names.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
    let older = known.iter().filter(|name| !names.contains(**name)).count();
    let mut findings = vec![Finding::good(SUBJECT, format!("{what}: {} functions", names.len()))];
    if !newer.is_empty() {
        let named = newer.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = if newer.len() > NAMED { ", ..." } else { "" };
        let what =
            format!("{} functions are newer than APEX, and calls of them are not seen: {named}{more}", newer.len());
        findings.push(Finding::note(SUBJECT, what));
    }
    if older > 0 {
        findings.push(Finding::note(SUBJECT, format!("{older} functions of the table are newer than this driver")));
    }
    findings
}

/// The names that look like functions of the driver API, among those that a library exports.
fn exported(path: &Path) -> binary::Result<BTreeSet<String>> {
    let is_function = |name: &String| {
        name.strip_prefix("cu").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    let names = binary::exports(path, None, SymbolChoice::Cuda)?.exports.into_keys();
    Ok(names.filter(is_function).collect())
}
