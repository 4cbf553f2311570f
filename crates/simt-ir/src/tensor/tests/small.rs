//! The copy engine by hand.

use super::{GLOBAL, MAP, Memories, SHARED, TILE, at, matrix};
use crate::tensor::element::round_to_tf32;
use crate::tensor::{Access, BoxShape, Element, Field, Misuse, Mode, Reduction, Swizzle, TensorMap, TensorOp, execute};

fn halves(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|half| u16::from_le_bytes([half[0], half[1]])).collect()
}

/// The first half of each piece of 16 bytes in shared memory after a load of `bytes`.
fn loaded(map: &TensorMap, operands: &[u64], bytes: usize) -> Vec<u16> {
    let mut memories = Memories::new(map, bytes);
    execute(&TensorOp::Load(TILE), operands, &mut memories).expect("it can be loaded");
    halves(&memories.shared).into_iter().step_by(8).collect()
}

#[test]
fn what_is_outside_is_zero_or_nan_and_is_counted() {
    let mut map = matrix();
    let mut memories = Memories::new(&map, 128);
    assert_eq!(execute(&TensorOp::Load(TILE), &at(56, 6), &mut memories), Ok(128));
    let words = halves(&memories.shared);
    assert_eq!(words[..16], [441, 442, 443, 444, 445, 446, 447, 448, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(words[32..].iter().all(|word| *word == 0));
    (map.element, map.nan_fill) = (Element::BF16, true);
    assert_eq!(loaded(&map, &at(-8, -1), 128), [0x7ff7, 0x7ff7, 0x7ff7, 1, 0x7ff7, 65, 0x7ff7, 129]);
}

#[test]
fn pieces_change_places() {
    let order = |swizzle: Swizzle| -> Vec<u64> { (0..64).map(|piece| swizzle.apply(16 * piece) / 16).collect() };
    assert_eq!(order(Swizzle::None), (0..64).collect::<Vec<_>>());
    assert_eq!(order(Swizzle::Bytes32)[..16], [0, 1, 2, 3, 4, 5, 6, 7, 9, 8, 11, 10, 13, 12, 15, 14]);
    assert_eq!(order(Swizzle::Bytes64)[16..24], [18, 19, 16, 17, 22, 23, 20, 21]);
    assert_eq!(order(Swizzle::Bytes128)[40..48], [45, 44, 47, 46, 41, 40, 43, 42]);
    // A pattern is its own inverse, and belongs to the address.
    for swizzle in [Swizzle::Bytes32, Swizzle::Bytes64, Swizzle::Bytes128] {
        assert!((0..4096).all(|address| swizzle.apply(swizzle.apply(address)) == address));
    }
    let map = TensorMap { swizzle: Swizzle::Bytes128, shape: BoxShape::Tile([64, 1, 0, 0, 0]), ..matrix() };
    assert_eq!(loaded(&map, &at(0, 0), 128), [1, 9, 17, 25, 33, 41, 49, 57]);
    let mut memories = Memories::new(&map, 256);
    let operands = [MAP, SHARED + 128, 0, 0];
    execute(&TensorOp::Load(TILE), &operands, &mut memories).expect("it can be loaded");
    assert_eq!(
        halves(&memories.shared)[64..].iter().step_by(8).collect::<Vec<_>>(),
        [&9, &1, &25, &17, &41, &33, &57, &49]
    );
}

#[test]
fn elements_are_reduced() {
    let mut map = matrix();
    let mut reduce = |element: Element, op: Reduction| {
        map.element = element;
        map.shape = BoxShape::Tile([16 / element.bytes(), 1, 0, 0, 0]);
        let mut memories = Memories::new(&map, 16);
        memories.shared = [3u16, 0, 0, 0, 900, 0, 0, 0].iter().flat_map(|half| half.to_le_bytes()).collect();
        execute(&TensorOp::Reduce(TILE, op), &at(0, 0), &mut memories).map(|_| halves(&memories.global[..16]))
    };
    assert_eq!(reduce(Element::U32, Reduction::Add), Ok(vec![4, 2, 3, 4, 905, 6, 7, 8]));
    assert_eq!(reduce(Element::U64, Reduction::Min), Ok(vec![3, 0, 0, 0, 900, 0, 0, 0]));
    assert_eq!(reduce(Element::S32, Reduction::Or), Ok(vec![3, 2, 3, 4, 901, 6, 7, 8]));
    // Subnormals, of which one type knows nothing.
    assert_eq!(reduce(Element::F32, Reduction::Add), Ok(vec![4, 2, 3, 4, 905, 6, 7, 8]));
    assert_eq!(reduce(Element::F32Flushed, Reduction::Add), Ok(vec![0, 0, 0, 0, 0, 0, 0, 0]));
    let none = Err(Misuse::Reduction(Reduction::Increment, Element::S32));
    assert_eq!(reduce(Element::S32, Reduction::Increment), none);
    assert!(reduce(Element::U16, Reduction::Add).is_err() && reduce(Element::F32, Reduction::Max).is_err());
}

#[test]
fn rows_are_gathered_and_scattered() {
    let map = TensorMap { shape: BoxShape::Tile([8, 1, 0, 0, 0]), ..matrix() };
    let rows = Access { rank: 2, mode: Mode::Rows };
    let mut memories = Memories::new(&map, 64);
    let operands = [MAP, SHARED, 8, 7, 0, 8, 2];
    assert_eq!(execute(&TensorOp::Load(rows), &operands, &mut memories), Ok(64));
    assert_eq!(halves(&memories.shared).into_iter().step_by(8).collect::<Vec<_>>(), [457, 9, 0, 137]);
    memories.shared.fill(0);
    execute(&TensorOp::Store(rows), &operands, &mut memories).expect("it can be stored");
    let zeros =
        halves(&memories.global).into_iter().enumerate().filter(|(_, half)| *half == 0).map(|(at, _)| at as u16);
    let expected = [8..16, 136..144, 456..464, 65535..65536u32].into_iter().flatten().map(|at| at as u16);
    assert_eq!(zeros.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn numbers_lose_their_low_bits() {
    for (bits, rounded) in [
        (0x3f82_3f81, 0x3f82_4000),
        (0x5012_5011, 0x5012_6000),
        (0x0002_0001, 0x0002_0000),
        (0x3f80_1000, 0x3f80_0000),
        (0x3f80_3000, 0x3f80_4000),
        (0xff7f_ffff, 0xff80_0000),
        (0x7f80_0000, 0x7f80_0000),
        (0xff80_0001, 0x7fff_e000),
    ] {
        assert_eq!(round_to_tf32(bits), rounded);
    }
}

#[test]
fn misuse_is_told() {
    let refused =
        |op: TensorOp, operands: &[u64]| execute(&op, operands, &mut Memories::new(&matrix(), 128)).unwrap_err();
    let load = TensorOp::Load(TILE);
    assert!(matches!(refused(load, &at(4, 0)), Misuse::Coordinates(_)));
    assert!(matches!(refused(TensorOp::Store(TILE), &at(0, -1)), Misuse::Coordinates(_)));
    assert_eq!(refused(load, &[MAP + 16, SHARED, 0, 0]), Misuse::Misaligned { address: MAP + 16, align: 64 });
    assert_eq!(refused(load, &[MAP, SHARED + 16, 0, 0]), Misuse::Misaligned { address: SHARED + 16, align: 128 });
    let beyond = Misuse::Memory { address: SHARED + 128, bytes: 128, shared: true };
    assert_eq!(refused(load, &[MAP, SHARED + 128, 0, 0]), beyond);
    let other = TensorOp::Load(Access { rank: 3, mode: Mode::Tile });
    assert_eq!(refused(other, &at(0, 0)), Misuse::Rank { map: 2, instruction: 3 });
    assert_eq!(refused(TensorOp::Load(Access { rank: 2, mode: Mode::Pixels }), &at(0, 0)), Misuse::Mode);
    let mut foreign = Memories::new(&matrix(), 128);
    foreign.map = [0; 128];
    assert!(matches!(execute(&load, &at(0, 0), &mut foreign), Err(Misuse::Map { .. })));
    assert!(matches!(execute(&TensorOp::Replace(Field::Rank), &at(0, 0), &mut foreign), Err(Misuse::Map { .. })));
    let mut gone = Memories::new(&TensorMap { address: GLOBAL + (1 << 20), ..matrix() }, 128);
    assert!(matches!(execute(&load, &at(0, 0), &mut gone), Err(Misuse::Memory { shared: false, .. })));
}
