//! Which CUDA runtime (cudart) a file uses, and since which release that runtime exists.
//!
//! A runtime that is linked statically leaves no name in the dynamic section, and its symbols go when a program is stripped. What
//! stays are texts in the constants: the names of its errors, which `cudaGetErrorName` returns, and the names of the
//! driver's functions, which it looks up one by one when it starts. A runtime looks up what its release brought, so that the
//! newest name says which release it is at least.

use memchr::{memchr_iter, memmem};

use crate::elf::{Dynamic, Elf};
use crate::report::{Release, Runtime, RuntimeLinkage};

/// The library, up to its version.
const LIBRARY: &str = "libcudart.so";
/// An error that the runtime alone raises; the text stands in every runtime since CUDA 4.
const OWN_ERROR: &[u8] = b"\0cudaErrorCudartUnloading\0";
/// The symbol that a program of nvcc registers its device code with.
const REGISTRATION: &str = "__cudaRegisterFatBinary";
/// Functions of the driver that a runtime looks up at least: CUDA 11.8's looks up 319. A program that names the runtime's error for some reason
/// of its own does not name these too.
const LOOKED_UP_MIN: usize = 100;
/// Functions named as evidence.
const NAMED_MAX: usize = 3;

/// Finds out which runtime a file uses. `driver_functions` are the names that the driver's functions are looked up by, with
/// the release that brought each (13000 for 13.0).
pub(crate) fn find(elf: &Elf<'_>, dynamic: &Dynamic, driver_functions: &[(&str, u32)]) -> Runtime {
    let mut runtime = Runtime { linkage: RuntimeLinkage::None, at_least: None, major: None, evidence: Vec::new() };
    let by_name = |name: &String| Some((name.clone(), major_of(name)?));
    if let Some((soname, major)) = dynamic.soname.as_ref().and_then(by_name) {
        runtime.linkage = RuntimeLinkage::Itself;
        runtime.major = Some(major);
        runtime.evidence.push(format!("its own name is {soname}"));
    } else if let Some((needed, major)) = dynamic.needed.iter().find_map(by_name) {
        runtime.linkage = RuntimeLinkage::Shared;
        runtime.major = Some(major);
        runtime.evidence.push(format!("is linked with {needed}"));
        return runtime;
    }
    let constants = elf.constants();
    let Some(looked_up) = looked_up(&constants, driver_functions) else {
        note_registration(elf, &mut runtime);
        return runtime;
    };
    if runtime.linkage == RuntimeLinkage::None {
        runtime.linkage = RuntimeLinkage::Static;
        runtime.evidence.push("its constants hold the runtime's own error cudaErrorCudartUnloading".to_owned());
    }
    runtime.evidence.push(format!("it looks up {} functions of the driver", looked_up.count));
    if let Some(release) = looked_up.newest {
        runtime.at_least = Some(release);
        runtime.major.get_or_insert(release.major);
        runtime.evidence.push(format!("the newest of them came with CUDA {release}: {}", looked_up.named.join(", ")));
    }
    runtime
}

/// A library whose program brings the runtime (an object file, a plugin) imports the registration from it.
fn note_registration(elf: &Elf<'_>, runtime: &mut Runtime) {
    let mut imports = false;
    // A damaged table is reported where symbols are listed.
    let _ = elf.symbols(|symbol| {
        imports |= symbol.place == crate::report::Place::Imported && symbol.name == REGISTRATION.as_bytes();
    });
    if imports && runtime.linkage == RuntimeLinkage::None {
        runtime.evidence.push(format!("imports {REGISTRATION}, and names no library that has it"));
    }
}

/// The major version in `libcudart.so.13`, `libcudart.so.11.0`.
fn major_of(name: &str) -> Option<u32> {
    let version = name.strip_prefix(LIBRARY)?.strip_prefix('.')?;
    version.split('.').next()?.parse().ok()
}

/// Whether the constants of a file are those of a runtime that is linked into it.
pub fn is_static_runtime(elf: &Elf<'_>, driver_functions: &[(&str, u32)]) -> bool {
    looked_up(&elf.constants(), driver_functions).is_some()
}

struct LookedUp<'a> {
    count: usize,
    newest: Option<Release>,
    /// Some of the newest.
    named: Vec<&'a str>,
}

/// The driver's functions that the constants name, if they are a runtime's.
fn looked_up<'a>(constants: &[&[u8]], driver_functions: &[(&'a str, u32)]) -> Option<LookedUp<'a>> {
    if !constants.iter().any(|section| memmem::find(section, OWN_ERROR).is_some()) {
        return None;
    }
    let mut known: Vec<(&str, u32)> = driver_functions.to_vec();
    known.sort_unstable();
    // Of the versions of a function, the name came with the first.
    known.dedup_by_key(|(name, _)| *name);
    let mut found = vec![false; known.len()];
    for section in constants {
        let mut start = 0;
        for end in memchr_iter(0, section) {
            let text = &section[start..end];
            start = end + 1;
            if text.starts_with(b"cu")
                && let Ok(index) = known.binary_search_by(|(name, _)| name.as_bytes().cmp(text))
            {
                found[index] = true;
            }
        }
    }
    let mut found: Vec<(&str, u32)> =
        known.into_iter().zip(found).filter(|(_, found)| *found).map(|(row, _)| row).collect();
    if found.len() < LOOKED_UP_MIN {
        return None;
    }
    found.sort_by_key(|(name, since)| (std::cmp::Reverse(*since), *name));
    let newest = found.first().map(|(_, since)| *since);
    let named = found.iter().take_while(|(_, since)| Some(*since) == newest).take(NAMED_MAX);
    Some(LookedUp {
        count: found.len(),
        newest: newest.map(Release::from_number),
        named: named.map(|(name, _)| *name).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_stands_in_the_name() {
        assert_eq!(major_of("libcudart.so.13"), Some(13));
        assert_eq!(major_of("libcudart.so.11.0"), Some(11));
        assert_eq!(major_of("libcudart.so"), None);
        assert_eq!(major_of("libcuda.so.1"), None);
    }

    #[test]
    fn a_few_names_make_no_runtime() {
        let names: Vec<String> = (0..200).map(|index| format!("cuName{index}")).collect();
        let known: Vec<(&str, u32)> =
            names.iter().map(|name| (name.as_str(), 12000 + 10 * (name.len() as u32 % 2))).collect();
        let constants = |count: usize, error: &str| format!("\0{error}\0{}\0", names[..count].join("\0")).into_bytes();
        let count =
            |bytes: Vec<u8>| looked_up(&[&bytes], &known).map(|found| (found.count, found.newest.unwrap().to_string()));
        assert_eq!(count(constants(200, "cudaErrorCudartUnloading")), Some((200, "12.1".to_owned())));
        assert_eq!(count(constants(99, "cudaErrorCudartUnloading")), None);
        assert_eq!(count(constants(200, "cudaErrorUnknown")), None);
    }
}
