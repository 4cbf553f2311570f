//! The copy engine and the rules for maps, against an H100 and by hand.

mod maps;
mod recorded;
mod small;

use super::{Access, BoxShape, Element, Flaw, Interleave, MAP_BYTES, Misuse, Mode, Swizzle, TensorMap, Update, World};

/// Where the world's memories begin.
const MAP: u64 = 0x1000;
const SHARED: u64 = 0x10_0000;
const GLOBAL: u64 = 0x100_0000;

/// A tensor map, a block's shared memory and global memory.
pub(super) struct Memories {
    map: [u8; MAP_BYTES],
    shared: Vec<u8>,
    global: Vec<u8>,
}

impl Memories {
    /// With halves that count from 1 in global memory, and shared memory full of one byte.
    fn new(map: &TensorMap, shared_bytes: usize) -> Memories {
        let global = (0..1u32 << 16).flat_map(|half| (half + 1).to_le_bytes().into_iter().take(2)).collect();
        Memories { map: map.encode(), shared: vec![0xee; shared_bytes], global }
    }

    fn tensor(&mut self, address: u64, length: usize) -> Result<&mut [u8], Misuse> {
        let start = address.wrapping_sub(GLOBAL) as usize;
        let missing = Misuse::Memory { address, bytes: length as u64, shared: false };
        start.checked_add(length).and_then(|end| self.global.get_mut(start..end)).ok_or(missing)
    }

    fn block(&mut self, address: u64, length: usize) -> Result<&mut [u8], Misuse> {
        let start = address.wrapping_sub(SHARED) as usize;
        let missing = Misuse::Memory { address, bytes: length as u64, shared: true };
        start.checked_add(length).and_then(|end| self.shared.get_mut(start..end)).ok_or(missing)
    }
}

impl World for Memories {
    fn read_map(&mut self, address: u64, bytes: &mut [u8; MAP_BYTES]) -> Result<(), Misuse> {
        assert_eq!(address, MAP);
        *bytes = self.map;
        Ok(())
    }

    fn write_map(&mut self, address: u64, bytes: &[u8; MAP_BYTES]) -> Result<(), Misuse> {
        assert_eq!(address, MAP);
        self.map = *bytes;
        Ok(())
    }

    fn check_shared(&mut self, address: u64, bytes: u64) -> Result<(), Misuse> {
        self.block(address, bytes as usize).map(|_| ())
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        bytes.copy_from_slice(self.tensor(address, bytes.len())?);
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        self.tensor(address, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn update(&mut self, address: u64, update: &Update) -> Result<(), Misuse> {
        let place = self.tensor(address, update.bytes() as usize)?;
        let mut old = [0; 8];
        old[..place.len()].copy_from_slice(place);
        place.copy_from_slice(&update.apply(u64::from_le_bytes(old)).to_le_bytes()[..place.len()]);
        Ok(())
    }

    fn read_shared(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        bytes.copy_from_slice(self.block(address, bytes.len())?);
        Ok(())
    }

    fn write_shared(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        self.block(address, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }
}

/// A matrix of 64 by 8 halves in rows of 128 bytes, of which 16 by 4 are moved.
fn matrix() -> TensorMap {
    TensorMap {
        element: Element::U16,
        rank: 2,
        address: GLOBAL,
        sizes: [64, 8, 1, 1, 1],
        strides: [128, 0, 0, 0],
        shape: BoxShape::Tile([16, 4, 0, 0, 0]),
        steps: [1; 5],
        interleave: Interleave::None,
        swizzle: Swizzle::None,
        nan_fill: false,
        promotion: 0,
    }
}

/// The operands of an access to a tile of a matrix.
fn at(x: i32, y: i32) -> Vec<u64> {
    vec![MAP, SHARED, x as u32 as u64, y as u32 as u64]
}

const TILE: Access = Access { rank: 2, mode: Mode::Tile };

fn flaw_of(change: impl FnOnce(&mut TensorMap)) -> Option<&'static str> {
    let mut map = matrix();
    change(&mut map);
    map.check().err().map(|Flaw(what)| what)
}
