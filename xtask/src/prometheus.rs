//! Prometheus, for the tests of metrics: Debian's package, unpacked under the target folder. It is not installed, as that would start a
//! server on the machine.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{run, succeeds};
use crate::workspace;

/// The programs that the tests use.
const PROGRAMS: [&str; 2] = ["prometheus", "promtool"];

fn folder() -> PathBuf {
    workspace::target().join("prometheus")
}

/// The folder with the programs: an unpacked one, or where the machine has them already.
///
/// # Errors
/// When they are nowhere.
pub fn bin_dir() -> Result<PathBuf> {
    let unpacked = folder().join("usr/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain([unpacked]);
    let found = folders.find(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()));
    found.context("prometheus and promtool are not in PATH")
}

/// Brings them, unless they are there.
///
/// # Errors
/// When they cannot be had; the message says what to do.
pub fn install() -> Result<()> {
    if bin_dir().is_ok() {
        return Ok(());
    }
    if !succeeds(Command::new("apt-get").arg("--version")) {
        bail!(
            "the tests need prometheus and promtool (https://prometheus.io/download): please put both into a folder of PATH, and call again"
        );
    }
    let downloads = folder().join("download");
    fs::create_dir_all(&downloads)?;
    eprintln!("xtask: getting Debian's package prometheus into {}", folder().display());
    run(Command::new("apt-get").args(["--quiet", "download", "prometheus"]).current_dir(&downloads))?;
    let package = fs::read_dir(&downloads)?.filter_map(|entry| Some(entry.ok()?.path()));
    let package = package.filter(|path| path.extension().is_some_and(|end| end == "deb")).max();
    let package = package.context("apt-get has brought no package")?;
    run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(folder()))?;
    fs::remove_dir_all(&downloads)?;
    ensure!(bin_dir().is_ok(), "{} has no prometheus or no promtool", package.display());
    Ok(())
}
