//! What a program did against what was expected of it, in words for people.

use std::fmt::Write;

use crate::case::{self, Case};
use crate::process::{End, Finished};

/// Lines that are shown around the first difference.
const CONTEXT_LINES: usize = 3;

/// Compares.
///
/// # Errors
/// Everything that differs, and both outputs.
pub fn compare(case: &Case, finished: &Finished) -> Result<(), String> {
    let mut message = String::new();
    if finished.end != End::Exit(case.expected.exit_code) {
        let _ = writeln!(message, "{}, expected exit code {}", finished.end, case.expected.exit_code);
    }
    for part in &case.expected.stderr_parts {
        if !finished.stderr.contains(part.as_str()) {
            let _ = writeln!(message, "stderr does not contain: {part}");
        }
    }
    message += &difference(&case.expected.stdout, &case::lines(&finished.stdout));
    if message.is_empty() { Ok(()) } else { Err(format!("{message}{}", finished.outputs())) }
}

/// The first line that differs, with what is around it; empty where all are equal.
pub fn difference(expected: &[String], got: &[String]) -> String {
    let length = expected.len().max(got.len());
    let Some(first) = (0..length).find(|&i| expected.get(i) != got.get(i)) else { return String::new() };
    let mut text = format!("stdout differs from line {}:\n", first + 1);
    for i in first.saturating_sub(CONTEXT_LINES)..(first + CONTEXT_LINES).min(length) {
        match (expected.get(i), got.get(i)) {
            (Some(a), Some(b)) if a == b => {
                let _ = writeln!(text, "    {a}");
            }
            (a, b) => {
                for (sign, line) in [('-', a), ('+', b)] {
                    if let Some(line) = line {
                        let _ = writeln!(text, "  {sign} {line}");
                    }
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_first_difference_is_shown() {
        let lines = |text: &str| case::lines(text);
        assert_eq!(difference(&lines("a\nb"), &lines("a\nb")), "");
        expect![[r#"
            stdout differs from line 2:
                a
              - b
              + x
                c
        "#]]
        .assert_eq(&difference(&lines("a\nb\nc"), &lines("a\nx\nc")));
        expect![[r#"
            stdout differs from line 2:
                a
              - b
        "#]]
        .assert_eq(&difference(&lines("a\nb"), &lines("a")));
    }
}
