//! How the loader treats a program.

use std::ffi::{CString, OsStr};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use binary::elf::{Dynamic, Elf};
use binary::{MappedFile, Release};
use fatbin::Capability;

use super::{Finding, device_code, interfaces};
use crate::dynamic;
use crate::library::{self, LIBRARY_NAME};
use crate::run::set_loader_variables;

/// Scripts may name scripts as their interpreters, up to here (Linux's own limit).
const MAX_SCRIPTS: usize = 4;

/// Checks a program, and the interpreter if it is a script. Its device code is looked at for a device of the software GPU; `driver` is the
/// release that the driver states, if it starts.
pub fn check(name: &OsStr, device: Option<Capability>, driver: Option<Release>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut name = name.to_owned();
    for _ in 0..MAX_SCRIPTS {
        let subject = name.to_string_lossy().into_owned();
        let Some(path) = dynamic::find_program(&name) else {
            findings.push(Finding::problem(subject, "there is no such program", "give its path"));
            return findings;
        };
        let file = match MappedFile::open(&path) {
            Ok(file) => file,
            Err(error) => {
                findings.push(Finding::problem(subject, error.to_string(), "check its permissions"));
                return findings;
            }
        };
        let Some(interpreter) = dynamic::script_interpreter(file.bytes()) else {
            findings.extend(check_elf(&path, file.bytes(), device, driver));
            return findings;
        };
        let next = next_program(&interpreter);
        findings.push(Finding::note(
            subject,
            format!("a script, run by {next}; what it starts in turn gets the same environment"),
        ));
        name = next.into();
    }
    findings
}

/// The program that a `#!` line means, through `env`.
fn next_program(words: &[String]) -> String {
    let through_env = Path::new(&words[0]).file_name() == Some(OsStr::new("env"));
    let program = words.iter().skip(1).find(|word| !word.starts_with('-') && !word.contains('='));
    program.filter(|_| through_env).unwrap_or(&words[0]).clone()
}

fn check_elf(path: &Path, bytes: &[u8], device: Option<Capability>, driver: Option<Release>) -> Vec<Finding> {
    let subject = path.display().to_string();
    let info = match Elf::parse(bytes).and_then(|elf| elf.dynamic()) {
        Ok(info) => info,
        Err(error) => return vec![Finding::problem(subject, error.to_string(), "give a program for 64-bit Linux")],
    };
    let mut findings = Vec::new();
    findings.extend(check_privileges(path));
    let Some(interpreter) = &info.interpreter else {
        let what = "is linked statically: there is no loader that could be told to take our library";
        findings.push(Finding::problem(
            subject,
            what,
            "link it dynamically (static cudart is fine, static libc is not)",
        ));
        return findings;
    };
    let libraries = match resolve_libraries(Path::new(interpreter), path) {
        Ok(libraries) => libraries,
        Err(error) => {
            findings.push(Finding::problem(subject, format!("{error:#}"), "is it a program for this machine?"));
            return findings;
        }
    };
    findings.extend(check_missing(&subject, &libraries));
    findings.extend(check_search_paths(path, &info, &libraries));
    findings.push(check_default_choice(path, &info));
    let files = [path].into_iter().chain(libraries.iter().filter_map(|library| library.path.as_deref()));
    let parts: Vec<_> = files.filter_map(interfaces::read).collect();
    findings.extend(interfaces::check(&parts, driver, device.is_some()));
    let Some(device) = device else { return findings };
    findings.extend(device_code::check_program(&subject, bytes, device));
    for library in libraries.iter().filter_map(|library| library.path.as_deref()) {
        let Ok(file) = MappedFile::open(library) else { continue };
        findings.extend(device_code::check_library(&library.display().to_string(), file.bytes(), device));
    }
    findings
}

/// A program with more rights than its user has its loader variables ignored (ld.so(8), secure-execution mode).
fn check_privileges(path: &Path) -> Option<Finding> {
    let metadata = fs::metadata(path).ok()?;
    // SAFETY: these calls have no preconditions and cannot fail.
    let (user, group) = unsafe { (libc::getuid(), libc::getgid()) };
    let set_user = metadata.mode() & libc::S_ISUID != 0 && metadata.uid() != user;
    let set_group = metadata.mode() & libc::S_ISGID != 0 && metadata.gid() != group;
    let why = match (set_user || set_group, has_capabilities(path)) {
        (true, _) => "it is setuid or setgid",
        (_, true) => "it has file capabilities",
        _ => return None,
    };
    let what = format!("{why}, so the loader ignores LD_LIBRARY_PATH and LD_PRELOAD");
    let remedy = format!("run a copy without these rights: cp {0} /tmp && apex run /tmp/...", path.display());
    Some(Finding::problem(path.display().to_string(), what, remedy))
}

fn has_capabilities(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: both names are C strings, and no buffer is given, only the size asked for.
    unsafe { libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0) > 0 }
}

/// A library as the loader resolves it.
struct Resolved {
    name: String,
    /// `None` when it is not found.
    path: Option<PathBuf>,
}

/// Lets the loader resolve the libraries of a program as `apex run` would start it. The program is not run.
fn resolve_libraries(interpreter: &Path, program: &Path) -> Result<Vec<Resolved>> {
    let mut command = Command::new(interpreter);
    // What `ldd` does; `--list` would stop at the first library that is missing.
    command.arg(program).env("LD_TRACE_LOADED_OBJECTS", "1");
    if let Ok(folder) = library::folder() {
        set_loader_variables(&mut command, &folder)?;
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(
        output.status.success() || text.contains("=>"),
        "the loader refuses it: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(text.lines().filter_map(parse_list_line).collect())
}

/// A line of the loader's list: `libm.so.6 => /lib/libm.so.6 (0x...)`, `libx.so => not found`, `/abs/path (0x...)`.
fn parse_list_line(line: &str) -> Option<Resolved> {
    let line = line.trim();
    let (name, target) = line.split_once(" => ").unwrap_or((line, line));
    let name = name.split(" (0x").next()?.to_owned();
    if target == "not found" {
        return Some(Resolved { name, path: None });
    }
    let path = target.rsplit_once(" (0x").map_or(target, |(path, _)| path);
    Path::new(path).is_absolute().then(|| Resolved { name, path: Some(PathBuf::from(path)) })
}

fn check_missing(subject: &str, libraries: &[Resolved]) -> Option<Finding> {
    let missing: Vec<&str> =
        libraries.iter().filter(|library| library.path.is_none()).map(|library| library.name.as_str()).collect();
    if missing.is_empty() {
        return None;
    }
    let remedy = interfaces::remedy_for_missing(&missing);
    Some(Finding::problem(subject, format!("the loader does not find {}", missing.join(", ")), remedy))
}

/// RPATHs that lead to another `libcuda.so.1`, of the program and of its libraries.
fn check_search_paths(path: &Path, info: &Dynamic, libraries: &[Resolved]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(check_search_path(path, info));
    for library in libraries.iter().filter_map(|library| library.path.as_deref()) {
        let Ok(file) = MappedFile::open(library) else { continue };
        let Ok(info) = Elf::parse(file.bytes()).and_then(|elf| elf.dynamic()) else { continue };
        findings.extend(check_search_path(library, &info));
    }
    findings
}

fn check_search_path(file: &Path, info: &Dynamic) -> Option<Finding> {
    let folders = info.rpath.iter().chain(&info.runpath).map(|folder| dynamic::expand_origin(folder, file));
    let pinned = folders.map(|folder| folder.join(LIBRARY_NAME)).find(|candidate| candidate.is_file())?;
    let what = format!("its RPATH or RUNPATH leads to {}", pinned.display());
    let remedy = "start it with `apex run`, which preloads ours; LD_LIBRARY_PATH alone would not always do";
    Some(Finding::note(file.display().to_string(), what).with_remedy(remedy))
}

/// Which `libcuda.so.1` the program would get if it were started by itself.
fn check_default_choice(program: &Path, info: &Dynamic) -> Finding {
    let subject = format!("{} without `apex run`", program.display());
    match default_choice(program, info) {
        Some(path) if is_ours(&path) => Finding::good(subject, format!("takes {}, ours", path.display())),
        Some(path) => Finding::note(subject, format!("takes {}, not ours", path.display())),
        None => Finding::note(subject, format!("finds no {LIBRARY_NAME}")),
    }
}

fn is_ours(path: &Path) -> bool {
    let ours = library::folder().map(|folder| folder.join(LIBRARY_NAME));
    ours.is_ok_and(|ours| path.canonicalize().is_ok_and(|path| ours.canonicalize().is_ok_and(|ours| ours == path)))
}

/// The loader's search (ld.so(8)) for our soname: RPATH, LD_LIBRARY_PATH, RUNPATH, the cache, the system's folders.
fn default_choice(program: &Path, info: &Dynamic) -> Option<PathBuf> {
    let expand = |folders: &[String]| -> Vec<PathBuf> {
        folders.iter().map(|folder| dynamic::expand_origin(folder, program)).collect()
    };
    let library_path = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let mut folders = expand(&info.rpath);
    folders.extend(std::env::split_paths(&library_path).filter(|folder| !folder.as_os_str().is_empty()));
    folders.extend(expand(&info.runpath));
    let found = folders.into_iter().map(|folder| folder.join(LIBRARY_NAME)).find(|path| path.is_file());
    found.or_else(from_loader_cache).or_else(|| {
        let system = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(|folder| Path::new(folder).join(LIBRARY_NAME));
        system.into_iter().find(|path| path.is_file())
    })
}

/// What `ldconfig -p` lists for our soname on x86-64.
fn from_loader_cache() -> Option<PathBuf> {
    let ldconfig = ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(|path| Path::new(path).is_file())?;
    let output = Command::new(ldconfig).arg("-p").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.trim().starts_with(LIBRARY_NAME) && line.contains("x86-64"))?;
    line.split_once(" => ").map(|(_, path)| PathBuf::from(path.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_s_list_is_read() {
        let parse = |line| parse_list_line(line).map(|library| (library.name, library.path));
        let found = parse("\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)");
        assert_eq!(found, Some(("libm.so.6".into(), Some("/lib/x86_64-linux-gnu/libm.so.6".into()))));
        assert_eq!(parse("\tlibx.so.1 => not found"), Some(("libx.so.1".into(), None)));
        assert_eq!(parse("\tlinux-vdso.so.1 (0x00007ffc)"), None);
        let loader = parse("\t/lib64/ld-linux-x86-64.so.2 (0x00007f)");
        assert_eq!(loader, Some(("/lib64/ld-linux-x86-64.so.2".into(), Some("/lib64/ld-linux-x86-64.so.2".into()))));
    }

    #[test]
    fn env_in_a_script_is_looked_through() {
        let next = |line: &str| next_program(&line.split(' ').map(String::from).collect::<Vec<_>>());
        assert_eq!(next("/usr/bin/env python3"), "python3");
        assert_eq!(next("/usr/bin/env -S A=1 python3 -u"), "python3");
        assert_eq!(next("/bin/sh -e"), "/bin/sh");
        assert_eq!(next("/usr/bin/env"), "/usr/bin/env");
    }
}
