//! Damaged files give errors: no panic, no endless loop, no huge allocation. `fuzz/` has the same target for cargo-fuzz.

mod common;

use std::sync::OnceLock;

use common::{CONCATENATED, CUBIN, Entry, FATBIN, PTX, RELOCATABLE, cc, crc, deflated, scan_all, wheel};
use proptest::prelude::*;

/// Whole files of every kind.
fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let source = "int cuThing(void) { return 1; }\nint puts(const char *);\nint main(void) { return puts(\"x\"); }";
        let library = std::fs::read(cc(folder.path(), "lib.so", source, &["-shared", "-fPIC", "-s"])).unwrap();
        let program = std::fs::read(cc(folder.path(), "program", source, &[])).unwrap();
        let object = std::fs::read(cc(folder.path(), "object.o", source, &["-c"])).unwrap();
        let mut archive = b"!<arch>\n".to_vec();
        archive.extend(
            format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "object.o/", 0, 0, 0, 644, object.len()).as_bytes(),
        );
        archive.extend(&object);
        let packed = deflated(&library);
        let wheel = wheel(&[
            Entry { name: "lib.so", method: 8, stored: &packed, bytes: library.len() as u32, crc: crc(&library) },
            Entry::stored("k.fatbin", FATBIN),
        ]);
        let device_code = [FATBIN, RELOCATABLE, CONCATENATED, CUBIN, PTX].map(<[u8]>::to_vec);
        [vec![library, program, object, archive, wheel], device_code.to_vec()].concat()
    })
}

/// Values that headers are most likely to be misread with.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..1024u64, Just(u64::MAX), Just(u64::from(u32::MAX)), Just(1 << 30), Just(1 << 63)]
}

/// Overwrites of 1, 2, 4 or 8 bytes, many of them in the headers at either end.
fn damage() -> impl Strategy<Value = Vec<(usize, bool, u64, usize)>> {
    let place = prop_oneof![0..512usize, 0..4096usize, 0..100_000usize];
    let width = prop_oneof![Just(1usize), Just(2), Just(4), Just(8)];
    prop::collection::vec((place, any::<bool>(), word(), width), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_survived(
        which in any::<prop::sample::Index>(),
        damage in damage(),
        keep in prop_oneof![4 => Just(usize::MAX), 1 => 0..20_000usize],
    ) {
        let mut bytes = which.get(seeds()).clone();
        for (place, from_end, word, width) in damage {
            let place = place % bytes.len();
            let start = if from_end { bytes.len() - 1 - place } else { place };
            let end = (start + width).min(bytes.len());
            bytes[start..end].copy_from_slice(&word.to_le_bytes()[..end - start]);
        }
        bytes.truncate(keep);
        let _ = scan_all(&bytes);
    }

    #[test]
    fn noise_behind_a_known_beginning_is_survived(which in any::<prop::sample::Index>(), noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let seed = which.get(seeds());
        let bytes = [&seed[..seed.len().min(24)], &noise].concat();
        let _ = scan_all(&bytes);
    }
}

#[test]
fn whole_files_have_no_problems() {
    for (index, seed) in seeds().iter().enumerate() {
        let report = scan_all(seed).unwrap_or_else(|error| panic!("seed {index}: {error}"));
        assert!(!report.members.is_empty(), "seed {index}");
        let problems: Vec<_> =
            report.members.iter().flat_map(|member| &member.problems).chain(&report.problems).collect();
        assert!(problems.is_empty(), "seed {index}: {problems:?}");
    }
}

/// A table of names without an end, and as many symbols as fit that all begin in it, would cost the product of both.
#[test]
fn symbols_over_an_endless_name_cost_no_more_than_the_file() {
    let mut file = seeds()[0].clone();
    let program = object::read::elf::ElfFile64::<object::LittleEndian>::parse(&*file).unwrap();
    use object::read::{Object, ObjectSection};
    let range = program.section_by_name(".dynstr").unwrap().file_range().unwrap();
    file[range.0 as usize + 1..(range.0 + range.1) as usize].fill(b'x');
    assert!(scan_all(&file).is_err() || !scan_all(&file).unwrap().members[0].problems.is_empty());
}
