//! The attributes of a device: `CUdevice_attribute` by number.

mod table;

use crate::Device;
pub use table::ATTRIBUTES;

/// An attribute: a row of [`ATTRIBUTES`].
pub struct Attribute {
    /// Its number, the value of the enumerator `CU_DEVICE_ATTRIBUTE_<name>`.
    pub number: u32,
    /// Its name without the prefix that all share.
    pub name: &'static str,
    /// Its value on a device.
    value: fn(&Device) -> i32,
}

impl Attribute {
    /// Its value on a device.
    pub fn of(&self, device: &Device) -> i32 {
        (self.value)(device)
    }
}

/// The attribute of that number; none when there is no such attribute.
pub fn find(number: u32) -> Option<&'static Attribute> {
    // The numbers run from 1 without gaps, which a test checks.
    ATTRIBUTES.get(usize::try_from(number.checked_sub(1)?).ok()?)
}
