//! `tensormap.replace` (PTX ISA 9.7.9.28): a field of a map gets a value, whatever that makes of the map. Whoever uses the map checks it.

use super::map::{self, MAP_BYTES, RANK_MAX, at, put};
use super::op::Field;

/// Gives a field a value, of which a field that has no room for it keeps one that is not possible.
pub(super) fn replace(map: &mut [u8; MAP_BYTES], field: Field, value: u64) {
    let byte = u8::try_from(value).unwrap_or(u8::MAX);
    let within = |dimension: u8, count: usize| usize::from(dimension).min(count - 1);
    match field {
        Field::GlobalAddress => map::set_address(map, value),
        Field::Rank => map[at::RANK] = byte,
        Field::BoxDim(dimension) => {
            let extent = u16::try_from(value).unwrap_or(u16::MAX);
            put(map, at::BOX + 2 * within(dimension, RANK_MAX), &extent.to_le_bytes());
        }
        Field::GlobalDim(dimension) => {
            let size = (value as u32).wrapping_sub(1);
            put(map, at::SIZES + 4 * within(dimension, RANK_MAX), &size.to_le_bytes());
        }
        Field::GlobalStride(dimension) => {
            put(map, at::STRIDES + 8 * within(dimension, RANK_MAX - 1), &value.to_le_bytes());
        }
        Field::ElementStride(dimension) => map[at::STEPS + within(dimension, RANK_MAX)] = byte,
        Field::ElementType => map[at::ELEMENT] = byte,
        Field::InterleaveLayout => map[at::INTERLEAVE] = byte,
        Field::SwizzleMode => map[at::SWIZZLE] = byte,
        Field::FillMode => map[at::FILL] = byte,
    }
}
