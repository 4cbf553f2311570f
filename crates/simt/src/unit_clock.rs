//! How long the units of a grid take, told now and then: to read the clock takes as long as a small block.

use crate::kernel::Kernel;
use stdx::clock::monotonic_ns;

/// Units between two looks at the clock.
const UNITS: u64 = 8;

/// The time of the units that a core runs one after the other.
#[derive(Debug, Default)]
pub(crate) struct UnitClock {
    start: u64,
    /// Units since then.
    count: u64,
    /// Whether anything has been told: the first unit tells how long the others will take.
    has_told: bool,
}

impl UnitClock {
    /// Before a unit.
    pub(crate) fn begin(&mut self) {
        if self.count == 0 {
            self.start = monotonic_ns();
        }
    }

    /// Behind a unit of the kernel, the last one if `is_last`.
    pub(crate) fn end(&mut self, kernel: &Kernel, is_last: bool) {
        self.count += 1;
        if !self.has_told || is_last || self.count == UNITS {
            kernel.observe(self.count, monotonic_ns() - self.start);
            self.count = 0;
            self.has_told = true;
        }
    }
}
