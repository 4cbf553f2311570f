//! What a test asks of the stand-in: the environment, for programs that are started, and functions, for the test's own process.
//!
//! | variable | meaning |
//! |---|---|
//! | `FAKE_FAIL` | `cuMemAlloc_v2=2,cuInit=999`: error codes |
//! | `FAKE_SLOW` | `cuLaunchKernel=5`: milliseconds |
//! | `FAKE_REENTER` | `cuCtxSynchronize=cuCtxGetCurrent`: calls the second by its global name, as a library does that binds to its own exports |
//! | `FAKE_CALL_ON_LOAD` | `cuDriverGetVersion`: called by its global name while the library is loaded |

use crate::Frame;
use core::ffi::{CStr, c_char, c_void};
use cuda_abi::SYMBOLS;
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// An address of code.
pub(crate) struct Address(pub(crate) *const c_void);

// SAFETY: the address of code, which is never written.
unsafe impl Sync for Address {}

static CALLS: [AtomicU64; SYMBOLS.len()] = [const { AtomicU64::new(0) }; SYMBOLS.len()];

/// Whether calls do nothing but to be noted and to answer [`inert_answer`].
static IS_INERT: AtomicBool = AtomicBool::new(false);

static NOTED: Mutex<Option<Frame>> = Mutex::new(None);

/// The answer of a function while the library is inert: a code of its own, that no driver has.
pub const fn inert_answer(row: usize) -> u32 {
    0x00c0_0000 + row as u32
}

/// Faults, by row.
#[derive(Default)]
struct Faults {
    fail: HashMap<usize, u32>,
    slow: HashMap<usize, Duration>,
    reenter: HashMap<usize, CString>,
}

/// The faults, if there are any: most calls find that out and go on.
fn faults() -> Option<&'static Faults> {
    static FAULTS: OnceLock<Option<Faults>> = OnceLock::new();
    let read = || {
        let number = |text: &str| text.parse().unwrap_or_else(|_| fail_loudly(text));
        let faults = Faults {
            fail: pairs("FAKE_FAIL").into_iter().map(|(row, code)| (row, number(&code))).collect(),
            slow: pairs("FAKE_SLOW")
                .into_iter()
                .map(|(row, ms)| (row, Duration::from_millis(number(&ms).into())))
                .collect(),
            reenter: pairs("FAKE_REENTER")
                .into_iter()
                .map(|(row, name)| (row, CString::new(name).unwrap_or_default()))
                .collect(),
        };
        let is_empty = faults.fail.is_empty() && faults.slow.is_empty() && faults.reenter.is_empty();
        (!is_empty).then_some(faults)
    };
    FAULTS.get_or_init(read).as_ref()
}

/// `name=value,name=value` of a variable, names as rows.
fn pairs(variable: &str) -> Vec<(usize, String)> {
    let text = std::env::var(variable).unwrap_or_default();
    let pairs = text.split(',').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or_else(|| fail_loudly(pair));
            let row = SYMBOLS.iter().position(|symbol| *symbol == name).unwrap_or_else(|| fail_loudly(pair));
            (row, value.to_owned())
        })
        .collect()
}

/// A test that asks for nonsense must not pass.
fn fail_loudly(what: &str) -> ! {
    eprintln!("fake driver: {what:?} means nothing");
    std::process::abort()
}

/// Counts and notes a call; returns the code that it ends with, if it does not go on.
pub(crate) fn arrive(row: usize, frame: &Frame) -> Option<u32> {
    CALLS[row].fetch_add(1, Relaxed);
    if IS_INERT.load(Relaxed) {
        *NOTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(*frame);
        return Some(inert_answer(row));
    }
    let faults = faults()?;
    if let Some(time) = faults.slow.get(&row) {
        std::thread::sleep(*time);
    }
    if let Some(name) = faults.reenter.get(&row) {
        call_by_global_name(name);
    }
    faults.fail.get(&row).copied()
}

/// Calls a function with one output as a library would whose reference to its own export is bound by the loader: to the first of that
/// name in the process.
fn call_by_global_name(name: &CStr) {
    // SAFETY: the name is text.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if address.is_null() {
        return;
    }
    let mut output = 0u64;
    // SAFETY: tests name functions with one output, of a word at most.
    let code = unsafe {
        let function: unsafe extern "C" fn(*mut u64) -> u32 = core::mem::transmute(address);
        function(&mut output)
    };
    if std::env::var_os("FAKE_CALL_ON_LOAD").is_some() {
        eprintln!("fake driver: {} answers {code}", name.to_string_lossy());
    }
}

/// Runs when the library is loaded.
extern "C" fn on_load() {
    if let Some(name) = std::env::var_os("FAKE_CALL_ON_LOAD") {
        let name = CString::new(name.to_string_lossy().into_owned()).unwrap_or_default();
        call_by_global_name(&name);
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static ON_LOAD: extern "C" fn() = on_load;

/// Makes all functions inert, or lively again.
#[unsafe(no_mangle)]
pub extern "C" fn fake_set_inert(inert: bool) {
    IS_INERT.store(inert, Relaxed);
}

/// The frame of the last call of an inert library, taken away; the answer says whether there was one.
///
/// # Safety
/// `frame` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fake_take_noted(frame: *mut Frame) -> bool {
    match NOTED.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(noted) => {
            // SAFETY: the caller's promise.
            unsafe { frame.write(noted) };
            true
        }
        None => false,
    }
}

/// How often a function has been called; `u64::MAX` for a name that is none.
///
/// # Safety
/// `name` is text that ends with a null byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fake_calls(name: *const c_char) -> u64 {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let row = SYMBOLS.iter().position(|symbol| symbol.as_bytes() == name);
    row.map_or(u64::MAX, |row| CALLS[row].load(Relaxed))
}

/// A function that the table lacks, as a newer driver has some: `cuGetProcAddress` gives it for `cuFromTheFuture`.
#[unsafe(no_mangle)]
pub extern "C" fn fake_from_the_future() -> u32 {
    4242
}

/// The size of [`Frame`], for tests that load the library.
pub const FRAME_SIZE: usize = size_of::<Frame>();
