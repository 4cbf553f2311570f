//! Accesses that did not pass the check in machine code.

use super::lanes_in;
use super::report::Site;
use crate::fault::{BadAccess, FaultKind};
use simt_ir::abi::{AccessKind, AccessSpace, WarpContext};

/// The PTX line of the access that the context describes; 0 is no line.
pub(super) fn line_of(warp: &WarpContext) -> Option<u32> {
    Some(warp.access >> 8).filter(|&line| line != 0)
}

/// Whether the access of `size` bytes by `lanes` may go on. If not, records the fault of the first lane that may not.
pub(super) fn is_in_order(site: &Site<'_>, lanes: u32, size: u32, kind: AccessKind, space: AccessSpace) -> bool {
    let arena = site.stream.engine().arena();
    let bytes = u64::from(size);
    for lane in lanes_in(lanes) {
        let address = site.warp.access_addresses[lane];
        let (name, bound) = match space {
            AccessSpace::Global => ("global", None),
            AccessSpace::Shared => ("shared", Some(site.launch.shared_bytes)),
            AccessSpace::Local => ("local", Some(site.launch.local_stride)),
        };
        let inside = match bound {
            Some(bound) => address.checked_add(bytes).is_some_and(|end| end <= u64::from(bound)),
            // What lies in the arena without being allocated faults by itself.
            None => arena.covers(address) || arena.is_accessible(address, bytes),
        };
        let aligned = size == 0 || address.is_multiple_of(bytes);
        if inside && aligned {
            continue;
        }
        let kind_of_fault = if inside { FaultKind::MisalignedAddress } else { FaultKind::IllegalAddress };
        let nearest = (space == AccessSpace::Global).then(|| arena.diagnose(address));
        let access = BadAccess { address, space: name, kind: Some(kind), size: Some(size), nearest, bound };
        site.record(kind_of_fault, line_of(site.warp), Some(lane), Some(access), None);
        return false;
    }
    true
}
