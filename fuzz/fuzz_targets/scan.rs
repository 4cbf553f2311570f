//! `apex abi scan` on any bytes. Seeds: `crates/fatbin/tests/data`, and whatever programs, archives and wheels are at hand.

#![no_main]

use binary::{Options, SymbolChoice, scan_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let driver_functions = [("cuInit", 2000), ("cuMemAlloc", 2000)];
    let options = Options {
        driver_functions: &driver_functions,
        symbols: SymbolChoice::All,
        // Decompression has a target's time to itself otherwise.
        unpack_bytes_max: 1 << 20,
    };
    let _ = scan_bytes("fuzz", bytes, None, &options);
});
