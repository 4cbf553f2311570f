//! From C's arguments to a call of the stack, for both back ends.

use crate::argument::{Ranges, Slot, text, text_opt};
use crate::{answered, stack::stack, superseded};
use core::ffi::{c_char, c_void};
use cuda_abi::*;
use driver_api::Driver;

/// Checks an argument before the call.
macro_rules! admit {
    (value $name:ident $ranges:ident) => {
        $name
    };
    (stream $name:ident $ranges:ident) => {
        $name
    };
    (raw $name:ident $ranges:ident) => {
        $name
    };
    (output $name:ident $ranges:ident) => {
        Slot::required($name, &mut $ranges)?
    };
    (output_opt $name:ident $ranges:ident) => {
        Slot::optional($name, &mut $ranges)?
    };
    (input $name:ident $ranges:ident) => {
        Slot::required($name.cast_mut(), &mut $ranges)?
    };
    (input_opt $name:ident $ranges:ident) => {
        Slot::optional($name.cast_mut(), &mut $ranges)?
    };
    (text $name:ident $ranges:ident) => {
        text($name)?
    };
    (text_opt $name:ident $ranges:ident) => {
        text_opt($name)
    };
}

/// Hands an admitted argument over.
macro_rules! pass {
    (output $name:ident) => {
        $name.get_mut()
    };
    (output_opt $name:ident) => {
        $name.get_mut_opt()
    };
    (input $name:ident) => {
        $name.get()
    };
    (input_opt $name:ident) => {
        $name.get_opt()
    };
    ($role:ident $name:ident) => {
        $name
    };
}

/// Completes an argument after the call.
macro_rules! finish {
    (output $name:ident) => {
        $name.finish()
    };
    (output_opt $name:ident) => {
        $name.finish()
    };
    ($role:ident $name:ident) => {};
}

/// A function that checks its arguments and calls `$callee`.
macro_rules! admitted {
    ($symbol:ident ($($name:ident: $role:ident $ty:ty),*) => $callee:path [$($driver:expr)?]) => {
        /// The answer of the stack; or `Err`, with the code for it, when an argument is refused before.
        ///
        /// # Safety
        /// The pointers are as the driver API documents them for this function.
        #[inline(always)]
        #[allow(clippy::too_many_arguments, reason = "the parameters are those of the C function")]
        pub unsafe fn $symbol($($name: c_type!($role $ty)),*) -> Result<CUresult, CUresult> {
            #[allow(unused_mut, unused_variables, reason = "for functions without pointers")]
            let mut ranges = Ranges::default();
            // SAFETY: the C caller's promise covers what `Slot` and `text` ask for, and what the driver's
            // unsafe methods ask for.
            #[allow(unused_unsafe, unused_mut, reason = "for functions without pointers")]
            unsafe {
                $(let mut $name = admit!($role $name ranges);)*
                let result = $callee($($driver,)? $(pass!($role $name)),*);
                $(finish!($role $name);)*
                Ok(result)
            }
        }
    };
}

macro_rules! functions {
    (
        methods { $($m_phase:ident [$($m_unsafe:ident)?] $m:ident = $m_base:literal @ $m_since:literal $m_params:tt;)* }
        superseded { $($s_phase:ident [$($s_unsafe:ident)?] $s:ident = $s_base:literal @ $s_since:literal $s_params:tt;)* }
        narrow $n:tt
        answered { $($a_phase:ident [$($a_unsafe:ident)?] $a:ident = $a_base:literal @ $a_since:literal $a_params:tt;)* }
        $($rest:tt)*
    ) => {
        $(admitted!($m $m_params => Driver::$m [stack()]);)*
        $(admitted!($s $s_params => superseded::$s []);)*
        $(admitted!($a $a_params => answered::$a []);)*
    };
}

for_each_driver_function!(functions);
