//! Ops from the parameters of calls.

use crate::facts::Bound;
use crate::layer::Observed;
use core::ffi::c_void;
use cuda_abi::*;
use driver_api::op::*;
use driver_api::{Driver, Observer, default_stream_is_per_thread};

/// Most attributes of a launch that are looked at; there are fewer kinds.
const ATTRIBUTES_MAX: usize = 64;
/// Most copies of a batch whose sizes are added up. Of a longer one the sum is that of its beginning.
const BATCH_MAX: usize = 1 << 20;

/// The stream of functions that have no parameter for one.
pub(crate) const NO_STREAM: CUstream = CUstream::NULL;

impl<D: Driver, O: Observer> Observed<D, O> {
    /// Where an op goes: context, stream, and whether it is captured.
    #[inline(always)]
    fn way(&self, stream: CUstream) -> (&'static ContextFacts, u64, bool) {
        let stream = if stream.is_null() && default_stream_is_per_thread() { CU_STREAM_PER_THREAD } else { stream };
        // Before the driver is asked: what changes meanwhile makes the note worthless.
        let note = self.note_of(0);
        let context = self.facts.context(stream, &self.below, &self.definer());
        if is_default(stream) {
            self.observer.set_note(note | u64::from(context.number));
        }
        (context, stream.addr() as u64, self.unusual.includes(stream, &self.below))
    }

    /// An op in a stream.
    #[inline(always)]
    pub(crate) fn op(&self, stream: CUstream, action: Action) -> Op {
        let (context, stream, is_captured) = self.way(stream);
        Op { action, context, stream, is_captured }
    }

    /// A launch.
    #[inline(always)]
    pub(crate) fn launch(
        &self,
        function: CUfunction,
        shape: LaunchShape,
        stream: CUstream,
        is_cooperative: bool,
    ) -> Op {
        let epoch = self.facts.bound_epoch();
        let (context, stream, is_captured) = self.way(stream);
        let kernel = self.facts.kernel(function, context, &self.below, &self.definer());
        if !is_captured {
            self.facts.bind(function, kernel, context, epoch);
        }
        Op { action: Action::Launch(Launch { kernel, shape, is_cooperative }), context, stream, is_captured }
    }

    /// Whether there is any use in [`begin_plain_launch`](Observed::begin_plain_launch) and [`begin_plain`](Observed::begin_plain), which otherwise may not be
    /// called.
    pub fn is_plain(&self) -> bool {
        self.observer.is_plain()
    }

    /// Begins a launch that takes no more than numbers, for [`end_plain`](Observed::end_plain). `None` where it has to be called through the
    /// layer.
    ///
    /// # Safety
    /// The function is launched on this thread before it does anything else. A null stream is the legacy one.
    #[inline(always)]
    pub unsafe fn begin_plain_launch(
        &self,
        function: CUfunction,
        shape: LaunchShape,
        stream: CUstream,
        is_cooperative: bool,
    ) -> Option<Token> {
        let begin = self.observer.now();
        let generation = self.facts.usual.generation();
        let bound = self.facts.bound(function)?;
        let (Bound { kernel, context }, _) = bound;
        let action = PlainAction::Launch { kernel, shape, is_cooperative };
        if !self.unusual.is_nothing() {
            return None;
        }
        let plain = Plain { action, context, stream: stream.addr() as u64, begin };
        // Code for each of both, so that it is short.
        let (note, usual_stream) = if is_default(stream) {
            (Some(self.note_of(context)), None)
        } else if self.facts.is_bound_to(function, bound, stream) {
            (None, Some(stream))
        } else {
            return None;
        };
        self.facts.note_usual(function, bound.0, usual_stream, generation);
        // SAFETY: the caller's promise.
        unsafe { self.observer.before_plain(plain, note) }
    }

    /// Begins another call as [`begin_plain_launch`](Observed::begin_plain_launch) does a launch.
    ///
    /// # Safety
    /// It is done on this thread before that does anything else. A null stream is the legacy one.
    #[inline(always)]
    pub unsafe fn begin_plain(&self, action: PlainAction, stream: CUstream) -> Option<Token> {
        let begin = self.observer.now();
        if !self.unusual.is_nothing() {
            return None;
        }
        let context = if is_default(stream) {
            let note = self.observer.note();
            let context = note as u16;
            (context != 0 && note == self.note_of(context)).then_some(context)?
        } else {
            self.facts.known_context(stream)?
        };
        // SAFETY: the caller's promise.
        unsafe { self.observer.before_plain(Plain { action, context, stream: stream.addr() as u64, begin }, None) }
    }

    /// After such a call.
    #[inline(always)]
    pub fn end_plain(&self, token: Token, result: CUresult) {
        self.observer.after_plain(token, result);
    }

    /// A launch with a configuration.
    ///
    /// # Safety
    /// The configuration's attributes are there, or their number is 0.
    pub(crate) unsafe fn launch_ex(&self, config: &CUlaunchConfig, function: CUfunction) -> Op {
        // SAFETY: the caller's promise.
        let (cluster, is_cooperative) = unsafe { attributes(config) };
        self.launch(function, shape_of(config, cluster), config.hStream, is_cooperative)
    }

    /// A launch of the API of before CUDA 4, whose block was set beforehand.
    pub(crate) fn legacy_launch(&self, function: CUfunction, width: i32, height: i32, stream: CUstream) -> Op {
        let (block, dynamic_shared) = self.legacy_shape(function);
        let grid = [width.max(0) as u32, height.max(0) as u32, 1];
        self.launch(function, LaunchShape { grid, block, dynamic_shared, cluster: 0 }, stream, false)
    }

    /// The first of the launches on several devices.
    ///
    /// # Safety
    /// The list is as long as is said.
    pub(crate) unsafe fn launch_of_list(&self, list: *const CUDA_LAUNCH_PARAMS, count: u32, index: u32) -> Option<Op> {
        if list.is_null() || index >= count {
            return None;
        }
        // SAFETY: the caller's promise.
        let launch = unsafe { &*list.add(index as usize) };
        let shape = LaunchShape {
            grid: [launch.gridDimX, launch.gridDimY, launch.gridDimZ],
            block: [launch.blockDimX, launch.blockDimY, launch.blockDimZ],
            dynamic_shared: launch.sharedMemBytes,
            cluster: 0,
        };
        Some(self.launch(launch.function, shape, launch.hStream, true))
    }

    /// A copy that ends with the call.
    pub(crate) fn copy(&self, kind: CopyKind, bytes: usize) -> Op {
        self.op(NO_STREAM, Action::Copy { kind, bytes: bytes as u64, is_async: false })
    }

    /// A copy in a stream.
    pub(crate) fn copy_async(&self, kind: CopyKind, bytes: usize, stream: CUstream) -> Op {
        self.op(stream, Action::Copy { kind, bytes: bytes as u64, is_async: true })
    }

    /// A set that ends with the call.
    pub(crate) fn set(&self, bytes: usize) -> Op {
        self.op(NO_STREAM, Action::Set { bytes: bytes as u64, is_async: false })
    }

    /// A set in a stream.
    pub(crate) fn set_async(&self, bytes: usize, stream: CUstream) -> Op {
        self.op(stream, Action::Set { bytes: bytes as u64, is_async: true })
    }

    /// An allocation whose address is not known yet.
    pub(crate) fn alloc(&self, kind: MemoryKind, bytes: usize, stream: CUstream) -> Op {
        self.op(stream, Action::Alloc { kind, bytes: bytes as u64, address: 0 })
    }

    /// A free.
    pub(crate) fn free(&self, kind: MemoryKind, address: u64, stream: CUstream) -> Op {
        self.op(stream, Action::Free { kind, address })
    }

    /// A load whose handle is not known yet.
    pub(crate) fn load(&self, kind: LoadKind, bytes: u64) -> Op {
        self.op(NO_STREAM, Action::Load { kind, handle: 0, bytes })
    }

    /// An unload.
    pub(crate) fn unload(&self, kind: LoadKind, handle: usize) -> Op {
        self.op(NO_STREAM, Action::Unload { kind, handle: handle as u64 })
    }

    /// A synchronisation with a stream.
    pub(crate) fn sync_stream(&self, stream: CUstream) -> Op {
        self.op(stream, Action::Sync(SyncKind::Stream))
    }

    /// A synchronisation with the current context.
    pub(crate) fn sync_context(&self) -> Op {
        self.op(NO_STREAM, Action::Sync(SyncKind::Context))
    }

    /// A synchronisation with an event, by the host or by a stream.
    pub(crate) fn sync_event(&self, kind: SyncKind, event: CUevent, stream: CUstream) -> Op {
        Op { stream: event.addr() as u64, ..self.op(stream, Action::Sync(kind)) }
    }
}

/// Whether a stream is one of the default streams, which are of the current context.
#[inline(always)]
fn is_default(stream: CUstream) -> bool {
    stream.addr() <= CU_STREAM_PER_THREAD.addr()
}

/// What a launch's attributes say that is observed: blocks of a cluster, and whether the blocks of the grid may wait for each other.
///
/// # Safety
/// The configuration's attributes are there, or their number is 0.
#[inline(always)]
pub unsafe fn attributes(config: &CUlaunchConfig) -> (u32, bool) {
    use CUlaunchAttributeID as Id;
    let (mut cluster, mut is_cooperative) = (0, false);
    if !config.attrs.is_null() {
        let count = (config.numAttrs as usize).min(ATTRIBUTES_MAX);
        // SAFETY: the caller's promise.
        for attribute in unsafe { core::slice::from_raw_parts(config.attrs, count) } {
            match attribute.id {
                Id::CU_LAUNCH_ATTRIBUTE_COOPERATIVE => {
                    // SAFETY: the field of this kind; a plain number.
                    is_cooperative = unsafe { attribute.value.cooperative } != 0;
                }
                Id::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION => {
                    // SAFETY: the field of this kind; plain numbers.
                    let size = unsafe { attribute.value.clusterDim };
                    cluster = size.x.saturating_mul(size.y).saturating_mul(size.z);
                }
                _ => {}
            }
        }
    }
    (cluster, is_cooperative)
}

/// The shape of a launch with a configuration.
#[inline(always)]
pub fn shape_of(config: &CUlaunchConfig, cluster: u32) -> LaunchShape {
    LaunchShape {
        grid: [config.gridDimX, config.gridDimY, config.gridDimZ],
        block: [config.blockDimX, config.blockDimY, config.blockDimZ],
        dynamic_shared: config.sharedMemBytes,
        cluster,
    }
}

/// From where to where, by the kinds of memory of both ends.
pub(crate) fn copy_kind(from: CUmemorytype, to: CUmemorytype) -> CopyKind {
    use CUmemorytype as M;
    match (from, to) {
        (M::CU_MEMORYTYPE_ARRAY, _) | (_, M::CU_MEMORYTYPE_ARRAY) => CopyKind::Array,
        (M::CU_MEMORYTYPE_HOST, M::CU_MEMORYTYPE_DEVICE) => CopyKind::HostToDevice,
        (M::CU_MEMORYTYPE_DEVICE, M::CU_MEMORYTYPE_HOST) => CopyKind::DeviceToHost,
        (M::CU_MEMORYTYPE_DEVICE, M::CU_MEMORYTYPE_DEVICE) => CopyKind::DeviceToDevice,
        (M::CU_MEMORYTYPE_HOST, M::CU_MEMORYTYPE_HOST) => CopyKind::HostToHost,
        _ => CopyKind::Any,
    }
}

/// Bytes of a box.
pub(crate) fn volume(width: usize, height: usize, depth: usize) -> usize {
    width.saturating_mul(height).saturating_mul(depth)
}

/// Bytes of an array.
pub(crate) fn array_bytes(width: usize, height: usize, depth: usize, format: CUarray_format, channels: u32) -> usize {
    use CUarray_format as F;
    let element = match format {
        F::CU_AD_FORMAT_UNSIGNED_INT8 | F::CU_AD_FORMAT_SIGNED_INT8 => 1,
        F::CU_AD_FORMAT_UNSIGNED_INT16 | F::CU_AD_FORMAT_SIGNED_INT16 | F::CU_AD_FORMAT_HALF => 2,
        F::CU_AD_FORMAT_UNSIGNED_INT32 | F::CU_AD_FORMAT_SIGNED_INT32 | F::CU_AD_FORMAT_FLOAT => 4,
        // Compressed and planar formats: the size is the driver's.
        _ => 0,
    };
    volume(width, height.max(1), depth.max(1)).saturating_mul(element).saturating_mul(channels as usize)
}

/// Sum of the sizes of a batch.
///
/// # Safety
/// The list is null, or as long as is said.
pub(crate) unsafe fn batch_bytes(sizes: *const usize, count: usize) -> usize {
    if sizes.is_null() {
        return 0;
    }
    // SAFETY: the caller's promise.
    let sizes = unsafe { core::slice::from_raw_parts(sizes, count.min(BATCH_MAX)) };
    sizes.iter().fold(0, |sum, size| sum.saturating_add(*size))
}

/// Sum of the sizes of a batch of boxes.
///
/// # Safety
/// The list is null, or as long as is said.
pub(crate) unsafe fn batch_3d_bytes(operations: *const CUDA_MEMCPY3D_BATCH_OP, count: usize) -> usize {
    if operations.is_null() {
        return 0;
    }
    // SAFETY: the caller's promise.
    let operations = unsafe { core::slice::from_raw_parts(operations, count.min(BATCH_MAX)) };
    // In elements where an array is among them, whose size is the driver's: then what is counted is elements.
    operations.iter().fold(0, |sum, operation| {
        sum.saturating_add(volume(operation.extent.width, operation.extent.height, operation.extent.depth))
    })
}

/// Size of an image in memory: text up to its end, a container by its header; 0 where it is of another kind.
///
/// # Safety
/// The image is null, or as the API takes it.
pub(crate) unsafe fn image_bytes(image: *const c_void) -> u64 {
    /// A wrapper around a container; the container's header holds the size.
    const WRAPPER: u32 = 0x4662_43b1;
    const CONTAINER: u32 = 0xba55_ed50;
    if image.is_null() {
        return 0;
    }
    let mut image: *const u8 = image.cast();
    // SAFETY: the caller's promise.
    let mut mark = unsafe { beginning(image) };
    if mark == WRAPPER.to_le_bytes() {
        // SAFETY: the wrapper is mark, version and a pointer to the container.
        image = unsafe { image.add(8).cast::<*const u8>().read_unaligned() };
        if image.is_null() {
            return 0;
        }
        // SAFETY: what the wrapper points to is an image.
        mark = unsafe { beginning(image) };
    }
    if mark == CONTAINER.to_le_bytes() {
        // SAFETY: mark, version and size of the header, then the size of the rest.
        unsafe {
            let header = image.add(6).cast::<u16>().read_unaligned();
            image.add(8).cast::<u64>().read_unaligned().saturating_add(header.into())
        }
    } else if mark.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        // SAFETY: PTX is a text that ends with a null byte; no other image begins like one.
        unsafe { core::ffi::CStr::from_ptr(image.cast()) }.count_bytes() as u64
    } else {
        0
    }
}

/// The first bytes of an image, up to a null byte, which ends a text.
///
/// # Safety
/// The image is readable as far as that.
unsafe fn beginning(image: *const u8) -> [u8; 4] {
    let mut bytes = [0; 4];
    for (index, byte) in bytes.iter_mut().enumerate() {
        // SAFETY: no null byte so far, so that the image goes on.
        *byte = unsafe { image.add(index).read() };
        if *byte == 0 {
            break;
        }
    }
    bytes
}
