//! Accesses outside of what they may touch.

use crate::kernel::{KernelChecker, described};
use crate::locate::{Located, lanes_in, locate};
use simt::AccessEvent;
use simt::arena::{Allocation, Purpose, Relation};
use simt_ir::AddressSpace;
use simt_ir::abi::AccessSpace;
use simt_ir::instrument::{SiteKind, SiteVariable};
use std::cell::Cell;

thread_local! {
    /// The allocation that this thread met last, and in which launch: an allocation that a launch uses stays while it runs.
    static MET: Cell<Option<(u64, Allocation)>> = const { Cell::new(None) };
}

/// What is wrong with an access: kind, and where it goes in words.
type Wrong = (&'static str, String);

impl KernelChecker {
    /// The allocation that holds an address.
    pub(crate) fn allocation(&self, grid_id: u64, address: u64) -> Option<Allocation> {
        if let Some((grid, met)) = MET.get()
            && grid == grid_id
            && met.contains(address, 1)
        {
            return Some(met);
        }
        let found = self.checker.arena.lookup(address)?;
        MET.set(Some((grid_id, found)));
        Some(found)
    }

    /// Tells of each lane's access that goes where it must not.
    pub(crate) fn check_memory(&self, event: &AccessEvent<'_>) {
        for lane in lanes_in(event.lanes) {
            if let Some((kind, detail)) = self.wrong(event, lane) {
                let what = described(event.kind, event.bytes);
                self.report("memory", kind, (what, event.site), (&event.place, lane), detail);
            }
        }
    }

    fn wrong(&self, event: &AccessEvent<'_>, lane: u32) -> Option<Wrong> {
        let (address, bytes) = (event.addresses[lane as usize], u64::from(event.bytes));
        if event.bytes.is_power_of_two() && !address.is_multiple_of(bytes) {
            return Some(("misaligned address", format!("address {address:#x} is no multiple of {bytes}")));
        }
        let site = self.site(event.site)?;
        let declared = match site.kind {
            SiteKind::Access { space, .. } => space,
            _ => return None,
        };
        match locate(event, lane) {
            Located::Cluster => None,
            Located::Shared(offset) => {
                let size = u64::from(event.place.shared_bytes);
                if offset.checked_add(bytes).is_none_or(|end| end > size) {
                    let detail = format!("offset {offset} of the {size} bytes of shared memory of the block");
                    return Some(("shared memory out of bounds", detail));
                }
                let variable = site.variable.filter(|_| declared == AddressSpace::Shared)?;
                beyond(variable, offset, bytes).map(|detail| ("outside of a variable in shared memory", detail))
            }
            Located::Local(owner, offset) => {
                let size = u64::from(event.local.1);
                if offset.checked_add(bytes).is_none_or(|end| end > size) {
                    let detail = format!("offset {offset} of the {size} bytes of local memory of the thread");
                    return Some(("local memory out of bounds", detail));
                }
                if owner != lane {
                    return Some(("local memory of another thread", format!("lane {owner} of the warp owns it")));
                }
                let variable = site.variable.filter(|_| declared == AddressSpace::Local)?;
                beyond(variable, offset, bytes).map(|detail| ("outside of a variable in local memory", detail))
            }
            Located::Global(at) => {
                self.wrong_in_global(event, at, bytes, site.variable.filter(|_| is_global(declared)))
            }
        }
    }

    fn wrong_in_global(
        &self,
        event: &AccessEvent<'_>,
        at: u64,
        bytes: u64,
        variable: Option<SiteVariable>,
    ) -> Option<Wrong> {
        let arena = &self.checker.arena;
        if let Some(variable) = variable
            && let Some(base) = self.symbols.get(variable.symbol as usize).filter(|base| **base != 0)
        {
            let offset = at.wrapping_sub(*base);
            if offset.checked_add(bytes).is_none_or(|end| end > u64::from(variable.bytes)) {
                let name = self.variables.iter().find(|known| known.address == *base).map_or("", |known| &*known.name);
                let detail = format!("offset {} of variable {name} of {} bytes", offset as i64, variable.bytes);
                return Some(("outside of a variable", detail));
            }
            return None;
        }
        let Some(allocation) = self.allocation(event.place.grid_id, at) else {
            if !arena.covers(at) && arena.is_accessible(at, bytes) {
                return None;
            }
            let nearest = arena.diagnose(at);
            let kind = match nearest.relation {
                Relation::Freed { .. } => "use of freed memory",
                Relation::Past { .. } | Relation::Before { .. } => "out of bounds",
                Relation::Inside { .. } | Relation::Unknown => "address of nothing",
            };
            return Some((kind, format!("address {at:#x}: {nearest}")));
        };
        if allocation.purpose == Purpose::Internal {
            return in_workspace(event, at);
        }
        if !allocation.contains(at, bytes) {
            return Some(("out of bounds", format!("address {at:#x}: across the end of {}", named(&allocation))));
        }
        if allocation.purpose != Purpose::Module {
            return None;
        }
        let index = self.variables.partition_point(|known| known.address <= at);
        let own = |known: &&crate::Variable| allocation.contains(known.address, 1);
        let below = index.checked_sub(1).and_then(|index| self.variables.get(index)).filter(own);
        match below {
            Some(known) if at + bytes > known.address + known.bytes => {
                let offset = at - known.address;
                Some(("out of bounds", format!("offset {offset} of variable {} of {} bytes", known.name, known.bytes)))
            }
            _ => None,
        }
    }
}

fn is_global(space: AddressSpace) -> bool {
    matches!(space, AddressSpace::Global | AddressSpace::Const | AddressSpace::Generic)
}

/// Where an access goes that leaves its variable.
fn beyond(variable: SiteVariable, offset: u64, bytes: u64) -> Option<String> {
    let first = u64::from(variable.offset);
    let inside = offset >= first && offset + bytes <= first + u64::from(variable.bytes);
    let relative = offset.wrapping_sub(first) as i64;
    (!inside).then(|| format!("offset {relative} of the variable's {} bytes", variable.bytes))
}

/// A generic address behind the shared memory of the block, in the memory that the engine keeps for it.
fn in_workspace(event: &AccessEvent<'_>, at: u64) -> Option<Wrong> {
    let (shared, local) = (event.shared, event.local.0);
    let follows = event.space == AccessSpace::Global && shared.1 > shared.0 && (shared.1..local).contains(&at);
    (follows && !event.place.clustered).then(|| {
        let detail = format!("{} bytes past the end of the shared memory of the block", at - shared.1);
        ("shared memory out of bounds", detail)
    })
}

fn named(allocation: &Allocation) -> String {
    let Allocation { base, bytes, purpose, serial } = allocation;
    format!("allocation #{serial} ({purpose}, {bytes} bytes at {base:#x})")
}
