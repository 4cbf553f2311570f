//! Is a file a shared library for this processor, and is it ours?
//!
//! Ours carries an ELF note, which no copy and no other name takes away. A file is asked before it is loaded: two of our
//! libraries that take each other for NVIDIA's would wait for each other.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The owner of the note, with its null byte.
pub const NOTE_NAME: [u8; 5] = *b"APEX\0";
/// Kind of the note: "this is our libcuda".
const NOTE_KIND: u32 = 1;
/// Bytes of the note: three words, and the name filled up to eight bytes.
pub const NOTE_SIZE: usize = 20;

/// The note, as our library has it in its section `.note.apex`.
pub const fn note() -> [u8; NOTE_SIZE] {
    let mut bytes = [0; NOTE_SIZE];
    bytes[0] = NOTE_NAME.len() as u8;
    // The description, of which the second word is the length, is empty.
    bytes[8] = NOTE_KIND as u8;
    let mut at = 0;
    while at < NOTE_NAME.len() {
        bytes[12 + at] = NOTE_NAME[at];
        at += 1;
    }
    bytes
}

/// Offsets and sizes of ELF's 64-bit form (elf(5)).
const HEADER_SIZE: usize = 64;
const SEGMENT_SIZE: usize = 56;
/// No library has as many segments, nor as long notes, by far: a file that says otherwise is damaged.
const SEGMENTS_MAX: usize = 256;
const NOTES_SIZE_MAX: usize = 1 << 16;
const PT_NOTE: u32 = 4;

/// Whether a shared library is ours.
///
/// # Errors
/// When it cannot be read, or is no shared library for x86-64; why, in words.
pub fn is_apex(path: &Path) -> Result<bool, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let header = read(&file, 0, HEADER_SIZE)?;
    // 64 bits, little endian; a shared object; x86-64.
    if header[..6] != *b"\x7fELF\x02\x01" || header[16..20] != [3, 0, 62, 0] {
        return Err("is no shared library for x86-64".to_owned());
    }
    let (table, count) = (word_64(&header, 32), usize::from(u16::from_le_bytes([header[56], header[57]])));
    if count > SEGMENTS_MAX {
        return Err(format!("is damaged: {count} segments"));
    }
    let segments = read(&file, table, count * SEGMENT_SIZE)?;
    for segment in segments.chunks_exact(SEGMENT_SIZE).filter(|segment| word_32(segment, 0) == PT_NOTE) {
        let size = usize::try_from(word_64(segment, 32)).unwrap_or(usize::MAX).min(NOTES_SIZE_MAX);
        if has_note(&read(&file, word_64(segment, 8), size)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Walks the notes of a segment.
fn has_note(mut notes: &[u8]) -> bool {
    while notes.len() >= 12 {
        let padded = |length: u32| (length as usize).next_multiple_of(4);
        let (name, description) = (word_32(notes, 0), word_32(notes, 4));
        let size = 12 + padded(name) + padded(description);
        let is_ours = word_32(notes, 8) == NOTE_KIND && notes[12..].starts_with(&NOTE_NAME);
        if is_ours && name as usize == NOTE_NAME.len() {
            return true;
        }
        notes = notes.get(size..).unwrap_or_default();
    }
    false
}

fn read(file: &File, offset: u64, size: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, offset).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(bytes)
}

fn word_32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn word_64(bytes: &[u8], at: usize) -> u64 {
    u64::from(word_32(bytes, at)) | u64::from(word_32(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_note_is_found_among_others() {
        let mut notes = vec![4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, b'G', b'N', b'U', 0, 7, 7, 0, 0];
        assert!(!has_note(&notes));
        notes.extend(note());
        assert!(has_note(&notes));
        assert!(!has_note(&notes[..notes.len() - 9]), "it is cut off");
        // A length that leads beyond the end ends the walk.
        assert!(!has_note(&[0xff; 64]));
    }

    #[test]
    fn other_files_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = folder.path().join("text");
        std::fs::write(&text, [b' '; 200]).expect("a file");
        assert!(is_apex(&text).is_err_and(|why| why.contains("no shared library")));
        std::fs::write(&text, "short").expect("a file");
        assert!(is_apex(&text).is_err_and(|why| why.contains("cannot be read")));
        // A program that is linked as position-independent is one too, as far as these bytes say.
        let own = std::env::current_exe().expect("a program knows where it is");
        assert_eq!(is_apex(&own), Ok(false));
    }
}
