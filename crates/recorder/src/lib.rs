//! The observer that records into a file, when `APEX_RECORD` names one, and publishes counts, when `APEX_LIVE` asks for it.
//!
//! Invariant: translates and nothing else. What is recorded is `telemetry`'s to say, what is observed `driver-api`'s.

mod sink;

use cuda_abi::CUresult;
use driver_api::op::*;
use driver_api::{DeviceTimeSink, DeviceTimer, env, set_launch_tag};
use std::path::PathBuf;
use std::sync::OnceLock;
use telemetry::records::{self, flags};
use telemetry::{Config, Event, Open, Quick, Recorder, clock, live};

/// Bytes of an event in a ring.
const EVENT_BYTES: usize = 64;
/// Least and most bytes of a ring.
const RING_BYTES: std::ops::RangeInclusive<usize> = 4 << 10..=1 << 30;

/// Records what it sees. What launches look at comes first.
#[repr(C)]
pub struct RecordObserver {
    /// Where nobody asks for more than what launches say themselves.
    quick: Option<Quick>,
    recorder: &'static Recorder,
    times: &'static Times,
}

/// Who tells times of the device.
#[derive(Clone, Copy)]
enum Times {
    Nobody,
    /// The driver tells launches', by the thread's tag.
    Driver,
    Timer(&'static dyn DeviceTimer),
}

/// Who gets launches' times on the device.
static TIMED: OnceLock<&'static Recorder> = OnceLock::new();

/// Where times of the device come from.
pub enum TimeSource<'a> {
    /// From nowhere.
    None,
    /// From the driver.
    Driver(TimeLaunches),
    /// From a timer, which is made for a sink.
    Timer(&'a dyn Fn(&'static dyn DeviceTimeSink) -> &'static dyn DeviceTimer),
}

/// How a driver is told to time launches: by which clock, and whom to tell (a tag, when the launch began and ended). Answers whether it
/// does.
pub type TimeLaunches = fn(now: fn() -> u64, ran: fn(u64, u64, u64)) -> bool;

/// A launch has run on the device. Its tag is the call's number plus 1.
fn ran(tag: u64, start: u64, end: u64) {
    if let Some(recorder) = TIMED.get() {
        recorder.record(Event::execution(tag.wrapping_sub(1), start, end));
    }
}

/// Whether the environment asks for a recording, or for counts to be published.
pub fn is_wanted() -> bool {
    env::RECORD.get().is_some() || live_folder().is_some()
}

/// The folder that counts are to be published in. Tells once what it does not understand.
fn live_folder() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let value = env::LIVE.get()?;
        let folder = folder_of(&value);
        if folder.is_none() && value != "0" {
            eprintln!(
                "apex: nothing is published: {}={value} is neither 0, 1 nor the path of a folder",
                env::LIVE.name
            );
        }
        folder
    });
    folder.clone()
}

/// The folder that a value of `APEX_LIVE` means.
fn folder_of(value: &str) -> Option<PathBuf> {
    match value {
        "1" => Some(PathBuf::from(live::folder::DEFAULT)),
        path if path.starts_with('/') => Some(PathBuf::from(path)),
        _ => None,
    }
}

/// The observer, if the environment asks for one. It ends when the process exits.
pub fn from_environment(source: TimeSource<'_>) -> Option<RecordObserver> {
    let (path, live) = (env::RECORD.get().map(PathBuf::from), live_folder());
    let mut config = match (path, live) {
        (Some(path), live) => Config { live, ..Config::new(path) },
        (None, Some(folder)) => Config::live(folder),
        (None, None) => return None,
    };
    if let Some(size) = env::RECORD_BUFFER.get() {
        match bytes(&size).filter(|bytes| RING_BYTES.contains(bytes)) {
            Some(bytes) => config.ring_events = bytes / EVENT_BYTES,
            None => eprintln!("apex: {}={size} is no size from 4K to 1G; using 1M", env::RECORD_BUFFER.name),
        }
    }
    config.all_ends = match env::CALL_TIMES.get().as_deref() {
        Some("all") => true,
        None | Some("sampled") => false,
        Some(other) => {
            eprintln!("apex: {}={other} is neither `sampled` nor `all`; using `sampled`", env::CALL_TIMES.name);
            false
        }
    };
    config.executions = !matches!(source, TimeSource::None);
    let recorder = Recorder::new(config);
    recorder.install();
    let times = match source {
        TimeSource::None => Times::Nobody,
        TimeSource::Driver(time) if TIMED.set(recorder).is_ok() && time(clock::ticks, ran) => Times::Driver,
        TimeSource::Driver(_) => Times::Nobody,
        TimeSource::Timer(timer) => {
            let timer = timer(Box::leak(Box::new(sink::Sink(recorder))));
            recorder.collect_by(Box::new(|is_last| timer.collect(is_last)));
            Times::Timer(timer)
        }
    };
    match times {
        Times::Nobody => recorder.add_fact("device_times", "none".to_owned()),
        Times::Driver => recorder.add_fact("device_times", "software GPU".to_owned()),
        // It says so itself.
        Times::Timer(_) => {}
    }
    // With times, events are told apart by their numbers before they are put down.
    let quick = if matches!(times, Times::Nobody) { recorder.quick() } else { None };
    Some(RecordObserver { quick, recorder, times: Box::leak(Box::new(times)) })
}

/// A number of bytes, with K, M or G perhaps.
fn bytes(text: &str) -> Option<usize> {
    let (digits, shift) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 10),
        b'M' => (&text[..text.len() - 1], 20),
        b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

impl RecordObserver {
    /// Where [`Quick`] lies, or 0 where it is not wanted.
    pub const QUICK_AT: usize = std::mem::offset_of!(RecordObserver, quick);

    /// Records into a recorder, without times of the device.
    pub fn over(recorder: &'static Recorder) -> RecordObserver {
        RecordObserver { quick: recorder.quick(), recorder, times: &Times::Nobody }
    }

    /// Records an event that is no launch.
    #[inline(never)]
    fn end(&self, token: telemetry::Token, event: Event) {
        self.recorder.end(token, event);
    }

    /// Says under which tag times of the device are told. Apart, so that the code of calls that nobody times is short.
    #[inline(never)]
    fn timed_before(&self, token: &telemetry::Token, op: &Op) {
        let tag = token.correlation.wrapping_add(1);
        match *self.times {
            Times::Driver if matches!(op.action, Action::Launch(_)) => set_launch_tag(tag),
            Times::Timer(timer) if tag != 0 => timer.before(tag, op),
            _ => {}
        }
    }

    /// Shows an op that was done to the timer.
    #[inline(never)]
    fn timed_after(&self, timer: &dyn DeviceTimer, token: &telemetry::Token, op: &Op, result: CUresult) {
        if token.correlation != u64::MAX {
            timer.after(self.recorder.next_number(token) + 1, op, result);
        }
    }
}

impl Observer for RecordObserver {
    fn define(&self, definition: Definition<'_>) {
        if let Times::Timer(timer) = *self.times {
            timer.define(&definition);
        }
        match definition {
            Definition::Device(facts) => self.recorder.define_device(device(facts)),
            Definition::Context(facts) => {
                let device = facts.device.map_or(0, device_id);
                let (id, handle) = (facts.number.into(), facts.handle);
                self.recorder.define_context(records::Context { id, handle, device });
            }
            Definition::Kernel(facts) => {
                if let Some(figures) = facts.figures {
                    self.recorder.define_blocks_max(facts.number.into(), figures.blocks_max);
                }
                self.recorder.define_kernel(kernel(facts));
            }
            Definition::Graph { number, nodes } => {
                for (index, node) in nodes.iter().enumerate() {
                    let row = records::Node {
                        graph: number.into(),
                        index: index as u64,
                        kind: node.kind.into(),
                        shape: 0,
                        bytes: node.bytes,
                    };
                    self.recorder.define_node(row, node.launch.as_ref().map(launch));
                }
            }
        }
    }

    #[inline(always)]
    fn before(&self, op: &Op) -> Token {
        let token = self.recorder.begin();
        if !matches!(*self.times, Times::Nobody) {
            self.timed_before(&token, op);
        }
        Token(token.into())
    }

    #[inline(always)]
    fn after(&self, token: Token, op: &Op, result: CUresult) {
        // SAFETY: `before` made it, on the thread that makes the call.
        let token = unsafe { telemetry::Token::from_words(token.0) };
        let captured = if op.is_captured { flags::CAPTURED } else { 0 };
        if let Times::Timer(timer) = *self.times {
            self.timed_after(timer, &token, op, result);
        }
        let place = |event: Event| event.at(op.context.number, op.stream).with_flags(captured).with_result(result.0);
        // A launch has code of its own: it is short, and in the cache.
        match &op.action {
            Action::Launch(op) => self.recorder.end(token, place(launch(op))),
            other => self.end(token, place(event(other))),
        }
    }

    fn is_plain(&self) -> bool {
        self.quick.is_some()
    }

    #[inline(always)]
    fn now(&self) -> u64 {
        telemetry::clock::counter()
    }

    /// # Safety
    /// The call is done, and shown to `after_plain`, on the calling thread.
    #[inline(always)]
    unsafe fn before_plain(&self, plain: Plain, note: Option<u64>) -> Option<Token> {
        // SAFETY: the caller's promise.
        let open = unsafe { self.quick?.begin(plain_event(plain)?, plain.begin, note) }?;
        Some(Token(open.into()))
    }

    #[inline(always)]
    fn after_plain(&self, token: Token, result: CUresult) {
        // SAFETY: `before_plain` made it, on the thread that makes the call.
        unsafe { Open::from_words(token.0) }.end(result.0);
    }

    #[inline(always)]
    fn note(&self) -> u64 {
        self.quick.map_or(0, Quick::note)
    }

    fn set_note(&self, note: u64) {
        if let Some(quick) = self.quick {
            quick.set_note(note);
        }
    }

    fn contexts_go(&self) {
        if let Times::Timer(timer) = *self.times {
            timer.contexts_go();
        }
    }
}

/// An op as an event.
#[cold]
#[inline(never)]
fn event(action: &Action) -> Event {
    let asynchronous = |is_async: bool| if is_async { flags::ASYNCHRONOUS } else { 0 };
    match *action {
        Action::Launch(ref op) => launch(op),
        Action::GraphLaunch { graph } => Event::graph_launch(graph),
        Action::Copy { kind, bytes, is_async } => Event::copy(kind as u32, bytes).with_flags(asynchronous(is_async)),
        Action::Set { bytes, is_async } => Event::set(bytes).with_flags(asynchronous(is_async)),
        Action::Alloc { kind, bytes, address } => {
            Event::allocation(kind as u32, address, bytes).with_flags(asynchronous(kind == MemoryKind::Pool))
        }
        Action::Free { kind, address } => {
            Event::free(kind as u32, address).with_flags(asynchronous(kind == MemoryKind::Pool))
        }
        Action::Sync(kind) => Event::sync(kind as u32),
        Action::Load { kind, handle, bytes } => Event::load(kind as u32, handle, bytes),
        Action::Unload { kind, handle } => Event::load(kind as u32, handle, 0).with_flags(flags::RELEASE),
    }
}

/// A plain call as an event; `None` where that takes more than to put it down.
#[inline(always)]
fn plain_event(plain: Plain) -> Option<Event> {
    let event = match plain.action {
        PlainAction::Launch { kernel, shape: LaunchShape { grid, block, dynamic_shared, cluster }, is_cooperative } => {
            let flags = if is_cooperative { flags::COOPERATIVE } else { 0 };
            let shape = telemetry::LaunchShape { grid, block, dynamic_shared, cluster };
            Event::narrow_launch(kernel, &shape)?.with_flags(flags)
        }
        PlainAction::Set(bytes) => Event::set(bytes).with_flags(flags::ASYNCHRONOUS),
        PlainAction::Copy(kind, bytes) => Event::copy(kind as u32, bytes).with_flags(flags::ASYNCHRONOUS),
        PlainAction::Sync(kind) => Event::sync(kind as u32),
    };
    Some(event.at(plain.context, plain.stream))
}

#[inline]
fn launch(launch: &Launch) -> Event {
    // Field by field, as they were written just now: a load of several at once would wait until all of them are in the cache.
    // SAFETY: a reference.
    let field = |field: &u32| unsafe { std::ptr::from_ref(field).read_volatile() };
    let LaunchShape { grid: [gx, gy, gz], block: [bx, by, bz], dynamic_shared, cluster } = &launch.shape;
    let shape = telemetry::LaunchShape {
        grid: [field(gx), field(gy), field(gz)],
        block: [field(bx), field(by), field(bz)],
        dynamic_shared: field(dynamic_shared),
        cluster: field(cluster),
    };
    let flags = if launch.is_cooperative { flags::COOPERATIVE } else { 0 };
    Event::launch(launch.kernel.number, &shape).with_flags(flags)
}

/// A device's number in a recording, where 0 is none.
fn device_id(facts: &DeviceFacts) -> u64 {
    facts.ordinal.max(-1).wrapping_add(1) as u64
}

fn device(facts: &DeviceFacts) -> records::Device {
    records::Device {
        id: device_id(facts),
        name: facts.name.clone(),
        major: facts.capability[0].into(),
        minor: facts.capability[1].into(),
        multiprocessors: facts.multiprocessors.into(),
        memory: facts.memory,
    }
}

fn kernel(facts: &KernelFacts) -> records::Kernel {
    let plain = records::Kernel {
        id: facts.number.into(),
        name: facts.name.clone(),
        device: facts.device.max(-1).wrapping_add(1) as u64,
        ..records::Kernel::default()
    };
    let Some(figures) = &facts.figures else { return plain };
    records::Kernel {
        registers: figures.registers.into(),
        static_shared: figures.static_shared.into(),
        local: figures.local.into(),
        constant: figures.constant.into(),
        threads_max: figures.threads_max.into(),
        dynamic_shared_max: figures.dynamic_shared_max.into(),
        carveout: figures.carveout.max(-1).wrapping_add(1) as u64,
        ptx_version: figures.ptx_version.into(),
        binary_version: figures.binary_version.into(),
        known: 1,
        ..plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of kinds in a recording are those of the observed kinds, in the same order.
    #[test]
    fn kinds_have_names() {
        let lengths = [
            (CopyKind::ALL.len(), records::COPIES.0.len()),
            (MemoryKind::ALL.len(), records::MEMORIES.0.len()),
            (SyncKind::ALL.len(), records::SYNCS.0.len()),
            (LoadKind::ALL.len(), records::LOADS.0.len()),
        ];
        assert!(lengths.iter().all(|(kinds, names)| kinds == names), "{lengths:?}");
        assert_eq!(records::COPIES.of(CopyKind::HostToDevice as u64), "host to device");
        assert_eq!(records::COPIES.of(CopyKind::Prefetch as u64), "prefetch");
        assert_eq!(records::MEMORIES.of(MemoryKind::Array as u64), "array");
        assert_eq!(records::SYNCS.of(SyncKind::StreamWaitsEvent as u64), "stream waits for event");
        assert_eq!(records::LOADS.of(LoadKind::Library as u64), "library");
    }

    #[test]
    fn folders_are_read() {
        let folders = ["1", "/tmp/x", "0", "yes", "tmp"].map(folder_of);
        assert_eq!(folders, [Some("/dev/shm".into()), Some("/tmp/x".into()), None, None, None]);
    }

    #[test]
    fn sizes_are_read() {
        let sizes = ["64", "4K", "2M", "1G", "", "K", "-1", "9999999999999G"].map(bytes);
        assert_eq!(sizes, [Some(64), Some(4096), Some(2 << 20), Some(1 << 30), None, None, None, None]);
    }
}
