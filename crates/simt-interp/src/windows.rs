//! Generic addresses of memory that is not global.
//!
//! A generic address of shared, local or parameter memory has a window number in its top byte, the number of the block or
//! thread that owns the memory below that, and the offset in its low bits. No host address looks like that. Since the owner is part
//! of the address, a pointer to local memory that wandered to another thread is told from one of its own.

/// Top byte of generic addresses in shared memory.
pub const SHARED_WINDOW: u64 = 0x5a << WINDOW_SHIFT;
/// Top byte of generic addresses in local memory.
pub const LOCAL_WINDOW: u64 = 0x5b << WINDOW_SHIFT;
/// Top byte of generic addresses of kernel parameters.
pub const PARAM_WINDOW: u64 = 0x5c << WINDOW_SHIFT;

const WINDOW_SHIFT: u32 = 56;
const OWNER_SHIFT: u32 = 24;
const OFFSET_MASK: u64 = (1 << OWNER_SHIFT) - 1;

/// The generic address of offset 0 in a window of `owner` (counted modulo 2^32).
pub(crate) fn base(window: u64, owner: u64) -> u64 {
    window | (owner & 0xffff_ffff) << OWNER_SHIFT
}

/// The window that a generic address lies in; 0 for global memory.
pub(crate) fn window_of(address: u64) -> u64 {
    match address >> WINDOW_SHIFT << WINDOW_SHIFT {
        window @ (SHARED_WINDOW | LOCAL_WINDOW | PARAM_WINDOW) => window,
        _ => 0,
    }
}

/// The offset in the owner's memory.
pub(crate) fn offset_of(address: u64) -> u64 {
    address & OFFSET_MASK
}

/// Whether a generic address lies in the window of this owner.
pub(crate) fn is_within(window: u64, owner: u64, address: u64) -> bool {
    address & !OFFSET_MASK == base(window, owner)
}
