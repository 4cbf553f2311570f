//! Clients of the driver that are not compiled by nvcc: Python packages, a Rust crate, older runtime libraries.
//!
//! A client checks its own results, and writes lines that stand in its source behind `EXPECT:`.

/// The tests of `tests/clients.rs`.
pub const NAMES: &[&str] = &[
    "clients/numba",
    "clients/cupy",
    "clients/driver_api",
    "clients/cudart_11_shared",
    "clients/cudart_12_shared",
    "clients/cudart_12_static",
    "clients/cudarc",
];

/// The lines that a client is to write: those of its source that are comments and begin with `EXPECT:`.
pub fn expected_lines(source: &str) -> Vec<String> {
    let after_sign = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix("//").or_else(|| line.strip_prefix('#')).map(str::trim_start).map(str::to_owned)
    };
    let lines = source.lines().filter_map(after_sign);
    lines.filter_map(|line| line.strip_prefix("EXPECT:").map(|rest| rest.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_lines_are_found_in_comments() {
        let source = "# EXPECT: one\nprint('# EXPECT: no')\n// EXPECT: two\n//  EXPECT:three\nEXPECT: no\n";
        assert_eq!(expected_lines(source), ["one", "two", "three"]);
    }
}
