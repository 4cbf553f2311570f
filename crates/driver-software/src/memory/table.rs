//! What is known of allocations beyond their place in the arena.

use crate::answer::{Answer, out_of_memory};
use crate::device::Device;
use crate::machine::Machine;
use cuda_abi::{CU_DEVICE_INVALID, CUresult};
use simt::arena::Purpose;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What an allocation is to the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `cuMemAlloc`.
    Device,
    /// `cuMemAllocAsync`, with the handle of its pool.
    Pooled(usize),
    /// `cuMemAllocManaged`, and managed variables.
    Managed,
    /// `cuMemHostAlloc`, with its flags.
    Host(u32),
    /// `cuMemHostRegister`, with its flags.
    Registered(u32),
    /// Variables of a module.
    Module,
    /// Texels of an array.
    Array,
}

impl Kind {
    /// Whether the memory counts as the host's.
    pub(crate) fn is_host(self) -> bool {
        matches!(self, Kind::Host(_) | Kind::Registered(_))
    }

    fn purpose(self) -> Option<Purpose> {
        Some(match self {
            Kind::Device | Kind::Pooled(_) | Kind::Array => Purpose::Device,
            Kind::Managed => Purpose::Managed,
            Kind::Host(_) => Purpose::Host,
            Kind::Module => Purpose::Module,
            Kind::Registered(_) => return None,
        })
    }
}

/// What the program has advised for managed memory, an allocation as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Advice {
    pub(crate) read_mostly: bool,
    pub(crate) preferred: i32,
    pub(crate) accessed_by: BTreeSet<i32>,
    pub(crate) last_prefetch: i32,
}

impl Default for Advice {
    fn default() -> Self {
        let none = CU_DEVICE_INVALID;
        Self { read_mostly: false, preferred: none, accessed_by: BTreeSet::new(), last_prefetch: none }
    }
}

/// An allocation.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub(crate) base: u64,
    pub(crate) bytes: u64,
    pub(crate) kind: Kind,
    /// The context that it was made in.
    pub(crate) context_id: u64,
    pub(crate) context_handle: usize,
    pub(crate) device: usize,
    /// Unique in the process.
    pub(crate) id: u64,
    pub(crate) sync_memops: bool,
    pub(crate) advice: Advice,
}

impl Info {
    /// Whether `address .. address + bytes` lies in the allocation.
    pub(crate) fn contains(&self, address: u64, bytes: u64) -> bool {
        address >= self.base && bytes <= self.bytes && address - self.base <= self.bytes - bytes
    }
}

/// All allocations by their first address, host memory that was registered included.
pub(crate) struct Allocations {
    by_base: RwLock<BTreeMap<u64, Info>>,
    ids: AtomicU64,
}

impl Allocations {
    pub(crate) const fn new() -> Self {
        Self { by_base: RwLock::new(BTreeMap::new()), ids: AtomicU64::new(1) }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<u64, Info>> {
        self.by_base.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<u64, Info>> {
        self.by_base.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allocates memory for a context of `device`. Host memory does not count against the device's.
    pub(crate) fn allocate(
        &self,
        machine: &Machine,
        device: &Device,
        context: (u64, usize),
        bytes: u64,
        kind: Kind,
    ) -> Answer<u64> {
        let purpose = kind.purpose().ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        let budget = (!kind.is_host()).then_some(&device.budget);
        let base = machine.arena().allocate(bytes, purpose, budget).map_err(out_of_memory)?;
        self.add(base, bytes, kind, context, device.ordinal);
        Ok(base)
    }

    /// Notes an allocation, or host memory that was registered.
    pub(crate) fn add(&self, base: u64, bytes: u64, kind: Kind, context: (u64, usize), device: usize) {
        let (context_id, context_handle) = context;
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let advice = Advice::default();
        let info = Info { base, bytes, kind, context_id, context_handle, device, id, sync_memops: false, advice };
        self.write().insert(base, info);
    }

    /// The allocation that holds an address.
    pub(crate) fn find(&self, address: u64) -> Option<Info> {
        let table = self.read();
        let (_, info) = table.range(..=address).next_back()?;
        info.contains(address, 1).then(|| info.clone())
    }

    /// Changes the allocation that holds an address.
    pub(crate) fn change<T>(&self, address: u64, change: impl FnOnce(&mut Info) -> T) -> Option<T> {
        let mut table = self.write();
        let (_, info) = table.range_mut(..=address).next_back()?;
        if info.contains(address, 1) { Some(change(info)) } else { None }
    }

    /// Whether an address lies in managed memory.
    pub(crate) fn is_managed(&self, address: u64) -> bool {
        self.find(address).is_some_and(|info| info.kind == Kind::Managed)
    }

    /// Forgets the allocation that begins at `base`, if `wanted` says so of it. Its memory is still there.
    pub(crate) fn take(&self, base: u64, wanted: impl FnOnce(&Info) -> bool) -> Option<Info> {
        let mut table = self.write();
        if wanted(table.get(&base)?) { table.remove(&base) } else { None }
    }

    /// Gives the memory of an allocation back that was [taken](Allocations::take).
    pub(crate) fn release(&self, machine: &Machine, info: &Info) {
        match info.kind.purpose() {
            Some(purpose) => {
                machine.arena().free(info.base, &[purpose]);
            }
            None => {
                machine.arena().unregister_host(info.base);
            }
        }
    }

    /// Frees everything that was allocated in a context.
    pub(crate) fn free_all_of(&self, machine: &Machine, context_id: u64) {
        let bases: Vec<u64> = {
            let table = self.read();
            table.values().filter(|info| info.context_id == context_id).map(|info| info.base).collect()
        };
        for base in bases {
            if let Some(info) = self.take(base, |info| info.context_id == context_id) {
                self.release(machine, &info);
            }
        }
    }

    /// Checks that a range of addresses that a command is to touch is what it may touch: within one allocation or
    /// registered range, or, if `host` allows it, ordinary memory of the program.
    ///
    /// # Errors
    /// `CUDA_ERROR_INVALID_VALUE` otherwise.
    pub(crate) fn check_range(&self, machine: &Machine, address: u64, bytes: u64, host: bool) -> Answer<Place> {
        match self.find(address) {
            Some(info) if info.contains(address, bytes) => Ok(match info.kind {
                Kind::Managed => Place::Managed,
                kind if kind.is_host() => Place::Pinned,
                _ => Place::Device,
            }),
            // Part of it may be registered: then it is the program's memory all the same.
            Some(info) if matches!(info.kind, Kind::Registered(_)) && host => Ok(Place::Pageable),
            None if host && !machine.arena().covers(address) && address != 0 => Ok(Place::Pageable),
            // What the heap of a kernel's `malloc` gave is not in the table.
            None if machine.arena().is_accessible(address, bytes) && machine.arena().covers(address) => {
                Ok(Place::Device)
            }
            _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        }
    }
}

/// Where memory is, as far as copies care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Device,
    Managed,
    /// Host memory that the driver knows.
    Pinned,
    /// Host memory that it does not know.
    Pageable,
}
