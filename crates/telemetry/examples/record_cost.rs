//! What recording a launch costs the thread that launches: `cargo run --release -p telemetry --example record_cost`.

use std::time::Instant;
use telemetry::{Config, Event, LaunchShape, Recorder, clock};

fn main() {
    let path = std::env::temp_dir().join(format!("record-cost-{}", std::process::id()));
    let recorder = Recorder::new(Config::new(path.clone()));
    let shape = LaunchShape { grid: [80, 1, 1], block: [256, 1, 1], ..LaunchShape::default() };
    let launch = || {
        let token = recorder.begin();
        recorder.end(token, Event::launch(1, &shape).at(1, 0));
    };
    let stamp = || {
        std::hint::black_box(clock::ticks());
    };
    for (name, work) in [("time stamp", &stamp as &dyn Fn()), ("recorded launch", &launch)] {
        // No more at a time than half a ring holds: what a program that is not launch-bound sees.
        let mut costs: Vec<f64> = (0..200)
            .map(|_| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                let start = Instant::now();
                (0..4000).for_each(|_| work());
                start.elapsed().as_nanos() as f64 / 4000.0
            })
            .collect();
        costs.sort_by(f64::total_cmp);
        println!("{name}: {:.1} ns (median), {:.1} ns (least)", costs[costs.len() / 2], costs[0]);
    }
    recorder.finish();
    let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    println!("file: {size} bytes for 800000 launches");
    let _ = std::fs::remove_file(path);
}
