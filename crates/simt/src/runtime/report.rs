//! From contexts to [`Fault`]s.

use super::access::line_of;
use super::lanes_in;
use crate::arena::Relation;
use crate::call::HardwareFault;
use crate::fault::{BadAccess, Fault, FaultKind};
use crate::kernel::Kernel;
use crate::nested::DeviceRuntime;
use crate::queue::Stream;
use simt_ir::abi::{ACCESS_ALONE, ACCESS_INDEXED, ACCESS_LISTED, AccessRows, LaunchContext, WarpContext};
use std::sync::Arc;

/// Where machine code is.
pub(crate) struct Site<'a> {
    pub(crate) launch: &'a LaunchContext,
    pub(crate) warp: &'a WarpContext,
    pub(crate) stream: &'a Stream,
}

impl<'a> Site<'a> {
    /// Records a fault, of a lane if that is known, and stops the grid.
    pub(crate) fn record(
        &self,
        kind: FaultKind,
        line: Option<u32>,
        lane: Option<usize>,
        access: Option<BadAccess>,
        detail: Option<String>,
    ) {
        self.stream.domain().record(Fault {
            kind,
            kernel: self.kernel().name().to_string(),
            line: line.filter(|&line| line != 0),
            block: self.warp.block_index,
            thread: lane.map(|lane| self.thread(lane)),
            access,
            detail,
        });
        self.abort();
    }

    /// Index in its block of the thread that a lane of the warp or team is.
    fn thread(&self, lane: usize) -> [u32; 3] {
        let first = self.warp.warp_index * self.lanes() + self.warp.first_lane;
        thread_of(self.launch.block, first + lane as u32)
    }

    /// Lanes of the warp or team.
    fn lanes(&self) -> u32 {
        // SAFETY: a running warp means a share; the stream keeps the kernel with its code alive.
        unsafe { (*self.stream.grid().plan().choice.code).lanes }
    }

    /// Stops the grid.
    pub(super) fn abort(&self) {
        // SAFETY: a running warp means a share.
        unsafe { self.stream.grid().abort() };
    }

    /// Who answers what the kernel asks of the system.
    pub(super) fn device_runtime(&self) -> Option<&'a Arc<dyn DeviceRuntime>> {
        // SAFETY: a running warp means a share; the stream keeps the kernel alive while it lasts.
        unsafe { (*self.stream.grid().plan().kernel).device_runtime() }
    }

    fn kernel(&self) -> &Kernel {
        // SAFETY: a running warp means a share; the stream keeps the kernel alive.
        unsafe { &*self.stream.grid().plan().kernel }
    }

    /// Text at an address of the program, cut off after a while.
    fn text_at(&self, address: u64) -> String {
        const BYTES_MAX: u64 = 4096;
        let arena = self.stream.engine().arena();
        let mut bytes = Vec::new();
        for at in (address..).take(BYTES_MAX as usize) {
            if address == 0 || !arena.is_accessible(at, 1) {
                break;
            }
            // SAFETY: accessible, as was just asked.
            match unsafe { *(at as *const u8) } {
                0 => break,
                byte => bytes.push(byte),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Index of a thread in its block, from its number.
fn thread_of(block: [u32; 3], thread: u32) -> [u32; 3] {
    [thread % block[0], thread / block[0] % block[1], thread / block[0] / block[1]]
}

/// Prints what CUDA prints for a failed assertion, for each lane, and records the fault.
pub(super) fn assertion(site: &Site<'_>, lanes: u32, arguments: &[[u64; 32]]) {
    let mut detail = None;
    for lane in lanes_in(lanes) {
        let [message, file, line, function] = [0, 1, 2, 3].map(|argument: usize| arguments[argument][lane]);
        let (message, file, function) = (site.text_at(message), site.text_at(file), site.text_at(function));
        let [bx, by, bz] = site.warp.block_index;
        let [tx, ty, tz] = site.thread(lane);
        let place = format!("{file}:{}: {function}", line as u32);
        eprintln!("{place}: block: [{bx},{by},{bz}], thread: [{tx},{ty},{tz}] Assertion `{message}` failed.");
        detail.get_or_insert_with(|| format!("{place}: Assertion `{message}` failed"));
    }
    site.record(FaultKind::Assertion, None, lanes_in(lanes).next(), None, detail);
}

/// Records what the processor found while a warp ran.
///
/// # Safety
/// `warp` is the context of the warp that ran, or of the worker that ran one warp after the other; the caller holds a
/// share of the stream's grid.
pub(crate) unsafe fn record_hardware_fault(stream: &Stream, warp: *const WarpContext, fault: HardwareFault) {
    let launch = stream.grid().launch();
    // SAFETY: the share keeps the launch; the warp does not run any more.
    let site = unsafe { Site { launch: &*launch, warp: &*warp, stream } };
    if fault.is_stack_overflow {
        site.record(FaultKind::StackOverflow, line_of(site.warp), None, None, None);
        return;
    }
    let (lane, address) = locate(site.warp, site.lanes() as usize, fault.address);
    let nearest = stream.engine().arena().diagnose(address);
    let freed = matches!(nearest.relation, Relation::Freed { .. });
    let kind = if freed { FaultKind::FreedAddress } else { FaultKind::IllegalAddress };
    let described = site.warp.access != 0;
    let access = BadAccess { address, space: "global", kind: None, size: None, nearest: Some(nearest), bound: None };
    site.record(kind, line_of(site.warp), described.then_some(lane), Some(access), None);
}

/// The lane whose access hit `hardware`, and the address of its access. The processor names the first byte that it could not
/// reach, which for an access across pages is not where the access begins.
fn locate(warp: &WarpContext, lanes: usize, hardware: u64) -> (usize, u64) {
    const ACCESS_BYTES_MAX: u64 = 64;
    let code = warp.access & 0xff;
    match code {
        // All lanes, or nothing is known.
        0 => return (0, hardware),
        ACCESS_ALONE => return (warp.access_base as usize, hardware),
        _ => {}
    }
    let behind = |lane: &usize| hardware.wrapping_sub(address_of(warp, lanes, *lane));
    match (0..lanes).filter(|lane| behind(lane) < ACCESS_BYTES_MAX).min_by_key(behind) {
        // With a list the exact beginning is known; with a stride the lane follows from the byte.
        Some(lane) if code >= ACCESS_INDEXED => (lane, address_of(warp, lanes, lane)),
        Some(lane) => (lane, hardware.max(address_of(warp, lanes, lane))),
        None => (0, hardware),
    }
}

/// The address that a lane of so many accesses, as the context describes it.
fn address_of(warp: &WarpContext, lanes: usize, lane: usize) -> u64 {
    let code = warp.access & 0xff;
    if let Some(AccessRows { rows, stride, same }) = AccessRows::from_code(code) {
        let length = (lanes / rows as usize).max(1);
        let base = if same { warp.access_addresses[0] } else { warp.access_addresses[lane / length] };
        return base.wrapping_add(u64::from(stride) * (lane % length) as u64);
    }
    match code {
        ACCESS_LISTED => warp.access_addresses[lane],
        ACCESS_INDEXED.. => {
            let pair = warp.access_addresses[lane / 2];
            let index = i64::from((pair >> (lane % 2 * 32)) as i32);
            warp.access_base.wrapping_add((index << (code - ACCESS_INDEXED)) as u64)
        }
        stride => warp.access_base.wrapping_add(u64::from(stride) * lane as u64),
    }
}

/// Records that warps of a block wait for each other for ever, or use barriers wrongly.
///
/// # Safety
/// As for [`record_hardware_fault`].
pub(crate) unsafe fn record_barrier_fault(stream: &Stream, warp: *const WarpContext, text: String) {
    let launch = stream.grid().launch();
    // SAFETY: the share keeps the launch; the warp does not run any more.
    let site = unsafe { Site { launch: &*launch, warp: &*warp, stream } };
    site.record(FaultKind::Barrier, None, None, None, Some(text));
}

/// Records that a launch failed for want of memory, or through a defect, before or between blocks.
pub(crate) fn record_resources(stream: &Stream, kernel: &Kernel, kind: FaultKind, detail: &str) {
    stream.domain().record(Fault {
        kind,
        kernel: kernel.name().to_string(),
        line: None,
        block: [0; 3],
        thread: None,
        access: None,
        detail: Some(detail.to_string()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use simt_ir::abi::{ACCESS_LISTED, TEAM_LANES_MAX};

    #[test]
    fn threads_are_counted_x_first() {
        assert_eq!(thread_of([8, 4, 2], 9), [1, 1, 0]);
        assert_eq!(thread_of([8, 4, 2], 63), [7, 3, 1]);
    }

    #[test]
    fn the_lane_of_a_fault_is_found() {
        // SAFETY: numbers and null pointers: all-zero is a valid context.
        let mut warp: WarpContext = unsafe { std::mem::zeroed() };
        warp.access = 12 << 8 | 4;
        warp.access_base = 0x1ff0;
        assert_eq!(locate(&warp, 32, 0x2000), (4, 0x2000));
        warp.access = 12 << 8 | ACCESS_LISTED;
        warp.access_addresses = [0x9000; TEAM_LANES_MAX as usize];
        warp.access_addresses[7] = 0x1ffc;
        assert_eq!(locate(&warp, 32, 0x2000), (7, 0x1ffc));
        warp.access = 12 << 8 | (ACCESS_INDEXED + 2);
        warp.access_base = 0x3000;
        warp.access_addresses = [0; TEAM_LANES_MAX as usize];
        warp.access_addresses[2] = u64::from(-0x401i32 as u32) << 32;
        assert_eq!(locate(&warp, 32, 0x2000), (5, 0x1ffc));
        warp.access = 12 << 8 | ACCESS_ALONE;
        warp.access_base = 21;
        assert_eq!(locate(&warp, 32, 0x2000), (21, 0x2000));
        warp.access = 12 << 8;
        assert_eq!(locate(&warp, 32, 0x2004), (0, 0x2004));
        let rows = AccessRows { rows: 2, stride: 8, same: false };
        warp.access = 12 << 8 | rows.code();
        (warp.access_addresses[0], warp.access_addresses[1]) = (0x1000, 0x1fc0);
        assert_eq!(locate(&warp, 32, 0x2000), (24, 0x2000), "the second row lies across pages");
        warp.access = 12 << 8 | AccessRows { stride: 0, ..rows }.code();
        assert_eq!(locate(&warp, 32, 0x1fc0), (16, 0x1fc0));
        warp.access = 12 << 8 | AccessRows { same: true, ..rows }.code();
        assert_eq!(locate(&warp, 32, 0x1010), (2, 0x1010));
    }
}
