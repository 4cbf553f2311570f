//! How functions of the API answer: a result inside, a code outside.

use cuda_abi::CUresult;
use simt::FaultKind;
use simt::arena::OutOfMemory;

/// What a function of the API comes to.
pub(crate) type Answer<T = ()> = Result<T, CUresult>;

/// Runs the body of an API function.
#[inline(always)]
pub(crate) fn answer(body: impl FnOnce() -> Answer) -> CUresult {
    body().into()
}

/// The code for a fault in a kernel, which its context answers from then on.
pub(crate) fn code_of_fault(kind: FaultKind) -> CUresult {
    match kind {
        FaultKind::IllegalAddress | FaultKind::FreedAddress => CUresult::CUDA_ERROR_ILLEGAL_ADDRESS,
        FaultKind::MisalignedAddress => CUresult::CUDA_ERROR_MISALIGNED_ADDRESS,
        FaultKind::Assertion => CUresult::CUDA_ERROR_ASSERT,
        FaultKind::InvalidFunction => CUresult::CUDA_ERROR_INVALID_PC,
        FaultKind::StackOverflow => CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR,
        FaultKind::InvalidTensor => CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION,
        FaultKind::OutOfResources => CUresult::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
        FaultKind::Trap
        | FaultKind::Barrier
        | FaultKind::InvalidFree
        | FaultKind::InvalidTexture
        | FaultKind::Internal => CUresult::CUDA_ERROR_LAUNCH_FAILED,
    }
}

/// For `map_err`: the device has no memory left.
pub(crate) fn out_of_memory(_: OutOfMemory) -> CUresult {
    CUresult::CUDA_ERROR_OUT_OF_MEMORY
}

/// For `map_err`: the system refused something that the driver needs.
pub(crate) fn system_refused(_: std::io::Error) -> CUresult {
    CUresult::CUDA_ERROR_OPERATING_SYSTEM
}
