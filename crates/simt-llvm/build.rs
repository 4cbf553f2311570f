//! Links the compression libraries that LLVM wants statically: users of `libcuda.so.1` may not have them, and frameworks
//! load others of the same names into the same process.
//!
//! `llvm-sys` asks for them as shared libraries, by name. The linker takes the first folder of its path that has a library of
//! that name in either form, so a folder with nothing but the archives goes first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Archives by file name.
const ARCHIVES: &[&str] = &["libzstd.a", "libz.a"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("archives");
    fs::create_dir_all(&folder).expect("the output folder can be written");
    for archive in ARCHIVES {
        match find(archive) {
            Some(path) => {
                println!("cargo:rerun-if-changed={}", path.display());
                fs::copy(&path, folder.join(archive)).expect("the archive can be copied");
            }
            None => println!("cargo:warning=no {archive} on this machine: libcuda.so.1 will need the shared library"),
        }
    }
    println!("cargo:rustc-link-search=native={}", folder.display());
}

/// Where the C compiler finds a library. One that it does not find comes back as the bare name.
fn find(archive: &str) -> Option<PathBuf> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler).arg(format!("-print-file-name={archive}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    Path::new(&path).is_absolute().then_some(path)
}
