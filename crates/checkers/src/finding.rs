//! What a checker has found.

use crate::source::Line;
use std::fmt;

/// A thread that takes part in what is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    /// What it does, in words.
    pub what: String,
    /// Line of the module.
    pub line: u32,
    /// What stands there.
    pub place: Line,
    /// Index of the block.
    pub block: [u32; 3],
    /// Index of the thread in its block.
    pub thread: [u32; 3],
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([bx, by, bz], [tx, ty, tz]) = (self.block, self.thread);
        write!(f, "{} by block ({bx},{by},{bz}), thread ({tx},{ty},{tz}) at ", self.what)?;
        if let Some(source) = &self.place.source {
            write!(f, "{}:{}, ", source.file, source.line)?;
        }
        for caller in &self.place.called_from {
            write!(f, "called from {}:{}, ", caller.file, caller.line)?;
        }
        write!(f, "PTX line {}: {}", self.line, self.place.text)
    }
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// What kind of mistake it is.
    pub kind: &'static str,
    /// The kernel.
    pub kernel: String,
    /// Who does it: two for a race.
    pub parties: Vec<Party>,
    /// The address and what lies there; empty where there is none.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} in {}", self.check, self.kind, self.kernel)?;
        for party in &self.parties {
            write!(f, "\n    {party}")?;
        }
        if !self.detail.is_empty() {
            write!(f, "\n    {}", self.detail)?;
        }
        Ok(())
    }
}
