//! What is to be done when the process exits.

use core::ffi::{c_int, c_void};
use core::mem::transmute;

unsafe extern "C" {
    fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

/// Has `function` called with the exit code when the process exits in the ordinary way, by the thread that exits. Of several functions the last one that was given is called
/// first. False if the C library has no room for it.
///
/// Not `atexit`: a library may be linked so that the static data of its C++ parts is never taken apart, and what it hands to `atexit` would get lost
/// with that.
pub fn at_exit(function: extern "C" fn(c_int)) -> bool {
    // SAFETY: `call` gets back what is passed here.
    unsafe { on_exit(call, function as *mut c_void) == 0 }
}

/// Whether this is the thread that the process began with. At the process's exit the C library takes the thread-local data of the exiting thread apart before it calls
/// any function that was given to `atexit`, which may need that data still: this thread, which hardly ever ends otherwise, keeps it.
pub fn is_main_thread() -> bool {
    // SAFETY: no arguments.
    unsafe { libc::syscall(libc::SYS_gettid) == libc::c_long::from(libc::getpid()) }
}

extern "C" fn call(status: c_int, function: *mut c_void) {
    // SAFETY: `at_exit` passes a function of this type.
    let function = unsafe { transmute::<*mut c_void, extern "C" fn(c_int)>(function) };
    function(status);
}
