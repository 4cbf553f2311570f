//! What the dynamic loader does with a program, found out from its ELF file without running it.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use memmap2::Mmap;
use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader};

/// A file in memory.
pub struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps a file.
    ///
    /// # Errors
    /// When it cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        // SAFETY: only a file that another process shortens meanwhile could make this fail, and that would end this
        // process, which looks at programs and changes nothing.
        let map = unsafe { Mmap::map(&file) }.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { map })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

/// What the loader reads of an ELF file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DynamicInfo {
    /// The loader itself (`PT_INTERP`); none in a static program and in most libraries.
    pub interpreter: Option<PathBuf>,
    /// Libraries that it is linked with.
    pub needed: Vec<String>,
    /// Folders that are searched before `LD_LIBRARY_PATH`.
    pub rpath: Vec<String>,
    /// Folders that are searched after `LD_LIBRARY_PATH`.
    pub runpath: Vec<String>,
}

/// Reads the dynamic section of an ELF file.
///
/// # Errors
/// When it is no 64-bit little-endian ELF file, or damaged.
pub fn read_dynamic(bytes: &[u8]) -> Result<DynamicInfo> {
    let header = FileHeader64::<LittleEndian>::parse(bytes).context("it is no 64-bit ELF file")?;
    let mut info = DynamicInfo::default();
    for segment in header.program_headers(LittleEndian, bytes).context("its program headers are damaged")? {
        if let Some(path) = segment.interpreter(LittleEndian, bytes).ok().flatten() {
            info.interpreter = Some(PathBuf::from(OsStr::from_bytes(path)));
        }
    }
    let sections = header.sections(LittleEndian, bytes).context("its section headers are damaged")?;
    let Some((entries, strings)) = sections.dynamic(LittleEndian, bytes).context("its dynamic section is damaged")?
    else {
        return Ok(info);
    };
    let strings = sections.strings(LittleEndian, bytes, strings).context("its dynamic strings are damaged")?;
    for entry in entries {
        let text = || entry.string(LittleEndian, strings).ok().map(|text| String::from_utf8_lossy(text).into_owned());
        let folders =
            || text().unwrap_or_default().split(':').filter(|dir| !dir.is_empty()).map(String::from).collect();
        match entry.tag(LittleEndian) {
            elf::DT_NEEDED => info.needed.extend(text()),
            elf::DT_RPATH => info.rpath = folders(),
            elf::DT_RUNPATH => info.runpath = folders(),
            _ => {}
        }
    }
    // Where there is a RUNPATH, the loader ignores the RPATH (ld.so(8)).
    if !info.runpath.is_empty() {
        info.rpath.clear();
    }
    Ok(info)
}

/// The contents of the sections with this name.
///
/// # Errors
/// When it is no 64-bit little-endian ELF file, or damaged.
pub fn sections_named<'a>(bytes: &'a [u8], name: &str) -> Result<Vec<&'a [u8]>> {
    let header = FileHeader64::<LittleEndian>::parse(bytes).context("it is no 64-bit ELF file")?;
    let sections = header.sections(LittleEndian, bytes).context("its section headers are damaged")?;
    let mut contents = Vec::new();
    for section in sections.iter() {
        if sections.section_name(LittleEndian, section) == Ok(name.as_bytes()) {
            contents.push(section.data(LittleEndian, bytes).context("a section leads outside of the file")?);
        }
    }
    Ok(contents)
}

/// The program of a `#!` line, if the file is a script.
pub fn script_interpreter(bytes: &[u8]) -> Option<Vec<String>> {
    let line = bytes.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let words: Vec<String> = String::from_utf8_lossy(line).split_whitespace().map(String::from).collect();
    (!words.is_empty()).then_some(words)
}

/// Replaces `$ORIGIN` in a folder of an RPATH by the folder of the file that has it (ld.so(8)).
pub fn expand_origin(folder: &str, file: &Path) -> PathBuf {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy();
    PathBuf::from(folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
}

/// Finds a program as `execvp` does: by its path, or by its name in `PATH`.
pub fn find_program(name: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Path::new(name).is_file().then(|| PathBuf::from(name));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_is_read() {
        let path = std::env::current_exe().unwrap();
        let file = MappedFile::open(&path).unwrap();
        let info = read_dynamic(file.bytes()).unwrap();
        assert!(info.interpreter.unwrap().is_file());
        assert!(info.needed.iter().any(|library| library.starts_with("libc.so")));
        assert_eq!(sections_named(file.bytes(), ".text").unwrap().len(), 1);
        assert_eq!(sections_named(file.bytes(), ".nv_fatbin").unwrap().len(), 0);
    }

    #[test]
    fn scripts_name_their_interpreter() {
        assert_eq!(
            script_interpreter(b"#!/usr/bin/env python3\nprint()"),
            Some(vec!["/usr/bin/env".into(), "python3".into()])
        );
        assert_eq!(script_interpreter(b"#! /bin/sh"), Some(vec!["/bin/sh".into()]));
        assert_eq!(script_interpreter(b"#!\n"), None);
        assert_eq!(script_interpreter(b"\x7fELF"), None);
    }

    #[test]
    fn origin_is_the_folder_of_the_file() {
        let file = Path::new("/opt/tool/bin/tool");
        assert_eq!(expand_origin("$ORIGIN/../lib", file), Path::new("/opt/tool/bin/../lib"));
        assert_eq!(expand_origin("${ORIGIN}", file), Path::new("/opt/tool/bin"));
        assert_eq!(expand_origin("/usr/lib", file), Path::new("/usr/lib"));
    }
}
