//! Every `unsafe` says why it is sound, or what its caller promises.

use crate::Finding;
use crate::source::SourceFile;

/// Checks blocks, impls and functions of a file.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let first_test_line = tests_begin(file);
    for (number, line) in file.lines.iter().enumerate() {
        for (at, _) in line.code.match_indices("unsafe") {
            let before = line.code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let after = following(file, number, at + "unsafe".len());
            let message = match Kind::of(&after) {
                Some(Kind::Block) if !says(file, number, &["SAFETY:"]) => {
                    "put a `// SAFETY:` comment before the block: why is it sound?"
                }
                Some(Kind::Impl) if !says(file, number, &["SAFETY:"]) => {
                    "put a `// SAFETY:` comment before the impl: why does the type keep the trait's promise?"
                }
                // A method of a trait's impl has its contract in the trait, and says how it relies on it.
                Some(Kind::Function) if number < first_test_line && !says(file, number, &["# Safety", "SAFETY:"]) => {
                    "document a `# Safety` section: what must the caller see to?"
                }
                _ => continue,
            };
            findings.push(Finding::at(file, number, message));
        }
    }
    findings
}

/// The line where a file's tests begin, which stand at its end. Their functions have no caller but themselves.
fn tests_begin(file: &SourceFile) -> usize {
    if file.path.contains("/tests/") {
        return 0;
    }
    file.lines.iter().position(|line| line.code.trim() == "#[cfg(test)]").unwrap_or(usize::MAX)
}

#[derive(Debug, PartialEq)]
enum Kind {
    Block,
    Impl,
    Function,
}

impl Kind {
    /// What the `unsafe` is that `after` follows; `None` for types, traits, attributes and foreign declarations.
    fn of(after: &str) -> Option<Self> {
        let after = after.trim_start();
        if after.starts_with('{') {
            return Some(Self::Block);
        }
        let mut words = after.split_whitespace();
        let mut word = words.next()?;
        if word == "impl" || word.starts_with("impl<") {
            return Some(Self::Impl);
        }
        if word == "extern" {
            // The ABI's name is a string, whose inside is blank.
            word = words.find(|word| !word.chars().all(|c| c == '"'))?;
        }
        // A function's type has no name: `unsafe fn(`.
        let named = words.next().is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic() || "_$".contains(c)));
        (word == "fn" && named).then_some(Self::Function)
    }
}

/// The code from a place on, over a few lines.
fn following(file: &SourceFile, number: usize, column: usize) -> String {
    let lines = file.lines[number..].iter().take(4).map(|line| line.code.as_str());
    let text = lines.collect::<Vec<_>>().join("\n");
    text[column..].to_owned()
}

/// Whether one of `words` is in a comment on this line or in those before the statement that it is part of.
fn says(file: &SourceFile, number: usize, words: &[&str]) -> bool {
    let has = |index: usize| words.iter().any(|word| file.lines[index].comment.contains(word));
    if has(number) {
        return true;
    }
    let mut commented = false;
    for index in (0..number).rev() {
        let (code, comment) = (file.lines[index].code.trim(), file.lines[index].comment.trim());
        if has(index) {
            return true;
        }
        // Above a run of comments and attributes stands something else.
        let attribute = code.starts_with("#[") || code.ends_with(")]");
        commented |= !comment.is_empty() && code.is_empty();
        let ends_before = code.is_empty() && comment.is_empty();
        let statement_ended = code.ends_with([';', '}', '{']) && !attribute;
        if ends_before || statement_ended || (commented && !code.is_empty() && !attribute) {
            return false;
        }
    }
    false
}

#[test]
fn kinds_are_told_apart() {
    assert_eq!(Kind::of(" { x }"), Some(Kind::Block));
    assert_eq!(Kind::of("\n    {"), Some(Kind::Block));
    assert_eq!(Kind::of(" impl Send for X {}"), Some(Kind::Impl));
    assert_eq!(Kind::of(" impl<T> Send for X<T> {}"), Some(Kind::Impl));
    assert_eq!(Kind::of(" fn read(x: u32)"), Some(Kind::Function));
    assert_eq!(Kind::of(" extern \" \" fn $name(x: u32)"), Some(Kind::Function));
    assert_eq!(Kind::of(" extern \" \" fn(u32) -> u32"), None);
    assert_eq!(Kind::of(" extern \" \" {"), None);
    assert_eq!(Kind::of("(no_mangle)]"), None);
    assert_eq!(Kind::of(" trait X {"), None);
}

#[test]
fn silence_is_found_and_comments_are_seen() {
    let findings = |text: &str| check(&SourceFile::new("x.rs", text)).len();
    assert_eq!(findings("fn f() {\n    unsafe { g() }\n}"), 1);
    assert_eq!(findings("fn f() {\n    // SAFETY: checked.\n    unsafe { g() }\n}"), 0);
    assert_eq!(findings("fn f() {\n    // SAFETY: checked.\n    let x =\n        unsafe { g() };\n}"), 0);
    assert_eq!(findings("fn f() {\n    // SAFETY: of another.\n    h();\n    unsafe { g() }\n}"), 1);
    assert_eq!(findings("fn f() {\n    // SAFETY: of another.\n\n    unsafe { g() }\n}"), 1);
    assert_eq!(findings("unsafe impl Send for X {}"), 1);
    assert_eq!(findings("// SAFETY: no pointers.\n#[cfg(x)]\nunsafe impl Send for X {}"), 0);
    assert_eq!(findings("/// Reads.\npub unsafe fn f() {}"), 1);
    assert_eq!(findings("/// # Safety\n/// Valid.\n#[inline]\npub unsafe fn f() {}"), 0);
    assert_eq!(findings("#[cfg(test)]\nmod tests {\n    unsafe fn f() {}\n}"), 0);
    assert_eq!(findings("let s = \"unsafe { }\"; // unsafe { }"), 0);
    assert_eq!(findings("type F = unsafe extern \"C\" fn(u32) -> u32;"), 0);
}
