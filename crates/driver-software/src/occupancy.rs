//! Functions of the API about occupancy. The arithmetic is `device-model`'s.

use crate::answer::{Answer, answer};
use crate::context::Contexts;
use crate::module::Function;
use core::ffi::c_int;
use cuda_abi::*;
use device_model::occupancy::ClusterShape;
use driver_api::{Driver, PerThreadScope};

/// Occupancy.
pub(crate) struct Occupancies;

/// Flags that the functions know: `CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE`, which has no meaning from compute capability 7.0
/// on.
const FLAGS: u32 = 1;

fn active_blocks(function: CUfunction, block_size: i32, dynamic_shared: usize, flags: u32) -> Answer<i32> {
    let function = Function::named(function)?;
    if block_size <= 0 || flags & !FLAGS != 0 {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    let limits = function.module.group.device.limits();
    let resources = function.occupancy_resources()?;
    if dynamic_shared as u64 > u64::from(function.dynamic_shared_max()?) {
        return Ok(0);
    }
    Ok(limits.occupancy(&resources, block_size as u32, dynamic_shared as u64).active_blocks as i32)
}

/// The block size with the highest occupancy, and a grid that fills the device with it.
///
/// # Safety
/// `shared_of_block` may be called.
unsafe fn potential_block_size(
    function: CUfunction,
    shared_of_block: CUoccupancyB2DSize,
    dynamic_shared: usize,
    limit: i32,
    flags: u32,
) -> Answer<(i32, i32)> {
    let function = Function::named(function)?;
    let limit = u32::try_from(limit).map_err(|_| CUresult::CUDA_ERROR_INVALID_VALUE)?;
    if flags & !FLAGS != 0 {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    let device = function.module.group.device;
    let resources = function.occupancy_resources()?;
    let _scope = PerThreadScope::suspend();
    let shared = |threads: u32| match shared_of_block {
        // SAFETY: the caller's promise.
        Some(of_block) => unsafe { of_block(threads as c_int) as u64 },
        None => dynamic_shared as u64,
    };
    let multiprocessors = device.profile().multiprocessors;
    let best = device.limits().max_potential_block_size(&resources, multiprocessors, limit, shared);
    if best.block_threads == 0 {
        return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    Ok((best.grid_blocks_min as i32, best.block_threads as i32))
}

/// The cluster of a launch, as far as the attributes and the function say.
///
/// # Safety
/// The configuration's attributes are there.
unsafe fn cluster_of(function: &Function, config: &CUlaunchConfig) -> ClusterShape {
    // SAFETY: the caller's promise.
    let attributes = unsafe { crate::launch::Attributes::read(config) }.unwrap_or_default();
    let cluster = attributes.cluster.or(function.required_cluster()).unwrap_or([1; 3]);
    ClusterShape {
        cluster_blocks: cluster.iter().product(),
        block_threads: config.blockDimX * config.blockDimY * config.blockDimZ,
        dynamic_shared_bytes: config.sharedMemBytes.into(),
        is_non_portable: function.settings.non_portable_cluster(),
    }
}

impl Driver for Occupancies {
    fn next(&self) -> Option<&dyn Driver> {
        Some(&Contexts)
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        &self,
        blocks: &mut i32,
        function: CUfunction,
        block_size: i32,
        dynamic_shared: usize,
    ) -> CUresult {
        answer(|| {
            *blocks = active_blocks(function, block_size, dynamic_shared, 0)?;
            Ok(())
        })
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        &self,
        blocks: &mut i32,
        function: CUfunction,
        block_size: i32,
        dynamic_shared: usize,
        flags: u32,
    ) -> CUresult {
        answer(|| {
            *blocks = active_blocks(function, block_size, dynamic_shared, flags)?;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuOccupancyMaxPotentialBlockSize(
        &self,
        grid: &mut i32,
        block: &mut i32,
        function: CUfunction,
        shared_of_block: CUoccupancyB2DSize,
        dynamic_shared: usize,
        limit: i32,
    ) -> CUresult {
        answer(|| {
            // SAFETY: the caller's promise.
            (*grid, *block) = unsafe { potential_block_size(function, shared_of_block, dynamic_shared, limit, 0)? };
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuOccupancyMaxPotentialBlockSizeWithFlags(
        &self,
        grid: &mut i32,
        block: &mut i32,
        function: CUfunction,
        shared_of_block: CUoccupancyB2DSize,
        dynamic_shared: usize,
        limit: i32,
        flags: u32,
    ) -> CUresult {
        answer(|| {
            // SAFETY: the caller's promise.
            (*grid, *block) = unsafe { potential_block_size(function, shared_of_block, dynamic_shared, limit, flags)? };
            Ok(())
        })
    }

    fn cuOccupancyAvailableDynamicSMemPerBlock(
        &self,
        bytes: &mut usize,
        function: CUfunction,
        blocks: i32,
        block_size: i32,
    ) -> CUresult {
        answer(|| {
            let function = Function::named(function)?;
            let (Ok(blocks), Ok(threads)) = (u32::try_from(blocks), u32::try_from(block_size)) else {
                return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
            };
            let limits = function.module.group.device.limits();
            let available = limits.available_dynamic_shared(&function.occupancy_resources()?, blocks, threads);
            *bytes = available.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)? as usize;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuOccupancyMaxActiveClusters(
        &self,
        clusters: &mut i32,
        function: CUfunction,
        config: &CUlaunchConfig,
    ) -> CUresult {
        answer(|| {
            let function = Function::named(function)?;
            // SAFETY: the caller's promise.
            let shape = unsafe { cluster_of(&function, config) };
            let device = function.module.group.device;
            *clusters = device.model.max_active_clusters(&function.occupancy_resources()?, &shape) as i32;
            Ok(())
        })
    }

    /// # Safety
    /// As [`driver_api::Driver`] says.
    unsafe fn cuOccupancyMaxPotentialClusterSize(
        &self,
        size: &mut i32,
        function: CUfunction,
        config: &CUlaunchConfig,
    ) -> CUresult {
        answer(|| {
            let function = Function::named(function)?;
            // SAFETY: the caller's promise.
            let shape = unsafe { cluster_of(&function, config) };
            let device = function.module.group.device;
            *size = device.model.max_potential_cluster_blocks(&function.occupancy_resources()?, &shape) as i32;
            Ok(())
        })
    }
}
