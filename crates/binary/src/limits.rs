//! What is accepted at most. Each is several times what the largest real file has.

/// Bytes of a symbol's, section's or library's name. The longest C++ symbols of PyTorch have some thousands.
pub const NAME_BYTES_MAX: usize = 32 << 10;

/// Libraries that a file is linked with.
pub const NEEDED_MAX: usize = 1 << 12;

/// Bytes of all names of the symbols that a report lists for a file; as with their number, the rest is left out.
pub const SYMBOL_NAME_BYTES_MAX: usize = 256 << 20;

/// Symbols that a report lists for a file; more are counted and left out.
pub const SYMBOLS_LISTED_MAX: usize = 1 << 21;

/// Images of device code in a file; reading stops there, and the report says so.
pub const IMAGES_MAX: usize = 1 << 20;

/// Functions that are named for an image.
pub const FUNCTIONS_MAX: usize = 1 << 16;

/// Bytes of a member of a wheel, unpacked.
pub const MEMBER_BYTES_MAX: u64 = 8 << 30;

/// Bytes of all members of a wheel that are unpacked.
pub const WHEEL_BYTES_MAX: u64 = 32 << 30;

/// A member of a wheel up to this size is unpacked to memory, a larger one to a temporary file.
pub const MEMBER_IN_MEMORY_BYTES_MAX: u64 = 32 << 20;

/// Members of an archive or a wheel.
pub const MEMBERS_MAX: usize = 1 << 17;

/// Lines of problems that are kept for a file.
pub const PROBLEMS_MAX: usize = 100;

/// Bytes of device code of a file that are unpacked to find the names of its functions, unless more are asked for.
pub const UNPACKED_BYTES_MAX: u64 = 64 << 20;
