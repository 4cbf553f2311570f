//! In front of NVIDIA's driver (a stand-in): every call arrives as it was made, and look-ups by name answer with our functions.

mod support;

use cuda_abi::{CUresult, FUNCTIONS, SYMBOLS};
use fake_driver::Frame;
use fake_driver::control::inert_answer;
use libloading::Library;
use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use support::front::{address, call, child_command, fake, fake_with_alias, fake_without, load_fake, output_of, run};

#[test]
fn child() {
    match support::role().as_deref() {
        Some("every_call") => every_call(),
        Some("names") => names(),
        Some("failures") => failures(),
        Some("missing") => missing(),
        Some("alias") => alias(),
        Some("export_tables") => export_tables(),
        Some(first) if SYMBOLS.contains(&first) => one_call(&support::load(), &load_fake(), first),
        _ => {}
    }
}

/// Six integers in registers, eight numbers in vectors, twelve words on the stack.
#[rustfmt::skip]
type Everything = unsafe extern "C" fn(
    u64, u64, u64, u64, u64, u64, f64, f64, f64, f64, f64, f64, f64, f64,
    u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64,
) -> u32;

/// A word that no other call and no other place has.
fn word(row: usize, place: u64) -> u64 {
    0xa5a5_0000_0000_0000 | (row as u64) << 16 | place
}

/// Calls a function with words that are known, and compares what arrived and what came back.
fn one_call(ours: &Library, fake: &Library, symbol: &str) {
    let row = SYMBOLS.iter().position(|other| *other == symbol).expect("a symbol of the table");
    let w = |place| word(row, place);
    let d = |place| f64::from_bits(word(row, place));
    // SAFETY: the stand-in is inert and looks at none of the words; the control functions have these types.
    let (result, frame) = unsafe {
        fake.get::<extern "C" fn(bool)>(b"fake_set_inert").expect("exported")(true);
        let function = ours.get::<Everything>(symbol.as_bytes()).expect("exported");
        #[rustfmt::skip]
        let result = function(
            w(0), w(1), w(2), w(3), w(4), w(5), d(6), d(7), d(8), d(9), d(10), d(11), d(12), d(13),
            w(14), w(15), w(16), w(17), w(18), w(19), w(20), w(21), w(22), w(23), w(24), w(25),
        );
        let mut frame = std::mem::zeroed::<Frame>();
        let take = fake.get::<unsafe extern "C" fn(*mut Frame) -> bool>(b"fake_take_noted").expect("exported");
        assert!(take(&mut frame), "{symbol} did not arrive");
        (result, frame)
    };
    assert_eq!(frame.row as usize, row, "{symbol} arrived as {}", SYMBOLS[frame.row as usize]);
    assert_eq!(result, inert_answer(row), "the answer of {symbol} was changed");
    if symbol.starts_with("cuGetProcAddress") {
        // These are calls of our own, with the arguments that they have: a version is 32 bits.
        let version = w(2) & u64::from(u32::MAX);
        return assert_eq!(frame.integers[..4], [w(0), w(1), version, w(3)], "{symbol}");
    }
    assert_eq!(frame.integers, std::array::from_fn(|place| w(place as u64)), "{symbol}");
    assert_eq!(frame.vectors.map(|vector| vector[0]), std::array::from_fn(|place| w(6 + place as u64)), "{symbol}");
    assert_eq!(frame.stack, std::array::from_fn(|place| w(14 + place as u64)), "{symbol}");
}

fn every_call() {
    let (ours, fake) = (support::load(), load_fake());
    for symbol in SYMBOLS {
        one_call(&ours, &fake, symbol);
    }
    support::say(SYMBOLS.len());
}

#[test]
fn every_function_arrives_with_its_arguments_and_its_answer() {
    let (lines, complaints) = run(&mut child_command("every_call", &fake()));
    assert_eq!(lines, [(FUNCTIONS.len() + 8).to_string()]);
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn the_first_call_of_a_process_arrives_like_any_other() {
    for symbol in ["cuLaunchKernel", "cuInit", "cuTexRefSetMipmapLevelBias", "cuEGLApiInit", "cudbgApiInit"] {
        run(&mut child_command(symbol, &fake()));
    }
}

type LookUp = unsafe extern "C" fn(*const c_char, *mut *mut c_void, i32, u64) -> CUresult;
type LookUp2 = unsafe extern "C" fn(*const c_char, *mut *mut c_void, i32, u64, *mut u32) -> CUresult;

/// A look-up by both versions: answers, addresses, status.
fn look_up(library: &Library, name: &str, version: i32, flags: u64) -> (CUresult, usize, CUresult, usize, u32) {
    let name = CString::new(name).expect("a name");
    // What a failure must leave as it is.
    let untouched = 0x77 as *mut c_void;
    let (mut first, mut second, mut status) = (untouched, untouched, 99);
    // SAFETY: the pointers are valid.
    unsafe {
        let v1 = library.get::<LookUp>(b"cuGetProcAddress").expect("exported");
        let v2 = library.get::<LookUp2>(b"cuGetProcAddress_v2").expect("exported");
        let v1 = v1(name.as_ptr(), &mut first, version, flags);
        let v2 = v2(name.as_ptr(), &mut second, version, flags, &mut status);
        (v1, first as usize, v2, second as usize, status)
    }
}

/// Compares our answers with the stand-in's: the same but for the addresses, which are ours of the same symbol.
fn names() {
    let (ours, fake) = (support::load(), load_fake());
    let symbols: HashMap<usize, &str> =
        SYMBOLS.iter().map(|symbol| (address(&fake, symbol), *symbol)).filter(|(address, _)| *address != 0).collect();
    let translated = |theirs: usize| symbols.get(&theirs).map_or(theirs, |symbol| address(&ours, symbol));
    let mut bases: Vec<&str> = FUNCTIONS.iter().map(|function| function.base).filter(|base| !base.is_empty()).collect();
    bases.extend(["cuNoSuchFunction", "", "cuMemAlloc_v2"]);
    bases.sort_unstable();
    bases.dedup();
    let (mut found, mut refused) = (0, 0);
    for name in &bases {
        for version in [2000, 3020, 4000, 7000, 10000, 11030, 12000, 12080, 13000, 13010] {
            for flags in [0, 1, 2] {
                let theirs = look_up(&fake, name, version, flags);
                let expected = (theirs.0, translated(theirs.1), theirs.2, translated(theirs.3), theirs.4);
                assert_eq!(look_up(&ours, name, version, flags), expected, "{name} for {version} with {flags}");
                if theirs.0 == CUresult::CUDA_SUCCESS {
                    assert_ne!(expected.1, theirs.1, "{name} must be ours");
                    found += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(found > 5000 && refused > 1000, "{found} found, {refused} refused");
    for _ in 0..2 {
        let future = look_up(&ours, "cuFromTheFuture", 13000, 0);
        assert_eq!(future, look_up(&fake, "cuFromTheFuture", 13000, 0));
        assert_eq!(future.1, address(&fake, "fake_from_the_future"));
    }
    // A program that forgets where to put the answer gets the driver's word for it.
    for library in [&ours, &fake] {
        // SAFETY: null pointers are what is tested.
        let result = unsafe {
            library.get::<LookUp>(b"cuGetProcAddress").expect("exported")(
                c"cuInit".as_ptr(),
                std::ptr::null_mut(),
                13000,
                0,
            )
        };
        assert_eq!(result, CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    support::say("compared");
}

#[test]
fn look_ups_answer_with_our_function_of_the_symbol_that_nvidia_s_driver_gives() {
    let (lines, complaints) = run(&mut child_command("names", &fake()));
    assert_eq!(lines, ["compared"]);
    assert_eq!(complaints, ["apex: cuFromTheFuture is newer than APEX: calls of it go to NVIDIA's driver directly"]);
    let (_, complaints) = run(child_command("names", &fake()).env("APEX_QUIET", "1"));
    assert_eq!(complaints, Vec::<String>::new());
}

fn alias() {
    let ours = support::load();
    let found = look_up(&ours, "cuStreamQuery", 12000, 2);
    let is_per_thread = [found.1, found.3].map(|found| found == address(&ours, "cuStreamQuery_ptsz"));
    support::say(format_args!("{} {is_per_thread:?}", found.0.0));
}

#[test]
fn of_several_names_with_one_address_the_one_that_was_meant_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = fake_with_alias("cuStreamQuery", "cuStreamQuery_ptsz", folder.path());
    assert_eq!(run(&mut child_command("alias", &library)).0, ["0 [true, true]"]);
}

fn failures() {
    let ours = support::load();
    support::say(call(&ours, "cuInit", 0).0);
    let (result, current) = output_of(&ours, "cuCtxGetCurrent");
    support::say(format_args!("{} {current}", result.0));
}

#[test]
fn error_codes_are_the_driver_s() {
    let mut command = child_command("failures", &fake());
    assert_eq!(run(command.env("FAKE_FAIL", "cuInit=999,cuCtxGetCurrent=4711")).0, ["999", "4711 0"]);
}

fn missing() {
    let ours = support::load();
    for _ in 0..2 {
        support::say(call(&ours, "cuCtxSynchronize_v2", 0).0);
    }
    support::say(call(&ours, "cuInit", 0).0);
}

#[test]
fn what_an_older_driver_lacks_is_an_error_and_named_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let older = fake_without(&["cuCtxSynchronize_v2"], folder.path());
    let (lines, complaints) = run(&mut child_command("missing", &older));
    assert_eq!(lines, ["801", "801", "0"]);
    let older = older.canonicalize().expect("it is there");
    assert_eq!(complaints, [format!("apex: {} has no cuCtxSynchronize_v2", older.display())]);
}

#[test]
fn a_library_without_cuinit_is_no_driver() {
    let folder = tempfile::tempdir().expect("a folder");
    let (lines, complaints) = run(&mut child_command("missing", &fake_without(&["cuInit"], folder.path())));
    assert_eq!(lines, ["100", "100", "100"]);
    assert!(complaints.len() == 1 && complaints[0].ends_with("cannot be used: it has no cuInit"), "{complaints:?}");
}

fn export_tables() {
    let (ours, fake) = (support::load(), load_fake());
    let get = |library: &Library, id: &[u8; 16]| {
        let mut table = std::ptr::null::<c_void>();
        // SAFETY: the pointers are valid.
        let result = unsafe {
            let function = library
                .get::<unsafe extern "C" fn(*mut *const c_void, *const [u8; 16]) -> CUresult>(b"cuGetExportTable")
                .expect("exported");
            function(&mut table, id)
        };
        (result, table)
    };
    assert_eq!(get(&ours, b"fake export tabl"), get(&fake, b"fake export tabl"));
    assert_eq!(get(&ours, b"fake export tabl").0, CUresult::CUDA_SUCCESS);
    // Without a layer not even the table that `apex compile` asks our library for.
    assert_eq!(get(&ours, b"APEX inspection1"), (CUresult::CUDA_ERROR_INVALID_VALUE, std::ptr::null()));
    support::say("compared");
}

#[test]
fn export_tables_are_nvidia_s() {
    assert_eq!(run(&mut child_command("export_tables", &fake())).0, ["compared"]);
}
