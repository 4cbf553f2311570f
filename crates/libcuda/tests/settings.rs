//! Environment variables that the rim reads, and what it writes to stderr.

mod support;

use cuda_abi::CUresult;

/// The child: asks for the driver version, and calls a function that nobody implements, twice.
#[test]
fn child() {
    if support::role().is_none() {
        return;
    }
    let library = support::load();
    // SAFETY: the signatures are those of the driver API; the last function is not looked into by anyone.
    unsafe {
        let version =
            library.get::<unsafe extern "C" fn(*mut i32) -> CUresult>(b"cuDriverGetVersion").expect("exported");
        let init = library.get::<unsafe extern "C" fn(u32) -> CUresult>(b"cuInit").expect("exported");
        let missing = library.get::<unsafe extern "C" fn() -> CUresult>(b"cuEGLApiInit").expect("exported");
        let mut value = 0;
        assert_eq!(version(&mut value), CUresult::CUDA_SUCCESS);
        support::say(format_args!("version {value}"));
        assert_eq!(init(0), CUresult::CUDA_SUCCESS);
        for _ in 0..2 {
            assert_eq!(missing(), CUresult::CUDA_ERROR_NOT_SUPPORTED);
        }
    }
}

/// Runs the child with a variable set; returns what it says, and the lines of its stderr that are ours.
fn run(name: &str, value: &str) -> (Vec<String>, Vec<String>) {
    let output = support::child_command("settings").env_remove("APEX_QUIET").env(name, value).output().expect("starts");
    assert!(output.status.success(), "{}", support::text(&output));
    let errors = String::from_utf8_lossy(&output.stderr);
    let ours = errors.lines().filter(|line| line.starts_with("apex: ")).map(str::to_owned).collect();
    (support::lines(&output), ours)
}

const MISSING: &str = "apex: cuEGLApiInit is not implemented by the software device";

#[test]
fn a_missing_function_is_named_once() {
    assert_eq!(run("APEX_QUIET", "0"), (vec!["version 13000".to_owned()], vec![MISSING.to_owned()]));
}

#[test]
fn quiet_is_quiet() {
    assert_eq!(run("APEX_QUIET", "1").1, Vec::<String>::new());
}

#[test]
fn the_driver_version_can_be_set() {
    assert_eq!(run("APEX_DRIVER_VERSION", "12080").0, ["version 12080"]);
}

#[test]
fn a_driver_version_that_is_none_is_refused_with_a_line() {
    let (said, errors) = run("APEX_DRIVER_VERSION", "latest");
    assert_eq!(said, ["version 13000"]);
    assert_eq!(
        errors,
        ["apex: APEX_DRIVER_VERSION=latest is not a driver version such as 13000; reporting 13000", MISSING]
    );
}
