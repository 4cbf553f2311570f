//! Those who run a kernel benchmark: our driver, two OpenCL implementations, plain C.

mod cuda;
mod native;
mod opencl;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::workload::Workload;

/// Who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// CUDA on our driver.
    Apex,
    /// The same with the code that is chosen without timing: what adaptive choice gains.
    Static,
    /// The same with one core: threads that execute kernels take turns on it, the program's own among them.
    #[value(name = "apex-one")]
    #[serde(rename = "apex-one")]
    ApexOne,
    /// OpenCL on Intel's runtime.
    Intel,
    /// OpenCL on PoCL.
    Pocl,
    /// C, by gcc: whatever a programmer does for this processor.
    Native,
    /// The same with loops in place of instructions that have to be asked for by name, but for conversions of half precision: AES by a table.
    Loops,
}

impl Kind {
    /// Those that are run unless others are asked for, in the order of the table.
    pub const USUAL: [Self; 4] = [Self::Apex, Self::Intel, Self::Pocl, Self::Native];

    /// The name in tables, files and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apex => "apex",
            Self::Static => "static",
            Self::ApexOne => "apex-one",
            Self::Intel => "intel",
            Self::Pocl => "pocl",
            Self::Native => "native",
            Self::Loops => "loops",
        }
    }
}

/// A kernel benchmark that is loaded and ready to run.
pub trait Peer {
    /// What it runs on, and in which version.
    fn device(&self) -> Result<String>;

    /// Gives a buffer other contents of the same size.
    fn write(&mut self, buffer: usize, bytes: &[u8]) -> Result<()>;

    /// Runs once, to the end.
    fn run(&mut self) -> Result<()>;

    /// The bytes of a buffer.
    fn read(&mut self, buffer: usize) -> Result<Vec<u8>>;
}

/// Compiles, loads and fills buffers.
///
/// # Errors
/// When something is missing or fails.
pub fn open(kind: Kind, environment: &Environment, workload: &Workload) -> Result<Box<dyn Peer>> {
    Ok(match kind {
        Kind::Apex | Kind::Static | Kind::ApexOne => Box::new(cuda::Cuda::open(environment, workload)?),
        Kind::Intel => Box::new(opencl::OpenCl::open("Intel(R) OpenCL", workload)?),
        Kind::Pocl => Box::new(opencl::OpenCl::open("Portable Computing Language", workload)?),
        Kind::Native => Box::new(native::Native::open(environment, workload, &[])?),
        Kind::Loops => Box::new(native::Native::open(environment, workload, &["-DLOOPS"])?),
    })
}

/// Sets what the process of a peer needs around it.
///
/// # Errors
/// When something is missing or a file cannot be written.
pub fn set_environment(kind: Kind, environment: &Environment, command: &mut Command) -> Result<()> {
    match kind {
        Kind::Apex | Kind::ApexOne => {
            // Not the user's, so that a run neither profits from it nor fills it.
            command.env("APEX_CACHE_PATH", environment.scratch_folder("code-cache")?);
            // What is measured is fast code, not the time until it is there; or what the user asks for.
            if std::env::var_os("APEX_TIER").is_none() {
                command.env("APEX_TIER", "full");
            }
            if kind == Kind::ApexOne {
                command.env("APEX_WORKERS", "1");
            }
        }
        Kind::Static => {
            command.env("APEX_CACHE_PATH", environment.scratch_folder("code-cache")?);
            command.env("APEX_ADAPT", "0");
        }
        Kind::Intel => {
            let libraries = environment.venv.join("lib");
            let runtime = libraries.join("libintelocl.so");
            ensure!(
                runtime.is_file(),
                "there is no {}: xtask/requirements-bench.txt names its package",
                runtime.display()
            );
            let folder = environment.scratch_folder("icd")?;
            let icd = folder.join("intel.icd");
            // The one that the package brings holds a path of the machine that built it.
            std::fs::write(&icd, format!("{}\n", runtime.display()))
                .with_context(|| format!("cannot write {}", icd.display()))?;
            command.env("OCL_ICD_VENDORS", folder);
            command.env("LD_LIBRARY_PATH", search_path(libraries)?);
        }
        Kind::Pocl => {
            command.env("POCL_CACHE_DIR", environment.scratch_folder("pocl-cache")?);
        }
        Kind::Native | Kind::Loops => {}
    }
    Ok(())
}

/// `LD_LIBRARY_PATH` with a folder put first.
///
/// # Errors
/// When the folder has a colon in its name.
pub fn search_path(first: PathBuf) -> Result<std::ffi::OsString> {
    let old = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let rest = std::env::split_paths(&old).filter(|folder| !folder.as_os_str().is_empty());
    Ok(std::env::join_paths(std::iter::once(first).chain(rest))?)
}
