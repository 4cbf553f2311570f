//! What a program sets for a function.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// No value has been set.
const UNSET: i32 = i32::MIN;

/// Settings of a function, or of a library's kernel in all contexts.
#[derive(Debug)]
pub(crate) struct FunctionSettings {
    /// Most dynamic shared memory of a launch, in bytes.
    dynamic_shared: AtomicI32,
    /// Share of the combined cache that is to be shared memory, in per cent; -1 for no preference.
    carveout: AtomicI32,
    /// Whether clusters may be larger than every device can run.
    non_portable_cluster: AtomicBool,
    /// Size of a cluster by dimension that launches must have; 0 for none.
    cluster: [AtomicU32; 3],
    scheduling_policy: AtomicI32,
    /// Counts changes.
    changes: AtomicU64,
}

impl Default for FunctionSettings {
    fn default() -> Self {
        Self {
            dynamic_shared: AtomicI32::new(UNSET),
            carveout: AtomicI32::new(-1),
            non_portable_cluster: AtomicBool::new(false),
            cluster: [const { AtomicU32::new(0) }; 3],
            scheduling_policy: AtomicI32::new(0),
            changes: AtomicU64::new(0),
        }
    }
}

impl FunctionSettings {
    /// How many changes there have been: what was found out before the last one may be stale.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn dynamic_shared(&self) -> Option<u32> {
        u32::try_from(self.dynamic_shared.load(Ordering::Relaxed)).ok()
    }

    pub(crate) fn set_dynamic_shared(&self, bytes: u32) {
        self.dynamic_shared.store(bytes as i32, Ordering::Relaxed);
        self.changed();
    }

    pub(crate) fn carveout(&self) -> i32 {
        self.carveout.load(Ordering::Relaxed)
    }

    pub(crate) fn set_carveout(&self, percent: i32) {
        self.carveout.store(percent, Ordering::Relaxed);
        self.changed();
    }

    pub(crate) fn non_portable_cluster(&self) -> bool {
        self.non_portable_cluster.load(Ordering::Relaxed)
    }

    pub(crate) fn set_non_portable_cluster(&self, allowed: bool) {
        self.non_portable_cluster.store(allowed, Ordering::Relaxed);
        self.changed();
    }

    /// Size of a cluster by dimension; 0 where none was set.
    pub(crate) fn cluster(&self, dimension: usize) -> u32 {
        self.cluster[dimension].load(Ordering::Relaxed)
    }

    pub(crate) fn set_cluster(&self, dimension: usize, blocks: u32) {
        self.cluster[dimension].store(blocks, Ordering::Relaxed);
        self.changed();
    }

    pub(crate) fn scheduling_policy(&self) -> i32 {
        self.scheduling_policy.load(Ordering::Relaxed)
    }

    pub(crate) fn set_scheduling_policy(&self, policy: i32) {
        self.scheduling_policy.store(policy, Ordering::Relaxed);
        self.changed();
    }
}
