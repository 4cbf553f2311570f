//! `docs/environment.md` is made from the table of variables: `UPDATE_EXPECT=1 cargo test -p apex` writes it again.

use std::fmt::Write as _;

use driver_api::env::VARIABLES;
use expect_test::expect_file;

const HEAD: &str = "\
# Environment variables

What the driver reads, made from the table in `crates/driver-api/src/env.rs`. `apex run` has an option for most of
them; `apex doctor` notes variables that look like these and are not.

| variable | default | meaning |
|---|---|---|
";

const LOADER: &str = "
## What `apex run` sets

- `LD_PRELOAD` and `LD_LIBRARY_PATH`: our `libcuda.so.1` goes before what they hold already.
- `CUPY_COMPILE_WITH_PTX=1` for the software GPU, unless it is set: CuPy compiles to machine code otherwise.
- Tests and benchmarks that cargo starts have `APEX_BACKEND=software`, unless it is set (`.cargo/config.toml`).
";

#[test]
fn the_documentation_is_the_table() {
    let mut text = HEAD.to_owned();
    for variable in VARIABLES {
        let _ = writeln!(text, "| `{}` | {} | {} |", variable.name, code(variable.default), variable.meaning);
    }
    text.push_str(LOADER);
    expect_file!["../../../docs/environment.md"].assert_eq(&text);
}

/// A default in words, `(like this)`, stays text; a value is code.
fn code(default: &str) -> String {
    if default.starts_with('(') { default.to_owned() } else { format!("`{default}`") }
}
