//! What a recording holds: the kinds of records, each with its columns. `docs/recording.md` is made from this table.
//!
//! Times are in nanoseconds of `CLOCK_MONOTONIC`, sizes in bytes, handles are numbers as the program sees them, results are
//! codes of `CUresult`. Numbers named `kernel`, `shape`, `graph`, `context` and `device` name a record of that kind with this `id`,
//! which stands earlier in the file.

use crate::coding::{self, Malformed};

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Each number as it is.
    Plain,
    /// The difference to the row before.
    Delta,
    /// Text.
    Text,
}

/// A column of a kind of records.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub coding: Coding,
    /// What it holds.
    pub meaning: &'static str,
}

/// A value of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

/// A kind of records.
pub trait Record: Default + Clone {
    /// Its number in the file.
    const KIND: u8;
    /// Its name.
    const NAME: &'static str;
    /// Its columns, in the order of the file.
    const COLUMNS: &'static [Column];

    /// The value in a column of [`COLUMNS`](Record::COLUMNS).
    fn value(&self, column: usize) -> Value<'_>;

    /// Appends rows, column by column.
    fn encode(rows: &[Self], out: &mut Vec<u8>);

    /// Reads rows; no byte may be left.
    ///
    /// # Errors
    /// When the bytes are not that many rows.
    fn decode(rows: usize, input: &[u8]) -> Result<Vec<Self>, Malformed>;
}

/// A block of one of several kinds of records.
pub trait Blocks: Sized {
    /// Reads the rows of a kind; `None` for a kind that this version does not know.
    ///
    /// # Errors
    /// When the bytes are not that many rows.
    fn decode(kind: u8, rows: usize, input: &[u8]) -> Result<Option<Self>, Malformed>;
}

macro_rules! field {
    (plain) => {
        u64
    };
    (delta) => {
        u64
    };
    (text) => {
        String
    };
}

macro_rules! coding {
    (plain) => {
        Coding::Plain
    };
    (delta) => {
        Coding::Delta
    };
    (text) => {
        Coding::Text
    };
}

macro_rules! value {
    (text $place:expr) => {
        Value::Text(&$place)
    };
    ($coding:ident $place:expr) => {
        Value::Number($place)
    };
}

macro_rules! put {
    (plain $rows:ident $field:ident $out:ident) => {
        coding::put_plain($rows.iter().map(|row| row.$field), $out)
    };
    (delta $rows:ident $field:ident $out:ident) => {
        coding::put_delta($rows.iter().map(|row| row.$field), $out)
    };
    (text $rows:ident $field:ident $out:ident) => {
        coding::put_texts($rows.iter().map(|row| row.$field.as_str()), $out)
    };
}

macro_rules! take {
    (plain $list:ident $field:ident $input:ident) => {
        coding::take_plain($list.len(), &mut $input, |row, value| $list[row].$field = value)?
    };
    (delta $list:ident $field:ident $input:ident) => {
        coding::take_delta($list.len(), &mut $input, |row, value| $list[row].$field = value)?
    };
    (text $list:ident $field:ident $input:ident) => {
        coding::take_texts($list.len(), &mut $input, |row, value| $list[row].$field = value)?
    };
}

macro_rules! records {
    ($(
        #[doc = $doc:literal]
        $record:ident = $kind:literal {
            $($field:ident: $coding:ident $meaning:literal,)*
        }
    )*) => {
        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Default, PartialEq, Eq)]
            pub struct $record {
                $(#[doc = $meaning] pub $field: field!($coding),)*
            }

            impl Record for $record {
                const KIND: u8 = $kind;
                const NAME: &'static str = stringify!($record);
                const COLUMNS: &'static [Column] = &[
                    $(Column { name: stringify!($field), coding: coding!($coding), meaning: $meaning },)*
                ];

                fn value(&self, column: usize) -> Value<'_> {
                    [$(value!($coding self.$field),)*][column]
                }

                fn encode(rows: &[Self], out: &mut Vec<u8>) {
                    $(put!($coding rows $field out);)*
                }

                fn decode(rows: usize, mut input: &[u8]) -> Result<Vec<Self>, Malformed> {
                    // Each row takes a byte or more: a false number of rows cannot ask for much memory.
                    if rows > input.len() {
                        return Err(Malformed);
                    }
                    let mut list = vec![$record::default(); rows];
                    $(take!($coding list $field input);)*
                    if input.is_empty() { Ok(list) } else { Err(Malformed) }
                }
            }
        )*

        /// Records of one kind, as they stand together in a file.
        #[derive(Debug, Clone)]
        pub enum Block {
            $(#[doc = $doc] $record(Vec<$record>),)*
        }

        impl Blocks for Block {
            fn decode(kind: u8, rows: usize, input: &[u8]) -> Result<Option<Block>, Malformed> {
                Block::decode(kind, rows, input)
            }
        }

        impl Block {
            /// Reads the rows of a kind; `None` for a kind that this version does not know.
            ///
            /// # Errors
            /// When the bytes are not that many rows.
            pub fn decode(kind: u8, rows: usize, input: &[u8]) -> Result<Option<Block>, Malformed> {
                Ok(Some(match kind {
                    $($kind => Block::$record($record::decode(rows, input)?),)*
                    _ => return Ok(None),
                }))
            }

            /// Calls `visit` with each row.
            pub fn for_each_row(&self, visit: &mut dyn FnMut(&dyn Row)) {
                match self {
                    $(Block::$record(rows) => rows.iter().for_each(|row| visit(row)),)*
                }
            }
        }

        /// Every kind: its number, its name, its columns, what it is.
        pub const KINDS: &[(u8, &str, &[Column], &str)] = &[
            $(($kind, $record::NAME, $record::COLUMNS, $doc),)*
        ];
    };
}

/// A record of any kind.
pub trait Row {
    /// The name of its kind.
    fn kind_name(&self) -> &'static str;
    /// Its columns.
    fn columns(&self) -> &'static [Column];
    /// The value in a column of [`columns`](Row::columns).
    fn column(&self, column: usize) -> Value<'_>;
}

impl<R: Record> Row for R {
    fn kind_name(&self) -> &'static str {
        R::NAME
    }

    fn columns(&self) -> &'static [Column] {
        R::COLUMNS
    }

    fn column(&self, column: usize) -> Value<'_> {
        self.value(column)
    }
}

records! {
    /// Something about the process or the recording: a name and a value.
    Fact = 1 {
        name: text "`process`, `program`, `host`, `apex`, `start_unix_ns`, `start_ns`, `clock`; `device_times`: how times of the device are known, the last one holds.",
        value: text "The value as text.",
    }
    /// A device that something was done on.
    Device = 2 {
        id: plain "The device's ordinal plus 1.",
        name: text "Its name.",
        major: plain "Compute capability, major part.",
        minor: plain "Compute capability, minor part.",
        multiprocessors: plain "Number of multiprocessors.",
        memory: plain "Size of its memory.",
    }
    /// A context; the id 0 means that none was current.
    Context = 3 {
        id: plain "Number in this file.",
        handle: plain "Its handle.",
        device: plain "Its device.",
    }
    /// A kernel as it was loaded.
    Kernel = 4 {
        id: plain "Number in this file.",
        name: text "Its name in the module (mangled, for C++).",
        device: plain "The device that the figures hold for.",
        registers: plain "Registers of a thread.",
        static_shared: plain "Shared memory of a block that the kernel declares.",
        local: plain "Local memory of a thread.",
        constant: plain "Constant memory that the kernel's module declares.",
        threads_max: plain "Most threads of a block.",
        dynamic_shared_max: plain "Most dynamic shared memory of a block; above 48 KiB less what is declared only after the program asked for it.",
        carveout: plain "Preferred share of shared memory in per cent plus 1; 0 for no preference.",
        ptx_version: plain "PTX version it was compiled from, 10 times the major version plus the minor.",
        binary_version: plain "Compute capability its code is for, in the same way.",
        known: plain "1 where the driver told the figures above, 0 where it refused.",
    }
    /// A kernel with the shape of a launch, and how many blocks of it a multiprocessor holds. An id of 0 starts the numbers over.
    Shape = 5 {
        id: delta "Number in this file, from 0; later shapes with the same number take its place.",
        kernel: plain "The kernel.",
        grid_x: plain "Blocks of the grid.",
        grid_y: plain "Blocks of the grid.",
        grid_z: plain "Blocks of the grid.",
        block_x: plain "Threads of a block; 65535 stands for that many or more.",
        block_y: plain "Threads of a block; 65535 stands for that many or more.",
        block_z: plain "Threads of a block; 65535 stands for that many or more.",
        dynamic_shared: plain "Dynamic shared memory of a block.",
        cluster: plain "Blocks of a cluster; 0 where the launch did not say.",
        active_blocks: plain "Theoretical occupancy: blocks that a multiprocessor holds at a time.",
        block_warps: plain "Warps of a block.",
        warps_max: plain "Most warps of a multiprocessor; 0 where occupancy is not known.",
        limited_by: plain "Resources that have no room for another block, a bit each: 1 warps, 2 blocks, 4 registers, 8 shared memory, 16 barriers.",
    }
    /// A launch. Where its end is estimated, `duration` is that of the thread's last launch whose end was read, at most up to its next call.
    Launch = 6 {
        start: delta "When the program called.",
        duration: plain "How long the call took, on the host.",
        thread: delta "The calling thread: its number in this file.",
        correlation: delta "The call's number, unlike all others in this file.",
        context: delta "The context.",
        stream: delta "The stream; 0 and 1 are the legacy default stream, 2 is the calling thread's default stream.",
        result: plain "What the call answered.",
        flags: plain "1 captured into a graph and not executed, 2 cooperative, 16 with an estimated end.",
        shape: delta "Kernel and shape.",
    }
    /// What a launch did on the device; of a launch of a graph, each of its kernels. Written where the device's times are known.
    Execution = 7 {
        start: delta "When the device began with it.",
        duration: plain "How long the device took.",
        correlation: delta "The launch's number; 2^64 - 1 where that is not known.",
        context: delta "The context; where the launch is not known, one of the device.",
        stream: delta "The stream.",
        shape: delta "Kernel and shape; kernel 0 where they are not known.",
    }
    /// A copy.
    Copy = 8 {
        start: delta "As of a launch.",
        duration: plain "As of a launch.",
        thread: delta "As of a launch.",
        correlation: delta "As of a launch.",
        context: delta "As of a launch.",
        stream: delta "As of a launch.",
        result: plain "As of a launch.",
        flags: plain "1 captured, 4 asynchronous.",
        kind: plain "From where to where: see the table of kinds.",
        bytes: plain "Bytes copied.",
    }
    /// A memory set.
    Set = 9 {
        start: delta "As of a launch.",
        duration: plain "As of a launch.",
        thread: delta "As of a launch.",
        correlation: delta "As of a launch.",
        context: delta "As of a launch.",
        stream: delta "As of a launch.",
        result: plain "As of a launch.",
        flags: plain "1 captured, 4 asynchronous.",
        bytes: plain "Bytes set.",
    }
    /// An allocation or a free.
    Memory = 10 {
        start: delta "As of a launch.",
        duration: plain "As of a launch.",
        thread: delta "As of a launch.",
        correlation: delta "As of a launch.",
        context: delta "As of a launch.",
        stream: delta "As of a launch.",
        result: plain "As of a launch.",
        flags: plain "1 captured, 4 asynchronous, 8 free.",
        kind: plain "What memory: see the table of kinds.",
        address: plain "Its address, or the handle of physical memory.",
        bytes: plain "Its size; of a free 0.",
    }
    /// A synchronisation.
    Sync = 11 {
        start: delta "As of a launch.",
        duration: plain "As of a launch.",
        thread: delta "As of a launch.",
        correlation: delta "As of a launch.",
        context: delta "As of a launch.",
        stream: delta "The stream or the event that the host, or a stream, waited for.",
        result: plain "As of a launch.",
        flags: plain "As of a launch.",
        kind: plain "What was waited for: see the table of kinds.",
    }
    /// A module or a library was loaded or unloaded.
    Load = 12 {
        start: delta "As of a launch.",
        duration: plain "As of a launch.",
        thread: delta "As of a launch.",
        correlation: delta "As of a launch.",
        context: delta "As of a launch.",
        result: plain "As of a launch.",
        flags: plain "8 unload.",
        kind: plain "What was loaded: see the table of kinds.",
        handle: plain "Its handle.",
        bytes: plain "Size of the image; 0 where it is not known.",
    }
    /// A node of a graph as it was instantiated. Nodes of child graphs follow those of the graph.
    Node = 13 {
        graph: delta "The graph: its number in this file.",
        index: delta "Number of the node in the graph, from 0.",
        kind: plain "The kind of the node, a `CUgraphNodeType`.",
        shape: plain "For a kernel node, kernel and shape plus 1; otherwise 0.",
        bytes: plain "For copies and sets, bytes.",
    }
    /// A launch of a graph.
    GraphLaunch = 14 {
        start: delta "As of a launch.",
        duration: plain "As of a launch.",
        thread: delta "As of a launch.",
        correlation: delta "As of a launch.",
        context: delta "As of a launch.",
        stream: delta "As of a launch.",
        result: plain "As of a launch.",
        flags: plain "As of a launch.",
        graph: delta "The graph; 0 where its instantiation was not seen.",
    }
    /// How far the recording is; written with each flush. Counts are of the process since it began.
    Progress = 15 {
        time: delta "When.",
        recorded: plain "Events in the file up to here.",
        dropped_launches: plain "Launches that found the ring of their thread full.",
        dropped_others: plain "Other events that found it full.",
    }
    /// The program ended by exiting. Where this is missing, it was killed or left in a way that runs no exit handler.
    End = 16 {
        time: delta "When.",
    }
    /// What a copy or a set did on the device, or one that a graph makes. Written where the device's times are known.
    Transfer = 17 {
        start: delta "When the device began with it.",
        duration: plain "How long the device took.",
        correlation: delta "The number of the copy, the set or the launch of a graph; 2^64 - 1 where that is not known.",
        context: delta "The context; where the call is not known, one of the device.",
        stream: delta "The stream.",
        kind: plain "0 copy, 1 set.",
        bytes: plain "Bytes.",
    }
}

/// The kind of a [`Transfer`] that copies.
pub const GPU_COPY: u64 = 0;
/// The kind of a [`Transfer`] that sets.
pub const GPU_SET: u64 = 1;

/// The largest number of a kernel: there are no more than 65536.
pub const KERNEL_ID_MAX: u32 = 1 << 16;

/// Bits of `flags`.
pub mod flags {
    /// Captured into a graph and not executed.
    pub const CAPTURED: u64 = 1;
    /// A cooperative launch.
    pub const COOPERATIVE: u64 = 2;
    /// The call does not wait.
    pub const ASYNCHRONOUS: u64 = 4;
    /// A free, an unload.
    pub const RELEASE: u64 = 8;
    /// When the call ended was not read from the clock, but follows from when it began and from how long others took.
    pub const END_ESTIMATED: u64 = 16;

    /// What those are called that a call has beside its kind, in exports.
    pub const NAMES: [(u64, &str); 4] = [
        (CAPTURED, "captured"),
        (COOPERATIVE, "cooperative"),
        (ASYNCHRONOUS, "async"),
        (END_ESTIMATED, "end_estimated"),
    ];
}

/// The names of a column `kind`, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names(pub &'static [&'static str]);

impl Names {
    /// The name of a number.
    pub fn of(self, kind: u64) -> &'static str {
        usize::try_from(kind).ok().and_then(|kind| self.0.get(kind)).copied().unwrap_or("unknown")
    }
}

/// Kinds of copies.
pub const COPIES: Names = Names(&[
    "any to any",
    "host to device",
    "device to host",
    "device to device",
    "peer to peer",
    "array",
    "host to host",
    "prefetch",
]);
/// Kinds of memory.
pub const MEMORIES: Names = Names(&[
    "device",
    "device, in stream order",
    "managed",
    "host, pinned",
    "host, registered",
    "physical",
    "address range",
    "mapping",
    "array",
]);
/// Kinds of synchronisations.
pub const SYNCS: Names = Names(&["stream", "context", "event", "stream waits for event"]);
/// Kinds of loads.
pub const LOADS: Names = Names(&["module", "library"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_distinct() {
        for (index, (kind, name, columns, _)) in KINDS.iter().enumerate() {
            assert!(KINDS[..index].iter().all(|(other, ..)| other != kind), "{name}: {kind} twice");
            assert!(columns.len() <= 16, "{name} has too many columns");
        }
    }

    #[test]
    fn rows_come_back_and_nothing_else_does() {
        let rows: Vec<Launch> = (0..100)
            .map(|n| Launch { start: n * 7, shape: n % 3, result: 0, stream: u64::MAX, ..Launch::default() })
            .collect();
        let mut bytes = Vec::new();
        Launch::encode(&rows, &mut bytes);
        assert_eq!(Launch::decode(rows.len(), &bytes).unwrap(), rows);
        assert!(Launch::decode(rows.len() - 1, &bytes).is_err());
        assert!(Launch::decode(rows.len() + 1, &bytes).is_err());
        assert!(Launch::decode(usize::MAX, &bytes).is_err());
        assert!(Block::decode(200, 1, &[]).unwrap().is_none());
    }

    #[test]
    fn values_follow_the_columns() {
        let kernel = Kernel { id: 3, name: "k".into(), registers: 40, ..Kernel::default() };
        let value = |name| kernel.value(Kernel::COLUMNS.iter().position(|column| column.name == name).unwrap());
        assert_eq!(
            [value("id"), value("name"), value("registers")],
            [Value::Number(3), Value::Text("k"), Value::Number(40)]
        );
    }
}
