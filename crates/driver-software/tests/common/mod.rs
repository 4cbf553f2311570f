//! A driver, ready for tests.
#![allow(dead_code, reason = "each test uses a part of this")]

use cuda_abi::*;
use driver_api::Driver;
use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::Once;

/// Memory of the device in the tests.
pub const MEMORY: usize = 512 << 20;

/// The driver, initialised, with two devices.
pub fn driver() -> &'static dyn Driver {
    static INITIALISED: Once = Once::new();
    INITIALISED.call_once(|| {
        let settings =
            [("APEX_MEMORY", "512M"), ("APEX_CACHE_PATH", ""), ("APEX_WORKERS", "2"), ("APEX_DEVICE_COUNT", "2")];
        for (name, value) in settings {
            // SAFETY: the first thing that the tests do; nobody reads the environment at the same time.
            unsafe { std::env::set_var(name, value) };
        }
        assert_eq!(driver_software::driver().cuInit(0), CUresult::CUDA_SUCCESS);
    });
    driver_software::driver()
}

/// A context of its own for a test, current while it lives.
pub struct Context(pub CUcontext);

impl Context {
    pub fn new() -> Context {
        let mut context = CUcontext::NULL;
        // SAFETY: no parameters are passed.
        ok(unsafe { driver().cuCtxCreate_v4(&mut context, None, 0, 0) });
        Context(context)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        driver().cuCtxDestroy_v2(self.0);
    }
}

#[track_caller]
pub fn ok(result: CUresult) {
    assert_eq!(result, CUresult::CUDA_SUCCESS);
}

pub fn alloc(bytes: usize) -> CUdeviceptr {
    let mut pointer = 0;
    ok(driver().cuMemAlloc_v2(&mut pointer, bytes));
    pointer
}

pub fn load(ptx: &str) -> CUmodule {
    let (mut module, text) = (CUmodule::NULL, CString::new(ptx).unwrap());
    // SAFETY: the text ends with a zero.
    ok(unsafe { driver().cuModuleLoadData(&mut module, text.as_ptr().cast()) });
    module
}

pub fn function(module: CUmodule, name: &str) -> CUfunction {
    let mut function = CUfunction::NULL;
    ok(driver().cuModuleGetFunction(&mut function, module, &CString::new(name).unwrap()));
    function
}

/// Launches with 64-bit parameters.
pub fn launch(function: CUfunction, grid: u32, block: u32, stream: CUstream, parameters: &[u64]) -> CUresult {
    let mut values = parameters.to_vec();
    let mut pointers: Vec<*mut c_void> = values.iter_mut().map(|value| ptr::from_mut(value).cast()).collect();
    let driver = driver();
    // SAFETY: there is a pointer for each parameter.
    unsafe {
        driver.cuLaunchKernel(function, grid, 1, 1, block, 1, 1, 0, stream, pointers.as_mut_ptr(), ptr::null_mut())
    }
}

/// The words in device memory.
pub fn words(pointer: CUdeviceptr, count: usize) -> Vec<u32> {
    let mut words = vec![0u32; count];
    // SAFETY: the vector has so many bytes.
    ok(unsafe { driver().cuMemcpyDtoH_v2(words.as_mut_ptr().cast(), pointer, count * 4) });
    words
}

/// Kernels of the tests.
pub const KERNELS: &str = r#"
.version 8.0
.target sm_75
.address_size 64

.visible .const .align 4 .u32 factor = 3;
.visible .global .align 8 .u64 counter = 7;
.global .align 8 .u64 where_counter_is = counter;
.visible .global .attribute(.managed) .align 4 .u32 shared_word = 11;

// out[i] = i * factor
.visible .entry scale(.param .u64 out)
{
    .reg .b32 %r<8>;
    .reg .b64 %rd<5>;
    ld.param.u64 %rd1, [out];
    cvta.to.global.u64 %rd2, %rd1;
    mov.u32 %r1, %ctaid.x;
    mov.u32 %r2, %ntid.x;
    mov.u32 %r3, %tid.x;
    mad.lo.s32 %r4, %r1, %r2, %r3;
    ld.const.u32 %r5, [factor];
    mul.lo.s32 %r6, %r4, %r5;
    mul.wide.s32 %rd3, %r4, 4;
    add.s64 %rd4, %rd2, %rd3;
    st.global.u32 [%rd4], %r6;
    ret;
}

// counter += amount, through the pointer to it
.visible .entry count(.param .u64 amount)
{
    .reg .b64 %rd<5>;
    ld.param.u64 %rd1, [amount];
    ld.global.u64 %rd2, [where_counter_is];
    atom.global.add.u64 %rd3, [%rd2], %rd1;
    ret;
}

// *out = *out * 2 + 1
.visible .entry double_and_add(.param .u64 out)
{
    .reg .b32 %r<4>;
    .reg .b64 %rd<3>;
    ld.param.u64 %rd1, [out];
    cvta.to.global.u64 %rd2, %rd1;
    ld.global.u32 %r1, [%rd2];
    mad.lo.s32 %r2, %r1, 2, 1;
    st.global.u32 [%rd2], %r2;
    ret;
}

.visible .entry trap_now()
{
    trap;
}

// The sum of a block, through shared memory.
.visible .entry block_sum(.param .u64 out)
.maxntid 256, 1, 1
{
    .reg .pred %p<3>;
    .reg .b32 %r<10>;
    .reg .b64 %rd<5>;
    .shared .align 4 .b8 total[4];
    ld.param.u64 %rd1, [out];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, total;
    setp.ne.s32 %p1, %r1, 0;
    @%p1 bra LATER;
    st.shared.u32 [total], 0;
LATER:
    bar.sync 0;
    atom.shared.add.u32 %r3, [total], %r1;
    bar.sync 0;
    @%p1 bra END;
    ld.shared.u32 %r4, [total];
    mov.u32 %r5, %ctaid.x;
    mul.wide.s32 %rd2, %r5, 4;
    add.s64 %rd3, %rd1, %rd2;
    st.global.u32 [%rd3], %r4;
END:
    ret;
}
"#;
