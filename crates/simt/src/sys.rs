//! Anonymous memory mappings.

use std::io;
use std::ptr;

/// Bytes of a page of the host.
pub(crate) const PAGE: u64 = 4096;
/// Bytes of a huge page of the host.
pub(crate) const HUGE_PAGE: u64 = 2 << 20;

/// Rounds up to a multiple of a power of two; `None` when that does not fit.
pub(crate) const fn align_up(value: u64, align: u64) -> Option<u64> {
    match value.checked_add(align - 1) {
        Some(sum) => Some(sum & !(align - 1)),
        None => None,
    }
}

/// An address range of its own, released on drop. Nothing in it can be touched until it is [committed](Mapping::commit).
#[derive(Debug)]
pub(crate) struct Mapping {
    base: u64,
    bytes: u64,
}

impl Mapping {
    /// Reserves `bytes` (a multiple of the page size) at an address that is a multiple of `align`.
    pub(crate) fn reserve(bytes: u64, align: u64) -> io::Result<Mapping> {
        let padded = bytes.checked_add(align).ok_or(io::ErrorKind::OutOfMemory)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { libc::mmap(ptr::null_mut(), padded as usize, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = start as u64;
        let base = (start + align - 1) & !(align - 1);
        unmap(start, base - start);
        unmap(base + bytes, start + padded - base - bytes);
        Ok(Mapping { base, bytes })
    }

    /// First address.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes pages of the range readable and writable. New pages read as zero.
    pub(crate) fn commit(&self, start: u64, bytes: u64) -> io::Result<()> {
        self.protect(start, bytes, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Makes every access to pages of the range fault; what they hold is kept.
    pub(crate) fn protect_none(&self, start: u64, bytes: u64) -> io::Result<()> {
        self.protect(start, bytes, libc::PROT_NONE)
    }

    fn protect(&self, start: u64, bytes: u64, protection: libc::c_int) -> io::Result<()> {
        self.check(start, bytes);
        // SAFETY: the pages belong to this mapping, and who uses them is the owner's business.
        let status = unsafe { libc::mprotect(start as *mut libc::c_void, bytes as usize, protection) };
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Gives the memory behind pages back to the system; they read as zero afterwards.
    pub(crate) fn discard(&self, start: u64, bytes: u64) {
        self.advise(start, bytes, libc::MADV_DONTNEED);
    }

    /// Asks for huge pages. A wish: where the system refuses, ordinary pages do.
    pub(crate) fn prefer_huge_pages(&self, start: u64, bytes: u64) {
        self.advise(start, bytes, libc::MADV_HUGEPAGE);
    }

    fn advise(&self, start: u64, bytes: u64, advice: libc::c_int) {
        self.check(start, bytes);
        // SAFETY: the pages belong to this mapping; both pieces of advice in use leave it valid.
        unsafe { libc::madvise(start as *mut libc::c_void, bytes as usize, advice) };
    }

    fn check(&self, start: u64, bytes: u64) {
        assert!(
            start >= self.base && bytes <= self.bytes && start - self.base <= self.bytes - bytes,
            "pages outside of the mapping"
        );
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        unmap(self.base, self.bytes);
    }
}

fn unmap(start: u64, bytes: u64) {
    if bytes > 0 {
        // SAFETY: called for parts of a mapping that its owner gives up.
        unsafe { libc::munmap(start as *mut libc::c_void, bytes as usize) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_are_aligned_and_usable_once_committed() {
        let mapping = Mapping::reserve(8 * HUGE_PAGE, HUGE_PAGE).unwrap();
        assert_eq!(mapping.base() % HUGE_PAGE, 0);
        let page = mapping.base() + 3 * PAGE;
        mapping.commit(page, PAGE).unwrap();
        // SAFETY: the page was committed above and belongs to this test.
        unsafe { *(page as *mut u64) = 7 };
        mapping.discard(page, PAGE);
        // SAFETY: as above.
        assert_eq!(unsafe { *(page as *const u64) }, 0);
    }

    #[test]
    fn rounding() {
        assert_eq!(align_up(1, 64), Some(64));
        assert_eq!(align_up(64, 64), Some(64));
        assert_eq!(align_up(u64::MAX, 64), None);
    }
}
