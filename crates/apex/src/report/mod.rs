//! `apex report`: what a recording says, as a table or as JSON.

mod json;
mod table;

pub use json::RESOURCES;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use telemetry::summary::Summary;

use crate::{output, recording};

/// Sum up a recording
#[derive(clap::Args)]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Number of kernels to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

/// Reads the recording and writes its summary to stdout.
///
/// # Errors
/// When it cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut summary = Summary::default();
    let ending = recording::read(&args.file, |block| {
        summary.add(block);
        Ok(())
    })?;
    let progress = &summary.progress;
    let notes = recording::notes(ending, summary.has_end, [progress.dropped_launches, progress.dropped_others]);
    let text =
        if args.json { json::text(&summary, &notes, args.top)? } else { table::text(&summary, &notes, args.top) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
