//! Reading source files: which there are, and which of their characters are code, comment or string.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file, its text taken apart. The three parts of a line are as long as the line, with spaces for what belongs
/// to the others.
pub struct SourceFile {
    /// From the root of the workspace.
    pub path: String,
    pub lines: Vec<Line>,
}

/// A line of a Rust file.
#[derive(Default)]
pub struct Line {
    /// Everything but comments and the insides of strings and characters.
    pub code: String,
    /// Comments, with their slashes.
    pub comment: String,
    /// The insides of strings.
    pub string: String,
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Rust file of the workspace.
pub fn rust_files() -> Vec<SourceFile> {
    let paths = all_files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            SourceFile::new(relative(&path), &text)
        })
        .collect()
}

impl SourceFile {
    /// A file of this path and text.
    pub fn new(path: impl Into<String>, text: &str) -> Self {
        Self { path: path.into(), lines: split(text.strip_suffix('\n').unwrap_or(text)) }
    }
}

/// Every file that is not hidden, in target/ or a cache, in the order of their paths.
pub fn all_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let skipped = name == "target" || name == "__pycache__" || (name.starts_with('.') && name != ".ci");
            match path.is_dir() {
                _ if skipped => {}
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    files
}

/// A path from the root of the workspace.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

/// What the character at hand is part of.
enum Part {
    Code,
    LineComment,
    /// How many are open: they nest.
    BlockComment(usize),
    /// How many `#` end it; `None`: an ordinary string, where a backslash escapes.
    String(Option<usize>),
}

/// Takes the text of a Rust file apart.
fn split(text: &str) -> Vec<Line> {
    let characters: Vec<char> = text.chars().collect();
    let mut lines = vec![Line::default()];
    let mut part = Part::Code;
    let mut at = 0;
    while at < characters.len() {
        if characters[at] == '\n' {
            lines.push(Line::default());
            if matches!(part, Part::LineComment) {
                part = Part::Code;
            }
            at += 1;
            continue;
        }
        let line = lines.last_mut().unwrap();
        let taken = step(&mut part, &characters[at..], line);
        at += taken;
    }
    lines
}

/// Handles the characters at the start of `rest` that belong together; returns how many.
fn step(part: &mut Part, rest: &[char], line: &mut Line) -> usize {
    let next = rest.get(1).copied().unwrap_or(' ');
    match part {
        Part::Code => match rest[0] {
            '/' if next == '/' => *part = Part::LineComment,
            '/' if next == '*' => {
                *part = Part::BlockComment(1);
                return put(line, &rest[..2], Target::Comment);
            }
            '"' => *part = Part::String(None),
            'r' if !ends_with_word(&line.code) => {
                let hashes = rest[1..].iter().take_while(|&&character| character == '#').count();
                if rest.get(1 + hashes) == Some(&'"') {
                    *part = Part::String(Some(hashes));
                    return put(line, &rest[..hashes + 2], Target::Code);
                }
            }
            '\'' => return put_quote(line, rest),
            _ => {}
        },
        Part::LineComment => return put(line, &rest[..1], Target::Comment),
        Part::BlockComment(open) => {
            match (rest[0], next) {
                ('/', '*') => *open += 1,
                ('*', '/') if *open == 1 => *part = Part::Code,
                ('*', '/') => *open -= 1,
                _ => return put(line, &rest[..1], Target::Comment),
            }
            return put(line, &rest[..2], Target::Comment);
        }
        Part::String(None) => match rest[0] {
            // An escaped line break leaves the break to `split`.
            '\\' if next != '\n' && rest.len() > 1 => return put(line, &rest[..2], Target::String),
            '"' => *part = Part::Code,
            _ => return put(line, &rest[..1], Target::String),
        },
        Part::String(Some(hashes)) => {
            let hashes = *hashes;
            let ends = rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|&c| c == '#');
            if !ends {
                return put(line, &rest[..1], Target::String);
            }
            *part = Part::Code;
            return put(line, &rest[..=hashes], Target::Code);
        }
    }
    let target = if matches!(part, Part::LineComment) { Target::Comment } else { Target::Code };
    put(line, &rest[..1], target)
}

/// A character literal, whose inside is like a string's, or the quote of a lifetime.
fn put_quote(line: &mut Line, rest: &[char]) -> usize {
    let inside = match rest {
        ['\'', '\\', _, tail @ ..] => tail.iter().position(|&character| character == '\'').map(|length| length + 2),
        ['\'', _, '\'', ..] => Some(1),
        _ => None,
    };
    let taken = put(line, &rest[..1], Target::Code);
    inside
        .map_or(taken, |length| taken + put(line, &rest[1..=length], Target::String) + put(line, &['\''], Target::Code))
}

enum Target {
    Code,
    Comment,
    String,
}

fn put(line: &mut Line, characters: &[char], target: Target) -> usize {
    let blank = |_: &char| ' ';
    let same = |character: &char| *character;
    for character in characters {
        line.code.push(if matches!(target, Target::Code) { same(character) } else { blank(character) });
        line.comment.push(if matches!(target, Target::Comment) { same(character) } else { blank(character) });
        line.string.push(if matches!(target, Target::String) { same(character) } else { blank(character) });
    }
    characters.len()
}

/// Whether the code so far ends within a word, so that an `r` here is no raw string's.
fn ends_with_word(code: &str) -> bool {
    let mut last = code.chars().rev();
    let previous = last.next();
    // `br"..."`: the byte string's letter is no word.
    let is_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match previous {
        Some('b' | 'c') => is_word(last.next()),
        other => is_word(other),
    }
}

#[test]
fn texts_are_taken_apart() {
    let text = r##"let a = "x // y"; // unsafe "z"
let b = 'c'; let d: &'static str = r#"q " // "#; /* one /* two */ 'e */ f('\'', '"');
"multi \"
\n line" g"##;
    let lines = split(text);
    let codes: Vec<&str> = lines.iter().map(|line| line.code.trim_end()).collect();
    assert_eq!(codes[0], r#"let a = "      ";"#);
    assert_eq!(codes[1].split_whitespace().collect::<String>(), r##"letb='';letd:&'staticstr=r#""#;f('','');"##);
    assert_eq!(codes[2], "\"");
    assert_eq!(codes[3].trim_start(), "\" g");
    assert_eq!(lines[0].comment.trim(), r#"// unsafe "z""#);
    assert_eq!(lines[0].string.trim(), "x // y");
    assert_eq!(lines[1].comment.trim(), "/* one /* two */ 'e */");
}
