//! What NVIDIA's cards say about themselves, by way of NVML, under DCGM's names. Where there is no card, nothing.

use std::ffi::OsStr;

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;

use crate::metrics::{self, Families, Metric, Value};

/// NVIDIA's library, as its driver installs it.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// NVML, if it is there.
pub struct Cards {
    nvml: Option<Nvml>,
    host: String,
}

impl Cards {
    /// Loads NVML.
    pub fn find() -> Cards {
        let nvml = Nvml::builder().lib_path(OsStr::new(LIBRARY)).init().ok();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Cards { nvml, host: host.trim_end().to_owned() }
    }

    /// Samples of all cards. A value that a card does not tell is left out.
    pub fn gather(&self, families: &mut Families) {
        let Some(nvml) = &self.nvml else { return };
        for index in 0..nvml.device_count().unwrap_or(0) {
            // A card that fell off the bus has nothing to say.
            let _ = self.gather_card(nvml, index, families);
        }
    }

    fn gather_card(&self, nvml: &Nvml, index: u32, families: &mut Families) -> Result<(), NvmlError> {
        let card = nvml.device_by_index(index)?;
        let (gpu, bus) = (index.to_string(), card.pci_info()?.bus_id);
        let device = format!("nvidia{}", card.minor_number()?);
        let labels = [&*gpu, &card.uuid()?, &bus, &device, &card.name()?, &self.host];
        let mut add = |metric: &'static Metric, value: Result<Value, NvmlError>| {
            if let Ok(value) = value {
                families.add(metric, None, &labels, value);
            }
        };
        let integer = |value: u32| Value::Integer(value.into());
        add(&metrics::GPU_SM_CLOCK, card.clock_info(Clock::SM).map(integer));
        add(&metrics::GPU_MEM_CLOCK, card.clock_info(Clock::Memory).map(integer));
        add(&metrics::GPU_TEMP, card.temperature(TemperatureSensor::Gpu).map(integer));
        add(&metrics::GPU_POWER, card.power_usage().map(|milliwatts| Value::Real(f64::from(milliwatts) / 1e3)));
        add(&metrics::GPU_ENERGY, card.total_energy_consumption().map(Value::Integer));
        let utilization = card.utilization_rates().map(|rates| [rates.gpu, rates.memory]);
        let memory = card.memory_info().map(|memory| [memory.free >> 20, memory.used >> 20]);
        if let Ok([gpu, memory]) = utilization {
            add(&metrics::GPU_UTIL, Ok(integer(gpu)));
            add(&metrics::GPU_MEM_UTIL, Ok(integer(memory)));
        }
        if let Ok([free, used]) = memory {
            add(&metrics::GPU_FB_FREE, Ok(Value::Integer(free)));
            add(&metrics::GPU_FB_USED, Ok(Value::Integer(used)));
        }
        Ok(())
    }
}
