//! The streams of a context.

use super::{Role, Stream};
use crate::answer::{Answer, code_of_fault, system_refused};
use crate::device::Device;
use crate::device_runtime::DeviceState;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::objects::Objects;
use cuda_abi::CUresult;
use simt::{Domain, Point};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Bytes of a thread's stack, unless set otherwise.
const STACK_BYTES_DEFAULT: u32 = 1024;

/// The streams of a context, and what they share.
pub(crate) struct StreamGroup {
    context_id: u64,
    context_handle: OnceLock<usize>,
    pub(crate) device: &'static Device,
    machine: &'static Machine,
    domain: Arc<Domain>,
    /// What the context's kernels have made.
    pub(crate) device_state: Arc<DeviceState>,
    /// The ring of the legacy default stream.
    pub(super) legacy_queue: Arc<simt::Stream>,
    /// The legacy default stream, which refers to this group: taken away when the context ends.
    legacy: Lock<Option<Arc<Stream>>>,
    /// All others that are in use, or were and are not yet idle.
    streams: Lock<Vec<Arc<Stream>>>,
    /// How many of them keep the order with the legacy stream.
    blocking: AtomicUsize,
    /// Stack of each thread of a kernel that needs one, in bytes.
    stack_bytes: AtomicU32,
    is_closed: AtomicBool,
}

/// Default streams of the calling thread by context. When the thread ends they are released.
struct ThreadStreams(Vec<(u64, Arc<Stream>)>);

impl Drop for ThreadStreams {
    fn drop(&mut self) {
        for (_, stream) in &self.0 {
            stream.is_released.store(true, Ordering::Release);
        }
    }
}

thread_local! {
    static THREAD_STREAMS: RefCell<ThreadStreams> = const { RefCell::new(ThreadStreams(Vec::new())) };
}

impl StreamGroup {
    /// The streams of a new context: the legacy default one.
    pub(crate) fn new(
        context_id: u64,
        device: &'static Device,
        machine: &'static Machine,
        domain: Arc<Domain>,
    ) -> Answer<Arc<StreamGroup>> {
        let legacy_queue = machine.engine.stream(&domain, 0).map_err(system_refused)?;
        let group = Arc::new(StreamGroup {
            context_id,
            context_handle: OnceLock::new(),
            device,
            machine,
            domain,
            device_state: Arc::default(),
            legacy: Lock::new(Order::LegacyStream, None),
            legacy_queue: legacy_queue.clone(),
            streams: Lock::new(Order::Streams, Vec::new()),
            blocking: AtomicUsize::new(0),
            stack_bytes: AtomicU32::new(STACK_BYTES_DEFAULT),
            is_closed: AtomicBool::new(false),
        });
        *group.legacy.lock() = Some(group.stream_of(legacy_queue, Role::Legacy, true));
        Ok(group)
    }

    fn make(self: &Arc<Self>, role: Role, is_blocking: bool, priority: i32) -> Answer<Arc<Stream>> {
        let queue = self.machine.engine.stream(&self.domain, priority).map_err(system_refused)?;
        Ok(self.stream_of(queue, role, is_blocking))
    }

    fn stream_of(self: &Arc<Self>, queue: Arc<simt::Stream>, role: Role, is_blocking: bool) -> Arc<Stream> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Arc::new(Stream {
            queue,
            group: self.clone(),
            role,
            is_blocking,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            handle: OnceLock::new(),
            is_released: AtomicBool::new(false),
            after_legacy: AtomicU64::new(0),
            before_legacy: AtomicU64::new(0),
        })
    }

    pub(crate) fn set_context_handle(&self, handle: usize) {
        let _ = self.context_handle.set(handle);
    }

    /// The handle of the context.
    pub(crate) fn context_handle(&self) -> usize {
        self.context_handle.get().copied().unwrap_or(0)
    }

    /// Unique number of the context.
    pub(crate) fn context_id(&self) -> u64 {
        self.context_id
    }

    pub(crate) fn machine(&self) -> &'static Machine {
        self.machine
    }

    /// Stack of each thread of a kernel that needs one, in bytes.
    pub(crate) fn stack_bytes(&self) -> u32 {
        self.stack_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stack_bytes(&self, bytes: u32) {
        self.stack_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn domain(&self) -> &Arc<Domain> {
        &self.domain
    }

    /// The legacy default stream.
    ///
    /// # Errors
    /// When the context is gone.
    pub(crate) fn legacy(&self) -> Answer<Arc<Stream>> {
        self.legacy.lock().clone().ok_or(CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED)
    }

    /// Whether a kernel of the context has faulted, or the context is gone.
    ///
    /// # Errors
    /// The code that every call answers from then on.
    #[inline]
    pub(crate) fn check(&self) -> Answer {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED);
        }
        self.failed()
    }

    /// The same, whether the context is there or not.
    #[inline]
    pub(crate) fn failed(&self) -> Answer {
        if self.domain.has_failed() { self.failure() } else { Ok(()) }
    }

    #[cold]
    fn failure(&self) -> Answer {
        match self.domain.fault() {
            Some(fault) => Err(code_of_fault(fault.kind)),
            None => Ok(()),
        }
    }

    /// Makes a stream for the program, with a handle.
    pub(crate) fn create(self: &Arc<Self>, is_blocking: bool, priority: i32) -> Answer<usize> {
        let stream = self.make(Role::Created, is_blocking, priority)?;
        let handle = self.machine.objects.insert(stream.clone())?;
        let _ = stream.handle.set(handle);
        self.add(stream);
        Ok(handle)
    }

    /// The default stream of the calling thread.
    pub(crate) fn of_thread(self: &Arc<Self>) -> Answer<Arc<Stream>> {
        let found = THREAD_STREAMS.try_with(|streams| {
            let mut streams = streams.borrow_mut();
            if let Some((_, stream)) = streams.0.iter().find(|(context, _)| *context == self.context_id) {
                return Ok(stream.clone());
            }
            streams.0.retain(|(_, stream)| !stream.group.is_closed.load(Ordering::Acquire));
            let stream = self.make(Role::Thread, true, 0)?;
            streams.0.push((self.context_id, stream.clone()));
            self.add(stream.clone());
            Ok(stream)
        });
        found.unwrap_or(Err(CUresult::CUDA_ERROR_DEINITIALIZED))
    }

    /// Releases a stream that the program made. What is in it is still carried out.
    pub(crate) fn release(&self, stream: &Stream) {
        stream.is_released.store(true, Ordering::Release);
        let mut streams = self.streams.lock();
        self.forget_finished(&mut streams);
    }

    fn add(&self, stream: Arc<Stream>) {
        let mut streams = self.streams.lock();
        self.forget_finished(&mut streams);
        streams.push(stream);
        self.count_blocking(&streams);
    }

    /// Takes away streams that are released and have nothing left to do.
    fn forget_finished(&self, streams: &mut Vec<Arc<Stream>>) {
        streams.retain(|stream| !(stream.is_released() && stream.queue.is_idle()));
        self.count_blocking(streams);
    }

    fn count_blocking(&self, streams: &[Arc<Stream>]) {
        let count = streams.iter().filter(|stream| stream.is_blocking).count();
        self.blocking.store(count, Ordering::Release);
    }

    /// All streams.
    fn all(&self) -> Vec<Arc<Stream>> {
        let mut streams = self.streams.lock().clone();
        streams.extend(self.legacy());
        streams
    }

    /// Makes the legacy stream wait for the blocking ones.
    #[inline]
    pub(super) fn order_legacy(&self, legacy: &Stream) {
        if self.blocking.load(Ordering::Acquire) > 0 {
            self.order_legacy_slowly(legacy);
        }
    }

    fn order_legacy_slowly(&self, legacy: &Stream) {
        let mut busy: Vec<Arc<Stream>> = Vec::new();
        for stream in self.streams.lock().iter() {
            if stream.is_blocking && !stream.queue.is_idle() {
                busy.push(stream.clone());
            }
        }
        for stream in busy {
            legacy.wait_once(&stream.queue, &stream.before_legacy);
        }
    }

    /// Waits for the blocking streams.
    pub(super) fn synchronize_blocking(&self) {
        if self.blocking.load(Ordering::Acquire) > 0 {
            self.all().iter().filter(|stream| stream.is_blocking).for_each(|stream| stream.queue.synchronize());
        }
    }

    /// Whether the blocking streams are idle.
    pub(super) fn is_blocking_idle(&self) -> bool {
        self.blocking.load(Ordering::Acquire) == 0
            || self.streams.lock().iter().all(|stream| !stream.is_blocking || stream.queue.is_idle())
    }

    /// Waits for all streams.
    pub(crate) fn synchronize(&self) {
        self.all().iter().for_each(|stream| stream.queue.synchronize());
    }

    /// Whether all streams are idle.
    pub(crate) fn is_idle(&self) -> bool {
        self.legacy_queue.is_idle() && self.streams.lock().iter().all(|stream| stream.queue.is_idle())
    }

    /// Where all streams stand that have something to do.
    pub(crate) fn positions(&self) -> Vec<Point> {
        let all = self.all();
        all.iter().filter(|stream| !stream.queue.is_idle()).map(|stream| stream.queue.position()).collect()
    }

    /// Makes all streams wait for a point.
    pub(crate) fn wait_for_all(&self, point: &Point) {
        self.all().iter().for_each(|stream| stream.queue.wait_for(point));
    }

    /// Lets go of kernels that no stream uses.
    pub(crate) fn trim(&self) {
        self.all().iter().for_each(|stream| stream.queue.trim());
    }

    /// Waits for all streams and takes their handles away. False if that has been done already.
    pub(crate) fn close(&self, objects: &Objects) -> bool {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.synchronize();
        let streams = std::mem::take(&mut *self.streams.lock());
        for handle in streams.iter().filter_map(|stream| stream.handle.get()) {
            objects.remove::<Stream>(*handle);
        }
        self.legacy_queue.trim();
        self.legacy.lock().take();
        true
    }
}
