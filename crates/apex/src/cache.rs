//! `apex cache`: the machine code that the driver keeps on disk.
//!
//! The cache is a folder of folders, `<two hex digits>/<key>`, where only the driver writes. What does not look like
//! that is not the cache's and stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use clap::Subcommand;
use driver_api::env;

use crate::output::{bytes, print};

/// Show or clear the machine code kept on disk.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Clone, Copy)]
enum Action {
    /// Print the folder
    Path,
    /// Print how many files there are and how much they take (the default)
    Size,
    /// Print every file with its size and age
    List,
    /// Delete every file
    Clear,
}

/// A file of the cache.
struct Entry {
    path: PathBuf,
    size_bytes: u64,
    modified: SystemTime,
}

/// Does what was asked for.
///
/// # Errors
/// When the cache is off, or its folder cannot be read or cleared.
pub fn run(args: &Args) -> Result<ExitCode> {
    let Some(folder) = folder() else {
        print("the cache is off: no folder is known (APEX_CACHE_PATH is empty, or there is no HOME)\n")?;
        return Ok(ExitCode::FAILURE);
    };
    match args.action.unwrap_or(Action::Size) {
        Action::Path => print(&format!("{}\n", folder.display()))?,
        Action::Size => {
            let entries = entries(&folder)?;
            let total = entries.iter().map(|entry| entry.size_bytes).sum();
            print(&format!("{}: {} files, {}\n", folder.display(), entries.len(), bytes(total)))?;
        }
        Action::List => print(&list(&folder)?)?,
        Action::Clear => {
            let freed = clear(&folder)?;
            print(&format!("{}: {freed} freed\n", folder.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder of the cache: `$APEX_CACHE_PATH`, `$XDG_CACHE_HOME/apex` or `~/.cache/apex`; `None` when the cache is
/// off.
pub fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let set = |name: &str| variable(name).filter(|path| path.is_absolute());
    match variable(env::CACHE_PATH.name) {
        Some(path) if path.as_os_str().is_empty() => None,
        Some(path) => Some(path),
        None => set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache"))).map(|cache| cache.join("apex")),
    }
}

/// The files, the oldest first. No folder is an empty cache.
fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for shard in read_folder(folder)?.iter().filter(|path| is_shard(path)) {
        for path in read_folder(shard)? {
            // Another process may be clearing the cache, too.
            let Ok(metadata) = path.symlink_metadata() else { continue };
            if metadata.is_file() {
                entries.push(Entry { path, size_bytes: metadata.len(), modified: metadata.modified()? });
            }
        }
    }
    entries.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
    Ok(entries)
}

fn read_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    paths.with_context(|| format!("cannot read {}", folder.display()))
}

fn is_shard(path: &Path) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let name = path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    name.len() == 2 && name.iter().all(is_hex) && path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

fn list(folder: &Path) -> Result<String> {
    let lines = entries(folder)?.into_iter().map(|entry| {
        let name = entry.path.strip_prefix(folder).unwrap_or(&entry.path);
        let age = entry.modified.elapsed().unwrap_or(Duration::ZERO);
        format!("{:>12}  {:>8}  {}\n", bytes(entry.size_bytes), short(age), name.display())
    });
    Ok(lines.collect())
}

/// An age in its largest unit: `3 h`.
fn short(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86400 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86400),
    }
}

/// Deletes the files, and the folders that are empty then; returns what was freed, for people.
fn clear(folder: &Path) -> Result<String> {
    let mut freed_bytes = 0;
    for entry in entries(folder)? {
        match fs::remove_file(&entry.path) {
            Ok(()) => freed_bytes += entry.size_bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot delete {}", entry.path.display())),
        }
    }
    for shard in read_folder(folder)?.iter().filter(|path| is_shard(path)) {
        // Not when a program has just put something in.
        let _ = fs::remove_dir(shard);
    }
    Ok(bytes(freed_bytes))
}
