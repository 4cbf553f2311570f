//! The options that say what the device is to look like. Each is one of the driver's environment variables.

use std::path::PathBuf;

use clap::Args;
use driver_api::Backend;
use driver_api::env::{self, Variable};
use fatbin::Capability;

/// What the device is to look like.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Device")]
pub struct DeviceOptions {
    /// Compute capability to present, 7.5 to 12.0
    #[arg(long, value_name = "X.Y")]
    sm: Option<Capability>,
    /// Present older devices with this compute capability, and make PTX for it into PTX for the device: 12.0
    #[arg(long, value_name = "X.Y")]
    present_sm: Option<Capability>,
    /// What answers the program: nvidia (NVIDIA's driver and card), software (the software GPU), auto (nvidia where there is a card); or the software
    /// GPU with a device profile: t4, a100, rtx3080, h100, h200, rtx5090 ... or a file
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Number of devices to present
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=64))]
    device_count: Option<u32>,
    /// Memory of each device: bytes, or with a suffix K, M, G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<String>,
    /// Threads that execute kernels
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Folder of the machine code cache; empty for no cache
    #[arg(long, value_name = "DIR")]
    cache_path: Option<PathBuf>,
    /// Write stages of compilation into the folder apex-dump, separated by commas: ptx, ir, llvm, asm; and times
    #[arg(long, value_name = "LIST")]
    dump: Option<String>,
    /// Look for faster code by timing while kernels run: 0 (no), 1 or report (and tell on stderr what it gains)
    #[arg(long, value_name = "HOW", value_parser = ["0", "1", "report"])]
    adapt: Option<String>,
    /// Compile quickly at first and for speed later (auto), or only quickly, or only for speed
    #[arg(long, value_name = "HOW", value_parser = ["auto", "quick", "full"])]
    tier: Option<String>,
}

impl DeviceOptions {
    /// Whether NVIDIA's driver is asked for, whatever there is.
    pub fn is_nvidia(&self) -> bool {
        self.device.as_deref() == Some("nvidia")
    }

    /// Whether something is asked for that no card can be told.
    pub fn asks_software(&self) -> bool {
        self.sm.is_some() || self.device_count.is_some() || self.memory.is_some()
    }

    /// The variables to set, for the options that were given.
    pub fn variables(&self) -> Vec<(Variable, String)> {
        let (backend, profile) = match self.device.as_deref() {
            Some(name) if Backend::parse(name).is_ok() => (Some(name.to_owned()), None),
            // A profile is one of the software GPU's.
            Some(profile) => (Some("software".to_owned()), Some(profile.to_owned())),
            None => (None, None),
        };
        let cache_path = self.cache_path.as_ref().map(|path| path.to_string_lossy().into_owned());
        [
            (env::SM, self.sm.map(|capability| capability.to_string())),
            (env::PRESENT_SM, self.present_sm.map(|capability| capability.to_string())),
            (env::BACKEND, backend),
            (env::DEVICE, profile),
            (env::DEVICE_COUNT, self.device_count.map(|count| count.to_string())),
            (env::MEMORY, self.memory.clone()),
            (env::WORKERS, self.workers.map(|count| count.to_string())),
            (env::CACHE_PATH, cache_path),
            (env::DUMP, self.dump.clone()),
            (env::ADAPT, self.adapt.clone()),
            (env::TIER, self.tier.clone()),
        ]
        .into_iter()
        .filter_map(|(variable, value)| Some((variable, value?)))
        .collect()
    }
}

/// Checks a size; it is handed on as it is.
fn size(text: &str) -> Result<String, String> {
    let digits = text.strip_suffix(['K', 'M', 'G']).unwrap_or(text);
    match digits.parse::<u64>() {
        Ok(1..) => Ok(text.to_owned()),
        _ => Err("write a number of bytes, or a number with K, M or G: 8G".to_owned()),
    }
}
