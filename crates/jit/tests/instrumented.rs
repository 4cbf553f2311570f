//! Instrumented code does what other code does, and counts what the interpreter counts, however it is made.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::{Device, Lowered};
use simt::{AccessEvent, KernelObserver, LaunchInfo, MeetingEvent};
use simt_interp::random::{Family, NanRule};
use simt_interp::random_ptx;
use simt_ir::instrument::{Instrumentation, Mark, SEGMENT_WORDS, SiteKind};

/// Families with control flow, memory and operations across lanes; programs of each.
const FAMILIES: [Family; 5] = [Family::ControlFlow, Family::Memory, Family::Atomics, Family::Warp, Family::Parts];
const PROGRAMS: std::ops::Range<u64> = 300..304;

/// What is counted: for each instruction the threads that executed it, and for each line those that accessed memory.
type Counted = (BTreeMap<Mark, u64>, BTreeMap<u32, u64>);

/// Counts threads.
struct Threads {
    meaning: Instrumentation,
    counted: Mutex<Counted>,
}

impl KernelObserver for Threads {
    fn tally_words(&self) -> usize {
        self.meaning.segment_words() + self.meaning.sites.len()
    }

    fn access(&self, tally: &mut [u64], event: &AccessEvent<'_>) {
        tally[self.meaning.segment_words() + event.site as usize] += u64::from(event.lanes.count_ones());
    }

    fn branch(&self, tally: &mut [u64], site: u32, lanes: u32, taken: u32) {
        // Nobody goes anywhere who is not there; what is wrong shows in the sums.
        let strays = u64::from((taken & !lanes).count_ones());
        tally[self.meaning.segment_words() + site as usize] += strays;
    }

    fn meeting(&self, _: &mut [u64], _: &MeetingEvent<'_>) {}

    fn finish(&self, _: &LaunchInfo, tally: &[u64]) {
        let mut counted = self.counted.lock().unwrap();
        let (words, sites) = tally.split_at(self.meaning.segment_words());
        for (marks, words) in self.meaning.segments.iter().zip(words.chunks(SEGMENT_WORDS)) {
            for mark in marks.iter().filter(|_| words[1] > 0) {
                *counted.0.entry(*mark).or_default() += words[1];
            }
        }
        for (site, lanes) in self.meaning.sites.iter().zip(sites).filter(|(_, lanes)| **lanes > 0) {
            assert!(matches!(site.kind, SiteKind::Access { .. }), "a branch takes lanes that are not there");
            *counted.1.entry(site.line).or_default() += lanes;
        }
    }
}

/// Runs a case with counters: its output, and what was counted.
fn counted(device: &Device, case: &Lowered, specialised: bool) -> Result<(Vec<u64>, Counted), String> {
    let mut observer = None;
    let output = case.run_observed(device, specialised, &mut |meaning| {
        let threads = Arc::new(Threads { meaning: meaning.clone(), counted: Mutex::default() });
        observer = Some(threads.clone());
        threads
    })?;
    let counted = observer.expect("the kernel has an observer").counted.lock().unwrap().clone();
    Ok((output, counted))
}

fn check(device: &Device, family: Family, seed: u64) -> Result<usize, String> {
    let case = Lowered::marked(random_ptx::module(family, seed))?;
    let (expected, marks) = case.interpret_counted()?;
    let (output, special) = counted(device, &case, true)?;
    let (general_output, general) = counted(device, &case, false)?;
    for output in [&output, &general_output] {
        let compared = case.case().compare(&expected, output, NanRule::AnyDoubleNan);
        compared.map_err(|mismatch| mismatch.to_string())?;
    }
    if special.1 != general.1 {
        return Err("code for one size of block and for any size access memory by other numbers of threads".to_owned());
    }
    for counted in [&special.0, &general.0] {
        let all = marks.keys().chain(counted.keys());
        let of = |counts: &BTreeMap<Mark, u64>, mark| counts.get(mark).copied().unwrap_or(0);
        if let Some(mark) = all.into_iter().find(|mark| of(&marks, mark) != of(counted, mark)) {
            let (wanted, found) = (of(&marks, mark), of(counted, mark));
            return Err(format!("{mark:?}: the interpreter counts {wanted} threads, the code {found}"));
        }
    }
    Ok(marks.len())
}

#[test]
fn code_counts_what_the_interpreter_counts() {
    let device = Device::new();
    let mut instructions = 0;
    for family in FAMILIES {
        for seed in PROGRAMS {
            instructions += check(&device, family, seed).unwrap_or_else(|text| panic!("{family:?} {seed}: {text}"));
        }
    }
    assert!(instructions > 1000, "only {instructions} instructions were counted");
}
