//! The C functions in front of the software GPU: arguments checked, the life of the driver watched, panics caught.

use super::admitted;
use crate::{debugger, guard};
use core::ffi::{c_char, c_void};
use cuda_abi::*;
use driver_api::{PerThreadScope, unsupported};

/// A function that goes through the stack.
macro_rules! software {
    ($phase:ident $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        /// # Safety
        /// The pointers are as the driver API documents them for this function.
        pub unsafe extern "C" fn $symbol($($name: c_type!($role $ty)),*) -> CUresult {
            // SAFETY: the caller's promise is the same.
            guard::$phase(|| unsafe { admitted::$symbol($($name),*) })
        }
    };
}

/// A function with 32-bit device pointers. The driver answers like this in every context but those of CUDA 3.1.
macro_rules! narrow {
    ($symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        pub extern "C" fn $symbol($(_: c_type!($role $ty)),*) -> CUresult {
            guard::ready(|| Err(CUresult::CUDA_ERROR_INVALID_CONTEXT))
        }
    };
}

/// A function of which nothing but the name is public.
macro_rules! opaque {
    ($symbol:ident) => {
        pub extern "C" fn $symbol() -> CUresult {
            guard::ready(|| Err(unsupported::report(stringify!($symbol))))
        }
    };
}

/// A per-thread function: the plain one, with the calling thread's default stream.
macro_rules! per_thread {
    ($way:ident $symbol:ident $target:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        /// # Safety
        /// As the plain function.
        pub unsafe extern "C" fn $symbol($($name: c_type!($role $ty)),*) -> CUresult {
            per_thread!(@open $way scope);
            // SAFETY: the caller's promise is the same.
            unsafe { $target($(translate!($role $name)),*) }
        }
    };
    (@open translated $scope:ident) => {};
    (@open scoped $scope:ident) => { let $scope = PerThreadScope::enter(); let _ = &$scope; };
}

macro_rules! functions {
    (
        methods { $($m_phase:ident [$($m_unsafe:ident)?] $m:ident = $m_base:literal @ $m_since:literal $m_params:tt;)* }
        superseded { $($s_phase:ident [$($s_unsafe:ident)?] $s:ident = $s_base:literal @ $s_since:literal $s_params:tt;)* }
        narrow { $($n_phase:ident [$($n_unsafe:ident)?] $n:ident = $n_base:literal @ $n_since:literal $n_params:tt;)* }
        answered { $($a_phase:ident [$($a_unsafe:ident)?] $a:ident = $a_base:literal @ $a_since:literal $a_params:tt;)* }
        per_thread { $($p_phase:ident [$($p_unsafe:ident)?] $p:ident = $p_base:literal @ $p_since:literal $p_way:ident $p_target:ident $p_params:tt;)* }
        opaque { $($o:ident;)* }
        $($rest:tt)*
    ) => {
        $(software!($m_phase $m $m_params);)*
        $(software!($s_phase $s $s_params);)*
        $(narrow!($n $n_params);)*
        $(software!($a_phase $a $a_params);)*
        $(per_thread!($p_way $p $p_target $p_params);)*
        $(opaque!($o);)*
    };
}

for_each_driver_function!(functions);

macro_rules! addresses {
    ($($group:ident $symbol:ident $params:tt;)*) => {
        /// The functions, by [`Row`].
        pub static ADDRESSES: &[super::Address] = &[$(super::Address(addresses!(@path $group $symbol) as *const c_void),)*];
    };
    (@path debugger $symbol:ident) => { debugger::$symbol };
    (@path $group:ident $symbol:ident) => { $symbol };
}

for_each_driver_symbol!(addresses);
