//! Counters against those of a real card: the same program, launch by launch (`filetests/counters`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use filetests::process::{self, End};
use filetests::toolchain::Toolchain;
use serde::Deserialize;
use serde_json::Value;

/// Counters may differ from the card's by so much.
const TOLERANCE: f64 = 0.05;
const TIME_MAX: Duration = Duration::from_secs(300);

/// What is compared. The card's own instructions, which the recording holds too, are not the program's.
const COUNTERS: [&str; 16] = [
    "global_load_requests",
    "global_load_sectors",
    "global_store_requests",
    "global_store_sectors",
    "global_atomic_requests",
    "global_atomic_sectors",
    "shared_load_requests",
    "shared_load_wavefronts",
    "shared_store_requests",
    "shared_store_wavefronts",
    "shared_atomic_requests",
    "local_load_requests",
    "local_load_sectors",
    "local_store_requests",
    "local_store_sectors",
    "divergent_branches",
];

#[derive(Deserialize)]
struct Recording {
    card: String,
    driver: String,
    day: String,
    launches: Vec<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    difference: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    kernel: String,
    counters: Vec<String>,
    reason: String,
}

fn folder() -> PathBuf {
    filetests::root().join("counters")
}

fn toolchain() -> &'static Toolchain {
    static TOOLCHAIN: OnceLock<Toolchain> = OnceLock::new();
    TOOLCHAIN.get_or_init(|| {
        Toolchain::find(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("cargo xtask test says where everything is")
    })
}

/// The program, compiled once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("counters-{}", std::process::id()));
        let mut nvcc = Command::new(&toolchain().nvcc);
        nvcc.arg(folder().join("kernels.cu")).arg("-o").arg(&path);
        nvcc.arg("-L").arg(&toolchain().library_folder);
        let finished = process::run(&mut nvcc, TIME_MAX).expect("nvcc starts");
        assert_eq!(finished.end, End::Exit(0), "{}", finished.outputs());
        path
    })
}

/// Runs the program with counters; the JSON, and what it wrote to stderr.
fn counted(workers: u32) -> (String, String) {
    let apex = PathBuf::from(std::env::var_os("APEX_BIN_DIR").expect("cargo xtask test says where apex is"));
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let mut command = Command::new(apex.join("apex"));
    command.arg("run").arg(format!("--counters={}", file.path().display()));
    command.arg(format!("--workers={workers}")).arg(program());
    toolchain().set_environment(&mut command);
    let finished = process::run(&mut command, TIME_MAX).expect("apex starts");
    assert_eq!(finished.end, End::Exit(0), "{}", finished.outputs());
    (fs::read_to_string(file.path()).expect("the counters are written"), finished.stderr)
}

/// Our count of what a card calls `counter`.
fn own(counts: &Value, counter: &str) -> u64 {
    let place = match counter {
        "divergent_branches" => &counts["branches"]["divergent"],
        other => {
            let parts: Vec<&str> = other.splitn(3, '_').collect();
            &counts[parts[0]][parts[1]][parts[2]]
        }
    };
    place.as_u64().unwrap_or(0)
}

#[test]
fn a_card_counts_the_same() {
    let recording = fs::read_to_string(folder().join("h100.json")).expect("there is a recording");
    let recording: Recording = serde_json::from_str(&recording).expect("the recording is well-formed");
    let differences = fs::read_to_string(folder().join("differences.toml")).expect("there are differences");
    let differences: Differences = toml::from_str(&differences).expect("the differences are well-formed");
    let mut excused: BTreeSet<(&str, &str)> = BTreeSet::new();
    for difference in &differences.difference {
        assert!(!difference.reason.is_empty(), "{} differs without a reason", difference.kernel);
        excused.extend(difference.counters.iter().map(|counter| (difference.kernel.as_str(), counter.as_str())));
    }
    let json: Value = serde_json::from_str(&counted(2).0).expect("the counters are well-formed");
    let launches = json["launches"].as_array().expect("launches are a list");
    assert_eq!(launches.len(), recording.launches.len(), "as many launches as the card ran");
    let mut found: BTreeMap<(&str, &str), Vec<(u64, u64)>> = BTreeMap::new();
    for (launch, recorded) in launches.iter().zip(&recording.launches) {
        let kernel = recorded["kernel"].as_str().expect("a kernel has a name");
        assert_eq!(launch["kernel"].as_str(), Some(kernel), "kernels come in the same order");
        for name in COUNTERS {
            // A counter that is 0 is not in the recording.
            let card = recorded.get(name).and_then(Value::as_u64).unwrap_or(0);
            let ours = own(&launch["counts"], name);
            if card.abs_diff(ours) as f64 > TOLERANCE * card.max(ours) as f64 {
                found.entry((kernel, name)).or_default().push((card, ours));
            }
        }
    }
    let Recording { card, driver, day, .. } = &recording;
    let unexpected: Vec<String> = found
        .iter()
        .filter(|(key, _)| !excused.contains(*key))
        .map(|((kernel, name), values)| format!("{kernel}: {name} (the card's, ours) {values:?}"))
        .collect();
    assert!(unexpected.is_empty(), "{card}, driver {driver}, {day}:\n{}", unexpected.join("\n"));
    let gone: Vec<_> = excused.iter().filter(|key| !found.contains_key(*key)).collect();
    assert!(gone.is_empty(), "these no longer differ: take them out of differences.toml: {gone:?}");
}

#[test]
fn counters_do_not_depend_on_the_workers() {
    let (one, table) = counted(1);
    assert!(one == counted(4).0, "one worker counts otherwise than four");
    let line = table.lines().find(|line| line.starts_with("transpose_tiled")).expect("the table has the kernel");
    let cells: Vec<&str> = line.split_whitespace().collect();
    // kernel, launches, instructions, active, branches, divergent, loads, sectors/ld, stores, sectors/st, shared, conflicts
    assert_eq!(cells[6..12], ["2048", "4.00", "2048", "4.00", "4096", "63488"], "{line}");
}

#[test]
fn lines_add_up_to_their_kernel() {
    let json: Value = serde_json::from_str(&counted(2).0).expect("the counters are well-formed");
    for kernel in json["kernels"].as_array().expect("kernels are a list") {
        let lines = kernel["lines"].as_array().expect("lines are a list");
        let sum = |field: &str| -> u64 { lines.iter().filter_map(|line| line["instructions"][field].as_u64()).sum() };
        for field in ["warps", "threads"] {
            assert_eq!(kernel["counts"]["instructions"][field].as_u64(), Some(sum(field)), "{}", kernel["name"]);
        }
        let loads = lines.iter().filter(|line| line["global"]["load"]["requests"].as_u64() > Some(0));
        for line in loads {
            let text = line["text"].as_str().unwrap_or_default();
            assert!(text.contains("ld.global") || text.contains("ld.volatile"), "{}: {text}", kernel["name"]);
        }
    }
}
