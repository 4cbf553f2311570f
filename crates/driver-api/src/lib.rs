//! The contracts between rim, layers and drivers.
//!
//! - [`Driver`]: the driver API as a trait, made from the table in `cuda-abi`,
//! - [`Layer`]: what stands between rim and driver, and which functions it wants to see,
//! - [`Backend`]: which driver a program asks for,
//! - [`default_stream_is_per_thread`]: the part of a call that its parameters do not hold,
//! - [`op`]: what is observed of a program, and [`Observer`], who observes it,
//! - [`take_launch_tag`]: what a driver tells a launch's times under,
//! - [`DeviceTimer`]: who tells times of the device where the driver does not,
//! - [`LogBuffers`]: where a program wants the logs of compilations,
//! - [`env`]: the environment variables, declared once,
//! - [`inspection`]: what `apex` may ask the library beyond the API.
//!
//! Invariant: no driver and no layer is known here, and no handle is looked at.

mod backend;
mod device_timer;
mod driver;
pub mod env;
pub mod inspection;
mod jit_log;
mod launch_tag;
mod layer;
pub mod op;
mod stream_scope;
pub mod unsupported;

pub use backend::{Backend, software_wish};
pub use device_timer::{DeviceTime, DeviceTimeSink, DeviceTimer, DeviceWork};
pub use driver::Driver;
pub use jit_log::{LogBuffer, LogBuffers};
pub use launch_tag::{set_launch_tag, take_launch_tag};
pub use layer::Layer;
pub use op::Observer;
pub use stream_scope::{PerThreadScope, default_stream_is_per_thread};
