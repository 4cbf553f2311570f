//! Uses the driver as Rust programs do: the crate `cudarc`, with kernels that NVRTC compiles.
//!
//! Each result is checked here; what is printed stands in the last lines.

use std::error::Error;

use cudarc::driver::{CudaContext, LaunchConfig, PushKernelArg, sys};
use cudarc::nvrtc::{CompileOptions, compile_ptx_with_opts};

const KERNELS: &str = r#"
struct Pair { int key; float weight; };

extern "C" __global__ void axpy(float* y, const float* x, float a, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = a * x[i] + y[i];
}

extern "C" __global__ void weigh(const Pair* pairs, double* totals, int count) {
    __shared__ double local[8];
    if (threadIdx.x < 8) local[threadIdx.x] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += blockDim.x)
        atomicAdd(&local[pairs[i].key], static_cast<double>(pairs[i].weight));
    __syncthreads();
    if (threadIdx.x < 8) totals[threadIdx.x] = local[threadIdx.x];
}

extern "C" __global__ void reverse(int* values) {
    extern __shared__ int staged[];
    staged[threadIdx.x] = values[threadIdx.x];
    __syncthreads();
    values[threadIdx.x] = staged[blockDim.x - 1 - threadIdx.x];
}
"#;

/// The kernels' `Pair`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Pair {
    key: i32,
    weight: f32,
}

// SAFETY: two numbers without padding, as in the kernels.
unsafe impl cudarc::driver::DeviceRepr for Pair {}

fn main() -> Result<(), Box<dyn Error>> {
    let context = CudaContext::new(0)?;
    println!("capability is new enough: {}", context.compute_capability()? >= (7, 5));
    let options = CompileOptions { arch: Some("compute_75"), ..Default::default() };
    let module = context.load_module(compile_ptx_with_opts(KERNELS, options)?)?;
    let stream = context.new_stream()?;

    let count = 10_000;
    let x: Vec<f32> = (0..count).map(|i| (i % 128) as f32).collect();
    let y: Vec<f32> = (0..count).map(|i| (i % 31) as f32).collect();
    let x_device = stream.clone_htod(&x)?;
    let mut y_device = stream.clone_htod(&y)?;
    let axpy = module.load_function("axpy")?;
    let mut launch = stream.launch_builder(&axpy);
    launch.arg(&mut y_device).arg(&x_device).arg(&2.5f32).arg(&count);
    // SAFETY: the arguments are those of the kernel, and it stays within `count`.
    unsafe { launch.launch(LaunchConfig::for_num_elems(count as u32)) }?;
    let sums = stream.clone_dtoh(&y_device)?;
    println!("axpy: {}", (0..count as usize).all(|i| sums[i] == 2.5 * x[i] + y[i]));

    let pairs: Vec<Pair> = (0..5000).map(|i| Pair { key: i * 7 % 8, weight: (i % 10) as f32 }).collect();
    let pairs_device = stream.clone_htod(&pairs)?;
    let mut totals_device = stream.alloc_zeros::<f64>(8)?;
    let weigh = module.load_function("weigh")?;
    let length = pairs.len() as i32;
    let mut launch = stream.launch_builder(&weigh);
    launch.arg(&pairs_device).arg(&mut totals_device).arg(&length);
    let one_block =
        |threads, shared_mem_bytes| LaunchConfig { grid_dim: (1, 1, 1), block_dim: (threads, 1, 1), shared_mem_bytes };
    // SAFETY: as above.
    unsafe { launch.launch(one_block(192, 0)) }?;
    let totals = stream.clone_dtoh(&totals_device)?;
    let expected = |key| pairs.iter().filter(|pair| pair.key == key).map(|pair| f64::from(pair.weight)).sum::<f64>();
    println!("weigh: {}", (0..8).all(|key| totals[key as usize] == expected(key)));

    let other = context.new_stream()?;
    let start = stream.record_event(Some(sys::CUevent_flags::CU_EVENT_DEFAULT))?;
    let mut values = stream.clone_htod(&(0..300).collect::<Vec<i32>>())?;
    other.join(&stream)?;
    let reverse = module.load_function("reverse")?;
    for _ in 0..3 {
        let mut launch = other.launch_builder(&reverse);
        launch.arg(&mut values);
        // SAFETY: as above; the shared memory holds an integer for each thread.
        unsafe { launch.launch(one_block(300, 300 * 4)) }?;
    }
    stream.join(&other)?;
    let end = stream.record_event(Some(sys::CUevent_flags::CU_EVENT_DEFAULT))?;
    let values = stream.clone_dtoh(&values)?;
    println!("reverse: {}", values.iter().rev().copied().eq(0..300));
    println!("time has passed: {}", start.elapsed_ms(&end)? >= 0.0);
    println!("no such kernel: {}", module.load_function("missing").is_err());
    Ok(())
}

// EXPECT: capability is new enough: true
// EXPECT: axpy: true
// EXPECT: weigh: true
// EXPECT: reverse: true
// EXPECT: time has passed: true
// EXPECT: no such kernel: true
