//! Images read from raw pointers, as a program hands them over.

use std::ffi::c_void;
use std::ptr;

use fatbin::edge::{RawImage, read_image};
use fatbin::{Capability, Error};

const FATBIN: &[u8] = include_bytes!("data/compress-balance.fatbin");
const RELOCATABLE: &[u8] = include_bytes!("data/relocatable.fatbin");
const CUBIN: &[u8] = include_bytes!("data/sm_86.cubin");

#[repr(C)]
struct Wrapper {
    magic: u32,
    version: u32,
    data: *const c_void,
    prelinked: *const *const c_void,
}

fn read(bytes: &[u8]) -> Result<RawImage<'_>, Error> {
    // SAFETY: each caller passes a complete image, or at least four bytes of something else.
    unsafe { read_image(bytes.as_ptr().cast()) }
}

fn read_wrapper(version: u32, data: &[u8], prelinked: &[*const c_void]) -> Result<RawImage<'static>, Error> {
    let data = data.as_ptr().cast();
    let wrapper = Wrapper { magic: 0x4662_43B1, version, data, prelinked: prelinked.as_ptr() };
    // SAFETY: the wrapper leads to complete images, which are constants of this file.
    unsafe { read_image((&raw const wrapper).cast()) }
}

#[test]
fn text_ends_at_its_nul() {
    assert_eq!(read(b".version 9.0\0rest"), Ok(RawImage::Ptx(".version 9.0")));
    assert_eq!(read(b"//\0"), Ok(RawImage::Ptx("//")));
    assert_eq!(read(b"\0"), Ok(RawImage::Ptx("")));
    assert_eq!(read(b"// caf\xe9\0"), Err(Error::NotText { offset: 6, byte: 0xe9 }));
}

#[test]
fn a_container_ends_where_its_header_says() {
    let mut longer = FATBIN.to_vec();
    longer.extend_from_slice(b"what follows in memory");
    assert_eq!(read(&longer), Ok(RawImage::Fatbin(FATBIN)));
}

#[test]
fn wrappers_lead_to_containers() {
    assert_eq!(read_wrapper(1, FATBIN, &[]), Ok(RawImage::Fatbin(FATBIN)));
    let objects = [RELOCATABLE.as_ptr().cast(), FATBIN.as_ptr().cast(), ptr::null()];
    assert_eq!(
        read_wrapper(2, FATBIN, &objects),
        Ok(RawImage::Linked { linked: FATBIN, prelinked: vec![RELOCATABLE, FATBIN] })
    );
    let wrong_version = Error::Malformed { what: "the wrapper's version", value: 3, offset: 0 };
    assert_eq!(read_wrapper(3, FATBIN, &[]), Err(wrong_version));
    assert_eq!(read_wrapper(1, CUBIN, &[]), Err(Error::UnknownFormat(*b"\x7fELF")));
}

#[test]
fn a_cubin_is_recognised() {
    assert_eq!(read(CUBIN), Ok(RawImage::Elf(Capability::new(8, 6))));
}

#[test]
fn anything_else_is_refused() {
    // SAFETY: null is allowed.
    assert_eq!(unsafe { read_image(ptr::null()) }, Err(Error::NullPointer));
    assert_eq!(read(b"\x89PNG"), Err(Error::UnknownFormat(*b"\x89PNG")));
    let header_without_version = b"\x50\xed\x55\xba\x07\0\x10\0\0\0\0\0\0\0\0\0";
    assert!(matches!(read(header_without_version), Err(Error::Malformed { value: 7, .. })));
    let endless = b"\x50\xed\x55\xba\x01\0\x10\0\xff\xff\xff\xff\xff\xff\xff\xff";
    assert!(matches!(read(endless), Err(Error::Malformed { value: u64::MAX, .. })));
}
