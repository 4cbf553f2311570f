//! The loader's cache, `/etc/ld.so.cache`: which file the loader takes for a name.
//!
//! The format is that of glibc 2.2 and later (its `dl-cache.h`): 20 bytes of magic, the number of entries, the length of
//! the texts, 20 bytes more, and then entries of 24 bytes, whose two texts are offsets from the magic. Caches of older systems have
//! another table before that; the magic is looked for.

use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER_SIZE: usize = 48;
const ENTRY_SIZE: usize = 24;
/// `FLAG_ELF_LIBC6 | FLAG_X8664_LIB64`: what this processor loads.
const FLAGS: u32 = 0x0303;

/// The files that the cache has for a name, in its order. Empty when there is no cache, or none in this form.
pub fn look_up(cache: &Path, name: &str) -> Vec<PathBuf> {
    std::fs::read(cache).map(|bytes| parse(&bytes, name)).unwrap_or_default()
}

fn parse(bytes: &[u8], name: &str) -> Vec<PathBuf> {
    let Some(start) = bytes.windows(MAGIC.len()).position(|window| window == MAGIC) else { return Vec::new() };
    let bytes = &bytes[start..];
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let text = |at: usize| {
        let rest = bytes.get(word(at)? as usize..)?;
        core::str::from_utf8(rest.split(|byte| *byte == 0).next()?).ok()
    };
    let entries = (bytes.len().saturating_sub(HEADER_SIZE)) / ENTRY_SIZE;
    let entries = entries.min(word(20).unwrap_or(0) as usize);
    let places = (0..entries).map(|entry| HEADER_SIZE + entry * ENTRY_SIZE);
    let fits = places.filter(|at| word(*at) == Some(FLAGS) && text(at + 4) == Some(name));
    fits.filter_map(|at| text(at + 8).map(PathBuf::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_name_and_processor() {
        let texts = b"libcuda.so.1\0/32/libcuda.so.1\0/64/libcuda.so.1\0";
        let texts_at = (HEADER_SIZE + 2 * ENTRY_SIZE) as u32;
        let mut cache = MAGIC.to_vec();
        cache.extend(2u32.to_le_bytes());
        cache.extend([0; 24]);
        for (flags, value) in [(0x0803u32, 13), (FLAGS, 30)] {
            for word in [flags, texts_at, texts_at + value, 0, 0, 0] {
                cache.extend(word.to_le_bytes());
            }
        }
        cache.extend(texts);
        let old_table = [b"ld.so-1.7.0\0".to_vec(), cache.clone()].concat();
        for bytes in [&cache, &old_table] {
            assert_eq!(parse(bytes, "libcuda.so.1"), [PathBuf::from("/64/libcuda.so.1")]);
            assert!(parse(bytes, "libcuda.so").is_empty());
        }
        // However it is cut off, nothing is read beyond the end.
        for length in 0..cache.len() {
            parse(&cache[..length], "libcuda.so.1");
        }
    }

    #[test]
    fn this_machine_s_cache_knows_the_c_library() {
        let cache = Path::new("/etc/ld.so.cache");
        assert!(look_up(cache, "libc.so.6").iter().any(|path| path.is_file()));
        assert!(look_up(Path::new("/nonexistent"), "libc.so.6").is_empty());
    }
}
