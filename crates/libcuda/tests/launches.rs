//! Recorded launches in front of NVIDIA's driver (a stand-in): `cuLaunchKernel`, which is written by hand, does what `cuLaunchKernelEx` does, which is compiled.

mod support;

use cuda_abi::{
    CUcontext, CUfunction, CUgraph, CUlaunchConfig, CUmodule, CUresult, CUstream, CUstreamCaptureMode, CUuuid, Row,
    pointer,
};
use driver_api::inspection::{TABLE_ID, Table};
use fake_driver::Frame;
use fake_driver::control::inert_answer;
use libloading::Library;
use std::path::Path;
use std::process::Command;
use std::ptr::{null, null_mut, without_provenance_mut};
use support::front::{child_command, fake, load_fake};
use telemetry::file::Reader;
use telemetry::records::{Block, Launch, Shape, flags};

/// Launches of a thread, each of which is made both ways. More than a ring holds in [`SMALL_RING`].
const LAUNCHES: u64 = 3000;
const SMALL_RING: &str = "64K";
/// Bytes of code of `cuLaunchKernel`, at most.
const CODE_BYTES: u64 = 512;

const PTX: &core::ffi::CStr = c".visible .entry alpha() { ret; } .visible .entry beta() { ret; }";

/// What both functions are given.
#[derive(Debug, Clone, Copy)]
struct Call {
    kernel: CUfunction,
    grid: [u32; 3],
    block: [u32; 3],
    shared: u32,
    stream: CUstream,
    parameters: usize,
    extra: usize,
}

/// The driver's functions, as the program has them, and those of the stand-in.
struct Cuda {
    ours: Library,
    fake: Library,
}

impl Cuda {
    fn function<T: Copy>(&self, name: &str) -> T {
        // SAFETY: each use names a function with the type that it has.
        unsafe { *self.ours.get::<T>(name.as_bytes()).expect(name) }
    }

    fn context(&self) -> CUcontext {
        let mut context = CUcontext::NULL;
        // SAFETY: the signature is that of the driver API, the pointer is valid.
        done(unsafe { self.function::<pointer::cuCtxCreate_v2>("cuCtxCreate_v2")(&mut context, 0, 0) });
        context
    }

    fn stream(&self) -> CUstream {
        let mut stream = CUstream::NULL;
        // SAFETY: as above.
        done(unsafe { self.function::<pointer::cuStreamCreate>("cuStreamCreate")(&mut stream, 0) });
        stream
    }

    fn kernels(&self) -> [CUfunction; 2] {
        let (mut module, mut kernels) = (CUmodule::NULL, [CUfunction::NULL; 2]);
        // SAFETY: as above.
        unsafe {
            let load: pointer::cuModuleLoadData = self.function("cuModuleLoadData");
            done(load(&mut module, PTX.as_ptr().cast()));
            let find: pointer::cuModuleGetFunction = self.function("cuModuleGetFunction");
            for (kernel, name) in kernels.iter_mut().zip([c"alpha", c"beta"]) {
                done(find(kernel, module, name.as_ptr()));
            }
        }
        kernels
    }

    fn set_current(&self, context: CUcontext) {
        // SAFETY: a context.
        done(unsafe { self.function::<pointer::cuCtxSetCurrent>("cuCtxSetCurrent")(context) });
    }

    fn launch(&self, call: Call) -> CUresult {
        let Call { kernel, grid: [gx, gy, gz], block: [bx, by, bz], shared, stream, parameters, extra } = call;
        // SAFETY: the stand-in looks at no parameter.
        unsafe {
            let launch: pointer::cuLaunchKernel = self.function("cuLaunchKernel");
            let (parameters, extra) = (without_provenance_mut(parameters), without_provenance_mut(extra));
            launch(kernel, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra)
        }
    }

    fn launch_ex(&self, call: Call) -> CUresult {
        let Call { kernel, grid: [gx, gy, gz], block: [bx, by, bz], shared, stream, .. } = call;
        let config = CUlaunchConfig {
            gridDimX: gx,
            gridDimY: gy,
            gridDimZ: gz,
            blockDimX: bx,
            blockDimY: by,
            blockDimZ: bz,
            sharedMemBytes: shared,
            hStream: stream,
            ..Default::default()
        };
        // SAFETY: as above.
        unsafe {
            self.function::<pointer::cuLaunchKernelEx>("cuLaunchKernelEx")(&config, kernel, null_mut(), null_mut())
        }
    }

    /// From now on the stand-in does nothing but to note what arrives.
    fn set_inert(&self, is_inert: bool) {
        // SAFETY: the function has this type.
        unsafe { self.fake.get::<extern "C" fn(bool)>(b"fake_set_inert").expect("exported")(is_inert) };
    }

    /// Launches, and compares what arrives. Answers whether the launch was one of the code that is written by hand.
    fn launch_and_compare(&self, call: Call) -> bool {
        let row = Row::cuLaunchKernel as usize;
        assert_eq!(self.launch(call).0, inert_answer(row), "the answer was changed");
        // SAFETY: the function has this type; any numbers are a frame.
        let frame = unsafe {
            let mut frame = std::mem::zeroed::<Frame>();
            let take = self.fake.get::<unsafe extern "C" fn(*mut Frame) -> bool>(b"fake_take_noted").expect("exported");
            assert!(take(&mut frame), "nothing arrived");
            frame
        };
        let Call { kernel, grid: [gx, gy, gz], block: [bx, by, bz], shared, stream, parameters, extra } = call;
        let narrow = |word: u64| u64::from(word as u32);
        let [function, integers @ ..] = frame.integers;
        assert_eq!((frame.row, function), (row as u64, kernel.addr() as u64));
        assert_eq!(integers.map(narrow), [gx, gy, gz, bx, by].map(u64::from), "{call:?}");
        assert_eq!([0, 1].map(|word| narrow(frame.stack[word])), [bz, shared].map(u64::from), "{call:?}");
        assert_eq!(frame.stack[2..5], [stream.addr(), parameters, extra].map(|word| word as u64), "{call:?}");
        let code = self.function::<pointer::cuLaunchKernel>("cuLaunchKernel") as usize as u64;
        (code..code + CODE_BYTES).contains(&frame.return_address())
    }
}

fn done(result: CUresult) {
    assert_eq!(result, CUresult::CUDA_SUCCESS);
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }

    /// A call that is nearly always one that a device takes.
    fn call(&mut self, kernels: &[CUfunction], streams: &[CUstream]) -> Call {
        let size = |numbers: &mut Numbers, most: u64| match numbers.below(100) {
            0 => numbers.pick(&[0, 65_535, 65_536, u32::MAX]),
            _ => 1 + numbers.below(most) as u32,
        };
        Call {
            kernel: self.pick(kernels),
            grid: [(); 3].map(|()| size(self, 1 << 20)),
            block: [(); 3].map(|()| size(self, 64)),
            shared: self.below(1 << 17) as u32,
            // Mostly the usual one.
            stream: if self.below(4) == 0 { self.pick(streams) } else { streams[0] },
            parameters: self.below(1 << 31) as usize,
            extra: self.below(1 << 31) as usize,
        }
    }
}

#[test]
fn child() {
    let Some(role) = support::role() else { return };
    let cuda = Cuda { ours: support::load(), fake: load_fake() };
    // SAFETY: the signature is that of the driver API.
    done(unsafe { cuda.function::<pointer::cuInit>("cuInit")(0) });
    let contexts = [cuda.context(), cuda.context()];
    let other = cuda.stream();
    cuda.set_current(contexts[0]);
    let kernels = cuda.kernels();
    let own = cuda.stream();
    let streams = [own, cuda.stream(), other, CUstream::NULL, CUstream::from_addr(1), CUstream::from_addr(2)];
    let (count, threads) = match role.as_str() {
        "long" => (2, 1),
        "switched" | "captured" => (0, 0),
        _ => (LAUNCHES, 3),
    };
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (cuda, kernels, streams, role) = (&cuda, &kernels, &streams, &role);
            let [first, second] = contexts.map(CUcontext::addr);
            scope.spawn(move || {
                cuda.set_current(CUcontext::from_addr(first));
                let mut numbers = Numbers(thread);
                for number in 0..count {
                    let call = match role.as_str() {
                        "long" => Call { grid: [1; 3], block: [1; 3], ..numbers.call(&kernels[..1], &streams[..1]) },
                        _ => numbers.call(kernels, streams),
                    };
                    if count > 2 && number % 500 == 250 {
                        cuda.set_current(CUcontext::from_addr(if number % 1000 == 250 { second } else { first }));
                    }
                    assert_eq!(cuda.launch(call), cuda.launch_ex(call));
                }
            });
        }
    });
    match role.as_str() {
        "alike" => arrive_whole(&cuda, &kernels, &streams),
        "switched" => without_layers(&cuda, kernels[0]),
        "captured" => while_captured(&cuda, kernels[0], own),
        _ => {}
    }
    std::process::exit(0);
}

/// Launches arrive with all arguments, most of them by the short way.
fn arrive_whole(cuda: &Cuda, kernels: &[CUfunction], streams: &[CUstream]) {
    let mut numbers = Numbers(99);
    // What is known of kernels and streams is known again.
    for stream in streams {
        kernels.iter().for_each(|kernel| {
            let call = numbers.call(&[*kernel], &[*stream]);
            done(cuda.launch(Call { grid: [1; 3], block: [1; 3], ..call }));
        });
    }
    cuda.set_inert(true);
    let mut by_hand = 0;
    for _ in 0..LAUNCHES {
        let call = numbers.call(kernels, streams);
        by_hand += u64::from(cuda.launch_and_compare(call));
        let _ = cuda.launch_ex(call);
    }
    cuda.set_inert(false);
    support::say(format_args!("{by_hand} by hand"));
}

/// Launches while layers are in the way, out of it, and in it again.
fn without_layers(cuda: &Cuda, kernel: CUfunction) {
    let (mut table, id) = (null(), CUuuid { bytes: TABLE_ID.map(|byte| byte as _) });
    // SAFETY: the signature is that of the driver API, the pointers are valid; the library answers this identifier with such a table.
    let table = unsafe {
        done(cuda.function::<pointer::cuGetExportTable>("cuGetExportTable")(&mut table, &id));
        &*table.cast::<Table>()
    };
    for (are_there, width) in [(1, 1), (0, 2), (1, 3)] {
        done((table.set_layers)(are_there));
        let call = Numbers(0).call(&[kernel], &[CUstream::NULL]);
        (0..4).for_each(|_| done(cuda.launch(Call { grid: [width, 1, 1], block: [1; 3], ..call })));
    }
}

/// Launches before, while and after the stream is captured.
fn while_captured(cuda: &Cuda, kernel: CUfunction, stream: CUstream) {
    let call = Call { grid: [1; 3], block: [1; 3], ..Numbers(0).call(&[kernel], &[stream]) };
    let launch = || (0..4).for_each(|_| done(cuda.launch(call)));
    launch();
    // SAFETY: the signatures are those of the driver API, the pointer is valid.
    unsafe {
        let mode = CUstreamCaptureMode::default();
        done(cuda.function::<pointer::cuStreamBeginCapture_v2>("cuStreamBeginCapture_v2")(stream, mode));
        launch();
        let end: pointer::cuStreamEndCapture = cuda.function("cuStreamEndCapture");
        let mut graph = CUgraph::NULL;
        done(end(stream, &mut graph));
    }
    launch();
}

/// What is recorded of a child: launches, by thread and number, their shapes, and what was dropped.
fn record(command: &mut Command) -> (Vec<(Launch, Shape)>, u64, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let output = command.env("APEX_RECORD", &path).output().unwrap();
    assert!(output.status.success(), "{}", support::text(&output));
    let (launches, dropped) = read(&path);
    (launches, dropped, support::lines(&output))
}

fn read(path: &Path) -> (Vec<(Launch, Shape)>, u64) {
    let bytes = std::fs::read(path).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let (mut launches, mut shapes, mut dropped) = (Vec::new(), std::collections::HashMap::new(), 0);
    while let Some(block) = reader.next_block().unwrap() {
        match block {
            Block::Shape(rows) => shapes.extend(rows.into_iter().map(|row| (row.id, row))),
            Block::Launch(rows) => {
                launches.extend(rows.into_iter().map(|row| (row.clone(), shapes[&row.shape].clone())))
            }
            Block::Progress(rows) => dropped = rows.last().map_or(dropped, |row| row.dropped_launches),
            _ => {}
        }
    }
    launches.sort_by_key(|(launch, _)| launch.correlation);
    (launches, dropped)
}

/// All that both ways of a launch have in common.
fn what((launch, shape): &(Launch, Shape)) -> impl PartialEq + std::fmt::Debug + use<> {
    let Launch { thread, context, stream, result, flags, .. } = *launch;
    let shape = Shape { id: 0, ..shape.clone() };
    (thread, context, stream, result, flags & !flags::END_ESTIMATED, shape)
}

#[test]
fn both_ways_record_the_same() {
    let (launches, dropped, lines) = record(&mut child_command("alike", &fake()));
    assert_eq!(dropped, 0);
    // The first thread prepares everything, and launches for `arrive_whole` in the end.
    let (first, others): (Vec<_>, Vec<_>) = launches.into_iter().partition(|(launch, _)| launch.thread == 0);
    assert!(first.len() as u64 > 2 * LAUNCHES && others.len() as u64 == 3 * 2 * LAUNCHES);
    let pairs: Vec<_> = others.chunks(2).collect();
    for pair in &pairs {
        assert_eq!(what(&pair[0]), what(&pair[1]));
        assert_eq!(pair[0].0.correlation + 1, pair[1].0.correlation);
        assert!(pair[0].0.start <= pair[1].0.start);
    }
    let count = |is: fn(&Launch) -> bool| pairs.iter().filter(|pair| is(&pair[0].0)).count();
    assert!(count(|launch| launch.result != 0) > 0 && count(|launch| launch.stream < 3) > 100);
    assert!(count(|launch| launch.duration > 0) > 0);
    let by_hand: u64 = lines[0].split_whitespace().next().unwrap().parse().unwrap();
    // Any that is not usual goes the other way: another stream that is no default stream, a size that no device takes.
    assert!(by_hand > LAUNCHES / 2 || telemetry::clock::name() != "tsc", "{by_hand}");
}

#[test]
fn what_is_launched_without_layers_is_not_recorded() {
    let (launches, ..) = record(&mut child_command("switched", &fake()));
    let widths: Vec<u64> = launches.iter().map(|(_, shape)| shape.grid_x).collect();
    assert_eq!(widths, [1, 1, 1, 1, 3, 3, 3, 3]);
}

#[test]
fn launches_that_become_nodes_say_so() {
    let (launches, ..) = record(&mut child_command("captured", &fake()));
    let captured: Vec<u64> = launches.iter().map(|(launch, _)| launch.flags & flags::CAPTURED).collect();
    assert_eq!(captured, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]);
}

#[test]
fn what_finds_no_room_is_counted() {
    let mut command = child_command("full", &fake());
    let (launches, dropped, _) = record(command.env("APEX_RECORD_BUFFER", SMALL_RING));
    assert_eq!(launches.len() as u64 + dropped, 3 * 2 * LAUNCHES);
    assert!(launches.windows(2).all(|pair| pair[0].0.correlation != pair[1].0.correlation));
}

#[test]
fn calls_within_a_launch_leave_it_whole() {
    let mut command = child_command("within", &fake());
    let (launches, dropped, _) =
        record(command.env("FAKE_REENTER", "cuLaunchKernel=cuCtxSynchronize").env("LD_PRELOAD", support::library()));
    assert_eq!((launches.len() as u64, dropped), (3 * 2 * LAUNCHES, 0));
    launches.chunks(2).for_each(|pair| assert_eq!(what(&pair[0]), what(&pair[1])));
}

#[test]
fn a_launch_may_take_seconds() {
    let mut command = child_command("long", &fake());
    let (launches, ..) = record(command.env("FAKE_SLOW", "cuLaunchKernel=2500").env("APEX_CALL_TIMES", "all"));
    let durations: Vec<u64> = launches.iter().map(|(launch, _)| launch.duration).collect();
    assert_eq!(durations.len(), 4);
    assert!([0, 2].iter().all(|call| (2_400_000_000..30_000_000_000).contains(&durations[*call])), "{durations:?}");
}
