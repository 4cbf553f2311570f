//! What a `.texref`, `.surfref` or `.samplerref` variable holds: 64 bits, of which the highest eight say the kind.

use super::{Opaque, Sampler};

/// Bytes of such a variable.
pub const BYTES: u64 = 8;

const KIND_SHIFT: u32 = 56;

/// A variable of a kind that refers to the object `handle`; 0 for none.
pub fn word(kind: Opaque, handle: u64) -> u64 {
    (kind as u64) << KIND_SHIFT | handle & ((1 << KIND_SHIFT) - 1)
}

/// A `.samplerref` variable. `force_unnormalized`: coordinates are texels whatever the texture says.
pub fn sampler_word(sampler: &Sampler, force_unnormalized: bool) -> u64 {
    word(Opaque::Sampler, sampler.bits() | u64::from(force_unnormalized) << 16)
}

/// Kind and content of a variable; none if the word is none.
pub fn parts(word: u64) -> Option<(Opaque, u64)> {
    let kind = match word >> KIND_SHIFT {
        1 => Opaque::Texture,
        2 => Opaque::Sampler,
        3 => Opaque::Surface,
        _ => return None,
    };
    Some((kind, word & ((1 << KIND_SHIFT) - 1)))
}

/// The sampler of a `.samplerref` variable's content, and whether it forces coordinates to be texels.
pub fn sampler_of(content: u64) -> (Sampler, bool) {
    (Sampler::from_bits(content), content >> 16 & 1 != 0)
}
