//! Values in vector registers, for as long as a block of code lasts.
//!
//! A register holds what belongs at 64 bytes of a frame or of the constants. What an instruction computes is kept in a register and stored only when the
//! register is needed for something else, when an instruction wants it in memory, or when the block ends and others use it: most
//! values are never stored.
//!
//! *Invariant:* an address is held by one register at most; a register that is not stored is the only place of its value.

use iced_x86::{Code, Register};

use super::assembler::{Assembler, Place};

/// The registers: all but those that instructions use by name.
const COUNT: usize = 27;

#[derive(Clone, Copy)]
struct Held {
    place: Place,
    /// Whether memory does not have it yet.
    is_newer: bool,
}

/// What vector registers hold.
pub struct Registers {
    held: [Option<Held>; COUNT],
    /// When each was used last.
    used: [u64; COUNT],
    now: u64,
}

impl Default for Registers {
    fn default() -> Self {
        Self { held: [None; COUNT], used: [0; COUNT], now: 0 }
    }
}

fn register(index: usize) -> Register {
    // 16 to 20 have names of their own.
    Register::ZMM0 + if index < 16 { index as u32 } else { index as u32 + 5 }
}

/// Whether 64 bytes at a place meet so many at another.
fn meets(held: Place, place: Place, bytes: u32) -> bool {
    held.base == place.base && held.at < place.at + bytes as i32 && place.at < held.at + 64
}

impl Registers {
    fn touch(&mut self, index: usize) -> Register {
        self.now += 1;
        self.used[index] = self.now;
        register(index)
    }

    fn find(&self, place: Place) -> Option<usize> {
        self.held.iter().position(|held| held.is_some_and(|held| held.place == place))
    }

    /// A register that holds nothing, or has not been used for longest.
    fn free(&mut self, asm: &mut Assembler) -> usize {
        let oldest = (0..COUNT).min_by_key(|index| (self.held[*index].is_some(), self.used[*index]));
        let index = oldest.expect("there are registers");
        self.store(asm, index);
        self.held[index] = None;
        index
    }

    fn store(&mut self, asm: &mut Assembler, index: usize) {
        if let Some(held) = &mut self.held[index]
            && held.is_newer
        {
            held.is_newer = false;
            asm.mr(Code::EVEX_Vmovdqu64_zmmm512_k1z_zmm, held.place.operand(), register(index));
        }
    }

    /// The register that holds what lies at a place, which is loaded if none does. It stays as it is while four others are asked for.
    pub fn read(&mut self, asm: &mut Assembler, place: Place) -> Register {
        if let Some(index) = self.find(place) {
            return self.touch(index);
        }
        let index = self.free(asm);
        self.held[index] = Some(Held { place, is_newer: false });
        asm.rm(Code::EVEX_Vmovdqu64_zmm_k1z_zmmm512, register(index), place.operand());
        self.touch(index)
    }

    /// A register for what is to lie at a place.
    pub fn write(&mut self, asm: &mut Assembler, place: Place) -> Register {
        let index = match self.find(place) {
            Some(index) => index,
            None => self.free(asm),
        };
        self.held[index] = Some(Held { place, is_newer: true });
        self.touch(index)
    }

    /// Makes memory have what lies at so many bytes.
    pub fn settle(&mut self, asm: &mut Assembler, place: Place, bytes: u32) {
        for index in 0..COUNT {
            if self.held[index].is_some_and(|held| meets(held.place, place, bytes)) {
                self.store(asm, index);
            }
        }
    }

    /// Forgets what lies at so many bytes: nobody wants it any more, or memory has something newer.
    pub fn forget(&mut self, place: Place, bytes: u32) {
        for held in &mut self.held {
            if held.is_some_and(|held| meets(held.place, place, bytes)) {
                *held = None;
            }
        }
    }

    /// Makes memory have everything, and registers nothing.
    pub fn leave(&mut self, asm: &mut Assembler) {
        for index in 0..COUNT {
            self.store(asm, index);
        }
        self.held = [None; COUNT];
    }
}
