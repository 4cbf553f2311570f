//! The C functions in front of a stand-in for NVIDIA's driver, with a layer in between. The choice is made once in a process: each
//! scenario is a child.

use super::*;
use crate::test_layer::{WANTED, take_seen};
use core::ptr::{null, null_mut};
use std::path::PathBuf;
use std::process::Command;

const SUCCESS: CUresult = CUresult::CUDA_SUCCESS;
const NAME: &str = "exports::hooked_tests::child";
const ROLE: &str = "APEX_TEST_CHILD";

/// The stand-in: cargo builds it beside the test programs.
fn fake() -> PathBuf {
    let test_program = std::env::current_exe().expect("a program knows where it is");
    test_program.with_file_name("libfake_driver.so")
}

/// Runs a scenario in front of a library.
fn run(role: &str, library: PathBuf) {
    let mut command = Command::new(std::env::current_exe().expect("a program knows where it is"));
    command.args(["--exact", NAME, "--nocapture"]).env(ROLE, role).env(WANTED, "1");
    command.env("APEX_BACKEND", "nvidia").env("APEX_REAL_LIBCUDA", library);
    let output = command.output().expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("the scenario is complete"), "{text}");
}

#[test]
fn a_layer_sees_what_it_hooks_and_nothing_is_changed() {
    run("sees", fake());
}

#[test]
fn what_the_rim_would_refuse_goes_to_nvidia_s_driver() {
    run("refuses", fake());
}

#[test]
fn a_panic_in_a_layer_is_an_error_code() {
    run("panics", fake());
}

#[test]
fn an_older_version_with_answers_of_its_own_is_seen_and_called() {
    run("of its own", fake());
}

#[test]
fn what_goes_past_the_layers_is_wanted_by_none() {
    for symbol in hooked::INEXACT {
        let older = FUNCTIONS.iter().find(|function| function.symbol == *symbol).expect("it is in the table");
        let is_newest = |other: &&Function| other.group == Group::Method && other.base == older.base;
        let newest = FUNCTIONS.iter().find(is_newest).expect("it has a newest version").symbol;
        assert!(!layer_observe::HOOKED.contains(&newest), "{symbol} would be missing in a recording");
        assert!(!layer_universal::HOOKS.contains(&newest), "{symbol} would not be presented");
    }
}

#[test]
fn layers_can_be_taken_out_of_the_way() {
    run("switched", fake());
}

/// Takes a name away from a copy of the stand-in: its hash leads to another name then.
fn without(name: &str, folder: &std::path::Path) -> PathBuf {
    let mut bytes = std::fs::read(fake()).expect("the stand-in is readable");
    let wanted = format!("\0{name}\0").into_bytes();
    let places: Vec<usize> =
        bytes.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the stand-in has no {name}");
    for place in places {
        bytes[place + 1] = b'x';
    }
    let path = folder.join("libolder.so");
    std::fs::write(&path, bytes).expect("the folder is writable");
    path
}

#[test]
fn an_older_version_goes_directly_where_the_library_lacks_the_newest() {
    let folder = tempfile::tempdir().expect("a folder");
    run("older", without("cuCtxSynchronize_v2", folder.path()));
}

#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    match role.as_str() {
        "sees" => sees(),
        "refuses" => refuses(),
        "panics" => panics(),
        "older" => older(),
        "switched" => switched(),
        "of its own" => of_its_own(),
        _ => panic!("no scenario"),
    }
    println!("the scenario is complete");
}

/// How often a function of the stand-in was called.
fn calls(name: &str) -> u64 {
    let library = choice::nvidia_library().expect("the stand-in was chosen");
    // SAFETY: the library is loaded already; the function has this type.
    unsafe {
        let library = libloading::Library::new(library.path()).expect("it is loaded");
        let calls = library.get::<unsafe extern "C" fn(*const c_char) -> u64>(b"fake_calls").expect("it is exported");
        let name = std::ffi::CString::new(name).expect("a name");
        calls(name.as_ptr())
    }
}

/// Starts the driver; returns a context and a function.
fn prepare() -> CUfunction {
    let (mut context, mut module, mut function) = (CUcontext::NULL, CUmodule::NULL, CUfunction::NULL);
    // SAFETY: the pointers are valid.
    unsafe {
        assert_eq!(cuInit(0), SUCCESS);
        assert_eq!(cuCtxCreate_v2(&mut context, 0, 0), SUCCESS);
        assert_eq!(cuModuleLoadData(&mut module, c".visible .entry nothing() { ret; }".as_ptr().cast()), SUCCESS);
        assert_eq!(cuModuleGetFunction(&mut function, module, c"nothing".as_ptr()), SUCCESS);
    }
    assert!(take_seen().is_empty());
    function
}

fn sees() {
    let function = prepare();
    let (mut memory, mut count) = (0, 0);
    let bytes = [1u8; 8];
    // SAFETY: the pointers are valid, the kernel has no parameters.
    unsafe {
        let launch = |symbol: unsafe extern "C" fn(_, _, _, _, _, _, _, _, _, _, _) -> _, grid| {
            symbol(function, grid, 1, 1, 32, 1, 1, 0, CUstream::NULL, null_mut(), null_mut())
        };
        assert_eq!(launch(cuLaunchKernel, 7), SUCCESS);
        assert_eq!(launch(cuLaunchKernel_ptsz, 8), SUCCESS);
        // An error is the driver's.
        assert_eq!(launch(cuLaunchKernel, 0), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(cuMemAlloc_v2(&mut memory, 8), SUCCESS);
        assert_eq!(cuMemcpyHtoD_v2(memory, bytes.as_ptr().cast(), 8), SUCCESS);
        assert_eq!(cuMemcpyHtoD_v2_ptds(memory, bytes.as_ptr().cast(), 4), SUCCESS);
        assert_eq!(cuCtxSynchronize(), SUCCESS);
        assert_eq!(cuDeviceGetCount(&mut count), SUCCESS);
    }
    assert_eq!(
        take_seen(),
        [
            "launch 7x32 in CUstream(0x0)",
            "launch 8x32 in CUstream(0x2)",
            "launch 0x32 in CUstream(0x0)",
            "copy 8",
            "copy 4 per thread",
            "synchronise CUcontext(0x0)",
        ]
    );
    assert_eq!(calls("cuMemcpyHtoD_v2"), 1);
    assert_eq!(calls("cuMemcpyHtoD_v2_ptds"), 1);
    assert_eq!(calls("cuLaunchKernel"), 3);
    assert_eq!(calls("cuCtxSynchronize_v2"), 1);
}

fn refuses() {
    // Before `cuInit` too: the layer sees it, the answer is the driver's.
    // SAFETY: null pointers are what is tested.
    unsafe {
        let mut context = CUcontext::NULL;
        assert_eq!(cuCtxGetCurrent(&mut context), CUresult::CUDA_ERROR_NOT_INITIALIZED);
        assert_eq!(take_seen(), ["current CUDA_ERROR_NOT_INITIALIZED"]);
        assert_eq!(cuCtxGetCurrent(null_mut()), CUresult::CUDA_ERROR_NOT_INITIALIZED);
        prepare();
        assert_eq!(cuCtxGetCurrent(null_mut()), CUresult::CUDA_ERROR_INVALID_VALUE);
        assert_eq!(calls("cuCtxGetCurrent"), 3);
        assert_eq!(cuStreamQuery_ptsz(CUstream::NULL), SUCCESS);
        assert_eq!(take_seen(), ["query CUstream(0x2)"]);
        assert_eq!(cuMemcpyHtoD_v2(0, null(), 0), CUresult::CUDA_ERROR_INVALID_VALUE);
    }
}

fn panics() {
    prepare();
    let mut flags = 0;
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { cuCtxGetFlags(&mut flags) }, CUresult::CUDA_ERROR_UNKNOWN);
    assert_eq!(calls("cuCtxGetFlags"), 0);
}

fn older() {
    prepare();
    // SAFETY: no pointers.
    unsafe {
        assert_eq!(cuCtxSynchronize(), SUCCESS);
        assert_eq!(calls("cuCtxSynchronize"), 1);
        assert!(take_seen().is_empty(), "it went past the layer");
        assert_eq!(cuCtxSynchronize_v2(CUcontext::NULL), CUresult::CUDA_ERROR_NOT_SUPPORTED);
    }
}

fn switched() {
    use driver_api::inspection::{TABLE_ID, Table};
    let function = prepare();
    let table = |id: [u8; 16]| {
        let (mut table, id) = (null(), CUuuid { bytes: id.map(|byte| byte as _) });
        // SAFETY: the pointers are valid.
        (unsafe { cuGetExportTable(&mut table, &id) }, table)
    };
    let (result, own) = table(TABLE_ID);
    assert_eq!(result, SUCCESS);
    // SAFETY: the library answers this identifier with such a table.
    let own = unsafe { &*own.cast::<Table>() };
    // Any other is NVIDIA's.
    let before = calls("cuGetExportTable");
    table([7; 16]);
    assert_eq!(calls("cuGetExportTable"), before + 1);
    let launch = || {
        // SAFETY: the kernel has no parameters.
        let result = unsafe { cuLaunchKernel(function, 7, 1, 1, 32, 1, 1, 0, CUstream::NULL, null_mut(), null_mut()) };
        assert_eq!(result, SUCCESS);
        take_seen().len()
    };
    assert_eq!(launch(), 1);
    assert_eq!((own.set_layers)(0), SUCCESS);
    assert_eq!(launch(), 0);
    assert_eq!((own.set_layers)(1), SUCCESS);
    assert_eq!(launch(), 1);
    assert_eq!(calls("cuLaunchKernel"), 3);
}

fn of_its_own() {
    prepare();
    let (mut to, mut from, mut size, mut failed) = (256, 512, 16, 7);
    let (mut node, mut outcome) = (CUgraphNode::NULL, CUgraphExecUpdateResult::default());
    // SAFETY: the pointers are valid; the stand-in looks at none of them.
    unsafe {
        let mut batch = |symbol: unsafe extern "C" fn(_, _, _, _, _, _, _, _, _) -> CUresult, failed: *mut usize| {
            symbol(&raw mut to, &raw mut from, &raw mut size, 1, null_mut(), null_mut(), 0, failed, CUstream::NULL)
        };
        let first = batch(cuMemcpyBatchAsync, &mut failed);
        let second = batch(cuMemcpyBatchAsync_ptsz, &mut failed);
        assert_eq!(first, second);
        cuGraphExecUpdate(CUgraphExec::from_addr(0x30), CUgraph::NULL, &mut node, &mut outcome);
    }
    assert_eq!(take_seen(), ["batch of 1 in CUstream(0x0)", "batch of 1 in CUstream(0x2)", "update 0x30"]);
    for (symbol, count) in [
        ("cuMemcpyBatchAsync", 1),
        ("cuMemcpyBatchAsync_ptsz", 1),
        ("cuMemcpyBatchAsync_v2", 0),
        ("cuGraphExecUpdate", 1),
        ("cuGraphExecUpdate_v2", 0),
    ] {
        assert_eq!(calls(symbol), count, "{symbol}");
    }
    assert_eq!(failed, 7, "only NVIDIA's function writes it");
}
