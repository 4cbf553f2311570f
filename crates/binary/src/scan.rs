//! Reading a file of any kind.

use std::path::Path;

use fatbin::Container;

use crate::archive;
use crate::compare::Surface;
use crate::device_code::Reader;
use crate::elf::{self, Elf};
use crate::error::{Error, Result};
use crate::limits::{PROBLEMS_MAX, SYMBOL_NAME_BYTES_MAX, SYMBOLS_LISTED_MAX, UNPACKED_BYTES_MAX};
use crate::mapped::MappedFile;
use crate::report::{
    DeviceCode, FileFormat, Member, MemberKind, Place, Runtime, RuntimeLinkage, SCAN_SCHEMA, Scan, Symbol, SymbolCounts,
};
use crate::{runtime, wheel};

/// First four bytes of a container of device code.
const FATBIN_MAGIC: [u8; 4] = 0xBA55_ED50u32.to_le_bytes();

/// Which symbols a report lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolChoice {
    /// None; they are counted.
    None,
    /// Those of CUDA's driver, runtime, debugger and management library ([`is_cuda_name`]).
    Cuda,
    /// All.
    All,
}

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The names that the driver's functions are looked up by, with the release that brought each: 13000 for 13.0.
    pub driver_functions: &'a [(&'a str, u32)],
    /// The symbols to list.
    pub symbols: SymbolChoice,
    /// Bytes of a file's device code that may be unpacked to name its functions.
    pub unpack_bytes_max: u64,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { driver_functions: &[], symbols: SymbolChoice::Cuda, unpack_bytes_max: UNPACKED_BYTES_MAX }
    }
}

/// Whether a name is one of CUDA's own interfaces: `cuInit`, `cudaMalloc`, `__cudaRegisterFatBinary`, `cudbgGetAPI`, `nvmlInit_v2`.
pub fn is_cuda_name(name: &[u8]) -> bool {
    let starts = |prefix: &[u8]| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_uppercase))
    };
    [&b"cu"[..], b"cuda", b"__cuda", b"cudbg", b"CUDBG_", b"nvml"].into_iter().any(starts)
}

/// Reads a file: `path`, or the part `member` of it.
///
/// # Errors
/// When the file cannot be read or is of no kind that is known; when it is one ELF file and damaged. What is wrong with one
/// member of many is a line in the report.
pub fn scan(path: &Path, member: Option<&str>, options: &Options<'_>) -> Result<Scan> {
    scan_bytes(&path.display().to_string(), MappedFile::open(path)?.bytes(), member, options)
}

/// As [`scan`], of a file that is in memory; `label` is what to call it.
///
/// # Errors
/// As [`scan`].
pub fn scan_bytes(label: &str, bytes: &[u8], member: Option<&str>, options: &Options<'_>) -> Result<Scan> {
    let mut members = Vec::new();
    let mut problems = Vec::new();
    let format =
        each_member(bytes, member, |name, content| match content.and_then(|bytes| read(name, bytes, options)) {
            Ok(member) => members.push(member),
            Err(error) if problems.len() < PROBLEMS_MAX => problems.push((name.map(String::from), error)),
            Err(_) => {}
        })?;
    if members.is_empty()
        && let Some(place) = problems.iter().position(|(name, _)| name.as_deref() == member)
    {
        return Err(problems.swap_remove(place).1);
    }
    let line = |(name, error): (Option<String>, Error)| match name {
        Some(name) => format!("{name}: {error}"),
        None => error.to_string(),
    };
    Ok(Scan {
        schema: SCAN_SCHEMA,
        file: label.to_owned(),
        bytes: bytes.len() as u64,
        format,
        members,
        problems: problems.into_iter().map(line).collect(),
    })
}

/// What a library exports: the file, its part `member`, or its only part that exports anything.
///
/// # Errors
/// As [`scan`]; when there is no such library, or no only one.
pub fn exports(path: &Path, member: Option<&str>, choice: SymbolChoice) -> Result<Surface> {
    let file = MappedFile::open(path)?;
    let mut surfaces = Vec::new();
    let mut failure = None;
    each_member(file.bytes(), member, |name, content| {
        match content.and_then(|bytes| surface(path, name, bytes, choice)) {
            Ok(surface) if surface.exports.is_empty() => {}
            Ok(surface) => surfaces.push((name.unwrap_or_default().to_owned(), surface)),
            Err(error) => failure = Some(error),
        }
    })?;
    match surfaces.len() {
        1 => Ok(surfaces.swap_remove(0).1),
        0 => Err(failure.unwrap_or(Error::NoLibrary)),
        _ => Err(Error::SeveralLibraries(surfaces.into_iter().map(|(name, _)| name).collect())),
    }
}

fn surface(path: &Path, name: Option<&str>, bytes: &[u8], choice: SymbolChoice) -> Result<Surface> {
    let elf = Elf::parse(bytes)?;
    let mut label = path.display().to_string();
    if let Some(name) = name {
        label = format!("{label}::{name}");
    }
    let mut list = SymbolList::new(choice);
    elf.symbols(|symbol| {
        if symbol.place == Place::Exported {
            list.take(symbol);
        }
    })?;
    if list.counts.left_out > 0 {
        return Err(Error::TooMuch { what: "symbols".to_owned(), limit: SYMBOLS_LISTED_MAX as u64 });
    }
    Ok(Surface::of_symbols(label, elf.dynamic()?.soname, list.symbols))
}

/// Calls `visit` with the parts of a file that are programs, libraries or device code; for a file that is one itself, without a name.
fn each_member(
    bytes: &[u8],
    chosen: Option<&str>,
    mut visit: impl FnMut(Option<&str>, Result<&[u8]>),
) -> Result<FileFormat> {
    let mut seen = false;
    let is_chosen = |name: &str| chosen.is_none_or(|chosen| chosen == name);
    let format = if bytes.starts_with(archive::MAGIC) {
        archive::members(bytes, |name, content| {
            if kind_of(content).is_some() && is_chosen(name) {
                seen = true;
                visit(Some(name), Ok(content));
            }
        })?;
        FileFormat::Archive
    } else if wheel::MAGICS.iter().any(|magic| bytes.starts_with(magic)) {
        // Of device code, PTX has no first bytes of its own.
        let wanted = |name: &str, head: &[u8]| {
            is_chosen(name) && (kind_of(head).is_some_and(|kind| kind != Kind::Ptx) || name.ends_with(".ptx"))
        };
        wheel::members(bytes, wanted, |name, content| {
            seen = true;
            visit(Some(name), content);
        })?;
        FileFormat::Wheel
    } else {
        let kind = kind_of(bytes).ok_or(Error::UnknownFormat(bytes.first_chunk().copied().unwrap_or_default()))?;
        if chosen.is_none() {
            seen = true;
            visit(None, Ok(bytes));
        }
        let is_host = kind == Kind::Elf && fatbin::elf::capability(bytes).is_err();
        if is_host { FileFormat::Elf } else { FileFormat::DeviceCode }
    };
    match chosen {
        Some(name) if !seen => Err(Error::NoSuchMember(name.to_owned())),
        _ => Ok(format),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Elf,
    Fatbin,
    Ptx,
}

/// What bytes are, by their beginning.
fn kind_of(bytes: &[u8]) -> Option<Kind> {
    if elf::is_elf(bytes) {
        return Some(Kind::Elf);
    }
    if bytes.starts_with(&FATBIN_MAGIC) {
        return Some(Kind::Fatbin);
    }
    // PTX begins with `.version`, after comments.
    let head = &bytes[..bytes.len().min(4096)];
    let is_text = head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0);
    let is_directive = |line: &[u8]| {
        line.trim_ascii()
            .strip_prefix(b".version")
            .is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_whitespace))
    };
    (is_text && head.split(|byte| *byte == b'\n').any(is_directive)).then_some(Kind::Ptx)
}

fn read(name: Option<&str>, bytes: &[u8], options: &Options<'_>) -> Result<Member> {
    let mut member = Member {
        name: name.map(String::from),
        kind: MemberKind::Ptx,
        bytes: bytes.len() as u64,
        machine: None,
        interpreter: None,
        soname: None,
        build_id: None,
        needed: Vec::new(),
        rpath: Vec::new(),
        runpath: Vec::new(),
        symbol_counts: SymbolCounts::default(),
        symbols: Vec::new(),
        runtime: Runtime { linkage: RuntimeLinkage::None, at_least: None, major: None, evidence: Vec::new() },
        device_code: DeviceCode::default(),
        problems: Vec::new(),
    };
    let mut problems = Vec::new();
    let mut reader = Reader::new(options.unpack_bytes_max, &mut problems);
    match kind_of(bytes) {
        Some(Kind::Elf) => {
            let elf = Elf::parse(bytes)?;
            member.kind = elf.kind();
            if member.kind == MemberKind::Cubin {
                reader.read_cubin(bytes);
            } else {
                reader.read_elf(&elf);
                read_host(&mut member, &elf, options)?;
            }
        }
        Some(Kind::Fatbin) => {
            member.kind = MemberKind::Fatbin;
            // The file is a container: a damaged one is a damaged file.
            Container::parse(bytes)?;
            reader.read_section(None, bytes, 0);
        }
        Some(Kind::Ptx) => reader.read_ptx(bytes),
        None => return Err(Error::UnknownFormat(bytes.first_chunk().copied().unwrap_or_default())),
    }
    member.device_code = reader.finish();
    member.problems.append(&mut problems);
    member.problems.truncate(PROBLEMS_MAX);
    Ok(member)
}

/// What stands in an ELF file for the host apart from device code.
fn read_host(member: &mut Member, elf: &Elf<'_>, options: &Options<'_>) -> Result<()> {
    member.machine = Some(elf.machine());
    if !elf.has_sections() {
        member.problems.push("it has no section headers, so that neither symbols nor device code are found".to_owned());
    }
    let dynamic = elf.dynamic()?;
    member.build_id = elf.build_id();
    member.runtime = runtime::find(elf, &dynamic, options.driver_functions);
    let mut list = SymbolList::new(options.symbols);
    if let Err(error) = elf.symbols(|symbol| list.take(symbol)) {
        member.problems.push(format!("its symbols: {error}"));
    }
    list.symbols.sort_unstable();
    (member.symbols, member.symbol_counts) = (list.symbols, list.counts);
    member.interpreter = dynamic.interpreter;
    member.soname = dynamic.soname;
    member.needed = dynamic.needed;
    member.rpath = dynamic.rpath;
    member.runpath = dynamic.runpath;
    Ok(())
}

/// Symbols on their way to a report.
struct SymbolList {
    choice: SymbolChoice,
    name_bytes: usize,
    symbols: Vec<Symbol>,
    counts: SymbolCounts,
}

impl SymbolList {
    fn new(choice: SymbolChoice) -> Self {
        Self { choice, name_bytes: 0, symbols: Vec::new(), counts: SymbolCounts::default() }
    }

    fn take(&mut self, symbol: elf::ElfSymbol<'_>) {
        match symbol.place {
            Place::Exported => self.counts.exported += 1,
            Place::Imported => self.counts.imported += 1,
        }
        let wanted = match self.choice {
            SymbolChoice::None => false,
            SymbolChoice::Cuda => is_cuda_name(symbol.name),
            SymbolChoice::All => true,
        };
        if !wanted {
            return;
        }
        self.name_bytes +=
            [Some(symbol.name), symbol.version, symbol.from].into_iter().flatten().map(<[u8]>::len).sum::<usize>();
        if self.symbols.len() == SYMBOLS_LISTED_MAX || self.name_bytes > SYMBOL_NAME_BYTES_MAX {
            self.counts.left_out += 1;
            return;
        }
        self.symbols.push(symbol.to_symbol());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuda_s_names_are_told_from_others() {
        for name in
            ["cuInit", "cudaMalloc", "__cudaRegisterFatBinary", "cudbgGetAPI", "nvmlInit_v2", "CUDBG_IPC_FLAG_NAME"]
        {
            assert!(is_cuda_name(name.as_bytes()), "{name}");
        }
        for name in ["cublasCreate_v2", "custom", "cu", "cudnnCreate", "curl_easy_init", "malloc"] {
            assert!(!is_cuda_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn kinds_are_told_by_their_beginning() {
        assert!(kind_of(b"//\n// Generated\n.version 9.0\n.target sm_75") == Some(Kind::Ptx));
        assert!(kind_of(b"the .versions of it").is_none());
        assert!(kind_of(b"").is_none());
        assert!(kind_of(&FATBIN_MAGIC) == Some(Kind::Fatbin));
    }
}
