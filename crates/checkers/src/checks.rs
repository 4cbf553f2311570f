//! Which checks are wanted.

/// The checks of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checks {
    /// Accesses outside of what they may touch.
    pub memory: bool,
    /// Accesses of several threads that nothing orders.
    pub race: bool,
    /// Reads of memory that nobody has written.
    pub init: bool,
    /// Barriers and masks.
    pub sync: bool,
}

impl Checks {
    /// Names of all checks.
    pub const NAMES: [&str; 4] = ["memory", "race", "init", "sync"];

    /// Reads a list such as `memory,race`; `all` is every check.
    ///
    /// # Errors
    /// With the first name that is none.
    pub fn parse(list: &str) -> Result<Checks, String> {
        let mut checks = Checks::default();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "all" => checks = Checks { memory: true, race: true, init: true, sync: true },
                "memory" => checks.memory = true,
                "race" => checks.race = true,
                "init" => checks.init = true,
                "sync" => checks.sync = true,
                other => return Err(other.to_owned()),
            }
        }
        Ok(checks)
    }

    /// Whether there is anything to check.
    pub fn any(self) -> bool {
        self != Checks::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        assert_eq!(Checks::parse("race, init"), Ok(Checks { race: true, init: true, ..Checks::default() }));
        assert_eq!(Checks::parse("all").map(Checks::any), Ok(true));
        assert_eq!(Checks::parse("").map(Checks::any), Ok(false));
        assert_eq!(Checks::parse("memory,rave"), Err("rave".to_owned()));
        assert!(Checks::NAMES.iter().all(|name| Checks::parse(name).is_ok_and(Checks::any)));
    }
}
