//! How a name becomes a program, and how the loader reads its search paths.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The program of a `#!` line, if the file is a script.
pub fn script_interpreter(bytes: &[u8]) -> Option<Vec<String>> {
    let line = bytes.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let words: Vec<String> = String::from_utf8_lossy(line).split_whitespace().map(String::from).collect();
    (!words.is_empty()).then_some(words)
}

/// Replaces `$ORIGIN` in a folder of an RPATH by the folder of the file that has it (ld.so(8)).
pub fn expand_origin(folder: &str, file: &Path) -> PathBuf {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy();
    PathBuf::from(folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
}

/// Finds a program as `execvp` does: by its path, or by its name in `PATH`.
pub fn find_program(name: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Path::new(name).is_file().then(|| PathBuf::from(name));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_their_interpreter() {
        assert_eq!(
            script_interpreter(b"#!/usr/bin/env python3\nprint()"),
            Some(vec!["/usr/bin/env".into(), "python3".into()])
        );
        assert_eq!(script_interpreter(b"#! /bin/sh"), Some(vec!["/bin/sh".into()]));
        assert_eq!(script_interpreter(b"#!\n"), None);
        assert_eq!(script_interpreter(b"\x7fELF"), None);
    }

    #[test]
    fn origin_is_the_folder_of_the_file() {
        let file = Path::new("/opt/tool/bin/tool");
        assert_eq!(expand_origin("$ORIGIN/../lib", file), Path::new("/opt/tool/bin/../lib"));
        assert_eq!(expand_origin("${ORIGIN}", file), Path::new("/opt/tool/bin"));
        assert_eq!(expand_origin("/usr/lib", file), Path::new("/usr/lib"));
    }
}
