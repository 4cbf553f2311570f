//! A kernel benchmark in plain C, by gcc.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ffi::c_void;
use std::ptr;

use anyhow::{Context, Result};
use libloading::Library;
use rustix::mm::{Advice, madvise};

use crate::compile;
use crate::environment::{self, Environment};
use crate::peers::Peer;
use crate::workload::{Argument, Workload};

/// The entry of each `native.c`: an array of pointers to argument values.
type Run = unsafe extern "C" fn(*mut *mut c_void);

/// Buffers begin where a large page does, so that the kernel can give them large pages.
const ALIGNMENT_BYTES: usize = 2 << 20;

/// The benchmark in C.
pub struct Native {
    run: Run,
    values: Vec<u64>,
    buffers: Vec<Memory>,
    restored: Vec<(usize, Vec<u8>)>,
}

/// Memory that stays where it is until the process ends.
struct Memory {
    start: *mut u8,
    size_bytes: usize,
}

impl Memory {
    fn with(bytes: &[u8]) -> Result<Self> {
        let size_bytes = bytes.len().next_multiple_of(ALIGNMENT_BYTES);
        let layout = Layout::from_size_align(size_bytes, ALIGNMENT_BYTES)?;
        // SAFETY: the size is not 0, as no buffer is empty.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the advice changes no contents, and the memory is ours.
        let advised = unsafe { madvise(start.cast(), size_bytes, Advice::LinuxHugepage) };
        // A kernel without large pages gives small ones.
        let _ = advised;
        let memory = Self { start, size_bytes: bytes.len() };
        memory.write(bytes);
        Ok(memory)
    }

    fn write(&self, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.size_bytes);
        // SAFETY: the memory is that long, and nobody else knows it while no kernel runs.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start, bytes.len()) };
    }
}

impl Native {
    /// Compiles, loads, allocates and fills.
    ///
    /// # Errors
    /// When the compiler fails.
    pub fn open(environment: &Environment, workload: &Workload) -> Result<Self> {
        let source = environment::sources().join("kernels").join(workload.name).join("native.c");
        let path = compile::shared_object(environment, &source)?;
        // SAFETY: the object was just made of our own source; it and OpenMP have harmless initialisers.
        let library = unsafe { Library::new(&path) }.with_context(|| format!("cannot load {}", path.display()))?;
        // SAFETY: each native.c defines `run` with this type.
        let run = unsafe { library.get::<Run>(b"run\0") };
        let run = *run.with_context(|| format!("{} has no function `run`", source.display()))?;
        // OpenMP has threads, whose code must stay.
        std::mem::forget(library);

        let mut buffers = Vec::new();
        let mut restored = Vec::new();
        for (index, buffer) in workload.buffers.iter().enumerate() {
            let bytes = buffer.initial_bytes();
            buffers.push(Memory::with(&bytes)?);
            if buffer.restored {
                restored.push((index, bytes));
            }
        }
        let value = |argument: &Argument| match *argument {
            Argument::Buffer(index) => buffers[index].start.expose_provenance() as u64,
            Argument::I32(value) => u64::from(value.cast_unsigned()),
            Argument::F32(value) => u64::from(value.to_bits()),
        };
        let values = workload.native.iter().map(value).collect();
        Ok(Self { run, values, buffers, restored })
    }
}

impl Peer for Native {
    fn device(&self) -> Result<String> {
        let output = std::process::Command::new("gcc").arg("--version").output().context("gcc does not start")?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or("gcc").to_owned())
    }

    fn restore(&mut self) -> Result<()> {
        for (index, bytes) in &self.restored {
            self.buffers[*index].write(bytes);
        }
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        let mut pointers: Vec<*mut c_void> = self.values.iter_mut().map(|value| ptr::from_mut(value).cast()).collect();
        // SAFETY: there is a pointer for each argument that the function reads, and the buffers are as long as the
        // benchmark's description and its source say.
        unsafe { (self.run)(pointers.as_mut_ptr()) };
        Ok(())
    }

    fn read(&mut self, buffer: usize) -> Result<Vec<u8>> {
        let memory = &self.buffers[buffer];
        // SAFETY: the memory is that long and initialised, and no kernel runs now.
        Ok(unsafe { std::slice::from_raw_parts(memory.start, memory.size_bytes) }.to_vec())
    }
}
