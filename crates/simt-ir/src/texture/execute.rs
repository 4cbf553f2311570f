//! The meaning of an operation for one lane.

use super::{
    Dimension, Opaque, Resource, SurfaceAccess, SurfaceReduction, TextureOp, Usage, filter, query, surface, variable,
};

/// What an operation must not do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misuse {
    /// The number names no resource, or one that this is not done with.
    NoResource {
        /// The number.
        handle: u64,
    },
    /// A surface has no texel there, and the access says that this is a fault.
    OutOfRange {
        /// x as the program has it.
        x: i64,
        /// y, or the layer of a row.
        y: i64,
    },
    /// x is no multiple of what is accessed.
    Misaligned {
        /// x as the program has it.
        x: i64,
        /// Bytes.
        bytes: u32,
    },
    /// There is no memory where the image lies.
    Memory {
        /// The address.
        address: u64,
    },
}

/// Objects and memory, as an operation reaches them.
pub trait World {
    /// Says whose turn it is.
    fn begin_lane(&mut self, _lane: usize) {}

    /// The texture or surface of a handle.
    fn resource(&mut self, handle: u64) -> Option<Resource>;

    /// The aligned word at an address that a program made up; none if it cannot be read.
    fn word(&mut self, address: u64) -> Option<u64>;

    /// Reads bytes of an image.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if there are none.
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse>;

    /// Writes bytes of an image.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if there are none.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse>;

    /// Changes a number of an image at once.
    ///
    /// # Errors
    /// [`Misuse::Memory`] if there is none.
    fn reduce(&mut self, address: u64, op: SurfaceReduction, wide: bool, operand: u64) -> Result<(), Misuse>;
}

/// Most operands of an operation.
pub(super) const OPERANDS_MAX: usize = 16;

/// Most results.
pub(super) const RESULTS_MAX: usize = 4;

/// Executes an operation for one lane. `operands` and the results are bit patterns, in the order of [`TextureOp::operand_types`]
/// and [`TextureOp::result_types`].
///
/// # Errors
/// When it does what it must not.
pub fn execute(op: &TextureOp, operands: &[u64], world: &mut impl World) -> Result<[u64; RESULTS_MAX], Misuse> {
    // Missing operands count as 0: a program that was verified has all of them.
    let mut all = [0; OPERANDS_MAX];
    let count = operands.len().min(OPERANDS_MAX);
    all[..count].copy_from_slice(&operands[..count]);
    match op {
        TextureOp::Sample(sample) => {
            let mut texture = find(world, all[0], Usage::Texture)?;
            if sample.sampler {
                let word = world.word(all[1]).and_then(variable::parts);
                let Some((Opaque::Sampler, content)) = word else {
                    return Err(Misuse::NoResource { handle: all[1] });
                };
                let (sampler, force_unnormalized) = variable::sampler_of(content);
                texture = texture.with_sampler(sampler, force_unnormalized);
            }
            let first = 1 + usize::from(sample.sampler);
            filter::sample(sample, &texture, &all[first..], world)
        }
        TextureOp::Surface(access) => {
            let found = find(world, all[0], Usage::Surface)?;
            surface::access(access, &found, &all[1..], world)
        }
        TextureOp::Query { query, level } => {
            let level = if *level { all[1] as u32 } else { 0 };
            let answer = match world.word_kind(all[0]) {
                Some((Opaque::Sampler, content)) => query::of_sampler(*query, content),
                _ => query::of_resource(*query, &find_any(world, all[0])?, level),
            };
            Ok([u64::from(answer), 0, 0, 0])
        }
        TextureOp::IsType(kind) => {
            let is = match world.word_kind(all[0]) {
                Some((found, _)) => found == *kind,
                None => world.resource(all[0]).is_some_and(|found| match found.usage {
                    Usage::Texture => *kind == Opaque::Texture,
                    Usage::Surface => *kind == Opaque::Surface,
                }),
            };
            Ok([u64::from(is), 0, 0, 0])
        }
    }
}

/// What follows from the required functions of a [`World`].
trait Variables {
    /// Kind and content of the opaque variable at an address.
    fn word_kind(&mut self, address: u64) -> Option<(Opaque, u64)>;
}

impl<W: World> Variables for W {
    fn word_kind(&mut self, address: u64) -> Option<(Opaque, u64)> {
        if self.resource(address).is_some() {
            return None;
        }
        variable::parts(self.word(address)?)
    }
}

/// The resource that a number names: an object's, or the address of a variable's.
fn find_any(world: &mut impl World, number: u64) -> Result<Resource, Misuse> {
    if let Some(found) = world.resource(number) {
        return Ok(found);
    }
    let referred = match world.word(number).and_then(variable::parts) {
        Some((Opaque::Texture | Opaque::Surface, handle)) => world.resource(handle),
        _ => None,
    };
    referred.ok_or(Misuse::NoResource { handle: number })
}

/// As [`find_any`], for a use.
fn find(world: &mut impl World, number: u64, usage: Usage) -> Result<Resource, Misuse> {
    let found = find_any(world, number)?;
    if found.usage == usage { Ok(found) } else { Err(Misuse::NoResource { handle: number }) }
}

/// The layer that an access names first, and where its coordinates begin.
pub(super) fn layer_operand(is_layered: bool, operands: &[u64]) -> (i64, usize) {
    if is_layered { (i64::from(operands[0] as u32 as i32), 1) } else { (0, 0) }
}

/// Whether a surface access of a geometry finds what it expects: a layer to choose, or none.
pub(super) fn layer_count(access: &SurfaceAccess, resource: &Resource) -> u32 {
    let has_layers = resource.layered || resource.dimension == Dimension::Cube;
    if access.geometry.is_layered() && has_layers { resource.layers } else { 1 }
}
