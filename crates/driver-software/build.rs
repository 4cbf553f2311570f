//! Linker settings of this crate's tests.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // They may end while a kernel is compiled: see simt-llvm/src/statics.rs.
    println!("cargo:rustc-link-arg-tests=-Wl,--wrap=__cxa_atexit");
}
