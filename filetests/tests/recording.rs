//! A program is recorded with the real library, and what `apex` makes of the recording is read by the libraries of others.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LAUNCHES: u64 = 3000;

fn apex() -> Command {
    let folder = std::env::var_os("APEX_BIN_DIR").expect("cargo xtask test says where apex is");
    Command::new(PathBuf::from(folder).join("apex"))
}

fn python() -> PathBuf {
    PathBuf::from(std::env::var_os("APEX_VENV").expect("cargo xtask test says where Python is")).join("bin/python3")
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recording").join(name)
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Records the program into a folder of its own.
fn recording() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut run = apex();
    run.arg("run").arg("--record").arg(&path).arg(python()).arg(script("program.py")).arg(LAUNCHES.to_string());
    succeeds(&mut run);
    (folder, path)
}

#[test]
fn others_read_what_is_exported() {
    let (folder, path) = recording();
    let mut check = Command::new(python());
    check.arg(script("check.py")).arg(LAUNCHES.to_string());
    for format in ["perfetto", "parquet", "csv", "json"] {
        let output = folder.path().join(format);
        succeeds(apex().arg("export").arg(&path).args(["--to", format, "-o"]).arg(&output));
        check.arg(output);
    }
    let report = folder.path().join("report");
    std::fs::write(&report, succeeds(apex().arg("report").arg(&path).arg("--json")).stdout).unwrap();
    succeeds(check.arg(report));
}

#[test]
fn opentelemetry_reads_what_is_exported() {
    let (folder, path) = recording();
    let output = folder.path().join("otlp");
    succeeds(apex().arg("export").arg(&path).args(["--to", "otlp", "-o"]).arg(&output));
    succeeds(Command::new(python()).arg(script("check_otlp.py")).arg(LAUNCHES.to_string()).arg(output));
}

#[test]
fn the_report_counts_what_the_program_did() {
    let (_folder, path) = recording();
    let output = succeeds(apex().arg("report").arg(&path).arg("--json"));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["launches"], LAUNCHES + LAUNCHES / 2);
    assert_eq!(report["notes"], serde_json::json!([]));
    assert_eq!(report["device_memory_most_bytes"], 1 << 20);
    let kernels = report["kernels"].as_array().unwrap();
    let counts: Vec<_> = kernels.iter().map(|kernel| (kernel["name"].as_str().unwrap(), &kernel["launches"])).collect();
    assert!(counts.contains(&("first(float*)", &LAUNCHES.into())), "{counts:?}");
    assert!(counts.contains(&("second", &(LAUNCHES / 2).into())), "{counts:?}");
    assert!(kernels.iter().all(|kernel| kernel["timed_launches"] == kernel["launches"]));
    let share = report["devices"][0]["busy_share"].as_f64().unwrap();
    assert!(share > 0.0 && share <= 1.0, "{share}");
    let table = succeeds(apex().arg("report").arg(&path));
    let table = String::from_utf8(table.stdout).unwrap();
    for part in ["first(float*)", "Theoretical occupancy", "Memory of devices: most 1.0 MiB", "copies, host to device"]
    {
        assert!(table.contains(part), "{part:?} is missing:\n{table}");
    }
}

#[test]
fn a_file_that_is_cut_is_reported_as_far_as_it_goes() {
    let (folder, path) = recording();
    let bytes = std::fs::read(&path).unwrap();
    let cut = folder.path().join("cut");
    std::fs::write(&cut, &bytes[..bytes.len() - 10]).unwrap();
    let output = succeeds(apex().arg("report").arg(&cut));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("The file is cut short"), "{text}");
    std::fs::write(&cut, b"something else").unwrap();
    let output = apex().arg("report").arg(&cut).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("this is no recording"), "{output:?}");
}
