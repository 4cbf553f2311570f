//! ELF files for the host: what they need, what they export, what sections they have.
//!
//! Names are looked up with a bound on their length, so that a file whose string table has no end costs no more than
//! its size.

use std::borrow::Cow;

use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};
use object::read::SectionIndex;
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym, SymbolTable};

use crate::error::{Error, Result};
use crate::limits::{NAME_BYTES_MAX, NEEDED_MAX};
use crate::report::{MemberKind, Place, Symbol, SymbolKind};

mod versions;

use versions::Versions;

const ENDIAN: LittleEndian = LittleEndian;

/// Sections' headers and their contents; a file's own order.
type Sections<'a> = SectionTable<'a, FileHeader64<LittleEndian>>;

/// An ELF file of 64 bits.
pub struct Elf<'a> {
    bytes: &'a [u8],
    header: &'a FileHeader64<LittleEndian>,
    segments: &'a [ProgramHeader64<LittleEndian>],
    sections: Sections<'a>,
    section_names: &'a [u8],
}

/// What the loader reads of an ELF file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// The loader itself (`PT_INTERP`); none in a static program and in most libraries.
    pub interpreter: Option<String>,
    /// The name that others link it by.
    pub soname: Option<String>,
    /// Libraries that it is linked with.
    pub needed: Vec<String>,
    /// Folders that are searched before `LD_LIBRARY_PATH`. Where there is a RUNPATH, the loader ignores the RPATH (ld.so(8)), and so does
    /// this.
    pub rpath: Vec<String>,
    /// Folders that are searched after `LD_LIBRARY_PATH`.
    pub runpath: Vec<String>,
}

/// Whether `bytes` begin as an ELF file does.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&elf::ELFMAG)
}

fn damaged(error: object::Error) -> Error {
    Error::Elf(error.to_string())
}

/// The text at `offset`, up to its NUL.
fn text_at(strings: &[u8], offset: usize) -> Result<&[u8]> {
    let rest =
        strings.get(offset..).ok_or_else(|| Error::Elf(format!("a name lies at {offset}, outside of its table")))?;
    let rest = &rest[..rest.len().min(NAME_BYTES_MAX)];
    let end = memchr::memchr(0, rest)
        .ok_or_else(|| Error::Elf(format!("the name at {offset} does not end within {NAME_BYTES_MAX} bytes")))?;
    Ok(&rest[..end])
}

fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

impl<'a> Elf<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// When it is no little-endian ELF file of 64 bits, or its headers lead outside of it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if !is_elf(bytes) {
            return Err(Error::UnknownFormat(bytes.first_chunk().copied().unwrap_or_default()));
        }
        // Class and data encoding: 64 bits, little-endian.
        if bytes.get(4..6).is_some_and(|ident| ident != [2, 1]) {
            return Err(Error::ForeignElf);
        }
        let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(damaged)?;
        let segments = header.program_headers(ENDIAN, bytes).map_err(damaged)?;
        let sections = header.sections(ENDIAN, bytes).map_err(damaged)?;
        let mut elf = Self { bytes, header, segments, sections, section_names: &[] };
        if !elf.sections.is_empty() {
            let index = header.shstrndx(ENDIAN, bytes).map_err(damaged)?;
            elf.section_names = elf.contents_of(SectionIndex(index as usize))?;
        }
        Ok(elf)
    }

    /// What it is.
    pub fn kind(&self) -> MemberKind {
        let machine = self.header.e_machine(ENDIAN);
        match self.header.e_type(ENDIAN) {
            _ if machine == elf::EM_CUDA => MemberKind::Cubin,
            elf::ET_REL => MemberKind::Object,
            // Programs at any address are of the same type as libraries, and have a loader.
            elf::ET_DYN if !self.has_interpreter() => MemberKind::SharedLibrary,
            _ => MemberKind::Program,
        }
    }

    fn has_interpreter(&self) -> bool {
        self.segments.iter().any(|segment| segment.p_type(ENDIAN) == elf::PT_INTERP)
    }

    /// The processor, by its usual name.
    pub fn machine(&self) -> String {
        match self.header.e_machine(ENDIAN) {
            elf::EM_X86_64 => "x86-64".to_owned(),
            elf::EM_AARCH64 => "aarch64".to_owned(),
            other => format!("machine {}", other.0),
        }
    }

    /// Whether it has section headers, without which neither symbols nor device code are found.
    pub fn has_sections(&self) -> bool {
        !self.sections.is_empty()
    }

    fn contents_of(&self, index: SectionIndex) -> Result<&'a [u8]> {
        let section = self.sections.section(index).map_err(damaged)?;
        section.data(ENDIAN, self.bytes).map_err(damaged)
    }

    fn name_of(&self, section: &SectionHeader64<LittleEndian>) -> Result<&'a [u8]> {
        text_at(self.section_names, section.sh_name(ENDIAN) as usize)
    }

    /// The contents of the sections with this name.
    ///
    /// # Errors
    /// When a section's name or contents lead outside of the file.
    pub fn sections_named(&self, name: &str) -> Result<Vec<&'a [u8]>> {
        let mut contents = Vec::new();
        for section in self.sections.iter() {
            if self.name_of(section)? == name.as_bytes() {
                contents.push(section.data(ENDIAN, self.bytes).map_err(damaged)?);
            }
        }
        Ok(contents)
    }

    /// Constants: the sections that are loaded, and neither written nor executed.
    pub(crate) fn constants(&self) -> Vec<&'a [u8]> {
        let is_constant = |section: &&SectionHeader64<LittleEndian>| {
            let flags = section.sh_flags(ENDIAN);
            section.sh_type(ENDIAN) == elf::SHT_PROGBITS
                && flags.0 & elf::SHF_ALLOC.0 != 0
                && flags.0 & (elf::SHF_WRITE.0 | elf::SHF_EXECINSTR.0) == 0
        };
        self.sections.iter().filter(is_constant).filter_map(|section| section.data(ENDIAN, self.bytes).ok()).collect()
    }

    /// The dynamic section.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn dynamic(&self) -> Result<Dynamic> {
        let mut dynamic = Dynamic::default();
        for segment in self.segments {
            if let Some(path) = segment.interpreter(ENDIAN, self.bytes).ok().flatten() {
                dynamic.interpreter = Some(owned(path));
            }
        }
        let Some((entries, strings)) = self.sections.dynamic(ENDIAN, self.bytes).map_err(damaged)? else {
            return Ok(dynamic);
        };
        let strings = self.contents_of(strings)?;
        for entry in entries {
            let text = || text_at(strings, usize::try_from(entry.d_val(ENDIAN)).unwrap_or(usize::MAX));
            match entry.d_tag(ENDIAN) {
                elf::DT_NULL => break,
                elf::DT_NEEDED if dynamic.needed.len() == NEEDED_MAX => {
                    return Err(Error::TooMuch { what: "libraries needed".to_owned(), limit: NEEDED_MAX as u64 });
                }
                elf::DT_NEEDED => dynamic.needed.push(owned(text()?)),
                elf::DT_SONAME => dynamic.soname = Some(owned(text()?)),
                elf::DT_RPATH => dynamic.rpath = folders(text()?),
                elf::DT_RUNPATH => dynamic.runpath = folders(text()?),
                _ => {}
            }
        }
        if !dynamic.runpath.is_empty() {
            dynamic.rpath.clear();
        }
        Ok(dynamic)
    }

    /// The identity that the linker gave it, in hexadecimal digits.
    pub fn build_id(&self) -> Option<String> {
        for section in self.sections.iter() {
            let Ok(Some(mut notes)) = section.notes(ENDIAN, self.bytes) else { continue };
            while let Ok(Some(note)) = notes.next() {
                if note.name() == elf::ELF_NOTE_GNU && note.n_type(ENDIAN) == elf::NT_GNU_BUILD_ID {
                    let digits = note.desc().iter().take(64).map(|byte| format!("{byte:02x}"));
                    return Some(digits.collect());
                }
            }
        }
        None
    }

    /// Calls `visit` for each symbol that is exported or imported: of an object file those that it has for its neighbours.
    ///
    /// # Errors
    /// When the table of symbols or one of its names is damaged.
    pub fn symbols(&self, mut visit: impl FnMut(ElfSymbol<'a>)) -> Result<()> {
        let is_object = self.kind() == MemberKind::Object;
        let table = if is_object { elf::SHT_SYMTAB } else { elf::SHT_DYNSYM };
        let symbols: SymbolTable<'a, FileHeader64<LittleEndian>> =
            self.sections.symbols(ENDIAN, self.bytes, table).map_err(damaged)?;
        if symbols.is_empty() {
            return Ok(());
        }
        let strings = self.contents_of(symbols.string_section())?;
        let versions =
            if is_object { Versions::default() } else { Versions::read(&self.sections, self.bytes, strings)? };
        for (index, symbol) in symbols.enumerate() {
            // What is hidden is for the neighbours of an object file, and for nobody else.
            let hidden = !is_object && matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL);
            if symbol.is_local() || hidden || symbol.st_name(ENDIAN) == 0 {
                continue;
            }
            let place = if symbol.is_undefined(ENDIAN) { Place::Imported } else { Place::Exported };
            let version = versions.of(index.0);
            visit(ElfSymbol {
                name: text_at(strings, symbol.st_name(ENDIAN) as usize)?,
                place,
                kind: match symbol.st_type() {
                    elf::STT_FUNC | elf::STT_GNU_IFUNC => SymbolKind::Function,
                    elf::STT_OBJECT | elf::STT_COMMON | elf::STT_TLS => SymbolKind::Object,
                    _ => SymbolKind::Unstated,
                },
                version: version.map(|version| version.name),
                from: version.and_then(|version| version.file),
                bytes: if place == Place::Exported { symbol.st_size(ENDIAN) } else { 0 },
                weak: symbol.is_weak(),
            });
        }
        Ok(())
    }
}

/// The folders of a search path.
fn folders(text: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(text).split(':').filter(|folder| !folder.is_empty()).map(String::from).collect()
}

/// A symbol as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub struct ElfSymbol<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Where it is defined.
    pub place: Place,
    /// What it is.
    pub kind: SymbolKind,
    /// Its version.
    pub version: Option<&'a [u8]>,
    /// The library that an imported version is to come from.
    pub from: Option<&'a [u8]>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it is weak.
    pub weak: bool,
}

impl ElfSymbol<'_> {
    /// The symbol for a report.
    pub fn to_symbol(self) -> Symbol {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Symbol {
            place: self.place,
            name: text(self.name),
            version: self.version.map(text),
            from: self.from.map(text),
            kind: self.kind,
            bytes: self.bytes,
            weak: self.weak,
        }
    }

    /// Its name as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapped::MappedFile;

    #[test]
    fn this_very_program_is_read() {
        let file = MappedFile::open(&std::env::current_exe().unwrap()).unwrap();
        let elf = Elf::parse(file.bytes()).unwrap();
        let dynamic = elf.dynamic().unwrap();
        assert!(std::path::Path::new(&dynamic.interpreter.unwrap()).is_file());
        assert!(dynamic.needed.iter().any(|library| library.starts_with("libc.so")));
        assert_eq!(elf.kind(), MemberKind::Program);
        assert_eq!(elf.sections_named(".text").unwrap().len(), 1);
        assert_eq!(elf.sections_named(".nv_fatbin").unwrap().len(), 0);
        let mut from_libc = 0;
        elf.symbols(|symbol| {
            let versioned = symbol.version.is_some_and(|version| version.starts_with(b"GLIBC_"));
            if symbol.place == Place::Imported && versioned && symbol.from == Some(b"libc.so.6") {
                from_libc += 1;
            }
        })
        .unwrap();
        assert!(from_libc > 10, "{from_libc} symbols of the C library with versions");
    }

    #[test]
    fn a_name_without_an_end_is_an_error() {
        assert_eq!(text_at(b"\0main\0", 1).unwrap(), b"main");
        assert!(text_at(b"\0main", 1).is_err());
        assert!(text_at(b"\0", 2).is_err());
        assert!(text_at(&vec![b'x'; NAME_BYTES_MAX + 10], 0).is_err());
    }
}
