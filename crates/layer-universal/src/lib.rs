//! A layer that presents devices as ones of a later compute capability (`APEX_PRESENT_SM`), and makes the PTX that programs then choose
//! into PTX for the device at hand. `docs/universal.md` says what that covers.
//!
//! - [`card`]: what the devices below are, and whether there is anything to do;
//! - [`image`]: from what a program hands over to what the driver below gets;
//! - [`layer`]: the functions of the driver that are intercepted;
//! - [`refused`]: how a program learns why its code was refused.
//!
//! Invariant: where no device below is older than what is presented, every call goes through unchanged.
//! Invariant: machine code for another device is never handed down.
//! Invariant: no work is done but when code is loaded, so that a launch costs one forwarded call.

mod card;
mod image;
mod layer;
#[cfg(test)]
mod log_tests;
mod refused;
#[cfg(test)]
mod tests;

pub use layer::{HOOKS, Universal};
