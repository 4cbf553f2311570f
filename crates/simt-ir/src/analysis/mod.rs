//! Facts about functions that passes and back ends ask for.

mod apart;
mod cause;
mod counted;
mod dominators;
mod indexed;
mod layout;
mod liveness;
mod observed;
mod packs;
mod presence;
mod records;
mod schedule;
mod shape;
mod strided;
mod tables;
mod turns;

pub(crate) use apart::whole_warp_operations;
pub use cause::Cause;
pub use dominators::Dominators;
pub use indexed::{Indexed, indexed};
pub use layout::{Layout, LoopId, LoopInfo};
pub use liveness::Liveness;
pub(crate) use liveness::terminator_uses as liveness_uses;
pub use packs::Packs;
pub use presence::Presence;
pub use records::{Record, Records};
pub use schedule::Schedule;
pub use shape::{Fact, LaunchShape, Place, SEGMENTS_MAX, Shape, Shapes};
pub use strided::{Strided, StridedAccesses};
pub use tables::{AesRound, AesRounds, TABLE_ELEMENTS_MAX, Table, Tables, may_change_tables};
pub use turns::turns_at_most;
