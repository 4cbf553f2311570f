//! Where values lie in a function's stack frame.

use std::collections::HashMap;

use iced_x86::Register;

use super::assembler::Place;
use super::source::alignment;

/// The part of a frame that holds values, from the stack pointer up.
pub struct Frame {
    end: u32,
    /// Places given back, by their size.
    free: HashMap<u32, Vec<u32>>,
}

impl Frame {
    /// A frame with `outgoing` bytes for arguments of calls at its beginning.
    pub fn new(outgoing: u32) -> Self {
        Self { end: outgoing.next_multiple_of(64), free: HashMap::new() }
    }

    /// A place of so many bytes.
    pub fn take(&mut self, bytes: u32) -> Place {
        let at = match self.free.get_mut(&bytes).and_then(Vec::pop) {
            Some(at) => at,
            None => {
                let at = self.end.next_multiple_of(alignment(bytes));
                self.end = at + bytes;
                at
            }
        };
        Place { base: Register::RSP, at: at as i32 }
    }

    /// Gives a place back.
    pub fn give(&mut self, place: Place, bytes: u32) {
        self.free.entry(bytes).or_default().push(place.at as u32);
    }

    /// Bytes of the frame.
    pub fn bytes(&self) -> u32 {
        self.end.next_multiple_of(64)
    }
}
