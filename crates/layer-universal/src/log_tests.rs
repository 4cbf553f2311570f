//! Where the reason of a refusal is written.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null_mut, without_provenance_mut};

use cuda_abi::*;
use driver_api::Driver;

use crate::tests::{over, text};

/// A program's log, as options of a call.
struct Log {
    buffer: [c_char; 400],
    options: [CUjit_option; 2],
    values: [*mut c_void; 2],
}

impl Log {
    fn new() -> Box<Log> {
        let mut log = Box::new(Log {
            buffer: [1; 400],
            options: [CUjit_option::CU_JIT_ERROR_LOG_BUFFER, CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES],
            values: [null_mut(); 2],
        });
        log.values = [log.buffer.as_mut_ptr().cast(), without_provenance_mut(400)];
        log
    }

    /// What it holds, and the length that was stated.
    fn text(&self) -> (&str, usize) {
        // SAFETY: a zero ends what was written; what was not is no text.
        let text = unsafe { CStr::from_ptr(self.buffer.as_ptr()) };
        (text.to_str().unwrap(), self.values[1].addr())
    }
}

fn is_the_reason((log, length): (&str, usize)) -> bool {
    log.contains("PTX for sm_120 cannot run on a card of sm_90")
        && log.contains("`st.bulk.weak.shared::cta` needs sm_100")
        && length == log.len()
}

#[test]
fn a_module_s_refusal_is_in_its_log() {
    let (layer, _) = over(&[(9, 0)]);
    let newest = text("sm_120", "st.bulk.weak.shared::cta [%rd1], %rd2, 0;");
    let (mut log, mut module) = (Log::new(), CUmodule::NULL);
    let (options, values) = (log.options.as_mut_ptr(), log.values.as_mut_ptr());
    // SAFETY: a whole text, and arrays of two entries.
    let answer = unsafe { layer.cuModuleLoadDataEx(&mut module, newest.as_ptr().cast(), 2, options, values) };
    assert_eq!(answer, CUresult::CUDA_ERROR_INVALID_PTX);
    assert!(is_the_reason(log.text()), "{:?}", log.text());
}

#[test]
fn a_library_s_refusal_is_in_its_log() {
    let (layer, _) = over(&[(9, 0)]);
    let newest = text("sm_120", "st.bulk.weak.shared::cta [%rd1], %rd2, 0;");
    let (mut log, mut library) = (Log::new(), CUlibrary::NULL);
    let (options, values) = (log.options.as_mut_ptr(), log.values.as_mut_ptr());
    // SAFETY: a whole text, and arrays of two entries.
    let answer = unsafe {
        let image = newest.as_ptr().cast();
        layer.cuLibraryLoadData(&mut library, image, options, values, 2, null_mut(), null_mut(), 0)
    };
    assert_eq!(answer, CUresult::CUDA_ERROR_INVALID_PTX);
    assert!(is_the_reason(log.text()), "{:?}", log.text());
}

#[test]
fn what_is_added_to_a_link_is_refused_in_the_log_of_the_link() {
    let (layer, _) = over(&[(9, 0)]);
    let newest = text("sm_120", "st.bulk.weak.shared::cta [%rd1], %rd2, 0;");
    let (mut log, mut own_log) = (Log::new(), Log::new());
    let mut state = CUlinkState::NULL;
    // SAFETY: arrays of two entries.
    let answer = unsafe { layer.cuLinkCreate_v2(2, log.options.as_mut_ptr(), log.values.as_mut_ptr(), &mut state) };
    assert_eq!(answer, CUresult::CUDA_SUCCESS);
    let add = |log: Option<&mut Log>| {
        let mut bytes = newest.as_bytes_with_nul().to_vec();
        let (data, size) = (bytes.as_mut_ptr().cast(), bytes.len());
        let (count, options, values) = match log {
            Some(log) => (2, log.options.as_mut_ptr(), log.values.as_mut_ptr()),
            None => (0, null_mut(), null_mut()),
        };
        let kind = CUjitInputType::CU_JIT_INPUT_PTX;
        // SAFETY: as many bytes as are stated, and arrays of as many entries.
        unsafe { layer.cuLinkAddData_v2(state, kind, data, size, None, count, options, values) }
    };
    // A log of the call's own goes before.
    assert_eq!(add(Some(&mut own_log)), CUresult::CUDA_ERROR_INVALID_PTX);
    assert!(is_the_reason(own_log.text()), "{:?}", own_log.text());
    assert_eq!(log.buffer[0], 1, "nothing was written");
    assert_eq!(add(None), CUresult::CUDA_ERROR_INVALID_PTX);
    assert!(is_the_reason(log.text()), "{:?}", log.text());
    // After its end, a link of the same handle has no log.
    assert_eq!(layer.cuLinkDestroy(state), CUresult::CUDA_SUCCESS);
    log.buffer = [1; 400];
    assert_eq!(add(None), CUresult::CUDA_ERROR_INVALID_PTX);
    assert_eq!(log.buffer[0], 1, "nothing was written");
}
