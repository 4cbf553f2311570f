//! C pointers become references, or an error code.
//!
//! Rust's references promise more than C's pointers do: not null, aligned, and `&mut` alone in its place. Null is
//! refused with `CUDA_ERROR_INVALID_VALUE` where the API does not allow it. The other two do no harm in C
//! (`cuMemGetInfo(&x, &x)`; NVIDIA's driver takes misaligned pointers), so an argument that is misaligned, or that
//! overlaps an earlier one, is worked on in a copy, which is written back after the call.

use core::ffi::{CStr, c_char};
use cuda_abi::CUresult;

/// Most pointer arguments that one function of the API has; a unit test compares it with the table.
pub const POINTERS_MAX: usize = 8;

/// The memory that the references of one call cover.
#[derive(Default)]
pub struct Ranges {
    /// Start and end addresses; an entry that is not used yet is empty.
    taken: [(usize, usize); POINTERS_MAX],
    count: usize,
}

impl Ranges {
    /// Takes a range. Returns whether it overlaps one that is taken already.
    fn take(&mut self, start: usize, size: usize) -> bool {
        let end = start + size;
        let overlaps = self.taken[..self.count].iter().any(|taken| start < taken.1 && taken.0 < end);
        if self.count < POINTERS_MAX {
            self.taken[self.count] = (start, end);
            self.count += 1;
        }
        overlaps
    }
}

/// An argument that C passes by pointer.
pub struct Slot<T> {
    target: *mut T,
    /// Stands in for the target where that is misaligned or overlaps another argument.
    copy: Option<T>,
}

impl<T: Copy> Slot<T> {
    /// Admits a pointer that must not be null.
    ///
    /// # Safety
    /// `target` is null, or else valid for reads and writes of a `T` (reads only, if [`get_mut`] and [`finish`] are not
    /// called) until the slot is dropped. It need not be aligned.
    ///
    /// [`get_mut`]: Slot::get_mut
    /// [`finish`]: Slot::finish
    #[inline(always)]
    pub unsafe fn required(target: *mut T, ranges: &mut Ranges) -> Result<Slot<T>, CUresult> {
        if target.is_null() {
            return Err(CUresult::CUDA_ERROR_INVALID_VALUE);
        }
        // SAFETY: the caller's promise is the same.
        unsafe { Slot::optional(target, ranges) }
    }

    /// Admits a pointer that may be null.
    ///
    /// # Safety
    /// As [`required`](Slot::required).
    #[inline(always)]
    pub unsafe fn optional(target: *mut T, ranges: &mut Ranges) -> Result<Slot<T>, CUresult> {
        if target.is_null() {
            return Ok(Slot { target, copy: None });
        }
        let needs_copy = ranges.take(target.addr(), size_of::<T>()) || !target.is_aligned();
        // SAFETY: not null, so the caller promises that it is readable.
        let copy = needs_copy.then(|| unsafe { target.read_unaligned() });
        Ok(Slot { target, copy })
    }

    /// The argument, for a pointer that was required.
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut T {
        match &mut self.copy {
            Some(copy) => copy,
            // SAFETY: not null, since `required` or the caller in here has looked; valid by the caller's promise;
            // aligned and covered by no other slot of the call, or this one would have a copy.
            None => unsafe { &mut *self.target },
        }
    }

    /// The argument, or nothing for a null pointer.
    #[inline(always)]
    pub fn get_mut_opt(&mut self) -> Option<&mut T> {
        if self.target.is_null() { None } else { Some(self.get_mut()) }
    }

    /// The argument, for a pointer that was required.
    #[inline(always)]
    pub fn get(&self) -> &T {
        match &self.copy {
            Some(copy) => copy,
            // SAFETY: as in `get_mut`; memory that is only read may be shared.
            None => unsafe { &*self.target },
        }
    }

    /// The argument, or nothing for a null pointer.
    #[inline(always)]
    pub fn get_opt(&self) -> Option<&T> {
        if self.target.is_null() { None } else { Some(self.get()) }
    }

    /// Writes the copy back, if there is one. To be called in the order of the arguments, after the call.
    #[inline(always)]
    pub fn finish(self) {
        if let Some(copy) = self.copy {
            // SAFETY: a slot with a copy has a target that is not null, which the caller has promised to be writable.
            unsafe { self.target.write_unaligned(copy) };
        }
    }
}

/// Admits text that must not be null.
///
/// # Safety
/// `text` is null or points to a string that ends with a null byte and outlives the call.
#[inline(always)]
pub unsafe fn text<'a>(text: *const c_char) -> Result<&'a CStr, CUresult> {
    // SAFETY: the caller's promise is the same.
    unsafe { text_opt(text) }.ok_or(CUresult::CUDA_ERROR_INVALID_VALUE)
}

/// Admits text that may be null.
///
/// # Safety
/// As [`text`].
#[inline(always)]
pub unsafe fn text_opt<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: not null, so the caller promises a string.
    if text.is_null() { None } else { Some(unsafe { CStr::from_ptr(text) }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_refused_where_it_must_be() {
        let mut ranges = Ranges::default();
        // SAFETY: null pointers are part of the contract.
        unsafe {
            assert!(Slot::<u64>::required(core::ptr::null_mut(), &mut ranges).is_err());
            assert!(Slot::<u64>::optional(core::ptr::null_mut(), &mut ranges).unwrap().get_mut_opt().is_none());
        }
    }

    #[test]
    fn misaligned_memory_is_written() {
        let mut words = [0u64; 2];
        let mut ranges = Ranges::default();
        // SAFETY: eight bytes from the fourth on lie inside of the array.
        let mut slot = unsafe { Slot::<u64>::required(words.as_mut_ptr().byte_add(4), &mut ranges).unwrap() };
        *slot.get_mut() = u64::MAX;
        slot.finish();
        assert_eq!(words, [0xffff_ffff_0000_0000, 0x0000_0000_ffff_ffff]);
    }

    #[test]
    fn the_same_memory_twice_gets_the_last_write_and_no_aliasing() {
        let mut value = 1u64;
        let pointer = &raw mut value;
        let mut ranges = Ranges::default();
        // SAFETY: the pointer is valid for the whole test.
        let (mut first, mut second) =
            unsafe { (Slot::required(pointer, &mut ranges).unwrap(), Slot::required(pointer, &mut ranges).unwrap()) };
        *first.get_mut() = 2;
        assert_eq!(*second.get(), 1);
        *second.get_mut() = 3;
        first.finish();
        second.finish();
        assert_eq!(value, 3);
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let mut ranges = Ranges::default();
        assert!(!ranges.take(0x1000, 8));
        assert!(!ranges.take(0x1008, 8));
        assert!(ranges.take(0x1004, 8));
        assert!(ranges.take(0x0ff0, 0x100));
    }
}
