//! Summaries of recordings that are written down here.

use super::*;
use crate::records::*;

fn launch(thread: u64, start: u64, duration: u64, shape: u64) -> Launch {
    Launch { thread, start, duration, shape, ..Launch::default() }
}

/// Two kernels, one of them in two shapes.
fn definitions() -> Summary {
    let mut summary = Summary::default();
    summary.add(Block::Device(vec![Device { id: 1, multiprocessors: 10, ..Device::default() }]));
    summary.add(Block::Context(vec![Context { id: 1, handle: 9, device: 1 }]));
    let kernel = |id, name: &str| Kernel { id, name: name.into(), ..Kernel::default() };
    summary.add(Block::Kernel(vec![kernel(1, "a"), kernel(2, "b")]));
    let shape = |id, kernel, active_blocks, limited_by| Shape {
        id,
        kernel,
        active_blocks,
        block_warps: 8,
        warps_max: 48,
        limited_by,
        ..Shape::default()
    };
    summary.add(Block::Shape(vec![shape(0, 1, 6, 1), shape(1, 1, 3, 4), shape(2, 2, 0, 8)]));
    summary
}

#[test]
fn launches_are_summed_by_kernel() {
    let mut summary = definitions();
    let mut launches = vec![launch(0, 100, 10, 0), launch(0, 120, 10, 1), launch(1, 105, 5, 2), launch(0, 150, 20, 0)];
    launches.push(Launch { flags: flags::CAPTURED, ..launch(0, 400, 10, 0) });
    launches.push(Launch { result: 1, ..launch(1, 300, 5, 2) });
    summary.add(Block::Launch(launches));
    let kernels = summary.kernels.by_time();
    assert_eq!(
        kernels.iter().map(|k| (k.kernel.name.as_str(), k.launches, k.host_ns)).collect::<Vec<_>>(),
        [("a", 3, 40), ("b", 2, 10)]
    );
    assert_eq!(kernels[0].occupancy, Some((0.5, 1.0)));
    assert_eq!((summary.kernels.launches, summary.kernels.captured, summary.failures), (5, 1, 1));
    assert_eq!(summary.kernels.occupancy, [2, 0, 0, 0, 1, 0, 0, 0, 0, 2]);
    assert_eq!(summary.kernels.limited_by, [2, 0, 1, 2, 0]);
    // Thread 0: 110 to 120, 130 to 150, 170 to 400; thread 1: 110 to 300.
    assert_eq!((summary.gaps.count(), summary.gaps.sum()), (4, 10 + 20 + 230 + 190));
    assert_eq!(summary.span_ns(), 310);
}

#[test]
fn device_times_are_joined() {
    let mut summary = definitions();
    let run = |start, duration, shape| Execution { start, duration, shape, context: 1, ..Execution::default() };
    summary.add(Block::Execution(vec![run(1000, 100, 0), run(1050, 100, 2), run(1200, 50, 0)]));
    let copy = Transfer { start: 1240, duration: 60, context: 1, bytes: 9, ..Transfer::default() };
    summary.add(Block::Transfer(vec![copy]));
    let busy = &summary.busy[&1];
    assert_eq!((busy.length(), busy.span()), (250, 300));
    assert_eq!(summary.transfers[&GPU_COPY], Transfers { count: 1, device_ns: 60, bytes: 9 });
    // The shape of an unknown kernel.
    summary.add(Block::Shape(vec![Shape { id: 3, kernel: 0, ..Shape::default() }]));
    summary.add(Block::Execution(vec![run(2000, 70, 3)]));
    let times: Vec<_> = summary.kernels.by_time().iter().map(|kernel| (kernel.kernel.id, kernel.device_ns)).collect();
    assert_eq!(times, [(1, 150), (2, 100), (0, 70)]);
    assert_eq!(summary.kernels.kernel(1).device_ns, 150);
    assert_eq!(summary.kernels.kernel(2).executions, 1);
}

#[test]
fn graphs_launch_their_kernels() {
    let mut summary = definitions();
    let node = |index, shape| Node { graph: 7, index, shape, ..Node::default() };
    summary.add(Block::Node(vec![node(0, 1), node(1, 2), node(2, 3), node(3, 0)]));
    let launch = |result| GraphLaunch { graph: 7, result, ..GraphLaunch::default() };
    summary.add(Block::GraphLaunch(vec![launch(0), launch(0), launch(1)]));
    summary.add(Block::GraphLaunch(vec![GraphLaunch { graph: 8, ..GraphLaunch::default() }]));
    assert_eq!((summary.kernels.graph_launches, summary.kernels.launches_by_graphs), (4, 6));
    assert_eq!((summary.kernels.kernel(1).by_graphs, summary.kernels.kernel(2).by_graphs), (4, 2));
}

#[test]
fn live_memory_is_followed() {
    let mut summary = Summary::default();
    let alloc = |address, bytes| Memory { address, bytes, ..Memory::default() };
    let free = |address| Memory { address, flags: flags::RELEASE, ..Memory::default() };
    let range = Memory { kind: 6, ..alloc(9, 1 << 40) };
    let failed = Memory { result: 2, ..alloc(0, 1 << 50) };
    summary.add(Block::Memory(vec![alloc(1, 100), alloc(2, 50), free(1), alloc(3, 30), range, failed, free(77)]));
    assert_eq!((summary.memory.live, summary.memory.live_most), (80, 150));
    assert_eq!((summary.memory.allocations[&0].count, summary.memory.frees[&0].count), (4, 2));
}

#[test]
fn a_file_that_names_what_it_does_not_define_is_summed_all_the_same() {
    let mut summary = Summary::default();
    summary.add(Block::Launch(vec![launch(u64::MAX >> 1, 1, 1, 99)]));
    summary.add(Block::Kernel(vec![
        Kernel { id: u64::MAX, ..Kernel::default() },
        Kernel { id: u64::from(u32::MAX), ..Kernel::default() },
    ]));
    summary.add(Block::Shape(vec![Shape { id: 5, kernel: u64::MAX, ..Shape::default() }]));
    assert_eq!((summary.kernels.launches, summary.kernels.occupancy_unknown), (1, 1));
}
