//! What tests of the pass-through share: our library in front of the stand-in for NVIDIA's.

use cuda_abi::CUresult;
use libloading::Library;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The stand-in: cargo builds it beside the test programs.
pub fn fake() -> PathBuf {
    super::library().with_file_name("libfake_driver.so")
}

/// A child in front of a library.
pub fn child_command(role: &str, real: &Path) -> Command {
    let mut command = super::child_command(role);
    command.env("APEX_BACKEND", "nvidia").env("APEX_REAL_LIBCUDA", real).env_remove("APEX_QUIET");
    command
}

/// Runs a child; returns its lines for the parent and those of its stderr that are ours.
pub fn run(command: &mut Command) -> (Vec<String>, Vec<String>) {
    let output = command.output().expect("the child starts");
    assert!(output.status.success(), "the child failed: {}\n{}", output.status, super::text(&output));
    (super::lines(&output), complaints(&output))
}

/// The lines of a child's stderr that are ours.
pub fn complaints(output: &Output) -> Vec<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    errors.lines().filter(|line| line.starts_with("apex: ")).map(str::to_owned).collect()
}

/// A copy of the stand-in that lacks some names.
pub fn fake_without(names: &[&str], folder: &Path) -> PathBuf {
    let mut bytes = std::fs::read(fake()).expect("the stand-in is readable");
    for name in names {
        let wanted = format!("\0{name}\0").into_bytes();
        let places: Vec<usize> =
            bytes.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at).collect();
        assert!(!places.is_empty(), "the stand-in has no {name}");
        for place in places {
            // Its hash leads to another name then.
            bytes[place + 1] = b'x';
        }
    }
    let path = folder.join("libolder.so");
    std::fs::write(&path, bytes).expect("the folder is writable");
    path
}

/// The stand-in as a library of this process: the same that ours has loaded, or will load.
pub fn load_fake() -> Library {
    // SAFETY: its initialiser does nothing unless it is asked to.
    unsafe { Library::new(std::env::var_os("APEX_REAL_LIBCUDA").expect("the child is in front of a library")) }
        .expect("the stand-in loads")
}

/// Calls a function without parameters or with one integer; more are not looked at.
pub fn call(library: &Library, symbol: &str, argument: usize) -> CUresult {
    // SAFETY: the tests name functions of which this is true.
    unsafe {
        let function = library.get::<unsafe extern "C" fn(usize) -> CUresult>(symbol.as_bytes()).expect("exported");
        function(argument)
    }
}

/// Calls a function whose parameter is an output; returns the answer and what was put out.
pub fn output_of(library: &Library, symbol: &str) -> (CUresult, i64) {
    let mut value = 0i64;
    // SAFETY: the tests name functions that put out a word at most.
    let result = unsafe {
        let function = library.get::<unsafe extern "C" fn(*mut i64) -> CUresult>(symbol.as_bytes()).expect("exported");
        function(&mut value)
    };
    (result, value)
}

/// The address of an export; null when there is none.
pub fn address(library: &Library, symbol: &str) -> usize {
    // SAFETY: the address is not called by this type.
    unsafe { library.get::<unsafe extern "C" fn()>(symbol.as_bytes()) }.map_or(0, |function| *function as usize)
}

/// A copy of the stand-in in which one name has the address of another.
pub fn fake_with_alias(name: &str, of: &str, folder: &Path) -> PathBuf {
    use object::{Object, ObjectSection, ObjectSymbol};
    let mut bytes = std::fs::read(fake()).expect("the stand-in is readable");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let symbol = |name: &str| {
        let found = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(name)).expect("it is exported");
        (found.index().0, found.address())
    };
    let table = file.section_by_name(".dynsym").expect("it has symbols").file_range().expect("in the file").0;
    // An entry has 24 bytes, and the address from the eighth on (elf(5)).
    let place = table as usize + symbol(name).0 * 24 + 8;
    let address = symbol(of).1;
    bytes[place..place + 8].copy_from_slice(&address.to_le_bytes());
    let path = folder.join("libalias.so");
    std::fs::write(&path, bytes).expect("the folder is writable");
    path
}
