//! What a recording knows a program by.

use simt_interp::random::Case;

/// A hash of a program's text and inputs.
pub fn of(case: &Case<String>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(case.code.as_bytes());
    for word in &case.inputs {
        hasher.update(&word.to_le_bytes());
    }
    hasher.finalize().to_hex()[..16].to_string()
}
