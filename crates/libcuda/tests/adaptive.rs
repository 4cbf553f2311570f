//! Faster code that is looked for while a program runs: what it computes stays right, what was found is kept and used, and neither `exit` nor
//! `fork` is in the way of the thread that compiles.
//!
//! Nothing here depends on which code is faster, or on how long anything takes.

mod support;

use core::ffi::c_void;
use cuda_abi::CUresult;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Multiplies and adds, again and again, in one chain: code for one warp and for several of them at once differ in time.
const PTX: &str = "\
.version 8.0
.target sm_75
.address_size 64
.visible .entry iterate(.param .u64 results, .param .u32 turns) {
    .reg .b32 %r<6>;
    .reg .f32 %f<2>;
    .reg .b64 %rd<4>;
    .reg .pred %p;
    ld.param.u64 %rd1, [results];
    ld.param.u32 %r1, [turns];
    mov.u32 %r2, %tid.x;
    mov.u32 %r3, %ctaid.x;
    mad.lo.u32 %r4, %r3, 256, %r2;
    cvt.rn.f32.u32 %f1, %r4;
LOOP:
    fma.rn.f32 %f1, %f1, 0f3F000000, 0f3F800000;
    add.u32 %r1, %r1, -1;
    setp.ne.u32 %p, %r1, 0;
    @%p bra LOOP;
    mul.wide.u32 %rd2, %r4, 4;
    add.u64 %rd3, %rd1, %rd2;
    st.global.f32 [%rd3], %f1;
    ret;
}
\0";

const BLOCKS: u32 = 16;
const THREADS: u32 = 256;
const TURNS: u32 = 1000;

/// What the kernel computes for thread `index` of the grid.
fn expected(index: u32) -> f32 {
    (0..TURNS).fold(index as f32, |value, _| value.mul_add(0.5, 1.0))
}

/// What is waited for comes, or the test fails: after a time that no machine needs.
const PATIENCE: Duration = Duration::from_secs(120);

/// First bytes of a file with what was found.
const FOUND: &[u8] = b"apexcho";

type Handle = *mut c_void;

/// The functions that the child calls, and what they made.
struct Program {
    library: libloading::Library,
    context: Handle,
    function: Handle,
}

// SAFETY: handles of the driver may be used by all threads.
unsafe impl Sync for Program {}

/// Calls a function of the library that answers an error code.
macro_rules! call {
    ($library:expr, $name:literal, $($type:ty = $argument:expr),*) => {{
        let function = $library.get::<unsafe extern "C" fn($($type),*) -> CUresult>($name).expect("exported");
        assert_eq!(function($($argument),*), CUresult::CUDA_SUCCESS, "{:?}", core::str::from_utf8($name));
    }};
}

impl Program {
    fn load() -> Program {
        let library = support::load();
        let (mut context, mut module, mut function) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: the signatures are those of the driver API, and the outputs live.
        unsafe {
            call!(library, b"cuInit", u32 = 0);
            call!(library, b"cuDevicePrimaryCtxRetain", *mut Handle = &mut context, i32 = 0);
            call!(library, b"cuCtxSetCurrent", Handle = context);
            call!(library, b"cuModuleLoadData", *mut Handle = &mut module, *const u8 = PTX.as_ptr());
            let name = c"iterate".as_ptr();
            call!(library, b"cuModuleGetFunction", *mut Handle = &mut function, Handle = module, *const i8 = name);
        }
        Program { library, context, function }
    }

    /// Launches again and again on a stream of its own, and looks at each result, until `is_over` says so.
    fn work(&self, is_over: impl Fn() -> bool) {
        let (mut stream, mut results) = (ptr::null_mut(), 0u64);
        let bytes = (BLOCKS * THREADS * 4) as usize;
        let expected: Vec<f32> = (0..BLOCKS * THREADS).map(expected).collect();
        // SAFETY: the signatures are those of the driver API; memory is as large as is said.
        unsafe {
            call!(self.library, b"cuCtxSetCurrent", Handle = self.context);
            call!(self.library, b"cuStreamCreate", *mut Handle = &mut stream, u32 = 1);
            call!(self.library, b"cuMemAlloc_v2", *mut u64 = &mut results, usize = bytes);
            while !is_over() {
                call!(self.library, b"cuMemsetD8Async", u64 = results, u8 = 0, usize = bytes, Handle = stream);
                let mut turns = TURNS;
                let mut parameters = [(&raw mut results).cast::<c_void>(), (&raw mut turns).cast()];
                call!(
                    self.library,
                    b"cuLaunchKernel",
                    Handle = self.function,
                    u32 = BLOCKS,
                    u32 = 1,
                    u32 = 1,
                    u32 = THREADS,
                    u32 = 1,
                    u32 = 1,
                    u32 = 0,
                    Handle = stream,
                    *mut *mut c_void = parameters.as_mut_ptr(),
                    *mut *mut c_void = ptr::null_mut()
                );
                call!(self.library, b"cuStreamSynchronize", Handle = stream);
                let mut got = vec![0f32; expected.len()];
                call!(self.library, b"cuMemcpyDtoH_v2", *mut f32 = got.as_mut_ptr(), u64 = results, usize = bytes);
                assert!(got == expected, "a result is wrong");
            }
        }
    }
}

/// Whether the thread that compiles in the background is there.
fn is_tuning() -> bool {
    let names = std::fs::read_dir("/proc/self/task").expect("the process has threads").flatten();
    let mut names = names.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.any(|name| name.trim() == "apex-tuning")
}

/// The files of the cache.
fn files(cache: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    entries(cache).flat_map(move |folder| entries(&folder).collect::<Vec<_>>()).filter(|path| path.is_file())
}

/// What is in them.
fn contents(cache: &Path) -> impl Iterator<Item = Vec<u8>> {
    files(cache).filter_map(|file| std::fs::read(file).ok())
}

/// Files of the cache that hold what was found.
fn found(cache: &Path) -> Vec<PathBuf> {
    files(cache).filter(|file| std::fs::read(file).is_ok_and(|contents| contents.starts_with(FOUND))).collect()
}

/// How many pieces of machine code the cache holds.
fn kernels(cache: &Path) -> usize {
    contents(cache).filter(|contents| contents.starts_with(b"apexknl")).count()
}

/// Waits until `is_so`.
fn until(is_so: impl Fn() -> bool) -> impl Fn() -> bool {
    let start = Instant::now();
    move || {
        assert!(start.elapsed() < PATIENCE, "it never came");
        is_so()
    }
}

#[test]
fn child() {
    let Some(role) = support::role() else { return };
    let program = Program::load();
    let cache = PathBuf::from(std::env::var_os("APEX_CACHE_PATH").expect("the parent says"));
    match role.as_str() {
        "once" => program.work({
            let done = AtomicBool::new(false);
            move || done.swap(true, Ordering::Relaxed)
        }),
        // Two threads, until something is kept.
        "search" => {
            let over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| program.work(|| over.load(Ordering::Relaxed)));
                program.work(until(|| !found(&cache).is_empty()));
                over.store(true, Ordering::Relaxed);
            });
        }
        "long" => {
            let start = Instant::now();
            program.work(move || start.elapsed() > Duration::from_secs(2));
            support::say(format_args!("tuning: {}", is_tuning()));
        }
        // Until fast code is there as well as quick code.
        "exchange" => program.work(until(|| kernels(&cache) == 2)),
        // Ends while the thread is at work, a little later each time.
        "exit" => {
            program.work(until(is_tuning));
            let pause: u64 = std::env::var("PAUSE").expect("the parent says").parse().expect("a number");
            std::thread::sleep(Duration::from_millis(pause));
            std::process::exit(0);
        }
        "fork" => {
            program.work(until(is_tuning));
            // SAFETY: the child only exits.
            unsafe {
                match libc::fork() {
                    0 => libc::exit(7),
                    child => {
                        let mut status = 0;
                        assert_eq!(libc::waitpid(child, &mut status, 0), child);
                        support::say(format_args!("forked child: {}", libc::WEXITSTATUS(status)));
                    }
                }
            }
        }
        other => panic!("no role {other}"),
    }
}

/// A folder for the cache of a test, empty.
fn cache(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("adaptive-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn command(role: &str, cache: &Path, adapt: &str) -> Command {
    let mut command = support::child_command(role);
    command.env("APEX_CACHE_PATH", cache).env("APEX_ADAPT", adapt);
    command
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the child starts");
    assert!(output.status.success(), "{}\n{}", output.status, support::text(&output));
    output
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_is_found_is_told_and_kept() {
    let cache = cache("found");
    let told = errors(&run(&mut command("search", &cache, "report")));
    assert!(told.contains("iterate in blocks of 256 x 1 x 1: "), "{told}");
    // Kept when a trial is won, and when the search ends.
    assert!(told.contains(": taken\n") || told.contains("of launches\n"), "{told}");
    let files = found(&cache);
    assert_eq!(files.len(), 1, "{files:?}");

    // What is damaged is looked for again.
    let mut contents = std::fs::read(&files[0]).expect("it is there");
    *contents.last_mut().expect("it is not empty") ^= 1;
    std::fs::write(&files[0], &contents).expect("the folder is ours");
    let told = errors(&run(&mut command("once", &cache, "report")));
    assert!(!told.contains("found by an earlier process"), "{told}");
}

#[test]
fn an_earlier_choice_is_used_at_once() {
    let cache = cache("kept");
    run(&mut command("search", &cache, "1"));
    let told = run(&mut command("long", &cache, "1"));
    assert_eq!(support::lines(&told), ["tuning: false"]);
}

#[test]
fn nothing_is_timed_where_that_is_switched_off() {
    let cache = cache("off");
    let told = run(&mut command("long", &cache, "0"));
    assert_eq!(support::lines(&told), ["tuning: false"]);
    assert!(found(&cache).is_empty());
}

#[test]
fn a_process_exits_while_something_is_compiled() {
    for pause in [0, 1, 3, 8, 20] {
        run(command("exit", &cache("exit"), "1").env("PAUSE", pause.to_string()));
    }
}

/// The compiler's data is made by the thread that compiles then, after everything else.
#[test]
fn a_process_exits_while_quick_code_from_the_cache_is_exchanged() {
    let cache = cache("exchange-exit");
    run(command("once", &cache, "1").env("APEX_TIER", "quick"));
    let [quick] = &contents(&cache).collect::<Vec<_>>()[..] else { panic!("one kernel is kept") };
    assert!(quick.starts_with(b"apexknl"));
    let kept = files(&cache).next().expect("it is there");
    for pause in [0, 1, 2, 3, 5, 8, 13, 20] {
        for other in files(&cache).filter(|file| *file != kept) {
            std::fs::remove_file(other).expect("the folder is ours");
        }
        run(command("exit", &cache, "1").env("PAUSE", pause.to_string()));
    }
}

#[test]
fn quick_code_is_exchanged_while_the_kernel_is_in_use() {
    let cache = cache("exchange");
    run(&mut command("exchange", &cache, "1"));
    assert_eq!(kernels(&cache), 2);
    // What takes time is not done again.
    run(command("once", &cache, "1").env("APEX_TIER", "full"));
    assert_eq!(kernels(&cache), 2);
}

#[test]
fn one_tier_is_enough_where_that_is_asked_for() {
    for (adapt, tier) in [("1", "quick"), ("0", "auto"), ("0", "full")] {
        let cache = cache(&format!("only-{tier}"));
        let told = run(command("long", &cache, adapt).env("APEX_TIER", tier));
        assert_eq!(support::lines(&told), ["tuning: false"], "{tier}");
        assert_eq!(kernels(&cache), 1, "{tier}");
    }
}

#[test]
fn a_forked_child_does_not_wait_for_a_thread_that_it_has_not() {
    let output = run(&mut command("fork", &cache("fork"), "report"));
    assert_eq!(support::lines(&output), ["forked child: 7"]);
}
