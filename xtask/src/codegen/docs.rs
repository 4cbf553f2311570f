//! `cargo xtask codegen docs`: `docs/api.md`, every function of the driver API and its state; and `docs/ptx.md`, every
//! instruction, which the crate `ptx` writes itself.
//!
//! The list comes from the table; the state from the sources: a driver implements what its `impl Driver for` overrides,
//! and a superseded version is what the newest one that it calls is.

use anyhow::{Context, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// What a program gets from a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// The software driver overrides the method.
    Implemented,
    /// The rim answers by itself.
    Answered,
    /// An error that the original driver gives as well, for functions that it no longer supports.
    Refused,
    /// `CUDA_ERROR_NOT_SUPPORTED`, and a line on stderr.
    NotImplemented,
}

impl State {
    const ALL: [State; 4] = [State::Implemented, State::Answered, State::Refused, State::NotImplemented];

    fn text(self) -> &'static str {
        match self {
            State::Implemented => "implemented",
            State::Answered => "answered at the rim",
            State::Refused => "refused, as driver 580 does",
            State::NotImplemented => "not implemented",
        }
    }
}

/// A row of the table, as far as this page needs it.
struct Row {
    group: String,
    symbol: String,
    base: String,
    since: u32,
    /// For a per-thread symbol, the plain one.
    target: Option<String>,
}

/// Writes `docs/ptx.md`. A test of the crate `ptx` compares it.
pub fn instructions() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .current_dir(crate::workspace::root())
        .args(["run", "--quiet", "--package", "ptx", "--example", "instruction_page"])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the example that prints the page failed");
    let page = crate::workspace::root().join("docs/ptx.md");
    std::fs::write(&page, output.stdout).with_context(|| format!("writing {}", page.display()))
}

/// Writes `docs/api.md`, or with `check` compares it.
pub fn run(check: bool) -> anyhow::Result<()> {
    let root = crate::workspace::root();
    let page = root.join("docs/api.md");
    let text = render(root)?;
    if check {
        let current = std::fs::read_to_string(&page).unwrap_or_default();
        ensure!(current == text, "docs/api.md is out of date: run `cargo xtask codegen docs`");
        return Ok(());
    }
    std::fs::write(&page, text).with_context(|| format!("writing {}", page.display()))
}

fn render(root: &Path) -> anyhow::Result<String> {
    let table = root.join("crates/cuda-abi/src/table.rs");
    let rows = rows(&std::fs::read_to_string(&table).with_context(|| format!("reading {}", table.display()))?);
    ensure!(rows.len() > 600, "only {} rows were found in {}", rows.len(), table.display());
    let overridden = overridden_methods(&root.join("crates/driver-software/src"))?;
    let conversions = conversions(&root.join("crates/libcuda/src/superseded"))?;
    let states = states(&rows, &overridden, &conversions);

    let mut text = String::from(INTRODUCTION);
    for state in State::ALL {
        let count = states.values().filter(|of| **of == state).count();
        writeln!(text, "| {} | {count} |", state.text()).expect("a string takes it");
    }
    write!(text, "| **all** | **{}** |\n\n", states.len()).expect("a string takes it");
    text.push_str("| function | looked up as | since CUDA | state |\n| --- | --- | --- | --- |\n");
    let by_symbol: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.symbol.as_str(), row)).collect();
    for (symbol, row) in by_symbol {
        let (base, since) = match row.since {
            0 => ("", String::new()),
            since => (row.base.as_str(), format!("{}.{}", since / 1000, since % 1000 / 10)),
        };
        writeln!(text, "| `{symbol}` | {base} | {since} | {} |", states[symbol].text()).expect("a string takes it");
    }
    Ok(text)
}

const INTRODUCTION: &str = "\
# The driver API

Every function that `libcuda.so.1` of driver 580 exports, and what a program gets from it on the software device.
Written by `cargo xtask codegen docs`.

- *implemented*: by the software driver. An older version (`cuEventDestroy`), or one for per-thread default streams
  (`_ptsz`, `_ptds`), is what the newest plain version is. What an implemented function leaves out stands in
  [limits.md](limits.md).
- *answered at the rim*: concerns the library, not a device.
- *refused, as driver 580 does*: versions of before CUDA 3.2 with 32-bit device pointers
  (`CUDA_ERROR_INVALID_CONTEXT`), and the first stream memory operations (`CUDA_ERROR_NOT_SUPPORTED`).
- *not implemented*: `CUDA_ERROR_NOT_SUPPORTED`, and a line on stderr the first time.

| state | functions |
| --- | --- |
";

/// The rows of the table, read from its text: this program is built without the other crates.
fn rows(table: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut group = String::new();
    for line in table.lines().map(str::trim) {
        if let Some(title) = line.strip_suffix(" {") {
            group = title.to_owned();
        } else if let Some((head, rest)) = line.split_once(" = \"") {
            let Some(symbol) = head.split_whitespace().last() else { continue };
            let Some((base, rest)) = rest.split_once("\" @ ") else { continue };
            let mut words = rest.split(" (").next().unwrap_or_default().split(' ');
            let since = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            let target = words.nth(1).map(str::to_owned);
            rows.push(Row { group: group.clone(), symbol: symbol.to_owned(), base: base.to_owned(), since, target });
        } else if group == "opaque"
            && let Some(symbol) = line.strip_suffix(';')
        {
            let symbol = symbol.to_owned();
            rows.push(Row { group: group.clone(), symbol, base: String::new(), since: 0, target: None });
        }
    }
    rows
}

/// The state of each symbol.
fn states(
    rows: &[Row],
    overridden: &BTreeSet<String>,
    conversions: &BTreeMap<String, Option<String>>,
) -> BTreeMap<String, State> {
    let method = |symbol: &str| {
        if overridden.contains(symbol) { State::Implemented } else { State::NotImplemented }
    };
    let mut states = BTreeMap::new();
    for row in rows.iter().filter(|row| row.target.is_none()) {
        let state = match row.group.as_str() {
            "methods" => method(&row.symbol),
            "answered" => State::Answered,
            "narrow" => State::Refused,
            "superseded" => match conversions.get(&row.symbol) {
                Some(Some(newest)) => method(newest),
                _ => State::Refused,
            },
            _ => State::NotImplemented,
        };
        states.insert(row.symbol.clone(), state);
    }
    for row in rows {
        if let Some(target) = &row.target {
            let state = states[target];
            states.insert(row.symbol.clone(), state);
        }
    }
    states
}

/// The methods that some `impl Driver for` block in the folder defines.
fn overridden_methods(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut methods = BTreeSet::new();
    for source in sources(folder)? {
        // The block ends at the first closing brace in the first column, which is where rustfmt puts it.
        for block in source.split("Driver for ").skip(1) {
            let block = block.split("\n}").next().unwrap_or(block);
            methods.extend(block.split("fn cu").skip(1).map(|rest| format!("cu{}", identifier(rest))));
        }
    }
    Ok(methods)
}

/// For each superseded function, the method of the stack that it calls, if it calls one.
fn conversions(folder: &Path) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let mut conversions = BTreeMap::new();
    let mut aliases = Vec::new();
    for source in sources(folder)? {
        for rest in source.split("pub fn cu").flat_map(|part| part.split("pub unsafe fn cu")).skip(1) {
            let name = format!("cu{}", identifier(rest));
            let body = rest.split("\n}").next().unwrap_or(rest);
            let called = body.split_once("stack().").map(|(_, call)| identifier(call).to_owned());
            // One version may call another, which calls the stack.
            if called.is_none()
                && let Some((_, call)) = body.split_once("\n    cu")
            {
                aliases.push((name.clone(), format!("cu{}", identifier(call))));
            }
            conversions.insert(name, called);
        }
    }
    for (name, other) in aliases {
        let called = conversions.get(&other).cloned().flatten();
        conversions.insert(name, called);
    }
    Ok(conversions)
}

/// The identifier with which a text begins.
fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The text of every Rust file in a folder and the folders in it.
fn sources(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            texts.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(std::fs::read_to_string(&path)?);
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_and_its_per_thread_row_are_read() {
        let table = "methods {\n ready [unsafe] cuMemcpyHtoD_v2 = \"cuMemcpyHtoD\" @ 3020 (a: value u32);\n}\n\
                     per_thread {\n ready [] cuX_ptds = \"cuX\" @ 7000 scoped cuX ();\n}\nopaque {\n cuEGLApiInit;\n}";
        let rows = rows(table);
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].symbol.as_str(), rows[0].since, &rows[0].target), ("cuMemcpyHtoD_v2", 3020, &None));
        assert_eq!(rows[1].target.as_deref(), Some("cuX"));
        assert_eq!((rows[2].symbol.as_str(), rows[2].group.as_str()), ("cuEGLApiInit", "opaque"));
    }

    #[test]
    fn the_page_is_current() {
        if let Err(error) = run(true) {
            panic!("{error:#}");
        }
    }
}
