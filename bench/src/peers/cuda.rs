//! A kernel benchmark in CUDA, by the driver API.

use std::ffi::c_void;
use std::fs;
use std::ptr;

use anyhow::{Context, Result};

use crate::compile;
use crate::driver::{DevicePointer, Driver, Handle};
use crate::environment::{self, Environment};
use crate::peers::Peer;
use crate::workload::{Argument, Launch, Workload};

/// The benchmark on our driver.
pub struct Cuda {
    driver: Driver,
    stream: Handle,
    launches: Vec<Prepared>,
    buffers: Vec<DevicePointer>,
    sizes_bytes: Vec<usize>,
}

/// A launch with everything that the driver is given.
struct Prepared {
    function: Handle,
    launch: Launch,
    /// Each argument's bytes from the first on.
    values: Vec<u64>,
}

impl Cuda {
    /// Compiles, loads, allocates and fills.
    ///
    /// # Errors
    /// When the compiler or the driver fails.
    pub fn open(environment: &Environment, workload: &Workload) -> Result<Self> {
        let source = environment::sources().join("kernels").join(workload.name).join("kernel.cu");
        let fatbin = compile::fatbin(environment, &source)?;
        let image = fs::read(&fatbin).with_context(|| format!("cannot read {}", fatbin.display()))?;
        let driver = Driver::open(&environment.lib_dir)?;
        let module = driver.load_module(&image)?;

        let mut buffers = Vec::new();
        for buffer in &workload.buffers {
            let bytes = buffer.initial_bytes();
            let pointer = match buffer.constant {
                true => driver.global(module, buffer.name)?,
                false => driver.allocate(bytes.len())?,
            };
            driver.write(pointer, &bytes)?;
            buffers.push(pointer);
        }
        let value = |argument: &Argument| match *argument {
            Argument::Buffer(index) if workload.buffers[index].constant => None,
            Argument::Buffer(index) => Some(buffers[index]),
            Argument::I32(value) => Some(u64::from(value.cast_unsigned())),
            Argument::F32(value) => Some(u64::from(value.to_bits())),
        };
        let mut launches = Vec::new();
        for launch in &workload.launches {
            let function = driver.function(module, launch.kernel)?;
            let values = launch.arguments.iter().filter_map(value).collect();
            launches.push(Prepared { function, launch: launch.clone(), values });
        }
        let mut stream = ptr::null_mut();
        // SAFETY: the output is of the type that the function writes.
        driver.check("cuStreamCreate", unsafe { (driver.functions.stream_create)(&mut stream, 0) })?;
        let sizes_bytes = workload.buffers.iter().map(|buffer| buffer.size_bytes()).collect();
        Ok(Self { driver, stream, launches, buffers, sizes_bytes })
    }
}

impl Peer for Cuda {
    fn device(&self) -> Result<String> {
        let version = self.driver.version()?;
        let name = self.driver.device_name()?;
        Ok(format!("{name}, CUDA {}.{}", version / 1000, version % 1000 / 10))
    }

    fn write(&mut self, buffer: usize, bytes: &[u8]) -> Result<()> {
        self.driver.write(self.buffers[buffer], bytes)
    }

    fn run(&mut self) -> Result<()> {
        for Prepared { function, launch, values } in &mut self.launches {
            let mut pointers: Vec<*mut c_void> = values.iter_mut().map(|value| ptr::from_mut(value).cast()).collect();
            let ([gx, gy, gz], [bx, by, bz]) = (launch.grid, launch.block);
            // SAFETY: there is a pointer for each parameter of the kernel, to at least as many bytes as it has, as
            // the benchmark's description and its source say; the driver copies them before it returns.
            let code = unsafe {
                (self.driver.functions.launch_kernel)(
                    *function,
                    gx,
                    gy,
                    gz,
                    bx,
                    by,
                    bz,
                    0,
                    self.stream,
                    pointers.as_mut_ptr(),
                    ptr::null_mut(),
                )
            };
            self.driver.check("cuLaunchKernel", code)?;
        }
        // SAFETY: the stream is ours.
        let code = unsafe { (self.driver.functions.stream_synchronize)(self.stream) };
        self.driver.check("cuStreamSynchronize", code)
    }

    fn read(&mut self, buffer: usize) -> Result<Vec<u8>> {
        self.driver.read(self.buffers[buffer], self.sizes_bytes[buffer])
    }
}
