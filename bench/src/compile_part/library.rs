//! The first kernel of a large module, as a library has it: from `cuModuleLoadData` to the result of the first launch.

use std::fmt::Write;
use std::ptr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::child;
use crate::driver::Driver;
use crate::environment::Environment;
use crate::statistics::{Summary, summary};

/// Bytes of the module.
const BYTES: usize = 1 << 20;

/// Numbers that the kernel computes, in blocks of 256.
const COUNT: u32 = 4096;

/// The results.
#[derive(Debug, Serialize)]
pub struct Library {
    /// Bytes of the module.
    pub bytes: usize,
    /// Kernels in it.
    pub kernels: usize,
    /// `cuModuleLoadData`.
    pub load_ms: Summary,
    /// From before `cuModuleLoadData` until the first launch's result is in the host's memory.
    pub first_result_ms: Summary,
}

#[derive(Debug, Serialize, Deserialize)]
struct Once {
    kernels: usize,
    bytes: usize,
    load_ms: f64,
    first_result_ms: f64,
}

/// Measures, each time in a process of its own.
///
/// # Errors
/// When the driver fails.
pub fn run(environment: &Environment, times: usize) -> Result<Library> {
    let once = |_| super::child(environment, "library")?.answer::<Once>();
    let all = (0..times).map(once).collect::<Result<Vec<Once>>>()?;
    let times = |time: fn(&Once) -> f64| summary(&all.iter().map(time).collect::<Vec<f64>>()).context("no runs");
    let first = all.first().context("no runs")?;
    Ok(Library {
        bytes: first.bytes,
        kernels: first.kernels,
        load_ms: times(|once| once.load_ms)?,
        first_result_ms: times(|once| once.first_result_ms)?,
    })
}

/// The child's side.
///
/// # Errors
/// When the driver fails or the result is wrong.
pub fn measure(environment: &Environment) -> Result<()> {
    let (text, kernels) = module(BYTES);
    let mut driver_text = text.into_bytes();
    let bytes = driver_text.len();
    driver_text.push(0);
    let driver = Driver::open(&environment.lib_dir)?;
    let output = driver.allocate(COUNT as usize * 4)?;
    let middle = kernels / 2;

    let start = Instant::now();
    let module = driver.load_module(&driver_text)?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let function = driver.function(module, &name(middle))?;
    launch(driver, function, ptr::null_mut(), COUNT / 256, output)?;
    let results = driver.read(output, COUNT as usize * 4)?;
    let first_result_ms = start.elapsed().as_secs_f64() * 1e3;

    for (index, result) in results.chunks_exact(4).enumerate() {
        let result = u32::from_le_bytes(result.try_into()?);
        ensure!(result == expected(middle, index as u32), "element {index} is {result}");
    }
    child::answer(&Once { kernels, bytes, load_ms, first_result_ms })
}

/// Launches a kernel of one parameter with blocks of 256.
///
/// # Errors
/// When the driver fails.
pub fn launch(
    driver: Driver,
    function: *mut std::ffi::c_void,
    stream: *mut std::ffi::c_void,
    blocks: u32,
    mut parameter: u64,
) -> Result<()> {
    let mut parameters = [ptr::from_mut(&mut parameter).cast()];
    // SAFETY: the kernel has one parameter of 8 bytes, which the driver copies before it returns.
    let code = unsafe {
        let launch = driver.functions.launch_kernel;
        launch(function, blocks, 1, 1, 256, 1, 1, 0, stream, parameters.as_mut_ptr(), ptr::null_mut())
    };
    driver.check("cuLaunchKernel", code)
}

/// The beginning of a module.
pub const HEAD: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

fn name(kernel: usize) -> String {
    format!("_Z9transformILi{kernel}EEvPj")
}

/// A module of at least `bytes` bytes, and how many kernels it has.
fn module(bytes: usize) -> (String, usize) {
    let mut text = HEAD.to_owned();
    let mut kernels = 0;
    while text.len() < bytes {
        text += &kernel(&name(kernels), kernels as u32, 12);
        kernels += 1;
    }
    (text, kernels)
}

/// What a kernel of [`module`] leaves for a thread.
fn expected(kernel: usize, thread: u32) -> u32 {
    result(kernel as u32, 12, thread)
}

/// A kernel: `rounds` steps, each with a branch that lanes take differently.
pub fn kernel(name: &str, seed: u32, rounds: u32) -> String {
    let mut text = format!(
        "\n.visible .entry {name}(\n\t.param .u64 {name}_param_0\n)\n{{\n\t.reg .pred %p<{}>;\n\t.reg .b32 %r<8>;\n\t.reg .b64 %rd<6>;\n\n\
         \tld.param.u64 %rd1, [{name}_param_0];\n\tcvta.to.global.u64 %rd2, %rd1;\n\tmov.u32 %r1, %ctaid.x;\n\tmov.u32 %r2, %ntid.x;\n\
         \tmov.u32 %r3, %tid.x;\n\tmad.lo.s32 %r4, %r1, %r2, %r3;\n\tmul.wide.s32 %rd3, %r4, 4;\n\tadd.s64 %rd4, %rd2, %rd3;\n\
         \tadd.s32 %r5, %r4, {seed};\n",
        rounds + 1
    );
    for round in 0..rounds {
        let _ = write!(
            text,
            "\tmad.lo.s32 %r5, %r5, 1664525, {};\n\tand.b32 %r6, %r5, {};\n\tsetp.eq.s32 %p{round}, %r6, 0;\n\t@%p{round} bra $L_{seed}_{round};\n\
             \tshr.u32 %r7, %r5, 7;\n\txor.b32 %r5, %r5, %r7;\n$L_{seed}_{round}:\n",
            seed + round,
            1 << (8 + round % 16)
        );
    }
    text + "\tst.global.u32 [%rd4], %r5;\n\tret;\n}\n"
}

/// What [`kernel`] computes.
pub fn result(seed: u32, rounds: u32, thread: u32) -> u32 {
    (0..rounds).fold(thread.wrapping_add(seed), |value, round| {
        let value = value.wrapping_mul(1_664_525).wrapping_add(seed + round);
        if value & (1 << (8 + round % 16)) == 0 { value } else { value ^ (value >> 7) }
    })
}
