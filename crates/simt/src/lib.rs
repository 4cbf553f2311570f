//! The software GPU: command rings, GPCs, blocks, warps, memory.
pub mod arena;
mod call;
mod lock_order;
mod sys;
