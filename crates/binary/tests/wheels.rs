//! Wheels: members one at a time, and headers that lie.

mod common;

use binary::{Error, FileFormat, MemberKind, Options, SymbolChoice, exports, scan_bytes};
use common::{CUBIN, Entry, FATBIN, PTX, cc, crc, deflated, scan_all, wheel};

#[test]
fn members_are_found_by_what_they_are() {
    let packed = deflated(FATBIN);
    let entries = [
        Entry::stored("pkg/__init__.py", b"print('.version 9.0')\n"),
        Entry { name: "pkg/lib.so", method: 8, stored: &packed, bytes: FATBIN.len() as u32, crc: crc(FATBIN) },
        Entry::stored("pkg/kernels.cubin", CUBIN),
        Entry::stored("pkg/kernels.ptx", PTX),
        Entry::stored("pkg/empty/", b""),
    ];
    let report = scan_all(&wheel(&entries)).unwrap();
    assert_eq!(report.format, FileFormat::Wheel);
    let found: Vec<_> = report.members.iter().map(|member| (member.name.as_deref().unwrap(), member.kind)).collect();
    let expected = [
        ("pkg/lib.so", MemberKind::Fatbin),
        ("pkg/kernels.cubin", MemberKind::Cubin),
        ("pkg/kernels.ptx", MemberKind::Ptx),
    ];
    assert_eq!(found, expected);
    let direct = scan_all(FATBIN).unwrap().members.swap_remove(0).device_code.images;
    assert_eq!(report.members[0].device_code.images, direct);
    assert_eq!(report.problems, Vec::<String>::new());
}

#[test]
fn a_large_member_is_spilled_to_a_file() {
    // An ELF file, padded to more than is kept in memory.
    let mut content = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    content.resize(content.len().max(binary::limits::MEMBER_IN_MEMORY_BYTES_MAX as usize) + 100_000, 0);
    let packed = deflated(&content);
    let entry = Entry { name: "program", method: 8, stored: &packed, bytes: content.len() as u32, crc: crc(&content) };
    let report = scan_all(&wheel(&[entry])).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.members[0].bytes, content.len() as u64);
    assert!(report.members[0].symbol_counts.imported > 10);
}

#[test]
fn members_that_are_damaged_are_named_and_the_others_read() {
    let packed = deflated(FATBIN);
    let sum = crc(FATBIN);
    let bad_sum = Entry { name: "sum.fatbin", method: 8, stored: &packed, bytes: FATBIN.len() as u32, crc: sum ^ 1 };
    let cut = Entry {
        name: "cut.fatbin",
        method: 8,
        stored: &packed[..packed.len() / 2],
        bytes: FATBIN.len() as u32,
        crc: sum,
    };
    let unknown = Entry { name: "odd.fatbin", method: 77, stored: FATBIN, bytes: FATBIN.len() as u32, crc: sum };
    let good = Entry::stored("good.fatbin", FATBIN);
    let report = scan_all(&wheel(&[bad_sum, cut, unknown, good])).unwrap();
    assert_eq!(report.members.len(), 1);
    assert_eq!(report.members[0].name.as_deref(), Some("good.fatbin"));
    assert_eq!(report.problems.len(), 3);
    for (problem, name) in report.problems.iter().zip(["sum", "cut", "odd"]) {
        assert!(problem.starts_with(&format!("{name}.fatbin: ")), "{problem}");
    }
}

#[test]
fn a_member_is_no_longer_than_its_header_says() {
    // The header says 100 bytes, so that it is read to memory; the data has far more.
    let content = [FATBIN, &vec![0; binary::limits::MEMBER_IN_MEMORY_BYTES_MAX as usize + 10]].concat();
    let packed = deflated(&content);
    let entry = Entry { name: "long.fatbin", method: 8, stored: &packed, bytes: 100, crc: crc(&content) };
    let report = scan_all(&wheel(&[entry]));
    assert!(report.is_err() || !report.unwrap().problems.is_empty());
}

#[test]
fn a_library_of_several_has_to_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let library = |name: &str| {
        std::fs::read(cc(folder.path(), name, &format!("int cu{name}(void) {{ return 0; }}"), &["-shared", "-fPIC"]))
    };
    let (one, two) = (library("One").unwrap(), library("Two").unwrap());
    let path = folder.path().join("x.whl");
    std::fs::write(&path, wheel(&[Entry::stored("one.so", &one), Entry::stored("two.so", &two)])).unwrap();
    let refused = exports(&path, None, SymbolChoice::Cuda);
    assert!(matches!(refused, Err(Error::SeveralLibraries(names)) if names == ["one.so", "two.so"]));
    let surface = exports(&path, Some("two.so"), SymbolChoice::Cuda).unwrap();
    assert_eq!(surface.exports.keys().collect::<Vec<_>>(), ["cuTwo"]);
    let absent = scan_bytes("x", &std::fs::read(&path).unwrap(), Some("three.so"), &Options::default());
    assert!(matches!(absent, Err(Error::NoSuchMember(_))));
}
