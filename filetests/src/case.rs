//! A case: a CUDA program whose last lines say how it is compiled and what it writes.
//!
//! ```text
//! // RUN: nvcc -arch=compute_80                 flags beyond the compiler's defaults; absent where there are none
//! // EXPECT-EXIT: 0                             exit code
//! // EXPECT-STDERR: Assertion `x >= 0` failed.  a part of what it writes to stderr; any number of such lines
//! // EXPECT: sum 499500                         a line of stdout; all of them, in order
//! ```
//!
//! Blanks at the end of lines do not count, since editors remove them.
//!
//! A case of several files has the others, and what headers they share, in a folder of its own name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

/// Folders under `cases/`, and the extension of the cases in them.
const GROUPS: &[(&str, &str)] = &[("cuda", "cu"), ("nvrtc", "cpp")];

const RUN: &str = "// RUN: nvcc";
const EXIT: &str = "// EXPECT-EXIT:";
const STDERR: &str = "// EXPECT-STDERR:";
const STDOUT: &str = "// EXPECT:";

/// A program and what is expected of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Folder and file name without extension: `cuda/vector_add`.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
    /// The program: the file without its last lines.
    pub source: String,
    /// The other source files, which are compiled and linked with it.
    pub parts: Vec<PathBuf>,
    /// The last lines.
    pub expected: Expected,
}

/// The last lines of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Flags for nvcc beyond its defaults.
    pub flags: Vec<String>,
    /// The exit code.
    pub exit_code: i32,
    /// What stderr must contain.
    pub stderr_parts: Vec<String>,
    /// The lines of stdout.
    pub stdout: Vec<String>,
}

/// All cases, sorted by name.
///
/// # Errors
/// When a folder or file cannot be read, or a case is not well-formed.
pub fn all() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (group, extension) in GROUPS {
        for path in crate::files_in(&crate::root().join("cases").join(group), &[extension])? {
            cases.push(Case::load(group, &path)?);
        }
    }
    Ok(cases)
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// When it cannot be read or is not well-formed.
    pub fn load(group: &str, path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (source, expected) = split(&text).with_context(|| format!("{} is not a case", path.display()))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let folder = path.with_extension("");
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let parts = if folder.is_dir() { crate::files_in(&folder, &[&extension])? } else { Vec::new() };
        Ok(Self { name: format!("{group}/{stem}"), path: path.to_owned(), source, parts, expected })
    }

    /// SHA-256 of everything that decides what the program does: the headers beside it, its own text, its other files and its
    /// flags, but not its expected output. `record_on_gpu.py` computes the same.
    ///
    /// # Errors
    /// When a header cannot be read.
    pub fn digest(&self) -> Result<String> {
        let mut hash = Sha256::new();
        for header in crate::files_in(self.path.parent().unwrap_or(Path::new(".")), &["h"])? {
            hash.update(fs::read(header)?);
        }
        hash.update(&self.source);
        let folder = self.path.with_extension("");
        if folder.is_dir() {
            for header in crate::files_in(&folder, &["h"])? {
                hash.update(fs::read(header)?);
            }
        }
        for part in &self.parts {
            hash.update(fs::read(part)?);
        }
        hash.update(self.expected.flags.join(" "));
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The compute capability, times ten, that the program's flags name first.
    pub fn target(&self) -> Option<u32> {
        self.expected.flags.iter().find_map(|flag| {
            let (_, rest) = flag.split_once("compute_")?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
    }

    /// The compute capability that the program is made for, where it runs on no other: `9.0` for `compute_90a`.
    pub fn only_capability(&self) -> Option<String> {
        let number = self.expected.flags.iter().find_map(|flag| {
            let (_, rest) = flag.rsplit_once("compute_")?;
            rest.strip_suffix('a')
        })?;
        let (major, minor) = number.split_at(number.len().checked_sub(1)?);
        Some(format!("{major}.{minor}"))
    }

    /// The text of the case with another exit code and another output.
    pub fn blessed(&self, exit_code: i32, stdout: &str) -> String {
        let expected = Expected { exit_code, stdout: lines(stdout), ..self.expected.clone() };
        format!("{}\n\n{}", self.source, expected.text())
    }
}

impl Expected {
    /// The lines as they stand in the file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &str| {
            text += format!("{key} {value}").trim_end();
            text += "\n";
        };
        if !self.flags.is_empty() {
            line(RUN, &self.flags.join(" "));
        }
        line(EXIT, &self.exit_code.to_string());
        self.stderr_parts.iter().for_each(|part| line(STDERR, part));
        self.stdout.iter().for_each(|value| line(STDOUT, value));
        text
    }
}

/// What a program wrote, as lines that can be compared.
pub fn lines(output: &str) -> Vec<String> {
    output.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Parts the program from the lines at its end.
fn split(text: &str) -> Result<(String, Expected)> {
    let is_ours = |line: &str| line.starts_with("// RUN:") || line.starts_with("// EXPECT");
    let all: Vec<&str> = text.lines().collect();
    let first = all.iter().rposition(|line| !is_ours(line)).map_or(0, |last_of_source| last_of_source + 1);
    if let Some(stray) = all[..first].iter().position(|line| is_ours(line)) {
        bail!("line {}: such lines stand at the end of the file, together", stray + 1);
    }
    let mut expected = Expected::default();
    let mut exit_code = None;
    for (number, line) in all.iter().enumerate().skip(first) {
        // A line holds one blank after the key; more belong to the value.
        let value = |key: &str| line.strip_prefix(key).map(|rest| rest.strip_prefix(' ').unwrap_or(rest).to_owned());
        if let Some(flags) = value(RUN) {
            ensure!(expected.flags.is_empty(), "line {}: a second RUN line", number + 1);
            expected.flags = flags.split_whitespace().map(str::to_owned).collect();
        } else if let Some(code) = value(EXIT) {
            ensure!(exit_code.is_none(), "line {}: a second EXPECT-EXIT line", number + 1);
            exit_code = Some(code.trim().parse().with_context(|| format!("line {}: not an exit code", number + 1))?);
        } else if let Some(part) = value(STDERR) {
            expected.stderr_parts.push(part);
        } else if let Some(line) = value(STDOUT) {
            expected.stdout.push(line.trim_end().to_owned());
        } else {
            bail!("line {}: expected RUN: nvcc, EXPECT-EXIT:, EXPECT-STDERR: or EXPECT:", number + 1);
        }
    }
    expected.exit_code = exit_code.context("there is no EXPECT-EXIT line at its end")?;
    Ok((all[..first].join("\n").trim_end().to_owned(), expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_for_one_architecture_is_found_by_its_flags() {
        let with = |flags: &str| Case {
            name: String::new(),
            path: PathBuf::new(),
            source: String::new(),
            parts: Vec::new(),
            expected: Expected { flags: flags.split(' ').map(str::to_owned).collect(), ..Expected::default() },
        };
        assert_eq!(with("-gencode arch=compute_90a,code=compute_90a").only_capability().as_deref(), Some("9.0"));
        assert_eq!(with("-arch=compute_120a").only_capability().as_deref(), Some("12.0"));
        assert_eq!(with("-O2 -arch=compute_80").only_capability(), None);
        assert_eq!(with("-gencode arch=compute_90a,code=compute_90a").target(), Some(90));
        assert_eq!(with("-O2").target(), None);
    }
    use expect_test::expect;

    const TEXT: &str = "int main() {}\n\n// RUN: nvcc -G -arch=compute_80\n// EXPECT-EXIT: 3\n\
                        // EXPECT-STDERR: failed\n// EXPECT: one\n// EXPECT:\n// EXPECT:   indented\n";

    #[test]
    fn the_last_lines_are_read_and_written() {
        let (source, expected) = split(TEXT).unwrap();
        assert_eq!(source, "int main() {}");
        expect![[r#"
            Expected {
                flags: [
                    "-G",
                    "-arch=compute_80",
                ],
                exit_code: 3,
                stderr_parts: [
                    "failed",
                ],
                stdout: [
                    "one",
                    "",
                    "  indented",
                ],
            }
        "#]]
        .assert_debug_eq(&expected);
        assert_eq!(format!("{source}\n\n{}", expected.text()), TEXT);
    }

    #[test]
    fn what_is_not_a_case_is_refused() {
        let refusal = |text: &str| format!("{:#}", split(text).unwrap_err());
        expect!["there is no EXPECT-EXIT line at its end"].assert_eq(&refusal("int main() {}\n// EXPECT: 1\n"));
        expect!["line 1: such lines stand at the end of the file, together"]
            .assert_eq(&refusal("// EXPECT: 1\nint main() {}\n// EXPECT-EXIT: 0\n"));
        expect!["line 2: expected RUN: nvcc, EXPECT-EXIT:, EXPECT-STDERR: or EXPECT:"]
            .assert_eq(&refusal("int main() {}\n// EXPECTED: 1\n"));
        expect!["line 1: not an exit code: invalid digit found in string"]
            .assert_eq(&refusal("// EXPECT-EXIT: none\n"));
    }

    #[test]
    fn blanks_at_line_ends_do_not_count() {
        assert_eq!(lines("a  \n\nb\t\n"), lines("a\n\nb"));
        assert_ne!(lines("a\n\nb"), lines("a\nb"));
    }
}
