//! `apex abi compare`: what one driver or library exports and another does not; with one file, how much of it APEX has.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use binary::compare::{Comparison, Row, Surface, compare};
use binary::{Error, MappedFile, SymbolChoice};
use schemars::JsonSchema;
use serde::Serialize;

use super::document::Document;
use super::{Form, Symbols, known, split_member};

/// Names in a list of names, at most.
const NAMES_MAX: usize = 1 << 20;

/// Show what one driver or library exports and another does not.
///
/// A file is a library, a wheel or archive with one (FILE::MEMBER names one of several), or a text with a name a line. With
/// one file, it is compared with APEX and with the public headers.
#[derive(clap::Args)]
pub struct Args {
    /// A library
    a: String,
    /// Another; APEX's own driver if it is left out
    b: Option<String>,
    /// Compare both with the public headers of CUDA, too
    #[arg(long)]
    headers: bool,
    /// The symbols to compare
    #[arg(long, value_enum, default_value_t = Symbols::Cuda)]
    symbols: Symbols,
    #[command(flatten)]
    form: Form,
}

/// A comparison, and what APEX makes of the functions of `a`.
#[derive(Serialize, JsonSchema)]
struct Report {
    #[serde(flatten)]
    comparison: Comparison,
    /// What `a` exports, by what APEX's software device makes of it: `implemented`, `answered at the rim`, `refused, as
    /// driver 580 does`, `not implemented`, `debugger hook`, `unknown`. `null` where two files are compared.
    states: Option<BTreeMap<String, Vec<String>>>,
}

/// Reads, compares and reports.
///
/// # Errors
/// When a file cannot be read or exports nothing of what is compared, or the report cannot be written.
pub fn run(args: &Args) -> Result<()> {
    ensure!(args.symbols != Symbols::None, "without symbols there is nothing to compare");
    let a = surface(&args.a, args.symbols.into())?;
    let b = match &args.b {
        Some(b) => surface(b, args.symbols.into())?,
        None => known::own_surface(),
    };
    let alone = args.b.is_none();
    let comparison = compare(&a, &b, &known::declared(), args.headers || alone);
    let report = Report { comparison, states: alone.then(|| states_of(&a)) };
    args.form.print(&report, document)
}

fn surface(name: &str, choice: SymbolChoice) -> Result<Surface> {
    let (path, member) = split_member(name);
    match binary::exports(&path, member, choice) {
        Ok(surface) => Ok(surface),
        Err(Error::UnknownFormat(_)) if member.is_none() => {
            let file = MappedFile::open(&path)?;
            names(name, file.bytes())
        }
        Err(Error::NoLibrary) if choice == SymbolChoice::Cuda => {
            bail!("{name}: it exports none of CUDA's names; --symbols all compares all that it exports")
        }
        Err(error) => Err(error).with_context(|| name.to_owned()),
    }
}

/// A list of names: one a line, with comments behind `#`.
fn names(label: &str, text: &[u8]) -> Result<Surface> {
    let text =
        std::str::from_utf8(text).ok().with_context(|| format!("{label}: neither a library nor a list of names"))?;
    let lines = || text.lines().map(|line| line.split('#').next().unwrap_or("").trim()).filter(|line| !line.is_empty());
    let is_name = |line: &str| line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.@".contains(&byte));
    if let Some(line) = lines().find(|line| !is_name(line)) {
        bail!("{label}: neither a library nor a list of names, since it has the line {line:?}");
    }
    ensure!(lines().count() <= NAMES_MAX, "{label}: more than {NAMES_MAX} names");
    ensure!(lines().next().is_some(), "{label}: neither a library nor a list of names: it is empty");
    Ok(Surface::of_names(label, lines()))
}

fn states_of(a: &Surface) -> BTreeMap<String, Vec<String>> {
    let known = known::states();
    let own = known::own_surface();
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in a.exports.keys() {
        let state = match known.get(name.as_str()) {
            Some(state) => state,
            None if own.exports.contains_key(name) => "debugger hook",
            None => "unknown",
        };
        states.entry(state.to_owned()).or_default().push(name.clone());
    }
    states
}

fn document(report: &Report) -> Document {
    let Report { comparison, states } = report;
    let mut document = Document::default();
    let (a, b) = (&comparison.a, &comparison.b);
    document.heading(1, format!("{} beside {}", a.label, b.label));
    let percent =
        |part: u64, whole: u64| format!("{part} of {whole} ({:.1} %)", 100.0 * part as f64 / whole.max(1) as f64);
    let mut facts = vec![
        ("exported by A", format!("{}  {}", a.exported, a.label)),
        ("exported by B", format!("{}  {}", b.exported, b.label)),
        ("A that is in B", percent(comparison.shared, a.exported)),
        ("B that is in A", percent(comparison.shared, b.exported)),
    ];
    if let Some(headers) = &comparison.headers {
        let has = |lacks: usize| percent(headers.declared - lacks as u64, headers.declared);
        facts.push(("headers", format!("CUDA {}, {} symbols", headers.release, headers.declared)));
        facts.push(("headers that are in A", has(headers.a_lacks.len())));
        facts.push(("headers that are in B", has(headers.b_lacks.len())));
    }
    document.facts(facts);
    if let Some(states) = states {
        let rows = states.iter().map(|(state, names)| vec![state.clone(), percent(names.len() as u64, a.exported)]);
        document.table(2, "What APEX's software device makes of A", vec!["state", "symbols"], rows.collect());
        document.list(2, "Not implemented", states.get("not implemented").cloned().unwrap_or_default());
    }
    let columns = || vec!["name", "since CUDA", "bytes"];
    document.table(2, "In A alone", columns(), comparison.only_a.iter().map(row).collect());
    document.table(2, "In B alone", columns(), comparison.only_b.iter().map(row).collect());
    let differing = comparison.differing.iter().map(|row| {
        let text = |export: &binary::compare::Export| {
            let kind = export.kind.map_or(String::new(), |kind| format!("{kind:?}").to_lowercase());
            format!("{kind} {}", export.versions.join(", ")).trim().to_owned()
        };
        vec![row.name.clone(), text(&row.a), text(&row.b)]
    });
    document.table(2, "In both, and not the same", vec!["name", "A", "B"], differing.collect());
    if let Some(headers) = &comparison.headers {
        let rows = |rows: &[binary::compare::HeaderRow]| {
            rows.iter().map(|row| vec![row.name.clone(), row.since.to_string()]).collect::<Vec<_>>()
        };
        let columns = || vec!["name", "since CUDA"];
        document.table(2, "In the headers, not in A", columns(), rows(&headers.a_lacks));
        document.table(2, "In the headers, not in B", columns(), rows(&headers.b_lacks));
        document.list(2, "In A, not in the headers", headers.a_beyond.clone());
        document.list(2, "In B, not in the headers", headers.b_beyond.clone());
    }
    document
}

fn row(row: &Row) -> Vec<String> {
    let since = row.since.map_or("-".to_owned(), |since| since.to_string());
    vec![row.name.clone(), since, row.export.bytes.map_or("-".to_owned(), |bytes| bytes.to_string())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect_file;

    #[test]
    fn the_schemas_in_the_documentation_are_those_of_the_types() {
        let text = |schema: schemars::Schema| serde_json::to_string_pretty(&schema).unwrap() + "\n";
        expect_file!["../../../../docs/abi-compare.schema.json"].assert_eq(&text(schemars::schema_for!(Report)));
        expect_file!["../../../../docs/abi-scan.schema.json"].assert_eq(&text(schemars::schema_for!(binary::Scan)));
    }

    #[test]
    fn lists_of_names_are_read() {
        let list = names("list", b"# driver 580\ncuInit\n  cuCtxCreate_v2 # a comment\n\n").unwrap();
        assert_eq!(list.exports.keys().collect::<Vec<_>>(), ["cuCtxCreate_v2", "cuInit"]);
        assert!(names("list", b"this is prose\n").is_err());
        assert!(names("list", b"# nothing\n").is_err());
        assert!(names("list", b"\xff\n").is_err());
    }

    #[test]
    fn every_export_of_a_has_one_state() {
        let a = Surface::of_names("a", ["cuMemAlloc_v2", "cuFromTheFuture", "cudbgGetAPI", "cuGetProcAddress_v2"]);
        let states = states_of(&a);
        assert_eq!(states["unknown"], ["cuFromTheFuture"]);
        assert_eq!(states["debugger hook"], ["cudbgGetAPI"]);
        assert_eq!(states["implemented"], ["cuMemAlloc_v2"]);
        assert_eq!(states.values().map(Vec::len).sum::<usize>(), 4);
    }
}
