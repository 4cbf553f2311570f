//! Damaged images give errors: no panic, no endless loop, no huge allocation.

use fatbin::{Capability, Container, elf, select_ptx};
use proptest::prelude::*;

const IMAGES: [&[u8]; 6] = [
    include_bytes!("data/compress-balance.fatbin"),
    include_bytes!("data/compress-speed.fatbin"),
    include_bytes!("data/compress-none.fatbin"),
    include_bytes!("data/concatenated.fatbin"),
    include_bytes!("data/debug.fatbin"),
    include_bytes!("data/lto.fatbin"),
];
const CUBIN: &[u8] = include_bytes!("data/sm_86.cubin");

/// Values that headers are most likely to be misread with.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..1024u64, Just(u64::MAX), Just(u64::from(u32::MAX)), Just(1 << 30)]
}

/// Overwrites of 1, 2, 4 or 8 bytes, most of them in the headers at the front.
fn damage() -> impl Strategy<Value = Vec<(usize, u64, usize)>> {
    let place = prop_oneof![0..512usize, 0..10_000usize];
    let width = prop_oneof![Just(1usize), Just(2), Just(4), Just(8)];
    prop::collection::vec((place, word(), width), 1..6)
}

fn damaged(image: &[u8], damage: &[(usize, u64, usize)], keep: usize) -> Vec<u8> {
    let mut bytes = image.to_vec();
    for &(place, word, width) in damage {
        let start = place % bytes.len();
        let end = (start + width).min(bytes.len());
        bytes[start..end].copy_from_slice(&word.to_le_bytes()[..end - start]);
    }
    bytes.truncate(keep);
    bytes
}

/// Reads all there is to read.
fn exhaust(bytes: &[u8]) {
    let Ok(container) = Container::parse(bytes) else { return };
    for image in container.images().iter().take(16) {
        let _ = image.to_string();
        let _ = image.ptx();
        if let Ok(data) = image.data() {
            let _ = elf::inspect(&data);
        }
    }
    let _ = select_ptx(container.images(), Capability::new(12, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_containers_are_survived(
        which in 0..IMAGES.len(),
        damage in damage(),
        keep in prop_oneof![3 => Just(usize::MAX), 1 => 0..9000usize],
    ) {
        exhaust(&damaged(IMAGES[which], &damage, keep));
    }

    #[test]
    fn damaged_cubins_are_survived(damage in damage(), keep in prop_oneof![Just(usize::MAX), 0..5000usize]) {
        let _ = elf::inspect(&damaged(CUBIN, &damage, keep));
    }

    #[test]
    fn noise_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exhaust(&bytes);
        let _ = elf::inspect(&bytes);
    }
}

/// A container that is cut anywhere is refused as a whole, so no half of an image is ever used.
#[test]
fn every_cut_of_every_image_is_survived() {
    for image in IMAGES {
        for length in (0..image.len().min(700)).chain([image.len() - 1]) {
            let cut = &image[..length];
            assert!(Container::parse(cut).is_err(), "{length} bytes were taken for a whole container");
        }
    }
}
