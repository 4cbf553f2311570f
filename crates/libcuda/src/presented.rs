//! The layer that presents devices as `APEX_PRESENT_SM` says, for the list of the stack.

use crate::{answered, choice};
use cuda_abi::{CUresult, Row, pointer};
use driver_api::{Driver, Layer, env};
use fatbin::Capability;
use layer_universal::{HOOKS, Universal};
use std::io::Write;
use std::ops::RangeInclusive;

pub const LAYER: Layer = Layer { name: "universal", is_wanted: || presented().is_some(), hooks: HOOKS, over };

/// What devices may be presented as.
const PRESENTED: RangeInclusive<Capability> = Capability::new(7, 5)..=Capability::new(12, 1);

/// What the variable asks for; an error in it is told once, since this is asked once.
fn presented() -> Option<Capability> {
    let text = env::PRESENT_SM.get()?;
    let capability = text.parse::<Capability>().ok().filter(|capability| PRESENTED.contains(capability));
    if capability.is_none() {
        // Nobody may read it; a panic here would end the program.
        let _ = writeln!(
            std::io::stderr(),
            "apex: {} is {text:?}, which is no compute capability from 7.5 to 12.1; devices stay what they are",
            env::PRESENT_SM.name
        );
    }
    capability
}

fn over(below: &'static dyn Driver) -> &'static dyn Driver {
    match env::PRESENT_SM.get().and_then(|text| text.parse().ok()) {
        Some(capability) => Box::leak(Box::new(Universal::over(below, capability, driver_version))),
        None => below,
    }
}

/// The version of the driver at the bottom; 0 where it does not say.
fn driver_version() -> u32 {
    let address = choice::nvidia_address(Row::cuDriverGetVersion);
    let mut version = 0;
    if address.is_null() {
        return answered::driver_version().unsigned_abs();
    }
    // SAFETY: NVIDIA's function of this name, whose type this is.
    let get = unsafe { core::mem::transmute::<*const core::ffi::c_void, pointer::cuDriverGetVersion>(address) };
    // SAFETY: `version` is there to be written to.
    match unsafe { get(&raw mut version) } {
        CUresult::CUDA_SUCCESS => version.unsigned_abs(),
        _ => 0,
    }
}
