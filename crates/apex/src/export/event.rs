//! Records with what they refer to: one kind of event for all formats.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use anyhow::Result;
use telemetry::records::{self, Block, COPIES, GPU_SET, LOADS, MEMORIES, SYNCS, flags};

use crate::recording::demangled;
use crate::report::RESOURCES;

/// Something that happened.
#[derive(Debug, Default, Clone)]
pub struct Event<'a> {
    /// What: `launch`, `execution`, `copy`, `set`, `allocation`, `free`, `synchronisation`, `load`, `unload`, `graph launch`,
    /// `device copy`, `device set`.
    pub kind: &'static str,
    /// The kernel, or more exactly what.
    pub name: &'a str,
    /// When, in ns of the host's monotonic clock.
    pub start: u64,
    /// How long, in ns: on the host, for what the device did on the device.
    pub duration: u64,
    /// The calling thread; none for what the device did.
    pub thread: Option<u64>,
    /// The call's number; of what the device did, that of the call that asked for it, if it is known.
    pub correlation: Option<u64>,
    /// The ordinal of the device, if it is known.
    pub device: Option<u64>,
    /// The context's number in the recording.
    pub context: u64,
    /// The stream; of a wait for an event, the event.
    pub stream: u64,
    /// What the driver answered.
    pub result: u64,
    /// [`flags`] of the recording.
    pub flags: u64,
    /// Bytes copied, set, allocated or loaded.
    pub bytes: Option<u64>,
    /// Address or handle of what was allocated, freed or loaded.
    pub address: Option<u64>,
    /// The graph's number in the recording.
    pub graph: Option<u64>,
    /// The shape of a launch.
    pub launch: Option<&'a LaunchInfo>,
}

/// Kernel and shape of a launch.
#[derive(Debug, Default)]
pub struct LaunchInfo {
    /// The kernel, demangled.
    pub name: Rc<str>,
    /// Blocks by dimension.
    pub grid: [u64; 3],
    /// Threads of a block by dimension.
    pub block: [u64; 3],
    /// Blocks of a cluster; 0 where the launch did not say.
    pub cluster: u64,
    /// Dynamic shared memory of a block, in bytes.
    pub dynamic_shared: u64,
    /// Shared memory of a block that the kernel declares, in bytes.
    pub static_shared: u64,
    /// Registers of a thread.
    pub registers: u64,
    /// Local memory of a thread, in bytes.
    pub local: u64,
    /// Blocks that a multiprocessor holds at a time.
    pub active_blocks: Option<u64>,
    /// Theoretical occupancy from 0 to 1, and the resources that limit it.
    pub occupancy: Option<(f64, String)>,
}

/// Definitions, as far as they were read.
#[derive(Default)]
pub struct Events {
    /// Devices of contexts: ordinal plus 1.
    contexts: BTreeMap<u64, u64>,
    kernels: HashMap<u64, (Rc<str>, records::Kernel)>,
    shapes: Vec<LaunchInfo>,
}

/// An event with the columns that all calls have.
macro_rules! event {
    ($events:ident $row:ident $kind:expr, $name:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        Event {
            kind: $kind,
            name: $name,
            start: $row.start,
            duration: $row.duration,
            thread: Some($row.thread),
            correlation: Some($row.correlation),
            device: $events.device($row.context),
            context: $row.context,
            result: $row.result,
            flags: $row.flags,
            $($field: $value,)*
            ..Event::default()
        }
    };
}

impl Events {
    /// Takes a block: notes what it defines, and hands its events on.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn take(&mut self, block: &Block, each: &mut dyn FnMut(&Event<'_>) -> Result<()>) -> Result<()> {
        match block {
            Block::Context(rows) => self.contexts.extend(rows.iter().map(|context| (context.id, context.device))),
            Block::Kernel(rows) => {
                self.kernels.extend(rows.iter().map(|row| (row.id, (demangled(&row.name).into(), row.clone()))));
            }
            Block::Shape(rows) => rows.iter().for_each(|shape| self.add_shape(shape)),
            _ => {}
        }
        let events = &*self;
        match block {
            Block::Launch(rows) => rows.iter().try_for_each(|row| {
                let launch = events.shapes.get(row.shape as usize);
                let name = launch.map_or("", |launch| &*launch.name);
                each(&event!(events row "launch", name, { stream: row.stream, launch: launch }))
            }),
            Block::Execution(rows) => rows.iter().try_for_each(|row| each(&events.execution(row))),
            Block::Transfer(rows) => rows.iter().try_for_each(|row| each(&events.transfer(row))),
            Block::Copy(rows) => rows.iter().try_for_each(|row| {
                each(&event!(events row "copy", COPIES.of(row.kind), { stream: row.stream, bytes: Some(row.bytes) }))
            }),
            Block::Set(rows) => rows.iter().try_for_each(|row| {
                each(&event!(events row "set", "set", { stream: row.stream, bytes: Some(row.bytes) }))
            }),
            Block::Memory(rows) => rows.iter().try_for_each(|row| {
                let is_free = row.flags & flags::RELEASE != 0;
                let kind = if is_free { "free" } else { "allocation" };
                let bytes = (!is_free).then_some(row.bytes);
                let name = MEMORIES.of(row.kind);
                each(&event!(events row kind, name, { stream: row.stream, bytes: bytes, address: Some(row.address) }))
            }),
            Block::Sync(rows) => rows.iter().try_for_each(|row| {
                each(&event!(events row "synchronisation", SYNCS.of(row.kind), { stream: row.stream }))
            }),
            Block::Load(rows) => rows.iter().try_for_each(|row| {
                let kind = if row.flags & flags::RELEASE != 0 { "unload" } else { "load" };
                let (bytes, address) = (Some(row.bytes), Some(row.handle));
                each(&event!(events row kind, LOADS.of(row.kind), { bytes: bytes, address: address }))
            }),
            Block::GraphLaunch(rows) => rows.iter().try_for_each(|row| {
                each(&event!(events row "graph launch", "graph", { stream: row.stream, graph: Some(row.graph) }))
            }),
            _ => Ok(()),
        }
    }

    fn execution(&self, row: &records::Execution) -> Event<'_> {
        let launch = self.shapes.get(row.shape as usize);
        Event {
            kind: "execution",
            name: launch.map_or("", |launch| &*launch.name),
            start: row.start,
            duration: row.duration,
            correlation: known(row.correlation),
            device: self.device(row.context),
            context: row.context,
            stream: row.stream,
            launch,
            ..Event::default()
        }
    }

    fn transfer(&self, row: &records::Transfer) -> Event<'_> {
        let (kind, name) = if row.kind == GPU_SET { ("device set", "set") } else { ("device copy", "copy") };
        Event {
            kind,
            name,
            start: row.start,
            duration: row.duration,
            correlation: known(row.correlation),
            device: self.device(row.context),
            context: row.context,
            stream: row.stream,
            bytes: Some(row.bytes),
            ..Event::default()
        }
    }

    fn device(&self, context: u64) -> Option<u64> {
        self.contexts.get(&context).and_then(|device| device.checked_sub(1))
    }

    fn add_shape(&mut self, shape: &records::Shape) {
        if shape.id == 0 {
            self.shapes.clear();
        }
        if shape.id != self.shapes.len() as u64 {
            return;
        }
        let unknown = (Rc::from(""), records::Kernel::default());
        let (name, facts) = self.kernels.get(&shape.kernel).unwrap_or(&unknown);
        let occupancy = (shape.warps_max > 0).then(|| {
            let warps = shape.active_blocks.saturating_mul(shape.block_warps);
            let limits: Vec<&str> = RESOURCES
                .iter()
                .enumerate()
                .filter(|(bit, _)| shape.limited_by >> bit & 1 == 1)
                .map(|(_, name)| *name)
                .collect();
            (warps as f64 / shape.warps_max as f64, limits.join(", "))
        });
        self.shapes.push(LaunchInfo {
            name: name.clone(),
            grid: [shape.grid_x, shape.grid_y, shape.grid_z],
            block: [shape.block_x, shape.block_y, shape.block_z],
            cluster: shape.cluster,
            dynamic_shared: shape.dynamic_shared,
            static_shared: facts.static_shared,
            registers: facts.registers,
            local: facts.local,
            active_blocks: (shape.warps_max > 0).then_some(shape.active_blocks),
            occupancy,
        });
    }
}

/// The number of a call, but for that of an unknown one.
fn known(correlation: u64) -> Option<u64> {
    (correlation != u64::MAX).then_some(correlation)
}
