//! `vprintf` of kernels: the formatter of the reference interpreter, on the memory of the device.

use simt_interp::printf;

/// Longest string that is read.
const STRING_MAX: u64 = 1 << 20;

/// What the engine calls (`simt::Formatter`).
pub(crate) fn format(format: u64, arguments: u64, readable: &dyn Fn(u64, u64) -> bool, text: &mut Vec<u8>) -> i32 {
    let Some(format) = string_at(format, readable) else { return -1 };
    let output = printf::format(&format, &mut Arguments { next: arguments, readable });
    text.extend_from_slice(&output.text);
    i32::try_from(output.arguments).unwrap_or(i32::MAX)
}

/// CUDA's packed buffer: each argument aligned to its size.
struct Arguments<'a> {
    next: u64,
    readable: &'a dyn Fn(u64, u64) -> bool,
}

impl printf::Arguments for Arguments<'_> {
    fn next(&mut self, size: u32) -> Option<u64> {
        let bytes = u64::from(size);
        let address = self.next.checked_next_multiple_of(bytes.max(1))?;
        self.next = address.checked_add(bytes)?;
        if !(self.readable)(address, bytes) {
            return None;
        }
        // SAFETY: the engine has said that the bytes can be read; the address is aligned.
        unsafe {
            match size {
                4 => Some(u64::from(*(address as *const u32))),
                8 => Some(*(address as *const u64)),
                _ => None,
            }
        }
    }

    fn string(&mut self, address: u64) -> Option<Vec<u8>> {
        string_at(address, self.readable)
    }
}

/// The zero-ended string at an address, if it can be read.
fn string_at(address: u64, readable: &dyn Fn(u64, u64) -> bool) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for at in address..address.checked_add(STRING_MAX)? {
        // Most strings lie in one allocation, but where it ends is not known beforehand.
        if at == 0 || !readable(at, 1) {
            return None;
        }
        // SAFETY: the engine has said that the byte can be read.
        match unsafe { *(at as *const u8) } {
            0 => return Some(text),
            byte => text.push(byte),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_from_memory() {
        let (pi, name) = (3.25f64, c"lane");
        let buffer = [7u64, pi.to_bits(), name.as_ptr() as u64];
        let mut text = Vec::new();
        let used = format(c"%d %.2f %s\n".as_ptr() as u64, buffer.as_ptr() as u64, &|_, _| true, &mut text);
        assert_eq!((text.as_slice(), used), (b"7 3.25 lane\n".as_slice(), 3));
        assert_eq!(format(0, 0, &|_, _| true, &mut text), -1);
        assert_eq!(format(64, 0, &|_, _| false, &mut text), -1);
    }
}
