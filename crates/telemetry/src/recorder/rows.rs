//! Events become rows: time stamps nanoseconds, launches numbers of shapes with their occupancy.

use super::Definitions;
use super::device::{Asked, DeviceTime, DeviceTimes, Found, Work};
use super::outlet::{Counted, Outlet};
use crate::clock::Scale;
use crate::event::{Event, Kind, LaunchShape};
use crate::file::BLOCK_ROWS_MAX;
use crate::records::*;
use device_model::occupancy::{Carveout, KernelResources};
use device_model::{ComputeCapability, Limits};
use std::collections::HashMap;

/// Most shapes that are told apart at a time. One more, and the numbers start over.
const SHAPES_MAX: usize = 1 << 18;

/// `CU_GRAPH_NODE_TYPE_MEMCPY`.
const NODE_COPY: u64 = 1;
/// `CU_GRAPH_NODE_TYPE_MEMSET`.
const NODE_SET: u64 = 2;

/// Shapes, and the rows of the batch at hand.
#[derive(Default)]
pub(super) struct Rows {
    devices: HashMap<u64, Limits>,
    kernels: HashMap<u64, Kernel>,
    /// By kernel, as [`Recorder::define_blocks_max`](super::Recorder::define_blocks_max) says.
    blocks_max: HashMap<u64, u32>,
    shapes: HashMap<(u32, LaunchShape), u64>,
    /// The shape that was asked for last: programs launch the same again and again.
    last_shape: Option<((u32, LaunchShape), u64)>,
    new_shapes: Vec<Shape>,
    has_executions: bool,
    device_times: DeviceTimes,
    /// Rows that were put before the end of their batch.
    early_rows: u64,
    launches: Vec<Launch>,
    executions: Vec<Execution>,
    transfers: Vec<Transfer>,
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
        self.device_times.unmatched
    }

    /// Takes definitions, and makes blocks of them.
    pub(super) fn define(&mut self, definitions: Definitions, out: &mut Outlet) {
        let Definitions { facts, devices, contexts, kernels, blocks_max, nodes } = definitions;
        out.put(&facts);
        for device in &devices {
            let capability = ComputeCapability::new(device.major as u32, device.minor as u32);
            self.devices.insert(device.id, Limits::of(capability));
        }
        out.put(&devices);
        contexts.iter().for_each(|context| self.device_times.define_context(context.id, context.device));
        out.put(&contexts);
        out.put(&kernels);
        self.blocks_max.extend(blocks_max);
        self.kernels.extend(kernels.into_iter().map(|kernel| (kernel.id, Kernel { name: String::new(), ..kernel })));
        if self.has_executions {
            nodes
                .iter()
                .for_each(|(node, launch)| self.device_times.define_node(node.graph, asked_by_node(node, launch)));
        }
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
        self.match_device_times(out);
        self.put_new_shapes(out);
        self.put_rows(out) + std::mem::take(&mut self.early_rows)
    }

    fn add(&mut self, event: &Event, scale: &Scale, out: &mut Outlet) {
        let stream = event.handle;
        let kind = u64::from(event.id);
        let [first, second, _] = event.payload;
        if self.has_executions && event.result == 0 && u64::from(event.flags) & flags::CAPTURED == 0 {
            self.device_times.remember(event.correlation, event.context.into(), stream, asked(event));
        }
        match event.kind {
            Kind::Launch => {
                let shape = self.shape(event, out);
                self.launches.push(row!(Launch event scale { stream: stream, shape: shape }));
            }
            Kind::Execution => {
                let start_ns = scale.ns(event.start);
                let end_ns = start_ns + scale.length_ns(event.duration);
                let (correlation, node) = (event.correlation, event.id);
                self.wait(DeviceTime { correlation, node, device: 0, work: Work::Kernel, start_ns, end_ns });
            }
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

    /// A time of the device has come.
    pub(super) fn wait(&mut self, time: DeviceTime) {
        self.device_times.wait(time);
    }

    /// The number of a launch's kernel and shape.
    fn shape(&mut self, event: &Event, out: &mut Outlet) -> u64 {
        self.number((event.id, event.shape()), out)
    }

    fn number(&mut self, key: (u32, LaunchShape), out: &mut Outlet) -> u64 {
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
            // How far the program has raised the limit, the launch has checked.
            shared_opt_in: facts.static_shared + facts.dynamic_shared_max.max(dynamic_shared)
                > u64::from(limits.shared_per_block),
            carveout: Carveout::from_attribute(facts.carveout as i32 - 1).unwrap_or_default(),
            barriers: 1,
        };
        let blocks_max = self.blocks_max.get(&kernel).copied().unwrap_or(0);
        let resources = KernelResources { barriers: limits.barriers_of(&resources, blocks_max), ..resources };
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

    /// Device's times become rows once their call is known.
    fn match_device_times(&mut self, out: &mut Outlet) {
        let mut times = std::mem::take(&mut self.device_times);
        times.match_waiting(|found| match found {
            Found::Execution(row, key) => {
                let shape = self.number(key, out);
                self.executions.push(Execution { shape, ..row });
            }
            Found::Transfer(row) => self.transfers.push(row),
        });
        self.device_times = times;
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
        calls + put(&mut self.executions, out) + put(&mut self.transfers, out)
    }
}

/// What the device is to do for an event.
fn asked(event: &Event) -> Asked {
    match event.kind {
        Kind::Launch => Asked::Launch((event.id, event.shape())),
        Kind::Copy => Asked::Copy(event.payload[0]),
        Kind::Set => Asked::Set(event.payload[0]),
        Kind::GraphLaunch => Asked::Graph(event.id.into()),
        _ => Asked::Nothing,
    }
}

/// What the device is to do for a node of a graph.
fn asked_by_node(node: &Node, launch: &Option<Event>) -> Asked {
    match (node.kind, launch) {
        (_, Some(launch)) => asked(launch),
        (NODE_COPY, None) => Asked::Copy(node.bytes),
        (NODE_SET, None) => Asked::Set(node.bytes),
        _ => Asked::Nothing,
    }
}
