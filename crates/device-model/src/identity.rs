//! What tells one device from another: made from the name and the ordinal, the same in every process and on every
//! machine.

use std::fmt;

/// The 16 bytes of `cuDeviceGetUuid`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The identity of the device `name` at `ordinal`: a name-based UUID in the layout of RFC 9562, version 8.
    pub(crate) fn of(name: &str, ordinal: u32) -> Uuid {
        let [high, low] = [1, 2].map(|salt| hash(salt, name, ordinal));
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uuid(bytes)
    }
}

impl fmt::Display for Uuid {
    /// As `nvidia-smi -L` and `CUDA_VISIBLE_DEVICES` spell it: "GPU-" and the canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GPU-")?;
        for (index, byte) in self.0.iter().enumerate() {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Where a device sits on the PCI bus. A device has function 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PciAddress {
    /// Segment of the bus tree.
    pub domain: u16,
    /// Bus within the domain.
    pub bus: u8,
    /// Slot on the bus, below 32.
    pub device: u8,
}

impl PciAddress {
    /// The address of the device at `ordinal`: one bus a device from 1 on, as behind the root ports of a real machine,
    /// and a new domain when the buses are used up.
    pub(crate) fn of(ordinal: u32) -> PciAddress {
        PciAddress { domain: (ordinal / 255) as u16, bus: (ordinal % 255 + 1) as u8, device: 0 }
    }

    /// Reads what [`fmt::Display`] writes, and the forms that `cuDeviceGetByPCIBusId` also takes: without the domain,
    /// without the function, in either case.
    pub fn parse(text: &str) -> Option<PciAddress> {
        let number = |text: &str, digits_max: usize| {
            let is_number = !text.is_empty() && text.len() <= digits_max && text.bytes().all(|b| b.is_ascii_hexdigit());
            is_number.then(|| u32::from_str_radix(text, 16).ok()).flatten()
        };
        let (place, function) = text.split_once('.').unwrap_or((text, "0"));
        if number(function, 1)? != 0 {
            return None;
        }
        let (rest, device) = place.rsplit_once(':')?;
        let (domain, bus) = rest.split_once(':').unwrap_or(("0", rest));
        let device = u8::try_from(number(device, 2)?).ok().filter(|&device| device < 32)?;
        Some(PciAddress { domain: u16::try_from(number(domain, 8)?).ok()?, bus: number(bus, 2)? as u8, device })
    }
}

impl fmt::Display for PciAddress {
    /// As `cuDeviceGetPCIBusId` spells it: "0000:01:00.0".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}:{:02X}:{:02X}.0", self.domain, self.bus, self.device)
    }
}

/// The 8 bytes and the node mask of `cuDeviceGetLuid`.
///
/// A locally unique identifier exists on Windows only; on Linux the driver answers not supported. It is here for what
/// compares devices by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Luid {
    /// The identifier.
    pub bytes: [u8; 8],
    /// The bit of the device among linked devices.
    pub node_mask: u32,
}

impl Luid {
    /// The identifier of the device `name` at `ordinal`.
    pub(crate) fn of(name: &str, ordinal: u32) -> Luid {
        Luid { bytes: hash(3, name, ordinal).to_le_bytes(), node_mask: 1 }
    }
}

/// FNV-1a over the salt, the name and the ordinal, finished with the mixer of SplitMix64 so that close inputs differ in
/// every byte. Not for security: the identity of a device is no secret.
fn hash(salt: u8, name: &str, ordinal: u32) -> u64 {
    let bytes = [salt].into_iter().chain(name.bytes()).chain(ordinal.to_le_bytes());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn uuids_differ_and_have_the_layout_of_the_rfc() {
        let mut seen = HashSet::new();
        for name in ["APEX Software GPU", "NVIDIA H200"] {
            for ordinal in 0..1000 {
                let uuid = Uuid::of(name, ordinal);
                assert_eq!((uuid.0[6] >> 4, uuid.0[8] >> 6), (8, 2));
                assert!(seen.insert(uuid) && seen.len() <= 2000);
            }
        }
    }

    /// The identity must not change between versions: programs keep it in their settings.
    #[test]
    fn the_uuid_of_the_default_device_is_stable() {
        assert_eq!(Uuid::of("APEX Software GPU", 0).to_string(), "GPU-98678bdb-7901-896d-8751-0be78bc0198b");
    }

    #[test]
    fn pci_addresses_differ_and_read_back() {
        assert_eq!(PciAddress::of(0).to_string(), "0000:01:00.0");
        assert_eq!(PciAddress::of(300).to_string(), "0001:2E:00.0");
        let addresses: HashSet<_> = (0..1000).map(PciAddress::of).collect();
        assert_eq!(addresses.len(), 1000);
        for address in addresses {
            assert_eq!(PciAddress::parse(&address.to_string()), Some(address));
        }
    }

    #[test]
    fn other_spellings_of_a_pci_address() {
        let expected = Some(PciAddress { domain: 0, bus: 0xa, device: 0 });
        for text in ["0000:0a:00.0", "0a:00", "0:a:0", "0A:00.0", "00000000:0A:00.0"] {
            assert_eq!(PciAddress::parse(text), expected, "{text}");
        }
        for text in ["", ":", "0a", "0a:00.1", "0a:20.0", "g:00.0", "0:0:0:0", "+a:00", "10000:0a:00.0", "0a:00."] {
            assert_eq!(PciAddress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn luids_differ() {
        let luids: HashSet<_> = (0..1000).map(|ordinal| Luid::of("APEX Software GPU", ordinal)).collect();
        assert_eq!(luids.len(), 1000);
    }
}
