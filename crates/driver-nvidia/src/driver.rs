//! The library as a [`Driver`]: each method calls the function of its name.

use crate::library::{Address, Library};
use crate::missing::report_missing;
use crate::older;
use core::ffi::{CStr, c_char, c_void};
use cuda_abi::*;
use driver_api::{Driver, PerThreadScope, default_stream_is_per_thread, parameter};
use std::ptr::{null, null_mut};

/// NVIDIA's library at the bottom of a stack.
pub struct NvidiaDriver {
    library: &'static Library,
    /// The library's, at hand.
    addresses: &'static [Address],
}

impl NvidiaDriver {
    /// The driver of a library.
    pub fn new(library: &'static Library) -> NvidiaDriver {
        NvidiaDriver { library, addresses: library.addresses() }
    }

    /// The address of the function for the calling thread's own default stream, where that is meant. What the program calls from a callback
    /// is not part of the call: the scope is suspended meanwhile.
    ///
    /// # Errors
    /// What a call answers if the library lacks the function.
    fn per_thread(&self, row: Row, symbol: &str) -> Result<(*const c_void, PerThreadScope), CUresult> {
        let address = match default_stream_is_per_thread() {
            true => self.library.per_thread_address(row as usize),
            false => null(),
        };
        match address.is_null() {
            true => Err(report_missing(symbol, self.library.path())),
            false => Ok((address, PerThreadScope::suspend())),
        }
    }
}

/// An argument as C has it again.
macro_rules! lower {
    (output $name:ident) => {
        core::ptr::from_mut($name)
    };
    (output_opt $name:ident) => {
        $name.map_or(null_mut(), core::ptr::from_mut)
    };
    (input $name:ident) => {
        core::ptr::from_ref($name)
    };
    (input_opt $name:ident) => {
        $name.map_or(null(), core::ptr::from_ref)
    };
    (text $name:ident) => {
        $name.as_ptr()
    };
    (text_opt $name:ident) => {
        $name.map_or(null(), CStr::as_ptr)
    };
    ($role:ident $name:ident) => {
        $name
    };
}

/// Calls the function; `lower!`ed arguments.
macro_rules! call {
    ($self:ident $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {{
        if const { older::may_be_replaced(Row::$symbol) } && let Some(result) = older::call(Row::$symbol) {
            return result;
        }
        let address = $self.addresses[Row::$symbol as usize].0;
        if address.is_null() || default_stream_is_per_thread() {
            return rarely(move || match $self.per_thread(Row::$symbol, stringify!($symbol)) {
                Ok((address, _suspended)) => call!(@at address ($($name: $role $ty),*)),
                Err(missing) => missing,
            });
        }
        call!(@at address ($($name: $role $ty),*))
    }};
    (@at $address:ident ($($name:ident: $role:ident $ty:ty),*)) => {{
        // SAFETY: the address is of the function of this name, whose type the public headers declare, and of which the table is made.
        let function: unsafe extern "C" fn($(c_type!($role $ty)),*) -> CUresult = unsafe { core::mem::transmute($address) };
        // SAFETY: references are valid pointers; for the others the caller of an unsafe method has vouched, and where the
        // method is safe, the function looks into no memory of the caller's.
        unsafe { function($(lower!($role $name)),*) }
    }};
}

/// Keeps what is rarely done out of the code of what is done all the time.
#[cold]
#[inline(never)]
fn rarely<T>(what: impl FnOnce() -> T) -> T {
    what()
}

macro_rules! method {
    ([] $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        #[inline(always)]
        fn $symbol(&self, $($name: parameter!($role $ty)),*) -> CUresult {
            call!(self $symbol ($($name: $role $ty),*))
        }
    };
    ([unsafe] $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        /// # Safety
        /// As in the trait.
        #[inline(always)]
        unsafe fn $symbol(&self, $($name: parameter!($role $ty)),*) -> CUresult {
            call!(self $symbol ($($name: $role $ty),*))
        }
    };
}

macro_rules! methods {
    (
        methods { $($phase:ident [$($unsafe:ident)?] $symbol:ident = $base:literal @ $since:literal ($($parameters:tt)*);)* }
        $($rest:tt)*
    ) => {
        #[allow(non_snake_case, clippy::too_many_arguments, reason = "C's functions; the CUDA driver API documents them")]
        impl Driver for NvidiaDriver {
            fn next(&self) -> Option<&dyn Driver> {
                None
            }

            $(method!([$($unsafe)?] $symbol ($($parameters)*));)*
        }
    };
}

cuda_abi::for_each_driver_function!(methods);
