//! Metrics of the programs that publish counts (`APEX_LIVE`): for Prometheus, over HTTP, and for OpenTelemetry, pushed to a collector.
//!
//! - [`Processes`]: the programs there are, and the last that each has published,
//! - `names`: kernels and programs as people know them, `labels`: which kernels have labels of their own,
//! - [`metrics`]: what is told, declared once; `gather` fills it in, `gpu` adds what NVIDIA's cards say,
//! - `text`: as text for Prometheus, [`otlp`]: as messages for OpenTelemetry,
//! - [`serve`]: both, until the process is ended.
//!
//! Invariant: runs in a process of its own. Nothing of it is in the programs that are observed, and these notice nothing of it.
//! Invariant: memory and what is sent are bounded, whatever programs do: processes, kernels and lengths of names have limits.

mod gather;
mod gpu;
mod http;
mod labels;
pub mod metrics;
pub mod names;
pub mod otlp;
mod processes;
mod push;
mod serve;
mod text;

pub use processes::{KEEP, Problem, ProcessView, Processes, State};
pub use serve::{DEFAULT_ADDRESS, Options, serve};
