//! The buffers that a program hands over for the logs of what compiles and links its code: options of `cuModuleLoadDataEx`, `cuLibraryLoadData`,
//! `cuLinkCreate` and others.

use core::ffi::{c_char, c_void};
use cuda_abi::CUjit_option;
use std::ptr::with_exposed_provenance_mut;

/// A buffer for one log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogBuffer {
    start: usize,
    bytes: usize,
    /// Address of the value that holds the size, and gets the length.
    size_value: usize,
}

/// The buffers of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogBuffers {
    /// For what went wrong.
    pub errors: LogBuffer,
    /// For everything else.
    pub remarks: LogBuffer,
}

impl LogBuffers {
    /// Reads the options of a call. Those that are not about logs change nothing; missing arrays hold none.
    ///
    /// # Safety
    /// Arrays that are not null have `count` entries.
    pub unsafe fn read(count: u32, options: *mut CUjit_option, values: *mut *mut c_void) -> LogBuffers {
        let mut buffers = LogBuffers::default();
        if !options.is_null() && !values.is_null() {
            for index in 0..count as usize {
                // SAFETY: the caller's arrays have so many entries.
                unsafe { buffers.take(*options.add(index), values.add(index)) };
            }
        }
        buffers
    }

    /// Takes an option, if it is about logs.
    ///
    /// # Safety
    /// `place` is the option's entry in the array of values.
    pub unsafe fn take(&mut self, option: CUjit_option, place: *mut *mut c_void) -> bool {
        // SAFETY: the caller's promise.
        let value = unsafe { (*place).expose_provenance() };
        match option {
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER => self.errors.start = value,
            CUjit_option::CU_JIT_INFO_LOG_BUFFER => self.remarks.start = value,
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES => self.errors.set_size(value, place),
            CUjit_option::CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES => self.remarks.set_size(value, place),
            _ => return false,
        }
        true
    }
}

impl LogBuffer {
    fn set_size(&mut self, value: usize, place: *mut *mut c_void) {
        // The value is an unsigned int in the place of a pointer.
        self.bytes = value as u32 as usize;
        self.size_value = place.expose_provenance();
    }

    /// Whether the program wants this log.
    pub fn is_wanted(&self) -> bool {
        self.start != 0 && self.bytes != 0
    }

    /// Writes text, cut off if need be, with its end, and its length in the place of the size. False if the program wants none.
    ///
    /// # Safety
    /// The program's buffer and array of values are still there.
    pub unsafe fn write(&self, text: &str) -> bool {
        if !self.is_wanted() {
            return false;
        }
        let length = text.len().min(self.bytes - 1);
        let start: *mut c_char = with_exposed_provenance_mut(self.start);
        // SAFETY: the caller's promise.
        unsafe {
            start.copy_from_nonoverlapping(text.as_ptr().cast(), length);
            start.add(length).write(0);
            if self.size_value != 0 {
                let place: *mut usize = with_exposed_provenance_mut(self.size_value);
                // The length of what there was to write, but for what is cut off.
                place.write_unaligned(text.len().min(self.bytes));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;
    use std::ptr::{null_mut, without_provenance_mut};

    #[test]
    fn a_log_is_filled_and_cut_off() {
        let mut buffer = [1 as c_char; 8];
        let mut options = [
            CUjit_option::CU_JIT_OPTIMIZATION_LEVEL,
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
        ];
        let mut values: [*mut c_void; 3] = [null_mut(), without_provenance_mut(8), buffer.as_mut_ptr().cast()];
        // SAFETY: the arrays have three entries.
        let buffers = unsafe { LogBuffers::read(3, options.as_mut_ptr(), values.as_mut_ptr()) };
        // SAFETY: the buffer has eight bytes, and the array is there.
        unsafe {
            assert!(buffers.errors.write("no such instruction"));
            assert!(!buffers.remarks.write("nobody wants to know"));
        }
        // SAFETY: the log ends its text with a zero.
        let text = unsafe { CStr::from_ptr(buffer.as_ptr()) };
        assert_eq!((text, values[1].addr()), (c"no such", 8));
    }

    #[test]
    fn without_arrays_there_is_no_log() {
        // SAFETY: there are none.
        let buffers = unsafe { LogBuffers::read(3, null_mut(), null_mut()) };
        // SAFETY: as above.
        assert!(!unsafe { buffers.errors.write("nobody wants to know") });
    }
}
