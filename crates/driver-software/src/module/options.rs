//! Options of the functions that compile: the logs that a program wants filled, and what it is compiled for.

use crate::answer::Answer;
use core::ffi::c_void;
use cuda_abi::{CUjit_option, CUjit_target, CUresult};
use driver_api::{LogBuffer, LogBuffers};
use fatbin::Capability;
use std::time::Duration;

/// Where errors and remarks of the compiler go.
#[derive(Debug, Default)]
pub(crate) struct JitLog {
    buffers: LogBuffers,
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
            if unsafe { log.buffers.take(option, place) } {
                continue;
            }
            // SAFETY: as above.
            let value = unsafe { (*place).expose_provenance() };
            match option {
                CUjit_option::CU_JIT_WALL_TIME => log.time_value = place.expose_provenance(),
                CUjit_option::CU_JIT_TARGET => log.target = Some(capability_of(value)?),
                option if option.name().is_some() => {}
                _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            }
        }
        // What is not filled is empty.
        write(&log.buffers.errors, "");
        write(&log.buffers.remarks, "");
        Ok(log)
    }

    /// Writes an error behind those before. False if the program wants none.
    pub(crate) fn error(&mut self, text: &str) -> bool {
        add_line(&mut self.failed, text);
        write(&self.buffers.errors, &self.failed)
    }

    /// Adds a line to the remarks.
    pub(crate) fn remark(&mut self, text: &str) {
        add_line(&mut self.remarked, text);
        write(&self.buffers.remarks, &self.remarked);
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

fn write(buffer: &LogBuffer, text: &str) -> bool {
    // SAFETY: whoever made the log promised that the buffer and the values are there.
    unsafe { buffer.write(text) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::{CStr, c_char};
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
