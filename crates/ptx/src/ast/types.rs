//! Scalar types, state spaces and linkage (PTX ISA 5.1, 5.2, 10.6).

use std::fmt;

/// What the bits of a scalar type stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// `.b*`: bits without a meaning; agrees with every type of the same width.
    Bits,
    /// `.u*`.
    Unsigned,
    /// `.s*`.
    Signed,
    /// `.f*`, `.bf16` and the narrow formats.
    Float,
    /// `.pred`.
    Predicate,
    /// `.texref`, `.samplerref`, `.surfref`: handles of 64 bits.
    Opaque,
}

macro_rules! scalar_types {
    ($($variant:ident $name:literal $bits:literal $lanes:literal $kind:ident;)*) => {
        /// A fundamental, packed or opaque type. The same names serve as types of variables and as type modifiers of
        /// instructions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each variant is the PTX type of the same name")]
        pub enum ScalarType { $($variant,)* }

        impl ScalarType {
            /// Every type, in the order of declaration.
            pub const ALL: &'static [ScalarType] = &[$(ScalarType::$variant,)*];

            /// The type named `name` (without the dot), or none.
            pub fn from_name(name: &str) -> Option<ScalarType> {
                match name { $($name => Some(ScalarType::$variant),)* _ => None }
            }

            /// The name without the dot.
            pub fn name(self) -> &'static str {
                match self { $(ScalarType::$variant => $name,)* }
            }

            /// Width in bits of the whole type; a predicate counts one.
            pub fn bits(self) -> u32 {
                match self { $(ScalarType::$variant => $bits,)* }
            }

            /// How many elements are packed in the type: 2 for `.f16x2`, 1 for scalars.
            pub fn packed_lanes(self) -> u32 {
                match self { $(ScalarType::$variant => $lanes,)* }
            }

            /// What the bits stand for.
            pub fn kind(self) -> TypeKind {
                match self { $(ScalarType::$variant => TypeKind::$kind,)* }
            }
        }
    };
}

scalar_types! {
    B8 "b8" 8 1 Bits;
    B16 "b16" 16 1 Bits;
    B32 "b32" 32 1 Bits;
    B64 "b64" 64 1 Bits;
    B128 "b128" 128 1 Bits;
    U8 "u8" 8 1 Unsigned;
    U16 "u16" 16 1 Unsigned;
    U32 "u32" 32 1 Unsigned;
    U64 "u64" 64 1 Unsigned;
    S8 "s8" 8 1 Signed;
    S16 "s16" 16 1 Signed;
    S32 "s32" 32 1 Signed;
    S64 "s64" 64 1 Signed;
    F16 "f16" 16 1 Float;
    F32 "f32" 32 1 Float;
    F64 "f64" 64 1 Float;
    Bf16 "bf16" 16 1 Float;
    Tf32 "tf32" 32 1 Float;
    F16x2 "f16x2" 32 2 Float;
    Bf16x2 "bf16x2" 32 2 Float;
    F32x2 "f32x2" 64 2 Float;
    U16x2 "u16x2" 32 2 Unsigned;
    S16x2 "s16x2" 32 2 Signed;
    U8x4 "u8x4" 32 4 Unsigned;
    S8x4 "s8x4" 32 4 Signed;
    E4m3 "e4m3" 8 1 Float;
    E5m2 "e5m2" 8 1 Float;
    E4m3x2 "e4m3x2" 16 2 Float;
    E5m2x2 "e5m2x2" 16 2 Float;
    E4m3x4 "e4m3x4" 32 4 Float;
    E5m2x4 "e5m2x4" 32 4 Float;
    E2m1x2 "e2m1x2" 8 2 Float;
    E2m1x4 "e2m1x4" 16 4 Float;
    E2m3x2 "e2m3x2" 16 2 Float;
    E3m2x2 "e3m2x2" 16 2 Float;
    E2m3x4 "e2m3x4" 32 4 Float;
    E3m2x4 "e3m2x4" 32 4 Float;
    Ue8m0x2 "ue8m0x2" 16 2 Float;
    Pred "pred" 1 1 Predicate;
    Texref "texref" 64 1 Opaque;
    Samplerref "samplerref" 64 1 Opaque;
    Surfref "surfref" 64 1 Opaque;
}

impl ScalarType {
    /// Size in memory, in bytes.
    pub fn bytes(self) -> u32 {
        self.bits().div_ceil(8)
    }

    /// Whether the type is a signed integer.
    pub fn is_signed(self) -> bool {
        self.kind() == TypeKind::Signed
    }

    /// Whether the type is a floating-point type.
    pub fn is_float(self) -> bool {
        self.kind() == TypeKind::Float
    }

    /// Whether the type is an integer or a bit type.
    pub fn is_integer(self) -> bool {
        matches!(self.kind(), TypeKind::Bits | TypeKind::Unsigned | TypeKind::Signed)
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ".{}", self.name())
    }
}

macro_rules! keywords {
    ($(#[$meta:meta])* $enum:ident { $($(#[$variant_meta:meta])* $variant:ident $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $($(#[$variant_meta])* $variant,)* }

        impl $enum {
            /// The keyword `name` (without the dot), or none.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some($enum::$variant),)* _ => None }
            }

            /// The keyword without the dot.
            pub fn name(self) -> &'static str {
                match self { $($enum::$variant => $name,)* }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, ".{}", self.name())
            }
        }
    };
}

keywords! {
    /// The state space in which a variable is declared (PTX ISA 5.1).
    Space {
        /// Registers.
        Register "reg",
        /// Memory of the grid, read and written by all.
        Global "global",
        /// Constant memory.
        Const "const",
        /// Memory of a block.
        Shared "shared",
        /// Memory of one thread.
        Local "local",
        /// Parameters of kernels, of functions and of calls.
        Param "param",
        /// Texture references (deprecated form of `.global .texref`).
        Texture "tex",
        /// Special registers, as a declaration of the program.
        SpecialRegister "sreg",
    }
}

keywords! {
    /// Linking directives (PTX ISA 11.6).
    Linkage {
        /// Defined elsewhere.
        Extern "extern",
        /// Visible to other modules.
        Visible "visible",
        /// Visible, and may be defined more than once.
        Weak "weak",
        /// A global that several modules may declare and that is made once.
        Common "common",
    }
}
