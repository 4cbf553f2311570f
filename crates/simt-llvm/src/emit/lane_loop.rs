//! Loops that few lanes are left in: each of them does the rest of its turns by itself, in scalar code.
//!
//! A turn costs a warp what its vectors cost, however many lanes are active; where each lane has an address of its own that is as much as many
//! turns of one lane. So from the second turn on the head of such a loop counts its lanes (`lane_choice.rs`).

use std::cmp::Ordering;
use std::mem::offset_of;

use simt_ir::abi::WarpContext;
use simt_ir::analysis::{LaunchShape, Shapes};
use simt_ir::pass::LaneLoop;
use simt_ir::{BlockId, Function, FunctionKind, Type, Value};

use super::kernel::{Coordinates, describe, new_emitter};
use super::lane_choice::Candidate;
use super::notes::FunctionNotes;
use super::prefetch::{CACHE_LINE_BYTES, Purpose};
use super::value::Repr;
use super::{FunctionEmitter, Unit, scalar_type};
use crate::Error;
use crate::llvm::{Bb, Bin, Cast, Fun, IntPredicate, Ir, Ty, Val};

/// One whose function is declared.
#[derive(Clone, Copy)]
pub(super) struct LaneCode<'a> {
    candidate: &'a Candidate,
    fun: Fun,
    /// That of the addresses.
    ahead: Option<Fun>,
}

/// Declares the functions of loops: of launch, warp, the lane's bit and its values. They return a status, the edge by which the lane left, and
/// what it takes along.
pub(super) fn declare<'a>(ir: &Ir, candidates: &'a [Candidate], lanes: u32) -> Vec<LaneCode<'a>> {
    let declare = |name: String, function: &Function| {
        let mut parameters = vec![ir.ptr(), ir.ptr(), ir.int(lanes)];
        parameters.extend(function.parameters.iter().map(|ty| scalar_type(ir, *ty)));
        let mut fields = vec![ir.int(32)];
        fields.extend(function.returns.iter().map(|ty| scalar_type(ir, *ty)));
        let fun = ir.add_function(&name, ir.function_type(ir.structure(&fields), &parameters), true);
        describe(ir, fun);
        fun
    };
    let code = |(index, candidate): (usize, &'a Candidate)| {
        let fun = declare(format!("lane{index}"), &candidate.made.function);
        // The registers of the warp's loop are its own.
        ir.add_attribute(fun, u32::MAX, "noinline");
        let ahead = candidate.made.ahead.as_ref().map(|function| declare(format!("ahead{index}"), function));
        if let Some(ahead) = ahead {
            ir.add_attribute(ahead, u32::MAX, "alwaysinline");
        }
        LaneCode { candidate, fun, ahead }
    };
    candidates.iter().enumerate().map(code).collect()
}

/// Notes which loops lanes may do one by one.
pub(super) fn note(codes: &[LaneCode<'_>], notes: &mut FunctionNotes) {
    for code in codes {
        notes.loops[code.candidate.id.0 as usize].lanes_alone = code.candidate.few;
    }
}

/// Emits the functions of a loop.
pub(super) fn emit<'a>(unit: &'a Unit<'a>, code: LaneCode<'a>, launch: LaunchShape) -> Result<(), Error> {
    if let (Some(function), Some(fun)) = (&code.candidate.made.ahead, code.ahead) {
        emit_function(unit, function, fun, launch)?;
    }
    emit_function(unit, &code.candidate.made.function, code.fun, launch)
}

fn emit_function<'a>(unit: &'a Unit<'a>, function: &'a Function, fun: Fun, launch: LaunchShape) -> Result<(), Error> {
    let ir = unit.ir;
    let known = unit.notes.borrow().len();
    let shapes = Shapes::new(unit.program, function, launch);
    let emitter = new_emitter(unit, function, fun, shapes);
    ir.position(emitter.slots);
    let field = |offset: usize| ir.load_invariant(ir.int(32), ir.offset_by(emitter.warp, offset), 4);
    let coordinates = Coordinates {
        block_index: [0, 4, 8].map(|part| field(offset_of!(WarpContext, block_index) + part)),
        warp_index: field(offset_of!(WarpContext, warp_index)),
    };
    let mask = emitter.mask_from_bits(ir.parameter(fun, 2));
    let count = function.parameters.len() as u32;
    let parameters: Vec<Val> = (0..count).map(|index| ir.parameter(fun, 3 + index)).collect();
    emitter.emit(coordinates, Some(mask), &parameters)?;
    // What is said of the loop is said of its vectors.
    unit.notes.borrow_mut().truncate(known);
    Ok(())
}

/// Where the lanes' elements of a value are found by number.
#[derive(Clone, Copy)]
struct Elements {
    slot: Val,
    ty: Type,
}

impl FunctionEmitter<'_> {
    /// Where a loop's next turn begins, with its lanes pending at the head.
    pub fn next_turn_at(&mut self, header: BlockId) -> Bb {
        let body = self.bodies[header.0 as usize].expect("every reachable block has a body");
        let is_wanted = self.function.kind == FunctionKind::Kernel && !self.presence.is_full(header);
        let mut codes = self.unit.lane_loops.iter();
        let index = codes.position(|code| code.candidate.made.header == header);
        let Some(index) = index.filter(|_| is_wanted) else { return body };
        if let Some((_, test)) = self.lane_tests.iter().find(|(known, _)| *known == index) {
            return *test;
        }
        let test = self.new_block("turn");
        self.lane_tests.push((index, test));
        test
    }

    /// At the begin of each turn but the first: few lanes go on by themselves.
    pub fn lane_loop_tests(&mut self) {
        for (index, test) in std::mem::take(&mut self.lane_tests) {
            let code = self.unit.lane_loops[index];
            let header = code.candidate.made.header;
            let ir = self.ir;
            ir.position(test);
            let slot = self.pending[header.0 as usize].expect("every reachable block has a slot");
            let pending = ir.load(self.mask_type(), slot);
            let count = ir.intrinsic("llvm.ctpop", &[self.mask_int()], &[self.mask_bits(pending)]);
            let few = ir.constant(self.mask_int(), code.candidate.few.into());
            let (alone, body) = (self.new_block("alone"), self.bodies[header.0 as usize].expect("it has a body"));
            ir.cond_br(ir.icmp(IntPredicate::LLVMIntULE, count, few), alone, body);
            ir.position(alone);
            ir.store(self.no_lanes(), slot, 0);
            self.mask = pending;
            self.at_hand.clear();
            self.block = header;
            self.run_lanes(code);
        }
    }

    /// Has each active lane run a loop to its end.
    fn run_lanes(&mut self, code: LaneCode<'_>) {
        let ir = self.ir;
        let LaneLoop { function, arguments, exits, .. } = &code.candidate.made;
        let arguments: Vec<Result<Val, Elements>> = arguments.iter().map(|value| self.lane_argument(*value)).collect();
        let results: Vec<Elements> = function.returns[1..].iter().map(|ty| self.elements(*ty)).collect();
        let word = self.mask_int();
        let bytes = u64::from(self.lanes() / 8);
        let left = self.slot(ir.vector(word, exits.len() as u32));
        ir.store(ir.zero(ir.vector(word, exits.len() as u32)), left, 0);
        if let Some(ahead) = code.ahead {
            self.fetch_for_lanes(ahead, code.candidate, &arguments);
        }
        self.each_active_lane(|this, lane| {
            let number = if this.lanes() == 64 { lane } else { this.resized(lane, word) };
            let bit = ir.bin(Bin::Shl, ir.constant(word, 1), number);
            let all = this.arguments_of(&arguments, lane, bit);
            // For the notes of its accesses.
            let note = ir.store(lane, this.warp_field(offset_of!(WarpContext, access_base)), 8);
            ir.set_volatile(note);
            let returned = ir.call(code.fun, &all);
            let status = ir.extract_field(returned, 0);
            this.leave_by_fault(ir.icmp(IntPredicate::LLVMIntNE, status, this.i32(0)));
            let exit = ir.cast(Cast::ZExt, ir.extract_field(returned, 1), ir.int(64));
            let place = ir.offset(left, ir.mul(exit, this.i64(bytes)));
            ir.store(ir.or(ir.load(word, place), bit), place, 0);
            for (index, elements) in results.iter().enumerate() {
                this.set_element(*elements, lane, ir.extract_field(returned, index as u32 + 2));
            }
        });
        for (index, exit) in exits.iter().enumerate() {
            let lanes = ir.load(word, ir.offset(left, self.i64(index as u64 * bytes)));
            let lanes = self.mask_from_bits(lanes);
            for (value, place) in &exit.values {
                let vector = self.all_elements(results[place - 1]);
                self.at_hand.insert(*value, Repr::Vector(vector));
            }
            self.add_pending(exit.from, exit.to, lanes);
        }
        self.at_hand.clear();
        let index = code.candidate.id.0 as usize;
        let outward = self.outward(index, self.shapes.schedule.layout.loops[index].last);
        ir.br(outward);
    }

    /// Asks for what each active lane will load first, and for the line behind it, where it goes on: one lane after the other would wait for memory.
    fn fetch_for_lanes(&mut self, ahead: Fun, candidate: &Candidate, arguments: &[Result<Val, Elements>]) {
        let count = candidate.made.ahead.as_ref().map_or(0, |function| function.returns.len()) as u32;
        self.each_active_lane(|this, lane| {
            let ir = this.ir;
            let all = this.arguments_of(arguments, lane, ir.constant(this.mask_int(), 0));
            let addresses = ir.call(ahead, &all);
            for index in 0..count {
                let pointer = ir.cast(Cast::IntToPtr, ir.extract_field(addresses, 1 + index), ir.ptr());
                this.fetch(pointer, ir.zero(ir.int(64)), 2 * CACHE_LINE_BYTES, Purpose::Read);
            }
        });
    }

    /// What a function of the lanes gets.
    fn arguments_of(&mut self, arguments: &[Result<Val, Elements>], lane: Val, bit: Val) -> Vec<Val> {
        let own = arguments.iter().map(|argument| match argument {
            Ok(scalar) => *scalar,
            Err(elements) => self.element(*elements, lane),
        });
        [self.launch, self.warp, bit].into_iter().chain(own).collect()
    }

    /// A value for the lanes' function: a scalar, or where each lane has its own.
    fn lane_argument(&mut self, value: Value) -> Result<Val, Elements> {
        if let Repr::Uniform(_) = self.get(value) {
            return Ok(self.observed_uniform(value));
        }
        let vector = self.observed(value);
        let elements = self.elements(self.function.ty(value));
        let stored = if elements.ty == Type::I1 { self.resized(vector, self.vector_type(Type::I8)) } else { vector };
        let store = self.ir.store(stored, elements.slot, 0);
        // LLVM is kept from taking it apart in registers.
        self.ir.set_volatile(store);
        Err(elements)
    }

    /// Room for an element of each lane. Predicates take a byte.
    fn elements(&self, ty: Type) -> Elements {
        Elements { slot: self.slot(self.vector_type(if ty == Type::I1 { Type::I8 } else { ty })), ty }
    }

    fn place_of(&self, elements: Elements, lane: Val) -> Val {
        let bytes = elements.ty.bits().div_ceil(8);
        self.ir.offset(elements.slot, self.ir.mul(lane, self.i64(bytes.into())))
    }

    fn element(&self, elements: Elements, lane: Val) -> Val {
        let place = self.place_of(elements, lane);
        if elements.ty == Type::I1 {
            return self.resized(self.ir.load(self.ir.int(8), place), self.ir.int(1));
        }
        self.ir.load(self.scalar_type(elements.ty), place)
    }

    fn set_element(&self, elements: Elements, lane: Val, value: Val) {
        let value = if elements.ty == Type::I1 { self.resized(value, self.ir.int(8)) } else { value };
        self.ir.store(value, self.place_of(elements, lane), 0);
    }

    fn all_elements(&self, elements: Elements) -> Val {
        if elements.ty == Type::I1 {
            let bytes = self.ir.load(self.vector_type(Type::I8), elements.slot);
            return self.resized(bytes, self.vector_type(Type::I1));
        }
        self.ir.load(self.vector_type(elements.ty), elements.slot)
    }

    /// An integer, or a vector of such, with zeros above or without its high bits.
    fn resized(&self, value: Val, to: Ty) -> Val {
        let bits = |ty: Ty| self.ir.bits(if self.ir.is_vector(ty) { self.ir.element(ty) } else { ty });
        let (own, wanted) = (bits(self.ir.type_of(value)), bits(to));
        match own.cmp(&wanted) {
            Ordering::Less => self.ir.cast(Cast::ZExt, value, to),
            Ordering::Equal => value,
            Ordering::Greater => self.ir.cast(Cast::Trunc, value, to),
        }
    }
}
