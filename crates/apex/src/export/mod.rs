//! `apex export`: a recording in the formats of others. A format is a file: [`csv`], [`json`], [`otlp`], [`parquet`], [`perfetto`].

mod csv;
mod event;
mod json;
mod otlp;
mod parquet;
mod perfetto;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use event::{Event, Events};
use telemetry::records::{Block, Fact};

use crate::recording;

/// Convert a recording
#[derive(clap::Args)]
pub struct Args {
    /// The recording
    file: PathBuf,
    /// The format
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// Where it goes; - for stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// An object for each event, a line each
    Json,
    /// A table with a row for each event
    Csv,
    /// A table in columns
    Parquet,
    /// A trace for ui.perfetto.dev
    Perfetto,
    /// A trace of OpenTelemetry: its JSON for files, a line for each 1000 spans
    Otlp,
}

/// Writes events in a format.
trait Exporter {
    /// What the recording says about the process; before the first event.
    ///
    /// # Errors
    /// When it cannot be written.
    fn begin(&mut self, facts: &[Fact], out: &mut dyn Write) -> Result<()>;

    /// The next event. Events of a thread come in order, those of several threads nearly.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<()>;

    /// After the last event.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }
}

/// Reads the recording and writes it in the format.
///
/// # Errors
/// When it cannot be read, or the output not be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut exporter: Box<dyn Exporter> = match args.to {
        Format::Json => Box::new(json::Json),
        Format::Csv => Box::new(csv::Csv::default()),
        Format::Parquet => Box::new(parquet::Parquet::default()),
        Format::Perfetto => Box::new(perfetto::Perfetto::default()),
        Format::Otlp => Box::new(otlp::Otlp::default()),
    };
    let mut out = open(&args.output).with_context(|| format!("cannot write {}", args.output.display()))?;
    let (mut facts, mut events, mut has_begun) = (Vec::new(), Events::default(), false);
    let (mut has_end, mut dropped) = (false, [0; 2]);
    let ending = recording::read(&args.file, |block| {
        match &block {
            Block::Fact(rows) if !has_begun => facts.extend(rows.iter().cloned()),
            Block::Progress(rows) => {
                dropped = rows.last().map_or(dropped, |row| [row.dropped_launches, row.dropped_others]);
            }
            Block::End(_) => has_end = true,
            _ => {}
        }
        events.take(&block, &mut |event| {
            if !std::mem::replace(&mut has_begun, true) {
                exporter.begin(&facts, &mut out)?;
            }
            exporter.event(event, &mut out)
        })
    })?;
    if !has_begun {
        exporter.begin(&facts, &mut out)?;
    }
    exporter.finish(&mut out)?;
    out.flush()?;
    for note in recording::notes(ending, has_end, dropped) {
        eprintln!("apex: {note}");
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> std::io::Result<Box<dyn Write>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufWriter::new(std::io::stdout().lock())));
    }
    Ok(Box::new(BufWriter::with_capacity(1 << 20, File::create(path)?)))
}
