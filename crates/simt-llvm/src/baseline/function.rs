//! One function: its frame, blocks, jumps and calls.

use std::collections::{HashMap, HashSet};

use iced_x86::{Code, Instruction, Register};
use llvm_sys::LLVMOpcode;

use super::assembler::{Assembler, Label, Place, When, condition};
use super::frame::Frame;
use super::registers::Registers;
use super::source::{Block, Plain, Ty, Value};
use super::{FRAME_MAX, Unsupported};

/// Registers of the first arguments of functions of the C ABI.
const ARGUMENTS: [Register; 6] =
    [Register::RDI, Register::RSI, Register::RDX, Register::RCX, Register::R8, Register::R9];

/// Bytes of a page, such as stands unmapped behind a stack.
const PAGE: u32 = 4096;

/// Most bytes that a frame takes for its alignment and what is saved.
const ALIGNING: u32 = 72;

/// Where the caller's arguments begin, from the frame pointer: behind it and the return address.
const INCOMING: i32 = 16;

/// A function under way.
pub(super) struct Lowering<'a, 'm> {
    pub asm: &'m mut Assembler,
    functions: &'m [(Value<'a>, Label)],
    is_entry: bool,
    frame: Frame,
    pub registers: Registers,
    places: HashMap<Value<'a>, Place>,
    labels: HashMap<Block<'a>, Label>,
    dead: HashSet<Value<'a>>,
    /// Of values that only the block under way uses: by which instruction last.
    last_uses: HashMap<Value<'a>, usize>,
    /// Of the instruction under way, in its block.
    position: usize,
    /// Places to give back once the instruction under way is done.
    scratch: Vec<(Place, u32)>,
}

/// Adds the code of `function`.
pub(super) fn lower<'a>(
    asm: &mut Assembler,
    functions: &[(Value<'a>, Label)],
    function: Value<'a>,
    label: Label,
) -> Result<(), Unsupported> {
    let start = asm.position();
    let blocks: Vec<(Block, Vec<Value>)> =
        function.blocks().into_iter().map(|block| (block, block.instructions())).collect();
    let labels = blocks.iter().map(|(block, _)| (*block, asm.label())).collect();
    let mut this = Lowering {
        is_entry: !function.is_internal(),
        frame: Frame::new(outgoing(&blocks)?),
        registers: Registers::default(),
        asm,
        functions,
        places: HashMap::new(),
        labels,
        dead: dead(&blocks),
        last_uses: HashMap::new(),
        position: 0,
        scratch: Vec::new(),
    };
    let stored = this.take_parameters(function)?;
    this.place_shared(&blocks)?;
    for (block, instructions) in &blocks {
        this.block(*block, instructions)?;
    }
    let bytes = this.frame.bytes();
    if bytes > FRAME_MAX {
        return Err(Unsupported("a large frame"));
    }
    let end = this.asm.position();
    this.prologue(label, bytes, &stored);
    this.asm.move_back(end, start);
    Ok(())
}

/// Most bytes that arguments and results of the functions called take.
fn outgoing(blocks: &[(Block, Vec<Value>)]) -> Result<u32, Unsupported> {
    let mut most = 0;
    for call in blocks.iter().flat_map(|(_, list)| list).filter(|i| i.opcode() == LLVMOpcode::LLVMCall) {
        let callee = call.callee();
        let is_ours = callee.as_function().is_some_and(|function| !function.blocks().is_empty());
        if is_ours {
            let (_, bytes) = arguments_layout(&call.arguments())?;
            most = most.max(bytes).max(callee.returns()?.layout().1);
        } else {
            most = most.max(8 * (call.arguments().len().saturating_sub(ARGUMENTS.len()) as u32));
        }
    }
    Ok(most)
}

/// Where the arguments of a function of the module lie.
fn arguments_layout(arguments: &[Value]) -> Result<(Vec<u32>, u32), Unsupported> {
    let parts: Result<Vec<Plain>, Unsupported> = arguments.iter().map(|argument| argument.plain()).collect();
    Ok(Ty::Struct(parts?.into()).layout())
}

/// What nobody uses and does nothing else.
fn dead<'a>(blocks: &[(Block<'a>, Vec<Value<'a>>)]) -> HashSet<Value<'a>> {
    let mut dead = HashSet::new();
    for instruction in blocks.iter().rev().flat_map(|(_, list)| list.iter().rev()) {
        if is_pure(*instruction) && instruction.users().iter().all(|user| dead.contains(user)) {
            dead.insert(*instruction);
        }
    }
    dead
}

fn is_pure(instruction: Value) -> bool {
    use LLVMOpcode::*;
    match instruction.opcode() {
        LLVMStore | LLVMFence | LLVMAtomicRMW | LLVMAtomicCmpXchg | LLVMBr | LLVMSwitch | LLVMRet | LLVMUnreachable
        | LLVMAlloca => false,
        LLVMLoad => instruction.is_plain_access(),
        LLVMCall => super::intrinsic::is_pure(&instruction.callee().name()),
        _ => true,
    }
}

impl<'a> Lowering<'a, '_> {
    /// Gives parameters places; those that come in registers, with their registers.
    fn take_parameters(&mut self, function: Value<'a>) -> Result<Vec<(Register, Place)>, Unsupported> {
        let parameters = function.parameters();
        let mut stored = Vec::new();
        if self.is_entry {
            if parameters.len() > ARGUMENTS.len() {
                return Err(Unsupported("many parameters"));
            }
            for (parameter, register) in parameters.into_iter().zip(ARGUMENTS) {
                let place = self.frame.take(parameter.plain()?.place_bytes());
                self.places.insert(parameter, place);
                stored.push((register, place));
            }
            return Ok(stored);
        }
        let (offsets, _) = arguments_layout(&parameters)?;
        for (parameter, at) in parameters.into_iter().zip(offsets) {
            self.places.insert(parameter, Place { base: Register::RBP, at: INCOMING + at as i32 });
        }
        Ok(stored)
    }

    /// Gives places to what several blocks use.
    fn place_shared(&mut self, blocks: &[(Block<'a>, Vec<Value<'a>>)]) -> Result<(), Unsupported> {
        for (block, instructions) in blocks {
            for instruction in instructions.iter().filter(|i| !self.dead.contains(i)) {
                let is_local = |user: &Value<'a>| user.block() == *block && !user.is_phi() || self.dead.contains(user);
                if instruction.is_phi() || !instruction.users().iter().all(is_local) {
                    let (_, bytes) = instruction.ty()?.layout();
                    let place = self.frame.take(bytes);
                    self.places.insert(*instruction, place);
                }
            }
        }
        Ok(())
    }

    fn prologue(&mut self, label: Label, bytes: u32, stored: &[(Register, Place)]) {
        let asm = &mut *self.asm;
        asm.bind(label);
        asm.r(Code::Push_r64, Register::RBP);
        asm.rr(Code::Mov_r64_rm64, Register::RBP, Register::RSP);
        if self.is_entry {
            asm.r(Code::Push_r64, super::assembler::POOL);
        }
        // A frame of several pages must not reach beyond the page behind the stack's end, which no access may miss.
        for page in 1..=(bytes + ALIGNING) / PAGE {
            let place = Place { base: Register::RSP, at: -((page * PAGE) as i32) };
            asm.mr(Code::Test_rm32_r32, place.operand(), Register::EAX);
        }
        asm.ri(Code::Sub_rm64_imm32, Register::RSP, bytes as i32 + 8);
        asm.ri(Code::And_rm64_imm32, Register::RSP, -64);
        if self.is_entry {
            asm.find_pool();
        }
        for (register, place) in stored {
            asm.mr(Code::Mov_rm64_r64, place.operand(), *register);
        }
    }

    fn epilogue(&mut self) {
        let saved = Place { base: Register::RBP, at: -8 };
        if self.is_entry {
            self.asm.plain(Code::VEX_Vzeroupper);
            self.asm.rm(Code::Mov_r64_rm64, super::assembler::POOL, saved.operand());
        }
        self.asm.rr(Code::Mov_r64_rm64, Register::RSP, Register::RBP);
        self.asm.r(Code::Pop_r64, Register::RBP);
        self.asm.plain(Code::Retnq);
    }

    fn block(&mut self, block: Block<'a>, instructions: &[Value<'a>]) -> Result<(), Unsupported> {
        let label = self.labels[&block];
        self.asm.bind(label);
        self.last_uses.clear();
        for (index, instruction) in instructions.iter().enumerate().filter(|(_, i)| !self.dead.contains(i)) {
            for operand in (0..instruction.operand_count()).map(|index| instruction.operand(index)) {
                self.last_uses.insert(operand, index);
            }
        }
        for (index, instruction) in instructions.iter().enumerate() {
            if self.dead.contains(instruction) || instruction.is_phi() {
                continue;
            }
            self.position = index;
            self.instruction(*instruction)?;
            self.give_back(*instruction)?;
        }
        Ok(())
    }

    /// Gives back the places of what this instruction was the last to use.
    fn give_back(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        for (place, bytes) in std::mem::take(&mut self.scratch) {
            self.give(place, bytes);
        }
        let mut done: Vec<Value> = (0..instruction.operand_count()).map(|index| instruction.operand(index)).collect();
        done.push(instruction);
        for value in done {
            if self.is_last_use(value) {
                self.last_uses.remove(&value);
                if let Some(place) = self.places.remove(&value) {
                    let (_, bytes) = value.ty()?.layout();
                    self.give(place, bytes);
                }
            }
        }
        Ok(())
    }

    fn give(&mut self, place: Place, bytes: u32) {
        self.registers.forget(place, bytes);
        self.frame.give(place, bytes);
    }

    /// Whether the instruction under way is the last that needs a value, which its block alone uses.
    fn is_last_use(&self, value: Value<'a>) -> bool {
        let Some(instruction) = value.as_instruction() else { return false };
        let is_last = self.last_uses.get(&value).is_none_or(|last| *last == self.position);
        is_last && !instruction.is_phi() && instruction.opcode() != LLVMOpcode::LLVMAlloca && self.is_local(instruction)
    }

    fn is_local(&self, instruction: Value<'a>) -> bool {
        let block = instruction.block();
        instruction.users().iter().all(|user| user.block() == block && !user.is_phi() || self.dead.contains(user))
    }

    /// A place until the instruction under way is done.
    pub fn scratch(&mut self, bytes: u32) -> Place {
        let place = self.frame.take(bytes);
        self.scratch.push((place, bytes));
        place
    }

    /// A place that nobody else gets.
    pub fn reserve(&mut self, bytes: u32) -> Place {
        self.frame.take(bytes)
    }

    /// Where an operand lies in memory.
    pub fn place(&mut self, value: Value<'a>) -> Result<Place, Unsupported> {
        let place = self.home(value)?;
        let (_, bytes) = value.ty()?.layout();
        self.registers.settle(self.asm, place, bytes);
        Ok(place)
    }

    /// Where an operand lies in memory, or would if no register held it.
    pub fn home(&mut self, value: Value<'a>) -> Result<Place, Unsupported> {
        if let Some(place) = self.places.get(&value) {
            return Ok(*place);
        }
        match value.constant()? {
            Some(bytes) => Ok(self.asm.constant(bytes)),
            None => Err(Unsupported("an operand")),
        }
    }

    /// Where a result goes.
    pub fn result(&mut self, instruction: Value<'a>) -> Result<Place, Unsupported> {
        if let Some(place) = self.places.get(&instruction) {
            return Ok(*place);
        }
        let (_, bytes) = instruction.ty()?.layout();
        let place = self.frame.take(bytes);
        self.places.insert(instruction, place);
        Ok(place)
    }

    /// Where a result goes that begins as a copy of `operand`: in its place, if nobody needs that any more.
    pub fn result_from(&mut self, instruction: Value<'a>, operand: Value<'a>) -> Result<Place, Unsupported> {
        let taken = self.places.get(&operand).copied();
        let (_, bytes) = instruction.ty()?.layout();
        if let Some(place) = taken
            && self.is_last_use(operand)
            && !self.places.contains_key(&instruction)
        {
            self.registers.settle(self.asm, place, bytes);
            self.registers.forget(place, bytes);
            self.places.remove(&operand);
            self.places.insert(instruction, place);
            return Ok(place);
        }
        let to = self.result(instruction)?;
        if !operand.is_undefined() {
            let from = self.place(operand)?;
            self.copy_bytes(to, from, bytes);
        }
        Ok(to)
    }

    /// Ends a block.
    pub fn terminator(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        self.registers.leave(self.asm);
        match instruction.opcode() {
            LLVMOpcode::LLVMRet => self.ret(instruction),
            LLVMOpcode::LLVMBr => self.branch(instruction),
            LLVMOpcode::LLVMSwitch => self.switch(instruction),
            _ => {
                self.asm.plain(Code::Ud2);
                Ok(())
            }
        }
    }

    fn ret(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        if instruction.operand_count() > 0 {
            let value = instruction.operand(0);
            if self.is_entry {
                self.load_int(Register::RAX, value)?;
            } else {
                let (_, bytes) = value.ty()?.layout();
                let from = self.place(value)?;
                self.copy_bytes(Place { base: Register::RBP, at: INCOMING }, from, bytes);
            }
        }
        self.epilogue();
        Ok(())
    }

    fn branch(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let (from, successors) = (instruction.block(), instruction.successors());
        if let [only] = successors[..] {
            return self.go(from, only);
        }
        let taken = self.asm.label();
        self.load_int(Register::RAX, instruction.operand(0))?;
        self.asm.rr(Code::Test_rm32_r32, Register::EAX, Register::EAX);
        self.asm.jump(When::Condition(condition::NOT_EQUAL), taken);
        self.go(from, successors[1])?;
        self.asm.bind(taken);
        self.go(from, successors[0])
    }

    fn switch(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let from = instruction.block();
        self.load_int(Register::RAX, instruction.operand(0))?;
        let mut cases = Vec::new();
        for index in (2..instruction.operand_count()).step_by(2) {
            let label = self.asm.label();
            let number = instruction.operand(index).as_integer().ok_or(Unsupported("a case"))?;
            self.asm.number(Register::RCX, number);
            self.asm.rr(Code::Cmp_r64_rm64, Register::RAX, Register::RCX);
            self.asm.jump(When::Condition(condition::EQUAL), label);
            cases.push((label, Block::of(instruction.operand(index + 1))));
        }
        self.go(from, Block::of(instruction.operand(1)))?;
        for (label, to) in cases {
            self.asm.bind(label);
            self.go(from, to)?;
        }
        Ok(())
    }

    /// Goes from a block to another, and gives the other's phis their values.
    fn go(&mut self, from: Block<'a>, to: Block<'a>) -> Result<(), Unsupported> {
        let mut copies = Vec::new();
        for phi in to.phis().into_iter().filter(|phi| !self.dead.contains(phi)) {
            let value = phi.incoming().into_iter().find(|(_, block)| *block == from).map(|(value, _)| value);
            let value = value.ok_or(Unsupported("a phi"))?;
            if value != phi && !value.is_undefined() {
                copies.push((phi, value));
            }
        }
        let crosses = copies.iter().any(|(_, value)| value.is_phi() && value.block() == to);
        let mut moved = Vec::new();
        for (phi, value) in copies {
            let (_, bytes) = phi.ty()?.layout();
            let (source, place) = (self.place(value)?, self.places[&phi]);
            let through = if crosses { self.scratch(bytes) } else { place };
            self.copy_bytes(through, source, bytes);
            moved.push((place, through, bytes));
        }
        for (place, through, bytes) in moved.into_iter().filter(|_| crosses) {
            self.copy_bytes(place, through, bytes);
        }
        let label = self.labels[&to];
        self.asm.jump(When::Always, label);
        Ok(())
    }

    /// A call of a function of the module, or of one of the engine's through a pointer.
    pub fn call(&mut self, call: Value<'a>) -> Result<(), Unsupported> {
        let callee = call.callee();
        if callee.as_function().is_none() {
            return self.call_engine(call, callee);
        }
        let Some((_, label)) = self.functions.iter().find(|(function, _)| *function == callee) else {
            return self.intrinsic(call, &callee.name());
        };
        let arguments = call.arguments();
        let (offsets, _) = arguments_layout(&arguments)?;
        for (argument, at) in arguments.into_iter().zip(offsets) {
            if !argument.is_undefined() {
                let (bytes, from) = (argument.plain()?.place_bytes(), self.place(argument)?);
                self.copy_bytes(Place { base: Register::RSP, at: at as i32 }, from, bytes);
            }
        }
        self.registers.leave(self.asm);
        self.asm.call(*label);
        let (_, bytes) = call.ty()?.layout();
        if bytes > 0 {
            let to = self.result(call)?;
            self.copy_bytes(to, Place { base: Register::RSP, at: 0 }, bytes);
        }
        Ok(())
    }

    fn call_engine(&mut self, call: Value<'a>, callee: Value<'a>) -> Result<(), Unsupported> {
        let arguments = call.arguments();
        for (index, argument) in arguments.iter().enumerate() {
            let plain = argument.plain()?;
            if plain.is_vector() || plain.scalar.is_float() {
                return Err(Unsupported("a vector or float as an argument of the engine"));
            }
            match ARGUMENTS.get(index) {
                Some(register) => self.load_int(*register, *argument)?,
                None => {
                    self.load_int(Register::RAX, *argument)?;
                    let at = 8 * (index - ARGUMENTS.len()) as i32;
                    self.asm.mr(Code::Mov_rm64_r64, Place { base: Register::RSP, at }.operand(), Register::RAX);
                }
            }
        }
        self.load_int(Register::RAX, callee)?;
        self.registers.leave(self.asm);
        self.asm.plain(Code::VEX_Vzeroupper);
        self.asm.push(Instruction::with1(Code::Call_rm64, Register::RAX));
        if call.ty()? != Ty::Void {
            let plain = call.plain()?;
            if plain.is_vector() || plain.scalar.is_float() {
                return Err(Unsupported("a vector or float as a result of the engine"));
            }
            self.store_int(call, Register::RAX)?;
        }
        Ok(())
    }
}
