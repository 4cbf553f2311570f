//! `apex compile`: a kernel on its way to machine code, without running anything.

use std::ffi::c_void;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use binary::device_code::SECTIONS;
use binary::elf::Elf;
use cuda_abi::{CUresult, CUuuid, pointer};
use driver_api::inspection::{Request, Sink, TABLE_ID, Table, Text};
use fatbin::{Capability, Container, select_ptx_of_family};

use crate::api::Api;
use crate::output::print;

/// Threads of a block that code is made for, unless the command line says otherwise.
const BLOCK: [u32; 3] = [256, 1, 1];

/// Show a kernel on its way to machine code
#[derive(clap::Args)]
pub struct Args {
    /// PTX, a fatbin, or a program or library with device code inside
    file: PathBuf,
    /// What to show: ptx, ir, llvm (as emitted), optimized (LLVM's IR), asm, times (of the steps)
    #[arg(long, value_name = "STAGE", default_value = "asm",
          value_parser = ["ptx", "ir", "llvm", "optimized", "asm", "times"])]
    emit: String,
    /// Instead, say what was decided: how memory is accessed, which branches diverge and why, what barriers cost
    #[arg(long, conflicts_with = "emit")]
    report: bool,
    /// The report as JSON: a list of an object for each kernel
    #[arg(long, requires = "report")]
    json: bool,
    /// Only kernels whose (mangled) name contains this
    #[arg(long, value_name = "PART", default_value = "")]
    kernel: String,
    /// Size of a block that the code is made for: X, X,Y or X,Y,Z
    #[arg(long, value_name = "SIZE", value_parser = block_size)]
    block: Option<[u32; 3]>,
    /// Lanes to compute together, where the kernel allows it: 32, 64, 128 or 256 [default: what promises most]
    #[arg(long, value_name = "LANES", value_parser = ["32", "64", "128", "256"])]
    lanes: Option<String>,
    /// Of several PTX images, take the one that a device of this compute capability gets
    #[arg(long, value_name = "X.Y", default_value = "12.0")]
    sm: Capability,
}

/// Compiles and prints.
///
/// # Errors
/// When there is no PTX in the file, no such kernel in it, or a kernel cannot be compiled.
pub fn run(args: &Args) -> Result<ExitCode> {
    let bytes = fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let programs = ptx_in(&args.file, &bytes, args.sm)?;
    if args.emit == "ptx" {
        programs.iter().try_for_each(|ptx| print(ptx))?;
        return Ok(ExitCode::SUCCESS);
    }
    let stage = match (args.report, args.json) {
        (true, true) => "report-json",
        (true, false) => "report",
        (false, _) => args.emit.as_str(),
    };
    let (api, _) = Api::load()?;
    let table = inspection(&api)?;
    let mut shown: Vec<String> = Vec::new();
    for ptx in &programs {
        let names = ask(|sink, state| {
            // SAFETY: the text lives during the call, and the sink is that of this state.
            unsafe { (table.kernels)(Text::of(ptx), sink, state) }
        })?;
        for kernel in names.lines().filter(|name| name.contains(&args.kernel)) {
            let request = Request {
                ptx: Text::of(ptx),
                kernel: Text::of(kernel),
                stage: Text::of(stage),
                block: args.block.unwrap_or(BLOCK),
                lanes: args.lanes.as_deref().and_then(|lanes| lanes.parse().ok()).unwrap_or(0),
            };
            let text = ask(|sink, state| {
                // SAFETY: as above, for all texts of the request.
                unsafe { (table.stage)(&raw const request, sink, state) }
            })
            .with_context(|| format!("kernel {kernel}"))?;
            // The objects are gathered, for they are elements of a list.
            if !args.json {
                print(&if args.report { text.clone() } else { format!("// {kernel}\n{text}") })?;
            }
            shown.push(text);
        }
    }
    ensure!(!shown.is_empty(), "{} has no kernel whose name contains {:?}", args.file.display(), args.kernel);
    if args.json {
        print(&format!("[{}]\n", shown.join(",").trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The PTX of a file: its own text, or what a device of `capability` takes out of each container in it.
fn ptx_in(path: &Path, bytes: &[u8], capability: Capability) -> Result<Vec<String>> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.contains(".version")
    {
        return Ok(vec![text.trim_end_matches('\0').to_owned()]);
    }
    let containers = match Container::parse(bytes) {
        Ok(container) => vec![container],
        Err(_) => SECTIONS
            .into_iter()
            .flat_map(|name| Elf::parse(bytes).and_then(|elf| elf.sections_named(name)).unwrap_or_default())
            .flat_map(|section| Container::parse_section(section).unwrap_or_default())
            .collect(),
    };
    let mut programs = Vec::new();
    let mut refused = None;
    for container in &containers {
        match select_ptx_of_family(container.images(), capability) {
            Ok(selected) => programs.push(selected.text.into_owned()),
            Err(error) => refused = Some(error),
        }
    }
    match (programs.is_empty(), refused) {
        (false, _) => Ok(programs),
        (true, Some(error)) => bail!("{}: {error}", path.display()),
        (true, None) => bail!("{} is neither PTX, nor a fatbin, nor a program with device code", path.display()),
    }
}

/// The driver's table for this.
fn inspection(api: &Api) -> Result<&Table> {
    let id = CUuuid { bytes: TABLE_ID.map(|byte| byte as _) };
    let mut table = std::ptr::null();
    // SAFETY: the signature of cuda.h; both pointers are to locals.
    unsafe {
        api.call::<pointer::cuGetExportTable>(c"cuGetExportTable", |function| function(&raw mut table, &raw const id))
            .context("the library has no compiler to look into")?;
    }
    // SAFETY: the library answers this identifier with such a table, which lives as long as the library.
    Ok(unsafe { &*table.cast::<Table>() })
}

/// Calls a function of the table and gathers what it gives.
fn ask(call: impl FnOnce(Sink, *mut c_void) -> CUresult) -> Result<String> {
    /// # Safety
    /// `state` is the text that `ask` passed along.
    unsafe extern "C" fn append(state: *mut c_void, text: Text) {
        // SAFETY: the caller's promise; the text is valid during the call.
        unsafe { (*state.cast::<String>()).push_str(text.get().unwrap_or_default()) };
    }
    let mut gathered = String::new();
    match call(append, (&raw mut gathered).cast()) {
        CUresult::CUDA_SUCCESS => Ok(gathered),
        error if gathered.is_empty() => bail!("the library answers {error:?}"),
        _ => bail!("{gathered}"),
    }
}

/// Reads `X`, `X,Y` or `X,Y,Z`.
fn block_size(text: &str) -> Result<[u32; 3], String> {
    let mut block = [1; 3];
    let parts: Vec<&str> = text.split(',').collect();
    let sizes: Option<Vec<u32>> = parts.iter().map(|part| part.trim().parse().ok().filter(|size| *size > 0)).collect();
    match sizes {
        Some(sizes) if sizes.len() <= 3 && sizes.iter().map(|size| u64::from(*size)).product::<u64>() <= 1024 => {
            block[..sizes.len()].copy_from_slice(&sizes);
            Ok(block)
        }
        _ => Err("write X, X,Y or X,Y,Z with at most 1024 threads in all: 16,16".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::block_size;

    #[test]
    fn sizes_of_blocks_are_read() {
        assert_eq!(block_size("128"), Ok([128, 1, 1]));
        assert_eq!(block_size("16, 8,2"), Ok([16, 8, 2]));
        for wrong in ["", "0", "a", "1,2,3,4", "32,64"] {
            assert!(block_size(wrong).is_err(), "{wrong}");
        }
    }
}
