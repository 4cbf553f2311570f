//! The command line as a user meets it, beside a stand-in for the driver.

mod abi;
mod cache;
mod doctor;
mod info;
mod run;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// An installation of apex with a stand-in for the driver: `bin/apex`, `lib/libcuda.so.1`. Made once, never changed.
fn installation() -> &'static Path {
    static INSTALLATION: OnceLock<TempDir> = OnceLock::new();
    let made = INSTALLATION.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "lib"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::copy(env!("CARGO_BIN_EXE_apex"), folder.path().join("bin/apex")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/fake_driver.c");
        cc(
            &[source.as_path()],
            &folder.path().join("lib/libcuda.so.1"),
            &["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1"],
        );
        folder
    });
    made.path()
}

/// Compiles C or assembly.
fn cc(sources: &[&Path], output: &Path, options: &[&str]) {
    let status = Command::new("cc").args(options).arg("-o").arg(output).args(sources).status().unwrap();
    assert!(status.success());
}

/// `apex` of the installation, with nothing of this process's environment that it looks at.
fn apex(folder: &Path) -> Command {
    let mut command = Command::new(folder.join("bin/apex"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("APEX_") || name.starts_with("LD_") || name.starts_with("CUPY_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command that has to succeed; returns what it wrote to stdout.
fn stdout_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} failed: {output:?}");
    text(&output.stdout)
}

/// Runs a command that has to end with this exit code; returns what it wrote to stderr and stdout.
fn fails_with(command: &mut Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(status.code(), Some(code), "{}{}", text(&stdout), text(&stderr));
    (text(&stderr), text(&stdout))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A script in `folder`.
fn script(folder: &Path, name: &str, contents: &str, mode: u32) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    fs::write(&path, contents).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn help_names_every_command() {
    let help = stdout_of(apex(installation()).arg("--help"));
    for command in ["run", "info", "top", "serve", "cache", "abi", "doctor"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command} is missing:\n{help}");
    }
}
