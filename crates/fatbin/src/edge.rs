//! Reading an image from a raw pointer, as the driver API hands it over: without a length.
//!
//! The length follows from the image itself: a fatbin states it, PTX text ends with a NUL.

use std::ffi::{CStr, c_char, c_void};

use crate::arch::Capability;
use crate::container::{CONTAINER_HEADER_BYTES, CONTAINER_MAGIC, container_bytes, ptx_text};
use crate::elf;
use crate::error::{Error, Result};

/// First four bytes of a wrapper (`FATBINC_MAGIC` in `fatbinary_section.h`).
const WRAPPER_MAGIC: u32 = 0x4662_43B1;
/// `FATBINC_VERSION`: a plain container.
const WRAPPER_VERSION_PLAIN: u32 = 1;
/// `FATBINC_LINK_VERSION`: the program was built from relocatable device code (`nvcc -rdc=true`).
const WRAPPER_VERSION_LINKED: u32 = 2;
/// More objects than any program links with device code in them.
const MAX_PRELINKED: usize = 1 << 16;

/// `__fatBinC_Wrapper_t` of `fatbinary_section.h`: what nvcc's start-up code registers.
#[repr(C)]
#[derive(Clone, Copy)]
struct Wrapper {
    magic: u32,
    version: u32,
    data: *const c_void,
    /// Version 1: a file name or null. Version 2: a null-terminated array of containers.
    prelinked: *const *const c_void,
}

/// What an image pointer leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawImage<'a> {
    /// PTX text, without the terminating NUL.
    Ptx(&'a str),
    /// A container, whole.
    Fatbin(&'a [u8]),
    /// A program of relocatable device code: nvcc's own link result, and what went into it.
    Linked {
        /// Container of the linked machine code; without images when only PTX was asked for.
        linked: &'a [u8],
        /// A container for each object file. Their PTX is to be linked to run on another device.
        prelinked: Vec<&'a [u8]>,
    },
    /// Machine code for a device of this capability.
    Elf(Capability),
}

/// Finds out what `image` points to and borrows all of it.
///
/// Accepts what `cuModuleLoadData`, `cuLibraryLoadData` and the runtime's own loaders are given:
/// PTX text, a container, a wrapper, a cubin.
///
/// # Errors
/// When the pointer is null, or what it points to is none of these or malformed.
///
/// # Safety
/// `image`, unless null, points to one of these, complete (a container as many bytes as its header
/// states), or to at least four readable bytes of anything else; pointers within a wrapper likewise.
/// None of it changes or goes away during `'a`.
pub unsafe fn read_image<'a>(image: *const c_void) -> Result<RawImage<'a>> {
    // SAFETY: the caller's promise.
    let prefix = unsafe { first_bytes(image) }?;
    match u32::from_le_bytes(prefix) {
        // SAFETY: the caller's promise, and it begins as a wrapper.
        WRAPPER_MAGIC => unsafe { read_wrapper(image) },
        // SAFETY: the caller's promise, and it begins as a container.
        CONTAINER_MAGIC => unsafe { read_container(image) }.map(RawImage::Fatbin),
        _ if elf::is_elf(&prefix) => {
            // SAFETY: the caller's promise, and it begins as an ELF file, so a file header is there.
            let header = unsafe { bytes_at(image, elf::HEADER_BYTES) };
            elf::capability(header).map(RawImage::Elf)
        }
        _ if prefix.iter().take_while(|&&byte| byte != 0).all(|&byte| is_text(byte)) => {
            // SAFETY: the caller's promise, and it begins as text, which a NUL ends.
            let text = unsafe { CStr::from_ptr(image.cast::<c_char>()) };
            ptx_text(text.to_bytes()).map(RawImage::Ptx)
        }
        _ => Err(Error::UnknownFormat(prefix)),
    }
}

/// Whether bytes begin as a wrapper does, which holds pointers: in a file they lead nowhere.
pub fn is_wrapper(bytes: &[u8]) -> bool {
    bytes.starts_with(&WRAPPER_MAGIC.to_le_bytes())
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// The first four bytes; zeros after the first NUL, so that a shorter text is not read beyond its end.
///
/// # Safety
/// `image`, unless null, points to four readable bytes, or fewer that end with a NUL.
unsafe fn first_bytes(image: *const c_void) -> Result<[u8; 4]> {
    if image.is_null() {
        return Err(Error::NullPointer);
    }
    let mut prefix = [0; 4];
    for (offset, byte) in prefix.iter_mut().enumerate() {
        // SAFETY: the caller's promise; a NUL before this byte would have ended the loop.
        *byte = unsafe { image.cast::<u8>().add(offset).read() };
        if *byte == 0 {
            break;
        }
    }
    Ok(prefix)
}

/// # Safety
/// `start` points to `length` readable bytes that do not change during `'a`.
unsafe fn bytes_at<'a>(start: *const c_void, length: usize) -> &'a [u8] {
    // SAFETY: the caller's promise; bytes have no alignment.
    unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) }
}

/// Borrows the container that `container` points to, whose length its header states.
///
/// # Safety
/// As [`read_image`], of a pointer that is null or leads to a container or to four readable bytes.
unsafe fn read_container<'a>(container: *const c_void) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise.
    let prefix = unsafe { first_bytes(container) }?;
    if u32::from_le_bytes(prefix) != CONTAINER_MAGIC {
        return Err(Error::UnknownFormat(prefix));
    }
    // SAFETY: the caller's promise: it begins as a container, so its header is there.
    let header = unsafe { bytes_at(container, CONTAINER_HEADER_BYTES) };
    let length = container_bytes(header)?;
    // SAFETY: the caller's promise: the container is as long as its header states.
    Ok(unsafe { bytes_at(container, length) })
}

/// # Safety
/// As [`read_image`], of a pointer that leads to a wrapper.
unsafe fn read_wrapper<'a>(wrapper: *const c_void) -> Result<RawImage<'a>> {
    // SAFETY: the caller's promise; unaligned, since nothing obliges the program to align it.
    let wrapper = unsafe { wrapper.cast::<Wrapper>().read_unaligned() };
    // SAFETY: the caller's promise reaches the pointers within.
    let container = unsafe { read_container(wrapper.data) }?;
    match wrapper.version {
        WRAPPER_VERSION_PLAIN => Ok(RawImage::Fatbin(container)),
        WRAPPER_VERSION_LINKED => {
            // SAFETY: the caller's promise reaches the pointers within.
            let prelinked = unsafe { read_prelinked(wrapper.prelinked) }?;
            Ok(RawImage::Linked { linked: container, prelinked })
        }
        version => Err(Error::Malformed { what: "the wrapper's version", value: u64::from(version), offset: 0 }),
    }
}

/// # Safety
/// `array` is null or leads to pointers to containers, the last one null.
unsafe fn read_prelinked<'a>(array: *const *const c_void) -> Result<Vec<&'a [u8]>> {
    let mut containers = Vec::new();
    if array.is_null() {
        return Ok(containers);
    }
    for index in 0..MAX_PRELINKED {
        // SAFETY: the caller's promise; a null before this element would have ended the loop.
        let container = unsafe { array.add(index).read_unaligned() };
        if container.is_null() {
            return Ok(containers);
        }
        // SAFETY: the caller's promise.
        containers.push(unsafe { read_container(container) }?);
    }
    Err(Error::TooManyImages(MAX_PRELINKED))
}
