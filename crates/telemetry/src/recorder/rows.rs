//! Events become rows: time stamps nanoseconds, launches numbers of shapes with their occupancy.

use super::Definitions;
use super::outlet::{Counted, Outlet};
use crate::clock::Scale;
use crate::event::{Event, Kind, LaunchShape};
use crate::file::BLOCK_ROWS_MAX;
use crate::records::*;
use device_model::occupancy::{Carveout, KernelResources};
use device_model::{ComputeCapability, Limits};
use std::collections::{HashMap, VecDeque};

/// Most shapes that are told apart at a time. One more, and the numbers start over.
const SHAPES_MAX: usize = 1 << 18;
/// Most launches that are remembered because the device's times may still come.
const PENDING_MAX: usize = 1 << 20;
/// Flushes that a device's times wait for their launch: it is recorded when the call returns, which may be later.
const WAIT_FLUSHES: u32 = 20;
/// Most of the device's times that wait.
const WAITING_MAX: usize = 1 << 18;

/// Shapes, and the rows of the batch at hand.
#[derive(Default)]
pub(super) struct Rows {
    devices: HashMap<u64, Limits>,
    kernels: HashMap<u64, Kernel>,
    shapes: HashMap<(u32, LaunchShape), u64>,
    /// The shape that was asked for last: programs launch the same again and again.
    last_shape: Option<((u32, LaunchShape), u64)>,
    new_shapes: Vec<Shape>,
    has_executions: bool,
    /// Launches by correlation: shape, context, stream. In the order they came in.
    pending: HashMap<u64, (u64, u64, u64)>,
    pending_order: VecDeque<u64>,
    /// Device's times without their launch so far, with the flushes they have left.
    waiting: Vec<(Event, u32)>,
    /// Device's times whose launch never came.
    unmatched: u64,
    /// Rows that were put before the end of their batch.
    early_rows: u64,
    launches: Vec<Launch>,
    executions: Vec<Execution>,
    copies: Vec<Copy>,
    sets: Vec<Set>,
    memories: Vec<Memory>,
    syncs: Vec<Sync>,
    loads: Vec<Load>,
    graph_launches: Vec<GraphLaunch>,
}

/// A row of a kind, with the columns that all events have.
macro_rules! row {
    ($kind:ident $event:ident $scale:ident { $($field:ident: $value:expr),* $(,)? }) => {
        $kind {
            start: $scale.ns($event.start),
            duration: $scale.length_ns($event.duration),
            thread: $event.correlation >> 40,
            correlation: $event.correlation,
            context: $event.context.into(),
            result: $event.result.into(),
            flags: $event.flags.into(),
            $($field: $value,)*
        }
    };
}

impl Rows {
    pub(super) fn new(has_executions: bool) -> Rows {
        Rows { has_executions, ..Rows::default() }
    }

    /// Device's times whose launch never came.
    pub(super) fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// Takes definitions, and makes blocks of them.
    pub(super) fn define(&mut self, definitions: Definitions, out: &mut Outlet) {
        let Definitions { devices, contexts, kernels, nodes } = definitions;
        for device in &devices {
            let capability = ComputeCapability::new(device.major as u32, device.minor as u32);
            self.devices.insert(device.id, Limits::of(capability));
        }
        out.put(&devices);
        out.put(&contexts);
        out.put(&kernels);
        self.kernels.extend(kernels.into_iter().map(|kernel| (kernel.id, Kernel { name: String::new(), ..kernel })));
        for nodes in nodes.chunks(BLOCK_ROWS_MAX) {
            // The numbers of shapes do not start over within a block.
            if self.shapes.len() + nodes.len() > SHAPES_MAX {
                self.start_numbers_over(out);
            }
            let numbered = |(node, launch): &(Node, Option<Event>)| {
                let shape = launch.map_or(0, |launch| self.shape(&launch, out) + 1);
                Node { shape, ..node.clone() }
            };
            let nodes: Vec<Node> = nodes.iter().map(numbered).collect();
            self.put_new_shapes(out);
            out.put(&nodes);
        }
    }

    /// Makes blocks of events, and empties the list; returns how many rows.
    pub(super) fn encode(&mut self, events: &mut Vec<Event>, scale: &Scale, out: &mut Outlet) -> u64 {
        // Each thread's events are in order: this merges them.
        events.sort_by_key(|event| event.start);
        for event in events.iter() {
            self.add(event, scale, out);
        }
        events.clear();
        self.match_waiting(scale);
        self.put_new_shapes(out);
        self.put_rows(out) + std::mem::take(&mut self.early_rows)
    }

    fn add(&mut self, event: &Event, scale: &Scale, out: &mut Outlet) {
        let stream = event.handle;
        let kind = u64::from(event.id);
        let [first, second, _] = event.payload;
        match event.kind {
            Kind::Launch => {
                let shape = self.shape(event, out);
                if self.has_executions {
                    self.remember(event.correlation, (shape, event.context.into(), stream));
                }
                self.launches.push(row!(Launch event scale { stream: stream, shape: shape }));
            }
            Kind::Execution if self.waiting.len() < WAITING_MAX => self.waiting.push((*event, WAIT_FLUSHES)),
            Kind::Execution => self.unmatched += 1,
            Kind::Copy => self.copies.push(row!(Copy event scale { stream: stream, kind: kind, bytes: first })),
            Kind::Set => self.sets.push(row!(Set event scale { stream: stream, bytes: first })),
            Kind::Memory => self.memories.push(row!(Memory event scale {
                stream: stream, kind: kind, address: first, bytes: second,
            })),
            Kind::Sync => self.syncs.push(row!(Sync event scale { stream: stream, kind: kind })),
            Kind::Load => self.loads.push(row!(Load event scale { kind: kind, handle: first, bytes: second })),
            Kind::GraphLaunch => {
                self.graph_launches.push(row!(GraphLaunch event scale { stream: stream, graph: kind }))
            }
        }
    }

    /// The number of a launch's kernel and shape.
    fn shape(&mut self, event: &Event, out: &mut Outlet) -> u64 {
        let key = (event.id, event.shape());
        if let Some((_, number)) = self.last_shape.filter(|(last, _)| *last == key) {
            return number;
        }
        if let Some(number) = self.shapes.get(&key) {
            self.last_shape = Some((key, *number));
            return *number;
        }
        if self.shapes.len() == SHAPES_MAX {
            self.start_numbers_over(out);
        }
        let number = self.shapes.len() as u64;
        let shape = self.described(number, key.0.into(), &key.1);
        self.new_shapes.push(shape);
        self.shapes.insert(key, number);
        number
    }

    /// Forgets the shapes. Rows with the old numbers go first.
    fn start_numbers_over(&mut self, out: &mut Outlet) {
        self.put_new_shapes(out);
        self.early_rows += self.put_rows(out);
        self.shapes.clear();
        self.last_shape = None;
        self.pending.clear();
        self.pending_order.clear();
    }

    /// A shape with its occupancy.
    fn described(&self, id: u64, kernel: u64, shape: &LaunchShape) -> Shape {
        let [grid_x, grid_y, grid_z] = shape.grid.map(u64::from);
        let [block_x, block_y, block_z] = shape.block.map(u64::from);
        let (dynamic_shared, cluster) = (shape.dynamic_shared.into(), shape.cluster.into());
        let plain = Shape {
            id,
            kernel,
            grid_x,
            grid_y,
            grid_z,
            block_x,
            block_y,
            block_z,
            dynamic_shared,
            cluster,
            ..Shape::default()
        };
        let Some(facts) = self.kernels.get(&kernel).filter(|facts| facts.known == 1) else { return plain };
        let Some(limits) = self.devices.get(&facts.device) else { return plain };
        let threads = u32::try_from(block_x * block_y * block_z).unwrap_or(u32::MAX);
        let resources = KernelResources {
            registers_per_thread: facts.registers as u32,
            static_shared_bytes: facts.static_shared as u32,
            threads_per_block_max: facts.threads_max as u32,
            // The launch has checked how far the program has raised the limit.
            shared_opt_in: facts.static_shared + facts.dynamic_shared_max > u64::from(limits.shared_per_block),
            carveout: Carveout::from_attribute(facts.carveout as i32 - 1).unwrap_or_default(),
            barriers: 1,
        };
        let occupancy = limits.occupancy(&resources, threads, dynamic_shared);
        let limited = occupancy.limited_by;
        let bits = [limited.warps, limited.blocks, limited.registers, limited.shared_memory, limited.barriers];
        Shape {
            active_blocks: occupancy.active_blocks.into(),
            block_warps: occupancy.warps_per_block.into(),
            warps_max: occupancy.warps_max.into(),
            limited_by: bits.iter().enumerate().map(|(bit, is_set)| u64::from(*is_set) << bit).sum(),
            ..plain
        }
    }

    fn remember(&mut self, correlation: u64, launch: (u64, u64, u64)) {
        if self.pending_order.len() == PENDING_MAX {
            self.pending_order.pop_front().map(|oldest| self.pending.remove(&oldest));
        }
        self.pending.insert(correlation, launch);
        self.pending_order.push_back(correlation);
    }

    /// Device's times become rows once their launch is known.
    fn match_waiting(&mut self, scale: &Scale) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain_mut(|(event, flushes)| {
            let Some((shape, context, stream)) = self.pending.remove(&event.correlation) else {
                *flushes -= 1;
                self.unmatched += u64::from(*flushes == 0);
                return *flushes > 0;
            };
            let (start, duration) = (scale.ns(event.start), scale.length_ns(event.duration));
            let correlation = event.correlation;
            self.executions.push(Execution { start, duration, correlation, context, stream, shape });
            false
        });
        self.waiting = waiting;
    }

    fn put_new_shapes(&mut self, out: &mut Outlet) {
        out.put(&self.new_shapes);
        self.new_shapes.clear();
    }

    fn put_rows(&mut self, out: &mut Outlet) -> u64 {
        fn put<R: Counted>(rows: &mut Vec<R>, out: &mut Outlet) -> u64 {
            out.put(rows);
            let count = rows.len() as u64;
            rows.clear();
            count
        }
        let calls = put(&mut self.launches, out)
            + put(&mut self.copies, out)
            + put(&mut self.sets, out)
            + put(&mut self.memories, out)
            + put(&mut self.syncs, out)
            + put(&mut self.loads, out)
            + put(&mut self.graph_launches, out);
        calls + put(&mut self.executions, out)
    }
}
