//! NVIDIA's `libcuda.so.1`, loaded.
//!
//! It is loaded as a program's plug-in is: `RTLD_LOCAL`, so that nothing that is loaded later binds to its names. Two
//! other ways were weighed and left:
//!
//! - `dlmopen` into a namespace of its own would bring a second C library, with its own allocator, threads and signal handlers;
//! - `RTLD_DEEPBIND` would keep the library's references to its own exported names away from ours when ours is preloaded.
//!   It would also keep them from an allocator that the program preloads, and sanitizers refuse to load such
//!   libraries. Without it such a reference arrives at our export and is handed back to the library, which is what it wants.

use core::ffi::{CStr, c_char, c_void};
use cuda_abi::{FUNCTIONS, Row, SYMBOLS};
use std::ffi::CString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The address of a function; null where the library lacks it.
#[derive(Clone, Copy)]
pub(crate) struct Address(pub(crate) *const c_void);

// SAFETY: the address of code, which is never written and never unloaded.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

/// NVIDIA's library with the addresses of its functions. It is never unloaded.
pub struct Library {
    path: PathBuf,
    /// By [`Row`].
    addresses: Box<[Address]>,
    /// By [`Row`]: the `_ptds` or `_ptsz` function to call instead, while the thread's own default stream is meant, for functions
    /// that have no stream to tell it by. Otherwise the address itself.
    per_thread: Box<[Address]>,
    /// Addresses that are there, with their rows, sorted.
    by_address: Box<[(usize, usize)]>,
}

/// Why a library cannot be used.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    why: String,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NVIDIA's driver {} cannot be used: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for OpenError {}

impl Library {
    /// Loads the library at a path and looks up every function of the table. None of them is called.
    ///
    /// # Errors
    /// When the loader refuses it, or it has no `cuInit`.
    pub fn open(path: &Path) -> Result<Library, OpenError> {
        let fail = |why: String| OpenError { path: path.to_owned(), why };
        let c_path = CString::new(path.as_os_str().as_bytes()).map_err(|error| fail(error.to_string()))?;
        // SAFETY: the path is text; running the library's initialisers is what the program would have done.
        let handle = unsafe { libc::dlopen(c_path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_NODELETE) };
        if handle.is_null() {
            return Err(fail(loader_error()));
        }
        let addresses: Box<[Address]> = SYMBOLS.iter().map(|symbol| look_up(handle, symbol)).collect();
        if addresses[Row::cuInit as usize].0.is_null() {
            return Err(fail("it has no cuInit".to_owned()));
        }
        let mut by_address: Vec<(usize, usize)> =
            addresses.iter().enumerate().map(|(row, address)| (address.0.addr(), row)).collect();
        by_address.retain(|(address, row)| *address != 0 && *row < FUNCTIONS.len());
        by_address.sort_unstable();
        let per_thread = per_thread(&addresses);
        Ok(Library { path: path.to_owned(), addresses, per_thread, by_address: by_address.into() })
    }

    /// Where it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The addresses of all functions, by their place among [`SYMBOLS`].
    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The address of a function, by its place among [`SYMBOLS`]; null where the library lacks it.
    pub fn address(&self, row: usize) -> *const c_void {
        self.addresses[row].0
    }

    /// As [`address`](Library::address), while the calling thread's own default stream is meant.
    pub fn per_thread_address(&self, row: usize) -> *const c_void {
        self.per_thread[row].0
    }

    /// The places of the functions that have an address. Names of one function share it.
    pub fn rows_at(&self, address: *const c_void) -> impl Iterator<Item = usize> + '_ {
        let address = address.addr();
        let first = self.by_address.partition_point(|(other, _)| *other < address);
        self.by_address[first..].iter().take_while(move |(other, _)| *other == address).map(|(_, row)| *row)
    }
}

fn look_up(handle: *mut c_void, symbol: &str) -> Address {
    let mut name = [0u8; 128];
    assert!(symbol.len() < name.len(), "the table's longest name has some 60 characters");
    name[..symbol.len()].copy_from_slice(symbol.as_bytes());
    // SAFETY: the handle is of an open library; the name ends with a null byte.
    Address(unsafe { libc::dlsym(handle, name.as_ptr().cast::<c_char>()) })
}

fn loader_error() -> String {
    // SAFETY: the text belongs to this thread until its next call of the loader.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "the loader does not say why".to_owned();
    }
    // SAFETY: as above; the text ends with a null byte.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

macro_rules! scoped {
    (
        methods $m:tt superseded $s:tt narrow $n:tt answered $a:tt
        per_thread { $($phase:ident [$($unsafe:ident)?] $symbol:ident = $base:literal @ $since:literal $way:ident $target:ident $parameters:tt;)* }
        $($rest:tt)*
    ) => {
        /// Pairs of a per-thread function and the plain one, where no stream tells them apart.
        const SCOPED: &[(Option<Row>, Row)] = &[$((scoped!(@$way $symbol), Row::$target),)*];
    };
    (@scoped $symbol:ident) => { Some(Row::$symbol) };
    (@translated $symbol:ident) => { None };
}

cuda_abi::for_each_driver_function!(scoped);

fn per_thread(addresses: &[Address]) -> Box<[Address]> {
    let mut per_thread: Box<[Address]> = addresses.into();
    for (symbol, target) in SCOPED {
        if let Some(symbol) = symbol {
            per_thread[*target as usize] = addresses[*symbol as usize];
        }
    }
    per_thread
}
