//! What is given to the linker: the PTX in images, object files and archives.

use super::image::{Refusal, begins_as_ptx, select, text_of};
use core::ffi::c_void;
use cuda_abi::{CUjitInputType, CUresult};
use fatbin::host::{self, is_dispensable};
use fatbin::{Capability, Container};

/// A text that is to be linked.
pub(super) struct Piece {
    /// By what name messages call it.
    pub(super) name: String,
    pub(super) text: String,
    /// Whether it is only needed if it defines what others lack.
    pub(super) is_member: bool,
}

/// The texts in an input, and what of it was left out, for the log.
#[derive(Default)]
pub(super) struct Pieces {
    pub(super) pieces: Vec<Piece>,
    pub(super) left_out: Vec<String>,
}

/// The texts in an input of the linker.
///
/// # Errors
/// When there are none that the device runs, and when the input is not of the kind that is said.
///
/// # Safety
/// If it is a wrapper around containers, what it points to is there.
pub(super) unsafe fn read(
    kind: CUjitInputType,
    name: &str,
    mut bytes: Vec<u8>,
    device: Capability,
) -> Result<Pieces, Refusal> {
    match kind {
        CUjitInputType::CU_JIT_INPUT_OBJECT | CUjitInputType::CU_JIT_INPUT_LIBRARY => {
            of_host_file(name, &bytes, device, kind == CUjitInputType::CU_JIT_INPUT_LIBRARY)
        }
        CUjitInputType::CU_JIT_INPUT_PTX
        | CUjitInputType::CU_JIT_INPUT_FATBINARY
        | CUjitInputType::CU_JIT_INPUT_CUBIN => {
            // Images end by themselves: zeros behind keep what is cut off from being read beyond its end.
            bytes.extend_from_slice(&[0; 64]);
            // SAFETY: the bytes are there and end with zeros; the rest is the caller's promise.
            let text = unsafe { text_of(bytes.as_ptr().cast::<c_void>(), device)? };
            if !begins_as_ptx(&text) {
                let text = format!("{name} is text, but no PTX: it does not begin with .version");
                return Err(Refusal(CUresult::CUDA_ERROR_INVALID_IMAGE, text));
            }
            Ok(Pieces { pieces: vec![Piece { name: name.to_string(), text, is_member: false }], left_out: Vec::new() })
        }
        kind if kind.name().is_some() => {
            let text = format!("{name}: LTO and NVVM IR is in forms that are not public: pass PTX");
            Err(Refusal(CUresult::CUDA_ERROR_JIT_COMPILER_NOT_FOUND, text))
        }
        _ => Err(Refusal(CUresult::CUDA_ERROR_INVALID_VALUE, format!("{name}: there is no such kind of input"))),
    }
}

fn of_host_file(name: &str, bytes: &[u8], device: Capability, is_library: bool) -> Result<Pieces, Refusal> {
    let members =
        host::members(bytes).map_err(|error| Refusal(CUresult::CUDA_ERROR_UNKNOWN, format!("{name}: {error}")))?;
    if members.is_empty() {
        return Err(Refusal(CUresult::CUDA_ERROR_UNKNOWN, format!("{name} holds no device code")));
    }
    let mut found = Pieces::default();
    for member in members {
        let several = member.containers.len() > 1;
        for (index, container) in member.containers.iter().enumerate() {
            let mut name = match member.name.as_str() {
                "" => name.to_string(),
                member => format!("{name}({member})"),
            };
            if several {
                name = format!("{name}, module {}", index + 1);
            }
            let piece = of_container(&name, container, device, is_library, &mut found.left_out)?;
            found.pieces.extend(piece.map(|piece| Piece { is_member: is_library, ..piece }));
        }
    }
    Ok(found)
}

/// The text in a container. None if it is one that is not missed.
///
/// # Errors
/// When there is none, and `may_lack` is false.
pub(super) fn of_container(
    name: &str,
    container: &Container<'_>,
    device: Capability,
    may_lack: bool,
    left_out: &mut Vec<String>,
) -> Result<Option<Piece>, Refusal> {
    if is_dispensable(container) {
        return Ok(None);
    }
    match select(container, device) {
        Ok(text) => Ok(Some(Piece { name: name.to_string(), text, is_member: false })),
        Err(Refusal(_, text)) if may_lack => {
            left_out.push(format!("{name} is left out: {text}"));
            Ok(None)
        }
        Err(Refusal(code, text)) => Err(Refusal(code, format!("{name}: {text}"))),
    }
}
