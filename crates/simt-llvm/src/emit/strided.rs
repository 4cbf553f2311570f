//! What each lane has to itself in shared memory, a few words, is loaded and stored as what it is together: one plain access after the other, whose words
//! are turned in registers. A gather of one word of each lane takes as long as several of these.
//!
//! Loads are done where the first of them stands, stores where the last one does: what lies between touches none of these words.

use std::collections::{HashMap, HashSet};

use simt_ir::abi::{AccessKind, SHARED_MARGIN};
use simt_ir::analysis::{Strided, StridedAccesses};
use simt_ir::{AddressSpace, BlockId, FunctionKind, Instruction, Op, Type};

use super::FunctionEmitter;
use super::memory::Access;
use super::notes::{AccessWay, Bounds};
use super::value::Repr;
use crate::llvm::{Cast, Val};

/// Words of a register.
const REGISTER: u32 = 16;

/// Such accesses of the block being emitted.
#[derive(Default)]
pub(super) struct StridedCode {
    accesses: StridedAccesses,
    /// What has been loaded for instructions that are not there yet, and what is still to be stored.
    held: HashMap<usize, Val>,
    /// Groups whose lanes do not lie as was thought.
    refused: HashSet<usize>,
}

/// An access to a word of each lane.
fn access(kind: AccessKind) -> Access {
    Access { space: AddressSpace::Shared, ty: Type::I32, count: 1, kind, strong: false, record: None }
}

impl FunctionEmitter<'_> {
    /// Looks for such accesses in a block that is to be emitted.
    pub fn begin_strided(&mut self, block: BlockId) {
        let unit = self.unit;
        let is_wanted = unit.target.avx512 && !unit.quick && unit.instrumentation.is_none();
        if is_wanted && self.function.kind != FunctionKind::Lane {
            let is_proven = |address, offset| self.is_proven(access(AccessKind::Load), address, offset);
            let accesses = StridedAccesses::new(self.function, block, &self.shapes, is_proven);
            self.strided = StridedCode { accesses, ..StridedCode::default() };
        }
    }

    /// Emits an instruction of the block, if it is such an access. Whether it is.
    pub fn strided_instruction(&mut self, index: usize, instruction: &Instruction) -> bool {
        let Some((number, group)) = self.strided.accesses.of_instruction(index) else { return false };
        let group = group.clone();
        let is_first = group.members.first().is_some_and(|member| member.0 == index);
        let lies_so = |repr: &Repr| matches!(repr, Repr::Affine { stride, speculation: None, .. } if *stride == i64::from(4 * group.words));
        if is_first && !lies_so(&self.get(group.address)) {
            self.strided.refused.insert(number);
        }
        if self.strided.refused.contains(&number) {
            return false;
        }
        self.line = instruction.line;
        let kind = if group.stores { AccessKind::Store } else { AccessKind::Load };
        self.note_access_as(access(kind), AccessWay::Strided(group.words), Bounds::Proven, false);
        match &instruction.op {
            Op::Store { values, .. } => {
                self.forget_tables();
                let stored = self.stored(values[0]);
                let words = self.ir.cast(Cast::BitCast, stored, self.vector_type(Type::I32));
                self.strided.held.insert(index, words);
                if group.members.last().is_some_and(|member| member.0 == index) {
                    self.store_strided(&group);
                }
            }
            _ => {
                if is_first {
                    self.load_strided(&group);
                }
                let result = instruction.results[0];
                let words = self.strided.held[&index];
                let ty = self.vector_type(self.function.ty(result));
                self.define(result, Repr::Vector(self.ir.cast(Cast::BitCast, words, ty)));
            }
        }
        true
    }

    /// Where a register of a group's words lies: the first of them belongs to this lane.
    fn strided_place(&mut self, group: &Strided, lane: u32) -> Val {
        let Repr::Affine { base, .. } = self.get(group.address) else { unreachable!("asked for before") };
        let distance = group.offset + i64::from(4 * group.words * lane);
        self.pointer(AddressSpace::Shared, self.ir.add(base, self.i64(distance as u64)))
    }

    /// Of a mask with each lane's bit for each of its words the bits of the register that begins with this lane.
    fn strided_mask(&self, repeated: Val, words: u32, lane: u32) -> Val {
        let order: Vec<u32> = (words * lane..words * lane + REGISTER).collect();
        self.ir.shuffle(repeated, repeated, &order)
    }

    fn load_strided(&mut self, group: &Strided) {
        let words = group.words;
        let register = self.ir.vector(self.ir.int(32), REGISTER);
        let is_whole = self.mask == self.all_lanes() || u64::from(4 * words * self.lanes()) <= SHARED_MARGIN;
        let repeated = self.repeat_mask(words);
        let mut parts = vec![Vec::new(); words as usize];
        for first in (0..self.lanes()).step_by(REGISTER as usize) {
            let registers: Vec<Val> = (0..words)
                .map(|number| {
                    let lane = first + number * REGISTER / words;
                    let pointer = self.strided_place(group, lane);
                    match is_whole {
                        true => self.ir.load_aligned(register, pointer, 4),
                        false => self.masked_load(register, pointer, 4, self.strided_mask(repeated, words, lane)),
                    }
                })
                .collect();
            for (part, word) in parts.iter_mut().zip(self.words_of_lanes(registers)) {
                part.push(word);
            }
        }
        for (index, word) in &group.members {
            let whole = self.concatenate(&parts[*word as usize]);
            self.strided.held.insert(*index, whole);
        }
    }

    fn store_strided(&mut self, group: &Strided) {
        let words = group.words;
        let mut vectors: Vec<(u32, Val)> =
            group.members.iter().map(|(index, word)| (*word, self.strided.held[index])).collect();
        vectors.sort_unstable_by_key(|(word, _)| *word);
        let repeated = self.repeat_mask(words);
        for first in (0..self.lanes()).step_by(REGISTER as usize) {
            let order: Vec<u32> = (first..first + REGISTER).collect();
            let parts = vectors.iter().map(|(_, vector)| self.ir.shuffle(*vector, *vector, &order)).collect();
            for (number, register) in (0..words).zip(self.lanes_of_words(parts)) {
                let lane = first + number * REGISTER / words;
                let pointer = self.strided_place(group, lane);
                match self.mask == self.all_lanes() {
                    true => _ = self.ir.store(register, pointer, 4),
                    false => self.masked_store(register, pointer, 4, self.strided_mask(repeated, words, lane)),
                }
            }
        }
    }

    /// Of registers with all words of lane 0, then those of lane 1 and so on, a register for each word.
    fn words_of_lanes(&self, registers: Vec<Val>) -> Vec<Val> {
        if registers.len() == 1 {
            return registers;
        }
        let every_other = |first: u32| {
            let order: Vec<u32> = (0..REGISTER).map(|at| 2 * at + first).collect();
            let halves = registers.chunks(2).map(|pair| self.ir.shuffle(pair[0], pair[1], &order)).collect();
            self.words_of_lanes(halves)
        };
        let (even, odd) = (every_other(0), every_other(1));
        even.into_iter().zip(odd).flat_map(|(even, odd)| [even, odd]).collect()
    }

    /// The other way round.
    fn lanes_of_words(&self, words: Vec<Val>) -> Vec<Val> {
        if words.len() == 1 {
            return words;
        }
        let every_other = |first: usize| self.lanes_of_words(words.iter().skip(first).step_by(2).copied().collect());
        let pairs = every_other(0).into_iter().zip(every_other(1));
        let halves = pairs.flat_map(|(even, odd)| {
            [0, REGISTER / 2].map(|first| {
                let order: Vec<u32> = (first..first + REGISTER / 2).flat_map(|at| [at, at + REGISTER]).collect();
                self.ir.shuffle(even, odd, &order)
            })
        });
        halves.collect()
    }
}
