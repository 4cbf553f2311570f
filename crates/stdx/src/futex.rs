//! Sleeping on a word of memory (Linux `futex(2)`, private to the process).
//!
//! A waiter passes the value that it saw; the kernel puts it to sleep only if the word still has it,
//! so a wake between the look and the sleep is never lost. The protocol is the caller's: change the
//! word first, then wake.

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Someone woke the word, a signal came, or the kernel woke for no reason: look again.
    Woken,
    /// The word did not have the expected value.
    Changed,
    /// The time was over.
    TimedOut,
}

/// Sleeps while `word` is `expected`, until woken or until `timeout` is over.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) -> Wake {
    if word.load(Ordering::Acquire) != expected {
        return Wake::Changed;
    }
    let limit = timeout.map(|timeout| libc::timespec {
        // Longer than a process lives is for ever.
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let limit: *const libc::timespec = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: `word` is a live, aligned 32-bit word; `limit` is null or a timespec on this stack frame.
    let status = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, limit) };
    if status == 0 {
        return Wake::Woken;
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Wake::Changed,
        Some(libc::ETIMEDOUT) => Wake::TimedOut,
        // A signal. Nothing else can happen to a valid word, and looking again is always right.
        _ => Wake::Woken,
    }
}

/// Wakes at most one thread that sleeps on `word`; returns whether there was one.
pub fn wake_one(word: &AtomicU32) -> bool {
    wake(word, 1) > 0
}

/// Wakes at most `threads` threads that sleep on `word`; returns how many there were.
pub fn wake_some(word: &AtomicU32, threads: usize) -> usize {
    wake(word, libc::c_int::try_from(threads).unwrap_or(libc::c_int::MAX))
}

/// Wakes every thread that sleeps on `word`; returns how many there were.
pub fn wake_all(word: &AtomicU32) -> usize {
    wake(word, libc::c_int::MAX)
}

fn wake(word: &AtomicU32, threads: libc::c_int) -> usize {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel only takes the word's address as a key.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, threads) };
    usize::try_from(woken).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_changed_word_does_not_sleep() {
        assert_eq!(wait(&AtomicU32::new(1), 0, None), Wake::Changed);
    }

    #[test]
    fn a_wait_ends_in_time() {
        let start = Instant::now();
        let word = AtomicU32::new(0);
        let limit = Duration::from_millis(5);
        // A stray signal may end a wait early.
        while wait(&word, 0, Some(limit)) != Wake::TimedOut {}
        assert!(start.elapsed() >= limit);
    }

    #[test]
    fn a_sleeper_is_woken() {
        let word = AtomicU32::new(0);
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| while wait(&word, 0, None) != Wake::Changed {});
            while !wake_one(&word) {
                std::thread::yield_now();
            }
            word.store(1, Ordering::Release);
            wake_all(&word);
            sleeper.join().unwrap();
        });
        assert!(!wake_one(&word));
        assert_eq!(wake_all(&word), 0);
    }

    #[test]
    fn a_very_long_timeout_is_accepted() {
        let word = AtomicU32::new(0);
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| wait(&word, 0, Some(Duration::MAX)));
            while !wake_one(&word) {
                std::thread::yield_now();
            }
            assert_eq!(sleeper.join().unwrap(), Wake::Woken);
        });
    }
}
