//! The layer between an observer that notes everything and a driver that is made up.

mod driver;

use crate::{AnyDriver, HOOKED, Observed};
use core::ptr::null_mut;
use cuda_abi::*;
use driver::{CONTEXT, EXEC, FUNCTION, GRAPH, GREEN_CONTEXT, GREEN_STREAM, KERNEL, STREAM, TestDriver};
use driver_api::op::*;
use driver_api::{Driver, Observer, PerThreadScope};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};

const OK: CUresult = CUresult::CUDA_SUCCESS;

/// Notes what it sees.
#[derive(Default)]
struct Notes {
    ops: Mutex<Vec<(Op, CUresult)>>,
    nodes: Mutex<Vec<NodeFacts>>,
    defined: Mutex<Vec<String>>,
    panics: AtomicBool,
    gone: AtomicUsize,
    plain: Mutex<Vec<(Plain, CUresult)>>,
    note: AtomicU64,
}

impl Observer for Notes {
    fn define(&self, definition: Definition<'_>) {
        let text = match definition {
            Definition::Device(device) => format!("device {} {}", device.ordinal, device.name),
            Definition::Context(context) => format!("context {} {:#x}", context.number, context.handle),
            Definition::Kernel(kernel) => format!("kernel {} {} on {}", kernel.number, kernel.name, kernel.device),
            Definition::Graph { number, nodes } => {
                self.nodes.lock().unwrap().extend_from_slice(nodes);
                format!("graph {number} of {}", nodes.len())
            }
        };
        self.defined.lock().unwrap().push(text);
    }

    fn before(&self, _op: &Op) -> Token {
        assert!(!self.panics.load(SeqCst), "a panic that the test wants");
        Token([1, 2, 3])
    }

    fn after(&self, token: Token, op: &Op, result: CUresult) {
        assert_eq!(token, Token([1, 2, 3]));
        self.ops.lock().unwrap().push((*op, result));
    }

    unsafe fn before_plain(&self, plain: Plain, note: Option<u64>) -> Option<Token> {
        if note.is_some_and(|note| note != self.note.load(SeqCst)) {
            return None;
        }
        self.plain.lock().unwrap().push((plain, CUresult::CUDA_ERROR_UNKNOWN));
        Some(Token([4, 5, 6]))
    }

    fn after_plain(&self, token: Token, result: CUresult) {
        assert_eq!(token, Token([4, 5, 6]));
        self.plain.lock().unwrap().last_mut().unwrap().1 = result;
    }

    fn note(&self) -> u64 {
        self.note.load(SeqCst)
    }

    fn set_note(&self, note: u64) {
        self.note.store(note, SeqCst);
    }

    fn contexts_go(&self) {
        self.gone.fetch_add(1, SeqCst);
    }
}

impl Notes {
    fn take(&self) -> Vec<(Op, CUresult)> {
        std::mem::take(&mut *self.ops.lock().unwrap())
    }

    /// The one op since the last look.
    fn take_one(&self) -> Op {
        let ops = self.take();
        assert_eq!(ops.len(), 1, "{ops:?}");
        ops[0].0
    }
}

type TestLayer = Observed<AnyDriver, &'static Notes>;

fn layer() -> (TestLayer, &'static TestDriver, &'static Notes) {
    let (driver, notes) = (TestDriver::new(), &*Box::leak(Box::<Notes>::default()));
    (Observed::over(AnyDriver(driver), notes), driver, notes)
}

fn launch(layer: &TestLayer, function: CUfunction, stream: CUstream) -> CUresult {
    // SAFETY: the driver of the tests looks at nothing.
    unsafe { layer.cuLaunchKernel(function, 7, 2, 1, 64, 1, 1, 128, stream, null_mut(), null_mut()) }
}

fn kernel_of(op: &Op) -> (&'static KernelFacts, LaunchShape, bool) {
    match op.action {
        Action::Launch(Launch { kernel, shape, is_cooperative }) => (kernel, shape, is_cooperative),
        other => panic!("{other:?} is no launch"),
    }
}

/// An arm that names the parameters of its function wrongly would never match, in silence.
#[test]
fn every_arm_is_one_of_a_function() {
    let arms: Vec<&str> = include_str!("../hooks.rs")
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("(cu"))
        .filter_map(|rest| rest.split_once(" [").map(|(name, _)| name))
        .collect();
    assert!(arms.len() > 100, "{} arms", arms.len());
    for arm in &arms {
        let symbol = format!("cu{arm}");
        assert!(HOOKED.contains(&symbol.as_str()), "the arm of {symbol} does not match its row");
    }
    assert_eq!(HOOKED.len(), arms.len());
}

#[test]
fn a_launch_is_seen_with_its_kernel() {
    let (layer, driver, notes) = layer();
    assert_eq!(launch(&layer, FUNCTION, STREAM), OK);
    let op = notes.take_one();
    let (kernel, shape, is_cooperative) = kernel_of(&op);
    assert_eq!((kernel.name.as_str(), kernel.figures.unwrap().registers, kernel.device), ("function", 40, 3));
    let expected = LaunchShape { grid: [7, 2, 1], block: [64, 1, 1], dynamic_shared: 128, cluster: 0 };
    assert_eq!((shape, is_cooperative, op.is_captured), (expected, false, false));
    assert_eq!((op.stream, op.context.handle), (STREAM.addr() as u64, CONTEXT.addr() as u64));
    assert_eq!(op.context.device.unwrap().capability, [9, 9]);
    let defined = notes.defined.lock().unwrap().clone();
    assert_eq!(defined, ["device 3 tester", "context 1 0xc0", "kernel 1 function on 3"]);
    assert_eq!(driver.passed.lock().unwrap()[..], [(0xf0 ^ 0x50 << 32, 0)]);
}

#[test]
fn facts_are_asked_for_once_and_again_when_they_may_have_changed() {
    let (layer, driver, notes) = layer();
    (0..10).for_each(|_| _ = launch(&layer, FUNCTION, STREAM));
    let first = driver.attributes_asked.load(SeqCst);
    assert!((1..=20).contains(&first), "{first}");
    use CUfunction_attribute as A;
    let same = [
        (A::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, driver.dynamic_shared.load(SeqCst)),
        (A::CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1),
        (A::CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, -1),
    ];
    for (attribute, value) in same {
        let before = driver.dynamic_shared.load(SeqCst);
        layer.cuFuncSetAttribute(FUNCTION, attribute, value);
        driver.dynamic_shared.store(before, SeqCst);
        launch(&layer, FUNCTION, STREAM);
        assert_eq!(driver.attributes_asked.load(SeqCst), first, "nothing has changed");
    }
    notes.take();
    (0..10).for_each(|_| _ = launch(&layer, FUNCTION, STREAM));
    layer.cuFuncSetAttribute(FUNCTION, A::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 99);
    (0..10).for_each(|_| _ = launch(&layer, FUNCTION, STREAM));
    assert_eq!(driver.attributes_asked.load(SeqCst), 2 * first);
    layer.cuModuleUnload(CUmodule::from_addr(0xd0));
    (0..10).for_each(|_| _ = launch(&layer, FUNCTION, STREAM));
    assert_eq!(driver.attributes_asked.load(SeqCst), 3 * first);
    let launches: Vec<_> = notes.take().into_iter().filter(|(op, _)| matches!(op.action, Action::Launch(_))).collect();
    let numbers: Vec<u32> = launches.iter().map(|(op, _)| kernel_of(op).0.number).collect();
    assert_eq!((numbers[0], numbers[10], numbers[20], numbers.len()), (1, 2, 2, 30));
    assert_eq!(kernel_of(&launches[10].0).0.figures.unwrap().dynamic_shared_max, 99);
}

/// Launches as the rim does: plainly if that is possible. Answers how.
fn launch_plainly(layer: &TestLayer, notes: &Notes, function: CUfunction, stream: CUstream) -> Option<(u32, u16, u64)> {
    let shape = LaunchShape { grid: [7, 2, 1], block: [64, 1, 1], dynamic_shared: 128, cluster: 0 };
    // SAFETY: nothing else is done on this thread meanwhile.
    match unsafe { layer.begin_plain_launch(function, shape, stream, false) } {
        Some(token) => layer.end_plain(token, OK),
        None => assert_eq!(launch(layer, function, stream), OK),
    }
    let (plain, result) = notes.plain.lock().unwrap().pop()?;
    let PlainAction::Launch { kernel, shape: seen, is_cooperative: false } = plain.action else { panic!("{plain:?}") };
    assert_eq!((seen, result), (shape, OK));
    Some((kernel, plain.context, plain.stream))
}

#[test]
fn launches_are_plain_where_everything_is_known() {
    let (layer, _, notes) = layer();
    let plain = |function, stream| launch_plainly(&layer, notes, function, stream);
    // Both ways see the same.
    let same = |stream: CUstream| {
        notes.take();
        assert_eq!(plain(FUNCTION, stream), None, "not known yet");
        let op = notes.take_one();
        let expected = (kernel_of(&op).0.number, op.context.number, stream.addr() as u64);
        assert_eq!((plain(FUNCTION, stream), plain(FUNCTION, stream)), (Some(expected), Some(expected)));
        assert!(notes.take().is_empty());
        expected
    };
    same(CUstream::NULL);
    same(STREAM);
    assert!(plain(FUNCTION, CU_STREAM_PER_THREAD).is_some());
    // A kernel of a library is one, too, in the context that it was launched into first.
    let mut kernel = CUkernel::NULL;
    layer.cuLibraryGetKernel(&mut kernel, CUlibrary::NULL, c"kernel");
    let kernel = CUfunction(kernel.0);
    assert_eq!(plain(kernel, CUstream::NULL), None);
    assert!([CUstream::NULL, STREAM].iter().all(|stream| plain(kernel, *stream).is_some()));
    assert!((0..3).all(|_| plain(kernel, GREEN_STREAM).is_none()), "in another context");
    // What handles name changes, and what functions are.
    layer.cuFuncSetAttribute(FUNCTION, CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 99);
    assert_eq!(same(CUstream::NULL).0, 3);
    layer.cuModuleUnload(CUmodule::from_addr(0xd0));
    same(CUstream::NULL);
    layer.cuCtxDestroy_v2(CONTEXT);
    same(STREAM);
    assert_eq!(plain(FUNCTION, CUstream::NULL), None, "another context may be current");
    assert!(plain(FUNCTION, CUstream::NULL).is_some());
    assert!((0..3).all(|_| plain(FUNCTION, STREAM).is_some()), "its usual stream");
    layer.cuStreamDestroy_v2(STREAM);
    assert_eq!(plain(FUNCTION, STREAM), None);
}

#[test]
fn nothing_is_plain_while_something_unusual_goes_on() {
    let (layer, _, notes) = layer();
    let plain = |stream| launch_plainly(&layer, notes, FUNCTION, stream).is_some();
    let set = |stream| {
        // SAFETY: nothing else is done on this thread meanwhile.
        let is_begun = unsafe { layer.begin_plain(PlainAction::Set(5), stream) }.is_some();
        assert_eq!(notes.plain.lock().unwrap().pop().is_some(), is_begun);
        is_begun
    };
    assert!(!set(CUstream::NULL) && !set(STREAM), "no context is known");
    assert!(![CUstream::NULL, STREAM].map(plain).contains(&true));
    assert!(plain(CUstream::NULL) && plain(STREAM) && set(CUstream::NULL) && set(STREAM));
    layer.cuStreamBeginCapture_v2(STREAM, CUstreamCaptureMode::default());
    assert!(!plain(CUstream::NULL) && !plain(STREAM) && !set(CUstream::NULL) && !set(STREAM));
    layer.cuStreamEndCapture(STREAM, &mut CUgraph::default());
    assert!(plain(STREAM) && set(STREAM));
    // What the rim does when another context may become current.
    let changes = std::ptr::from_ref(&layer).wrapping_byte_add(TestLayer::CONTEXT_CHANGES_AT).cast::<AtomicU32>();
    // SAFETY: the number is there.
    unsafe { (*changes).fetch_add(1, SeqCst) };
    assert!(!set(CUstream::NULL) && !plain(CUstream::NULL) && plain(CUstream::NULL));
    notes.panics.store(true, SeqCst);
    assert_eq!(launch(&layer, CUfunction::from_addr(0xf1), STREAM), OK);
    assert!(!plain(STREAM) && !set(STREAM), "the observation has ended");
}

#[test]
fn kernels_of_libraries_are_asked_about_as_such() {
    let (layer, driver, notes) = layer();
    let mut kernel = CUkernel::NULL;
    layer.cuLibraryGetKernel(&mut kernel, CUlibrary::NULL, c"kernel");
    assert_eq!(kernel, KERNEL);
    assert_eq!(launch(&layer, CUfunction(kernel.0), CUstream::NULL), OK);
    assert_eq!(kernel_of(&notes.take_one()).0.name, "kernel");
    assert!(driver.kernel_attributes_asked.load(SeqCst) > 0 && driver.attributes_asked.load(SeqCst) == 0);
}

#[test]
fn other_ways_to_launch_are_seen() {
    let (layer, driver, notes) = layer();
    let mut attributes = [CUlaunchAttribute::default(); 2];
    attributes[0].id = CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
    attributes[0].value.cooperative = 1;
    attributes[1].id = CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    attributes[1].value.clusterDim = CUlaunchAttributeValue_clusterDim { x: 2, y: 2, z: 1 };
    let config = CUlaunchConfig {
        gridDimX: 8,
        blockDimX: 32,
        hStream: STREAM,
        attrs: attributes.as_mut_ptr(),
        numAttrs: 2,
        ..Default::default()
    };
    // SAFETY: the attributes are there.
    unsafe { layer.cuLaunchKernelEx(&config, FUNCTION, null_mut(), null_mut()) };
    let (_, shape, is_cooperative) = kernel_of(&notes.take_one());
    assert_eq!((shape.grid[0], shape.cluster, is_cooperative), (8, 4, true));

    layer.cuFuncSetBlockShape(FUNCTION, 16, 4, 1);
    layer.cuFuncSetSharedSize(FUNCTION, 64);
    layer.cuLaunchGrid(FUNCTION, 3, 5);
    let (_, shape, _) = kernel_of(&notes.take_one());
    assert_eq!(shape, LaunchShape { grid: [3, 5, 1], block: [16, 4, 1], dynamic_shared: 64, cluster: 0 });

    let one = |grid| CUDA_LAUNCH_PARAMS { function: FUNCTION, gridDimX: grid, hStream: STREAM, ..Default::default() };
    let mut list = [one(1), one(2), one(3)];
    // SAFETY: the list is as long as is said.
    unsafe { layer.cuLaunchCooperativeKernelMultiDevice(list.as_mut_ptr(), 3, 0) };
    let mut grids: Vec<u32> = notes.take().iter().map(|(op, _)| kernel_of(op).1.grid[0]).collect();
    grids.sort_unstable();
    assert_eq!(grids, [1, 2, 3]);
    assert_eq!(driver.launches.load(SeqCst), 3);
}

#[test]
fn captured_launches_are_marked() {
    let (layer, _, notes) = layer();
    let is_captured = |stream| {
        launch(&layer, FUNCTION, stream);
        notes.take_one().is_captured
    };
    assert!(!is_captured(STREAM));
    layer.cuStreamBeginCapture_v2(STREAM, CUstreamCaptureMode::default());
    assert!(is_captured(STREAM));
    assert!(is_captured(CU_STREAM_PER_THREAD));
    assert!(!is_captured(CUstream::NULL));
    layer.cuStreamEndCapture(STREAM, &mut CUgraph::default());
    assert!(!is_captured(STREAM));
}

#[test]
fn graphs_are_looked_into_when_they_are_instantiated() {
    let (layer, _, notes) = layer();
    layer.cuGraphLaunch(EXEC, STREAM);
    assert!(matches!(notes.take_one().action, Action::GraphLaunch { graph: 0 }));
    let mut exec = CUgraphExec::NULL;
    layer.cuGraphInstantiateWithFlags(&mut exec, GRAPH, 0);
    let nodes = std::mem::take(&mut *notes.nodes.lock().unwrap());
    let seen: Vec<_> =
        nodes.iter().map(|node| (node.kind, node.launch.map(|launch| launch.shape.grid[0]), node.bytes)).collect();
    // A kernel, a child graph, a copy; and the child's kernel and set.
    assert_eq!(seen, [(0, Some(5), 0), (4, None, 0), (1, None, 400), (0, Some(5), 0), (2, None, 32)]);
    for _ in 0..2 {
        layer.cuGraphLaunch(exec, STREAM);
        assert!(matches!(notes.take_one().action, Action::GraphLaunch { graph: 1 }));
    }
    assert!(notes.nodes.lock().unwrap().is_empty(), "looked into once");
    layer.cuGraphExecDestroy(exec);
    layer.cuGraphLaunch(exec, STREAM);
    assert!(matches!(notes.take_one().action, Action::GraphLaunch { graph: 0 }));
}

#[test]
fn allocations_and_loads_have_their_address_and_failures_their_code() {
    let (layer, _, notes) = layer();
    let mut pointer = 0;
    assert_eq!(layer.cuMemAlloc_v2(&mut pointer, 256), OK);
    assert_eq!(layer.cuMemAlloc_v2(&mut pointer, 0), CUresult::CUDA_ERROR_INVALID_VALUE);
    let mut module = CUmodule::NULL;
    let image = c".version 8.0 and so on";
    // SAFETY: a text that ends.
    unsafe { layer.cuModuleLoadData(&mut module, image.as_ptr().cast()) };
    let ops = notes.take();
    let alloc = |index: usize| match ops[index].0.action {
        Action::Alloc { kind: MemoryKind::Device, bytes, address } => (bytes, address, ops[index].1),
        other => panic!("{other:?}"),
    };
    assert_eq!(alloc(0), (256, 0x7000, OK));
    assert_eq!(alloc(1), (0, 0, CUresult::CUDA_ERROR_INVALID_VALUE));
    let Action::Load { kind: LoadKind::Module, handle: 0xd0, bytes } = ops[2].0.action else { panic!("{:?}", ops[2]) };
    assert_eq!(bytes, image.count_bytes() as u64);
}

#[test]
fn a_null_stream_is_the_thread_s_own_where_that_is_meant() {
    let (layer, _, notes) = layer();
    let mut pointer = 0;
    let _scope = PerThreadScope::enter();
    layer.cuMemAlloc_v2(&mut pointer, 1);
    assert_eq!(notes.take_one().stream, CU_STREAM_PER_THREAD.addr() as u64);
}

#[test]
fn a_stream_of_a_green_context_belongs_to_that() {
    let (layer, _, notes) = layer();
    launch(&layer, FUNCTION, STREAM);
    launch(&layer, FUNCTION, GREEN_STREAM);
    launch(&layer, FUNCTION, GREEN_STREAM);
    let handles: Vec<u64> = notes.take().iter().map(|(op, _)| op.context.handle).collect();
    let [plain, green] = [CONTEXT, GREEN_CONTEXT].map(|context| context.addr() as u64);
    assert_eq!(handles, [plain, green, green]);
}

#[test]
fn contexts_are_announced_before_they_go() {
    let (layer, _, notes) = layer();
    layer.cuCtxDestroy_v2(CONTEXT);
    assert_eq!((notes.gone.load(SeqCst), notes.take().len()), (1, 0));
}

#[test]
fn an_observer_that_panics_harms_nobody() {
    let (layer, driver, notes) = layer();
    notes.panics.store(true, SeqCst);
    assert_eq!(launch(&layer, FUNCTION, STREAM), OK);
    notes.panics.store(false, SeqCst);
    assert_eq!(launch(&layer, FUNCTION, STREAM), OK);
    assert_eq!((driver.launches.load(SeqCst), notes.take().len()), (2, 0));
}

#[test]
fn sizes_of_images_are_those_of_their_headers() {
    let mut container = vec![0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0];
    container.extend_from_slice(&1000_u64.to_le_bytes());
    let mut wrapper = vec![0xb1, 0x43, 0x62, 0x46, 1, 0, 0, 0];
    wrapper.extend_from_slice(&(container.as_ptr().expose_provenance() as u64).to_le_bytes());
    // SAFETY: images of the kinds that they say.
    let bytes = |image: &[u8]| unsafe { crate::ops::image_bytes(image.as_ptr().cast()) };
    assert_eq!(
        [bytes(&container), bytes(&wrapper), bytes(b"\x7fELF...."), bytes(b"ab\0"), bytes(b"// PTX\0")],
        [1016, 1016, 0, 0, 6]
    );
}
