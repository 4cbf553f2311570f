//! `cargo xtask dist`: the release as a user has it.
//!
//! ```text
//! target/dist/bin/apex
//! target/dist/lib/libcuda.so.1
//! target/dist/lib/libcuda.so -> libcuda.so.1
//! ```

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::{cargo, run as run_command};
use crate::{setup, workspace};

/// Builds the release and lays it out; returns the folder.
///
/// # Errors
/// When the build fails or a file cannot be written.
pub fn run() -> Result<PathBuf> {
    setup::run_for(setup::Purpose::Demo)?;
    run_command(cargo().args(["build", "--release", "--package", "apex", "--package", "libcuda"]))?;
    let (built, dist) = (workspace::target().join("release"), workspace::dist());
    fs::create_dir_all(dist.join("bin"))?;
    fs::create_dir_all(dist.join("lib"))?;
    place(&built.join("apex"), &dist.join("bin/apex"))?;
    place(&built.join("libcuda.so"), &dist.join("lib/libcuda.so.1"))?;
    let link = dist.join("lib/libcuda.so");
    if fs::read_link(&link).ok().as_deref() != Some(Path::new("libcuda.so.1")) {
        let _ = fs::remove_file(&link);
        symlink("libcuda.so.1", &link).with_context(|| format!("cannot make {}", link.display()))?;
    }
    Ok(dist)
}

/// Copies a file so that whoever runs the old one keeps it and nobody sees half of the new one.
fn place(from: &Path, to: &Path) -> Result<()> {
    let partial = to.with_extension("partial");
    fs::copy(from, &partial)
        .and_then(|_| fs::rename(&partial, to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
