//! `cargo xtask setup`: brings what a fresh machine lacks.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::process::{run, succeeds};
use crate::prometheus;
use crate::venv::{self, Requirements};
use crate::workspace;

/// Debian packages that the build needs: LLVM and what it links, clang for code generation, a C++ compiler for nvcc.
const BUILD_PACKAGES: &[&str] = &[
    "llvm-19-dev",
    "libpolly-19-dev",
    "clang-19",
    "libclang-19-dev",
    "libzstd-dev",
    "zlib1g-dev",
    "libffi-dev",
    "g++",
];

/// Debian packages of the OpenCL implementation that the benchmarks compare with, and of the loader of all of them.
const BENCH_PACKAGES: &[&str] = &["pocl-opencl-icd", "ocl-icd-libopencl1"];

/// What the machine is being prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Build and run CUDA programs.
    Demo,
    /// Also the clients that the tests run (Numba, CuPy), Prometheus, and Node.js.
    Test,
    /// Also the peers that the benchmarks compare with.
    Bench,
}

/// Prepares the machine. Costs a few milliseconds when all is there.
///
/// # Errors
/// When something is missing and cannot be installed; the message says what to do.
pub fn run_for(purpose: Purpose) -> Result<()> {
    ensure!(cfg!(all(target_os = "linux", target_arch = "x86_64")), "APEX runs on Linux on x86-64 only");
    install_packages(purpose)?;
    let llvm_config = workspace::llvm_prefix().join("bin/llvm-config");
    ensure!(
        llvm_config.exists(),
        "LLVM 19 is not at {}: set LLVM_SYS_191_PREFIX to where it is",
        workspace::llvm_prefix().display()
    );
    if purpose == Purpose::Test {
        prometheus::install()?;
    }
    let root = workspace::root();
    let cuda = Requirements { name: "cuda", file: root.join("xtask/requirements-cuda.txt") };
    let clients = Requirements { name: "clients", file: root.join("filetests/clients/requirements.txt") };
    let peers = Requirements { name: "peers", file: root.join("xtask/requirements-bench.txt") };
    venv::install(&match purpose {
        Purpose::Demo => vec![cuda],
        Purpose::Test => vec![cuda, clients],
        Purpose::Bench => vec![cuda, peers],
    })
}

/// Installs missing packages where there is apt, and says what is missing where there is none.
fn install_packages(purpose: Purpose) -> Result<()> {
    let mut packages = BUILD_PACKAGES.to_vec();
    if purpose == Purpose::Bench {
        packages.extend(BENCH_PACKAGES);
    }
    let mut missing: Vec<&str> = packages.into_iter().filter(|package| !is_installed(package)).collect();
    // Python may come from elsewhere, so it is asked, not the package manager.
    if !succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        missing.push("python3-venv");
    }
    // So may Node.js, which runs Perfetto's trace processor.
    if purpose == Purpose::Test && !succeeds(Command::new("node").arg("--version")) {
        missing.push("nodejs");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let Some(mut apt) = apt_get() else { return without_apt(&missing) };
    eprintln!("xtask: installing {} with apt-get", missing.join(" "));
    // Old lists name package files that mirrors no longer have.
    run(apt()?.arg("update"))?;
    run(apt()?.args(["install", "--yes", "--no-install-recommends"]).args(&missing))
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    query.is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

/// A maker of `apt-get` commands with the rights to install, if this machine has apt.
fn apt_get() -> Option<impl FnMut() -> Result<Command>> {
    find_in_path("apt-get")?;
    Some(|| {
        let options = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--option=Acquire::Retries=3"];
        let mut command = if is_root() {
            Command::new("env")
        } else {
            ensure!(find_in_path("sudo").is_some(), "installing packages needs root, and there is no sudo");
            let mut sudo = Command::new("sudo");
            sudo.arg("env");
            sudo
        };
        command.args(options);
        Ok(command)
    })
}

/// Elsewhere than on Debian: what matters is that the things are there, under whatever package name.
fn without_apt(missing: &[&str]) -> Result<()> {
    let found = workspace::llvm_prefix().join("bin/llvm-config").exists()
        && succeeds(Command::new("c++").arg("--version"))
        && !missing.iter().any(|package| ["python3-venv", "nodejs"].contains(package));
    if found {
        return Ok(());
    }
    bail!(
        "this machine has no apt-get. Please install what Debian calls {}, set LLVM_SYS_191_PREFIX to where LLVM 19 is, \
         and call again",
        missing.join(", ")
    )
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn find_in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}
