//! Files in memory.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// A file, mapped.
pub struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps a file.
    ///
    /// # Errors
    /// When it cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |error| Error::Unreadable { path: path.to_owned(), error };
        let file = File::open(path).map_err(unreadable)?;
        Self::map(&file).map_err(unreadable)
    }

    /// Maps a file that is open.
    pub(crate) fn map(file: &File) -> std::io::Result<Self> {
        // SAFETY: only a file that another process shortens meanwhile could make this fail, and that would end this
        // process, which looks at files and changes nothing.
        Ok(Self { map: unsafe { Mmap::map(file) }? })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}
