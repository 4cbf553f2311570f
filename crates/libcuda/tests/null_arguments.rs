//! Every function with all arguments zero: never a fault, and NVIDIA's answer where there is an implementation.

mod support;

use cuda_abi::{CUresult, FUNCTIONS, Phase};
use std::collections::BTreeMap;

/// NVIDIA's answers.
const RECORDED: &str = include_str!("data/null-arguments-580.txt");

/// Where our answer differs on purpose: function, our answers after `cuInit` and with a context, reason.
const DIFFERENCES: &str = include_str!("data/null-arguments-differences.txt");

/// Longest time that a call may take.
const SECONDS_MAX: u32 = 20;

/// More words than any function takes, in registers and on the stack.
type AnyFunction =
    unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CUresult;

/// The child: calls each function in a process of its own, and says what came of it.
#[test]
fn child() {
    let Some(stage) = support::role() else { return };
    let library = support::load();
    if stage == "name" {
        prepare(&library, "initialised");
        return support::say(device_name(&library));
    }
    for function in FUNCTIONS {
        // SAFETY: this process has done nothing that a forked one could not go on with: the library is loaded and not
        // initialised.
        match unsafe { libc::fork() } {
            0 => {
                // SAFETY: no preconditions.
                unsafe { libc::alarm(SECONDS_MAX) };
                prepare(&library, &stage);
                support::say(format_args!("{} {}", function.symbol, call(&library, function.symbol).0));
                // SAFETY: the process ends without the exit handlers of its parent.
                unsafe { libc::_exit(0) };
            }
            child => {
                let mut status = 0;
                // SAFETY: the pointer is valid.
                unsafe { libc::waitpid(child, &mut status, 0) };
                if status != 0 {
                    support::say(format_args!("{} fault", function.symbol));
                }
            }
        }
    }
}

fn call(library: &libloading::Library, symbol: &str) -> CUresult {
    // SAFETY: functions of the C calling convention may be given more arguments than they take, and the library
    // promises to take zeros.
    unsafe {
        let function = library.get::<AnyFunction>(symbol.as_bytes()).expect("every name of the table is exported");
        function(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    }
}

fn device_name(library: &libloading::Library) -> String {
    let mut name = [0u8; 256];
    // SAFETY: the signature is that of the driver API, and the buffer as long as stated.
    unsafe {
        let get = library
            .get::<unsafe extern "C" fn(*mut u8, i32, i32) -> CUresult>(b"cuDeviceGetName")
            .expect("cuDeviceGetName");
        assert_eq!(get(name.as_mut_ptr(), 256, 0), CUresult::CUDA_SUCCESS);
    }
    let end = name.iter().position(|byte| *byte == 0).expect("the name ends");
    String::from_utf8_lossy(&name[..end]).into_owned()
}

/// Brings the process to a stage.
fn prepare(library: &libloading::Library, stage: &str) {
    if stage == "fresh" {
        return;
    }
    assert_eq!(call(library, "cuInit"), CUresult::CUDA_SUCCESS);
    if stage == "current" {
        let mut context = 0;
        // SAFETY: the signatures are those of the driver API.
        unsafe {
            let retain = library
                .get::<unsafe extern "C" fn(*mut usize, i32) -> CUresult>(b"cuDevicePrimaryCtxRetain")
                .expect("cuDevicePrimaryCtxRetain");
            let set =
                library.get::<unsafe extern "C" fn(usize) -> CUresult>(b"cuCtxSetCurrent").expect("cuCtxSetCurrent");
            assert_eq!(retain(&mut context, 0), CUresult::CUDA_SUCCESS);
            assert_eq!(set(context), CUresult::CUDA_SUCCESS);
        }
    }
}

/// Calls every function at a stage and returns the answers. Faults fail the test.
fn sweep(stage: &str) -> BTreeMap<String, CUresult> {
    let lines = support::child_lines(stage);
    let mut faults = Vec::new();
    let mut results = BTreeMap::new();
    for line in &lines {
        let (symbol, outcome) = line.split_once(' ').expect("a symbol and an outcome");
        match outcome.parse() {
            Ok(code) => drop(results.insert(symbol.to_owned(), CUresult(code))),
            Err(_) => faults.push(symbol),
        }
    }
    assert!(faults.is_empty(), "with null arguments, these fault or hang: {faults:?}");
    assert_eq!(results.len(), FUNCTIONS.len());
    results
}

#[test]
fn before_initialisation_nothing_works_and_nothing_faults() {
    let results = sweep("fresh");
    for function in FUNCTIONS {
        let expected = match function.phase {
            Phase::Ready => CUresult::CUDA_ERROR_NOT_INITIALIZED,
            Phase::Early => CUresult::CUDA_ERROR_INVALID_VALUE,
            Phase::Init => CUresult::CUDA_SUCCESS,
        };
        assert_eq!(results[function.symbol], expected, "{}", function.symbol);
    }
}

#[test]
fn without_a_context_the_answers_are_nvidia_s() {
    compare(&sweep("initialised"), 0);
}

#[test]
fn with_a_context_the_answers_are_nvidia_s() {
    compare(&sweep("current"), 1);
}

/// Compares with the recorded answers. A function that is not implemented need not match.
fn compare(results: &BTreeMap<String, CUresult>, column: usize) {
    let recorded = answers(RECORDED);
    let differences = answers(DIFFERENCES);
    let mut wrong = Vec::new();
    for (symbol, result) in results {
        let nvidia = recorded[symbol.as_str()][column];
        let expected = differences.get(symbol.as_str()).map_or(nvidia, |columns| columns[column]);
        if *result == CUresult::CUDA_ERROR_NOT_SUPPORTED {
            continue;
        }
        // Where NVIDIA's driver faults, ours refuses.
        let expected = expected.unwrap_or(CUresult::CUDA_ERROR_INVALID_VALUE);
        if *result != expected {
            wrong.push(format!("{symbol}: {result:?}, expected {expected:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} answers are not NVIDIA's; what differs on purpose belongs into null-arguments-differences.txt, with its \
         reason\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The answers of a data file by function; nothing for a fault.
fn answers(text: &str) -> BTreeMap<&str, [Option<CUresult>; 2]> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let symbol = words.next().expect("a function");
            let mut answer = || words.next().expect("an answer").parse().ok().map(CUresult);
            (symbol, [answer(), answer()])
        })
        .collect()
}
