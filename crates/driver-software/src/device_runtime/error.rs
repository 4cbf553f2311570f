//! The codes of the runtime API that kernels are answered.

use core::ffi::CStr;

/// A code that is not success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeviceError(u32);

impl DeviceError {
    /// The number of the code.
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

/// The codes, with their names and what an H100 says of them.
macro_rules! codes {
    ($($constant:ident = $number:literal $name:literal $description:literal;)*) => {
        impl DeviceError {
            $(#[allow(dead_code, reason = "kernels may ask for the text of a code that is never answered")]
            pub(super) const $constant: DeviceError = DeviceError($number);)*
        }

        /// The name of a code.
        pub(super) fn name(code: u32) -> &'static CStr {
            match code {
                $($number => $name,)*
                _ => UNKNOWN,
            }
        }

        /// What a code means.
        pub(super) fn description(code: u32) -> &'static CStr {
            match code {
                $($number => $description,)*
                _ => UNKNOWN,
            }
        }
    };
}

const UNKNOWN: &CStr = c"unrecognized error code";

codes! {
    SUCCESS = 0 c"cudaSuccess" c"no error";
    INVALID_VALUE = 1 c"cudaErrorInvalidValue" c"invalid argument";
    MEMORY_ALLOCATION = 2 c"cudaErrorMemoryAllocation" c"out of memory";
    INVALID_CONFIGURATION = 9 c"cudaErrorInvalidConfiguration" c"invalid configuration argument";
    INVALID_MEMCPY_DIRECTION = 21 c"cudaErrorInvalidMemcpyDirection" c"invalid copy direction for memcpy";
    LAUNCH_PENDING_COUNT_EXCEEDED = 69 c"cudaErrorLaunchPendingCountExceeded"
        c"launch failed because launch would exceed cudaLimitDevRuntimePendingLaunchCount";
    INVALID_DEVICE_FUNCTION = 98 c"cudaErrorInvalidDeviceFunction" c"invalid device function";
    INVALID_DEVICE = 101 c"cudaErrorInvalidDevice" c"invalid device ordinal";
    UNSUPPORTED_LIMIT = 215 c"cudaErrorUnsupportedLimit" c"limit is not supported on this architecture";
    LAUNCH_OUT_OF_RESOURCES = 701 c"cudaErrorLaunchOutOfResources" c"too many resources requested for launch";
    NOT_SUPPORTED = 801 c"cudaErrorNotSupported" c"operation not supported";
}
