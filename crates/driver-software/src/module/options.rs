//! Options of the functions that compile: the logs that a program wants filled, and what it is compiled for.

use crate::answer::Answer;
use core::ffi::{c_char, c_void};
use cuda_abi::{CUjit_option, CUjit_target, CUresult};
use fatbin::Capability;
use std::time::Duration;

/// A buffer of the program for a log.
#[derive(Clone, Copy, Debug, Default)]
struct Buffer {
    start: usize,
    bytes: usize,
    /// Address of the value that holds the size, and gets the length.
    size_value: usize,
}

/// Where errors and remarks of the compiler go.
#[derive(Debug, Default)]
pub(crate) struct JitLog {
    errors: Buffer,
    remarks: Buffer,
    /// What has been said so far.
    failed: String,
    remarked: String,
    /// Address of the value that gets the time, a `float`; 0 for none.
    time_value: usize,
    time: Duration,
    target: Option<Capability>,
}

impl JitLog {
    /// Reads the options of a call. Those that are not about logs change nothing here.
    ///
    /// # Errors
    /// When an array is missing, or an option is none.
    ///
    /// # Safety
    /// The arrays have `count` entries, or are null; what they say of buffers is true until the log is dropped.
    pub(crate) unsafe fn read(count: u32, options: *mut CUjit_option, values: *mut *mut c_void) -> Answer<JitLog> {
        let mut log = JitLog::default();
        if count == 0 {
            return Ok(log);
        }
        if options.is_null() || values.is_null() {
            return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
        }
        for index in 0..count as usize {
            // SAFETY: the caller's arrays have so many entries.
            let (option, place) = unsafe { (*options.add(index), values.add(index)) };
            // SAFETY: as above.
            let value = unsafe { (*place).expose_provenance() };
            match option {
                CUjit_option::CU_JIT_ERROR_LOG_BUFFER => log.errors.start = value,
                CUjit_option::CU_JIT_INFO_LOG_BUFFER => log.remarks.start = value,
                CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES => log.errors.set_size(value, place),
                CUjit_option::CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES => log.remarks.set_size(value, place),
                CUjit_option::CU_JIT_WALL_TIME => log.time_value = place.expose_provenance(),
                CUjit_option::CU_JIT_TARGET => log.target = Some(capability_of(value)?),
                option if option.name().is_some() => {}
                _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            }
        }
        // What is not filled is empty.
        log.errors.write("");
        log.remarks.write("");
        Ok(log)
    }

    /// Writes an error behind those before. False if the program wants none.
    pub(crate) fn error(&mut self, text: &str) -> bool {
        add_line(&mut self.failed, text);
        self.errors.write(&self.failed)
    }

    /// Adds a line to the remarks.
    pub(crate) fn remark(&mut self, text: &str) {
        add_line(&mut self.remarked, text);
        self.remarks.write(&self.remarked);
    }

    /// Adds time that was spent.
    pub(crate) fn add_time(&mut self, time: Duration) {
        self.time += time;
        if self.time_value != 0 {
            let milliseconds = self.time.as_secs_f32() * 1e3;
            let place: *mut f32 = std::ptr::with_exposed_provenance_mut(self.time_value);
            // SAFETY: whoever made the log promised that the value is there; a pointer has room for a `float`.
            unsafe { place.write_unaligned(milliseconds) };
        }
    }

    /// What is to be compiled for, if the program says so.
    pub(crate) fn target(&self) -> Option<Capability> {
        self.target
    }
}

fn add_line(said: &mut String, text: &str) {
    if !said.is_empty() {
        said.push('\n');
    }
    said.push_str(text);
}

/// The compute capability of a target, whose marks for specific and family targets stand above its number.
fn capability_of(value: usize) -> Answer<Capability> {
    let target = CUjit_target(value as u32);
    target.name().ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
    Ok(Capability::from_sm(target.0 & 0xffff))
}

impl Buffer {
    fn set_size(&mut self, value: usize, place: *mut *mut c_void) {
        // The value is an unsigned int in the place of a pointer.
        self.bytes = value as u32 as usize;
        self.size_value = place.expose_provenance();
    }

    /// Writes text, cut off if need be, with its end, and its length in the place of the size.
    fn write(&self, text: &str) -> bool {
        if self.start == 0 || self.bytes == 0 {
            return false;
        }
        let length = text.len().min(self.bytes - 1);
        let start: *mut c_char = std::ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: whoever made the log promised that the buffer and the value are there.
        unsafe {
            start.copy_from_nonoverlapping(text.as_ptr().cast(), length);
            start.add(length).write(0);
            if self.size_value != 0 {
                let place: *mut usize = std::ptr::with_exposed_provenance_mut(self.size_value);
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
    use std::ffi::CStr;
    use std::ptr;

    #[test]
    fn logs_are_filled_and_cut_off() {
        let mut buffer = [1 as c_char; 8];
        let mut options = [
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
            CUjit_option::CU_JIT_OPTIMIZATION_LEVEL,
        ];
        let mut values: [*mut c_void; 3] =
            [buffer.as_mut_ptr().cast(), ptr::without_provenance_mut(8), ptr::null_mut()];
        // SAFETY: the arrays have three entries, the buffer eight bytes.
        let mut log = unsafe { JitLog::read(3, options.as_mut_ptr(), values.as_mut_ptr()) }.unwrap();
        assert_eq!(buffer[0], 0);
        assert!(log.error("no such instruction"));
        // SAFETY: the log ends its text with a zero.
        let text = unsafe { CStr::from_ptr(buffer.as_ptr()) };
        assert_eq!((text, values[1].addr()), (c"no such", 8));
        assert!(!JitLog::default().error("nobody wants to know"));
    }
}
