//! The ring of a stream: records of different lengths, written by one producer at a time, read by one consumer at a time.
//!
//! A record stays where it is until its command is complete, so that a kernel reads its parameters from the ring.

use super::command::Command;
use crate::sys::{Mapping, PAGE};
use std::cell::Cell;
use std::io;
use std::mem::{size_of, take};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a ring: about 1 500 launches with few parameters, or eight with the most there can be.
pub(crate) const RING_BYTES: u64 = 256 << 10;

/// Records begin at multiples of this.
const RECORD_ALIGN: u64 = 64;

/// How far ahead of the producer cache lines are asked for: about eight launches with few parameters.
const CLAIMED_AHEAD: u64 = 1024;

#[repr(C, align(64))]
struct Record {
    /// Size with parameters, a multiple of [`RECORD_ALIGN`].
    bytes: u32,
    command: Command,
}

/// A value with a cache line of its own.
#[repr(align(128))]
#[derive(Debug, Default)]
pub(crate) struct Padded<T>(pub(crate) T);

pub(crate) struct Ring {
    memory: Mapping,
    /// Bytes ever consumed.
    head: Padded<AtomicU64>,
    /// Bytes ever written; only used by the producer.
    tail: Cell<u64>,
    /// A recent value of `head`; only used by the producer.
    head_seen: Cell<u64>,
}

// SAFETY: the cells are only used by the producer's methods, and the records between head and tail only by the consumer's. Who
// calls them promises that there is one of each at a time. Commands are `Send`.
unsafe impl Sync for Ring {}
// SAFETY: the ring owns its memory.
unsafe impl Send for Ring {}

impl Ring {
    pub(crate) fn new() -> io::Result<Ring> {
        let memory = Mapping::reserve(RING_BYTES, PAGE)?;
        memory.commit(memory.base(), RING_BYTES)?;
        Ok(Ring { memory, head: Padded::default(), tail: Cell::new(0), head_seen: Cell::new(0) })
    }

    /// Finds room for a record with so many bytes of parameters, if there is any.
    ///
    /// # Safety
    /// The caller is the only producer.
    #[inline]
    pub(crate) unsafe fn reserve(&self, parameter_bytes: usize) -> Option<Room<'_>> {
        let bytes = Self::record_bytes(parameter_bytes);
        let tail = self.tail.get();
        let left_to_end = RING_BYTES - tail % RING_BYTES;
        let skipped = if bytes > left_to_end { left_to_end } else { 0 };
        let end = tail + skipped + bytes;
        if end - self.head_seen.get() > RING_BYTES {
            self.head_seen.set(self.head.0.load(Ordering::Acquire));
            if end - self.head_seen.get() > RING_BYTES {
                return None;
            }
        }
        if skipped > 0 {
            // SAFETY: the space up to the end of the ring is free, and large enough: sizes are multiples of 64.
            unsafe { self.record(tail).write(Record { bytes: skipped as u32, command: Command::Skip }) };
        }
        Some(Room { ring: self, start: tail + skipped, bytes: bytes as u32 })
    }

    /// Asks for the cache lines of records to come, for writing. The consumer's core has them from the last time round, and
    /// to wait for each of them when it is written would take longer than everything else in a launch.
    fn claim_ahead(&self, tail: u64) {
        for line in 0..2 {
            let ahead = self.record(tail + CLAIMED_AHEAD + line * RECORD_ALIGN);
            // SAFETY: the instruction changes no memory and no register; processors without it do nothing.
            unsafe { core::arch::asm!("prefetchw [{}]", in(reg) ahead, options(nostack, preserves_flags)) };
        }
    }

    /// Whether a record with so many bytes of parameters has room after `tail`. Any thread may ask.
    pub(crate) fn has_room(&self, tail: u64, parameter_bytes: usize) -> bool {
        // Counting the most that can be skipped at the end of the ring. The head may be past what the caller took for the tail: other
        // threads have written since, and all of that is consumed.
        let end = tail + 2 * Self::record_bytes(parameter_bytes);
        end.saturating_sub(self.head.0.load(Ordering::Acquire)) <= RING_BYTES
    }

    /// Bytes ever written.
    ///
    /// # Safety
    /// The caller is the only producer.
    pub(crate) unsafe fn tail(&self) -> u64 {
        self.tail.get()
    }

    /// The oldest command and its parameters.
    ///
    /// # Safety
    /// The caller is the only consumer, has seen that a command is there, and lets go of the reference before
    /// [`pop`](Ring::pop).
    #[allow(clippy::mut_from_ref, reason = "the consumer owns the records between head and tail")]
    pub(crate) unsafe fn front(&self) -> (&mut Command, *const u8) {
        loop {
            let head = self.head.0.load(Ordering::Relaxed);
            // SAFETY: a complete record begins at the head, as the caller knows.
            let record = unsafe { &mut *self.record(head) };
            if !matches!(record.command, Command::Skip) {
                let parameters = (&raw const *record).wrapping_add(1).cast::<u8>();
                return (&mut record.command, parameters);
            }
            self.head.0.store(head + u64::from(record.bytes), Ordering::Release);
        }
    }

    /// Drops the oldest command and gives its space to the producer.
    ///
    /// # Safety
    /// As for [`front`](Ring::front), which has been called.
    pub(crate) unsafe fn pop(&self) {
        let head = self.head.0.load(Ordering::Relaxed);
        let record = self.record(head);
        // SAFETY: the record at the head is complete and the consumer's; it is not used again.
        let bytes = unsafe {
            ptr::drop_in_place(&raw mut (*record).command);
            (*record).bytes
        };
        self.head.0.store(head + u64::from(bytes), Ordering::Release);
    }

    fn record(&self, position: u64) -> *mut Record {
        (self.memory.base() + position % RING_BYTES) as *mut Record
    }

    fn record_bytes(parameter_bytes: usize) -> u64 {
        (size_of::<Record>() as u64 + parameter_bytes as u64).next_multiple_of(RECORD_ALIGN)
    }
}

/// Room for one record.
pub(crate) struct Room<'a> {
    ring: &'a Ring,
    start: u64,
    bytes: u32,
}

impl Room<'_> {
    /// Writes the record. The caller makes it known to the consumer afterwards with release ordering.
    ///
    /// # Safety
    /// The caller is the only producer, and has reserved nothing else since; there are as many bytes of parameters as the room was made for.
    // Inlined for the same reason as `Stream::push`.
    #[inline(always)]
    pub(crate) unsafe fn write(self, command: impl FnOnce() -> Command, parameters: &[u8]) {
        debug_assert_eq!(u64::from(self.bytes), Ring::record_bytes(parameters.len()));
        let record = self.ring.record(self.start);
        // SAFETY: `bytes` bytes from here on are free.
        unsafe {
            // The command is made here and not written as a part of the record, so that each of its numbers goes to its place at
            // once. Put together on the stack and copied from there in larger pieces, it would wait until it is in the cache.
            (&raw mut (*record).bytes).write(self.bytes);
            (&raw mut (*record).command).write(command());
            if !parameters.is_empty() {
                ptr::copy_nonoverlapping(parameters.as_ptr(), record.add(1).cast::<u8>(), parameters.len());
            }
        }
        let end = self.start + u64::from(self.bytes);
        self.ring.tail.set(end);
        self.ring.claim_ahead(end);
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let tail = self.tail.get();
        while *self.head.0.get_mut() < tail {
            // SAFETY: `&mut self`: no producer, no consumer; records up to the tail are complete.
            unsafe {
                let (command, _) = self.front();
                drop(take(command));
                self.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn operation(counter: &Arc<AtomicU64>) -> Command {
        let counter = counter.clone();
        Command::Operation(Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }))
    }

    #[test]
    fn a_tail_that_others_have_left_behind_has_room() {
        let ring = Ring::new().unwrap();
        let ran = Arc::new(AtomicU64::new(0));
        // SAFETY: this test is the only producer and the only consumer.
        unsafe {
            for _ in 0..20 {
                ring.reserve(0).expect("an empty ring has room").write(|| operation(&ran), &[]);
                ring.front();
                ring.pop();
            }
        }
        assert!(ring.has_room(0, 0));
    }

    #[test]
    fn a_record_without_parameters_is_a_cache_line() {
        assert_eq!(size_of::<Record>(), 64);
    }

    #[test]
    fn records_keep_their_order_and_parameters_across_the_end() {
        let ring = Ring::new().unwrap();
        let ran = Arc::new(AtomicU64::new(0));
        let (mut written, mut read) = (0u64, 0u64);
        while read < 5_000 {
            let parameters = vec![written as u8; (written * 37 % 5000) as usize];
            // SAFETY: this test is the only producer and the only consumer.
            unsafe {
                if let Some(room) = ring.reserve(parameters.len()) {
                    room.write(|| operation(&ran), &parameters);
                    written += 1;
                    continue;
                }
                for _ in 0..7 {
                    let (command, parameters) = ring.front();
                    let length = (read * 37 % 5000) as usize;
                    let parameters = std::slice::from_raw_parts(parameters, length);
                    assert!(parameters.iter().all(|&byte| byte == read as u8));
                    assert_eq!(parameters.as_ptr() as u64 % RECORD_ALIGN, 0);
                    let Command::Operation(run) = take(command) else { panic!("an operation was pushed") };
                    run();
                    ring.pop();
                    read += 1;
                }
            }
        }
        assert_eq!(ran.load(Ordering::Relaxed), read);
        drop(ring);
        assert_eq!(Arc::strong_count(&ran), 1, "commands that never ran are dropped");
    }
}
