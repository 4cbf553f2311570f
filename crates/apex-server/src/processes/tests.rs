//! Processes that come, end, and are killed.

use super::*;
use std::process::{Child, Command, Stdio};
use telemetry::{Config, Event, LaunchShape, Recorder};

/// The variable that makes a test's program a child that publishes in this folder.
const FOLDER: &str = "APEX_TEST_LIVE_FOLDER";
/// And what it does.
const ROLE: &str = "APEX_TEST_LIVE_ROLE";

/// Not a test by itself: the children of the others.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let recorder = Recorder::new(Config::live(folder.into()));
    recorder.install();
    recorder.define_kernel(telemetry::records::Kernel { id: 1, name: "k".into(), ..Default::default() });
    for _ in 0..10 {
        recorder.end(recorder.begin(), Event::launch(1, &LaunchShape::default()));
    }
    recorder.flush();
    match std::env::var(ROLE).unwrap().as_str() {
        "exit" => {
            recorder.end(recorder.begin(), Event::launch(1, &LaunchShape::default()));
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap();
            std::process::exit(0);
        }
        "wait" => loop {
            std::thread::park();
        },
        role => panic!("{role} is no role"),
    }
}

fn start(folder: &Path, role: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["processes::tests::child", "--exact"]).env(FOLDER, folder).env(ROLE, role);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

/// Scans until so many processes are in a state.
fn until(processes: &mut Processes, count: usize, state: State) {
    let of_state = |processes: &Processes| processes.iter().filter(|process| process.state == state).count();
    while of_state(processes) != count {
        std::thread::sleep(Duration::from_millis(2));
        processes.scan().unwrap();
    }
}

#[test]
fn several_processes_are_followed_to_their_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut processes = Processes::of(folder.path(), KEEP);
    let mut killed = start(folder.path(), "wait");
    let mut exiting = start(folder.path(), "exit");
    let mut running = start(folder.path(), "wait");
    until(&mut processes, 3, State::Running);
    assert!(processes.iter().all(|process| process.snapshot.kernels[0].launches >= 10));

    drop(exiting.stdin.take());
    assert!(exiting.wait().unwrap().success());
    killed.kill().unwrap();
    // It counts as ended though nobody has asked how.
    until(&mut processes, 1, State::Killed);
    until(&mut processes, 1, State::Exited);
    killed.wait().unwrap();
    let state = |child: &Child| processes.iter().find(|process| process.owner.pid == child.id()).unwrap();
    assert_eq!([state(&killed).state, state(&running).state], [State::Killed, State::Running]);
    assert_eq!((state(&exiting).state, state(&exiting).snapshot.kernels[0].launches), (State::Exited, 11));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "what the killed one left is removed");
    assert_eq!(processes.problems().count(), 0);
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn a_reader_that_dies_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), "exit");
    for _ in 0..3 {
        let mut processes = Processes::of(folder.path(), KEEP);
        until(&mut processes, 1, State::Running);
        // What a process that dies leaves: nothing of it is written anywhere.
        std::mem::forget(processes);
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn those_that_have_ended_are_forgotten_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut processes = Processes::of(folder.path(), Duration::ZERO);
    let mut child = start(folder.path(), "wait");
    until(&mut processes, 1, State::Running);
    child.kill().unwrap();
    child.wait().unwrap();
    until(&mut processes, 0, State::Running);
    assert_eq!(processes.iter().count(), 0);
}

#[test]
fn what_cannot_be_read_is_told_and_does_not_hide_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut processes = Processes::of(folder.path(), KEEP);
    let mut child = start(folder.path(), "wait");
    until(&mut processes, 1, State::Running);
    let owner = processes.iter().next().unwrap().owner;
    // Of a process that lives, this one, with bytes that mean nothing.
    let own = format!("apex-live.{}.{}.{}", std::process::id(), start_ticks(), owner.namespace);
    std::fs::write(folder.path().join(&own), [0xee; 100]).unwrap();
    processes.scan().unwrap();
    let problems: Vec<_> = processes.problems().collect();
    assert_eq!((problems.len(), processes.iter().count()), (1, 1));
    assert!(problems[0].path.ends_with(&own) && problems[0].reason.contains("nothing that APEX publishes"));
    std::fs::remove_file(folder.path().join(&own)).unwrap();
    // One that is damaged while it is followed keeps what it had.
    let path = folder.path().join(format!("apex-live.{}.{}.{}", owner.pid, owner.start_ticks, owner.namespace));
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xee; 64], 4096 + 100).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xee; 64], 4096 + (480 << 10) + 100).unwrap();
    processes.scan().unwrap();
    assert_eq!(processes.problems().count(), 1);
    assert_eq!(processes.iter().next().unwrap().snapshot.kernels[0].launches, 10);
    child.kill().unwrap();
    child.wait().unwrap();
    until(&mut processes, 1, State::Killed);
    assert!(Processes::of(Path::new("/no/such/folder"), KEEP).scan().is_err());
}

/// When this process began.
fn start_ticks() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    text.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap()
}
