//! Error codes as text, for `cuGetErrorName` and `cuGetErrorString`.

use crate::CUresult;
use core::ffi::CStr;

/// The text of one error code: its C name and a short description, both ready to be handed to C.
struct ResultText {
    code: CUresult,
    name: &'static CStr,
    description: &'static CStr,
}

macro_rules! result_texts {
    ($($name:ident: $description:literal,)*) => {
        const TEXTS: &[ResultText] = &[$(ResultText {
            code: CUresult::$name,
            name: c_text(concat!(stringify!($name), "\0")),
            description: c_text(concat!($description, "\0")),
        },)*];
    };
}

const fn c_text(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a description holds a null byte"),
    }
}

impl CUresult {
    /// The C name of the code, or nothing for a number that is no error code.
    pub fn c_name(self) -> Option<&'static CStr> {
        TEXTS.iter().find(|text| text.code == self).map(|text| text.name)
    }

    /// A short description of the code, or nothing for a number that is no error code.
    pub fn description(self) -> Option<&'static CStr> {
        TEXTS.iter().find(|text| text.code == self).map(|text| text.description)
    }

    /// `Ok` for `CUDA_SUCCESS`, the code itself otherwise.
    ///
    /// # Errors
    /// Every code but `CUDA_SUCCESS`.
    pub fn ok(self) -> Result<(), CUresult> {
        if self == CUresult::CUDA_SUCCESS { Ok(()) } else { Err(self) }
    }
}

impl From<Result<(), CUresult>> for CUresult {
    fn from(result: Result<(), CUresult>) -> CUresult {
        match result {
            Ok(()) => CUresult::CUDA_SUCCESS,
            Err(code) => code,
        }
    }
}

result_texts! {
    CUDA_SUCCESS: "no error",
    CUDA_ERROR_INVALID_VALUE: "invalid argument",
    CUDA_ERROR_OUT_OF_MEMORY: "out of memory",
    CUDA_ERROR_NOT_INITIALIZED: "cuInit has not been called, or has failed",
    CUDA_ERROR_DEINITIALIZED: "the driver is shutting down",
    CUDA_ERROR_PROFILER_DISABLED: "profiling is disabled for this run",
    CUDA_ERROR_PROFILER_NOT_INITIALIZED: "the profiler is not initialised",
    CUDA_ERROR_PROFILER_ALREADY_STARTED: "profiling has already started",
    CUDA_ERROR_PROFILER_ALREADY_STOPPED: "profiling has already stopped",
    CUDA_ERROR_STUB_LIBRARY: "a stub library was loaded instead of a driver",
    CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER: "the call needs a newer driver",
    CUDA_ERROR_DEVICE_UNAVAILABLE: "the device is busy or unavailable",
    CUDA_ERROR_NO_DEVICE: "no CUDA-capable device is present",
    CUDA_ERROR_INVALID_DEVICE: "invalid device ordinal",
    CUDA_ERROR_DEVICE_NOT_LICENSED: "the device has no valid licence",
    CUDA_ERROR_INVALID_IMAGE: "the device code image is invalid",
    CUDA_ERROR_INVALID_CONTEXT: "invalid device context",
    CUDA_ERROR_CONTEXT_ALREADY_CURRENT: "the context is already current",
    CUDA_ERROR_MAP_FAILED: "mapping failed",
    CUDA_ERROR_UNMAP_FAILED: "unmapping failed",
    CUDA_ERROR_ARRAY_IS_MAPPED: "the array is mapped and cannot be destroyed",
    CUDA_ERROR_ALREADY_MAPPED: "the resource is already mapped",
    CUDA_ERROR_NO_BINARY_FOR_GPU: "the image holds no code for this device",
    CUDA_ERROR_ALREADY_ACQUIRED: "the resource is already acquired",
    CUDA_ERROR_NOT_MAPPED: "the resource is not mapped",
    CUDA_ERROR_NOT_MAPPED_AS_ARRAY: "the resource is not mapped as an array",
    CUDA_ERROR_NOT_MAPPED_AS_POINTER: "the resource is not mapped as a pointer",
    CUDA_ERROR_ECC_UNCORRECTABLE: "a memory error could not be corrected",
    CUDA_ERROR_UNSUPPORTED_LIMIT: "the device does not support this limit",
    CUDA_ERROR_CONTEXT_ALREADY_IN_USE: "another thread uses the context exclusively",
    CUDA_ERROR_PEER_ACCESS_UNSUPPORTED: "peer access between these devices is not supported",
    CUDA_ERROR_INVALID_PTX: "the PTX did not compile",
    CUDA_ERROR_INVALID_GRAPHICS_CONTEXT: "invalid OpenGL or DirectX context",
    CUDA_ERROR_NVLINK_UNCORRECTABLE: "an NVLink error could not be corrected",
    CUDA_ERROR_JIT_COMPILER_NOT_FOUND: "the PTX compiler was not found",
    CUDA_ERROR_UNSUPPORTED_PTX_VERSION: "the PTX is of a version that is not supported",
    CUDA_ERROR_JIT_COMPILATION_DISABLED: "PTX compilation is disabled",
    CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY: "the device does not support this execution affinity",
    CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC: "the code synchronises from the device in a way that is not supported",
    CUDA_ERROR_CONTAINED: "a device fault was contained; the process must be restarted",
    CUDA_ERROR_INVALID_SOURCE: "the device source is invalid",
    CUDA_ERROR_FILE_NOT_FOUND: "file not found",
    CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND: "a symbol of a shared library was not found",
    CUDA_ERROR_SHARED_OBJECT_INIT_FAILED: "a shared library failed to initialise",
    CUDA_ERROR_OPERATING_SYSTEM: "an operating system call failed",
    CUDA_ERROR_INVALID_HANDLE: "invalid handle",
    CUDA_ERROR_ILLEGAL_STATE: "the object is not in a state that allows the operation",
    CUDA_ERROR_LOSSY_QUERY: "the answer would lose information that the caller has no room for",
    CUDA_ERROR_NOT_FOUND: "symbol not found",
    CUDA_ERROR_NOT_READY: "work is still in progress",
    CUDA_ERROR_ILLEGAL_ADDRESS: "a kernel accessed memory outside of any allocation",
    CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: "too many resources requested for launch",
    CUDA_ERROR_LAUNCH_TIMEOUT: "the kernel ran for too long",
    CUDA_ERROR_LAUNCH_INCOMPATIBLE_TEXTURING: "the launch uses an incompatible texturing mode",
    CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED: "peer access is already enabled",
    CUDA_ERROR_PEER_ACCESS_NOT_ENABLED: "peer access is not enabled",
    CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE: "the primary context is already active",
    CUDA_ERROR_CONTEXT_IS_DESTROYED: "the context is destroyed",
    CUDA_ERROR_ASSERT: "a device-side assertion failed",
    CUDA_ERROR_TOO_MANY_PEERS: "no room for a further peer mapping",
    CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED: "the host memory is already registered",
    CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED: "the host memory is not registered",
    CUDA_ERROR_HARDWARE_STACK_ERROR: "the device's call stack is corrupt or exhausted",
    CUDA_ERROR_ILLEGAL_INSTRUCTION: "a kernel executed an illegal instruction",
    CUDA_ERROR_MISALIGNED_ADDRESS: "a kernel accessed a misaligned address",
    CUDA_ERROR_INVALID_ADDRESS_SPACE: "a kernel used an address of the wrong address space",
    CUDA_ERROR_INVALID_PC: "a kernel jumped to an invalid address",
    CUDA_ERROR_LAUNCH_FAILED: "a kernel failed",
    CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE: "too many blocks for a cooperative launch",
    CUDA_ERROR_TENSOR_MEMORY_LEAK: "a kernel ended without freeing its tensor memory",
    CUDA_ERROR_NOT_PERMITTED: "operation not permitted",
    CUDA_ERROR_NOT_SUPPORTED: "operation not supported",
    CUDA_ERROR_SYSTEM_NOT_READY: "the system is not ready to run CUDA work",
    CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: "the versions of the driver's parts do not match",
    CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE: "the device does not support forward compatibility",
    CUDA_ERROR_MPS_CONNECTION_FAILED: "no connection to the MPS server",
    CUDA_ERROR_MPS_RPC_FAILURE: "a call to the MPS server failed",
    CUDA_ERROR_MPS_SERVER_NOT_READY: "the MPS server is not ready",
    CUDA_ERROR_MPS_MAX_CLIENTS_REACHED: "the MPS server has no room for a further client",
    CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED: "the MPS server has no room for a further connection",
    CUDA_ERROR_MPS_CLIENT_TERMINATED: "the MPS server ended this client",
    CUDA_ERROR_CDP_NOT_SUPPORTED: "launches from the device are not supported",
    CUDA_ERROR_CDP_VERSION_MISMATCH: "the versions of device-side launch support do not match",
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED: "not permitted while the stream is being captured",
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED: "an earlier error has invalidated the capture",
    CUDA_ERROR_STREAM_CAPTURE_MERGE: "the operation would merge two captures",
    CUDA_ERROR_STREAM_CAPTURE_UNMATCHED: "the capture did not begin in this stream",
    CUDA_ERROR_STREAM_CAPTURE_UNJOINED: "the capture holds work that was not joined to the stream where it began",
    CUDA_ERROR_STREAM_CAPTURE_ISOLATION: "a captured sequence depends on work outside of the capture",
    CUDA_ERROR_STREAM_CAPTURE_IMPLICIT: "the operation implies a dependency on a capture in the default stream",
    CUDA_ERROR_CAPTURED_EVENT: "not permitted on an event that was recorded in a capture",
    CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD: "the capture must end on the thread where it began",
    CUDA_ERROR_TIMEOUT: "the wait timed out",
    CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE: "the graph differs too much to update its executable form",
    CUDA_ERROR_EXTERNAL_DEVICE: "a device outside of CUDA failed",
    CUDA_ERROR_INVALID_CLUSTER_SIZE: "invalid cluster size",
    CUDA_ERROR_FUNCTION_NOT_LOADED: "the function is not loaded yet",
    CUDA_ERROR_INVALID_RESOURCE_TYPE: "invalid resource type",
    CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION: "invalid resource configuration",
    CUDA_ERROR_KEY_ROTATION: "the encryption keys are being changed",
    CUDA_ERROR_UNKNOWN: "unknown error",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_a_description() {
        for (code, name) in CUresult::ALL {
            assert_eq!(code.c_name().and_then(|text| text.to_str().ok()), Some(*name));
            assert!(code.description().is_some_and(|text| !text.is_empty()), "{name} has no description");
        }
        assert_eq!(TEXTS.len(), CUresult::ALL.len());
        assert_eq!(CUresult(12345).c_name(), None);
    }
}
