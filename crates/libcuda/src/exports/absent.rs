//! The C functions where there is no function of NVIDIA's to go to.

use super::Address;
use crate::choice;
use core::ffi::c_void;
use cuda_abi::{CUresult, for_each_driver_symbol};
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
    ($($group:ident $symbol:ident $params:tt;)*) => {
        /// A function that an older library of NVIDIA's lacks, by [`Row`](cuda_abi::Row).
        pub static MISSING: &[Address] = &[$(functions!(@missing $symbol),)*];
    };
    (@missing $symbol:ident) => {{
        extern "C" fn missing() -> CUresult {
            choice::nvidia_library().map_or_else(|| no_driver(), |library| report_missing(stringify!($symbol), library.path()))
        }
        Address(missing as *const c_void)
    }};
}

for_each_driver_symbol!(functions);
