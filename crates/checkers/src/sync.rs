//! Barriers that not all threads reach, and masks that do not say who is there.

use crate::block::Block;
use crate::clock::Arrival;
use crate::kernel::KernelChecker;
use crate::locate::lanes_in;
use simt::{MeetingEvent, Place};

/// Lanes of a warp that are threads of the block.
fn present(place: &Place) -> u32 {
    let threads: u32 = place.block.iter().product();
    match threads.saturating_sub(place.warp * 32) {
        32.. => u32::MAX,
        few => (1 << few) - 1,
    }
}

impl KernelChecker {
    /// Lanes execute an operation of the lanes that a mask names.
    pub(crate) fn check_members(&self, event: &MeetingEvent<'_>) {
        let place = &event.place;
        let gone = place.exited & present(place);
        for lane in lanes_in(event.lanes) {
            let mask = event.values[lane as usize] as u32;
            let tell =
                |kind, detail| self.report("sync", kind, ("operation".to_owned(), event.site), (place, lane), detail);
            if mask >> lane & 1 == 0 {
                tell("a thread is not in the mask of its own operation", format!("mask {mask:#010x}, lane {lane}"));
            } else if mask & gone != 0 {
                let detail = format!("mask {mask:#010x}, of which {:#010x} have ended", mask & gone);
                tell("a mask names threads that have ended", detail);
            }
        }
    }

    /// Lanes arrive at a barrier of the block.
    pub(crate) fn arrive(&self, block: &mut Block, event: &MeetingEvent<'_>) {
        let place = &event.place;
        let (Some(lane), Some(site)) = (lanes_in(event.lanes).next(), self.site(event.site)) else { return };
        let value = event.values[lane as usize];
        let (barrier, threads) = (value as u32 as usize, (value >> 32) as u32);
        let (waits, aligned) = match self.line(site.line) {
            Some(line) => (!line.text.contains(".arrive"), line.is_aligned_barrier()),
            None => (true, false),
        };
        let arrival = Arrival { warp: place.warp, lane, site: event.site, threads };
        let first = block.clocks.arrive(barrier, event.lanes, waits, arrival);
        if !self.checker.checks.sync {
            return;
        }
        let missing = present(place) & !place.exited & !event.lanes;
        let tell = |kind, detail| self.report("sync", kind, ("barrier".to_owned(), event.site), (place, lane), detail);
        if aligned && missing != 0 {
            let detail = format!("of the warp lanes {:#010x} arrive, and {missing:#010x} do not", event.lanes);
            tell("a barrier that not all threads of a warp reach", detail);
        }
        if threads % 32 != 0 {
            let detail = format!("it waits for {threads} threads");
            tell("a barrier for a number of threads that is no multiple of a warp's", detail);
        }
        let Some(first) = first else { return };
        let kind = if first.threads != threads {
            "a barrier that threads reach with different numbers of threads"
        } else if aligned && threads == 0 && self.site(first.site).map(|site| site.line) != Some(site.line) {
            "threads of a block meet at different barriers"
        } else {
            return;
        };
        let parties = vec![
            self.party("barrier".to_owned(), first.site, place, first.warp, first.lane, place.block_index),
            self.party("barrier".to_owned(), event.site, place, place.warp, lane, place.block_index),
        ];
        let detail = format!("barrier {barrier}");
        self.checker.reports.add(self.finding("sync", kind, parties, detail));
    }
}
