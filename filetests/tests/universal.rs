//! PTX for newer cards, made into PTX for older ones, judged by NVIDIA's assembler: it takes all that comes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use filetests::case::{self, Case};
use filetests::process::{self, End, Finished};
use filetests::toolchain::Toolchain;
use filetests::verdict;
use ptx::ast::Version;
use ptx::retarget::{Card, retarget};

/// Registers of every type, which the recorded instructions use.
const DECLARATIONS: &str =
    ".reg .pred %p<9>; .reg .b16 %h<9>; .reg .f16 %hf<4>; .reg .b32 %r<9>; .reg .u32 %u<4>; .reg .s32 %s<4>;
.reg .b64 %q<9>; .reg .f32 %f<9>; .reg .f64 %d<9>; .reg .b128 %b<3>; .reg .b8 %c<9>;";

/// Instructions that NVIDIA's assembler accepts for sm_90 and for sm_100a.
const VERDICTS: [&str; 2] =
    [include_str!("../../crates/ptx/tests/verdicts.txt"), include_str!("../../crates/ptx/tests/verdicts_9_0.txt")];

/// The same instructions as in `crates/ptx/tests/retarget.rs` of a kind each, and what clusters have.
const REPLACED: &[&str] = &[
    "fma.rn.ftz.f32x2 %q1, %q2, %q3, %q4;",
    "@%p1 add.f32x2 %q1, %q2, %q3;",
    "@!%p1 fma.rn.sat.f32.bf16 %f1, %h1, %h2, %f3;",
    "add.rz.f32.f16 %f1, %h1, %f2;",
    "max.abs.f32 %f1, %f2, %f3, %f4;",
    "@%p1 redux.sync.min.abs.NaN.f32 %f1, %f2, 0xffffffff;",
    "cvt.rn.satfinite.relu.e2m3x2.f32 %h1, %f1, %f2;",
    "@%p1 cvt.rn.satfinite.e2m1x2.f32 %c1, %f1, %f2;",
    "cvt.rn.satfinite.e4m3x2.f16x2 %h1, %r1;",
    "cvt.rn.f16x2.e5m2x2 %r1, %h1;",
    "cvt.rn.relu.f16x2.e2m1x2 %r1, %c1;",
    "cvt.rp.satfinite.ue8m0x2.bf16x2 %h1, %r1;",
    "cvt.rn.bf16x2.ue8m0x2 %r1, %h1;",
    "cvt.rn.relu.satfinite.tf32.f32 %r1, %f1;",
    "ld.global.nc.L2::evict_last.v8.b32 {%r1, %r2, %r3, %r4, %r5, _, _, _}, [%q1+64];",
    "@%p1 st.global.v4.f64 [%q1], {%d1, %d2, %d3, %d4};",
    "mov.u32 %r1, %cluster_nctaid.y;",
    "atom.add.acquire.cluster.global.u32 %r1, [%q1], %r2;",
    "fence.acq_rel.cluster;",
    "@%p1 redux.sync.add.s32 %r1, %r2, 0xffffffff;",
    "redux.sync.xor.b32 %r1, %r2, %r3;",
    "redux.sync.min.NaN.f32 %f1, %f2, 0xffffffff;",
    "@!%p1 elect.sync %r1|%p2, %r2;",
    "elect.sync _|%p2, 0xffffffff;",
    "@%p1 cvt.rz.f16x2.f32 %r1, %f1, %f2;",
    "mbarrier.try_wait.shared.b64 %p1, [sh8], %q1;",
    "@%p2 mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p1, [sh8], %r1, 100;",
    "@%p1 mbarrier.arrive.shared.b64 %q1, [sh8], %r1;",
    "@!%p1 mbarrier.arrive_drop.release.cluster.shared::cluster.b64 _, [sh8], 3;",
    "mapa.shared::cluster.u32 %r1, sh, %r3;",
    "@%p1 mapa.u64 %q1, %q2, %r3;",
    "getctarank.shared::cluster.u32 %r1, %r2;",
    "mov.pred %p1, %is_explicit_cluster;",
    "isspacep.shared::cluster %p1, %q1;",
    "ld.shared::cluster.u32 %r1, [%r2];",
    "atom.add.acquire.cluster.shared::cluster.u32 %r1, [%r2], %r3;",
    "fence.mbarrier_init.release.cluster;",
    "@%p1 griddepcontrol.wait;",
];

fn toolchain() -> &'static Toolchain {
    static TOOLCHAIN: OnceLock<Toolchain> = OnceLock::new();
    TOOLCHAIN.get_or_init(|| Toolchain::find(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("the toolkit is there"))
}

fn card(sm: u32) -> Card {
    Card { sm, version_max: Version { major: 9, minor: 0 } }
}

/// What the assembler says of a text; none if it takes it.
fn objection(text: &str, sm: u32) -> Option<String> {
    let file = tempfile::Builder::new().suffix(".ptx").tempfile().unwrap();
    fs::write(file.path(), text).unwrap();
    let ptxas = toolchain().nvcc.with_file_name("ptxas");
    // The card takes what names it alone, too.
    let arch = if sm == 90 { "sm_90a".to_owned() } else { format!("sm_{sm}") };
    let arguments = [format!("-arch={arch}"), "-o".to_owned(), "/dev/null".to_owned()];
    let output = Command::new(ptxas).args(arguments).arg(file.path()).output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A module with a kernel for each instruction.
fn module(instructions: &[&str]) -> String {
    let mut text = String::from(
        ".version 9.0\n.target sm_100a\n.address_size 64\n.global .u32 g; .shared .u32 sh; .shared .b64 sh8;\n\
         .func (.param .b32 r) callee(.param .b32 a) { ret; }\n",
    );
    for (index, instruction) in instructions.iter().enumerate() {
        text += &format!(".visible .entry k{index}(.param .u64 p) {{\n{DECLARATIONS}\n{instruction}\nret;\n}}\n");
    }
    text
}

#[test]
fn the_assembler_takes_what_is_made_for_its_card() {
    let accepted = VERDICTS.iter().flat_map(|verdicts| verdicts.lines()).filter_map(|line| {
        let instruction = line.strip_prefix("accepted ")?;
        // Where our check disagrees, a reason stands behind the instruction. In a text with the other, some arrivals have no replacement.
        (!instruction.contains("//") && !instruction.contains("mbarrier.pending_count")).then_some(instruction)
    });
    let all: Vec<&str> = accepted.chain(REPLACED.iter().copied()).collect();
    assert!(all.len() > 400, "{} instructions", all.len());
    let mut wrong = Vec::new();
    for sm in [75, 80, 86, 89, 90] {
        let fits = |one: &&str| {
            let text = module(&[one]);
            retarget(&text, &card(sm)).is_ok()
        };
        let fitting: Vec<&str> = all.iter().copied().filter(fits).collect();
        assert!(fitting.len() > 200, "{} of {} for sm_{sm}", fitting.len(), all.len());
        let fitting_text = module(&fitting);
        let text = retarget(&fitting_text, &card(sm)).unwrap().text.into_owned();
        if objection(&text, sm).is_some() {
            // One by one, to say which.
            for one in fitting {
                let text = module(&[one]);
                let text = retarget(&text, &card(sm)).unwrap().text.into_owned();
                wrong.extend(objection(&text, sm).map(|said| format!("{one} for sm_{sm}: {said}{text}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are not taken:\n{}", wrong.len(), wrong.join("\n"));
    for one in REPLACED {
        let text = module(&[one]);
        let result = retarget(&text, &card(90));
        assert!(result.is_ok(), "{one}: {}", result.unwrap_err());
    }
}

/// A program for sm_120 alone, on a device that has its features and on devices that have not: the same output.
#[test]
fn a_program_for_newer_cards_runs_on_older_ones() {
    let toolchain = toolchain();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("newer");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("universal/newer.cu");
    let mut nvcc = Command::new(&toolchain.nvcc);
    nvcc.args(["-gencode", "arch=compute_120a,code=compute_120a", "-o"]).arg(&program).arg(source);
    nvcc.arg("-L").arg(&toolchain.library_folder);
    assert!(nvcc.status().unwrap().success());
    let expected = include_str!("../universal/newer.txt");
    let run = |own: &str, presented: Option<&str>| {
        let mut command = Command::new(&program);
        toolchain.set_environment(&mut command);
        command
            .env("APEX_SM", own)
            .env_remove("APEX_PRESENT_SM")
            .envs(presented.map(|presented| ("APEX_PRESENT_SM", presented)));
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    for (own, presented) in [("12.0", None), ("9.0", Some("12.0")), ("8.0", Some("12.0"))] {
        let (succeeds, text, complaints) = run(own, presented);
        assert!(succeeds, "on {own}: {text}{complaints}");
        assert_eq!(text, expected, "on {own}");
    }
    // Without it, there is nothing for the device to run.
    let (succeeds, _, complaints) = run("9.0", None);
    assert!(
        !succeeds && complaints.contains("no PTX of the fatbin is for a device of compute capability 9.0"),
        "{complaints}"
    );
    // Turing has no `.NaN`.
    let (succeeds, _, complaints) = run("7.5", Some("12.0"));
    assert!(!succeeds && complaints.contains("`max.NaN.abs.f32` needs sm_100"), "{complaints}");
}

/// CUDA programs as nvcc compiles them for compute_120.
#[test]
fn programs_of_nvcc_for_newer_cards_are_taken() {
    let toolchain = toolchain();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/ptx/tests/cuda");
    let sources = ["math.cu", "half.cu", "warp.cu", "atomics.cu", "memory.cu", "cooperative_groups.cu"];
    for source in sources {
        let folder = tempfile::tempdir().unwrap();
        let output: PathBuf = folder.path().join("new.ptx");
        let mut nvcc = Command::new(&toolchain.nvcc);
        nvcc.args(["-ptx", "-arch=compute_120", "-std=c++17", "-o"]).arg(&output).arg(cases.join(source));
        assert!(nvcc.status().unwrap().success(), "{source}");
        let text = fs::read_to_string(&output).unwrap();
        for sm in [75, 90] {
            match retarget(&text, &card(sm)) {
                Ok(result) => {
                    assert!(result.text.contains(&format!(".target sm_{sm}\n")), "{source}");
                    let said = objection(&result.text, sm);
                    assert!(said.is_none(), "{source} for sm_{sm}: {}", said.unwrap_or_default());
                }
                // Programs that ask for it use what Turing lacks.
                Err(refusal) => assert!(sm < 90, "{source} for sm_{sm}: {refusal}"),
            }
        }
    }
}

/// The compute capabilities that the software device has before the one that is presented.
const OLDER: [&str; 8] = ["7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "10.3"];

/// Cases that are compiled for sm_120, and run at each capability: what they use is the same on all, or has a replacement, from there on.
const AT_EVERY: &[(&str, &str)] = &[
    ("cuda/vector_add", "7.5"),
    ("cuda/half2_arithmetic", "7.5"),
    ("cuda/warp_shuffles", "7.5"),
    ("cuda/libcuxx_atomics", "8.0"),
    ("cuda/cub_block", "7.5"),
    ("cuda/fp8_conversions", "7.5"),
    ("cuda/warp_match_redux", "8.0"),
];

/// Time that a program may take.
const RUN_TIME_MAX: Duration = Duration::from_secs(300);

/// Runs a program on a device of a capability that is presented as 12.0.
fn run_presented(program: &mut Command, own: &str) -> Finished {
    toolchain().set_environment(program);
    program.env("APEX_SM", own).env("APEX_PRESENT_SM", "12.0");
    process::run(program, RUN_TIME_MAX).unwrap()
}

fn case_named(name: &str) -> Case {
    case::all().unwrap().into_iter().find(|case| case.name == name).expect("the case is there")
}

/// Compiles a case with flags.
fn compiled(flags: &[&str], case: &Case, folder: &Path) -> PathBuf {
    let program = folder.join("program");
    let mut nvcc = Command::new(&toolchain().nvcc);
    nvcc.args(flags).arg(&case.path).args(&case.parts).arg("-o").arg(&program);
    nvcc.arg("-L").arg(&toolchain().library_folder).arg("-L").arg(&toolchain().link_folder);
    assert!(nvcc.status().unwrap().success(), "{}", case.name);
    program
}

#[test]
fn programs_for_newer_cards_run_at_every_capability() {
    for (name, least) in AT_EVERY {
        let case = case_named(name);
        let folder = tempfile::tempdir().unwrap();
        let mut flags: Vec<&str> =
            case.expected.flags.iter().map(String::as_str).filter(|flag| !flag.starts_with("-arch")).collect();
        flags.push("-arch=compute_120");
        let program = compiled(&flags, &case, folder.path());
        let number = |capability: &str| capability.parse::<f64>().unwrap();
        for own in OLDER.iter().filter(|own| number(own) >= number(least)) {
            let finished = run_presented(&mut Command::new(&program), own);
            let outcome = verdict::compare(&case, &finished);
            assert!(outcome.is_ok(), "{name} on {own}: {}", outcome.unwrap_err());
        }
    }
}

/// Relocatable device code: the PTX of all parts is linked, and made for the device.
#[test]
fn programs_of_several_parts_run_on_older_devices() {
    let case = case_named("cuda/rdc_symbols");
    let folder = tempfile::tempdir().unwrap();
    // NVIDIA's linker wants machine code, which is for sm_120 alone.
    let flags = ["-rdc=true", "-gencode", "arch=compute_120,code=[compute_120,sm_120]"];
    let program = compiled(&flags, &case, folder.path());
    for own in ["7.5", "8.6", "9.0"] {
        let finished = run_presented(&mut Command::new(&program), own);
        let outcome = verdict::compare(&case, &finished);
        assert!(outcome.is_ok(), "on {own}: {}", outcome.unwrap_err());
    }
}

/// Programs on runtime libraries of before the toolkit's: those of CUDA 12, also a static one, load code as libraries; that of CUDA 11 has a way
/// of its own, which is ours on the software device.
#[test]
fn programs_on_older_runtimes_run_on_older_devices() {
    let venv = std::env::var_os("APEX_VENV").expect("cargo xtask test says where Python is");
    // Other packages' libraries lie beside Python's folder.
    let folders = fs::read_dir(Path::new(&venv).join("lib")).unwrap();
    let mut libraries = folders.map(|entry| entry.unwrap().path().join("site-packages/nvidia/cuda_runtime/lib"));
    let libraries = libraries.find(|folder| folder.is_dir()).expect("the runtimes are installed");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    let folder = tempfile::tempdir().unwrap();
    let kernels = folder.path().join("kernels.fatbin");
    let mut nvcc = Command::new(&toolchain().nvcc);
    nvcc.args(["-fatbin", "-arch=compute_120"]).arg(sources.join("older_runtime_kernels.cu")).arg("-o").arg(&kernels);
    assert!(nvcc.status().unwrap().success());
    let expected = filetests::clients::expected_lines(&fs::read_to_string(sources.join("older_runtime.c")).unwrap());
    for library in ["libcudart_static.a", "libcudart.so.12", "libcudart.so.11.0"] {
        let program = folder.path().join(library).with_extension("program");
        let mut cc = Command::new("cc");
        cc.arg(sources.join("older_runtime.c")).arg(libraries.join(library)).args(["-lpthread", "-ldl", "-lrt", "-o"]);
        cc.arg(&program).arg(format!("-Wl,-rpath,{}", libraries.display()));
        assert!(cc.status().unwrap().success(), "{library}");
        for own in ["7.5", "9.0"] {
            let finished = run_presented(Command::new(&program).arg(&kernels), own);
            assert_eq!(finished.end, End::Exit(0), "{library} on {own}: {}", finished.outputs());
            assert_eq!(case::lines(&finished.stdout), expected, "{library} on {own}");
        }
        // As 9.0, the device has nothing to run.
        let mut bare = Command::new(&program);
        toolchain().set_environment(bare.arg(&kernels).env("APEX_SM", "9.0").env_remove("APEX_PRESENT_SM"));
        assert_ne!(process::run(&mut bare, RUN_TIME_MAX).unwrap().end, End::Exit(0), "{library}");
    }
}
