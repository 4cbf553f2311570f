//! Packages from PyPI: NVIDIA's runtime libraries, to be tried against ours.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The folder into which a package, given with its version, is unpacked. Downloaded the first time.
///
/// Python is `$APEX_VENV/bin/python3`, which `cargo xtask test` sets, or else `python3`.
pub fn unpacked(requirement: &str) -> PathBuf {
    let all = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wheels");
    let folder = all.join(requirement.replace("==", "-"));
    if folder.is_dir() {
        return folder;
    }
    fs::create_dir_all(&all).expect("the target folder is writable");
    let python = std::env::var_os("APEX_VENV").map_or("python3".into(), |venv| PathBuf::from(venv).join("bin/python3"));
    // Tests run side by side, and in several processes: each unpacks into a folder of its own, and the first to move
    // it into place wins.
    let temporary = all.join(format!("unpacking-{}-{:?}", std::process::id(), std::thread::current().id()));
    let _ = fs::remove_dir_all(&temporary);
    let output = Command::new(&python)
        .args(["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--target"])
        .arg(&temporary)
        .arg(requirement)
        .output()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
    assert!(
        output.status.success(),
        "pip could not install {requirement}; `cargo xtask test` sets up what is needed\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    if fs::rename(&temporary, &folder).is_err() {
        assert!(folder.is_dir(), "{} cannot be moved to {}", temporary.display(), folder.display());
        let _ = fs::remove_dir_all(&temporary);
    }
    folder
}

/// The only file in a package's `nvidia/*/lib` folder whose name begins like this.
pub fn library(requirement: &str, beginning: &str) -> PathBuf {
    let nvidia = unpacked(requirement).join("nvidia");
    let folders = fs::read_dir(&nvidia).expect("a package of NVIDIA's").map(|entry| entry.expect("readable").path());
    let files: Vec<PathBuf> = folders
        .filter_map(|folder| fs::read_dir(folder.join("lib")).ok())
        .flatten()
        .map(|entry| entry.expect("readable").path())
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning)))
        .collect();
    assert_eq!(files.len(), 1, "{requirement}: {files:?} begin with {beginning}");
    files.into_iter().next().expect("one file")
}
