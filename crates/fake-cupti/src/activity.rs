//! Records, and the buffer that they go into.

use core::ffi::c_void;
use core::ptr::null_mut;
use cuda_abi::Row;
use fake_driver::work::{Launch, Listener, Work};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ffi::CString;
use std::sync::{Mutex, Once, OnceLock, PoisonError};

/// Asks for a buffer.
pub type Request = extern "C" fn(*mut *mut u8, *mut usize, *mut usize);
/// Gives it back.
pub type Complete = extern "C" fn(*mut c_void, u32, *mut u8, usize, usize);

const COPY: u32 = 1;
const CALL: u32 = 4;
const RUNTIME_CALL: u32 = 5;
const KERNEL: u32 = 10;
const ID: u32 = 39;
/// Sizes of records by kind, multiples of eight.
const SIZES: [(u32, usize); 5] = [(COPY, 96), (CALL, 48), (RUNTIME_CALL, 48), (KERNEL, 256), (ID, 24)];
/// The numbers of the functions that the stand-in for the driver tells of.
const FUNCTIONS: [(Row, u32); 4] =
    [(Row::cuLaunchKernel, 307), (Row::cuGraphLaunch, 514), (Row::cuMemcpyHtoD_v2, 276), (Row::cuMemcpyDtoH_v2, 278)];

thread_local! {
    /// The external ids of this thread: kind and id.
    pub static IDS: RefCell<Vec<(u32, u64)>> = const { RefCell::new(Vec::new()) };
    /// The number of the runtime's call that this thread is in; 0 for none.
    static RUNTIME: Cell<u32> = const { Cell::new(0) };
    /// The ids that the thread had when it called the runtime.
    static ENTERED_WITH: RefCell<Vec<(u32, u64)>> = const { RefCell::new(Vec::new()) };
}

/// The runtime is called: what its calls of the driver do is of this call.
pub fn begin_runtime_call() {
    ENTERED_WITH.set(IDS.with_borrow(Clone::clone));
    RUNTIME.set(activity(|activity| {
        activity.calls += 1;
        activity.calls
    }));
}

/// The runtime returns: its call is noted, with the ids that the thread entered it with, as by the real one.
pub fn end_runtime_call() {
    let (call, ids) = (RUNTIME.replace(0), ENTERED_WITH.take());
    let full = activity(|activity| {
        let mut full = Vec::new();
        if activity.kinds.contains(&RUNTIME_CALL) {
            activity.note_call(RUNTIME_CALL, call, &ids, &mut full);
        }
        full
    });
    full.into_iter().for_each(give);
}

/// What is enabled, and the buffer.
#[derive(Default)]
pub struct Activity {
    pub callbacks: Option<(Request, Complete)>,
    pub kinds: HashSet<u32>,
    /// Functions whose calls are not noted.
    pub off: HashSet<u32>,
    pub dropped: usize,
    pub records: usize,
    calls: u32,
    buffer: Option<Buffer>,
}

/// A buffer, and who gets it back.
struct Buffer {
    address: usize,
    size: usize,
    filled: usize,
    complete: Complete,
}

static ACTIVITY: Mutex<Option<Activity>> = Mutex::new(None);

/// Runs with the state.
pub fn activity<T>(run: impl FnOnce(&mut Activity) -> T) -> T {
    run(ACTIVITY.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// The clock of the records: not the one that a reader wants.
pub fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Has the stand-in for the driver tell of its work.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let path = std::env::var("APEX_REAL_LIBCUDA").expect("the stand-in for the driver has a path");
        let path = CString::new(path).expect("a path");
        // SAFETY: the library is loaded already; its function has this type.
        unsafe {
            let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD);
            let tell = libc::dlsym(handle, c"fake_tell_work_to".as_ptr());
            assert!(!tell.is_null(), "the driver is no stand-in");
            let tell: extern "C" fn(Listener) = core::mem::transmute(tell);
            tell(worked);
        }
    });
}

/// Aborts in a forked child.
pub fn stand_in_one_process() {
    static PROCESS: OnceLock<u32> = OnceLock::new();
    if *PROCESS.get_or_init(std::process::id) != std::process::id() {
        eprintln!("stand-in for CUPTI: used in a forked child");
        std::process::abort();
    }
}

extern "C" fn worked(work: &Work) {
    let ids = IDS.with_borrow(Clone::clone);
    let full = activity(|activity| {
        let mut full = Vec::new();
        activity.note(work, &ids, &mut full);
        full
    });
    full.into_iter().for_each(give);
}

/// Gives the buffer back as it is.
pub fn give_buffer() {
    if let Some(buffer) = activity(|activity| activity.buffer.take()) {
        give(buffer);
    }
}

fn give(buffer: Buffer) {
    let address = core::ptr::with_exposed_provenance_mut(buffer.address);
    (buffer.complete)(null_mut(), 0, address, buffer.size, buffer.filled);
}

/// The size of a record.
///
/// # Safety
/// It is one of ours.
pub unsafe fn size_of_record(record: *const u8) -> usize {
    // SAFETY: a record begins with its kind.
    let kind = unsafe { record.cast::<u32>().read_unaligned() };
    SIZES.iter().find(|(other, _)| *other == kind).expect("a kind that is written").1
}

impl Activity {
    fn note(&mut self, work: &Work, ids: &[(u32, u64)], full: &mut Vec<Buffer>) {
        let runtime = RUNTIME.get();
        let call = if runtime == 0 { self.calls + 1 } else { runtime };
        self.calls = self.calls.max(call);
        let function = FUNCTIONS.iter().find(|(row, _)| *row as u32 == work.row).map_or(0, |(_, function)| *function);
        // Within a call of the runtime, that is noted, when it returns.
        if runtime == 0 && self.kinds.contains(&CALL) && !self.off.contains(&function) {
            self.note_call(CALL, call, ids, full);
        }
        let start = now_ns();
        if work.bytes > 0
            && self.kinds.contains(&COPY)
            && let Some(record) = self.record(COPY, full)
        {
            // SAFETY: fields of the record.
            unsafe {
                put(record, 8, work.bytes);
                put(record, 16, start);
                put(record, 24, start + work.bytes);
                put(record, 44, call);
            }
        }
        for index in 0..work.launch_count {
            // SAFETY: as many as is said.
            let launch = unsafe { &*work.launches.add(index) };
            self.note_launch(launch, start, call, work.is_of_graph, full);
        }
    }

    /// Notes a call, with the thread's ids before it.
    fn note_call(&mut self, kind: u32, call: u32, ids: &[(u32, u64)], full: &mut Vec<Buffer>) {
        for (id_kind, id) in ids.iter().filter(|_| self.kinds.contains(&ID)).collect::<Vec<_>>() {
            let Some(record) = self.record(ID, full) else { continue };
            // SAFETY: fields of the record.
            unsafe {
                put(record, 4, *id_kind);
                put(record, 8, *id);
                put(record, 16, call);
            }
        }
        self.record(kind, full);
    }

    fn note_launch(&mut self, launch: &Launch, start: u64, call: u32, is_of_graph: bool, full: &mut Vec<Buffer>) {
        if !self.kinds.contains(&KERNEL) {
            return;
        }
        let Some(record) = self.record(KERNEL, full) else { return };
        let blocks: u64 = launch.grid.iter().map(|size| u64::from(*size)).product();
        // SAFETY: fields of the record.
        unsafe {
            put(record, 16, start);
            put(record, 24, start + blocks * 1000);
            put(record, 52, launch.grid);
            put(record, 64, launch.block);
            put(record, 80, launch.dynamic_shared);
            put(record, 92, call);
            put(record, 104, launch.name);
            put(record, 144, u64::from(is_of_graph));
        }
    }

    /// A new record of a kind, all zero but for that; none where there is no buffer.
    fn record(&mut self, kind: u32, full: &mut Vec<Buffer>) -> Option<*mut u8> {
        let size = SIZES.iter().find(|(other, _)| *other == kind)?.1;
        if self.buffer.as_ref().is_none_or(|buffer| buffer.filled + size > buffer.size) {
            full.extend(self.buffer.take());
            let (request, complete) = self.callbacks?;
            let (mut address, mut bytes, mut records) = (null_mut(), 0, 0);
            request(&mut address, &mut bytes, &mut records);
            if address.is_null() {
                self.dropped += 1;
                return None;
            }
            let address = address.expose_provenance();
            self.buffer = Some(Buffer { address, size: bytes, filled: 0, complete });
        }
        self.records += 1;
        let buffer = self.buffer.as_mut()?;
        let record = core::ptr::with_exposed_provenance_mut::<u8>(buffer.address + buffer.filled);
        buffer.filled += size;
        // SAFETY: within the buffer.
        unsafe {
            record.write_bytes(0, size);
            put(record, 0, kind);
        }
        Some(record)
    }
}

/// Writes a field.
///
/// # Safety
/// The record has it.
unsafe fn put<T>(record: *mut u8, offset: usize, value: T) {
    // SAFETY: the caller's promise.
    unsafe { record.add(offset).cast::<T>().write_unaligned(value) };
}
