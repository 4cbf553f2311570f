//! Measures what a launch of an empty kernel costs the host through the driver API, without the C ABI around it: into a
//! running stream, and with waiting for it.
//!
//! `cargo run --release -p driver-software --example launch_cost`

use cuda_abi::*;
use std::ffi::c_void;
use std::ptr;
use std::time::Instant;

const BURST: usize = 256;
const ROUNDS: usize = 2_000;
const EMPTY: &std::ffi::CStr = c"
.version 8.0
.target sm_75
.address_size 64
.visible .entry empty(.param .u64 a, .param .u64 b, .param .u32 n) { ret; }
";

fn ok(result: CUresult) {
    assert_eq!(result, CUresult::CUDA_SUCCESS);
}

fn main() {
    let driver = driver_software::driver();
    ok(driver.cuInit(0));
    let (mut context, mut module, mut function) = (CUcontext::NULL, CUmodule::NULL, CUfunction::NULL);
    ok(driver.cuDevicePrimaryCtxRetain(&mut context, 0));
    ok(driver.cuCtxSetCurrent(context));
    // SAFETY: the text ends with a zero.
    ok(unsafe { driver.cuModuleLoadData(&mut module, EMPTY.as_ptr().cast()) });
    ok(driver.cuModuleGetFunction(&mut function, module, c"empty"));
    let mut created = CUstream::NULL;
    ok(driver.cuStreamCreate(&mut created, 1));
    for (name, stream) in [("a non-blocking stream", created), ("the default stream", CUstream::NULL)] {
        println!("{name}:");
        measure(function, stream);
    }
}

fn measure(function: CUfunction, stream: CUstream) {
    let driver = driver_software::driver();
    let (mut a, mut b, mut n) = (1u64, 2u64, 3u32);
    let mut parameters: [*mut c_void; 3] = [(&raw mut a).cast(), (&raw mut b).cast(), (&raw mut n).cast()];
    let mut launch = || {
        let null = ptr::null_mut();
        // SAFETY: there is a pointer for each parameter.
        ok(unsafe { driver.cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, parameters.as_mut_ptr(), null) });
    };
    let mut bursts = Vec::new();
    let mut waits = Vec::new();
    for _ in 0..ROUNDS {
        launch();
        let start = Instant::now();
        (0..BURST).for_each(|_| launch());
        bursts.push(start.elapsed().as_nanos() as f64 / BURST as f64);
        ok(driver.cuStreamSynchronize(stream));
        let start = Instant::now();
        launch();
        ok(driver.cuStreamSynchronize(stream));
        waits.push(start.elapsed().as_nanos() as f64);
    }
    report("launch into a running stream", &mut bursts);
    report("launch + synchronise", &mut waits);
}

fn report(what: &str, samples: &mut [f64]) {
    samples.sort_by(f64::total_cmp);
    let at = |fraction: f64| samples[(samples.len() as f64 * fraction) as usize];
    println!("  {what}: p10 {:.0} ns, p50 {:.0} ns, p90 {:.0} ns", at(0.1), at(0.5), at(0.9));
}
