//! The driver API is declared once, in cuda-abi's table: a second list of its functions is a defect.

use std::collections::BTreeSet;

use crate::Finding;
use crate::source::SourceFile;

/// More names than a file needs that is not a list of them.
const MAX_NAMES: usize = 40;

/// Counts the names of driver functions among the strings of a file.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    if file.path.starts_with("crates/cuda-abi/src/") || file.path.starts_with("xtask/src/codegen/") {
        return Vec::new();
    }
    let names: BTreeSet<&str> = file.lines.iter().flat_map(|line| names(&line.string)).collect();
    if names.len() <= MAX_NAMES {
        return Vec::new();
    }
    let message = format!("{} names of driver functions: expand cuda-abi's table instead of listing them", names.len());
    vec![Finding::in_file(&file.path, message)]
}

/// The words that look like a driver function: `cuMemAlloc`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| word.strip_prefix("cu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())))
}

#[test]
fn names_are_found() {
    let found: Vec<&str> = names("cuInit  cuMemAlloc_v2, custom cudaMalloc CUresult").collect();
    assert_eq!(found, ["cuInit", "cuMemAlloc_v2"]);
}
