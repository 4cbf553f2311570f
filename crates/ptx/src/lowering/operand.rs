//! Reading and writing operands.

use simt_ir::{AddressSpace, BinaryOp, Op, SpecialRegister, Type, UnaryOp, Value};

use super::function::{Binding, Lowerer};
use super::symbols::immediate_bits;
use super::view::{Outcome, Refusal, refuse};
use super::{register_type, value_type};
use crate::ast::{Immediate, Operand, ScalarType};

/// An address operand: where it points, and in which space if that is known from a name.
pub(crate) enum Place {
    /// Base value (`i64`) and constant offset.
    Memory { base: Value, offset: i64 },
    /// A parameter of the kernel.
    KernelParam(u32),
    /// A row of pieces.
    Pieces(super::params::ParamVariable, u32),
}

impl Lowerer<'_, '_> {
    /// The value of an operand as a PTX type.
    pub(crate) fn read(&mut self, operand: &Operand, ty: ScalarType) -> Result<Value, Refusal> {
        let want = value_type(ty);
        match operand {
            Operand::Immediate(value) => Ok(self.immediate(*value, ty)),
            Operand::Name(name) => {
                let value = self.read_name(name, register_type(ty))?;
                Ok(self.as_type(value, want))
            }
            Operand::Component(name, component) => {
                let value = self.read_component(name, component)?;
                let value = self.as_type(value, register_type(ty));
                Ok(self.as_type(value, want))
            }
            Operand::Offset(name, offset) => {
                let base = self.read_name(name, Type::I64)?;
                let offset = self.builder.constant(Type::I64, offset.cast_unsigned());
                let sum = self.builder.binary(BinaryOp::Add, base, offset);
                Ok(self.as_type(sum, want))
            }
            Operand::Not(inner) => {
                let value = self.read(inner, ty)?;
                Ok(self.builder.unary(UnaryOp::Not, value))
            }
            Operand::Negated(inner) => {
                let value = self.read(inner, ty)?;
                Ok(self.builder.unary(UnaryOp::Neg, value))
            }
            Operand::Vector(parts) => self.pack(parts, want),
            other => refuse(format!("operand {other:?}")),
        }
    }

    /// `{a, b}` as one wide value, the first in the low bits.
    fn pack(&mut self, parts: &[Operand], want: Type) -> Result<Value, Refusal> {
        let bits = want.bits() / parts.len().max(1) as u32;
        let Some(part_ty) = Type::int(bits) else { return refuse("vector operand") };
        let scalar = bits_type(bits)?;
        let mut values = Vec::new();
        for part in parts {
            let value = self.read(part, scalar)?;
            values.push(self.as_type(value, part_ty));
        }
        while values.len() > 1 {
            let mut wider = Vec::new();
            for pair in values.chunks(2) {
                let ty = self.builder.function().ty(pair[0]);
                wider.push(self.builder.push1(Op::Concat { ty, low: pair[0], high: pair[1] }));
            }
            values = wider;
        }
        Ok(self.as_type(values[0], want))
    }

    /// A constant as a PTX type.
    pub(crate) fn immediate(&mut self, value: Immediate, ty: ScalarType) -> Value {
        let want = value_type(ty);
        let mut bits = immediate_bits(value, ty);
        if want.bits() < 64 {
            bits &= (1 << want.bits()) - 1;
        }
        if want == Type::I128 {
            let low = self.builder.constant(Type::I64, bits);
            let high = self.builder.constant(
                Type::I64,
                if bits >> 63 == 1 && !matches!(value, Immediate::Unsigned(_)) { u64::MAX } else { 0 },
            );
            return self.builder.push1(Op::Concat { ty: Type::I64, low, high });
        }
        self.builder.constant(want, bits)
    }

    /// A register, special register, or the address of a symbol, as an IR type.
    pub(crate) fn read_name(&mut self, name: &str, want: Type) -> Result<Value, Refusal> {
        match self.lookup(name) {
            Some(Binding::Register(variable, _)) => {
                let value = self.read_variable(variable);
                Ok(self.as_type(value, want))
            }
            Some(Binding::Symbol(symbol, _)) => {
                let value = self.builder.push1(Op::SymbolAddress(symbol));
                Ok(self.as_type(value, want))
            }
            Some(Binding::KernelParam(offset)) => {
                let value = self.builder.constant(Type::I64, u64::from(offset));
                Ok(self.as_type(value, want))
            }
            Some(Binding::VectorRegister(_)) => refuse(format!("vector register {name} as a scalar")),
            Some(Binding::Pieces(_)) => refuse(format!("the address of parameter {name}")),
            None => {
                if let Some(register) = special_register(name) {
                    let value = self.builder.push1(Op::Special(register));
                    return Ok(self.as_type(value, want));
                }
                if name == "WARP_SZ" {
                    let value = self.builder.constant(Type::I32, u64::from(simt_ir::WARP_SIZE));
                    return Ok(self.as_type(value, want));
                }
                let program = self.program();
                let resolved = program.resolve(name).to_string();
                if program.module.function(&resolved).is_some() {
                    let id = program.request(&resolved);
                    let value = self.builder.push1(Op::FunctionAddress(id));
                    return Ok(self.as_type(value, want));
                }
                refuse(format!("unknown name {name}"))
            }
        }
    }

    fn read_component(&mut self, name: &str, component: &str) -> Result<Value, Refusal> {
        let index = match component {
            "x" | "r" => 0,
            "y" | "g" => 1,
            "z" | "b" => 2,
            "w" | "a" => 3,
            _ => return refuse(format!("component .{component}")),
        };
        match self.lookup(name) {
            Some(Binding::VectorRegister(elements)) => match elements.get(index) {
                Some(element) => Ok(self.read_variable(*element)),
                None => refuse(format!("component .{component} of {name}")),
            },
            None => match special_register(&format!("{name}.{component}")) {
                Some(register) => Ok(self.builder.push1(Op::Special(register))),
                None => refuse(format!("unknown name {name}.{component}")),
            },
            Some(_) => refuse(format!("component .{component} of {name}")),
        }
    }

    /// The bits of a value as another type: narrower ones are zero-extended, wider ones cut.
    pub(crate) fn as_type(&mut self, value: Value, want: Type) -> Value {
        let have = self.builder.function().ty(value);
        if have == want {
            return value;
        }
        if have.bits() == want.bits() {
            return self.builder.bitcast(want, value);
        }
        let bits = self.builder.bitcast(have.to_int(), value);
        let sized = self.builder.resize(false, want.to_int(), bits);
        self.builder.bitcast(want, sized)
    }

    /// Assigns a register, extending narrower values by the signedness of `ty`.
    pub(crate) fn write(&mut self, operand: &Operand, ty: ScalarType, value: Value) -> Outcome {
        match operand {
            Operand::Sink => Ok(()),
            Operand::Name(name) => {
                let Some(Binding::Register(variable, _)) = self.lookup(name) else {
                    return refuse(format!("{name} is not a register"));
                };
                let value = self.fit(variable, ty, value);
                self.assign(variable, value);
                Ok(())
            }
            Operand::Component(name, component) => {
                let index = "xyzw".find(component.as_str()).or_else(|| "rgba".find(component.as_str()));
                let Some(Binding::VectorRegister(elements)) = self.lookup(name) else {
                    return refuse(format!("{name} is not a vector register"));
                };
                let Some(variable) = index.and_then(|index| elements.get(index)).copied() else {
                    return refuse(format!("component .{component} of {name}"));
                };
                let value = self.fit(variable, ty, value);
                self.assign(variable, value);
                Ok(())
            }
            Operand::Vector(parts) => self.unpack(parts, value),
            other => refuse(format!("destination {other:?}")),
        }
    }

    /// The value in the type of a register.
    fn fit(&mut self, variable: super::registers::Variable, ty: ScalarType, value: Value) -> Value {
        let want = self.registers.ty(variable);
        let have = self.builder.function().ty(value);
        if have.bits() < want.bits() && have.is_int() && have != Type::I1 {
            let wide = self.builder.resize(ty.is_signed(), want.to_int(), value);
            return self.builder.bitcast(want, wide);
        }
        self.as_type(value, want)
    }

    /// Assigns a variable, keeping its old value where the guard is false.
    pub(crate) fn assign(&mut self, variable: super::registers::Variable, value: Value) {
        let value = match self.guard {
            Some(guard) => {
                let old = self.read_variable(variable);
                self.builder.select(guard, value, old)
            }
            None => value,
        };
        self.write_variable(variable, value);
    }

    /// `{a, b} = wide`.
    fn unpack(&mut self, parts: &[Operand], value: Value) -> Outcome {
        let have = self.builder.function().ty(value);
        let wide = self.builder.bitcast(have.to_int(), value);
        let bits = have.bits() / parts.len().max(1) as u32;
        let (Some(part_ty), scalar) = (Type::int(bits), bits_type(bits)?) else { return refuse("vector destination") };
        for (index, part) in parts.iter().enumerate() {
            let amount = self.builder.constant(Type::I32, u64::from(bits) * index as u64);
            let moved = if index == 0 { wide } else { self.builder.binary(BinaryOp::ShrUnsigned, wide, amount) };
            let piece = self.builder.resize(false, part_ty, moved);
            self.write(part, scalar, piece)?;
        }
        Ok(())
    }

    /// Where an address operand points, in a space. Addresses are `i64`; registers of 32 bits are zero-extended.
    pub(crate) fn place(&mut self, operand: &Operand, space: AddressSpace) -> Result<Place, Refusal> {
        let Operand::Address(address) = operand else { return refuse("an address was expected") };
        if !address.rest.is_empty() {
            return refuse("an address of more than one part");
        }
        if let Operand::Name(name) = &address.base {
            match self.lookup(name) {
                Some(Binding::KernelParam(offset)) => {
                    return Ok(Place::KernelParam((i64::from(offset) + address.offset) as u32));
                }
                Some(Binding::Pieces(row)) => return Ok(Place::Pieces(row, address.offset as u32)),
                Some(Binding::Symbol(symbol, symbol_space)) if space == AddressSpace::Generic => {
                    let base = self.builder.push1(Op::SymbolAddress(symbol));
                    let base = self.builder.push1(Op::ToGeneric { space: symbol_space, a: base });
                    return Ok(Place::Memory { base, offset: address.offset });
                }
                _ => {}
            }
        }
        let base = match &address.base {
            Operand::Immediate(value) => self.immediate(*value, ScalarType::U64),
            Operand::Name(name) => {
                let is_32_bits = matches!(self.lookup(name), Some(Binding::Register(_, ty)) if ty.bits() == 32);
                let value = self.read_name(name, if is_32_bits { Type::I32 } else { Type::I64 })?;
                if is_32_bits && address.offset != 0 {
                    // The sum wraps in 32 bits.
                    let offset = self.builder.constant(Type::I32, u64::from(address.offset as u32));
                    let sum = self.builder.binary(BinaryOp::Add, value, offset);
                    let base = self.as_type(sum, Type::I64);
                    return Ok(Place::Memory { base, offset: 0 });
                }
                self.as_type(value, Type::I64)
            }
            other => return refuse(format!("address {other:?}")),
        };
        Ok(Place::Memory { base, offset: address.offset })
    }
}

/// The `.b*` type of a width.
pub(crate) fn bits_type(bits: u32) -> Result<ScalarType, Refusal> {
    Ok(match bits {
        1 => ScalarType::Pred,
        8 => ScalarType::B8,
        16 => ScalarType::B16,
        32 => ScalarType::B32,
        64 => ScalarType::B64,
        128 => ScalarType::B128,
        _ => return refuse(format!("{bits} bits")),
    })
}

/// PTX ISA 10: special registers.
pub(crate) fn special_register(name: &str) -> Option<SpecialRegister> {
    use SpecialRegister::*;
    Some(match name {
        "%tid.x" => TidX,
        "%tid.y" => TidY,
        "%tid.z" => TidZ,
        "%ntid.x" => NtidX,
        "%ntid.y" => NtidY,
        "%ntid.z" => NtidZ,
        "%ctaid.x" => CtaidX,
        "%ctaid.y" => CtaidY,
        "%ctaid.z" => CtaidZ,
        "%nctaid.x" => NctaidX,
        "%nctaid.y" => NctaidY,
        "%nctaid.z" => NctaidZ,
        "%laneid" => LaneId,
        "%warpid" => WarpId,
        "%nwarpid" => NwarpId,
        "%smid" => SmId,
        "%nsmid" => NsmId,
        "%gridid" => GridId,
        "%lanemask_eq" => LanemaskEq,
        "%lanemask_le" => LanemaskLe,
        "%lanemask_lt" => LanemaskLt,
        "%lanemask_ge" => LanemaskGe,
        "%lanemask_gt" => LanemaskGt,
        "%clock" => Clock,
        "%clock_hi" => ClockHi,
        "%clock64" => Clock64,
        "%globaltimer" => GlobalTimer,
        "%clusterid.x" => ClusterIdX,
        "%clusterid.y" => ClusterIdY,
        "%clusterid.z" => ClusterIdZ,
        "%nclusterid.x" => NclusterIdX,
        "%nclusterid.y" => NclusterIdY,
        "%nclusterid.z" => NclusterIdZ,
        "%cluster_ctaid.x" => ClusterCtaidX,
        "%cluster_ctaid.y" => ClusterCtaidY,
        "%cluster_ctaid.z" => ClusterCtaidZ,
        "%cluster_nctaid.x" => ClusterNctaidX,
        "%cluster_nctaid.y" => ClusterNctaidY,
        "%cluster_nctaid.z" => ClusterNctaidZ,
        "%cluster_ctarank" => ClusterCtarank,
        "%cluster_nctarank" => ClusterNctarank,
        "%dynamic_smem_size" => DynamicSharedSize,
        "%total_smem_size" | "%aggr_smem_size" => TotalSharedSize,
        "%envreg0" => Environment0,
        "%envreg1" => Environment1,
        "%envreg2" => Environment2,
        "%envreg3" => Environment3,
        "%is_explicit_cluster" | "%globaltimer_lo" | "%globaltimer_hi" => return None,
        _ if name.starts_with("%pm") && name.ends_with("_64") => Zero64,
        _ if name.starts_with("%pm") || name.starts_with("%envreg") => Zero32,
        _ => return None,
    })
}
