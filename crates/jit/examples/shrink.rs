//! Makes a random program that fails small: `cargo run -p jit --release --example shrink -- FAMILY SEED [ptx]`.
//!
//! Operations become constants or nothing, branches go one way, as long as compiled code still differs from the interpreter, or
//! does not end. Each candidate runs in a process of its own, which is killed after some seconds. What is left is printed in IR.

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use common::{Device, Lowered};
use simt_interp::random::{Case, Family, NanRule, interpret, program};
use simt_interp::random_ptx;
use simt_ir::pass::remove_dead_code;
use simt_ir::{BlockId, Op, Program, Terminator};

/// How long compiled code may take; it is a matter of milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a candidate's process says when the interpreter has come to an end.
const INTERPRETED: &str = "interpreted";

/// A case whose program can be changed.
struct Subject {
    case: Case<Program>,
    symbols: Vec<(String, Vec<u8>)>,
}

/// A change of the original program, by function and block.
#[derive(Clone, Copy)]
enum Edit {
    /// An instruction makes zeros, or is gone.
    Drop { function: usize, block: usize, instruction: usize },
    /// A branch always goes to its successor of this number.
    Go { function: usize, block: usize, successor: usize },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((family, seed)) = arguments.first().zip(arguments.get(1)).and_then(|(family, seed)| {
        let known = Family::ALL.into_iter().find(|known| format!("{known:?}").eq_ignore_ascii_case(family));
        known.zip(seed.parse().ok())
    }) else {
        eprintln!("usage: shrink FAMILY SEED [ptx]");
        return ExitCode::from(2);
    };
    let ptx = arguments.iter().any(|argument| argument == "ptx");
    let subject = match subject(family, seed, ptx) {
        Ok(subject) => subject,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let all = edits(&subject.case.code);
    if arguments.last().is_some_and(|last| last == "candidate") {
        return candidate(&subject, &all, seed);
    }
    match shrink(&all, &arguments) {
        Some((applied, failure)) => {
            println!("{}\n{failure}", edited(&subject.case.code, &all, &applied));
            ExitCode::SUCCESS
        }
        None => {
            println!("the program does not fail");
            ExitCode::FAILURE
        }
    }
}

fn subject(family: Family, seed: u64, ptx: bool) -> Result<Subject, String> {
    if !ptx {
        return Ok(Subject { case: program(family, seed), symbols: Vec::new() });
    }
    let (case, symbols) = Lowered::new(random_ptx::module(family, seed))?.into_program();
    Ok(Subject { case, symbols })
}

/// Everything that can be tried.
fn edits(program: &Program) -> Vec<Edit> {
    let mut list = Vec::new();
    for (function, body) in program.functions.iter().enumerate() {
        for (block, data) in body.blocks.iter().enumerate() {
            let ways = data.terminator.successors().len();
            list.extend((0..ways).filter(|_| ways > 1).map(|successor| Edit::Go { function, block, successor }));
        }
    }
    for (function, body) in program.functions.iter().enumerate() {
        for (block, data) in body.blocks.iter().enumerate() {
            for (instruction, item) in data.instructions.iter().enumerate() {
                let small = item.results.iter().all(|result| body.ty(*result).bits() <= 64);
                if item.results.len() <= 1 && small && !matches!(item.op, Op::Const { .. }) {
                    list.push(Edit::Drop { function, block, instruction });
                }
            }
        }
    }
    list
}

fn edited(program: &Program, all: &[Edit], applied: &[bool]) -> Program {
    let mut program = program.clone();
    let mut gone = Vec::new();
    for (edit, _) in all.iter().zip(applied).filter(|(_, applied)| **applied) {
        match *edit {
            Edit::Drop { function, block, instruction } => gone.push((function, block, instruction)),
            Edit::Go { function, block, successor } => {
                let data = &mut program.functions[function].blocks[block];
                let successors = data.terminator.successors();
                let Some(&to) = successors.get(successor).filter(|_| successors.len() > 1) else { continue };
                data.terminator = Terminator::Branch(to);
                for other in successors.into_iter().filter(|other| *other != to) {
                    let phis = &mut program.functions[function].block_mut(other).phis;
                    phis.iter_mut().for_each(|phi| phi.incoming.retain(|(from, _)| *from != BlockId(block as u32)));
                }
            }
        }
    }
    // The later ones first, so that the numbers of the others stay right.
    for (function, block, instruction) in gone.into_iter().rev() {
        let body = &mut program.functions[function];
        let item = &body.blocks[block].instructions[instruction];
        match item.results[..] {
            [result] => {
                let ty = body.ty(result);
                body.blocks[block].instructions[instruction].op = Op::Const { ty, bits: 0 };
            }
            _ => {
                body.blocks[block].instructions.remove(instruction);
            }
        }
    }
    program.functions.iter_mut().for_each(remove_dead_code);
    program
}

/// The edits under which the program still fails, and how it fails in the end.
fn shrink(all: &[Edit], arguments: &[String]) -> Option<(Vec<bool>, String)> {
    let mut applied = vec![false; all.len()];
    let mut failure = fails(&applied, arguments)?;
    loop {
        let before = applied.clone();
        let mut size = all.len();
        while size > 0 {
            for start in (0..all.len()).step_by(size) {
                let mut next = applied.clone();
                next[start..all.len().min(start + size)].fill(true);
                if next != applied
                    && let Some(text) = fails(&next, arguments)
                {
                    (applied, failure) = (next, text);
                }
            }
            eprintln!("{} of {} edits, {size} at a time", applied.iter().filter(|it| **it).count(), all.len());
            eprintln!("{}", bits(&applied));
            size /= 2;
        }
        if applied == before {
            return Some((applied, failure));
        }
    }
}

fn bits(applied: &[bool]) -> String {
    applied.iter().map(|applied| if *applied { '1' } else { '0' }).collect()
}

/// Runs a candidate; how it fails, if it does.
fn fails(applied: &[bool], arguments: &[String]) -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(program);
    command.args(arguments).arg("candidate").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    writeln!(child.stdin.take()?, "{}", bits(applied)).ok()?;
    let mut output = BufReader::new(child.stdout.take()?);
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().ok()? {
            break Some(status);
        }
        if start.elapsed() > PATIENCE {
            child.kill().ok()?;
            child.wait().ok()?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|count| count > 0) {
        lines.push(std::mem::take(&mut line).trim_end().to_owned());
    }
    let interpreted = lines.first().is_some_and(|first| first == INTERPRETED);
    match status {
        _ if !interpreted => None,
        None => Some("compiled code does not end".to_owned()),
        Some(status) if status.success() => None,
        Some(_) => Some(lines[1..].join("\n")),
    }
}

/// In the candidate's process: the interpreter, then compiled code.
fn candidate(subject: &Subject, all: &[Edit], seed: u64) -> ExitCode {
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line).is_err() {
        return ExitCode::SUCCESS;
    }
    let applied: Vec<bool> = line.trim_end().bytes().map(|byte| byte == b'1').collect();
    let program = edited(&subject.case.code, all, &applied);
    if simt_ir::verify(&program).is_err() {
        return ExitCode::SUCCESS;
    }
    let Ok(expected) = interpret(&program, &subject.case, &subject.symbols) else { return ExitCode::SUCCESS };
    println!("{INTERPRETED}");
    let result = Device::new().run(&program, &subject.case, &subject.symbols, seed % 4 != 0).and_then(|actual| {
        let compared = subject.case.compare(&expected, &actual, NanRule::AnyDoubleNan);
        compared.map_err(|mismatch| mismatch.to_string())
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            println!("{text}");
            ExitCode::FAILURE
        }
    }
}
