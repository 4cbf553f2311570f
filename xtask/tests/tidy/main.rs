//! The house rules, as tests. A failure names the place, the rule and what to do.
//!
//! What rustc and clippy can check, they check (see the workspace's lints); here is what they cannot.

mod api_names;
mod floors;
mod source;
mod text;
mod unsafe_code;

use source::SourceFile;

/// What is wrong, and where.
struct Finding {
    /// `path:line`, or a path.
    place: String,
    message: String,
}

impl Finding {
    /// A finding in a line, counted from 0.
    fn at(file: &SourceFile, line: usize, message: impl Into<String>) -> Self {
        Self { place: format!("{}:{}", file.path, line + 1), message: message.into() }
    }

    /// A finding about a whole file or folder.
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self { place: path.to_owned(), message: message.into() }
    }
}

/// Fails with all findings at once.
fn report(findings: Vec<Finding>) {
    let lines: Vec<String> = findings.iter().map(|Finding { place, message }| format!("{place}: {message}")).collect();
    assert!(findings.is_empty(), "\n\n{}\n\n{} findings\n", lines.join("\n"), findings.len());
}

/// Runs a rule over every Rust file.
fn check_each(rule: impl Fn(&SourceFile) -> Vec<Finding>) {
    let files = source::rust_files();
    assert!(files.len() > 50, "only {} Rust files found: the walk over the workspace is broken", files.len());
    report(files.iter().flat_map(rule).collect());
}

#[test]
fn crates_import_downward_only() {
    report(floors::check());
}

#[test]
fn files_are_short() {
    report(text::check_lengths(&source::rust_files()));
}

#[test]
fn files_say_what_they_are() {
    check_each(text::check_module_docs);
}

#[test]
fn crates_say_what_they_never_do() {
    report(text::check_invariants(&source::rust_files()));
}

#[test]
fn nothing_is_left_unfinished() {
    check_each(text::check_unfinished);
}

#[test]
fn no_file_names_a_machine() {
    report(text::check_machine_paths());
}

#[test]
fn unsafe_code_says_why_it_is_sound() {
    check_each(unsafe_code::check);
}

#[test]
fn silenced_lints_have_reasons() {
    check_each(text::check_lint_reasons);
}

#[test]
fn the_driver_api_is_listed_once() {
    check_each(api_names::check);
}
