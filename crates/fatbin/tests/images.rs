//! What real images hold, which of them a device runs, and what is said when there is none.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use fatbin::{Capability, Container, ImageKind, elf, select_ptx, select_ptx_of_family};

const BALANCE: &[u8] = include_bytes!("data/compress-balance.fatbin");
const NONE: &[u8] = include_bytes!("data/compress-none.fatbin");
const SPEED: &[u8] = include_bytes!("data/compress-speed.fatbin");
const CONCATENATED: &[u8] = include_bytes!("data/concatenated.fatbin");
const DEBUG: &[u8] = include_bytes!("data/debug.fatbin");
const LTO: &[u8] = include_bytes!("data/lto.fatbin");
const MACHINE_CODE_ONLY: &[u8] = include_bytes!("data/machine-code-only.fatbin");
const RELOCATABLE: &[u8] = include_bytes!("data/relocatable.fatbin");
const TOO_NEW: &[u8] = include_bytes!("data/too-new.fatbin");
const CUBIN: &[u8] = include_bytes!("data/sm_86.cubin");
const CUBIN_OF_CUDA_12: &[u8] = include_bytes!("data/sm_80-cuda-12.cubin");

/// One line an image; decompresses each, and checks that it is what its header says. LTO images are
/// scrambled after their compression, so theirs cannot be undone.
fn listing(bytes: &[u8]) -> String {
    let container = Container::parse(bytes).unwrap();
    let mut text = String::new();
    for image in container.images() {
        if image.kind != ImageKind::Lto {
            let data = image.data().unwrap();
            assert_eq!(data.len() as u64, image.image_bytes);
            match image.ptx() {
                Ok(text) => assert!(text.contains(".visible .entry _Z3addPKfS0_Pfi(")),
                Err(_) => assert_eq!(elf::capability(&data), Ok(image.arch.capability)),
            }
        }
        let (major, minor) = image.version;
        write!(text, "{image}, version {major}.{minor}, {} bytes", image.image_bytes).unwrap();
        writeln!(text, ", {:?} {}, {:?}", image.compression, image.stored_bytes, image.source_name).unwrap();
    }
    text
}

fn check(bytes: &[u8], expected: Expect) {
    expected.assert_eq(&listing(bytes));
}

#[test]
fn every_compression_mode_is_read() {
    check(
        NONE,
        expect![[r#"
        PTX for compute_80, version 9.5, 1816 bytes, None 1816, None
        PTX for compute_90a, version 9.5, 1816 bytes, None 1816, None
        machine code for sm_86, version 1.8, 5096 bytes, None 5096, None
    "#]],
    );
    check(
        SPEED,
        expect![[r#"
        PTX for compute_80, version 9.5, 1811 bytes, Lz4 770, None
        PTX for compute_90a, version 9.5, 1812 bytes, Lz4 771, None
        machine code for sm_86, version 1.8, 5096 bytes, None 5096, None
    "#]],
    );
    check(
        BALANCE,
        expect![[r#"
        PTX for compute_80, version 9.5, 1811 bytes, Zstd 576, None
        PTX for compute_90a, version 9.5, 1812 bytes, Zstd 579, None
        machine code for sm_86, version 1.8, 5096 bytes, None 5096, None
    "#]],
    );
}

#[test]
fn concatenated_images_are_listed_one_by_one() {
    check(
        CONCATENATED,
        expect![[r#"
        PTX for compute_75, version 9.5, 1816 bytes, Zstd 764, None
        PTX for compute_86, version 9.5, 1816 bytes, Zstd 764, None
        PTX for compute_90a, version 9.5, 1816 bytes, Zstd 764, None
        PTX for compute_120f, version 9.5, 1832 bytes, Zstd 764, None
        machine code for sm_75, version 1.8, 4840 bytes, Zstd 1255, None
        machine code for sm_86, version 1.8, 5096 bytes, Zstd 1255, None
    "#]],
    );
}

#[test]
fn other_builds_are_read() {
    check(
        DEBUG,
        expect![[r#"
        PTX for compute_80, version 9.5, 6503 bytes, Zstd 1534, Some("kernels.cu")
    "#]],
    );
    check(
        LTO,
        expect![[r#"
        PTX for compute_80, version 9.5, 2076 bytes, Zstd 637, None
        LTO code for lto_80, version 1.67, 3168 bytes, Zstd 2222, None
    "#]],
    );
    check(
        RELOCATABLE,
        expect![[r#"
        PTX for compute_75, version 9.5, 2076 bytes, Zstd 636, None
    "#]],
    );
    check(
        MACHINE_CODE_ONLY,
        expect![[r#"
        machine code for sm_86, version 1.8, 5096 bytes, Zstd 1103, None
        machine code for sm_90a, version 1.8, 5348 bytes, Zstd 1236, None
    "#]],
    );
}

#[test]
fn a_cubin_names_its_functions() {
    let cubin = elf::inspect(CUBIN).unwrap();
    assert_eq!(cubin.capability, Capability::new(8, 6));
    assert_eq!(cubin.functions, ["_Z3addPKfS0_Pfi", "_Z5scalePffi"]);
    let older = elf::inspect(CUBIN_OF_CUDA_12).unwrap();
    assert_eq!(older.capability, Capability::new(8, 0));
    assert_eq!(older.functions, cubin.functions);
}

/// What each device takes from a container: the architecture, or the complaint.
fn selections(bytes: &[u8], devices: &[&str]) -> String {
    let container = Container::parse(bytes).unwrap();
    let mut text = String::new();
    for device in devices {
        let selected = select_ptx(container.images(), device.parse().unwrap());
        match selected {
            Ok(ptx) => {
                assert!(ptx.text.contains(&format!(".target sm_{}", ptx.arch)));
                writeln!(text, "{device}: image {}, compute_{}", ptx.index, ptx.arch).unwrap();
            }
            Err(error) => writeln!(text, "{device}: {error}").unwrap(),
        }
    }
    text
}

#[test]
fn the_highest_architecture_not_above_the_device_is_chosen() {
    let devices = ["7.5", "8.6", "8.9", "9.0", "10.0", "12.0", "12.1"];
    expect![[r#"
        7.5: image 0, compute_75
        8.6: image 1, compute_86
        8.9: image 1, compute_86
        9.0: image 2, compute_90a
        10.0: image 1, compute_86
        12.0: image 3, compute_120f
        12.1: image 3, compute_120f
    "#]]
    .assert_eq(&selections(CONCATENATED, &devices));
    expect![[r#"
        7.5: no PTX of the fatbin is for a device of compute capability 7.5: it has PTX for compute_80, PTX for compute_90a, machine code for sm_86
        8.6: image 0, compute_80
        8.9: image 0, compute_80
        9.0: image 1, compute_90a
        10.0: image 0, compute_80
        12.0: image 0, compute_80
        12.1: image 0, compute_80
    "#]].assert_eq(&selections(NONE, &devices));
}

#[test]
fn a_refusal_names_what_is_there() {
    expect![[r#"
        12.0: the fatbin has no PTX, only machine code for sm_86, machine code for sm_90a: build the program with PTX inside, e.g. nvcc -gencode arch=compute_120,code=compute_120, or -arch=compute_75 for every device
    "#]].assert_eq(&selections(MACHINE_CODE_ONLY, &["12.0"]));
    expect![[r#"
        12.0: no PTX of the fatbin is for a device of compute capability 12.0: it has PTX for compute_121
    "#]]
    .assert_eq(&selections(TOO_NEW, &["12.0"]));
    let container = Container::parse(TOO_NEW).unwrap();
    let in_family = |device: &str| select_ptx_of_family(container.images(), device.parse().unwrap());
    assert_eq!(in_family("12.0").unwrap().arch.to_string(), "121");
    assert!(in_family("10.0").is_err());
    let empty = [0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    expect![[r#"
        12.0: the fatbin is empty
    "#]]
    .assert_eq(&selections(&empty, &["12.0"]));
}

/// Older compilers leave the suffix out of the header: the `.target` line decides.
#[test]
fn the_suffix_is_found_in_the_text_when_the_header_lacks_it() {
    const FLAGS_OF_SECOND_IMAGE: usize = 0x778 + 40;
    let mut bytes = NONE.to_vec();
    assert_eq!(bytes[FLAGS_OF_SECOND_IMAGE + 2], 0x10);
    bytes[FLAGS_OF_SECOND_IMAGE + 2] = 0;
    expect![[r#"
        9.0: image 1, compute_90a
        12.0: image 0, compute_80
    "#]]
    .assert_eq(&selections(&bytes, &["9.0", "12.0"]));
}

#[test]
fn containers_of_a_section_are_separated() {
    let section = [RELOCATABLE, &[0; 8], BALANCE, TOO_NEW].concat();
    let counts: Vec<usize> = Container::parse_section(&section).unwrap().iter().map(|c| c.images().len()).collect();
    assert_eq!(counts, [1, 3, 1]);
    assert!(Container::parse_section(&section[1..]).is_err());
    assert!(Container::parse_section(&[0; 64]).unwrap().is_empty());
}
