//! The C functions in front of NVIDIA's driver that a layer wants to see.
//!
//! Nothing is refused here: what the rim cannot hand to a layer, such as a null pointer where the API wants none, goes to
//! NVIDIA's function as it is, and the answer is NVIDIA's. Nor is the life of the driver watched: NVIDIA's own does that.

use super::{Address, admitted, older, plain};
use crate::{choice, guard};
use core::ffi::{c_char, c_void};
use cuda_abi::*;
use driver_api::{Layer, PerThreadScope};
use driver_nvidia::Library;

/// Functions whose conversion into the newest version of themselves is not exact, so that they go past the layers: contexts keep the version
/// of the call that made them, and the others answer with what the newest version no longer says, or no longer takes. None of them is of one that a
/// layer wants to see; for such ones there is [`older`](super::older).
pub(super) const INEXACT: &[&str] = &[
    "cuCtxCreate",
    "cuCtxCreate_v2",
    "cuCtxCreate_v3",
    "cuDeviceTotalMem",
    "cuGraphKernelNodeGetParams",
    "cuStreamBatchMemOp",
    "cuStreamWaitValue32",
    "cuStreamWaitValue64",
    "cuStreamWriteValue32",
    "cuStreamWriteValue64",
    "cuTexRefSetAddress2D_v2",
];

/// Which functions go through the stack, by [`Row`]: those that a layer hooks, and their per-thread and older versions. One that the
/// library lacks does not, nor does an older version when the library lacks the newest.
pub fn rows(layers: &[&Layer], library: &Library) -> Vec<bool> {
    let is_there = |row: usize| !library.address(row).is_null();
    let is_hooked = |symbol: &str| layers.iter().any(|layer| layer.hooks.contains(&symbol));
    let newest = |base: &str| FUNCTIONS.iter().position(|other| other.group == Group::Method && other.base == base);
    let goes = |row: usize| {
        let function = &FUNCTIONS[row];
        match function.group {
            Group::Method => is_hooked(function.symbol) && is_there(row),
            Group::Superseded => newest(function.base).is_some_and(|newest| {
                is_hooked(FUNCTIONS[newest].symbol)
                    && is_there(newest)
                    && is_there(row)
                    && !INEXACT.contains(&function.symbol)
            }),
            _ => false,
        }
    };
    let mut rows: Vec<bool> = (0..SYMBOLS.len()).map(|row| row < FUNCTIONS.len() && goes(row)).collect();
    for (row, function) in FUNCTIONS.iter().enumerate() {
        let target = function.target.and_then(|target| SYMBOLS.iter().position(|symbol| *symbol == target));
        rows[row] |= target.is_some_and(|target| rows[target]) && is_there(row);
    }
    rows
}

/// Calls NVIDIA's function of this name with C's arguments.
macro_rules! direct {
    ($symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {{
        let address = choice::nvidia_address(Row::$symbol);
        // SAFETY: the address is of the function of this name, whose type the public headers declare; a hooked function has one.
        let function: unsafe extern "C" fn($(c_type!($role $ty)),*) -> CUresult = core::mem::transmute(address);
        function($($name),*)
    }};
}

macro_rules! hooked {
    ($symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        /// # Safety
        /// The pointers are as the driver API documents them for this function.
        pub(super) unsafe extern "C" fn $symbol($($name: c_type!($role $ty)),*) -> CUresult {
            // SAFETY: the caller's promise is the same.
            guard::catch(|| unsafe {
                Ok(match admitted::$symbol($($name),*) {
                    Ok(result) => result,
                    Err(_) => direct!($symbol ($($name: $role $ty),*)),
                })
            })
        }
    };
}

macro_rules! per_thread {
    ($way:ident $symbol:ident $target:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        /// # Safety
        /// The pointers are as the driver API documents them for this function.
        unsafe extern "C" fn $symbol($($name: c_type!($role $ty)),*) -> CUresult {
            // SAFETY: the caller's promise is the same.
            guard::catch(|| unsafe {
                let admitted = {
                    per_thread!(@open $way scope);
                    admitted::$target($(translate!($role $name)),*)
                };
                Ok(match admitted {
                    Ok(result) => result,
                    Err(_) => direct!($symbol ($($name: $role $ty),*)),
                })
            })
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
        $($rest:tt)*
    ) => {
        $(hooked!($m $m_params);)*
        $(hooked!($s $s_params);)*
        $(per_thread!($p_way $p $p_target $p_params);)*

        /// The function that takes a call through the stack; `None` for those that never go there.
        pub fn address(row: usize) -> Option<Address> {
            const NONE: Option<Address> = None;
            static ADDRESSES: &[Option<Address>] = &[
                $(Some(Address($m as *const c_void)),)*
                $(Some(Address($s as *const c_void)),)*
                $({ let _ = $n_since; NONE },)*
                $({ let _ = $a_since; NONE },)*
                $(Some(Address($p as *const c_void)),)*
            ];
            plain::address(row).or_else(|| older::address(row)).or_else(|| ADDRESSES.get(row).copied().flatten())
        }
    };
}

for_each_driver_function!(functions);
