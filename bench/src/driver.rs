//! The few functions of the CUDA driver API that the benchmarks call, from our `libcuda.so.1` by its path: as a program
//! finds them, so that nothing is measured that a program would not have.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr;

use anyhow::{Context, Result, bail};
use libloading::Library;

/// An address in the device's memory.
pub type DevicePointer = u64;

/// A pointer that the driver gave and that only the driver looks into.
pub type Handle = *mut c_void;

/// Declares the table of functions and fills it from the library.
macro_rules! functions {
    ($($(#[$doc:meta])* $field:ident = $symbol:literal($($type:ty),*);)*) => {
        /// The functions. All return an error code, and none of them keeps a pointer that it is given, but
        /// for handles.
        #[derive(Debug, Clone, Copy)]
        pub struct Functions {
            $($(#[$doc])* pub $field: unsafe extern "C" fn($($type),*) -> c_int,)*
        }

        impl Functions {
            fn load(library: &Library) -> Result<Self> {
                Ok(Self {
                    $($field: {
                        // SAFETY: the symbol is a function of the driver API, declared with the types of cuda.h.
                        let symbol = unsafe { library.get(concat!($symbol, "\0").as_bytes()) };
                        *symbol.with_context(|| format!("the driver has no {}", $symbol))?
                    },)*
                })
            }
        }
    };
}

functions! {
    init = "cuInit"(c_uint);
    driver_version = "cuDriverGetVersion"(*mut c_int);
    #[allow(dead_code, reason = "`passthrough` measures it")]
    device_get_count = "cuDeviceGetCount"(*mut c_int);
    device_get = "cuDeviceGet"(*mut c_int, c_int);
    device_name = "cuDeviceGetName"(*mut c_char, c_int, c_int);
    error_name = "cuGetErrorName"(c_int, *mut *const c_char);
    primary_context_retain = "cuDevicePrimaryCtxRetain"(*mut Handle, c_int);
    context_get_current = "cuCtxGetCurrent"(*mut Handle);
    context_set_current = "cuCtxSetCurrent"(Handle);
    module_load_data = "cuModuleLoadData"(*mut Handle, *const c_void);
    module_get_function = "cuModuleGetFunction"(*mut Handle, Handle, *const c_char);
    module_get_global = "cuModuleGetGlobal_v2"(*mut DevicePointer, *mut usize, Handle, *const c_char);
    mem_alloc = "cuMemAlloc_v2"(*mut DevicePointer, usize);
    mem_host_alloc = "cuMemHostAlloc"(*mut *mut c_void, usize, c_uint);
    mem_host_get_device_pointer = "cuMemHostGetDevicePointer_v2"(*mut DevicePointer, *mut c_void, c_uint);
    copy_to_device = "cuMemcpyHtoD_v2"(DevicePointer, *const c_void, usize);
    copy_to_host = "cuMemcpyDtoH_v2"(*mut c_void, DevicePointer, usize);
    stream_create = "cuStreamCreate"(*mut Handle, c_uint);
    stream_synchronize = "cuStreamSynchronize"(Handle);
    launch_kernel = "cuLaunchKernel"(
        Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void, *mut *mut c_void
    );
}

/// The driver with a context of its first device, current for the thread that opened it.
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    /// The functions.
    pub functions: Functions,
    device: c_int,
}

impl Driver {
    /// Loads the library and makes the first device's context current.
    ///
    /// # Errors
    /// When the library is not there or a call fails.
    pub fn open(library_folder: &Path) -> Result<Self> {
        Self::open_file(&library_folder.join("libcuda.so.1"))
    }

    /// Loads a library by its file.
    ///
    /// # Errors
    /// When it is not there or a call fails.
    pub fn open_file(path: &Path) -> Result<Self> {
        // SAFETY: running the initialisers of the driver under test is what we are here for.
        let library = unsafe { Library::new(path) }.with_context(|| format!("cannot load {}", path.display()))?;
        let functions = Functions::load(&library)?;
        // The driver has threads, whose code must stay.
        std::mem::forget(library);

        let mut driver = Self { functions, device: 0 };
        let (mut device, mut context) = (0, ptr::null_mut());
        // SAFETY: the outputs are of the types that the functions write.
        unsafe {
            driver.check("cuInit", (functions.init)(0))?;
            driver.check("cuDeviceGet", (functions.device_get)(&mut device, 0))?;
            let retained = (functions.primary_context_retain)(&mut context, device);
            driver.check("cuDevicePrimaryCtxRetain", retained)?;
            driver.check("cuCtxSetCurrent", (functions.context_set_current)(context))?;
        }
        driver.device = device;
        Ok(driver)
    }

    /// Turns an error code into an error that says what was called.
    ///
    /// # Errors
    /// When it is not success.
    pub fn check(&self, call: &str, code: c_int) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        let mut name = ptr::null();
        // SAFETY: the output is a pointer to a string that lives as long as the driver, or stays null.
        let name = unsafe {
            (self.functions.error_name)(code, &mut name);
            if name.is_null() { "an unknown error".into() } else { CStr::from_ptr(name).to_string_lossy() }
        };
        bail!("{call} fails with {name} ({code})")
    }

    /// The device's name.
    ///
    /// # Errors
    /// When the driver fails.
    pub fn device_name(&self) -> Result<String> {
        let mut name: [c_char; 256] = [0; 256];
        // SAFETY: the buffer is as long as we say, and the driver ends the text with a zero.
        let name = unsafe {
            let code = (self.functions.device_name)(name.as_mut_ptr(), 256, self.device);
            self.check("cuDeviceGetName", code)?;
            CStr::from_ptr(name.as_ptr())
        };
        Ok(name.to_string_lossy().into_owned())
    }

    /// The version of the driver: 1000 times the major one plus 10 times the minor one.
    ///
    /// # Errors
    /// When the driver fails.
    pub fn version(&self) -> Result<c_int> {
        let mut version = 0;
        // SAFETY: the output is of the type that the function writes.
        self.check("cuDriverGetVersion", unsafe { (self.functions.driver_version)(&mut version) })?;
        Ok(version)
    }

    /// Loads a module from an image in memory; PTX text needs a zero at its end.
    ///
    /// # Errors
    /// When the driver does not take it.
    pub fn load_module(&self, image: &[u8]) -> Result<Handle> {
        let mut module = ptr::null_mut();
        // SAFETY: an image says itself how long it is, and the driver does not keep the pointer.
        let code = unsafe { (self.functions.module_load_data)(&mut module, image.as_ptr().cast()) };
        self.check("cuModuleLoadData", code)?;
        Ok(module)
    }

    /// A kernel of a module.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn function(&self, module: Handle, name: &str) -> Result<Handle> {
        let mut function = ptr::null_mut();
        let c_name = CString::new(name)?;
        // SAFETY: the module is of this driver, the name ends with a zero.
        let code = unsafe { (self.functions.module_get_function)(&mut function, module, c_name.as_ptr()) };
        self.check(&format!("cuModuleGetFunction of {name}"), code)?;
        Ok(function)
    }

    /// A variable of a module.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn global(&self, module: Handle, name: &str) -> Result<DevicePointer> {
        let (mut pointer, mut size_bytes) = (0, 0);
        let c_name = CString::new(name)?;
        // SAFETY: the module is of this driver, the name ends with a zero, the outputs are of the types that the
        // function writes.
        let code =
            unsafe { (self.functions.module_get_global)(&mut pointer, &mut size_bytes, module, c_name.as_ptr()) };
        self.check(&format!("cuModuleGetGlobal of {name}"), code)?;
        Ok(pointer)
    }

    /// Device memory.
    ///
    /// # Errors
    /// When there is not enough.
    pub fn allocate(&self, size_bytes: usize) -> Result<DevicePointer> {
        let mut pointer = 0;
        // SAFETY: the output is of the type that the function writes.
        self.check("cuMemAlloc", unsafe { (self.functions.mem_alloc)(&mut pointer, size_bytes) })?;
        Ok(pointer)
    }

    /// Copies to the device.
    ///
    /// # Errors
    /// When the driver fails.
    pub fn write(&self, to: DevicePointer, bytes: &[u8]) -> Result<()> {
        // SAFETY: the source is as long as we say; the driver checks the destination.
        let code = unsafe { (self.functions.copy_to_device)(to, bytes.as_ptr().cast(), bytes.len()) };
        self.check("cuMemcpyHtoD", code)
    }

    /// Copies from the device.
    ///
    /// # Errors
    /// When the driver fails.
    pub fn read(&self, from: DevicePointer, size_bytes: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0u8; size_bytes];
        // SAFETY: the destination is as long as we say; the driver checks the source.
        let code = unsafe { (self.functions.copy_to_host)(bytes.as_mut_ptr().cast(), from, size_bytes) };
        self.check("cuMemcpyDtoH", code)?;
        Ok(bytes)
    }
}
