//! Integer arithmetic (PTX ISA 9.7.1, 9.7.2).

use simt_ir::{BinaryOp, IntCondition, Op, Type, UnaryOp, Value};

use crate::ast::ScalarType;
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, register_type};

pub(super) fn arithmetic(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    if ty.packed_lanes() > 1 {
        return packed(l, inst, ty);
    }
    let signed = ty.is_signed();
    match inst.opcode {
        "mul" | "mad" => return multiply(l, inst, ty),
        "neg" | "abs" => {
            let a = l.read(inst.operand(1)?, ty)?;
            let op = if inst.opcode == "neg" { UnaryOp::Neg } else { UnaryOp::Abs };
            let value = l.builder.unary(op, a);
            return l.write(inst.operand(0)?, ty, value);
        }
        _ => {}
    }
    let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
    let op = match (inst.opcode, signed) {
        ("add", _) if inst.has("sat") => BinaryOp::AddSaturateSigned,
        ("sub", _) if inst.has("sat") => BinaryOp::SubSaturateSigned,
        ("add", _) => BinaryOp::Add,
        ("sub", _) => BinaryOp::Sub,
        ("min", true) => BinaryOp::MinSigned,
        ("min", false) => BinaryOp::MinUnsigned,
        ("max", true) => BinaryOp::MaxSigned,
        ("max", false) => BinaryOp::MaxUnsigned,
        ("div", true) => BinaryOp::DivSigned,
        ("div", false) => BinaryOp::DivUnsigned,
        ("rem", true) => BinaryOp::RemSigned,
        ("rem", false) => BinaryOp::RemUnsigned,
        _ => return Err(Refusal("integer operation".into())),
    };
    if inst.has("cc") {
        let zero = l.builder.constant(Type::I1, 0);
        return with_carry(l, inst, ty, op, a, b, zero);
    }
    let mut value = l.builder.binary(op, a, b);
    if inst.has("relu") {
        let zero = l.builder.constant(register_type(ty), 0);
        value = l.builder.binary(BinaryOp::MaxSigned, value, zero);
    }
    l.write(inst.operand(0)?, ty, value)
}

/// `add.u16x2` and the like: each half on its own.
fn packed(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    let (half, signed) = match ty {
        ScalarType::U16x2 => (ScalarType::U16, false),
        ScalarType::S16x2 => (ScalarType::S16, true),
        _ => return Err(Refusal("packed type".into())),
    };
    let op = match (inst.opcode, signed) {
        ("add", _) => BinaryOp::Add,
        ("sub", _) => BinaryOp::Sub,
        ("min", true) => BinaryOp::MinSigned,
        ("min", false) => BinaryOp::MinUnsigned,
        ("max", true) => BinaryOp::MaxSigned,
        ("max", false) => BinaryOp::MaxUnsigned,
        _ => return Err(Refusal("packed integer operation".into())),
    };
    let (a, b) = (l.read(inst.operand(1)?, ScalarType::B32)?, l.read(inst.operand(2)?, ScalarType::B32)?);
    let mut halves = Vec::new();
    for index in 0..2 {
        let (x, y) = (half_of(l, a, index), half_of(l, b, index));
        let mut value = l.builder.binary(op, x, y);
        if inst.has("relu") {
            let zero = l.builder.constant(register_type(half), 0);
            value = l.builder.binary(BinaryOp::MaxSigned, value, zero);
        }
        halves.push(value);
    }
    let value = l.builder.push1(Op::Concat { ty: Type::I16, low: halves[0], high: halves[1] });
    l.write(inst.operand(0)?, ScalarType::B32, value)
}

/// Half `index` of a 32-bit value.
pub(super) fn half_of(l: &mut Lowerer<'_, '_>, value: Value, index: u64) -> Value {
    let moved = if index == 0 {
        value
    } else {
        let amount = l.builder.constant(Type::I32, 16 * index);
        l.builder.binary(BinaryOp::ShrUnsigned, value, amount)
    };
    l.builder.resize(false, Type::I16, moved)
}

/// `mul` and `mad`: `.lo`, `.hi`, `.wide`.
fn multiply(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>, ty: ScalarType) -> Outcome {
    let signed = ty.is_signed();
    let (mut a, mut b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
    let mut result_ty = ty;
    let op = if inst.has("wide") {
        result_ty = wider(ty)?;
        let wide = register_type(result_ty);
        a = l.builder.resize(signed, wide, a);
        b = l.builder.resize(signed, wide, b);
        BinaryOp::Mul
    } else if inst.has("hi") {
        if signed { BinaryOp::MulHighSigned } else { BinaryOp::MulHighUnsigned }
    } else {
        BinaryOp::Mul
    };
    let product = l.builder.binary(op, a, b);
    if inst.opcode == "mul" {
        return l.write(inst.operand(0)?, result_ty, product);
    }
    let c = l.read(inst.operand(3)?, result_ty)?;
    if inst.has("cc") {
        let zero = l.builder.constant(Type::I1, 0);
        return with_carry(l, inst, result_ty, BinaryOp::Add, product, c, zero);
    }
    let op = if inst.has("sat") { BinaryOp::AddSaturateSigned } else { BinaryOp::Add };
    let sum = l.builder.binary(op, product, c);
    l.write(inst.operand(0)?, result_ty, sum)
}

fn wider(ty: ScalarType) -> Result<ScalarType, Refusal> {
    Ok(match ty {
        ScalarType::U16 => ScalarType::U32,
        ScalarType::S16 => ScalarType::S32,
        ScalarType::U32 => ScalarType::U64,
        ScalarType::S32 => ScalarType::S64,
        _ => return Err(Refusal("wide product".into())),
    })
}

/// Sum or difference with carry in and, with `.cc`, carry out (PTX ISA 9.7.2).
fn with_carry(
    l: &mut Lowerer<'_, '_>,
    inst: &Inst<'_>,
    ty: ScalarType,
    op: BinaryOp,
    a: Value,
    b: Value,
    carry_in: Value,
) -> Outcome {
    let register = register_type(ty);
    let carry = l.builder.push1(Op::Extend { signed: false, from: Type::I1, to: register, a: carry_in });
    let first = l.builder.binary(op, a, b);
    let result = l.builder.binary(op, first, carry);
    if inst.has("cc") {
        let condition = IntCondition::LtUnsigned;
        let (first_carry, second_carry) = if op == BinaryOp::Add {
            (l.builder.int_compare(condition, first, a), l.builder.int_compare(condition, result, first))
        } else {
            (l.builder.int_compare(condition, a, b), l.builder.int_compare(condition, first, carry))
        };
        let out = l.builder.binary(BinaryOp::Or, first_carry, second_carry);
        let variable = l.carry;
        l.assign(variable, out);
    }
    l.write(inst.operand(0)?, ty, result)
}

/// Integer instructions with operand patterns of their own.
pub(super) fn special(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "addc" | "subc" => {
            let ty = inst.ty()?;
            let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
            let carry = l.read_carry();
            let op = if inst.opcode == "addc" { BinaryOp::Add } else { BinaryOp::Sub };
            with_carry(l, inst, ty, op, a, b, carry)
        }
        "madc" => {
            let ty = inst.ty()?;
            let (a, b, c) =
                (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?, l.read(inst.operand(3)?, ty)?);
            let op = match (inst.has("hi"), ty.is_signed()) {
                (false, _) => BinaryOp::Mul,
                (true, true) => BinaryOp::MulHighSigned,
                (true, false) => BinaryOp::MulHighUnsigned,
            };
            let product = l.builder.binary(op, a, b);
            let carry = l.read_carry();
            with_carry(l, inst, ty, BinaryOp::Add, product, c, carry)
        }
        "mul24" | "mad24" => multiply24(l, inst),
        "sad" => {
            let ty = inst.ty()?;
            let (a, b, c) =
                (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?, l.read(inst.operand(3)?, ty)?);
            let condition = if ty.is_signed() { IntCondition::LtSigned } else { IntCondition::LtUnsigned };
            let less = l.builder.int_compare(condition, a, b);
            let (up, down) = (l.builder.binary(BinaryOp::Sub, b, a), l.builder.binary(BinaryOp::Sub, a, b));
            let distance = l.builder.select(less, up, down);
            let sum = l.builder.binary(BinaryOp::Add, c, distance);
            l.write(inst.operand(0)?, ty, sum)
        }
        "popc" | "clz" | "brev" => {
            let ty = inst.ty()?;
            let a = l.read(inst.operand(1)?, ty)?;
            let (op, result) = match inst.opcode {
                "popc" => (UnaryOp::PopCount, ScalarType::U32),
                "clz" => (UnaryOp::CountLeadingZeros, ScalarType::U32),
                _ => (UnaryOp::ReverseBits, ty),
            };
            let value = l.builder.unary(op, a);
            l.write(inst.operand(0)?, result, value)
        }
        "bfind" => {
            let ty = inst.ty()?;
            let a = l.read(inst.operand(1)?, ty)?;
            let op = if ty.is_signed() { UnaryOp::FindMsbSigned } else { UnaryOp::FindMsbUnsigned };
            let mut value = l.builder.unary(op, a);
            if inst.has("shiftamt") {
                let none = l.builder.constant(Type::I32, 0xffff_ffff);
                let last = l.builder.constant(Type::I32, u64::from(ty.bits() - 1));
                let amount = l.builder.binary(BinaryOp::Sub, last, value);
                let missing = l.builder.int_compare(IntCondition::Eq, value, none);
                value = l.builder.select(missing, none, amount);
            }
            l.write(inst.operand(0)?, ScalarType::U32, value)
        }
        "fns" => {
            let word = ScalarType::B32;
            let (a, base, n) =
                (l.read(inst.operand(1)?, word)?, l.read(inst.operand(2)?, word)?, l.read(inst.operand(3)?, word)?);
            let value = l.builder.push1(Op::FindNthSet { a, base, n });
            l.write(inst.operand(0)?, word, value)
        }
        "bfe" => {
            let ty = inst.ty()?;
            let a = l.read(inst.operand(1)?, ty)?;
            let (position, length) =
                (l.read(inst.operand(2)?, ScalarType::U32)?, l.read(inst.operand(3)?, ScalarType::U32)?);
            let op = Op::BitFieldExtract { ty: register_type(ty), signed: ty.is_signed(), a, position, length };
            let value = l.builder.push1(op);
            l.write(inst.operand(0)?, ty, value)
        }
        "bfi" => {
            let ty = inst.ty()?;
            let (a, b) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ty)?);
            let (position, length) =
                (l.read(inst.operand(3)?, ScalarType::U32)?, l.read(inst.operand(4)?, ScalarType::U32)?);
            let value = l.builder.push1(Op::BitFieldInsert { ty: register_type(ty), a, b, position, length });
            l.write(inst.operand(0)?, ty, value)
        }
        "szext" => sign_or_zero_extend(l, inst),
        "bmsk" => bit_mask(l, inst),
        "dp4a" | "dp2a" => {
            let types = inst.types();
            let [a_ty, b_ty] = types[..] else { return Err(Refusal("two types are needed".into())) };
            let word = ScalarType::B32;
            let (a, b, c) =
                (l.read(inst.operand(1)?, word)?, l.read(inst.operand(2)?, word)?, l.read(inst.operand(3)?, word)?);
            let (a_signed, b_signed) = (a_ty.is_signed(), b_ty.is_signed());
            let op = if inst.opcode == "dp4a" {
                Op::DotProduct4 { a_signed, b_signed, a, b, c }
            } else {
                Op::DotProduct2 { a_signed, b_signed, high: inst.has("hi"), a, b, c }
            };
            let value = l.builder.push1(op);
            l.write(inst.operand(0)?, word, value)
        }
        _ => Err(Refusal("integer instruction".into())),
    }
}

/// `mul24`, `mad24`: the low 24 bits of each factor; `.lo` is bits 0–31 of the 48-bit product, `.hi` bits 16–47.
fn multiply24(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let ty = inst.ty()?;
    let signed = ty.is_signed();
    let mut factors = Vec::new();
    for index in 1..3 {
        let value = l.read(inst.operand(index)?, ty)?;
        let amount = l.builder.constant(Type::I32, 8);
        let up = l.builder.binary(BinaryOp::Shl, value, amount);
        let op = if signed { BinaryOp::ShrSigned } else { BinaryOp::ShrUnsigned };
        let low = l.builder.binary(op, up, amount);
        factors.push(l.builder.resize(signed, Type::I64, low));
    }
    let product = l.builder.binary(BinaryOp::Mul, factors[0], factors[1]);
    let shift = l.builder.constant(Type::I32, if inst.has("hi") { 16 } else { 0 });
    let moved = l.builder.binary(BinaryOp::ShrSigned, product, shift);
    let mut value = l.builder.resize(false, Type::I32, moved);
    if inst.opcode == "mad24" {
        let c = l.read(inst.operand(3)?, ty)?;
        let op = if inst.has("sat") { BinaryOp::AddSaturateSigned } else { BinaryOp::Add };
        value = l.builder.binary(op, value, c);
    }
    l.write(inst.operand(0)?, ty, value)
}

/// `szext`: keeps the low `b` bits, sign- or zero-extended; `.wrap` takes b modulo 32, `.clamp` at most 32.
fn sign_or_zero_extend(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let ty = inst.ty()?;
    let (a, count) = (l.read(inst.operand(1)?, ty)?, l.read(inst.operand(2)?, ScalarType::U32)?);
    let limit = l.builder.constant(Type::I32, if inst.has("wrap") { 31 } else { 32 });
    let op = if inst.has("wrap") { BinaryOp::And } else { BinaryOp::MinUnsigned };
    let count = l.builder.binary(op, count, limit);
    let zero = l.builder.constant(Type::I32, 0);
    let value = l.builder.push1(Op::BitFieldExtract {
        ty: Type::I32,
        signed: ty.is_signed(),
        a,
        position: zero,
        length: count,
    });
    l.write(inst.operand(0)?, ty, value)
}

/// `bmsk`: `b` ones from bit `a` on; beyond the word they are lost.
fn bit_mask(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    let word = ScalarType::B32;
    let (mut a, mut b) = (l.read(inst.operand(1)?, word)?, l.read(inst.operand(2)?, word)?);
    if inst.has("wrap") {
        let limit = l.builder.constant(Type::I32, 31);
        a = l.builder.binary(BinaryOp::And, a, limit);
        b = l.builder.binary(BinaryOp::And, b, limit);
    }
    let ones = l.builder.constant(Type::I32, 0xffff_ffff);
    let rest = l.builder.binary(BinaryOp::Shl, ones, b);
    let low = l.builder.unary(UnaryOp::Not, rest);
    let value = l.builder.binary(BinaryOp::Shl, low, a);
    l.write(inst.operand(0)?, word, value)
}

impl Lowerer<'_, '_> {
    /// The carry flag.
    pub(super) fn read_carry(&mut self) -> Value {
        let variable = self.carry;
        self.read_variable_value(variable)
    }
}
