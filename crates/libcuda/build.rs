//! Linker settings of `libcuda.so.1`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in [
        // The name that programs ask the loader for.
        "-Wl,-soname,libcuda.so.1",
        // Static libraries inside (LLVM) stay inside: frameworks carry an LLVM of their own.
        "-Wl,--exclude-libs,ALL",
        // Worker threads run this code until the process ends, so `dlclose` must not unmap it.
        "-Wl,-z,nodelete",
        // It may run when the process ends, too: see simt-llvm/src/statics.rs.
        "-Wl,--wrap=__cxa_atexit",
    ] {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}
