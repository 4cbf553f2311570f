//! Kernels and their launches.

use super::Histogram;
use crate::records::{self, flags};
use std::collections::HashMap;

/// Bins of the histogram of occupancy: tenths.
pub const OCCUPANCY_BINS: usize = 10;
/// Most kernels of graphs that are kept by graph.
const GRAPH_KERNELS_MAX: usize = 1 << 20;

/// Kernels, with what a shape needs.
#[derive(Debug, Default)]
pub struct Kernels {
    /// By number; 0 is for kernels that the recording does not tell apart.
    all: Vec<KernelSummary>,
    shapes: Vec<ShapeSummary>,
    /// Launches of each kernel that a launch of a graph is, by graph.
    graphs: HashMap<u64, HashMap<u32, u64>>,
    graph_kernels: usize,
    /// Launches by theoretical occupancy: up to 10 %, up to 20 % and so on.
    pub occupancy: [u64; OCCUPANCY_BINS],
    /// Launches whose occupancy is not known.
    pub occupancy_unknown: u64,
    /// Launches by the resource that limits their occupancy; of one with several each is counted.
    pub limited_by: [u64; 5],
    /// Launches in all, those captured not among them.
    pub launches: u64,
    /// Launches captured into graphs.
    pub captured: u64,
    /// Launches of graphs.
    pub graph_launches: u64,
    /// Launches by graphs.
    pub launches_by_graphs: u64,
    /// Host time of launches in ns.
    pub host: Histogram,
}

#[derive(Debug, Default, Clone, Copy)]
struct ShapeSummary {
    kernel: u32,
    active_warps: u32,
    warps_max: u32,
    limited_by: u8,
}

/// A kernel and what was done with it.
#[derive(Debug, Default, Clone)]
pub struct KernelSummary {
    /// As the recording describes it.
    pub kernel: records::Kernel,
    /// Launches, those by graphs not among them.
    pub launches: u64,
    /// Launches by graphs.
    pub by_graphs: u64,
    /// Host time of the launches in ns.
    pub host_ns: u64,
    /// Time on the device in ns, of the launches whose times are known.
    pub device_ns: u64,
    /// Launches whose times on the device are known.
    pub executions: u64,
    /// Least and most theoretical occupancy, from 0 to 1.
    pub occupancy: Option<(f64, f64)>,
}

impl Kernels {
    /// Kernels that were launched, or executed without anybody being seen to launch them, the one with the most time first: on the device, then on the host.
    pub fn by_time(&self) -> Vec<&KernelSummary> {
        let mut kernels: Vec<_> =
            self.all.iter().filter(|kernel| kernel.launches + kernel.by_graphs + kernel.executions > 0).collect();
        kernels.sort_by_key(|kernel| std::cmp::Reverse((kernel.device_ns, kernel.host_ns, kernel.launches)));
        kernels
    }

    pub(super) fn kernel(&mut self, number: u32) -> &mut KernelSummary {
        let number = number as usize;
        if self.all.len() <= number {
            self.all.resize_with(number + 1, KernelSummary::default);
        }
        &mut self.all[number]
    }

    pub(super) fn add_kernel(&mut self, kernel: records::Kernel) {
        if let Ok(number) = u32::try_from(kernel.id).map(|number| number.min(records::KERNEL_ID_MAX)) {
            self.kernel(number).kernel = kernel;
        }
    }

    pub(super) fn add_shape(&mut self, shape: &records::Shape) {
        if shape.id == 0 {
            self.shapes.clear();
        }
        // Numbers follow each other; a file in which they do not has lost some.
        if shape.id == self.shapes.len() as u64 {
            self.shapes.push(ShapeSummary {
                kernel: (shape.kernel as u32).min(records::KERNEL_ID_MAX),
                active_warps: shape.active_blocks.saturating_mul(shape.block_warps).min(1 << 16) as u32,
                warps_max: shape.warps_max as u32,
                limited_by: shape.limited_by as u8,
            });
        }
    }

    pub(super) fn add_node(&mut self, node: &records::Node) {
        let shape = node.shape.checked_sub(1).and_then(|shape| self.shapes.get(shape as usize));
        if let Some(shape) = shape.filter(|_| self.graph_kernels < GRAPH_KERNELS_MAX) {
            let count = self.graphs.entry(node.graph).or_default().entry(shape.kernel).or_default();
            self.graph_kernels += usize::from(*count == 0);
            *count += 1;
        }
    }

    pub(super) fn add_launch(&mut self, launch: &records::Launch) {
        let shape = self.shapes.get(launch.shape as usize).copied().unwrap_or_default();
        if launch.flags & flags::CAPTURED != 0 {
            self.captured += 1;
            return;
        }
        self.launches += 1;
        self.host.add(launch.duration);
        if shape.warps_max == 0 {
            self.occupancy_unknown += 1;
        } else {
            // 10 % is in the first bin, a little more in the second.
            let tenths = (shape.active_warps * 10).div_ceil(shape.warps_max).clamp(1, OCCUPANCY_BINS as u32);
            self.occupancy[tenths as usize - 1] += 1;
            for (bit, count) in self.limited_by.iter_mut().enumerate() {
                *count += u64::from(shape.limited_by >> bit & 1);
            }
        }
        let kernel = self.kernel(shape.kernel);
        kernel.launches += 1;
        kernel.host_ns = kernel.host_ns.saturating_add(launch.duration);
        if shape.warps_max != 0 {
            let part = f64::from(shape.active_warps) / f64::from(shape.warps_max);
            let (least, most) = kernel.occupancy.unwrap_or((part, part));
            kernel.occupancy = Some((least.min(part), most.max(part)));
        }
    }

    pub(super) fn add_graph_launch(&mut self, launch: &records::GraphLaunch) {
        self.graph_launches += 1;
        if launch.result != 0 {
            return;
        }
        let Some(kernels) = self.graphs.get(&launch.graph) else { return };
        let kernels: Vec<(u32, u64)> = kernels.iter().map(|(kernel, count)| (*kernel, *count)).collect();
        for (kernel, count) in kernels {
            self.kernel(kernel).by_graphs += count;
            self.launches_by_graphs += count;
        }
    }

    pub(super) fn add_execution(&mut self, execution: &records::Execution) {
        let shape = self.shapes.get(execution.shape as usize).copied().unwrap_or_default();
        let kernel = self.kernel(shape.kernel);
        kernel.device_ns = kernel.device_ns.saturating_add(execution.duration);
        kernel.executions += 1;
    }
}
