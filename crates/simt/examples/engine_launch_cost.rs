//! Measures what a launch of an empty kernel costs the host: into a running stream, and with waiting for it.
//!
//! `cargo run --release -p simt --example engine_launch_cost [workers]`

use simt::{DomainConfig, Engine, EngineConfig, Kernel, Launch, Stream};
use simt_ir::abi::{ExecutionMode, KernelCode, LaunchContext, WarpContext};
use std::sync::Arc;
use std::time::Instant;

const BURST: usize = 256;
const ROUNDS: usize = 2_000;

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn empty(_: *const LaunchContext, _: *mut WarpContext, _: u64, _: u64) -> u32 {
    0
}

fn main() {
    let workers = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let default = EngineConfig::default();
    let config = EngineConfig { workers: workers.unwrap_or(default.workers), ..default };
    let engine = Engine::new(config).expect("the system gives the engine its address ranges");
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).expect("the system gives the ring its memory");
    let entry = empty as *const () as usize;
    let mode = ExecutionMode::RunToCompletion;
    let code =
        KernelCode { entry, mode, lanes: 32, frame_bytes: 0, local_bytes: 0, needs_stack: false, shared_bytes: 0 };
    // SAFETY: `empty` keeps to the contract and lives as long as the program.
    let kernel = unsafe { Kernel::new("empty", code, [], Arc::new(())) };
    let launch = Launch::new(&kernel, [1, 1, 1], [32, 1, 1], &[0; 32]);
    let push = || stream.launch(&launch).expect("the launch is valid");

    let bursts = samples(|| {
        // Something runs already, so that the doorbell need not be rung.
        push();
        let start = Instant::now();
        (0..BURST).for_each(|_| push());
        let elapsed = start.elapsed().as_nanos() as f64 / BURST as f64;
        stream.synchronize();
        elapsed
    });
    report("launch into a running stream", &bursts);
    let sustained = samples(|| {
        let start = Instant::now();
        (0..BURST * 16).for_each(|_| push());
        stream.synchronize();
        start.elapsed().as_nanos() as f64 / (BURST * 16) as f64
    });
    report("launches end to end, each", &sustained);
    report("launch + synchronise", &samples(|| time_of(&stream, &push)));
    let paced = samples(|| {
        std::thread::sleep(std::time::Duration::from_micros(200));
        time_of(&stream, &push)
    });
    report("launch + synchronise, all asleep before", &paced);
}

fn time_of(stream: &Arc<Stream>, push: &impl Fn()) -> f64 {
    let start = Instant::now();
    push();
    stream.synchronize();
    start.elapsed().as_nanos() as f64
}

fn samples(measure: impl FnMut() -> f64) -> Vec<f64> {
    let mut samples: Vec<f64> = std::iter::repeat_with(measure).take(ROUNDS).collect();
    samples.sort_by(f64::total_cmp);
    samples
}

fn report(what: &str, sorted: &[f64]) {
    let at = |fraction: f64| sorted[(sorted.len() as f64 * fraction) as usize];
    println!("{what}: p10 {:.0} ns, p50 {:.0} ns, p90 {:.0} ns", at(0.1), at(0.5), at(0.9));
}
