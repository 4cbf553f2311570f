//! Compiled cases: built by nvcc, kept by the hash of everything that went in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::case::Case;
use crate::process::{self, End};
use crate::toolchain::{Driver, Toolchain};

/// Compilers that run at a time: one needs up to 2 GiB of memory for a Thrust program.
const COMPILERS_MAX: usize = 2;
/// Time that a compiler may take.
const COMPILE_TIME_MAX: Duration = Duration::from_secs(600);

static COMPILERS: Slots = Slots { free: Mutex::new(COMPILERS_MAX), freed: Condvar::new() };

/// The compiled program of a case.
///
/// # Errors
/// When it does not compile, with what the compiler says.
pub fn build(toolchain: &Toolchain, case: &Case) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    hash.update(case.digest()?);
    hash.update(&toolchain.version);
    hash.update(toolchain.nvcc.as_os_str().as_encoded_bytes());
    let hash: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    // One file a case is kept, so that the folder does not grow with every change.
    let folder = toolchain.scratch.join("programs").join(&case.name);
    let program = folder.join(hash);
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let beside = folder.join(format!("{}.new", std::process::id()));
    compile(toolchain, case, &beside)?;
    for old in fs::read_dir(&folder)? {
        let old = old?.path();
        if old != beside {
            fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    fs::rename(&beside, &program)?;
    Ok(program)
}

fn compile(toolchain: &Toolchain, case: &Case, output: &Path) -> Result<()> {
    let mut nvcc = Command::new(&toolchain.nvcc);
    nvcc.args(&case.expected.flags).arg(&case.path).args(&case.parts).arg("-o").arg(output);
    for folder in [&toolchain.library_folder, &toolchain.link_folder] {
        nvcc.arg("-L").arg(folder);
    }
    if toolchain.driver == Driver::Installed {
        nvcc.arg("-L").arg(toolchain.library_folder.join("stubs"));
    }
    let slot = COMPILERS.take();
    let finished = process::run(&mut nvcc, COMPILE_TIME_MAX)?;
    drop(slot);
    if finished.end != End::Exit(0) {
        bail!("nvcc {}\n{}", finished.end, finished.outputs());
    }
    Ok(())
}

/// A number of places, of which each taker holds one.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

struct Slot<'a>(&'a Slots);

impl Slots {
    fn take(&self) -> Slot<'_> {
        // The count is right whatever happened to another holder.
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
