//! Memory that lies close together, for what lives as long as the process and is looked at by calls far apart in time.
//!
//! A program that does a lot between two calls leaves neither the data nor the translations of their addresses in the processor's caches.
//! Each page then costs a walk through the page tables, which takes longer than most of what is done with what lies there. Here everything
//! lies in few large pages.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

/// What is taken from the system at a time: a large page.
const CHUNK_BYTES: usize = 2 << 20;
/// What asks for more than this gets memory of its own.
const BYTES_MAX: usize = CHUNK_BYTES / 2;

/// The part of the last chunk that nobody has yet.
struct Rest {
    at: usize,
    end: usize,
}

static REST: Mutex<Rest> = Mutex::new(Rest { at: 0, end: 0 });

/// Puts a value there, for good.
pub fn leak<T: 'static>(value: T) -> &'static T {
    let Some(place) = take(Layout::new::<T>()) else { return Box::leak(Box::new(value)) };
    let place = place.cast::<T>();
    // SAFETY: fresh memory of the type's size and alignment, which nobody else has or gives back.
    unsafe {
        place.write(value);
        place.as_ref()
    }
}

/// Puts so many values there, for good.
pub fn leak_slice<T: 'static>(count: usize, value: impl Fn() -> T) -> &'static [T] {
    let place = Layout::array::<T>(count).ok().filter(|layout| layout.size() > 0).and_then(take);
    let Some(place) = place else { return Box::leak((0..count).map(|_| value()).collect()) };
    let place = place.cast::<T>();
    // SAFETY: as above, for an array.
    unsafe {
        (0..count).for_each(|index| place.add(index).write(value()));
        NonNull::slice_from_raw_parts(place, count).as_ref()
    }
}

/// Puts room for so many values there, for good. Its memory is taken from the system when it is first used, if it is more than fits into a large page.
pub fn leak_uninit<T: 'static>(count: usize) -> &'static mut [MaybeUninit<T>] {
    let place = Layout::array::<T>(count).ok().filter(|layout| layout.size() > 0).and_then(take);
    let Some(place) = place else { return Box::leak(Box::new_uninit_slice(count)) };
    // SAFETY: fresh memory of the type's size and alignment, which nobody else has or gives back.
    unsafe { NonNull::slice_from_raw_parts(place.cast(), count).as_mut() }
}

/// Memory from the last chunk, or from a new one. `None` where there is none, or too much is asked for.
fn take(layout: Layout) -> Option<NonNull<u8>> {
    if layout.size() > BYTES_MAX || layout.align() > 4096 {
        return None;
    }
    let mut rest = REST.lock().unwrap_or_else(PoisonError::into_inner);
    let mut at = rest.at.next_multiple_of(layout.align());
    if rest.at == 0 || at + layout.size() > rest.end {
        let chunk = chunk()?;
        (at, rest.end) = (chunk, chunk + CHUNK_BYTES);
    }
    rest.at = at + layout.size();
    NonNull::new(ptr::with_exposed_provenance_mut(at))
}

/// A new chunk: its address, which is that of a large page.
fn chunk() -> Option<usize> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: fresh memory; what is unmapped are parts of it that nobody has seen.
    unsafe {
        let all = libc::mmap(ptr::null_mut(), 2 * CHUNK_BYTES, protection, flags, -1, 0);
        if all == libc::MAP_FAILED {
            return None;
        }
        let start = all.expose_provenance();
        let chunk = start.next_multiple_of(CHUNK_BYTES);
        let (before, after) = (chunk - start, CHUNK_BYTES - (chunk - start));
        if before > 0 {
            libc::munmap(all, before);
        }
        if after > 0 {
            libc::munmap(all.byte_add(before + CHUNK_BYTES), after);
        }
        // Where the system has no large pages, small ones do.
        libc::madvise(all.byte_add(before), CHUNK_BYTES, libc::MADV_HUGEPAGE);
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_close_together_and_apart() {
        let (a, b) = (leak(7_u64), leak([1_u8; 3]));
        let c = leak_slice(1000, || 9_u32);
        let d = leak(8_u64);
        assert_eq!((*a, *b, c.iter().sum::<u32>(), *d), (7, [1; 3], 9000, 8));
        assert!(ptr::from_ref(d).addr() - ptr::from_ref(a).addr() < 8192);
        assert!(ptr::from_ref(d).is_aligned());
        assert_eq!(leak_slice(CHUNK_BYTES, || 1_u8).len(), CHUNK_BYTES);
        assert!(leak_slice(0, || 1_u8).is_empty());
    }

    #[test]
    fn threads_get_places_of_their_own() {
        let values: Vec<&usize> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|n| scope.spawn(move || (0..5000).map(|m| leak(n * 5000 + m)).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(values.iter().enumerate().all(|(index, value)| **value == index));
    }
}
