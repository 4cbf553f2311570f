//! Known failures, each with its reason: `expectations.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The tests that are known to fail.
#[derive(Debug, Default)]
pub struct Expectations {
    reasons: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    failure: Vec<Failure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    test: String,
    reason: String,
}

impl Expectations {
    /// Reads `expectations.toml`.
    ///
    /// # Errors
    /// When it cannot be read or is not well-formed.
    pub fn load() -> Result<Self> {
        let path = crate::root().join("expectations.toml");
        Self::parse(&path, &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).with_context(|| format!("{} is not well-formed", path.display()))?;
        let mut reasons = BTreeMap::new();
        for Failure { test, reason } in file.failure {
            ensure!(!reason.trim().is_empty(), "{}: {test} has no reason", path.display());
            ensure!(reasons.insert(test.clone(), reason).is_none(), "{}: {test} stands twice", path.display());
        }
        Ok(Self { reasons })
    }

    /// Checks that every name is that of a test.
    ///
    /// # Errors
    /// When one is not.
    pub fn check_names(&self, names: &[String]) -> Result<()> {
        for test in self.reasons.keys() {
            ensure!(names.contains(test), "expectations.toml names {test}, and there is no such test");
        }
        Ok(())
    }

    /// Whether a test is known to fail.
    pub fn is_known(&self, test: &str) -> bool {
        self.reasons.contains_key(test)
    }

    /// Turns an outcome into the verdict: a known failure may fail, and must.
    ///
    /// # Errors
    /// The outcome's own message, or that a known failure passed.
    pub fn judge(&self, test: &str, outcome: Result<(), String>) -> Result<(), String> {
        match (self.reasons.get(test), outcome) {
            (None, outcome) => outcome,
            (Some(_), Err(_)) => Ok(()),
            (Some(reason), Ok(())) => {
                Err(format!("passes, though expectations.toml says that it fails ({reason}): remove it there"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Expectations> {
        Expectations::parse(Path::new("expectations.toml"), text)
    }

    #[test]
    fn a_known_failure_must_fail() {
        let known = parse("[[failure]]\ntest = \"cuda/a\"\nreason = \"not yet\"").unwrap();
        assert!(known.judge("cuda/a", Err("wrong".to_owned())).is_ok());
        assert!(known.judge("cuda/a", Ok(())).unwrap_err().contains("not yet"));
        assert!(known.is_known("cuda/a") && !known.is_known("cuda/b"));
        assert!(known.judge("cuda/b", Ok(())).is_ok());
        assert_eq!(known.judge("cuda/b", Err("wrong".to_owned())).unwrap_err(), "wrong");
    }

    #[test]
    fn names_and_reasons_are_checked() {
        assert!(parse("[[failure]]\ntest = \"a\"\nreason = \" \"").is_err());
        assert!(parse("[[failure]]\ntest = \"a\"").is_err());
        let twice = "[[failure]]\ntest = \"a\"\nreason = \"x\"\n".repeat(2);
        assert!(parse(&twice).is_err());
        let known = parse("[[failure]]\ntest = \"a\"\nreason = \"x\"").unwrap();
        assert!(known.check_names(&["b".to_owned()]).is_err());
        assert!(known.check_names(&["a".to_owned()]).is_ok());
    }
}
