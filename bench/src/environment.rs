//! Where the toolkit, the release, the peers and our own files are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What `cargo xtask bench` tells, and what follows from it.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The CUDA toolkit: `bin/nvcc`, `lib`.
    pub cuda_home: PathBuf,
    /// The Python environment, in which Intel's runtime lies.
    pub venv: PathBuf,
    /// The folder of our `libcuda.so.1`.
    pub lib_dir: PathBuf,
    /// The folder of our `apex`.
    pub bin_dir: PathBuf,
    /// Where everything that a run makes is kept.
    pub scratch: PathBuf,
}

impl Environment {
    /// Reads it from the environment.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn find() -> Result<Self> {
        let folder = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .with_context(|| format!("{name} is not set: `cargo xtask bench` sets it and runs this program"))
        };
        Ok(Self {
            cuda_home: folder("APEX_CUDA_HOME")?,
            venv: folder("APEX_VENV")?,
            lib_dir: folder("APEX_LIB_DIR")?,
            bin_dir: folder("APEX_BIN_DIR")?,
            scratch: target()?.join("bench"),
        })
    }

    /// A folder in the scratch folder; it exists afterwards.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}

/// The target folder that this program was built in.
///
/// # Errors
/// When the program does not know its own path.
pub fn target() -> Result<PathBuf> {
    let program = env::current_exe().context("the path of this program is unknown")?;
    // target/release/bench
    let target = program.parent().and_then(Path::parent).context("this program does not lie in a target folder")?;
    Ok(target.to_owned())
}

/// The folder of this package: kernels, limits.
pub fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
