//! The table against the names that the driver exports.

use cuda_abi::{FUNCTIONS, Group, Phase, for_each_driver_function};
use std::collections::BTreeSet;

/// The names that driver 580.159.04 exports.
const EXPORTS: &str = include_str!("data/libcuda-580-exports.txt");

macro_rules! debugger_hooks {
    (
        methods $m:tt superseded $s:tt narrow $n:tt answered $a:tt per_thread $p:tt opaque $o:tt
        debugger_functions { $($function:ident;)* }
        debugger_variables { $($variable:ident;)* }
    ) => {
        const DEBUGGER_HOOKS: &[&str] = &[$(stringify!($function),)* $(stringify!($variable),)*];
    };
}

for_each_driver_function!(debugger_hooks);

fn exports() -> BTreeSet<&'static str> {
    EXPORTS.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn the_table_holds_every_export_once_and_nothing_else() {
    let mut seen = BTreeSet::new();
    for symbol in FUNCTIONS.iter().map(|function| function.symbol).chain(DEBUGGER_HOOKS.iter().copied()) {
        assert!(seen.insert(symbol), "{symbol} stands in the table twice");
    }
    let exports = exports();
    assert_eq!(exports.len(), 707);
    assert_eq!(exports.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "exported and not in the table");
    assert_eq!(seen.difference(&exports).collect::<Vec<_>>(), Vec::<&&str>::new(), "in the table and not exported");
}

#[test]
fn symbols_follow_their_names_and_versions() {
    for function in FUNCTIONS.iter().filter(|function| function.group != Group::Opaque) {
        let plain = function.target.unwrap_or(function.symbol);
        let rank = FUNCTIONS
            .iter()
            .filter(|other| other.base == function.base && other.target.is_none() && other.since <= function.since)
            .count();
        let expected = match rank {
            0 | 1 => function.base.to_owned(),
            rank => format!("{}_v{rank}", function.base),
        };
        assert_eq!(plain, expected, "{} of {} since {}", function.symbol, function.base, function.since);
    }
}

#[test]
fn a_per_thread_symbol_is_its_plain_symbol_and_a_suffix() {
    for function in FUNCTIONS {
        let Some(target) = function.target else {
            assert_ne!(function.group, Group::PerThread, "{} has no plain symbol", function.symbol);
            continue;
        };
        assert_eq!(function.group, Group::PerThread);
        let suffix = function.symbol.strip_prefix(target);
        assert!(matches!(suffix, Some("_ptsz" | "_ptds")), "{} for {target}", function.symbol);
        assert!(FUNCTIONS.iter().any(|plain| plain.symbol == target), "{target} is not in the table");
    }
}

#[test]
fn methods_are_the_newest_versions() {
    for function in FUNCTIONS.iter().filter(|function| function.group == Group::Method) {
        let newer = FUNCTIONS
            .iter()
            .find(|other| other.base == function.base && other.target.is_none() && other.since > function.since);
        assert_eq!(newer, None, "{} has a successor", function.symbol);
    }
}

#[test]
fn what_the_rim_answers_needs_no_initialisation() {
    for function in FUNCTIONS {
        let expected = match function.group {
            Group::Answered => Phase::Early,
            _ if function.symbol == "cuInit" => Phase::Init,
            _ => Phase::Ready,
        };
        assert_eq!(function.phase, expected, "{}", function.symbol);
    }
}
