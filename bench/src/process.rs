//! The parent's side of a child process: requests go in, answers come out, and one that hangs is ended.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::child::Failure;

/// Time that an answer may take: the slowest is the first run of a large kernel, with its compilation.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(300);

/// A child process that answers requests.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<String>,
}

impl Process {
    /// Starts this program again with other arguments; `prepare` sets what it needs around it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(arguments: &[&str], prepare: impl FnOnce(&mut Command) -> Result<()>) -> Result<Self> {
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        prepare(&mut command)?;
        let mut child = command.spawn().context("cannot start this program again")?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("a child process has no pipes");
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            // Ends with the child, or when nobody wants the answers any more.
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                // Libraries that write to stdout, too, write no JSON.
                if line.starts_with('{') && sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, stdin, answers })
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    /// When the child failed, ended or hangs.
    pub fn answer<A: for<'a> Deserialize<'a>>(&mut self) -> Result<A> {
        match self.answers.recv_timeout(ANSWER_TIME_MAX) {
            Ok(line) => match serde_json::from_str::<Failure>(&line) {
                Ok(Failure { error }) => bail!(error),
                Err(_) => serde_json::from_str(&line).with_context(|| format!("an answer makes no sense: {line}")),
            },
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {} s", ANSWER_TIME_MAX.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("the process ended: {}", self.child.wait()?),
        }
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// When the child failed, ended or hangs.
    pub fn ask<A: for<'a> Deserialize<'a>>(&mut self, request: &impl Serialize) -> Result<A> {
        let line = serde_json::to_string(request)?;
        writeln!(self.stdin, "{line}").context("the process does not listen any more")?;
        self.answer()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; in both cases it is waited for, so that nothing stays behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
