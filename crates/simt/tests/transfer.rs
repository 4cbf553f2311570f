//! Copies and fills.

mod common;

use common::engine;
use simt::transfer::{Copy, Fill, copy, fill, store};
use simt::{DomainConfig, FaultKind};

#[test]
fn linear_copies_of_every_length() {
    let engine = engine(3);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    for bytes in [0, 1, 7, 4096, 262_144, 262_145, 5_000_001] {
        let source: Vec<u8> = (0..bytes).map(|i| (i * 7 + i / 256) as u8).collect();
        let mut destination = vec![0u8; bytes];
        copy(&stream, &Copy::linear(destination.as_mut_ptr() as u64, source.as_ptr() as u64, bytes as u64));
        stream.synchronize();
        assert_eq!(source, destination);
    }
}

#[test]
fn overlapping_bytes_are_moved() {
    let engine = engine(3);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let original: Vec<u8> = (0..2_000_000).map(|i| ((i * 31) >> 3) as u8).collect();
    let mut bytes = original.clone();
    let base = bytes.as_mut_ptr() as u64;
    copy(&stream, &Copy::linear(base + 1000, base, 1_900_000));
    stream.synchronize();
    assert!(bytes[1000..1_901_000] == original[..1_900_000]);
}

#[test]
fn bytes_are_taken_along() {
    let engine = engine(1);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let mut memory = [0u8; 300];
    stream.host_function(|| std::thread::sleep(std::time::Duration::from_millis(2)));
    let mut source = [7u8; 300];
    store(&stream, memory.as_mut_ptr() as u64, &source);
    source.fill(9);
    stream.synchronize();
    assert_eq!((memory, source), ([7; 300], [9; 300]));
}

#[test]
fn boxes_are_copied_row_by_row() {
    let engine = engine(2);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let source: Vec<u8> = (0..64 * 50 * 6).map(|i| (i % 251) as u8).collect();
    let mut destination = vec![0xffu8; 100 * 40 * 6];
    let request = Copy {
        destination: destination.as_mut_ptr() as u64 + 5,
        source: source.as_ptr() as u64 + 2,
        width: 60,
        height: 30,
        depth: 5,
        destination_pitch: 100,
        source_pitch: 64,
        destination_slice: 100 * 40,
        source_slice: 64 * 50,
    };
    copy(&stream, &request);
    stream.synchronize();
    for (index, &byte) in destination.iter().enumerate() {
        let (z, y, x) = (index / 4000, index / 100 % 40, index % 100);
        let inside = z < 5 && y < 30 && (5..65).contains(&x);
        let expected = if inside { source[z * 3200 + y * 64 + x - 5 + 2] } else { 0xff };
        assert_eq!(byte, expected, "at {x}, {y}, {z}");
    }
}

#[test]
fn fills_of_every_element_size() {
    let engine = engine(2);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    for (element_bytes, value) in [(1, 0xab), (2, 0xbeef), (4, 0xdead_beef_u32)] {
        for (width, height, pitch) in [(300_000, 1, 0), (10, 7, 64), (100_000, 9, 400_000)] {
            let row = width as usize * element_bytes as usize;
            let pitch = if pitch == 0 { row } else { pitch };
            let mut memory = vec![0u8; pitch * height];
            let destination = memory.as_mut_ptr() as u64;
            let pitch64 = pitch as u64;
            fill(&stream, &Fill { destination, value, element_bytes, width, height: height as u64, pitch: pitch64 });
            stream.synchronize();
            for (index, &byte) in memory.iter().enumerate() {
                let inside = index % pitch < row;
                let expected = value.to_le_bytes()[index % pitch % element_bytes as usize];
                assert_eq!(byte, if inside { expected } else { 0 });
            }
        }
    }
}

#[test]
fn a_bad_address_is_a_fault() {
    let engine = engine(1);
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let byte = 0u8;
    copy(&stream, &Copy::linear(8, &raw const byte as u64, 1));
    stream.synchronize();
    assert_eq!(domain.fault().unwrap().kind, FaultKind::IllegalAddress);
}
