//! The state of lowering one function, and how instructions read and write.

use rustc_hash::FxHashMap;
use simt_ir::{BinaryOp, BlockId, FunctionBuilder, FunctionKind, Op, Terminator, Type, UnaryOp, Value};

use super::place::Place;
use super::program::ProgramBuilder;
use super::ssa::{Ssa, Variable};
use crate::ast::{Immediate, Module, ScalarType, TypeKind};
use crate::check::Checked;
use crate::instructions::special::{Part, Special};
use crate::resolve::{Code, Operand, RegisterId, Symbol};

/// Why an instruction is not lowered.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The program is wrong: the launch is refused.
    Invalid(String),
    /// It is right, but not implemented here.
    Unsupported(String),
}

impl Problem {
    /// The program is wrong.
    pub fn invalid<T>(message: impl Into<String>) -> Result<T, Problem> {
        Err(Problem::Invalid(message.into()))
    }

    /// Not implemented.
    pub fn unsupported<T>(message: impl Into<String>) -> Result<T, Problem> {
        Err(Problem::Unsupported(message.into()))
    }
}

/// The state of lowering one function.
pub(crate) struct Lowering<'a> {
    pub builder: FunctionBuilder,
    pub ssa: Ssa,
    pub module: &'a Module,
    pub code: &'a Code<'a>,
    pub program: &'a mut ProgramBuilder,
    pub kind: FunctionKind,
    /// The guard of the instruction being lowered, where results are selected by it.
    pub guard: Option<Value>,
    /// The variable of each register.
    pub(super) registers: Vec<Variable>,
    /// Where the parameters and variables of the function are.
    pub(super) places: Vec<Place>,
    /// The carry flag `CC.CF`, per lane.
    pub(super) carry: Variable,
    /// For each bitcast the value it was made of.
    pub(super) origins: FxHashMap<Value, Value>,
    /// The block of each label; none for one that cannot be reached.
    pub(super) label_blocks: Vec<Option<BlockId>>,
    /// The block behind the current one in the text.
    pub next_block: Option<BlockId>,
}

/// The type of values that a type of PTX has.
pub(crate) fn ir_type(ty: ScalarType) -> Type {
    match ty {
        ScalarType::Pred => Type::I1,
        ScalarType::F16 => Type::F16,
        ScalarType::Bf16 => Type::BF16,
        ScalarType::F32 => Type::F32,
        ScalarType::F64 => Type::F64,
        _ => Type::int(ty.bits()).unwrap_or(Type::I64),
    }
}

/// The type in which a register is kept: its bits, except for registers that are declared `.f32` or `.f64`.
pub(super) fn register_type(ty: ScalarType) -> Type {
    match ty {
        ScalarType::F32 => Type::F32,
        ScalarType::F64 => Type::F64,
        _ => ir_type(ty).to_int(),
    }
}

/// The bits of a constant of type `ty`; the high ones are to be cut off.
pub(super) fn immediate_bits(value: Immediate, ty: ScalarType) -> u64 {
    match value {
        Immediate::Signed(value) if ty.kind() == TypeKind::Predicate => u64::from(value != 0),
        Immediate::Unsigned(value) if ty.kind() == TypeKind::Predicate => u64::from(value != 0),
        Immediate::Signed(value) => value.cast_unsigned(),
        Immediate::Unsigned(value) => value,
        Immediate::F32(bits) if ty == ScalarType::F64 => f64::from(f32::from_bits(bits)).to_bits(),
        Immediate::F32(bits) => u64::from(bits),
        // A bit type of 64 bits takes the double, one of 32 bits the single.
        Immediate::F64(bits) if ty.bits() == 64 => bits,
        Immediate::F64(bits) => u64::from((f64::from_bits(bits) as f32).to_bits()),
    }
}

impl Lowering<'_> {
    /// The value of the source operand `name`, in the type the form gives it.
    pub fn source(&mut self, i: &Checked<'_>, name: &str) -> Result<Value, Problem> {
        let ty = i.operand_type(name).unwrap_or(ScalarType::B32);
        self.source_as(i, name, ty)
    }

    /// The value of the source operand `name` as `ty`.
    pub fn source_as(&mut self, i: &Checked<'_>, name: &str, ty: ScalarType) -> Result<Value, Problem> {
        match i.operand(name) {
            Some(operand) => self.value(operand, ty),
            None => Problem::invalid(format!("the operand `{name}` is missing")),
        }
    }

    /// Sets the result operand `name`. A register wider than the value takes it zero-extended.
    pub fn write(&mut self, i: &Checked<'_>, name: &str, value: Value) -> Result<(), Problem> {
        self.write_extended(i, name, value, false)
    }

    /// Sets the result operand `name`; a wider register takes the value extended by its sign or by zeros.
    pub fn write_extended(&mut self, i: &Checked<'_>, name: &str, value: Value, signed: bool) -> Result<(), Problem> {
        match i.operand(name) {
            Some(operand) => self.assign(operand, value, signed),
            None => Ok(()),
        }
    }

    /// Sets a register operand; nothing for `_`.
    pub fn assign(&mut self, operand: &Operand, value: Value, signed: bool) -> Result<(), Problem> {
        match operand {
            Operand::Register(register) => {
                self.assign_register(*register, value, signed);
                Ok(())
            }
            Operand::Sink => Ok(()),
            _ => Problem::invalid("a result is a register"),
        }
    }

    fn assign_register(&mut self, register: RegisterId, value: Value, signed: bool) {
        let variable = self.registers[register.0 as usize];
        let ty = self.ssa.ty(variable);
        let mut value = value;
        if self.ty(value).bits() != ty.bits() {
            value = self.as_int(value);
            value = self.builder.resize(signed, ty.to_int(), value);
        }
        let value = self.bitcast(ty, value);
        self.set(variable, value);
    }

    /// Sets a variable, for the lanes whose guard is true.
    pub fn set(&mut self, variable: Variable, value: Value) {
        let value = match self.guard {
            None => value,
            Some(guard) => {
                let old = self.get(variable);
                self.builder.select(guard, value, old)
            }
        };
        self.ssa.write(variable, self.builder.current_block(), value);
    }

    /// The value of a variable.
    pub fn get(&mut self, variable: Variable) -> Value {
        let block = self.builder.current_block();
        self.ssa.read(&mut self.builder, variable, block)
    }

    /// The carry flag, an `i1`.
    pub fn carry(&mut self) -> Value {
        self.get(self.carry)
    }

    /// Sets the carry flag.
    pub fn set_carry(&mut self, value: Value) {
        self.set(self.carry, value);
    }

    /// The value of an operand as `ty`.
    pub fn value(&mut self, operand: &Operand, ty: ScalarType) -> Result<Value, Problem> {
        match operand {
            Operand::Register(register) => {
                let value = self.get(self.registers[register.0 as usize]);
                Ok(self.reinterpret(value, ty))
            }
            Operand::Immediate(value) => Ok(self.immediate(*value, ty)),
            Operand::Special(special) => self.special(*special, ty),
            Operand::ReservedShared(offset) => {
                let symbol = self.program.reserved_shared()?;
                let address = self.builder.push1(Op::SymbolAddress(symbol));
                let address = self.add_offset(address, i64::from(*offset));
                Ok(self.reinterpret(address, ty))
            }
            Operand::Symbol(symbol, offset) => {
                let address = self.symbol_value(symbol, *offset)?;
                Ok(self.reinterpret(address, ty))
            }
            Operand::Not(inner) => {
                let value = self.value(inner, ty)?;
                Ok(self.builder.unary(UnaryOp::Not, value))
            }
            Operand::Negated(inner) => {
                let value = self.value(inner, ty)?;
                Ok(self.negate(value))
            }
            _ => Problem::invalid("expected a value"),
        }
    }

    fn negate(&mut self, value: Value) -> Value {
        let ty = self.ty(value);
        if ty.is_float() {
            let int = self.as_int(value);
            let sign = self.constant(ty.to_int(), 1 << (ty.bits() - 1));
            let flipped = self.builder.binary(BinaryOp::Xor, int, sign);
            self.bitcast(ty, flipped)
        } else {
            self.builder.unary(UnaryOp::Neg, value)
        }
    }

    /// The bit type that is as wide as a register.
    pub fn bits_of_register(&self, register: RegisterId) -> ScalarType {
        match self.code.registers[register.0 as usize].ty.bits() {
            8 => ScalarType::B8,
            16 => ScalarType::B16,
            32 => ScalarType::B32,
            128 => ScalarType::B128,
            _ => ScalarType::B64,
        }
    }

    /// The low bits of a register's value as a value of type `ty`.
    pub fn reinterpret(&mut self, value: Value, ty: ScalarType) -> Value {
        let to = ir_type(ty);
        let mut value = value;
        if self.ty(value).bits() != to.bits() {
            value = self.as_int(value);
            value = self.builder.resize(false, to.to_int(), value);
        }
        self.bitcast(to, value)
    }

    /// A constant of type `ty`.
    pub fn immediate(&mut self, value: Immediate, ty: ScalarType) -> Value {
        self.constant(ir_type(ty), immediate_bits(value, ty))
    }

    /// A constant with these low bits.
    pub fn constant(&mut self, ty: Type, bits: u64) -> Value {
        match ty.bits() {
            128 => {
                let low = self.builder.constant(Type::I64, bits);
                let high = self.builder.constant(Type::I64, 0);
                self.builder.push1(Op::Concat { ty: Type::I64, low, high })
            }
            64 => self.builder.constant(ty, bits),
            width => self.builder.constant(ty, bits & ((1 << width) - 1)),
        }
    }

    fn special(&mut self, special: Special, ty: ScalarType) -> Result<Value, Problem> {
        let mut value = self.builder.push1(Op::Special(special.register));
        match special.part {
            Part::Whole => {}
            Part::Low => value = self.builder.resize(false, Type::I32, value),
            Part::High => {
                let amount = self.constant(Type::I32, 32);
                value = self.builder.binary(BinaryOp::ShrUnsigned, value, amount);
                value = self.builder.resize(false, Type::I32, value);
            }
            Part::AboveOne => {
                let one = self.constant(Type::I32, 1);
                return Ok(self.builder.int_compare(simt_ir::IntCondition::GtUnsigned, value, one));
            }
        }
        Ok(self.reinterpret(value, ty))
    }

    fn symbol_value(&mut self, symbol: &Symbol, offset: i64) -> Result<Value, Problem> {
        let address = self.symbol_address(symbol)?;
        Ok(self.add_offset(address, offset))
    }

    /// `address + offset`.
    pub fn add_offset(&mut self, address: Value, offset: i64) -> Value {
        if offset == 0 {
            return address;
        }
        let offset = self.constant(Type::I64, offset.cast_unsigned());
        self.builder.binary(BinaryOp::Add, address, offset)
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.builder.function().ty(value)
    }

    /// The same bits as an integer.
    pub fn as_int(&mut self, value: Value) -> Value {
        let ty = self.ty(value).to_int();
        self.bitcast(ty, value)
    }

    /// The same bits as `to`, which has the same width.
    pub fn bitcast(&mut self, to: Type, value: Value) -> Value {
        if self.ty(value) == to {
            return value;
        }
        if let Some(origin) = self.origins.get(&value)
            && self.ty(*origin) == to
        {
            return *origin;
        }
        let result = self.builder.bitcast(to, value);
        self.origins.insert(result, value);
        result
    }

    /// Ends the current block with a branch to `target`.
    pub fn branch(&mut self, target: BlockId) {
        self.ssa.add_predecessor(target, self.builder.current_block());
        self.builder.terminate(Terminator::Branch(target));
    }

    /// Ends the current block by a condition.
    pub fn branch_if(&mut self, condition: Value, then: BlockId, otherwise: BlockId) {
        if then == otherwise {
            return self.branch(then);
        }
        let from = self.builder.current_block();
        self.ssa.add_predecessor(then, from);
        self.ssa.add_predecessor(otherwise, from);
        self.builder.terminate(Terminator::CondBranch { condition, then, otherwise });
    }

    /// A new block that `condition` leads to; the other lanes go to the second new block. The first is current.
    pub fn begin_region(&mut self, condition: Value) -> BlockId {
        let inside = self.builder.create_block();
        let after = self.builder.create_block();
        self.branch_if(condition, inside, after);
        self.ssa.seal(&mut self.builder, inside);
        self.builder.switch_to(inside);
        after
    }

    /// Ends what [`Lowering::begin_region`] began.
    pub fn end_region(&mut self, after: BlockId) {
        if !self.builder.is_terminated() {
            self.branch(after);
        }
        self.ssa.seal(&mut self.builder, after);
        self.builder.switch_to(after);
    }
}
