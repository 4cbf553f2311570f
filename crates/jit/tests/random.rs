//! Compiled code and the interpreter agree on random programs: in IR, and as PTX text.
//!
//! NaNs of f64 count as equal: compiled code has the sign and payload that the processor's operand order gives.
//!
//! A program has some 40 operations, each done by 32 to 256 threads with operands of their own. Of a family 6 programs run, other ones than
//! `recorded.rs` has: 240 operations. With `APEX_TEST_LONG=1` it is 250 programs: 10 000 operations. `APEX_TEST_CASES=n` runs n
//! programs, `APEX_TEST_SEED=n` the one seed, `APEX_TEST_FAMILY=name` one family.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Family, NanRule, program};
use simt_interp::random_ptx;
use simt_llvm::CpuLevel;

/// Programs of a family in a long run.
const LONG_PROGRAMS: u64 = 250;

/// Seeds of conversions that once gave a NaN of arithmetic, rounded to an integer and converted to its own type, with the operand's bits.
const ONCE_ANOTHER_NAN: [u64; 2] = [60, 107];

/// Seeds of conversions to double and back to single that once left a signalling NaN as it was.
const ONCE_SIGNALLING: [u64; 3] = [134, 136, 173];

/// Seeds of control flow that once did not come to an end, IR and PTX: a value that left two loops was closed in one.
const ONCE_WITHOUT_END: [u64; 2] = [109, 37];

fn seeds(family: Family) -> Vec<u64> {
    if let Some(seed) = std::env::var("APEX_TEST_SEED").ok().and_then(|text| text.parse().ok()) {
        return vec![seed];
    }
    if let Some(count) = std::env::var("APEX_TEST_CASES").ok().and_then(|text| text.parse::<u64>().ok()) {
        return (0..count).collect();
    }
    if std::env::var_os("APEX_TEST_LONG").is_some() {
        return (0..LONG_PROGRAMS).collect();
    }
    let once_wrong = match family {
        Family::ControlFlow => &ONCE_WITHOUT_END[..],
        Family::Parts => &ONCE_ANOTHER_NAN[..],
        Family::Convert => &ONCE_SIGNALLING[..],
        _ => &[],
    };
    (100..106).chain(once_wrong.iter().copied()).collect()
}

fn wanted(family: Family) -> bool {
    std::env::var("APEX_TEST_FAMILY").map_or(true, |name| format!("{family:?}").eq_ignore_ascii_case(&name))
}

/// Compares all seeds of a family; the report names what to repeat.
fn check(family: Family, mut case: impl FnMut(u64) -> Result<(), String>) {
    if !wanted(family) {
        return;
    }
    let mut failures = Vec::new();
    let mut count = 0;
    for seed in seeds(family) {
        count += 1;
        if let Err(text) = case(seed) {
            failures.push(format!("APEX_TEST_FAMILY={family:?} APEX_TEST_SEED={seed}: {text}"));
        }
    }
    let shown: Vec<&String> = failures.iter().take(5).collect();
    assert!(failures.is_empty(), "{} of {count} cases of {family:?} differ: {shown:#?}", failures.len());
}

fn compare_ir(family: Family) {
    compare_ir_on(&Device::new(), family);
}

/// Products of matrices take more registers than a processor without AVX-512 has.
#[test]
fn matrices_on_avx2() {
    compare_ir_on(&Device::of_level(CpuLevel::V3), Family::Matrix);
}

/// Products of bytes on processors that have AVX-512 or AVX2, but no instructions for them.
#[test]
fn dot_products_without_vnni() {
    for level in [CpuLevel::V4, CpuLevel::V3] {
        compare_ir_on(&Device::of_level(level), Family::Integer);
        compare_ptx_on(&Device::of_level(level), Family::Integer);
    }
    compare_ir_on(&Device::of_level(CpuLevel::V4), Family::Matrix);
}

/// Gathers and scatters that are done lane by lane.
#[test]
fn memory_like_zen5() {
    compare_ir_on(&Device::new().like_zen5(), Family::Memory);
    compare_ptx_on(&Device::new().like_zen5(), Family::Memory);
}

fn compare_ir_on(device: &Device, family: Family) {
    check(family, |seed| {
        let case = program(family, seed);
        let expected = case.interpret().map_err(|error| format!("interpreter: {error}"))?;
        let actual = device.run(&case.code, &case, &[], seed % 4 != 0)?;
        case.compare(&expected, &actual, NanRule::AnyDoubleNan).map_err(|mismatch| mismatch.to_string())
    });
}

fn compare_ptx(family: Family) {
    compare_ptx_on(&Device::new(), family);
}

fn compare_ptx_on(device: &Device, family: Family) {
    check(family, |seed| {
        let lowered = Lowered::new(random_ptx::module(family, seed))?;
        let expected = lowered.interpret()?;
        let actual = lowered.run(device, seed % 4 != 0)?;
        lowered.case().compare(&expected, &actual, NanRule::AnyDoubleNan).map_err(|mismatch| mismatch.to_string())
    });
}

/// Code that is made in little time.
#[test]
fn quick_code() {
    let device = Device::new().quickly();
    for family in Family::ALL {
        compare_ptx_on(&device, family);
    }
    // Where the processor has what baseline code needs, few programs are left to LLVM: those with integers of 128 bits or addresses of functions.
    let is_whole = ["APEX_CPU", "APEX_TEST_FAMILY"].iter().all(|name| std::env::var_os(name).is_none());
    if is_whole && is_x86_feature_detected!("avx512dq") {
        let [all, by_llvm] = device.made();
        assert!(by_llvm * 8 < all, "{by_llvm} of {all} programs were left to LLVM");
    }
}

/// Warps of a block computed together, in blocks of one row and of several, on the programs in PTX.
#[test]
fn teams() {
    let device = Device::new();
    let mut in_teams = 0;
    for family in Family::ALL {
        check(family, |seed| {
            let lowered = Lowered::new(random_ptx::module(family, seed))?;
            let expected = lowered.interpret()?;
            let threads = lowered.case().threads;
            let width = [8, 16, 32, threads][seed as usize % 4];
            let (actual, lanes) = lowered.run_in_teams(&device, width)?;
            in_teams += usize::from(lanes > 32);
            let compared = lowered.case().compare(&expected, &actual, NanRule::AnyDoubleNan);
            compared.map_err(|mismatch| format!("rows of {width}, {lanes} lanes: {mismatch}"))
        });
    }
    assert!(in_teams > 0 || std::env::var_os("APEX_TEST_FAMILY").is_some(), "some programs allow for teams");
}

macro_rules! families {
    ($($name:ident $family:ident,)* ; $($ptx_name:ident $ptx_family:ident,)*) => {
        mod ir {
            use super::*;
            $(#[test] fn $name() { compare_ir(Family::$family) })*
        }
        mod ptx_text {
            use super::*;
            $(#[test] fn $name() { compare_ptx(Family::$family) })*
            $(#[test] fn $ptx_name() { compare_ptx(Family::$ptx_family) })*
            #[test]
            fn no_family_is_left_out() {
                assert_eq!([$(Family::$family,)* $(Family::$ptx_family,)*], Family::ALL);
                assert!([$(Family::$family,)*].into_iter().all(Family::is_in_ir));
                assert!(![$(Family::$ptx_family,)*].into_iter().any(Family::is_in_ir));
            }
        }
    };
}

families! {
    integer Integer,
    logic Logic,
    dot Dot,
    compare Compare,
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
    parts Parts,
    ;
    cooperation Cooperation,
}
