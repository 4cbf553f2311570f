//! `apex`: runs CUDA programs on the software GPU or in front of NVIDIA's driver, and shows what they get.
//!
//! A command is a file: [`run`], [`info`], [`compile`], [`report`], [`export`], [`top`], [`serve`], [`cache`], [`abi`], [`doctor`]. What they share: [`device_options`] (what
//! the device is to look like), [`library`] (where our `libcuda.so.1` is), [`api`] (that library, loaded), [`dynamic`] (what the dynamic loader does
//! with a program), [`recording`] (a recording, read with a bar of progress), [`output`] (stdout that may go away).
//!
//! Invariant: reaches the driver as any program does, through `libcuda.so.1`; links no part of it.
//! Invariant: `run` becomes the program (exec), so that exit code, signals and terminal are the program's own.

mod abi;
mod api;
mod cache;
mod compile;
mod device_options;
mod doctor;
mod dynamic;
mod export;
mod info;
mod library;
mod output;
mod recording;
mod report;
mod run;
mod serve;
mod top;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Run unmodified CUDA programs without NVIDIA hardware.
#[derive(Parser)]
#[command(name = "apex", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a program on NVIDIA's card, or on the software GPU where there is none
    Run(run::Args),
    /// Show the devices that programs see
    Info(info::Args),
    /// Show a kernel on its way to machine code
    Compile(compile::Args),
    /// Sum up a recording of `apex run --record`
    Report(report::Args),
    /// Convert a recording: JSON, CSV, Parquet, a trace for Perfetto
    Export(export::Args),
    /// Show what running programs do, those of `apex run --live`
    Top(top::Args),
    /// Serve metrics of running programs: Prometheus, OpenTelemetry
    Serve(serve::Args),
    /// Show or clear the machine code kept on disk
    Cache(cache::Args),
    /// Read drivers, libraries, programs and wheels
    Abi(abi::Args),
    /// Say what would keep programs from running, and how to mend it
    Doctor(doctor::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(args),
        Command::Info(args) => info::run(&args),
        Command::Compile(args) => compile::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Cache(args) => cache::run(&args),
        Command::Abi(args) => abi::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("apex: {error:#}");
            ExitCode::FAILURE
        }
    }
}
