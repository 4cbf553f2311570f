//! Recordings with times of the device (`APEX_DEVICE_TIMES`) in front of NVIDIA's driver: stand-ins for it and for CUPTI.

mod support;

use core::ffi::c_void;
use cuda_abi::{
    CUcontext, CUfunction, CUgraph, CUgraphExec, CUmodule, CUresult, CUstream, CUstreamCaptureMode, pointer,
};
use libloading::Library;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::null_mut;
use support::front::{child_command, fake};
use telemetry::file::Reader;
use telemetry::records::{Block, Execution, GraphLaunch, Launch, Shape, Transfer};
use telemetry::summary::Summary;

/// Launches of each thread, each with a grid of its own, that long on the stand-in: blocks are microseconds.
const LAUNCHES: u32 = 500;
const THREADS: u32 = 4;
/// Launches of the graph, and grids of its nodes.
const GRAPH_LAUNCHES: usize = 3;
const GRAPH_GRIDS: [u32; 3] = [7, 9, 7];

const PTX: &core::ffi::CStr = c".visible .entry alpha() { ret; } .visible .entry beta() { ret; }";

fn cupti() -> PathBuf {
    support::library().with_file_name("libfake_cupti.so")
}

/// The driver's functions, as the program has them.
struct Cuda(Library);

impl Cuda {
    fn function<T: Copy>(&self, name: &str) -> T {
        // SAFETY: each use names a function with the type that it has.
        unsafe { *self.0.get::<T>(name.as_bytes()).expect(name) }
    }

    fn launch(&self, function: CUfunction, grid: u32, stream: CUstream) {
        let launch: pointer::cuLaunchKernel = self.function("cuLaunchKernel");
        // SAFETY: the kernel has no parameters.
        done(unsafe { launch(function, grid, 1, 1, 32, 1, 1, 0, stream, null_mut(), null_mut()) });
    }

    /// A context, current, and the kernels.
    fn start(&self) -> (CUcontext, [CUfunction; 2]) {
        let (mut context, mut module, mut kernels) = (CUcontext::NULL, CUmodule::NULL, [CUfunction::NULL; 2]);
        // SAFETY: the signatures are those of the driver API, the pointers are valid.
        unsafe {
            done(self.function::<pointer::cuInit>("cuInit")(0));
            let retain: pointer::cuDevicePrimaryCtxRetain = self.function("cuDevicePrimaryCtxRetain");
            done(retain(&mut context, 0));
            self.set_current(context);
            let load: pointer::cuModuleLoadData = self.function("cuModuleLoadData");
            done(load(&mut module, PTX.as_ptr().cast()));
            let find: pointer::cuModuleGetFunction = self.function("cuModuleGetFunction");
            done(find(&mut kernels[0], module, c"alpha".as_ptr()));
            done(find(&mut kernels[1], module, c"beta".as_ptr()));
        }
        (context, kernels)
    }

    fn set_current(&self, context: CUcontext) {
        // SAFETY: a context.
        done(unsafe { self.function::<pointer::cuCtxSetCurrent>("cuCtxSetCurrent")(context) });
    }

    fn stream(&self) -> CUstream {
        let mut stream = CUstream::NULL;
        let create: pointer::cuStreamCreate = self.function("cuStreamCreate");
        // SAFETY: a valid place.
        done(unsafe { create(&mut stream, 0) });
        stream
    }

    /// Captures launches into a graph and launches that.
    fn graph(&self, kernels: [CUfunction; 2]) {
        let stream = self.stream();
        let (mut graph, mut exec) = (CUgraph::NULL, CUgraphExec::NULL);
        // SAFETY: the signatures are those of the driver API, the pointers are valid.
        unsafe {
            done(self.function::<pointer::cuStreamBeginCapture_v2>("cuStreamBeginCapture_v2")(
                stream,
                CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_GLOBAL,
            ));
            for (index, grid) in GRAPH_GRIDS.into_iter().enumerate() {
                self.launch(kernels[index % 2], grid, stream);
            }
            let end: pointer::cuStreamEndCapture = self.function("cuStreamEndCapture");
            done(end(stream, &mut graph));
            let instantiate: pointer::cuGraphInstantiateWithFlags = self.function("cuGraphInstantiateWithFlags");
            done(instantiate(&mut exec, graph, 0));
            let launch: pointer::cuGraphLaunch = self.function("cuGraphLaunch");
            (0..GRAPH_LAUNCHES).for_each(|_| done(launch(exec, stream)));
        }
    }

    fn copy(&self, bytes: usize) {
        let mut pointer = 0_u64;
        let host = vec![1_u8; bytes];
        // SAFETY: as above.
        unsafe {
            done(self.function::<pointer::cuMemAlloc_v2>("cuMemAlloc_v2")(&mut pointer, bytes));
            let copy: pointer::cuMemcpyHtoD_v2 = self.function("cuMemcpyHtoD_v2");
            done(copy(pointer, host.as_ptr().cast(), bytes));
        }
    }
}

fn done(result: CUresult) {
    assert_eq!(result, CUresult::CUDA_SUCCESS);
}

#[test]
fn child() {
    let Some(role) = support::role() else { return };
    let cuda = Cuda(support::load());
    let (context, kernels) = cuda.start();
    match role.as_str() {
        "launches" => {
            std::thread::scope(|scope| {
                for thread in 0..THREADS {
                    let cuda = &cuda;
                    scope.spawn(move || {
                        cuda.set_current(context);
                        for n in 0..LAUNCHES {
                            cuda.launch(kernels[n as usize % 2], thread * LAUNCHES + n + 1, CUstream::NULL);
                        }
                    });
                }
            });
            cuda.graph(kernels);
            cuda.copy(4096);
        }
        "runtime" => {
            // SAFETY: the stand-in, whose functions have these types.
            let (begin, end) = unsafe {
                let library = Box::leak(Box::new(Library::new(cupti()).expect("the stand-in loads")));
                let function = |name: &[u8]| *library.get::<extern "C" fn()>(name).expect("exported");
                (function(b"fake_cupti_begin_runtime_call"), function(b"fake_cupti_end_runtime_call"))
            };
            cuda.copy(16);
            for grid in 1..=LAUNCHES {
                begin();
                let mut module = CUmodule::NULL;
                if grid % 50 == 0 {
                    // As a runtime does that loads lazily.
                    // SAFETY: the signature is that of the driver API, the pointers are valid.
                    unsafe {
                        let load: pointer::cuModuleLoadData = cuda.function("cuModuleLoadData");
                        done(load(&mut module, PTX.as_ptr().cast()));
                    }
                }
                cuda.launch(kernels[0], grid, CUstream::NULL);
                end();
            }
        }
        "fork" => {
            let launches = || {
                (0..LAUNCHES).for_each(|_| cuda.launch(kernels[0], 5, CUstream::NULL));
                // Beyond a turn of the writer, which uses CUPTI.
                std::thread::sleep(std::time::Duration::from_millis(300));
            };
            launches();
            // SAFETY: the child ends at once, by way of its exit handlers.
            match unsafe { libc::fork() } {
                0 => std::process::exit(0),
                forked => {
                    let mut status = 0;
                    // SAFETY: a valid pointer.
                    assert_eq!(unsafe { libc::waitpid(forked, &mut status, 0) }, forked);
                    assert_eq!(status, 0);
                    launches();
                }
            }
        }
        "profiled" => {
            (1..=10).for_each(|grid| cuda.launch(kernels[0], grid, CUstream::NULL));
            std::thread::sleep(std::time::Duration::from_millis(300));
            let taken = take_cupti();
            let end = std::time::Instant::now() + std::time::Duration::from_secs(7);
            while std::time::Instant::now() < end {
                cuda.launch(kernels[0], 20, CUstream::NULL);
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            (0..100).for_each(|_| cuda.launch(kernels[1], 30, CUstream::NULL));
            support::say(format_args!("{}", taken.load(std::sync::atomic::Ordering::SeqCst)));
        }
        other => panic!("{other} is no scenario"),
    }
    std::process::exit(0);
}

/// Does what another profiler does: registers callbacks of its own. Answers the buffers that it was asked for.
fn take_cupti() -> &'static std::sync::atomic::AtomicUsize {
    static REQUESTS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    extern "C" fn request(buffer: *mut *mut u8, size: *mut usize, _records: *mut usize) {
        REQUESTS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let memory = Box::leak(vec![0_u64; 8192].into_boxed_slice());
        // SAFETY: the stand-in's places.
        unsafe {
            buffer.write(memory.as_mut_ptr().cast());
            size.write(memory.len() * 8);
        }
    }
    extern "C" fn complete(_: *mut c_void, _: u32, _buffer: *mut u8, _: usize, _: usize) {}
    type Request = extern "C" fn(*mut *mut u8, *mut usize, *mut usize);
    type Complete = extern "C" fn(*mut c_void, u32, *mut u8, usize, usize);
    // SAFETY: the stand-in, whose function has this type.
    unsafe {
        let library = Library::new(cupti()).expect("the stand-in loads");
        let register = library.get::<unsafe extern "C" fn(Request, Complete) -> u32>(b"cuptiActivityRegisterCallbacks");
        assert_eq!(register.expect("exported")(request, complete), 0);
        std::mem::forget(library);
    }
    &REQUESTS
}

/// What is in a recording.
#[derive(Default)]
struct Contents {
    launches: Vec<Launch>,
    graphs: Vec<GraphLaunch>,
    executions: Vec<Execution>,
    transfers: Vec<Transfer>,
    shapes: Vec<Shape>,
    summary: Summary,
}

fn read(path: &Path) -> Contents {
    let bytes = std::fs::read(path).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let mut contents = Contents::default();
    while let Some(block) = reader.next_block().unwrap() {
        match &block {
            Block::Launch(rows) => contents.launches.extend_from_slice(rows),
            Block::GraphLaunch(rows) => contents.graphs.extend_from_slice(rows),
            Block::Execution(rows) => contents.executions.extend_from_slice(rows),
            Block::Transfer(rows) => contents.transfers.extend_from_slice(rows),
            Block::Shape(rows) => contents.shapes.extend_from_slice(rows),
            _ => {}
        }
        contents.summary.add(block);
    }
    contents
}

/// Records a child into a folder of its own.
fn record(role: &str, method: &str, set: impl FnOnce(&mut Command)) -> (Contents, std::process::Output) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut command = child_command(role, &fake());
    command.env("APEX_RECORD", &path).env("APEX_DEVICE_TIMES", method).env("APEX_CUPTI", cupti());
    set(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}\n{}", output.status, support::text(&output));
    (read(&path), output)
}

#[test]
fn cupti_s_times_find_their_launches() {
    let (contents, _) = record("launches", "1", |_| ());
    let Contents { launches, executions, shapes, graphs, transfers, summary } = &contents;
    assert_eq!(summary.fact("device_times"), "CUPTI 130000");
    let launched = |launch: &&Launch| launch.flags & telemetry::records::flags::CAPTURED == 0;
    let by_number: HashMap<u64, &Launch> =
        launches.iter().filter(launched).map(|launch| (launch.correlation, launch)).collect();
    assert_eq!(by_number.len() as u32, THREADS * LAUNCHES);
    let graph_numbers: Vec<u64> = graphs.iter().map(|graph| graph.correlation).collect();
    assert_eq!(graph_numbers.len(), GRAPH_LAUNCHES);
    let (mut of_launches, mut of_graphs) = (0, HashMap::<u64, Vec<(u64, u64)>>::new());
    for execution in executions {
        let shape = &shapes[execution.shape as usize];
        // The stand-in takes a microsecond a block: no other launch has these times.
        assert_eq!(execution.duration, shape.grid_x * 1000);
        match by_number.get(&execution.correlation) {
            Some(launch) => {
                of_launches += 1;
                assert_eq!((launch.shape, launch.context), (execution.shape, execution.context));
                // Two clocks, read one after the other.
                let slack = 1_000_000;
                assert!(
                    launch.start - slack < execution.start && execution.start < launch.start + launch.duration + slack
                );
            }
            None => of_graphs.entry(execution.correlation).or_default().push((shape.kernel, shape.grid_x)),
        }
    }
    assert_eq!(of_launches, THREADS * LAUNCHES);
    let kernel =
        |name: &str| summary.kernels.by_time().iter().find(|kernel| kernel.kernel.name == name).unwrap().kernel.id;
    let expected: Vec<(u64, u64)> = GRAPH_GRIDS
        .into_iter()
        .enumerate()
        .map(|(index, grid)| (kernel(["alpha", "beta"][index % 2]), u64::from(grid)))
        .collect();
    assert_eq!(of_graphs.len(), GRAPH_LAUNCHES);
    for number in graph_numbers {
        assert_eq!(of_graphs[&number], expected);
    }
    assert_eq!(transfers.iter().map(|row| (row.bytes, row.duration)).collect::<Vec<_>>(), [(4096, 4096)]);
    assert_eq!(summary.progress.dropped_launches + summary.progress.dropped_others, 0);
    assert!(summary.busy.values().all(|busy| busy.length() > 0));
}

#[test]
fn events_time_launches_where_there_is_no_cupti() {
    let missing = |command: &mut Command| _ = command.env("APEX_CUPTI", "/no/such/library");
    for (method, set) in [("1", &missing as &dyn Fn(&mut Command)), ("events", &|_| ())] {
        let (contents, _) = record("launches", method, set);
        let fact = contents.summary.fact("device_times");
        assert!(fact.starts_with("events ("), "{fact}");
        let numbers: Vec<u64> = contents.executions.iter().map(|row| row.correlation).collect();
        let timed = numbers.len() as u64;
        // A pair of events waits for its turn to be read; what finds none is counted.
        let all = u64::from(THREADS * LAUNCHES) + GRAPH_LAUNCHES as u64;
        assert_eq!(timed + contents.summary.progress.dropped_others, all);
        assert!(timed > 0);
        let by_number: HashMap<u64, (u64, u64)> = contents
            .launches
            .iter()
            .map(|row| (row.correlation, (row.start, row.duration)))
            .chain(contents.graphs.iter().map(|row| (row.correlation, (row.start, row.duration))))
            .collect();
        for row in &contents.executions {
            let (start, duration) = by_number[&row.correlation];
            // The stand-in's events take the time when they are recorded: within the call.
            let slack = 3_000_000;
            assert!(start - slack < row.start && row.start + row.duration < start + duration + slack);
        }
    }
}

#[test]
fn without_cupti_there_is_nothing_where_it_alone_is_asked_for() {
    let (contents, output) = record("launches", "cupti", |command| _ = command.env("APEX_CUPTI", "/no/such/library"));
    assert_eq!(contents.summary.fact("device_times"), "none");
    assert!(contents.executions.is_empty());
    assert_eq!(support::text(&output).matches("launches are not timed on the device").count(), 1);
    let (contents, _) = record("launches", "", |_| ());
    assert_eq!((contents.summary.fact("device_times"), contents.executions.len()), ("none", 0));
    let (contents, output) = record("launches", "often", |_| ());
    assert!(contents.executions.is_empty());
    assert!(support::text(&output).contains("\"often\" is none of"), "{}", support::text(&output));
    // A tool that is injected into the process has precedence.
    let (contents, _) = record("launches", "1", |command| _ = command.env("CUDA_INJECTION64_PATH", "/tool.so"));
    assert!(contents.summary.fact("device_times").contains("CUDA_INJECTION64_PATH"));
}

#[test]
fn launches_of_the_runtime_are_found_too() {
    let (contents, _) = record("runtime", "1", |_| ());
    let grid = |shape: u64| contents.shapes[shape as usize].grid_x;
    let launched: HashMap<u64, u64> =
        contents.launches.iter().map(|launch| (launch.correlation, grid(launch.shape))).collect();
    assert_eq!(contents.executions.len() as u32, LAUNCHES);
    for execution in &contents.executions {
        assert_eq!(launched[&execution.correlation] * 1000, execution.duration);
    }
}

#[test]
fn a_forked_child_leaves_cupti_alone() {
    let (contents, _) = record("fork", "1", |_| ());
    assert_eq!(contents.executions.len() as u32, 2 * LAUNCHES);
    assert!(contents.summary.has_end);
}

#[test]
fn another_profiler_gets_cupti() {
    let (contents, output) = record("profiled", "1", |_| ());
    assert_eq!(contents.summary.fact("device_times"), "events (another profiler took CUPTI)");
    let grids = |grid| {
        let of = |row: &&Execution| contents.shapes[row.shape as usize].grid_x == grid;
        contents.executions.iter().filter(of).count()
    };
    assert_eq!((1..=10).map(grids).sum::<usize>(), 10, "what was done before");
    assert!(grids(30) > 0, "what is timed by events");
    let requests: usize = support::lines(&output)[0].parse().unwrap();
    assert!(requests > 0, "the other profiler gets buffers");
}
