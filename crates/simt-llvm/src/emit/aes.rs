//! Rounds of AES by the processor's instructions, where lookups in a table say what they are ([`AesRounds`]).
//!
//! Lanes have the four words of their states in four vectors. The instruction takes states side by side: so words are turned before the first round and
//! behind the last. All depends on the table being that of AES, which is known when it is taken apart: where it is not, elements are looked up
//! as ever.

use simt_ir::analysis::{AesRound, AesRounds};
use simt_ir::{AddressSpace, Type};

use super::FunctionEmitter;
use super::formulas::{ELEMENTS, inverse, matrix_of_inverse, product};
use super::value::Repr;
use crate::Error;
use crate::llvm::{Cast, Fun, IntPredicate, Val};

/// Lanes whose states fill four registers.
const LANES_AT_ONCE: u32 = 16;

/// What each byte of a table's element is a multiple of the substitution by, from the first row of a column on.
const FACTORS: [u8; 4] = [2, 1, 1, 3];

/// The substitution of AES.
fn substituted(byte: u8) -> u8 {
    let inverse = inverse(byte);
    (0..5).fold(0x63, |sum, by| sum ^ inverse.rotate_left(by))
}

/// A byte, from the lowest on, of an element of AES's table.
fn byte_of_element(number: u8, byte: u32, is_high_first: bool) -> u8 {
    let row = if is_high_first { 3 - byte } else { byte };
    product(substituted(number), FACTORS[row as usize])
}

/// An element of it.
fn element(number: u8, is_high_first: bool) -> u32 {
    u32::from_le_bytes([0, 1, 2, 3].map(|byte| byte_of_element(number, byte, is_high_first)))
}

impl FunctionEmitter<'_> {
    /// Whether an instruction of this block is one of rounds, which are emitted when the first comes.
    pub fn is_in_rounds(&mut self, index: usize) -> Result<bool, Error> {
        let Some(rounds) = self.tables.rounds_at(self.block, index) else { return Ok(false) };
        if index == rounds.range().0 {
            let rounds = rounds.clone();
            self.emit_rounds(&rounds)?;
        }
        Ok(true)
    }

    fn emit_rounds(&mut self, rounds: &AesRounds) -> Result<(), Error> {
        self.instructions_at(&rounds.before)?;
        self.renew_table(rounds.table);
        // What is first read on one of both ways would not be at hand behind it.
        let words = rounds.rounds[0].words.map(|word| {
            let word = self.get(word);
            self.to_vector(word, Type::I32)
        });
        let keys: Vec<Val> = rounds.rounds.iter().map(|round| self.key(round, rounds.is_high_first)).collect();
        let ir = self.ir;
        let (looked_up, computed, done) =
            (self.new_block("no_aes"), self.new_block("aes"), self.new_block("rounds_done"));
        let is_aes = ir.load(ir.int(1), self.tables.is_aes(rounds).expect("a table with rounds"));
        ir.unlikely_br(ir.not(is_aes), looked_up, computed);

        ir.position(looked_up);
        let (at_hand, checked) = (self.at_hand.clone(), self.checked.len());
        let valid_in = self.tables.valid_in();
        self.instructions_at(&rounds.within)?;
        let from_table: Vec<Val> = rounds.wanted.iter().map(|value| self.vector(*value)).collect();
        let looked_up = ir.current_block();
        ir.br(done);
        self.at_hand = at_hand;
        self.checked.truncate(checked);
        self.tables.set_valid_in(valid_in);

        ir.position(computed);
        let by_aes = self.by_aes(rounds, words, &keys);
        ir.br(done);

        ir.position(done);
        let ty = self.vector_type(Type::I32);
        let both = from_table.into_iter().zip(by_aes);
        let made: Vec<Val> = both.map(|(a, b)| ir.phi(ty, &[(a, looked_up), (b, computed)])).collect();
        for (value, vector) in rounds.wanted.iter().zip(made) {
            self.define(*value, Repr::Vector(vector));
        }
        self.instructions_at(&rounds.behind)
    }

    fn instructions_at(&mut self, numbers: &[usize]) -> Result<(), Error> {
        let block = self.function.block(self.block);
        for number in numbers {
            let instruction = &block.instructions[*number];
            if !self.strided_instruction(*number, instruction) {
                self.instruction(instruction)?;
            }
        }
        Ok(())
    }

    /// What is added to the columns of a state: side by side, for each state of a register.
    fn key(&mut self, round: &AesRound, is_high_first: bool) -> Val {
        let ir = self.ir;
        let words = ir.vector(ir.int(32), 4);
        let mut key = match round.key {
            Some((address, offset)) => {
                let at = ir.add(self.uniform(address), self.i64(offset as u64));
                ir.load_aligned(words, self.pointer(AddressSpace::Const, at), 4)
            }
            None => (0..).zip(&round.others).fold(ir.zero(words), |key, (column, others)| {
                let sum = others.iter().fold(self.i32(0), |sum, other| ir.xor(sum, self.uniform(*other)));
                ir.insert(key, sum, self.i32(column))
            }),
        };
        if is_high_first {
            key = ir.intrinsic("llvm.bswap", &[ir.type_of(key)], &[key]);
        }
        let key = ir.shuffle(key, key, &(0..LANES_AT_ONCE).map(|lane| lane % 4).collect::<Vec<u32>>());
        ir.cast(Cast::BitCast, key, ir.vector(ir.int(64), 8))
    }

    /// The words that are wanted of rounds, from those that the first one takes.
    fn by_aes(&mut self, rounds: &AesRounds, words: [Val; 4], keys: &[Val]) -> Vec<Val> {
        let ir = self.ir;
        let long = ir.vector(ir.int(64), 8);
        let registers = self.lanes() / LANES_AT_ONCE;
        let part = |all: Val, register: u32| {
            let lanes = register * LANES_AT_ONCE..(register + 1) * LANES_AT_ONCE;
            ir.shuffle(all, all, &lanes.collect::<Vec<u32>>())
        };
        let mut states: Vec<[Val; 4]> = (0..registers)
            .map(|register| {
                let words = words.map(|word| self.in_order(part(word, register), rounds.is_high_first));
                self.turned(words).map(|state| ir.cast(Cast::BitCast, state, long))
            })
            .collect();
        let mut found = vec![None; rounds.wanted.len()];
        for (round, key) in rounds.rounds.iter().zip(keys) {
            let name = if round.is_last { "llvm.x86.aesni.aesenclast.512" } else { "llvm.x86.aesni.aesenc.512" };
            for state in states.iter_mut().flatten() {
                *state = ir.intrinsic(name, &[], &[*state, *key]);
            }
            if !round.makes.iter().any(|word| rounds.wanted.contains(word)) {
                continue;
            }
            let of_registers = states.iter().map(|states| {
                let states = states.map(|state| ir.cast(Cast::BitCast, state, ir.vector(ir.int(32), LANES_AT_ONCE)));
                self.turned(states).map(|word| self.in_order(word, rounds.is_high_first))
            });
            let of_registers: Vec<[Val; 4]> = of_registers.collect();
            for (column, word) in round.makes.iter().enumerate() {
                if let Some(place) = rounds.wanted.iter().position(|wanted| wanted == word) {
                    let parts: Vec<Val> = of_registers.iter().map(|words| words[column]).collect();
                    found[place] = Some(self.concatenate(&parts));
                }
            }
        }
        found.into_iter().map(|word| word.expect("a word that a round makes")).collect()
    }

    /// Words with the first byte of a column as their lowest, from words as they are, and the other way round.
    fn in_order(&self, words: Val, is_high_first: bool) -> Val {
        if is_high_first { self.ir.intrinsic("llvm.bswap", &[self.ir.type_of(words)], &[words]) } else { words }
    }

    /// From four registers with a column each those with whole states, four in each, and the other way round.
    fn turned(&self, rows: [Val; 4]) -> [Val; 4] {
        let ir = self.ir;
        // Of two registers the first halves of quarters, or the second, alternating, in units of one or two words.
        let zip = |a: Val, b: Val, half: u32, unit: u32| {
            let order: Vec<u32> = (0..LANES_AT_ONCE)
                .map(|place| {
                    let (quarter, within) = (place / 4 * 4, place % 4);
                    let (of, step) = (within / unit % 2, within / (2 * unit) * unit + within % unit);
                    of * LANES_AT_ONCE + quarter + half * 2 + step
                })
                .collect();
            ir.shuffle(a, b, &order)
        };
        let [a, b, c, d] = rows;
        let [ab, cd] = [[a, b], [c, d]].map(|[x, y]| [zip(x, y, 0, 1), zip(x, y, 1, 1)]);
        [0, 1, 2, 3].map(|column| zip(ab[column / 2], cd[column / 2], column as u32 % 2, 2))
    }

    /// The function `(where a table begins, where to)` that tells whether it is that of AES.
    pub(super) fn aes_function(&self, is_high_first: bool) -> Fun {
        let order = if is_high_first { "high" } else { "low" };
        self.function_from_to(format!("is_aes_{order}_first"), |table, to| {
            let ir = self.ir;
            let ty = ir.vector(ir.int(32), LANES_AT_ONCE);
            let mut differ = ir.zero(ty);
            for first in (0..ELEMENTS).step_by(LANES_AT_ONCE as usize) {
                let expected: Vec<Val> = (first..first + LANES_AT_ONCE)
                    .map(|number| self.i32(element(number as u8, is_high_first)))
                    .collect();
                let held = ir.load_aligned(ty, ir.offset_by(table, 4 * first as usize), 4);
                differ = ir.or(differ, ir.xor(held, ir.constant_vector(&expected)));
            }
            let differ = ir.icmp(IntPredicate::LLVMIntNE, differ, ir.zero(ty));
            let none = ir.zero(ir.int(LANES_AT_ONCE));
            let is_aes = ir.icmp(IntPredicate::LLVMIntEQ, ir.cast(Cast::BitCast, differ, ir.int(LANES_AT_ONCE)), none);
            ir.store(is_aes, to, 0);
        })
    }

    /// Stores the formula of AES's table.
    pub(super) fn store_aes_formula(&self, formula: Val, is_high_first: bool) {
        let planes = [0, 1, 2, 3].map(|byte| {
            let of_plane = |number| byte_of_element(number, byte, is_high_first);
            (matrix_of_inverse(of_plane), of_plane(0))
        });
        self.store_formula_of_inverse(formula, &planes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_standard() {
        assert_eq!([0, 1, 0x53, 0xff].map(substituted), [0x63, 0x7c, 0xed, 0x16]);
        let matrix = matrix_of_inverse(substituted);
        let row = |bit: u32, x: u8| (matrix >> (8 * (7 - bit))) as u8 & x;
        let computed =
            |x| (0..8).fold(substituted(0), |sum, bit| sum ^ ((row(bit, inverse(x)).count_ones() as u8 & 1) << bit));
        assert!((0..=255).all(|x| computed(x) == substituted(x)));
        assert_eq!([element(0, true), element(1, true), element(0, false)], [0xc663_63a5, 0xf87c_7c84, 0xa563_63c6]);
    }
}
