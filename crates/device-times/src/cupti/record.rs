//! How the records are laid out, as far as they are read. A test compares this with NVIDIA's headers.
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
/// `CUPTI_ACTIVITY_KIND_DRIVER`: calls of the driver.
pub(super) const DRIVER_CALL: u32 = 4;
/// `CUPTI_ACTIVITY_KIND_RUNTIME`: calls of the runtime.
pub(super) const RUNTIME_CALL: u32 = 5;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    /// The folder of NVIDIA's headers.
    fn headers() -> String {
        let home = std::env::var("APEX_CUDA_HOME").expect("APEX_CUDA_HOME names the folder of NVIDIA's CUDA toolkit");
        let folder = format!("{home}/include");
        assert!(Path::new(&folder).join("cupti.h").exists(), "{folder} has no cupti.h (pip install nvidia-cuda-cupti)");
        folder
    }

    #[test]
    fn records_are_laid_out_as_in_nvidia_s_headers() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("records");
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "g++".to_owned());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/records.cpp");
        let output =
            Command::new(compiler).args(["-w", "-I", &headers(), source, "-o"]).arg(&program).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bytes = Command::new(program).output().unwrap().stdout;
        let records: Vec<Record<'_>> =
            // SAFETY: as many bytes as the longest struct has; the name is null.
            bytes.chunks_exact(512).map(|record| unsafe { Record::read(record.as_ptr()) }).collect();
        let ran = |is_of_graph, work| Record::Ran { call: 77, device: 3, start: 1000, end: 2500, is_of_graph, work };
        let kernel = Ran::Kernel { name: "", grid: [5, 6, 7], block: [32, 2, 1], dynamic_shared: 4096 };
        let mut expected = vec![ran(true, kernel); 6];
        expected.extend([ran(false, Ran::Copy(1 << 20)); 5]);
        expected.extend([ran(false, Ran::Set(1 << 20)); 2]);
        expected.extend([Record::Id { kind: 5, id: 1 << 40, call: 77 }, Record::Other]);
        assert_eq!(records, expected);
    }

    /// The numbers of functions with one of some beginnings, by a header.
    fn numbers(header: &str, mark: &str, beginnings: &[&str]) -> Vec<u32> {
        let text = std::fs::read_to_string(format!("{}/{header}", headers())).unwrap();
        let mut numbers: Vec<u32> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(mark)?.split_once('='))
            .filter(|(name, _)| beginnings.iter().any(|beginning| name.starts_with(beginning)))
            .filter(|(name, _)| !name.contains("LaunchHostFunc"))
            .map(|(_, number)| number.trim().trim_end_matches(',').parse().unwrap())
            .collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn calls_have_the_numbers_of_nvidia_s_headers() {
        use crate::cupti::calls::{OF_DRIVER, OF_RUNTIME};
        let all = |ranges: &[(u32, u32)]| ranges.iter().flat_map(|(first, last)| *first..=*last).collect::<Vec<u32>>();
        let of_driver = ["cuLaunch", "cuGraphLaunch", "cuMemcpy", "cuMemset", "cuMemPrefetch"];
        assert_eq!(all(OF_DRIVER), numbers("cupti_driver_cbid.h", "CUPTI_DRIVER_TRACE_CBID_", &of_driver));
        let of_runtime = ["cudaLaunch", "cudaGraphLaunch", "cudaMemcpy", "cudaMemset", "cudaMemPrefetch"];
        assert_eq!(all(OF_RUNTIME), numbers("cupti_runtime_cbid.h", "CUPTI_RUNTIME_TRACE_CBID_", &of_runtime));
    }
}
