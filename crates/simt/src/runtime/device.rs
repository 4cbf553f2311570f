//! Calls that the system answers.

use super::{Site, lanes_in};
use crate::fault::FaultKind;
use crate::nested::Caller;
use simt_ir::DeviceCall;

/// Carries out a call for each lane of a mask. False if the kernel has failed.
///
/// # Safety
/// `arguments` are as many arrays as the call has arguments, `results` is one.
pub(super) unsafe fn call_lanes(
    site: Site<'_>,
    lanes: u32,
    line: u32,
    code: u32,
    arguments: *const [u64; 32],
    results: *mut [u64; 32],
) -> bool {
    let (Some(call), Some(runtime)) = (DeviceCall::from_code(code), site.device_runtime()) else {
        site.record(
            FaultKind::Internal,
            Some(line),
            lanes_in(lanes).next(),
            None,
            Some("nobody answers the call".to_string()),
        );
        return false;
    };
    let mut caller = Caller::new(site, runtime);
    let mut values = [0; DeviceCall::ARGUMENTS_MAX];
    let values = &mut values[..call.arguments().len()];
    for lane in lanes_in(lanes) {
        for (index, value) in values.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *value = unsafe { (*arguments.add(index))[lane] };
        }
        caller.lane = lane as u32;
        let result = runtime.call(&caller, call, values);
        // SAFETY: the caller's promise.
        unsafe { (*results)[lane] = result };
    }
    // SAFETY: a running warp means a share.
    unsafe { !caller.stream().grid().is_aborted() }
}
