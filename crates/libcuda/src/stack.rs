//! The stack: which driver and which layers, from top to bottom.

use crate::export_tables::context_storage::ContextStorage;
use driver_api::Driver;
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
    Box::leak(Box::new(ContextStorage::over(driver)))
}
