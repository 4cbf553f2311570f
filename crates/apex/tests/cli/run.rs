//! `apex run`.

use std::os::unix::process::ExitStatusExt;

use crate::{apex, fails_with, installation, script, stdout_of};

fn run(options: &[&str], program: &[&str]) -> std::process::Command {
    let mut command = apex(installation());
    command.arg("run").args(options).args(program);
    command
}

#[test]
fn the_program_s_exit_code_and_signal_are_its_own() {
    assert_eq!(run(&[], &["sh", "-c", "exit 42"]).status().unwrap().code(), Some(42));
    assert_eq!(run(&[], &["sh", "-c", "kill -TERM $$"]).status().unwrap().signal(), Some(15));
}

#[test]
fn arguments_reach_the_program_as_they_are() {
    let echo = ["sh", "-c", "printf '[%s]' \"$@\"", "sh", "--sm", "x y", "--", "-v", ""];
    assert_eq!(stdout_of(&mut run(&[], &echo)), "[--sm][x y][--][-v][]");
    assert_eq!(stdout_of(run(&["--sm", "7.5", "--"], &["printf", "%s", "a"]).env("X", "1")), "a");
}

#[test]
fn the_loader_is_told_to_take_our_library() {
    let library = installation().canonicalize().unwrap().join("lib");
    let show = ["sh", "-c", "echo $LD_PRELOAD; echo $LD_LIBRARY_PATH; grep -c libcuda.so.1 /proc/$$/maps >&2"];
    let plain = stdout_of(&mut run(&[], &show));
    assert_eq!(plain, format!("{0}/libcuda.so.1\n{0}\n", library.display()));
    let kept = stdout_of(run(&[], &show).env("LD_PRELOAD", "").env("LD_LIBRARY_PATH", "/opt/lib"));
    assert_eq!(kept, format!("{0}/libcuda.so.1\n{0}:/opt/lib\n", library.display()));
    let mapped = run(&[], &show).output().unwrap().stderr;
    assert_ne!(mapped.trim_ascii(), b"0");
}

#[test]
fn options_become_variables() {
    let options = [
        "--sm=8.6",
        "--device=rtx3080",
        "--device-count=2",
        "--memory=8G",
        "--workers=3",
        "--cache-path=/c",
        "--dump=ptx,ir",
    ];
    let names = ["SM", "DEVICE", "DEVICE_COUNT", "MEMORY", "WORKERS", "CACHE_PATH", "DUMP"];
    let show = names.map(|name| format!("\"$APEX_{name}\"")).join(" ");
    let shown = stdout_of(&mut run(&options, &["sh", "-c", &format!("echo {show}")]));
    assert_eq!(shown, "8.6 rtx3080 2 8G 3 /c ptx,ir\n");
}

#[test]
fn a_device_is_a_back_end_or_a_profile() {
    let show = ["sh", "-c", "echo \"$APEX_BACKEND,$APEX_DEVICE\""];
    for (option, shown) in
        [("nvidia", "nvidia,\n"), ("software", "software,\n"), ("auto", "auto,\n"), ("h200", "software,h200\n")]
    {
        assert_eq!(stdout_of(&mut run(&["--device", option], &show)), shown);
    }
    assert_eq!(stdout_of(&mut run(&[], &show)), ",\n");
}

#[test]
fn a_card_is_not_asked_for_what_only_the_software_gpu_does() {
    for option in ["--check=all", "--counters", "--sm=8.0", "--memory=1G"] {
        let (stderr, _) = fails_with(&mut run(&["--device=nvidia", option], &["true"]), 1);
        assert!(stderr.contains("are for the software GPU"), "{option}: {stderr}");
    }
}

#[test]
fn counters_go_to_stderr_or_to_a_file_too() {
    let show = ["sh", "-c", "echo $APEX_COUNTERS"];
    assert_eq!(stdout_of(&mut run(&["--counters"], &show)), "1\n");
    assert_eq!(stdout_of(&mut run(&["--counters=counts.json"], &show)), "counts.json\n");
}

#[test]
fn checks_are_handed_on() {
    let show = ["sh", "-c", "echo $APEX_CHECK $APEX_CHECK_REPORT"];
    assert_eq!(stdout_of(&mut run(&["--check=race,init"], &show)), "race,init\n");
    assert_eq!(stdout_of(&mut run(&["--check=all", "--check-report=found.json"], &show)), "all found.json\n");
}

#[test]
fn frameworks_are_told_to_hand_over_ptx() {
    let show = ["sh", "-c", "echo $CUPY_COMPILE_WITH_PTX"];
    assert_eq!(stdout_of(&mut run(&["--device=software"], &show)), "1\n");
    // NVIDIA's driver takes machine code too.
    let real = installation().join("lib/libcuda.so.1");
    assert_eq!(stdout_of(run(&["--device=nvidia"], &show).env("APEX_REAL_LIBCUDA", real)), "\n");
    assert_eq!(stdout_of(run(&["--device=software"], &show).env("CUPY_COMPILE_WITH_PTX", "0")), "0\n");
}

#[test]
fn what_cannot_be_run_ends_as_in_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let plain = script(folder.path(), "plain", "no program", 0o644);
    let (stderr, _) = fails_with(&mut run(&[], &["no-such-program-anywhere"]), 127);
    assert!(stderr.contains("cannot run no-such-program-anywhere"), "{stderr}");
    fails_with(&mut run(&[], &[plain.to_str().unwrap()]), 126);
}

#[test]
fn senseless_options_are_refused() {
    for option in ["--sm=0.5.1", "--sm=big", "--memory=0", "--memory=8Q", "--workers=0", "--device-count=-1"] {
        let (stderr, _) = fails_with(&mut run(&[option], &["true"]), 2);
        assert!(stderr.contains("invalid value"), "{option}: {stderr}");
    }
    fails_with(&mut run(&[], &[]), 2);
}

#[test]
fn a_lost_library_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_apex"), folder.path().join("bin/apex")).unwrap();
    let (stderr, _) = fails_with(apex(folder.path()).args(["run", "true"]), 1);
    assert!(stderr.contains("there is no libcuda.so.1 in"), "{stderr}");
}

#[test]
fn publishing_is_asked_for_by_a_variable() {
    let show = ["sh", "-c", "echo \"$APEX_LIVE\""];
    assert_eq!(stdout_of(&mut run(&[], &show)), "\n");
    assert_eq!(stdout_of(&mut run(&["--live"], &show)), "1\n");
    assert_eq!(stdout_of(run(&["--live"], &show).env("APEX_LIVE", "0")), "1\n");
    assert_eq!(stdout_of(run(&["--live"], &show).env("APEX_LIVE", "/a/folder")), "/a/folder\n");
}
