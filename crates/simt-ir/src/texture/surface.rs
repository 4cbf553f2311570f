//! Loads, stores and reductions of surfaces.

use super::execute::{RESULTS_MAX, layer_count, layer_operand};
use super::{Beyond, Level, Misuse, Resource, SurfaceAccess, SurfaceAction, World};

/// An access. `operands` begin with the coordinates.
pub(super) fn access(
    access: &SurfaceAccess,
    resource: &Resource,
    operands: &[u64],
    world: &mut impl World,
) -> Result<[u64; RESULTS_MAX], Misuse> {
    let (layer, first) = layer_operand(access.geometry.is_layered(), operands);
    let dimensions = access.geometry.dimensions();
    let mut coordinates = [0i64; 3];
    for (index, coordinate) in coordinates.iter_mut().enumerate().take(dimensions) {
        *coordinate = i64::from(operands[first + index] as u32 as i32);
    }
    let values = &operands[first + dimensions..];
    let texel_bytes = i64::from(resource.format.texel_bytes());
    let (bytes, by_texel) = match access.action {
        SurfaceAction::Load { bytes, count } | SurfaceAction::Store { bytes, count } => {
            (u32::from(bytes) * u32::from(count), false)
        }
        SurfaceAction::StoreFormatted { .. } => (texel_bytes as u32, true),
        SurfaceAction::Reduce { wide, by_texel, .. } => (if wide { 8 } else { 4 }, by_texel),
    };
    if by_texel {
        coordinates[0] *= texel_bytes;
    }
    let Some(address) = address(access, resource, layer, coordinates, bytes)? else {
        return Ok([0; RESULTS_MAX]);
    };
    let mut results = [0; RESULTS_MAX];
    match access.action {
        SurfaceAction::Load { bytes: width, count } => {
            let mut memory = [0; 32];
            let memory = &mut memory[..bytes as usize];
            world.read(address, memory)?;
            for (result, element) in results.iter_mut().zip(memory.chunks(usize::from(width))).take(count.into()) {
                *result = word_of(element);
            }
        }
        SurfaceAction::Store { bytes: width, count } => {
            let (mut memory, width) = ([0; 32], usize::from(width));
            for (index, value) in values.iter().enumerate().take(count.into()) {
                memory[index * width..][..width].copy_from_slice(&value.to_le_bytes()[..width]);
            }
            world.write(address, &memory[..bytes as usize])?;
        }
        SurfaceAction::StoreFormatted { count } => {
            let (mut memory, width) = ([0; 16], resource.format.element.bytes() as usize);
            for (index, value) in values.iter().enumerate().take(count.into()) {
                let end = (index + 1) * width;
                if end <= bytes as usize {
                    let element = resource.format.encode(*value as u32);
                    memory[index * width..end].copy_from_slice(&element[..width]);
                }
            }
            world.write(address, &memory[..bytes as usize])?;
        }
        SurfaceAction::Reduce { op, wide, .. } => world.reduce(address, op, wide, values[0])?,
    }
    Ok(results)
}

/// The address of what is accessed; none if nothing is to be done.
fn address(
    access: &SurfaceAccess,
    resource: &Resource,
    layer: i64,
    [x, y, z]: [i64; 3],
    bytes: u32,
) -> Result<Option<u64>, Misuse> {
    let level: Level = resource.level(0);
    let row = i64::from(level.size[0]) * i64::from(resource.format.texel_bytes());
    let layers = i64::from(layer_count(access, resource));
    // What is outside is found out before what is askew, as on the card.
    let largest = [row - i64::from(bytes), i64::from(level.size[1]) - 1, i64::from(level.size[2]) - 1, layers - 1];
    let asked = [x, y, z, layer];
    let inside = asked.iter().zip(largest).all(|(at, largest)| (0..=largest).contains(at));
    let [x, y, z, layer] = match access.beyond {
        _ if inside => asked,
        Beyond::Trap => return Err(Misuse::OutOfRange { x, y: if y != 0 { y } else { layer } }),
        Beyond::Zero => return Ok(None),
        Beyond::Clamp if largest[0] < 0 => return Ok(None),
        Beyond::Clamp => {
            let mut nearest = asked;
            for (at, largest) in nearest.iter_mut().zip(largest) {
                *at = (*at).clamp(0, largest);
            }
            nearest
        }
    };
    if x % i64::from(bytes) != 0 {
        return Err(Misuse::Misaligned { x, bytes });
    }
    let slice = z as u64 + layer as u64 + u64::from(resource.first_layer);
    Ok(Some(level.base + slice * level.slice_bytes + y as u64 * level.row_bytes + x as u64))
}

/// Up to eight bytes as a number.
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}
