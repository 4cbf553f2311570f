//! Races, and reads of memory that nobody has written: each access, as it is announced.

use crate::block::{Block, Pending};
use crate::clock::{AGENTS_MAX, Exchange, WARPS_MAX};
use crate::finding::Finding;
use crate::kernel::{KernelChecker, described};
use crate::locate::{Located, index_of, lanes_in, locate};
use crate::poison;
use crate::shadow::{Conflict, Record, words};
use crate::source::Line;
use simt::AccessEvent;
use simt::arena::Purpose;
use simt_ir::abi::AccessKind;

/// A lane's access.
struct Lane<'a> {
    event: &'a AccessEvent<'a>,
    lane: u32,
    at: Located,
    /// Where the memory is for the host, if it may be looked at.
    host: u64,
    strong: bool,
    /// Whether the hardware does it while the thread goes on.
    is_copy: bool,
}

impl KernelChecker {
    /// Follows an access of a warp.
    pub(crate) fn follow(&self, block: &mut Block, event: &AccessEvent<'_>) {
        let Some(site) = self.site(event.site) else { return };
        let line = self.line(site.line);
        // Of the accesses of a copy, only that of the mbarrier is meant to be seen at once.
        let is_copy = line.is_some_and(Line::is_copy) && event.kind != AccessKind::Atomic;
        let strong = event.kind == AccessKind::Atomic || (!is_copy && line.is_some_and(Line::is_strong));
        let checks = self.checker.checks;
        let padding = event.kind == AccessKind::Load && line.is_some_and(Line::moves_padding);
        for lane in lanes_in(event.lanes) {
            let at = locate(event, lane);
            let host = match at {
                Located::Shared(offset) => event.shared.0 + offset,
                _ => event.addresses[lane as usize],
            };
            let access = Lane { event, lane, at, host, strong, is_copy };
            if checks.init && !padding {
                self.check_written(block, &access);
            }
            // Who reads with a strong load expects that somebody writes.
            if checks.race && !(strong && event.kind == AccessKind::Load) {
                self.check_order(block, &access);
            }
        }
        // Behind the check: what an access learns by itself does not order it.
        if checks.race && strong {
            self.synchronise(block, event, line);
        }
    }

    /// An access that others may wait for: the warp learns what they knew, and passes on what it knows.
    fn synchronise(&self, block: &mut Block, event: &AccessEvent<'_>, line: Option<&Line>) {
        let (reads, writes) = (event.kind != AccessKind::Store, event.kind != AccessKind::Load);
        let warp = event.place.warp;
        // Who only arrives at an mbarrier has not waited for the copies that complete it.
        let waits_for_copies =
            line.is_none_or(|line| line.waits_for_mbarrier() || !(line.is_copy() || line.text.contains("mbarrier")));
        // The mbarrier that a copy completes, or that hears of copies before (`cp.async.mbarrier.arrive`).
        let completed = line.is_some_and(Line::is_copy).then(|| block.copies.close(warp));
        for lane in lanes_in(event.lanes) {
            let address = address_of(event, lane);
            block.clocks.exchange(warp, address, Exchange { reads, writes, waits_for_copies });
            if let Some(time) = completed {
                block.clocks.completed(warp, address, time);
            }
        }
        // What it reads is read after this: until then other blocks may publish more.
        block.acquires |= reads;
        if writes {
            self.checker.global.release(event.place.grid_id, block.number);
        }
    }

    fn check_written(&self, block: &mut Block, access: &Lane<'_>) {
        let Lane { event, lane, .. } = *access;
        let reads = event.kind != AccessKind::Store;
        let untouched = match access.at {
            Located::Shared(offset) => {
                let inside = offset + u64::from(event.bytes) <= u64::from(event.place.shared_bytes);
                if !inside || event.place.clustered || self.writes_untold {
                    return;
                }
                let untouched = reads && !block.is_shared_written(offset, event.bytes);
                block.write_shared(offset, if reads && !untouched { 0 } else { event.bytes });
                untouched.then(|| ("shared memory", format!("offset {offset} of shared memory")))
            }
            Located::Local(..) if self.writes_local_untold => None,
            Located::Local(owner, offset) => {
                let thread = event.place.warp * 32 + owner;
                let untouched = reads && !block.is_local_written(thread, offset, event.bytes);
                if event.kind != AccessKind::Load {
                    block.write_local(thread, offset, event.bytes);
                }
                untouched.then(|| ("local memory", format!("offset {offset} of local memory")))
            }
            Located::Global(at) if reads => {
                let allocation = self.allocation(event.place.grid_id, at);
                let filled = allocation.filter(|allocation| {
                    let is_filled = allocation.bytes <= poison::FILLED_BYTES_MAX;
                    allocation.purpose == Purpose::Device && is_filled && allocation.contains(at, event.bytes.into())
                });
                filled.and_then(|allocation| {
                    let offset = at - allocation.base;
                    // SAFETY: the allocation is in use by a kernel that runs.
                    let untouched =
                        unsafe { poison::is_untouched(allocation.base, allocation.bytes, offset, event.bytes.into()) };
                    let detail = || {
                        let (serial, bytes) = (allocation.serial, allocation.bytes);
                        format!("address {at:#x}: offset {offset} of allocation #{serial} ({bytes} bytes)")
                    };
                    untouched.then(|| ("global memory", detail()))
                })
            }
            Located::Global(_) | Located::Cluster => None,
        };
        if let Some((space, detail)) = untouched {
            let kind = match space {
                "shared memory" => "read of shared memory that was never written",
                "local memory" => "read of local memory that was never written",
                _ => "read of global memory that was never written",
            };
            self.report("init", kind, (described(event.kind, event.bytes), event.site), (&event.place, lane), detail);
        }
    }

    fn check_order(&self, block: &mut Block, access: &Lane<'_>) {
        let Lane { event, lane, .. } = *access;
        let place = &event.place;
        let writes = event.kind != AccessKind::Load;
        let global = match access.at {
            Located::Shared(_) if !place.clustered => false,
            Located::Global(at) => {
                // The engine's own memory is handed on from thread to thread.
                let allocation = self.allocation(place.grid_id, at);
                if allocation.is_none_or(|allocation| allocation.purpose == Purpose::Internal) {
                    return;
                }
                true
            }
            _ => return,
        };
        // What a copy writes to shared memory is written by the warp's copies. (What they read is not followed as such.)
        let (agent, clock) = match access.is_copy && writes && !global {
            true => (WARPS_MAX as u32 + place.warp, block.copies.now(place.warp)),
            false => (place.warp, block.clocks.now(place.warp)),
        };
        let record = Record {
            ticks: self.checker.global.now(),
            block: block.number,
            clock,
            site: event.site,
            warp: agent as u8,
            lane: lane as u8,
            bytes: 0,
            strong: access.strong,
            guessable: event.kind == AccessKind::Atomic && (global || self.is_compare_and_swap(event.site)),
        };
        let first = match access.at {
            Located::Shared(offset) => offset,
            _ => access.host,
        };
        let mut found: Option<Conflict> = None;
        for (word, bytes) in words(first, event.bytes) {
            let record = Record { bytes, ..record };
            let conflict = if global {
                let (clocks, number, acquired) = (&block.clocks, block.number, block.acquired);
                self.checker.global.enter(place.grid_id, word, record, writes, |earlier| {
                    if earlier.block == number {
                        clocks.is_ordered(place.warp, earlier.warp.into(), earlier.clock)
                    } else {
                        self.checker.global.is_released(place.grid_id, earlier, acquired)
                    }
                })
            } else {
                // Clocks and cells are parts of one block: what the cell asks is answered beforehand.
                let ordered: [u32; AGENTS_MAX] = std::array::from_fn(|agent| block.clocks.known(place.warp, agent));
                let Some(cell) = block.shared_cell(word, place.shared_bytes) else { continue };
                cell.enter(record, writes, |earlier| ordered[usize::from(earlier.warp)] >= earlier.clock)
            };
            found = found.or(conflict);
        }
        if let Some(conflict) = found {
            self.tell_race(block, access, conflict, global);
        }
    }

    fn is_compare_and_swap(&self, site: u32) -> bool {
        self.site(site).and_then(|site| self.line(site.line)).is_some_and(|line| line.text.contains(".cas"))
    }

    fn tell_race(&self, block: &mut Block, access: &Lane<'_>, conflict: Conflict, global: bool) {
        let (event, place, earlier) = (access.event, &access.event.place, conflict.earlier);
        let writes = event.kind == AccessKind::Store;
        let kind = match (global, conflict.earlier_wrote, event.kind) {
            (false, true, AccessKind::Load) => "race in shared memory: read after write",
            (false, true, _) => "race in shared memory: write after write",
            (false, false, _) => "race in shared memory: write after read",
            (true, true, AccessKind::Load) => "race in global memory: read after write",
            (true, true, _) => "race in global memory: write after write",
            (true, false, _) => "race in global memory: write after read",
        };
        let earlier_is_copy = usize::from(earlier.warp) >= WARPS_MAX;
        let described_earlier = match self.site(earlier.site).map(|site| site.kind) {
            Some(simt_ir::instrument::SiteKind::Access { bytes, .. }) if earlier_is_copy => {
                format!("asynchronous copy of {bytes} bytes")
            }
            Some(simt_ir::instrument::SiteKind::Access { kind, bytes, .. }) => described(kind, bytes),
            _ => "access".to_owned(),
        };
        let earlier_block = index_of(place.grid, earlier.block);
        let (warp, lane) = (u32::from(earlier.warp) % WARPS_MAX as u32, earlier.lane.into());
        let parties = vec![
            self.party(described_earlier, earlier.site, place, warp, lane, earlier_block),
            self.party(
                described(event.kind, event.bytes),
                event.site,
                place,
                place.warp,
                access.lane,
                place.block_index,
            ),
        ];
        let detail = match access.at {
            Located::Shared(offset) => format!("offset {offset} of shared memory"),
            _ => format!("address {:#x}: {}", access.host, self.checker.arena.diagnose(access.host)),
        };
        let finding = self.finding("race", kind, parties, detail);
        if writes && conflict.earlier_wrote {
            self.suspect(block, access, finding);
        } else {
            self.checker.reports.add(finding);
        }
    }

    /// Two writes: a race, unless both write the same, which programs do on purpose.
    fn suspect(&self, block: &mut Block, access: &Lane<'_>, finding: Finding) {
        let bytes = access.event.bytes as usize;
        if !self.checker.arena.is_accessible(access.host, bytes as u64) {
            return;
        }
        // SAFETY: accessible, as was just asked. Other threads may write meanwhile: each byte is read as it is.
        let byte = |at: usize| unsafe { std::ptr::read_volatile((access.host + at as u64) as *const u8) };
        block.suspect(Pending { finding, address: access.host, before: (0..bytes).map(byte).collect() });
    }
}

/// Tells addresses apart, whatever instruction uses them.
fn address_of(event: &AccessEvent<'_>, lane: u32) -> u64 {
    match locate(event, lane) {
        Located::Shared(offset) => event.shared.0 + offset,
        _ => event.addresses[lane as usize],
    }
}
