//! The C functions, made from the table.

use crate::argument::{Ranges, Slot, text, text_opt};
use crate::{answered, guard, stack::stack, superseded};
use core::ffi::{c_char, c_void};
use cuda_abi::*;
use driver_api::{Driver, PerThreadScope, unsupported};

/// The C type of a parameter, by its role.
macro_rules! c_type {
    (value $ty:ty) => { $ty };
    (stream $ty:ty) => { $ty };
    (raw $ty:ty) => { $ty };
    (output $ty:ty) => { *mut $ty };
    (output_opt $ty:ty) => { *mut $ty };
    (input $ty:ty) => { *const $ty };
    (input_opt $ty:ty) => { *const $ty };
    (text $ty:ty) => { *const $ty };
    (text_opt $ty:ty) => { *const $ty };
}

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

/// An argument of a per-thread function as the plain one takes it.
macro_rules! translate {
    (stream $name:ident) => {
        if $name.is_null() { CU_STREAM_PER_THREAD } else { $name }
    };
    ($role:ident $name:ident) => {
        $name
    };
}

/// A C function that checks its arguments and calls `$callee`.
macro_rules! export {
    ($phase:ident $symbol:ident ($($name:ident: $role:ident $ty:ty),*) => $callee:path [$($driver:expr)?]) => {
        #[doc = concat!("`", stringify!($symbol), "` of the CUDA driver API.")]
        ///
        /// # Safety
        /// The pointers are as the driver API documents them for this function.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol($($name: c_type!($role $ty)),*) -> CUresult {
            guard::$phase(|| {
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
            })
        }
    };
}

/// A C function with 32-bit device pointers. The driver answers like this in every context but those of CUDA 3.1.
macro_rules! export_narrow {
    ($symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        #[doc = concat!("`", stringify!($symbol), "` of before CUDA 3.2, with 32-bit device pointers.")]
        ///
        /// # Safety
        /// Nothing is asked of the caller: the arguments are not looked at.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol($(_: c_type!($role $ty)),*) -> CUresult {
            guard::ready(|| Err(CUresult::CUDA_ERROR_INVALID_CONTEXT))
        }
    };
}

/// A C function of which nothing but the name is public.
macro_rules! export_opaque {
    ($symbol:ident) => {
        #[doc = concat!("`", stringify!($symbol), "`: declared in no public header.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $symbol() -> CUresult {
            guard::ready(|| Err(unsupported::report(stringify!($symbol))))
        }
    };
}

/// A per-thread C function: the plain one, with the calling thread's default stream.
macro_rules! export_per_thread {
    ($way:ident $symbol:ident $target:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        #[doc = concat!("`", stringify!($target), "`, on the calling thread's default stream where that is meant.")]
        ///
        /// # Safety
        #[doc = concat!("As `", stringify!($target), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol($($name: c_type!($role $ty)),*) -> CUresult {
            export_per_thread!(@open $way scope);
            // SAFETY: the caller's promise is the same.
            unsafe { $target($(translate!($role $name)),*) }
        }
    };
    (@open translated $scope:ident) => {};
    (@open scoped $scope:ident) => { let $scope = PerThreadScope::enter(); let _ = &$scope; };
}

macro_rules! exports {
    (
        methods { $($m_phase:ident [$($m_unsafe:ident)?] $m:ident = $m_base:literal @ $m_since:literal $m_params:tt;)* }
        superseded { $($s_phase:ident [$($s_unsafe:ident)?] $s:ident = $s_base:literal @ $s_since:literal $s_params:tt;)* }
        narrow { $($n_phase:ident [$($n_unsafe:ident)?] $n:ident = $n_base:literal @ $n_since:literal $n_params:tt;)* }
        answered { $($a_phase:ident [$($a_unsafe:ident)?] $a:ident = $a_base:literal @ $a_since:literal $a_params:tt;)* }
        per_thread { $($p_phase:ident [$($p_unsafe:ident)?] $p:ident = $p_base:literal @ $p_since:literal $p_way:ident $p_target:ident $p_params:tt;)* }
        opaque { $($o:ident;)* }
        debugger_functions { $($f:ident;)* }
        debugger_variables { $($v:ident;)* }
    ) => {
        $(export!($m_phase $m $m_params => Driver::$m [stack()]);)*
        $(export!($s_phase $s $s_params => superseded::$s []);)*
        $(export_narrow!($n $n_params);)*
        $(export!($a_phase $a $a_params => answered::$a []);)*
        $(export_per_thread!($p_way $p $p_target $p_params);)*
        $(export_opaque!($o);)*

        /// The address of each function, in the order of [`FUNCTIONS`].
        pub static ADDRESSES: &[Address] = &[
            $(Address($m as *const c_void),)*
            $(Address($s as *const c_void),)*
            $(Address($n as *const c_void),)*
            $(Address($a as *const c_void),)*
            $(Address($p as *const c_void),)*
            $(Address($o as *const c_void),)*
        ];
    };
}

/// The address of a C function.
pub struct Address(pub *const c_void);

// SAFETY: the address of code, which is never written.
unsafe impl Sync for Address {}

for_each_driver_function!(exports);

#[cfg(test)]
mod tests;
