//! What the stand-in keeps: its life, contexts, modules, memory, launches.

use crate::work::Launch;
use core::ffi::CStr;
use cuda_abi::CUresult;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

const FRESH: u8 = 0;
const READY: u8 = 1;
const ENDED: u8 = 2;
/// In a child of the process that has called `cuInit`.
const FORKED: u8 = 3;

static LIFE: AtomicU8 = AtomicU8::new(FRESH);
/// Handles are numbers.
static LAST_HANDLE: AtomicUsize = AtomicUsize::new(0xfa4e_0000);

thread_local! {
    /// The thread's current context.
    pub static CURRENT: Cell<usize> = const { Cell::new(0) };
}

/// Everything that has a handle.
#[derive(Default)]
pub struct State {
    pub contexts: HashSet<usize>,
    pub primary: usize,
    /// Names of kernels.
    pub modules: HashMap<usize, Vec<String>>,
    /// Names of kernels by handle. They live for ever, as profilers want it.
    pub functions: HashMap<usize, &'static CStr>,
    /// Allocations, as the host's allocator needs their size back.
    pub memory: HashMap<u64, usize>,
    pub streams: HashSet<usize>,
    /// Launches that streams have captured so far.
    pub captures: HashMap<usize, Vec<Launch>>,
    /// Launches by graph, or instantiated graph.
    pub graphs: HashMap<usize, Vec<Launch>>,
    /// Nodes, which are launches.
    pub nodes: HashMap<usize, Launch>,
    /// Events by their handle: the time in ns.
    pub events: HashMap<usize, u64>,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// The state, to itself.
pub fn state() -> StateGuard {
    StateGuard(STATE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A lock on the state.
pub struct StateGuard(MutexGuard<'static, Option<State>>);

impl StateGuard {
    /// The state.
    pub fn get(&mut self) -> &mut State {
        self.0.get_or_insert_default()
    }
}

/// A handle that was not there before.
pub fn new_handle() -> usize {
    LAST_HANDLE.fetch_add(0x10, SeqCst) + 0x10
}

/// `cuInit`.
#[allow(clippy::disallowed_methods, reason = "NVIDIA's driver may use what it likes")]
pub fn init() -> CUresult {
    match default_answer() {
        CUresult::CUDA_ERROR_NOT_INITIALIZED if LIFE.load(SeqCst) == FRESH => {
            extern "C" fn at_exit() {
                LIFE.store(ENDED, SeqCst);
            }
            extern "C" fn in_child() {
                LIFE.store(FORKED, SeqCst);
            }
            // SAFETY: the functions do one atomic operation, and the library is not unloaded.
            unsafe {
                libc::atexit(at_exit);
                libc::pthread_atfork(None, None, Some(in_child));
            }
            LIFE.store(READY, SeqCst);
            CUresult::CUDA_SUCCESS
        }
        other => other,
    }
}

/// What a function answers that does nothing else: whether the driver lives in this process.
pub fn default_answer() -> CUresult {
    match LIFE.load(SeqCst) {
        READY => CUresult::CUDA_SUCCESS,
        ENDED => CUresult::CUDA_ERROR_DEINITIALIZED,
        _ => CUresult::CUDA_ERROR_NOT_INITIALIZED,
    }
}
