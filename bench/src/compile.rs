//! Compiling at bench time: CUDA with nvcc, C with gcc. What is made is kept with a stamp that holds everything that
//! went in, so that a second run costs nothing and a change is noticed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::environment::{self, Environment};

/// How C is compiled: as one does who wants speed from this machine.
const C_FLAGS: &[&str] = &["-std=gnu11", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-shared"];

/// What begins the line of a source with options that nvcc needs for it, such as a newer architecture than its default.
const NVCC_OPTIONS: &str = "// nvcc: ";

/// The fatbin of a kernel, by nvcc's defaults and the options that its source asks for.
///
/// # Errors
/// When nvcc fails.
pub fn fatbin(environment: &Environment, source: &Path) -> Result<PathBuf> {
    let mut nvcc = nvcc(environment);
    nvcc.arg("-fatbin");
    let text = fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
    let options = text.lines().filter_map(|line| line.strip_prefix(NVCC_OPTIONS));
    nvcc.args(options.flat_map(str::split_whitespace));
    build(environment, nvcc, source, "fatbin")
}

/// A program, by nvcc's defaults: the CUDA runtime is linked statically.
///
/// # Errors
/// When nvcc fails.
pub fn program(environment: &Environment, source: &Path) -> Result<PathBuf> {
    let mut nvcc = nvcc(environment);
    nvcc.arg("-L").arg(environment.cuda_home.join("lib"));
    build(environment, nvcc, source, "program")
}

/// A shared object, by gcc with further options.
///
/// # Errors
/// When gcc fails.
pub fn shared_object(environment: &Environment, source: &Path, options: &[&str]) -> Result<PathBuf> {
    let mut gcc = Command::new("gcc");
    gcc.args(C_FLAGS).args(options).arg("-I").arg(environment::sources().join("kernels"));
    let names = options.iter().map(|option| format!("{}.", option.trim_start_matches('-')));
    build(environment, gcc, source, &(names.collect::<String>() + "so"))
}

fn nvcc(environment: &Environment) -> Command {
    Command::new(environment.cuda_home.join("bin/nvcc"))
}

/// Runs `compiler` on `source`, unless its output is there already.
fn build(environment: &Environment, mut compiler: Command, source: &Path, extension: &str) -> Result<PathBuf> {
    let folder = environment.scratch_folder("built")?;
    let parent = source.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let output = folder.join(format!("{parent}-{stem}.{extension}"));
    let stamp = folder.join(format!("{parent}-{stem}.{extension}.stamp"));

    let mut text = fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
    for folder in source.ancestors().skip(1).take(2) {
        text += &headers(folder)?;
    }
    // -march=native makes what another processor may not run.
    let wanted = format!("{compiler:?}\n{}\n{}\n{text}", version(&compiler)?, crate::machine::processor());
    if output.is_file() && fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == wanted) {
        return Ok(output);
    }
    // A stamp without its output does no harm; an output with the stamp of another would.
    let _ = fs::remove_file(&stamp);
    compiler.arg(source).arg("-o").arg(&output);
    // Libraries after what needs them.
    if extension.ends_with("so") {
        compiler.arg("-lm");
    }
    let finished = compiler.output().with_context(|| format!("cannot start {compiler:?}"))?;
    ensure!(
        finished.status.success(),
        "{} does not compile:\n{}{}",
        source.display(),
        String::from_utf8_lossy(&finished.stdout),
        String::from_utf8_lossy(&finished.stderr)
    );
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(output)
}

/// The text of all headers in a folder.
fn headers(folder: &Path) -> Result<String> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "h"));
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())))
        .collect()
}

/// What a compiler says of its version.
fn version(compiler: &Command) -> Result<String> {
    let program = compiler.get_program();
    let output = Command::new(program)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot start {}", program.to_string_lossy()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
