//! How the records are laid out, as far as they are read. `xtask`'s tests compare this with NVIDIA's headers.
//!
//! The first fields of a kind have been the same since CUDA 9.0; later versions of a struct append to it.

use core::ffi::{CStr, c_char};

/// `CUPTI_ACTIVITY_KIND_MEMCPY`.
pub(super) const COPY: u32 = 1;
/// `CUPTI_ACTIVITY_KIND_MEMSET`.
pub(super) const SET: u32 = 2;
/// `CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL`: times, without making kernels wait for each other.
pub(super) const KERNEL: u32 = 10;
/// `CUPTI_ACTIVITY_KIND_MEMCPY2`: copies between devices.
pub(super) const PEER_COPY: u32 = 22;
/// `CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION`.
pub(super) const ID: u32 = 39;
/// `CUPTI_ACTIVITY_KIND_DRIVER`: every call of the driver.
pub(super) const CALL: u32 = 4;

/// A record, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Record<'a> {
    /// A call had an external id.
    Id { kind: u32, id: u64, call: u32 },
    /// The device did something for a call.
    Ran { call: u32, device: u32, start: u64, end: u64, is_of_graph: bool, work: Ran<'a> },
    /// Something else.
    Other,
}

/// What the device did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ran<'a> {
    Kernel { name: &'a str, grid: [u32; 3], block: [u32; 3], dynamic_shared: u32 },
    Copy(u64),
    Set(u64),
}

/// A field at an offset.
///
/// # Safety
/// The record has it.
unsafe fn at<T: Copy>(record: *const u8, offset: usize) -> T {
    // SAFETY: the caller's promise; records are aligned to eight bytes, which nothing here relies on.
    unsafe { record.add(offset).cast::<T>().read_unaligned() }
}

impl Record<'_> {
    /// Reads a record.
    ///
    /// # Safety
    /// CUPTI has given it, and it lives as long as the buffer, its name as long as the process.
    pub(super) unsafe fn read<'a>(record: *const u8) -> Record<'a> {
        // SAFETY: the offsets are those of the kind's struct.
        unsafe {
            match at::<u32>(record, 0) {
                ID => Record::Id { kind: at(record, 4), id: at(record, 8), call: at(record, 16) },
                KERNEL => {
                    let name = at::<*const c_char>(record, 104);
                    let name = if name.is_null() { "" } else { CStr::from_ptr(name).to_str().unwrap_or("") };
                    let dynamic_shared = at(record, 80);
                    let work = Ran::Kernel { name, grid: at(record, 52), block: at(record, 64), dynamic_shared };
                    ran(record, at(record, 92), at(record, 40), at::<u64>(record, 144) != 0, work)
                }
                COPY => {
                    let is_of_graph = at::<u64>(record, 64) != 0;
                    ran(record, at(record, 44), at(record, 32), is_of_graph, Ran::Copy(at(record, 8)))
                }
                PEER_COPY => {
                    let is_of_graph = at::<u64>(record, 72) != 0;
                    ran(record, at(record, 60), at(record, 32), is_of_graph, Ran::Copy(at(record, 8)))
                }
                SET => {
                    let is_of_graph = at::<u64>(record, 64) != 0;
                    ran(record, at(record, 44), at(record, 32), is_of_graph, Ran::Set(at(record, 8)))
                }
                _ => Record::Other,
            }
        }
    }
}

/// # Safety
/// The record is of one of the kinds whose times are at 16 and 24.
unsafe fn ran<'a>(record: *const u8, call: u32, device: u32, is_of_graph: bool, work: Ran<'a>) -> Record<'a> {
    // SAFETY: the caller's promise.
    unsafe { Record::Ran { call, device, start: at(record, 16), end: at(record, 24), is_of_graph, work } }
}
