//! The interpreter and compiled code, warp by warp and in teams, give what an NVIDIA card gave, on random PTX programs.
//!
//! Each recording is one zstd stream: a line that names the card, its driver and the day; then for each program a line
//! `family seed digest words`, and the output buffer as little-endian words. The digest is of the program's text and
//! inputs, so that a change of the generator shows as such: the card has to be asked again then
//! (`tests/data/record_on_gpu.py`).
//!
//! Programs are compared bit for bit but for NaNs of f64. With one NaN operand the card keeps its sign and payload; with
//! several it takes the one that NVIDIA's assembler put first, which no rule on values tells.

mod common;
#[path = "common/digest.rs"]
mod digest;

use std::io::Read;

use common::{Device, Lowered};
use simt_interp::random::{Family, NanRule};
use simt_interp::random_ptx;

const RECORDINGS: [&[u8]; 2] =
    [include_bytes!("data/random-ptx-h200.bin.zst"), include_bytes!("data/random-ptx-h100.bin.zst")];

/// Seeds of a family in its recording, from 0.
const SEEDS: u64 = 20;

/// Missing: NVIDIA's own compiler crashes on it.
const NOT_RECORDED: (Family, u64) = (Family::ControlFlow, 11);

/// Not compared. `cvt.rp.ftz.f16.f32` of a subnormal gives the smallest f16 on the card, which does not flush there; the
/// lowering of PTX flushes, as the PTX ISA says.
const DIFFERS: (Family, u64) = (Family::Convert, 1);

/// Not recorded: what the card does with scalar video instructions whose results are saturated or merged into a register is not what the PTX
/// ISA says. Programs in `filetests` compare those on which they agree.
const SEEN_IN_FILETESTS: Family = Family::Parts;

/// One seed in so many is compiled for teams of warps too.
const TEAMS_EVERY: u64 = 4;

/// One program's answer.
struct Answer {
    family: String,
    seed: u64,
    digest: String,
    words: Vec<u64>,
}

/// A recording's first line, and all answers.
fn answers(recording: &[u8]) -> (String, Vec<Answer>) {
    let mut bytes = Vec::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(recording).expect("the recording is a zstd stream");
    decoder.read_to_end(&mut bytes).expect("the recording is whole");
    let mut rest = bytes.as_slice();
    let title = line(&mut rest);
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let head = line(&mut rest);
        let fields: Vec<&str> = head.split(' ').collect();
        let [family, seed, digest, count] = fields[..] else { panic!("not a program's line: {head}") };
        let count: usize = count.parse().expect("a number of words");
        let (words, after) = rest.split_at(8 * count);
        rest = after;
        let words = words.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("8 bytes"))).collect();
        let (family, digest) = (family.to_string(), digest.to_string());
        answers.push(Answer { family, seed: seed.parse().expect("a seed"), digest, words });
    }
    (title, answers)
}

fn line(rest: &mut &[u8]) -> String {
    let end = rest.iter().position(|byte| *byte == b'\n').expect("a line ends");
    let text = String::from_utf8(rest[..end].to_vec()).expect("text");
    *rest = &rest[end + 1..];
    text
}

fn check(family: Family) {
    let device = Device::new();
    let (mut title, mut answers) = (String::new(), Vec::new());
    for (its_title, its_answers) in RECORDINGS.map(self::answers) {
        let before = answers.len();
        answers.extend(its_answers.into_iter().filter(|answer| answer.family == format!("{family:?}")));
        if answers.len() > before {
            title = its_title;
        }
    }
    let missing = u64::from(family == NOT_RECORDED.0);
    assert_eq!(answers.len() as u64, SEEDS - missing, "programs of {family:?} in the recording");
    let mut failures = Vec::new();
    for answer in answers.into_iter().filter(|answer| (family, answer.seed) != DIFFERS) {
        if let Err(text) = compare(&device, family, &answer) {
            failures.push(format!("{family:?} {}: {text}", answer.seed));
        }
    }
    assert!(failures.is_empty(), "{title}: {} programs differ: {failures:#?}", failures.len());
}

fn compare(device: &Device, family: Family, answer: &Answer) -> Result<(), String> {
    let case = random_ptx::module(family, answer.seed);
    if digest::of(&case) != answer.digest {
        return Err("the generator makes another program than when the card was asked: record again".into());
    }
    let lowered = Lowered::new(case)?;
    let agree = |who: &str, actual: &[u64]| {
        let verdict = lowered.case().compare(&answer.words, actual, NanRule::AnyDoubleNan);
        verdict.map_err(|mismatch| format!("{who}: {mismatch}"))
    };
    agree("interpreter", &lowered.interpret()?)?;
    agree("compiled code", &lowered.run(device, answer.seed % 4 != 0)?)?;
    if answer.seed % TEAMS_EVERY != 0 {
        return Ok(());
    }
    let width = [16, 32][answer.seed as usize / TEAMS_EVERY as usize % 2];
    let (output, lanes) = lowered.run_in_teams(device, width)?;
    agree(&format!("compiled code for {lanes} lanes, rows of {width}"), &output)
}

macro_rules! families {
    ($($name:ident $family:ident,)*) => {
        $(#[test] fn $name() { check(Family::$family) })*
        #[test]
        fn every_family_is_recorded() {
            let all = Family::ALL.into_iter().filter(|family| *family != SEEN_IN_FILETESTS);
            assert_eq!([$(Family::$family),*].to_vec(), all.collect::<Vec<_>>());
        }
    };
}

families! {
    integer Integer,
    logic Logic,
    dot Dot,
    compare_and_select Compare,
    convert Convert,
    float32 Float32,
    float64 Float64,
    half Half,
    approximate Approximate,
    warp Warp,
    control_flow ControlFlow,
    memory Memory,
    atomics Atomics,
    matrix Matrix,
    cooperation Cooperation,
}
