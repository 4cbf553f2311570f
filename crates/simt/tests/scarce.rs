//! A process that may have few addresses.

use simt::arena::Arena;
use std::env;
use std::process::Command;

/// Says that this process is the one with few addresses.
const IS_LIMITED: &str = "APEX_TEST_IS_LIMITED";

/// What it may have, in KiB: enough for the memory, not for what indices could reach around it.
const LIMIT_KIB: u64 = 60 << 20;

/// Without margins as wide as indices reach no base stands for the addresses that are made of it.
#[test]
fn where_addresses_are_scarce_every_one_is_tested() {
    if env::var_os(IS_LIMITED).is_some() {
        let arena = Arena::new().expect("there is room for a small one");
        assert!(!arena.has_wide_margins() && arena.wants_every_address_tested());
        return;
    }
    assert!(!Arena::new().expect("there is room").wants_every_address_tested());
    let limited =
        format!("ulimit -v {LIMIT_KIB} && exec \"$0\" --exact where_addresses_are_scarce_every_one_is_tested");
    let this = env::current_exe().expect("the test knows its own path");
    let status = Command::new("sh").arg("-c").arg(limited).arg(this).env(IS_LIMITED, "1").status();
    assert!(status.expect("there is a shell").success());
}
