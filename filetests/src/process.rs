//! Running a program with a limit on its time and its output.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

/// Bytes that are kept of each of stdout and stderr; what comes after is read and dropped.
const OUTPUT_SIZE_MAX: u64 = 16 << 20;
/// How often a running program is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How a program ended, and what it wrote.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub end: End,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with an exit code.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It was killed because its time was over.
    TimedOut(Duration),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "ended with exit code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::TimedOut(limit) => write!(f, "was killed after {} s", limit.as_secs()),
        }
    }
}

impl Finished {
    /// Both outputs, for people.
    pub fn outputs(&self) -> String {
        format!("--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// Runs a program to its end, or kills it and everything that it started.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &mut Command, limit: Duration) -> Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that its children can be killed with it.
    command.process_group(0);
    let mut child =
        command.spawn().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    let stdout = keep_reading(child.stdout.take());
    let stderr = keep_reading(child.stderr.take());
    let status = wait(&mut child, limit)?;
    let end = match status {
        None => End::TimedOut(limit),
        Some(status) => status.code().map_or_else(|| End::Signal(status.signal().unwrap_or(0)), End::Exit),
    };
    Ok(Finished { end, stdout: text(stdout)?, stderr: text(stderr)? })
}

/// The status, or nothing if the process had to be killed.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            // The group may have ended in this moment; then there is nothing to kill.
            let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn keep_reading<R: Read + Send + 'static>(stream: Option<R>) -> JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let Some(mut stream) = stream else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        stream.by_ref().take(OUTPUT_SIZE_MAX).read_to_end(&mut bytes)?;
        // A program whose pipe nobody reads would stop; it goes on, and what it says no longer matters.
        io::copy(&mut stream, &mut io::sink())?;
        Ok(bytes)
    })
}

fn text(reader: JoinHandle<io::Result<Vec<u8>>>) -> Result<String> {
    let bytes = reader.join().map_err(|_| anyhow::anyhow!("the reader of an output panicked"))??;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Finished {
        run(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn outputs_and_exit_code_are_kept() {
        let finished = shell("echo out; echo err >&2; exit 3", Duration::from_secs(10));
        assert_eq!((finished.end, &*finished.stdout, &*finished.stderr), (End::Exit(3), "out\n", "err\n"));
        assert_eq!(shell("kill -9 $$", Duration::from_secs(10)).end, End::Signal(9));
    }

    #[test]
    fn a_program_and_its_children_are_killed_in_time() {
        let start = Instant::now();
        // The child keeps the pipe open: it must die too, or reading would last 60 s.
        let finished = shell("echo before; sleep 60 & sleep 60", Duration::from_millis(200));
        assert_eq!(finished.end, End::TimedOut(Duration::from_millis(200)));
        assert_eq!(finished.stdout, "before\n");
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_is_too_long_does_not_stop_the_program() {
        let finished = shell("head -c 17000000 /dev/zero; exit 5", Duration::from_secs(60));
        assert_eq!(finished.end, End::Exit(5));
        assert_eq!(finished.stdout.len() as u64, OUTPUT_SIZE_MAX);
    }
}
