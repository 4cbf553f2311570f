//! The tag that a driver tells a launch's times under, from the observer that wants them to the driver that has them.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    static TAG: Cell<u64> = const { Cell::new(0) };
}

/// Whether any launch ever had a tag: a driver looks at this alone where nobody asks.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// Gives the next launch of the calling thread this tag; 0 for none.
#[inline]
pub fn set_launch_tag(tag: u64) {
    if tag != 0 && !IS_USED.load(Ordering::Relaxed) {
        IS_USED.store(true, Ordering::Relaxed);
    }
    TAG.set(tag);
}

/// The tag of a launch that the calling thread makes now, which no other launch gets; 0 for none.
#[inline]
pub fn take_launch_tag() -> u64 {
    if IS_USED.load(Ordering::Relaxed) { TAG.replace(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_thread_s_own() {
        assert_eq!(take_launch_tag(), 0);
        set_launch_tag(7);
        assert_eq!(std::thread::spawn(take_launch_tag).join().ok(), Some(0));
        assert_eq!([take_launch_tag(), take_launch_tag()], [7, 0]);
    }
}
