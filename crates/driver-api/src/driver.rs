//! The trait [`Driver`], made from the table of the driver API.

use crate::unsupported;
use core::ffi::{c_char, c_void};
use cuda_abi::*;

/// The Rust type of a parameter, by its role in the table.
#[macro_export]
macro_rules! parameter {
    (value $ty:ty) => { $ty };
    (stream $ty:ty) => { $ty };
    (raw $ty:ty) => { $ty };
    (output $ty:ty) => { &mut $ty };
    (output_opt $ty:ty) => { Option<&mut $ty> };
    (input $ty:ty) => { &$ty };
    (input_opt $ty:ty) => { Option<&$ty> };
    (text $ty:ty) => { &core::ffi::CStr };
    (text_opt $ty:ty) => { Option<&core::ffi::CStr> };
}

/// Emits a method. An `unsafe` row becomes an `unsafe fn`; the body of either is the same.
macro_rules! method {
    ([] $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        #[allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]
        #[doc = concat!("`", stringify!($symbol), "` of the CUDA driver API.")]
        fn $symbol(&self, $($name: parameter!($role $ty)),*) -> CUresult {
            match self.next() {
                Some(next) => next.$symbol($($name),*),
                None => {
                    $(let _ = $name;)*
                    unsupported::report(stringify!($symbol))
                }
            }
        }
    };
    ([unsafe] $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        #[allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]
        #[doc = concat!("`", stringify!($symbol), "` of the CUDA driver API.")]
        ///
        /// # Safety
        /// Raw pointers, and pointers inside of structs, are as the driver API documents them for this function:
        /// null where it allows that, otherwise valid for the size that it states. Callbacks may be called.
        unsafe fn $symbol(&self, $($name: parameter!($role $ty)),*) -> CUresult {
            match self.next() {
                // SAFETY: the caller's promise is handed on unchanged.
                Some(next) => unsafe { next.$symbol($($name),*) },
                None => {
                    $(let _ = $name;)*
                    unsupported::report(stringify!($symbol))
                }
            }
        }
    };
}

macro_rules! driver_trait {
    (
        methods { $($phase:ident [$($unsafe:ident)?] $symbol:ident = $base:literal @ $since:literal ($($parameters:tt)*);)* }
        $($rest:tt)*
    ) => {
        /// The driver API, as a driver implements it and a layer intercepts it: a method for the newest version of
        /// each function.
        ///
        /// The rim has checked what can be checked without knowing the driver, so that a method gets
        ///
        /// - `&mut T` for a required output, `&T` for a required input: not null, aligned, not overlapping,
        /// - `Option` of them where the API allows null,
        /// - `&CStr` for text,
        /// - raw pointers for buffers (`void *`) and for arrays, whose length another parameter holds: they may be
        ///   null, and the driver answers for that,
        /// - handles as the program gave them: whether they are valid is the driver's to find out,
        /// - enums as transparent integers, which may hold any value,
        /// - streams with the per-thread default spelt out ([`CU_STREAM_PER_THREAD`]) in per-thread entry points;
        ///   a null stream is the legacy default stream, but see [`default_stream_is_per_thread`].
        ///
        /// A method that is not overridden asks the [`next`](Driver::next) driver. At the bottom of the stack the
        /// answer is `CUDA_ERROR_NOT_SUPPORTED`, with a line on stderr the first time.
        ///
        /// [`default_stream_is_per_thread`]: crate::default_stream_is_per_thread
        #[allow(
            clippy::too_many_arguments,
            clippy::missing_safety_doc,
            reason = "the parameters are those of the C functions; each unsafe method has its `# Safety`"
        )]
        pub trait Driver: Send + Sync {
            /// The driver below this one, to which every method that is not overridden forwards.
            fn next(&self) -> Option<&dyn Driver>;

            $(method!([$($unsafe)?] $symbol ($($parameters)*));)*
        }
    };
}

cuda_abi::for_each_driver_function!(driver_trait);
