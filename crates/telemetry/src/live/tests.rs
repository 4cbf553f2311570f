//! Segments: what is published, what is read of it, and what is left when something goes wrong.

use super::folder;
use super::layout::{HEADER_BYTES, PLACE_BYTES, SNAPSHOT_HEAD_BYTES, word};
use super::{Aggregate, Owner, Publisher, ReadError, Segment, Snapshot};
use crate::clock::Moment;
use crate::records::{self, Fact, flags};
use crate::{Config, Event, LaunchShape, Recorder};
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A recorder that publishes in a folder of its own when it is told to.
fn recorder() -> (&'static Recorder, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config =
        Config { interval: Duration::from_secs(3600), executions: true, ..Config::live(folder.path().to_owned()) };
    (Recorder::new(config), folder)
}

fn kernel(id: u64, name: &str) -> records::Kernel {
    records::Kernel { id, name: name.into(), device: 1, ..records::Kernel::default() }
}

fn define(recorder: &Recorder) {
    recorder.define_device(records::Device { id: 1, name: "card".into(), major: 9, ..records::Device::default() });
    recorder.define_context(records::Context { id: 1, handle: 0x100, device: 1 });
    recorder.define_kernel(kernel(1, "first"));
    recorder.define_kernel(kernel(2, "second"));
}

fn launch(recorder: &'static Recorder, kernel: u32, grid: u32) -> u64 {
    let shape = LaunchShape { grid: [grid, 1, 1], block: [64, 1, 1], ..LaunchShape::default() };
    let token = recorder.begin();
    recorder.end(token, Event::launch(kernel, &shape).at(1, 0));
    token.correlation
}

fn end(recorder: &'static Recorder, event: Event) {
    recorder.end(recorder.begin(), event.at(1, 0));
}

/// The only segment of a folder.
fn segment(path: &Path) -> Segment {
    let list = folder::list(path).unwrap();
    assert_eq!(list.len(), 1, "{list:?}");
    folder::open(&list[0].0, &list[0].1).unwrap()
}

#[test]
fn what_was_done_is_published() {
    let (recorder, folder) = recorder();
    define(recorder);
    let first = launch(recorder, 1, 1);
    (0..9).for_each(|n| _ = launch(recorder, 1, n % 3 + 1));
    (0..5).for_each(|_| _ = launch(recorder, 2, 7));
    let now = crate::clock::ticks();
    recorder.record(Event::execution(first, now, now + 5000));
    end(recorder, Event::launch(1, &LaunchShape::default()).with_result(1));
    end(recorder, Event::launch(1, &LaunchShape::default()).with_flags(flags::CAPTURED));
    end(recorder, Event::copy(1, 1000));
    end(recorder, Event::copy(1, 24).with_flags(flags::ASYNCHRONOUS));
    end(recorder, Event::copy(2, 7));
    end(recorder, Event::set(512));
    end(recorder, Event::allocation(0, 0x1000, 4096));
    end(recorder, Event::allocation(0, 0x3000, 100));
    end(recorder, Event::free(0, 0x1000));
    end(recorder, Event::allocation(0, 0, 1 << 40).with_result(2));
    end(recorder, Event::sync(1));
    end(recorder, Event::load(0, 0x77, 300));
    recorder.define_node(
        records::Node { graph: 4, ..records::Node::default() },
        Some(Event::launch(2, &LaunchShape::default())),
    );
    end(recorder, Event::graph_launch(4));
    recorder.flush();

    let segment = segment(folder.path());
    assert_eq!(segment.owner().pid, std::process::id());
    assert!(!segment.is_abandoned() && segment.seen_ns().unwrap() > 0);
    let Snapshot { process, devices, totals, kernels, others, copies, sets, memories, syncs, loads, failures } =
        segment.read().unwrap();
    assert_eq!(process.pid, u64::from(std::process::id()));
    assert!(process.start_unix_ns > 1 << 60 && !process.program.is_empty());
    assert_eq!((devices.len(), devices[0].name.as_str(), devices[0].executions), (1, "card", 1));
    assert!(devices[0].busy_ns > 0 && devices[0].busy_ns == kernels[0].execution_ns);
    let names: Vec<_> = kernels.iter().map(|k| (k.name.as_str(), k.launches, k.by_graphs, k.executions)).collect();
    assert_eq!(names, [("first", 10, 0, 1), ("second", 5, 1, 0)]);
    assert!(kernels.iter().all(|kernel| kernel.launch_ns > 0 && kernel.device == 1));
    assert_eq!(others, super::records::Others::default());
    let copies: Vec<_> = copies.iter().map(|copy| [copy.kind, copy.device, copy.calls, copy.bytes]).collect();
    assert_eq!(copies, [[1, 1, 2, 1024], [2, 1, 1, 7]]);
    assert_eq!([sets[0].calls, sets[0].bytes], [1, 512]);
    let memory = &memories[0];
    assert_eq!([memory.allocations, memory.allocated_bytes, memory.frees], [2, 4196, 1]);
    assert_eq!([memory.held_bytes, memory.held_bytes_max], [100, 4196]);
    assert_eq!([syncs[0].kind, syncs[0].calls, loads[0].loads, loads[0].bytes], [1, 1, 1, 300]);
    let failures: Vec<_> = failures.iter().map(|row| [row.call, row.result, row.calls]).collect();
    assert_eq!(failures, [[0, 1, 1], [3, 2, 1]]);
    assert_eq!([totals.captured, totals.graph_launches, totals.streams, totals.contexts], [1, 1, 1, 1]);
    assert_eq!([totals.events, totals.ended, totals.dropped_launches + totals.dropped_others], [28, 0, 0]);
}

#[test]
fn a_segment_is_its_user_s_alone_and_gone_at_the_end() {
    let (recorder, folder) = recorder();
    define(recorder);
    assert_eq!(folder::list(folder.path()).unwrap(), [], "there is nothing before the first event");
    launch(recorder, 1, 1);
    let segment = segment(folder.path());
    assert_eq!(std::fs::metadata(segment.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(segment.read(), Err(ReadError::NotYet)));
    recorder.flush();
    assert_eq!(segment.read().unwrap().totals.ended, 0);
    launch(recorder, 2, 1);
    recorder.finish();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let last = segment.read().unwrap();
    assert_eq!((last.totals.ended, last.kernels[0].launches, last.kernels[1].launches), (1, 1, 1));
}

#[test]
fn a_file_and_a_segment_hold_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let config = Config { live: Some(folder.path().to_owned()), ..Config::new(path.clone()) };
    let recorder = Recorder::new(config);
    define(recorder);
    (0..1000).for_each(|n| _ = launch(recorder, n % 2 + 1, n));
    recorder.flush();
    let segment = segment(folder.path());
    recorder.finish();
    let mut summary = crate::summary::Summary::default();
    let bytes = std::fs::read(&path).unwrap();
    let mut reader = crate::file::Reader::new(&bytes[..]).unwrap();
    while let Some(block) = reader.next_block().unwrap() {
        summary.add(block);
    }
    let snapshot = segment.read().unwrap();
    assert_eq!(snapshot.kernels.iter().map(|kernel| kernel.launches).collect::<Vec<_>>(), [500, 500]);
    assert_eq!(summary.kernels.launches, 1000);
    let host_ns: u64 = summary.kernels.by_time().iter().map(|kernel| kernel.host_ns).sum();
    assert_eq!(snapshot.kernels.iter().map(|kernel| kernel.launch_ns).sum::<u64>(), host_ns);
}

#[test]
fn where_one_of_both_cannot_be_made_the_other_is() {
    let folder = tempfile::tempdir().unwrap();
    let no_folder = Some(PathBuf::from("/no/such/folder"));
    let path = folder.path().join("recording");
    let recorder = Recorder::new(Config { live: no_folder, ..Config::new(path.clone()) });
    launch(recorder, 1, 1);
    recorder.finish();
    assert!(std::fs::metadata(&path).unwrap().len() > 100);

    // A file that takes nothing is found out with its head, before the first event.
    let config = Config { live: Some(folder.path().to_owned()), ..Config::new("/dev/full".into()) };
    let recorder = Recorder::new(config);
    define(recorder);
    launch(recorder, 1, 1);
    recorder.flush();
    assert_eq!(segment(folder.path()).read().unwrap().kernels[0].launches, 1);
    recorder.finish();
    assert_eq!(folder::list(folder.path()).unwrap(), []);
}

#[test]
fn what_finds_no_room_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        Config { ring_events: 64, interval: Duration::from_secs(3600), ..Config::live(folder.path().to_owned()) };
    let recorder = Recorder::new(config);
    define(recorder);
    launch(recorder, 1, 1);
    let segment = segment(folder.path());
    (1..50_000).for_each(|n| _ = launch(recorder, 1, n));
    recorder.finish();
    let Snapshot { totals, kernels, .. } = segment.read().unwrap();
    assert_eq!(kernels[0].launches + totals.dropped_launches, 50_000);
}

/// A reader beside a writer that publishes without a pause sees whole snapshots alone, and later ones after earlier ones.
#[test]
fn a_reader_sees_whole_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::new(folder.path()).unwrap();
    let segment = segment(folder.path());
    let mut aggregate = Aggregate::new(&[], Moment::now());
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = Vec::new();
            for n in 1..20_000 {
                bytes.clear();
                aggregate.encode(n, [n, n], false, &mut bytes);
                publisher.publish(&bytes, n).unwrap();
            }
            is_done.store(true, std::sync::atomic::Ordering::Release);
        });
        let (mut last, mut read) = (0, 0);
        loop {
            // All that were published must not be asked for before the last one is there.
            let was_done = is_done.load(std::sync::atomic::Ordering::Acquire);
            match segment.read() {
                Ok(Snapshot { totals, .. }) => {
                    assert!(totals.time_ns >= last, "{} after {last}", totals.time_ns);
                    assert_eq!([totals.dropped_launches, totals.dropped_others], [totals.time_ns; 2]);
                    last = totals.time_ns;
                    read += 1;
                }
                // The writer may have been faster five times.
                Err(ReadError::NotYet | ReadError::Damaged(_)) if !was_done => {}
                Err(error) => panic!("{error}"),
            }
            if was_done {
                break;
            }
        }
        assert!(last == 19_999 && read > 0);
    });
}

#[test]
fn a_process_that_dies_while_it_writes_leaves_the_snapshot_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::new(folder.path()).unwrap();
    let mut aggregate = Aggregate::new(&[], Moment::now());
    let segment = segment(folder.path());
    let mut bytes = Vec::new();
    for n in 1..=3 {
        bytes.clear();
        aggregate.encode(n, [0; 2], false, &mut bytes);
        publisher.publish(&bytes, n).unwrap();
    }
    drop(publisher);
    // The fourth was begun, into the place of the second.
    let mut file = std::fs::read(segment.path()).unwrap();
    file[word::BEGUN * 8] = 4;
    file[HEADER_BYTES..][..100].fill(0xee);
    std::fs::write(segment.path(), file).unwrap();
    assert_eq!(segment.read().unwrap().totals.time_ns, 3);
}

/// A segment with something in it, as bytes.
fn bytes_of_a_segment() -> Vec<u8> {
    let (recorder, folder) = recorder();
    define(recorder);
    launch(recorder, 1, 1);
    end(recorder, Event::allocation(0, 0x1000, 4096));
    recorder.flush();
    std::fs::read(segment(folder.path()).path()).unwrap()
}

/// What a reader makes of a file with these bytes.
fn read_bytes(bytes: &[u8]) -> Result<Snapshot, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("segment");
    std::fs::write(&path, bytes).unwrap();
    Segment::open(&path)?.read()
}

#[test]
fn damage_is_an_error() {
    let bytes = bytes_of_a_segment();
    read_bytes(&bytes).unwrap();
    let with = |word: usize, value: u64| {
        let mut bytes = bytes.clone();
        bytes[word * 8..][..8].copy_from_slice(&value.to_le_bytes());
        read_bytes(&bytes)
    };
    assert!(matches!(with(word::VERSION, 2), Err(ReadError::Version(2))));
    assert!(matches!(with(word::MAGIC, 5), Err(ReadError::NoSegment)));
    assert!(matches!(with(word::MAGIC, 0), Err(ReadError::NotYet)));
    assert!(matches!(with(word::COMPLETED, 0), Err(ReadError::NotYet)));
    assert!(matches!(with(word::COMPLETED, 2), Err(ReadError::Damaged(_))));
    assert!(matches!(with(word::BEGUN, 9), Err(ReadError::Damaged(_))));
    for size in [0, 15, 16, 1 << 19, 1 << 40, u64::MAX] {
        assert!(matches!(with(word::PLACE_BYTES, size), Err(ReadError::Damaged(_))), "{size}");
    }
    for length in [0, 1, 71, 72, HEADER_BYTES, HEADER_BYTES + PLACE_BYTES, bytes.len() - 1] {
        let outcome = read_bytes(&bytes[..length]);
        assert!(matches!(outcome, Err(ReadError::Damaged(_) | ReadError::NotYet)), "{length}: {outcome:?}");
    }
    let place = HEADER_BYTES + PLACE_BYTES;
    let length = u32::from_le_bytes(bytes[place + 8..][..4].try_into().unwrap()) as usize;
    for at in place..place + SNAPSHOT_HEAD_BYTES + length {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        assert!(matches!(read_bytes(&damaged), Err(ReadError::Damaged(_))), "byte {at}");
    }
}

#[test]
fn files_that_are_no_segments_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Segment::open(folder.path()), Err(ReadError::NoSegment | ReadError::Io(_))));
    assert!(matches!(Segment::open(Path::new("/dev/null")), Err(ReadError::NoSegment)));
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    assert!(matches!(Segment::open(&link), Err(ReadError::Io(_))));
    // One of another process under this name.
    let path = folder.path().join(folder::name_of(&Owner { pid: 1, start_ticks: 1, namespace: 1 }));
    std::fs::write(&path, bytes_of_a_segment()).unwrap();
    let list = folder::list(folder.path()).unwrap();
    assert!(matches!(folder::open(&list[0].0, &list[0].1), Err(ReadError::Damaged(_))));
}

/// Blocks that are well-formed and mean nothing: their checksums are right.
#[test]
fn blocks_that_are_no_snapshot_are_refused() {
    let snapshot = Aggregate::new(&[], Moment::now()).snapshot(0, [0; 2], false);
    let mut whole = Vec::new();
    snapshot.encode(&mut whole);
    assert_eq!(Snapshot::decode(&whole).unwrap(), snapshot);
    assert!(matches!(Snapshot::decode(&[]), Err(ReadError::Damaged("something is missing"))));
    let mut many = Vec::new();
    let kernels = vec![super::records::Kernel::default(); 5000];
    Snapshot { kernels, ..snapshot.clone() }.encode(&mut many);
    assert!(matches!(Snapshot::decode(&many), Err(ReadError::Damaged("it has too many rows"))));
    let mut ugly = Vec::new();
    let kernels = vec![super::records::Kernel { name: "a\x1b[31mb\n".into(), ..Default::default() }];
    Snapshot { kernels, ..snapshot }.encode(&mut ugly);
    assert_eq!(Snapshot::decode(&ugly).unwrap().kernels[0].name, "a\u{fffd}[31mb\u{fffd}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..2000) {
        let _ = Snapshot::decode(&bytes);
        let mut segment = bytes_of_a_segment();
        let (header, rest) = segment.split_at_mut(HEADER_BYTES);
        let target = if at < 1000 { header } else { &mut rest[PLACE_BYTES..] };
        let at = at % 1000 % 128;
        target[at..at + bytes.len()].copy_from_slice(&bytes);
        let _ = read_bytes(&segment);
    }
}

/// As much as there can be of everything finds room.
#[test]
fn the_most_that_is_published_fits() {
    let long = |n: u64| {
        // Names that do not compress.
        let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut letter = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'!' + (state % 90) as u8)
        };
        (0..5000).map(|_| letter()).collect::<String>()
    };
    let facts = ["program", "host", "apex"].map(|name| Fact { name: name.into(), value: long(1) });
    let mut aggregate = Aggregate::new(&facts, Moment::now());
    let devices: Vec<_> =
        (1..=40).map(|id| records::Device { id, name: long(id), memory: u64::MAX, ..Default::default() }).collect();
    aggregate.devices(&devices);
    let contexts: Vec<_> = (1..=40).map(|id| records::Context { id, handle: id, device: id }).collect();
    aggregate.contexts(&contexts);
    // Some names as long as can be, and very many short ones.
    let kernels: Vec<_> =
        (0..40_u64).map(|id| kernel(id, &long(id))).chain((40..5000).map(|id| kernel(id, &long(id)[..100]))).collect();
    aggregate.kernels(&kernels);
    for context in 0..=40 {
        for kind in 0..10 {
            let duration = u64::MAX / 100;
            let (bytes, address) = (u64::MAX / 100, kind << 20 | context << 40);
            aggregate.copies(&[records::Copy { context, kind, duration, bytes, ..Default::default() }]);
            aggregate.syncs(&[records::Sync { context, kind, duration, ..Default::default() }]);
            aggregate.memories(&[records::Memory { context, kind, duration, bytes, address, ..Default::default() }]);
            aggregate.loads(&[records::Load { kind, duration, bytes, ..Default::default() }]);
        }
    }
    for result in 1..2000 {
        aggregate.copies(&[records::Copy { result, ..Default::default() }]);
        aggregate.launches(&[records::Launch { result, ..Default::default() }]);
    }
    let snapshot = aggregate.snapshot(u64::MAX, [u64::MAX; 2], true);
    assert_eq!(snapshot.devices.len(), 32);
    assert!(snapshot.kernels.len() + snapshot.others.kernels as usize == 5000 && snapshot.kernels.len() > 700);
    assert!((256..270).contains(&snapshot.failures.len()), "{}", snapshot.failures.len());
    assert_eq!(snapshot.failures.iter().map(|row| row.calls).sum::<u64>(), 2 * 1999);
    let mut bytes = Vec::new();
    snapshot.encode(&mut bytes);
    assert!(bytes.len() <= PLACE_BYTES - SNAPSHOT_HEAD_BYTES, "{} bytes", bytes.len());
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::new(folder.path()).unwrap();
    publisher.publish(&bytes, 1).unwrap();
    assert_eq!(segment(folder.path()).read().unwrap(), snapshot);
}
