//! Launches: from what a program passes to a command in a ring.

mod approved;
mod area;
mod attributes;
mod cache;
mod parameters;

pub(crate) use area::Launches;
pub(crate) use attributes::Attributes;

use crate::answer::Answer;
use crate::device::{BLOCK_MAX, GRID_MAX};
use crate::module::Function;
use crate::stream::Stream;
use approved::ApprovedLaunches;
use cuda_abi::CUresult;
use simt::{Launch, PreparedLaunch};

/// A launch that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) grid: [u32; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared: u32,
    pub(crate) cooperative: bool,
    pub(crate) cluster: Option<[u32; 3]>,
}

impl Request {
    /// Checks the launch against the limits of the device and of the function.
    ///
    /// # Errors
    /// The code that CUDA documents for what is wrong.
    pub(crate) fn check(&self, function: &Function) -> Answer {
        let invalid = CUresult::CUDA_ERROR_INVALID_VALUE;
        let fits = |size: [u32; 3], most: [u32; 3]| size.iter().zip(most).all(|(&n, most)| n >= 1 && n <= most);
        if !fits(self.grid, GRID_MAX) || !fits(self.block, BLOCK_MAX) {
            return Err(invalid);
        }
        let threads: u32 = self.block.iter().product();
        let limits = function.module.group.device.limits();
        if threads > limits.threads_per_block || function.info.max_threads.is_some_and(|most| threads > most) {
            return Err(invalid);
        }
        if function.info.required_block.is_some_and(|block| block != self.block) {
            return Err(invalid);
        }
        // Most launches ask for little; then the kernel's body need not have been looked at.
        if self.dynamic_shared > 0 && self.dynamic_shared > function.dynamic_shared_max()? {
            return Err(invalid);
        }
        if self.cooperative { self.check_cooperation(function, threads) } else { Ok(()) }
    }

    /// All blocks of a cooperative launch must be resident at the same time.
    fn check_cooperation(&self, function: &Function, threads: u32) -> Answer {
        let device = function.module.group.device;
        let resources = function.occupancy_resources()?;
        let occupancy = device.limits().occupancy(&resources, threads, self.dynamic_shared.into());
        let most = u64::from(occupancy.active_blocks) * u64::from(device.profile().multiprocessors);
        let blocks: u64 = self.grid.iter().map(|&n| u64::from(n)).product();
        if blocks > most { Err(CUresult::CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE) } else { Ok(()) }
    }

    /// Size of a cluster by dimension.
    fn cluster_of(&self, function: &Function) -> Answer<[u8; 3]> {
        let Some(cluster) = self.cluster.or_else(|| function.required_cluster()) else { return Ok([1; 3]) };
        let invalid = CUresult::CUDA_ERROR_INVALID_CLUSTER_SIZE;
        if function.info.required_cluster.is_some_and(|required| required != cluster) {
            return Err(invalid);
        }
        let device = &function.module.group.device.model;
        let blocks = cluster.iter().try_fold(1u32, |product, &n| product.checked_mul(n)).unwrap_or(0);
        let divides = self.grid.iter().zip(cluster).all(|(&grid, n)| n > 0 && grid % n == 0);
        let most = device.cluster_blocks_max(function.settings.non_portable_cluster());
        match blocks {
            1 => Ok([1; 3]),
            2.. if divides && blocks <= most => Ok(cluster.map(|n| n as u8)),
            _ => Err(invalid),
        }
    }

    /// Appends the launch to a stream.
    ///
    /// # Errors
    /// When something is wrong with it, or the kernel cannot be compiled.
    #[inline]
    fn append(
        &self,
        function: &Function,
        stream: &Stream,
        approved: &mut ApprovedLaunches,
        parameters: &[u8],
    ) -> Answer {
        if function.module.group.context_id() != stream.group.context_id() {
            return Err(CUresult::CUDA_ERROR_INVALID_HANDLE);
        }
        stream.group.check()?;
        let host_memory = stream.group.machine().arena().wants_every_address_tested();
        let launch = approved.get_or(function, self, host_memory, || self.approve(function, host_memory))?;
        stream.order();
        let stack_bytes = stream.group.stack_bytes();
        let appended = stream.queue.launch_prepared(launch, stack_bytes, parameters, driver_api::take_launch_tag());
        appended.map_err(|_| CUresult::CUDA_ERROR_INVALID_VALUE)
    }

    /// Checks the launch and finds its machine code.
    ///
    /// # Errors
    /// When something is wrong with it, or the kernel cannot be compiled.
    #[cold]
    pub(crate) fn approve(&self, function: &Function, host_memory: bool) -> Answer<PreparedLaunch> {
        self.check(function)?;
        let small = |index: usize| u64::from(self.grid[index]) * u64::from(self.block[index]) < 1 << 31;
        let kernel = function.kernel(jit::Options {
            block: Some(self.block),
            small_grid: small(0) && small(1) && small(2),
            host_memory,
            lanes: None,
            instrument: function.module.group.machine().observes(),
            quick: false,
        })?;
        let shared = kernel.code().shared_bytes.saturating_add(self.dynamic_shared);
        if shared > function.module.group.device.limits().shared_per_block_optin {
            return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
        }
        let launch = Launch {
            cluster: self.cluster_of(function)?,
            dynamic_shared_bytes: self.dynamic_shared,
            cooperative: self.cooperative,
            ..Launch::new(&kernel, self.grid, self.block, &[])
        };
        launch.prepare().map_err(|_| CUresult::CUDA_ERROR_INVALID_VALUE)
    }

    /// Whether both ask for the same. Compared number by number: the request has just been written in small pieces, and a wider load
    /// would wait until they are in the cache.
    #[inline]
    fn is_same(&self, other: &Request) -> bool {
        let differs = |a: [u32; 3], b: [u32; 3]| (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]);
        let shape = differs(self.grid, other.grid) | differs(self.block, other.block);
        let rest = (self.dynamic_shared ^ other.dynamic_shared) | u32::from(self.cooperative != other.cooperative);
        shape | rest == 0 && self.cluster == other.cluster
    }
}
