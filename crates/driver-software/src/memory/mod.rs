//! Memory: what is allocated, and everything that is done with it as a whole.

mod area;
mod copy;
mod managed;
mod pointer;
mod pool;
mod set;
mod side;
mod table;

pub(crate) use area::Memories;
pub(crate) use copy::Copies;
pub(crate) use managed::ManagedRanges;
pub(crate) use pointer::Pointers;
pub(crate) use pool::{Pool, Pools};
pub(crate) use set::Sets;
pub(crate) use table::{Allocations, Info, Kind};
