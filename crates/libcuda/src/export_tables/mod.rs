//! Tables of functions that NVIDIA's runtime library asks a driver for, by `cuGetExportTable`; and one that `apex` asks for.
//!
//! The runtime library (cudart) works with a driver through its public API and a few such tables. They are in no
//! header. What is known of them here comes from watching which tables are asked for and which slots are called, and
//! from the ZLUDA project's published description of identifiers, slots and signatures.
//!
//! A table is an array of words. Slot 0 holds its size in bytes, except where its file says otherwise; the other slots
//! hold functions. A slot whose function nobody has been seen to call holds one that says so on stderr and answers
//! `CUDA_ERROR_NOT_SUPPORTED`, so that a new runtime library fails with a name and not by a jump to null.
//!
//! Invariant: nothing outside of this folder knows of these tables, but for the calls of [`find`] and [`find_own`] and the layer
//! [`context_storage::ContextStorage`] in the stack.

mod callback_hooks;
mod context_checks;
pub mod context_storage;
mod inspection;
mod integrity;
mod interface;
mod placeholder;
mod tools;

use core::ffi::c_void;
use cuda_abi::CUuuid;

/// A word of a table.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Slot(*const c_void);

// SAFETY: a slot is a number or the address of code, and is never written.
unsafe impl Sync for Slot {}

impl Slot {
    const NULL: Slot = Slot(core::ptr::null());

    /// Slot 0 of a table with `slots` slots: its size in bytes.
    const fn size(slots: usize) -> Slot {
        Slot(core::ptr::without_provenance(slots * size_of::<Slot>()))
    }

    const fn function(address: *const ()) -> Slot {
        Slot(address.cast())
    }
}

/// An export table: its identifier and its words.
struct Table {
    id: [u8; 16],
    slots: &'static [Slot],
}

/// The tables that this driver has.
static TABLES: &[Table] = &[
    interface::TABLE,
    callback_hooks::TABLE,
    tools::THREAD_LOCAL,
    tools::RUNTIME_13,
    context_storage::TABLE,
    integrity::TABLE,
    context_checks::TABLE,
    inspection::TABLE,
];

/// The table with an identifier, as the address of its first word.
pub fn find(id: &CUuuid) -> Option<*const c_void> {
    let id = id.bytes.map(|byte| byte as u8);
    TABLES.iter().find(|table| table.id == id).map(|table| table.slots.as_ptr().cast())
}

/// The table of our own, if that is the identifier's.
pub fn find_own(id: &CUuuid) -> Option<*const c_void> {
    let is_own = id.bytes.map(|byte| byte as u8) == inspection::TABLE.id;
    is_own.then(|| inspection::TABLE.slots.as_ptr().cast())
}

/// An identifier, from its usual text form without the dashes.
const fn id(text: u128) -> [u8; 16] {
    text.to_be_bytes()
}
