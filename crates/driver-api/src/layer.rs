//! Layers: what stands between the rim and the driver.

use crate::Driver;

/// A layer, as the list of the stack holds it.
///
/// In front of NVIDIA's driver a call goes through the stack only if a layer wants to see the function; every other one
/// is a jump into NVIDIA's library. On the software GPU every call goes through the stack.
#[derive(Clone, Copy)]
pub struct Layer {
    /// Its name, for messages.
    pub name: &'static str,
    /// Whether the layer is wanted in this process. Asked once, within the first call of the process.
    pub is_wanted: fn() -> bool,
    /// The methods of [`Driver`] that it overrides, by symbol: `cuLaunchKernel`, `cuMemAlloc_v2`. Per-thread and older versions of them come with
    /// them. One that is missing here is not seen in front of NVIDIA's driver.
    pub hooks: &'static [&'static str],
    /// Puts the layer over a driver. It lives until the process ends. Called while the stack is assembled, by the first call that goes through it: it
    /// must not call the library itself.
    pub over: fn(&'static dyn Driver) -> &'static dyn Driver,
}
