//! `apex compile` with the real library, on PTX and on a program that nvcc built.

use std::path::PathBuf;
use std::process::Command;

const PTX: &str = "\
.version 8.0
.target sm_75
.address_size 64
.visible .entry twice(.param .u64 numbers) {
    .reg .b64 %address<4>;
    .reg .b32 %r<4>;
    ld.param.u64 %address1, [numbers];
    mov.u32 %r1, %tid.x;
    mul.wide.u32 %address2, %r1, 4;
    add.s64 %address3, %address1, %address2;
    ld.global.u32 %r2, [%address3];
    shl.b32 %r3, %r2, 1;
    st.global.u32 [%address3], %r3;
    ret;
}
.visible .entry nothing() { ret; }
";

/// The installed `apex`, as `cargo xtask test` lays it out.
fn apex() -> Command {
    let folder = std::env::var_os("APEX_BIN_DIR").expect("cargo xtask test says where apex is");
    Command::new(PathBuf::from(folder).join("apex"))
}

fn source() -> tempfile::TempPath {
    let mut file = tempfile::Builder::new().suffix(".ptx").tempfile().expect("a temporary file can be made");
    std::io::Write::write_all(&mut file, PTX.as_bytes()).expect("it can be written");
    file.into_temp_path()
}

#[test]
fn every_stage_of_a_kernel_is_shown() {
    let path = source();
    for (stage, part) in [
        ("ptx", ".visible .entry twice"),
        ("ir", "shl i32"),
        ("llvm", "define i32 @apex_kernel"),
        ("optimized", "<32 x i32>"),
        ("asm", "apex_kernel:"),
        ("times", "code generation"),
    ] {
        let output = apex().arg("compile").arg(&path).args(["--emit", stage, "--block", "64"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{stage}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains(part), "{part:?} is not in the {stage}:\n{text}");
    }
}

#[test]
fn a_kernel_is_chosen_by_a_part_of_its_name() {
    let path = source();
    let run = |part: &str| apex().arg("compile").arg(&path).args(["--kernel", part]).output().unwrap();
    let text = String::from_utf8(run("noth").stdout).unwrap();
    assert!(text.starts_with("// nothing\n") && !text.contains("// twice"), "{text}");
    let missing = run("absent");
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("has no kernel whose name contains \"absent\""));
}

#[test]
fn what_is_wrong_with_a_text_is_said_with_its_line() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = PTX.replace("shl.b32 %r3, %r2, 1;", "shl.b32 %r3, %r9, 1;");
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    let output = apex().arg("compile").arg(file.path()).args(["--kernel", "twice"]).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(complaint.contains("%r9") && complaint.contains("12"), "{complaint}");
}
