//! `apex top`: what running programs do, on the terminal, as text or as JSON.
//!
//! [`model`] holds what is shown, and what keys do to it; [`screen`] draws it; [`text`] and [`json`] are for scripts.

mod json;
mod model;
mod screen;
mod text;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use apex_server::Processes;
use driver_api::env;
use model::Model;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use telemetry::live::folder;

use crate::output;

/// How often the screen is looked after.
const REFRESH: Duration = Duration::from_secs(1);
/// How long a program that has ended stays on the screen.
const KEEP: Duration = Duration::from_secs(60);

/// Show what running programs do, those of `apex run --live`
#[derive(clap::Args)]
pub struct Args {
    /// Write it once, as text. So it is where stdout is no terminal
    #[arg(long)]
    once: bool,
    /// Write it once, as JSON
    #[arg(long, conflicts_with = "once")]
    json: bool,
    /// The folder that programs publish in, if not /dev/shm
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Number of kernels of each program to write
    #[arg(long, value_name = "N", default_value_t = 10)]
    kernels: usize,
}

/// The folder that programs publish in: that of an option, or as a program with the same variables takes it.
pub fn live_folder(option: Option<&Path>) -> PathBuf {
    match (option, env::LIVE.get()) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(value)) if value.starts_with('/') => value.into(),
        _ => folder::DEFAULT.into(),
    }
}

/// Shows it.
///
/// # Errors
/// When the folder or the terminal cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    let folder = live_folder(args.folder.as_deref());
    let mut processes = Processes::of(&folder, KEEP);
    processes.scan().with_context(|| format!("cannot look for programs in {}", folder.display()))?;
    if args.json {
        output::print(&json::text(&processes)?)?;
    } else if args.once || !std::io::stdout().is_terminal() {
        output::print(&text::text(&processes, args.kernels))?;
    } else {
        let mut terminal = ratatui::try_init().context("cannot use the terminal")?;
        let outcome = show(&mut terminal, processes);
        ratatui::restore();
        outcome?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(terminal: &mut ratatui::DefaultTerminal, mut processes: Processes) -> Result<()> {
    let mut model = Model::default();
    model.update(&processes, Instant::now());
    let mut looked_at = Instant::now();
    while !model.is_over {
        terminal.draw(|frame| screen::draw(&model, frame))?;
        let has_event = event::poll(REFRESH.saturating_sub(looked_at.elapsed()))?;
        if has_event
            && let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            model.press(key);
        }
        // Also while a key is held.
        if looked_at.elapsed() >= REFRESH {
            looked_at = Instant::now();
            processes.scan()?;
            model.update(&processes, looked_at);
        }
    }
    Ok(())
}
