//! The side of the process that publishes.

use super::layout::{HEADER_BYTES, MAGIC, PLACE_BYTES, SNAPSHOT_HEAD_BYTES, VERSION, checksum, place_of, word};
use super::{Owner, folder};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Bytes of a segment.
const SEGMENT_BYTES: usize = HEADER_BYTES + 2 * PLACE_BYTES;

/// A segment of this process. The file is closed once it is mapped, so that a program that closes what it does not know, or a child that
/// inherits it, changes nothing.
pub(crate) struct Publisher {
    path: PathBuf,
    memory: NonNull<u8>,
    /// The process that made it. A child that shares the memory publishes nothing.
    pid: u32,
    /// Snapshots so far.
    number: u64,
}

// SAFETY: the memory is mapped until the publisher is dropped, and not tied to a thread.
unsafe impl Send for Publisher {}

impl Publisher {
    /// Makes a segment in a folder, for this user alone.
    ///
    /// # Errors
    /// When the folder is not there, or has no room: then nothing is left behind.
    pub(crate) fn new(folder: &Path) -> io::Result<Publisher> {
        let owner = Owner::own();
        let path = folder.join(folder::name_of(&owner));
        let file = create(&path)?;
        let memory = reserve_and_map(&file).inspect_err(|_| _ = std::fs::remove_file(&path))?;
        let publisher = Publisher { path, memory, pid: owner.pid, number: 0 };
        let words = [
            (word::VERSION, VERSION),
            (word::PROCESS, owner.pid.into()),
            (word::START, owner.start_ticks),
            (word::NAMESPACE, owner.namespace),
            (word::PLACE_BYTES, PLACE_BYTES as u64),
            // A reader takes a segment without this for one that is being made.
            (word::MAGIC, u64::from_le_bytes(MAGIC)),
        ];
        for (word, value) in words {
            publisher.word(word).store(value.to_le(), Ordering::Release);
        }
        Ok(publisher)
    }

    /// Says that the process is there.
    pub(crate) fn be_seen(&self, now_ns: u64) {
        if self.is_own() {
            self.word(word::SEEN).store(now_ns.to_le(), Ordering::Relaxed);
        }
    }

    /// Publishes a snapshot.
    ///
    /// # Errors
    /// When it is longer than its place, which the limits of what it holds rule out.
    pub(crate) fn publish(&mut self, blocks: &[u8], now_ns: u64) -> io::Result<()> {
        if blocks.len() > PLACE_BYTES - SNAPSHOT_HEAD_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a snapshot finds no room"));
        }
        if !self.is_own() {
            return Ok(());
        }
        self.number += 1;
        let mut head = [0; SNAPSHOT_HEAD_BYTES];
        head[..8].copy_from_slice(&self.number.to_le_bytes());
        head[8..12].copy_from_slice(&(blocks.len() as u32).to_le_bytes());
        head[12..].copy_from_slice(&checksum(self.number, blocks).to_le_bytes());
        self.word(word::BEGUN).store(self.number.to_le(), Ordering::Relaxed);
        // Whoever sees a byte of what follows sees that it has begun.
        fence(Ordering::SeqCst);
        // SAFETY: both fit into the place, which is within the memory, and this thread alone writes there. Others look at it through the
        // file, not as memory of theirs.
        unsafe {
            let place = self.memory.add(place_of(self.number, PLACE_BYTES));
            ptr::copy_nonoverlapping(head.as_ptr(), place.as_ptr(), head.len());
            ptr::copy_nonoverlapping(blocks.as_ptr(), place.add(head.len()).as_ptr(), blocks.len());
        }
        self.word(word::COMPLETED).store(self.number.to_le(), Ordering::Release);
        self.be_seen(now_ns);
        Ok(())
    }

    /// Takes the segment's name away. Readers that have it open see the last snapshot.
    pub(crate) fn remove(&self) {
        if self.is_own() {
            // It may be gone: whoever the user is may remove it.
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn is_own(&self) -> bool {
        self.pid == std::process::id()
    }

    fn word(&self, number: usize) -> &AtomicU64 {
        // SAFETY: within the header, aligned, and only ever used as an atomic word.
        unsafe { AtomicU64::from_ptr(self.memory.as_ptr().cast::<u64>().add(number)) }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // SAFETY: mapped with this length, and nothing refers to it any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), SEGMENT_BYTES) };
    }
}

/// Makes the file. One with this process's own name is of before it became another program (`exec`).
fn create(path: &Path) -> io::Result<File> {
    let create = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
        options.open(path)
    };
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(path)?;
            create()
        }
        outcome => outcome,
    }
}

/// Takes the memory from the system now: to find out with the first write that there is none would end the program (`SIGBUS`).
fn reserve_and_map(file: &File) -> io::Result<NonNull<u8>> {
    // SAFETY: a valid descriptor.
    let error = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, SEGMENT_BYTES as libc::off_t) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping of a file of that length.
    let memory =
        unsafe { libc::mmap(ptr::null_mut(), SEGMENT_BYTES, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("mapped at address 0"))
}
