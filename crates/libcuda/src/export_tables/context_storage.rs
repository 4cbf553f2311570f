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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exports::{cuCtxDestroy_v2, cuDevicePrimaryCtxRelease_v2, cuDevicePrimaryCtxReset_v2, cuInit};
    use crate::test_driver::{CURRENT, PRIMARY};
    use core::ptr::null_mut;
    use std::sync::Mutex;

    /// What destructors were called with. The tests use keys of their own, for they share the storage.
    static DESTROYED: Mutex<Vec<(CUcontext, usize, usize)>> = Mutex::new(Vec::new());

    unsafe extern "C" fn destructor(context: CUcontext, key: *mut c_void, value: *mut c_void) {
        DESTROYED.lock().unwrap().push((context, key.addr(), value.addr()));
    }

    fn word(number: usize) -> *mut c_void {
        core::ptr::without_provenance_mut(number)
    }

    fn value_of(context: CUcontext, key: usize) -> Result<usize, CUresult> {
        let mut value = null_mut();
        // SAFETY: the pointer is valid.
        unsafe { get(&mut value, context, word(key)) }.ok().map(|()| value.addr())
    }

    fn destroyed(key: usize) -> Vec<(CUcontext, usize, usize)> {
        DESTROYED.lock().unwrap().iter().filter(|entry| entry.1 == key).copied().collect()
    }

    fn initialise() {
        // SAFETY: no pointers.
        assert_eq!(unsafe { cuInit(0) }, CUresult::CUDA_SUCCESS);
    }

    #[test]
    fn values_are_put_read_replaced_and_deleted() {
        initialise();
        let context = CUcontext::from_addr(0x900);
        assert_eq!(value_of(context, 1), Err(CUresult::CUDA_ERROR_INVALID_HANDLE));
        assert_eq!(put(context, word(1), word(10), Some(destructor)), CUresult::CUDA_SUCCESS);
        assert_eq!(put(context, word(1), word(11), Some(destructor)), CUresult::CUDA_SUCCESS);
        assert_eq!(value_of(context, 1), Ok(11));
        assert_eq!(value_of(CUcontext::from_addr(0x901), 1), Err(CUresult::CUDA_ERROR_INVALID_HANDLE));
        assert_eq!(delete(context, word(1)), CUresult::CUDA_SUCCESS);
        assert_eq!(value_of(context, 1), Err(CUresult::CUDA_ERROR_INVALID_HANDLE));
        assert_eq!(destroyed(1), []);
    }

    #[test]
    fn null_stands_for_the_current_context() {
        initialise();
        assert_eq!(put(CUcontext::NULL, word(2), word(20), None), CUresult::CUDA_SUCCESS);
        assert_eq!(value_of(CURRENT, 2), Ok(20));
    }

    #[test]
    fn a_destroyed_context_takes_its_values_along() {
        initialise();
        let context = CUcontext::from_addr(0x902);
        put(context, word(3), word(30), Some(destructor));
        put(CUcontext::from_addr(0x903), word(3), word(31), Some(destructor));
        // SAFETY: no pointers.
        assert_eq!(unsafe { cuCtxDestroy_v2(context) }, CUresult::CUDA_SUCCESS);
        assert_eq!(destroyed(3), [(context, 3, 30)]);
        assert_eq!(value_of(context, 3), Err(CUresult::CUDA_ERROR_INVALID_HANDLE));
        assert_eq!(value_of(CUcontext::from_addr(0x903), 3), Ok(31));
    }

    /// One test for all that concerns the primary context: the test driver has one, and tests run side by side.
    #[test]
    fn the_primary_context_ends_with_its_last_reference_or_a_reset() {
        initialise();
        let mut context = CUcontext::NULL;
        assert_eq!(primary_context(&mut context, 0), CUresult::CUDA_SUCCESS);
        assert_eq!(context, PRIMARY);
        // Asked again, it adds no reference, so that one release ends the context.
        assert_eq!(primary_context(&mut context, 0), CUresult::CUDA_SUCCESS);
        put(PRIMARY, word(4), word(40), Some(destructor));
        // SAFETY: no pointers.
        assert_eq!(unsafe { cuDevicePrimaryCtxRelease_v2(0) }, CUresult::CUDA_SUCCESS);
        assert_eq!(destroyed(4), [(PRIMARY, 4, 40)]);

        assert_eq!(primary_context(&mut context, 0), CUresult::CUDA_SUCCESS);
        put(PRIMARY, word(5), word(50), Some(destructor));
        // SAFETY: no pointers.
        assert_eq!(unsafe { cuDevicePrimaryCtxReset_v2(0) }, CUresult::CUDA_SUCCESS);
        assert_eq!(destroyed(5), [(PRIMARY, 5, 50)]);
    }
}
