//! What lies at or near an address, in words.

use super::Allocation;
use std::fmt;

/// Where an address lies, seen from an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// In it.
    Inside {
        /// Distance from its first address.
        offset: u64,
    },
    /// In it, but it has been freed.
    Freed {
        /// Distance from its first address.
        offset: u64,
    },
    /// Behind it.
    Past {
        /// Distance from its end.
        bytes: u64,
    },
    /// In front of it.
    Before {
        /// Distance to its first address.
        bytes: u64,
    },
    /// There is no allocation near it.
    Unknown,
}

/// The allocation that a faulting address most likely belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nearest {
    /// The allocation; `None` with [`Relation::Unknown`].
    pub allocation: Option<Allocation>,
    /// Where the address lies.
    pub relation: Relation,
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(allocation) = self.allocation else {
            return f.write_str("no allocation is near");
        };
        let Allocation { base, bytes, purpose, serial } = allocation;
        let object = format_args!("allocation #{serial} ({purpose}, {bytes} bytes at {base:#x})");
        match self.relation {
            Relation::Inside { offset } => write!(f, "offset {offset} of {object}"),
            Relation::Freed { offset } => write!(f, "offset {offset} of the freed {object}"),
            Relation::Past { bytes } => write!(f, "{bytes} bytes past the end of {object}"),
            Relation::Before { bytes } => write!(f, "{bytes} bytes before {object}"),
            Relation::Unknown => write!(f, "near {object}"),
        }
    }
}
