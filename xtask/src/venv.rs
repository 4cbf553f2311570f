//! The Python environment under the target folder: the CUDA toolkit, and the Python clients of the tests.
//!
//! For each set of requirements that is installed there is a stamp with their text, so that a second call costs
//! nothing and a changed file is noticed. A set being installed has a marker; one that is found is of a call that was
//! interrupted, and the environment is made anew.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::run;
use crate::workspace;

/// A file of requirements in pip's format.
#[derive(Debug, Clone)]
pub struct Requirements {
    /// Names the stamp.
    pub name: &'static str,
    /// The file. A set whose file does not exist has nothing in it.
    pub file: PathBuf,
}

/// The environment's folder.
pub fn dir() -> PathBuf {
    workspace::target().join("venv")
}

/// The folder of the CUDA toolkit within the environment: `bin/nvcc`, `lib`, `include`.
///
/// # Errors
/// When it is not installed.
pub fn cuda_home() -> Result<PathBuf> {
    let lib = dir().join("lib");
    let versions = fs::read_dir(&lib).with_context(|| format!("cannot read {}", lib.display()))?;
    for version in versions {
        let home = version?.path().join("site-packages/nvidia/cu13");
        if home.join("bin/nvcc").exists() {
            return Ok(home);
        }
    }
    anyhow::bail!("no nvcc in {}: delete that folder and call again", dir().display())
}

/// Brings the environment to where every set is installed.
///
/// # Errors
/// When Python or pip fails.
pub fn install(sets: &[Requirements]) -> Result<()> {
    fs::create_dir_all(workspace::target())?;
    // Two calls at a time would install over each other.
    let lock = File::create(workspace::target().join("venv.lock"))?;
    lock.lock().context("cannot lock the Python environment")?;

    let dir = dir();
    let marker = dir.join("xtask-installing");
    let mut texts = Vec::new();
    for set in sets {
        texts.push((set, text(set)?));
    }
    let changed = texts.iter().any(|(set, text)| stamp(set).exists() && !is_stamped(set, text));
    if !dir.join("bin/python3").exists() || marker.exists() || changed {
        eprintln!("xtask: making a Python environment in {}", dir.display());
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir))?;
    }
    let constraints = workspace::root().join("xtask/requirements-cuda.txt");
    for (set, text) in texts {
        if is_stamped(set, &text) || text.is_empty() {
            continue;
        }
        eprintln!("xtask: installing the Python packages of {}", set.file.display());
        File::create(&marker)?;
        pip_install(&dir, &set.file, &constraints)?;
        fs::write(stamp(set), &text)?;
        fs::remove_file(&marker)?;
    }
    ensure!(cuda_home()?.join("bin/nvcc").exists());
    Ok(())
}

/// Installs a set; where it pulls in parts of the toolkit itself, in the toolkit's versions.
fn pip_install(venv: &Path, requirements: &Path, constraints: &Path) -> Result<()> {
    let mut pip = Command::new(venv.join("bin/python3"));
    pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--retries=5"]);
    pip.arg("--requirement").arg(requirements).arg("--constraint").arg(constraints);
    run(&mut pip)
}

fn stamp(set: &Requirements) -> PathBuf {
    dir().join(format!("xtask-installed-{}.txt", set.name))
}

fn is_stamped(set: &Requirements, text: &str) -> bool {
    fs::read_to_string(stamp(set)).is_ok_and(|stamped| stamped == text)
}

fn text(set: &Requirements) -> Result<String> {
    match fs::read_to_string(&set.file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", set.file.display())),
    }
}
