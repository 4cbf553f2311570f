//! The parameters of a launch, as a program passes them, in one buffer.

use crate::answer::Answer;
use core::ffi::c_void;
use cuda_abi::{CU_LAUNCH_PARAM_BUFFER_POINTER, CU_LAUNCH_PARAM_BUFFER_SIZE, CU_LAUNCH_PARAM_END, CUresult};
use jit::KernelInfo;
use std::ptr;

/// Entries of `extra` that are looked at.
const EXTRA_MAX: usize = 16;

/// Gathers the parameters of a kernel into `buffer`, from pointers to each of them or from a packed buffer.
///
/// # Errors
/// When both are given, or what the kernel needs is not.
///
/// # Safety
/// `kernel_parameters` and `extra` are as `cuLaunchKernel` documents them.
#[inline]
pub(super) unsafe fn gather(
    buffer: &mut Vec<u8>,
    info: &KernelInfo,
    kernel_parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Answer {
    if info.parameters.is_empty() && extra.is_null() {
        buffer.clear();
        return Ok(());
    }
    // SAFETY: passed on.
    unsafe { gather_some(buffer, info, kernel_parameters, extra) }
}

/// [`gather`] for kernels that have parameters.
///
/// # Safety
/// As there.
unsafe fn gather_some(
    buffer: &mut Vec<u8>,
    info: &KernelInfo,
    kernel_parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> Answer {
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    buffer.clear();
    buffer.resize(info.parameter_bytes as usize, 0);
    match (kernel_parameters.is_null(), extra.is_null()) {
        (false, false) => Err(invalid),
        (true, true) => match info.parameters.is_empty() {
            true => Ok(()),
            false => Err(invalid),
        },
        (false, true) => {
            for (index, parameter) in info.parameters.iter().enumerate() {
                let range = parameter.offset as usize..(parameter.offset + parameter.size) as usize;
                let place = buffer.get_mut(range).ok_or(invalid)?;
                // SAFETY: the caller passes a pointer for each parameter.
                unsafe {
                    let source = *kernel_parameters.add(index);
                    if source.is_null() {
                        return Err(invalid);
                    }
                    copy_parameter(source.cast(), place);
                }
            }
            Ok(())
        }
        // SAFETY: passed on.
        (true, false) => unsafe { unpack(buffer, extra) },
    }
}

/// Copies a parameter: pointers and numbers, as most are, without calling a function.
///
/// # Safety
/// There are as many bytes at `source` as `place` takes.
unsafe fn copy_parameter(source: *const u8, place: &mut [u8]) {
    let to = place.as_mut_ptr();
    // SAFETY: the caller's promise.
    unsafe {
        match place.len() {
            4 => to.cast::<u32>().write_unaligned(source.cast::<u32>().read_unaligned()),
            8 => to.cast::<u64>().write_unaligned(source.cast::<u64>().read_unaligned()),
            bytes => ptr::copy_nonoverlapping(source, to, bytes),
        }
    }
}

/// Copies the packed buffer that `extra` describes.
///
/// # Safety
/// `extra` is as `cuLaunchKernel` documents it.
unsafe fn unpack(buffer: &mut [u8], extra: *mut *mut c_void) -> Answer {
    let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
    let (mut start, mut size): (*const u8, Option<usize>) = (ptr::null(), None);
    let mut ended = false;
    for index in (0..EXTRA_MAX).step_by(2) {
        // SAFETY: the list goes on until its end is found.
        let key = unsafe { *extra.add(index) };
        if key == CU_LAUNCH_PARAM_END {
            ended = true;
            break;
        }
        // SAFETY: every key but the end has a value.
        let value = unsafe { *extra.add(index + 1) };
        if key == CU_LAUNCH_PARAM_BUFFER_POINTER {
            start = value.cast_const().cast();
        } else if key == CU_LAUNCH_PARAM_BUFFER_SIZE && !value.is_null() {
            // SAFETY: the value points to the size.
            size = Some(unsafe { *value.cast::<usize>() });
        } else {
            return Err(invalid);
        }
    }
    if !ended || (!buffer.is_empty() && (start.is_null() || size.is_none())) {
        return Err(invalid);
    }
    let size = size.unwrap_or(0);
    // Driver 580 refuses more than the kernel takes, and fills up what is missing.
    if size > buffer.len() {
        return Err(CUresult::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
    }
    if size > 0 {
        // SAFETY: the packed buffer has so many bytes.
        unsafe { ptr::copy_nonoverlapping(start, buffer.as_mut_ptr(), size) };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jit::KernelParameter;

    fn info() -> KernelInfo {
        let parameter = |offset, size| KernelParameter { name: String::new(), offset, size };
        KernelInfo {
            name: "kernel".to_string(),
            parameters: vec![parameter(0, 1), parameter(8, 8)],
            parameter_bytes: 16,
            max_threads: None,
            required_block: None,
            required_cluster: None,
            max_registers: None,
        }
    }

    #[test]
    fn parameters_are_gathered_to_their_places() {
        let (mut first, mut second, mut buffer) = (7u8, 0x1122_3344_5566_7788u64, vec![0xff; 3]);
        let mut pointers = [(&raw mut first).cast(), (&raw mut second).cast()];
        // SAFETY: the array has a pointer for each parameter.
        unsafe { gather(&mut buffer, &info(), pointers.as_mut_ptr(), ptr::null_mut()) }.unwrap();
        assert_eq!(buffer[..8], [7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(buffer[8..], second.to_ne_bytes());
        // SAFETY: no parameters are passed, which is found out.
        let missing = unsafe { gather(&mut buffer, &info(), ptr::null_mut(), ptr::null_mut()) };
        assert_eq!(missing, Err(CUresult::CUDA_ERROR_INVALID_VALUE));
    }

    /// Gathers 20 packed bytes, of which the list says that there are `size`.
    fn unpack_some(mut size: usize) -> Answer<Vec<u8>> {
        let (mut packed, mut buffer) = ([3u8; 20], Vec::new());
        let mut extra = [
            CU_LAUNCH_PARAM_BUFFER_POINTER,
            packed.as_mut_ptr().cast(),
            CU_LAUNCH_PARAM_BUFFER_SIZE,
            (&raw mut size).cast(),
            CU_LAUNCH_PARAM_END,
        ];
        // SAFETY: the list is as documented.
        unsafe { gather(&mut buffer, &info(), ptr::null_mut(), extra.as_mut_ptr()) }.map(|()| buffer)
    }

    #[test]
    fn packed_parameters_are_taken_as_they_are() {
        assert_eq!(unpack_some(16), Ok(vec![3; 16]));
        let mut short = vec![3; 16];
        short[15] = 0;
        assert_eq!(unpack_some(15), Ok(short));
        assert_eq!(unpack_some(17), Err(CUresult::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES));
    }
}
