//! A kernel benchmark in plain C, by gcc.

use std::ffi::c_void;
use std::ptr;

use anyhow::{Context, Result};
use libloading::Library;

use crate::compile;
use crate::environment::{self, Environment};
use crate::memory::Memory;
use crate::peers::Peer;
use crate::workload::{Argument, Workload};

/// The entry of each `native.c`: an array of pointers to argument values.
type Run = unsafe extern "C" fn(*mut *mut c_void);

/// The benchmark in C.
pub struct Native {
    run: Run,
    values: Vec<u64>,
    buffers: Vec<Memory>,
}

impl Native {
    /// Compiles, with further options, loads, allocates and fills.
    ///
    /// # Errors
    /// When the compiler fails.
    pub fn open(environment: &Environment, workload: &Workload, options: &[&str]) -> Result<Self> {
        let source = environment::sources().join("kernels").join(workload.name).join("native.c");
        let path = compile::shared_object(environment, &source, options)?;
        // SAFETY: the object was just made of our own source; it and OpenMP have harmless initialisers.
        let library = unsafe { Library::new(&path) }.with_context(|| format!("cannot load {}", path.display()))?;
        // SAFETY: each native.c defines `run` with this type.
        let run = unsafe { library.get::<Run>(b"run\0") };
        let run = *run.with_context(|| format!("{} has no function `run`", source.display()))?;
        // OpenMP has threads, whose code must stay.
        std::mem::forget(library);

        let buffers = workload.buffers.iter().map(|buffer| Memory::with(&buffer.initial_bytes()));
        let buffers = buffers.collect::<Result<Vec<_>>>()?;
        let value = |argument: &Argument| match *argument {
            Argument::Buffer(index) => buffers[index].start().expose_provenance() as u64,
            Argument::I32(value) => u64::from(value.cast_unsigned()),
            Argument::F32(value) => u64::from(value.to_bits()),
        };
        let values = workload.native.iter().map(value).collect();
        Ok(Self { run, values, buffers })
    }
}

impl Peer for Native {
    fn device(&self) -> Result<String> {
        let output = std::process::Command::new("gcc").arg("--version").output().context("gcc does not start")?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or("gcc").to_owned())
    }

    fn write(&mut self, buffer: usize, bytes: &[u8]) -> Result<()> {
        self.buffers[buffer].write(bytes);
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
        Ok(self.buffers[buffer].read())
    }
}
