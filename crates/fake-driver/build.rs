//! Linker settings of the stand-in.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Its own references stay its own, as a name may be taken away from a copy of it. (Plain `-Bsymbolic` would make `dlsym`, too, look here first.)
    println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
}
