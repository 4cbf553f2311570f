//! Device memory: one reserved range of the host's address space, handed out in pages.
//!
//! A device pointer is a host address in that range. As on NVIDIA's cards 2 MiB are accessible if there is an allocation in any of them, and an access
//! elsewhere faults by itself: programs that read a little past their arrays, which nobody sees there, run here too. What the engine has for itself lies
//! apart from that, and where mistakes are to show ([`Arena::take_care`]) pages are accessible from when they are allocated until they are freed,
//! and no others.
//!
//! Freed memory keeps its contents for a while to be used again for an allocation of the same size without
//! asking the system for cleared memory; [`KEPT_BYTES_MAX`] bounds what is held back so.

mod budget;
mod diagnose;
mod ranges;
mod registered;
mod store;

pub use budget::Budget;
pub use diagnose::{Nearest, Relation};
pub(crate) use ranges::Ranges;

use crate::lock_order::{EngineRank, Lock};
use crate::sys::{HUGE_PAGE, Mapping};
use registered::Registered;
use simt_ir::abi::{INDEX_REACH, OFFSET_REACH};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use store::Store;

/// Allocations up to this number are followed by a page that is nobody's. Beyond it they may adjoin, because the system limits
/// the number of differently protected ranges of a process (65 530 by default).
pub const GUARDED_ALLOCATIONS_MAX: usize = 16_384;

/// Most bytes of freed memory that are kept for reuse.
pub const KEPT_BYTES_MAX: u64 = 1 << 30;

/// Freed allocations that are remembered for diagnostics.
pub const FREED_REMEMBERED_MAX: usize = 1024;

/// Address range that is reserved; less where the system does not give so much.
const RESERVED_BYTES_MAX: u64 = 1 << 40;
const RESERVED_BYTES_MIN: u64 = 1 << 32;

/// Reserved on either side and never handed out: machine code tests an address before it adds a constant to it.
const MARGIN_BYTES: u64 = 2 * OFFSET_REACH;

/// The same where machine code adds an index, too: a base with which one index leads into the range may come with another one. Where the
/// system does not give so much the sums are looked at.
const WIDE_MARGIN_BYTES: u64 = 2 * (MARGIN_BYTES + INDEX_REACH);

/// What an allocation is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Memory of a device.
    Device,
    /// Memory that host and device share and that may move between them.
    Managed,
    /// Host memory that devices reach.
    Host,
    /// Variables of a loaded program.
    Module,
    /// The engine's own: shared and local memory of blocks, heaps.
    Internal,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::Device => "device memory",
            Purpose::Managed => "managed memory",
            Purpose::Host => "host memory",
            Purpose::Module => "variables of a module",
            Purpose::Internal => "memory of the engine",
        })
    }
}

/// An allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allocation {
    /// First address.
    pub base: u64,
    /// Size in bytes as asked for, not rounded.
    pub bytes: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// Number of the allocation: 1, 2, 3 …; never used again.
    pub serial: u64,
}

impl Allocation {
    /// Whether `address .. address + bytes` lies in the allocation.
    pub fn contains(&self, address: u64, bytes: u64) -> bool {
        address >= self.base && bytes <= self.bytes && address - self.base <= self.bytes - bytes
    }
}

/// There is no memory for an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory {
    /// What was asked for.
    pub bytes: u64,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no memory for {} bytes", self.bytes)
    }
}

impl std::error::Error for OutOfMemory {}

/// The reserved range and what is allocated in it.
#[derive(Debug)]
pub struct Arena {
    store: Lock<Store>,
    registered: Lock<Registered>,
    /// Ranges in `registered`.
    registered_count: AtomicUsize,
    base: u64,
    bytes: u64,
    /// Whether its margins are the wide ones.
    has_wide_margins: bool,
    on_allocate: OnceLock<fn(&Allocation)>,
}

impl Arena {
    /// Reserves the address range. Costs no memory.
    ///
    /// # Errors
    /// When the system refuses even 20 GiB of addresses, as a limit on the address space (`ulimit -v`) can make it.
    pub fn new() -> io::Result<Arena> {
        let (mut bytes, mut margin) = (RESERVED_BYTES_MAX, WIDE_MARGIN_BYTES);
        let range = loop {
            match Mapping::reserve(bytes + 2 * margin, HUGE_PAGE) {
                Ok(range) => break range,
                Err(_) if bytes > RESERVED_BYTES_MIN => bytes /= 2,
                Err(_) if margin > MARGIN_BYTES => margin = MARGIN_BYTES,
                Err(error) => return Err(error),
            }
        };
        Ok(Arena {
            base: range.base() + margin,
            bytes,
            has_wide_margins: margin == WIDE_MARGIN_BYTES,
            on_allocate: OnceLock::new(),
            store: Lock::new(EngineRank::Arena, Store::new(range, margin)),
            registered: Lock::new(EngineRank::Arena, Registered::default()),
            registered_count: AtomicUsize::new(0),
        })
    }

    /// From now on allocations are made so that mistakes of programs show: far apart, with addresses that are not used again soon, if
    /// `apart`; and `on_allocate` is called with each before anybody else knows of it.
    pub fn take_care(&self, apart: bool, on_allocate: Option<fn(&Allocation)>) {
        if apart {
            self.store.lock().keep_apart();
        }
        if let Some(on_allocate) = on_allocate {
            // Who came first stays.
            let _ = self.on_allocate.set(on_allocate);
        }
    }

    /// First address of the range.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Size of the range in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether what is less than twice as far outside of the range as offsets and indices reach faults.
    pub fn has_wide_margins(&self) -> bool {
        self.has_wide_margins
    }

    /// Whether an address lies in the range, allocated or not.
    pub fn covers(&self, address: u64) -> bool {
        address.wrapping_sub(self.base) < self.bytes
    }

    /// Allocates `bytes` (0 counts as 1), aligned to a page, from 2 MiB on to 2 MiB. The contents are undefined: zero, or what
    /// a freed allocation held.
    ///
    /// # Errors
    /// When `budget` does not allow it or the system has no memory.
    pub fn allocate(&self, bytes: u64, purpose: Purpose, budget: Option<&Arc<Budget>>) -> Result<u64, OutOfMemory> {
        let bytes = bytes.max(1);
        if let Some(budget) = budget {
            budget.charge(bytes)?;
        }
        let result = self.store.lock().allocate(bytes, purpose, budget.cloned());
        if let (Err(_), Some(budget)) = (&result, budget) {
            budget.refund(bytes);
        }
        if let (Ok(base), Some(on_allocate)) = (&result, self.on_allocate.get())
            && let Some(allocation) = self.lookup(*base)
        {
            on_allocate(&allocation);
        }
        result
    }

    /// Frees the allocation that begins at `base`; from here on every access to it faults, unless there is another allocation in the same 2 MiB. `None`
    /// when there is none, or when it has another purpose than one of `purposes`.
    pub fn free(&self, base: u64, purposes: &[Purpose]) -> Option<Allocation> {
        self.store.lock().free(base, purposes)
    }

    /// The allocation that holds `address`.
    pub fn lookup(&self, address: u64) -> Option<Allocation> {
        if self.covers(address) { self.store.lock().lookup(address) } else { None }
    }

    /// Whether the whole of `address .. address + bytes` lies in one allocation, or in registered host memory.
    pub fn is_accessible(&self, address: u64, bytes: u64) -> bool {
        if self.covers(address) {
            self.lookup(address).is_some_and(|allocation| allocation.contains(address, bytes))
        } else {
            self.registered.lock().contains(address, bytes)
        }
    }

    /// What lies at or near an address, for a message.
    pub fn diagnose(&self, address: u64) -> Nearest {
        self.store.lock().diagnose(address)
    }

    /// Lets devices reach host memory outside of the arena. False if the range is empty, wraps around, or overlaps one that is
    /// registered already or the arena.
    pub fn register_host(&self, address: u64, bytes: u64) -> bool {
        let Some(end) = address.checked_add(bytes) else { return false };
        let apart = end <= self.base || address >= self.base + self.bytes;
        let added = bytes > 0 && apart && self.registered.lock().insert(address, bytes);
        self.registered_count.fetch_add(usize::from(added), Ordering::SeqCst);
        added
    }

    /// Ends what [`register_host`](Arena::register_host) began; the size of the range that began at `address`.
    pub fn unregister_host(&self, address: u64) -> Option<u64> {
        let removed = self.registered.lock().remove(address);
        self.registered_count.fetch_sub(usize::from(removed.is_some()), Ordering::SeqCst);
        removed
    }

    /// Whether code has to look at each address by itself: addresses outside of the arena may be good, since host memory is registered, or may
    /// be other memory's and not fault, since the margins are narrow.
    pub fn wants_every_address_tested(&self) -> bool {
        self.registered_count.load(Ordering::Relaxed) > 0 || !self.has_wide_margins
    }

    /// The registered range (first address, bytes) that holds `address`.
    pub fn registered_host(&self, address: u64) -> Option<(u64, u64)> {
        self.registered.lock().lookup(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena() -> Arena {
        Arena::new().unwrap()
    }

    #[test]
    fn allocations_are_usable_apart_and_found_by_any_address_inside() {
        let arena = arena();
        let small = arena.allocate(100, Purpose::Device, None).unwrap();
        let large = arena.allocate(3 << 20, Purpose::Managed, None).unwrap();
        assert_eq!((small % 4096, large % HUGE_PAGE), (0, 0));
        for address in [small, small + 99, large, large + (3 << 20) - 1] {
            // SAFETY: allocated above.
            unsafe { *(address as *mut u8) = 1 };
            let found = arena.lookup(address).unwrap();
            assert!(found.contains(address, 1));
        }
        assert_eq!(arena.lookup(small + 100), None);
        assert!(arena.is_accessible(small, 100) && !arena.is_accessible(small, 101));
        assert_eq!(arena.lookup(large).unwrap().purpose, Purpose::Managed);
    }

    #[test]
    fn a_budget_is_a_real_limit() {
        let arena = arena();
        let budget = Arc::new(Budget::new(10 << 20));
        let first = arena.allocate(8 << 20, Purpose::Device, Some(&budget)).unwrap();
        assert_eq!(arena.allocate(4 << 20, Purpose::Device, Some(&budget)), Err(OutOfMemory { bytes: 4 << 20 }));
        assert_eq!(budget.free_bytes(), 2 << 20);
        assert!(arena.free(first, &[Purpose::Device]).is_some());
        assert_eq!(budget.free_bytes(), 10 << 20);
        assert!(arena.allocate(10 << 20, Purpose::Device, Some(&budget)).is_ok());
        assert!(arena.allocate(u64::MAX, Purpose::Device, None).is_err());
    }

    #[test]
    fn only_the_base_of_an_allocation_of_the_right_purpose_can_be_freed() {
        let arena = arena();
        let base = arena.allocate(4096, Purpose::Host, None).unwrap();
        assert_eq!(arena.free(base + 1, &[Purpose::Host]), None);
        assert_eq!(arena.free(base, &[Purpose::Device]), None);
        assert_eq!(arena.free(base, &[Purpose::Device, Purpose::Host]).unwrap().bytes, 4096);
        assert_eq!(arena.free(base, &[Purpose::Host]), None);
    }

    /// Whether the system lets anybody read at an address.
    fn is_readable(address: u64) -> bool {
        let mut pipe = [0; 2];
        // SAFETY: room for two descriptors.
        assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
        // SAFETY: the kernel looks whether it may read there.
        let written = unsafe { libc::write(pipe[1], address as *const libc::c_void, 1) };
        // SAFETY: descriptors that were opened here.
        pipe.iter().for_each(|end| unsafe {
            libc::close(*end);
        });
        written == 1
    }

    #[test]
    fn what_is_accessible_goes_by_2_mib() {
        let arena = arena();
        let [first, second] = [(); 2].map(|()| arena.allocate(5000, Purpose::Device, None).unwrap());
        let large = arena.allocate((5 << 20) + 7, Purpose::Managed, None).unwrap();
        let own = arena.allocate(5000, Purpose::Internal, None).unwrap();
        let end = first - first % HUGE_PAGE + HUGE_PAGE;
        assert!([first, second + 9000, end - 1, large + (6 << 20) - 1].into_iter().all(is_readable));
        assert!(![end, large + (6 << 20), own + 8192].into_iter().any(is_readable));
        arena.free(first, &[Purpose::Device]).unwrap();
        assert!(is_readable(first), "there is another allocation in the same 2 MiB");
        arena.free(second, &[Purpose::Device]).unwrap();
        arena.free(large, &[Purpose::Managed]).unwrap();
        arena.free(own, &[Purpose::Internal]).unwrap();
        assert!(![first, second, large, own].into_iter().any(is_readable));
        assert!(is_readable(arena.allocate(5000, Purpose::Device, None).unwrap()));
    }

    #[test]
    fn where_mistakes_are_to_show_no_more_is_accessible_than_was_asked_for() {
        let arena = arena();
        arena.take_care(true, None);
        let [first, second] = [(); 2].map(|()| arena.allocate(5000, Purpose::Device, None).unwrap());
        let large = arena.allocate((5 << 20) + 7, Purpose::Managed, None).unwrap();
        assert!([first + 5000, second + 8191, large + (5 << 20) + 4095].into_iter().all(is_readable));
        assert!(![first + 8192, second + 8192, large + (5 << 20) + 4096].into_iter().any(is_readable));
        arena.free(first, &[Purpose::Device]).unwrap();
        assert!(!is_readable(first) && is_readable(second));
    }

    #[test]
    fn freed_memory_is_used_again_for_the_same_size() {
        let arena = arena();
        let first = arena.allocate(64 << 10, Purpose::Device, None).unwrap();
        arena.free(first, &[Purpose::Device]).unwrap();
        assert_eq!(arena.allocate(64 << 10, Purpose::Device, None).unwrap(), first);
    }

    #[test]
    fn a_message_names_the_nearest_allocation() {
        let arena = arena();
        let base = arena.allocate(4096, Purpose::Device, None).unwrap();
        let past = arena.diagnose(base + 4096 + 12);
        assert_eq!((past.allocation.unwrap().base, past.relation), (base, Relation::Past { bytes: 12 }));
        arena.free(base, &[Purpose::Device]).unwrap();
        let freed = arena.diagnose(base + 8);
        assert_eq!((freed.allocation.unwrap().base, freed.relation), (base, Relation::Freed { offset: 8 }));
    }

    #[test]
    fn host_ranges_are_registered_once() {
        let arena = arena();
        let memory = [0u8; 64];
        let address = memory.as_ptr() as u64;
        assert!(arena.register_host(address, 64));
        assert!(!arena.register_host(address + 63, 1) && !arena.register_host(address, 0));
        assert!(arena.is_accessible(address, 64) && !arena.is_accessible(address, 65));
        assert_eq!(arena.registered_host(address + 10), Some((address, 64)));
        assert_eq!((arena.unregister_host(address + 1), arena.unregister_host(address)), (None, Some(64)));
        assert!(!arena.register_host(arena.base(), 64));
    }

    #[test]
    fn many_small_allocations_can_be_made_and_freed_in_any_order() {
        let arena = arena();
        let bases: Vec<u64> =
            (0..20_000).map(|i| arena.allocate(1 + i % 9000, Purpose::Device, None).unwrap()).collect();
        for base in bases.iter().step_by(2).chain(bases.iter().skip(1).step_by(2)) {
            assert!(arena.free(*base, &[Purpose::Device]).is_some());
        }
    }
}
