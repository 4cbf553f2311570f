//! The one table that `cuGetExportTable` gives under an identifier of our own: how `apex compile` sees what the driver's compiler
//! makes, and how a measurement compares calls with and without layers. It is the documented way to extend the API without new symbols.

use core::ffi::c_void;
use cuda_abi::CUresult;

/// The table's identifier.
pub const TABLE_ID: [u8; 16] = *b"APEX inspection1";

/// A text in UTF-8.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    /// Its first byte.
    pub start: *const u8,
    /// Its length in bytes.
    pub length: usize,
}

impl Text {
    /// The text, which has to live as long as the result is used.
    pub fn of(text: &str) -> Self {
        Text { start: text.as_ptr(), length: text.len() }
    }

    /// The text again; `None` if it is not UTF-8.
    ///
    /// # Safety
    /// `start` is valid for `length` bytes for as long as the result is used.
    pub unsafe fn get<'a>(self) -> Option<&'a str> {
        // SAFETY: the caller's promise.
        core::str::from_utf8(unsafe { core::slice::from_raw_parts(self.start, self.length) }).ok()
    }
}

/// Takes a piece of a text; `state` is what the caller passed along.
pub type Sink = unsafe extern "C" fn(state: *mut c_void, text: Text);

/// The table. Functions give their result, or what is wrong, to the sink.
#[repr(C)]
pub struct Table {
    /// Its size in bytes.
    pub size: usize,
    /// The names of the kernels of a program in PTX, a line each.
    pub kernels: unsafe extern "C" fn(ptx: Text, sink: Sink, state: *mut c_void) -> CUresult,
    /// A stage of a kernel made for blocks of a size.
    pub stage: unsafe extern "C" fn(request: *const Request, sink: Sink, state: *mut c_void) -> CUresult,
    /// In front of NVIDIA's driver: with 0, takes the layers out of the way of all calls, so that they are NVIDIA's own; with 1, puts them back. What
    /// happens meanwhile is not in a recording. For measurements of what layers cost, within a process. `CUDA_ERROR_NOT_SUPPORTED` on the software
    /// GPU.
    pub set_layers: extern "C" fn(are_there: u32) -> CUresult,
}

/// What [`Table::stage`] is asked for.
#[repr(C)]
pub struct Request {
    /// The program.
    pub ptx: Text,
    /// Name of the kernel.
    pub kernel: Text,
    /// `ir`, `llvm`, `optimized`, `asm`, `times`, `report` or `report-json`.
    pub stage: Text,
    /// Size of a block in threads.
    pub block: [u32; 3],
    /// Lanes to compute together; 0 leaves it to the compiler.
    pub lanes: u32,
}
