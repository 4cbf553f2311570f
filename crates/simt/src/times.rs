//! When launches began and ended, for whoever asks: launches that carry a tag are told to a [`LaunchTimer`].

use std::sync::OnceLock;

/// Hears of launches with a tag. Called on the threads that run them, where a panic would end the process: the functions do not panic.
#[derive(Clone, Copy, Debug)]
pub struct LaunchTimer {
    /// The time on the clock that launches are timed by.
    pub now: fn() -> u64,
    /// A launch with this tag ran from one time to the other.
    pub ran: fn(tag: u64, start: u64, end: u64),
}

static TIMER: OnceLock<LaunchTimer> = OnceLock::new();

/// Has launches with a tag other than 0 timed from here on. The first timer stays; returns whether this is it.
pub fn time_launches(timer: LaunchTimer) -> bool {
    TIMER.set(timer).is_ok()
}

/// When a launch with this tag begins; 0 for one that nobody asks about.
#[inline]
pub(crate) fn begin(tag: u64) -> u64 {
    if tag == 0 { 0 } else { TIMER.get().map_or(0, |timer| (timer.now)()) }
}

/// A launch with this tag is over.
#[inline]
pub(crate) fn end(tag: u64, start: u64) {
    if tag != 0
        && let Some(timer) = TIMER.get()
    {
        (timer.ran)(tag, start, (timer.now)());
    }
}
