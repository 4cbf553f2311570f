//! What tests of tables share: AES's substitution, and numbers for a program.

/// The product in AES's field.
pub fn product(a: u8, b: u8) -> u8 {
    let step = |(sum, a): (u8, u8), bit: u32| {
        (if b >> bit & 1 == 1 { sum ^ a } else { sum }, a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b })
    };
    (0..8).fold((0, a), step).0
}

/// AES's substitution: of the inverse each bit is added to four others, and a constant.
pub fn substitution(index: u8) -> u8 {
    let inverse = (0..=255).find(|other| product(index, *other) == 1).unwrap_or(0);
    (0..5).fold(0x63, |sum, turn| sum ^ inverse.rotate_left(turn))
}

/// Numbers for a program, by its seed.
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one, which is below a bound.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }
}
