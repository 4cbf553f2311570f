//! The devices below.

use cuda_abi::{CUdevice, CUdevice_attribute, CUresult};
use driver_api::Driver;
use fatbin::Capability;
use ptx::retarget::{Card, version_of_driver};

/// The oldest compute capability whose devices are presented as others: Turing.
const OLDEST: Capability = Capability::new(7, 5);
/// Devices that are looked at; no machine has as many.
const DEVICES_MAX: i32 = 256;

/// The compute capability of a device, as the driver states it.
pub(crate) fn capability_of(driver: &dyn Driver, device: CUdevice) -> Result<Capability, CUresult> {
    let ask = |attribute| -> Result<u32, CUresult> {
        let mut value = 0;
        driver.cuDeviceGetAttribute(&mut value, attribute, device).ok()?;
        Ok(u32::try_from(value).unwrap_or(0))
    };
    let major = ask(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = ask(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok(Capability::new(major, minor))
}

/// Whether a device is presented as one of another capability.
pub(crate) fn is_presented(own: Capability, presented: Capability) -> bool {
    OLDEST <= own && own < presented
}

/// The oldest of the devices that are presented as others: code is made for it, and runs on the others too. None where there is no such
/// device.
///
/// # Errors
/// When the driver does not answer.
pub(crate) fn oldest(driver: &dyn Driver, presented: Capability) -> Result<Option<Capability>, CUresult> {
    let mut count = 0;
    driver.cuDeviceGetCount(&mut count).ok()?;
    let mut oldest: Option<Capability> = None;
    for device in 0..count.min(DEVICES_MAX) {
        let own = capability_of(driver, device)?;
        if is_presented(own, presented) && oldest.is_none_or(|oldest| own < oldest) {
            oldest = Some(own);
        }
    }
    Ok(oldest)
}

/// The card that PTX is made for. None where the driver is too old for any.
pub(crate) fn card(own: Capability, driver_version: u32) -> Option<Card> {
    Some(Card { sm: own.sm(), version_max: version_of_driver(driver_version)? })
}
