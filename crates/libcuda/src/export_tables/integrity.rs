//! `d4082055`: the runtime library's check that it talks to the driver that it thinks it talks to.
//!
//! It asks for a digest of a few facts that both sides know, computes the same, and refuses to work if they differ.
//! The digest is HMAC-MD2 (RFC 1319, RFC 2104) with a fixed key over the driver version, the question, process and
//! thread, the addresses of two tables and of the function, the time that the caller gives, and each device's UUID and
//! PCI address.

use super::placeholder::unknown_slots;
use super::{Slot, Table, id, interface};
use crate::answered::driver_version;
use crate::{guard, stack::stack};
use cuda_abi::{CUdevice, CUdevice_attribute, CUresult, CUuuid};
use hmac::{Mac, SimpleHmac};
use md2::Md2;

pub(super) const TABLE: Table = Table { id: id(0xd4082055_bde6_704b_8d34_ba123c66e1f2), slots: &SLOTS };

static SLOTS: [Slot; 3] = {
    let mut slots = unknown_slots!(0xd4082055: 0 1 2);
    slots[0] = Slot::size(3);
    slots[1] = Slot::function(check as *const ());
    slots
};

/// The key of the digest.
const KEY: [u8; 16] = 0x146addae_53a9a752_aa084136_0bf55a9f_u128.to_be_bytes();

/// Questions whose last decimal digit is 0 or 1 have fixed answers.
const FIXED: [[u64; 2]; 2] =
    [[0x3341_181c_03cb_675c, 0x8ed3_83aa_1f4c_d1e8], [0x1841_181c_03cb_675c, 0x8ed3_83aa_1f4c_d1e8]];

/// A device as the digest sees it.
struct DeviceFacts {
    uuid: [u8; 16],
    pci_domain: i32,
    pci_bus: i32,
    pci_device: i32,
}

/// The facts that both sides know.
struct Facts {
    driver_version: i32,
    question: u32,
    process: u32,
    thread: u32,
    interface_table: usize,
    integrity_table: usize,
    function: usize,
    seconds: u64,
    devices: Vec<DeviceFacts>,
}

/// Slot 1.
///
/// # Safety
/// `answer` is null or writable.
unsafe extern "C" fn check(question: u32, seconds: u64, answer: *mut [u64; 2]) -> CUresult {
    guard::early(|| {
        // SAFETY: the caller's promise.
        let answer = unsafe { answer.as_mut() }.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        *answer = match FIXED.get((question % 10) as usize) {
            Some(fixed) => *fixed,
            None => digest(&facts(question, seconds)?),
        };
        Ok(CUresult::CUDA_SUCCESS)
    })
}

/// Gathers what the digest is made of.
fn facts(question: u32, seconds: u64) -> Result<Facts, CUresult> {
    let mut count = 0;
    stack().cuDeviceGetCount(&mut count).ok()?;
    Ok(Facts {
        driver_version: driver_version(),
        question,
        process: std::process::id(),
        // SAFETY: the function has no preconditions.
        thread: unsafe { libc::pthread_self() } as u32,
        interface_table: interface::SLOTS.as_ptr().addr(),
        integrity_table: SLOTS.as_ptr().addr(),
        function: SLOTS[1].0.addr(),
        seconds,
        devices: (0..count).map(device_facts).collect::<Result<_, _>>()?,
    })
}

fn device_facts(ordinal: i32) -> Result<DeviceFacts, CUresult> {
    let mut device: CUdevice = 0;
    stack().cuDeviceGet(&mut device, ordinal).ok()?;
    let mut uuid = CUuuid::default();
    stack().cuDeviceGetUuid_v2(&mut uuid, device).ok()?;
    let attribute = |attribute| {
        let mut value = 0;
        stack().cuDeviceGetAttribute(&mut value, attribute, device).ok().map(|()| value)
    };
    Ok(DeviceFacts {
        uuid: uuid.bytes.map(|byte| byte as u8),
        pci_domain: attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?,
        pci_bus: attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?,
        pci_device: attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?,
    })
}

/// The digest, as the two words that the caller gets.
fn digest(facts: &Facts) -> [u64; 2] {
    let mut mac = SimpleHmac::<Md2>::new_from_slice(&KEY).expect("a key of any length is allowed");
    mac.update(&facts.driver_version.to_le_bytes());
    mac.update(&facts.question.to_le_bytes());
    mac.update(&facts.process.to_le_bytes());
    mac.update(&facts.thread.to_le_bytes());
    mac.update(&facts.interface_table.to_le_bytes());
    mac.update(&facts.integrity_table.to_le_bytes());
    mac.update(&facts.function.to_le_bytes());
    mac.update(&facts.seconds.to_le_bytes());
    for device in &facts.devices {
        mac.update(&device.uuid);
        mac.update(&device.pci_domain.to_le_bytes());
        mac.update(&device.pci_bus.to_le_bytes());
        mac.update(&device.pci_device.to_le_bytes());
    }
    let bytes: [u8; 16] = mac.finalize().into_bytes().into();
    let (low, high) = bytes.split_at(8);
    [low, high].map(|half| u64::from_le_bytes(half.try_into().expect("half of the digest")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_covers_every_fact() {
        let facts = |change: usize| Facts {
            driver_version: 13000 + i32::from(change == 1),
            question: 12082 + u32::from(change == 2),
            process: 0x2f_a423 + u32::from(change == 3),
            thread: 0xf79c_1000 + u32::from(change == 4),
            interface_table: 0x7fff_f695_8240 + usize::from(change == 5),
            integrity_table: 0x7fff_f695_8220 + usize::from(change == 6),
            function: 0x7fff_f2aa_f4a0 + usize::from(change == 7),
            seconds: 0x682b_9cee + u64::from(change == 8),
            devices: vec![DeviceFacts {
                uuid: [7 + u8::from(change == 9); 16],
                pci_domain: i32::from(change == 10),
                pci_bus: 2 + i32::from(change == 11),
                pci_device: i32::from(change == 12),
            }],
        };
        let digests: std::collections::BTreeSet<_> = (0..=12).map(|change| digest(&facts(change))).collect();
        assert_eq!(digests.len(), 13, "some fact does not count");
    }

    #[test]
    fn md2_is_the_rfc_s() {
        use md2::Digest;
        let digest: [u8; 16] = Md2::digest(b"abc").into();
        assert_eq!(u128::from_be_bytes(digest), 0xda853b0d_3f88d99b_30283a69_e6ded6bb);
    }
}
