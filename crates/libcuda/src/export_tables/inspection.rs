//! Our own table: what `apex compile` and measurements ask for (`driver_api::inspection`).

use super::Slot;
use super::Table as Listed;
use crate::{choice, guard};
use core::ffi::c_void;
use cuda_abi::CUresult;
use driver_api::inspection::{Request, Sink, TABLE_ID, Table, Text};

pub(super) const TABLE: Listed = Listed { id: TABLE_ID, slots: &SLOTS };

/// As `driver_api::inspection::Table` lays them out.
static SLOTS: [Slot; 4] = [
    Slot::size(4),
    Slot::function(kernels as *const ()),
    Slot::function(stage as *const ()),
    Slot::function(set_layers as *const ()),
];

const _: () = assert!(size_of::<Table>() == size_of::<[Slot; 4]>());

/// # Safety
/// As the contract of the table says.
unsafe extern "C" fn kernels(ptx: Text, sink: Sink, state: *mut c_void) -> CUresult {
    guard::early(|| {
        // SAFETY: the caller's promise.
        let ptx = unsafe { ptx.get() }.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
        // SAFETY: passed on.
        Ok(unsafe { give(driver_software::inspect::kernels(ptx), sink, state) })
    })
}

/// # Safety
/// As the contract of the table says.
unsafe extern "C" fn stage(request: *const Request, sink: Sink, state: *mut c_void) -> CUresult {
    guard::early(|| {
        let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
        // SAFETY: the caller's promise.
        let request = unsafe { request.as_ref() }.ok_or(invalid)?;
        // SAFETY: the caller's promise for each text.
        let texts = unsafe { [request.ptx.get(), request.kernel.get(), request.stage.get()] };
        let [Some(ptx), Some(kernel), Some(stage)] = texts else { return Err(invalid) };
        let result = driver_software::inspect::stage(ptx, kernel, request.block, request.lanes, stage);
        // SAFETY: passed on.
        Ok(unsafe { give(result, sink, state) })
    })
}

extern "C" fn set_layers(are_there: u32) -> CUresult {
    guard::catch(|| match choice::set_layers(are_there != 0) {
        true => Ok(CUresult::CUDA_SUCCESS),
        false => Err(CUresult::CUDA_ERROR_NOT_SUPPORTED),
    })
}

/// Gives a result, or what is wrong, to the sink.
///
/// # Safety
/// The sink may be called with this state.
unsafe fn give(result: Result<String, String>, sink: Sink, state: *mut c_void) -> CUresult {
    let (text, code) = match result {
        Ok(text) => (text, CUresult::CUDA_SUCCESS),
        Err(text) => (text, CUresult::CUDA_ERROR_INVALID_PTX),
    };
    // SAFETY: the caller's promise; the text lives until the call returns.
    unsafe { sink(state, Text::of(&text)) };
    code
}
