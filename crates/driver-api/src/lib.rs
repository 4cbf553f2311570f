//! The contracts between rim, layers and drivers.
//!
//! - [`Driver`]: the driver API as a trait, made from the table in `cuda-abi`,
//! - [`Layer`]: what stands between rim and driver, and which functions it wants to see,
//! - [`Backend`]: which driver a program asks for,
//! - [`default_stream_is_per_thread`]: the part of a call that its parameters do not hold,
//! - [`env`]: the environment variables, declared once,
//! - [`inspection`]: what `apex` may ask the library beyond the API.
//!
//! Invariant: no driver and no layer is known here, and no handle is looked at.

mod backend;
mod driver;
pub mod env;
pub mod inspection;
mod layer;
mod stream_scope;
pub mod unsupported;

pub use backend::{Backend, software_wish};
pub use driver::Driver;
pub use layer::Layer;
pub use stream_scope::{PerThreadScope, default_stream_is_per_thread};
