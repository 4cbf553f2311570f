//! What a snapshot holds: the kinds of records, each with its columns. `docs/live.md` is made from this table.
//!
//! Counts and times are of the process since its first call that is observed, and never shrink, but for what is held. Times are in
//! nanoseconds, sizes in bytes. Numbers named `device` are a device's ordinal plus 1; 0 is for what belongs to no device that is known.

use crate::coding::{self, Malformed};
use crate::records::{Blocks, Coding, Column, Names, Record, Row, Value};

records! {
    /// The process: one row.
    Process = 1 {
        pid: plain "Its number.",
        start_ns: plain "When it was first observed, on `CLOCK_MONOTONIC`.",
        start_unix_ns: plain "The same moment since 1970.",
        program: text "Its command line, of which 4096 bytes are kept.",
        host: text "The machine's name.",
        version: text "The version of APEX in it.",
    }
    /// A device that something was done on.
    Device = 2 {
        id: plain "The device's ordinal plus 1.",
        name: text "Its name.",
        major: plain "Compute capability, major part.",
        minor: plain "Compute capability, minor part.",
        multiprocessors: plain "Number of multiprocessors.",
        memory: plain "Size of its memory.",
        executions: plain "Launches whose times on the device are known.",
        busy_ns: plain "How long it executed, copied or set something, as far as that is known.",
    }
    /// What is counted once for the process: one row.
    Totals = 3 {
        time_ns: plain "When the snapshot was made, on `CLOCK_MONOTONIC`.",
        ended: plain "1 in the last snapshot of a process that exits.",
        events: plain "Events that were counted.",
        dropped_launches: plain "Launches that found the ring of their thread full, and are counted nowhere else.",
        dropped_others: plain "Other events that found it full.",
        captured: plain "Calls that became nodes of graphs, and are counted nowhere else.",
        contexts: plain "Contexts that were used.",
        streams: plain "Streams that were used, up to 16384; the default streams of a context count as one.",
        kernels: plain "Kernels that were loaded for launching.",
        graph_launches: plain "Launches of graphs.",
        graph_launch_ns: plain "Their time on the host.",
        unknown_frees: plain "Frees of what was not seen being allocated.",
    }
    /// A kernel on a device.
    Kernel = 4 {
        name: text "Its name in the module (mangled, for C++), of which 4096 bytes are kept.",
        device: plain "The device.",
        launches: plain "Launches that the driver took.",
        launch_ns: plain "Their time on the host.",
        by_graphs: plain "Launches by graphs.",
        executions: plain "Launches whose times on the device are known.",
        execution_ns: plain "The sum of these times.",
    }
    /// Kernels beyond the first 1024 or beyond 256 KiB of names, summed: one row.
    Others = 5 {
        kernels: plain "How many.",
        launches: plain "As of a kernel.",
        launch_ns: plain "As of a kernel.",
        by_graphs: plain "As of a kernel.",
        executions: plain "As of a kernel.",
        execution_ns: plain "As of a kernel.",
    }
    /// Copies of a kind.
    Copy = 6 {
        kind: plain "From where to where: as in a recording.",
        device: plain "The device of the calling context.",
        calls: plain "How many.",
        call_ns: plain "Their time on the host.",
        bytes: plain "Bytes copied.",
    }
    /// Memory sets.
    Set = 7 {
        device: plain "The device of the calling context.",
        calls: plain "How many.",
        call_ns: plain "Their time on the host.",
        bytes: plain "Bytes set.",
    }
    /// Memory of a kind.
    Memory = 8 {
        kind: plain "What memory: as in a recording.",
        device: plain "The device of the context that allocated.",
        allocations: plain "Allocations that succeeded.",
        allocation_ns: plain "Their time on the host.",
        allocated_bytes: plain "Bytes allocated.",
        frees: plain "Frees of such memory.",
        free_ns: plain "Their time on the host.",
        held_bytes: plain "Bytes that are allocated now.",
        held_bytes_max: plain "The most that there were at a time.",
    }
    /// Synchronisations of a kind.
    Sync = 9 {
        kind: plain "What was waited for: as in a recording.",
        device: plain "The device of the calling context.",
        calls: plain "How many.",
        call_ns: plain "Their time on the host.",
    }
    /// Loads of a kind.
    Load = 10 {
        kind: plain "What was loaded: as in a recording.",
        loads: plain "Loads.",
        load_ns: plain "Their time on the host.",
        bytes: plain "Size of the images, as far as it is known.",
        unloads: plain "Unloads.",
    }
    /// Calls that failed; they are counted nowhere else.
    Failure = 11 {
        call: plain "What was asked for: see the table of kinds.",
        result: plain "What the driver answered; 65535 for codes beyond the first 256 pairs of call and code.",
        calls: plain "How many.",
    }
}

/// What fails: the numbers of a column `call`.
pub const CALLS: Names =
    Names(&["launch", "copy", "set", "allocation", "free", "synchronization", "load", "unload", "graph launch"]);
