//! Functions of the API about functions and kernels.

use super::function::Function;
use super::{LibraryKernel, Modules};
use crate::answer::{Answer, answer};
use crate::machine::Machine;
use core::ffi::c_char;
use cuda_abi::{CUfunction_attribute as Attribute, *};
use device_model::occupancy::Carveout;
use driver_api::Driver;
use std::sync::Arc;

/// Functions and kernels.
pub(crate) struct Functions;

impl Function {
    /// The function of a handle; a kernel of a library stands for itself in the current context.
    ///
    /// # Errors
    /// When the handle is neither, or the context has failed or is gone.
    pub(crate) fn named(handle: CUfunction) -> Answer<Arc<Function>> {
        let objects = &Machine::get()?.objects;
        let function = match objects.get::<Function>(handle.addr()) {
            Some(function) => function,
            None => {
                let kernel = objects.get::<LibraryKernel>(handle.addr()).ok_or(CUresult::CUDA_ERROR_INVALID_HANDLE)?;
                kernel.function(&*crate::context::current()?)?
            }
        };
        function.module.group.check()?;
        Ok(function)
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, attribute: Attribute) -> Answer<i32> {
        let cluster = self.required_cluster();
        Ok(match attribute {
            Attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK => self.threads_max()? as i32,
            Attribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES => self.resources()?.shared_bytes as i32,
            Attribute::CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES => self.module.globals.constant_bytes as i32,
            Attribute::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES => self.resources()?.local_bytes as i32,
            Attribute::CU_FUNC_ATTRIBUTE_NUM_REGS => self.registers()? as i32,
            Attribute::CU_FUNC_ATTRIBUTE_PTX_VERSION => self.target_number(),
            Attribute::CU_FUNC_ATTRIBUTE_BINARY_VERSION => {
                let capability = self.module.group.device.capability();
                (capability.major * 10 + capability.minor) as i32
            }
            Attribute::CU_FUNC_ATTRIBUTE_CACHE_MODE_CA => 0,
            Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES => self.dynamic_shared_max()? as i32,
            Attribute::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT => self.settings.carveout(),
            Attribute::CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET => i32::from(self.info.required_cluster.is_some()),
            Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH => cluster.map_or(0, |blocks| blocks[0] as i32),
            Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT => cluster.map_or(0, |blocks| blocks[1] as i32),
            Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH => cluster.map_or(0, |blocks| blocks[2] as i32),
            Attribute::CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED => {
                i32::from(self.settings.non_portable_cluster())
            }
            Attribute::CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE => self.settings.scheduling_policy(),
            _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
        })
    }

    /// The number in the program's target: 75 for `sm_75`.
    fn target_number(&self) -> i32 {
        let target = self.module.program.target().unwrap_or_default();
        let digits: String = target.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    }

    /// Sets an attribute.
    fn set_attribute(&self, attribute: Attribute, value: i32) -> Answer {
        let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
        match attribute {
            Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES => {
                let most = self.module.group.device.limits().shared_per_block_optin;
                let bytes = u32::try_from(value).map_err(|_| invalid)?;
                if bytes > most.saturating_sub(self.resources()?.shared_bytes) {
                    return Err(invalid);
                }
                self.settings.set_dynamic_shared(bytes);
            }
            Attribute::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT => {
                Carveout::from_attribute(value).ok_or(invalid)?;
                self.settings.set_carveout(value);
            }
            Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH
            | Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT
            | Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH => {
                // What the kernel requires by itself cannot be changed.
                if self.info.required_cluster.is_some() || !self.module.group.device.model.has_clusters() {
                    return Err(invalid);
                }
                let dimension = attribute.0 - Attribute::CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH.0;
                self.settings.set_cluster(dimension as usize, u32::try_from(value).map_err(|_| invalid)?);
            }
            Attribute::CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED => {
                self.settings.set_non_portable_cluster(value != 0);
            }
            Attribute::CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE => {
                if !(0..=2).contains(&value) {
                    return Err(invalid);
                }
                self.settings.set_scheduling_policy(value);
            }
            _ => return Err(invalid),
        }
        Ok(())
    }
}

/// Place and size of a parameter.
fn parameter(info: &jit::KernelInfo, index: usize, offset: &mut usize, size: Option<&mut usize>) -> Answer {
    let parameter = info.parameters.get(index).ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
    *offset = parameter.offset as usize;
    if let Some(size) = size {
        *size = parameter.size as usize;
    }
    Ok(())
}

impl Driver for Functions {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Modules)
    }

    fn cuFuncGetAttribute(&self, value: &mut i32, attribute: Attribute, function: CUfunction) -> CUresult {
        answer(|| {
            *value = Function::named(function)?.attribute(attribute)?;
            Ok(())
        })
    }

    fn cuFuncSetAttribute(&self, function: CUfunction, attribute: Attribute, value: i32) -> CUresult {
        answer(|| Function::named(function)?.set_attribute(attribute, value))
    }

    fn cuFuncSetCacheConfig(&self, function: CUfunction, config: CUfunc_cache) -> CUresult {
        answer(|| {
            let function = Function::named(function)?;
            // A preference, which the older carveout stands for as well.
            function.settings.set_carveout(match config {
                CUfunc_cache::CU_FUNC_CACHE_PREFER_NONE => -1,
                CUfunc_cache::CU_FUNC_CACHE_PREFER_SHARED => 100,
                CUfunc_cache::CU_FUNC_CACHE_PREFER_L1 => 0,
                CUfunc_cache::CU_FUNC_CACHE_PREFER_EQUAL => 50,
                _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
            });
            Ok(())
        })
    }

    fn cuFuncSetSharedMemConfig(&self, function: CUfunction, config: CUsharedconfig) -> CUresult {
        answer(|| {
            // Banks are four bytes wide on all devices from compute capability 5.0 on, whatever is asked for.
            config.name().ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)?;
            Function::named(function).map(|_| ())
        })
    }

    fn cuFuncGetModule(&self, module: &mut CUmodule, function: CUfunction) -> CUresult {
        answer(|| {
            *module = CUmodule::from_addr(Function::named(function)?.module.handle());
            Ok(())
        })
    }

    fn cuFuncGetName(&self, name: &mut *const c_char, function: CUfunction) -> CUresult {
        answer(|| {
            *name = Function::named(function)?.name().as_ptr();
            Ok(())
        })
    }

    fn cuFuncGetParamInfo(
        &self,
        function: CUfunction,
        index: usize,
        offset: &mut usize,
        size: Option<&mut usize>,
    ) -> CUresult {
        answer(|| parameter(&Function::named(function)?.info, index, offset, size))
    }

    fn cuFuncIsLoaded(&self, state: &mut CUfunctionLoadingState, function: CUfunction) -> CUresult {
        answer(|| {
            Function::named(function)?;
            *state = CUfunctionLoadingState::CU_FUNCTION_LOADING_STATE_LOADED;
            Ok(())
        })
    }

    fn cuFuncLoad(&self, function: CUfunction) -> CUresult {
        answer(|| Function::named(function)?.resources().map(|_| ()))
    }

    fn cuKernelGetAttribute(
        &self,
        value: &mut i32,
        attribute: Attribute,
        kernel: CUkernel,
        device: CUdevice,
    ) -> CUresult {
        answer(|| {
            *value = LibraryKernel::named(kernel)?.function_on(device)?.attribute(attribute)?;
            Ok(())
        })
    }

    fn cuKernelSetAttribute(&self, attribute: Attribute, value: i32, kernel: CUkernel, device: CUdevice) -> CUresult {
        answer(|| LibraryKernel::named(kernel)?.function_on(device)?.set_attribute(attribute, value))
    }

    fn cuKernelSetCacheConfig(&self, kernel: CUkernel, config: CUfunc_cache, device: CUdevice) -> CUresult {
        answer(|| {
            let function = LibraryKernel::named(kernel)?.function_on(device)?;
            self.cuFuncSetCacheConfig(CUfunction::from_addr(function.handle()), config).ok()
        })
    }

    fn cuKernelGetParamInfo(
        &self,
        kernel: CUkernel,
        index: usize,
        offset: &mut usize,
        size: Option<&mut usize>,
    ) -> CUresult {
        answer(|| parameter(&LibraryKernel::named(kernel)?.info()?, index, offset, size))
    }
}
