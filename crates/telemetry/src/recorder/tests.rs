//! Recorders: what they lose and what they do not.

use super::*;
use crate::file::{Ending, Reader};
use crate::records::{Block, Execution, Launch, Progress, Shape, Transfer, flags};
use crate::{Event, LaunchShape};
use std::fs;
use std::path::Path;

/// What is in a file.
#[derive(Default)]
struct Contents {
    launches: Vec<Launch>,
    shapes: Vec<Shape>,
    blocks: Vec<Block>,
    progress: Progress,
    has_end: bool,
    ending: Option<Ending>,
}

fn read(path: &Path) -> Contents {
    let bytes = fs::read(path).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let mut contents = Contents::default();
    while let Some(block) = reader.next_block().unwrap() {
        match block {
            Block::Launch(rows) => contents.launches.extend(rows),
            Block::Shape(rows) => contents.shapes.extend(rows),
            Block::Progress(rows) => contents.progress = rows.last().unwrap().clone(),
            Block::End(_) => contents.has_end = true,
            other => contents.blocks.push(other),
        }
    }
    contents.ending = reader.ending();
    contents
}

/// A recorder into a folder of its own that writes when it is told to alone, if the interval is long.
fn recorder(events: usize, interval_ms: u64) -> (&'static Recorder, tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let interval = Duration::from_millis(interval_ms);
    let config = Config { ring_events: events, interval, executions: true, ..Config::new(path.clone()) };
    (Recorder::new(config), folder, path)
}

fn launch(recorder: &'static Recorder, grid: u32) -> u64 {
    let shape = LaunchShape { grid: [grid, 1, 1], block: [256, 1, 1], ..LaunchShape::default() };
    let token = recorder.begin();
    recorder.end(token, Event::launch(1, &shape).at(1, 0));
    token.correlation
}

#[test]
fn launches_come_back_with_their_occupancy() {
    let (recorder, _folder, path) = recorder(1 << 10, 3_600_000);
    let before = stdx::clock::monotonic_ns();
    recorder.define_device(Device { id: 1, major: 8, minor: 6, ..Device::default() });
    recorder.define_context(Context { id: 1, handle: 0x100, device: 1 });
    let kernel = Kernel { id: 1, name: "k".into(), device: 1, registers: 40, known: 1, ..Kernel::default() };
    recorder.define_kernel(kernel);
    for n in 0..100 {
        launch(recorder, 1 + n % 2);
    }
    recorder.flush();
    let after = stdx::clock::monotonic_ns();
    let contents = read(&path);
    assert_eq!((contents.launches.len(), contents.shapes.len(), contents.has_end), (100, 2, false));
    // device-model's own example: 6 blocks of 8 warps out of 48.
    let shape = &contents.shapes[0];
    assert_eq!([shape.active_blocks, shape.block_warps, shape.warps_max, shape.limited_by], [6, 8, 48, 1 | 4]);
    let slack = 1_000_000;
    for (n, launch) in contents.launches.iter().enumerate() {
        assert_eq!([launch.shape, launch.correlation & 0xffff, launch.context], [n as u64 % 2, n as u64, 1]);
        assert!(before - slack <= launch.start && launch.start + launch.duration <= after + slack);
    }
    assert!(contents.launches.is_sorted_by_key(|launch| launch.start));
    recorder.finish();
    let contents = read(&path);
    assert!(contents.has_end && contents.ending == Some(Ending::Whole));
    assert_eq!([contents.progress.recorded, contents.progress.dropped_launches], [100, 0]);
    launch(recorder, 1);
    assert_eq!(read(&path).launches.len(), 100, "nothing comes after the end");
}

#[test]
fn what_a_full_ring_drops_is_counted_exactly() {
    let (recorder, _folder, path) = recorder(64, 3_600_000);
    // The writer is not called before the ring is half full, and may come late: all launches are either recorded or counted.
    for n in 0..10_000 {
        launch(recorder, n);
    }
    recorder.end(recorder.begin(), Event::sync(0));
    recorder.finish();
    let Contents { launches, progress, blocks, .. } = read(&path);
    let syncs: usize = blocks.iter().map(|block| if let Block::Sync(rows) = block { rows.len() } else { 0 }).sum();
    assert_eq!(launches.len() as u64 + progress.dropped_launches, 10_000);
    assert_eq!(syncs as u64 + progress.dropped_others, 1);
    assert_eq!(progress.recorded, (launches.len() + syncs) as u64);
}

#[test]
fn sixty_four_threads_lose_nothing_that_is_not_counted() {
    let (recorder, _folder, path) = recorder(1 << 8, 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..64).map(|_| scope.spawn(|| (0..5_000).for_each(|n| _ = launch(recorder, n)))).collect();
        // A scope does not wait for the ends of what belongs to a thread; this does.
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    // A ring that is closed and not empty goes with the turn after the one that empties it.
    (0..2).for_each(|_| recorder.flush());
    recorder.finish();
    let Contents { launches, progress, ending, .. } = read(&path);
    assert_eq!(launches.len() as u64 + progress.dropped_launches, 64 * 5_000);
    assert_eq!(ending, Some(Ending::Whole));
    let mut numbers: Vec<u64> = launches.iter().map(|launch| launch.correlation).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), launches.len(), "a launch stands there twice");
    assert!(lock(&recorder.rings).all.len() <= 1, "rings of threads that are gone are freed");
}

#[test]
fn more_threads_than_rings_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let recorder = Recorder::new(Config { rings_max: 1, ..Config::new(path.clone()) });
    launch(recorder, 1);
    std::thread::scope(|scope| drop(scope.spawn(|| (0..10).for_each(|n| _ = launch(recorder, n)))));
    recorder.finish();
    let Contents { launches, progress, .. } = read(&path);
    assert_eq!((launches.len(), progress.dropped_launches), (1, 10));
}

#[test]
fn the_writer_comes_by_itself() {
    let (recorder, _folder, path) = recorder(1 << 10, 1);
    launch(recorder, 1);
    while read(&path).launches.is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn who_calls_the_writer_while_it_writes_is_heard() {
    let (recorder, _folder, _path) = recorder(64, 3_600_000);
    launch(recorder, 0);
    let ring = Arc::clone(&lock(&recorder.rings).all[0]);
    let until_empty = || {
        for _ in 0..20_000 {
            if ring.waiting() == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the writer does not come");
    };
    // The writer has emptied the ring and goes no further: it needs this lock next.
    let definitions = lock(&recorder.definitions);
    // The one after half a ring calls.
    (1..=32).for_each(|n| _ = launch(recorder, n));
    until_empty();
    (0..32).for_each(|n| _ = launch(recorder, n));
    drop(definitions);
    // Its next turn by the clock is in an hour.
    until_empty();
}

#[test]
fn device_times_find_their_launch() {
    let (recorder, _folder, path) = recorder(1 << 10, 3_600_000);
    let first = launch(recorder, 1);
    let token = recorder.begin();
    let start = crate::clock::ticks();
    recorder.record(Event::execution(first, start, crate::clock::ticks()));
    // The device may be done with it before the call returns.
    recorder.record(Event::execution(token.correlation, start, start));
    recorder.flush();
    let shape = LaunchShape { grid: [9, 1, 1], ..LaunchShape::default() };
    recorder.end(token, Event::launch(1, &shape).at(1, 7));
    recorder.record(Event::execution(12345, start, start));
    (0..30).for_each(|_| recorder.flush());
    recorder.finish();
    let Contents { blocks, progress, shapes, .. } = read(&path);
    let rows: Vec<_> = blocks
        .iter()
        .flat_map(|block| if let Block::Execution(rows) = block { rows.clone() } else { Vec::new() })
        .collect();
    let found: Vec<_> =
        rows.iter().map(|row| (row.correlation, shapes[row.shape as usize].grid_x, row.stream)).collect();
    assert_eq!(found, [(first, 1, 0), (token.correlation, 9, 7)]);
    assert_eq!(progress.dropped_others, 1, "times without a launch");
}

#[test]
fn kernels_of_graphs_and_copies_have_device_times() {
    let (recorder, _folder, path) = recorder(1 << 10, 3_600_000);
    recorder.define_context(Context { id: 3, handle: 0x100, device: 1 });
    let shape = |grid| LaunchShape { grid: [grid, 1, 1], block: [32, 1, 1], ..LaunchShape::default() };
    let node = |index, kind, bytes| Node { graph: 5, index, kind, bytes, ..Node::default() };
    recorder.define_node(node(0, 0, 0), Some(Event::launch(1, &shape(7))));
    recorder.define_node(node(1, 2, 64), None);
    recorder.define_node(node(2, 5, 0), None);
    recorder.define_node(node(3, 0, 0), Some(Event::launch(2, &shape(8))));
    let [graph, copy, captured] =
        [Event::graph_launch(5), Event::copy(1, 4096).with_result(0), Event::copy(1, 4096).with_flags(flags::CAPTURED)]
            .map(|event| {
                let token = recorder.begin();
                recorder.end(token, event.at(3, 9));
                token.correlation
            });
    let time = |correlation, node, work, start_ns| DeviceTime {
        correlation,
        node,
        device: 0,
        work,
        start_ns,
        end_ns: start_ns + 10,
    };
    recorder.record_device_times(&[
        time(graph, 4, Work::Kernel, 300),
        time(graph, 1, Work::Kernel, 100),
        time(graph, 2, Work::Set(1), 200),
        time(copy, 0, Work::Copy(1), 400),
        time(DeviceTime::NO_CALL, 0, Work::Kernel, 500),
        time(captured, 0, Work::Copy(1), 600),
    ]);
    (0..30).for_each(|_| recorder.flush());
    recorder.finish();
    let Contents { blocks, progress, shapes, .. } = read(&path);
    let (mut executions, mut transfers) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Execution(rows) => executions.extend(rows),
            Block::Transfer(rows) => transfers.extend(rows),
            _ => {}
        }
    }
    let row = |row: &Execution| {
        let shape = &shapes[row.shape as usize];
        (row.start, row.correlation, row.context, row.stream, shape.kernel, shape.grid_x)
    };
    assert_eq!(
        executions.iter().map(row).collect::<Vec<_>>(),
        [(300, graph, 3, 9, 2, 8), (100, graph, 3, 9, 1, 7), (500, u64::MAX, 3, 0, 0, 0)]
    );
    let row = |row: &Transfer| (row.start, row.duration, row.kind, row.bytes, row.stream);
    assert_eq!(transfers.iter().map(row).collect::<Vec<_>>(), [(200, 10, 1, 64, 9), (400, 10, 0, 4096, 9)]);
    assert_eq!(progress.dropped_others, 1, "times of what was not executed");
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let recorder = Recorder::new(Config::new("/dev/full".into()));
    // The head of the file is written at once.
    launch(recorder, 1);
    assert_eq!(recorder.state.load(Ordering::Acquire), STOPPED);
    (0..100).for_each(|n| _ = launch(recorder, n));
    recorder.finish();
    assert_eq!(recorder.dropped(), [101, 0]);
}

#[test]
fn a_file_that_another_recording_has_is_left_alone() {
    let (first, folder, path) = recorder(1 << 10, 3_600_000);
    launch(first, 1);
    first.flush();
    let second = Recorder::new(Config::new(path.clone()));
    launch(second, 1);
    launch(second, 1);
    second.finish();
    first.finish();
    assert_eq!(read(&path).launches.len(), 1);
    let other = folder.path().join(format!("recording.{}", std::process::id()));
    assert_eq!(read(&other).launches.len(), 2);
}

#[test]
fn numbers_of_shapes_start_over() {
    let (recorder, _folder, path) = recorder(1 << 19, 3_600_000);
    let count = (1 << 18) + 10;
    for n in 0..count {
        launch(recorder, n);
        if n % 50_000 == 0 {
            recorder.flush();
        }
    }
    recorder.finish();
    let bytes = fs::read(&path).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let (mut grids, mut next) = (Vec::new(), 0);
    while let Some(block) = reader.next_block().unwrap() {
        match block {
            Block::Shape(rows) => {
                for shape in rows {
                    if shape.id == 0 {
                        grids.clear();
                    }
                    assert_eq!(shape.id, grids.len() as u64);
                    grids.push(shape.grid_x);
                }
            }
            Block::Launch(rows) => {
                for launch in rows {
                    assert_eq!(grids[launch.shape as usize], next);
                    next += 1;
                }
            }
            Block::Progress(rows) => assert_eq!(rows[0].recorded, next),
            _ => {}
        }
    }
    assert_eq!((next, grids.len()), (u64::from(count), 10));
}
