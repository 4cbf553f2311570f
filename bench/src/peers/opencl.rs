//! A kernel benchmark in OpenCL C, on an implementation for CPUs.

use std::fs;
use std::ptr;

use anyhow::{Context as _, Result, anyhow};
use opencl3::command_queue::CommandQueue;
use opencl3::context::Context;
use opencl3::device::{CL_DEVICE_TYPE_CPU, Device};
use opencl3::error_codes::ClError;
use opencl3::kernel::Kernel;
use opencl3::memory::{Buffer, CL_MEM_READ_WRITE, ClMem as _};
use opencl3::platform::get_platforms;
use opencl3::program::Program;
use opencl3::types::CL_BLOCKING;

use crate::environment;
use crate::peers::Peer;
use crate::workload::{Argument, Launch, Workload};

/// The benchmark on an OpenCL implementation.
pub struct OpenCl {
    device: Device,
    queue: CommandQueue,
    launches: Vec<Prepared>,
    buffers: Vec<Buffer<u8>>,
    sizes_bytes: Vec<usize>,
    // Released after everything that was made from it.
    _context: Context,
}

/// A kernel with its arguments set, and how many work items it gets.
struct Prepared {
    kernel: Kernel,
    /// How many a program would say: an implementation may have a simpler way for one.
    dimensions: u32,
    global: [usize; 3],
    local: [usize; 3],
}

impl OpenCl {
    /// Compiles, allocates and fills, on the CPU of the platform with this name.
    ///
    /// # Errors
    /// When the platform is not there or fails.
    pub fn open(platform_name: &str, workload: &Workload) -> Result<Self> {
        let device = find_device(platform_name)?;
        let context = Context::from_device(&device).map_err(error("clCreateContext"))?;
        let queue = CommandQueue::create_default_with_properties(&context, 0, 0)
            .map_err(error("clCreateCommandQueueWithProperties"))?;

        let path = environment::sources().join("kernels").join(workload.name).join("kernel.cl");
        let source = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let program = Program::create_and_build_from_source(&context, &source, language(&device)?)
            .map_err(|log| anyhow!("{} does not compile:\n{log}", path.display()))?;

        let mut buffers = Vec::new();
        for buffer in &workload.buffers {
            let bytes = buffer.initial_bytes();
            // SAFETY: no host memory is handed over.
            let made = unsafe { Buffer::create(&context, CL_MEM_READ_WRITE, bytes.len(), ptr::null_mut()) };
            let mut made = made.map_err(error("clCreateBuffer"))?;
            write(&queue, &mut made, &bytes)?;
            buffers.push(made);
        }
        let mut launches = Vec::new();
        for launch in &workload.launches {
            launches.push(prepare(&program, launch, &buffers)?);
        }
        let sizes_bytes = workload.buffers.iter().map(|buffer| buffer.size_bytes()).collect();
        Ok(Self { device, queue, launches, buffers, sizes_bytes, _context: context })
    }
}

impl Peer for OpenCl {
    fn device(&self) -> Result<String> {
        let name = self.device.name().map_err(error("clGetDeviceInfo"))?;
        let version = self.device.version().map_err(error("clGetDeviceInfo"))?;
        let driver = self.device.driver_version().map_err(error("clGetDeviceInfo"))?;
        Ok(format!("{}, {}, driver {}", name.trim(), version.trim(), driver.trim()))
    }

    fn write(&mut self, buffer: usize, bytes: &[u8]) -> Result<()> {
        write(&self.queue, &mut self.buffers[buffer], bytes)
    }

    fn run(&mut self) -> Result<()> {
        for Prepared { kernel, dimensions, global, local } in &self.launches {
            // SAFETY: all arguments are set, and buffers are as long as the benchmark's description and source say.
            let enqueued = unsafe {
                self.queue.enqueue_nd_range_kernel(
                    kernel.get(),
                    *dimensions,
                    ptr::null(),
                    global.as_ptr(),
                    local.as_ptr(),
                    &[],
                )
            };
            enqueued.map_err(error("clEnqueueNDRangeKernel"))?;
        }
        self.queue.finish().map_err(error("clFinish"))
    }

    fn read(&mut self, buffer: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0u8; self.sizes_bytes[buffer]];
        // SAFETY: the call returns when the bytes are there.
        let read = unsafe { self.queue.enqueue_read_buffer(&self.buffers[buffer], CL_BLOCKING, 0, &mut bytes, &[]) };
        read.map_err(error("clEnqueueReadBuffer"))?;
        Ok(bytes)
    }
}

fn find_device(platform_name: &str) -> Result<Device> {
    let platforms = get_platforms().map_err(error("clGetPlatformIDs"))?;
    let platform = platforms.into_iter().find(|platform| platform.name().is_ok_and(|name| name == platform_name));
    let platform = platform.with_context(|| format!("there is no OpenCL platform {platform_name}"))?;
    let devices = platform.get_devices(CL_DEVICE_TYPE_CPU).map_err(error("clGetDeviceIDs"))?;
    let device = devices.first().with_context(|| format!("{platform_name} has no device for the CPU"))?;
    Ok(Device::new(*device))
}

/// The option for the newest OpenCL C that a device has; sub-groups need 2.0 or later.
fn language(device: &Device) -> Result<&'static str> {
    let version = device.opencl_c_version().map_err(error("clGetDeviceInfo"))?;
    Ok(if version.starts_with("OpenCL C 3") { "-cl-std=CL3.0" } else { "" })
}

fn write(queue: &CommandQueue, buffer: &mut Buffer<u8>, bytes: &[u8]) -> Result<()> {
    // SAFETY: the call returns when the bytes are copied.
    let written = unsafe { queue.enqueue_write_buffer(buffer, CL_BLOCKING, 0, bytes, &[]) };
    written.map(|_| ()).map_err(error("clEnqueueWriteBuffer"))
}

fn prepare(program: &Program, launch: &Launch, buffers: &[Buffer<u8>]) -> Result<Prepared> {
    let kernel = Kernel::create(program, launch.kernel)
        .map_err(error("clCreateKernel"))
        .with_context(|| format!("there is no kernel {}", launch.kernel))?;
    for (index, argument) in (0..).zip(&launch.arguments) {
        // SAFETY: each argument has the type of its parameter, as the benchmark's description and source say.
        let set = unsafe {
            match argument {
                Argument::Buffer(buffer) => kernel.set_arg(index, &buffers[*buffer].get()),
                Argument::I32(value) => kernel.set_arg(index, value),
                Argument::F32(value) => kernel.set_arg(index, value),
            }
        };
        set.map_err(error("clSetKernelArg"))?;
    }
    let local = launch.block.map(|size| size as usize);
    let global: [usize; 3] = std::array::from_fn(|axis| launch.grid[axis] as usize * local[axis]);
    let dimensions = (1..=3).rev().find(|&axis| global[axis - 1] > 1).unwrap_or(1) as u32;
    Ok(Prepared { kernel, dimensions, global, local })
}

/// An error of a call, said as ours are.
fn error(call: &'static str) -> impl Fn(ClError) -> anyhow::Error {
    move |code| anyhow!("{call} fails: {code}")
}
