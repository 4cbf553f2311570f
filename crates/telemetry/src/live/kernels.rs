//! Kernels of a process that publishes: told apart up to a limit, and summed beyond.

use super::records::{Kernel, Others};
use crate::records::{self, KERNEL_ID_MAX};
use std::collections::HashMap;

/// Most kernels that are told apart.
pub(super) const KERNELS_MAX: usize = 1024;
/// Most bytes of their names together, and of one.
pub(super) const NAMES_BYTES_MAX: usize = 256 << 10;
pub(super) const NAME_BYTES_MAX: usize = 4096;
/// Most pairs of a graph and a kernel in it that are remembered. Launches of graphs beyond count for no kernel.
const GRAPH_KERNELS_MAX: usize = 1 << 16;

/// Where a kernel's counts are: a place in the list, or among the others.
type Place = Option<u16>;

/// Kernels by name and device, with what leads from an event to them.
#[derive(Default)]
pub(super) struct Kernels {
    pub(super) all: Vec<Kernel>,
    pub(super) others: Others,
    by_name: HashMap<(String, u64), u16>,
    names_bytes: usize,
    /// By a kernel's number in the recording.
    by_id: Vec<Place>,
    /// By a shape's number: kernels and shapes are named anew by every recorder's start.
    by_shape: Vec<Place>,
    /// How often a launch of a graph launches which kernels.
    graphs: HashMap<u64, Vec<(Place, u64)>>,
    graph_kernels: usize,
}

impl Kernels {
    /// A kernel is going to be launched.
    pub(super) fn define(&mut self, kernel: &records::Kernel) {
        let Some(id) = usize::try_from(kernel.id).ok().filter(|id| *id <= KERNEL_ID_MAX as usize) else { return };
        let place = self.place_of(cut(&kernel.name, NAME_BYTES_MAX), kernel.device);
        if self.by_id.len() <= id {
            self.by_id.resize(id + 1, None);
        }
        self.by_id[id] = place;
        self.others.kernels += u64::from(place.is_none());
    }

    fn place_of(&mut self, name: &str, device: u64) -> Place {
        let key = (name.to_owned(), device);
        if let Some(place) = self.by_name.get(&key) {
            return Some(*place);
        }
        if self.all.len() == KERNELS_MAX || self.names_bytes + name.len() > NAMES_BYTES_MAX {
            return None;
        }
        let place = self.all.len() as u16;
        self.names_bytes += name.len();
        self.all.push(Kernel { name: name.to_owned(), device, ..Kernel::default() });
        self.by_name.insert(key, place);
        Some(place)
    }

    /// A shape with the next number, or with 0, from which on they begin anew.
    pub(super) fn define_shape(&mut self, shape: &records::Shape) {
        if shape.id == 0 {
            self.by_shape.clear();
        }
        self.by_shape.push(self.by_id.get(shape.kernel as usize).copied().flatten());
    }

    /// A node of a graph.
    pub(super) fn define_node(&mut self, node: &records::Node) {
        let Some(shape) = node.shape.checked_sub(1) else { return };
        let place = self.by_shape.get(shape as usize).copied().flatten();
        let counts = self.graphs.entry(node.graph).or_default();
        match counts.iter_mut().find(|(other, _)| *other == place) {
            Some((_, count)) => *count += 1,
            None if self.graph_kernels < GRAPH_KERNELS_MAX => {
                counts.push((place, 1));
                self.graph_kernels += 1;
            }
            None => {}
        }
    }

    /// A launch that the driver took.
    pub(super) fn add_launch(&mut self, shape: u64, host_ns: u64) {
        let (launches, launch_ns, ..) = self.counts(self.by_shape.get(shape as usize).copied().flatten());
        *launches += 1;
        *launch_ns += host_ns;
    }

    /// A launch of a graph that the driver took.
    pub(super) fn add_graph_launch(&mut self, graph: u64) {
        let Some(counts) = self.graphs.remove(&graph) else { return };
        for (place, count) in &counts {
            *self.counts(*place).2 += count;
        }
        self.graphs.insert(graph, counts);
    }

    /// What a launch took on the device.
    pub(super) fn add_execution(&mut self, shape: u64, device_ns: u64) {
        let (.., executions, execution_ns) = self.counts(self.by_shape.get(shape as usize).copied().flatten());
        *executions += 1;
        *execution_ns += device_ns;
    }

    /// Launches, their time, launches by graphs, executions, their time.
    fn counts(&mut self, place: Place) -> (&mut u64, &mut u64, &mut u64, &mut u64, &mut u64) {
        match place.and_then(|place| self.all.get_mut(usize::from(place))) {
            Some(k) => (&mut k.launches, &mut k.launch_ns, &mut k.by_graphs, &mut k.executions, &mut k.execution_ns),
            None => {
                let k = &mut self.others;
                (&mut k.launches, &mut k.launch_ns, &mut k.by_graphs, &mut k.executions, &mut k.execution_ns)
            }
        }
    }
}

/// At most so many bytes of a text, whole characters.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let mut length = text.len().min(bytes);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    &text[..length]
}
