//! Files by key in a folder of bounded size, safe with many processes: a file appears whole, by renaming, or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Where the cache lies and how large it may become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheConfig {
    /// The folder; `None` keeps nothing on disk.
    pub path: Option<PathBuf>,
    /// Most bytes of all files together; older ones give way.
    pub bytes_max: u64,
}

/// A cache on disk.
pub struct Cache<'a> {
    config: &'a CacheConfig,
}

/// Part of the limit that is left after a clean-up, in eighths.
const KEPT_EIGHTHS: u64 = 6;

/// Writes between two looks at the size of the whole.
const WRITES_PER_CLEAN_UP: u64 = 64;

impl<'a> Cache<'a> {
    /// The cache of a configuration.
    pub fn new(config: &'a CacheConfig) -> Self {
        Self { config }
    }

    /// The file of a key: two levels, `ab/cdef….knl`.
    fn file(&self, key: &blake3::Hash) -> Option<PathBuf> {
        let name = key.to_hex();
        let (folder, rest) = name.split_at(2);
        Some(self.config.path.as_ref()?.join(folder).join(format!("{rest}.knl")))
    }

    /// The contents of a key, if they are there.
    pub fn read(&self, key: &blake3::Hash) -> Option<Vec<u8>> {
        fs::read(self.file(key)?).ok()
    }

    /// Stores contents under a key. A failure (full disk, no permission) only means that they are not kept.
    pub fn write(&self, key: &blake3::Hash, contents: &[u8]) {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let Some(file) = self.file(key) else { return };
        let Some(folder) = file.parent() else { return };
        if contents.len() as u64 > self.config.bytes_max || fs::create_dir_all(folder).is_err() {
            return;
        }
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!("{}.{number}.tmp", std::process::id()));
        let stored = fs::write(&temporary, contents).and_then(|()| fs::rename(&temporary, &file));
        if stored.is_err() {
            // Nothing can be done about a file that can be neither written nor removed.
            let _ = fs::remove_file(&temporary);
        }
        if number % WRITES_PER_CLEAN_UP == 0 {
            self.clean_up();
        }
    }

    /// All files with size and time of last change.
    pub fn files(&self) -> Vec<(PathBuf, u64, SystemTime)> {
        let Some(path) = &self.config.path else { return Vec::new() };
        let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
        entries(path)
            .filter(|entry| entry.file_name().len() == 2)
            .flat_map(|folder| entries(&folder.path()))
            .filter_map(|entry| {
                let data = entry.metadata().ok()?;
                Some((entry.path(), data.len(), data.modified().ok()?))
            })
            .collect()
    }

    /// Removes the oldest files until the rest is well below the limit.
    fn clean_up(&self) {
        let mut files = self.files();
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        if total <= self.config.bytes_max {
            return;
        }
        files.sort_by_key(|(_, _, modified)| *modified);
        for (path, bytes, _) in files {
            if total <= self.config.bytes_max / 8 * KEPT_EIGHTHS {
                return;
            }
            // Another process may have removed it already.
            if fs::remove_file(path).is_ok() {
                total -= bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("apex-cache-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn contents_come_back() {
        let config = CacheConfig { path: Some(folder("back")), bytes_max: 1 << 20 };
        let cache = Cache::new(&config);
        let key = blake3::hash(b"key");
        assert_eq!(cache.read(&key), None);
        cache.write(&key, b"contents");
        assert_eq!(cache.read(&key).as_deref(), Some(&b"contents"[..]));
        fs::remove_dir_all(config.path.expect("set above")).expect("the folder is ours");
    }

    #[test]
    fn the_size_stays_bounded() {
        let config = CacheConfig { path: Some(folder("bounded")), bytes_max: 10_000 };
        let cache = Cache::new(&config);
        for number in 0..200u32 {
            cache.write(&blake3::hash(&number.to_le_bytes()), &[0; 1000]);
        }
        cache.clean_up();
        let total: u64 = cache.files().iter().map(|(_, bytes, _)| bytes).sum();
        assert!(total <= 10_000, "{total}");
        fs::remove_dir_all(config.path.expect("set above")).expect("the folder is ours");
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        let config = CacheConfig::default();
        let cache = Cache::new(&config);
        cache.write(&blake3::hash(b"key"), b"contents");
        assert_eq!(cache.read(&blake3::hash(b"key")), None);
    }
}
