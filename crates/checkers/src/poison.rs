//! The pattern in memory that nobody has written since it was allocated.
//!
//! The contents themselves say whether something was written, whoever wrote it: kernels, copies, the host, texture units. A value that is the pattern
//! by chance is one in 2³² for each place.

/// Memory of more bytes is not filled, and counts as written.
pub(crate) const FILLED_BYTES_MAX: u64 = 256 << 20;

/// The word at an offset, counted in words, of an allocation.
fn word(index: u64) -> u32 {
    // Neither a small number nor a common float, and another one at each place, so that a copy of it is no pattern.
    ((index as u32).wrapping_mul(0x9e37_79b1).rotate_left(7) ^ 0xb5c3_5a6d).wrapping_mul(0x85eb_ca6b) | 1
}

/// The byte at an offset of an allocation.
fn byte(offset: u64) -> u8 {
    word(offset / 4).to_le_bytes()[(offset % 4) as usize]
}

/// Fills an allocation.
///
/// # Safety
/// The memory can be written, and nobody else uses it.
pub(crate) unsafe fn fill(base: u64, bytes: u64) {
    let whole = bytes / 4;
    for index in 0..whole {
        // SAFETY: the caller's promise; allocations are aligned to pages.
        unsafe { *((base + index * 4) as *mut u32) = word(index) };
    }
    for offset in whole * 4..bytes {
        // SAFETY: as above.
        unsafe { *((base + offset) as *mut u8) = byte(offset) };
    }
}

/// Whether all of some bytes of an allocation hold the pattern; less than 4 are looked at with the word around them.
///
/// # Safety
/// The allocation of `bytes` bytes at `base` can be read.
pub(crate) unsafe fn is_untouched(base: u64, bytes: u64, offset: u64, count: u64) -> bool {
    let (mut first, mut end) = (offset, offset + count);
    if count < 4 {
        (first, end) = (offset & !3, ((offset & !3) + 4).min(bytes));
    }
    // SAFETY: within the allocation. Other threads may write meanwhile: a byte is read as it is.
    (first..end).all(|at| unsafe { std::ptr::read_volatile((base + at) as *const u8) } == byte(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_told_from_what_was_not() {
        let mut memory = vec![0u64; 8];
        let base = memory.as_mut_ptr() as u64;
        // SAFETY: the vector's own memory.
        unsafe {
            fill(base, 62);
            assert!((0..58).all(|offset| is_untouched(base, 62, offset, 4)));
            *((base + 9) as *mut u8) = 0;
            assert!(is_untouched(base, 62, 4, 4) && !is_untouched(base, 62, 8, 4) && !is_untouched(base, 62, 8, 1));
            assert!(is_untouched(base, 62, 61, 1) && !is_untouched(base, 62, 0, 16));
        }
    }
}
