//! In front of NVIDIA's driver (a stand-in): before `cuInit`, in a forked child, at exit, with many threads, in callbacks, however the
//! library got into the process; and which back end is chosen.

mod support;

use cuda_abi::CUresult;
use libloading::Library;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use support::front::{call, child_command, fake, load_fake, output_of, run};

#[test]
fn child() {
    match support::role().as_deref() {
        Some("life") => life(),
        Some("exit") => exit(),
        Some("threads") => threads(),
        Some("callbacks") => callbacks(),
        Some("global") => global(),
        Some("unload") => unload(),
        Some("version") => support::say(format_args!("{:?}", output_of(&support::load(), "cuDriverGetVersion"))),
        _ => {}
    }
}

/// Loaded once, and for good: exit handlers and callbacks use it.
fn ours() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(support::load)
}

fn report(when: &str) {
    let count = output_of(ours(), "cuDeviceGetCount");
    support::say(format_args!(
        "{when}: count {} {} version {:?}",
        count.0.0,
        count.1,
        output_of(ours(), "cuDriverGetVersion").1
    ));
}

fn life() {
    report("fresh");
    support::say(format_args!("init {} {}", call(ours(), "cuInit", 1).0, call(ours(), "cuInit", 0).0));
    report("ready");
    // SAFETY: the child calls functions that read atomics and write a line, and ends.
    unsafe {
        match libc::fork() {
            0 => {
                report("forked");
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

#[test]
fn before_initialisation_and_in_a_forked_child_the_answers_are_the_driver_s() {
    assert_eq!(
        run(&mut child_command("life", &fake())).0,
        [
            "fresh: count 3 0 version 13010",
            "init 1 0",
            "ready: count 0 2 version 13010",
            "forked: count 3 0 version 13010",
            "parent: count 0 2 version 13010",
        ]
    );
}

#[allow(clippy::disallowed_methods, reason = "the program's own handlers")]
fn exit() {
    extern "C" fn early_handler() {
        report("handler from before init");
    }
    extern "C" fn late_handler() {
        report("handler from after init");
    }
    ours();
    // SAFETY: the handlers call functions that work, or refuse, at exit.
    unsafe {
        libc::atexit(early_handler);
        assert_eq!(call(ours(), "cuInit", 0), CUresult::CUDA_SUCCESS);
        libc::atexit(late_handler);
    }
    std::process::exit(0);
}

#[test]
fn at_exit_the_driver_says_when_it_ends() {
    assert_eq!(
        run(&mut child_command("exit", &fake())).0,
        ["handler from after init: count 0 2 version 13010", "handler from before init: count 4 0 version 13010"]
    );
}

/// The first calls of many threads come at once.
fn threads() {
    let barrier = std::sync::Barrier::new(64);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    let library = support::load();
                    barrier.wait();
                    let version = output_of(&library, "cuDriverGetVersion");
                    assert_eq!(version, (CUresult::CUDA_SUCCESS, 13010));
                    let init = call(&library, "cuInit", 0);
                    let create = output_of(&library, "cuStreamCreate");
                    (init, create.0, (0..1000).all(|_| output_of(&library, "cuDeviceGetCount").1 == 2))
                })
            })
            .collect();
        for thread in threads {
            let done = thread.join().expect("a thread ends");
            assert_eq!(done, (CUresult::CUDA_SUCCESS, CUresult::CUDA_SUCCESS, true));
        }
    });
    // SAFETY: the function has this type.
    let calls = unsafe {
        let fake = load_fake();
        let calls = fake.get::<unsafe extern "C" fn(*const std::ffi::c_char) -> u64>(b"fake_calls").expect("exported");
        calls(c"cuDeviceGetCount".as_ptr())
    };
    support::say(calls);
}

#[test]
fn many_threads_may_make_the_first_call() {
    for _ in 0..5 {
        assert_eq!(run(&mut child_command("threads", &fake())).0, ["64000"]);
    }
    let mut slow = child_command("threads", &fake());
    assert_eq!(run(slow.env("FAKE_SLOW", "cuInit=3,cuStreamCreate=2")).0, ["64000"]);
}

fn callbacks() {
    static SEEN: AtomicI64 = AtomicI64::new(0);
    extern "C" fn on_host(data: i64) {
        SEEN.fetch_add(data + output_of(ours(), "cuDeviceGetCount").1, SeqCst);
    }
    extern "C" fn on_stream(stream: i64, error: CUresult, data: i64) {
        SEEN.fetch_add(stream + i64::from(error.0) + data + output_of(ours(), "cuDeviceGetCount").1, SeqCst);
    }
    assert_eq!(call(ours(), "cuInit", 0), CUresult::CUDA_SUCCESS);
    // SAFETY: the callbacks have the types that the functions want.
    unsafe {
        let launch = ours()
            .get::<unsafe extern "C" fn(usize, extern "C" fn(i64), i64) -> CUresult>(b"cuLaunchHostFunc")
            .expect("exported");
        let add = ours()
            .get::<unsafe extern "C" fn(i64, extern "C" fn(i64, CUresult, i64), i64, u32) -> CUresult>(
                b"cuStreamAddCallback",
            )
            .expect("exported");
        assert_eq!(launch(0, on_host, 10), CUresult::CUDA_SUCCESS);
        assert_eq!(add(100, on_stream, 1000, 0), CUresult::CUDA_SUCCESS);
    }
    support::say(SEEN.load(SeqCst));
}

#[test]
fn callbacks_may_call() {
    assert_eq!(run(&mut child_command("callbacks", &fake())).0, ["1114"]);
}

/// Calls by the names that are global in the process, as a program does that is linked with the library.
fn global() {
    let library = Library::from(libloading::os::unix::Library::this());
    if support::front::address(&library, "cuInit") == 0 {
        // Not preloaded: as a runtime does that looks for the driver.
        // SAFETY: loading our library runs no code of its own.
        let library = unsafe { Library::new("libcuda.so.1") }.expect("the loader finds it");
        return global_calls(&library);
    }
    global_calls(&library);
}

fn global_calls(library: &Library) {
    assert_eq!(call(library, "cuInit", 0), CUresult::CUDA_SUCCESS);
    support::say(format_args!("version {}", output_of(library, "cuDriverGetVersion").1));
    support::say(format_args!("synchronise {}", call(library, "cuCtxSynchronize", 0).0));
    let maps = std::fs::read_to_string("/proc/self/maps").expect("readable");
    let mapped = |name: &str| maps.lines().any(|line| line.ends_with(name));
    support::say(format_args!("ours {} theirs {}", mapped("/libcuda.so"), mapped("/libfake_driver.so")));
    // What asks for the driver by its name gets ours, not NVIDIA's.
    // SAFETY: it is loaded already.
    let again = unsafe { Library::new("libcuda.so.1") }.expect("the loader knows it");
    let same = support::front::address(&again, "cuInit") == support::front::address(library, "cuInit");
    support::say(format_args!("the same {same}"));
}

const GLOBAL: [&str; 4] = ["version 13010", "synchronise 0", "ours true theirs true", "the same true"];

#[test]
fn it_works_preloaded_and_by_library_path() {
    let folder = support::library_folder();
    let library = folder.join("libcuda.so.1");
    let mut preloaded = child_command("global", &fake());
    assert_eq!(run(preloaded.env("LD_PRELOAD", &library)).0, GLOBAL);
    let mut by_path = child_command("global", &fake());
    assert_eq!(run(by_path.env("LD_LIBRARY_PATH", &folder)).0, GLOBAL);
}

#[test]
fn a_driver_that_calls_its_own_exports_by_name_may_meet_ours() {
    let mut command = child_command("global", &fake());
    command.env("LD_PRELOAD", support::library_folder().join("libcuda.so.1"));
    assert_eq!(run(command.env("FAKE_REENTER", "cuCtxSynchronize=cuCtxGetCurrent")).0, GLOBAL);
}

/// An initialiser of NVIDIA's library, or of one that comes with it, runs while the choice is being made.
#[test]
fn a_call_while_the_driver_is_loaded_is_answered() {
    let mut command = child_command("global", &fake());
    command.env("LD_PRELOAD", support::library_folder().join("libcuda.so.1"));
    let output = command.env("FAKE_CALL_ON_LOAD", "cuDriverGetVersion").output().expect("the child starts");
    assert_eq!(support::lines(&output), GLOBAL, "{}", support::text(&output));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("fake driver: cuDriverGetVersion answers 3"), "{errors}");
}

/// A program may close the library and open it again; both drivers stay, with their state.
fn unload() {
    for _ in 0..3 {
        let library = support::load();
        let count = output_of(&library, "cuDeviceGetCount");
        support::say(format_args!("{} {}", count.0.0, call(&library, "cuInit", 0).0));
        library.close().expect("it can be closed");
    }
}

#[test]
fn closing_the_library_loses_nothing() {
    assert_eq!(run(&mut child_command("unload", &fake())).0, ["3 0", "0 0", "0 0"]);
}

const SOFTWARE: [&str; 1] = ["(CUDA_SUCCESS, 13000)"];
const NVIDIA: [&str; 1] = ["(CUDA_SUCCESS, 13010)"];
const NEITHER: [&str; 1] = ["(CUDA_ERROR_NO_DEVICE, 0)"];

#[test]
fn the_back_end_is_what_is_asked_for() {
    let choose = |backend: &str| run(child_command("version", &fake()).env("APEX_BACKEND", backend));
    assert_eq!(choose("nvidia"), (NVIDIA.map(String::from).to_vec(), vec![]));
    assert_eq!(choose("software"), (SOFTWARE.map(String::from).to_vec(), vec![]));
    let (lines, complaints) = choose("cuda");
    assert_eq!(lines, NEITHER);
    assert_eq!(complaints, ["apex: APEX_BACKEND: \"cuda\" is no back end; there are nvidia, software and auto"]);
}

#[test]
fn auto_is_the_software_gpu_without_a_card_or_where_only_that_will_do() {
    let (lines, complaints) = run(child_command("version", &fake()).env("APEX_BACKEND", "auto").env("APEX_SM", "8.0"));
    assert_eq!((lines, complaints), (SOFTWARE.map(String::from).to_vec(), vec![]));
    let (lines, complaints) = run(child_command("version", &fake()).env_remove("APEX_BACKEND"));
    let expected = if nvidia_finder::has_card(Path::new(nvidia_finder::DEVICES)) { NVIDIA } else { SOFTWARE };
    assert_eq!((lines, complaints), (expected.map(String::from).to_vec(), vec![]));
}

#[test]
fn what_only_the_software_gpu_does_is_not_left_out_in_silence() {
    let (lines, complaints) = run(child_command("version", &fake()).env("APEX_CHECK", "memory"));
    assert_eq!(lines, NVIDIA);
    assert_eq!(complaints, ["apex: APEX_CHECK is for the software GPU: in front of NVIDIA's driver it does nothing"]);
}

#[test]
fn our_own_library_is_never_taken_for_nvidia_s() {
    let folder = tempfile::tempdir().expect("a folder");
    let (copy, link) = (folder.path().join("libnvidia.so"), folder.path().join("libcuda.so.1"));
    std::fs::copy(support::library(), &copy).expect("a copy can be made");
    std::os::unix::fs::symlink(&copy, &link).expect("a link can be made");
    for library in [support::library(), copy, link.clone()] {
        let (lines, complaints) = run(&mut child_command("version", &library));
        assert_eq!(lines, NEITHER);
        assert!(complaints.len() == 1 && complaints[0].ends_with("is APEX itself"), "{complaints:?}");
    }
    // On the way through the folders it is passed over.
    let behind = folder.path().join("behind");
    std::fs::create_dir(&behind).expect("a folder");
    std::os::unix::fs::symlink(fake(), behind.join("libcuda.so.1")).expect("a link can be made");
    let mut command = child_command("version", &fake());
    command.env_remove("APEX_REAL_LIBCUDA");
    command.env("LD_LIBRARY_PATH", format!("{}:{}", folder.path().display(), behind.display()));
    assert_eq!(run(&mut command), (NVIDIA.map(String::from).to_vec(), vec![]));
}

#[test]
fn a_library_that_is_none_is_refused() {
    let (lines, complaints) = run(&mut child_command("version", Path::new("/nonexistent/libcuda.so.1")));
    assert_eq!(lines, NEITHER);
    assert!(complaints[0].contains("/nonexistent/libcuda.so.1 No such file"), "{complaints:?}");
}
