//! Copies and fills, as kernels of the engine: so they use all cores, keep the order of their stream, and a bad address in
//! them is a fault like any other.

use crate::kernel::{Kernel, Launch};
use crate::queue::Stream;
use simt_ir::abi::{ExecutionMode, KernelCode, LaunchContext, Status, WarpContext};
use std::mem::size_of;
use std::ptr;
use std::sync::{Arc, LazyLock};

/// Bytes that one block moves.
const BLOCK_BYTES: u64 = 256 << 10;

/// A box of bytes copied from one place to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Copy {
    /// Address of the first byte to write.
    pub destination: u64,
    /// Address of the first byte to read.
    pub source: u64,
    /// Bytes of a row.
    pub width: u64,
    /// Rows of a slice.
    pub height: u64,
    /// Slices.
    pub depth: u64,
    /// Bytes from row to row, where they are written.
    pub destination_pitch: u64,
    /// Bytes from row to row, where they are read.
    pub source_pitch: u64,
    /// Bytes from slice to slice, where they are written.
    pub destination_slice: u64,
    /// Bytes from slice to slice, where they are read.
    pub source_slice: u64,
}

impl Copy {
    /// `bytes` bytes in one piece.
    pub fn linear(destination: u64, source: u64, bytes: u64) -> Copy {
        Copy {
            destination,
            source,
            width: bytes,
            height: 1,
            depth: 1,
            destination_pitch: bytes,
            source_pitch: bytes,
            destination_slice: bytes,
            source_slice: bytes,
        }
    }

    /// The same copy, in as few dimensions as possible.
    fn flattened(mut self) -> Copy {
        let slices_adjoin = self.height * self.destination_pitch == self.destination_slice
            && self.height * self.source_pitch == self.source_slice;
        if slices_adjoin {
            (self.height, self.depth) = (self.height * self.depth, 1);
        }
        let dense = self.destination_pitch == self.width && self.source_pitch == self.width;
        if self.depth == 1 && (dense || self.height == 1) {
            return Copy::linear(self.destination, self.source, self.width * self.height);
        }
        self
    }

    fn overlaps(&self) -> bool {
        let end = |base: u64, pitch: u64, slice: u64| {
            base + (self.depth - 1) * slice + (self.height - 1) * pitch + self.width
        };
        let destination_end = end(self.destination, self.destination_pitch, self.destination_slice);
        let source_end = end(self.source, self.source_pitch, self.source_slice);
        self.destination < source_end && self.source < destination_end
    }
}

/// A rectangle of elements that all get the same value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Fill {
    /// Address of the first element, aligned to its size.
    pub destination: u64,
    /// The value, in the low bytes.
    pub value: u32,
    /// Bytes of an element: 1, 2 or 4.
    pub element_bytes: u32,
    /// Elements of a row.
    pub width: u64,
    /// Rows.
    pub height: u64,
    /// Bytes from row to row.
    pub pitch: u64,
}

/// Appends a copy to a stream. Where source and destination overlap in one piece, the result is as if the source had been read
/// first.
pub fn copy(stream: &Arc<Stream>, copy: &Copy) {
    static KERNEL: LazyLock<Arc<Kernel>> = LazyLock::new(|| kernel("memory copy", run_copy as *const () as usize));
    if copy.width == 0 || copy.height == 0 || copy.depth == 0 {
        return;
    }
    let copy = copy.flattened();
    let (blocks, per_block) = pieces(copy.width, copy.height * copy.depth);
    let (blocks, per_block) = if copy.overlaps() { (1, u64::MAX) } else { (blocks, per_block) };
    append(stream, &KERNEL, blocks, &(copy, per_block));
}

/// Most bytes that [`store`] takes.
pub const STORE_BYTES_MAX: usize = 16 << 10;

/// Appends a copy of bytes that are taken along, so that the source may change at once.
///
/// # Panics
/// If there are more than [`STORE_BYTES_MAX`].
pub fn store(stream: &Arc<Stream>, destination: u64, bytes: &[u8]) {
    static KERNEL: LazyLock<Arc<Kernel>> = LazyLock::new(|| kernel("memory copy", run_store as *const () as usize));
    assert!(bytes.len() <= STORE_BYTES_MAX, "too many bytes to take along");
    let mut parameters = Vec::with_capacity(16 + bytes.len());
    parameters.extend_from_slice(&destination.to_ne_bytes());
    parameters.extend_from_slice(&(bytes.len() as u64).to_ne_bytes());
    parameters.extend_from_slice(bytes);
    append_bytes(stream, &KERNEL, 1, &parameters);
}

/// Appends a fill to a stream.
pub fn fill(stream: &Arc<Stream>, fill: &Fill) {
    static KERNEL: LazyLock<Arc<Kernel>> = LazyLock::new(|| kernel("memory set", run_fill as *const () as usize));
    if fill.width == 0 || fill.height == 0 {
        return;
    }
    let mut fill = *fill;
    if fill.pitch == fill.width * u64::from(fill.element_bytes) {
        (fill.width, fill.height) = (fill.width * fill.height, 1);
    }
    let (blocks, per_block) = pieces(fill.width * u64::from(fill.element_bytes), fill.height);
    append(stream, &KERNEL, blocks, &(fill, per_block));
}

/// How many blocks to use, and what each moves: bytes of the only row, or rows.
fn pieces(row_bytes: u64, rows: u64) -> (u64, u64) {
    let per_block = if rows == 1 { BLOCK_BYTES } else { (BLOCK_BYTES / row_bytes.max(1)).max(1) };
    let total = if rows == 1 { row_bytes } else { rows };
    (total.div_ceil(per_block), per_block)
}

fn kernel(name: &str, entry: usize) -> Arc<Kernel> {
    let mode = ExecutionMode::RunToCompletion;
    let code =
        KernelCode { entry, mode, lanes: 32, frame_bytes: 0, local_bytes: 0, needs_stack: false, shared_bytes: 0 };
    // SAFETY: the functions below keep to the contract and are part of the program.
    unsafe { Kernel::new(name, code, [], Arc::new(())) }
}

fn append<T>(stream: &Arc<Stream>, kernel: &Arc<Kernel>, blocks: u64, parameters: &T) {
    // SAFETY: `T` is a pair of plain numbers without padding that matters to who reads them as the same type.
    let bytes = unsafe { std::slice::from_raw_parts(ptr::from_ref(parameters).cast::<u8>(), size_of::<T>()) };
    append_bytes(stream, kernel, blocks, bytes);
}

fn append_bytes(stream: &Arc<Stream>, kernel: &Arc<Kernel>, blocks: u64, bytes: &[u8]) {
    // A grid of two dimensions where one is too short for a 32-bit number.
    let grid = match u32::try_from(blocks) {
        Ok(blocks) => [blocks, 1, 1],
        Err(_) => [1 << 20, u32::try_from(blocks.div_ceil(1 << 20)).unwrap_or(u32::MAX), 1],
    };
    let launched = stream.launch(&Launch::new(kernel, grid, [1, 1, 1], bytes));
    debug_assert!(launched.is_ok(), "copies and fills are launches that the engine can run");
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn run_copy(launch: *const LaunchContext, warp: *mut WarpContext, first: u64, count: u64) -> u32 {
    // SAFETY: `append` passed these parameters. Bad addresses fault, which the engine survives.
    unsafe {
        let (copy, per_block) = *(*launch).params.cast::<(Copy, u64)>();
        (*warp).block_index = [first as u32, 0, 0];
        let begin = first.saturating_mul(per_block);
        let end = (first + count).saturating_mul(per_block);
        if copy.height == 1 && copy.depth == 1 {
            let end = end.min(copy.width);
            if begin < end {
                move_bytes(copy.destination + begin, copy.source + begin, end - begin);
            }
            return Status::Done as u32;
        }
        for row in begin..end.min(copy.height * copy.depth) {
            let (slice, row) = (row / copy.height, row % copy.height);
            move_bytes(
                copy.destination + slice * copy.destination_slice + row * copy.destination_pitch,
                copy.source + slice * copy.source_slice + row * copy.source_pitch,
                copy.width,
            );
        }
    }
    Status::Done as u32
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn run_store(launch: *const LaunchContext, _: *mut WarpContext, _: u64, _: u64) -> u32 {
    // SAFETY: `store` passed two words and as many bytes as the second says. A bad address faults, which the engine survives.
    unsafe {
        let words = (*launch).params.cast::<u64>();
        move_bytes(*words, words.add(2) as u64, *words.add(1));
    }
    Status::Done as u32
}

/// # Safety
/// Called from a kernel.
unsafe fn move_bytes(destination: u64, source: u64, bytes: u64) {
    // SAFETY: bad addresses fault, which the engine survives; the C library's routine holds nothing meanwhile.
    unsafe { ptr::copy(source as *const u8, destination as *mut u8, bytes as usize) };
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn run_fill(launch: *const LaunchContext, warp: *mut WarpContext, first: u64, count: u64) -> u32 {
    // SAFETY: as for copies.
    unsafe {
        let (fill, per_block) = *(*launch).params.cast::<(Fill, u64)>();
        (*warp).block_index = [first as u32, 0, 0];
        let begin = first.saturating_mul(per_block);
        let end = (first + count).saturating_mul(per_block);
        let row_bytes = fill.width * u64::from(fill.element_bytes);
        if fill.height == 1 {
            let end = end.min(row_bytes);
            if begin < end {
                set_elements(&fill, fill.destination + begin, end - begin);
            }
            return Status::Done as u32;
        }
        for row in begin..end.min(fill.height) {
            set_elements(&fill, fill.destination + row * fill.pitch, row_bytes);
        }
    }
    Status::Done as u32
}

/// # Safety
/// Called from a kernel; `address` is aligned to the element, of which `bytes` is a multiple.
unsafe fn set_elements(fill: &Fill, address: u64, bytes: u64) {
    let count = (bytes / u64::from(fill.element_bytes)) as usize;
    // SAFETY: bad addresses fault, which the engine survives.
    unsafe {
        match fill.element_bytes {
            1 => ptr::write_bytes(address as *mut u8, fill.value as u8, count),
            2 => std::slice::from_raw_parts_mut(address as *mut u16, count).fill(fill.value as u16),
            _ => std::slice::from_raw_parts_mut(address as *mut u32, count).fill(fill.value),
        }
    }
}
