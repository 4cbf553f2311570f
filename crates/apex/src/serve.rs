//! `apex serve`: metrics of running programs, over HTTP and pushed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use apex_server::{DEFAULT_ADDRESS, Options};

use crate::top::live_folder;

/// Serve metrics of running programs, those of `apex run --live`, until ended
#[derive(clap::Args)]
pub struct Args {
    /// Serve Prometheus at /metrics; this is what is done without any option
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = DEFAULT_ADDRESS)]
    metrics: Option<SocketAddr>,
    /// Push to a collector of OpenTelemetry (OTLP over HTTP), like http://localhost:4318
    #[arg(long, value_name = "ADDRESS")]
    otlp: Option<String>,
    /// Seconds from one push to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86400), requires = "otlp")]
    interval: u64,
    /// Kernels of a program that are told apart: the first by time, and at most twice as many while it runs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    kernels: u16,
    /// The folder that programs publish in, if not /dev/shm
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Serves.
///
/// # Errors
/// When the address cannot be served, or the collector's is none.
pub fn run(args: &Args) -> Result<ExitCode> {
    let default = || DEFAULT_ADDRESS.parse().ok();
    apex_server::serve(&Options {
        folder: live_folder(args.folder.as_deref()),
        metrics: args.metrics.or_else(|| if args.otlp.is_none() { default() } else { None }),
        otlp: args.otlp.clone(),
        push_interval: Duration::from_secs(args.interval),
        kernels: args.kernels.into(),
    })?;
    Ok(ExitCode::SUCCESS)
}
