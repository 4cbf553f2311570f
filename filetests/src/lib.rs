//! Runner of the test cases that are data: real CUDA programs, each with its expected output inside.
//!
//! A case is a file under `cases/`. It is compiled by NVIDIA's compiler with that compiler's defaults, run on the driver
//! under test, and what it writes is compared with the lines at its own end (see [`case`]). The same cases are run on a
//! real GPU by `record_on_gpu.py`; the outcome is committed under `data/` and must agree with the cases (see
//! [`recorded`]).
//!
//! | variable | meaning |
//! |---|---|
//! | `APEX_CUDA_HOME` | toolkit with `bin/nvcc`, `include` and `lib`; otherwise the `nvcc` found in `PATH` |
//! | `APEX_LIB_DIR` | folder with our `libcuda.so.1`; `none` for the driver of this machine; otherwise `target/dist/lib` |
//! | `APEX_BACKEND=nvidia` | our library hands everything to the driver of this machine's card, and every case has to pass |
//! | `APEX_VENV` | Python environment of the clients |
//! | `APEX_BLESS=1` | rewrites the expected output of cases that ended by themselves |
//!
//! Invariant: imports no other crate of the workspace; a case sees the driver as any CUDA program does.
//!
//! Invariant: nothing is skipped. Where a prerequisite is missing, the run fails and says which.
//!
//! Invariant: a known failure is named with its reason in `expectations.toml`, and one that passes is an error.

pub mod case;
pub mod clients;
pub mod expectations;
pub mod process;
pub mod program;
pub mod recorded;
pub mod toolchain;
pub mod verdict;

use std::path::{Path, PathBuf};

/// The folder of this crate: cases, recorded data, clients.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files with one of the extensions in a folder, sorted by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn files_in(folder: &Path, extensions: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    use anyhow::Context;
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
