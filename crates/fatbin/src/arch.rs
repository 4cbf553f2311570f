//! Architectures of images and compute capabilities of devices.

use std::fmt;
use std::str::FromStr;

/// A compute capability: major and minor revision of a device's architecture.
///
/// Ordered as numbers are: 8.9 < 9.0 < 12.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability {
    /// The generation: 12 in 12.0.
    pub major: u32,
    /// The revision: 0 in 12.0, always below 10.
    pub minor: u32,
}

impl Capability {
    /// The capability `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The capability that a number such as 75 or 120 stands for in `sm_75`, `compute_120`.
    pub const fn from_sm(sm: u32) -> Self {
        Self { major: sm / 10, minor: sm % 10 }
    }

    /// The number in `sm_75`, `compute_120`.
    pub const fn sm(self) -> u32 {
        self.major * 10 + self.minor
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is not a compute capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a compute capability: write 7.5, 75 or sm_75")]
pub struct ParseCapabilityError(String);

impl FromStr for Capability {
    type Err = ParseCapabilityError;

    /// Reads `7.5`, `75`, `sm_75` and `compute_75`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseCapabilityError(text.to_owned());
        let number = |digits: &str| match digits.len() {
            1..=3 if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<u32>().map_err(|_| error()),
            _ => Err(error()),
        };
        if let Some((major, minor)) = text.split_once('.') {
            let minor = number(minor)?;
            return if minor < 10 { Ok(Self::new(number(major)?, minor)) } else { Err(error()) };
        }
        let digits = text.strip_prefix("sm_").or_else(|| text.strip_prefix("compute_"));
        match number(digits.unwrap_or(text))? {
            sm @ 10.. => Ok(Self::from_sm(sm)),
            _ => Err(error()),
        }
    }
}

/// How far code for an architecture carries over to later devices.
///
/// Ordered by how specific it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// `compute_120`: PTX runs on this and every later device.
    Portable,
    /// `compute_120f`: PTX runs on this and later devices of the same generation.
    Family,
    /// `compute_120a`: PTX runs on this very device only.
    Specific,
}

/// What an image was compiled for: `compute_90a` is 9.0 with [`Variant::Specific`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arch {
    /// The compute capability.
    pub capability: Capability,
    /// The suffix.
    pub variant: Variant,
}

impl Arch {
    /// Whether PTX for this architecture may run on a device (PTX ISA 11.1.2, `.target`).
    pub fn ptx_runs_on(self, device: Capability) -> bool {
        match self.variant {
            Variant::Portable => self.capability <= device,
            Variant::Family => self.capability.major == device.major && self.capability.minor <= device.minor,
            Variant::Specific => self.capability == device,
        }
    }

    /// Whether PTX for this architecture is portable PTX for a device of the same family, be it a later one.
    pub fn is_of_family(self, device: Capability) -> bool {
        self.variant == Variant::Portable && self.capability.major == device.major
    }

    /// The number and suffix alone: `90a`.
    pub fn suffixed(self) -> String {
        let suffix = match self.variant {
            Variant::Portable => "",
            Variant::Family => "f",
            Variant::Specific => "a",
        };
        format!("{}{suffix}", self.capability.sm())
    }

    /// The architecture that PTX text declares in its `.target` line, if it has one.
    pub fn of_ptx(text: &str) -> Option<Self> {
        let targets = text.lines().find_map(|line| line.trim_start().strip_prefix(".target"))?;
        let name = targets.split([',', ' ', '\t']).find_map(|word| word.strip_prefix("sm_"))?;
        let (digits, variant) = match name.as_bytes().last()? {
            b'a' => (&name[..name.len() - 1], Variant::Specific),
            b'f' => (&name[..name.len() - 1], Variant::Family),
            _ => (name, Variant::Portable),
        };
        let sm = digits.parse::<u32>().ok().filter(|sm| (10..1000).contains(sm))?;
        Some(Self { capability: Capability::from_sm(sm), variant })
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.suffixed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_in_every_spelling() {
        for text in ["7.5", "75", "sm_75", "compute_75"] {
            assert_eq!(text.parse(), Ok(Capability::new(7, 5)), "{text}");
        }
        assert_eq!("12.0".parse(), Ok(Capability::new(12, 0)));
        assert_eq!("120".parse(), Ok(Capability::new(12, 0)));
        for text in ["", ".", "7.", ".5", "7.15", "7", "sm_", "-75", "+75", "7.5.1", "1200", "x"] {
            assert!(text.parse::<Capability>().is_err(), "{text}");
        }
    }

    #[test]
    fn variants_carry_over_as_documented() {
        let runs = |sm, variant, device: &str| {
            let arch = Arch { capability: Capability::from_sm(sm), variant };
            arch.ptx_runs_on(device.parse().unwrap())
        };
        assert!(runs(75, Variant::Portable, "12.0"));
        assert!(!runs(121, Variant::Portable, "12.0"));
        assert!(runs(120, Variant::Family, "12.1"));
        assert!(!runs(100, Variant::Family, "12.0"));
        assert!(!runs(103, Variant::Family, "10.0"));
        assert!(runs(90, Variant::Specific, "9.0"));
        assert!(!runs(90, Variant::Specific, "12.0"));
    }

    #[test]
    fn target_lines_are_read() {
        let arch = |text| Arch::of_ptx(text).map(|arch| arch.to_string());
        assert_eq!(arch("\n.version 9.0\n.target sm_90a, debug\n"), Some("90a".into()));
        assert_eq!(arch("  .target\tsm_75\n"), Some("75".into()));
        assert_eq!(arch(".target texmode_independent, sm_120f"), Some("120f".into()));
        assert_eq!(arch(".version 9.0"), None);
        assert_eq!(arch(".target sm_"), None);
        assert_eq!(arch(".target sm_a"), None);
        assert_eq!(arch(".target sm_99999999999"), None);
        assert_eq!(arch(".target sm_\u{e9}"), None);
    }
}
