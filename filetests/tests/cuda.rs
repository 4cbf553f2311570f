//! Every case compiled, run and compared; every recording of a real GPU compared with the cases.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use filetests::case::{self, Case};
use filetests::expectations::Expectations;
use filetests::process::{self, End};
use filetests::recorded::{REQUIRED, Recording, unrecorded};
use filetests::toolchain::Toolchain;
use filetests::{clients, program, verdict};
use libtest_mimic::{Arguments, Trial};

/// Time that a case may take; the slowest takes about two seconds on two cores.
const RUN_TIME_MAX: Duration = Duration::from_secs(300);

/// How kernels are compiled: as for users, and for speed from the first launch on, since most cases are over before that comes.
const TIERS: [&str; 2] = ["auto", "full"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(&arguments) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: the CUDA cases cannot be run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>> {
    let cases = case::all()?;
    let known = Arc::new(Expectations::load()?);
    let mut trials = recordings(&cases, &known)?;
    // A list needs no compiler.
    let toolchain = if arguments.list { None } else { Some(Arc::new(Toolchain::find(target_tmpdir())?)) };
    for case in cases {
        let (toolchain, known) = (toolchain.clone(), known.clone());
        trials.push(Trial::test(case.name.clone(), move || {
            let toolchain = toolchain.context("a listed case was run")?;
            // The known failures are those of our own driver.
            if toolchain.is_on_card() {
                return Ok(check(&toolchain, &case, None)?);
            }
            let outcome = TIERS.iter().try_for_each(|tier| check(&toolchain, &case, Some(tier)));
            Ok(known.judge(&case.name, outcome)?)
        }));
    }
    let mut names: Vec<String> = trials.iter().map(|trial| trial.name().to_owned()).collect();
    names.extend(clients::NAMES.iter().map(|&name| name.to_owned()));
    known.check_names(&names)?;
    Ok(trials)
}

fn target_tmpdir() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// One test for each recording, that it agrees with the cases; and one for all, that every case is recorded.
fn recordings(cases: &[Case], known: &Arc<Expectations>) -> Result<Vec<Trial>> {
    let folder = filetests::root().join("data");
    let mut paths: Vec<_> = REQUIRED.iter().map(|name| folder.join(name).with_extension("json")).collect();
    paths.extend(filetests::files_in(&folder, &["json"])?);
    paths.sort();
    paths.dedup();
    let all = (paths.clone(), cases.to_vec());
    let every_case = Trial::test("recorded/every_case", move || {
        let (paths, cases) = all;
        let recordings = paths.iter().map(|path| Recording::load(path)).collect::<Result<Vec<_>>>();
        let recordings = recordings.map_err(|error| format!("{error:#}"))?;
        match &unrecorded(&recordings, &cases)[..] {
            [] => Ok(()),
            missing => Err(format!("no card has run {}", missing.join(", ")).into()),
        }
    });
    let trials = paths.into_iter().map(|path| {
        let (cases, known) = (cases.to_vec(), known.clone());
        let name = format!("recorded/{}", path.file_stem().unwrap_or_default().to_string_lossy());
        Trial::test(name.clone(), move || {
            let found = Recording::load(&path).and_then(|recording| recording.disagreements(&cases));
            let outcome = match found {
                Ok(found) if found.is_empty() => Ok(()),
                Ok(found) => Err(found.join("\n")),
                Err(error) => Err(format!("{error:#}")),
            };
            Ok(known.judge(&name, outcome)?)
        })
    });
    Ok(trials.chain([every_case]).collect())
}

/// Compiles, runs and compares a case, with the kernels compiled as `tier` says; or accepts what it does, if that is asked for.
fn check(toolchain: &Toolchain, case: &Case, tier: Option<&str>) -> Result<(), String> {
    let run = || {
        let program = program::build(toolchain, case)?;
        let mut command = Command::new(program);
        toolchain.set_environment(&mut command);
        if let Some(capability) = case.only_capability() {
            command.env("APEX_SM", capability);
        }
        if let Some(tier) = tier {
            command.env("APEX_TIER", tier);
        }
        process::run(&mut command, RUN_TIME_MAX)
    };
    let finished = run().map_err(|error| format!("{error:#}"))?;
    let outcome = verdict::compare(case, &finished);
    if let (Err(_), End::Exit(code), true) = (&outcome, finished.end, is_blessing()) {
        fs::write(&case.path, case.blessed(code, &finished.stdout))
            .map_err(|error| format!("cannot write {}: {error}", case.path.display()))?;
        return Ok(());
    }
    outcome.map_err(|text| tier.map_or_else(|| text.clone(), |tier| format!("with APEX_TIER={tier}: {text}")))
}

fn is_blessing() -> bool {
    std::env::var_os("APEX_BLESS").is_some_and(|value| value == "1")
}
