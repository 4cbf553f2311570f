//! Lookups in small tables by permutations of registers, where a gather takes as long as loads lane by lane.
//!
//! A processor with AVX512-VBMI takes 64 bytes, each from one of 128 that a byte of its own chooses, in one instruction. So a table of 256 elements is kept
//! as planes in the function's frame: first the lowest bytes of all elements, then the next ones. What lanes look up are bytes of each plane, which
//! are put together.
//!
//! Where all of a table follows from a [formula](super::formulas), that is computed instead.
//!
//! Planes are made when something is first looked up, and once more when shared memory may have changed since.

use simt_ir::analysis::{AesRounds, TABLE_ELEMENTS_MAX, Table, Tables};
use simt_ir::{FunctionKind, Program, Type, Value};

use super::FunctionEmitter;
use super::formulas::{ELEMENTS, FORMULA_BYTES};
use super::memory::Access;
use super::notes::{AccessWay, Bounds};
use super::{BlockId, LANES};
use crate::llvm::{Bin, Cast, Fun, IntPredicate, Val};

/// Bytes of a register, and the elements whose bytes fill it.
pub(super) const REGISTER: u32 = 64;

/// Registers of planes that one lookup of a register of lanes pays for: with half of it both ways would take as long.
const LOOKUPS_OF_REGISTER: u64 = 1;

/// The tables of a function.
#[derive(Default)]
pub(super) struct KnownTables {
    tables: Tables,
    /// What is in the frame, for tables that are worth it.
    planes: Vec<Option<Planes>>,
}

impl KnownTables {
    /// The rounds that an instruction of a block is one of.
    pub(super) fn rounds_at(&self, block: BlockId, index: usize) -> Option<&AesRounds> {
        let is_there = |rounds: &&AesRounds| {
            let (first, last) = rounds.range();
            rounds.block == block && (first..=last).contains(&index) && self.is_aes(rounds).is_some()
        };
        self.tables.rounds().iter().find(is_there)
    }

    /// Slot with whether a table is the one that rounds are made of. A table is asked for one order of its bytes: rounds in the other are looked up.
    pub(super) fn is_aes(&self, rounds: &AesRounds) -> Option<Val> {
        let (slot, is_high_first) = self.planes[rounds.table]?.aes?;
        (is_high_first == rounds.is_high_first).then_some(slot)
    }

    /// In which blocks tables are known to be in the frame.
    pub(super) fn valid_in(&self) -> Vec<Option<BlockId>> {
        self.planes.iter().map(|planes| planes.and_then(|planes| planes.valid_in)).collect()
    }

    /// As it was when [`valid_in`](KnownTables::valid_in) was asked.
    pub(super) fn set_valid_in(&mut self, blocks: Vec<Option<BlockId>>) {
        for (planes, block) in self.planes.iter_mut().zip(blocks) {
            planes.iter_mut().for_each(|planes| planes.valid_in = block);
        }
    }
}

/// A table taken apart.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    table: Table,
    /// Where the planes are.
    slot: Val,
    /// Slot with its [formula](super::formulas), if it may have one.
    formula: Option<Val>,
    /// Slot with whether it is the one that [rounds of AES](super::aes) are made of, if there may be some, and whether its bytes are the highest first.
    aes: Option<(Val, bool)>,
    /// Slot with whether all of this is as the table is.
    valid: Val,
    /// The block in which they are known to be, from here on.
    valid_in: Option<BlockId>,
}

/// Whether a function of so many lanes is to look up what a table holds by permutations.
pub(super) fn is_worth_planes(table: &Table, lanes: u32) -> bool {
    let registers = u64::from(registers_of(table) * table.element_bytes);
    table.lookups * u64::from(lanes / LANES) >= table.renewals * registers * LOOKUPS_OF_REGISTER
}

/// Whether all that is read to take a table apart may be: there is something behind shared memory, but nothing is known of what is behind a variable.
fn is_all_there(program: &Program, table: &Table) -> bool {
    let end = u64::from(table.begin) + u64::from(registers_of(table) * REGISTER * table.element_bytes);
    table.variable.is_none_or(|variable| end <= program.symbols[variable.0 as usize].size)
}

/// Registers of a plane.
fn registers_of(table: &Table) -> u32 {
    table.elements.div_ceil(REGISTER)
}

impl FunctionEmitter<'_> {
    /// Prepares the tables of a kernel's code, of which nothing is emitted yet.
    pub fn plan_tables(&mut self) {
        let unit = self.unit;
        let is_wanted = unit.target.permutes_tables() && !unit.quick && unit.instrumentation.is_none();
        if !is_wanted || self.function.kind != FunctionKind::Kernel {
            return;
        }
        let tables = Tables::new(unit.program, self.function, &self.shapes);
        let planes = tables.tables().iter().enumerate().map(|(number, table)| {
            (is_worth_planes(table, self.lanes()) && is_all_there(unit.program, table)).then(|| {
                let bytes = registers_of(table) * REGISTER * table.element_bytes;
                let slot = self.slot(self.ir.vector(self.ir.int(8), bytes));
                let has_formula = unit.target.gfni && table.elements == ELEMENTS;
                let formula = has_formula.then(|| self.slot(self.ir.vector(self.ir.int(8), FORMULA_BYTES)));
                let rounds = tables.rounds().iter().find(|rounds| rounds.table == number);
                let rounds = rounds.filter(|_| unit.target.vaes && has_formula);
                let aes = rounds.map(|rounds| (self.slot(self.ir.int(1)), rounds.is_high_first));
                Planes { table: *table, slot, formula, aes, valid: self.zeroed_slot(self.ir.int(1)), valid_in: None }
            })
        });
        let planes = planes.collect();
        self.tables = KnownTables { tables, planes };
    }

    /// Shared memory may change, or the frame may be another's meanwhile: then slots begin anew.
    pub fn forget_tables(&mut self) {
        for planes in self.tables.planes.iter_mut().flatten() {
            planes.valid_in = None;
            if planes.table.variable.is_none() {
                self.ir.store(self.ir.constant(self.ir.int(1), 0), planes.valid, 0);
            }
        }
    }

    /// What lanes look up in a table, if that is what the load that makes `result` does.
    pub fn look_up(&mut self, result: Value, access: Access, address: Value, offset: i64) -> Option<Val> {
        let index = self.tables.tables.of_load(result)?;
        let planes = self.tables.planes[index]?;
        let table = planes.table;
        self.note_access_as(access, AccessWay::Table, Bounds::Proven, false);
        self.renew_table(index);
        let ir = self.ir;
        let words = self.vector_type(Type::I32);
        let from_begin = self.i32((offset as u32).wrapping_sub(table.begin));
        let from_begin = match table.variable {
            Some(variable) => {
                let address = ir.cast(Cast::Trunc, self.variable_address(variable), ir.int(32));
                ir.sub(from_begin, address)
            }
            None => from_begin,
        };
        let at = ir.cast(Cast::Trunc, self.vector(address), words);
        let distances = ir.add(at, ir.splat(from_begin, self.lanes()));
        let shift = ir.splat(self.i32(table.element_bytes.trailing_zeros()), self.lanes());
        let numbers = ir.bin(Bin::LShr, distances, shift);
        // The words that the numbers are bytes of, if they are and the words are at hand: nobody else knows that they are used here.
        let chosen = self.tables.tables.chosen_by(result).and_then(|chosen| {
            let words = self.at_hand.get(&chosen.word)?;
            Some((self.to_vector(*words, Type::I32), chosen.byte))
        });
        let (words, byte) = chosen.unwrap_or((numbers, 0));
        let chunk = self.lanes().min(REGISTER);
        let found: Vec<Val> = (0..self.lanes() / chunk)
            .map(|part| {
                let order: Vec<u32> = (part * chunk..(part + 1) * chunk).collect();
                let [words, numbers] = [words, numbers].map(|all| ir.shuffle(all, all, &order));
                self.look_up_register(&planes, numbers, (words, byte))
            })
            .collect();
        Some(ir.cast(Cast::BitCast, self.concatenate(&found), self.vector_type(access.ty)))
    }

    /// Makes the planes of a table unless they are there.
    pub(super) fn renew_table(&mut self, index: usize) {
        let Some(planes) = self.tables.planes[index] else { return };
        if planes.valid_in == Some(self.block) {
            return;
        }
        let ir = self.ir;
        let (renew, ready) = (self.new_block("renew_table"), self.new_block("table"));
        ir.cond_br(ir.load(ir.int(1), planes.valid), ready, renew);
        ir.position(renew);
        let begin = ir.offset_by(self.place_of_table(&planes.table), planes.table.begin as usize);
        match (planes.aes, planes.formula) {
            (Some((is_aes, is_high_first)), Some(formula)) => {
                let (known, unknown, made) =
                    (self.new_block("aes_table"), self.new_block("other"), self.new_block("made"));
                ir.call(self.aes_function(is_high_first), &[begin, is_aes]);
                ir.cond_br(ir.load(ir.int(1), is_aes), known, unknown);
                ir.position(known);
                self.store_aes_formula(formula, is_high_first);
                ir.br(made);
                ir.position(unknown);
                self.make_planes(&planes, begin);
                ir.br(made);
                ir.position(made);
            }
            _ => self.make_planes(&planes, begin),
        }
        ir.store(ir.constant(ir.int(1), 1), planes.valid, 0);
        ir.br(ready);
        ir.position(ready);
        if let (None, Some(planes)) = (self.guard, &mut self.tables.planes[index]) {
            planes.valid_in = Some(self.block);
        }
    }

    /// Makes the planes of a table, and looks for its formula.
    fn make_planes(&self, planes: &Planes, begin: Val) {
        self.ir.call(self.planes_function(&planes.table), &[begin, planes.slot]);
        if let Some(formula) = planes.formula {
            self.ir.call(self.formula_function(planes.table.element_bytes), &[planes.slot, formula]);
        }
    }

    /// Where what a table is in begins.
    fn place_of_table(&self, table: &Table) -> Val {
        match table.variable {
            Some(variable) => self.ir.cast(Cast::IntToPtr, self.variable_address(variable), self.ir.ptr()),
            None => self.shared_base(),
        }
    }

    /// The function `(where a table begins, where to)` that takes it apart. It may read beyond its end, as may be done in shared memory.
    fn planes_function(&self, table: &Table) -> Fun {
        let (count, bytes) = (registers_of(table), table.element_bytes);
        let ir = self.ir;
        self.function_from_to(format!("planes_{count}_{bytes}"), |from, to| {
            let elements = ir.vector(ir.int(8 * bytes), REGISTER);
            for register in 0..count {
                let loaded =
                    ir.load_aligned(elements, ir.offset_by(from, (register * REGISTER * bytes) as usize), bytes);
                for plane in 0..bytes {
                    let shift = ir.splat(ir.constant(ir.int(8 * bytes), u64::from(8 * plane)), REGISTER);
                    let part = ir.cast(Cast::Trunc, ir.bin(Bin::LShr, loaded, shift), ir.vector(ir.int(8), REGISTER));
                    let place = (plane * count + register) * REGISTER;
                    ir.store(part, ir.offset_by(to, place as usize), REGISTER);
                }
            }
        })
    }

    /// A function of its own, made once, from two pointers.
    pub(super) fn function_from_to(&self, name: String, emit: impl FnOnce(Val, Val)) -> Fun {
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let ir = self.ir;
        let fun = ir.add_function(&name, ir.function_type(ir.void(), &[ir.ptr(), ir.ptr()]), true);
        super::kernel::describe(ir, fun);
        ir.add_attribute(fun, u32::MAX, "noinline");
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        emit(ir.parameter(fun, 0), ir.parameter(fun, 1));
        ir.ret_void();
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }

    /// The elements with these numbers, of 32 or 64 lanes: the bytes with a number of the words that are chosen.
    fn look_up_register(&mut self, planes: &Planes, numbers: Val, chosen: (Val, u32)) -> Val {
        let by_planes = |this: &Self| this.look_up_in_planes(planes, numbers);
        match planes.formula {
            Some(formula) => self.by_formula(formula, planes.table.element_bytes, chosen, by_planes),
            None => by_planes(self),
        }
    }

    /// As [`FunctionEmitter::look_up_register`], where there is no formula.
    fn look_up_in_planes(&self, planes: &Planes, numbers: Val) -> Val {
        let bytes = planes.table.element_bytes;
        let chosen = self.bytes_of_words(numbers);
        let parts: Vec<Val> = (0..bytes).map(|plane| self.bytes_of_plane(planes, plane, chosen)).collect();
        let lanes = self.ir.lanes(self.ir.type_of(numbers));
        self.elements_of_bytes(&parts, lanes)
    }

    /// The bytes of a plane that 64 bytes choose.
    fn bytes_of_plane(&self, planes: &Planes, plane: u32, chosen: Val) -> Val {
        let ir = self.ir;
        let count = registers_of(&planes.table);
        let ty = ir.vector(ir.int(8), REGISTER);
        let part = |register: u32| {
            let place = (plane * count + register.min(count - 1)) * REGISTER;
            let loaded = ir.load_aligned(ty, ir.offset_by(planes.slot, place as usize), REGISTER);
            if planes.formula.is_some() {
                // Or LLVM would load it on the other way, too, to have it on this one the next time.
                ir.set_volatile(loaded);
            }
            loaded
        };
        let of_two = |first: u32| {
            ir.intrinsic("llvm.x86.avx512.vpermi2var.qi.512", &[], &[part(first), chosen, part(first + 1)])
        };
        match count {
            1 => ir.intrinsic("llvm.x86.avx512.permvar.qi.512", &[], &[part(0), chosen]),
            2 => of_two(0),
            _ => {
                let is_high = ir.icmp(IntPredicate::LLVMIntSLT, chosen, ir.zero(ty));
                ir.select(is_high, of_two(2), of_two(0))
            }
        }
    }

    /// The lowest bytes of 64 words, or of 32 twice over. In each quarter of the register are those of a quarter of each of four registers of words: so
    /// the processor packs them.
    fn bytes_of_words(&self, numbers: Val) -> Val {
        let ir = self.ir;
        let registers = ir.lanes(ir.type_of(numbers)) / 16;
        let words: Vec<Val> = (0..registers)
            .map(|register| ir.shuffle(numbers, numbers, &(16 * register..16 * (register + 1)).collect::<Vec<u32>>()))
            .collect();
        let pairs: Vec<Val> = words
            .chunks(2)
            .map(|pair| ir.intrinsic("llvm.x86.avx512.packusdw.512", &[], &[pair[0], pair[1]]))
            .collect();
        ir.intrinsic("llvm.x86.avx512.packuswb.512", &[], &[pairs[0], pairs[pairs.len() - 1]])
    }

    /// Elements of their bytes, from the lowest on, as [`FunctionEmitter::bytes_of_words`] orders lanes. Integers, in order.
    fn elements_of_bytes(&self, parts: &[Val], lanes: u32) -> Val {
        let ir = self.ir;
        // Where in the register each lane's byte is.
        let place = |lane: u32| lane / 16 * 4 + lane % 16 / 4 * 16 + lane % 4;
        let order: Vec<u32> = (0..lanes).map(place).collect();
        let zip = |a: Val, b: Val, bits: u32| {
            // The halves of each quarter of two registers, alternating, as a register of elements twice as large.
            let quarter = 128 / bits;
            [0, quarter / 2].map(|half| {
                let pairs = (0..4).flat_map(move |k| (0..quarter / 2).map(move |i| k * quarter + half + i));
                let order: Vec<u32> = pairs.flat_map(|at| [at, at + 512 / bits]).collect();
                ir.cast(Cast::BitCast, ir.shuffle(a, b, &order), ir.vector(ir.int(2 * bits), 256 / bits))
            })
        };
        match parts {
            [only] => ir.shuffle(*only, *only, &order),
            [low, high] => {
                let [first, second] = zip(*low, *high, 8);
                // Of each quarter the first half is in one register, the second in the other.
                let at = |place: u32| place / 16 * 8 + place % 8 + place % 16 / 8 * 32;
                ir.shuffle(first, second, &order.iter().map(|place| at(*place)).collect::<Vec<u32>>())
            }
            [first, second, third, fourth] => {
                let [low, high] = [zip(*first, *second, 8), zip(*third, *fourth, 8)];
                let registers = [zip(low[0], high[0], 16), zip(low[1], high[1], 16)].concat();
                self.concatenate(&registers[..lanes as usize / 16])
            }
            _ => unreachable!("elements have one, two or four bytes"),
        }
    }
}

const _: () = assert!(TABLE_ELEMENTS_MAX <= 4 * REGISTER);
