//! Contexts: what streams, modules and memory belong to, and what fails as a whole.

mod area;
mod current;
mod primary;

pub(crate) use area::Contexts;
pub(crate) use current::{current, current_unchecked, forbid_in_host_function, in_host_function, with_current};
pub(crate) use primary::Primary;

use crate::answer::Answer;
use crate::device::Device;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::module::Module;
use crate::stream::{Stream, StreamGroup};
use cuda_abi::{CUctx_flags, CUresult};
use simt::{Domain, DomainConfig};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Largest stack of a thread.
pub(crate) const STACK_BYTES_MAX: usize = 512 << 10;
/// Bytes for `malloc` in kernels, unless set otherwise.
const HEAP_BYTES_DEFAULT: u64 = 8 << 20;
/// Bytes of formatted output that are kept, unless set otherwise.
const OUTPUT_BYTES_DEFAULT: u64 = 1 << 20;

/// Settings that are kept for the program to read back; they change nothing here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) cache_config: u32,
    pub(crate) shared_config: u32,
    pub(crate) sync_depth: usize,
    pub(crate) l2_granularity: usize,
    pub(crate) persisting_l2: usize,
}

/// A context.
pub(crate) struct Context {
    /// Unique in the process; never used again.
    pub(crate) id: u64,
    pub(crate) device: &'static Device,
    pub(crate) is_primary: bool,
    handle: OnceLock<usize>,
    flags: AtomicU32,
    /// Kernels of a context fail together.
    pub(crate) domain: Arc<Domain>,
    pub(crate) streams: Arc<StreamGroup>,
    pub(crate) modules: Lock<Vec<Arc<Module>>>,
    pub(crate) settings: Lock<Settings>,
    /// Contexts of other devices whose memory kernels of this one may use. All memory is within reach anyway; this is
    /// kept so that enabling twice is told.
    pub(crate) peers: Lock<BTreeSet<u64>>,
}

impl Context {
    /// Makes a context and gives it a handle.
    pub(crate) fn create(device: &'static Device, flags: u32, is_primary: bool) -> Answer<Arc<Context>> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let machine = Machine::get()?;
        let blocks = device.limits().blocks_per_multiprocessor * device.profile().multiprocessors;
        let domain = machine.engine.domain(DomainConfig {
            sm_count: device.profile().multiprocessors,
            resident_blocks_max: blocks,
            heap_bytes: HEAP_BYTES_DEFAULT,
            output_bytes: OUTPUT_BYTES_DEFAULT,
        });
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        let context = Arc::new(Context {
            id,
            device,
            is_primary,
            handle: OnceLock::new(),
            flags: AtomicU32::new(flags),
            streams: StreamGroup::new(id, device, machine, domain.clone())?,
            domain,
            modules: Lock::new(Order::Modules, Vec::new()),
            settings: Lock::new(
                Order::ContextSettings,
                Settings { cache_config: 0, shared_config: 1, sync_depth: 2, l2_granularity: 64, persisting_l2: 0 },
            ),
            peers: Lock::new(Order::ContextSettings, BTreeSet::new()),
        });
        let handle = machine.objects.insert(context.clone())?;
        context.streams.set_context_handle(handle);
        let _ = context.handle.set(handle);
        Ok(context)
    }

    /// Its handle, as a number.
    pub(crate) fn handle(&self) -> usize {
        self.handle.get().copied().unwrap_or(0)
    }

    pub(crate) fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    pub(crate) fn set_flags(&self, flags: u32) {
        self.flags.store(flags, Ordering::Relaxed);
    }

    /// Whether a kernel of the context has faulted, or the context is gone.
    ///
    /// # Errors
    /// The code that every call answers from then on.
    #[inline]
    pub(crate) fn check(&self) -> Answer {
        self.streams.check()
    }

    /// Waits for everything in the context, and writes out what its kernels have printed.
    ///
    /// # Errors
    /// If a kernel has faulted.
    pub(crate) fn synchronize(&self) -> Answer {
        self.streams.synchronize();
        self.domain.output().flush();
        self.check()
    }

    /// The stream that a handle of this context means: null and 1 are the legacy default stream, 2 that of the thread.
    pub(crate) fn default_stream(&self, per_thread: bool) -> Answer<Arc<Stream>> {
        if per_thread { self.streams.of_thread() } else { self.streams.legacy() }
    }

    /// Ends the context: waits for its work, takes its objects and its memory away.
    pub(crate) fn destroy(&self) -> Answer {
        let machine = Machine::get()?;
        if !self.streams.close(&machine.objects) {
            return Err(CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED);
        }
        self.domain.output().flush();
        machine.objects.remove::<Context>(self.handle());
        let modules = std::mem::take(&mut *self.modules.lock());
        for module in modules {
            module.unload(machine);
        }
        machine.textures.remove_all_of(machine, self.id);
        machine.allocations.free_all_of(machine, self.id);
        Ok(())
    }

    /// Whether flags are those of a context.
    pub(crate) fn are_valid_flags(flags: u32) -> bool {
        let scheduling = flags & CUctx_flags::CU_CTX_SCHED_MASK.0;
        flags & !CUctx_flags::CU_CTX_FLAGS_MASK.0 == 0 && matches!(scheduling, 0 | 1 | 2 | 4)
    }
}
