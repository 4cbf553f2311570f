//! Which `libcuda.so.1` the loader would take if ours were not there.

use crate::{elf, loader_cache};
use driver_api::env;
use std::fmt;
use std::path::{Path, PathBuf};

/// The name that programs ask the loader for.
const NAME: &str = "libcuda.so.1";

/// Folders where distributions and container runtimes put the driver, for systems whose cache does not say so.
const FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    // Debian's alternatives.
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    // Windows' subsystem for Linux.
    "/usr/lib/wsl/lib",
    // Kubernetes on Google's machines.
    "/usr/local/nvidia/lib64",
    // NixOS.
    "/run/opengl-driver/lib",
];

/// No library of NVIDIA's; and what was there instead.
#[derive(Debug)]
pub struct NotFound {
    rejected: Vec<(PathBuf, String)>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {NAME} of NVIDIA's is found; {} may name it", env::REAL_LIBCUDA.name)?;
        for (path, why) in &self.rejected {
            write!(f, "; {} {why}", path.display())?;
        }
        Ok(())
    }
}

/// NVIDIA's library: the one that `APEX_REAL_LIBCUDA` names, or the first that is not ours of
///
/// 1. the folders of `LD_LIBRARY_PATH` (a package for forward compatibility is put there),
/// 2. the loader's cache,
/// 3. the usual folders.
///
/// The path is absolute, with links followed.
///
/// # Errors
/// When there is none, with what is wrong with those that were looked at.
pub fn find() -> Result<PathBuf, NotFound> {
    let mut candidates = Vec::new();
    if !is_privileged() {
        if let Some(named) = env::REAL_LIBCUDA.get() {
            return first_of(vec![named.into()]);
        }
        let folders = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let folders = std::env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty());
        candidates.extend(folders.map(|folder| folder.join(NAME)));
    }
    candidates.extend(loader_cache::look_up(Path::new("/etc/ld.so.cache"), NAME));
    candidates.extend(FOLDERS.iter().map(|folder| Path::new(folder).join(NAME)));
    candidates.retain(|candidate| candidate.exists());
    first_of(candidates)
}

/// Whether the process has more rights than who started it (a setuid program). What is loaded into it must not be that one's choice; the
/// loader ignores such variables too.
fn is_privileged() -> bool {
    // SAFETY: no preconditions.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// The first that is a library and not ours.
fn first_of(candidates: Vec<PathBuf>) -> Result<PathBuf, NotFound> {
    let mut rejected: Vec<(PathBuf, String)> = Vec::new();
    for candidate in candidates {
        let checked =
            candidate.canonicalize().map_err(|error| error.to_string()).and_then(|path| match elf::is_apex(&path)? {
                true => Err("is APEX itself".to_owned()),
                false => Ok(path),
            });
        match checked {
            Ok(path) => return Ok(path),
            Err(_) if rejected.iter().any(|(path, _)| *path == candidate) => {}
            Err(why) => rejected.push((candidate, why)),
        }
    }
    Err(NotFound { rejected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_candidates_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (text, gone) = (folder.path().join("text"), folder.path().join("gone"));
        std::fs::write(&text, [b' '; 100]).expect("a file");
        let error = first_of(vec![text.clone(), gone, text]).expect_err("neither is a library").to_string();
        assert!(error.contains("text is no shared library"), "{error}");
        assert!(error.contains("gone No such file"), "{error}");
        assert_eq!(error.matches("text is").count(), 1, "{error}");
    }
}
