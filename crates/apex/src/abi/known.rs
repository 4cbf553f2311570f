//! The driver API as APEX knows it: names with their releases, and what the software device makes of each.

use std::collections::BTreeMap;

use binary::compare::{Declared, Surface};
use cuda_abi::{FUNCTIONS, Group, for_each_driver_function};

/// The page that is made from the sources of the driver, with a row for each function and its state.
const API_PAGE: &str = include_str!("../../../../docs/api.md");

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

/// The names that the driver's functions are looked up by, with the release that brought each.
pub fn driver_functions() -> Vec<(&'static str, u32)> {
    let declared = FUNCTIONS.iter().filter(|function| function.group != Group::Opaque);
    declared.map(|function| (function.base, function.since)).collect()
}

/// The symbols that the public headers declare.
pub fn declared() -> Vec<Declared<'static>> {
    let declared = FUNCTIONS.iter().filter(|function| function.group != Group::Opaque);
    declared.map(|function| Declared { symbol: function.symbol, since: function.since }).collect()
}

/// What APEX's own `libcuda.so.1` exports.
pub fn own_surface() -> Surface {
    let functions = FUNCTIONS.iter().map(|function| function.symbol);
    Surface::of_names("APEX", functions.chain(DEBUGGER_HOOKS.iter().copied()))
}

/// What a program gets from each function on the software device, as `docs/api.md` has it.
pub fn states() -> BTreeMap<&'static str, &'static str> {
    let row = |line: &'static str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let symbol = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        Some((symbol, cells.next_back()?))
    };
    API_PAGE.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_state() {
        let states = states();
        assert_eq!(states.len(), FUNCTIONS.len());
        for function in FUNCTIONS {
            assert!(states.contains_key(function.symbol), "{} has none", function.symbol);
        }
        assert_eq!(states["cuMemAlloc_v2"], "implemented");
        assert_eq!(states["cuGetProcAddress_v2"], "answered at the rim");
    }

    #[test]
    fn the_surface_is_what_driver_580_exports() {
        let names = include_str!("../../../cuda-abi/tests/data/libcuda-580-exports.txt");
        let exports: Vec<&str> = names.lines().filter(|line| !line.starts_with('#')).collect();
        let own = own_surface();
        assert_eq!(own.exports.len(), exports.len());
        assert!(exports.iter().all(|name| own.exports.contains_key(*name)));
    }
}
