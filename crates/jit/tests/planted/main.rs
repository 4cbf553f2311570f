//! The random programs find faults of a compiler: each of [`faults::FAULTS`] is planted in one place of the program that is compiled, and
//! shows before [`PROGRAMS`] programs have run, most of them after a handful. Whoever looks for it does not know which family to ask. Without
//! a fault none of the same programs differs.
//!
//! `cargo test -p jit --test planted -- --nocapture` prints after how many programs, and how long, each was found.
//!
//! Programs in which threads spin until others have written are left out: with a fault they may wait for ever.

#[path = "../common/mod.rs"]
mod common;
mod faults;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{Device, Lowered};
use faults::{FAULTS, Fault};
use simt_interp::random::{Case, Family, NanRule, Rng, interpret, program};
use simt_interp::random_ptx;
use simt_ir::Program;
use simt_ir::analysis::LaunchShape;
use simt_ir::pass::prepare;

/// Programs that are tried for a fault: ten of each family.
const PROGRAMS: usize = 150;

/// The first seed, other than those of other tests.
const FIRST_SEED: u64 = 500;

/// A program on its way to both implementations.
struct Subject {
    name: String,
    case: Case<Program>,
    symbols: Vec<(String, Vec<u8>)>,
    expected: Vec<u64>,
}

impl Subject {
    /// Programs of all families by turns, in PTX and in IR.
    fn new(number: usize) -> Self {
        let families: Vec<Family> = Family::ALL.into_iter().filter(|family| *family != Family::Cooperation).collect();
        let (round, family) = (number / families.len(), families[number % families.len()]);
        let seed = FIRST_SEED + round as u64;
        let is_text = round % 2 == 0;
        let name = format!("{family:?} {seed} in {}", if is_text { "PTX" } else { "IR" });
        let (case, symbols) = match is_text {
            true => Lowered::new(random_ptx::module(family, seed)).expect("the program is correct").into_program(),
            false => (program(family, seed), Vec::new()),
        };
        let expected = interpret(&case.code, &case, &symbols).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, case, symbols, expected }
    }

    /// What compiled code does with the program as it is prepared, after a change; nothing if the change was not possible.
    fn differs_with(
        &self,
        device: &Device,
        change: impl FnOnce(&mut simt_ir::Function) -> bool,
    ) -> Option<Result<(), String>> {
        let mut code = self.case.code.clone();
        let block = Some([self.case.threads, 1, 1]);
        prepare(&mut code, LaunchShape { block, small_grid: true, ..LaunchShape::default() });
        if !change(&mut code.functions[0]) {
            return None;
        }
        simt_ir::verify(&code).unwrap_or_else(|error| panic!("{}: the change makes no program: {error}", self.name));
        let outcome = device.run(&code, &self.case, &self.symbols, true);
        Some(outcome.and_then(|actual| {
            let compared = self.case.compare(&self.expected, &actual, NanRule::AnyDoubleNan);
            compared.map_err(|mismatch| mismatch.to_string())
        }))
    }
}

/// Programs that have been made, each shown to be right as it is.
struct Programs {
    device: Device,
    made: BTreeMap<usize, (Subject, Duration)>,
}

impl Programs {
    /// A program, and how long it and the interpreter took.
    fn get(&mut self, number: usize) -> &(Subject, Duration) {
        self.made.entry(number).or_insert_with(|| {
            let start = Instant::now();
            let subject = Subject::new(number);
            let time = start.elapsed();
            let outcome = subject.differs_with(&self.device, |_| true);
            assert_eq!(outcome, Some(Ok(())), "{} is accused without a fault", subject.name);
            (subject, time)
        })
    }
}

/// How a fault was found.
struct Found {
    programs: usize,
    with_fault: usize,
    time: Duration,
    name: String,
}

/// Looks for a fault; if it is not found, in how many programs it was.
fn hunt(programs: &mut Programs, fault: &Fault, number: usize) -> Result<Found, usize> {
    let (mut with_fault, mut time) = (0, Duration::ZERO);
    for index in 0..PROGRAMS {
        time += programs.get(index).1;
        let (subject, device) = (&programs.made[&index].0, &programs.device);
        let mut rng = Rng::of(Family::ControlFlow, (index * FAULTS.len() + number) as u64);
        let start = Instant::now();
        let outcome = subject.differs_with(device, |kernel| (fault.plant)(kernel, &mut rng));
        time += start.elapsed();
        with_fault += usize::from(outcome.is_some());
        if let Some(Err(_)) = outcome {
            return Ok(Found { programs: index + 1, with_fault, time, name: subject.name.clone() });
        }
    }
    Err(with_fault)
}

#[test]
fn every_planted_fault_is_found() {
    let mut programs = Programs { device: Device::new(), made: BTreeMap::new() };
    let mut missed = Vec::new();
    for (number, fault) in FAULTS.iter().enumerate() {
        match hunt(&mut programs, fault, number) {
            Ok(found) => println!(
                "{}: {}: found in program {}, the {}. with the fault in it, after {:.1} s ({})",
                fault.kind,
                fault.name,
                found.programs,
                found.with_fault,
                found.time.as_secs_f64(),
                found.name
            ),
            Err(with_fault) => missed.push(format!("{}: {}, in {with_fault} programs", fault.kind, fault.name)),
        }
    }
    assert!(missed.is_empty(), "not found in {PROGRAMS} programs: {missed:#?}");
}
