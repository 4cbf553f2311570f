//! Clocks as plain numbers, for time stamps that are stored, compared and sent on.

/// Nanoseconds since an arbitrary point in the past, the same one for every process of the machine.
///
/// Never goes back; does not count while the machine is suspended (`CLOCK_MONOTONIC`).
pub fn monotonic_ns() -> u64 {
    read_ns(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds that the calling thread has had a processor (`CLOCK_THREAD_CPUTIME_ID`): what a piece of work costs, whatever
/// else the machine does.
pub fn thread_cpu_ns() -> u64 {
    read_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn read_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to.
    let status = unsafe { libc::clock_gettime(clock, &raw mut time) };
    // The call fails only for an unknown clock or a bad pointer.
    debug_assert_eq!(status, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn it_advances_as_the_standard_clock_does() {
        let (start, start_ns) = (Instant::now(), monotonic_ns());
        std::thread::sleep(Duration::from_millis(5));
        let elapsed_ns = monotonic_ns() - start_ns;
        assert!(elapsed_ns >= 4_900_000, "{elapsed_ns} ns for a sleep of 5 ms");
        assert!(u128::from(elapsed_ns) <= start.elapsed().as_nanos() + 100_000);
    }

    #[test]
    fn a_thread_that_sleeps_has_no_processor() {
        let start_ns = thread_cpu_ns();
        std::thread::sleep(Duration::from_millis(50));
        assert!(thread_cpu_ns() - start_ns < 40_000_000);
        while thread_cpu_ns() == start_ns {
            std::hint::spin_loop();
        }
    }
}
