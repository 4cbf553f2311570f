//! Occupancy as NVIDIA's `cuda_occupancy.h` computes it, on random kernels for every compute capability.
//!
//! Needs a C++ compiler (`CXX`, `g++` by default) and the header, which is part of NVIDIA's toolkit: `APEX_CUDA_HOME` names
//! the folder that holds `include/cuda_occupancy.h`.

use device_model::occupancy::{Carveout, KernelResources, LimitingResources};
use device_model::{ComputeCapability, Limits};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Questions for each compute capability, 48 000 in all.
const QUESTIONS_PER_CAPABILITY: usize = 4_000;

/// What the oracle is asked: a line of its input.
#[derive(Clone, Debug)]
struct Question {
    limits: Limits,
    kernel: KernelResources,
    multiprocessors: u32,
    block_threads: u32,
    dynamic_bytes: u64,
    dynamic_bytes_per_thread: u64,
    resident_blocks: u32,
}

/// The numbers of SplitMix64: the questions are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    fn small(&mut self, range: std::ops::RangeInclusive<u64>) -> u32 {
        self.within(range) as u32
    }

    /// From 1 to `small` in a third of the cases, to `any` in the others.
    fn small_or_any(&mut self, small: u64, any: u64) -> u32 {
        let largest = if self.one_in(3) { small } else { any };
        self.small(1..=largest)
    }

    /// True in one of `n` cases.
    fn one_in(&mut self, n: u64) -> bool {
        self.within(1..=n) == 1
    }
}

impl Question {
    /// A question about a device of the capability: mostly kernels that run, and some that ask for too much.
    fn random(capability: ComputeCapability, random: &mut Random) -> Question {
        let limits = Limits::of(capability);
        let shared = u64::from(limits.shared_per_multiprocessor);
        let carveout = if random.one_in(2) { Carveout::Default } else { Carveout::Percent(random.small(0..=100)) };
        let threads_per_block_max = if random.one_in(3) { random.small(1..=1100) } else { 1024 };
        let bytes = |random: &mut Random| match random.within(0..=5) {
            0 | 1 => 0,
            2 => random.within(0..=2048),
            3 => random.within(0..=48 << 10),
            4 => random.within(0..=shared / 1024 + 1) * 1024,
            _ => random.within(0..=shared + 4096),
        };
        Question {
            kernel: KernelResources {
                registers_per_thread: if random.one_in(8) { 0 } else { random.small_or_any(32, 260) },
                static_shared_bytes: (bytes(random) / 2) as u32,
                threads_per_block_max,
                shared_opt_in: !random.one_in(4),
                carveout,
                barriers: if random.one_in(2) { 1 } else { random.small(0..=16) },
            },
            limits,
            multiprocessors: random.small(1..=200),
            block_threads: if random.one_in(2) { random.small_or_any(4, 32) * 32 } else { random.small(1..=1056) },
            dynamic_bytes: bytes(random),
            dynamic_bytes_per_thread: if random.one_in(2) { 0 } else { random.within(0..=200) },
            resident_blocks: random.small(1..=33),
        }
    }

    /// As the oracle reads it.
    fn line(&self) -> String {
        let Question { limits, kernel, .. } = self;
        let carveout = match kernel.carveout {
            Carveout::Default => -1,
            Carveout::Percent(percent) => i64::from(percent),
        };
        let numbers = [
            i64::from(limits.capability.major),
            i64::from(limits.capability.minor),
            i64::from(limits.threads_per_block),
            i64::from(limits.threads_per_multiprocessor()),
            i64::from(limits.registers_per_block),
            i64::from(limits.registers_per_multiprocessor),
            i64::from(limits.shared_per_block),
            i64::from(limits.shared_per_multiprocessor),
            i64::from(limits.shared_per_block_optin),
            i64::from(limits.shared_reserved_per_block),
            i64::from(self.multiprocessors),
            i64::from(kernel.threads_per_block_max),
            i64::from(kernel.registers_per_thread),
            i64::from(kernel.static_shared_bytes),
            i64::from(kernel.shared_opt_in),
            carveout,
            i64::from(kernel.barriers),
            i64::from(self.block_threads),
            self.dynamic_bytes as i64,
            self.dynamic_bytes_per_thread as i64,
            i64::from(self.resident_blocks),
        ];
        numbers.map(|number| number.to_string()).join(" ")
    }

    /// Our answer, in the oracle's words.
    fn answer(&self) -> String {
        let Question { limits, kernel, .. } = self;
        let occupancy = limits.occupancy(kernel, self.block_threads, self.dynamic_bytes);
        let by = occupancy.block_limits;
        let number = |limit: Option<u32>| limit.map_or(i64::from(i32::MAX), i64::from);
        let size = limits.max_potential_block_size(kernel, self.multiprocessors, 0, |threads| {
            self.dynamic_bytes + self.dynamic_bytes_per_thread * u64::from(threads)
        });
        let available = limits.available_dynamic_shared(kernel, self.resident_blocks, self.block_threads);
        let numbers = [
            i64::from(occupancy.active_blocks),
            bits(occupancy.limited_by),
            number(by.registers),
            number(by.shared_memory),
            i64::from(by.warps),
            i64::from(by.blocks),
            number(by.barriers),
            i64::from(occupancy.registers_per_block),
            occupancy.shared_bytes_per_block as i64,
            i64::from(size.block_threads),
            i64::from(size.grid_blocks_min),
            available.map_or(-1, |bytes| bytes as i64),
        ];
        numbers.map(|number| number.to_string()).join(" ")
    }
}

/// The bits of `cudaOccLimitingFactor`.
fn bits(limited_by: LimitingResources) -> i64 {
    let LimitingResources { warps, registers, shared_memory, blocks, barriers } = limited_by;
    let bits = [warps, registers, shared_memory, blocks, barriers];
    bits.into_iter().rev().fold(0, |sum, bit| sum << 1 | i64::from(bit))
}

/// Compiles the oracle.
fn oracle() -> PathBuf {
    let home = std::env::var("APEX_CUDA_HOME").expect(
        "APEX_CUDA_HOME is not set: it must name the folder of NVIDIA's CUDA toolkit that holds include/cuda_occupancy.h \
         (pip install nvidia-cuda-runtime; site-packages/nvidia/cu13)",
    );
    let include = Path::new(&home).join("include");
    assert!(
        include.join("cuda_occupancy.h").exists(),
        "APEX_CUDA_HOME={home} holds no include/cuda_occupancy.h (pip install nvidia-cuda-runtime)"
    );
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("occupancy_oracle-{}", std::process::id()));
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "g++".to_string());
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/occupancy_oracle.cpp");
    let output = Command::new(&compiler).arg("-I").arg(&include).arg("-o").arg(&program).args(["-O1", source]).output();
    let output =
        output.unwrap_or_else(|error| panic!("{compiler} cannot be started ({error}): install g++ or set CXX"));
    assert!(output.status.success(), "{compiler} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// Asks the oracle all questions at once.
fn answers(program: &Path, questions: &[Question]) -> Vec<String> {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
    let mut input = child.stdin.take().expect("the input is a pipe");
    let lines: String = questions.iter().fold(String::new(), |mut lines, question| {
        writeln!(lines, "{}", question.line()).expect("a string can be written to");
        lines
    });
    // Written by another thread, or both sides would wait once the pipes are full.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("the oracle can be read");
    writer.join().expect("the writer does not panic").expect("the oracle reads its input");
    assert!(output.status.success(), "the oracle failed: {}", output.status);
    String::from_utf8(output.stdout).expect("the oracle writes text").lines().map(str::to_string).collect()
}

/// Numbers of an answer in which headers before CUDA 13.5 differ: the limit by barriers, which they double or lack, and the dynamic shared memory
/// left for a block, in which they forget what the system reserves.
const CHANGED_IN_13_5: [usize; 2] = [6, 11];

/// `CUDA_VERSION` of the headers: 13050 is 13.5.
fn header_version() -> u32 {
    let home = std::env::var("APEX_CUDA_HOME").expect("the oracle was compiled with it");
    let text = std::fs::read_to_string(format!("{home}/include/cuda.h")).expect("cuda.h lies beside the header");
    let line = text.lines().find_map(|line| line.strip_prefix("#define CUDA_VERSION ")).expect("cuda.h has a version");
    line.trim().parse().expect("the version is a number")
}

/// Whether the answers are the same, as far as the version of the header lets them be.
fn agrees(question: &Question, expected: &str, version: u32) -> bool {
    let newer = question.limits.capability >= ComputeCapability { major: 10, minor: 3 };
    if version < 13_050 && (newer || question.kernel.barriers > 1) {
        // Their limits by barriers are others.
        return true;
    }
    let ours = question.answer();
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.split(' ').collect(), expected.split(' ').collect());
    let compared = |index: usize| version >= 13_050 || !CHANGED_IN_13_5.contains(&index);
    ours.len() == theirs.len() && (0..ours.len()).all(|index| !compared(index) || ours[index] == theirs[index])
}

#[test]
fn same_as_the_header_of_nvidia() {
    let program = oracle();
    let mut random = Random(1);
    let mut questions = Vec::new();
    for capability in ComputeCapability::KNOWN {
        questions.extend((0..QUESTIONS_PER_CAPABILITY).map(|_| Question::random(capability, &mut random)));
    }
    let expected = answers(&program, &questions);
    std::fs::remove_file(&program).expect("the oracle was there");
    assert_eq!(expected.len(), questions.len(), "an answer to each question");

    let version = header_version();
    let pairs = questions.iter().zip(&expected);
    let wrong: Vec<_> = pairs.filter(|(question, expected)| !agrees(question, expected, version)).collect();
    for (question, expected) in wrong.iter().take(10) {
        eprintln!("{question:?}\n header: {expected}\n ours:   {}", question.answer());
    }
    assert!(wrong.is_empty(), "{} of {} answers differ from NVIDIA's header", wrong.len(), questions.len());

    // The questions are worth asking only if each resource is sometimes the limit, and some blocks do not run at all.
    let factors =
        |bit: u32| expected.iter().filter(|answer| answer.split(' ').nth(1) == Some(&bit.to_string())).count();
    for (bit, name) in [(1, "warps"), (2, "registers"), (4, "shared memory"), (8, "blocks"), (16, "barriers")] {
        assert!(factors(bit) >= 50, "only {} questions are limited by {name} alone", factors(bit));
    }
    assert!(expected.iter().filter(|answer| answer.starts_with("0 ")).count() >= 500);
}
