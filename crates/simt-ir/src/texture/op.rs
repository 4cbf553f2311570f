//! What an instruction does with a texture or surface.

use crate::Type;

/// The coordinates that an instruction gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Geometry {
    /// x.
    D1,
    /// x, y.
    D2,
    /// x, y, z.
    D3,
    /// Layer, x.
    Layered1,
    /// Layer, x, y.
    Layered2,
    /// A direction: x, y, z.
    Cube,
    /// Cube, and a direction.
    LayeredCube,
}

impl Geometry {
    /// Coordinates beside the layer.
    pub fn dimensions(self) -> usize {
        match self {
            Geometry::D1 | Geometry::Layered1 => 1,
            Geometry::D2 | Geometry::Layered2 => 2,
            Geometry::D3 | Geometry::Cube | Geometry::LayeredCube => 3,
        }
    }

    /// Whether a layer, or a cube of several, is named first.
    pub fn is_layered(self) -> bool {
        matches!(self, Geometry::Layered1 | Geometry::Layered2 | Geometry::LayeredCube)
    }

    /// Whether the coordinates are a direction.
    pub fn is_cube(self) -> bool {
        matches!(self, Geometry::Cube | Geometry::LayeredCube)
    }
}

/// How the level of a mipmap is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Detail {
    /// The first one.
    Base,
    /// By an operand.
    Level,
    /// By how the coordinates change: two vectors as long as the coordinates.
    Gradient,
}

/// A read of a texture; 4 × `i32`: the bits of the four components.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sample {
    /// The coordinates.
    pub geometry: Geometry,
    /// Whether they are integers, so that a texel is fetched as it is.
    pub integer: bool,
    /// How the level is chosen. Its operand is of the coordinates' type, gradients are `f32`.
    pub detail: Detail,
    /// Instead of a filtered texel, this component of the four that would be filtered.
    pub gather: Option<u8>,
    /// Whether a sampler is named beside the texture.
    pub sampler: bool,
    /// Whether an offset in texels follows, an `i32` for each coordinate.
    pub offset: bool,
    /// Whether a depth follows, an `f32`, that texels are compared with: 1 if it is not larger, else 0.
    pub compare: bool,
}

/// What becomes of an access to a surface at coordinates where it has no texel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Beyond {
    /// It is a fault.
    Trap,
    /// The nearest texel is taken.
    Clamp,
    /// A load gives 0, a store does nothing.
    Zero,
}

/// What a reduction does to the number in a surface.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
#[repr(u8)]
pub enum SurfaceReduction {
    Add,
    MinSigned,
    MinUnsigned,
    MaxSigned,
    MaxUnsigned,
    And,
    Or,
}

impl SurfaceReduction {
    /// The new number, of 32 bits, or of 64 if `wide`.
    pub fn apply(self, wide: bool, old: u64, operand: u64) -> u64 {
        let signed = |value: u64| if wide { value as i64 } else { i64::from(value as u32 as i32) };
        let mask = if wide { u64::MAX } else { u64::from(u32::MAX) };
        let new = match self {
            SurfaceReduction::Add => old.wrapping_add(operand),
            SurfaceReduction::MinSigned => signed(old).min(signed(operand)) as u64,
            SurfaceReduction::MaxSigned => signed(old).max(signed(operand)) as u64,
            SurfaceReduction::MinUnsigned => (old & mask).min(operand & mask),
            SurfaceReduction::MaxUnsigned => (old & mask).max(operand & mask),
            SurfaceReduction::And => old & operand,
            SurfaceReduction::Or => old | operand,
        };
        new & mask
    }
}

/// What an access to a surface does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SurfaceAction {
    /// `-> count × integer` of so many bytes; x counts bytes.
    Load {
        /// Bytes of an element: 1, 2, 4 or 8.
        bytes: u8,
        /// Elements.
        count: u8,
    },
    /// `count × integer`; x counts bytes.
    Store {
        /// Bytes of an element: 1, 2, 4 or 8.
        bytes: u8,
        /// Elements.
        count: u8,
    },
    /// `count × i32`: a number or the bits of a float for each component, converted to what the surface holds; x counts texels.
    StoreFormatted {
        /// Elements.
        count: u8,
    },
    /// `i32` or `i64`, combined with what is there.
    Reduce {
        /// How.
        op: SurfaceReduction,
        /// Whether the number has 64 bits.
        wide: bool,
        /// Whether x counts texels, and not bytes.
        by_texel: bool,
    },
}

/// An access to a surface, at integer coordinates.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SurfaceAccess {
    /// The coordinates.
    pub geometry: Geometry,
    /// What is done there.
    pub action: SurfaceAction,
    /// What if there is no texel.
    pub beyond: Beyond,
}

macro_rules! queries {
    ($($(#[$meta:meta])* $variant:ident $name:literal,)*) => {
        /// What can be asked about a texture, sampler or surface.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Query { $($(#[$meta])* $variant,)* }

        impl Query {
            pub(super) const ALL: &'static [Query] = &[$(Query::$variant,)*];

            /// The query that PTX calls `name`.
            pub fn from_name(name: &str) -> Option<Query> {
                match name { $($name => Some(Query::$variant),)* _ => None }
            }

            /// What PTX calls it.
            pub fn name(self) -> &'static str {
                match self { $(Query::$variant => $name,)* }
            }
        }
    };
}

queries! {
    /// Texels of a row.
    Width "width",
    /// Rows.
    Height "height",
    /// Slices.
    Depth "depth",
    /// The number that OpenCL has for the type of a component.
    ChannelDataType "channel_data_type",
    /// The number that OpenCL has for the components that there are.
    ChannelOrder "channel_order",
    /// Whether coordinates are fractions of the size.
    NormalizedCoords "normalized_coords",
    /// Layers.
    ArraySize "array_size",
    /// Levels of the mipmap.
    NumMipmapLevels "num_mipmap_levels",
    /// Samples of a texel.
    NumSamples "num_samples",
    /// Whether texels are interpolated.
    FilterMode "filter_mode",
    /// The address mode of x.
    AddrMode0 "addr_mode_0",
    /// The address mode of y.
    AddrMode1 "addr_mode_1",
    /// The address mode of z.
    AddrMode2 "addr_mode_2",
    /// Whether the sampler takes coordinates for texels whatever the texture says.
    ForceUnnormalizedCoords "force_unnormalized_coords",
    /// How the surface lies in memory.
    MemoryLayout "memory_layout",
}

/// Kinds of opaque variables.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
#[repr(u8)]
pub enum Opaque {
    Texture = 1,
    Sampler,
    Surface,
}

/// An operation on a texture or surface. Its first operand, an `i64`, names the resource, the second the sampler if there
/// is one; coordinates follow (layer, x, y, z), and then what the operation lists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TextureOp {
    /// Reads a texture.
    Sample(Sample),
    /// Reads or writes a surface.
    Surface(SurfaceAccess),
    /// `[level: i32] -> i32`.
    Query {
        /// What is asked.
        query: Query,
        /// Whether it is about a level of the mipmap.
        level: bool,
    },
    /// `-> i1`: whether the resource is of a kind.
    IsType(Opaque),
}

impl TextureOp {
    /// Types of the operands.
    pub fn operand_types(&self) -> Vec<Type> {
        let mut types = Vec::new();
        self.for_each_operand(|ty, count| types.extend(std::iter::repeat_n(ty, count)));
        types
    }

    /// Number of the operands.
    pub fn operand_count(&self) -> usize {
        let mut total = 0;
        self.for_each_operand(|_, count| total += count);
        total
    }

    /// Calls `visit` with types and how many operands of the type follow one another.
    fn for_each_operand(&self, mut visit: impl FnMut(Type, usize)) {
        visit(Type::I64, 1);
        match self {
            TextureOp::Sample(sample) => {
                let dimensions = sample.geometry.dimensions();
                let coordinate = if sample.integer { Type::I32 } else { Type::F32 };
                visit(Type::I64, usize::from(sample.sampler));
                visit(Type::I32, usize::from(sample.geometry.is_layered()));
                visit(coordinate, dimensions);
                match sample.detail {
                    Detail::Base => {}
                    Detail::Level => visit(coordinate, 1),
                    Detail::Gradient => visit(Type::F32, 2 * dimensions),
                }
                visit(Type::I32, if sample.offset { dimensions } else { 0 });
                visit(Type::F32, usize::from(sample.compare));
            }
            TextureOp::Surface(access) => {
                visit(Type::I32, access.geometry.dimensions() + usize::from(access.geometry.is_layered()));
                match access.action {
                    SurfaceAction::Load { .. } => {}
                    SurfaceAction::Store { bytes, count } => visit(integer(bytes), usize::from(count)),
                    SurfaceAction::StoreFormatted { count } => visit(Type::I32, usize::from(count)),
                    SurfaceAction::Reduce { wide, .. } => visit(if wide { Type::I64 } else { Type::I32 }, 1),
                }
            }
            TextureOp::Query { level, .. } => visit(Type::I32, usize::from(*level)),
            TextureOp::IsType(_) => {}
        }
    }

    /// Types of the results.
    pub fn result_types(&self) -> Vec<Type> {
        match self {
            TextureOp::Sample(_) => vec![Type::I32; 4],
            TextureOp::Surface(SurfaceAccess { action: SurfaceAction::Load { bytes, count }, .. }) => {
                vec![integer(*bytes); usize::from(*count)]
            }
            TextureOp::Surface(_) => vec![],
            TextureOp::Query { .. } => vec![Type::I32],
            TextureOp::IsType(_) => vec![Type::I1],
        }
    }

    /// Number of the results.
    pub fn result_count(&self) -> usize {
        match self {
            TextureOp::Sample(_) => 4,
            TextureOp::Surface(SurfaceAccess { action: SurfaceAction::Load { count, .. }, .. }) => usize::from(*count),
            TextureOp::Surface(_) => 0,
            TextureOp::Query { .. } | TextureOp::IsType(_) => 1,
        }
    }

    /// Whether it only reads.
    pub fn only_reads(&self) -> bool {
        match self {
            TextureOp::Surface(access) => matches!(access.action, SurfaceAction::Load { .. }),
            _ => true,
        }
    }
}

/// The integer of so many bytes.
fn integer(bytes: u8) -> Type {
    Type::int(u32::from(bytes) * 8).unwrap_or(Type::I64)
}
