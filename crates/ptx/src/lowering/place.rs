//! Where the parameters and variables of a function are, and how `.param` space is read and written.
//!
//! *Calls.* Parameters and results of device functions are values, not memory. A scalar is one integer of its width; an array or
//! structure is cut into pieces: as many `i64` as fit, then `i32`, `i16` and `i8` for the rest. The cut depends on the size alone,
//! so that caller, callee and the prototype of an indirect call agree whatever alignment they state. An access that is not a
//! whole piece is put together by shifts. A parameter whose address is taken is copied to local memory at entry.

use simt_ir::{AddressSpace, BinaryOp, FunctionKind, MemoryOrder, Op, SymbolId, Type, Value};

use super::context::{Lowering, Problem};
use super::ssa::Variable;
use crate::ast::{Declarator, Space, Variables};
use crate::resolve::{LocalId, LocalRole, Symbol};

/// Where a parameter or variable of a function is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In shared or local memory, or (by name) in global or constant memory.
    Memory(SymbolId, AddressSpace),
    /// In the kernel's parameter buffer, at this byte offset.
    KernelParameter(u32),
    /// In values.
    Pieces(Vec<Piece>),
    /// In a register.
    Register,
}

/// A part of a parameter that is passed as one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Byte offset in the parameter.
    pub offset: u32,
    /// The variable that holds it, an integer.
    pub variable: Variable,
}

/// Bytes that a parameter may have: more than the manual's 4 KiB for kernels, and a bound on pieces.
const PARAMETER_BYTES_MAX: u64 = 32 << 10;

/// The types of the pieces of a parameter, with their offsets.
pub(crate) fn piece_types(declaration: &Variables, declarator: &Declarator) -> Result<Vec<(u32, Type)>, Problem> {
    let scalar = declarator.dimensions.is_empty() && declaration.vector == 1;
    if scalar {
        let ty = Type::int(declaration.ty.bits());
        return match ty {
            Some(ty) => Ok(vec![(0, ty)]),
            None => Problem::unsupported(format!("parameters of type {}", declaration.ty)),
        };
    }
    let Some(bytes) = declarator.elements().and_then(|count| count.checked_mul(declaration.element_bytes())) else {
        return Problem::unsupported("a parameter whose size is not stated");
    };
    if bytes > PARAMETER_BYTES_MAX {
        return Problem::unsupported(format!("a parameter of {bytes} bytes, more than {PARAMETER_BYTES_MAX}"));
    }
    let mut pieces = Vec::new();
    let mut offset = 0;
    for ty in [Type::I64, Type::I32, Type::I16, Type::I8] {
        while bytes - offset >= u64::from(ty.bytes()) {
            pieces.push((offset as u32, ty));
            offset += u64::from(ty.bytes());
        }
    }
    Ok(pieces)
}

impl Lowering<'_> {
    /// Where a parameter or variable of the function is.
    pub(crate) fn place(&self, local: LocalId) -> &Place {
        &self.places[local.0 as usize]
    }

    /// Finds a place for every parameter and variable. `addressed` are those whose address the body takes.
    pub(super) fn place_locals(&mut self, addressed: &[bool]) -> Result<(), Problem> {
        let mut kernel_offset = 0u64;
        for (index, is_addressed) in addressed.iter().copied().enumerate() {
            let local = self.code.locals[index];
            let (declaration, declarator) = (local.declaration, local.declarator);
            let place = match (local.register, declaration.space, local.role) {
                (Some(_), ..) => Place::Register,
                (None, Space::Param, LocalRole::Parameter(_)) if self.kind == FunctionKind::Kernel => {
                    let (offset, end) = kernel_parameter(kernel_offset, declaration, declarator)?;
                    kernel_offset = end;
                    self.builder.function_mut().param_bytes = end as u32;
                    Place::KernelParameter(offset)
                }
                (None, Space::Param, _) if is_addressed => {
                    self.local_memory(&declarator.name, declaration, declarator)?
                }
                (None, Space::Param, _) => {
                    let pieces = piece_types(declaration, declarator)?;
                    let piece = |(offset, ty)| Piece { offset, variable: self.ssa.declare(ty) };
                    Place::Pieces(pieces.into_iter().map(piece).collect())
                }
                (None, Space::Shared, _) => {
                    let symbol = self.program.shared_symbol(&self.builder.function().name, declaration, declarator)?;
                    Place::Memory(symbol, AddressSpace::Shared)
                }
                (None, Space::Local, _) => self.local_memory(&declarator.name, declaration, declarator)?,
                (None, Space::Global | Space::Const, _) => {
                    let function = self.builder.function().name.clone();
                    let (symbol, space) = self.program.function_global(&function, declaration, declarator)?;
                    Place::Memory(symbol, space)
                }
                (None, space, _) => {
                    return Problem::unsupported(format!(
                        "a variable in {space} space declared within a function (`{}`)",
                        declarator.name
                    ));
                }
            };
            self.places.push(place);
        }
        Ok(())
    }

    /// A piece of the function's frame in local memory.
    fn local_memory(&mut self, name: &str, declaration: &Variables, declarator: &Declarator) -> Result<Place, Problem> {
        let Some(size) = declarator.elements().and_then(|count| count.checked_mul(declaration.element_bytes())) else {
            return Problem::invalid(format!("the size of `{name}` is not stated"));
        };
        let align = declaration.alignment();
        let function = self.builder.function_mut();
        let offset = u64::from(function.local_bytes).next_multiple_of(align);
        let end = offset.checked_add(size).and_then(|end| u32::try_from(end).ok());
        let Some(end) = end else {
            return Problem::invalid("the local variables of a function take 4 GiB or more");
        };
        function.local_bytes = end;
        function.local_align = function.local_align.max(align as u32);
        let symbol = self.program.local_symbol(&function.name, name, offset as u32, size);
        Ok(Place::Memory(symbol, AddressSpace::Local))
    }

    /// Takes the parameters of a device function from its first values.
    pub(super) fn receive_parameters(&mut self) -> Result<(), Problem> {
        if self.kind == FunctionKind::Kernel {
            return Ok(());
        }
        let mut next = 0;
        for index in 0..self.code.locals.len() {
            let local = self.code.locals[index];
            if !matches!(local.role, LocalRole::Parameter(_)) {
                continue;
            }
            let count = piece_types(local.declaration, local.declarator)?.len();
            let values: Vec<Value> = (next..next + count).map(|index| self.builder.parameter(index)).collect();
            next += count;
            self.store_pieces(LocalId(index as u32), &values)?;
        }
        Ok(())
    }

    /// The pieces of a parameter as values, in order.
    pub(crate) fn load_pieces(&mut self, local: LocalId) -> Result<Vec<Value>, Problem> {
        let described = self.code.locals[local.0 as usize];
        match self.places[local.0 as usize].clone() {
            Place::Pieces(pieces) => Ok(pieces.iter().map(|piece| self.get(piece.variable)).collect()),
            Place::Memory(symbol, space) => {
                let address = self.builder.push1(Op::SymbolAddress(symbol));
                let types = piece_types(described.declaration, described.declarator)?;
                let load = |(offset, ty)| {
                    let offset = i64::from(offset);
                    let order = MemoryOrder::Weak;
                    self.builder.push1(Op::Load { space, ty, count: 1, order, address, offset, guard: None })
                };
                Ok(types.into_iter().map(load).collect())
            }
            Place::Register => match described.register {
                Some(register) => {
                    let value = self.get(self.registers[register.0 as usize]);
                    Ok(vec![self.as_int(value)])
                }
                None => Problem::invalid("a parameter without a register"),
            },
            Place::KernelParameter(_) => Problem::invalid("a kernel's parameter cannot be passed on by name"),
        }
    }

    /// Sets the pieces of a parameter.
    pub(crate) fn store_pieces(&mut self, local: LocalId, values: &[Value]) -> Result<(), Problem> {
        let described = self.code.locals[local.0 as usize];
        match self.places[local.0 as usize].clone() {
            Place::Pieces(pieces) => {
                for (piece, value) in pieces.iter().zip(values) {
                    self.set(piece.variable, *value);
                }
            }
            Place::Memory(symbol, space) => {
                let address = self.builder.push1(Op::SymbolAddress(symbol));
                let types = piece_types(described.declaration, described.declarator)?;
                for ((offset, ty), value) in types.into_iter().zip(values) {
                    let (offset, order) = (i64::from(offset), MemoryOrder::Weak);
                    let values = vec![*value];
                    self.builder.push(Op::Store { space, ty, order, address, offset, values, guard: self.guard });
                }
            }
            Place::Register => {
                if let (Some(register), Some(value)) = (described.register, values.first()) {
                    let variable = self.registers[register.0 as usize];
                    let value = self.bitcast(self.ssa.ty(variable), *value);
                    self.set(variable, value);
                }
            }
            Place::KernelParameter(_) => {
                return Problem::invalid("a kernel's parameter is not written");
            }
        }
        Ok(())
    }

    /// `bytes` bytes at `offset` of a parameter that is kept in values, as an integer of that width.
    pub(crate) fn load_from_pieces(&mut self, pieces: &[Piece], offset: i64, bytes: u32) -> Result<Value, Problem> {
        let ty = integer_of(bytes)?;
        let mut result: Option<Value> = None;
        for piece in pieces {
            let Some((piece_bit, value_bit, width)) = self.overlap(piece, offset, bytes) else {
                continue;
            };
            let held = self.get(piece.variable);
            if width == ty.bits() && width == self.ty(held).bits() {
                return Ok(held);
            }
            let above = self.ty(held).bits() - piece_bit - width;
            let held = self.shift_right(held, piece_bit);
            let mut narrow = self.builder.resize(false, ty, held);
            if above > 0 {
                narrow = self.keep_low_bits(narrow, width);
            }
            let part = self.shift_left(narrow, value_bit);
            result = Some(match result {
                None => part,
                Some(sum) => self.builder.binary(BinaryOp::Or, sum, part),
            });
        }
        match result {
            Some(value) if offset >= 0 && self.covered(pieces, offset, bytes) => Ok(value),
            _ => Problem::invalid("an access beyond the end of the parameter"),
        }
    }

    /// Writes an integer of `bytes` bytes at `offset` of a parameter that is kept in values.
    pub(crate) fn store_to_pieces(
        &mut self,
        pieces: &[Piece],
        offset: i64,
        bytes: u32,
        value: Value,
    ) -> Result<(), Problem> {
        if offset < 0 || !self.covered(pieces, offset, bytes) {
            return Problem::invalid("an access beyond the end of the parameter");
        }
        for piece in pieces {
            let Some((piece_bit, value_bit, width)) = self.overlap(piece, offset, bytes) else {
                continue;
            };
            let ty = self.ssa.ty(piece.variable);
            let above = self.ty(value).bits() - value_bit - width;
            let part = self.shift_right(value, value_bit);
            let mut part = self.builder.resize(false, ty, part);
            if width == ty.bits() {
                self.set(piece.variable, part);
                continue;
            }
            if ty == Type::I128 {
                return Problem::unsupported("a part of a parameter of type .b128");
            }
            if above > 0 {
                part = self.keep_low_bits(part, width);
            }
            let part = self.shift_left(part, piece_bit);
            let old = self.get(piece.variable);
            let merged = if self.ssa.is_undefined(old) {
                part
            } else {
                let kept = self.constant(ty, !(low_mask(width) << piece_bit));
                let kept = self.builder.binary(BinaryOp::And, old, kept);
                self.builder.binary(BinaryOp::Or, kept, part)
            };
            self.set(piece.variable, merged);
        }
        Ok(())
    }

    /// Where `bytes` bytes at `offset` and a piece overlap: first bit in the piece, first bit in the value, bits.
    fn overlap(&self, piece: &Piece, offset: i64, bytes: u32) -> Option<(u32, u32, u32)> {
        let piece_start = i64::from(piece.offset);
        let piece_end = piece_start + i64::from(self.ssa.ty(piece.variable).bytes());
        let (start, end) = (offset.max(piece_start), offset.saturating_add(i64::from(bytes)).min(piece_end));
        (start < end).then(|| ((start - piece_start) as u32 * 8, (start - offset) as u32 * 8, (end - start) as u32 * 8))
    }

    fn covered(&self, pieces: &[Piece], offset: i64, bytes: u32) -> bool {
        let end = pieces.last().map_or(0, |last| i64::from(last.offset + self.ssa.ty(last.variable).bytes()));
        offset.saturating_add(i64::from(bytes)) <= end
    }

    fn shift_right(&mut self, value: Value, bits: u32) -> Value {
        self.shift(BinaryOp::ShrUnsigned, value, bits)
    }

    fn shift_left(&mut self, value: Value, bits: u32) -> Value {
        self.shift(BinaryOp::Shl, value, bits)
    }

    fn shift(&mut self, op: BinaryOp, value: Value, bits: u32) -> Value {
        if bits == 0 {
            return value;
        }
        let amount = self.constant(Type::I32, u64::from(bits));
        self.builder.binary(op, value, amount)
    }

    fn keep_low_bits(&mut self, value: Value, width: u32) -> Value {
        let ty = self.ty(value);
        if width >= ty.bits() {
            return value;
        }
        let mask = self.constant(ty, low_mask(width));
        self.builder.binary(BinaryOp::And, value, mask)
    }

    /// The address of a variable in its own space, or of a function.
    pub(crate) fn symbol_address(&mut self, symbol: &Symbol) -> Result<Value, Problem> {
        let op = match symbol {
            // Kernels are launched by their addresses, and are no part of this program.
            Symbol::Function(name) if let Some(address) = self.program.kernel_address(name) => {
                return Ok(self.constant(Type::I64, address));
            }
            Symbol::Function(name) => match self.program.function(name)? {
                Some(function) => Op::FunctionAddress(function),
                None => {
                    return Problem::unsupported(format!("the address of `{name}`, which is not defined"));
                }
            },
            Symbol::Variable(index) => Op::SymbolAddress(self.program.module_symbol(*index)?.0),
            Symbol::Local(local) => match &self.places[local.0 as usize] {
                Place::Memory(symbol, _) => Op::SymbolAddress(*symbol),
                Place::KernelParameter(offset) => {
                    let offset = u64::from(*offset);
                    return Ok(self.constant(Type::I64, offset));
                }
                Place::Pieces(_) | Place::Register => {
                    return Problem::invalid("the address of a parameter that has none");
                }
            },
        };
        Ok(self.builder.push1(op))
    }
}

/// The integer type of this many bytes.
fn integer_of(bytes: u32) -> Result<Type, Problem> {
    Type::int(bytes * 8).map_or_else(|| Problem::unsupported(format!("a parameter access of {bytes} bytes")), Ok)
}

/// A number whose `width` low bits are set.
fn low_mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Offset and end of a kernel's parameter that comes behind `offset` bytes.
pub(crate) fn kernel_parameter(
    offset: u64,
    declaration: &Variables,
    declarator: &Declarator,
) -> Result<(u32, u64), Problem> {
    let size = declarator.elements().and_then(|count| count.checked_mul(declaration.element_bytes()));
    let start = offset.next_multiple_of(declaration.alignment());
    match size.and_then(|size| start.checked_add(size)) {
        Some(end) if end <= PARAMETER_BYTES_MAX => Ok((start as u32, end)),
        _ => Problem::invalid(format!("the parameters of a kernel take more than {PARAMETER_BYTES_MAX} bytes")),
    }
}
