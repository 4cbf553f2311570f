//! Attributes of a launch (`cuLaunchKernelEx`).

use crate::answer::Answer;
use cuda_abi::{CUevent, CUlaunchAttributeID as Id, CUlaunchConfig, CUresult};

/// Most attributes of a launch; there are fewer kinds.
const ATTRIBUTES_MAX: u32 = 64;

/// What the attributes of a launch say, as far as it matters here.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) cooperative: bool,
    /// Size of a cluster in blocks by dimension.
    pub(crate) cluster: Option<[u32; 3]>,
    /// An event to record behind the launch.
    pub(crate) event: Option<CUevent>,
}

impl Attributes {
    /// Reads the attributes of a configuration.
    ///
    /// # Errors
    /// When one of them is unknown, or asks for what this device does not do.
    ///
    /// # Safety
    /// The configuration's attributes are there.
    pub(crate) unsafe fn read(config: &CUlaunchConfig) -> Answer<Attributes> {
        let mut attributes = Attributes::default();
        if config.numAttrs == 0 {
            return Ok(attributes);
        }
        if config.attrs.is_null() || config.numAttrs > ATTRIBUTES_MAX {
            return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
        }
        // SAFETY: the caller's promise.
        for attribute in unsafe { std::slice::from_raw_parts(config.attrs, config.numAttrs as usize) } {
            let value = &attribute.value;
            // SAFETY: which field of the union is meant follows from the kind of the attribute; all are plain numbers.
            unsafe {
                match attribute.id {
                    Id::CU_LAUNCH_ATTRIBUTE_COOPERATIVE => attributes.cooperative = value.cooperative != 0,
                    Id::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION => {
                        let size = value.clusterDim;
                        attributes.cluster = Some([size.x, size.y, size.z]);
                    }
                    // The launch completes before the event does: what waits for it waits a little longer than it must.
                    Id::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT => attributes.event = Some(value.programmaticEvent.event),
                    Id::CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT => {
                        attributes.event = Some(value.launchCompletionEvent.event);
                    }
                    // Kernels of a stream run one after the other, which these allow.
                    Id::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
                    // Hints.
                    | Id::CU_LAUNCH_ATTRIBUTE_IGNORE
                    | Id::CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW
                    | Id::CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY
                    | Id::CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE
                    | Id::CU_LAUNCH_ATTRIBUTE_PRIORITY
                    | Id::CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP
                    | Id::CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN
                    | Id::CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION
                    | Id::CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT
                    | Id::CU_LAUNCH_ATTRIBUTE_NVLINK_UTIL_CENTRIC_SCHEDULING => {}
                    Id::CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE => {
                        return Err(CUresult::CUDA_ERROR_NOT_SUPPORTED);
                    }
                    _ => return Err(CUresult::CUDA_ERROR_INVALID_VALUE),
                }
            }
        }
        Ok(attributes)
    }
}
