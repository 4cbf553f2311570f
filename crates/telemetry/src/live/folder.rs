//! The folder of segments: a file each, named after its process.

use super::process::Life;
use super::{Owner, ReadError, Segment};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where segments are, unless somebody says otherwise: in memory, writable for all, and gone when the machine starts anew.
pub const DEFAULT: &str = "/dev/shm";
/// What the names of segments begin with.
const PREFIX: &str = "apex-live.";
/// Most segments that are looked at.
const SEGMENTS_MAX: usize = 4096;

/// The file's name of a segment: the process's number, when it began, and its namespace, as containers may share the folder.
pub(super) fn name_of(owner: &Owner) -> String {
    format!("{PREFIX}{}.{}.{}", owner.pid, owner.start_ticks, owner.namespace)
}

/// Whose segment a file's name says that it is.
fn owner_of(name: &str) -> Option<Owner> {
    let mut parts = name.strip_prefix(PREFIX)?.split('.');
    let owner = Owner {
        pid: parts.next()?.parse().ok()?,
        start_ticks: parts.next()?.parse().ok()?,
        namespace: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(owner)
}

/// Segments of this user's processes; of all users' for root. They are not looked into.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<(PathBuf, Owner)>> {
    // SAFETY: no pointers.
    let user = unsafe { libc::geteuid() };
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Some(owner) = entry.file_name().to_str().and_then(owner_of) else { continue };
        // It may be gone already.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && (user == 0 || metadata.uid() == user) && segments.len() < SEGMENTS_MAX {
            segments.push((entry.path(), owner));
        }
    }
    Ok(segments)
}

/// Opens a segment of [`list`], if it is what its name says.
///
/// # Errors
/// As [`Segment::open`].
pub fn open(path: &Path, owner: &Owner) -> Result<Segment, ReadError> {
    let segment = Segment::open(path)?;
    if segment.owner() == *owner {
        Ok(segment)
    } else {
        Err(ReadError::Damaged("it is of another process than its name says"))
    }
}

/// Removes a segment if its process is known to have ended; answers whether it did.
pub fn remove_abandoned(path: &Path, owner: &Owner) -> bool {
    owner.life() == Life::Dead && std::fs::remove_file(path).is_ok()
}

/// Removes segments whose process ended without doing so; returns how many. A file that stands for a process of another namespace stays.
///
/// # Errors
/// When the folder cannot be read.
pub fn sweep(folder: &Path) -> io::Result<usize> {
    Ok(list(folder)?.iter().filter(|(path, owner)| remove_abandoned(path, owner)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whose_a_segment_is() {
        let owner = Owner { pid: 12, start_ticks: 345, namespace: 6789 };
        assert_eq!(owner_of(&name_of(&owner)), Some(owner));
        for other in ["apex-live.12.345", "apex-live.12.345.6789.1", "apex-live.x.345.6789", "apex-live.", "sem.x"] {
            assert_eq!(owner_of(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_nobody_owns_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let own = Owner::own();
        let owners = [
            own,
            Owner { start_ticks: own.start_ticks + 1, ..own },
            Owner { pid: 1 << 30, ..own },
            Owner { namespace: own.namespace + 1, ..own },
        ];
        for owner in &owners {
            std::fs::write(folder.path().join(name_of(owner)), "").unwrap();
        }
        std::fs::write(folder.path().join("apex-live.something"), "").unwrap();
        assert_eq!(list(folder.path()).unwrap().len(), 4);
        assert_eq!(sweep(folder.path()).unwrap(), 2);
        let mut left: Vec<Owner> = list(folder.path()).unwrap().into_iter().map(|(_, owner)| owner).collect();
        left.sort_by_key(|owner| owner.namespace);
        assert_eq!(left, [own, owners[3]]);
        assert!(folder.path().join("apex-live.something").exists());
        assert!(sweep(Path::new("/no/such/folder")).is_err());
    }
}
