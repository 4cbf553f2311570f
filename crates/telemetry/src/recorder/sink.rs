//! What the writer writes to, the file and the segment that is published, and what has to be known for it.

use super::outlet::Outlet;
use super::rows::Rows;
use super::{Config, Recorder, lock};
use crate::clock::{self, Moment, Scale};
use crate::event::{Event, Kind};
use crate::file;
use crate::live::{Aggregate, Publisher};
use crate::records::{End, Fact, Progress};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Events that are made rows of together.
const BATCH_EVENTS: usize = 64 << 10;
/// Bytes that are written together.
const BUFFER_BYTES: usize = 1 << 20;

/// The file and the segment, and the state of the writer.
pub(super) struct Sink {
    file: Option<RecordFile>,
    publisher: Option<Publisher>,
    /// Nothing is written any more.
    pub(super) is_closed: bool,
    /// What is to be written to the file, and published.
    out: Outlet,
    /// Bytes of the snapshot that was made last.
    snapshot: Vec<u8>,
    /// When a snapshot was published last, and how many events were in it.
    published: Option<(u64, u64)>,
    /// When the clocks were read last.
    moment: Moment,
    batch: Vec<Event>,
    rows: Rows,
    recorded: u64,
    /// Launches and other events that came when the file could not be written any more.
    pub(super) unwritten: [u64; 2],
    /// What rings dropped that are gone.
    pub(super) dropped_before: [u64; 2],
}

/// The file.
struct RecordFile {
    path: PathBuf,
    file: File,
    /// Bytes of whole blocks in it.
    written: u64,
}

impl Sink {
    /// Opens what there is to write to. What cannot be opened is told; `None` if that is all.
    pub(super) fn open(config: &Config) -> Option<Sink> {
        let moment = Moment::now();
        let facts = facts(config, moment);
        let file = config.path.as_ref().and_then(|path| {
            let opened = super::thread::without_size_signal(|| RecordFile::create(&named(path), &facts));
            told(opened, "recorded", path)
        });
        let publisher = config.live.as_ref().and_then(|folder| {
            let opened = super::thread::without_size_signal(|| Publisher::new(folder));
            told(opened, "published", folder)
        });
        if file.is_none() && publisher.is_none() {
            return None;
        }
        let live = publisher.as_ref().map(|_| Box::new(Aggregate::new(&facts, moment)));
        Some(Sink {
            out: Outlet { blocks: file.as_ref().map(|_| Vec::new()), live },
            file,
            publisher,
            is_closed: false,
            snapshot: Vec::new(),
            published: None,
            moment,
            batch: Vec::new(),
            rows: Rows::new(config.executions),
            recorded: 0,
            unwritten: [0; 2],
            dropped_before: [0; 2],
        })
    }

    /// The descriptor of the file; -1 for none.
    pub(super) fn descriptor(&self) -> i32 {
        self.file.as_ref().map_or(-1, |file| file.file.as_raw_fd())
    }

    /// Takes the name of what is published away.
    pub(super) fn withdraw(&self) {
        self.publisher.iter().for_each(Publisher::remove);
    }

    /// Whether there is a file, and it can be written.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The file cannot be written any more. Returns its name, and whether something else is left to write to.
    pub(super) fn give_up_file(&mut self) -> (PathBuf, bool) {
        self.out.blocks = None;
        let path = self.file.take().map_or_else(PathBuf::new, |file| file.path);
        (path, self.publisher.is_some())
    }

    /// Empties the rings into the file, and publishes what they held.
    ///
    /// # Errors
    /// When the file cannot be written. It then ends with the last whole block.
    pub(super) fn flush(&mut self, recorder: &Recorder, is_last: bool) -> io::Result<()> {
        let moment = Moment::now();
        let scale = Scale::through(self.moment, moment);
        let rings: Vec<Arc<_>> = lock(&recorder.rings).all.clone();
        let (events_before, mut has_finished) = (self.recorded, false);
        for ring in &rings {
            // Looked at before the events are: a ring that is closed in the meantime goes next time.
            let is_finished = ring.is_finished();
            // What a busy thread puts in meanwhile has to wait for the next turn.
            let mut left = recorder.config.ring_events.max(4).next_power_of_two();
            while left > 0 {
                let room = BATCH_EVENTS - self.batch.len();
                let batch = &mut self.batch;
                // SAFETY: the lock on the sink makes this the only thread that takes events out.
                let taken = unsafe { ring.take_events(left.min(room), |event| batch.push(event)) };
                left -= taken;
                if self.batch.len() == BATCH_EVENTS {
                    self.encode(recorder, &scale)?;
                } else {
                    break;
                }
            }
            has_finished |= is_finished;
        }
        // After the rings were looked at: most of their calls are known by now.
        std::mem::take(&mut *lock(&recorder.device_times)).into_iter().for_each(|time| self.rows.wait(time));
        self.encode(recorder, &scale)?;
        if has_finished {
            self.forget_finished_rings(recorder);
        }
        if self.recorded > events_before || is_last {
            self.put_progress(recorder, moment.ns, is_last);
        }
        self.moment = moment;
        self.publish(recorder, moment.ns, is_last);
        self.write_buffer()
    }

    /// Makes rows of the batch, and of what was defined before.
    fn encode(&mut self, recorder: &Recorder, scale: &Scale) -> io::Result<()> {
        // After the events were taken: what they refer to was defined before they were put in.
        let definitions = std::mem::take(&mut *lock(&recorder.definitions));
        if self.file.is_none() {
            let launches = self.batch.iter().filter(|event| event.kind == Kind::Launch).count();
            let others = self.batch.len() - launches;
            self.unwritten = [self.unwritten[0] + launches as u64, self.unwritten[1] + others as u64];
        }
        self.rows.define(definitions, &mut self.out);
        self.recorded += self.rows.encode(&mut self.batch, scale, &mut self.out);
        if self.out.pending() >= BUFFER_BYTES { self.write_buffer() } else { Ok(()) }
    }

    /// Publishes the counts, if there is something new in them.
    fn publish(&mut self, recorder: &Recorder, now_ns: u64, is_last: bool) {
        let dropped = self.dropped(recorder);
        let (Some(publisher), Some(live)) = (&mut self.publisher, &mut self.out.live) else { return };
        live.turn();
        let events = self.recorded + dropped[0] + dropped[1];
        let is_due = self.published.is_none_or(|(published_ns, events_then)| {
            // A program that fills its rings calls the writer much more often than somebody looks.
            events != events_then && u128::from(now_ns - published_ns) >= recorder.config.interval.as_nanos() / 2
        });
        if !is_due && !is_last {
            return publisher.be_seen(now_ns);
        }
        self.snapshot.clear();
        live.encode(now_ns, dropped, is_last, &mut self.snapshot);
        if let Err(error) = publisher.publish(&self.snapshot, now_ns) {
            eprintln!("apex: nothing is published any more: {error}");
            publisher.remove();
            (self.publisher, self.out.live) = (None, None);
            return;
        }
        self.published = Some((now_ns, events));
        if is_last {
            publisher.remove();
        }
    }

    /// Launches and other events that found no room, so far.
    fn dropped(&self, recorder: &Recorder) -> [u64; 2] {
        let lost = [0, 1].map(|which| recorder.lost[which].load(Ordering::Relaxed));
        let in_rings: Vec<[u64; 2]> = lock(&recorder.rings).all.iter().map(|ring| ring.dropped()).collect();
        let all = in_rings.into_iter().chain([lost, [0, self.rows.unmatched()]]);
        all.fold(self.dropped_before, |sum, counts| [sum[0] + counts[0], sum[1] + counts[1]])
    }

    fn forget_finished_rings(&mut self, recorder: &Recorder) {
        lock(&recorder.rings).all.retain(|ring| {
            let is_finished = ring.is_finished();
            if is_finished {
                let [launches, others] = ring.dropped();
                self.dropped_before = [self.dropped_before[0] + launches, self.dropped_before[1] + others];
                ring.give_up();
            }
            !is_finished
        });
    }

    fn put_progress(&mut self, recorder: &Recorder, time: u64, is_last: bool) {
        let [dropped_launches, dropped_others] = self.dropped(recorder);
        self.out.put(&[Progress { time, recorded: self.recorded, dropped_launches, dropped_others }]);
        if is_last {
            self.out.put(&[End { time }]);
        }
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        match (&mut self.file, &mut self.out.blocks) {
            (Some(file), Some(blocks)) => file.write(blocks),
            _ => Ok(()),
        }
    }
}

impl RecordFile {
    /// Makes the file and writes its head.
    fn create(path: &Path, facts: &[Fact]) -> io::Result<RecordFile> {
        let (path, file) = open_file(path)?;
        let mut file = RecordFile { path, file, written: 0 };
        let mut head = file::header();
        file::encode_block(facts, &mut head);
        file.write(&mut head)?;
        Ok(file)
    }

    /// Writes whole blocks, and empties the list. On an error what is there of them is taken off again, so that the file ends with a
    /// whole block.
    fn write(&mut self, blocks: &mut Vec<u8>) -> io::Result<()> {
        match self.file.write_all(blocks) {
            Ok(()) => {
                self.written += blocks.len() as u64;
                blocks.clear();
                Ok(())
            }
            Err(error) => {
                // If that fails too, the reader finds the end.
                let _ = self.file.set_len(self.written);
                Err(error)
            }
        }
    }
}

/// What was opened, or nothing, which is told.
fn told<T>(opened: io::Result<T>, what: &str, path: &Path) -> Option<T> {
    opened.map_err(|error| eprintln!("apex: nothing is {what}: {}: {error}", path.display())).ok()
}

/// The name with the process's number in place of `%p`.
fn named(path: &Path) -> PathBuf {
    match path.to_str() {
        Some(text) => text.replace("%p", &std::process::id().to_string()).into(),
        None => path.to_owned(),
    }
}

/// Opens a file to be written by this process alone: if another process records into it, one with this process's number appended.
fn open_file(path: &Path) -> io::Result<(PathBuf, File)> {
    if let Some(file) = open_alone(path)? {
        return Ok((path.to_owned(), file));
    }
    let mut other = path.as_os_str().to_owned();
    other.push(format!(".{}", std::process::id()));
    let other = PathBuf::from(other);
    match open_alone(&other)? {
        Some(file) => Ok((other, file)),
        None => Err(io::Error::new(io::ErrorKind::WouldBlock, "another process records into it")),
    }
}

/// Opens a file and empties it; `None` if another process has it.
fn open_alone(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    // SAFETY: a valid descriptor.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::WouldBlock {
            return Ok(None);
        }
        // A file system without locks: as if nobody else had it.
    }
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(Some(file))
}

/// What the head says about the process.
fn facts(config: &Config, moment: Moment) -> Vec<Fact> {
    let read = |path: &str| std::fs::read(path).unwrap_or_default();
    let command = read("/proc/self/cmdline");
    let command: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let facts = [
        ("process", std::process::id().to_string()),
        ("program", command.join(" ").trim_end().to_owned()),
        ("host", String::from_utf8_lossy(&read("/proc/sys/kernel/hostname")).trim_end().to_owned()),
        ("apex", env!("CARGO_PKG_VERSION").to_owned()),
        ("start_ns", moment.ns.to_string()),
        ("start_unix_ns", unix.as_nanos().to_string()),
        ("clock", clock::name().to_owned()),
    ];
    let own = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
    own.chain(config.facts.iter().cloned()).map(|(name, value)| Fact { name, value }).collect()
}
