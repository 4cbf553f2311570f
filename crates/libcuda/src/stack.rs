//! The stack: which driver and which layers, from top to bottom.

use crate::export_tables::context_storage::ContextStorage;
use driver_api::Driver;
use layer_observe::Observed;
use std::sync::OnceLock;

/// The top of the stack. Assembled by the first call that needs it, and never taken down: threads run its code until
/// the process ends.
#[inline(always)]
pub fn stack() -> &'static dyn Driver {
    static STACK: OnceLock<&'static dyn Driver> = OnceLock::new();
    *STACK.get_or_init(assemble)
}

/// The stack as a list, from the bottom up.
fn assemble() -> &'static dyn Driver {
    #[cfg(not(test))]
    let driver = driver_software::driver();
    #[cfg(test)]
    let driver = &crate::test_driver::TestDriver;
    let driver = observed(driver);
    Box::leak(Box::new(ContextStorage::over(driver)))
}

/// How launches are timed on the device.
#[cfg(not(test))]
const TIME_LAUNCHES: Option<recorder::TimeLaunches> = Some(driver_software::time_launches);
#[cfg(test)]
const TIME_LAUNCHES: Option<recorder::TimeLaunches> = None;

/// The driver with the observers that the environment asks for; the driver alone if it asks for none.
fn observed(driver: &'static dyn Driver) -> &'static dyn Driver {
    let observers: Vec<_> = recorder::from_environment(TIME_LAUNCHES).into_iter().collect();
    match observers.is_empty() {
        true => driver,
        false => Box::leak(Box::new(Observed::over(driver, observers))),
    }
}
