//! A driver for the tests: one context, one stream beside the default ones, kernels and graphs with made-up figures.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use core::ffi::{CStr, c_char, c_void};
use cuda_abi::*;
use driver_api::Driver;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};

const OK: CUresult = CUresult::CUDA_SUCCESS;
pub(super) const CONTEXT: CUcontext = CUcontext::from_addr(0xc0);
pub(super) const STREAM: CUstream = CUstream::from_addr(0x50);
/// A stream of a green context, that one, and the same as a context.
pub(super) const GREEN_STREAM: CUstream = CUstream::from_addr(0x60);
const GREEN: CUgreenCtx = CUgreenCtx::from_addr(0x61);
pub(super) const GREEN_CONTEXT: CUcontext = CUcontext::from_addr(0xc1);
pub(super) const FUNCTION: CUfunction = CUfunction::from_addr(0xf0);
pub(super) const KERNEL: CUkernel = CUkernel::from_addr(0xe0);
pub(super) const GRAPH: CUgraph = CUgraph::from_addr(0x90);
const CHILD: CUgraph = CUgraph::from_addr(0x91);
pub(super) const EXEC: CUgraphExec = CUgraphExec::from_addr(0x99);

/// The driver. What it was asked for beside launches is counted.
#[derive(Default)]
pub(super) struct TestDriver {
    pub(super) launches: AtomicUsize,
    pub(super) attributes_asked: AtomicUsize,
    pub(super) kernel_attributes_asked: AtomicUsize,
    pub(super) current_asked: AtomicUsize,
    pub(super) is_capturing: AtomicBool,
    pub(super) dynamic_shared: AtomicI32,
    pub(super) passed: Mutex<Vec<(u64, usize)>>,
}

impl TestDriver {
    pub(super) fn new() -> &'static TestDriver {
        Box::leak(Box::default())
    }

    fn figure(&self, attribute: CUfunction_attribute) -> i32 {
        match attribute {
            CUfunction_attribute::CU_FUNC_ATTRIBUTE_NUM_REGS => 40,
            CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES => self.dynamic_shared.load(SeqCst),
            CUfunction_attribute::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT => -1,
            _ => 16,
        }
    }

    fn launch(&self) -> CUresult {
        self.launches.fetch_add(1, SeqCst);
        OK
    }
}

impl Driver for TestDriver {
    fn next(&self) -> Option<&dyn Driver> {
        None
    }

    fn cuCtxGetCurrent(&self, context: &mut CUcontext) -> CUresult {
        self.current_asked.fetch_add(1, SeqCst);
        *context = CONTEXT;
        OK
    }

    fn cuCtxGetDevice_v2(&self, device: &mut CUdevice, _context: CUcontext) -> CUresult {
        *device = 3;
        OK
    }

    fn cuStreamGetCtx_v2(&self, stream: CUstream, context: &mut CUcontext, green: Option<&mut CUgreenCtx>) -> CUresult {
        assert!([STREAM, GREEN_STREAM].contains(&stream));
        *context = CONTEXT;
        if let Some(green) = green.filter(|_| stream == GREEN_STREAM) {
            *green = GREEN;
        }
        OK
    }

    fn cuCtxFromGreenCtx(&self, context: &mut CUcontext, green: CUgreenCtx) -> CUresult {
        assert_eq!(green, GREEN);
        *context = GREEN_CONTEXT;
        OK
    }

    fn cuGreenCtxCreate(
        &self,
        context: &mut CUgreenCtx,
        _description: CUdevResourceDesc,
        _device: CUdevice,
        _flags: u32,
    ) -> CUresult {
        *context = GREEN;
        OK
    }

    fn cuCtxDestroy_v2(&self, _context: CUcontext) -> CUresult {
        OK
    }

    fn cuDeviceGetAttribute(&self, value: &mut i32, _attribute: CUdevice_attribute, _device: CUdevice) -> CUresult {
        *value = 9;
        OK
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuDeviceGetName(&self, name: *mut c_char, length: i32, _device: CUdevice) -> CUresult {
        assert!(length > 8);
        // SAFETY: the buffer has room for more than this.
        unsafe { core::ptr::copy_nonoverlapping(c"tester".as_ptr(), name, 7) };
        OK
    }

    fn cuDeviceTotalMem_v2(&self, bytes: &mut usize, _device: CUdevice) -> CUresult {
        *bytes = 1 << 30;
        OK
    }

    fn cuFuncGetName(&self, name: &mut *const c_char, function: CUfunction) -> CUresult {
        assert_ne!(function.addr(), KERNEL.addr(), "a kernel is taken for a function");
        *name = c"function".as_ptr();
        OK
    }

    fn cuFuncGetAttribute(&self, value: &mut i32, attribute: CUfunction_attribute, _function: CUfunction) -> CUresult {
        self.attributes_asked.fetch_add(1, SeqCst);
        *value = self.figure(attribute);
        OK
    }

    fn cuKernelGetName(&self, name: &mut *const c_char, kernel: CUkernel) -> CUresult {
        assert_eq!(kernel, KERNEL);
        *name = c"kernel".as_ptr();
        OK
    }

    fn cuKernelGetAttribute(
        &self,
        value: &mut i32,
        attribute: CUfunction_attribute,
        _kernel: CUkernel,
        device: CUdevice,
    ) -> CUresult {
        assert_eq!(device, 3);
        self.kernel_attributes_asked.fetch_add(1, SeqCst);
        *value = self.figure(attribute);
        OK
    }

    fn cuFuncSetAttribute(&self, _function: CUfunction, _attribute: CUfunction_attribute, value: i32) -> CUresult {
        self.dynamic_shared.store(value, SeqCst);
        OK
    }

    fn cuLibraryGetKernel(&self, kernel: &mut CUkernel, _library: CUlibrary, _name: &CStr) -> CUresult {
        *kernel = KERNEL;
        OK
    }

    fn cuModuleUnload(&self, _module: CUmodule) -> CUresult {
        OK
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuModuleLoadData(&self, module: &mut CUmodule, _image: *const c_void) -> CUresult {
        *module = CUmodule::from_addr(0xd0);
        OK
    }

    fn cuFuncSetBlockShape(&self, _function: CUfunction, _x: i32, _y: i32, _z: i32) -> CUresult {
        OK
    }

    fn cuFuncSetSharedSize(&self, _function: CUfunction, _bytes: u32) -> CUresult {
        OK
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuLaunchKernel(
        &self,
        function: CUfunction,
        _gx: u32,
        _gy: u32,
        _gz: u32,
        _bx: u32,
        _by: u32,
        _bz: u32,
        _shared: u32,
        stream: CUstream,
        parameters: *mut *mut c_void,
        _extra: *mut *mut c_void,
    ) -> CUresult {
        self.passed.lock().unwrap().push((function.addr() as u64 ^ (stream.addr() as u64) << 32, parameters.addr()));
        self.launch()
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuLaunchKernelEx(
        &self,
        _config: &CUlaunchConfig,
        _function: CUfunction,
        _parameters: *mut *mut c_void,
        _extra: *mut *mut c_void,
    ) -> CUresult {
        self.launch()
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuLaunchCooperativeKernelMultiDevice(
        &self,
        _list: *mut CUDA_LAUNCH_PARAMS,
        _count: u32,
        _flags: u32,
    ) -> CUresult {
        self.launch()
    }

    fn cuLaunchGrid(&self, _function: CUfunction, _width: i32, _height: i32) -> CUresult {
        self.launch()
    }

    fn cuGraphLaunch(&self, _graph: CUgraphExec, _stream: CUstream) -> CUresult {
        OK
    }

    fn cuMemAlloc_v2(&self, pointer: &mut CUdeviceptr, bytes: usize) -> CUresult {
        if bytes == 0 {
            return CUresult::CUDA_ERROR_INVALID_VALUE;
        }
        *pointer = 0x7000;
        OK
    }

    fn cuStreamBeginCapture_v2(&self, _stream: CUstream, _mode: CUstreamCaptureMode) -> CUresult {
        self.is_capturing.store(true, SeqCst);
        OK
    }

    fn cuStreamEndCapture(&self, _stream: CUstream, graph: &mut CUgraph) -> CUresult {
        self.is_capturing.store(false, SeqCst);
        *graph = GRAPH;
        OK
    }

    fn cuStreamIsCapturing(&self, stream: CUstream, status: &mut CUstreamCaptureStatus) -> CUresult {
        assert!(stream.addr() > 1, "asked about the legacy default stream");
        *status = CUstreamCaptureStatus(self.is_capturing.load(SeqCst).into());
        OK
    }

    fn cuGraphInstantiateWithFlags(&self, made: &mut CUgraphExec, _graph: CUgraph, _flags: u64) -> CUresult {
        *made = EXEC;
        OK
    }

    fn cuGraphExecDestroy(&self, _graph: CUgraphExec) -> CUresult {
        OK
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuGraphGetNodes(&self, graph: CUgraph, nodes: *mut CUgraphNode, count: &mut usize) -> CUresult {
        // The handle of a node is its kind and 0x100 for each graph it is deep.
        let handles: &[usize] = if graph == CHILD { &[0x200, 0x202] } else { &[0x100, 0x104, 0x101] };
        if !nodes.is_null() {
            for (index, handle) in handles.iter().enumerate().take(*count) {
                // SAFETY: the list is as long as is said.
                unsafe { nodes.add(index).write(CUgraphNode::from_addr(*handle)) };
            }
        }
        *count = handles.len();
        OK
    }

    fn cuGraphNodeGetType(&self, node: CUgraphNode, kind: &mut CUgraphNodeType) -> CUresult {
        *kind = CUgraphNodeType(node.addr() as u32 & 0xff);
        OK
    }

    fn cuGraphChildGraphNodeGetGraph(&self, _node: CUgraphNode, graph: &mut CUgraph) -> CUresult {
        *graph = CHILD;
        OK
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuGraphKernelNodeGetParams_v2(
        &self,
        _node: CUgraphNode,
        parameters: &mut CUDA_KERNEL_NODE_PARAMS,
    ) -> CUresult {
        *parameters = CUDA_KERNEL_NODE_PARAMS { func: FUNCTION, gridDimX: 5, blockDimX: 32, ..Default::default() };
        OK
    }

    /// # Safety
    /// As [`Driver`] says.
    unsafe fn cuGraphMemcpyNodeGetParams(&self, _node: CUgraphNode, copy: &mut CUDA_MEMCPY3D) -> CUresult {
        *copy = CUDA_MEMCPY3D { WidthInBytes: 10, Height: 20, Depth: 2, ..Default::default() };
        OK
    }

    fn cuGraphMemsetNodeGetParams(&self, _node: CUgraphNode, set: &mut CUDA_MEMSET_NODE_PARAMS) -> CUresult {
        *set = CUDA_MEMSET_NODE_PARAMS { width: 8, height: 1, elementSize: 4, ..Default::default() };
        OK
    }
}
