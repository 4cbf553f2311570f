//! Files: whole, cut, changed, of others.

use super::*;
use crate::records::{Block, Fact, Launch, Sync};
use proptest::prelude::*;

/// A file of some launches and one synchronisation.
fn file() -> Vec<u8> {
    let mut bytes = header();
    let launches: Vec<Launch> =
        (0..1000).map(|n| Launch { start: 100 * n, duration: 50, correlation: n, ..Launch::default() }).collect();
    for launches in launches.chunks(100) {
        encode_block(launches, &mut bytes);
    }
    encode_block(&[Sync { start: 100_000, ..Sync::default() }], &mut bytes);
    bytes
}

/// The launches that can be read, and how the file ends.
fn read(bytes: &[u8]) -> (Vec<Launch>, Ending) {
    let mut reader = Reader::new(bytes).expect("a header");
    let mut launches = Vec::new();
    while let Some(block) = reader.next_block().expect("memory can be read") {
        if let Block::Launch(rows) = block {
            launches.extend(rows);
        }
    }
    (launches, reader.ending().expect("the end"))
}

#[test]
fn what_is_written_is_read() {
    let (launches, ending) = read(&file());
    assert_eq!((launches.len(), ending), (1000, Ending::Whole));
    assert!(
        launches.iter().enumerate().all(|(n, launch)| launch.correlation == n as u64 && launch.start == 100 * n as u64)
    );
}

#[test]
fn a_file_cut_anywhere_is_read_up_to_the_last_whole_block() {
    let whole = file();
    let mut before = 0;
    for length in HEADER_BYTES..whole.len() {
        let (launches, ending) = read(&whole[..length]);
        assert_eq!(launches.len() % 100, 0);
        assert!(launches.len() >= before && launches.len() <= 1000);
        before = launches.len();
        if ending == Ending::Whole {
            // Between two blocks there is nothing to see.
            assert_eq!(whole[length..length + 4], BLOCK_MAGIC);
        } else {
            assert_eq!(ending, Ending::CutShort);
        }
    }
    assert_eq!(before, 1000);
}

#[test]
fn a_changed_byte_ends_the_reading_there() {
    let whole = file();
    for at in (HEADER_BYTES..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        let (launches, ending) = read(&changed);
        assert_ne!(ending, Ending::Whole, "byte {at}");
        assert_eq!(launches.len() % 100, 0);
    }
}

#[test]
fn other_files_are_refused() {
    assert!(matches!(Reader::new(&b""[..]), Err(ReadError::NoRecording)));
    assert!(matches!(Reader::new(&b"{\"a\": \"a file of another kind\"}"[..]), Err(ReadError::NoRecording)));
    let mut later = header();
    later[8] = 2;
    assert!(matches!(Reader::new(&later[..]), Err(ReadError::Version(2))));
}

#[test]
fn kinds_of_later_versions_are_skipped() {
    let mut bytes = header();
    encode_block(&[Fact { name: "a".into(), value: "b".into() }], &mut bytes);
    let start = bytes.len();
    encode_block(&[Sync::default()], &mut bytes);
    bytes[start + 4] = 99;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&bytes[start..start + 20]);
    checksum.update(&bytes[start + BLOCK_HEADER_BYTES..]);
    bytes[start + 20..start + 24].copy_from_slice(&checksum.finalize().to_le_bytes());
    encode_block(&[Launch::default()], &mut bytes);
    assert_eq!(read(&bytes), (vec![Launch::default()], Ending::Whole));
}

#[test]
fn texts_too_long_for_a_block_are_split() {
    let facts = vec![Fact { name: "x".repeat(60_000), value: "y".repeat(60_000) }; 400];
    let mut bytes = header();
    encode_block(&facts, &mut bytes);
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let (mut rows, mut blocks) = (0, 0);
    while let Some(Block::Fact(facts)) = reader.next_block().unwrap() {
        rows += facts.len();
        blocks += 1;
    }
    assert_eq!((rows, reader.ending()), (400, Some(Ending::Whole)));
    assert!(blocks > 1);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut file = header();
        file.extend_from_slice(&bytes);
        let (launches, _) = read(&file);
        prop_assert!(launches.is_empty());
    }
}
