//! The library's functions.

use core::ffi::{CStr, c_char, c_void};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `CUPTI_SUCCESS`.
pub(super) const SUCCESS: u32 = 0;
/// `CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM2`. PyTorch's profiler takes the two before it.
pub(super) const OUR_IDS: u32 = 5;
/// `CUPTI_ACTIVITY_FLAG_FLUSH_FORCED`: buffers too that hold records which are not complete.
pub(super) const FLUSH_FORCED: u32 = 1;
/// The first version whose records are laid out as in [`record`](super::record): CUDA 11.6's. Versions are numbers up to 26, and from CUDA 12.8 on six
/// digits like 130000.
const VERSION_MIN: u32 = 17;

/// Hands a buffer to CUPTI: its address, its size, and most records (0 for as many as find room).
pub(super) type Request = extern "C" fn(*mut *mut u8, *mut usize, *mut usize);
/// Gets it back: context and stream (unused), the buffer, its size, and the bytes that are records.
pub(super) type Complete = extern "C" fn(*mut c_void, u32, *mut u8, usize, usize);

/// Switches the notes of calls of a function.
pub(super) type Switch = unsafe extern "C" fn(u32, u8) -> u32;

macro_rules! functions {
    ($($(#[doc = $doc:literal])* $field:ident = $symbol:literal: fn($($ty:ty),*);)*) => {
        /// The library, which is never unloaded. Functions answer a `CUptiResult`.
        pub(super) struct Library {
            /// Where it is.
            pub(super) path: PathBuf,
            /// Its version.
            pub(super) version: u32,
            /// Has calls of one function of the driver noted, or not; later versions have it.
            pub(super) enable_driver_api: Option<Switch>,
            /// The same for the runtime.
            pub(super) enable_runtime_api: Option<Switch>,
            $($(#[doc = $doc])* pub(super) $field: unsafe extern "C" fn($($ty),*) -> u32,)*
        }

        impl Library {
            /// The functions of an open library.
            ///
            /// # Safety
            /// The handle is of CUPTI.
            unsafe fn of(handle: *mut c_void, path: &Path) -> Option<Library> {
                // SAFETY: functions of these names have these types, by the public headers.
                unsafe {
                    Some(Library {
                        path: path.to_owned(),
                        version: 0,
                        enable_driver_api: look_up(handle, "cuptiActivityEnableDriverApi")
                            .map(|address| core::mem::transmute::<*mut c_void, Switch>(address)),
                        enable_runtime_api: look_up(handle, "cuptiActivityEnableRuntimeApi")
                            .map(|address| core::mem::transmute::<*mut c_void, Switch>(address)),
                        $($field: core::mem::transmute::<*mut c_void, unsafe extern "C" fn($($ty),*) -> u32>(look_up(handle, $symbol)?),)*
                    })
                }
            }
        }
    };
}

functions! {
    get_version = "cuptiGetVersion": fn(*mut u32);
    get_timestamp = "cuptiGetTimestamp": fn(*mut u64);
    register_callbacks = "cuptiActivityRegisterCallbacks": fn(Request, Complete);
    enable = "cuptiActivityEnable": fn(u32);
    flush_all = "cuptiActivityFlushAll": fn(u32);
    next_record = "cuptiActivityGetNextRecord": fn(*mut u8, usize, *mut *mut u8);
    dropped_records = "cuptiActivityGetNumDroppedRecords": fn(*mut c_void, u32, *mut usize);
    push = "cuptiActivityPushExternalCorrelationId": fn(u32, u64);
    pop = "cuptiActivityPopExternalCorrelationId": fn(u32, *mut u64);
}

/// The address of a function.
///
/// # Safety
/// The handle is of an open library.
unsafe fn look_up(handle: *mut c_void, symbol: &str) -> Option<*mut c_void> {
    let name = CString::new(symbol).ok()?;
    // SAFETY: the handle is of an open library; the name ends with a null byte.
    let address = unsafe { libc::dlsym(handle, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

impl Library {
    /// Loads the first of some paths that can be used.
    ///
    /// # Errors
    /// When there is none; says why for each.
    pub(super) fn open(candidates: &[PathBuf]) -> Result<Library, String> {
        let mut reasons = Vec::new();
        for path in candidates {
            match open(path) {
                Ok(library) => return Ok(library),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }
}

fn open(path: &Path) -> Result<Library, String> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: the path is text; the library's initialisers are what a profiler of the program would have run.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_NODELETE) };
    if handle.is_null() {
        return Err(loader_error());
    }
    // SAFETY: a library of this name.
    let library = unsafe { Library::of(handle, path) };
    let mut library = library.ok_or_else(|| format!("{} lacks functions", path.display()))?;
    // SAFETY: a valid place.
    let result = unsafe { (library.get_version)(&mut library.version) };
    if result != SUCCESS || library.version < VERSION_MIN {
        return Err(format!("{} has version {}, too old", path.display(), library.version));
    }
    Ok(library)
}

fn loader_error() -> String {
    // SAFETY: the text belongs to this thread until its next call of the loader.
    let text: *const c_char = unsafe { libc::dlerror() };
    if text.is_null() {
        return "the loader does not say why".to_owned();
    }
    // SAFETY: as above; the text ends with a null byte.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
