//! Checks of kernels (`apex run --check`): each faulty program under `check/faulty` is found out, and no correct case is accused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use filetests::case::{self, Case, Expected};
use filetests::expectations::Expectations;
use filetests::process::{self, End};
use filetests::program;
use filetests::toolchain::Toolchain;
use filetests::verdict;
use serde::Deserialize;
use serde_json::Value;

const TIME_MAX: Duration = Duration::from_secs(300);
/// Exit code of a program that something was found in.
const EXIT_FOUND: i32 = 86;
/// Without `APEX_TEST_LONG=1` one correct case in so many is run.
const SAMPLE: usize = 12;
/// Programs that run at a time.
const WORKERS: usize = 2;

/// Cases that are not as correct as they seem.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    exception: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    case: String,
    check: String,
    reason: String,
}

/// What a faulty program says of itself in its last line: `// FINDS: check line [line]`. A line `// ARCH: compute_90` says what it needs.
struct Fault {
    case: Case,
    check: String,
    lines: BTreeSet<u64>,
}

fn toolchain() -> &'static Toolchain {
    static TOOLCHAIN: OnceLock<Toolchain> = OnceLock::new();
    TOOLCHAIN.get_or_init(|| {
        Toolchain::find(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("cargo xtask test says where everything is")
    })
}

fn faults() -> Vec<Fault> {
    let files = filetests::files_in(&filetests::root().join("check/faulty"), &["cu"]).expect("there is a folder");
    files.into_iter().map(fault).collect()
}

fn fault(path: PathBuf) -> Fault {
    let source = fs::read_to_string(&path).expect("a program can be read");
    let last = source.lines().last().unwrap_or_default();
    let rest = last.strip_prefix("// FINDS: ").unwrap_or_else(|| panic!("{}: no FINDS line", path.display()));
    let mut words = rest.split_whitespace();
    let check = words.next().expect("a check is named").to_owned();
    let lines: BTreeSet<u64> = words.map(|word| word.parse().expect("a line is a number")).collect();
    assert!(!lines.is_empty(), "{}: no line", path.display());
    let name = format!("check/{}", path.file_stem().unwrap_or_default().to_string_lossy());
    // PTX alone: the assembler refuses one of the faults.
    let architecture = source.lines().find_map(|line| line.strip_prefix("// ARCH: ")).unwrap_or("compute_80");
    let flags = vec!["-lineinfo".to_owned(), format!("-arch={architecture}")];
    let expected = Expected { flags, ..Expected::default() };
    Fault { case: Case { name, path, source, parts: Vec::new(), expected }, check, lines }
}

/// Runs a program with checks: how it ended, what it wrote, and the findings.
fn checked(case: &Case, checks: &str) -> Result<(process::Finished, Vec<Value>), String> {
    let program = program::build(toolchain(), case).map_err(|error| format!("{error:#}"))?;
    let apex = PathBuf::from(std::env::var_os("APEX_BIN_DIR").ok_or("cargo xtask test says where apex is")?);
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let mut command = Command::new(apex.join("apex"));
    command.arg("run").arg(format!("--check={checks}")).arg("--check-report").arg(file.path());
    if let Some(capability) = case.only_capability() {
        command.arg(format!("--sm={capability}"));
    }
    command.arg(program);
    toolchain().set_environment(&mut command);
    let finished = process::run(&mut command, TIME_MAX).map_err(|error| format!("{error:#}"))?;
    let text = fs::read_to_string(file.path()).map_err(|error| error.to_string())?;
    // A program that makes no context checks nothing.
    let json: Value =
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).map_err(|error| error.to_string())? };
    Ok((finished, json["findings"].as_array().cloned().unwrap_or_default()))
}

/// The lines of a file that a thread is at, calls that were inlined included.
fn lines_of(party: &Value, file: &Path) -> BTreeSet<u64> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let called_from = party["called_from"].as_array().into_iter().flatten();
    let places = called_from.chain([&party["source"]]);
    let own = places.filter(|place| place["file"].as_str().is_some_and(|file| file.ends_with(&name)));
    own.filter_map(|place| place["line"].as_u64()).collect()
}

/// Does something for each of many things, a few at a time; what went wrong.
fn each<T: Sync>(things: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(message) = check(thing) {
                        wrong.lock().expect("nobody panics").push(message);
                    }
                }
            });
        }
    });
    wrong.into_inner().expect("nobody panics")
}

#[test]
fn every_fault_is_found() {
    let faults = faults();
    assert!(faults.len() >= 40, "there were more programs");
    let wrong = each(&faults, |fault| {
        let (finished, findings) = checked(&fault.case, &fault.check)?;
        let is_it = |finding: &Value| {
            let parties = finding["parties"].as_array().into_iter().flatten();
            let lines: BTreeSet<u64> = parties.flat_map(|party| lines_of(party, &fault.case.path)).collect();
            finding["check"] == *fault.check && !lines.is_disjoint(&fault.lines)
        };
        if finished.end != End::Exit(EXIT_FOUND) || !findings.iter().any(is_it) {
            return Err(format!("{}: {}\n{}", fault.case.name, finished.end, finished.outputs()));
        }
        Ok(())
    });
    assert!(wrong.is_empty(), "not found:\n{}", wrong.join("\n"));
}

#[test]
fn nobody_is_accused_wrongly() {
    let text = fs::read_to_string(filetests::root().join("check/exceptions.toml")).expect("there are exceptions");
    let exceptions: Exceptions = toml::from_str(&text).expect("the exceptions are well-formed");
    let mut excused: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for exception in &exceptions.exception {
        assert!(!exception.reason.is_empty(), "{} is excused without a reason", exception.case);
        excused.entry(&exception.case).or_default().insert(&exception.check);
    }
    let long = std::env::var_os("APEX_TEST_LONG").is_some_and(|value| value == "1");
    let known = Expectations::load().expect("the known failures can be read");
    let cases = case::all().expect("the cases can be read").into_iter();
    let cases = cases.filter(|case| case.name.starts_with("cuda/") && !known.is_known(&case.name));
    let step = if long { 1 } else { SAMPLE };
    let cases: Vec<Case> = cases.step_by(step).collect();
    let wrong = each(&cases, |case| {
        let (mut finished, findings) = checked(case, "all")?;
        let excused = excused.get(case.name.as_str());
        let is_excused = |finding: &&Value| {
            let check = finding["check"].as_str().unwrap_or_default();
            excused.is_some_and(|excused| excused.contains(check))
        };
        let accused: Vec<String> =
            findings.iter().filter(|finding| !is_excused(finding)).map(Value::to_string).collect();
        if !accused.is_empty() {
            return Err(format!("{}: {}", case.name, accused.join("\n")));
        }
        if finished.end == End::Exit(EXIT_FOUND) && !findings.is_empty() {
            finished.end = End::Exit(0);
        }
        verdict::compare(case, &finished).map_err(|message| format!("{}: {message}", case.name))
    });
    assert!(wrong.is_empty(), "accused, or changed:\n{}", wrong.join("\n"));
}
