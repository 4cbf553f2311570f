//! Kernels that launch kernels, and modules of several files, from PTX to results: what the engine's order of locks is checked with.

mod common;

use common::{Context, alloc, driver, function, launch, load, ok, words};
use cuda_abi::*;
use std::ffi::c_void;
use std::ptr;

/// `parent(counter, depth)`: every thread launches `parent` with a depth that is one less, in the stream of its block, and in the end
/// `count`, which adds 1.
const NESTED: &str = r#"
.version 9.0
.target sm_75
.address_size 64
.extern .func (.param .b64 buffer) __cudaCDP2GetParameterBufferV2
    (.param .b64 function, .param .align 4 .b8 grid[12], .param .align 4 .b8 block[12], .param .b32 shared);
.extern .func (.param .b32 error) __cudaCDP2LaunchDeviceV2 (.param .b64 buffer, .param .b64 stream);
.extern .func (.param .b32 error) cudaGetLastError ();

.visible .entry count(.param .u64 counter)
{
    .reg .b64 %q<2>;
    ld.param.u64 %q1, [counter];
    red.global.add.u32 [%q1], 1;
    ret;
}

.visible .entry parent(.param .u64 counter, .param .u64 depth)
{
    .reg .b64 %q<6>; .reg .b32 %r<4>; .reg .pred %p<3>;
    .param .b64 function; .param .align 4 .b8 grid[12]; .param .align 4 .b8 block[12]; .param .b32 shared;
    .param .b64 buffer; .param .b64 stream; .param .b32 error;
    ld.param.u64 %q1, [counter];
    ld.param.u64 %q2, [depth];
    setp.eq.u64 %p1, %q2, 0;
    mov.u64 %q3, parent;
    mov.u64 %q4, count;
    selp.b64 %q3, %q4, %q3, %p1;
    st.param.b64 [function], %q3;
    st.param.b32 [grid], 1;
    st.param.b32 [grid+4], 1;
    st.param.b32 [grid+8], 1;
    st.param.b32 [block], 2;
    st.param.b32 [block+4], 1;
    st.param.b32 [block+8], 1;
    st.param.b32 [shared], 0;
    call.uni (buffer), __cudaCDP2GetParameterBufferV2, (function, grid, block, shared);
    ld.param.b64 %q5, [buffer];
    setp.eq.u64 %p2, %q5, 0;
    @%p2 trap;
    st.u64 [%q5], %q1;
    sub.u64 %q2, %q2, 1;
    @!%p1 st.u64 [%q5+8], %q2;
    st.param.b64 [buffer], %q5;
    st.param.b64 [stream], 0;
    call.uni (error), __cudaCDP2LaunchDeviceV2, (buffer, stream);
    call.uni (error), cudaGetLastError, ();
    ld.param.b32 %r1, [error];
    setp.ne.u32 %p2, %r1, 0;
    @%p2 trap;
    ret;
}
"#;

#[test]
fn what_kernels_launch_is_done_before_what_follows() {
    let (driver, _context) = (driver(), Context::new());
    let module = load(NESTED);
    let (parent, count) = (function(module, "parent"), function(module, "count"));
    let counter = alloc(4);
    ok(driver.cuMemsetD32_v2(counter, 0, 1));
    // 3 blocks of 5 threads launch 2 threads each, which launch 2 each, which launch 2 each.
    ok(launch(parent, 3, 5, CUstream::NULL, &[counter, 2]));
    ok(launch(count, 1, 1, CUstream::NULL, &[counter]));
    assert_eq!(words(counter, 1), [3 * 5 * 2 * 2 * 2 + 1]);
    // Taking the module away waits for all of it, too.
    ok(driver.cuMemsetD32_v2(counter, 0, 1));
    ok(launch(parent, 40, 32, CUstream::NULL, &[counter, 1]));
    ok(driver.cuModuleUnload(module));
    assert_eq!(words(counter, 1), [40 * 32 * 2 * 2]);
}

/// An object file for the host with one section of device code that is to be linked.
fn object(text: &str) -> Vec<u8> {
    let padded = text.len().next_multiple_of(8);
    let mut container = vec![0; 16 + 64 + padded];
    container[0..4].copy_from_slice(&0xBA55_ED50u32.to_le_bytes());
    container[4..6].copy_from_slice(&1u16.to_le_bytes());
    container[6..8].copy_from_slice(&16u16.to_le_bytes());
    container[8..16].copy_from_slice(&(64 + padded as u64).to_le_bytes());
    container[16..18].copy_from_slice(&1u16.to_le_bytes());
    container[20..24].copy_from_slice(&64u32.to_le_bytes());
    container[24..32].copy_from_slice(&(padded as u64).to_le_bytes());
    container[44..48].copy_from_slice(&75u32.to_le_bytes());
    container[80..80 + text.len()].copy_from_slice(text.as_bytes());
    let names = b"\0__nv_relfatbin\0.shstrtab\0";
    let mut file = vec![0; 64];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    file[16..20].copy_from_slice(&[1, 0, 62, 0]);
    let (code, strings) = (64, 64 + container.len());
    file.extend_from_slice(&container);
    file.extend_from_slice(names);
    file.resize(file.len().next_multiple_of(8), 0);
    let table = file.len();
    file[40..48].copy_from_slice(&(table as u64).to_le_bytes());
    file[52..54].copy_from_slice(&64u16.to_le_bytes());
    file[58..64].copy_from_slice(&[64, 0, 3, 0, 2, 0]);
    for (name, kind, offset, bytes) in [(0, 0, 0, 0), (1, 1, code, container.len()), (16, 3, strings, names.len())] {
        let mut entry = [0; 64];
        entry[0..4].copy_from_slice(&u32::to_le_bytes(name));
        entry[4..8].copy_from_slice(&u32::to_le_bytes(kind));
        entry[24..32].copy_from_slice(&(offset as u64).to_le_bytes());
        entry[32..40].copy_from_slice(&(bytes as u64).to_le_bytes());
        file.extend_from_slice(&entry);
    }
    file
}

#[test]
fn object_files_and_archives_are_linked() {
    const HEADER: &str = ".version 7.0\n.target sm_75\n.address_size 64\n";
    let (driver, _context) = (driver(), Context::new());
    let kernel = format!(
        "{HEADER}.extern .func (.param .b32 r) f ();
         .visible .entry k(.param .u64 p) {{ .reg .b32 %r<2>; .reg .b64 %q<2>; .param .b32 r; ld.param.u64 %q1, [p];
         call (r), f, (); ld.param.b32 %r1, [r]; st.global.u32 [%q1], %r1; ret; }}\n"
    );
    let wanted = format!(
        "{HEADER}.visible .func (.param .b32 r) f () {{ .reg .b32 %r<2>; mov.u32 %r1, 77; st.param.b32 [r], %r1; ret; }}\n"
    );
    // What nobody needs is left out of an archive, so that what it lacks itself is not missed.
    let unwanted = format!("{HEADER}.extern .func nowhere; .visible .func g () {{ call nowhere; ret; }}\n");
    let mut archive = b"!<arch>\n".to_vec();
    for (name, file) in [("unwanted.o/", object(&unwanted)), ("wanted.o/", object(&wanted))] {
        let size = file.len();
        archive.extend_from_slice(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644).as_bytes());
        archive.extend_from_slice(&file);
    }
    let mut state = CUlinkState::NULL;
    // SAFETY: no options are passed.
    ok(unsafe { driver.cuLinkCreate_v2(0, ptr::null_mut(), ptr::null_mut(), &mut state) });
    let add = |kind, data: &mut Vec<u8>, name| {
        let start = data.as_mut_ptr().cast::<c_void>();
        // SAFETY: the data has so many bytes, and no options are passed.
        unsafe {
            driver.cuLinkAddData_v2(state, kind, start, data.len(), Some(name), 0, ptr::null_mut(), ptr::null_mut())
        }
    };
    ok(add(CUjitInputType::CU_JIT_INPUT_OBJECT, &mut object(&kernel), c"kernel.o"));
    ok(add(CUjitInputType::CU_JIT_INPUT_LIBRARY, &mut archive, c"library.a"));
    let (mut image, mut size) = (ptr::null_mut(), 0);
    ok(driver.cuLinkComplete(state, &mut image, Some(&mut size)));
    let mut module = CUmodule::NULL;
    // SAFETY: the image is the linker's.
    ok(unsafe { driver.cuModuleLoadData(&mut module, image) });
    ok(driver.cuLinkDestroy(state));
    let out = alloc(4);
    ok(launch(function(module, "k"), 1, 1, CUstream::NULL, &[out]));
    assert_eq!(words(out, 1), [77]);
}
