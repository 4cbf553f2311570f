//! Which launches' ends are read from the clock, and what the others' are taken to be.
//!
//! Reads of the clock are most of what recording a launch costs. Where a thread launches again and again, the clock is read before each launch, and
//! after one in [`ONE_IN`]. The others are taken to have lasted as long as the last one that was read, and not beyond what came after them: so begins
//! are exact, and times of calls right in the mean.

use crate::event::{Event, Kind};
use crate::records::flags;
use std::cell::Cell;

/// Of how many launches close behind each other one is timed to its end. A power of two.
const ONE_IN: u8 = 32;
/// Ticks of a unit of time here, as a power of two: 1 to 2 us.
const UNIT: u32 = 12;
/// Begins that are at most this many units apart are close to each other.
const CLOSE_UNITS: u16 = 8;

/// The constants, for code that is written by hand.
pub mod at {
    /// Ticks of a unit of a thread's pace, as a power of two. What is kept are the low 16 bits of its number.
    pub const UNIT: u32 = super::UNIT;
    /// Begins that are at most this many units apart are close to each other.
    pub const CLOSE_UNITS: u16 = super::CLOSE_UNITS;
}

/// When the last event of a thread began that is recorded the quick way. Without branches, as it is part of each launch.
#[derive(Default)]
pub(crate) struct Pace(
    /// In units. It wraps around after 65 ms or more: then two events may look close by chance.
    Cell<u16>,
);

/// Of which events ends may be left out: those whose number has one of the bits set.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sampled(u8);

impl Sampled {
    /// Every end is read.
    pub(crate) const ALL: Sampled = Sampled(0);
    /// One in [`ONE_IN`] is.
    pub(crate) const SOME: Sampled = Sampled(ONE_IN - 1);
}

impl Pace {
    /// As before the first event of a thread.
    pub(crate) fn begin(&self) {
        self.0.set(0);
    }

    /// An event begins, by its number. Whether it is close behind the one before and its end may be estimated.
    #[inline(always)]
    pub(crate) fn next(&self, sampled: Sampled, event: u64, now: u64) -> bool {
        let now = (now >> UNIT) as u16;
        let since = now.wrapping_sub(self.0.replace(now));
        (since <= CLOSE_UNITS) & (event as u8 & sampled.0 != 0)
    }
}

/// What is known of a thread's events when one comes whose end was not read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends {
    /// How long the last launch took that was timed.
    duration: u64,
}

impl Ends {
    /// The next of the thread's events, with the end that it is taken to have if none was read. `next_start` is when the one after it began, if that is
    /// known.
    pub(crate) fn complete(&mut self, mut event: Event, next_start: Option<u64>) -> Event {
        if event.kind != Kind::Launch {
            return event;
        }
        if u64::from(event.flags) & flags::END_ESTIMATED == 0 {
            self.duration = event.duration;
            return event;
        }
        event.result = 0;
        // What a call made within it comes before it, and began later.
        let room = next_start.and_then(|next| next.checked_sub(event.start)).unwrap_or(u64::MAX);
        event.duration = self.duration.min(room);
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LaunchShape;

    #[test]
    fn ends_are_left_out_while_launches_are_close() {
        let pace = Pace::default();
        let left_out = |event: u64, units: u64| pace.next(Sampled::SOME, event, units << UNIT);
        assert!(!left_out(1, 100), "nothing came before");
        assert!(left_out(2, 101));
        assert!(!left_out(ONE_IN.into(), 103), "one in many");
        assert!(left_out(9, 111));
        assert!(!left_out(10, 120), "it is late");
        assert!(left_out(11, 121));
        assert!(left_out(12, (1 << 16) + 121), "time has wrapped around, once");
        assert!(left_out(13, (1 << 16) + 123));
        assert!((14..100).all(|event| !pace.next(Sampled::ALL, event, event << UNIT)), "all are wanted");
    }

    #[test]
    fn ends_that_were_not_read_are_taken_from_the_last_that_was() {
        let launch = |start, duration, flags| {
            let event = Event::launch(0, &LaunchShape::default()).with_flags(flags);
            Event { start, duration, ..event }
        };
        let mut ends = Ends::default();
        let mut duration = |event, next_start| ends.complete(event, next_start).duration;
        let left_out = |start| launch(start, 0, flags::END_ESTIMATED);
        assert_eq!(duration(left_out(900), None), 0);
        assert_eq!(duration(launch(1000, 30, 0), None), 30);
        assert_eq!(duration(left_out(1100), Some(1200)), 30);
        assert_eq!(duration(left_out(1200), None), 30);
        assert_eq!(duration(left_out(1300), Some(1320)), 20, "it ended before the next one began");
        assert_eq!(duration(left_out(1400), Some(1390)), 30, "the next one is around it");
        let copy = Event { start: 1500, duration: 500, ..Event::copy(0, 8) };
        assert_eq!(duration(copy, None), 500);
        assert_eq!(duration(left_out(2000), None), 30, "copies are no measure for launches");
    }
}
