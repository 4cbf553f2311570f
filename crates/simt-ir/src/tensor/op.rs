//! Operations on tensors.

use super::element::Reduction;
use crate::Type;

/// Which box of a tensor an instruction names, and how.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// By the coordinates of its first element.
    Tile,
    /// By those of a pixel in the bounding box.
    Pixels,
    /// Four rows of a matrix: by the column, and each row's number.
    Rows,
}

/// A part of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    /// Dimensions of the tensor.
    pub rank: u8,
    /// How the part is named.
    pub mode: Mode,
}

impl Access {
    /// Numbers that name the part.
    pub fn coordinates(self) -> usize {
        if self.mode == Mode::Rows { 5 } else { self.rank.into() }
    }

    /// Distances of the pixels that are read from those of the bounding box.
    pub fn offsets(self) -> usize {
        if self.mode == Mode::Pixels { usize::from(self.rank).saturating_sub(2) } else { 0 }
    }
}

/// A field of a tensor map that `tensormap.replace` changes; of some there is one for each dimension.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Field {
    GlobalAddress,
    Rank,
    BoxDim(u8),
    GlobalDim(u8),
    GlobalStride(u8),
    ElementStride(u8),
    /// Numbered as the driver API does.
    ElementType,
    InterleaveLayout,
    SwizzleMode,
    FillMode,
}

/// An operation on a tensor. The first operand is the generic address of the tensor map, an `i64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TensorOp {
    /// `map, shared: i64, coordinates: i32…, offsets: i32… -> i32`: global to shared memory, which has a generic address. The result
    /// is the number of bytes that have arrived.
    Load(Access),
    /// `map, shared: i64, coordinates: i32…`: shared to global memory.
    Store(Access),
    /// As [`TensorOp::Store`], into what is there.
    Reduce(Access, Reduction),
    /// `map, value: i64`.
    Replace(Field),
}

impl TensorOp {
    /// Types of the operands.
    pub fn operand_types(&self) -> Vec<Type> {
        let mut types = vec![Type::I64; 2];
        types.extend(vec![Type::I32; self.numbers()]);
        types
    }

    /// Operands behind the addresses.
    fn numbers(&self) -> usize {
        match self {
            TensorOp::Load(access) => access.coordinates() + access.offsets(),
            TensorOp::Store(access) | TensorOp::Reduce(access, _) => access.coordinates(),
            TensorOp::Replace(_) => 0,
        }
    }

    /// Number of operands.
    pub fn operand_count(&self) -> usize {
        2 + self.numbers()
    }

    /// Types of the results.
    pub fn result_types(&self) -> Vec<Type> {
        vec![Type::I32; self.result_count()]
    }

    /// Number of results.
    pub fn result_count(&self) -> usize {
        usize::from(matches!(self, TensorOp::Load(_)))
    }
}
