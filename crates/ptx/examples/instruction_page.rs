//! Prints `docs/ptx.md`, for `cargo xtask codegen docs`.

fn main() {
    print!("{}", ptx::instructions::page());
}
