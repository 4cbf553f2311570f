//! Machine code as a list of instructions and jumps, and its encoding.

use std::collections::HashMap;

use iced_x86::{Code, Encoder, IcedError, Instruction, MemoryOperand, Register};

use super::Unsupported;

/// A place that code can jump to, or a function that it can call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(u32);

/// When to jump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    Always,
    /// As the processor numbers its conditions.
    Condition(u8),
}

/// The processor's conditions.
pub mod condition {
    pub const BELOW: u8 = 2;
    pub const NOT_BELOW: u8 = 3;
    pub const EQUAL: u8 = 4;
    pub const NOT_EQUAL: u8 = 5;
    pub const NOT_ABOVE: u8 = 6;
    pub const ABOVE: u8 = 7;
    pub const LESS: u8 = 12;
    pub const NOT_LESS: u8 = 13;
    pub const NOT_GREATER: u8 = 14;
    pub const GREATER: u8 = 15;
}

enum Item {
    Instruction(Instruction),
    Label(Label),
    Jump(When, Label),
    Call(Label),
    /// Puts the address of the constants into a register.
    Constants(Register),
}

/// Bytes that the constants are aligned to, and with them the code.
const ALIGNMENT: usize = 64;

/// A place in memory that holds a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub base: Register,
    pub at: i32,
}

impl Place {
    pub fn plus(self, bytes: u32) -> Self {
        Self { at: self.at + bytes as i32, ..self }
    }

    pub fn operand(self) -> MemoryOperand {
        MemoryOperand::with_base_displ(self.base, i64::from(self.at))
    }

    /// With an index of so many bytes a step.
    pub fn indexed(self, index: Register, scale: u32) -> MemoryOperand {
        MemoryOperand::new(self.base, index, scale, i64::from(self.at), 1, false, Register::None)
    }
}

/// The register that points to the constants.
pub const POOL: Register = Register::RBX;

/// Code of a module under way.
#[derive(Default)]
pub struct Assembler {
    items: Vec<Item>,
    labels: u32,
    pool: Vec<u8>,
    known: HashMap<Vec<u8>, i32>,
    failed: Option<IcedError>,
}

impl Assembler {
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    pub fn bind(&mut self, label: Label) {
        self.items.push(Item::Label(label));
    }

    pub fn jump(&mut self, when: When, to: Label) {
        self.items.push(Item::Jump(when, to));
    }

    pub fn call(&mut self, function: Label) {
        self.items.push(Item::Call(function));
    }

    /// Points [`POOL`] to the constants.
    pub fn find_pool(&mut self) {
        self.items.push(Item::Constants(POOL));
    }

    pub fn push(&mut self, instruction: Result<Instruction, IcedError>) {
        match instruction {
            Ok(instruction) => self.items.push(Item::Instruction(instruction)),
            Err(error) => self.failed = self.failed.take().or(Some(error)),
        }
    }

    /// As many items as there are now.
    pub fn position(&self) -> usize {
        self.items.len()
    }

    /// Moves what was added after `from` to `to`, which comes before it.
    pub fn move_back(&mut self, from: usize, to: usize) {
        let moved = self.items.len() - from;
        self.items[to..].rotate_right(moved);
    }

    pub fn plain(&mut self, code: Code) {
        self.push(Ok(Instruction::with(code)));
    }

    /// One register.
    pub fn r(&mut self, code: Code, a: Register) {
        self.push(Instruction::with1(code, a));
    }

    /// Two registers.
    pub fn rr(&mut self, code: Code, a: Register, b: Register) {
        self.push(Instruction::with2(code, a, b));
    }

    /// From memory.
    pub fn rm(&mut self, code: Code, to: Register, from: MemoryOperand) {
        self.push(Instruction::with2(code, to, from));
    }

    /// To memory.
    pub fn mr(&mut self, code: Code, to: MemoryOperand, from: Register) {
        self.push(Instruction::with2(code, to, from));
    }

    /// A register and a number.
    pub fn ri(&mut self, code: Code, a: Register, number: i32) {
        self.push(Instruction::with2(code, a, number));
    }

    /// A shift of a register by a number.
    pub fn shift(&mut self, code: Code, a: Register, number: u32) {
        if number > 0 {
            self.push(Instruction::with2(code, a, number));
        }
    }

    /// Three registers.
    pub fn rrr(&mut self, code: Code, to: Register, a: Register, b: Register) {
        self.push(Instruction::with3(code, to, a, b));
    }

    /// Two registers and memory.
    pub fn rrm(&mut self, code: Code, to: Register, a: Register, b: MemoryOperand) {
        self.push(Instruction::with3(code, to, a, b));
    }

    /// Three registers and a number.
    pub fn rrri(&mut self, code: Code, to: Register, a: Register, b: Register, number: u32) {
        self.push(Instruction::with4(code, to, a, b, number));
    }

    /// Two registers and a number.
    pub fn rri(&mut self, code: Code, to: Register, a: Register, number: u32) {
        self.push(Instruction::with3(code, to, a, number));
    }

    /// An instruction of which lanes that `mask` does not have stay as they are, or become zero.
    pub fn masked(&mut self, instruction: Result<Instruction, IcedError>, mask: Register, zeroing: bool) {
        self.push(instruction.map(|mut instruction| {
            instruction.set_op_mask(mask);
            instruction.set_zeroing_masking(zeroing);
            instruction
        }));
    }

    /// A number in a register of 64 bits.
    pub fn number(&mut self, to: Register, number: u64) {
        match u32::try_from(number) {
            Ok(short) => self.push(Instruction::with2(Code::Mov_r32_imm32, to.full_register32(), short)),
            Err(_) => self.push(Instruction::with2(Code::Mov_r64_imm64, to, number)),
        }
    }

    /// Constants in memory.
    pub fn constant(&mut self, bytes: Vec<u8>) -> Place {
        let at = match self.known.get(&bytes) {
            Some(at) => *at,
            None => {
                let align = if bytes.len().is_multiple_of(ALIGNMENT) { ALIGNMENT } else { 8 };
                self.pool.resize(self.pool.len().next_multiple_of(align), 0);
                let at = self.pool.len() as i32;
                self.pool.extend_from_slice(&bytes);
                self.known.insert(bytes, at);
                at
            }
        };
        Place { base: POOL, at }
    }

    /// Constants and code, and where the code of `entry` begins.
    pub fn finish(mut self, entry: Label) -> Result<(Vec<u8>, usize), Unsupported> {
        if self.failed.is_some() {
            return Err(Unsupported("an instruction's operands"));
        }
        self.pool.resize(self.pool.len().next_multiple_of(ALIGNMENT), 0);
        let start = self.pool.len();
        let mut encoder = Encoder::new(64);
        let mut places = vec![0usize; self.labels as usize];
        let mut open: Vec<(usize, Label)> = Vec::new();
        let mut at = start;
        for item in &self.items {
            at += match item {
                Item::Instruction(instruction) => encoder
                    .encode(instruction, at as u64)
                    .map_err(|_| Unsupported("an instruction's operands"))?,
                Item::Label(label) => {
                    places[label.0 as usize] = at;
                    0
                }
                Item::Jump(when, to) => {
                    let bytes: &[u8] = match when {
                        When::Always => &[0xe9],
                        When::Condition(condition) => &[0x0f, 0x80 | condition],
                    };
                    open.push((at + bytes.len(), *to));
                    write(&mut encoder, bytes)
                }
                Item::Call(to) => {
                    open.push((at + 1, *to));
                    write(&mut encoder, &[0xe8])
                }
                Item::Constants(register) => {
                    let size = 7;
                    let from = MemoryOperand::with_base_displ(Register::RIP, 0);
                    let load = Instruction::with2(Code::Lea_r64_m, *register, from)
                        .map_err(|_| Unsupported("an instruction's operands"))?;
                    encoder.encode(&load, at as u64).map_err(|_| Unsupported("an instruction's operands"))?;
                    size
                }
            };
        }
        let mut image = self.pool;
        image.extend_from_slice(&encoder.take_buffer());
        for (field, to) in open {
            let distance = places[to.0 as usize] as i64 - (field as i64 + 4);
            image[field..field + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        Ok((image, places[entry.0 as usize]))
    }
}

/// Writes an instruction that ends with a distance of 32 bits, to be filled in; its length.
fn write(encoder: &mut Encoder, bytes: &[u8]) -> usize {
    for byte in bytes.iter().chain(&[0; 4]) {
        encoder.write_u8(*byte);
    }
    bytes.len() + 4
}
