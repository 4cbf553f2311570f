//! The layer over a driver that notes what reaches it.

#![allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]

use std::ffi::{CStr, CString, c_void};
use std::ptr::null_mut;
use std::sync::Mutex;

use cuda_abi::*;
use driver_api::Driver;
use fatbin::Capability;

use crate::{HOOKS, Universal};

const PRESENTED: Capability = Capability::new(12, 0);

const FATBIN: &[u8] = include_bytes!("../../fatbin/tests/data/compress-balance.fatbin");
const TOO_NEW: &[u8] = include_bytes!("../../fatbin/tests/data/too-new.fatbin");
const MACHINE_CODE_ONLY: &[u8] = include_bytes!("../../fatbin/tests/data/machine-code-only.fatbin");
const CUBIN: &[u8] = include_bytes!("../../fatbin/tests/data/sm_86.cubin");

/// A driver with devices of these capabilities.
pub(crate) struct TestDriver {
    devices: &'static [(i32, i32)],
    /// What was loaded: the call, and the first line with `.target` of PTX, or what else it was.
    loaded: Mutex<Vec<String>>,
}

impl TestDriver {
    fn note(&self, call: &str, image: *const c_void) -> CUresult {
        // SAFETY: the tests hand over text that a zero ends, or containers and cubins, which begin with four other bytes.
        let is_text =
            unsafe { image.cast::<u8>().read() }.is_ascii_whitespace() || unsafe { *image.cast::<u8>() } == b'.';
        let what = if is_text {
            // SAFETY: a text, which a zero ends.
            let text = unsafe { CStr::from_ptr(image.cast()) }.to_str().unwrap();
            text.lines().find(|line| line.starts_with(".target")).unwrap_or("no target").to_owned()
        } else {
            "as it is".to_owned()
        };
        self.loaded.lock().unwrap().push(format!("{call}: {what}"));
        CUresult::CUDA_SUCCESS
    }
}

impl Driver for TestDriver {
    fn next(&self) -> Option<&dyn Driver> {
        None
    }

    fn cuDeviceGetCount(&self, count: &mut i32) -> CUresult {
        *count = self.devices.len() as i32;
        CUresult::CUDA_SUCCESS
    }

    fn cuDeviceGetAttribute(&self, value: &mut i32, attribute: CUdevice_attribute, device: CUdevice) -> CUresult {
        let Some((major, minor)) = self.devices.get(device as usize) else {
            return CUresult::CUDA_ERROR_INVALID_DEVICE;
        };
        *value = match attribute {
            CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR => *major,
            CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR => *minor,
            _ => 7,
        };
        CUresult::CUDA_SUCCESS
    }

    /// # Safety
    /// As the trait says: the tests hand over whole images.
    unsafe fn cuModuleLoadData(&self, module: &mut CUmodule, image: *const c_void) -> CUresult {
        *module = CUmodule::from_addr(image.addr());
        self.note("module", image)
    }

    // Handles of functions and kernels of this driver are those of their modules and libraries.

    fn cuModuleUnload(&self, _module: CUmodule) -> CUresult {
        CUresult::CUDA_SUCCESS
    }

    fn cuFuncGetModule(&self, module: &mut CUmodule, function: CUfunction) -> CUresult {
        *module = CUmodule::from_addr(function.addr());
        CUresult::CUDA_SUCCESS
    }

    fn cuLibraryGetModule(&self, module: &mut CUmodule, library: CUlibrary) -> CUresult {
        *module = CUmodule::from_addr(library.addr());
        CUresult::CUDA_SUCCESS
    }

    fn cuKernelGetLibrary(&self, library: &mut CUlibrary, kernel: CUkernel) -> CUresult {
        *library = CUlibrary::from_addr(kernel.addr());
        CUresult::CUDA_SUCCESS
    }

    fn cuFuncGetAttribute(&self, value: &mut i32, _: CUfunction_attribute, _: CUfunction) -> CUresult {
        *value = 90;
        CUresult::CUDA_SUCCESS
    }

    fn cuKernelGetAttribute(&self, value: &mut i32, _: CUfunction_attribute, _: CUkernel, _: CUdevice) -> CUresult {
        *value = 90;
        CUresult::CUDA_SUCCESS
    }

    /// # Safety
    /// As the trait says: the tests hand over whole images.
    unsafe fn cuModuleLoadFatBinary(&self, _module: &mut CUmodule, image: *const c_void) -> CUresult {
        self.note("fatbinary", image)
    }

    fn cuModuleLoad(&self, _module: &mut CUmodule, path: &CStr) -> CUresult {
        self.loaded.lock().unwrap().push(format!("file: {}", path.to_str().unwrap()));
        CUresult::CUDA_SUCCESS
    }

    /// # Safety
    /// As the trait says: the tests hand over whole images.
    unsafe fn cuLibraryLoadData(
        &self,
        library: &mut CUlibrary,
        image: *const c_void,
        _: *mut CUjit_option,
        _: *mut *mut c_void,
        _: u32,
        _: *mut CUlibraryOption,
        _: *mut *mut c_void,
        _: u32,
    ) -> CUresult {
        *library = CUlibrary::from_addr(image.addr());
        self.note("library", image)
    }

    fn cuLibraryUnload(&self, library: CUlibrary) -> CUresult {
        // A library handle of this driver is the address of the code: it has to be there still.
        self.note("unload", library.0)
    }

    /// # Safety
    /// As the trait says; nothing is looked at.
    unsafe fn cuLinkCreate_v2(
        &self,
        _: u32,
        _: *mut CUjit_option,
        _: *mut *mut c_void,
        state: &mut CUlinkState,
    ) -> CUresult {
        *state = CUlinkState::from_addr(16);
        CUresult::CUDA_SUCCESS
    }

    fn cuLinkDestroy(&self, _: CUlinkState) -> CUresult {
        CUresult::CUDA_SUCCESS
    }

    /// # Safety
    /// As the trait says: the tests hand over whole images.
    unsafe fn cuLinkAddData_v2(
        &self,
        _state: CUlinkState,
        kind: CUjitInputType,
        data: *mut c_void,
        _size: usize,
        _name: Option<&CStr>,
        _: u32,
        _: *mut CUjit_option,
        _: *mut *mut c_void,
    ) -> CUresult {
        self.note(&format!("link {kind:?}"), data)
    }
}

/// A layer over devices, and the driver below it.
pub(crate) fn over(devices: &'static [(i32, i32)]) -> (Universal, &'static TestDriver) {
    let driver: &'static TestDriver = Box::leak(Box::new(TestDriver { devices, loaded: Mutex::default() }));
    (Universal::over(driver, PRESENTED, || 13_000), driver)
}

pub(crate) fn text(target: &str, body: &str) -> CString {
    let text = format!(
        ".version 9.0\n.target {target}\n.address_size 64\n.visible .entry k()\n{{\n.reg .b64 %rd<4>;\n{body}\nret;\n}}\n"
    );
    CString::new(text).unwrap()
}

/// Loads an image; the answer, and what reached the driver.
fn load(devices: &'static [(i32, i32)], image: *const c_void) -> (CUresult, Vec<String>) {
    let (layer, driver) = over(devices);
    let mut module = CUmodule::NULL;
    // SAFETY: the tests hand over whole images.
    let answer = unsafe { layer.cuModuleLoadData(&mut module, image) };
    (answer, driver.loaded.lock().unwrap().clone())
}

#[test]
fn older_devices_are_presented_and_newer_ones_are_not() {
    let (layer, _) = over(&[(9, 0), (7, 0), (12, 1), (7, 5)]);
    let capability = |device| {
        let (mut major, mut minor) = (0, 0);
        let answer = layer.cuDeviceComputeCapability(&mut major, &mut minor, device);
        let mut attribute = 0;
        let code = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
        assert_eq!(layer.cuDeviceGetAttribute(&mut attribute, code, device), answer);
        assert_eq!(attribute, major);
        (answer, major, minor)
    };
    assert_eq!(capability(0), (CUresult::CUDA_SUCCESS, 12, 0));
    assert_eq!(capability(1), (CUresult::CUDA_SUCCESS, 7, 0));
    assert_eq!(capability(2), (CUresult::CUDA_SUCCESS, 12, 1));
    assert_eq!(capability(3), (CUresult::CUDA_SUCCESS, 12, 0));
    assert_eq!(capability(9), (CUresult::CUDA_ERROR_INVALID_DEVICE, 0, 0));
    let mut other = 0;
    let attribute = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_WARP_SIZE;
    assert_eq!(layer.cuDeviceGetAttribute(&mut other, attribute, 0), CUresult::CUDA_SUCCESS);
    assert_eq!(other, 7);
}

#[test]
fn ptx_is_made_for_the_device() {
    let newer = text("sm_120", "add.f32x2 %rd1, %rd2, %rd3;");
    assert_eq!(
        load(&[(9, 0)], newer.as_ptr().cast()),
        (CUresult::CUDA_SUCCESS, vec!["module: .target sm_90".to_owned()])
    );
    // For the oldest of several, which all others run too.
    assert_eq!(load(&[(9, 0), (8, 6)], newer.as_ptr().cast()).1, ["module: .target sm_86"]);
    // A device that has it gets what the program handed over.
    assert_eq!(load(&[(12, 0)], newer.as_ptr().cast()).1, ["module: .target sm_120"]);
}

#[test]
fn what_has_no_replacement_never_reaches_the_driver() {
    let newest = text("sm_120", "st.bulk.weak.shared::cta [%rd1], %rd2, 0;");
    assert_eq!(load(&[(9, 0)], newest.as_ptr().cast()), (CUresult::CUDA_ERROR_INVALID_PTX, vec![]));
}

#[test]
fn machine_code_for_another_device_never_reaches_the_driver() {
    let refused = (CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU, vec![]);
    assert_eq!(load(&[(9, 0)], CUBIN.as_ptr().cast()), refused);
    // It has code for 8.6 and for 9.0 alone.
    assert_eq!(load(&[(10, 0)], MACHINE_CODE_ONLY.as_ptr().cast()), refused);
    assert_eq!(load(&[(9, 0)], MACHINE_CODE_ONLY.as_ptr().cast()).1, ["module: as it is"]);
    for image in [CUBIN, MACHINE_CODE_ONLY] {
        assert_eq!(load(&[(8, 6)], image.as_ptr().cast()).1, ["module: as it is"]);
        assert_eq!(load(&[(8, 9)], image.as_ptr().cast()).1, ["module: as it is"]);
    }
}

#[test]
fn of_a_container_the_presented_device_s_ptx_is_taken() {
    // PTX for compute_80 and compute_90a: the former is for 12.0, and any card from 8.0 on runs it as it is.
    assert_eq!(load(&[(8, 6)], FATBIN.as_ptr().cast()).1, ["module: as it is"]);
    assert_eq!(load(&[(7, 5)], FATBIN.as_ptr().cast()).1, ["module: .target sm_75"]);
    let (layer, driver) = over(&[(7, 5)]);
    let mut module = CUmodule::NULL;
    // SAFETY: a whole container.
    let answer = unsafe { layer.cuModuleLoadFatBinary(&mut module, FATBIN.as_ptr().cast()) };
    assert_eq!(
        (answer, driver.loaded.lock().unwrap().as_slice()),
        (CUresult::CUDA_SUCCESS, &["module: .target sm_75".to_owned()][..])
    );
    assert_eq!(load(&[(7, 5)], TOO_NEW.as_ptr().cast()), (CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU, vec![]));
}

#[test]
fn what_is_not_known_is_the_driver_s_to_refuse() {
    let prose = c".this is no PTX";
    assert_eq!(load(&[(9, 0)], prose.as_ptr().cast()).1, ["module: no target"]);
}

#[test]
fn the_ptx_of_a_library_is_kept_until_it_is_unloaded() {
    let (layer, driver) = over(&[(9, 0)]);
    let newer = text("sm_120", "add.f32x2 %rd1, %rd2, %rd3;");
    let mut library = CUlibrary::NULL;
    // SAFETY: a whole text, and no options.
    let answer = unsafe {
        layer.cuLibraryLoadData(
            &mut library,
            newer.as_ptr().cast(),
            null_mut(),
            null_mut(),
            0,
            null_mut(),
            null_mut(),
            0,
        )
    };
    assert_eq!(answer, CUresult::CUDA_SUCCESS);
    assert_ne!(library.addr(), newer.as_ptr().addr());
    assert_eq!(layer.kept(), 1);
    let kept_text = library.0;
    // SAFETY: the layer keeps it.
    assert!(unsafe { CStr::from_ptr(kept_text.cast()) }.to_str().unwrap().contains(".target sm_90"));
    assert_eq!(layer.cuLibraryUnload(library), CUresult::CUDA_SUCCESS);
    assert_eq!(layer.kept(), 0);
    assert_eq!(driver.loaded.lock().unwrap().as_slice(), ["library: .target sm_90", "unload: .target sm_90"]);
}

/// CUB has variants for the targets that it was compiled for, and asks which one the driver took.
#[test]
fn kernels_say_what_their_ptx_was_for() {
    const ATTRIBUTES: [CUfunction_attribute; 3] = [
        CUfunction_attribute::CU_FUNC_ATTRIBUTE_PTX_VERSION,
        CUfunction_attribute::CU_FUNC_ATTRIBUTE_BINARY_VERSION,
        CUfunction_attribute::CU_FUNC_ATTRIBUTE_NUM_REGS,
    ];
    let (layer, _) = over(&[(9, 0)]);
    let ask = |function: usize, is_kernel: bool| {
        ATTRIBUTES.map(|attribute| {
            let mut value = 0;
            let answer = match is_kernel {
                true => layer.cuKernelGetAttribute(&mut value, attribute, CUkernel::from_addr(function), 0),
                false => layer.cuFuncGetAttribute(&mut value, attribute, CUfunction::from_addr(function)),
            };
            assert_eq!(answer, CUresult::CUDA_SUCCESS);
            value
        })
    };
    let newer = text("sm_100", "add.f32x2 %rd1, %rd2, %rd3;");
    let (mut module, mut library) = (CUmodule::NULL, CUlibrary::NULL);
    // SAFETY: a whole text, and no options.
    let answers = unsafe {
        let image = newer.as_ptr().cast();
        let none = null_mut();
        let of_library = layer.cuLibraryLoadData(&mut library, image, null_mut(), none, 0, null_mut(), none, 0);
        [layer.cuModuleLoadData(&mut module, image), of_library]
    };
    assert_eq!(answers, [CUresult::CUDA_SUCCESS; 2]);
    assert_eq!(ask(module.addr(), false), [100, 120, 90]);
    assert_eq!(ask(library.addr(), false), [100, 120, 90]);
    assert_eq!(ask(library.addr(), true), [100, 120, 90]);
    // What was loaded as it is.
    assert_eq!(ask(1, false), [90; 3]);
    assert_eq!(ask(1, true), [90; 3]);
    assert_eq!(layer.cuModuleUnload(module), CUresult::CUDA_SUCCESS);
    assert_eq!(ask(module.addr(), false), [90; 3]);
}

#[test]
fn files_are_read() {
    let path = std::env::temp_dir().join(format!("apex-universal-{}.ptx", std::process::id()));
    std::fs::write(&path, text("sm_120", "add.f32x2 %rd1, %rd2, %rd3;").as_bytes()).unwrap();
    let (layer, driver) = over(&[(9, 0)]);
    let mut module = CUmodule::NULL;
    let name = CString::new(path.to_str().unwrap()).unwrap();
    assert_eq!(layer.cuModuleLoad(&mut module, &name), CUresult::CUDA_SUCCESS);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(layer.cuModuleLoad(&mut module, c"/nowhere/at/all"), CUresult::CUDA_SUCCESS);
    assert_eq!(driver.loaded.lock().unwrap().as_slice(), ["module: .target sm_90", "file: /nowhere/at/all"]);
}

#[test]
fn inputs_of_a_link_are_made_for_the_device_too() {
    let (layer, driver) = over(&[(7, 5)]);
    let add = |kind, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        // SAFETY: as many bytes as are stated, and no options.
        unsafe {
            layer.cuLinkAddData_v2(
                CUlinkState::NULL,
                kind,
                bytes.as_mut_ptr().cast(),
                bytes.len(),
                None,
                0,
                null_mut(),
                null_mut(),
            )
        }
    };
    let newer = text("sm_120", "add.f32x2 %rd1, %rd2, %rd3;");
    assert_eq!(add(CUjitInputType::CU_JIT_INPUT_PTX, newer.as_bytes_with_nul()), CUresult::CUDA_SUCCESS);
    assert_eq!(add(CUjitInputType::CU_JIT_INPUT_FATBINARY, FATBIN), CUresult::CUDA_SUCCESS);
    assert_eq!(add(CUjitInputType::CU_JIT_INPUT_CUBIN, CUBIN), CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU);
    assert_eq!(add(CUjitInputType::CU_JIT_INPUT_OBJECT, b"\x7fELF"), CUresult::CUDA_SUCCESS);
    let expected = [
        "link CU_JIT_INPUT_PTX: .target sm_75",
        "link CU_JIT_INPUT_PTX: .target sm_75",
        "link CU_JIT_INPUT_OBJECT: as it is",
    ];
    assert_eq!(driver.loaded.lock().unwrap().as_slice(), expected);
}

/// One that is missing in the list is not seen in front of NVIDIA's driver.
#[test]
fn the_list_of_hooks_has_every_function_that_is_overridden() {
    let (_, methods) = include_str!("layer.rs").split_once("impl Driver for Universal").unwrap();
    let overridden = methods.split("fn cu").skip(1).map(|rest| format!("cu{}", rest.split('(').next().unwrap()));
    assert_eq!(overridden.collect::<Vec<_>>(), HOOKS);
}
