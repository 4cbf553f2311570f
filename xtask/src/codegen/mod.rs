//! `cargo xtask codegen`: writes the driver API's types and table from NVIDIA's public headers.
//!
//! The headers come from the wheel `nvidia-cuda-runtime` and are read with libclang. What is taken from them is the
//! interface: names, types, values, versions. Their comments are not copied.
//!
//! - `headers` finds or downloads the headers and runs bindgen over them,
//! - `c_types` turns bindgen's items into `crates/cuda-abi/src/types/`,
//! - `table` turns the `PFN_*` typedefs into `crates/cuda-abi/src/table.rs`, with the judgement of `roles`,
//! - `docs` writes `docs/api.md` and `docs/ptx.md`.
//!
//! bindgen is slow to build and needed only here, so it sits behind the feature `codegen`; without it, the command
//! starts itself again with the feature on.

#[cfg(feature = "codegen")]
mod c_types;
mod docs;
#[cfg(feature = "codegen")]
mod headers;
#[cfg(feature = "codegen")]
mod names;
#[cfg(feature = "codegen")]
mod roles;
#[cfg(feature = "codegen")]
mod table;

use crate::workspace;

/// Runs `cargo xtask codegen` or `cargo xtask codegen docs [--check]`.
///
/// # Errors
/// When the arguments are not understood, the headers cannot be had or read, or a file cannot be written.
pub fn run(args: &[String]) -> anyhow::Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => abi(),
        ["docs"] => docs::run(false).and_then(|()| docs::instructions()),
        ["docs", "--check"] => docs::run(true),
        _ => anyhow::bail!(
            "usage: cargo xtask codegen                  write the table and the types of crates/cuda-abi\n       \
             cargo xtask codegen docs             write docs/api.md and docs/ptx.md\n       \
             cargo xtask codegen docs --check     compare docs/api.md"
        ),
    }
}

/// Writes `crates/cuda-abi/src/types/` and `crates/cuda-abi/src/table.rs`.
#[cfg(feature = "codegen")]
fn abi() -> anyhow::Result<()> {
    let crate_dir = workspace::root().join("crates/cuda-abi");
    let raw = headers::bind()?;
    let names = names::Names::new(&raw);
    c_types::write(&raw, &names, &crate_dir.join("src/types"))?;
    table::write(&raw, &names, &crate_dir)
}

/// Starts this command again, built with bindgen.
#[cfg(not(feature = "codegen"))]
fn abi() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .current_dir(workspace::root())
        .args(["run", "--quiet", "--package", "xtask", "--features", "codegen", "--", "codegen"])
        .status()?;
    anyhow::ensure!(status.success(), "code generation failed");
    Ok(())
}
