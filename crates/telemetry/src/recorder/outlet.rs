//! Where rows go: into the file, into the counts that are published, or both.

use crate::file::encode_block;
use crate::live::Aggregate;
use crate::records::*;

/// The places that rows go to.
pub(super) struct Outlet {
    /// Blocks that are to be written, where there is a file.
    pub(super) blocks: Option<Vec<u8>>,
    /// Counts, where these are published.
    pub(super) live: Option<Box<Aggregate>>,
}

/// Rows that may be counted.
pub(super) trait Counted: Record {
    /// Counts them.
    fn count(rows: &[Self], live: &mut Aggregate);
}

impl Outlet {
    /// Takes rows.
    pub(super) fn put<R: Counted>(&mut self, rows: &[R]) {
        if let Some(live) = &mut self.live {
            R::count(rows, live);
        }
        if let Some(blocks) = &mut self.blocks {
            encode_block(rows, blocks);
        }
    }

    /// Bytes that are to be written.
    pub(super) fn pending(&self) -> usize {
        self.blocks.as_ref().map_or(0, Vec::len)
    }
}

macro_rules! counted {
    ($($record:ident $($count:ident)?;)*) => {$(
        impl Counted for $record {
            fn count(_rows: &[Self], _live: &mut Aggregate) {
                $(_live.$count(_rows);)?
            }
        }
    )*};
}

counted! {
    Fact;
    Device devices;
    Context contexts;
    Kernel kernels;
    Shape shapes;
    Launch launches;
    Execution executions;
    Copy copies;
    Set sets;
    Memory memories;
    Sync syncs;
    Load loads;
    Node nodes;
    GraphLaunch graph_launches;
    Transfer transfers;
    Progress;
    End;
}
