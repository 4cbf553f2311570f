//! Rates, order and keys.

use super::*;
use std::time::Duration;
use telemetry::{Config, Event, LaunchShape, Recorder};

/// A process that publishes: this one.
struct Publishing {
    recorder: &'static Recorder,
    _folder: tempfile::TempDir,
    processes: Processes,
}

impl Publishing {
    fn new() -> Publishing {
        let folder = tempfile::tempdir().unwrap();
        // Whenever it is told to, and never by itself.
        let config = Config { interval: Duration::from_secs(3600), ..Config::live(folder.path().to_owned()) };
        let recorder = Recorder::new(config);
        for (id, name) in [(1, "_Z3redPfi"), (2, "a"), (3, "never launched")] {
            recorder.define_kernel(telemetry::records::Kernel { id, name: name.into(), ..Default::default() });
        }
        let processes = Processes::of(folder.path(), Duration::from_secs(60));
        Publishing { recorder, _folder: folder, processes }
    }

    fn launch(&mut self, counts: [u64; 2]) {
        for (kernel, count) in (1..).zip(counts) {
            for _ in 0..count {
                let token = self.recorder.begin();
                self.recorder.end(token, Event::launch(kernel, &LaunchShape::default()));
            }
        }
    }
}

fn press(model: &mut Model, code: KeyCode) {
    model.press(KeyEvent::new(code, KeyModifiers::NONE));
}

#[test]
fn counts_are_those_of_the_snapshot_and_rates_those_in_between() {
    let mut publishing = Publishing::new();
    publishing.launch([5, 2]);
    publishing.recorder.flush();
    publishing.processes.scan().unwrap();
    let (mut model, start) = (Model::default(), Instant::now());
    model.update(&publishing.processes, start);
    let [row] = &model.processes[..] else { panic!("{:?}", model.processes) };
    assert_eq!((row.pid, row.launches, row.launch_rate, row.busy), (std::process::id(), 7, 0.0, None));
    let mut names: Vec<_> = row.kernels.iter().map(|kernel| (kernel.name.as_str(), kernel.launches)).collect();
    names.sort();
    assert_eq!(names, [("a", 2), ("red(float*, int)", 5)]);
    let shares: f64 = row.kernels.iter().map(|kernel| kernel.share).sum();
    assert!((shares - 1.0).abs() < 1e-9);

    // The last snapshot, which does not wait for its turn.
    publishing.launch([20, 10]);
    publishing.recorder.finish();
    publishing.processes.scan().unwrap();
    model.update(&publishing.processes, start + Duration::from_secs(2));
    let row = &model.processes[0];
    assert_eq!((row.launches, row.launch_rate, row.state), (37, 15.0, "exited"));
    model.update(&publishing.processes, start + Duration::from_secs(3));
    assert_eq!(model.processes[0].launch_rate, 0.0);
}

#[test]
fn keys_select_sort_pause_and_end() {
    let kernel = |name: &str, launches, rate, time_ns| KernelRow {
        name: name.into(),
        launches,
        rate,
        time_ns,
        ..KernelRow::default()
    };
    let kernels = vec![kernel("b", 1, 9.0, 5), kernel("a", 3, 1.0, 7), kernel("c", 2, 2.0, 9)];
    let process = |pid| ProcessRow { pid, kernels: kernels.clone(), ..ProcessRow::default() };
    let mut model = Model { processes: vec![process(1), process(2)], ..Model::default() };
    model.sort();
    let order = |model: &Model| model.processes[0].kernels.iter().map(|kernel| kernel.name.clone()).collect::<String>();
    let mut orders = vec![order(&model)];
    for _ in 0..4 {
        press(&mut model, KeyCode::Char('s'));
        orders.push(order(&model));
    }
    assert_eq!(orders, ["cab", "acb", "bca", "abc", "cab"]);

    press(&mut model, KeyCode::PageDown);
    assert_eq!(model.first_kernel, 2);
    for (key, selected) in [(KeyCode::Down, 1), (KeyCode::Down, 1), (KeyCode::Up, 0), (KeyCode::Up, 0)] {
        press(&mut model, key);
        assert_eq!((model.selected, model.first_kernel), (selected, 0));
    }
    press(&mut model, KeyCode::Char('p'));
    let folder = tempfile::tempdir().unwrap();
    let nothing = Processes::of(folder.path(), Duration::ZERO);
    model.update(&nothing, Instant::now());
    assert_eq!((model.is_paused, model.processes.len()), (true, 2), "nothing changes while it is paused");
    press(&mut model, KeyCode::Char(' '));
    model.update(&nothing, Instant::now());
    assert_eq!((model.processes.len(), model.selected), (0, 0));
    for key in [KeyCode::Up, KeyCode::Down, KeyCode::PageDown, KeyCode::Char('x')] {
        press(&mut model, key);
    }
    assert!(!model.is_over);
    press(&mut model, KeyCode::Char('q'));
    assert!(model.is_over);
    let mut model = Model::default();
    model.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert!(model.is_over);
}
