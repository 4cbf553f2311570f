//! Linking: several pieces of PTX become one program.
//!
//! The result, which the API calls a cubin, is PTX: it loads as any PTX does, and may be linked again.

use super::area::file_bytes;
use super::image::{self, Refusal, capability};
use super::options::JitLog;
use super::pieces;
use crate::answer::{Answer, answer};
use crate::context::current;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::occupancy::Occupancies;
use core::ffi::{CStr, c_void};
use cuda_abi::*;
use driver_api::Driver;
use fatbin::{Arch, Capability};
use jit::LinkError;
use std::sync::Arc;
use std::time::Instant;

/// Texts that a link may have.
const INPUTS_MAX: usize = 1 << 16;

/// What has been added so far, and the result.
#[derive(Default)]
struct State {
    linker: jit::Linker,
    log: JitLog,
    /// What of the inputs was left out, having no PTX.
    left_out: Vec<String>,
    /// The code that the link has failed with for good.
    failure: Option<CUresult>,
    /// The linked program, with a zero behind.
    output: Option<Vec<u8>>,
}

/// A link in progress (`CUlinkState`).
pub(crate) struct Linker {
    state: Lock<State>,
    /// What the device has that the program is for.
    device: Capability,
}

fn named(handle: CUlinkState) -> Answer<Arc<Linker>> {
    current()?;
    Machine::get()?.objects.get(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)
}

/// The code for what keeps modules from being one, as driver 580 answers.
fn code_of(errors: &[LinkError]) -> CUresult {
    match errors.first() {
        Some(LinkError::Text { .. }) => CUresult::CUDA_ERROR_INVALID_PTX,
        _ => CUresult::CUDA_ERROR_INVALID_SOURCE,
    }
}

/// One error a line.
fn text_of(errors: &[LinkError], left_out: &[String]) -> String {
    let lines = errors.iter().map(ToString::to_string).chain(left_out.iter().cloned());
    lines.collect::<Vec<_>>().join("\n")
}

/// One program of the texts in the containers of a program of relocatable device code.
///
/// # Errors
/// When one of them has no text that the device runs, or they do not fit together.
pub(super) fn link_containers(containers: &[&[u8]], device: Capability) -> Result<String, Refusal> {
    let (mut linker, mut left_out) = (jit::Linker::default(), Vec::new());
    for (index, bytes) in containers.iter().enumerate() {
        let container = image::container(bytes)?;
        let name = format!("object {} of {}", index + 1, containers.len());
        if let Some(piece) = pieces::of_container(&name, &container, device, false, &mut left_out)? {
            let added = linker.add(&piece.name, &piece.text, false);
            added.map_err(|error| Refusal(CUresult::CUDA_ERROR_INVALID_PTX, error.to_string()))?;
        }
    }
    linker.finish().map_err(|errors| Refusal(code_of(&errors), text_of(&errors, &left_out)))
}

impl Linker {
    /// Adds an input.
    ///
    /// # Safety
    /// If it is a wrapper around containers, what it points to is there.
    unsafe fn add(&self, kind: CUjitInputType, name: &str, bytes: Vec<u8>) -> Answer {
        let mut state = self.state.lock();
        if bytes.is_empty() || state.output.is_some() || state.linker.len() >= INPUTS_MAX {
            return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
        }
        let start = Instant::now();
        // SAFETY: the caller's promise.
        let read = unsafe { pieces::read(kind, name, bytes, self.device) };
        let added = read.and_then(|found| self.take(&mut state, found, kind));
        state.log.add_time(start.elapsed());
        added.map_err(|refusal| refusal.report(&mut state.log))
    }

    fn take(&self, state: &mut State, found: pieces::Pieces, kind: CUjitInputType) -> Result<(), Refusal> {
        let is_text = kind == CUjitInputType::CU_JIT_INPUT_PTX;
        for piece in found.pieces {
            if let Some(arch) = Arch::of_ptx(&piece.text).filter(|arch| !arch.ptx_runs_on(self.device)) {
                let (name, device) = (&piece.name, self.device);
                let text = format!("{name}: PTX for compute_{} does not run on {device}", arch.suffixed());
                return Err(Refusal(CUresult::CUDA_ERROR_INVALID_PTX, text));
            }
            let added = match piece.is_member {
                true => state.linker.add_member(&piece.name, &piece.text),
                false => state.linker.add(&piece.name, &piece.text, is_text),
            };
            added.map_err(|error| Refusal(CUresult::CUDA_ERROR_INVALID_PTX, error.to_string()))?;
        }
        for text in found.left_out {
            state.log.remark(&text);
            state.left_out.push(text);
        }
        let conflicts = state.linker.conflicts();
        if conflicts.is_empty() {
            return Ok(());
        }
        let code = code_of(&conflicts);
        state.failure = Some(code);
        Err(Refusal(code, text_of(&conflicts, &[])))
    }

    /// Links, which can be asked for once.
    fn complete(&self, state: &mut State) -> Answer {
        if let Some(code) = state.failure {
            return Err(code);
        }
        // As driver 580 answers.
        if state.output.is_some() {
            return Err(CUresult::CUDA_ERROR_INVALID_HANDLE);
        }
        let start = Instant::now();
        let linked = state.linker.finish();
        state.log.add_time(start.elapsed());
        match linked {
            Ok(text) => {
                let mut bytes = text.into_bytes();
                bytes.push(0);
                state.output = Some(bytes);
                Ok(())
            }
            Err(errors) => {
                let refusal = Refusal(code_of(&errors), text_of(&errors, &state.left_out));
                let code = refusal.report(&mut state.log);
                state.failure = Some(code);
                Err(code)
            }
        }
    }
}

/// The name that messages call an input by.
fn name_of(name: Option<&CStr>) -> String {
    name.map_or_else(|| "an input without a name".to_string(), |name| name.to_string_lossy().into_owned())
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
            let device = log.target().unwrap_or_else(capability);
            let linker = Linker { state: Lock::new(Order::Link, State { log, ..State::default() }), device };
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
        name: Option<&CStr>,
        _option_count: u32,
        _options: *mut CUjit_option,
        _values: *mut *mut c_void,
    ) -> CUresult {
        answer(|| {
            let linker = named(state)?;
            if data.is_null() {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            }
            // SAFETY: the caller's promise.
            let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) }.to_vec();
            // SAFETY: the caller's promise.
            unsafe { linker.add(kind, &name_of(name), bytes) }
        })
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
            let contents = file_bytes(path)?;
            // SAFETY: a file holds no wrapper whose pointers could be followed: it is refused as what it is not.
            unsafe { linker.add(kind, &name_of(Some(path)), contents) }
        })
    }

    fn cuLinkComplete(&self, state: CUlinkState, image: &mut *mut c_void, size: Option<&mut usize>) -> CUresult {
        answer(|| {
            let linker = named(state)?;
            let mut state = linker.state.lock();
            linker.complete(&mut state)?;
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
