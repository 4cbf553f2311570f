//! What the tests share: where the library is, and children to try it in.
//!
//! The library keeps state for the life of a process, so that each scenario runs in a process of its own: the test
//! program itself, started again for one test that plays the child.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod front;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Tells a child what to do. Its absence tells the test that plays the child that it is not one.
const ROLE: &str = "APEX_TEST_CHILD";

/// The name of the test that plays the child, in every test file that has one.
const CHILD_TEST: &str = "child";

/// The library under test: cargo builds it beside the test programs.
pub fn library() -> PathBuf {
    let test_program = std::env::current_exe().expect("a program knows where it is");
    let library = test_program.parent().expect("a program is in a folder").join("libcuda.so");
    assert!(library.is_file(), "cargo did not build {}", library.display());
    library
}

/// A folder in which the library has the name that programs ask for.
pub fn library_folder() -> PathBuf {
    // Threads of a test program share it, and programs run side by side: the link is made under a name of this process's own
    // and moved into place, once.
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("libcuda");
        let link = folder.join("libcuda.so.1");
        std::fs::create_dir_all(&folder).expect("the target folder is writable");
        if std::fs::read_link(&link).ok() != Some(library()) {
            let temporary = folder.join(format!("link-{}", std::process::id()));
            let _ = std::fs::remove_file(&temporary);
            std::os::unix::fs::symlink(library(), &temporary).expect("a link can be made");
            std::fs::rename(&temporary, &link).expect("a link can be moved");
        }
        folder
    };
    FOLDER.get_or_init(make).clone()
}

/// What this process is to do as a child, if it is one.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A command that starts this test program again as a child.
pub fn child_command(role: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows where it is"));
    command.args(["--exact", CHILD_TEST, "--nocapture", "--test-threads=1"]).env(ROLE, role).env("APEX_QUIET", "1");
    command
}

/// Runs a child and returns its lines that begin with `= `, without that. libtest writes lines of its own.
pub fn child_lines(role: impl AsRef<OsStr>) -> Vec<String> {
    let output = child_command(role).output().expect("the child starts");
    assert!(output.status.success(), "the child failed: {}\n{}", output.status, text(&output));
    lines(&output)
}

/// The lines of a child's output that are for the parent.
pub fn lines(output: &Output) -> Vec<String> {
    let out = String::from_utf8_lossy(&output.stdout);
    out.lines().filter_map(|line| line.strip_prefix("= ").map(str::to_owned)).collect()
}

/// Both outputs of a child, for a message.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Writes a line for the parent. On a line of its own: libtest leaves its cursor in the middle of one.
pub fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    write!(out, "\n= {line}\n").and_then(|()| out.flush()).expect("the parent reads");
}

/// Loads the library into this process.
pub fn load() -> libloading::Library {
    // SAFETY: loading our library runs no code of its own.
    unsafe { libloading::Library::new(library()) }.expect("the library loads")
}
