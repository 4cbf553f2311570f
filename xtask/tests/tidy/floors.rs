//! Which crate may import which: the floors of ARCHITECTURE.md.

use std::fs;

use crate::Finding;
use crate::source::root;

/// The crates, from the ground up. A crate imports crates that stand before it in this list, and of its own floor only
/// those that stand before it too.
const FLOORS: &[(&str, &[&str])] = &[
    ("ground", &["stdx", "cuda-abi"]),
    (
        "engines",
        &[
            "simt-ir",
            "ptx",
            "simt-interp",
            "simt-llvm",
            "jit",
            "device-model",
            "fatbin",
            "binary",
            "simt",
            "counters",
            "checkers",
            "telemetry",
        ],
    ),
    ("contracts", &["driver-api", "nvidia-finder"]),
    ("drivers", &["driver-software", "driver-nvidia"]),
    ("layers", &["layer-observe", "device-times", "recorder", "layer-universal"]),
    ("products", &["libcuda", "apex-server", "apex"]),
    ("tools", &["fake-driver", "fake-cupti", "filetests", "bench", "xtask"]),
];

/// Imports that the order allows and the architecture does not: (crates of a floor or one crate, what they never
/// import, why).
const NEVER: &[(&str, &str, &str)] = &[
    ("engines", "cuda-abi", "an engine knows no CUDA types: the driver translates"),
    ("simt", "ptx", "the engine runs machine code and knows no front end"),
    ("simt", "simt-llvm", "machine code reaches the engine through simt-ir's contract"),
    ("simt-llvm", "ptx", "the back end knows the IR only"),
    ("simt-interp", "ptx", "the interpreter knows the IR only"),
    ("apex", "driver-software", "the command line reaches the driver as any program does, through libcuda.so.1"),
    ("xtask", "", "it is built before the workspace can be"),
];

/// Crates from outside that one crate alone may use.
const SOLE_USERS: &[(&str, &str)] = &[("inkwell", "simt-llvm"), ("llvm-sys", "simt-llvm"), ("corosensei", "simt")];

/// An import, by the manifest.
struct Import {
    name: String,
    for_tests: bool,
}

/// Compares every manifest with the lists.
pub fn check() -> Vec<Finding> {
    let mut findings = Vec::new();
    let order: Vec<(&str, &str)> =
        FLOORS.iter().flat_map(|(floor, crates)| crates.iter().map(move |name| (*name, *floor))).collect();
    let rank = |name: &str| order.iter().position(|(other, _)| *other == name);
    let manifests = manifests();
    for (name, path, text) in &manifests {
        let Some(own) = rank(name) else {
            findings.push(Finding::in_file(path, format!("{name} has no floor: add it to FLOORS in {}", file!())));
            continue;
        };
        for import in imports(text) {
            let other = import.name.as_str();
            let sole_user = SOLE_USERS.iter().find(|(outside, user)| *outside == other && user != name);
            if let Some((_, user)) = sole_user {
                findings.push(Finding::in_file(path, format!("only {user} uses {other}: go through it")));
            }
            // A test may look at a crate from above, as a judge.
            let Some(rank) = rank(other).filter(|_| !import.for_tests) else { continue };
            if rank >= own {
                let message =
                    format!("{name} imports {other}, which does not stand below it: turn the dependency round");
                findings.push(Finding::in_file(path, message));
            }
            let floor = order[own].1;
            let never =
                NEVER.iter().find(|(who, what, _)| (*who == name || *who == floor) && [other, ""].contains(what));
            if let Some((_, _, why)) = never {
                findings.push(Finding::in_file(path, format!("{name} imports {other}: {why}")));
            }
        }
    }
    for (name, floor) in order {
        if !manifests.iter().any(|(other, ..)| other == name) {
            findings.push(Finding::in_file(file!(), format!("{name} ({floor}) is gone: take it out of FLOORS")));
        }
    }
    findings
}

/// The crates of the workspace: name, path of the manifest, its text.
fn manifests() -> Vec<(String, String, String)> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let mut folders: Vec<String> =
        crates.map(|entry| format!("crates/{}", entry.unwrap().file_name().to_string_lossy())).collect();
    folders.extend(["filetests", "bench", "xtask"].map(String::from));
    folders.sort();
    let manifest = |folder: String| {
        let path = format!("{folder}/Cargo.toml");
        let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let name = text.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"').to_owned();
        (name, path, text)
    };
    folders.into_iter().map(manifest).collect()
}

/// The names in a manifest's tables of dependencies.
fn imports(manifest: &str) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut table = "";
    for line in manifest.lines() {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
            // [dependencies.name]
            if let Some((section, name)) = table.split_once("dependencies.") {
                imports.push(Import { name: name.to_owned(), for_tests: section.contains("dev-") });
            }
            continue;
        }
        let name: String = line.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
        if table.ends_with("dependencies") && !name.is_empty() {
            imports.push(Import { name, for_tests: table.contains("dev-dependencies") });
        }
    }
    imports
}

#[test]
fn manifests_are_read() {
    let text = "[dependencies]\nptx.workspace = true\nlibc = \"0.2\"\n[dev-dependencies]\nsimt-llvm = { x = 1 }\n\
                [target.'cfg(unix)'.dependencies]\nnix = \"1\"\n[dependencies.zstd]\nversion = \"1\"\n[lints]\nworkspace = true\n";
    let names: Vec<String> = imports(text).into_iter().map(|i| format!("{}{}", i.name, i.for_tests)).collect();
    assert_eq!(names, ["ptxfalse", "libcfalse", "simt-llvmtrue", "nixfalse", "zstdfalse"]);
}
