//! Devices.

mod area;

pub(crate) use area::Devices;

use crate::context::Primary;
use crate::lock_order::{Lock, Order};
use crate::memory::Pool;
use crate::settings::Settings;
use device_model::{ComputeCapability, Features, Limits, Profile};
use simt::arena::Budget;
use std::sync::{Arc, OnceLock};

/// Largest grid by dimension.
pub(crate) const GRID_MAX: [u32; 3] = [0x7fff_ffff, 65_535, 65_535];
/// Largest block by dimension.
pub(crate) const BLOCK_MAX: [u32; 3] = [1024, 1024, 64];

/// A device that is presented.
pub(crate) struct Device {
    pub(crate) ordinal: usize,
    /// What it says of itself.
    pub(crate) model: device_model::Device,
    /// Its memory.
    pub(crate) budget: Arc<Budget>,
    pub(crate) primary: Lock<Primary>,
    /// The pool that the device came with, and its handle.
    pub(crate) default_pool: OnceLock<(usize, Arc<Pool>)>,
    /// The pool that `cuMemAllocAsync` takes from, if it is not the default one.
    pub(crate) current_pool: Lock<Option<usize>>,
}

impl Device {
    pub(crate) fn new(ordinal: usize, settings: &Settings) -> Device {
        Device {
            ordinal,
            model: device_model::Device::new(settings.profile.clone(), ordinal as u32, Features::default()),
            budget: Arc::new(Budget::new(settings.memory_bytes)),
            primary: Lock::new(Order::Primary, Primary::default()),
            default_pool: OnceLock::new(),
            current_pool: Lock::new(Order::Pool, None),
        }
    }

    /// Its compute capability.
    pub(crate) fn capability(&self) -> ComputeCapability {
        self.model.capability()
    }

    /// What follows from its compute capability.
    pub(crate) fn limits(&self) -> &Limits {
        self.model.limits()
    }

    /// The card.
    pub(crate) fn profile(&self) -> &Profile {
        self.model.profile()
    }
}
