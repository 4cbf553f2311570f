//! Machine-code images (cubins): ELF files for machine `EM_CUDA`, recognised and named, never run.

use object::LittleEndian;
use object::elf::{ELFMAG, EM_CUDA, FileHeader64};
use object::read::SectionIndex;
use object::read::elf::{FileHeader, SectionHeader};

use crate::arch::Capability;
use crate::error::{Error, Result};

/// Bytes of the ELF file header, all that [`capability`] needs.
pub const HEADER_BYTES: usize = size_of::<FileHeader64<LittleEndian>>();

/// From this ELF ABI version on (CUDA 13 writes it) the architecture stands one byte higher in
/// `e_flags`.
const ABI_VERSION_ARCH_SHIFTED: u8 = 8;

/// Bytes of the longest name of a section. Names of functions stand in them, and those of C++ templates have thousands.
const NAME_BYTES_MAX: usize = 32 << 10;

/// What a cubin says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cubin {
    /// The architecture that it was assembled for.
    pub capability: Capability,
    /// Names of its functions, kernels and others, as they stand in the `.text.<name>` sections.
    pub functions: Vec<String>,
}

/// Whether `bytes` begin as an ELF file does.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&ELFMAG)
}

/// The architecture that a cubin was assembled for, from its first [`HEADER_BYTES`].
///
/// # Errors
/// When it is not a 64-bit little-endian ELF file for CUDA.
pub fn capability(bytes: &[u8]) -> Result<Capability> {
    let header = file_header(bytes)?;
    let flags = header.e_flags(LittleEndian).0;
    let shifted = header.e_ident().abi_version >= ABI_VERSION_ARCH_SHIFTED;
    Ok(Capability::from_sm(if shifted { flags >> 8 } else { flags } & 0xff))
}

/// Reads a whole cubin.
///
/// # Errors
/// When it is not a 64-bit little-endian ELF file for CUDA, or a header leads outside of it.
pub fn inspect(bytes: &[u8]) -> Result<Cubin> {
    let capability = capability(bytes)?;
    let elf_error = |error: object::Error| Error::Elf(error.to_string());
    let header = file_header(bytes)?;
    let sections = header.sections(LittleEndian, bytes).map_err(elf_error)?;
    let names = match header.shstrndx(LittleEndian, bytes).map_err(elf_error)? {
        0 => &[][..],
        index => sections
            .section(SectionIndex(index as usize))
            .and_then(|section| section.data(LittleEndian, bytes))
            .map_err(elf_error)?,
    };
    let mut functions = Vec::new();
    let mut name_bytes = 0;
    for section in sections.iter() {
        let name = text_at(names, section.sh_name(LittleEndian) as usize)?;
        let is_code = section.sh_type(LittleEndian) == object::elf::SHT_PROGBITS;
        if let Some(function) = name.strip_prefix(b".text.").filter(|_| is_code) {
            // Names do not overlap in what an assembler writes.
            name_bytes += name.len();
            if name_bytes > names.len() {
                return Err(Error::Elf("names of functions overlap".to_owned()));
            }
            functions.push(String::from_utf8_lossy(function).into_owned());
        }
    }
    functions.sort_unstable();
    Ok(Cubin { capability, functions })
}

/// The text at `offset`, up to its NUL. It is bounded, so that a table without an end costs no more than its size.
fn text_at(strings: &[u8], offset: usize) -> Result<&[u8]> {
    let rest = strings.get(offset..).unwrap_or_default();
    let end = rest.iter().take(NAME_BYTES_MAX).position(|&byte| byte == 0);
    end.map(|end| &rest[..end]).ok_or_else(|| Error::Elf(format!("the name of a section at {offset} has no end")))
}

fn file_header(bytes: &[u8]) -> Result<&FileHeader64<LittleEndian>> {
    let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(|error| Error::Elf(error.to_string()))?;
    match header.e_machine(LittleEndian) {
        EM_CUDA => Ok(header),
        machine => Err(Error::Elf(format!("it is for machine {}, not CUDA ({})", machine.0, EM_CUDA.0))),
    }
}
