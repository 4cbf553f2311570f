//! Device code: the containers of a file, what their images are, which functions they have.

use fatbin::{Arch, Compression, Container, ImageKind};
use memchr::memmem;

use crate::elf::Elf;
use crate::limits::{FUNCTIONS_MAX, IMAGES_MAX};
use crate::report::{CUDA_RELEASE, DeviceCode, Image};

/// Sections that hold containers: of ordinary device code, and of relocatable code, which is to be linked. Clang and nvcc use the
/// same.
pub const SECTIONS: [&str; 2] = [".nv_fatbin", "__nv_relfatbin"];

/// Bytes of a compiler's name of its release that are looked at.
const RELEASE_BYTES_MAX: usize = 64;

/// Reads device code, within a budget of bytes that may be unpacked.
pub(crate) struct Reader<'p> {
    code: DeviceCode,
    /// Bytes that may still be unpacked.
    budget: u64,
    problems: &'p mut Vec<String>,
}

impl<'p> Reader<'p> {
    pub(crate) fn new(unpack_bytes_max: u64, problems: &'p mut Vec<String>) -> Self {
        Self { code: DeviceCode::default(), budget: unpack_bytes_max, problems }
    }

    /// What was read.
    pub(crate) fn finish(mut self) -> DeviceCode {
        self.code.compilers.sort_unstable();
        self.code
    }

    /// Reads the containers of an ELF file for the host.
    pub(crate) fn read_elf(&mut self, elf: &Elf<'_>) {
        let mut first = 0;
        for section in SECTIONS {
            let contents = elf.sections_named(section).unwrap_or_default();
            for content in contents {
                first = self.read_section(Some(section), content, first);
            }
        }
    }

    /// Reads containers that stand one after another; the first is number `first`. Returns the number after the last.
    pub(crate) fn read_section(&mut self, section: Option<&'static str>, content: &[u8], first: u64) -> u64 {
        let mut number = first;
        for container in Container::iter_section(content) {
            let container = match container {
                Ok(container) => container,
                Err(error) => {
                    self.problems.push(format!("{}: container {number}: {error}", section.unwrap_or("device code")));
                    break;
                }
            };
            for image in container.images() {
                if self.code.images.len() == IMAGES_MAX {
                    self.problems.push(format!("more than {IMAGES_MAX} images of device code; the rest is not listed"));
                    return number;
                }
                let image = self.image(section, number, image);
                self.code.images.push(image);
            }
            number += 1;
        }
        number
    }

    fn image(&mut self, section: Option<&'static str>, container: u64, image: &fatbin::Image<'_>) -> Image {
        let (kind, target) = match image.kind {
            ImageKind::Ptx => ("ptx".to_owned(), "compute"),
            ImageKind::Elf => ("cubin".to_owned(), "sm"),
            ImageKind::Lto => ("lto".to_owned(), "lto"),
            ImageKind::Other(kind) => (format!("kind {kind}"), "sm"),
        };
        let mut arch = image.arch;
        let functions = self.functions(container, image, &mut arch);
        Image {
            section,
            container,
            kind,
            target: format!("{target}_{arch}"),
            version: Some(format!("{}.{}", image.version.0, image.version.1)),
            compression: match image.compression {
                Compression::None => "none",
                Compression::Lz4 => "lz4",
                Compression::Zstd => "zstd",
            },
            stored_bytes: image.stored_bytes as u64,
            image_bytes: image.image_bytes,
            debug: image.is_debug(),
            source: image.source_name.map(String::from),
            functions,
        }
    }

    /// Unpacks an image if the budget allows it, and names its functions. PTX says itself what it is for, with more
    /// authority than the header.
    fn functions(&mut self, container: u64, image: &fatbin::Image<'_>, arch: &mut Arch) -> Option<Vec<String>> {
        if !matches!(image.kind, ImageKind::Ptx | ImageKind::Elf) {
            return None;
        }
        // The members of a concatenated entry are unpacked together, for each of them again.
        let bytes = image.unpacked_bytes();
        if bytes > self.budget {
            self.code.unread_images += 1;
            return None;
        }
        self.budget -= bytes;
        let data = match image.data() {
            Ok(data) => data,
            Err(error) => {
                self.problems.push(format!("{image} in container {container}: {error}"));
                return None;
            }
        };
        self.note_compiler(&data);
        if image.kind == ImageKind::Ptx
            && let Ok(text) = std::str::from_utf8(&data)
            && let Some(own) = Arch::of_ptx(text)
        {
            *arch = own;
        }
        match functions_of(image.kind, &data) {
            Ok(functions) => Some(functions),
            Err(error) => {
                self.problems.push(format!("{image} in container {container}: {error}"));
                None
            }
        }
    }

    fn note_compiler(&mut self, data: &[u8]) {
        let Some(place) = memmem::find(data, CUDA_RELEASE.as_bytes()) else { return };
        let rest = &data[place + CUDA_RELEASE.len()..];
        let rest = &rest[..rest.len().min(RELEASE_BYTES_MAX)];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"., ".contains(byte);
        let end = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let release = String::from_utf8_lossy(&rest[..end]).trim().to_owned();
        if !release.is_empty() && !self.code.compilers.contains(&release) {
            self.code.compilers.push(release);
        }
    }

    /// A cubin that stands for itself.
    pub(crate) fn read_cubin(&mut self, bytes: &[u8]) {
        self.note_compiler(bytes);
        let (target, functions) = match fatbin::elf::inspect(bytes) {
            Ok(cubin) => (format!("sm_{}", cubin.capability.sm()), Some(cubin.functions)),
            Err(error) => {
                self.problems.push(error.to_string());
                (fatbin::elf::capability(bytes).map_or("?".to_owned(), |arch| format!("sm_{}", arch.sm())), None)
            }
        };
        self.code.images.push(alone("cubin", target, bytes, functions));
    }

    /// PTX text that stands for itself.
    pub(crate) fn read_ptx(&mut self, bytes: &[u8]) {
        self.note_compiler(bytes);
        let text = String::from_utf8_lossy(bytes);
        let target = Arch::of_ptx(&text).map_or("?".to_owned(), |arch| format!("compute_{arch}"));
        let functions = functions_of(ImageKind::Ptx, bytes).ok();
        let mut image = alone("ptx", target, bytes, functions);
        image.version = text.lines().find_map(|line| Some(line.trim().strip_prefix(".version")?.trim().to_owned()));
        self.code.images.push(image);
    }
}

fn alone(kind: &str, target: String, bytes: &[u8], functions: Option<Vec<String>>) -> Image {
    Image {
        section: None,
        container: 0,
        kind: kind.to_owned(),
        target,
        version: None,
        compression: "none",
        stored_bytes: bytes.len() as u64,
        image_bytes: bytes.len() as u64,
        debug: false,
        source: None,
        functions,
    }
}

/// The functions of a container, in alphabetical order; of images that are damaged none.
pub fn functions(container: &Container<'_>) -> Vec<String> {
    let of_image = |image: &fatbin::Image<'_>| functions_of(image.kind, &image.data().ok()?).ok();
    let mut functions: Vec<String> = container.images().iter().filter_map(of_image).flatten().collect();
    functions.sort_unstable();
    functions.dedup();
    functions
}

/// The functions of an image: of machine code all, by their sections; of PTX the kernels, by `.entry`.
fn functions_of(kind: ImageKind, data: &[u8]) -> fatbin::Result<Vec<String>> {
    let mut functions = match kind {
        ImageKind::Elf => fatbin::elf::inspect(data)?.functions,
        ImageKind::Ptx => kernels_of_ptx(data),
        ImageKind::Lto | ImageKind::Other(_) => Vec::new(),
    };
    functions.truncate(FUNCTIONS_MAX);
    Ok(functions)
}

fn kernels_of_ptx(text: &[u8]) -> Vec<String> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$%".contains(byte);
    let mut kernels: Vec<String> = memmem::find_iter(text, b".entry")
        .take(FUNCTIONS_MAX)
        .filter_map(|place| {
            let rest = text[place + b".entry".len()..].trim_ascii_start();
            let end = rest.iter().position(|byte| !is_name(byte)).unwrap_or(rest.len());
            let name = String::from_utf8_lossy(&rest[..end]).into_owned();
            (!name.is_empty()).then_some(name)
        })
        .collect();
    kernels.sort_unstable();
    kernels.dedup();
    kernels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_ptx_are_named() {
        let text = b".visible .entry  _Z3addPf(\n.param .u64 x)\n{ }\n.entry\n$local() { }\n.entry";
        assert_eq!(kernels_of_ptx(text), ["$local", "_Z3addPf"]);
    }

    #[test]
    fn compilers_are_noted_once() {
        let mut problems = Vec::new();
        let mut reader = Reader::new(0, &mut problems);
        for text in [
            "// Cuda compilation tools, release 13.0, V13.0.88\n// B",
            "\0Cuda compilation tools, release 12.8, V12.8.9",
        ] {
            reader.note_compiler(text.as_bytes());
            reader.note_compiler(text.as_bytes());
        }
        reader.note_compiler(b"Cuda compilation tools, release ");
        assert_eq!(reader.finish().compilers, ["12.8, V12.8.9", "13.0, V13.0.88"]);
    }
}
