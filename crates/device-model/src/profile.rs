//! Device profiles: what a card says of itself, as data.

use crate::ComputeCapability;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::Path;

/// What a card is. A profile is a TOML file with exactly these fields.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name, as `cuDeviceGetName` gives it.
    pub name: String,
    /// Compute capability, written "9.0".
    #[serde(rename = "compute_capability", deserialize_with = "capability_from_text")]
    pub capability: ComputeCapability,
    /// Multiprocessors (SMs).
    pub multiprocessors: u32,
    /// Graphics processing clusters: groups of multiprocessors. A cluster of blocks runs within one.
    pub gpcs: u32,
    /// Highest clock of the multiprocessors, and the rate at which `%clock64` ticks.
    pub clock_khz: u32,
    /// Clock of the memory, as the driver reports it: half the data rate of the pins.
    pub memory_clock_khz: u32,
    /// Width of the memory bus.
    pub memory_bus_bits: u32,
    /// Size of the memory that programs can use.
    pub memory_bytes: u64,
    /// Size of the second-level cache.
    pub l2_bytes: u32,
    /// Engines that copy while kernels run.
    pub copy_engines: u32,
    /// How many times faster single precision is than double precision.
    pub single_to_double_ratio: u32,
    /// Whether the memory corrects errors.
    pub ecc: bool,
    /// PCI device number in the upper half, vendor in the lower.
    pub pci_device: u32,
    /// PCI subsystem number in the upper half, its vendor in the lower; 0 where it depends on the board's maker.
    pub pci_subsystem: u32,
    /// Power limit.
    pub tdp_watts: u32,
    /// Where the figures come from.
    pub source: String,
}

/// Lists the files of `profiles/`. The first is the default.
macro_rules! built_in {
    ($($name:literal)*) => {
        /// Name and text of each built-in profile.
        const BUILT_IN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../profiles/", $name, ".toml"))),)*];
    };
}

built_in! {
    "software" "t4" "a10" "a100" "a100-40" "rtx3080" "rtx3090" "l4" "rtx4090" "h100" "h200" "b200" "rtx5090" "rtxpro6000"
}

/// Other spellings of built-in profiles, as [`normalised`] leaves them.
const ALIASES: &[(&str, &str)] = &[("a10080", "a100"), ("a10080gb", "a100"), ("a10040gb", "a100-40")];

/// Most multiprocessors of a profile: bounds what a driver allocates for each.
const MULTIPROCESSORS_MAX: u32 = 4096;

impl Profile {
    /// The built-in profile of that name: a file's ("rtx3080") or the card's ("NVIDIA GeForce RTX 3080"), upper or lower
    /// case, with or without "NVIDIA", "GeForce" and "Tesla", spaces, dashes and underscores.
    ///
    /// # Errors
    /// When there is none; the error lists the names.
    pub fn find(name: &str) -> Result<Profile, ProfileError> {
        let wanted = normalised(name);
        let wanted = ALIASES.iter().find(|(alias, _)| *alias == wanted).map_or(wanted, |(_, of)| normalised(of));
        for (known, text) in BUILT_IN {
            if normalised(known) == wanted {
                return Self::from_toml(known, text);
            }
        }
        for (known, text) in BUILT_IN {
            let profile = Self::from_toml(known, text)?;
            if normalised(&profile.name) == wanted {
                return Ok(profile);
            }
        }
        Err(ProfileError(format!("{name:?} is no device profile; there are: {}", Self::names().join(", "))))
    }

    /// As [`Profile::find`], but a name with a slash in it, or one that ends in ".toml", is the path of a profile.
    ///
    /// # Errors
    /// When there is no such profile, or the file cannot be read or is no profile.
    pub fn find_or_read(name: &str) -> Result<Profile, ProfileError> {
        if !name.contains('/') && !name.ends_with(".toml") {
            return Self::find(name);
        }
        let text = std::fs::read_to_string(Path::new(name))
            .map_err(|error| ProfileError(format!("device profile {name}: {error}")))?;
        Self::from_toml(name, &text)
    }

    /// The default device with another compute capability, as `APEX_SM` asks for it.
    ///
    /// # Errors
    /// When the capability is none of [`ComputeCapability::KNOWN`].
    pub fn for_capability(major: u32, minor: u32) -> Result<Profile, ProfileError> {
        Self::default().with_capability(ComputeCapability::new(major, minor))
    }

    /// This device with another compute capability.
    ///
    /// # Errors
    /// When the capability is none of [`ComputeCapability::KNOWN`].
    pub fn with_capability(self, capability: ComputeCapability) -> Result<Profile, ProfileError> {
        let profile = Profile { capability, ..self };
        profile.checked("with another capability")
    }

    /// Reads a profile. `origin` names it in errors.
    ///
    /// # Errors
    /// In words, with the line, when a field is missing, unknown or out of range.
    pub fn from_toml(origin: &str, text: &str) -> Result<Profile, ProfileError> {
        let profile: Profile =
            toml::from_str(text).map_err(|error| ProfileError(format!("device profile {origin}: {error}")))?;
        profile.checked(origin)
    }

    /// Names of the built-in profiles, the default first.
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|&(name, _)| name).collect()
    }

    /// The profile, if its figures can be those of a device.
    fn checked(self, origin: &str) -> Result<Profile, ProfileError> {
        let error = |what: String| Err(ProfileError(format!("device profile {origin}: {what}")));
        let positive = [
            ("multiprocessors", self.multiprocessors),
            ("gpcs", self.gpcs),
            ("clock_khz", self.clock_khz),
            ("memory_clock_khz", self.memory_clock_khz),
            ("memory_bus_bits", self.memory_bus_bits),
            ("l2_bytes", self.l2_bytes),
            ("single_to_double_ratio", self.single_to_double_ratio),
        ];
        if let Some((field, value)) = positive.into_iter().find(|&(_, value)| value == 0 || value > i32::MAX as u32) {
            return error(format!("{field} is {value}, not within 1 to {}", i32::MAX));
        }
        if self.multiprocessors > MULTIPROCESSORS_MAX {
            return error(format!(
                "{} multiprocessors, at most {MULTIPROCESSORS_MAX} are possible",
                self.multiprocessors
            ));
        }
        if self.gpcs > self.multiprocessors {
            return error(format!("{} GPCs for {} multiprocessors", self.gpcs, self.multiprocessors));
        }
        if self.memory_bytes == 0 || self.copy_engines > i32::MAX as u32 {
            return error("memory_bytes is 0, or copy_engines is out of range".to_string());
        }
        if self.name.is_empty() || self.name.contains('\0') {
            return error("the name is empty or holds a null character".to_string());
        }
        if !self.capability.is_known() {
            return error(format!("compute capability {} cannot be presented", self.capability));
        }
        Ok(self)
    }
}

impl Default for Profile {
    /// The software GPU: compute capability 12.0.
    fn default() -> Self {
        let (name, text) = BUILT_IN[0];
        Self::from_toml(name, text).expect("the default profile is checked by a test")
    }
}

/// Letters and digits in lower case, without the words that are left out in speech.
fn normalised(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| !["nvidia", "geforce", "tesla"].contains(word)).collect()
}

fn capability_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ComputeCapability, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Why there is no such profile, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileError(String);

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProfileError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_built_in_and_found_by_both_names() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles")).unwrap().count();
        assert_eq!(BUILT_IN.len(), files);
        for name in Profile::names() {
            let profile = Profile::find(name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Profile::find(&profile.name), Ok(profile.clone()), "{name}");
            assert!(!profile.source.is_empty(), "{name}");
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        for name in ["RTX 3080", "rtx-3080", "RTX_3080", "GeForce RTX 3080"] {
            assert_eq!(Profile::find(name).unwrap().multiprocessors, 68, "{name}");
        }
        assert_eq!(Profile::find("A100 80GB").unwrap().memory_bytes >> 30, 79);
        assert_eq!(Profile::find("A100-40GB").unwrap().memory_bytes >> 30, 39);
        assert_eq!(Profile::find("RTX PRO 6000").unwrap().multiprocessors, 188);
    }

    #[test]
    fn the_default_and_its_capability() {
        assert_eq!(Profile::default(), Profile::find("software").unwrap());
        assert_eq!(Profile::default().capability, ComputeCapability::new(12, 0));
        let turing = Profile::for_capability(7, 5).unwrap();
        assert_eq!(turing, Profile { capability: ComputeCapability::new(7, 5), ..Profile::default() });
        assert!(Profile::for_capability(6, 1).unwrap_err().to_string().contains("6.1 cannot be presented"));
    }

    #[test]
    fn a_path_is_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/t4.toml");
        assert_eq!(Profile::find_or_read(path), Profile::find("t4"));
        assert!(Profile::find_or_read("/nonexistent/x.toml").unwrap_err().to_string().contains("/nonexistent/x.toml"));
    }

    #[test]
    fn mistakes_are_named() {
        let error = Profile::find("voodoo2").unwrap_err().to_string();
        assert!(error.starts_with("\"voodoo2\" is no device profile; there are: software, t4"), "{error}");
        let (name, text) = BUILT_IN[0];
        for (from, to, what) in [
            ("gpcs = 2", "gpcs = 0", "gpcs is 0"),
            ("gpcs = 2", "gpcs = 17", "17 GPCs for 16 multiprocessors"),
            ("multiprocessors = 16", "multiprocessors = 5000", "at most 4096"),
            ("memory_bytes = 17_179_869_184", "memory_bytes = 0", "memory_bytes is 0"),
            ("l2_bytes = 33_554_432", "l2_bytes = 4_294_967_295", "l2_bytes is 4294967295"),
            ("\"12.0\"", "\"12.7\"", "\"12.7\" is no compute capability"),
            ("ecc = false", "", "ecc"),
            ("ecc = false", "ecc = false\ncolour = \"green\"", "colour"),
            ("\"APEX Software GPU\"", "\"\"", "the name is empty"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = Profile::from_toml(name, &text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(what), "{to}: {error}");
        }
    }
}
