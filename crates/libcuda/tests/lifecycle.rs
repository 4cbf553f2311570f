//! Before `cuInit`, in a forked child, and while the process exits. The expected codes are those of driver 580.

mod support;

use cuda_abi::{CUresult, pointer};
use std::sync::OnceLock;

/// The functions that the scenarios call.
struct Api {
    init: pointer::cuInit,
    device_get_count: pointer::cuDeviceGetCount,
    driver_get_version: pointer::cuDriverGetVersion,
}

/// Loaded once, and for good: exit handlers use it.
static API: OnceLock<Api> = OnceLock::new();

fn api() -> &'static Api {
    API.get_or_init(|| {
        let library = Box::leak(Box::new(support::load()));
        // SAFETY: the signatures are those of the driver API.
        unsafe {
            Api {
                init: *library.get(b"cuInit").expect("cuInit"),
                device_get_count: *library.get(b"cuDeviceGetCount").expect("cuDeviceGetCount"),
                driver_get_version: *library.get(b"cuDriverGetVersion").expect("cuDriverGetVersion"),
            }
        }
    })
}

/// Calls three functions and tells the parent what they answer.
fn report(when: &str) {
    let mut value = 0;
    // SAFETY: the pointers are valid.
    let (count, version) = unsafe {
        let count = (api().device_get_count)(&mut value);
        (count, (api().driver_get_version)(&mut value))
    };
    support::say(format_args!("{when}: count {} version {}", count.0, version.0));
}

fn init() -> CUresult {
    // SAFETY: no pointers.
    unsafe { (api().init)(0) }
}

#[test]
fn child() {
    match support::role().as_deref() {
        Some("fork") => fork_scenario(),
        Some("exit") => exit_scenario(),
        Some("threads") => threads_scenario(),
        _ => {}
    }
}

fn fork_scenario() {
    report("fresh");
    support::say(format_args!("init {}", init().0));
    report("ready");
    // SAFETY: the child calls functions that check an atomic and write a line, and ends.
    unsafe {
        match libc::fork() {
            0 => {
                report("forked");
                support::say(format_args!("forked: init {}", init().0));
                libc::_exit(0);
            }
            child => {
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &mut status, 0), child);
                assert_eq!(status, 0);
            }
        }
    }
    report("parent");
}

#[allow(clippy::disallowed_methods, reason = "the program's own handlers")]
fn exit_scenario() {
    extern "C" fn early_handler() {
        report("handler from before init");
    }
    extern "C" fn late_handler() {
        report("handler from after init");
    }
    // SAFETY: the handlers call functions that work, or refuse, at exit.
    unsafe {
        libc::atexit(early_handler);
        assert_eq!(init(), CUresult::CUDA_SUCCESS);
        libc::atexit(late_handler);
    }
    std::process::exit(0);
}

fn threads_scenario() {
    api();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(|| {
                let mut count = 0;
                // SAFETY: the pointer is valid.
                (init(), unsafe { (api().device_get_count)(&mut count) }, count)
            })
        })
        .collect();
    for thread in threads {
        let (init, result, count) = thread.join().expect("a thread ends");
        support::say(format_args!("init {} count {} {}", init.0, result.0, count >= 1));
    }
}

#[test]
fn a_forked_child_has_no_driver() {
    assert_eq!(
        support::child_lines("fork"),
        [
            "fresh: count 3 version 0",
            "init 0",
            "ready: count 0 version 0",
            "forked: count 3 version 0",
            "forked: init 3",
            "parent: count 0 version 0",
        ]
    );
}

#[test]
fn the_driver_ends_with_the_exit_handlers_from_after_its_start() {
    assert_eq!(
        support::child_lines("exit"),
        ["handler from after init: count 0 version 0", "handler from before init: count 4 version 4"]
    );
}

#[test]
fn threads_may_initialise_at_once() {
    assert_eq!(support::child_lines("threads"), ["init 0 count 0 true"; 8]);
}
