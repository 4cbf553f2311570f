//! Times of launches on the device, for an observer that asks.

/// Has launches timed whose [tag](driver_api::take_launch_tag) is not 0, on the clock of `now`. The first who asks gets them; returns whether
/// that is the caller. Neither function panics.
pub fn time_launches(now: fn() -> u64, ran: fn(tag: u64, start: u64, end: u64)) -> bool {
    simt::time_launches(simt::LaunchTimer { now, ran })
}
