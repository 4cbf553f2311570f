//! Every case is well formed, runs without a fault, and is the same each time.

use std::collections::HashSet;

use super::{Case, Check, Family, NanRule, program};
use simt_ir::{FloatUnaryOp, Op, Rounding, Type, Value};

const SEEDS: u64 = 60;

fn in_ir() -> impl Iterator<Item = Family> {
    Family::ALL.into_iter().filter(|family| family.is_in_ir())
}

#[test]
fn cases_run() {
    for family in in_ir() {
        for seed in 0..SEEDS {
            let case = program(family, seed);
            let output = case.interpret().unwrap_or_else(|error| panic!("{family:?} {seed}: {error}\n{}", case.code));
            assert_eq!(output.len(), case.output_len());
            assert_eq!(case.checks.len(), case.output_words);
            case.compare(&output, &output, NanRule::Exact).expect("equal outputs compare equal");
        }
    }
}

#[test]
fn cases_depend_on_the_seed_alone() {
    for family in in_ir() {
        assert_eq!(program(family, 7), program(family, 7));
        assert_ne!(program(family, 7), program(family, 8));
    }
}

/// The kinds of operations that the families contain, taken over some seeds: nothing is forgotten.
#[test]
fn every_pure_operation_occurs() {
    let mut seen = HashSet::new();
    for family in in_ir() {
        for seed in 0..40 {
            for function in &program(family, seed).code.functions {
                for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
                    let text = instruction.op.to_string();
                    let name: Vec<&str> = text.split(['%', '@']).next().unwrap_or("").split_whitespace().collect();
                    seen.insert(name[0].to_string());
                }
            }
        }
    }
    for name in [
        "neg",
        "not",
        "abs",
        "count_leading_zeros",
        "pop_count",
        "reverse_bits",
        "find_msb_unsigned",
        "find_msb_signed",
        "add",
        "mul_high_signed",
        "div_unsigned",
        "rem_signed",
        "shr_signed",
        "add_saturate_signed",
        "compare",
        "select",
        "lop3",
        "permute",
        "bit_field_extract",
        "bit_field_insert",
        "funnel_shift",
        "dot_product4",
        "dot_product2",
        "find_nth_set",
        "extend",
        "truncate",
        "bitcast",
        "concat",
        "float_add",
        "float_div",
        "float_min_nan",
        "float_sqrt",
        "float_round_to_integral",
        "float_tanh_approx",
        "float_div_full",
        "fma",
        "float_compare",
        "int_to_float",
        "float_to_int",
        "float_to_float",
        "load",
        "store",
        "atomic",
        "barrier",
        "shuffle",
        "vote",
        "match",
        "reduce",
        "elect",
        "call",
        "call_indirect",
    ] {
        assert!(seen.contains(name), "{name} does not occur");
    }
}

/// Most loops are left by lanes at different times, and nearly all of a control-flow case's outputs differ between threads.
#[test]
fn control_flow_diverges() {
    let mut varied = 0;
    for seed in 0..20 {
        let case = program(Family::ControlFlow, seed);
        let output = case.interpret().expect("runs");
        let results: HashSet<&[u64]> = output[case.scratch_words..].chunks(case.output_words).collect();
        varied += usize::from(results.len() > case.grid_threads() / 4);
    }
    assert!(varied >= 12, "{varied} of 20 cases have threads with different results");
}

#[test]
fn differences_are_found() {
    let approximate = Op::FloatUnary {
        op: FloatUnaryOp::RcpApprox,
        ty: Type::F32,
        rounding: Rounding::NearestEven,
        flush: false,
        saturate: false,
        a: Value(0),
    };
    let case = Case {
        code: (),
        blocks: 1,
        threads: 1,
        input_words: 1,
        output_words: 4,
        scratch_words: 1,
        inputs: vec![0x3f80_0000 << 32],
        checks: vec![
            Check::Exact,
            Check::Float(Type::F32),
            Check::FloatPair(Type::F16),
            Check::Approximate { op: approximate, operands: vec![(0, 32)] },
        ],
    };
    let expected = [5, 1, 0x7fc0_0000, 0x7e00_3c00, 0x3f80_0000];
    let compare =
        |actual: &[u64], nan| case.compare(&expected, actual, nan).err().map(|error| (error.thread, error.word));
    assert_eq!(compare(&expected, NanRule::Exact), None);
    // Another NaN, and one step of a reciprocal.
    let near = [5, 1, 0x7fff_ffff, 0x7fff_3c00, 0x3f80_0001];
    assert_eq!(compare(&near, NanRule::AnyNan), None);
    assert_eq!(compare(&near, NanRule::Exact), Some((Some(0), 1)));
    assert_eq!(compare(&[6, 1, 0x7fc0_0000, 0x7e00_3c00, 0x3f80_0000], NanRule::AnyNan), Some((None, 0)));
    assert_eq!(compare(&[5, 2, 0x7fc0_0000, 0x7e00_3c00, 0x3f80_0000], NanRule::AnyNan), Some((Some(0), 0)));
    assert_eq!(compare(&[5, 1, 0x7fc0_0000, 0x7e00_3c01, 0x3f80_0000], NanRule::AnyNan), Some((Some(0), 2)));
    assert_eq!(compare(&[5, 1, 0x7fc0_0000, 0x7e00_3c00, 0x3f80_0004], NanRule::AnyNan), Some((Some(0), 3)));
    assert_eq!(compare(&[], NanRule::AnyNan), Some((None, 0)));
}
