//! What can be said of the text without a PTX compiler.

use std::collections::HashSet;

use super::module;
use crate::random::Family;

#[test]
fn cases_depend_on_the_seed_alone() {
    for family in Family::ALL {
        assert_eq!(module(family, 5), module(family, 5));
        assert_ne!(module(family, 5).code, module(family, 6).code);
    }
}

/// Buffers and checks fit the text: as many output words as stores to the thread's row, each once.
#[test]
fn outputs_are_stored() {
    for family in Family::ALL {
        for seed in 0..30 {
            let case = module(family, seed);
            let stores: Vec<&str> = case.code.lines().filter(|line| line.contains("[%row+")).collect();
            let places: HashSet<&str> = stores.iter().filter_map(|line| line.split(['[', ']']).nth(1)).collect();
            assert_eq!(stores.len(), case.output_words, "{family:?} {seed}");
            assert_eq!(places.len(), case.output_words, "{family:?} {seed}");
            assert_eq!(case.checks.len(), case.output_words);
            assert_eq!(case.inputs.len(), case.grid_threads() * case.input_words);
            assert!((32..=256).contains(&case.threads) && case.threads % 32 == 0);
        }
    }
}

/// Every register is declared, and every label placed once.
#[test]
fn registers_and_labels() {
    for family in Family::ALL {
        for seed in 0..30 {
            let code = module(family, seed).code;
            let placed: Vec<&str> = code.lines().filter_map(|line| line.strip_suffix(':')).collect();
            let distinct: HashSet<&str> = placed.iter().copied().collect();
            assert_eq!(placed.len(), distinct.len());
            for target in code.lines().filter_map(|line| line.split_once("bra ")).map(|(_, target)| target) {
                assert!(distinct.contains(target.trim_end_matches(';')), "{family:?} {seed}: {target}");
            }
        }
    }
}
