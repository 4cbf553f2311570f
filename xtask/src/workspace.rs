//! Where things lie.

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in a folder of the workspace")
}

/// The target folder: `$CARGO_TARGET_DIR`, or `target` in the root.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        // A relative one is meant from where cargo was called, which for cargo itself is the root.
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// What `cargo xtask dist` makes: `bin/`, `lib/`.
pub fn dist() -> PathBuf {
    target().join("dist")
}

/// Where LLVM 19 is: `$LLVM_SYS_191_PREFIX`, or where Debian's packages put it.
pub fn llvm_prefix() -> PathBuf {
    std::env::var_os("LLVM_SYS_191_PREFIX").map_or_else(|| PathBuf::from("/usr/lib/llvm-19"), PathBuf::from)
}
