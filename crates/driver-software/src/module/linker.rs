//! Linking: several pieces of PTX become one program.

use super::area::file_contents;
use super::complain;
use super::options::JitLog;
use crate::answer::{Answer, answer};
use crate::context::current;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::occupancy::Occupancies;
use core::ffi::{CStr, c_void};
use cuda_abi::*;
use driver_api::Driver;
use std::sync::Arc;

/// What has been added so far, and the result.
#[derive(Default)]
struct State {
    texts: Vec<String>,
    log: JitLog,
    /// The linked program, with a zero behind.
    output: Option<Vec<u8>>,
}

/// A link in progress (`CUlinkState`).
pub(crate) struct Linker {
    state: Lock<State>,
}

/// One program of several texts.
///
/// # Errors
/// In words, when they do not fit together.
pub(super) fn link(texts: &[String]) -> Result<String, String> {
    match texts {
        [] => Err("there is nothing to link".to_string()),
        [text] => Ok(text.clone()),
        _ => Err("linking the PTX of several files is not implemented".to_string()),
    }
}

fn named(handle: CUlinkState) -> Answer<Arc<Linker>> {
    current()?;
    Machine::get()?.objects.get(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)
}

/// Adds a piece to a link.
///
/// # Safety
/// `data` has `size` bytes.
unsafe fn add(linker: &Linker, kind: CUjitInputType, data: *const c_void, size: usize) -> Answer {
    let mut state = linker.state.lock();
    if data.is_null() || size == 0 || state.output.is_some() {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    // A copy with zeros behind, because images end by themselves.
    // SAFETY: the caller's promise.
    let mut bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) }.to_vec();
    bytes.extend_from_slice(&[0; 64]);
    match kind {
        CUjitInputType::CU_JIT_INPUT_PTX
        | CUjitInputType::CU_JIT_INPUT_FATBINARY
        | CUjitInputType::CU_JIT_INPUT_CUBIN => {
            // SAFETY: the bytes are there and end with zeros.
            let text = unsafe { super::image::text_of(bytes.as_ptr().cast(), &mut state.log)? };
            state.texts.push(text);
            Ok(())
        }
        CUjitInputType::CU_JIT_INPUT_OBJECT | CUjitInputType::CU_JIT_INPUT_LIBRARY => {
            complain("linking host objects and libraries is not implemented: pass their PTX");
            Err(CUresult::CUDA_ERROR_NOT_SUPPORTED)
        }
        kind if kind.name().is_some() => Err(CUresult::CUDA_ERROR_NOT_SUPPORTED),
        _ => Err(CUresult::CUDA_ERROR_INVALID_VALUE),
    }
}

/// Links.
pub(crate) struct Linkers;

impl Driver for Linkers {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Occupancies)
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLinkCreate_v2(
        &self,
        option_count: u32,
        options: *mut CUjit_option,
        values: *mut *mut c_void,
        state: &mut CUlinkState,
    ) -> CUresult {
        answer(|| {
            current()?;
            // SAFETY: the caller's promise.
            let log = unsafe { JitLog::read(option_count, options, values)? };
            let linker = Linker { state: Lock::new(Order::Link, State { log, ..State::default() }) };
            *state = CUlinkState::from_addr(Machine::get()?.objects.insert(Arc::new(linker))?);
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLinkAddData_v2(
        &self,
        state: CUlinkState,
        kind: CUjitInputType,
        data: *mut c_void,
        size: usize,
        _name: Option<&CStr>,
        _option_count: u32,
        _options: *mut CUjit_option,
        _values: *mut *mut c_void,
    ) -> CUresult {
        // SAFETY: the caller's promise.
        answer(|| unsafe { add(&*named(state)?, kind, data, size) })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuLinkAddFile_v2(
        &self,
        state: CUlinkState,
        kind: CUjitInputType,
        path: &CStr,
        _option_count: u32,
        _options: *mut CUjit_option,
        _values: *mut *mut c_void,
    ) -> CUresult {
        answer(|| {
            let linker = named(state)?;
            let contents = file_contents(path)?;
            // SAFETY: the vector has so many bytes.
            unsafe { add(&linker, kind, contents.as_ptr().cast(), contents.len()) }
        })
    }

    fn cuLinkComplete(&self, state: CUlinkState, image: &mut *mut c_void, size: Option<&mut usize>) -> CUresult {
        answer(|| {
            let linker = named(state)?;
            let mut state = linker.state.lock();
            if state.output.is_none() {
                let linked = link(&state.texts).and_then(|text| {
                    let module = jit::Module::from_ptx(&text, &Machine::get().map_err(|_| String::new())?.jit);
                    module.map_err(|error| error.to_string()).map(|_| text)
                });
                match linked {
                    Ok(text) => {
                        let mut bytes = text.into_bytes();
                        bytes.push(0);
                        state.output = Some(bytes);
                    }
                    Err(text) => {
                        if !state.log.error(&text) {
                            complain(&text);
                        }
                        return Err(CUresult::CUDA_ERROR_INVALID_PTX);
                    }
                }
            }
            if let Some(output) = &mut state.output {
                *image = output.as_mut_ptr().cast();
                if let Some(size) = size {
                    *size = output.len();
                }
            }
            Ok(())
        })
    }

    fn cuLinkDestroy(&self, state: CUlinkState) -> CUresult {
        answer(|| {
            let removed = Machine::get()?.objects.remove::<Linker>(state.addr());
            removed.map(|_| ()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)
        })
    }
}
