//! The container: a header, then entries, each a header and a payload.
//!
//! ```text
//! container   +0 u32 magic  +4 u16 version (1)  +6 u16 header size  +8 u64 bytes of all entries
//! entry       +0 u16 kind   +2 u16 version      +4 u32 header size  +8 u64 payload size, padded
//!             +16 u32 compressed size (0: not compressed)           +20 u32 offset of the options
//!             +24 u16 minor, u16 major of the PTX ISA or ELF ABI    +28 u32 architecture
//!             +32 u32 offset and +36 u32 length of the source name  +40 u64 flags
//!             +56 u64 decompressed size
//! ```
//!
//! An entry of kind 256 (`nvcc --concat`) packs several images of one kind into one compressed
//! payload; a table of their headers follows its own, each with its offset in place of the header
//! size. Its members are listed as images like any other.

use std::borrow::Cow;
use std::fmt;

use crate::arch::{Arch, Capability, Variant};
use crate::error::{Error, Result};
use crate::payload;

/// First four bytes of a container, as a little-endian number.
pub(crate) const CONTAINER_MAGIC: u32 = 0xBA55_ED50;
/// Bytes of the smallest container header.
pub(crate) const CONTAINER_HEADER_BYTES: usize = 16;

const CONTAINER_VERSION: u16 = 1;
const ENTRY_HEADER_BYTES: usize = 64;
const KIND_CONCATENATED: u16 = 256;
/// More than ten times what the largest library seen (cuBLASLt) holds in one container.
const MAX_IMAGES: usize = 1 << 16;

const FLAG_DEBUG: u64 = 0x2;
const FLAG_LZ4: u64 = 0x2000;
const FLAG_ZSTD: u64 = 0x8000;
const FLAG_ARCH_SPECIFIC: u64 = 0x10_0000;
const FLAG_ARCH_FAMILY: u64 = 0x20_0000;

/// What an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// PTX text.
    Ptx,
    /// Machine code: a cubin, an ELF file.
    Elf,
    /// NVVM IR for link-time optimisation (`nvcc -dlto`), in a form that is not public.
    Lto,
    /// Something else; the number as it stands in the header.
    Other(u16),
}

impl ImageKind {
    fn from_raw(kind: u16) -> Self {
        match kind {
            1 => Self::Ptx,
            2 => Self::Elf,
            8 => Self::Lto,
            other => Self::Other(other),
        }
    }
}

/// How the payload of an image is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// As it is.
    None,
    /// One LZ4 block without a frame.
    Lz4,
    /// A zstd frame.
    Zstd,
}

/// One image of a container.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// PTX, machine code, or other.
    pub kind: ImageKind,
    /// What it was compiled for. Older compilers do not mark `sm_90a` in the header:
    /// for PTX, [`Arch::of_ptx`] of the text is the authority.
    pub arch: Arch,
    /// Version of the PTX ISA (kind PTX) or of the ELF ABI (kind ELF): major, minor.
    pub version: (u16, u16),
    /// The flags as they stand in the header.
    pub flags: u64,
    /// How it is stored.
    pub compression: Compression,
    /// Bytes it takes in the container. Members of a concatenated entry share these.
    pub stored_bytes: usize,
    /// Bytes of the image itself, by its header.
    pub image_bytes: u64,
    /// The source file's name, where the compiler recorded it (`nvcc -G`).
    pub source_name: Option<&'a str>,
    payload: Payload<'a>,
}

/// Where the bytes of an image lie.
#[derive(Debug, Clone, Copy)]
struct Payload<'a> {
    stored: &'a [u8],
    /// Length of `stored` when decompressed.
    decompressed_bytes: u64,
    /// The part of it that is this image; `None` for all of it.
    member: Option<(u64, u64)>,
}

impl<'a> Image<'a> {
    /// Whether it was compiled with `-G`.
    pub fn is_debug(&self) -> bool {
        self.flags & FLAG_DEBUG != 0
    }

    /// Bytes that [`Image::data`] decompresses: those of all members of a concatenated entry, where it is one.
    pub fn unpacked_bytes(&self) -> u64 {
        self.payload.decompressed_bytes
    }

    /// The image itself, decompressed where it is stored compressed.
    ///
    /// # Errors
    /// When the compressed data is damaged, or does not have the length that the header states.
    pub fn data(&self) -> Result<Cow<'a, [u8]>> {
        let Payload { stored, decompressed_bytes, member } = self.payload;
        let all = payload::decompress(stored, self.compression, decompressed_bytes)?;
        let Some((start, length)) = member else { return Ok(all) };
        let cut_off = Error::Truncated {
            what: "a concatenated image",
            offset: usize::try_from(start).unwrap_or(usize::MAX),
            needed: length,
            available: all.len(),
        };
        let range = start
            .checked_add(length)
            .filter(|&end| end <= all.len() as u64)
            .map(|end| start as usize..end as usize)
            .ok_or(cut_off)?;
        Ok(match all {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
            Cow::Owned(mut bytes) => {
                bytes.truncate(range.end);
                bytes.drain(..range.start);
                Cow::Owned(bytes)
            }
        })
    }

    /// The text of a PTX image, up to its terminating NUL.
    ///
    /// # Errors
    /// As [`Image::data`]; also when the image is not PTX or not ASCII.
    pub fn ptx(&self) -> Result<Cow<'a, str>> {
        if self.kind != ImageKind::Ptx {
            return Err(Error::NotPtx(self.to_string()));
        }
        Ok(match self.data()? {
            Cow::Borrowed(bytes) => Cow::Borrowed(ptx_text(bytes)?),
            Cow::Owned(bytes) => Cow::Owned(ptx_text(&bytes)?.to_owned()),
        })
    }
}

/// The PTX text that `bytes` hold: up to the first NUL or the end.
///
/// # Errors
/// When it is not ASCII (which PTX is by definition, PTX ISA 4.1), comments aside, where UTF-8 is let pass.
pub(crate) fn ptx_text(bytes: &[u8]) -> Result<&str> {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    std::str::from_utf8(text).map_err(|error| {
        let offset = error.valid_up_to();
        Error::NotText { offset, byte: text[offset] }
    })
}

/// As a person would name it: `PTX for compute_90a`, `machine code for sm_86`.
impl fmt::Display for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ImageKind::Ptx => write!(f, "PTX for compute_{}", self.arch),
            ImageKind::Elf => write!(f, "machine code for sm_{}", self.arch),
            ImageKind::Lto => write!(f, "LTO code for lto_{}", self.arch),
            ImageKind::Other(kind) => write!(f, "an image of unknown kind {kind} for sm_{}", self.arch),
        }
    }
}

/// A parsed container: its images in the order they are stored.
#[derive(Debug, Clone)]
pub struct Container<'a> {
    images: Vec<Image<'a>>,
    bytes: usize,
}

impl<'a> Container<'a> {
    /// Reads the headers of a container; payloads are left as they are.
    ///
    /// `bytes` may be longer than the container.
    ///
    /// # Errors
    /// When a header is malformed or leads outside of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let length = container_bytes(bytes)?;
        let whole = Reader { bytes, base: 0 };
        let header_bytes = usize::from(whole.u16(6));
        whole.require("the container", 0, length as u64)?;
        let mut images = Vec::new();
        let mut offset = header_bytes;
        while offset < length {
            let rest = Reader { bytes: &bytes[offset..length], base: offset };
            offset += parse_entry(rest, &mut images)?;
        }
        Ok(Self { images, bytes: length })
    }

    /// Every container of a program's section `.nv_fatbin` or `__nv_relfatbin`, where they stand one after another.
    ///
    /// # Errors
    /// When one of them is malformed or something else stands between them.
    pub fn parse_section(section: &'a [u8]) -> Result<Vec<Self>> {
        Self::iter_section(section).collect()
    }

    /// As [`Container::parse_section`], one after another. After an error there are no more.
    pub fn iter_section(section: &'a [u8]) -> impl Iterator<Item = Result<Self>> {
        let mut rest = section;
        std::iter::from_fn(move || {
            let gap = rest.iter().position(|&byte| byte != 0)?;
            let container = Self::parse(&rest[gap..]);
            rest = container.as_ref().map_or(&[], |container| &rest[gap + container.bytes..]);
            Some(container)
        })
    }

    /// The images, in the order they are stored.
    pub fn images(&self) -> &[Image<'a>] {
        &self.images
    }
}

/// Length in bytes of the container that begins at `header`, which needs to be no longer than the
/// container's header.
pub(crate) fn container_bytes(header: &[u8]) -> Result<usize> {
    let reader = Reader { bytes: header, base: 0 };
    reader.require("the container header", 0, CONTAINER_HEADER_BYTES as u64)?;
    let malformed = |what, value| Error::Malformed { what, value, offset: 0 };
    match (reader.u32(0), reader.u16(4), reader.u16(6)) {
        (CONTAINER_MAGIC, CONTAINER_VERSION, header_bytes) => {
            if usize::from(header_bytes) < CONTAINER_HEADER_BYTES {
                return Err(malformed("the container's header size", u64::from(header_bytes)));
            }
            let entries_bytes = reader.u64(8);
            isize::try_from(entries_bytes)
                .ok()
                .and_then(|bytes| bytes.checked_add_unsigned(usize::from(header_bytes)))
                .map(isize::unsigned_abs)
                .ok_or(malformed("the container's size", entries_bytes))
        }
        (CONTAINER_MAGIC, version, _) => Err(malformed("the container's version", u64::from(version))),
        (magic, _, _) => Err(malformed("the container's magic number", u64::from(magic))),
    }
}

/// Reads the entry at the start of `entry` and returns its length, header and payload.
fn parse_entry<'a>(entry: Reader<'a>, images: &mut Vec<Image<'a>>) -> Result<usize> {
    entry.require("an image header", 0, ENTRY_HEADER_BYTES as u64)?;
    let header_bytes = entry.u32(4) as usize;
    if header_bytes < ENTRY_HEADER_BYTES {
        return Err(entry.malformed("an image's header size", header_bytes as u64));
    }
    entry.require("an image header", 0, header_bytes as u64)?;
    let padded_bytes = entry.u64(8);
    entry.require("an image", header_bytes, padded_bytes)?;
    let entry_bytes = header_bytes + padded_bytes as usize;

    let compression = entry.compression()?;
    // Bytes of padding after compressed data are no part of it.
    let stored_bytes = match (compression, entry.u32(16)) {
        (Compression::None, _) | (_, 0) => padded_bytes,
        (_, compressed_bytes) => u64::from(compressed_bytes),
    };
    if stored_bytes > padded_bytes {
        return Err(entry.malformed("an image's compressed size", stored_bytes));
    }
    let stored = &entry.bytes[header_bytes..][..stored_bytes as usize];
    let decompressed_bytes = match compression {
        Compression::None => stored_bytes,
        Compression::Lz4 | Compression::Zstd => entry.u64(56),
    };
    let payload = Payload { stored, decompressed_bytes, member: None };
    let header = Reader { bytes: &entry.bytes[..header_bytes], base: entry.base };
    if header.u16(0) == KIND_CONCATENATED {
        parse_members(header, compression, payload, images)?;
    } else {
        push_image(images, header.image(compression, payload))?;
    }
    Ok(entry_bytes)
}

/// Reads the table of a concatenated entry: u32 count, u32 bytes of the table, then the headers.
fn parse_members<'a>(
    header: Reader<'a>,
    compression: Compression,
    payload: Payload<'a>,
    images: &mut Vec<Image<'a>>,
) -> Result<()> {
    header.require("a table of concatenated images", ENTRY_HEADER_BYTES, 8)?;
    let count = header.u32(ENTRY_HEADER_BYTES);
    let mut offset = ENTRY_HEADER_BYTES + 8;
    for _ in 0..count {
        header.require("a concatenated image's header", offset, ENTRY_HEADER_BYTES as u64)?;
        let rest = Reader { bytes: &header.bytes[offset..], base: header.base + offset };
        let member_bytes = rest.member_header_bytes()?;
        let member = Reader { bytes: &rest.bytes[..member_bytes], base: rest.base };
        let range = (u64::from(member.u32(4)), member.u64(8));
        let payload = Payload { member: Some(range), ..payload };
        push_image(images, member.image(compression, payload))?;
        offset += member_bytes;
    }
    Ok(())
}

fn push_image<'a>(images: &mut Vec<Image<'a>>, image: Image<'a>) -> Result<()> {
    if images.len() == MAX_IMAGES {
        return Err(Error::TooManyImages(MAX_IMAGES));
    }
    images.push(image);
    Ok(())
}

/// Bytes of a structure and where they begin in the container.
///
/// The integer readers panic outside of `bytes`; `require` comes before them.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    base: usize,
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[offset..offset + N]);
        array
    }

    fn u16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.array(offset))
    }

    fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.array(offset))
    }

    fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.array(offset))
    }

    fn require(&self, what: &'static str, offset: usize, needed: u64) -> Result<()> {
        let available = self.bytes.len().saturating_sub(offset);
        if needed <= available as u64 {
            return Ok(());
        }
        Err(Error::Truncated { what, offset: self.base + offset, needed, available })
    }

    fn malformed(&self, what: &'static str, value: u64) -> Error {
        Error::Malformed { what, value, offset: self.base }
    }

    fn compression(&self) -> Result<Compression> {
        let flags = self.u64(40);
        match (flags & FLAG_LZ4 != 0, flags & FLAG_ZSTD != 0) {
            (false, false) => Ok(Compression::None),
            (true, false) => Ok(Compression::Lz4),
            (false, true) => Ok(Compression::Zstd),
            (true, true) => Err(self.malformed("an image's compression flags", flags)),
        }
    }

    /// The image that a complete entry or member header describes.
    fn image(&self, compression: Compression, payload: Payload<'a>) -> Image<'a> {
        let flags = self.u64(40);
        let variant = match flags {
            flags if flags & FLAG_ARCH_SPECIFIC != 0 => Variant::Specific,
            flags if flags & FLAG_ARCH_FAMILY != 0 => Variant::Family,
            _ => Variant::Portable,
        };
        Image {
            kind: ImageKind::from_raw(self.u16(0)),
            arch: Arch { capability: Capability::from_sm(self.u32(28)), variant },
            version: (self.u16(26), self.u16(24)),
            flags,
            compression,
            stored_bytes: payload.stored.len(),
            image_bytes: payload.member.map_or(payload.decompressed_bytes, |(_, length)| length),
            source_name: self.source_name(),
            payload,
        }
    }

    fn source_name(&self) -> Option<&'a str> {
        let start = self.u32(32) as usize;
        if start < ENTRY_HEADER_BYTES {
            return None;
        }
        let name = self.bytes.get(start..)?.get(..self.u32(36) as usize)?;
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// Length of a member's header, which no field states: after the fixed part come the source
    /// name and the options (u32 offset, u32 length, text), each NUL-terminated and padded to 8.
    fn member_header_bytes(&self) -> Result<usize> {
        let options = self.u32(20) as usize;
        let name = self.u32(32) as usize;
        let (text, length) = if options != 0 {
            self.require("a concatenated image's options", options, 8)?;
            (self.u32(options), self.u32(options + 4))
        } else if name != 0 {
            (self.u32(32), self.u32(36))
        } else {
            return Ok(ENTRY_HEADER_BYTES);
        };
        let end = (u64::from(text) + u64::from(length) + 1).next_multiple_of(8);
        if end < ENTRY_HEADER_BYTES as u64 {
            return Err(self.malformed("a concatenated image's options", end));
        }
        self.require("a concatenated image's header", 0, end)?;
        Ok(end as usize)
    }
}
