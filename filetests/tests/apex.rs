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

const REPORTED: &str = "\
.version 8.0
.target sm_75
.address_size 64
.visible .entry parts(.param .u64 numbers) {
    .reg .b64 %a<8>;
    .reg .b32 %r<8>;
    .reg .pred %p<2>;
    .shared .align 4 .b8 tile[1024];
    ld.param.u64 %a1, [numbers];
    mov.u32 %r1, %tid.x;
    mul.wide.u32 %a2, %r1, 4;
    add.s64 %a3, %a1, %a2;
    ld.global.u32 %r2, [%a1];
    ld.global.u32 %r3, [%a3];
    setp.lt.s32 %p1, %r3, 7;
    @%p1 bra skip;
    mul.wide.u32 %a4, %r3, 4;
    add.s64 %a5, %a1, %a4;
    st.global.u32 [%a5], %r2;
    red.global.add.u32 [%a1], 1;
skip:
    bar.sync 0;
    st.global.u32 [%a3+4], %r2;
    ret;
}
";

#[test]
fn a_report_says_what_was_decided() {
    let mut file = tempfile::Builder::new().suffix(".ptx").tempfile().unwrap();
    std::io::Write::write_all(&mut file, REPORTED.as_bytes()).unwrap();
    let run = |more: &[&str]| {
        let output = apex().arg("compile").arg(file.path()).args(["--report", "--block", "64"]).args(more).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&[]);
    for part in ["kernel parts for blocks of 64x1x1", "warp by warp", "divergent branches", "line 14", "barriers"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let json: Vec<serde_json::Value> = serde_json::from_str(&run(&["--json"])).unwrap();
    let kernel = &json[0]["functions"][0];
    let accesses: Vec<(u64, &str, &str)> = kernel["accesses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|access| {
            let text = |field: &str| access[field].as_str().unwrap();
            (access["line"].as_u64().unwrap(), text("way"), text("bounds"))
        })
        .collect();
    assert_eq!(
        accesses,
        [
            (13, "uniform", "tested"),
            // Elements of what line 13 reads: its test of the base does.
            (14, "contiguous", "merged"),
            (19, "scatter", "merged"),
            (20, "once for the warp", "merged"),
            (23, "contiguous", "merged"),
        ]
    );
    let causes = kernel["divergent_branches"][0]["causes"].as_array().unwrap();
    assert!(causes.last().unwrap().as_str().unwrap().ends_with("(line 14)"), "{causes:?}");
    assert_eq!(kernel["waits"][0]["for"], "block");
}
