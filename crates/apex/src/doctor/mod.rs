//! `apex doctor`: what of the environment would break a run, and how to mend it.
//!
//! [`machine`] looks at the installation and the machine, [`backend`] at what would answer, [`program`] at how the loader treats a program,
//! [`device_code`] at what a program brings for the device, [`interfaces`] at what it asks of the driver.

mod backend;
mod device_code;
mod interfaces;
mod machine;
mod program;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;

use crate::device_options::DeviceOptions;
use crate::output::print;

/// Say what would keep programs from running, and how to mend it.
///
/// Ends with exit code 1 when something would.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    device: DeviceOptions,
    /// A program to look at, too; it is not run
    program: Option<OsString>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Good,
    /// Worth knowing.
    Note,
    /// Would break a run.
    Problem,
}

/// What was found out about one thing.
#[derive(Debug)]
struct Finding {
    severity: Severity,
    /// The thing.
    subject: String,
    what: String,
    /// What to do about it.
    remedy: Option<String>,
}

impl Finding {
    fn new(severity: Severity, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { severity, subject: subject.into(), what: what.into(), remedy: None }
    }

    fn good(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Good, subject, what)
    }

    fn note(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Note, subject, what)
    }

    fn problem(subject: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Problem, subject, what).with_remedy(remedy)
    }

    fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// Looks at everything and reports.
///
/// # Errors
/// When the report cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (mut findings, device, driver) = machine::check(&args.device);
    for (variable, value) in args.device.variables() {
        // SAFETY: no other thread runs in this process.
        unsafe { std::env::set_var(variable.name, value) };
    }
    let (is_nvidia, backend) = backend::check();
    findings.extend(backend);
    if let Some(program) = &args.program {
        // What device code runs on a card is for NVIDIA's driver to say.
        findings.extend(program::check(program, if is_nvidia { None } else { Some(device) }, driver));
    }
    print(&render(&findings))?;
    let broken = findings.iter().any(|finding| finding.severity == Severity::Problem);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn render(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { severity, subject, what, remedy } in findings {
        let label = match severity {
            Severity::Good => "ok",
            Severity::Note => "note",
            Severity::Problem => "PROBLEM",
        };
        let _ = writeln!(text, "{label:<8} {subject}: {what}");
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "{:<8}   -> {remedy}", "");
        }
    }
    let problems = findings.iter().filter(|finding| finding.severity == Severity::Problem).count();
    let _ = match problems {
        0 => writeln!(text, "\nnothing found that would break a run"),
        1 => writeln!(text, "\n1 problem"),
        more => writeln!(text, "\n{more} problems"),
    };
    text
}
