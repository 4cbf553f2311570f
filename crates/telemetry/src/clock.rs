//! Time stamps that cost little: the processor's time stamp counter where it is steady, and how they become nanoseconds.
//!
//! Reading the counter takes about 10 ns, `clock_gettime` about 25 ns, of a launch of about 60.

use std::sync::OnceLock;
use stdx::clock::monotonic_ns;

/// The clock that time stamps are of: the counter or, where that cannot be relied on, `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    is_steady: bool,
}

impl Clock {
    /// This machine's.
    #[inline(always)]
    pub(crate) fn new() -> Clock {
        Clock { is_steady: is_steady() }
    }

    /// Whether time stamps are [`counter`]'s.
    pub(crate) fn is_counter(self) -> bool {
        cfg!(target_arch = "x86_64") && self.is_steady
    }

    /// A time stamp: ticks or nanoseconds.
    #[inline(always)]
    pub(crate) fn ticks(self) -> u64 {
        if self.is_counter() { counter() } else { monotonic_ns() }
    }
}

/// The processor's time stamp counter, where there is one and the system lets programs read it.
#[inline(always)]
pub fn counter() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction. Where the system forbids it, the counter is not steady, and nobody asks.
    return unsafe { core::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    monotonic_ns()
}

/// A time stamp: ticks of the counter or, where that cannot be relied on, nanoseconds of `CLOCK_MONOTONIC`.
pub fn ticks() -> u64 {
    Clock::new().ticks()
}

/// Whether the counter runs at one rate, through power states, on all cores: the processor says so and Linux has found it so.
#[inline(always)]
fn is_steady() -> bool {
    static STEADY: OnceLock<bool> = OnceLock::new();
    *STEADY.get_or_init(|| {
        // Linux takes another clock source where it has found counters apart, or running on.
        let source = std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/available_clocksource");
        source.is_ok_and(|names| names.split_whitespace().any(|name| name == "tsc"))
            && std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| {
                let flags = text.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
                ["constant_tsc", "nonstop_tsc"].iter().all(|flag| flags.split(' ').any(|word| word == *flag))
            })
    })
}

/// The name of the clock, for the recording.
pub fn name() -> &'static str {
    if cfg!(target_arch = "x86_64") && is_steady() { "tsc" } else { "monotonic" }
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By [`ticks`].
    pub ticks: u64,
    /// By `CLOCK_MONOTONIC`.
    pub ns: u64,
}

impl Moment {
    /// Now. Of a few tries the one that took least is right to some tens of nanoseconds.
    pub fn now() -> Moment {
        let attempt = || {
            let before = ticks();
            let ns = monotonic_ns();
            let took = ticks().wrapping_sub(before);
            (took, Moment { ticks: before.wrapping_add(took / 2), ns })
        };
        (0..4).map(|_| attempt()).min_by_key(|(took, _)| *took).expect("four tries").1
    }
}

/// Ticks as nanoseconds, by two moments: exact at both, a straight line between and beyond.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    at: Moment,
    ns_per_tick: f64,
}

impl Scale {
    /// The line through two moments; of one nanosecond a tick where they are the same.
    pub fn through(first: Moment, second: Moment) -> Scale {
        let ticks = second.ticks.wrapping_sub(first.ticks);
        let ns_per_tick = if ticks == 0 { 1.0 } else { second.ns.wrapping_sub(first.ns) as f64 / ticks as f64 };
        Scale { at: second, ns_per_tick }
    }

    /// A time stamp in nanoseconds of `CLOCK_MONOTONIC`.
    pub fn ns(&self, ticks: u64) -> u64 {
        let away = ticks.wrapping_sub(self.at.ticks) as i64;
        self.at.ns.saturating_add_signed((away as f64 * self.ns_per_tick) as i64)
    }

    /// A length of time in nanoseconds.
    pub fn length_ns(&self, ticks: u64) -> u64 {
        (ticks as f64 * self.ns_per_tick) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_exact_at_its_moments() {
        let (first, second) = (Moment { ticks: 1000, ns: 50_000 }, Moment { ticks: 3000, ns: 50_800 });
        let scale = Scale::through(first, second);
        assert_eq!([scale.ns(1000), scale.ns(3000), scale.ns(2000), scale.ns(3500)], [50_000, 50_800, 50_400, 51_000]);
        assert_eq!(scale.length_ns(500), 200);
        assert_eq!(Scale::through(first, first).ns(1007), 50_007);
    }

    #[test]
    fn time_stamps_become_the_system_s_time() {
        let first = Moment::now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let scale = Scale::through(first, Moment::now());
        let (before, stamp, after) = (monotonic_ns(), ticks(), monotonic_ns());
        let ns = scale.ns(stamp);
        assert!(before.saturating_sub(1_000_000) < ns && ns < after + 1_000_000, "{before} {ns} {after}");
    }
}
