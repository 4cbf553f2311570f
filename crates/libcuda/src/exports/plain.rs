//! Launches that are recorded in front of NVIDIA's driver, in nearly all cases: code and data of their own. So have sets and copies
//! ([`plain_copies`](super::plain_copies)).
//!
//! A program that does a lot between launches leaves nothing of ours in the processor's caches. What a launch costs then is how many lines and
//! pages of code and data it touches. So `cuLaunchKernel` is written by hand ([`launch`](super::launch)), and falls back to what is here; it lies in a page that holds nothing else, and
//! so does the code for `cuLaunchKernelEx`; what they look at first is one cache line; and what is rarely so is left to [`hooked`]. To have all of the code fetched at once, by instructions in front of it, was slower: on an
//! H200's host (Intel) by some 50 to 100 ns with cold caches, and by a few with warm ones.

use super::{Address, hooked, plain_copies};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::{MaybeUninit, offset_of};
use core::ptr::null_mut;
use cuda_abi::*;
use driver_api::op::{LaunchShape, Token};
use driver_nvidia::{Library, NvidiaDriver};
use layer_observe::{Observed, attributes, shape_of};
use recorder::RecordObserver;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// The layer, right over NVIDIA's driver.
pub type Recorded = Observed<NvidiaDriver, RecordObserver>;

/// What a launch looks at first: beside the slots of its functions, and with the layer behind it.
#[repr(C)]
pub(super) struct Launches {
    /// Whether launches go this way.
    is_on: AtomicBool,
    /// NVIDIA's `cuLaunchKernel` and `cuLaunchKernelEx`.
    functions: [AtomicPtr<c_void>; 2],
}

impl Launches {
    pub(super) const fn off() -> Launches {
        Launches { is_on: AtomicBool::new(false), functions: [const { AtomicPtr::new(null_mut()) }; 2] }
    }

    /// Where NVIDIA's `cuLaunchKernel` is.
    pub(super) const LAUNCH_AT: usize = offset_of!(Launches, functions);
}

/// Where the layer is, once there is one: at an address that code knows.
pub(super) struct Place(UnsafeCell<MaybeUninit<Recorded>>);

// SAFETY: written once, before anybody is told that it is there.
unsafe impl Sync for Place {}

impl Place {
    pub(super) const fn empty() -> Place {
        Place(UnsafeCell::new(MaybeUninit::uninit()))
    }
}

/// The layer, once it is in its place.
static PLACED: OnceLock<&'static Recorded> = OnceLock::new();

/// Puts the layer in its place.
///
/// # Safety
/// This is called once.
pub unsafe fn place(layer: Recorded) -> &'static Recorded {
    // SAFETY: nobody looks here before this has returned.
    let placed = unsafe { (*super::SLOTS.layer.0.get()).write(layer) };
    PLACED.get_or_init(|| placed)
}

/// Launches are recorded, by the layer that is in its place, and nothing else is wanted of them.
pub fn switch_on(library: &Library) {
    let launches = &super::SLOTS.launches;
    for (function, row) in launches.functions.iter().zip([Row::cuLaunchKernel, Row::cuLaunchKernelEx]) {
        function.store(library.address(row as usize).cast_mut(), Relaxed);
    }
    plain_copies::prepare(library);
    launches.is_on.store(true, Release);
    super::redirect(Row::cuLaunchKernel, launch as *const c_void, super::launch::apex_recorded_launch as *const c_void);
}

/// The layer was out of the way of calls.
pub fn comes_back() {
    if let Some(layer) = PLACED.get() {
        layer.comes_back();
    }
}

/// The function that takes a call, in place of that of [`hooked`].
pub fn address(row: usize) -> Option<Address> {
    if row == Row::cuLaunchKernel as usize {
        let is_on = super::SLOTS.launches.is_on.load(Acquire);
        let recorded = super::launch::apex_recorded_launch as *const c_void;
        Some(Address(if is_on { recorded } else { launch as *const c_void }))
    } else if row == Row::cuLaunchKernelEx as usize {
        Some(Address(launch_ex as *const c_void))
    } else {
        plain_copies::address(row)
    }
}

/// The exported functions.
macro_rules! exports {
    ($($group:ident $symbol:ident $params:tt;)*) => {
        $(exports!(@one $group $symbol $params);)*
    };
    (@one $group:ident cuLaunchKernelEx $params:tt) => {
        exported!([#[unsafe(link_section = "apex_launch")]] $group cuLaunchKernelEx $params);
    };
    (@one $group:ident $symbol:ident $params:tt) => {};
}

for_each_driver_symbol!(exports);

// The section begins with a page: it is aligned to one, but nothing is skipped here, where the assembler may have come some way.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(".pushsection apex_launch, \"ax\", @progbits", ".p2align 12, , 1", ".popsection");

/// The layer, where launches go this way.
#[inline(always)]
pub(super) fn layer() -> Option<&'static Recorded> {
    // SAFETY: the layer was put in its place before.
    super::SLOTS.launches.is_on.load(Acquire).then(|| unsafe { (*super::SLOTS.layer.0.get()).assume_init_ref() })
}

/// The end of a call that [`launch`](super::launch) has begun, with an answer or times that it does not put down.
///
/// # Safety
/// The event is open in this ring, which is the calling thread's.
pub(super) unsafe extern "C" fn end(ring: u64, result: CUresult) -> CUresult {
    if let Some(layer) = layer() {
        // As `telemetry::Open` has it.
        layer.end_plain(Token([ring, 0, 0]), result);
    }
    result
}

/// `cuLaunchKernel`, where [`launch`](super::launch) does not take it.
///
/// # Safety
/// As the driver API documents it.
#[allow(clippy::too_many_arguments, reason = "the parameters are those of the C function")]
pub(super) unsafe extern "C" fn launch(
    function: CUfunction,
    grid_x: u32,
    grid_y: u32,
    grid_z: u32,
    block_x: u32,
    block_y: u32,
    block_z: u32,
    shared: u32,
    stream: CUstream,
    parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> CUresult {
    let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
    let shape = LaunchShape { grid, block, dynamic_shared: shared, cluster: 0 };
    // SAFETY: launched below. A function for the thread's own default stream is another one.
    let begun =
        layer().and_then(|layer| Some((layer, unsafe { layer.begin_plain_launch(function, shape, stream, false) }?)));
    let Some((layer, token)) = begun else {
        // SAFETY: the caller's promise is the same.
        return unsafe {
            hooked::cuLaunchKernel(
                function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared, stream, parameters, extra,
            )
        };
    };
    // SAFETY: the address of the function, which is set before the layer is; the arguments are the caller's.
    let result = unsafe {
        let next: pointer::cuLaunchKernel = core::mem::transmute(super::SLOTS.launches.functions[0].load(Relaxed));
        next(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared, stream, parameters, extra)
    };
    layer.end_plain(token, result);
    result
}

/// `cuLaunchKernelEx`.
///
/// # Safety
/// As the driver API documents it.
#[unsafe(link_section = "apex_launch")]
unsafe extern "C" fn launch_ex(
    config: *const CUlaunchConfig,
    function: CUfunction,
    parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> CUresult {
    let begun = layer().filter(|_| !config.is_null() && config.is_aligned()).and_then(|layer| {
        // SAFETY: the caller's promise, for a pointer that a reference may be made of; it covers the attributes. Launched below.
        unsafe {
            let config = &*config;
            let (cluster, is_cooperative) = attributes(config);
            Some((
                layer,
                layer.begin_plain_launch(function, shape_of(config, cluster), config.hStream, is_cooperative)?,
            ))
        }
    });
    let Some((layer, token)) = begun else {
        // SAFETY: the caller's promise is the same.
        return unsafe { hooked::cuLaunchKernelEx(config, function, parameters, extra) };
    };
    // SAFETY: the address of the function, which is set before the layer is; the arguments are the caller's.
    let result = unsafe {
        let next: pointer::cuLaunchKernelEx = core::mem::transmute(super::SLOTS.launches.functions[1].load(Relaxed));
        next(config, function, parameters, extra)
    };
    layer.end_plain(token, result);
    result
}
