//! The C functions where there is no function of NVIDIA's to go to.

use super::Address;
use crate::choice;
use core::ffi::c_void;
use cuda_abi::{CUresult, for_each_driver_function};
use driver_nvidia::report_missing;

/// Every function, when NVIDIA's driver was asked for and is not there.
pub extern "C" fn no_driver() -> CUresult {
    CUresult::CUDA_ERROR_NO_DEVICE
}

/// Every function that the thread calls which is just loading NVIDIA's library: an initialiser of that library, or of one that comes with it.
pub extern "C" fn not_yet() -> CUresult {
    CUresult::CUDA_ERROR_NOT_INITIALIZED
}

macro_rules! functions {
    (
        methods { $($m_phase:ident [$($m_unsafe:ident)?] $m:ident = $m_base:literal @ $m_since:literal $m_params:tt;)* }
        superseded { $($s_phase:ident [$($s_unsafe:ident)?] $s:ident = $s_base:literal @ $s_since:literal $s_params:tt;)* }
        narrow { $($n_phase:ident [$($n_unsafe:ident)?] $n:ident = $n_base:literal @ $n_since:literal $n_params:tt;)* }
        answered { $($a_phase:ident [$($a_unsafe:ident)?] $a:ident = $a_base:literal @ $a_since:literal $a_params:tt;)* }
        per_thread { $($p_phase:ident [$($p_unsafe:ident)?] $p:ident = $p_base:literal @ $p_since:literal $p_way:ident $p_target:ident $p_params:tt;)* }
        opaque { $($o:ident;)* }
        debugger_functions { $($f:ident;)* }
        debugger_variables $v:tt
    ) => {
        /// A function that an older library of NVIDIA's lacks, by [`Row`](cuda_abi::Row).
        pub static MISSING: &[Address] = &[
            $(functions!(@missing $m),)* $(functions!(@missing $s),)* $(functions!(@missing $n),)* $(functions!(@missing $a),)*
            $(functions!(@missing $p),)* $(functions!(@missing $o),)* $(functions!(@missing $f),)*
        ];
    };
    (@missing $symbol:ident) => {{
        extern "C" fn missing() -> CUresult {
            choice::nvidia_library().map_or_else(|| no_driver(), |library| report_missing(stringify!($symbol), library.path()))
        }
        Address(missing as *const c_void)
    }};
}

for_each_driver_function!(functions);
