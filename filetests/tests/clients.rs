//! Clients of the driver that are not compiled by nvcc, run and compared with the output that their sources name.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use filetests::clients::{NAMES, expected_lines};
use filetests::expectations::Expectations;
use filetests::process::{self, End};
use filetests::toolchain::Toolchain;
use filetests::{case, verdict};
use libtest_mimic::{Arguments, Trial};

/// Time that a client may take: Python packages compile many kernels the first time.
const RUN_TIME_MAX: Duration = Duration::from_secs(300);
/// Time that building one may take.
const BUILD_TIME_MAX: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(&arguments) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: the clients cannot be run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>> {
    let known = Arc::new(Expectations::load()?);
    let place = if arguments.list { None } else { Some(Arc::new(Place::find()?)) };
    let trial = |name: &&'static str| {
        let (name, known, place) = (*name, known.clone(), place.clone());
        Trial::test(name, move || {
            let place = place.context("a listed client was run")?;
            let outcome = place.check(name).map_err(|error| format!("{error:#}"));
            if place.toolchain.is_on_card() {
                return Ok(outcome?);
            }
            Ok(known.judge(name, outcome)?)
        })
    };
    Ok(NAMES.iter().map(trial).collect())
}

/// Where clients are and what they are run with.
struct Place {
    toolchain: Toolchain,
    /// The sources.
    sources: PathBuf,
    /// The Python environment.
    venv: PathBuf,
    /// Where built clients go.
    built: PathBuf,
}

impl Place {
    fn find() -> Result<Self> {
        let toolchain = Toolchain::find(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
        let Some(venv) = env::var_os("APEX_VENV").map(PathBuf::from) else {
            bail!(
                "APEX_VENV is not set: `cargo xtask test` sets it to a Python environment with the packages of \
                 filetests/clients/requirements.txt"
            )
        };
        ensure!(venv.join("bin/python3").exists(), "APEX_VENV is set, and {} has no bin/python3", venv.display());
        let built = toolchain.scratch.join("clients");
        fs::create_dir_all(&built)?;
        Ok(Self { toolchain, sources: filetests::root().join("clients"), venv, built })
    }

    /// Builds, runs and compares a client.
    fn check(&self, name: &str) -> Result<()> {
        match name {
            "clients/numba" => self.python("numba_shared_atomics.py"),
            "clients/cupy" => self.python("cupy_kernels.py"),
            "clients/driver_api" => self.driver_api(),
            "clients/cudart_11_shared" => self.older_runtime(name, "libcudart.so.11.0"),
            "clients/cudart_12_shared" => self.older_runtime(name, "libcudart.so.12"),
            "clients/cudart_12_static" => self.older_runtime(name, "libcudart_static.a"),
            "clients/cudarc" => self.cudarc(),
            _ => bail!("there is no way to run {name}"),
        }
    }

    fn python(&self, script: &str) -> Result<()> {
        let script = self.sources.join(script);
        let mut python = Command::new(self.venv.join("bin/python3"));
        // Headers for kernels that are compiled while running.
        let toolkit = self.toolchain.nvcc.parent().and_then(Path::parent).context("nvcc is not in a toolkit")?;
        python.arg("-u").arg(&script).env("CUDA_PATH", toolkit).env("PYTHONDONTWRITEBYTECODE", "1");
        // Its own compiler would make machine code, which only NVIDIA's hardware runs.
        python.env("CUPY_COMPILE_WITH_PTX", "1").env("CUPY_CACHE_DIR", self.built.join("cupy-cache"));
        self.run(&mut python, &script)
    }

    fn driver_api(&self) -> Result<()> {
        let source = self.sources.join("driver_api.c");
        let program = self.built.join("driver_api");
        let include = self.toolchain.nvcc.parent().and_then(Path::parent).map(|home| home.join("include"));
        let mut cc = Command::new("cc");
        cc.arg(&source).arg("-o").arg(&program).arg("-I").arg(include.context("nvcc is not in a toolkit")?);
        cc.arg("-L").arg(&self.toolchain.link_folder).arg("-L").arg(&self.toolchain.library_folder);
        cc.args(["-lnvrtc", "-lcuda"]);
        build(&mut cc)?;
        self.run(&mut Command::new(program), &source)
    }

    /// A program on a runtime library of an older generation.
    fn older_runtime(&self, name: &str, library: &str) -> Result<()> {
        let source = self.sources.join("older_runtime.c");
        let program = self.built.join(name.rsplit('/').next().unwrap_or(name));
        let kernels = program.with_extension("fatbin");
        let mut nvcc = Command::new(&self.toolchain.nvcc);
        nvcc.args(["-fatbin", "-arch=compute_75"]).arg(self.sources.join("older_runtime_kernels.cu"));
        build(nvcc.arg("-o").arg(&kernels))?;
        let library = self.site_packages()?.join("nvidia/cuda_runtime/lib").join(library);
        ensure!(library.is_file(), "{} is missing: it is in filetests/clients/requirements.txt", library.display());
        let mut cc = Command::new("cc");
        cc.arg(&source).arg(&library).args(["-lpthread", "-ldl", "-lrt", "-o"]).arg(&program);
        // The runtime libraries have their generation in their names, so a search path finds the right one.
        cc.arg(format!("-Wl,-rpath,{}", library.parent().unwrap_or(Path::new("/")).display()));
        build(&mut cc)?;
        self.run(Command::new(program).arg(kernels), &source)
    }

    fn cudarc(&self) -> Result<()> {
        let folder = self.sources.join("cudarc");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(folder.join("Cargo.toml"));
        build(cargo.arg("--target-dir").arg(self.built.join("cudarc")))?;
        let source = folder.join("src/main.rs");
        self.run(&mut Command::new(self.built.join("cudarc/debug/cudarc-client")), &source)
    }

    fn site_packages(&self) -> Result<PathBuf> {
        let lib = self.venv.join("lib");
        for entry in fs::read_dir(&lib).with_context(|| format!("cannot read {}", lib.display()))? {
            let folder = entry?.path().join("site-packages");
            if folder.is_dir() {
                return Ok(folder);
            }
        }
        bail!("{} has no site-packages", lib.display())
    }

    fn run(&self, command: &mut Command, source: &Path) -> Result<()> {
        self.toolchain.set_environment(command);
        let finished = process::run(command, RUN_TIME_MAX)?;
        let expected = expected_lines(&fs::read_to_string(source)?);
        ensure!(!expected.is_empty(), "{} has no EXPECT lines", source.display());
        let difference = verdict::difference(&expected, &case::lines(&finished.stdout));
        ensure!(
            finished.end == End::Exit(0) && difference.is_empty(),
            "the client {}\n{difference}{}",
            finished.end,
            finished.outputs()
        );
        Ok(())
    }
}

fn build(command: &mut Command) -> Result<()> {
    let finished = process::run(command, BUILD_TIME_MAX)?;
    ensure!(
        finished.end == End::Exit(0),
        "{} {}\n{}",
        command.get_program().to_string_lossy(),
        finished.end,
        finished.outputs()
    );
    Ok(())
}
