//! Selectors of video instructions: which bytes or halves an operand means (PTX ISA 9.7.18).

/// A selector such as `.b2`, `.h10` or `.b7654`. Numbers beyond those of one register mean the other operand's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Bits of a part: 8 or 16.
    pub width: u32,
    parts: [u8; 4],
    count: usize,
}

impl Selector {
    /// Reads a selector, without its dot: `b` or `h`, and digits, the highest part first.
    pub fn parse(text: &str) -> Option<Selector> {
        let (width, most, digits) = match text.split_at_checked(1)? {
            ("b", digits) => (8, 4, digits),
            ("h", digits) => (16, 2, digits),
            _ => return None,
        };
        let mut selector = Selector { width, parts: [0; 4], count: digits.len() };
        if !(1..=most).contains(&digits.len()) {
            return None;
        }
        for (part, digit) in selector.parts.iter_mut().zip(digits.bytes().rev()) {
            let number = digit.checked_sub(b'0').filter(|number| usize::from(*number) < 2 * most)?;
            *part = number;
        }
        Some(selector)
    }

    /// The numbers of the parts, the lowest first.
    pub fn parts(&self) -> &[u8] {
        &self.parts[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::Selector;

    #[test]
    fn parts_are_read_from_the_right() {
        let parts = |text: &str| Selector::parse(text).map(|selector| (selector.width, selector.parts().to_vec()));
        assert_eq!(parts("b2"), Some((8, vec![2])));
        assert_eq!(parts("h10"), Some((16, vec![0, 1])));
        assert_eq!(parts("b7654"), Some((8, vec![4, 5, 6, 7])));
        for wrong in ["", "b", "h4", "h210", "b8", "b76543", "x", "h-1", "\u{e9}1"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
