//! The order in which this crate takes its locks, declared here and nowhere else.
//!
//! All of them come before the engine's. A thread that holds one may only take one that stands further down; debug builds
//! check it (`simt::lock_order`). The tables of objects and of allocations have locks of their own, under which no other is
//! taken.

pub(crate) use simt::lock_order::Lock;
use simt::lock_order::Rank;

/// Every lock of the crate, from the one taken first to the one taken last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Order {
    /// The primary context of a device, while it is made or unmade.
    Primary,
    /// The modules of a library in each context, while one is loaded.
    LibraryModules,
    /// The inputs of a linker.
    Link,
    /// The program of a function, while it is lowered, and its machine code, while it is compiled.
    Program,
    /// Placed variables of a module.
    Globals,
    /// Functions of a module that have been asked for.
    Functions,
    /// Modules of a context.
    Modules,
    /// Texture and surface references of a module that have been asked for.
    References,
    /// Limits and settings of a context.
    ContextSettings,
    /// Streams of a context, in the order in which they are created.
    Streams,
    /// The legacy default stream of a context.
    LegacyStream,
    /// What a texture or surface reference is set to.
    Reference,
    /// The last record of an event.
    Event,
    /// Attributes of a memory pool.
    Pool,
    /// What kernels have made, such as streams of their own.
    DeviceRuntime,
    /// How far the search for faster code of a kernel has come.
    Search,
    /// What the search has found.
    Journal,
    /// What waits to be compiled in the background.
    Background,
}

impl Rank for Order {
    fn level(self) -> u32 {
        self as u32
    }
}
