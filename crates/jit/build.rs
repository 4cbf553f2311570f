//! Names the version of the code generator: a hash of the sources that decide what machine code looks like, so that code cached
//! on disk by another version is never run.

use std::path::{Path, PathBuf};

fn main() {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut hasher = blake3::Hasher::new();
    for crate_name in ["ptx", "simt-ir", "simt-llvm", "jit"] {
        let folder = here.join("..").join(crate_name).join("src");
        println!("cargo:rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        collect(&folder, &mut files);
        files.sort();
        for file in files {
            hasher.update(&std::fs::read(&file).unwrap_or_default());
        }
    }
    println!("cargo:rustc-env=APEX_CODE_VERSION={}", &hasher.finalize().to_hex()[..16]);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
