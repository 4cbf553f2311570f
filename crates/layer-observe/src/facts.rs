//! What the driver tells about kernels, contexts and devices: asked once, then known.
//!
//! Facts live as long as the process: ops refer to them, and observers may keep that. They are interned, so that a program that loads and
//! unloads for ever makes no more of them, and there is a limit to how many are told apart.

use crate::table::{Companion, Table};
use crate::usual::{Usual, launch_word};
use core::ffi::{CStr, c_char};
use cuda_abi::*;
use driver_api::Driver;
use driver_api::op::{ContextFacts, Definition, DeviceFacts, KernelFacts, KernelFigures};
use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stdx::near;

/// Most kernels that are told apart: by name, device and figures.
const KERNELS_MAX: usize = 1 << 16;
/// Most contexts that are told apart.
const CONTEXTS_MAX: usize = 1 << 12;
/// Most kernels whose handles are known to be of libraries. Beyond, one is taken for a function.
const LIBRARY_KERNELS_MAX: usize = 1 << 20;
/// Longest name of a device.
const NAME_BYTES: usize = 256;

/// What is known. First what launches look at.
#[repr(C)]
pub(crate) struct Facts {
    /// What is usual of launches.
    pub(crate) usual: Usual,
    /// Functions that have been launched, and kernels of libraries, by handle: [`Bound`], and a stream in that context that they go to.
    bound: Table<{ 1 << 14 }>,
    /// Kernels and functions by handle and device: the address of facts.
    kernels: Table<{ 1 << 14 }>,
    /// Contexts by handle: the address of facts.
    contexts: Table<{ 1 << 10 }>,
    /// Contexts by stream: the address of facts.
    streams: Table<{ 1 << 12 }>,
    /// The highest ordinal of a device that is known.
    device_max: AtomicI32,
    interned: Mutex<Interned>,
}

/// The kernel of launches of a function into a context, in numbers.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) kernel: u32,
    pub(crate) context: u16,
}

impl Bound {
    #[inline(always)]
    fn from_value(value: u64) -> Bound {
        Bound { kernel: (value >> 16) as u32, context: value as u16 }
    }

    fn value(self) -> u64 {
        u64::from(self.context) | u64::from(self.kernel) << 16
    }
}

/// Everything that was told.
#[derive(Default)]
struct Interned {
    kernels: HashMap<KernelFacts, &'static KernelFacts>,
    contexts: HashMap<(u64, i32), &'static ContextFacts>,
    devices: HashMap<i32, &'static DeviceFacts>,
    /// Handles that are `CUkernel`s, which a launch takes in place of a `CUfunction`, and their libraries; 0 for one that is not known.
    library_kernels: HashMap<u64, u64>,
}

/// A kernel's key in [`Facts::kernels`]: addresses have 48 bits. Ordinals begin with -1, for none.
fn kernel_key(handle: usize, device: i32) -> u64 {
    handle as u64 | (device as u64).wrapping_add(2) << 56
}

/// Facts from their address in a [`Table`].
///
/// # Safety
/// The address is that of a `T` that lives as long as the process.
unsafe fn known<T>(address: u64) -> &'static T {
    // SAFETY: the caller's promise; the provenance was exposed when the address was taken.
    unsafe { &*ptr::with_exposed_provenance(address as usize) }
}

fn address_of<T>(facts: &'static T) -> u64 {
    ptr::from_ref(facts).expose_provenance() as u64
}

impl Facts {
    /// How many bytes from the beginning a launch looks at.
    pub(crate) const LAUNCH_BYTES: usize = std::mem::offset_of!(Facts, bound) + Table::<{ 1 << 14 }>::READ_BYTES;

    pub(crate) fn new() -> Facts {
        Facts {
            usual: Usual::new(),
            bound: Table::new(),
            kernels: Table::new(),
            contexts: Table::new(),
            streams: Table::new(),
            device_max: AtomicI32::new(-1),
            interned: Mutex::default(),
        }
    }

    fn interned(&self) -> MutexGuard<'_, Interned> {
        self.interned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kernel and context of launches of a function, if they are known, and the stream that they went to.
    #[inline(always)]
    pub(crate) fn bound(&self, function: CUfunction) -> Option<(Bound, Companion)> {
        let (value, stream) = self.bound.get_both(function.addr() as u64)?;
        Some((Bound::from_value(value), stream))
    }

    /// Whether a stream, which is no default stream, is in the context that a function is [bound](Facts::bound) to. Most functions always go to
    /// the same stream: then nothing else is looked at.
    #[inline(always)]
    pub(crate) fn is_bound_to(
        &self,
        function: CUfunction,
        (bound, known): (Bound, Companion),
        stream: CUstream,
    ) -> bool {
        let stream_word = stream.addr() as u64;
        self.bound.is_companion(known, stream_word) || {
            let is_in = self.known_context(stream) == Some(bound.context);
            if is_in && !self.bound.holds(known) {
                self.bound.set_companion(function.addr() as u64, bound.value(), stream_word);
            }
            is_in
        }
    }

    /// A function was launched into a context. Of a kernel that is launched into several, the first is kept.
    pub(crate) fn bind(&self, function: CUfunction, kernel: &KernelFacts, context: &ContextFacts, epoch: u32) {
        let bound = Bound { kernel: kernel.number, context: context.number };
        if bound.kernel != 0 && bound.context != 0 && self.bound(function).is_none() {
            self.bound.set(function.addr() as u64, bound.value(), epoch);
        }
    }

    /// A plain launch of a function was found to be as is said, since the [generation](Usual::generation). Its stream is no default stream if it is given.
    pub(crate) fn note_usual(&self, function: CUfunction, bound: Bound, stream: Option<CUstream>, generation: u64) {
        let launch = launch_word(bound.kernel, bound.context);
        self.usual.note(function.addr() as u64, stream.map(|stream| stream.addr() as u64), launch, generation);
    }

    /// What to hand to [`bind`](Facts::bind), taken before the facts are asked for.
    pub(crate) fn bound_epoch(&self) -> u32 {
        self.bound.epoch()
    }

    /// The number of the context of a stream that is no default stream, if it is known.
    #[inline(always)]
    pub(crate) fn known_context(&self, stream: CUstream) -> Option<u16> {
        // SAFETY: set by `context`, to facts.
        self.streams.get(stream.addr() as u64).map(|address| unsafe { known::<ContextFacts>(address) }.number)
    }

    /// The context of a stream; for a default stream, the current one.
    #[inline(always)]
    pub(crate) fn context(
        &self,
        stream: CUstream,
        driver: &dyn Driver,
        define: &dyn Fn(Definition<'_>),
    ) -> &'static ContextFacts {
        let handle = stream.addr() as u64;
        if handle <= 2 {
            return self.current_context(driver, define);
        }
        if let Some(address) = self.streams.get(handle) {
            // SAFETY: set below, to facts.
            return unsafe { known(address) };
        }
        let epoch = self.streams.epoch();
        let (mut context, mut green) = (CUcontext::NULL, CUgreenCtx::NULL);
        if driver.cuStreamGetCtx_v2(stream, &mut context, Some(&mut green)) != CUresult::CUDA_SUCCESS {
            return self.current_context(driver, define);
        }
        // Of a stream of a green context the driver names the device's primary context beside it.
        let mut of_green = CUcontext::NULL;
        if !green.is_null() && driver.cuCtxFromGreenCtx(&mut of_green, green) == CUresult::CUDA_SUCCESS {
            context = of_green;
        }
        let facts = self.context_of(context, driver, define);
        self.streams.set(handle, address_of(facts), epoch);
        facts
    }

    #[inline(always)]
    fn current_context(&self, driver: &dyn Driver, define: &dyn Fn(Definition<'_>)) -> &'static ContextFacts {
        let mut context = CUcontext::NULL;
        match driver.cuCtxGetCurrent(&mut context) {
            CUresult::CUDA_SUCCESS => self.context_of(context, driver, define),
            _ => ContextFacts::NONE,
        }
    }

    #[inline(always)]
    fn context_of(
        &self,
        context: CUcontext,
        driver: &dyn Driver,
        define: &dyn Fn(Definition<'_>),
    ) -> &'static ContextFacts {
        if context.is_null() {
            return ContextFacts::NONE;
        }
        match self.contexts.get(context.addr() as u64) {
            // SAFETY: set by `ask_context`, to facts.
            Some(address) => unsafe { known(address) },
            None => self.ask_context(context, driver, define),
        }
    }

    #[cold]
    fn ask_context(
        &self,
        context: CUcontext,
        driver: &dyn Driver,
        define: &dyn Fn(Definition<'_>),
    ) -> &'static ContextFacts {
        let (handle, epoch) = (context.addr() as u64, self.contexts.epoch());
        let mut device = CU_DEVICE_INVALID;
        if driver.cuCtxGetDevice_v2(&mut device, context) != CUresult::CUDA_SUCCESS {
            return ContextFacts::NONE;
        }
        let mut interned = self.interned();
        let count = interned.contexts.len();
        if count == CONTEXTS_MAX && !interned.contexts.contains_key(&(handle, device)) {
            return ContextFacts::NONE;
        }
        let Interned { contexts, devices, .. } = &mut *interned;
        let facts = *contexts.entry((handle, device)).or_insert_with(|| {
            let device = *devices.entry(device).or_insert_with(|| {
                let facts: &'static _ = near::leak(ask_device(device, driver));
                define(Definition::Device(facts));
                self.device_max.fetch_max(device, Ordering::AcqRel);
                facts
            });
            let facts: &'static _ = near::leak(ContextFacts { number: count as u16 + 1, handle, device: Some(device) });
            define(Definition::Context(facts));
            facts
        });
        self.contexts.set(handle, address_of(facts), epoch);
        facts
    }

    /// The kernel of a launch in a context.
    #[inline(always)]
    pub(crate) fn kernel(
        &self,
        function: CUfunction,
        context: &ContextFacts,
        driver: &dyn Driver,
        define: &dyn Fn(Definition<'_>),
    ) -> &'static KernelFacts {
        let device = context.device.map_or(-1, |device| device.ordinal);
        let key = kernel_key(function.addr(), device);
        match self.kernels.get(key) {
            // SAFETY: set below, to facts.
            Some(address) => unsafe { known(address) },
            None => {
                let epoch = self.kernels.epoch();
                let facts = self.ask_kernel(function, device, driver, define);
                self.kernels.set(key, address_of(facts), epoch);
                facts
            }
        }
    }

    #[cold]
    fn ask_kernel(
        &self,
        function: CUfunction,
        device: i32,
        driver: &dyn Driver,
        define: &dyn Fn(Definition<'_>),
    ) -> &'static KernelFacts {
        static OTHERS: KernelFacts = KernelFacts { number: 0, name: String::new(), device: -1, figures: None };
        let is_library_kernel = self.interned().library_kernels.contains_key(&(function.addr() as u64));
        let (name, figures) = if is_library_kernel {
            let kernel = CUkernel(function.0);
            (
                name(|name| driver.cuKernelGetName(name, kernel)),
                figures(function, driver, |attribute, value| {
                    driver.cuKernelGetAttribute(value, attribute, kernel, device)
                }),
            )
        } else {
            (
                name(|name| driver.cuFuncGetName(name, function)),
                figures(function, driver, |attribute, value| driver.cuFuncGetAttribute(value, attribute, function)),
            )
        };
        let facts = KernelFacts { number: 0, name, device, figures };
        let mut interned = self.interned();
        if let Some(facts) = interned.kernels.get(&facts) {
            return facts;
        }
        if interned.kernels.len() == KERNELS_MAX {
            return &OTHERS;
        }
        let number = interned.kernels.len() as u32 + 1;
        let told: &'static KernelFacts = near::leak(KernelFacts { number, ..facts.clone() });
        define(Definition::Kernel(told));
        interned.kernels.insert(facts, told);
        told
    }

    /// A handle is a kernel of a library.
    pub(crate) fn note_library_kernel(&self, kernel: CUkernel, library: CUlibrary) {
        let mut interned = self.interned();
        if interned.library_kernels.len() < LIBRARY_KERNELS_MAX
            && interned.library_kernels.insert(kernel.addr() as u64, library.addr() as u64).is_none()
        {
            self.bound.forget(kernel.addr() as u64);
            self.usual.forget();
        }
    }

    /// A handle that a graph names is a kernel of some library.
    pub(crate) fn note_graph_kernel(&self, kernel: CUkernel) {
        if !self.interned().library_kernels.contains_key(&(kernel.addr() as u64)) {
            self.note_library_kernel(kernel, CUlibrary::NULL);
        }
    }

    /// A library is gone: its handles may come to name functions.
    pub(crate) fn forget_library(&self, library: CUlibrary) {
        let is_left = |of: u64| of != library.addr() as u64 && of != 0;
        self.interned().library_kernels.retain(|_, of| is_left(*of));
        self.forget_kernels();
    }

    /// A handle is one of a function of a module, whatever it was before.
    pub(crate) fn note_function(&self, function: CUfunction) {
        self.interned().library_kernels.remove(&(function.addr() as u64));
    }

    /// An attribute of a kernel was set, on which devices does not matter. Libraries of NVIDIA's do that before each launch, and mostly to what it
    /// was: then nothing has to be asked again.
    pub(crate) fn attribute_was_set(&self, handle: usize, attribute: CUfunction_attribute, value: i32) {
        use CUfunction_attribute as A;
        let is_changed = |figures: &KernelFigures| match attribute {
            A::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES => figures.dynamic_shared_max as i32 != value,
            A::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT => figures.carveout != value,
            // No figure follows from the others that can be set, which are about clusters.
            _ => false,
        };
        let is_stale = |facts: &KernelFacts| facts.figures.as_ref().is_none_or(is_changed);
        let (mut is_known, mut is_any_stale) = (false, false);
        for device in -1..=self.device_max.load(Ordering::Acquire) {
            let key = kernel_key(handle, device);
            // SAFETY: set to facts.
            let Some(facts) = self.kernels.get(key).map(|address| unsafe { known::<KernelFacts>(address) }) else {
                continue;
            };
            is_known = true;
            if is_stale(facts) {
                is_any_stale = true;
                self.kernels.forget(key);
            }
        }
        // The table of kernels may have had no room for one that is bound.
        if (is_any_stale || !is_known) && self.bound(CUfunction::from_addr(handle)).is_some() {
            self.bound.forget(handle as u64);
            self.usual.forget();
        }
    }

    /// Handles of kernels may come to name others.
    pub(crate) fn forget_kernels(&self) {
        self.kernels.forget_all();
        self.bound.forget_all();
        self.usual.forget();
    }

    /// The handle of a stream may come to name another.
    pub(crate) fn forget_stream(&self, stream: CUstream) {
        self.streams.forget(stream.addr() as u64);
        self.bound.forget_companions();
        self.usual.forget();
    }

    /// Handles of contexts, and of streams in them, may come to name others.
    pub(crate) fn forget_contexts(&self) {
        self.contexts.forget_all();
        self.streams.forget_all();
        self.kernels.forget_all();
        self.bound.forget_all();
        self.usual.forget();
    }
}

/// A name that the driver holds.
fn name(ask: impl FnOnce(&mut *const c_char) -> CUresult) -> String {
    let mut text = ptr::null();
    if ask(&mut text) != CUresult::CUDA_SUCCESS || text.is_null() {
        return String::new();
    }
    // SAFETY: the driver's answer is a text that lives as long as the module, which is being used.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn figures(
    function: CUfunction,
    driver: &dyn Driver,
    ask: impl Fn(CUfunction_attribute, &mut i32) -> CUresult,
) -> Option<KernelFigures> {
    use CUfunction_attribute as A;
    let blocks_max = || {
        let mut blocks = 0;
        let result = driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(&mut blocks, function, 1, 0);
        if result == CUresult::CUDA_SUCCESS { blocks.max(0) as u32 } else { 0 }
    };
    let figure = |attribute| {
        let mut value = 0;
        (ask(attribute, &mut value) == CUresult::CUDA_SUCCESS).then_some(value)
    };
    let count = |attribute| figure(attribute).map(|value| value.max(0) as u32);
    Some(KernelFigures {
        registers: count(A::CU_FUNC_ATTRIBUTE_NUM_REGS)?,
        static_shared: count(A::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)?,
        local: count(A::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES)?,
        constant: count(A::CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES)?,
        threads_max: count(A::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
        dynamic_shared_max: count(A::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)?,
        carveout: figure(A::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT)?,
        ptx_version: count(A::CU_FUNC_ATTRIBUTE_PTX_VERSION)?,
        binary_version: count(A::CU_FUNC_ATTRIBUTE_BINARY_VERSION)?,
        blocks_max: blocks_max(),
    })
}

fn ask_device(ordinal: i32, driver: &dyn Driver) -> DeviceFacts {
    use CUdevice_attribute as A;
    let attribute = |attribute| {
        let mut value = 0;
        let result = driver.cuDeviceGetAttribute(&mut value, attribute, ordinal);
        if result == CUresult::CUDA_SUCCESS { value.max(0) as u32 } else { 0 }
    };
    let mut bytes = [0_u8; NAME_BYTES];
    // SAFETY: the buffer is as long as is said.
    unsafe { driver.cuDeviceGetName(bytes.as_mut_ptr().cast(), NAME_BYTES as i32, ordinal) };
    let name = CStr::from_bytes_until_nul(&bytes).unwrap_or_default().to_string_lossy().into_owned();
    let mut memory = 0;
    driver.cuDeviceTotalMem_v2(&mut memory, ordinal);
    DeviceFacts {
        ordinal,
        name,
        capability: [
            attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
            attribute(A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
        ],
        multiprocessors: attribute(A::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        memory: memory as u64,
    }
}
