//! NVIDIA's runtime library, of every generation and both ways of linking, starts and works on our driver.

mod support;
#[path = "support/wheels.rs"]
mod wheels;

use std::ffi::{CStr, c_char, c_void};
use std::process::Command;

/// The packages, each with the version that its runtime library reports.
const SHARED: &[(&str, i32)] = &[
    ("nvidia-cuda-runtime-cu11==11.8.89", 11080),
    ("nvidia-cuda-runtime-cu12==12.1.105", 12010),
    ("nvidia-cuda-runtime-cu12==12.8.90", 12080),
    ("nvidia-cuda-runtime==13.0.96", 13000),
    ("nvidia-cuda-runtime==13.5.37", 13050),
];

/// Packages with a static runtime library; older ones have none.
const STATIC: &[(&str, i32)] = &[("nvidia-cuda-runtime==13.0.96", 13000), ("nvidia-cuda-runtime==13.5.37", 13050)];

/// Larger than `cudaDeviceProp` of any version; the name comes first in all of them.
const PROPERTIES_SIZE: usize = 16 << 10;

const HOST_TO_DEVICE: i32 = 1;
const DEVICE_TO_HOST: i32 = 2;

/// The child: what every CUDA program does at its start, by a runtime library that is loaded from a path.
#[test]
fn child() {
    let Some(path) = support::role() else { return };
    // Loaded first, ours answers the runtime library's request for `libcuda.so.1`.
    let _ours = support::load();
    // SAFETY: a library of NVIDIA's; the signatures are those of the runtime API.
    unsafe {
        let runtime = libloading::Library::new(path).expect("the runtime library loads");
        type Number = unsafe extern "C" fn(*mut i32) -> i32;
        type Nothing = unsafe extern "C" fn() -> i32;
        let number = |name: &str| {
            let mut value = -1;
            let function = runtime.get::<Number>(name.as_bytes()).expect("a name of the runtime API");
            check(name, function(&mut value));
            value
        };
        let nothing = |name: &str| {
            check(name, runtime.get::<Nothing>(name.as_bytes()).expect("a name of the runtime API")());
        };
        support::say(format_args!("runtime {}", number("cudaRuntimeGetVersion")));
        support::say(format_args!("driver {}", number("cudaDriverGetVersion")));
        assert!(number("cudaGetDeviceCount") >= 1);

        let properties = runtime
            .get::<unsafe extern "C" fn(*mut c_char, i32) -> i32>(b"cudaGetDeviceProperties_v2")
            .or_else(|_| runtime.get(b"cudaGetDeviceProperties"))
            .expect("a name of the runtime API");
        let mut buffer = vec![0; PROPERTIES_SIZE];
        check("cudaGetDeviceProperties", properties(buffer.as_mut_ptr(), 0));
        assert!(!CStr::from_ptr(buffer.as_ptr()).is_empty(), "the device has no name");

        let set_device = runtime.get::<unsafe extern "C" fn(i32) -> i32>(b"cudaSetDevice").expect("cudaSetDevice");
        check("cudaSetDevice", set_device(0));
        copy_there_and_back(&runtime);
        nothing("cudaDeviceSynchronize");
        // Reset ends the context and what the runtime library attached to it.
        nothing("cudaDeviceReset");
        // What a program can do afterwards depends on the runtime: docs/limits.md.
        support::say("done");
    }
}

/// # Safety
/// `runtime` is a runtime library.
unsafe fn copy_there_and_back(runtime: &libloading::Library) {
    // SAFETY: the signatures are those of the runtime API; the sizes are those of the buffers.
    unsafe {
        let malloc =
            runtime.get::<unsafe extern "C" fn(*mut *mut c_void, usize) -> i32>(b"cudaMalloc").expect("cudaMalloc");
        let free = runtime.get::<unsafe extern "C" fn(*mut c_void) -> i32>(b"cudaFree").expect("cudaFree");
        let copy = runtime
            .get::<unsafe extern "C" fn(*mut c_void, *const c_void, usize, i32) -> i32>(b"cudaMemcpy")
            .expect("cudaMemcpy");
        let sent: Vec<u8> = (0..=255).collect();
        let mut received = vec![0u8; sent.len()];
        let mut memory = std::ptr::null_mut();
        check("cudaMalloc", malloc(&mut memory, sent.len()));
        check("cudaMemcpy to the device", copy(memory, sent.as_ptr().cast(), sent.len(), HOST_TO_DEVICE));
        check("cudaMemcpy to the host", copy(received.as_mut_ptr().cast(), memory, sent.len(), DEVICE_TO_HOST));
        assert_eq!(sent, received);
        check("cudaFree", free(memory));
    }
}

#[track_caller]
fn check(what: &str, code: i32) {
    assert_eq!(code, 0, "{what} answers {code}");
}

#[test]
fn shared_runtime_libraries_start() {
    for (package, version) in SHARED {
        let library = wheels::library(package, "libcudart.so.");
        let lines = support::child_lines(&library);
        assert_eq!(lines, [format!("runtime {version}"), "driver 13000".to_owned(), "done".to_owned()], "{package}");
    }
}

/// The program that is linked with the static library: the same steps, in C.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <string.h>
int cudaRuntimeGetVersion(int *), cudaGetDeviceCount(int *), cudaMalloc(void **, size_t), cudaFree(void *);
int cudaMemcpy(void *, const void *, size_t, int), cudaDeviceSynchronize(void), cudaDeviceReset(void);
int main(void) {
    int version = 0, count = 0;
    char sent[] = "there and back", received[sizeof sent] = {0};
    void *memory = 0;
    int results[] = {
        cudaRuntimeGetVersion(&version), cudaGetDeviceCount(&count), cudaMalloc(&memory, sizeof sent),
        cudaMemcpy(memory, sent, sizeof sent, 1), cudaMemcpy(received, memory, sizeof sent, 2),
        cudaFree(memory), cudaDeviceSynchronize(), cudaDeviceReset(),
    };
    for (unsigned i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i]) return printf("step %u: %d\n", i, results[i]), 1;
    printf("%d %s\n", version, received);
    return count < 1;
}
"#;

#[test]
fn static_runtime_libraries_start() {
    for (package, version) in STATIC {
        let library = wheels::library(package, "libcudart_static.a");
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = folder.join(format!("static-runtime-{version}.c"));
        let program = folder.join(format!("static-runtime-{version}"));
        std::fs::write(&source, PROGRAM).expect("the target folder is writable");
        let compiled = Command::new("cc")
            .arg(&source)
            .arg(&library)
            .args(["-lpthread", "-ldl", "-lrt", "-lm", "-o"])
            .arg(&program)
            .output()
            .expect("a C compiler is installed");
        assert!(compiled.status.success(), "{}", support::text(&compiled));
        let output = Command::new(&program)
            .env("LD_LIBRARY_PATH", support::library_folder())
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{package}: {}", support::text(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{version} there and back\n"));
    }
}
