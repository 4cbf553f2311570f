//! `apex cache`.

use std::fs;
use std::path::Path;

use crate::{apex, fails_with, installation, stdout_of};

fn cache(folder: &Path, action: &[&str]) -> std::process::Command {
    let mut command = apex(installation());
    command.arg("cache").args(action).env("APEX_CACHE_PATH", folder);
    command
}

#[test]
fn files_are_counted_listed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (name, size) in [("3f/one", 1024), ("a0/two", 512)] {
        fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
        fs::write(path.join(name), vec![0; size]).unwrap();
    }
    assert_eq!(stdout_of(&mut cache(path, &["path"])), format!("{}\n", path.display()));
    assert_eq!(stdout_of(&mut cache(path, &[])), format!("{}: 2 files, 1.5 KiB\n", path.display()));
    let list = stdout_of(&mut cache(path, &["list"]));
    assert_eq!(list.lines().count(), 2);
    assert!(list.contains("3f/one") && list.contains("512 bytes"), "{list}");
    assert_eq!(stdout_of(&mut cache(path, &["clear"])), format!("{}: 1.5 KiB freed\n", path.display()));
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
}

/// `APEX_CACHE_PATH` may be a folder with other things in it.
#[test]
fn what_is_not_the_cache_s_stays() {
    let folder = tempfile::tempdir().unwrap();
    let kept =
        ["file", "documents/letter", "AB/upper", "3f/nested/deep", "3f0/long"].map(|name| folder.path().join(name));
    for path in &kept {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    std::os::unix::fs::symlink(folder.path().join("documents"), folder.path().join("bb")).unwrap();
    assert!(stdout_of(&mut cache(folder.path(), &["clear"])).contains("0 bytes freed"));
    assert!(kept.iter().all(|path| path.exists()));
}

#[test]
fn the_folder_is_found_as_the_driver_finds_it() {
    let path = |variables: &[(&str, &str)]| {
        let mut command = apex(installation());
        command.args(["cache", "path"]).env_remove("HOME").env_remove("XDG_CACHE_HOME");
        stdout_of(command.envs(variables.iter().copied()))
    };
    assert_eq!(path(&[("HOME", "/h")]), "/h/.cache/apex\n");
    assert_eq!(path(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), "/x/apex\n");
    assert_eq!(path(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")]), "/h/.cache/apex\n");
    assert_eq!(path(&[("HOME", "/h"), ("APEX_CACHE_PATH", "/a")]), "/a\n");
    let (_, stdout) = fails_with(apex(installation()).args(["cache", "size"]).env("APEX_CACHE_PATH", ""), 1);
    assert!(stdout.contains("the cache is off"), "{stdout}");
}

#[test]
fn no_folder_is_an_empty_cache() {
    let missing = Path::new("/nonexistent/apex-cache");
    assert_eq!(stdout_of(&mut cache(missing, &["size"])), "/nonexistent/apex-cache: 0 files, 0 bytes\n");
    assert_eq!(stdout_of(&mut cache(missing, &["clear"])), "/nonexistent/apex-cache: 0 bytes freed\n");
}
