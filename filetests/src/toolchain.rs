//! Where the compiler, the driver under test and their libraries are.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Libraries that cases link by their plain names; the wheels hold them under their versioned names alone.
const LINKED: &[&str] = &["libcudart.so", "libnvrtc.so"];

/// The driver that cases run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// Ours, in this folder.
    Apex(PathBuf),
    /// That of this machine.
    Installed,
}

/// Compiler and driver.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// The compiler.
    pub nvcc: PathBuf,
    /// What the compiler says of its version.
    pub version: String,
    /// The folder of the toolkit's libraries.
    pub library_folder: PathBuf,
    /// A folder with links to libraries under the names that a linker wants.
    pub link_folder: PathBuf,
    /// The driver under test.
    pub driver: Driver,
    /// Where the runner keeps what it makes.
    pub scratch: PathBuf,
}

impl Toolchain {
    /// Finds all of it, from the variables that the crate's documentation names.
    ///
    /// # Errors
    /// When something is missing: what, and how to get it.
    pub fn find(target_tmpdir: &Path) -> Result<Self> {
        let scratch = target_tmpdir.join("filetests");
        let nvcc = find_nvcc()?;
        let version = Command::new(&nvcc).arg("--version").output().context("nvcc does not start")?;
        ensure!(version.status.success(), "{} --version fails", nvcc.display());
        let home = nvcc.parent().and_then(Path::parent).context("nvcc is not in a bin folder")?;
        let library_folder = ["lib64", "lib"]
            .iter()
            .map(|name| home.join(name))
            .find(|folder| folder.is_dir())
            .with_context(|| format!("{} has no lib folder", home.display()))?;
        let driver = find_driver(target_tmpdir)?;
        let link_folder = scratch.join("link");
        make_links(&link_folder, &library_folder, &driver)?;
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        Ok(Self { nvcc, version, library_folder, link_folder, driver, scratch })
    }

    /// Whether cases run on a card, with or without our library in front of its driver (`APEX_BACKEND=nvidia`).
    pub fn is_on_card(&self) -> bool {
        self.driver == Driver::Installed || env::var_os("APEX_BACKEND").is_some_and(|backend| backend == "nvidia")
    }

    /// Sets what a program under test needs: our driver first, and code caches that are not the user's.
    pub fn set_environment(&self, command: &mut Command) {
        let mut folders = Vec::new();
        if let Driver::Apex(folder) = &self.driver {
            folders.push(folder.clone());
        }
        folders.push(self.library_folder.clone());
        if let Some(path) = env::var_os("LD_LIBRARY_PATH") {
            folders.extend(env::split_paths(&path));
        }
        // A folder with a colon in its name cannot be in a search path; none of ours has one.
        let path = env::join_paths(&folders).unwrap_or_else(|_| OsString::from(&self.library_folder));
        command.env("LD_LIBRARY_PATH", path);
        if env::var_os("APEX_CACHE_PATH").is_none() {
            command.env("APEX_CACHE_PATH", self.scratch.join("code-cache"));
        }
    }
}

fn find_nvcc() -> Result<PathBuf> {
    if let Some(home) = env::var_os("APEX_CUDA_HOME") {
        let nvcc = Path::new(&home).join("bin/nvcc");
        ensure!(nvcc.is_file(), "APEX_CUDA_HOME is set, and {} does not exist", nvcc.display());
        return Ok(nvcc);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let Some(nvcc) = env::split_paths(&path).map(|folder| folder.join("nvcc")).find(|nvcc| nvcc.is_file()) else {
        bail!(
            "there is no nvcc: `cargo xtask test` installs it and runs the tests with it; or set APEX_CUDA_HOME to a \
             toolkit, such as site-packages/nvidia/cu13 of an environment with the packages of \
             xtask/requirements-cuda.txt"
        )
    };
    nvcc.canonicalize().with_context(|| format!("{} is a broken link", nvcc.display()))
}

fn find_driver(target_tmpdir: &Path) -> Result<Driver> {
    let folder = match env::var_os("APEX_LIB_DIR") {
        Some(value) if value == "none" => return Ok(Driver::Installed),
        Some(value) => PathBuf::from(value),
        None => target_tmpdir.parent().unwrap_or(target_tmpdir).join("dist/lib"),
    };
    let library = folder.join("libcuda.so.1");
    ensure!(
        library.is_file(),
        "there is no {}: `cargo xtask dist` builds it; APEX_LIB_DIR names its folder, or is `none` for the driver of \
         this machine",
        library.display()
    );
    Ok(Driver::Apex(folder))
}

/// Fills the folder that is given to the linker.
fn make_links(folder: &Path, libraries: &Path, driver: &Driver) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in LINKED {
        let versioned = crate::files_in(libraries, &["so", "11", "12", "13", "14"])?
            .into_iter()
            .find(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name)));
        if let Some(library) = versioned {
            link(&library, &folder.join(name))?;
        }
    }
    if let Driver::Apex(ours) = driver {
        link(&ours.join("libcuda.so.1"), &folder.join("libcuda.so"))?;
    }
    Ok(())
}

fn link(target: &Path, place: &Path) -> Result<()> {
    if fs::read_link(place).is_ok_and(|old| old == target) {
        return Ok(());
    }
    // Made beside and renamed, since another runner may be reading the folder.
    let beside = place.with_extension(format!("{}.new", std::process::id()));
    symlink(target, &beside).with_context(|| format!("cannot make {}", beside.display()))?;
    fs::rename(&beside, place).with_context(|| format!("cannot make {}", place.display()))
}
