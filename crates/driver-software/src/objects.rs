//! Handles: numbers that the program gets, and the objects behind them.
//!
//! All kinds of objects share one table, so that a handle of the wrong kind is found out, as is one whose object is gone. No
//! handle is ever dereferenced.

use crate::answer::Answer;
use crate::context::Context;
use crate::event::Event;
use crate::memory::Pool;
use crate::module::{Function, Library, LibraryKernel, Linker, Module};
use crate::stream::Stream;
use crate::texture::{Array, MipmappedArray, SurfaceReference, TextureReference};
use cuda_abi::CUresult;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use stdx::{Handle, Slab};

/// Most objects at a time.
const OBJECTS_MAX: u32 = 1 << 26;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// An object of any kind.
        enum Object {
            $($kind(Arc<$kind>),)*
        }

        $(impl Kind for $kind {
            fn wrap(object: Arc<Self>) -> Stored {
                Stored(Object::$kind(object))
            }
            fn unwrap(stored: &Stored) -> Option<&Arc<Self>> {
                match &stored.0 {
                    Object::$kind(object) => Some(object),
                    _ => None,
                }
            }
        })*
    };
}

kinds! {
    Context Stream Event Pool Module Function Library LibraryKernel Linker Array MipmappedArray TextureReference
    SurfaceReference
}

/// What the table stores.
pub(crate) struct Stored(Object);

/// A kind of object that handles can stand for.
pub(crate) trait Kind: Send + Sync + Sized + 'static {
    /// The object as the table stores it.
    fn wrap(object: Arc<Self>) -> Stored;
    /// The object, if it is of this kind.
    fn unwrap(stored: &Stored) -> Option<&Arc<Self>>;
}

/// The table of all objects.
pub(crate) struct Objects {
    slab: RwLock<Slab<Stored>>,
    /// Counts removals: what was looked up before the last one may be stale.
    removals: AtomicU64,
}

impl Objects {
    pub(crate) const fn new() -> Self {
        Self { slab: RwLock::new(Slab::new(OBJECTS_MAX)), removals: AtomicU64::new(0) }
    }

    /// Gives an object a handle.
    ///
    /// # Errors
    /// When there are too many objects.
    pub(crate) fn insert<T: Kind>(&self, object: Arc<T>) -> Answer<usize> {
        let mut slab = self.slab.write().unwrap_or_else(PoisonError::into_inner);
        let inserted = slab.insert(T::wrap(object));
        inserted.map(|handle| handle.to_raw() as usize).map_err(|_| CUresult::CUDA_ERROR_OUT_OF_MEMORY)
    }

    /// The object of a handle, if it has this kind.
    pub(crate) fn get<T: Kind>(&self, raw: usize) -> Option<Arc<T>> {
        let handle = Handle::from_raw(raw as u64)?;
        let slab = self.slab.read().unwrap_or_else(PoisonError::into_inner);
        T::unwrap(slab.get(handle)?).cloned()
    }

    /// Takes an object away from its handle, if it has this kind.
    pub(crate) fn remove<T: Kind>(&self, raw: usize) -> Option<Arc<T>> {
        let handle = Handle::from_raw(raw as u64)?;
        let removed = {
            let mut slab = self.slab.write().unwrap_or_else(PoisonError::into_inner);
            T::unwrap(slab.get(handle)?)?;
            let removed = slab.remove(handle);
            self.removals.fetch_add(1, Ordering::Release);
            removed
        };
        // Dropped outside of the lock, after the caller's clone has been made.
        removed.and_then(|stored| T::unwrap(&stored).cloned())
    }

    /// How many objects have been removed so far.
    pub(crate) fn removals(&self) -> u64 {
        self.removals.load(Ordering::Acquire)
    }
}

/// Objects that a thread looked up lately: a launch finds its function and its stream here without touching the table.
pub(crate) struct Recent<T> {
    removals: u64,
    entries: [Option<(usize, Arc<T>)>; RECENT],
}

const RECENT: usize = 16;

impl<T: Kind> Recent<T> {
    pub(crate) const fn new() -> Self {
        Self { removals: 0, entries: [const { None }; RECENT] }
    }

    /// The object of a handle, if it has this kind.
    #[inline(always)]
    pub(crate) fn get(&mut self, objects: &Objects, raw: usize) -> Option<&Arc<T>> {
        if !self.knows(objects, raw) && !self.refill(objects, raw) {
            return None;
        }
        self.entries[raw % RECENT].as_ref().map(|(_, object)| object)
    }

    #[inline(always)]
    fn knows(&self, objects: &Objects, raw: usize) -> bool {
        let entry = &self.entries[raw % RECENT];
        self.removals == objects.removals() && matches!(entry, Some((known, _)) if *known == raw)
    }

    /// Looks in the table. False if the handle is none of this kind.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, objects: &Objects, raw: usize) -> bool {
        let removals = objects.removals();
        if self.removals != removals {
            self.entries = [const { None }; RECENT];
            self.removals = removals;
        }
        let found = objects.get(raw).map(|object| (raw, object));
        let is_found = found.is_some();
        if is_found {
            self.entries[raw % RECENT] = found;
        }
        is_found
    }
}
