//! The apex command line.
fn main() {}
