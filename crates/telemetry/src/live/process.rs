//! Processes, told apart from later ones with the same number.

use std::os::unix::fs::MetadataExt;

/// The process that a segment is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// Its number.
    pub pid: u32,
    /// When it began, in clock ticks since the machine started.
    pub start_ticks: u64,
    /// Its namespace of process numbers, in which alone the two above say who it is.
    pub namespace: u64,
}

/// What is known of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Lives,
    Dead,
    /// It is in another namespace.
    Unknown,
}

impl Owner {
    /// The calling process.
    pub(super) fn own() -> Owner {
        let pid = std::process::id();
        let start_ticks = stat_of(pid).map_or(0, |stat| stat.start_ticks);
        Owner { pid, start_ticks, namespace: own_namespace() }
    }

    /// Whether its number is one of another namespace than the calling process's.
    pub fn is_foreign(&self) -> bool {
        self.namespace != own_namespace()
    }

    /// Whether it lives.
    pub(super) fn life(&self) -> Life {
        if self.is_foreign() {
            return Life::Unknown;
        }
        match stat_of(self.pid) {
            Some(stat) if stat.start_ticks == self.start_ticks && !stat.is_gone => Life::Lives,
            _ => Life::Dead,
        }
    }
}

struct Stat {
    start_ticks: u64,
    /// It has ended, and its parent has not asked how.
    is_gone: bool,
}

fn stat_of(pid: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (state, start_ticks) = fields(&text)?;
    // The first thread of a process may end before the others do.
    let is_last = || std::fs::read_dir(format!("/proc/{pid}/task")).map_or(true, |tasks| tasks.count() <= 1);
    Some(Stat { start_ticks, is_gone: matches!(state, 'Z' | 'X') && is_last() })
}

/// State and start of a line of `/proc/PID/stat`. The name in it may hold spaces and parentheses.
fn fields(line: &str) -> Option<(char, u64)> {
    let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

fn own_namespace() -> u64 {
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one_with_its_number() {
        let own = Owner::own();
        assert_ne!([own.start_ticks, own.namespace], [0, 0]);
        assert_eq!(own.life(), Life::Lives);
        assert_eq!(Owner { start_ticks: own.start_ticks - 1, ..own }.life(), Life::Dead);
        assert_eq!(Owner { namespace: own.namespace + 1, ..own }.life(), Life::Unknown);
        assert_eq!(Owner { pid: 1 << 30, ..own }.life(), Life::Dead);
    }

    #[test]
    fn a_process_whose_parent_does_not_ask_is_dead() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let owner = Owner {
            pid: child.id(),
            start_ticks: stat_of(child.id()).unwrap().start_ticks,
            namespace: own_namespace(),
        };
        assert_eq!(owner.life(), Life::Lives);
        child.kill().unwrap();
        while owner.life() == Life::Lives {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert!(stat_of(child.id()).is_some_and(|stat| stat.is_gone), "it still has a number");
        child.wait().unwrap();
        assert_eq!(owner.life(), Life::Dead);
    }

    #[test]
    fn names_may_hold_anything() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 6 7";
        assert_eq!(fields(line), Some(('S', 12345)));
        assert_eq!(fields("7 (a"), None);
        assert_eq!(fields("7 (a) S 1"), None);
    }
}
