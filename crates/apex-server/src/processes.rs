//! The programs that publish, and the last that each has published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use telemetry::live::{Owner, ReadError, Segment, Snapshot, folder};

/// Most processes that are followed at a time. Further ones are told as a [`Problem`].
const PROCESSES_MAX: usize = 1024;
/// Most processes that have ended and are still shown. The one that ended first goes first.
const ENDED_MAX: usize = 256;
/// How long a process that has ended is shown: so that who asks every minute sees its last counts.
pub const KEEP: Duration = Duration::from_secs(300);

/// What has become of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It has exited; its counts are complete.
    Exited,
    /// It has ended without saying so: what it did in its last tenth of a second is missing.
    Killed,
}

/// A process as it is known.
#[derive(Debug)]
pub struct ProcessView {
    /// Which process.
    pub owner: Owner,
    /// The last that it has published.
    pub snapshot: Snapshot,
    /// What has become of it.
    pub state: State,
    /// When its writer was there last, on `CLOCK_MONOTONIC` in ns. A process that is stopped is silent.
    pub seen_ns: u64,
    ended_at: Option<Instant>,
    segment: Segment,
}

/// Something that is published and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// The processes of a folder.
#[derive(Debug)]
pub struct Processes {
    folder: PathBuf,
    keep: Duration,
    all: BTreeMap<Owner, ProcessView>,
    problems: BTreeMap<Owner, Problem>,
}

impl Processes {
    /// Those that publish in a folder. `keep` says how long those that have ended are shown. Nothing is looked at before
    /// [`scan`](Processes::scan).
    pub fn of(folder: &Path, keep: Duration) -> Processes {
        Processes { folder: folder.to_owned(), keep, all: BTreeMap::new(), problems: BTreeMap::new() }
    }

    /// Looks at what is published now. What processes have left that were killed is removed.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn scan(&mut self) -> std::io::Result<()> {
        let present = folder::list(&self.folder)?;
        self.problems.retain(|owner, _| present.iter().any(|(_, other)| other == owner));
        for (path, owner) in &present {
            // A process that becomes another program (`exec`) begins anew under the same name.
            let is_known = self.all.get(owner).is_some_and(|process| process.segment.is_at(path));
            if !is_known {
                self.open(path, owner);
            }
        }
        for process in self.all.values_mut().filter(|process| process.state == State::Running) {
            let is_named = present.iter().any(|(_, owner)| *owner == process.owner);
            if let Err(error) = process.refresh(is_named) {
                let problem = Problem { path: process.segment.path().to_owned(), reason: error.to_string() };
                self.problems.insert(process.owner, problem);
            } else {
                self.problems.remove(&process.owner);
            }
        }
        self.forget_old();
        Ok(())
    }

    /// Processes in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &ProcessView> {
        self.all.values()
    }

    /// What cannot be read.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.values()
    }

    fn open(&mut self, path: &Path, owner: &Owner) {
        let problem = |reason: String| Problem { path: path.to_owned(), reason };
        if self.all.len() >= PROCESSES_MAX {
            self.problems.insert(*owner, problem(format!("more than {PROCESSES_MAX} processes are not followed")));
            return;
        }
        match folder::open(path, owner).and_then(|segment| Ok((segment.read()?, segment))) {
            Ok((snapshot, segment)) => {
                let view =
                    ProcessView { owner: *owner, snapshot, state: State::Running, seen_ns: 0, ended_at: None, segment };
                self.problems.remove(owner);
                self.all.insert(*owner, view);
            }
            // It is being made; if its process was killed just then, nothing ever comes.
            Err(ReadError::NotYet) => _ = folder::remove_abandoned(path, owner),
            Err(error) => {
                if !folder::remove_abandoned(path, owner) {
                    self.problems.insert(*owner, problem(error.to_string()));
                }
            }
        }
    }

    fn forget_old(&mut self) {
        let keep = self.keep;
        self.all.retain(|_, process| process.ended_at.is_none_or(|ended| ended.elapsed() < keep));
        // A number that is given out again stands for the process that has it now.
        let latest: BTreeMap<(u32, u64), u64> =
            self.all.keys().map(|owner| ((owner.pid, owner.namespace), owner.start_ticks)).collect();
        self.all.retain(|owner, _| latest[&(owner.pid, owner.namespace)] == owner.start_ticks);
        let mut ended: Vec<_> =
            self.all.values().filter_map(|process| Some((process.ended_at?, process.owner))).collect();
        if ended.len() > ENDED_MAX {
            ended.sort();
            for (_, owner) in &ended[..ended.len() - ENDED_MAX] {
                self.all.remove(owner);
            }
        }
    }
}

impl ProcessView {
    /// Reads the segment again. `is_named` says whether it still has its name.
    fn refresh(&mut self, is_named: bool) -> Result<(), ReadError> {
        // Asked before the counts are read: they are the last ones if it has ended by now.
        let is_abandoned = self.segment.is_abandoned();
        let outcome = self.read();
        if self.snapshot.totals.ended == 1 {
            self.end(State::Exited);
        } else if is_abandoned || !is_named {
            folder::remove_abandoned(self.segment.path(), &self.owner);
            self.end(State::Killed);
        }
        outcome
    }

    fn read(&mut self) -> Result<(), ReadError> {
        self.seen_ns = self.segment.seen_ns()?;
        self.snapshot = self.segment.read()?;
        Ok(())
    }

    fn end(&mut self, state: State) {
        self.state = state;
        self.ended_at = Some(Instant::now());
    }

    /// How long its writer was not there, in ns: it comes ten times a second.
    pub fn silent_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.seen_ns)
    }
}

#[cfg(test)]
mod tests;
