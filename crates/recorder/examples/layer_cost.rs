//! What the layer and the recorder cost a launch, over a driver that does nothing: `cargo run --release -p recorder --example layer_cost`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::Nothing;
use core::ptr::null_mut;
use cuda_abi::*;
use driver_api::Driver;
use layer_observe::Observed;
use recorder::RecordObserver;
use std::time::{Duration, Instant};
use telemetry::{Config, Recorder};

/// Launches at a time: no more than half a ring holds.
const BURST: u32 = 4000;

fn main() {
    let path = std::env::temp_dir().join(format!("layer-cost-{}", std::process::id()));
    let recorder = Recorder::new(Config::new(path.clone()));
    let observed = Observed::over(&Nothing, vec![Box::leak(Box::new(RecordObserver::over(recorder)))]);
    let drivers: [(&str, &dyn Driver); 2] = [("driver alone", &Nothing), ("recorded", &observed)];
    let mut costs = [const { Vec::new() }; 2];
    // By turns, so that whatever else the machine does meets both.
    for _ in 0..200 {
        for ((_, driver), costs) in drivers.iter().zip(&mut costs) {
            std::thread::sleep(Duration::from_millis(1));
            let (function, stream) = (CUfunction::from_addr(0x1000), CUstream::NULL);
            let start = Instant::now();
            for _ in 0..BURST {
                let driver = std::hint::black_box(*driver);
                // SAFETY: the driver looks at nothing.
                unsafe { driver.cuLaunchKernel(function, 8, 1, 1, 64, 1, 1, 0, stream, null_mut(), null_mut()) };
            }
            costs.push(start.elapsed().as_nanos() as f64 / f64::from(BURST));
        }
    }
    for ((name, _), mut costs) in drivers.into_iter().zip(costs) {
        costs.sort_by(f64::total_cmp);
        println!("{name}: {:.1} ns a launch (median), {:.1} (least)", costs[costs.len() / 2], costs[0]);
    }
    recorder.finish();
    let _ = std::fs::remove_file(path);
}
