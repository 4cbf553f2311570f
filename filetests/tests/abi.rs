//! `apex abi` and `apex doctor` on what nvcc builds, and on the libraries of the toolkit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use filetests::toolchain::Toolchain;
use serde_json::Value;

const SOURCE: &str = "\
__global__ void twice(int *p) { *p *= 2; }
int main() { int *p; cudaMalloc(&p, 4); twice<<<1, 1>>>(p); return cudaDeviceSynchronize(); }
";

fn toolchain() -> &'static Toolchain {
    static TOOLCHAIN: OnceLock<Toolchain> = OnceLock::new();
    TOOLCHAIN.get_or_init(|| Toolchain::find(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("the toolkit is there"))
}

/// The installed `apex`, as `cargo xtask test` lays it out.
fn apex() -> Command {
    let folder = std::env::var_os("APEX_BIN_DIR").expect("cargo xtask test says where apex is");
    Command::new(PathBuf::from(folder).join("apex"))
}

/// A program of nvcc's, stripped if its name says so.
fn program(folder: &Path, name: &str, options: &[&str]) -> PathBuf {
    let source = folder.join("twice.cu");
    std::fs::write(&source, SOURCE).unwrap();
    let output = folder.join(name);
    let toolchain = toolchain();
    let mut nvcc = Command::new(&toolchain.nvcc);
    nvcc.arg(&source).arg("-o").arg(&output).args(options);
    nvcc.arg("-L").arg(&toolchain.library_folder).arg("-L").arg(&toolchain.link_folder);
    assert!(nvcc.status().unwrap().success());
    if name.contains("stripped") {
        assert!(Command::new("strip").arg(&output).status().unwrap().success());
    }
    output
}

fn scanned(path: &Path) -> Value {
    let output = apex().args(["abi", "scan", "--json"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["problems"], Value::Array(Vec::new()));
    report["members"][0].take()
}

/// Major and minor of the toolkit: 13, 0.
fn release() -> (u64, u64) {
    let version = &toolchain().version;
    let rest = version.split("release ").nth(1).expect("nvcc states its release");
    let (major, minor) = rest.split(',').next().unwrap().split_once('.').unwrap();
    (major.parse().unwrap(), minor.parse().unwrap())
}

#[test]
fn the_runtime_of_nvcc_s_programs_is_found_however_it_is_linked() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["static", "static-stripped"] {
        let runtime = scanned(&program(folder.path(), name, &["-cudart", "static"]))["runtime"].take();
        assert_eq!(runtime["linkage"], "static", "{name}: {runtime}");
        assert_eq!(runtime["major"], release().0, "{name}: {runtime}");
        assert!(runtime["at_least"]["minor"].as_u64().unwrap() <= release().1, "{name}: {runtime}");
    }
    let shared = scanned(&program(folder.path(), "shared-stripped", &["-cudart", "shared"]));
    assert_eq!(shared["runtime"]["linkage"], "shared");
    assert_eq!(shared["runtime"]["major"], release().0);
    let none = scanned(&program(folder.path(), "none.o", &["-c"]));
    assert_eq!(none["runtime"]["linkage"], "none");
    assert!(
        none["runtime"]["evidence"][0].as_str().unwrap().contains("__cudaRegisterFatBinary"),
        "{}",
        none["runtime"]
    );
}

#[test]
fn the_device_code_of_nvcc_s_programs_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        ["-gencode", "arch=compute_75,code=compute_75", "-gencode", "arch=compute_90a,code=[sm_90a,compute_90a]"];
    let images = scanned(&program(folder.path(), "several", &options))["device_code"]["images"].take();
    let mut own: Vec<(String, String)> = images
        .as_array()
        .unwrap()
        .iter()
        .filter(|image| image["functions"].as_array().is_some_and(|functions| functions.contains(&"_Z5twicePi".into())))
        .map(|image| (image["kind"].as_str().unwrap().to_owned(), image["target"].as_str().unwrap().to_owned()))
        .collect();
    own.sort_unstable();
    let expected = [("cubin", "sm_90a"), ("ptx", "compute_75"), ("ptx", "compute_90a")];
    assert_eq!(own, expected.map(|(kind, target)| (kind.to_owned(), target.to_owned())));
    let relocatable = scanned(&program(folder.path(), "relocatable.o", &["-c", "-rdc=true"]));
    assert_eq!(relocatable["device_code"]["images"][0]["section"], "__nv_relfatbin");
}

#[test]
fn doctor_says_which_target_a_program_of_machine_code_alone_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path(), "cubin-only", &["-gencode", "arch=compute_90,code=sm_90"]);
    let output = apex().arg("doctor").arg(&program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("_Z5twicePi: the fatbin has no PTX, only machine code for sm_90"), "{text}");
    assert!(text.contains("has the CUDA runtime inside"), "{text}");
}

#[test]
fn our_driver_covers_the_headers_and_its_own_table() {
    let folder = std::env::var_os("APEX_LIB_DIR").expect("cargo xtask test says where the library is");
    let library = PathBuf::from(folder).join("libcuda.so.1");
    let output = apex().args(["abi", "compare", "--json"]).arg(library).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for empty in ["only_a", "only_b", "differing"] {
        assert_eq!(report[empty], Value::Array(Vec::new()), "{empty}");
    }
    assert_eq!(report["headers"]["a_lacks"], Value::Array(Vec::new()));
    assert_eq!(report["states"]["unknown"], Value::Null);
}
