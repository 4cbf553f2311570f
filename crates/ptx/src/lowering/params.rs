//! Parameters and return values of device functions: cut into scalar pieces, which travel as values.
//!
//! A `.param` variable of a call, a parameter, or a return value is a row of pieces, each an SSA variable; loads and stores at
//! constant offsets pick bits from them, so that no memory is touched.

use simt_ir::{BinaryOp, Type, Value};

use super::function::Lowerer;
use super::registers::Variable;
use super::view::{Refusal, refuse};
use crate::ast::Variables;

/// A row of pieces.
#[derive(Clone, Debug)]
pub(crate) struct ParamVariable {
    /// Offset in bytes and variable of each piece.
    pub(super) pieces: Vec<(u32, Variable)>,
    /// Size in bytes.
    pub(super) bytes: u32,
}

/// The types of the pieces of a declaration: scalars whole, arrays in words as wide as their alignment allows.
pub(super) fn piece_types(declaration: &Variables) -> Vec<Type> {
    let elements = declaration
        .names
        .first()
        .map_or(Some(1), |name| if name.dimensions.is_empty() { Some(1) } else { name.elements() });
    let bytes = declaration.element_bytes() * elements.unwrap_or(0);
    let is_scalar = declaration.vector == 1 && declaration.names.first().is_some_and(|name| name.dimensions.is_empty());
    if is_scalar {
        return vec![Type::int(declaration.ty.bits().max(8)).unwrap_or(Type::I64)];
    }
    let align = declaration.alignment().min(8);
    let mut list = Vec::new();
    let mut at = 0;
    while at < bytes {
        let mut size = align;
        while at % size != 0 || at + size > bytes {
            size /= 2;
        }
        list.push(Type::int(size as u32 * 8).unwrap_or(Type::I8));
        at += size;
    }
    list
}

impl Lowerer<'_, '_> {
    /// A row of fresh pieces.
    pub(super) fn declare_pieces(&mut self, types: &[Type]) -> ParamVariable {
        let mut offset = 0;
        let mut pieces = Vec::new();
        for ty in types {
            pieces.push((offset, self.registers.declare(*ty)));
            offset += ty.bytes();
        }
        ParamVariable { pieces, bytes: offset }
    }

    /// Bits `offset … offset + ty.bytes()` of a row, as an integer of that width.
    pub(super) fn read_pieces(&mut self, variable: &ParamVariable, offset: u32, ty: Type) -> Result<Value, Refusal> {
        let wanted = ty.to_int();
        let (first, last) = (offset, offset + wanted.bytes());
        let mut result: Option<Value> = None;
        for (start, piece) in &variable.pieces {
            let piece_ty = self.registers.ty(*piece);
            let end = start + piece_ty.bytes();
            if *start >= last || end <= first {
                continue;
            }
            let value = self.read_variable(*piece);
            let part = if *start < first {
                let amount = self.builder.constant(Type::I32, u64::from((first - start) * 8));
                let moved = self.builder.binary(BinaryOp::ShrUnsigned, value, amount);
                self.builder.resize(false, wanted, moved)
            } else {
                let wide = self.builder.resize(false, wanted, value);
                if *start == first {
                    wide
                } else {
                    let amount = self.builder.constant(Type::I32, u64::from((start - first) * 8));
                    self.builder.binary(BinaryOp::Shl, wide, amount)
                }
            };
            result = Some(match result {
                Some(sum) => self.builder.binary(BinaryOp::Or, sum, part),
                None => part,
            });
        }
        result.map_or_else(|| refuse("access outside a parameter"), Ok)
    }

    /// Sets bits of a row.
    pub(super) fn write_pieces(&mut self, variable: &ParamVariable, offset: u32, value: Value) -> Result<(), Refusal> {
        let ty = self.builder.function().ty(value).to_int();
        let value = self.builder.bitcast(ty, value);
        let (first, last) = (offset, offset + ty.bytes());
        if last > variable.bytes {
            return refuse("access outside a parameter");
        }
        for (start, piece) in variable.pieces.clone() {
            let piece_ty = self.registers.ty(piece);
            let end = start + piece_ty.bytes();
            if start >= last || end <= first {
                continue;
            }
            let new = if first <= start && end <= last {
                // The whole piece is written.
                let amount = self.builder.constant(Type::I32, u64::from((start - first) * 8));
                let moved =
                    if start == first { value } else { self.builder.binary(BinaryOp::ShrUnsigned, value, amount) };
                self.builder.resize(false, piece_ty, moved)
            } else if start <= first && last <= end {
                let old = self.read_variable(piece);
                let shift = u64::from((first - start) * 8);
                let amount = self.builder.constant(Type::I32, shift);
                let wide = self.builder.resize(false, piece_ty, value);
                let moved = self.builder.binary(BinaryOp::Shl, wide, amount);
                let bits = if ty.bits() >= 64 { u64::MAX } else { (1u64 << ty.bits()) - 1 };
                let keep = self.builder.constant(piece_ty, !(bits << shift));
                let kept = self.builder.binary(BinaryOp::And, old, keep);
                self.builder.binary(BinaryOp::Or, kept, moved)
            } else {
                return refuse("store across parts of a parameter");
            };
            self.write_variable(piece, new);
        }
        Ok(())
    }

    /// [`Lowerer::read_pieces`] for instructions.
    pub(crate) fn read_row(&mut self, row: &ParamVariable, offset: u32, ty: Type) -> Result<Value, Refusal> {
        self.read_pieces(row, offset, ty)
    }

    /// [`Lowerer::write_pieces`] for instructions.
    pub(crate) fn write_row(&mut self, row: &ParamVariable, offset: u32, value: Value) -> Result<(), Refusal> {
        self.write_pieces(row, offset, value)
    }
}
