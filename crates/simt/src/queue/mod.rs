//! Streams: queues of commands that are carried out in order.

mod command;
mod producer;
mod ring;
mod stream;

pub(crate) use command::{Command, LaunchRecord};
pub(crate) use ring::Padded;
pub(crate) use stream::State;
pub use stream::{Point, Stream, Timestamp};
