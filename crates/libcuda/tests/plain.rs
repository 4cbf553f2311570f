//! Recordings in front of NVIDIA's driver of what takes the short way: launches, sets and copies, where contexts change.

mod support;

use cuda_abi::{CUcontext, CUfunction, CUlaunchConfig, CUmodule, CUresult, CUstream, pointer};
use libloading::Library;
use std::collections::HashMap;
use std::ptr::null_mut;
use support::front::{child_command, fake};
use telemetry::file::Reader;
use telemetry::records::{Block, Launch, flags};

/// Calls of each kind by each thread, and how many of them are made in a context before another becomes current.
const CALLS: u32 = 1000;
const IN_A_ROW: u32 = 10;
const THREADS: u32 = 3;

const PTX: &core::ffi::CStr = c".visible .entry alpha() { ret; }";

/// The driver's functions, as the program has them.
struct Cuda(Library);

impl Cuda {
    fn function<T: Copy>(&self, name: &str) -> T {
        // SAFETY: each use names a function with the type that it has.
        unsafe { *self.0.get::<T>(name.as_bytes()).expect(name) }
    }

    /// Two contexts, and a kernel.
    fn start(&self) -> ([CUcontext; 2], CUfunction) {
        let (mut contexts, mut module, mut kernel) = ([CUcontext::NULL; 2], CUmodule::NULL, CUfunction::NULL);
        // SAFETY: the signatures are those of the driver API, the pointers are valid.
        unsafe {
            done(self.function::<pointer::cuInit>("cuInit")(0));
            let create: pointer::cuCtxCreate_v2 = self.function("cuCtxCreate_v2");
            contexts.iter_mut().for_each(|context| done(create(context, 0, 0)));
            self.set_current(contexts[0]);
            let load: pointer::cuModuleLoadData = self.function("cuModuleLoadData");
            done(load(&mut module, PTX.as_ptr().cast()));
            let find: pointer::cuModuleGetFunction = self.function("cuModuleGetFunction");
            done(find(&mut kernel, module, c"alpha".as_ptr()));
        }
        (contexts, kernel)
    }

    fn set_current(&self, context: CUcontext) {
        // SAFETY: a context.
        done(unsafe { self.function::<pointer::cuCtxSetCurrent>("cuCtxSetCurrent")(context) });
    }

    /// Two launches, a set and a copy, all with the same number in their sizes.
    fn call(&self, kernel: CUfunction, number: u32, pointer: u64) {
        let config = CUlaunchConfig {
            gridDimX: number,
            gridDimY: 2,
            gridDimZ: 1,
            blockDimX: 64,
            blockDimY: 1,
            blockDimZ: 1,
            ..Default::default()
        };
        // SAFETY: the kernel has no parameters, and the stand-in looks into no memory for a set or a copy.
        unsafe {
            let launch: pointer::cuLaunchKernel = self.function("cuLaunchKernel");
            done(launch(kernel, number, 1, 1, 64, 1, 1, 0, CUstream::NULL, null_mut(), null_mut()));
            done(self.function::<pointer::cuLaunchKernelEx>("cuLaunchKernelEx")(
                &config,
                kernel,
                null_mut(),
                null_mut(),
            ));
            done(self.function::<pointer::cuMemsetD8Async>("cuMemsetD8Async")(
                pointer,
                0,
                number as usize,
                CUstream::NULL,
            ));
            done(self.function::<pointer::cuMemcpyDtoDAsync_v2>("cuMemcpyDtoDAsync_v2")(
                pointer,
                pointer,
                number as usize,
                CUstream::NULL,
            ));
        }
    }
}

fn done(result: CUresult) {
    assert_eq!(result, CUresult::CUDA_SUCCESS);
}

/// Which of the contexts is current for a call.
fn which(number: u32) -> usize {
    (number / IN_A_ROW % 2) as usize
}

#[test]
fn child() {
    if support::role().is_none() {
        return;
    }
    let cuda = Cuda(support::load());
    let (contexts, kernel) = cuda.start();
    contexts.iter().for_each(|context| support::say(format_args!("{}", context.addr())));
    let mut pointer = 0;
    // SAFETY: the signature is that of the driver API, the pointer is valid.
    done(unsafe {
        cuda.function::<unsafe extern "C" fn(*mut u64, usize) -> CUresult>("cuMemAlloc_v2")(&mut pointer, 1 << 16)
    });
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let cuda = &cuda;
            scope.spawn(move || {
                for number in thread * CALLS..(thread + 1) * CALLS {
                    if number % IN_A_ROW == 0 {
                        cuda.set_current(contexts[which(number)]);
                    }
                    cuda.call(kernel, number + 1, pointer);
                }
            });
        }
    });
    std::process::exit(0);
}

/// The launches of a recording whose settings say which of their ends are read, and the recording's clock.
fn launches(call_times: &str) -> (Vec<Launch>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let output =
        child_command("calls", &fake()).env("APEX_RECORD", &path).env("APEX_CALL_TIMES", call_times).output().unwrap();
    assert!(output.status.success(), "{}", support::text(&output));
    let bytes = std::fs::read(&path).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let (mut launches, mut clock) = (Vec::new(), String::new());
    while let Some(block) = reader.next_block().unwrap() {
        match block {
            Block::Launch(rows) => launches.extend(rows),
            Block::Fact(rows) => {
                rows.into_iter().filter(|fact| fact.name == "clock").for_each(|fact| clock = fact.value);
            }
            _ => {}
        }
    }
    (launches, clock)
}

#[test]
fn ends_are_estimated_where_launches_are_close_and_nobody_wants_all() {
    let estimated =
        |launches: &[Launch]| launches.iter().filter(|launch| launch.flags & flags::END_ESTIMATED != 0).count();
    let (mut sampled, clock) = launches("sampled");
    if clock == "tsc" {
        assert!(estimated(&sampled) > sampled.len() / 100, "{} of {}", estimated(&sampled), sampled.len());
    }
    sampled.sort_by_key(|launch| (launch.thread, launch.start));
    for pair in sampled.windows(2).filter(|pair| pair[0].thread == pair[1].thread) {
        // Ticks become nanoseconds by straight lines, a part at a time.
        assert!(pair[0].start + pair[0].duration <= pair[1].start + 1000, "{pair:?}");
    }
    assert!(sampled.iter().any(|launch| launch.duration > 0));
    let (all, _) = launches("all");
    assert_eq!((all.len(), estimated(&all)), (sampled.len(), 0));
}

#[test]
fn everything_is_recorded_in_the_context_where_it_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let output = child_command("calls", &fake()).env("APEX_RECORD", &path).output().unwrap();
    assert!(output.status.success(), "{}", support::text(&output));
    let handles: Vec<u64> = support::lines(&output).iter().map(|line| line.parse().unwrap()).collect();
    let bytes = std::fs::read(&path).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let (mut contexts, mut shapes) = (HashMap::new(), HashMap::new());
    // Per kind of call how often its numbers came.
    let mut seen = [(); 4].map(|()| vec![0_u32; (THREADS * CALLS) as usize]);
    let mut note = |kind: usize, number: u64, context: u64, contexts: &HashMap<u64, u64>| {
        assert_eq!(contexts[&context], handles[which(number as u32 - 1)], "kind {kind}, {number}");
        seen[kind][number as usize - 1] += 1;
    };
    while let Some(block) = reader.next_block().unwrap() {
        match block {
            Block::Context(rows) => contexts.extend(rows.into_iter().map(|row| (row.id, row.handle))),
            Block::Shape(rows) => shapes.extend(rows.into_iter().map(|row| (row.id, row))),
            Block::Launch(rows) => rows.iter().for_each(|row| {
                let shape = &shapes[&row.shape];
                assert_eq!([row.stream, row.result, shape.block_x], [0, 0, 64]);
                note(shape.grid_y as usize - 1, shape.grid_x, row.context, &contexts);
            }),
            Block::Set(rows) => rows.iter().for_each(|row| note(2, row.bytes, row.context, &contexts)),
            Block::Copy(rows) => rows.iter().for_each(|row| note(3, row.bytes, row.context, &contexts)),
            _ => {}
        }
    }
    assert!(seen.iter().flatten().all(|count| *count == 1), "each call is there once");
}
