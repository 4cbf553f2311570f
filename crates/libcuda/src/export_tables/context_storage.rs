//! `c693336e`: values that the runtime library attaches to contexts. This table has no size in slot 0.
//!
//! A value has a destructor, which runs when its context goes. To know when that is, a layer in the stack watches the
//! few functions that end contexts; it forwards everything else.

use super::{Slot, Table, id};
use crate::{guard, stack::stack};
use core::ffi::c_void;
use cuda_abi::{CUcontext, CUdevice, CUresult};
use driver_api::Driver;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(super) const TABLE: Table = Table { id: id(0xc693336e_1121_df11_a8c3_68f355d89593), slots: &SLOTS };

static SLOTS: [Slot; 4] = [
    Slot::function(put as *const ()),
    Slot::function(delete as *const ()),
    Slot::function(get as *const ()),
    super::placeholder::slot::<0xc693336e, 3>(),
];

/// Called with the context, the key and the value.
type Destructor = Option<unsafe extern "C" fn(CUcontext, *mut c_void, *mut c_void)>;

/// Most values that are kept. A runtime library keeps one for each context.
const ENTRIES_MAX: usize = 4096;

/// A value attached to a context. Key and value belong to the caller and are numbers here.
struct Entry {
    context: CUcontext,
    key: usize,
    value: usize,
    destructor: Destructor,
}

/// What the table and the layer know.
struct Storage {
    /// Few and read on nearly every call of the runtime library: a list beats a map.
    entries: Vec<Entry>,
    /// The primary contexts that have been seen.
    primaries: Vec<(CUdevice, CUcontext)>,
}

static STORAGE: RwLock<Storage> = RwLock::new(Storage { entries: Vec::new(), primaries: Vec::new() });

fn read() -> RwLockReadGuard<'static, Storage> {
    STORAGE.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Storage> {
    STORAGE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The given context, or the current one for null.
fn named_or_current(context: CUcontext) -> Result<CUcontext, CUresult> {
    if !context.is_null() {
        return Ok(context);
    }
    let mut current = CUcontext::NULL;
    stack().cuCtxGetCurrent(&mut current).ok()?;
    if current.is_null() { Err(CUresult::CUDA_ERROR_INVALID_CONTEXT) } else { Ok(current) }
}

/// Slot 0: attaches a value, in place of an earlier one with the same key.
extern "C" fn put(context: CUcontext, key: *mut c_void, value: *mut c_void, destructor: Destructor) -> CUresult {
    guard::ready(|| {
        let context = named_or_current(context)?;
        let new = Entry { context, key: key.addr(), value: value.expose_provenance(), destructor };
        let entries = &mut write().entries;
        let place = entries.iter().position(|entry| entry.context == context && entry.key == new.key);
        match place {
            Some(place) => entries[place] = new,
            None if entries.len() == ENTRIES_MAX => return Err(CUresult::CUDA_ERROR_OUT_OF_MEMORY),
            None => entries.push(new),
        }
        Ok(CUresult::CUDA_SUCCESS)
    })
}

/// Slot 1: removes a value. Its destructor does not run.
extern "C" fn delete(context: CUcontext, key: *mut c_void) -> CUresult {
    guard::ready(|| {
        let context = named_or_current(context)?;
        write().entries.retain(|entry| entry.context != context || entry.key != key.addr());
        Ok(CUresult::CUDA_SUCCESS)
    })
}

/// Slot 2: reads a value; `CUDA_ERROR_INVALID_HANDLE` if there is none.
///
/// # Safety
/// `value` is null or writable.
unsafe extern "C" fn get(value: *mut *mut c_void, context: CUcontext, key: *mut c_void) -> CUresult {
    guard::ready(|| {
        // SAFETY: the caller's promise.
        let value = unsafe { value.as_mut() }.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        let context = named_or_current(context)?;
        let storage = read();
        let entry = storage.entries.iter().find(|entry| entry.context == context && entry.key == key.addr());
        *value = core::ptr::with_exposed_provenance_mut(entry.ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?.value);
        Ok(CUresult::CUDA_SUCCESS)
    })
}

/// Gives the primary context of a device, which becomes active if it is not. No reference is added to one that is
/// active already: the runtime library asks often and gives nothing back.
pub(super) fn primary_context(context: &mut CUcontext, device: CUdevice) -> CUresult {
    let (mut flags, mut active) = (0, 0);
    let result = stack().cuDevicePrimaryCtxGetState(device, &mut flags, &mut active);
    if result != CUresult::CUDA_SUCCESS {
        return result;
    }
    let known = read().primaries.iter().find(|(of, _)| *of == device).map(|(_, context)| *context);
    match known {
        Some(known) if active != 0 => {
            *context = known;
            CUresult::CUDA_SUCCESS
        }
        _ => stack().cuDevicePrimaryCtxRetain(context, device),
    }
}

/// Forgets the values of a context that has ended, and runs their destructors. No lock is held meanwhile: destructors
/// call the driver.
fn context_ended(context: CUcontext) {
    let ended: Vec<Entry> = {
        let mut storage = write();
        let (ended, kept) = storage.entries.drain(..).partition(|entry| entry.context == context);
        storage.entries = kept;
        ended
    };
    for entry in ended {
        if let Some(destructor) = entry.destructor {
            let key = core::ptr::with_exposed_provenance_mut(entry.key);
            let value = core::ptr::with_exposed_provenance_mut(entry.value);
            // SAFETY: whoever attached the value gave this function for it, to be called once, with these arguments.
            unsafe { destructor(context, key, value) };
        }
    }
}

/// The layer that watches contexts end.
pub struct ContextStorage {
    next: &'static dyn Driver,
}

impl ContextStorage {
    /// Puts the layer on top of `next`.
    pub fn over(next: &'static dyn Driver) -> ContextStorage {
        ContextStorage { next }
    }

    /// Ends the values of a device's primary context, if that is known.
    fn primary_ended(&self, device: CUdevice) {
        let known = read().primaries.iter().find(|(of, _)| *of == device).map(|(_, context)| *context);
        if let Some(context) = known {
            context_ended(context);
        }
    }
}

#[allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]
impl Driver for ContextStorage {
    fn next(&self) -> Option<&dyn Driver> {
        Some(self.next)
    }

    fn cuDevicePrimaryCtxRetain(&self, context: &mut CUcontext, device: CUdevice) -> CUresult {
        let result = self.next.cuDevicePrimaryCtxRetain(context, device);
        if result == CUresult::CUDA_SUCCESS {
            let mut storage = write();
            storage.primaries.retain(|(of, _)| *of != device);
            storage.primaries.push((device, *context));
        }
        result
    }

    fn cuDevicePrimaryCtxRelease_v2(&self, device: CUdevice) -> CUresult {
        let result = self.next.cuDevicePrimaryCtxRelease_v2(device);
        let (mut flags, mut active) = (0, 0);
        if result == CUresult::CUDA_SUCCESS
            && self.next.cuDevicePrimaryCtxGetState(device, &mut flags, &mut active) == CUresult::CUDA_SUCCESS
            && active == 0
        {
            self.primary_ended(device);
        }
        result
    }

    fn cuDevicePrimaryCtxReset_v2(&self, device: CUdevice) -> CUresult {
        let result = self.next.cuDevicePrimaryCtxReset_v2(device);
        if result == CUresult::CUDA_SUCCESS {
            self.primary_ended(device);
        }
        result
    }

    fn cuCtxDestroy_v2(&self, context: CUcontext) -> CUresult {
        let result = self.next.cuCtxDestroy_v2(context);
        if result == CUresult::CUDA_SUCCESS {
            context_ended(context);
        }
        result
    }

    fn cuCtxDetach(&self, context: CUcontext) -> CUresult {
        let result = self.next.cuCtxDetach(context);
        let mut version = 0;
        if result == CUresult::CUDA_SUCCESS
            && self.next.cuCtxGetApiVersion(context, &mut version) != CUresult::CUDA_SUCCESS
        {
            context_ended(context);
        }
        result
    }
}
