//! `apex abi`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{apex, cc, fails_with, installation, stdout_of};

fn abi(arguments: &[&str]) -> std::process::Command {
    let mut command = apex(installation());
    command.arg("abi").args(arguments);
    command
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_driver_is_scanned_in_three_forms() {
    let driver = installation().join("lib/libcuda.so.1");
    let text = stdout_of(&mut abi(&["scan", path(&driver)]));
    assert!(text.contains("name (SONAME)  libcuda.so.1"), "{text}");
    assert!(text.lines().any(|line| line.trim_start().starts_with("cuInit ") && line.contains("function")), "{text}");
    let markdown = stdout_of(&mut abi(&["scan", path(&driver), "--markdown"]));
    assert!(markdown.contains("| cuInit |  | function |"), "{markdown}");
    let report: Value = serde_json::from_str(&stdout_of(&mut abi(&["scan", path(&driver), "--json"]))).unwrap();
    assert_eq!(report["schema"], "apex-abi-scan/1");
    let symbols = report["members"][0]["symbols"].as_array().unwrap();
    assert!(symbols.iter().any(|symbol| symbol["name"] == "cuInit" && symbol["place"] == "exported"));
    assert!(stdout_of(&mut abi(&["scan", path(&driver), "--symbols", "none"])).lines().count() < 12);
}

#[test]
fn a_fatbin_s_images_are_listed() {
    let fatbin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fatbin/tests/data/compress-balance.fatbin");
    let text = stdout_of(&mut abi(&["scan", path(&fatbin), "--images"]));
    assert!(
        text.lines().any(|line| line.contains("compute_90a") && line.contains("_Z3addPKfS0_Pfi, _Z5scalePffi")),
        "{text}"
    );
}

#[test]
fn one_file_is_compared_with_apex_and_the_headers() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.txt");
    fs::write(&list, "# a driver of tomorrow\ncuInit\ncuFromTheFuture\n").unwrap();
    let text = stdout_of(&mut abi(&["compare", path(&list)]));
    assert!(text.contains("A that is in B         1 of 2 (50.0 %)"), "{text}");
    let report: Value = serde_json::from_str(&stdout_of(&mut abi(&["compare", path(&list), "--json"]))).unwrap();
    assert_eq!(report["only_a"][0]["name"], "cuFromTheFuture");
    assert_eq!(report["states"]["unknown"][0], "cuFromTheFuture");
    assert_eq!(report["headers"]["a_beyond"][0], "cuFromTheFuture");
    assert_eq!(report["headers"]["b_lacks"].as_array().unwrap().len(), 0);
}

#[test]
fn two_libraries_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let library = |name: &str, source: &str| {
        let file = folder.path().join(format!("{name}.c"));
        fs::write(&file, source).unwrap();
        let library = folder.path().join(format!("{name}.so"));
        cc(&[file.as_path()], &library, &["-shared", "-fPIC"]);
        library
    };
    let a = library("a", "int cuInit(void) { return 0; } int cuOld(void) { return 0; } int cuBoth = 1;");
    let b = library(
        "b",
        "int cuInit(void) { return 0; } int cuCtxCreate_v4(void) { return 0; } int cuBoth(void) { return 1; }",
    );
    let report: Value = serde_json::from_str(&stdout_of(&mut abi(&["compare", path(&a), path(&b), "--json"]))).unwrap();
    assert_eq!(report["shared"], 2);
    assert_eq!(report["only_a"][0]["name"], "cuOld");
    assert_eq!(
        (&report["only_b"][0]["name"], &report["only_b"][0]["since"]["minor"]),
        (&"cuCtxCreate_v4".into(), &5.into())
    );
    assert_eq!(report["differing"][0]["name"], "cuBoth");
    assert_eq!((&report["states"], &report["headers"]), (&Value::Null, &Value::Null));
    let markdown = stdout_of(&mut abi(&["compare", path(&a), path(&b), "--markdown"]));
    assert!(markdown.contains("| cuCtxCreate\\_v4 | 12.5 |"), "{markdown}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let prose = folder.path().join("prose");
    fs::write(&prose, "this is prose\n").unwrap();
    let (complaint, _) = fails_with(&mut abi(&["scan", path(&prose)]), 1);
    assert!(complaint.contains("no ELF file, archive, wheel, fatbin or PTX"), "{complaint}");
    let (complaint, _) = fails_with(&mut abi(&["compare", path(&prose)]), 1);
    assert!(complaint.contains("neither a library nor a list of names"), "{complaint}");
    let (complaint, _) = fails_with(&mut abi(&["scan", path(&folder.path().join("absent"))]), 1);
    assert!(complaint.contains("cannot read"), "{complaint}");
}
