//! The part `compile`: what it takes until a kernel can run.

mod corpus;
mod library;
mod other_stream;
mod report;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::environment::Environment;
use crate::peers::{self, Kind};
use crate::process::Process;

pub use corpus::Corpus;
pub use library::Library;
pub use other_stream::OtherStream;
pub use report::text;

/// What is asked of the median kernel.
pub const MEDIAN_MS_ASKED: f64 = 20.0;
/// What is asked of a kernel that is in the cache.
pub const CACHED_MS_ASKED: f64 = 2.0;
/// What is asked of the first kernel of a module of 1 MB.
pub const LIBRARY_MS_ASKED: f64 = 100.0;

/// The results of the part.
#[derive(Debug, Serialize)]
pub struct Compile {
    /// The kernels of the CUDA tests and of the benchmarks.
    pub corpus: Corpus,
    /// The first kernel of a large module.
    pub library: Library,
    /// What launches in another stream notice of a compilation.
    pub other_stream: OtherStream,
}

/// Measures.
///
/// # Errors
/// When a program cannot be built, a result is wrong or the driver fails.
pub fn run(environment: &Environment, quick: bool) -> Result<Compile> {
    Ok(Compile {
        corpus: corpus::run(environment, quick)?,
        library: library::run(environment, if quick { 3 } else { 9 })?,
        other_stream: child(environment, "other-stream")?.answer()?,
    })
}

/// The children's side.
///
/// # Errors
/// When the driver fails or a result is wrong.
pub fn measure(environment: &Environment, what: &str) -> Result<()> {
    match what {
        "library" => library::measure(environment),
        "other-stream" => other_stream::measure(environment),
        _ => bail!("nothing is known of {what}"),
    }
}

/// A process of its own, which finds no code in the cache.
fn child(environment: &Environment, what: &str) -> Result<Process> {
    Process::start(&["--child", "compile", what], |command| {
        peers::set_environment(Kind::Apex, environment, command)?;
        command.env("APEX_CACHE_PATH", "");
        Ok(())
    })
}
