//! The use of CUPTI by this process: buffers, flushes, and whether somebody else has taken over.

use super::calls::{OF_DRIVER, OF_RUNTIME};
use super::library::{Complete, FLUSH_FORCED, Library, OUR_IDS, Request, SUCCESS};
use super::matcher::Matcher;
use super::{find, record};
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::null_mut;
use driver_api::DeviceTimeSink;
use driver_api::op::Definition;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use stdx::clock::monotonic_ns;

/// Words of a buffer: 1 MiB.
const BUFFER_WORDS: usize = 1 << 17;
/// Most buffers that are out or free. Beyond, CUPTI drops records, and counts them.
const BUFFERS_MAX: usize = 64;
/// Numbers of functions are below this.
const CALLS_MAX: u32 = 1200;
/// How long calls may have been tagged and nothing come back before CUPTI counts as taken by somebody else.
const SILENCE_NS: u64 = 5_000_000_000;

/// The session. One in a process, as CUPTI's callbacks have no parameter to tell it by.
pub(crate) struct Session {
    library: Library,
    sink: &'static dyn DeviceTimeSink,
    buffers: Mutex<Buffers>,
    matcher: Mutex<Matcher>,
    /// How far CUPTI's clock is ahead of `CLOCK_MONOTONIC`, in ns.
    ahead: AtomicI64,
    /// Ops that were tagged.
    tagged: AtomicU64,
    /// Buffers that came back.
    returned: AtomicU64,
    silence: Mutex<Silence>,
}

#[derive(Default)]
struct Buffers {
    free: Vec<Box<[u64]>>,
    made: usize,
}

/// Since when nothing has come although something should have.
#[derive(Default)]
struct Silence {
    tagged: u64,
    returned: u64,
    since_ns: Option<u64>,
}

thread_local! {
    /// Whether calls of this thread are under a tag.
    static IS_TAGGED: Cell<bool> = const { Cell::new(false) };
}

static SESSION: OnceLock<Session> = OnceLock::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Begins, once in a process.
    ///
    /// # Errors
    /// When there is no CUPTI, it refuses, or a tool is in the process that will use it.
    pub(crate) fn begin(sink: &'static dyn DeviceTimeSink) -> Result<&'static Session, String> {
        for tool in ["CUDA_INJECTION64_PATH", "CUDA_INJECTION32_PATH"] {
            if std::env::var_os(tool).is_some_and(|path| !path.is_empty()) {
                return Err(format!("{tool} names a tool, which has precedence"));
            }
        }
        let library = Library::open(&find::candidates())?;
        let session = Session {
            library,
            sink,
            buffers: Mutex::default(),
            matcher: Mutex::new(Matcher::new()),
            ahead: AtomicI64::new(0),
            tagged: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            silence: Mutex::default(),
        };
        if SESSION.set(session).is_err() {
            return Err("it is used already".to_owned());
        }
        let session = SESSION.get().expect("set above");
        session
            .enable()
            .map_err(|(what, code)| format!("{} answers {what} with {code}", session.library.path.display()))?;
        session.read_clocks();
        Ok(session)
    }

    /// Which library, in words.
    pub(crate) fn name(&self) -> String {
        format!("CUPTI {}", self.library.version)
    }

    fn enable(&self) -> Result<(), (&'static str, u32)> {
        let answer = |what, code| if code == SUCCESS { Ok(()) } else { Err((what, code)) };
        let library = &self.library;
        // SAFETY: the functions live as long as the process.
        answer("its callbacks", unsafe { (library.register_callbacks)(request as Request, complete as Complete) })?;
        // Ids are noted with calls alone, so that calls have to be noted. Of a call of the driver that the runtime makes it is the runtime's.
        let kinds = [
            record::DRIVER_CALL,
            record::RUNTIME_CALL,
            record::KERNEL,
            record::COPY,
            record::PEER_COPY,
            record::SET,
            record::ID,
        ];
        for kind in kinds {
            // SAFETY: no pointers.
            answer("a kind of records", unsafe { (library.enable)(kind) })?;
        }
        for (switch, needed) in [(library.enable_driver_api, OF_DRIVER), (library.enable_runtime_api, OF_RUNTIME)] {
            let Some(switch) = switch else { continue };
            let is_needed = |call: &u32| needed.iter().any(|(first, last)| (first..=last).contains(&call));
            for call in (1..=CALLS_MAX).filter(|call| !is_needed(call)) {
                // SAFETY: no pointers. A number that this version does not know is refused.
                unsafe { switch(call, 0) };
            }
        }
        Ok(())
    }

    /// Reads CUPTI's clock and the host's.
    fn read_clocks(&self) {
        let attempt = |_| {
            let (before, mut theirs) = (monotonic_ns(), 0);
            // SAFETY: a valid place.
            let result = unsafe { (self.library.get_timestamp)(&mut theirs) };
            let took = monotonic_ns().saturating_sub(before);
            (result == SUCCESS).then(|| (took, theirs.wrapping_sub(before + took / 2) as i64))
        };
        if let Some((_, ahead)) = (0..4).filter_map(attempt).min() {
            self.ahead.store(ahead, Relaxed);
        }
    }

    pub(crate) fn define(&self, definition: &Definition<'_>) {
        lock(&self.matcher).define(definition);
    }

    /// An op begins; of a launch of a graph, which one.
    #[inline]
    pub(crate) fn before(&self, tag: u64, graph: Option<u32>) {
        if let Some(graph) = graph {
            lock(&self.matcher).launch_graph(tag, graph);
        }
        if !IS_TAGGED.replace(true) {
            // The thread's first op.
            // SAFETY: no pointers.
            unsafe { (self.library.push)(OUR_IDS, tag) };
        }
    }

    /// An op has been done, and what this thread calls from here on is under the tag of its next. Where the runtime makes that call,
    /// CUPTI notes the tag when the runtime's function is entered, before the op is seen.
    #[inline]
    pub(crate) fn after(&self, next: u64, is_timed: bool) {
        self.tagged.fetch_add(u64::from(is_timed), Relaxed);
        // SAFETY: no pointers but to a place that CUPTI does without.
        unsafe {
            if IS_TAGGED.replace(true) {
                (self.library.pop)(OUR_IDS, null_mut());
            }
            (self.library.push)(OUR_IDS, next);
        }
    }

    /// Tells what the device has done. False if somebody else has taken CUPTI over.
    pub(crate) fn collect(&self, is_last: bool) -> bool {
        self.read_clocks();
        let is_ours = self.flush(is_last);
        let mut matcher = lock(&self.matcher);
        matcher.turn(is_last);
        let (told, lost) = (std::mem::take(&mut matcher.told), std::mem::take(&mut matcher.lost));
        drop(matcher);
        if !told.is_empty() {
            self.sink.ran(&told);
        }
        if lost > 0 {
            self.sink.lost(lost);
        }
        let mut dropped = 0;
        // SAFETY: a valid place; context and stream are not looked at by these versions.
        let result = unsafe { (self.library.dropped_records)(null_mut(), 0, &mut dropped) };
        if result == SUCCESS && dropped > 0 {
            self.sink.lost(dropped as u64);
        }
        is_ours
    }

    /// Has buffers come back. Those with records that are not complete come only when the process exits.
    fn flush(&self, is_last: bool) -> bool {
        // SAFETY: no pointers.
        unsafe { (self.library.flush_all)(if is_last { FLUSH_FORCED } else { 0 }) };
        let mut silence = lock(&self.silence);
        let (tagged, returned) = (self.tagged.load(Relaxed), self.returned.load(Relaxed));
        if returned != silence.returned || tagged == silence.tagged {
            *silence = Silence { tagged, returned, since_ns: None };
            return true;
        }
        let now = monotonic_ns();
        now - *silence.since_ns.get_or_insert(now) < SILENCE_NS
    }

    /// Nothing is tagged any more. What was tagged is still told, should it come; what was not, is somebody else's to tell.
    pub(crate) fn leave(&self) {
        lock(&self.matcher).is_left = true;
    }
}

/// CUPTI wants a buffer.
extern "C" fn request(buffer: *mut *mut u8, size: *mut usize, records: *mut usize) {
    let given = SESSION.get().and_then(|session| {
        let mut buffers = lock(&session.buffers);
        buffers.free.pop().or_else(|| {
            let has_room = buffers.made < BUFFERS_MAX;
            buffers.made += usize::from(has_room);
            has_room.then(|| vec![0; BUFFER_WORDS].into_boxed_slice())
        })
    });
    let address = given.map_or(null_mut(), |given| Box::into_raw(given).cast::<u8>());
    // SAFETY: CUPTI's places.
    unsafe {
        *buffer = address;
        *size = if address.is_null() { 0 } else { BUFFER_WORDS * 8 };
        *records = 0;
    }
}

/// It comes back.
extern "C" fn complete(_context: *mut c_void, _stream: u32, buffer: *mut u8, _size: usize, valid: usize) {
    let Some(session) = SESSION.get() else { return };
    session.returned.fetch_add(1, Relaxed);
    let ahead = session.ahead.load(Relaxed);
    let mut matcher = lock(&session.matcher);
    let mut place: *mut u8 = null_mut();
    // SAFETY: the buffer holds so many bytes of records, and CUPTI finds one after the other.
    while unsafe { (session.library.next_record)(buffer, valid, &mut place) } == SUCCESS && !place.is_null() {
        // SAFETY: a record of CUPTI's.
        matcher.take(&unsafe { record::Record::read(place) }, OUR_IDS, ahead);
    }
    drop(matcher);
    let words = core::ptr::slice_from_raw_parts_mut(buffer.cast::<u64>(), BUFFER_WORDS);
    // SAFETY: all buffers that CUPTI has are those of `request`.
    let buffer = unsafe { Box::from_raw(words) };
    lock(&session.buffers).free.push(buffer);
}
