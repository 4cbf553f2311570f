//! Operations as numbers, for machine code that hands them to the runtime; and as text.

use std::fmt;

use super::element::Reduction;
use super::op::{Access, Field, Mode, TensorOp};

const MODES: [Mode; 3] = [Mode::Tile, Mode::Pixels, Mode::Rows];

impl Field {
    fn encode(self) -> [u8; 2] {
        match self {
            Field::GlobalAddress => [0, 0],
            Field::Rank => [1, 0],
            Field::BoxDim(dimension) => [2, dimension],
            Field::GlobalDim(dimension) => [3, dimension],
            Field::GlobalStride(dimension) => [4, dimension],
            Field::ElementStride(dimension) => [5, dimension],
            Field::ElementType => [6, 0],
            Field::InterleaveLayout => [7, 0],
            Field::SwizzleMode => [8, 0],
            Field::FillMode => [9, 0],
        }
    }

    fn decode([kind, dimension]: [u8; 2]) -> Option<Field> {
        Some(match kind {
            0 => Field::GlobalAddress,
            1 => Field::Rank,
            2 => Field::BoxDim(dimension),
            3 => Field::GlobalDim(dimension),
            4 => Field::GlobalStride(dimension),
            5 => Field::ElementStride(dimension),
            6 => Field::ElementType,
            7 => Field::InterleaveLayout,
            8 => Field::SwizzleMode,
            9 => Field::FillMode,
            _ => return None,
        })
    }
}

impl TensorOp {
    /// The operation as a number.
    pub fn encode(&self) -> u64 {
        let bytes = match *self {
            TensorOp::Load(Access { rank, mode }) => [1, rank, mode as u8, 0],
            TensorOp::Store(Access { rank, mode }) => [2, rank, mode as u8, 0],
            TensorOp::Reduce(Access { rank, mode }, op) => [3, rank, mode as u8, op as u8],
            TensorOp::Replace(field) => {
                let [kind, dimension] = field.encode();
                [4, kind, dimension, 0]
            }
        };
        u32::from_le_bytes(bytes).into()
    }

    /// The operation of a number; none if it is none.
    pub fn decode(code: u64) -> Option<TensorOp> {
        let [kind, a, b, c] = u32::try_from(code).ok()?.to_le_bytes();
        let access = || Some(Access { rank: a, mode: *MODES.get(usize::from(b))? });
        Some(match kind {
            1 => TensorOp::Load(access()?),
            2 => TensorOp::Store(access()?),
            3 => TensorOp::Reduce(access()?, *Reduction::ALL.get(usize::from(c))?),
            4 => TensorOp::Replace(Field::decode([a, b])?),
            _ => return None,
        })
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}d", self.mode, self.rank)
    }
}

impl fmt::Display for TensorOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TensorOp::Load(access) => write!(f, "tensor_load {access}"),
            TensorOp::Store(access) => write!(f, "tensor_store {access}"),
            TensorOp::Reduce(access, op) => write!(f, "tensor_reduce {op:?} {access}"),
            TensorOp::Replace(field) => write!(f, "tensor_replace {field:?}"),
        }
    }
}
