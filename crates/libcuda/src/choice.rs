//! The choice of the back end, by the first call of any function.
//!
//! No lock is held meanwhile: NVIDIA's library is loaded, for which the loader takes a lock of its own, and a program may call
//! from an initialiser, with that lock held. Threads that come at once make the same choice, and the first to finish is kept.

use crate::exports::{absent, context_changes, fill_slots, hooked, names, own_table, plain, software};
use crate::{guard, stack};
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::null_mut;
use cuda_abi::{Row, SYMBOLS};
use driver_api::software_wish;
use driver_nvidia::Library;
use nvidia_finder::Decision;
use std::io::Write;
use std::sync::atomic::{AtomicPtr, Ordering::AcqRel, Ordering::Acquire};

/// What answers the program.
pub enum Choice {
    /// The software GPU.
    Software,
    /// NVIDIA's library, and which functions go through the stack.
    Nvidia { library: &'static Library, hooked: Vec<bool> },
    /// NVIDIA's driver was asked for and cannot be had.
    NoDriver,
}

/// Null until it is made.
static CHOICE: AtomicPtr<Choice> = AtomicPtr::new(null_mut());

/// The note by which our library is told from NVIDIA's, whatever it is called.
#[used]
#[unsafe(link_section = ".note.apex")]
static NOTE: Aligned = Aligned(nvidia_finder::note());

/// Notes are made of words of four bytes.
#[repr(align(4))]
struct Aligned(#[allow(dead_code, reason = "read in the file")] [u8; nvidia_finder::NOTE_SIZE]);

/// The choice. Made by the first call, and kept.
pub fn choice() -> &'static Choice {
    let made = CHOICE.load(Acquire);
    // SAFETY: not null, so it is a choice that was leaked for good.
    if made.is_null() { make() } else { unsafe { &*made } }
}

/// NVIDIA's library, if that was chosen.
pub fn nvidia_library() -> Option<&'static Library> {
    match choice() {
        Choice::Nvidia { library, .. } => Some(library),
        _ => None,
    }
}

/// The address of NVIDIA's function; null where there is none.
#[inline(always)]
pub fn nvidia_address(row: Row) -> *const c_void {
    nvidia_library().map_or(core::ptr::null(), |library| library.address(row as usize))
}

thread_local! {
    /// Whether this thread is making the choice.
    static IS_CHOOSING: Cell<bool> = const { Cell::new(false) };
}

/// Where the first call of a function goes.
pub extern "C" fn first_call_target(row: u32) -> *const c_void {
    if IS_CHOOSING.get() {
        return absent::not_yet as *const c_void;
    }
    let choice = choice();
    fill_slots(|row| target(choice, row));
    target(choice, row as usize)
}

fn target(choice: &Choice, row: usize) -> *const c_void {
    match choice {
        Choice::Software => software::ADDRESSES[row].0,
        Choice::NoDriver => absent::no_driver as *const c_void,
        Choice::Nvidia { library, .. } if library.address(row).is_null() => absent::MISSING[row].0,
        Choice::Nvidia { .. } if row == Row::cuGetProcAddress as usize => names::get_proc_address as *const c_void,
        Choice::Nvidia { .. } if row == Row::cuGetProcAddress_v2 as usize => {
            names::get_proc_address_v2 as *const c_void
        }
        // Where there are layers, there is a table that switches them.
        Choice::Nvidia { .. } if row == Row::cuGetExportTable as usize && !stack::layers().is_empty() => {
            own_table::get_export_table as *const c_void
        }
        Choice::Nvidia { library, hooked } => match hooked::address(row) {
            Some(through_the_stack) if hooked[row] => through_the_stack.0,
            _ if stack::layers().is_empty() => library.address(row),
            _ => context_changes::address(row, library).map_or(library.address(row), |noted| noted.0),
        },
    }
}

/// In front of NVIDIA's driver: takes the layers out of the way of calls, or puts them back. Calls that other threads have begun are not waited
/// for. False where there is no such driver.
pub fn set_layers(are_there: bool) -> bool {
    let choice = choice();
    let Choice::Nvidia { library, hooked } = choice else { return false };
    if are_there {
        plain::comes_back();
    }
    fill_slots(|row| if hooked[row] && !are_there { library.address(row) } else { target(choice, row) });
    true
}

#[cold]
fn make() -> &'static Choice {
    IS_CHOOSING.set(true);
    let (made, message) = decide();
    IS_CHOOSING.set(false);
    let made = Box::into_raw(Box::new(made));
    match CHOICE.compare_exchange(null_mut(), made, AcqRel, Acquire) {
        Ok(_) => {
            if let Some(message) = message {
                // Nobody may read it; a panic here would end the program.
                let _ = writeln!(std::io::stderr(), "apex: {message}");
            }
            // SAFETY: leaked above.
            unsafe { &*made }
        }
        Err(other) => {
            // SAFETY: this one was made above and is known to nobody; the other is there for good.
            unsafe {
                drop(Box::from_raw(made));
                &*other
            }
        }
    }
}

/// The choice, and what has to be said about it.
fn decide() -> (Choice, Option<String>) {
    match decision() {
        Decision::Software(_) => (Choice::Software, None),
        Decision::Impossible(reason) => (Choice::NoDriver, Some(reason)),
        Decision::Nvidia { path, .. } => match Library::open(&path) {
            Ok(library) => nvidia(Box::leak(Box::new(library))),
            Err(error) => match driver_api::Backend::asked_for() {
                Ok(driver_api::Backend::Auto) => (Choice::Software, Some(format!("{error}; the software GPU answers"))),
                _ => (Choice::NoDriver, Some(error.to_string())),
            },
        },
    }
}

fn nvidia(library: &'static Library) -> (Choice, Option<String>) {
    let layers = stack::layers();
    if !layers.is_empty() {
        guard::report_panics_in_one_line();
    }
    let hooked = hooked::rows(layers, library);
    debug_assert_eq!(hooked.len(), SYMBOLS.len());
    let message = software_wish()
        .map(|wish| format!("{} is for the software GPU: in front of NVIDIA's driver it does nothing", wish.name));
    (Choice::Nvidia { library, hooked }, message)
}

#[cfg(not(test))]
fn decision() -> Decision {
    nvidia_finder::decide()
}

/// Unit tests have a driver of their own, but for those that start a child with a library to use.
#[cfg(test)]
fn decision() -> Decision {
    match driver_api::env::REAL_LIBCUDA.get() {
        Some(_) => nvidia_finder::decide(),
        None => Decision::Software("a unit test".to_owned()),
    }
}
