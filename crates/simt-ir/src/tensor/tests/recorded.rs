//! Random boxes as an H100 moved them.

use std::str::FromStr;

use super::{GLOBAL, MAP, Memories, SHARED};
use crate::tensor::{
    Access, BoxShape, Element, Interleave, Misuse, Mode, Pixels, Swizzle, TensorMap, TensorOp, execute,
};

const RECORDING: &str = include_str!("boxes-h100.txt");

fn list<T: FromStr + Copy + Default, const N: usize>(text: &str) -> [T; N] {
    let mut all = [T::default(); N];
    for (place, number) in all.iter_mut().zip(text.split(',').filter(|number| *number != "-")) {
        *place = number.parse().unwrap_or_else(|_| panic!("{text} is a list of numbers"));
    }
    all
}

/// A line of the recording.
struct Case<'a> {
    text: &'a str,
    map: TensorMap,
    access: Access,
    coordinates: [i32; 5],
    offsets: [i32; 3],
    outcome: Vec<&'a str>,
}

impl<'a> Case<'a> {
    fn parse(text: &'a str) -> Case<'a> {
        let (inputs, outcome) = text.split_once(" = ").expect("inputs = outcome");
        let words: Vec<&str> = inputs.split(' ').collect();
        let [_, mode, element, sizes, strides, shape, steps, interleave, swizzle, fill, offset, coordinates, offsets] =
            words[..]
        else {
            panic!("{text}: a line has 13 inputs")
        };
        let number = |word: &str| -> u32 { word.parse().expect("a number") };
        let rank = sizes.split(',').count() as u32;
        let (mode, shape) = if mode == "tile" {
            (Mode::Tile, BoxShape::Tile(list(shape)))
        } else {
            let parts: Vec<&str> = shape.split('/').collect();
            let [lower, upper, channels, count] = parts[..] else { panic!("{text}: pixels have four parts") };
            let pixels =
                Pixels { lower: list(lower), upper: list(upper), channels: number(channels), count: number(count) };
            (Mode::Pixels, BoxShape::Pixels(pixels))
        };
        let map = TensorMap {
            element: Element::from_number(number(element)).expect("an element"),
            rank,
            address: GLOBAL + u64::from(number(offset)),
            sizes: list(sizes),
            strides: list(strides),
            shape,
            steps: list(steps),
            interleave: Interleave::from_number(number(interleave)).expect("an interleaving"),
            swizzle: Swizzle::from_number(number(swizzle)).expect("a swizzling"),
            nan_fill: fill == "1",
            promotion: 0,
        };
        Case {
            text,
            map,
            access: Access { rank: rank as u8, mode },
            coordinates: list(coordinates),
            offsets: list(offsets),
            outcome: outcome.split(' ').collect(),
        }
    }

    fn operands(&self, with_offsets: bool) -> Vec<u64> {
        let mut operands = vec![MAP, SHARED];
        operands.extend(self.coordinates[..self.access.coordinates()].iter().map(|number| *number as u32 as u64));
        if with_offsets {
            operands.extend(self.offsets[..self.access.offsets()].iter().map(|number| *number as u64));
        }
        operands
    }

    fn check(&self) {
        let text = self.text;
        let [_, load, store] = self.outcome[..] else {
            assert_eq!(self.outcome, ["refused"], "{text}");
            assert!(self.map.check().is_err(), "{text}");
            return;
        };
        assert_eq!(self.map.check(), Ok(()), "{text}");
        let bytes: usize = self.outcome[0].parse().expect("a number");
        let size = (bytes + 1024) / 4 * 4;
        let crc = |text: &str| -> u32 { text.parse().expect("a number") };

        let mut memories = Memories::new(&self.map, size);
        execute(&TensorOp::Load(self.access), &self.operands(true), &mut memories)
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(crc32(&memories.shared), crc(load), "{text}: load");

        let words = (0..size as u32 / 4).flat_map(|index| index.wrapping_mul(0x9e37_79b1).to_le_bytes());
        let mut memories = Memories { shared: words.collect(), ..Memories::new(&self.map, 0) };
        let written = execute(&TensorOp::Store(self.access), &self.operands(false), &mut memories);
        if store == "fault" {
            assert!(matches!(written, Err(Misuse::Coordinates(_))), "{text}: {written:?}");
        } else {
            assert_eq!(written, Ok(0), "{text}");
            assert_eq!(crc32(&memories.global), crc(store), "{text}: store");
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let next = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let table: Vec<u32> = (0..256).map(|byte| (0..8).fold(byte, |crc, _| next(crc))).collect();
    !bytes.iter().fold(!0, |crc, byte| crc >> 8 ^ table[usize::from(crc as u8 ^ byte)])
}

#[test]
fn boxes_are_moved_as_the_card_does() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    let cases: Vec<Case> = RECORDING.lines().filter(|line| !line.starts_with('#')).map(Case::parse).collect();
    assert!(cases.len() > 400);
    cases.iter().for_each(Case::check);
}
