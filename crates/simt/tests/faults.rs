//! Faults in kernels: found, described, survived.

mod common;

use common::{block_of, engine, parameter, serial, suspendable, words};
use simt::arena::{Purpose, Relation};
use simt::{Domain, DomainConfig, Engine, EngineConfig, Fault, FaultKind, Kernel, Launch};
use simt_ir::abi::{ACCESS_LISTED, AccessKind, AccessSpace, LaunchContext, Round, Status, TEAM_LANES_MAX, WarpContext};
use std::arch::asm;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes to the address at parameter 0, as machine code would: thread 37 of block 3 of 8.
unsafe extern "C" fn store(launch: *const LaunchContext, warp: *mut WarpContext, first: u64, count: u64) -> u32 {
    for block in first..first + count {
        // SAFETY: faults, which the engine survives; the test passes the address.
        unsafe {
            (*warp).block_index = [block as u32, 0, 0];
            if block == 3 {
                (*warp).warp_index = 1;
                (*warp).access = 42 << 8 | ACCESS_LISTED;
                (*warp).access_addresses = [0; TEAM_LANES_MAX as usize];
                (*warp).access_addresses[5] = parameter(launch, 0);
                asm!("mov dword ptr [{0}], 1", in(reg) parameter(launch, 0));
            }
        }
    }
    0
}

fn launch_alone(engine: &Engine, kernel: &Arc<Kernel>, parameters: &[u64]) -> (Arc<Domain>, Option<Arc<Fault>>) {
    let domain = engine.domain(DomainConfig::default());
    let stream = engine.stream(&domain, 0).unwrap();
    let parameters = words(parameters);
    stream.launch(&Launch::new(kernel, [8, 1, 1], [64, 1, 1], &parameters)).unwrap();
    stream.synchronize();
    (domain.clone(), domain.fault())
}

#[test]
fn an_access_past_the_end_of_an_allocation_is_described() {
    let engine = engine(2);
    // Alone in the 2 MiB that it begins, all of which are accessible.
    let base = engine.arena().allocate(4096, Purpose::Device, None).unwrap();
    assert_eq!(launch_alone(&engine, &serial("store", store), &[base + 4096 + 8]).1, None);
    let past = base + (2 << 20) + 8;
    let (_, fault) = launch_alone(&engine, &serial("store", store), &[past]);
    let fault = fault.unwrap();
    let access = fault.access.unwrap();
    let nearest = access.nearest.unwrap();
    assert_eq!((fault.kind, fault.line, fault.block), (FaultKind::IllegalAddress, Some(42), [3, 0, 0]));
    assert_eq!((fault.thread, access.address), (Some([37, 0, 0]), past));
    assert_eq!((nearest.relation, nearest.allocation.unwrap().base), (Relation::Past { bytes: 2_093_064 }, base));
    let text = format!(
        "illegal address in kernel store, PTX line 42, block (3,0,0), thread (37,0,0)\n  \
         access at {past:#x}, global memory: 2093064 bytes past the end of allocation #1 (device memory, 4096 bytes at {base:#x})"
    );
    assert_eq!(fault.to_string(), text);
    // The same engine goes on with another domain.
    let good = launch_alone(&engine, &serial("store", store), &[base]);
    assert_eq!(good.1, None);
    // SAFETY: allocated above.
    assert_eq!(unsafe { *(base as *const u32) }, 1);
}

#[test]
fn freed_memory_is_told_from_memory_that_never_was() {
    let engine = engine(1);
    let base = engine.arena().allocate(100_000, Purpose::Device, None).unwrap();
    engine.arena().free(base, &[Purpose::Device]).unwrap();
    let (_, fault) = launch_alone(&engine, &serial("store", store), &[base + 4]);
    let fault = fault.unwrap();
    assert_eq!(fault.kind, FaultKind::FreedAddress);
    assert_eq!(fault.access.unwrap().nearest.unwrap().relation, Relation::Freed { offset: 4 });
}

/// Asks the runtime whether lane 2 of block 0 may load 4 bytes: from the address at parameter 0 in the space at 1.
unsafe extern "C" fn ask(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: the engine passes the contexts, the test the parameters.
    unsafe {
        (*warp).access = 7 << 8 | ACCESS_LISTED;
        (*warp).access_addresses[2] = parameter(launch, 0);
        let space = match parameter(launch, 1) {
            0 => AccessSpace::Global,
            1 => AccessSpace::Shared,
            _ => AccessSpace::Local,
        };
        let check = (*(*launch).runtime).check_access;
        if check(launch, warp, 0b100, 4, AccessKind::Load, space) == 0 {
            Status::Done as u32
        } else {
            Status::Fault as u32
        }
    }
}

#[test]
fn the_runtime_checks_what_machine_code_is_not_sure_of() {
    let engine = engine(1);
    let kernel = suspendable("ask", ask);
    let host = [0u32; 4];
    let address = host.as_ptr() as u64;
    assert_eq!(launch_alone(&engine, &kernel, &[address, 0]).1.unwrap().kind, FaultKind::IllegalAddress);
    assert!(engine.arena().register_host(address, 16));
    assert_eq!(launch_alone(&engine, &kernel, &[address + 12, 0]).1, None);
    assert_eq!(launch_alone(&engine, &kernel, &[address + 2, 0]).1.unwrap().kind, FaultKind::MisalignedAddress);
    let shared = launch_alone(&engine, &kernel, &[16, 1]).1.unwrap();
    let text = "illegal address in kernel ask, PTX line 7, block (0,0,0), thread (2,0,0)\n  \
                load of 4 bytes at 0x10, shared memory (there are 0 bytes)";
    assert_eq!(shared.to_string(), text);
}

unsafe extern "C" fn trap(launch: *const LaunchContext, warp: *mut WarpContext, _: u64, _: u64) -> u32 {
    // SAFETY: the engine passes the contexts.
    unsafe { ((*(*launch).runtime).fault)(launch, warp, 1, 9, 0) };
    Status::Fault as u32
}

unsafe extern "C" fn count(launch: *const LaunchContext, _: *mut WarpContext, _: u64, count: u64) -> u32 {
    // SAFETY: the test passes the address of an atomic.
    unsafe { (*(parameter(launch, 0) as *const AtomicU64)).fetch_add(count, Ordering::Relaxed) };
    0
}

#[test]
fn after_a_fault_kernels_of_the_domain_have_no_effect_but_streams_go_on() {
    let engine = engine(2);
    let (domain, fault) = launch_alone(&engine, &serial("trap", trap), &[]);
    assert_eq!(fault.unwrap().kind, FaultKind::Trap);
    let stream = engine.stream(&domain, 0).unwrap();
    let total = AtomicU64::new(0);
    let parameters = words(&[&raw const total as u64]);
    stream.launch(&Launch::new(&serial("count", count), [4, 1, 1], [32, 1, 1], &parameters)).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    stream.host_function(move || sender.send(5).unwrap());
    stream.synchronize();
    assert_eq!((total.into_inner(), receiver.recv()), (0, Ok(5)));
}

/// Faults in some blocks while other blocks wait for ever.
unsafe extern "C" fn fault_or_wait(launch: *const LaunchContext, warp: *mut WarpContext, _: *mut Round) -> u32 {
    // SAFETY: faults, which the engine survives.
    unsafe {
        if block_of(launch, warp) == 50 {
            asm!("mov dword ptr [{0}], 1", in(reg) 64u64);
        }
    }
    Status::Yield as u32
}

#[test]
fn a_fault_ends_blocks_that_wait() {
    for workers in [1, 3] {
        let engine = engine(workers);
        let domain = engine.domain(DomainConfig::default());
        let stream = engine.stream(&domain, 0).unwrap();
        let kernel = suspendable("wait", fault_or_wait);
        stream.launch(&Launch::new(&kernel, [100, 1, 1], [256, 1, 1], &[])).unwrap();
        stream.synchronize();
        assert_eq!(domain.fault().unwrap().kind, FaultKind::IllegalAddress);
    }
}

/// Prints, allocates and asserts through the runtime.
unsafe extern "C" fn services(launch: *const LaunchContext, warp: *mut WarpContext, _: u64, _: u64) -> u32 {
    // SAFETY: the engine passes the contexts, the test the addresses of texts.
    unsafe {
        let runtime = &*(*launch).runtime;
        let (formats, arguments, mut results) = ([parameter(launch, 0); 32], [0; 32], [0; 32]);
        (runtime.vprintf)(launch, warp, 0b101, formats.as_ptr(), arguments.as_ptr(), results.as_mut_ptr());
        let mut addresses = [0; 32];
        (runtime.malloc)(launch, warp, 0b11, [100; 32].as_ptr(), addresses.as_mut_ptr());
        *(addresses[1] as *mut u64) = 1;
        (runtime.free)(launch, warp, 0b11, addresses.as_ptr());
        let texts = [0, 1, 0, 1, 0].map(|index| [parameter(launch, index); 32]);
        (runtime.assert_fail)(launch, warp, 0b10, texts.as_ptr());
        if results[0] == 3 && results[2] == 3 && addresses[0] != addresses[1] { Status::Fault as u32 } else { 0 }
    }
}

#[test]
fn text_memory_and_assertions() {
    let formatter = |format: u64, _: u64, readable: &dyn Fn(u64, u64) -> bool, text: &mut Vec<u8>| {
        assert!(readable(format, 4) && !readable(8, 1));
        text.extend_from_slice(b"ab\n");
        3
    };
    let engine = Engine::new(EngineConfig { workers: 1, formatter, ..EngineConfig::default() }).unwrap();
    let memory = engine.arena().allocate(64, Purpose::Module, None).unwrap();
    // SAFETY: allocated above.
    unsafe { std::ptr::copy_nonoverlapping(c"x > 0;file.cu".as_ptr().cast(), memory as *mut u8, 14) };
    // SAFETY: as above.
    unsafe { *(memory as *mut u8).add(5) = 0 };
    let (domain, fault) = launch_alone(&engine, &serial("services", services), &[memory, memory + 6]);
    let fault = fault.unwrap();
    assert_eq!((fault.kind, fault.thread), (FaultKind::Assertion, Some([1, 0, 0])));
    let place = format!("file.cu:{}: file.cu: Assertion `x > 0` failed", (memory) as u32);
    assert_eq!(fault.detail, Some(place));
    domain.output().flush();
}
