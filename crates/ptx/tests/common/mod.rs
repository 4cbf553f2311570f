//! What several tests need: the PTX texts that lie beside them, and those that nvcc makes of the CUDA programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A PTX text and where it came from.
pub struct Source {
    pub name: String,
    pub text: String,
}

/// The committed PTX files.
pub fn committed() -> Vec<Source> {
    let files = files_in("ptx", "ptx");
    assert!(!files.is_empty(), "tests/ptx holds PTX files");
    files
        .iter()
        .map(|path| Source {
            name: path.display().to_string(),
            text: std::fs::read_to_string(path).expect("a test file is readable"),
        })
        .collect()
}

/// What nvcc makes of every program in `tests/cuda`, for an old and a new target, optimised and for debugging.
/// Nothing where there is no nvcc: named by the variable `NVCC`, or on the path.
pub fn compiled() -> Vec<Source> {
    let nvcc = std::env::var("NVCC").unwrap_or_else(|_| "nvcc".to_owned());
    if Command::new(&nvcc).arg("--version").output().is_err() {
        eprintln!("nvcc is not on the path and NVCC is not set: only the committed PTX is tested");
        return Vec::new();
    }
    let programs = files_in("cuda", "cu");
    assert!(programs.len() >= 15, "tests/cuda holds the programs");
    let mut sources = Vec::new();
    for program in &programs {
        for arguments in [&["-arch=compute_75"][..], &["-arch=compute_75", "-G"], &["-arch=compute_120", "-lineinfo"]] {
            sources.push(compile(&nvcc, program, arguments));
        }
    }
    sources
}

/// Compiles one program, or takes what an earlier run made of it.
fn compile(nvcc: &str, program: &Path, arguments: &[&str]) -> Source {
    let name = format!("{} {}", program.display(), arguments.join(" "));
    let stem = program.file_stem().expect("a program has a name").to_string_lossy();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stem}{}.ptx", arguments.concat()));
    let modified = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    if modified(&file) < modified(program) {
        // Tests run side by side: each makes a file of its own and puts it in place at once.
        let unfinished = file.with_extension(format!("{}.tmp", std::process::id()));
        let output = Command::new(nvcc)
            .args(["-ptx", "-std=c++17", "--extended-lambda", "-o"])
            .arg(&unfinished)
            .args(arguments)
            .arg(program)
            .output()
            .expect("nvcc starts");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::rename(&unfinished, &file).expect("nvcc writes the file");
    }
    Source { name, text: std::fs::read_to_string(&file).expect("the file is readable") }
}

fn files_in(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of test files exists")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}
