//! Running grids: blocks, warps, barriers, and the memory they need.

mod barrier;
mod batch;
mod core;
mod grid;
mod handout;
mod layout;
mod unit;
mod workspace;

pub(crate) use self::core::{Core, CoreGuard};
pub(crate) use grid::{Grid, Plan, Share};
pub(crate) use handout::Start;
pub(crate) use unit::{Turn, Unit};
pub(crate) use workspace::WorkspacePool;
