//! The number that says what a GPU can do.

use std::fmt;
use std::str::FromStr;

/// A compute capability, such as 9.0 (CUDA C++ Programming Guide, "Compute Capabilities").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ComputeCapability {
    /// The generation: 12 in 12.0.
    pub major: u32,
    /// The revision within a generation: 0 in 12.0.
    pub minor: u32,
}

impl ComputeCapability {
    /// Every capability that a device can present, ascending.
    pub const KNOWN: [ComputeCapability; 12] = [
        Self::new(7, 0),
        Self::new(7, 5),
        Self::new(8, 0),
        Self::new(8, 6),
        Self::new(8, 7),
        Self::new(8, 9),
        Self::new(9, 0),
        Self::new(10, 0),
        Self::new(10, 3),
        Self::new(11, 0),
        Self::new(12, 0),
        Self::new(12, 1),
    ];

    /// The capability `major.minor`, which need not be a known one.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Whether the capability is one of [`Self::KNOWN`].
    pub fn is_known(self) -> bool {
        Self::KNOWN.contains(&self)
    }
}

impl fmt::Display for ComputeCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text is no compute capability, or none that a device can present.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseCapabilityError(String);

impl fmt::Display for ParseCapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no compute capability that can be presented; there are:", self.0)?;
        ComputeCapability::KNOWN.iter().try_for_each(|known| write!(f, " {known}"))
    }
}

impl std::error::Error for ParseCapabilityError {}

impl FromStr for ComputeCapability {
    type Err = ParseCapabilityError;

    /// Reads "9.0", the only spelling. The answer is always one of [`ComputeCapability::KNOWN`].
    fn from_str(text: &str) -> Result<Self, ParseCapabilityError> {
        let known = Self::KNOWN.into_iter().find(|known| known.to_string() == text.trim());
        known.ok_or_else(|| ParseCapabilityError(text.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for known in ComputeCapability::KNOWN {
            assert_eq!(known.to_string().parse(), Ok(known));
        }
        assert_eq!(" 9.0\n".parse(), Ok(ComputeCapability::new(9, 0)));
    }

    #[test]
    fn the_known_ones_are_ascending() {
        assert!(ComputeCapability::KNOWN.is_sorted());
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_list() {
        for text in ["", "9", "9.", "9.00", "09.0", "6.1", "13.0", "twelve", "-9.0", "99999999999.0"] {
            let error = text.parse::<ComputeCapability>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")) && error.contains(" 12.0"), "{error}");
        }
    }
}
