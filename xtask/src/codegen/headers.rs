//! NVIDIA's public headers: from where they come, and how bindgen reads them.

use crate::{venv, workspace};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The wheel whose headers define the surface: the toolkit of the driver whose exports the project matches.
const WHEEL: &str = "nvidia-cuda-runtime==13.0.96";

/// `__CUDA_API_VERSION_INTERNAL` shows the older versions of functions and structs as well. The PFN typedefs name the
/// version of each, so the `#define cuFoo cuFoo_v2` renames of cuda.h do not matter here.
const ALL_HEADERS: &str = "#define __CUDA_API_VERSION_INTERNAL\n\
    #include <cudaTypedefs.h>\n\
    #include <cudaProfilerTypedefs.h>\n\
    #include <cudaGLTypedefs.h>\n\
    #include <cudaEGLTypedefs.h>\n\
    #include <cudaVDPAUTypedefs.h>\n";

/// Reads the headers: bindgen's items, one for each C declaration.
pub fn bind() -> anyhow::Result<syn::File> {
    let include = include_dir()?;
    let stubs = workspace::root().join("xtask/src/codegen/stubs");
    let bindings = bindgen::Builder::default()
        .header_contents("all.h", ALL_HEADERS)
        .clang_args([format!("-I{}", include.display()), format!("-I{}", stubs.display())])
        .allowlist_type("(CU|cu|PFN_cu).*")
        .allowlist_var("(CU|cu).*")
        .default_enum_style(bindgen::EnumVariation::NewType { is_bitfield: false, is_global: false })
        .generate_comments(false)
        .derive_default(true)
        .derive_eq(true)
        .derive_hash(true)
        .ignore_functions()
        .formatter(bindgen::Formatter::None)
        .generate()
        .context("bindgen could not read the headers")?;
    syn::parse_file(&bindings.to_string()).context("bindgen's output is not Rust")
}

/// The folder with `cuda.h`: `$APEX_CUDA_INCLUDE`, or the unpacked wheel under the target folder, downloaded when absent.
fn include_dir() -> anyhow::Result<PathBuf> {
    if let Some(given) = std::env::var_os("APEX_CUDA_INCLUDE") {
        return Ok(PathBuf::from(given));
    }
    let unpacked = workspace::target().join("codegen/cuda-headers");
    let include = unpacked.join("nvidia/cu13/include");
    if !include.join("cudaTypedefs.h").exists() {
        download(&unpacked)?;
    }
    ensure!(include.join("cudaTypedefs.h").exists(), "{WHEEL} holds no cudaTypedefs.h at {}", include.display());
    Ok(include)
}

/// Unpacks the wheel into `target`.
fn download(target: &Path) -> anyhow::Result<()> {
    let venv_python = venv::dir().join("bin/python3");
    let python = if venv_python.exists() { venv_python } else { "python3".into() };
    let status = Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(target)
        .arg(WHEEL)
        .status()
        .context("python3 could not be started")?;
    ensure!(status.success(), "pip could not install {WHEEL}");
    Ok(())
}
