//! Bit patterns of a given width, held in `u128`.

/// The low `width` bits set; all for 128.
pub(crate) const fn mask(width: u32) -> u128 {
    if width >= 128 { u128::MAX } else { (1 << width) - 1 }
}

/// The low `width` bits as a two's complement number.
pub(crate) const fn sign_extend(bits: u128, width: u32) -> i128 {
    let unused = 128 - width;
    ((bits << unused) as i128) >> unused
}
