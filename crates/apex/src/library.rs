//! Where our own `libcuda.so.1` is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The name that programs ask the loader for.
pub const LIBRARY_NAME: &str = "libcuda.so.1";

/// The folder with our library, as an absolute path: `../lib` of the executable, or, in a build of the workspace,
/// `target/dist/lib`.
///
/// # Errors
/// When it is in neither.
pub fn folder() -> Result<PathBuf> {
    let executable = std::env::current_exe().context("cannot find out where this executable is")?;
    let bin = executable.parent().unwrap_or(Path::new("/"));
    let candidates = [bin.join("../lib"), bin.join("../dist/lib")];
    match candidates.iter().find(|folder| folder.join(LIBRARY_NAME).is_file()) {
        Some(folder) => folder.canonicalize().with_context(|| format!("cannot resolve {}", folder.display())),
        None => bail!(
            "there is no {LIBRARY_NAME} in {} nor in {}: keep bin/apex and lib/ together, or build with `cargo xtask dist`",
            candidates[0].display(),
            candidates[1].display()
        ),
    }
}
