//! The meaning of an operation for one lane.

use std::fmt;

use super::check::Flaw;
use super::element::{Element, Reduction, round_to_tf32};
use super::map::{MAP_BYTES, RANK_MAX, TensorMap, is_map};
use super::op::TensorOp;
use super::replace::replace;
use super::walk::{Part, Run, Walk};
use crate::{AtomicOp, Type, number};

/// What an operation must not do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misuse {
    /// There is no memory that could be reached so.
    Memory {
        /// The generic address.
        address: u64,
        /// Bytes.
        bytes: u64,
        /// Whether shared memory was meant.
        shared: bool,
    },
    /// An address that is not aligned.
    Misaligned {
        /// The generic address.
        address: u64,
        /// What it has to be a multiple of.
        align: u64,
    },
    /// The map is none, or cannot be.
    Map {
        /// Its generic address.
        address: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// The instruction is for tensors of another rank.
    Rank {
        /// The map's.
        map: u32,
        /// The instruction's.
        instruction: u32,
    },
    /// The map is for instructions of another mode.
    Mode,
    /// Coordinates that a part cannot have.
    Coordinates(&'static str),
    /// Elements of this type are not reduced so.
    Reduction(Reduction, Element),
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misuse::Memory { address, bytes, shared } => {
                let space = if *shared { "shared memory" } else { "memory" };
                write!(f, "{bytes} bytes at {address:#x} are not in {space}")
            }
            Misuse::Misaligned { address, align } => write!(f, "{address:#x} is no multiple of {align}"),
            Misuse::Map { address, flaw } => write!(f, "the tensor map at {address:#x}: {flaw}"),
            Misuse::Rank { map, instruction } => {
                write!(f, "the tensor map has {map} dimensions, the instruction {instruction}")
            }
            Misuse::Mode => f.write_str("the tensor map is for another mode than the instruction's"),
            Misuse::Coordinates(what) => f.write_str(what),
            Misuse::Reduction(op, element) => write!(f, "there is no reduction {op:?} of {element:?}"),
        }
    }
}

/// A change of an element.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    op: AtomicOp,
    ty: Type,
    flush: bool,
    operand: u64,
}

impl Update {
    /// Bytes of the element: 2, 4 or 8.
    pub fn bytes(&self) -> u32 {
        self.ty.bytes()
    }

    /// What becomes of an element.
    pub fn apply(&self, old: u64) -> u64 {
        let new = number::atomic(self.op, self.ty, self.flush, old.into(), self.operand.into(), 0);
        // Which operations types have was looked at before.
        new.map_or(old, |new| new as u64)
    }
}

/// Memory, as an operation reaches it. Addresses are generic.
pub trait World {
    /// Reads what is not part of a tensor: a map.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if it is not there.
    fn read_map(&mut self, address: u64, bytes: &mut [u8; MAP_BYTES]) -> Result<(), Misuse>;

    /// Writes a map.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if it is not there.
    fn write_map(&mut self, address: u64, bytes: &[u8; MAP_BYTES]) -> Result<(), Misuse>;

    /// Whether these bytes are all in the shared memory of one block of the cluster.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if not.
    fn check_shared(&mut self, address: u64, bytes: u64) -> Result<(), Misuse>;

    /// Reads bytes of a tensor.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if there are none.
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse>;

    /// Writes bytes of a tensor.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if there are none.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse>;

    /// Changes an element of a tensor at once.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if there is none.
    fn update(&mut self, address: u64, update: &Update) -> Result<(), Misuse>;

    /// Reads shared memory that has been checked.
    ///
    /// # Errors
    /// None, if it has been.
    fn read_shared(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse>;

    /// Writes shared memory that has been checked.
    ///
    /// # Errors
    /// None, if it has been.
    fn write_shared(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse>;
}

/// Bytes that are moved at a time, at most.
const PIECE_BYTES: usize = 64;
/// Bytes that swizzling leaves together.
const SWIZZLED_BYTES: usize = 16;
/// What a box in shared memory is aligned to.
const SHARED_ALIGN: u64 = 128;
/// What a map is aligned to.
const MAP_ALIGN: u64 = 64;
/// Every half of a NaN that fills what is out of bounds, as an H200 leaves it. `fma.oob` knows it by these bits.
pub const OUT_OF_BOUNDS_NAN: u16 = 0x7ff7;

/// Executes an operation for one lane. `operands` are bit patterns, in the order of [`TensorOp::operand_types`]; the result is that of
/// [`TensorOp::Load`], and otherwise 0.
///
/// # Errors
/// When it does what it must not.
pub fn execute(op: &TensorOp, operands: &[u64], world: &mut impl World) -> Result<u32, Misuse> {
    // Missing operands count as 0: a program that was verified has all of them.
    let operand = |index: usize| operands.get(index).copied().unwrap_or(0);
    let (address, second) = (operand(0), operand(1));
    if address % MAP_ALIGN != 0 {
        return Err(Misuse::Misaligned { address, align: MAP_ALIGN });
    }
    let mut bytes = [0; MAP_BYTES];
    world.read_map(address, &mut bytes)?;
    let access = match op {
        TensorOp::Replace(field) => {
            if !is_map(&bytes) {
                return Err(Misuse::Map { address, flaw: Flaw("these bytes are no tensor map of this driver's") });
            }
            replace(&mut bytes, *field, second);
            world.write_map(address, &bytes)?;
            return Ok(0);
        }
        TensorOp::Load(access) | TensorOp::Store(access) | TensorOp::Reduce(access, _) => *access,
    };
    let map = TensorMap::decode(&bytes).map_err(|flaw| Misuse::Map { address, flaw })?;
    let count = access.coordinates().min(RANK_MAX);
    let mut coordinates = [0; RANK_MAX];
    for (index, coordinate) in coordinates[..count].iter_mut().enumerate() {
        *coordinate = operand(2 + index) as u32 as i32;
    }
    let mut offsets = [0; 3];
    for (index, offset) in offsets[..access.offsets().min(3)].iter_mut().enumerate() {
        *offset = operand(2 + count + index) as u16;
    }
    let written = !matches!(op, TensorOp::Load(_));
    let walk = Walk::new(&map, Part { access, coordinates, offsets, written })?;
    if second % SHARED_ALIGN != 0 {
        return Err(Misuse::Misaligned { address: second, align: SHARED_ALIGN });
    }
    world.check_shared(second, walk.reach())?;
    let transfer = Transfer { map: &map, shared: second };
    match op {
        TensorOp::Load(_) => {
            walk.for_each(|run| transfer.load(run, world))?;
            return Ok(walk.bytes() as u32);
        }
        TensorOp::Store(_) => walk.for_each(|run| transfer.store(run, world))?,
        TensorOp::Reduce(_, reduction) => {
            let (op, ty) = reduction.atomic(map.element).ok_or(Misuse::Reduction(*reduction, map.element))?;
            walk.for_each(|run| transfer.reduce(run, op, ty, world))?;
        }
        TensorOp::Replace(_) => {}
    }
    Ok(0)
}

/// Moves runs between a tensor and shared memory. What holds bytes lies on the stack: the runtime may leave these functions by a
/// fault.
struct Transfer<'a> {
    map: &'a TensorMap,
    /// Where the box begins.
    shared: u64,
}

impl Transfer<'_> {
    /// Bytes that stay together.
    fn piece_bytes(&self) -> u32 {
        if self.map.swizzle.span().is_some() { SWIZZLED_BYTES as u32 } else { PIECE_BYTES as u32 }
    }

    /// Calls `visit` with each piece of a run: where it begins in the run, where it is in shared memory, its length.
    fn pieces(&self, run: Run, mut visit: impl FnMut(u32, u64, usize) -> Result<(), Misuse>) -> Result<(), Misuse> {
        let length = self.piece_bytes();
        let mut at = 0;
        while at < run.bytes {
            // A run need not begin where a piece does, which unaligned spans of elements would make of it.
            let place = self.map.swizzle.apply(self.shared + run.shared + u64::from(at));
            let bytes = length.min(run.bytes - at);
            visit(at, place, bytes as usize)?;
            at += bytes;
        }
        Ok(())
    }

    fn load(&self, run: Run, world: &mut impl World) -> Result<(), Misuse> {
        self.pieces(run, |at, place, length| {
            let mut buffer = [0; PIECE_BYTES];
            let bytes = &mut buffer[..length];
            let valid = part_of(run, at, length);
            if valid.len() < length && self.map.nan_fill {
                for half in bytes.chunks_exact_mut(2) {
                    half.copy_from_slice(&OUT_OF_BOUNDS_NAN.to_le_bytes());
                }
            }
            if !valid.is_empty() {
                let from = run.global.wrapping_add(u64::from(at) + valid.start as u64);
                world.read(from, &mut bytes[valid.clone()])?;
                if self.map.element.is_rounded() {
                    for word in bytes[valid].chunks_exact_mut(4) {
                        let bits = round_to_tf32(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
                        word.copy_from_slice(&bits.to_le_bytes());
                    }
                }
            }
            world.write_shared(place, bytes)
        })
    }

    fn store(&self, run: Run, world: &mut impl World) -> Result<(), Misuse> {
        self.pieces(run, |at, place, length| {
            let valid = part_of(run, at, length);
            if valid.is_empty() {
                return Ok(());
            }
            let mut buffer = [0; PIECE_BYTES];
            world.read_shared(place, &mut buffer[..length])?;
            world.write(run.global.wrapping_add(u64::from(at) + valid.start as u64), &buffer[valid])
        })
    }

    fn reduce(&self, run: Run, op: AtomicOp, ty: Type, world: &mut impl World) -> Result<(), Misuse> {
        let width = self.map.element.bytes() as usize;
        self.pieces(run, |at, place, length| {
            let valid = part_of(run, at, length);
            if valid.is_empty() {
                return Ok(());
            }
            let mut buffer = [0; PIECE_BYTES];
            world.read_shared(place, &mut buffer[..length])?;
            for index in valid.step_by(width) {
                let mut word = [0; 8];
                word[..width].copy_from_slice(&buffer[index..index + width]);
                let address = run.global.wrapping_add(u64::from(at) + index as u64);
                let (operand, flush) = (u64::from_le_bytes(word), self.map.element.is_flushed());
                world.update(address, &Update { op, ty, flush, operand })?;
            }
            Ok(())
        })
    }
}

/// The bytes of a piece that are in the tensor.
fn part_of(run: Run, at: u32, length: usize) -> std::ops::Range<usize> {
    let within = |edge: u32| (edge.saturating_sub(at) as usize).min(length);
    within(run.start)..within(run.end)
}
