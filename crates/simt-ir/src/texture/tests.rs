//! What operations mean, on images in a plain vector of bytes.

use super::*;
use crate::Type;

/// One texture, whose handle is 7, and memory from address 0 on.
struct Plain {
    resource: Resource,
    memory: Vec<u8>,
    words: Vec<(u64, u64)>,
}

impl World for Plain {
    fn resource(&mut self, handle: u64) -> Option<Resource> {
        (handle == 7).then_some(self.resource)
    }

    fn word(&mut self, address: u64) -> Option<u64> {
        self.words.iter().find(|(at, _)| *at == address).map(|(_, word)| *word)
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        let range = address as usize..address as usize + bytes.len();
        bytes.copy_from_slice(self.memory.get(range).ok_or(Misuse::Memory { address })?);
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        let range = address as usize..address as usize + bytes.len();
        self.memory.get_mut(range).ok_or(Misuse::Memory { address })?.copy_from_slice(bytes);
        Ok(())
    }

    fn reduce(&mut self, address: u64, op: SurfaceReduction, wide: bool, operand: u64) -> Result<(), Misuse> {
        let mut bytes = [0; 8];
        let length = if wide { 8 } else { 4 };
        self.read(address, &mut bytes[..length])?;
        let new = op.apply(wide, u64::from_le_bytes(bytes), operand);
        self.write(address, &new.to_le_bytes()[..length])
    }
}

/// An image of floats 0, 1, 2 …
fn image(dimension: Dimension, size: [u32; 3], levels: u32) -> Plain {
    let format = Format { element: Element::F32, channels: 1, reading: Reading::Plain };
    let resource = Resource {
        usage: Usage::Texture,
        dimension,
        layered: false,
        base: 0,
        row_bytes: natural_row_bytes(size[0], 4),
        size,
        stored_layers: 1,
        first_layer: 0,
        layers: 1,
        levels,
        format,
        sampler: Sampler { mip_max: 100.0, ..Sampler::default() },
    };
    let floats = 0..resource.bytes() / 4;
    let memory = floats.flat_map(|number| (number as f32).to_le_bytes()).collect();
    Plain { resource, memory, words: Vec::new() }
}

const READ: Sample = Sample {
    geometry: Geometry::D1,
    integer: false,
    detail: Detail::Base,
    gather: None,
    sampler: false,
    offset: false,
    compare: false,
};

fn bits(coordinates: &[f32]) -> Vec<u64> {
    std::iter::once(7).chain(coordinates.iter().map(|x| u64::from(x.to_bits()))).collect()
}

fn first(plain: &mut Plain, sample: Sample, coordinates: &[f32]) -> f32 {
    let found = execute(&TextureOp::Sample(sample), &bits(coordinates), plain).unwrap();
    f32::from_bits(found[0] as u32)
}

#[test]
fn every_operation_survives_its_code() {
    let geometries =
        [Geometry::D1, Geometry::D2, Geometry::D3, Geometry::Layered1, Geometry::Layered2, Geometry::LayeredCube];
    let mut all = vec![
        TextureOp::Query { query: Query::MemoryLayout, level: false },
        TextureOp::Query { query: Query::Width, level: true },
        TextureOp::IsType(Opaque::Sampler),
    ];
    for geometry in geometries {
        let sample = Sample { geometry, detail: Detail::Gradient, gather: Some(3), offset: true, ..READ };
        all.push(TextureOp::Sample(sample));
        all.push(TextureOp::Sample(Sample { integer: true, sampler: true, compare: true, ..sample }));
        for (action, beyond) in [
            (SurfaceAction::Load { bytes: 8, count: 2 }, Beyond::Trap),
            (SurfaceAction::Store { bytes: 1, count: 4 }, Beyond::Clamp),
            (SurfaceAction::StoreFormatted { count: 4 }, Beyond::Zero),
            (SurfaceAction::Reduce { op: SurfaceReduction::Or, wide: true, by_texel: true }, Beyond::Zero),
        ] {
            all.push(TextureOp::Surface(SurfaceAccess { geometry, action, beyond }));
        }
    }
    for op in all {
        assert_eq!(TextureOp::decode(op.encode()), Some(op));
        assert_eq!(op.operand_types().len(), op.operand_count());
        assert_eq!(op.result_types().len(), op.result_count());
    }
    assert_eq!((TextureOp::decode(0), TextureOp::decode(u64::MAX)), (None, None));
}

#[test]
fn a_resource_survives_its_words() {
    let Plain { mut resource, .. } = image(Dimension::Cube, [64, 64, 1], 5);
    resource.usage = Usage::Surface;
    resource.layered = true;
    (resource.stored_layers, resource.first_layer, resource.layers) = (12, 6, 6);
    resource.format = Format { element: Element::S16, channels: 4, reading: Reading::FractionSrgb };
    resource.sampler = Sampler {
        address: [AddressMode::Mirror, AddressMode::Border, AddressMode::Wrap],
        linear: true,
        normalized: true,
        mip_linear: true,
        mip_bias: -0.5,
        mip_min: 1.0,
        mip_max: 3.5,
        border: [1.0, 2.0, 3.0, 4.0],
    };
    assert_eq!(Resource::from_words(&resource.to_words()), Some(resource));
}

#[test]
fn address_modes_find_texels() {
    let found =
        |mode: AddressMode| -> Vec<i64> { (-5..8).map(|index| mode.apply(index, 3).map_or(-1, i64::from)).collect() };
    assert_eq!(found(AddressMode::Wrap), [1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]);
    assert_eq!(found(AddressMode::Clamp), [0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2]);
    assert_eq!(found(AddressMode::Mirror), [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
    assert_eq!(found(AddressMode::Border), [-1, -1, -1, -1, -1, 0, 1, 2, -1, -1, -1, -1, -1]);
}

#[test]
fn wrapping_needs_normalised_coordinates() {
    let mut line = image(Dimension::D1, [8, 1, 1], 1);
    line.resource.sampler.address = [AddressMode::Wrap; 3];
    assert_eq!(first(&mut line, READ, &[9.5]), 7.0);
    line.resource.sampler.normalized = true;
    assert_eq!(first(&mut line, READ, &[9.5 / 8.0]), 1.0);
}

#[test]
fn weights_have_eight_bits_of_fraction() {
    let mut line = image(Dimension::D1, [8, 1, 1], 1);
    line.resource.sampler.linear = true;
    assert_eq!(first(&mut line, READ, &[3.5]), 3.0);
    assert_eq!(first(&mut line, READ, &[3.75]), 3.25);
    // Less than half a step is none, more is one.
    assert_eq!(first(&mut line, READ, &[3.5 + 1.0 / 1024.0]), 3.0);
    assert_eq!(first(&mut line, READ, &[3.5 + 3.0 / 1024.0]), 3.0 + 1.0 / 256.0);
    assert_eq!(first(&mut line, READ, &[-100.0]), 0.0);
}

#[test]
fn the_border_has_its_colour_in_every_format() {
    use Element::{F16, F32, S8, S16, U8, U10U10U10U2, U16};
    let formats = [
        (F16, Reading::Plain),
        (F32, Reading::Plain),
        (S8, Reading::Fraction),
        (S16, Reading::Fraction),
        (U8, Reading::Fraction),
        (U8, Reading::FractionSrgb),
        (U16, Reading::Fraction),
        (U10U10U10U2, Reading::Fraction),
    ];
    for ((element, reading), linear) in formats.into_iter().flat_map(|format| [(format, false), (format, true)]) {
        let mut plain = image(Dimension::D1, [4, 1, 1], 1);
        plain.resource.format = Format { element, channels: 4, reading };
        let border = [0.5, 0.25, 0.75, 1.0];
        let address = [AddressMode::Border; 3];
        plain.resource.sampler = Sampler { address, linear, border, ..plain.resource.sampler };
        let found = execute(&TextureOp::Sample(READ), &bits(&[100.0]), &mut plain).unwrap();
        for (found, colour) in found.into_iter().zip(border) {
            let off = (f32::from_bits(found as u32) - colour).abs();
            assert!(off <= 1.0 / 127.0, "{element:?} {reading:?}, linear {linear}: {off} off {colour}");
        }
    }
}

#[test]
fn numbers_that_are_none_are_coordinates_too() {
    let mut line = image(Dimension::D1, [8, 1, 1], 1);
    for linear in [false, true] {
        line.resource.sampler.linear = linear;
        assert_eq!(first(&mut line, READ, &[f32::INFINITY]), 7.0);
        assert_eq!(first(&mut line, READ, &[f32::NEG_INFINITY]), 0.0);
        assert_eq!(first(&mut line, READ, &[f32::NAN]), 0.0);
        assert_eq!(first(&mut line, READ, &[f32::MAX]), 7.0);
    }
}

#[test]
fn levels_follow_one_another() {
    let mut plane = image(Dimension::D2, [8, 4, 1], 4);
    // Rows have at least 16 bytes: 8 x 4, then 4 x 2, 2 x 1, 1 x 1 texels in rows of 8, 4, 4 and 4.
    let bases: Vec<u64> = (0..4).map(|level| plane.resource.level(level).base / 4).collect();
    assert_eq!(bases, [0, 32, 40, 44]);
    assert_eq!(plane.resource.bytes(), 48 * 4);
    let level = Sample { geometry: Geometry::D2, detail: Detail::Level, ..READ };
    plane.resource.sampler.normalized = true;
    assert_eq!(first(&mut plane, level, &[0.1, 0.1, 0.0]), 0.0);
    assert_eq!(first(&mut plane, level, &[0.1, 0.1, 1.4]), 32.0);
    assert_eq!(first(&mut plane, level, &[0.1, 0.1, 100.0]), 44.0);
    plane.resource.sampler.mip_linear = true;
    assert_eq!(first(&mut plane, level, &[0.1, 0.1, 0.25]), 8.0);
    let gradient = Sample { geometry: Geometry::D2, detail: Detail::Gradient, ..READ };
    assert_eq!(first(&mut plane, gradient, &[0.1, 0.1, 0.25, 0.0, 0.0, 0.0]), 32.0);
}

#[test]
fn integers_are_fractions_where_that_is_wanted() {
    let texel = |element, reading, bytes: [u8; 4]| {
        let mut line = image(Dimension::D1, [4, 1, 1], 1);
        line.resource.format = Format { element, channels: 1, reading };
        line.memory[..4].copy_from_slice(&bytes);
        execute(&TextureOp::Sample(READ), &bits(&[0.5]), &mut line).unwrap().map(|word| word as u32)
    };
    let float = |element, reading, bytes| f32::from_bits(texel(element, reading, bytes)[0]);
    assert_eq!(float(Element::U8, Reading::Fraction, [51, 0, 0, 0]), 0.2);
    assert_eq!(float(Element::S8, Reading::Fraction, [0x80, 0, 0, 0]), -1.0);
    assert_eq!(float(Element::S16, Reading::Fraction, [0xff, 0x7f, 0, 0]), 1.0);
    assert_eq!(float(Element::F16, Reading::Plain, [0x00, 0xc2, 0, 0]), -3.0);
    assert_eq!(float(Element::F16, Reading::Plain, [0x01, 0, 0, 0]), 2f32.powi(-24));
    assert_eq!(float(Element::U8, Reading::FractionSrgb, [255, 0, 0, 0]), 1.0);
    assert_eq!(texel(Element::S8, Reading::Plain, [0xfe, 0, 0, 0]), [0xffff_fffe, 0, 0, 1]);
}

#[test]
fn directions_meet_the_faces_of_a_cube() {
    let directions = [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
    for (number, direction) in directions.into_iter().enumerate() {
        assert_eq!(cube::face(direction), (number as u32, [0.5, 0.5]));
    }
    assert_eq!(cube::face([2.0, 1.0, -1.0]), (0, [0.75, 0.25]));
    assert_eq!(cube::face([0.0; 3]).1, [0.5, 0.5]);
}

#[test]
fn surfaces_end_at_their_edges() {
    let mut plane = image(Dimension::D2, [4, 2, 1], 1);
    plane.resource.usage = Usage::Surface;
    let mut access = |action, beyond, operands: &[i32]| {
        let op = TextureOp::Surface(SurfaceAccess { geometry: Geometry::D2, action, beyond });
        let operands: Vec<u64> = std::iter::once(7).chain(operands.iter().map(|x| u64::from(*x as u32))).collect();
        execute(&op, &operands, &mut plane).map(|words| f32::from_bits(words[0] as u32))
    };
    let load = SurfaceAction::Load { bytes: 4, count: 1 };
    assert_eq!(access(load, Beyond::Trap, &[8, 1]), Ok(6.0));
    assert_eq!(access(load, Beyond::Trap, &[16, 1]), Err(Misuse::OutOfRange { x: 16, y: 1 }));
    assert_eq!(access(load, Beyond::Trap, &[6, 1]), Err(Misuse::Misaligned { x: 6, bytes: 4 }));
    assert_eq!(access(load, Beyond::Zero, &[-4, 0]), Ok(0.0));
    assert_eq!(access(load, Beyond::Clamp, &[400, -3]), Ok(3.0));
    let store = SurfaceAction::StoreFormatted { count: 1 };
    assert_eq!(access(store, Beyond::Zero, &[9, 0, 0]), Ok(0.0));
    assert_eq!(access(store, Beyond::Clamp, &[1, 1, 42f32.to_bits() as i32]), Ok(0.0));
    assert_eq!(access(load, Beyond::Trap, &[4, 1]), Ok(42.0));
}

#[test]
fn what_is_no_texture_is_told() {
    let mut plane = image(Dimension::D1, [4, 1, 1], 1);
    let at = |handle: u64| [handle, u64::from(0.5f32.to_bits())];
    let read = TextureOp::Sample(READ);
    assert_eq!(execute(&read, &at(8), &mut plane), Err(Misuse::NoResource { handle: 8 }));
    // A variable is named by its address, and may be bound to nothing.
    plane.words = vec![(64, variable::word(Opaque::Texture, 7)), (72, variable::word(Opaque::Texture, 0))];
    assert!(execute(&read, &at(64), &mut plane).is_ok());
    assert_eq!(execute(&read, &at(72), &mut plane), Err(Misuse::NoResource { handle: 72 }));
    let is = |kind: Opaque, handle: u64, plane: &mut Plain| {
        execute(&TextureOp::IsType(kind), &[handle], plane).map(|found| found[0] == 1)
    };
    assert_eq!(is(Opaque::Texture, 72, &mut plane), Ok(true));
    assert_eq!(is(Opaque::Surface, 64, &mut plane), Ok(false));
    assert_eq!(is(Opaque::Texture, 7, &mut plane), Ok(true));
    assert_eq!(is(Opaque::Texture, 9, &mut plane), Ok(false));
}

#[test]
fn a_sampler_replaces_the_modes_of_a_texture() {
    let mut line = image(Dimension::D1, [8, 1, 1], 1);
    line.resource.sampler.normalized = true;
    let sampler = Sampler { linear: true, ..Sampler::default() };
    line.words = vec![(64, variable::sampler_word(&sampler, true)), (72, variable::sampler_word(&sampler, false))];
    let read = TextureOp::Sample(Sample { sampler: true, ..READ });
    let mut at = |sampler: u64, x: f32| {
        let found = execute(&read, &[7, sampler, u64::from(x.to_bits())], &mut line).unwrap();
        f32::from_bits(found[0] as u32)
    };
    assert_eq!((at(64, 3.75), at(72, 0.5)), (3.25, 3.5));
    assert_eq!(read.operand_types(), [Type::I64, Type::I64, Type::F32]);
}

/// Numbers that follow from one.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    fn coordinate(&mut self, integer: bool) -> u32 {
        const ODD: [f32; 6] = [f32::NAN, f32::INFINITY, -1e30, 1e30, -0.0, 5.0];
        match (self.below(8), integer) {
            (0, false) => self.one_of(&ODD).to_bits(),
            (_, false) => ((self.below(4096) as f32 - 2048.0) / self.one_of(&[64.0, 300.0, 2048.0])).to_bits(),
            (0, true) => self.one_of(&[u32::MAX, 1 << 31, 64]),
            (_, true) => self.below(16) as u32,
        }
    }

    /// An image of any format, sampled in any way, full of any bytes.
    fn image(&mut self) -> Plain {
        use Element::{F16, F32, S8, S16, S32, U8, U10U10U10U2, U16, U32};
        let dimension = self.one_of(&[Dimension::D1, Dimension::D2, Dimension::D3, Dimension::Linear]);
        let size = [self.below(12) as u32 + 1, self.below(7) as u32 + 1, self.below(5) as u32 + 1];
        let mut plain = image(dimension, size, self.one_of(&[1, 1, 1, 2]));
        let element = self.one_of(&[F16, F32, F32, S8, S16, S32, U8, U8, U16, U32, U10U10U10U2]);
        let reading = match element {
            F16 | F32 | S32 | U32 => Reading::Plain,
            U10U10U10U2 => Reading::Fraction,
            U8 => self.one_of(&[Reading::Plain, Reading::Fraction, Reading::FractionSrgb]),
            _ => self.one_of(&[Reading::Plain, Reading::Fraction]),
        };
        let channels = if element == U10U10U10U2 { 4 } else { self.one_of(&[1, 2, 4]) };
        let modes = [AddressMode::Wrap, AddressMode::Clamp, AddressMode::Mirror, AddressMode::Border];
        let resource = &mut plain.resource;
        resource.format = Format { element, channels, reading };
        resource.row_bytes = natural_row_bytes(size[0], resource.format.texel_bytes());
        resource.sampler = Sampler {
            address: [self.one_of(&modes), self.one_of(&modes), self.one_of(&modes)],
            linear: self.below(2) == 0,
            normalized: self.below(2) == 0,
            border: [0.5, -0.0, 3.0, 1.0],
            ..resource.sampler
        };
        let bytes = plain.resource.bytes();
        plain.memory = (0..bytes).map(|_| self.below(256) as u8).collect();
        plain
    }
}

#[test]
fn a_warp_reads_what_its_lanes_read() {
    let mut numbers = Numbers(1);
    let mut taken = 0;
    for _ in 0..3000 {
        let mut plain = numbers.image();
        let sample = Sample {
            geometry: numbers.one_of(&[Geometry::D1, Geometry::D2, Geometry::D3]),
            integer: numbers.below(3) == 0,
            detail: numbers.one_of(&[Detail::Base, Detail::Base, Detail::Level]),
            ..READ
        };
        let Some(warp) = WarpSample::new(&sample, &plain.resource) else { continue };
        taken += 1;
        let given: Vec<[u32; 3]> = (0..32).map(|_| [0; 3].map(|_| numbers.coordinate(sample.integer))).collect();
        let dimensions = sample.geometry.dimensions();
        let mut found = vec![[0; 4]; 32];
        warp.each(0..32, |lane| given[lane], |lane, words| found[lane] = words, &mut plain).unwrap();
        for (lane, (given, found)) in given.iter().zip(found).enumerate() {
            let mut operands: Vec<u64> = vec![7];
            operands.extend(given[..dimensions].iter().map(|operand| u64::from(*operand)));
            operands.push(2f32.to_bits().into());
            let count = TextureOp::Sample(sample).operand_count();
            let expected = execute(&TextureOp::Sample(sample), &operands[..count], &mut plain).unwrap();
            assert_eq!(found.map(u64::from), expected, "lane {lane} at {given:x?}: {sample:?} of {:?}", plain.resource);
        }
    }
    assert!(taken > 500, "{taken}");
}
