//! `apex doctor`.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{apex, cc, fails_with, installation, script, stdout_of};

fn doctor(program: &Path) -> std::process::Command {
    let mut command = apex(installation());
    command.arg("doctor").arg(program).env("APEX_CACHE_PATH", installation().join("cache"));
    command
}

/// A program that nvcc might have built: `main`, and a fatbin of the fatbin crate's test data in its section.
fn program(folder: &TempDir, fatbin: &str, options: &[&str]) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fatbin/tests/data").join(fatbin);
    let source = folder.path().join("program.c");
    let section = format!(".section .nv_fatbin, \\\"a\\\"\\n.incbin \\\"{}\\\"\\n.text", data.display());
    fs::write(&source, format!("__asm__(\"{section}\");\nint main(void) {{ return 0; }}\n")).unwrap();
    let path = folder.path().join("program");
    cc(&[source.as_path()], &path, options);
    path
}

#[test]
fn a_good_program_is_found_good() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout_of(&mut doctor(&program(&folder, "compress-balance.fatbin", &[])));
    assert!(text.contains("Fake GPU, compute capability 8.6, 24.0 GiB"), "{text}");
    assert!(text.contains("1 module(s) of device code, all with PTX for 8.6"), "{text}");
    assert!(text.contains("nothing found that would break a run"), "{text}");
}

#[test]
fn machine_code_without_ptx_is_a_problem_that_names_the_kernels() {
    let folder = tempfile::tempdir().unwrap();
    let (_, text) = fails_with(&mut doctor(&program(&folder, "machine-code-only.fatbin", &[])), 1);
    assert!(
        text.contains("kernels _Z3addPKfS0_Pfi, _Z5scalePffi: the fatbin has no PTX, only machine code for sm_86"),
        "{text}"
    );
    let (_, text) = fails_with(&mut doctor(&program(&folder, "too-new.fatbin", &[])), 1);
    assert!(text.contains("no PTX of the fatbin is for a device of compute capability 8.6"), "{text}");
    assert!(text.contains("kernels _Z3addPKfS0_Pfi, _Z5scalePffi"), "{text}");
}

#[test]
fn a_static_program_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let (_, text) = fails_with(&mut doctor(&program(&folder, "compress-none.fatbin", &["-static"])), 1);
    assert!(text.contains("is linked statically"), "{text}");
}

#[test]
fn an_rpath_to_another_driver_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(installation().join("lib/libcuda.so.1"), folder.path().join("libcuda.so.1")).unwrap();
    let program = program(&folder, "compress-none.fatbin", &["-Wl,-rpath,$ORIGIN"]);
    let text = stdout_of(&mut doctor(&program));
    let pinned = folder.path().join("libcuda.so.1");
    assert!(text.contains(&format!("RPATH or RUNPATH leads to {}", pinned.display())), "{text}");
    assert!(text.contains(&format!("takes {}, not ours", pinned.display())), "{text}");
    let ours = stdout_of(doctor(Path::new("sh")).env("LD_LIBRARY_PATH", installation().join("lib")));
    assert!(ours.contains("libcuda.so.1, ours"), "{ours}");
}

#[test]
fn a_missing_library_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libgone.so");
    let source = folder.path().join("empty.c");
    fs::write(&source, "int gone(void) { return 0; }\n").unwrap();
    cc(&[source.as_path()], &library, &["-shared", "-fPIC"]);
    let options = ["-Wl,--no-as-needed", "-L", folder.path().to_str().unwrap(), "-lgone"];
    let main = folder.path().join("main.c");
    fs::write(&main, "int main(void) { return 0; }\n").unwrap();
    let path = folder.path().join("program");
    cc(&[main.as_path()], &path, &options);
    fs::remove_file(library).unwrap();
    let (_, text) = fails_with(&mut doctor(&path), 1);
    assert!(text.contains("the loader does not find libgone.so"), "{text}");
}

/// A library named as the CUDA runtime of a release, and a program that uses it.
fn with_runtime(folder: &TempDir, soname: &str) -> PathBuf {
    let source = folder.path().join("runtime.c");
    fs::write(&source, "int cudaX(void) { return 0; }\n").unwrap();
    let library = folder.path().join(soname);
    cc(&[source.as_path()], &library, &["-shared", "-fPIC", &format!("-Wl,-soname,{soname}")]);
    let main = folder.path().join("main.c");
    fs::write(&main, "int cudaX(void);\nint main(void) { return cudaX(); }\n").unwrap();
    let path = folder.path().join("program");
    let link = format!("-l:{soname}");
    cc(
        &[main.as_path()],
        &path,
        &["-Wl,--no-as-needed", "-L", folder.path().to_str().unwrap(), "-Wl,-rpath,$ORIGIN", &link],
    );
    path
}

#[test]
fn a_runtime_later_than_the_driver_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let (_, text) = fails_with(&mut doctor(&with_runtime(&folder, "libcudart.so.99")), 1);
    assert!(text.contains("uses the CUDA runtime as a library, 99.x, which refuses a driver of CUDA 13.0"), "{text}");
    assert!(text.contains("set APEX_DRIVER_VERSION=99000 or higher"), "{text}");
    let fine = stdout_of(&mut doctor(&with_runtime(&folder, "libcudart.so.12")));
    assert!(fine.contains("uses the CUDA runtime as a library, 12.x"), "{fine}");
}

#[test]
fn a_missing_runtime_is_a_problem_with_a_place_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = with_runtime(&folder, "libcudart.so.12");
    fs::remove_file(folder.path().join("libcudart.so.12")).unwrap();
    let (_, text) = fails_with(&mut doctor(&program), 1);
    assert!(text.contains("the loader does not find libcudart.so.12"), "{text}");
    assert!(text.contains("pip install nvidia-cuda-runtime-cu12"), "{text}");
}

#[test]
fn functions_that_the_driver_lacks_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let stub = folder.path().join("stub.c");
    fs::write(&stub, "int cuFromTheFuture(void) { return 0; }\nint cuCtxAttach(void) { return 0; }\n").unwrap();
    let library = folder.path().join("libcuda.so");
    cc(&[stub.as_path()], &library, &["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1"]);
    let main = folder.path().join("main.c");
    let calls = "int cuFromTheFuture(void);\nint main(void) { return cuFromTheFuture(); }\n";
    fs::write(&main, calls).unwrap();
    let path = folder.path().join("program");
    cc(&[main.as_path()], &path, &["-Wl,--no-as-needed", "-L", folder.path().to_str().unwrap(), "-lcuda"]);
    let (_, text) = fails_with(&mut doctor(&path), 1);
    assert!(text.contains("is linked with cuFromTheFuture of the driver, which ours does not export"), "{text}");
}

#[test]
fn scripts_lead_to_their_interpreters() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(folder.path(), "tool", "#!/usr/bin/env sh\n", 0o755);
    let text = stdout_of(&mut doctor(&path));
    assert!(text.contains("a script, run by sh;"), "{text}");
    let (_, text) = fails_with(&mut doctor(&folder.path().join("nothing")), 1);
    assert!(text.contains("there is no such program"), "{text}");
}

#[test]
fn misspelt_variables_are_noted() {
    let text = stdout_of(apex(installation()).arg("doctor").env("APEX_SMM", "7.5"));
    assert!(text.contains("APEX_SMM: is set, and the driver knows no such variable"), "{text}");
}

#[test]
fn a_driver_that_does_not_start_is_a_problem() {
    let (_, text) = fails_with(apex(installation()).arg("doctor").env("FAKE_CUINIT", "999"), 1);
    assert!(text.contains("cuInit answers CUDA_ERROR_UNKNOWN"), "{text}");
}
