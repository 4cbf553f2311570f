//! The hooks of NVIDIA's debugger, exported so that every name of the driver resolves. On the software GPU they are inert; in front of NVIDIA's
//! driver the functions are NVIDIA's, the variables ours.
//!
//! A debugger that looks at a process reads the variables to find out whether the driver can be debugged. Zero says no.

use cuda_abi::for_each_driver_function;
use std::sync::atomic::AtomicU64;

/// The size of the buffer that holds a path; every other variable fits into a word.
const PATH_SIZE: usize = 4096;

/// `CUDBG_ERROR_UNKNOWN` of the public header cudadebugger.h.
const FAILED: u32 = 1;

macro_rules! hooks {
    (
        methods $m:tt superseded $s:tt narrow $n:tt answered $a:tt per_thread $p:tt opaque $o:tt
        debugger_functions { $($function:ident;)* }
        debugger_variables { $($variable:ident;)* }
    ) => {
        $(
            #[allow(non_snake_case, reason = "the driver's names")]
            #[doc = concat!("`", stringify!($function), "`: the software device has no debugger.")]
            pub extern "C" fn $function() -> u32 {
                FAILED
            }
        )*
        $(
            #[doc = concat!("`", stringify!($variable), "`: always zero.")]
            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals, reason = "the driver's names")]
            pub static $variable: [AtomicU64; hooks!(@words $variable)] =
                [const { AtomicU64::new(0) }; hooks!(@words $variable)];
        )*
    };
    (@words cudbgInjectionPath) => { PATH_SIZE / size_of::<u64>() };
    (@words $other:ident) => { 1 };
}

for_each_driver_function!(hooks);
