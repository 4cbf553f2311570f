//! `apex info`: what a device query shows, asked of `libcuda.so.1` through the public API.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use cuda_abi::{CUdevice, CUdevice_attribute, CUresult, CUuuid, pointer};
use nvidia_finder::Decision;
use serde::Serialize;

use crate::api::Api;
use crate::device_options::DeviceOptions;
use crate::output::{bytes, print};

/// Show the devices that programs see.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    device: DeviceOptions,
    /// Every attribute of every device
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What the library says of itself.
#[derive(Debug, Serialize)]
struct Driver {
    library: String,
    /// 13.0 for 13000.
    version: String,
    back_end: BackEnd,
    devices: Vec<Device>,
}

/// What answers a program that is started as this one was.
#[derive(Debug, Serialize)]
struct BackEnd {
    /// `software`, `nvidia` or `none`.
    name: &'static str,
    /// Why that.
    reason: String,
    /// NVIDIA's library, whether it answers or not.
    nvidia_library: Option<NvidiaLibrary>,
}

#[derive(Debug, Serialize)]
struct NvidiaLibrary {
    path: PathBuf,
    version: Option<String>,
}

impl NvidiaLibrary {
    fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), version: nvidia_finder::version(path).map(str::to_owned) }
    }
}

/// What the library decides when it is first called, from the same environment.
fn back_end() -> BackEnd {
    let (name, reason) = match nvidia_finder::decide() {
        Decision::Software(reason) => ("software", reason),
        Decision::Nvidia { reason, .. } => ("nvidia", reason),
        Decision::Impossible(reason) => ("none", reason),
    };
    BackEnd { name, reason, nvidia_library: nvidia_finder::find().ok().map(|path| NvidiaLibrary::at(&path)) }
}

/// What it says of a device.
#[derive(Debug, Serialize)]
struct Device {
    ordinal: c_int,
    name: String,
    uuid: String,
    pci_bus_id: String,
    memory_bytes: u64,
    /// By the names of `CUdevice_attribute`, without their prefix.
    attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
struct Attribute {
    name: &'static str,
    value: c_int,
}

/// Asks and prints.
///
/// # Errors
/// When the library is not there, or answers with an error.
pub fn run(args: &Args) -> Result<ExitCode> {
    for (variable, value) in args.device.variables() {
        // SAFETY: no other thread runs in this process yet.
        unsafe { std::env::set_var(variable.name, value) };
    }
    let driver = ask()?;
    if args.json {
        print(&(serde_json::to_string_pretty(&driver)? + "\n"))?;
    } else {
        print(&describe(&driver, args.all))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ask() -> Result<Driver> {
    let (api, library) = Api::load()?;
    // SAFETY: the signature of cuda.h.
    unsafe { api.call::<pointer::cuInit>(c"cuInit", |function| function(0)) }?;
    let (mut version, mut count) = (0, 0);
    // SAFETY: the signature of cuda.h; the pointer is to a local integer.
    unsafe { api.call::<pointer::cuDriverGetVersion>(c"cuDriverGetVersion", |function| function(&raw mut version)) }?;
    // SAFETY: as above.
    unsafe { api.call::<pointer::cuDeviceGetCount>(c"cuDeviceGetCount", |function| function(&raw mut count)) }?;
    let devices = (0..count).map(|ordinal| ask_device(&api, ordinal)).collect::<Result<_>>()?;
    let version = format!("{}.{}", version / 1000, version % 1000 / 10);
    Ok(Driver { library, version, back_end: back_end(), devices })
}

fn ask_device(api: &Api, ordinal: c_int) -> Result<Device> {
    let (mut device, mut uuid, mut memory) = (CUdevice::default(), CUuuid::default(), 0usize);
    // SAFETY: the signature of cuda.h; the pointer is to a local of the right type, here and below.
    unsafe { api.call::<pointer::cuDeviceGet>(c"cuDeviceGet", |function| function(&raw mut device, ordinal)) }?;
    // SAFETY: as above.
    unsafe {
        api.call::<pointer::cuDeviceGetUuid_v2>(c"cuDeviceGetUuid_v2", |function| function(&raw mut uuid, device))
    }?;
    // SAFETY: as above.
    unsafe {
        api.call::<pointer::cuDeviceTotalMem_v2>(c"cuDeviceTotalMem_v2", |function| function(&raw mut memory, device))
    }?;
    Ok(Device {
        ordinal,
        name: ask_text(api, c"cuDeviceGetName", device)?,
        uuid: uuid_text(uuid),
        pci_bus_id: ask_pci_bus_id(api, device)?,
        memory_bytes: memory as u64,
        attributes: ask_attributes(api, device)?,
    })
}

/// What `cuDeviceGetName`, or another function of its type, answers.
fn ask_text(api: &Api, name: &CStr, device: CUdevice) -> Result<String> {
    let mut text = [0 as c_char; 256];
    // SAFETY: the signature of cuda.h; the buffer is as long as stated.
    unsafe {
        api.call::<pointer::cuDeviceGetName>(name, |function| function(text.as_mut_ptr(), text.len() as c_int, device))
    }?;
    let bytes = text.map(|character| character as u8);
    Ok(CStr::from_bytes_until_nul(&bytes).context("a text without end")?.to_string_lossy().into_owned())
}

fn ask_pci_bus_id(api: &Api, device: CUdevice) -> Result<String> {
    ask_text(api, c"cuDeviceGetPCIBusId", device)
}

/// Every attribute that the library answers for, under the first of its names.
fn ask_attributes(api: &Api, device: CUdevice) -> Result<Vec<Attribute>> {
    // SAFETY: the signature of cuda.h.
    let get = unsafe { api.function::<pointer::cuDeviceGetAttribute>(c"cuDeviceGetAttribute") }?;
    let mut attributes: Vec<Attribute> = Vec::new();
    for &(attribute, name) in CUdevice_attribute::ALL {
        let is_alias = attribute.name() != Some(name);
        let mut value = 0;
        // SAFETY: the pointer is to a local integer.
        if !is_alias && unsafe { get(&raw mut value, attribute, device) } == CUresult::CUDA_SUCCESS {
            let name = name.strip_prefix("CU_DEVICE_ATTRIBUTE_").unwrap_or(name);
            attributes.push(Attribute { name, value });
        }
    }
    Ok(attributes)
}

/// As nvidia-smi writes it: `GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
fn uuid_text(uuid: CUuuid) -> String {
    let mut text = String::from("GPU");
    for (index, byte) in uuid.bytes.iter().enumerate() {
        if matches!(index, 0 | 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{:02x}", *byte as u8);
    }
    text
}

/// The report for people.
fn describe(driver: &Driver, all: bool) -> String {
    let mut text = format!("{}, CUDA {}\n", driver.library, driver.version);
    let BackEnd { name, reason, nvidia_library } = &driver.back_end;
    let what = match *name {
        "software" => "the software GPU",
        "nvidia" => "NVIDIA's driver",
        _ => "none",
    };
    let _ = writeln!(text, "Back end: {what}, because {reason}");
    if let Some(NvidiaLibrary { path, version }) = nvidia_library {
        let version = version.as_deref().map(|version| format!(", version {version}")).unwrap_or_default();
        let _ = writeln!(text, "NVIDIA's library: {}{version}", path.display());
    }
    if driver.devices.is_empty() {
        text.push_str("no devices\n");
    }
    for device in &driver.devices {
        let _ = writeln!(text, "\nDevice {}: {}", device.ordinal, device.name);
        for (label, value) in facts(device) {
            let _ = writeln!(text, "  {label:<34} {value}");
        }
        if all {
            let _ = writeln!(text, "  Attributes");
            for Attribute { name, value } in &device.attributes {
                let _ = writeln!(text, "    {name:<62} {value}");
            }
        }
    }
    text
}

/// What NVIDIA's deviceQuery shows, in its order.
fn facts(device: &Device) -> Vec<(&'static str, String)> {
    let get = |name: &str| device.attributes.iter().find(|attribute| attribute.name == name).map_or(0, |a| a.value);
    let size = |name: &str| bytes(u64::try_from(get(name)).unwrap_or(0));
    let dims = |name: &str| {
        format!("{} x {} x {}", get(&format!("{name}_X")), get(&format!("{name}_Y")), get(&format!("{name}_Z")))
    };
    let mhz = |name: &str| format!("{} MHz", get(name) / 1000);
    vec![
        ("UUID", device.uuid.clone()),
        ("PCI bus id", device.pci_bus_id.clone()),
        ("Compute capability", format!("{}.{}", get("COMPUTE_CAPABILITY_MAJOR"), get("COMPUTE_CAPABILITY_MINOR"))),
        ("Global memory", bytes(device.memory_bytes)),
        ("Multiprocessors", get("MULTIPROCESSOR_COUNT").to_string()),
        ("Clock", mhz("CLOCK_RATE")),
        ("Memory clock", mhz("MEMORY_CLOCK_RATE")),
        ("Memory bus width", format!("{} bits", get("GLOBAL_MEMORY_BUS_WIDTH"))),
        ("L2 cache", size("L2_CACHE_SIZE")),
        ("Warp size", get("WARP_SIZE").to_string()),
        ("Threads per multiprocessor", get("MAX_THREADS_PER_MULTIPROCESSOR").to_string()),
        ("Blocks per multiprocessor", get("MAX_BLOCKS_PER_MULTIPROCESSOR").to_string()),
        ("Threads per block", get("MAX_THREADS_PER_BLOCK").to_string()),
        ("Block dimensions", dims("MAX_BLOCK_DIM")),
        ("Grid dimensions", dims("MAX_GRID_DIM")),
        ("Registers per block", get("MAX_REGISTERS_PER_BLOCK").to_string()),
        ("Shared memory per block", size("MAX_SHARED_MEMORY_PER_BLOCK")),
        ("Shared memory per block, opt-in", size("MAX_SHARED_MEMORY_PER_BLOCK_OPTIN")),
        ("Shared memory per multiprocessor", size("MAX_SHARED_MEMORY_PER_MULTIPROCESSOR")),
        ("Constant memory", size("TOTAL_CONSTANT_MEMORY")),
        ("Copy engines", get("ASYNC_ENGINE_COUNT").to_string()),
        ("Concurrent kernels", yes(get("CONCURRENT_KERNELS"))),
        ("Cooperative launch", yes(get("COOPERATIVE_LAUNCH"))),
        ("Unified addressing", yes(get("UNIFIED_ADDRESSING"))),
        ("Managed memory", yes(get("MANAGED_MEMORY"))),
    ]
}

fn yes(value: c_int) -> String {
    if value == 0 { "no" } else { "yes" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_as_nvidia_smi_does() {
        let uuid = CUuuid { bytes: std::array::from_fn(|index| (index as u8 * 17) as _) };
        assert_eq!(uuid_text(uuid), "GPU-00112233-4455-6677-8899-aabbccddeeff");
    }
}
