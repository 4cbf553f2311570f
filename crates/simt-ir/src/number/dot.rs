//! Dot products of packed small integers (PTX ISA 9.7.1.22, 9.7.1.23). Sums wrap.

/// [`crate::Op::DotProduct4`].
pub(crate) fn dot_product4(a_signed: bool, b_signed: bool, a: u32, b: u32, c: u32) -> u32 {
    let mut sum = c;
    for index in 0..4 {
        let product = element(a, 8, index, a_signed).wrapping_mul(element(b, 8, index, b_signed));
        sum = sum.wrapping_add(product);
    }
    sum
}

/// [`crate::Op::DotProduct2`]: the 16-bit halves of `a` times two bytes of `b`.
pub(crate) fn dot_product2(a_signed: bool, b_signed: bool, high: bool, a: u32, b: u32, c: u32) -> u32 {
    let first_byte = if high { 2 } else { 0 };
    let mut sum = c;
    for index in 0..2 {
        let product = element(a, 16, index, a_signed).wrapping_mul(element(b, 8, first_byte + index, b_signed));
        sum = sum.wrapping_add(product);
    }
    sum
}

/// Element `index` of `bits` bits, extended to 32.
fn element(packed: u32, bits: u32, index: u32, signed: bool) -> u32 {
    let at_top = packed << (32 - bits - bits * index);
    if signed { ((at_top as i32) >> (32 - bits)) as u32 } else { at_top >> (32 - bits) }
}
