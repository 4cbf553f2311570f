//! What instrumented code says of itself while it runs, and what its numbers mean.
//!
//! Code is instrumented if its kernel is compiled so; other code knows nothing of this. Instrumented code
//! * counts, in the words at `WarpContext::tally`, how often each *segment* is executed: two words a segment, for warps and for their
//!   active lanes. A segment is a run of instructions of the program that are executed together;
//! * calls [`RuntimeTable`](crate::abi::RuntimeTable)`::observe_…` at each *site*: a memory access, a branch at which lanes may disagree,
//!   a barrier, an operation of lanes that a mask names. What is made of these calls (counters, a check of addresses, a search for races) is the observer's business.
//!
//! Segments and sites are numbered from 0; [`Instrumentation`] tells what stands behind the numbers.

use crate::AddressSpace;
use crate::abi::AccessKind;

/// Words that code counts in for each segment: warps, and their active lanes.
pub const SEGMENT_WORDS: usize = 2;

macro_rules! classes {
    ($($(#[doc = $doc:literal])* $class:ident = $name:literal,)*) => {
        /// Classes of instructions, as far as counters tell them apart.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum InstructionClass {
            $($(#[doc = $doc])* $class,)*
        }

        impl InstructionClass {
            /// All classes.
            pub const ALL: &[InstructionClass] = &[$(InstructionClass::$class,)*];

            /// Name, as in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(InstructionClass::$class => $name,)*
                }
            }
        }
    };
}

classes! {
    /// Moves, and changes of address space.
    Move = "move",
    /// Integer arithmetic and logic.
    Integer = "integer",
    /// Arithmetic on f32.
    Float32 = "f32",
    /// Arithmetic on f64.
    Float64 = "f64",
    /// Arithmetic on f16 and bf16, packed too.
    Half = "half",
    /// Approximate functions, square roots, reciprocals.
    Special = "special",
    /// Comparisons and selections.
    Compare = "compare",
    /// Conversions.
    Convert = "convert",
    /// Loads from memory.
    Load = "load",
    /// Loads of parameters.
    LoadParam = "load_param",
    /// Stores.
    Store = "store",
    /// Read-modify-write operations.
    Atomic = "atomic",
    /// Copies that the hardware does by itself.
    Copy = "copy",
    /// Textures and surfaces.
    Texture = "texture",
    /// Tensor cores.
    Matrix = "matrix",
    /// Shuffles, votes and the like.
    Warp = "warp",
    /// Barriers.
    Barrier = "barrier",
    /// Fences.
    Fence = "fence",
    /// Branches.
    Branch = "branch",
    /// Calls, returns, exits, traps.
    Control = "control",
    /// The rest.
    Other = "other",
}

/// An instruction of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Mark {
    /// Its line.
    pub line: u32,
    /// Its class.
    pub class: InstructionClass,
}

/// What happens at a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SiteKind {
    /// A memory access.
    Access {
        /// What it does.
        kind: AccessKind,
        /// Where, as far as the program says.
        space: AddressSpace,
        /// How much each lane accesses.
        bytes: u32,
    },
    /// A branch at which lanes may disagree.
    Branch,
    /// A barrier of the block.
    Barrier,
    /// An operation of the lanes that a mask names (`shfl.sync` and the like).
    Members,
}

/// A variable that an address is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SiteVariable {
    /// Its index among the program's symbols.
    pub symbol: u32,
    /// Where it begins in shared or local memory; 0 for others.
    pub offset: u32,
    /// Its size in bytes.
    pub bytes: u32,
}

/// A place in the program that observers hear of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site {
    /// Line of the instruction.
    pub line: u32,
    /// What happens there.
    pub kind: SiteKind,
    /// The variable whose address the accessed one is made of, where the code shows that.
    pub variable: Option<SiteVariable>,
}

/// The meaning of the numbers in instrumented code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Instrumentation {
    /// The instructions of each segment.
    pub segments: Vec<Vec<Mark>>,
    /// The sites.
    pub sites: Vec<Site>,
}

impl Instrumentation {
    /// Words of the tally that code itself counts in.
    pub fn segment_words(&self) -> usize {
        self.segments.len() * SEGMENT_WORDS
    }
}
