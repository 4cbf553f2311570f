//! The file being written, and what has to be known to write it.

use super::rows::Rows;
use super::{Config, Recorder, lock};
use crate::clock::{self, Moment, Scale};
use crate::event::Event;
use crate::file;
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

/// The file, and the state of the writer.
pub(super) struct Sink {
    pub(super) path: PathBuf,
    file: File,
    /// Nothing is written any more.
    pub(super) is_closed: bool,
    /// Whole blocks that are to be written.
    buffer: Vec<u8>,
    /// Bytes of whole blocks in the file.
    written: u64,
    /// When the clocks were read last.
    moment: Moment,
    batch: Vec<Event>,
    rows: Rows,
    recorded: u64,
    /// What rings dropped that are gone.
    pub(super) dropped_before: [u64; 2],
}

impl Sink {
    /// Opens the file and writes its head.
    pub(super) fn open(config: &Config) -> io::Result<Sink> {
        let (path, file) = open_file(&named(&config.path))?;
        let moment = Moment::now();
        let mut buffer = file::header();
        file::encode_block(&facts(config, moment), &mut buffer);
        let mut sink = Sink {
            path,
            file,
            is_closed: false,
            buffer,
            written: 0,
            moment,
            batch: Vec::new(),
            rows: Rows::new(config.executions),
            recorded: 0,
            dropped_before: [0; 2],
        };
        super::thread::without_size_signal(|| sink.write_buffer())?;
        Ok(sink)
    }

    /// The file's descriptor.
    pub(super) fn descriptor(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Empties the rings into the file.
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
                let taken = unsafe { ring.take(left.min(room), |slot| batch.push(Event::from_slot(slot))) };
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
        self.write_buffer()
    }

    /// Makes blocks of the batch, and of what was defined before.
    fn encode(&mut self, recorder: &Recorder, scale: &Scale) -> io::Result<()> {
        // After the events were taken: what they refer to was defined before they were put in.
        let definitions = std::mem::take(&mut *lock(&recorder.definitions));
        self.rows.define(definitions, &mut self.buffer);
        self.recorded += self.rows.encode(&mut self.batch, scale, &mut self.buffer);
        if self.buffer.len() >= BUFFER_BYTES { self.write_buffer() } else { Ok(()) }
    }

    fn forget_finished_rings(&mut self, recorder: &Recorder) {
        lock(&recorder.rings).all.retain(|ring| {
            let is_finished = ring.is_finished();
            if is_finished {
                let [launches, others] = ring.dropped();
                self.dropped_before = [self.dropped_before[0] + launches, self.dropped_before[1] + others];
            }
            !is_finished
        });
    }

    fn put_progress(&mut self, recorder: &Recorder, time: u64, is_last: bool) {
        let mut dropped = self.dropped_before;
        let lost = [0, 1].map(|which| recorder.lost[which].load(Ordering::Relaxed));
        let in_rings: Vec<[u64; 2]> = lock(&recorder.rings).all.iter().map(|ring| ring.dropped()).collect();
        for counts in in_rings.into_iter().chain([lost, [0, self.rows.unmatched()]]) {
            dropped = [dropped[0] + counts[0], dropped[1] + counts[1]];
        }
        let [dropped_launches, dropped_others] = dropped;
        let progress = Progress { time, recorded: self.recorded, dropped_launches, dropped_others };
        file::encode_block(&[progress], &mut self.buffer);
        if is_last {
            file::encode_block(&[End { time }], &mut self.buffer);
        }
    }

    /// Writes the buffer. On an error what is there of it is taken off again, so that the file ends with a whole block.
    fn write_buffer(&mut self) -> io::Result<()> {
        match self.file.write_all(&self.buffer) {
            Ok(()) => {
                self.written += self.buffer.len() as u64;
                self.buffer.clear();
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
