//! Containers within what the host compiler makes: object files, archives of them, programs.

use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader, SectionHeader};

use crate::container::{CONTAINER_MAGIC, Container, ImageKind};
use crate::elf;
use crate::error::{Error, Result};

/// Sections that hold containers: of ordinary device code, and of relocatable code, which is to be linked.
const SECTIONS: [&[u8]; 2] = [b".nv_fatbin", b"__nv_relfatbin"];

/// First bytes of an archive.
const ARCHIVE_MAGIC: &[u8] = b"!<arch>\n";

/// More members than any archive of device code has.
const MAX_MEMBERS: usize = 1 << 16;

/// The device code of an object file.
#[derive(Debug)]
pub struct Member<'a> {
    /// Its name in the archive; empty for a file that is no archive.
    pub name: String,
    /// Its containers.
    pub containers: Vec<Container<'a>>,
}

/// The device code of an object file, a program, or each member of an archive. A bare container counts as one, too. Members
/// without device code are left out.
///
/// # Errors
/// When it is none of these, or damaged.
pub fn members(file: &[u8]) -> Result<Vec<Member<'_>>> {
    if !file.starts_with(ARCHIVE_MAGIC) {
        let containers = containers(file)?;
        return Ok(if containers.is_empty() { Vec::new() } else { vec![Member { name: String::new(), containers }] });
    }
    let archive = ArchiveFile::parse(file).map_err(|error| Error::Archive(error.to_string()))?;
    let mut members = Vec::new();
    for (index, member) in archive.members().enumerate() {
        if index == MAX_MEMBERS {
            return Err(Error::TooManyImages(MAX_MEMBERS));
        }
        let member = member.map_err(|error| Error::Archive(error.to_string()))?;
        let data = member.data(file).map_err(|error| Error::Archive(error.to_string()))?;
        // Archives also hold what is no object file: tables, texts.
        if !elf::is_elf(data) {
            continue;
        }
        let containers = containers(data)?;
        if !containers.is_empty() {
            members.push(Member { name: String::from_utf8_lossy(member.name()).into_owned(), containers });
        }
    }
    Ok(members)
}

/// The containers of an object file or program, or the one that the file is.
fn containers(file: &[u8]) -> Result<Vec<Container<'_>>> {
    let first = file.first_chunk::<4>().copied().unwrap_or_default();
    if u32::from_le_bytes(first) == CONTAINER_MAGIC {
        return Ok(vec![Container::parse(file)?]);
    }
    if !elf::is_elf(file) {
        return Err(Error::UnknownFormat(first));
    }
    let elf_error = |error: object::Error| Error::Object(error.to_string());
    let header = FileHeader64::<LittleEndian>::parse(file).map_err(elf_error)?;
    let sections = header.sections(LittleEndian, file).map_err(elf_error)?;
    let mut containers = Vec::new();
    for section in sections.iter() {
        let name = sections.section_name(LittleEndian, section).map_err(elf_error)?;
        if SECTIONS.contains(&name) {
            let data = section.data(LittleEndian, file).map_err(elf_error)?;
            containers.extend(Container::parse_section(data)?);
        }
    }
    Ok(containers)
}

/// Whether nothing is missed without the machine code of a container: there is none, or there are no functions in it, as in the module that
/// nvcc puts into every program; or it is NVIDIA's runtime for kernels that launch kernels (`libcudadevrt`), which a driver
/// brings itself. nvcc links that to every program of relocatable device code that may need it.
pub fn is_dispensable(container: &Container<'_>) -> bool {
    let Some(image) = container.images().iter().find(|image| image.kind == ImageKind::Elf) else {
        return container.images().is_empty();
    };
    let has_ptx = container.images().iter().any(|image| image.kind == ImageKind::Ptx);
    let cubin = image.data().ok().and_then(|data| elf::inspect(&data).ok());
    cubin.is_some_and(|cubin| {
        (cubin.functions.is_empty() && !has_ptx) || cubin.functions.iter().any(|name| name.starts_with("__cudaCDP2"))
    })
}
