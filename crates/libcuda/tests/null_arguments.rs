//! Every function with all arguments zero: an error code or a success, and never a fault.

mod support;

use cuda_abi::{CUresult, FUNCTIONS, Phase};
use std::collections::BTreeMap;

/// More words than any function takes, in registers and on the stack.
type AnyFunction =
    unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CUresult;

/// The child: calls the functions from the `start`-th on, and names each before and after.
#[test]
fn child() {
    let Some(role) = support::role() else { return };
    let (stage, start) = role.split_once(' ').expect("a stage and a number");
    let start: usize = start.parse().expect("a number");
    let library = support::load();
    let call = |symbol: &str| -> CUresult {
        // SAFETY: functions of the C calling convention may be given more arguments than they take, and the library
        // promises to take zeros.
        unsafe {
            let function = library.get::<AnyFunction>(symbol.as_bytes()).expect("every name of the table is exported");
            function(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        }
    };
    if stage == "initialised" {
        assert_eq!(call("cuInit"), CUresult::CUDA_SUCCESS);
    }
    for function in FUNCTIONS.iter().skip(start) {
        if stage == "current" {
            // Each time: some functions pop or reset the context.
            make_a_context_current(&library);
        }
        support::say(format_args!("{} ...", function.symbol));
        support::say(format_args!("{} {}", function.symbol, call(function.symbol).0));
    }
}

fn make_a_context_current(library: &libloading::Library) {
    // SAFETY: the signatures are those of the driver API.
    unsafe {
        let init = library.get::<unsafe extern "C" fn(u32) -> CUresult>(b"cuInit").expect("cuInit");
        let retain = library
            .get::<unsafe extern "C" fn(*mut usize, i32) -> CUresult>(b"cuDevicePrimaryCtxRetain")
            .expect("cuDevicePrimaryCtxRetain");
        let set = library.get::<unsafe extern "C" fn(usize) -> CUresult>(b"cuCtxSetCurrent").expect("cuCtxSetCurrent");
        let mut context = 0;
        assert_eq!(init(0), CUresult::CUDA_SUCCESS);
        assert_eq!(retain(&mut context, 0), CUresult::CUDA_SUCCESS);
        assert_eq!(set(context), CUresult::CUDA_SUCCESS);
    }
}

/// Calls every function in children, a new one after each fault, and returns the results and the faults.
fn sweep(stage: &str) -> (BTreeMap<String, CUresult>, Vec<String>) {
    let mut results = BTreeMap::new();
    let mut faults = Vec::new();
    let mut start = 0;
    while start < FUNCTIONS.len() {
        let output = support::child_command(format!("{stage} {start}")).output().expect("the child starts");
        let mut last = None;
        for line in support::lines(&output) {
            let (symbol, outcome) = line.split_once(' ').expect("a symbol and an outcome");
            last = Some(symbol.to_owned());
            if let Ok(code) = outcome.parse() {
                results.insert(symbol.to_owned(), CUresult(code));
            }
        }
        if output.status.success() {
            break;
        }
        let last = last.unwrap_or_else(|| panic!("the child did not begin: {}", support::text(&output)));
        let place = FUNCTIONS.iter().position(|function| function.symbol == last).expect("a name of the table");
        faults.push(format!("{last}: {}", output.status));
        start = place + 1;
    }
    (results, faults)
}

#[test]
fn before_initialisation_nothing_works_and_nothing_faults() {
    let (results, faults) = sweep("fresh");
    assert_eq!(faults, Vec::<String>::new());
    // cuInit stands in the middle of the table, so that only what comes before it is still before initialisation.
    let init = FUNCTIONS.iter().position(|function| function.phase == Phase::Init).expect("cuInit is in the table");
    for function in &FUNCTIONS[..init] {
        let expected = match function.phase {
            Phase::Ready => CUresult::CUDA_ERROR_NOT_INITIALIZED,
            _ => CUresult::CUDA_ERROR_INVALID_VALUE,
        };
        assert_eq!(results[function.symbol], expected, "{}", function.symbol);
    }
}

#[test]
fn without_a_context_nothing_faults() {
    let (results, faults) = sweep("initialised");
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(results.len(), FUNCTIONS.len());
    let panics: Vec<_> = results.iter().filter(|(_, result)| **result == CUresult::CUDA_ERROR_UNKNOWN).collect();
    assert!(panics.is_empty(), "the driver panics in {panics:?}");
}

#[test]
fn with_a_context_nothing_faults() {
    let (results, faults) = sweep("current");
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(results.len(), FUNCTIONS.len());
    let panics: Vec<_> = results.iter().filter(|(_, result)| **result == CUresult::CUDA_ERROR_UNKNOWN).collect();
    assert!(panics.is_empty(), "the driver panics in {panics:?}");
}
