//! What is observed of a program: [`Op`], and [`Observer`], who sees it before and after the driver does it.

use cuda_abi::CUresult;

/// What a program asks of the driver, where, and into which stream.
#[derive(Debug, Clone, Copy)]
pub struct Op {
    /// What it is.
    pub action: Action,
    /// The context; [`ContextFacts::NONE`] where none is known.
    pub context: &'static ContextFacts,
    /// The stream as a number: 0 and 1 are the legacy default stream, 2 is the calling thread's. For a wait on an event, the event.
    pub stream: u64,
    /// Whether the stream is being captured, so that this becomes a node of a graph and is not done now.
    pub is_captured: bool,
}

/// What a program asks for.
#[derive(Debug, Clone, Copy)]
pub enum Action {
    /// A launch of a kernel.
    Launch(Launch),
    /// A launch of a graph.
    GraphLaunch {
        /// The graph's number, as in its [`Definition`]; 0 where its instantiation was not seen.
        graph: u32,
    },
    /// A copy.
    Copy {
        /// From where to where.
        kind: CopyKind,
        /// Bytes copied.
        bytes: u64,
        /// Whether the call may return before the copy is done.
        is_async: bool,
    },
    /// A memory set.
    Set {
        /// Bytes set.
        bytes: u64,
        /// Whether the call may return before it is done.
        is_async: bool,
    },
    /// An allocation.
    Alloc {
        /// What memory.
        kind: MemoryKind,
        /// Bytes asked for.
        bytes: u64,
        /// Its address or handle; known after the call.
        address: u64,
    },
    /// A free.
    Free {
        /// What memory.
        kind: MemoryKind,
        /// Its address or handle.
        address: u64,
    },
    /// A synchronisation.
    Sync(SyncKind),
    /// A load of a module or a library.
    Load {
        /// Of which of the two.
        kind: LoadKind,
        /// Its handle; known after the call.
        handle: u64,
        /// Size of the image in bytes; 0 where it is not known.
        bytes: u64,
    },
    /// An unload.
    Unload {
        /// Of which of the two.
        kind: LoadKind,
        /// Its handle.
        handle: u64,
    },
}

/// A launch of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Launch {
    /// The kernel.
    pub kernel: &'static KernelFacts,
    /// Grid, block and what else the launch says.
    pub shape: LaunchShape,
    /// Whether the blocks of the grid may wait for each other.
    pub is_cooperative: bool,
}

/// What a program asks for, in numbers of what is defined. There is nothing else to know of it: it is not captured, and no handle is made.
#[derive(Debug, Clone, Copy)]
pub struct Plain {
    /// What it is.
    pub action: PlainAction,
    /// The context's number.
    pub context: u16,
    /// The stream as a number.
    pub stream: u64,
    /// When it began, by [`now`](Observer::now).
    pub begin: u64,
}

/// An action, in numbers.
#[derive(Debug, Clone, Copy)]
pub enum PlainAction {
    /// A launch of a kernel.
    Launch {
        /// The kernel's number.
        kernel: u32,
        /// Grid, block and what else the launch says.
        shape: LaunchShape,
        /// Whether the blocks of the grid may wait for each other.
        is_cooperative: bool,
    },
    /// A memory set that may return before it is done.
    Set(u64),
    /// A copy that may return before it is done.
    Copy(CopyKind, u64),
    /// A synchronisation.
    Sync(SyncKind),
}

/// Sizes of a launch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaunchShape {
    /// Blocks by dimension.
    pub grid: [u32; 3],
    /// Threads of a block by dimension.
    pub block: [u32; 3],
    /// Dynamic shared memory of a block, in bytes.
    pub dynamic_shared: u32,
    /// Blocks of a cluster; 0 where the launch does not say.
    pub cluster: u32,
}

macro_rules! kinds {
    ($(#[doc = $doc:literal] $kinds:ident { $(#[doc = $meaning:literal] $kind:ident,)* })*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kinds {
            $(#[doc = $meaning] $kind,)*
        }

        impl $kinds {
            /// Every one of them.
            pub const ALL: &[$kinds] = &[$($kinds::$kind,)*];
        }
    )*};
}

kinds! {
    /// From where to where a copy goes.
    CopyKind {
        /// The addresses tell, not the function.
        Any,
        /// From the host to the device.
        HostToDevice,
        /// From the device to the host.
        DeviceToHost,
        /// Within a device.
        DeviceToDevice,
        /// From one context to another.
        Peer,
        /// From or to an array.
        Array,
        /// Within the host.
        HostToHost,
        /// Managed memory, ahead of its use.
        Prefetch,
    }
    /// What memory is allocated or freed.
    MemoryKind {
        /// Memory of the device.
        Device,
        /// Memory of the device, in the order of a stream, from a pool.
        Pool,
        /// Managed memory.
        Managed,
        /// Pinned memory of the host.
        Host,
        /// Memory of the program that is pinned.
        Registered,
        /// Physical memory without an address.
        Physical,
        /// A range of addresses without memory.
        Range,
        /// Physical memory at a range of addresses.
        Mapping,
        /// An array.
        Array,
    }
    /// What is waited for.
    SyncKind {
        /// The host waits for a stream.
        Stream,
        /// The host waits for a context.
        Context,
        /// The host waits for an event.
        Event,
        /// A stream waits for an event.
        StreamWaitsEvent,
    }
    /// What is loaded.
    LoadKind {
        /// A module, into a context.
        Module,
        /// A library, into all contexts.
        Library,
    }
}

/// A device, as the driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its ordinal.
    pub ordinal: i32,
    /// Its name.
    pub name: String,
    /// Its compute capability.
    pub capability: [u32; 2],
    /// Number of multiprocessors.
    pub multiprocessors: u32,
    /// Size of its memory in bytes.
    pub memory: u64,
}

/// A context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextFacts {
    /// Its number: from 1, unlike that of any other context of the process.
    pub number: u16,
    /// Its handle.
    pub handle: u64,
    /// Its device.
    pub device: Option<&'static DeviceFacts>,
}

impl ContextFacts {
    /// No context, or an unknown one.
    pub const NONE: &'static ContextFacts = &ContextFacts { number: 0, handle: 0, device: None };
}

/// A kernel, as the driver describes it. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KernelFacts {
    /// Its number: from 1; kernels that are alike in everything else have the same. 0 for kernels beyond what is told apart.
    pub number: u32,
    /// Its name in the module; empty if the driver does not tell.
    pub name: String,
    /// The ordinal of the device that the figures are for; -1 where that is not known.
    pub device: i32,
    /// What the driver tells of it; `None` where it refuses.
    pub figures: Option<KernelFigures>,
}

/// Figures of a kernel, as `cuFuncGetAttribute` tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KernelFigures {
    /// Registers of a thread.
    pub registers: u32,
    /// Shared memory of a block that the kernel declares.
    pub static_shared: u32,
    /// Local memory of a thread.
    pub local: u32,
    /// Constant memory that the kernel's module declares.
    pub constant: u32,
    /// Most threads of a block.
    pub threads_max: u32,
    /// Most dynamic shared memory of a block.
    pub dynamic_shared_max: u32,
    /// Preferred share of shared memory in per cent; -1 for no preference.
    pub carveout: i32,
    /// Version of PTX that it was compiled from, 10 times the major version plus the minor.
    pub ptx_version: u32,
    /// Compute capability that its code is for, in the same way.
    pub binary_version: u32,
    /// Blocks of one thread that a multiprocessor holds at a time (`cuOccupancyMaxActiveBlocksPerMultiprocessor`), which tells what the other
    /// figures do not: whether the kernel's barriers are a limit. 0 where the driver does not tell.
    pub blocks_max: u32,
}

/// A node of a graph as it was instantiated.
#[derive(Debug, Clone, Copy)]
pub struct NodeFacts {
    /// Its kind, a `CUgraphNodeType`.
    pub kind: u32,
    /// For a kernel node, the launch.
    pub launch: Option<Launch>,
    /// For copies and sets, bytes.
    pub bytes: u64,
}

/// Something that ops refer to. Defined before the first op that does.
#[derive(Debug, Clone, Copy)]
pub enum Definition<'a> {
    /// A device.
    Device(&'static DeviceFacts),
    /// A context of a device that is defined.
    Context(&'static ContextFacts),
    /// A kernel.
    Kernel(&'static KernelFacts),
    /// A graph with its nodes; those of child graphs follow its own.
    Graph {
        /// Its number: from 1, unlike that of any other graph of the process.
        number: u32,
        /// Its nodes.
        nodes: &'a [NodeFacts],
    },
}

/// What an observer keeps from before a call for after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Token(pub [u64; 3]);

/// Who sees what a program asks for. It can change nothing: it gets copies and numbers, and the driver's answer as it is. It is called on
/// the program's threads, several at a time, and between the program and the driver: it should take no time. A panic of it ends the
/// observation and nothing else.
pub trait Observer: Send + Sync {
    /// Sees something that later ops refer to.
    fn define(&self, definition: Definition<'_>);

    /// Sees an op before the driver does it. Handles that the driver is to make are 0.
    fn before(&self, op: &Op) -> Token;

    /// Sees it again, with the driver's answer.
    fn after(&self, token: Token, op: &Op, result: CUresult);

    /// Whether [`now`](Observer::now) and [`before_plain`](Observer::before_plain) do something: where not, there is no use in asking.
    fn is_plain(&self) -> bool {
        false
    }

    /// A time stamp for [`before_plain`](Observer::before_plain). Asked for before anything else is looked at: a processor may read its clock only once it
    /// has what was asked of memory before. Only for an observer that [`is_plain`](Observer::is_plain).
    #[inline(always)]
    fn now(&self) -> u64 {
        0
    }

    /// Sees a call before the driver does it, in place of [`before`](Observer::before), if the calling thread's [note](Observer::note) is the one that
    /// is said. `None` where it is not, and where [`before`](Observer::before) is to be called all the same. Does not panic.
    ///
    /// # Safety
    /// The call is done, and shown to [`after_plain`](Observer::after_plain), on the calling thread.
    #[inline(always)]
    unsafe fn before_plain(&self, plain: Plain, note: Option<u64>) -> Option<Token> {
        let _ = (plain, note);
        None
    }

    /// Sees it again, with the driver's answer. Does not panic.
    #[inline(always)]
    fn after_plain(&self, token: Token, result: CUresult) {
        let _ = (token, result);
    }

    /// The word that is kept for the calling thread; 0 where there is none.
    #[inline(always)]
    fn note(&self) -> u64 {
        0
    }

    /// Keeps a word for the calling thread, if it can; otherwise that stays what it was, or 0.
    fn set_note(&self, note: u64) {
        let _ = note;
    }

    /// Contexts are about to be destroyed, and streams and events with them.
    fn contexts_go(&self) {}
}

impl<O: Observer> Observer for &O {
    fn define(&self, definition: Definition<'_>) {
        (**self).define(definition);
    }

    fn before(&self, op: &Op) -> Token {
        (**self).before(op)
    }

    fn after(&self, token: Token, op: &Op, result: CUresult) {
        (**self).after(token, op, result);
    }

    fn is_plain(&self) -> bool {
        (**self).is_plain()
    }

    #[inline(always)]
    fn now(&self) -> u64 {
        (**self).now()
    }

    /// # Safety
    /// As of the observer that is referred to.
    #[inline(always)]
    unsafe fn before_plain(&self, plain: Plain, note: Option<u64>) -> Option<Token> {
        // SAFETY: the caller's promise is the same.
        unsafe { (**self).before_plain(plain, note) }
    }

    #[inline(always)]
    fn after_plain(&self, token: Token, result: CUresult) {
        (**self).after_plain(token, result);
    }

    #[inline(always)]
    fn note(&self) -> u64 {
        (**self).note()
    }

    fn set_note(&self, note: u64) {
        (**self).set_note(note);
    }

    fn contexts_go(&self) {
        (**self).contexts_go();
    }
}
