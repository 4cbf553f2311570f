//! The checker of a process, and that of a kernel.

use crate::block::Block;
use crate::checks::Checks;
use crate::finding::{Finding, Party};
use crate::global::Global;
use crate::locate::thread_of;
use crate::poison;
use crate::reports::Reports;
use crate::source::{Line, lines_of};
use simt::arena::{Allocation, Arena, Purpose};
use simt::{AccessEvent, KernelObserver, LaunchInfo, MeetingEvent, Place};
use simt_ir::abi::AccessKind;
use simt_ir::instrument::{Instrumentation, Site, SiteKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all kernels of a process share.
pub struct Checker {
    pub(crate) checks: Checks,
    pub(crate) arena: Arc<Arena>,
    pub(crate) reports: Arc<Reports>,
    pub(crate) global: Global,
    /// Blocks under way, by slot.
    blocks: Mutex<HashMap<u64, Arc<Mutex<Block>>>>,
}

impl Checker {
    /// A checker of what kernels do with the memory of an arena, whose allocations are made so that mistakes show.
    pub fn new(checks: Checks, arena: Arc<Arena>, reports: Arc<Reports>) -> Arc<Checker> {
        let fill: fn(&Allocation) = |allocation| {
            if allocation.purpose == Purpose::Device && allocation.bytes <= poison::FILLED_BYTES_MAX {
                // SAFETY: the allocation has just been made, and nobody else knows of it.
                unsafe { poison::fill(allocation.base, allocation.bytes) };
            }
        };
        arena.take_care(checks.memory, checks.init.then_some(fill));
        Arc::new(Checker { checks, arena, reports, global: Global::new(), blocks: Mutex::default() })
    }

    /// The block that a warp belongs to.
    fn block(&self, place: &Place) -> Arc<Mutex<Block>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = blocks.entry(place.slot).or_insert_with(|| Arc::new(Mutex::new(Block::new(place))));
        if !lock(slot).is_of(place) {
            self.settle(&mut lock(slot));
            *slot = Arc::new(Mutex::new(Block::new(place)));
        }
        slot.clone()
    }

    /// Tells of the races among a block's writes, now that they are done.
    fn settle(&self, block: &mut Block) {
        let read = |address: u64, bytes: usize| {
            // SAFETY: accessible, as is asked first. Other threads may write meanwhile: each byte is read as it is.
            let byte = |at: usize| unsafe { std::ptr::read_volatile((address + at as u64) as *const u8) };
            self.arena.is_accessible(address, bytes as u64).then(|| (0..bytes).map(byte).collect())
        };
        block.settle(read).into_iter().for_each(|finding| self.reports.add(finding));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A variable of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variable {
    /// Its name in the module.
    pub name: String,
    /// Where it lies.
    pub address: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The checker of one kernel, for code that was made for blocks of one size.
pub struct KernelChecker {
    pub(crate) checker: Arc<Checker>,
    name: String,
    pub(crate) meaning: Arc<Instrumentation>,
    lines: BTreeMap<u32, Line>,
    /// The module's variables, by address.
    pub(crate) variables: Vec<Variable>,
    /// Addresses of the program's symbols.
    pub(crate) symbols: Vec<u64>,
    /// Whether memory is written by what is not told: tensors are moved by the engine.
    pub(crate) writes_untold: bool,
    /// Whether local memory is, as by functions of the device runtime that give results through pointers.
    pub(crate) writes_local_untold: bool,
}

impl KernelChecker {
    /// A checker of a kernel. `program` is the text of its module.
    pub fn new(
        checker: &Arc<Checker>,
        name: &str,
        meaning: Arc<Instrumentation>,
        program: &str,
        mut variables: Vec<Variable>,
        symbols: &[u64],
    ) -> Arc<KernelChecker> {
        let sites: BTreeSet<u32> = meaning.sites.iter().map(|site| site.line).collect();
        let marks: BTreeSet<u32> = meaning.segments.iter().flatten().map(|mark| mark.line).collect();
        let lines = lines_of(program, |line| sites.contains(&line) || marks.contains(&line));
        let writes_untold = lines.values().any(|line| line.text.contains(".tensor"));
        let is_runtime = |line: &str| line.trim_start().starts_with(".extern .func") && line.contains("cuda");
        let writes_local_untold = program.lines().any(is_runtime);
        variables.sort_by_key(|variable| variable.address);
        Arc::new(KernelChecker {
            checker: checker.clone(),
            name: demangled(name),
            meaning,
            lines,
            variables,
            symbols: symbols.to_vec(),
            writes_untold,
            writes_local_untold,
        })
    }

    pub(crate) fn site(&self, site: u32) -> Option<&Site> {
        self.meaning.sites.get(site as usize)
    }

    /// What stands at a line.
    pub(crate) fn line(&self, line: u32) -> Option<&Line> {
        self.lines.get(&line)
    }

    /// A thread at a site.
    pub(crate) fn party(&self, what: String, site: u32, place: &Place, warp: u32, lane: u32, block: [u32; 3]) -> Party {
        let line = self.site(site).map_or(0, |site| site.line);
        let text = self.line(line).cloned().unwrap_or_default();
        Party { what, line, place: text, block, thread: thread_of(place.block, warp, lane) }
    }

    /// Something wrong with the kernel.
    pub(crate) fn finding(
        &self,
        check: &'static str,
        kind: &'static str,
        parties: Vec<Party>,
        detail: String,
    ) -> Finding {
        Finding { check, kind, kernel: self.name.clone(), parties, detail }
    }

    /// Tells of something that one thread does.
    pub(crate) fn report(
        &self,
        check: &'static str,
        kind: &'static str,
        (what, site): (String, u32),
        (place, lane): (&Place, u32),
        detail: String,
    ) {
        let party = self.party(what, site, place, place.warp, lane, place.block_index);
        self.checker.reports.add(self.finding(check, kind, vec![party], detail));
    }
}

/// A kernel's name as it stands in the source.
fn demangled(name: &str) -> String {
    cpp_demangle::Symbol::new(name).ok().and_then(|symbol| symbol.demangle().ok()).unwrap_or_else(|| name.to_owned())
}

/// An access in words.
pub(crate) fn described(kind: AccessKind, bytes: u32) -> String {
    let what = match kind {
        AccessKind::Load => "load",
        AccessKind::Store => "store",
        AccessKind::Atomic => "atomic operation",
    };
    format!("{what} of {bytes} bytes")
}

impl KernelObserver for KernelChecker {
    fn tally_words(&self) -> usize {
        self.meaning.segment_words()
    }

    fn access(&self, _tally: &mut [u64], event: &AccessEvent<'_>) {
        let checks = self.checker.checks;
        if checks.memory {
            self.check_memory(event);
        }
        if checks.race || checks.init {
            let block = self.checker.block(&event.place);
            let mut block = lock(&block);
            self.begin(&mut block, &event.place, event.lanes);
            self.follow(&mut block, event);
        }
    }

    fn branch(&self, _tally: &mut [u64], _site: u32, _lanes: u32, _taken: u32) {}

    fn meeting(&self, _tally: &mut [u64], event: &MeetingEvent<'_>) {
        let checks = self.checker.checks;
        if !checks.race && !checks.sync {
            return;
        }
        let site = self.site(event.site);
        let is_barrier = site.is_some_and(|site| site.kind == SiteKind::Barrier);
        if checks.sync && !is_barrier {
            self.check_members(event);
        }
        let block = self.checker.block(&event.place);
        let mut block = lock(&block);
        self.begin(&mut block, &event.place, event.lanes);
        if is_barrier {
            self.arrive(&mut block, event);
        } else if let Some((groups, step)) = site.and_then(|site| self.line(site.line)?.copy_step())
            && let Some(time) = block.copies.step(event.place.warp, event.lanes, groups, step)
        {
            block.clocks.waited(event.place.warp, time);
        }
    }

    fn finish(&self, launch: &LaunchInfo, _tally: &[u64]) {
        let ended: Vec<_> = {
            let mut blocks = lock(&self.checker.blocks);
            let slots: Vec<u64> = blocks
                .iter()
                .filter(|(_, block)| lock(block).grid_id == launch.grid_id)
                .map(|(slot, _)| *slot)
                .collect();
            slots.iter().filter_map(|slot| blocks.remove(slot)).collect()
        };
        ended.iter().for_each(|block| self.checker.settle(&mut lock(block)));
        self.checker.global.forget(launch.grid_id);
    }
}

impl KernelChecker {
    /// A warp does something: what was announced before has been done.
    fn begin(&self, block: &mut Block, place: &Place, lanes: u32) {
        self.checker.settle(block);
        block.clocks.goes_on(place.warp, lanes);
        if std::mem::take(&mut block.acquires) {
            block.acquired = self.checker.global.tick();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_source() {
        assert_eq!(demangled("_Z3addPKfPfi"), "add(float const*, float*, int)");
        assert_eq!(demangled("plain"), "plain");
    }
}
