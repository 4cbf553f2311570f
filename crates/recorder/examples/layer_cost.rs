//! What the layer and the recorder, with a file, publishing, or both, cost a launch, over a driver that does nothing: `cargo run --release -p recorder --example layer_cost`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::Nothing;
use core::ptr::null_mut;
use cuda_abi::*;
use driver_api::Driver;
use driver_api::op::LaunchShape;
use layer_observe::Observed;
use recorder::RecordObserver;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::{Config, Recorder, live};

/// Launches at a time: no more than half a ring holds.
const BURST: u32 = 4000;

fn main() {
    let folder = std::env::temp_dir().join(format!("layer-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder of our own");
    let file = |name: &str| Config::new(folder.join(name));
    let live = PathBuf::from(live::folder::DEFAULT);
    let configs = [
        ("driver alone", None),
        ("recorded", Some(file("recorded"))),
        ("published", Some(Config::live(live.clone()))),
        ("recorded and published", Some(Config { live: Some(live), ..file("both") })),
    ];
    let recorders = configs.map(|(name, config)| (name, config.map(Recorder::new)));
    // By turns, so that whatever else the machine does meets all; each on a thread of its own, which has one recorder.
    let mut threads = recorders.map(|(name, recorder)| {
        let (go, turns) = channel();
        let (tell, cost) = channel();
        thread::spawn(move || measure(recorder, &turns, &tell));
        (name, go, cost, Vec::new())
    });
    for _ in 0..200 {
        for (_, go, cost, costs) in &mut threads {
            thread::sleep(Duration::from_millis(1));
            go.send(()).expect("the thread waits");
            costs.push(cost.recv().expect("the thread answers"));
        }
    }
    for (name, _, _, mut costs) in threads {
        costs.sort_by(f64::total_cmp);
        println!("{name}: {:.1} ns a launch (median), {:.1} (least)", costs[costs.len() / 2], costs[0]);
    }
    recorders.iter().filter_map(|(_, recorder)| *recorder).for_each(Recorder::finish);
    let _ = std::fs::remove_dir_all(folder);
}

/// Launches when it is told to, and tells what a launch took in ns.
fn measure(recorder: Option<&'static Recorder>, turns: &Receiver<()>, tell: &Sender<f64>) {
    let observed = recorder.map(|recorder| Observed::over(Nothing, RecordObserver::over(recorder)));
    while turns.recv().is_ok() {
        let start = Instant::now();
        for _ in 0..BURST {
            match std::hint::black_box(&observed) {
                Some(observed) => launch_recorded(observed),
                None => _ = launch(&Nothing),
            }
        }
        let _ = tell.send(start.elapsed().as_nanos() as f64 / f64::from(BURST));
    }
}

const FUNCTION: CUfunction = CUfunction::from_addr(0x1000);

/// A call, as that of NVIDIA's function is one.
#[inline(never)]
fn launch(driver: &impl Driver) -> CUresult {
    let driver = std::hint::black_box(driver);
    // SAFETY: the driver looks at nothing.
    unsafe { driver.cuLaunchKernel(FUNCTION, 8, 1, 1, 64, 1, 1, 0, CUstream::NULL, null_mut(), null_mut()) }
}

/// Launches as the library does in front of NVIDIA's driver.
fn launch_recorded(observed: &Observed<Nothing, RecordObserver>) {
    let shape = LaunchShape { grid: [8, 1, 1], block: [64, 1, 1], ..LaunchShape::default() };
    // SAFETY: launched below.
    match unsafe { observed.begin_plain_launch(FUNCTION, shape, CUstream::NULL, false) } {
        Some(token) => observed.end_plain(token, launch(&Nothing)),
        None => _ = launch(observed),
    }
}
