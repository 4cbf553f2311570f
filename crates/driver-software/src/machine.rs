//! The machine: the engine, the devices that it presents, and the objects of the program.

use crate::answer::Answer;
use crate::device::Device;
use crate::memory::Allocations;
use crate::objects::Objects;
use crate::settings::{Settings, Tier};
use crate::texture::ObjectTable;
use crate::tuning::{self, Tuning};
use crate::{checking, counting};
use checkers::Checker;
use counters::Collector;
use cuda_abi::{CUdevice, CUresult};
use simt::arena::Arena;
use simt::{Engine, EngineConfig};
use std::sync::{Arc, OnceLock};

/// Everything that lives as long as the process.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) devices: Vec<Device>,
    pub(crate) objects: Objects,
    pub(crate) allocations: Allocations,
    pub(crate) textures: ObjectTable,
    /// How kernels are compiled.
    pub(crate) jit: jit::Config,
    /// What kernels count, if they do.
    pub(crate) counters: Option<Arc<Collector>>,
    /// Who checks what kernels do, if somebody does.
    pub(crate) checker: Option<Arc<Checker>>,
    /// Who looks for faster code, if somebody does.
    pub(crate) tuning: Option<Arc<Tuning>>,
    /// How much time the compiler takes for a kernel.
    pub(crate) tier: Tier,
}

static MACHINE: OnceLock<Option<Machine>> = OnceLock::new();

impl Machine {
    /// Makes the machine, or finds that it cannot be made, once.
    ///
    /// # Errors
    /// When it cannot; a line on stderr has said why.
    pub(crate) fn initialise() -> Answer<&'static Machine> {
        let made = MACHINE.get_or_init(|| match Self::make() {
            Ok(machine) => Some(machine),
            Err(text) => {
                eprintln!("apex: {text}");
                None
            }
        });
        made.as_ref().ok_or(CUresult::CUDA_ERROR_NO_DEVICE)
    }

    /// The machine.
    ///
    /// # Errors
    /// When it has not been made.
    #[inline]
    pub(crate) fn get() -> Answer<&'static Machine> {
        MACHINE.get().and_then(Option::as_ref).ok_or(CUresult::CUDA_ERROR_NOT_INITIALIZED)
    }

    fn make() -> Result<Machine, String> {
        let settings = Settings::read()?;
        let default = EngineConfig::default();
        let config = EngineConfig {
            workers: settings.workers.unwrap_or(default.workers),
            formatter: crate::printf::format,
            ..default
        };
        let engine = Engine::new(config).map_err(|error| format!("no address space for a device: {error}"))?;
        let devices = (0..settings.devices).map(|ordinal| Device::new(ordinal, &settings)).collect();
        let checker = settings.check.map(|setting| checking::start(setting, engine.arena()));
        // What is counted or checked is not timed, and what is dumped is to be what runs.
        let observes = settings.counters.is_some() || checker.is_some();
        let is_shown = settings.jit.dump.iter().any(|stage| *stage != jit::Stage::Times);
        let may_exchange = !observes && !is_shown && settings.tier != Tier::Quick;
        let tuning = tuning::start(settings.adapt).filter(|_| may_exchange);
        let tier = if settings.tier == Tier::Auto && !may_exchange { Tier::Full } else { settings.tier };
        Ok(Machine {
            engine,
            devices,
            objects: Objects::new(),
            allocations: Allocations::new(),
            textures: ObjectTable::new(),
            jit: settings.jit,
            counters: settings.counters.map(counting::start),
            checker,
            tuning,
            tier,
        })
    }

    /// Whether somebody wants to hear what kernels do.
    pub(crate) fn observes(&self) -> bool {
        self.counters.is_some() || self.checker.is_some()
    }

    /// A device by its number.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn device(&self, device: CUdevice) -> Answer<&Device> {
        let ordinal = usize::try_from(device).map_err(|_| CUresult::CUDA_ERROR_INVALID_DEVICE)?;
        self.devices.get(ordinal).ok_or(CUresult::CUDA_ERROR_INVALID_DEVICE)
    }

    /// The memory of all devices.
    pub(crate) fn arena(&self) -> &Arc<Arena> {
        self.engine.arena()
    }
}
