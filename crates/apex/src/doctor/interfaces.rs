//! What a program and its libraries ask of the driver: a CUDA runtime of a release that it knows, functions that it exports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use binary::{Member, Options, Place, Release, Runtime, RuntimeLinkage, SymbolChoice, is_cuda_name};

use super::Finding;
use crate::abi::{driver_functions, states};
use crate::library::{self, LIBRARY_NAME};

/// Names that are named before "and more".
const NAMES_NAMED: usize = 5;

/// A program or one of its libraries, read.
pub struct Part {
    path: PathBuf,
    member: Member,
}

/// Reads a file; nothing where it is none that is read, which others report.
pub fn read(path: &Path) -> Option<Part> {
    let driver_functions = driver_functions();
    let options = Options { driver_functions: &driver_functions, symbols: SymbolChoice::Cuda, unpack_bytes_max: 0 };
    let scan = binary::scan(path, None, &options).ok()?;
    Some(Part { path: path.to_owned(), member: scan.members.into_iter().next()? })
}

/// Checks a program and its libraries against a driver of release `driver`; `on_software` if the software GPU is to answer.
pub fn check(parts: &[Part], driver: Option<Release>, on_software: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for part in parts {
        findings.extend(driver.and_then(|driver| check_runtime(part, driver)));
    }
    findings.extend(check_imports(parts, on_software));
    findings
}

/// A runtime of a later major release than the driver's says `cudaErrorInsufficientDriver` to everything; within a major release
/// any runtime runs on any driver.
fn check_runtime(part: &Part, driver: Release) -> Option<Finding> {
    let subject = part.path.display().to_string();
    let runtime = &part.member.runtime;
    let what = describe(runtime)?;
    let major = runtime.major?;
    if major > driver.major {
        let remedy = format!(
            "set {}={} or higher, or build with the CUDA runtime {}.x",
            driver_api::env::DRIVER_VERSION.name,
            major * 1000,
            driver.major
        );
        let what = format!("{what}, which refuses a driver of CUDA {driver} (cudaErrorInsufficientDriver)");
        return Some(Finding::problem(subject, what, remedy));
    }
    Some(Finding::good(subject, what))
}

fn describe(runtime: &Runtime) -> Option<String> {
    let release = match (runtime.at_least, runtime.major) {
        (Some(release), _) => format!("{release} or a later {}.x", release.major),
        (None, Some(major)) => format!("{major}.x"),
        (None, None) => return None,
    };
    match runtime.linkage {
        RuntimeLinkage::Static => Some(format!("has the CUDA runtime inside, {release}")),
        RuntimeLinkage::Shared => Some(format!("uses the CUDA runtime as a library, {release}")),
        RuntimeLinkage::Itself => Some(format!("is the CUDA runtime, {release}")),
        RuntimeLinkage::None => None,
    }
}

/// Functions of the driver that are linked by name: the loader wants each of them when the program starts, or when it
/// calls one.
fn check_imports(parts: &[Part], on_software: bool) -> Vec<Finding> {
    let Some(ours) = library::folder().ok().and_then(|folder| exported_by(&folder.join(LIBRARY_NAME))) else {
        return Vec::new();
    };
    let by_others: BTreeSet<&str> = parts
        .iter()
        .flat_map(|part| part.member.symbols.iter())
        .filter(|symbol| symbol.place == Place::Exported)
        .map(|symbol| symbol.name.as_str())
        .collect();
    let states = states();
    let mut findings = Vec::new();
    for part in parts.iter().filter(|part| part.member.needed.iter().any(|name| name == LIBRARY_NAME)) {
        let subject = part.path.display().to_string();
        // Whether a weak one is there is for the program to find out.
        let imported = part.member.symbols.iter().filter(|symbol| symbol.place == Place::Imported && !symbol.weak);
        let imported = imported.map(|symbol| symbol.name.as_str()).filter(|name| is_driver_name(name));
        let (ours, absent): (Vec<&str>, Vec<&str>) = imported
            .filter(|name| ours.contains(*name) || !by_others.contains(name))
            .partition(|name| ours.contains(*name));
        if !absent.is_empty() {
            let what = format!("is linked with {} of the driver, which ours does not export", named(&absent));
            findings.push(Finding::problem(subject.clone(), what, "it needs another release of the driver than 580"));
        }
        let unimplemented: Vec<&str> =
            ours.into_iter().filter(|name| states.get(name) == Some(&"not implemented")).collect();
        if on_software && !unimplemented.is_empty() {
            let what =
                format!("is linked with {}, which the software device does not implement", named(&unimplemented));
            findings.push(Finding::note(subject, what).with_remedy("such a call answers CUDA_ERROR_NOT_SUPPORTED"));
        }
    }
    findings
}

/// Whether a name is the driver's, and not the runtime's or another library's.
fn is_driver_name(name: &str) -> bool {
    is_cuda_name(name.as_bytes()) && !["cuda", "__cuda", "nvml"].iter().any(|prefix| name.starts_with(prefix))
}

/// `cuA, cuB and 4 more`.
fn named(names: &[&str]) -> String {
    let first = names.iter().take(NAMES_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn exported_by(path: &Path) -> Option<BTreeSet<String>> {
    let surface = binary::exports(path, None, SymbolChoice::Cuda).ok()?;
    Some(surface.exports.into_keys().collect())
}

/// A remedy for libraries that are missing: where the CUDA runtime is had.
pub fn remedy_for_missing(names: &[&str]) -> String {
    let runtime = names.iter().find_map(|name| name.strip_prefix("libcudart.so.")?.split('.').next());
    let general = "install them, or add their folders to LD_LIBRARY_PATH";
    match runtime {
        Some("11" | "12") => {
            let major = runtime.unwrap_or_default();
            format!("{general}; the CUDA runtime comes with `pip install nvidia-cuda-runtime-cu{major}`")
        }
        Some(major) => {
            format!("{general}; the CUDA runtime comes with `pip install \"nvidia-cuda-runtime=={major}.*\"`")
        }
        None => general.to_owned(),
    }
}
