//! Device code in what the host compiler makes: object files and archives, built here byte by byte.

use fatbin::host::{is_dispensable, members};
use fatbin::{Container, Error};

const FATBIN: &[u8] = include_bytes!("data/compress-balance.fatbin");
const RELOCATABLE: &[u8] = include_bytes!("data/relocatable.fatbin");
const MACHINE_CODE_ONLY: &[u8] = include_bytes!("data/machine-code-only.fatbin");

/// An object file for the host with these sections.
fn object(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 64];
    let (mut names, mut headers) = (vec![0], vec![0; 64]);
    let mut header = |file: &mut Vec<u8>, name: u32, kind: u32, data: &[u8]| {
        let offset = file.len() as u64;
        file.extend_from_slice(data);
        let mut entry = Vec::new();
        entry.extend_from_slice(&name.to_le_bytes());
        entry.extend_from_slice(&kind.to_le_bytes());
        entry.extend_from_slice(&[0; 16]);
        entry.extend_from_slice(&offset.to_le_bytes());
        entry.extend_from_slice(&(data.len() as u64).to_le_bytes());
        entry.resize(64, 0);
        headers.extend_from_slice(&entry);
    };
    for (name, data) in sections {
        let place = names.len() as u32;
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        header(&mut file, place, 1, data);
    }
    let place = names.len() as u32;
    names.extend_from_slice(b".shstrtab\0");
    header(&mut file, place, 3, &names);
    let (table, count) = (file.len() as u64, sections.len() as u16 + 2);
    file.extend_from_slice(&headers);
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    file[16..18].copy_from_slice(&1u16.to_le_bytes());
    file[18..20].copy_from_slice(&62u16.to_le_bytes());
    file[40..48].copy_from_slice(&table.to_le_bytes());
    file[52..54].copy_from_slice(&64u16.to_le_bytes());
    file[58..60].copy_from_slice(&64u16.to_le_bytes());
    file[60..62].copy_from_slice(&count.to_le_bytes());
    file[62..64].copy_from_slice(&(count - 1).to_le_bytes());
    file
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, data) in files {
        archive.extend_from_slice(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, data.len()).as_bytes(),
        );
        archive.extend_from_slice(data);
        if data.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

/// Names of members, with how many images each of their containers has.
fn listing(file: &[u8]) -> Vec<(String, Vec<usize>)> {
    let members = members(file).unwrap();
    let images = |containers: &[Container<'_>]| containers.iter().map(|one| one.images().len()).collect();
    members.iter().map(|member| (member.name.clone(), images(&member.containers))).collect()
}

#[test]
fn object_files_have_containers_in_sections() {
    let both = [FATBIN, &[0; 8], RELOCATABLE].concat();
    let file = object(&[(".text", b"code"), (".nv_fatbin", FATBIN), ("__nv_relfatbin", &both)]);
    let images = |bytes| Container::parse(bytes).unwrap().images().len();
    let expected = vec![images(FATBIN), images(FATBIN), images(RELOCATABLE)];
    assert_eq!(listing(&file), [(String::new(), expected)]);
    assert_eq!(listing(&object(&[(".text", b"code")])), []);
    assert_eq!(listing(FATBIN), [(String::new(), vec![images(FATBIN)])]);
}

#[test]
fn archives_have_members() {
    let (one, other) = (object(&[("__nv_relfatbin", RELOCATABLE)]), object(&[(".text", b"host code alone")]));
    let file = archive(&[("one.o/", &one), ("readme.txt/", b"no object file"), ("other.o/", &other), ("two.o/", &one)]);
    let names: Vec<String> = listing(&file).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["one.o", "two.o"]);
}

#[test]
fn what_is_neither_is_refused() {
    assert!(matches!(members(b"garbage of some length"), Err(Error::UnknownFormat(_))));
    assert!(matches!(members(b""), Err(Error::UnknownFormat(_))));
    let file = object(&[("__nv_relfatbin", RELOCATABLE)]);
    for length in [20, 63, 64, file.len() / 2, file.len() - 1] {
        assert!(members(&file[..length]).is_err(), "{length} bytes");
    }
    let file = archive(&[("one.o/", &file)]);
    assert!(matches!(members(&file[..file.len() - 9]), Err(Error::Archive(_))));
}

#[test]
fn machine_code_of_the_program_is_missed() {
    assert!(!is_dispensable(&Container::parse(MACHINE_CODE_ONLY).unwrap()));
    assert!(!is_dispensable(&Container::parse(FATBIN).unwrap()));
}
