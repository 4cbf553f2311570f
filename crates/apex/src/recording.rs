//! A recording, read block by block with a bar of progress.

use std::fs::File;
use std::io::{BufReader, IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, Result};
pub use apex_server::names::demangled;
use indicatif::{ProgressBar, ProgressStyle};
use telemetry::file::{Ending, Reader};
use telemetry::records::Block;

/// What a reader takes from the system at a time.
const BUFFER_BYTES: usize = 1 << 20;

/// Reads a recording and hands each block to `take`; returns how the file ends. A bar is shown on stderr, if that is a terminal.
///
/// # Errors
/// When the file is no recording or cannot be read, or when `take` fails.
pub fn read(path: &Path, mut take: impl FnMut(Block) -> Result<()>) -> Result<Ending> {
    let name = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(name)?;
    let length = file.metadata().with_context(name)?.len();
    let mut reader = Reader::new(BufReader::with_capacity(BUFFER_BYTES, file)).with_context(name)?;
    let bar = bar(length);
    while let Some(block) = next(&mut reader).with_context(name)? {
        bar.set_position(reader.position());
        take(block)?;
    }
    bar.finish_and_clear();
    Ok(reader.ending().unwrap_or(Ending::Whole))
}

fn next<R: Read>(reader: &mut Reader<R>) -> std::io::Result<Option<Block>> {
    reader.next_block()
}

fn bar(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    // The template is a constant: a fault in it would show at once.
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}").expect("a template");
    bar.set_style(style);
    bar
}

/// What is to be said about how a file ends; nothing for a whole one of a program that exited.
pub fn notes(ending: Ending, has_end: bool, dropped: [u64; 2]) -> Vec<String> {
    let mut notes = Vec::new();
    match ending {
        Ending::Whole if !has_end => {
            notes.push("The program did not exit, or not yet: what it did after the last flush is missing.".to_owned());
        }
        Ending::Whole => {}
        Ending::CutShort => notes.push("The file is cut short: it was read up to the last whole block.".to_owned()),
        Ending::Damaged => notes.push("The file is damaged: it was read up to the first damaged block.".to_owned()),
    }
    let [launches, others] = dropped;
    if launches + others > 0 {
        notes.push(format!(
            "{launches} launches and {others} other events found their thread's buffer full and are missing (APEX_RECORD_BUFFER)."
        ));
    }
    notes
}
