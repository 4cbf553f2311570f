//! `apex abi`: what a driver, a library, a program or a wheel holds, and what one driver has and another lacks.
//!
//! [`scan`] and [`compare`] are the commands; the crate `binary` does the reading. [`document`] is how a report becomes a table or
//! Markdown, [`known`] the lists of names that APEX brings to it.

mod compare;
mod document;
mod known;
mod scan;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use binary::SymbolChoice;
use clap::{Subcommand, ValueEnum};

use crate::output::print;
use document::Document;

pub use known::{driver_functions, states};

/// Read drivers, libraries, programs and wheels, without running anything.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Symbols, device code, CUDA runtime and libraries of a file
    Scan(scan::Args),
    /// What one driver or library exports and another does not
    Compare(compare::Args),
}

/// Reads and reports.
///
/// # Errors
/// When a file cannot be read, or the report not be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::Scan(args) => scan::run(args)?,
        Command::Compare(args) => compare::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The form of a report.
#[derive(clap::Args)]
struct Form {
    /// As JSON, in the form that docs/abi.md describes
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// As Markdown
    #[arg(long)]
    markdown: bool,
}

impl Form {
    /// Writes a report.
    fn print<T: serde::Serialize>(&self, report: &T, document: impl FnOnce(&T) -> Document) -> Result<()> {
        let text = match (self.json, self.markdown) {
            (true, _) => serde_json::to_string_pretty(report)? + "\n",
            (_, true) => document(report).markdown(),
            _ => document(report).text(),
        };
        print(&text)
    }
}

/// Which symbols are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Symbols {
    /// CUDA's driver, runtime, debugger and management library
    Cuda,
    /// Every one
    All,
    /// None
    None,
}

impl From<Symbols> for SymbolChoice {
    fn from(symbols: Symbols) -> Self {
        match symbols {
            Symbols::Cuda => Self::Cuda,
            Symbols::All => Self::All,
            Symbols::None => Self::None,
        }
    }
}

/// A file, or a part of an archive or wheel: `FILE::MEMBER`.
fn split_member(name: &str) -> (PathBuf, Option<&str>) {
    let whole = PathBuf::from(name);
    match name.split_once("::") {
        Some((file, member)) if !whole.exists() => (PathBuf::from(file), Some(member)),
        _ => (whole, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_behind_two_colons() {
        assert_eq!(split_member("a.whl::lib/b.so"), (PathBuf::from("a.whl"), Some("lib/b.so")));
        assert_eq!(split_member("a.so"), (PathBuf::from("a.so"), None));
    }
}
