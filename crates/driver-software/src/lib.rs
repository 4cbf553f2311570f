//! CUDA's meaning on the software GPU.
//!
//! The driver is a stack of areas, each with the functions of the API about one kind of thing and no state of its own; what an
//! area does not answer goes to the one below. From the top:
//!
//! launches → streams → events → texture references and their settings → texture and surface objects → tensor maps → arrays → copies → sets → allocations → ranges of managed memory → pools → pointers → functions →
//! modules → libraries → links → occupancy → contexts → devices.
//!
//! Kernels ask for things, too, launches of other kernels above all: `device_runtime` answers them.
//!
//! State is in the machine (the engine of crate `simt`, the devices, the objects behind handles) and in the objects
//! themselves. Device memory is host memory: a device pointer is an address.
//!
//! Who validates: the rim has checked what can be checked without a driver (`driver_api::Driver`); here every handle is
//! looked up, every range of addresses is checked against the allocations, every launch against the limits of device and
//! function. What is behind that (`simt`) relies on it.
//!
//! Invariant: no handle is ever dereferenced; a stale or invented one is an error code.
//! Invariant: what a kernel does wrong ends its context with a code that every later call answers; the process lives.
//! Invariant: knows neither PTX nor machine code; programs go through `fatbin` and `jit`.

mod answer;
mod checking;
mod context;
mod counting;
mod device;
mod device_runtime;
mod event;
pub mod inspect;
mod launch;
mod lock_order;
mod machine;
mod memory;
mod module;
mod objects;
mod occupancy;
mod printf;
mod settings;
mod stream;
mod tensor_map;
mod texture;
mod times;
mod tuning;

pub use times::time_launches;

/// The driver of the software GPU. It does nothing until `cuInit`.
pub fn driver() -> &'static dyn driver_api::Driver {
    &launch::Launches
}
