//! Recordings (`APEX_RECORD`) of programs that end well and of programs that do not.

mod support;

use core::ffi::c_void;
use cuda_abi::{CUcontext, CUfunction, CUmodule, CUresult, CUstream, pointer};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::ptr::null_mut;
use telemetry::file::{Ending, Reader};
use telemetry::records::{Block, Launch};
use telemetry::summary::Summary;

/// Launches of the scenarios that do not say otherwise.
const LAUNCHES: u64 = 3000;
/// Threads, and launches of each, of the scenario with many.
const THREADS: [u64; 2] = [64, 2000];

const PTX: &core::ffi::CStr = c".version 7.0
.target sm_70
.address_size 64
.visible .entry _Z5emptyi(.param .u32 n)
{
    ret;
}
";

/// A kernel that is ready to be launched.
#[derive(Clone, Copy)]
struct Program {
    launch: pointer::cuLaunchKernel,
    synchronize: pointer::cuCtxSynchronize,
    set_current: pointer::cuCtxSetCurrent,
    context: CUcontext,
    kernel: CUfunction,
}

// SAFETY: handles are tokens, and functions of the driver may be called from any thread.
unsafe impl Send for Program {}
// SAFETY: as above.
unsafe impl Sync for Program {}

impl Program {
    fn start() -> Program {
        let library = Box::leak(Box::new(support::load()));
        let (mut context, mut module, mut kernel) = (CUcontext::NULL, CUmodule::NULL, CUfunction::NULL);
        // SAFETY: the signatures are those of the driver API, the pointers are valid.
        unsafe {
            let init = *library.get::<pointer::cuInit>(b"cuInit").unwrap();
            let retain = *library.get::<pointer::cuDevicePrimaryCtxRetain>(b"cuDevicePrimaryCtxRetain").unwrap();
            let load = *library.get::<pointer::cuModuleLoadData>(b"cuModuleLoadData").unwrap();
            let find = *library.get::<pointer::cuModuleGetFunction>(b"cuModuleGetFunction").unwrap();
            let set_current = *library.get(b"cuCtxSetCurrent").unwrap();
            let program = Program {
                launch: *library.get(b"cuLaunchKernel").unwrap(),
                synchronize: *library.get(b"cuCtxSynchronize").unwrap(),
                set_current,
                context,
                kernel,
            };
            done(init(0));
            done(retain(&mut context, 0));
            done(set_current(context));
            done(load(&mut module, PTX.as_ptr().cast()));
            done(find(&mut kernel, module, c"_Z5emptyi".as_ptr()));
            Program { context, kernel, ..program }
        }
    }

    fn launch(&self, grid: u32) {
        let mut n = 7_u32;
        let mut parameters = [(&raw mut n).cast::<c_void>()];
        // SAFETY: the kernel has one parameter of four bytes.
        done(unsafe {
            (self.launch)(self.kernel, grid, 1, 1, 64, 1, 1, 0, CUstream::NULL, parameters.as_mut_ptr(), null_mut())
        });
    }

    fn launch_and_wait(&self, count: u64) {
        (0..count).for_each(|n| self.launch(n as u32 % 3 + 1));
        // SAFETY: no pointers.
        done(unsafe { (self.synchronize)() });
    }
}

fn done(result: CUresult) {
    assert_eq!(result, CUresult::CUDA_SUCCESS);
}

#[test]
fn child() {
    let Some(role) = support::role() else { return };
    let program = Program::start();
    match role.as_str() {
        "exit" => {
            program.launch_and_wait(LAUNCHES);
            std::process::exit(0);
        }
        "leave" | "abort" | "wait" => {
            program.launch_and_wait(LAUNCHES);
            wait_for_launches();
            match role.as_str() {
                // SAFETY: ends the process.
                "leave" => unsafe { libc::_exit(3) },
                "abort" => std::process::abort(),
                _ => loop {
                    std::thread::park();
                },
            }
        }
        "threads" => {
            std::thread::scope(|scope| {
                for _ in 0..THREADS[0] {
                    scope.spawn(|| {
                        // SAFETY: the context lives.
                        done(unsafe { (program.set_current)(program.context) });
                        program.launch_and_wait(THREADS[1]);
                    });
                }
            });
            std::process::exit(0);
        }
        "fork" => fork(&program),
        "limit" => {
            let limit = libc::rlimit { rlim_cur: 16 << 10, rlim_max: 16 << 10 };
            // SAFETY: a valid limit.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
            // As many shapes as launches, so that the file grows.
            (1..20_000).for_each(|grid| program.launch(grid));
            program.launch_and_wait(1);
            std::process::exit(0);
        }
        other => panic!("{other} is no scenario"),
    }
}

/// Waits until the recording of this process has what it launched.
fn wait_for_launches() {
    let path = PathBuf::from(std::env::var_os("APEX_RECORD").unwrap());
    while !path.is_file() || read(&path).0.len() < LAUNCHES as usize {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn fork(program: &Program) -> ! {
    program.launch_and_wait(LAUNCHES);
    // SAFETY: the child ends at once, by way of its exit handlers.
    match unsafe { libc::fork() } {
        0 => std::process::exit(0),
        child => {
            program.launch_and_wait(LAUNCHES);
            let mut status = 0;
            // SAFETY: a valid pointer.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0);
            program.launch_and_wait(LAUNCHES);
            std::process::exit(0);
        }
    }
}

/// The launches of a recording, its summary, and how it ends.
fn read(path: &Path) -> (Vec<Launch>, Summary, Ending) {
    let bytes = std::fs::read(path).unwrap();
    let (mut launches, mut summary) = (Vec::new(), Summary::default());
    let Ok(mut reader) = Reader::new(&bytes[..]) else { return (launches, summary, Ending::CutShort) };
    while let Some(block) = reader.next_block().unwrap() {
        if let Block::Launch(rows) = &block {
            launches.extend_from_slice(rows);
        }
        summary.add(block);
    }
    (launches, summary, reader.ending().unwrap())
}

/// A child that records into a folder of its own.
fn recording(role: &str) -> (Command, tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut command = support::child_command(role);
    command.env("APEX_RECORD", &path);
    (command, folder, path)
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}\n{}", output.status, support::text(&output));
    output
}

#[test]
fn a_program_that_exits_leaves_everything() {
    let (mut command, _folder, path) = recording("exit");
    succeeds(&mut command);
    let (launches, summary, ending) = read(&path);
    assert_eq!((launches.len() as u64, ending, summary.has_end), (LAUNCHES, Ending::Whole, true));
    let kernels = summary.kernels.by_time();
    assert_eq!(kernels.len(), 1);
    assert_eq!((kernels[0].kernel.name.as_str(), kernels[0].launches), ("_Z5emptyi", LAUNCHES));
    // The device told the times of all of them.
    assert_eq!(kernels[0].executions, LAUNCHES);
    assert_eq!(summary.progress.dropped_launches + summary.progress.dropped_others, 0);
    assert_eq!(summary.loads[&0].bytes, PTX.count_bytes() as u64);
    assert_eq!(summary.syncs[&1].count, 1);
}

#[test]
fn a_program_that_leaves_without_exiting_leaves_what_was_flushed() {
    for (role, code) in [("leave", Some(3)), ("abort", None)] {
        let (mut command, _folder, path) = recording(role);
        assert_eq!(command.output().unwrap().status.code(), code, "{role}");
        let (launches, summary, ending) = read(&path);
        assert_eq!((launches.len() as u64, ending, summary.has_end), (LAUNCHES, Ending::Whole, false), "{role}");
    }
}

#[test]
fn a_program_that_is_killed_leaves_what_was_flushed() {
    let (mut command, _folder, path) = recording("wait");
    let mut child = command.spawn().unwrap();
    while !path.is_file() || read(&path).0.len() < LAUNCHES as usize {
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (launches, summary, _) = read(&path);
    assert_eq!((launches.len() as u64, summary.has_end), (LAUNCHES, false));
}

#[test]
fn many_threads_with_small_rings_lose_nothing_uncounted() {
    let (mut command, _folder, path) = recording("threads");
    succeeds(command.env("APEX_RECORD_BUFFER", "4K"));
    let (launches, summary, _) = read(&path);
    let [threads, each] = THREADS;
    assert_eq!(launches.len() as u64 + summary.progress.dropped_launches, threads * each);
    assert!(summary.has_end);
}

#[test]
fn a_forked_child_records_nothing_and_its_parent_everything() {
    let (mut command, folder, path) = recording("fork");
    succeeds(&mut command);
    let (launches, summary, ending) = read(&path);
    assert_eq!((launches.len() as u64, ending, summary.has_end), (3 * LAUNCHES, Ending::Whole, true));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_may_not_grow_ends_the_recording_and_nothing_else() {
    let (mut command, _folder, path) = recording("limit");
    let output = succeeds(&mut command);
    let text = support::text(&output);
    assert_eq!(text.matches("apex: recording ends").count(), 1, "{text}");
    assert!(text.contains("other events were not recorded"), "{text}");
    let (launches, summary, ending) = read(&path);
    assert_eq!((ending, summary.has_end), (Ending::Whole, false));
    assert!(launches.len() < 20_000);
}

#[test]
fn a_file_that_cannot_be_written_is_told_once() {
    for path in ["/dev/full", "/no/such/folder/recording"] {
        let output = succeeds(support::child_command("exit").env("APEX_RECORD", path));
        let text = support::text(&output);
        assert_eq!(text.matches("apex: nothing is recorded").count(), 1, "{text}");
    }
}

#[test]
fn the_name_may_hold_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = support::child_command("exit").env("APEX_RECORD", folder.path().join("r-%p")).spawn().unwrap();
    let path = folder.path().join(format!("r-{}", child.id()));
    assert!(child.wait().unwrap().success());
    assert_eq!(read(&path).0.len() as u64, LAUNCHES);
}
