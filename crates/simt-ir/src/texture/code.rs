//! Operations as numbers, for machine code that hands them to the runtime; and as text.

use std::fmt;

use super::{
    Beyond, Detail, Geometry, Opaque, Query, Sample, SurfaceAccess, SurfaceAction, SurfaceReduction, TextureOp,
};

const GEOMETRIES: [Geometry; 7] = [
    Geometry::D1,
    Geometry::D2,
    Geometry::D3,
    Geometry::Layered1,
    Geometry::Layered2,
    Geometry::Cube,
    Geometry::LayeredCube,
];

const BEYONDS: [Beyond; 3] = [Beyond::Trap, Beyond::Clamp, Beyond::Zero];

const REDUCTIONS: [SurfaceReduction; 7] = [
    SurfaceReduction::Add,
    SurfaceReduction::MinSigned,
    SurfaceReduction::MinUnsigned,
    SurfaceReduction::MaxSigned,
    SurfaceReduction::MaxUnsigned,
    SurfaceReduction::And,
    SurfaceReduction::Or,
];

impl TextureOp {
    /// The operation as a number.
    pub fn encode(&self) -> u64 {
        u64::from_le_bytes(match *self {
            TextureOp::Sample(s) => {
                let flags =
                    u8::from(s.integer) | u8::from(s.sampler) << 1 | u8::from(s.offset) << 2 | u8::from(s.compare) << 3;
                [1, s.geometry as u8, s.detail as u8, s.gather.map_or(0, |component| component + 1), flags, 0, 0, 0]
            }
            TextureOp::Surface(SurfaceAccess { geometry, action, beyond }) => {
                let action = match action {
                    SurfaceAction::Load { bytes, count } => [0, bytes, count, 0],
                    SurfaceAction::Store { bytes, count } => [1, bytes, count, 0],
                    SurfaceAction::StoreFormatted { count } => [2, 0, count, 0],
                    SurfaceAction::Reduce { op, wide, by_texel } => [3, op as u8, u8::from(wide), u8::from(by_texel)],
                };
                [2, geometry as u8, beyond as u8, action[0], action[1], action[2], action[3], 0]
            }
            TextureOp::Query { query, level } => [3, query as u8, u8::from(level), 0, 0, 0, 0, 0],
            TextureOp::IsType(kind) => [4, kind as u8, 0, 0, 0, 0, 0, 0],
        })
    }

    /// The operation of a number; none if it is none.
    pub fn decode(code: u64) -> Option<TextureOp> {
        let bytes = code.to_le_bytes();
        let geometry = |index: u8| GEOMETRIES.get(usize::from(index)).copied();
        Some(match bytes[0] {
            1 => TextureOp::Sample(Sample {
                geometry: geometry(bytes[1])?,
                detail: *[Detail::Base, Detail::Level, Detail::Gradient].get(usize::from(bytes[2]))?,
                gather: bytes[3].checked_sub(1),
                integer: bytes[4] & 1 != 0,
                sampler: bytes[4] & 2 != 0,
                offset: bytes[4] & 4 != 0,
                compare: bytes[4] & 8 != 0,
            }),
            2 => TextureOp::Surface(SurfaceAccess {
                geometry: geometry(bytes[1])?,
                beyond: *BEYONDS.get(usize::from(bytes[2]))?,
                action: match bytes[3] {
                    0 => SurfaceAction::Load { bytes: bytes[4], count: bytes[5] },
                    1 => SurfaceAction::Store { bytes: bytes[4], count: bytes[5] },
                    2 => SurfaceAction::StoreFormatted { count: bytes[5] },
                    3 => SurfaceAction::Reduce {
                        op: *REDUCTIONS.get(usize::from(bytes[4]))?,
                        wide: bytes[5] != 0,
                        by_texel: bytes[6] != 0,
                    },
                    _ => return None,
                },
            }),
            3 => TextureOp::Query { query: *Query::ALL.get(usize::from(bytes[1]))?, level: bytes[2] != 0 },
            4 => TextureOp::IsType(match bytes[1] {
                1 => Opaque::Texture,
                2 => Opaque::Sampler,
                3 => Opaque::Surface,
                _ => return None,
            }),
            _ => return None,
        })
    }
}

impl fmt::Display for TextureOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextureOp::Sample(sample) => {
                let Sample { geometry, integer, detail, gather, sampler, offset, compare } = sample;
                match gather {
                    Some(component) => write!(f, "texture_gather {component} {geometry:?}")?,
                    None => write!(f, "texture_sample {geometry:?} {detail:?}")?,
                }
                let flags = [(*integer, "integer"), (*sampler, "sampler"), (*offset, "offset"), (*compare, "compare")];
                flags.iter().filter(|(is_set, _)| *is_set).try_for_each(|(_, name)| write!(f, " {name}"))
            }
            TextureOp::Surface(SurfaceAccess { geometry, action, beyond }) => {
                match action {
                    SurfaceAction::Load { bytes, count } => write!(f, "surface_load i{} x{count}", 8 * bytes)?,
                    SurfaceAction::Store { bytes, count } => write!(f, "surface_store i{} x{count}", 8 * bytes)?,
                    SurfaceAction::StoreFormatted { count } => write!(f, "surface_store formatted x{count}")?,
                    SurfaceAction::Reduce { op, wide, by_texel } => {
                        let bits = if *wide { 64 } else { 32 };
                        write!(f, "surface_reduce {op:?} i{bits}{}", if *by_texel { " by_texel" } else { "" })?;
                    }
                }
                write!(f, " {geometry:?} {beyond:?}")
            }
            TextureOp::Query { query, level } => {
                write!(f, "texture_query {}{}", query.name(), if *level { " level" } else { "" })
            }
            TextureOp::IsType(kind) => write!(f, "is_{}", format!("{kind:?}").to_lowercase()),
        }
    }
}
