//! The report on a file. Its fields are those of the JSON form, whose schema is `docs/abi-scan.schema.json`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// Name and version of the JSON form of [`Scan`]. The number changes when a field goes or changes its meaning; a new field alone
/// leaves it.
pub const SCAN_SCHEMA: &str = "apex-abi-scan/1";

/// What precedes the release in what NVIDIA's compilers write into the code that they make.
pub const CUDA_RELEASE: &str = "Cuda compilation tools, release ";

/// What a file holds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Scan {
    /// [`SCAN_SCHEMA`].
    pub schema: &'static str,
    /// The file, as it was named.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// What kind of file it is.
    pub format: FileFormat,
    /// The parts of an archive or a wheel that are programs, libraries or device code; of any other file, itself.
    pub members: Vec<Member>,
    /// Members that could not be read, and why.
    pub problems: Vec<String>,
}

/// Kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// A program, library or object file.
    Elf,
    /// A static library (`.a`).
    Archive,
    /// A Python wheel or any other zip file.
    Wheel,
    /// Device code that stands for itself: a fatbin, a cubin, PTX.
    DeviceCode,
}

/// What a part of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberKind {
    /// A library that is loaded (`.so`).
    SharedLibrary,
    /// A program.
    Program,
    /// An object file (`.o`).
    Object,
    /// A fatbin.
    Fatbin,
    /// Machine code for one device.
    Cubin,
    /// PTX text.
    Ptx,
}

/// A program, a library, an object file, or device code.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Member {
    /// Its path in the archive or wheel; `null` for a file that is no archive.
    pub name: Option<String>,
    /// What it is.
    pub kind: MemberKind,
    /// Its size, unpacked.
    pub bytes: u64,
    /// The host's processor: `x86-64`, `aarch64`, or `machine N` by ELF's number. `null` for device code.
    pub machine: Option<String>,
    /// The loader that it asks for (`PT_INTERP`).
    pub interpreter: Option<String>,
    /// The name that others link it by (`DT_SONAME`).
    pub soname: Option<String>,
    /// The identity that the linker gave it (`NT_GNU_BUILD_ID`), in hexadecimal digits.
    pub build_id: Option<String>,
    /// Libraries that it is linked with (`DT_NEEDED`).
    pub needed: Vec<String>,
    /// Folders that are searched before `LD_LIBRARY_PATH` (`DT_RPATH`).
    pub rpath: Vec<String>,
    /// Folders that are searched after `LD_LIBRARY_PATH` (`DT_RUNPATH`).
    pub runpath: Vec<String>,
    /// How many symbols it has.
    pub symbol_counts: SymbolCounts,
    /// The symbols that were asked for, by place and name.
    pub symbols: Vec<Symbol>,
    /// The CUDA runtime that it uses.
    pub runtime: Runtime,
    /// Its device code.
    pub device_code: DeviceCode,
    /// What could not be read of it.
    pub problems: Vec<String>,
}

/// How many symbols a file has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SymbolCounts {
    /// For others to use.
    pub exported: u64,
    /// Of others.
    pub imported: u64,
    /// Of these two, the ones that were asked for and are not in the list since it is full.
    pub left_out: u64,
}

/// A symbol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Symbol {
    /// Where it is defined.
    pub place: Place,
    /// Its name as it stands in the table.
    pub name: String,
    /// Its version (`GLIBC_2.2.5`), where it has one.
    pub version: Option<String>,
    /// The library that the version of an imported one is to come from.
    pub from: Option<String>,
    /// What it is.
    pub kind: SymbolKind,
    /// Its size in bytes; 0 for an imported one.
    pub bytes: u64,
    /// Whether it may be absent (imported) or replaced (exported).
    pub weak: bool,
}

/// Where a symbol is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Here, for others to use.
    Exported,
    /// Elsewhere.
    Imported,
}

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SymbolKind {
    /// A function (`STT_FUNC`, `STT_GNU_IFUNC`).
    Function,
    /// A variable (`STT_OBJECT`, `STT_COMMON`, `STT_TLS`).
    Object,
    /// Of no stated type, as imported symbols may be.
    Unstated,
}

/// The CUDA runtime (cudart) of a program or library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Runtime {
    /// How it is linked.
    pub linkage: RuntimeLinkage,
    /// The release that it is at least, if anything says so.
    pub at_least: Option<Release>,
    /// The major version alone, if its name says so (`libcudart.so.13`).
    pub major: Option<u32>,
    /// What that was concluded from.
    pub evidence: Vec<String>,
}

/// How the CUDA runtime is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuntimeLinkage {
    /// There is none.
    None,
    /// It is part of the file.
    Static,
    /// It is a library that the loader finds.
    Shared,
    /// The file is the runtime.
    Itself,
}

/// A release of CUDA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Release {
    /// 13 of 13.0.
    pub major: u32,
    /// 0 of 13.0.
    pub minor: u32,
}

impl Release {
    /// The release that a driver or header states as 13000.
    pub const fn from_number(number: u32) -> Self {
        Self { major: number / 1000, minor: number % 1000 / 10 }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The device code of a file.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct DeviceCode {
    /// Every image, in the order of the file.
    pub images: Vec<Image>,
    /// Images whose functions are not named, since that would have taken to unpack more than was allowed.
    pub unread_images: u64,
    /// Releases of the compilers that made the images whose functions are named: `13.0, V13.0.88`.
    pub compilers: Vec<String>,
}

/// An image of device code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Image {
    /// The section that it is in; `null` where the file is the container or the image.
    pub section: Option<&'static str>,
    /// Which container of the file, from 0. A container is what one source file made.
    pub container: u64,
    /// `ptx`, `cubin`, `lto`, or `kind N` by the number in the header.
    pub kind: String,
    /// `sm_90a`, `compute_75`, `lto_80`.
    pub target: String,
    /// Version of the PTX ISA or of the ELF ABI; `null` where nothing states it.
    pub version: Option<String>,
    /// `none`, `lz4` or `zstd`.
    pub compression: &'static str,
    /// Bytes in the file.
    pub stored_bytes: u64,
    /// Bytes of the image itself, by its header.
    pub image_bytes: u64,
    /// Whether it was made for debugging (`nvcc -G`).
    pub debug: bool,
    /// The source file, where the compiler recorded it.
    pub source: Option<String>,
    /// Names of its functions: all of a cubin's, the kernels of PTX. `null` where it was not unpacked.
    pub functions: Option<Vec<String>>,
}
