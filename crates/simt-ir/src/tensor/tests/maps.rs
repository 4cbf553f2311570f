//! Maps: their bytes, their rules, and changes of their fields.

use super::{GLOBAL, MAP, Memories, flaw_of, matrix};
use crate::tensor::{Access, MAP_BYTES};
use crate::tensor::{
    BoxShape, Element, Field, Flaw, Interleave, Mode, Pixels, Reduction, Swizzle, TensorMap, TensorOp, execute,
};

/// An image of 5 by 4 pixels of 8 channels, twice.
fn image() -> TensorMap {
    TensorMap {
        rank: 4,
        sizes: [8, 5, 4, 2, 1],
        strides: [64, 512, 4096, 0],
        shape: BoxShape::Pixels(Pixels { lower: [-1, -1, 0], upper: [-1, -1, 0], channels: 8, count: 12 }),
        ..matrix()
    }
}

#[test]
fn maps_survive_their_bytes() {
    let wide = TensorMap { sizes: [1 << 32; 5], strides: [(1 << 40) - 16; 4], rank: 5, ..matrix() };
    let wide = TensorMap { shape: BoxShape::Tile([256, 8, 1, 1, 1]), steps: [8, 7, 6, 5, 4], promotion: 3, ..wide };
    for map in [image(), wide] {
        let mut again = TensorMap::decode(&map.encode()).expect("it is a map");
        // What the rank leaves out is not kept.
        again.sizes[map.rank as usize..].copy_from_slice(&map.sizes[map.rank as usize..]);
        assert_eq!(again, map);
    }
    assert_eq!(TensorMap::decode(&[0; MAP_BYTES]), Err(Flaw("these bytes are no tensor map of this driver's")));
    // Whatever becomes of its bytes, a map is decoded or refused.
    for at in 0..MAP_BYTES {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = image().encode();
            bytes[at] = value;
            let _ = TensorMap::decode(&bytes);
        }
    }
}

#[test]
fn tiles_keep_to_the_rules() {
    let tile = |extents: [u32; 2]| BoxShape::Tile([extents[0], extents[1], 1, 1, 1]);
    assert_eq!(flaw_of(|_| ()), None);
    for change in [
        (|map| map.rank = 0) as fn(&mut TensorMap),
        |map| map.rank = 6,
        |map| map.address += 8,
        |map| map.address = 1 << 60,
        |map| map.sizes[1] = 0,
        |map| map.sizes[0] = (1 << 32) + 1,
        |map| map.strides[0] = 24,
        |map| map.strides[0] = 1 << 40,
        |map| map.steps[0] = 0,
        |map| map.steps[1] = 9,
        |map| map.nan_fill = true,
        |map| map.promotion = 4,
        |map| map.interleave = Interleave::Bytes16,
    ] {
        assert!(flaw_of(change).is_some());
    }
    for extents in [[0, 1], [4, 1], [12, 1], [264, 1], [8, 0], [8, 257]] {
        assert!(flaw_of(|map| map.shape = tile(extents)).is_some(), "{extents:?}");
    }
    assert_eq!(flaw_of(|map| map.shape = tile([256, 256])), None);
    assert!(flaw_of(|map| (map.shape, map.element) = (tile([256, 256]), Element::U64)).is_some());
    assert_eq!(flaw_of(|map| map.strides[0] = 0), None);
    assert_eq!(flaw_of(|map| map.sizes[1] = 1 << 32), None);
    for (swizzle, fits, exceeds) in
        [(Swizzle::Bytes32, 16, 24), (Swizzle::Bytes64, 32, 40), (Swizzle::Bytes128, 64, 72)]
    {
        assert_eq!(flaw_of(|map| (map.swizzle, map.shape) = (swizzle, tile([fits, 4]))), None);
        assert!(flaw_of(|map| (map.swizzle, map.shape) = (swizzle, tile([exceeds, 4]))).is_some());
    }
    let interleaved = |map: &mut TensorMap, interleave| {
        (map.rank, map.interleave, map.swizzle) = (3, interleave, Swizzle::Bytes32);
        (map.sizes[2], map.strides[1], map.shape) = (2, 1024, tile([64, 4]));
    };
    assert_eq!(flaw_of(|map| interleaved(map, Interleave::Bytes16)), None);
    let half = |map: &mut TensorMap| {
        interleaved(map, Interleave::Bytes32);
        map.strides[0] = 48;
    };
    assert!(flaw_of(half).is_some());
}

#[test]
fn pixels_keep_to_the_rules() {
    let flaw_of = |change: fn(&mut TensorMap, &mut Pixels)| {
        let mut map = image();
        let BoxShape::Pixels(mut pixels) = map.shape else { panic!("pixels") };
        change(&mut map, &mut pixels);
        map.shape = BoxShape::Pixels(pixels);
        map.check().is_err()
    };
    assert!(!flaw_of(|_, _| ()));
    assert!(flaw_of(|map, _| map.rank = 2));
    assert!(flaw_of(|_, pixels| pixels.channels = 4) && flaw_of(|_, pixels| pixels.channels = 264));
    assert!(flaw_of(|_, pixels| pixels.count = 0) && flaw_of(|_, pixels| pixels.count = 1025));
    assert!(!flaw_of(|_, pixels| pixels.lower[0] = -128) && flaw_of(|_, pixels| pixels.lower[0] = -129));
    assert!(!flaw_of(|_, pixels| pixels.upper[0] = 127) && flaw_of(|_, pixels| pixels.upper[0] = 128));
    // From 3 to 3, and from 4 to 3.
    assert!(!flaw_of(|_, pixels| pixels.lower[0] = 3) && flaw_of(|_, pixels| pixels.lower[0] = 4));
    assert!(flaw_of(|map, pixels| (map.rank, pixels.lower[0]) = (5, -17)));
    assert!(!flaw_of(|map, pixels| (map.rank, pixels.lower[0]) = (3, -32768)));
}

#[test]
fn fields_are_replaced() {
    let replaced = |field: Field, value: u64| {
        let mut memories = Memories::new(&matrix(), 0);
        execute(&TensorOp::Replace(field), &[MAP, value], &mut memories).expect("it can be replaced");
        TensorMap::decode(&memories.map)
    };
    let is = |field, value, change: fn(&mut TensorMap)| {
        let mut map = TensorMap::decode(&matrix().encode()).expect("it is a map");
        change(&mut map);
        assert_eq!(replaced(field, value), Ok(map), "{field:?}");
    };
    is(Field::GlobalAddress, GLOBAL + 64, |map| map.address += 64);
    is(Field::Rank, 0, |map| map.rank = 1);
    is(Field::BoxDim(1), 3, |map| map.shape = BoxShape::Tile([16, 3, 0, 0, 0]));
    is(Field::GlobalDim(0), 60, |map| map.sizes[0] = 60);
    is(Field::GlobalDim(4), 0, |map| map.sizes[4] = 1 << 32);
    is(Field::GlobalStride(0), 256, |map| map.strides[0] = 256);
    is(Field::ElementStride(1), 2, |map| map.steps[1] = 2);
    is(Field::ElementType, 9, |map| map.element = Element::BF16);
    is(Field::SwizzleMode, 1, |map| map.swizzle = Swizzle::Bytes32);
    // What cannot be is kept, and told when the map is used.
    for (field, value) in [
        (Field::Rank, 1 << 20),
        (Field::BoxDim(0), 1 << 16),
        (Field::ElementStride(0), 0),
        (Field::ElementType, 13),
        (Field::FillMode, 1),
        (Field::InterleaveLayout, 1),
    ] {
        assert!(replaced(field, value).is_err(), "{field:?}");
    }
}

#[test]
fn operations_survive_their_numbers() {
    let accesses = (1..=5).flat_map(|rank| [Mode::Tile, Mode::Pixels, Mode::Rows].map(|mode| Access { rank, mode }));
    let mut all: Vec<TensorOp> = accesses.clone().flat_map(|it| [TensorOp::Load(it), TensorOp::Store(it)]).collect();
    all.extend(accesses.flat_map(|it| Reduction::ALL.map(|op| TensorOp::Reduce(it, op))));
    let of_all = (0..5).flat_map(|dimension| {
        [Field::BoxDim, Field::GlobalDim, Field::GlobalStride, Field::ElementStride].map(|field| field(dimension))
    });
    let single = [Field::GlobalAddress, Field::Rank, Field::ElementType, Field::InterleaveLayout];
    let fields = of_all.chain(single).chain([Field::SwizzleMode, Field::FillMode]);
    all.extend(fields.map(TensorOp::Replace));
    for op in all {
        assert_eq!(TensorOp::decode(op.encode()), Some(op));
        assert_eq!(op.operand_types().len(), op.operand_count());
    }
    assert_eq!(TensorOp::decode(0), None);
}
