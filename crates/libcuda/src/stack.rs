//! The stack: which driver and which layers, from top to bottom.

use crate::choice::{Choice, choice};
use crate::export_tables::context_storage::ContextStorage;
use crate::exports::plain;
use driver_api::{Driver, Layer};
use driver_nvidia::NvidiaDriver;
use layer_observe::{AnyDriver, Observed};
use recorder::TimeSource;
use std::sync::OnceLock;

/// The layers over either driver, from the bottom up. Each says whether it is wanted, and which functions it hooks.
const LAYERS: &[Layer] = &[
    crate::presented::LAYER,
    OBSERVE,
    #[cfg(test)]
    crate::test_layer::LAYER,
];

/// The layers that are wanted in this process, from the bottom up.
pub fn layers() -> &'static [&'static Layer] {
    static WANTED: OnceLock<Vec<&'static Layer>> = OnceLock::new();
    WANTED.get_or_init(|| LAYERS.iter().filter(|layer| (layer.is_wanted)()).collect())
}

/// The top of the stack. Assembled by the first call that needs it, and never taken down: threads run its code until
/// the process ends.
#[inline(always)]
pub fn stack() -> &'static dyn Driver {
    static STACK: OnceLock<&'static dyn Driver> = OnceLock::new();
    *STACK.get_or_init(assemble)
}

/// The stack as a list, from the bottom up.
fn assemble() -> &'static dyn Driver {
    let bottom: &'static dyn Driver = match choice() {
        // NVIDIA's runtime keeps its own account of contexts there: export tables are not ours.
        Choice::Nvidia { library, .. } => Box::leak(Box::new(NvidiaDriver::new(library))),
        Choice::Software | Choice::NoDriver => Box::leak(Box::new(ContextStorage::over(software_driver()))),
    };
    layers().iter().fold(bottom, |below, layer| (layer.over)(below))
}

#[cfg(not(test))]
fn software_driver() -> &'static dyn Driver {
    driver_software::driver()
}

#[cfg(test)]
fn software_driver() -> &'static dyn Driver {
    &crate::test_driver::TestDriver
}

/// Shows an observer what is asked for; the recorder, which also publishes counts, is the one there is.
const OBSERVE: Layer = Layer {
    name: "record",
    is_wanted: recorder::is_wanted,
    hooks: layer_observe::HOOKED,
    over: |below| {
        let timer = |method| move |sink| device_times::timer(method, below, sink);
        let observer = match (choice(), device_times()) {
            (Choice::Software, _) => {
                recorder::from_environment(TIME_LAUNCHES.map_or(TimeSource::None, TimeSource::Driver))
            }
            (Choice::Nvidia { .. }, Some(method)) => recorder::from_environment(TimeSource::Timer(&timer(method))),
            _ => recorder::from_environment(TimeSource::None),
        };
        let Some(observer) = observer else { return below };
        match choice() {
            // Right over NVIDIA's driver, which is where launches have to be quick: one piece of code, without a look at a table.
            Choice::Nvidia { library, .. } if below.next().is_none() => {
                // SAFETY: the stack is assembled once.
                let layer = unsafe { plain::place(Observed::over(NvidiaDriver::new(library), observer)) };
                if layer.is_plain() && layers().last().is_some_and(|last| last.name == OBSERVE.name) {
                    plain::switch_on(library);
                }
                layer
            }
            _ => Box::leak(Box::new(Observed::over(AnyDriver(below), observer))),
        }
    },
};

/// How NVIDIA's cards are timed, if that is asked for.
fn device_times() -> Option<device_times::Method> {
    let value = driver_api::env::DEVICE_TIMES.get().unwrap_or_default();
    device_times::Method::parse(&value).unwrap_or_else(|error| {
        eprintln!("apex: {}: {error}; nothing is timed on the device", driver_api::env::DEVICE_TIMES.name);
        None
    })
}

/// How launches are timed on the software GPU.
#[cfg(not(test))]
const TIME_LAUNCHES: Option<recorder::TimeLaunches> = Some(driver_software::time_launches);
#[cfg(test)]
const TIME_LAUNCHES: Option<recorder::TimeLaunches> = None;
