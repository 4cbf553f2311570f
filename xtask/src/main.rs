//! Set-up, code generation, demo, test, bench, dist.
fn main() {}
