//! The library file: its name, what it exports, and that it stays loaded.

mod support;

use object::elf::{DF_1_NODELETE, DT_FLAGS_1, DT_NEEDED, DT_SONAME, FileHeader64};
use object::read::elf::{Dyn, FileHeader, SectionHeader};
use object::{Endianness, Object, ObjectSymbol};
use std::collections::BTreeSet;

/// The names that driver 580.159.04 exports.
const EXPORTS: &str = include_str!("../../cuda-abi/tests/data/libcuda-580-exports.txt");

/// The dynamic section: tag and value, and the value as text where it is a name.
fn dynamic_entries(data: &[u8]) -> Vec<(u64, u64, Option<String>)> {
    let header = FileHeader64::<Endianness>::parse(data).expect("an ELF file");
    let endian = header.endian().expect("an endianness");
    let sections = header.sections(endian, data).expect("sections");
    let mut entries = Vec::new();
    for section in sections.iter() {
        let Some((dynamic, strings)) = section.dynamic(endian, data).expect("a sound section") else { continue };
        let strings = sections.strings(endian, data, strings).expect("a string table");
        for entry in dynamic {
            let tag = u64::from(entry.tag32(endian).unwrap_or(0));
            let name = entry.string(endian, strings).ok().map(|name| String::from_utf8_lossy(name).into_owned());
            entries.push((tag, entry.d_val(endian), name));
        }
    }
    entries
}

#[test]
fn the_soname_is_what_programs_ask_for() {
    let data = std::fs::read(support::library()).expect("the library is readable");
    let names: Vec<_> = dynamic_entries(&data).into_iter().filter(|entry| entry.0 == DT_SONAME.into()).collect();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].2.as_deref(), Some("libcuda.so.1"));
}

#[test]
fn it_exports_exactly_the_driver_s_names() {
    let data = std::fs::read(support::library()).expect("the library is readable");
    let file = object::File::parse(&*data).expect("an ELF file");
    let exported: BTreeSet<&str> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    let expected: BTreeSet<&str> = EXPORTS.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(expected.difference(&exported).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing");
    assert_eq!(exported.difference(&expected).collect::<Vec<_>>(), Vec::<&&str>::new(), "too many");
}

#[test]
fn it_stays_loaded() {
    let data = std::fs::read(support::library()).expect("the library is readable");
    let flags = dynamic_entries(&data).into_iter().find(|entry| entry.0 == DT_FLAGS_1.into()).map(|entry| entry.1);
    assert!(flags.is_some_and(|flags| flags & u64::from(DF_1_NODELETE) != 0), "worker threads would run unmapped code");
}

#[test]
fn it_needs_nothing_but_the_system() {
    let data = std::fs::read(support::library()).expect("the library is readable");
    let needed: Vec<String> = dynamic_entries(&data)
        .into_iter()
        .filter(|entry| entry.0 == DT_NEEDED.into())
        .filter_map(|entry| entry.2)
        .collect();
    let system = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "libstdc++.so.6"];
    let foreign: Vec<_> = needed.iter().filter(|name| !system.contains(&name.as_str())).collect();
    assert!(foreign.is_empty(), "{foreign:?} would have to be installed beside the library");
}
