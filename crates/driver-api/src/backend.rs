//! Which driver stands at the bottom of the stack, as the environment asks for it.

use crate::env::{self, Variable};

/// A driver, or the choice of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// NVIDIA's own, behind this library.
    Nvidia,
    /// The software GPU.
    Software,
    /// NVIDIA's where there are a card and its library; else the software GPU.
    Auto,
}

/// What only the software GPU can do. Who sets one of these and leaves the choice open has made it.
const SOFTWARE_ONLY: &[Variable] = &[env::SM, env::DEVICE, env::DEVICE_COUNT, env::MEMORY, env::COUNTERS, env::CHECK];

impl Backend {
    /// The backend of this name.
    ///
    /// # Errors
    /// The names that there are, when it is none of them.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "nvidia" => Ok(Self::Nvidia),
            "software" => Ok(Self::Software),
            "auto" => Ok(Self::Auto),
            _ => Err(format!("{name:?} is no back end; there are nvidia, software and auto")),
        }
    }

    /// What `APEX_BACKEND` asks for; without it, [`Backend::Auto`].
    ///
    /// # Errors
    /// When it holds something else than a back end, what is wrong, in words.
    pub fn asked_for() -> Result<Self, String> {
        match env::BACKEND.get() {
            Some(name) => Self::parse(&name).map_err(|error| format!("{}: {error}", env::BACKEND.name)),
            None => Ok(Self::Auto),
        }
    }
}

/// The first variable that is set and asks for something that only the software GPU has.
pub fn software_wish() -> Option<Variable> {
    let is_wish = |variable: &&Variable| match variable.get() {
        Some(value) => value != "0" || !matches!(**variable, env::COUNTERS),
        None => false,
    };
    SOFTWARE_ONLY.iter().find(is_wish).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_documentation() {
        for (name, backend) in [("nvidia", Backend::Nvidia), ("software", Backend::Software), ("auto", Backend::Auto)] {
            assert_eq!(Backend::parse(name), Ok(backend));
            assert!(env::BACKEND.meaning.contains(&format!("`{name}`")), "{name} is not documented");
        }
        assert!(Backend::parse("cuda").is_err());
    }
}
