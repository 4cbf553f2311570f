//! The three forms that a C type takes here: enum, handle, struct with an all-zero value.

/// Declares C enums: a transparent integer with constants. A Rust enum would be undefined behaviour for values that
/// the headers do not list, and C code passes such values.
#[macro_export]
macro_rules! c_enum {
    ($name:ident: $integer:ty { $($constant:ident = $value:literal,)* }) => {
        #[repr(transparent)]
        #[derive(Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $integer);

        impl $name {
            $(pub const $constant: $name = $name($value);)*

            /// Every constant of the enum with its C name, in the order of the header.
            pub const ALL: &'static [($name, &'static str)] = &[$(($name::$constant, stringify!($constant)),)*];

            /// The C name of the value, if the headers have one. Of two names for a value, the first in the header.
            pub fn name(self) -> Option<&'static str> {
                Self::ALL.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }
    };
}

/// Declares handle types: pointers in C, tokens here. A driver looks a handle up and never dereferences it, so a
/// stale or invented one is an error code and not a fault.
#[macro_export]
macro_rules! handle {
    ($($name:ident),* $(,)?) => {$(
        #[repr(transparent)]
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub *mut core::ffi::c_void);

        // SAFETY: the pointer is a token, compared and looked up, and never dereferenced.
        unsafe impl Send for $name {}
        // SAFETY: as above.
        unsafe impl Sync for $name {}

        impl $name {
            /// The null handle.
            pub const NULL: $name = $name(core::ptr::null_mut());

            /// Whether this is the null handle.
            pub const fn is_null(self) -> bool {
                self.0.is_null()
            }

            /// The handle as a number.
            pub fn addr(self) -> usize {
                self.0.addr()
            }

            /// The handle with the given number.
            pub const fn from_addr(addr: usize) -> $name {
                $name(core::ptr::without_provenance_mut(addr))
            }
        }

        impl Default for $name {
            fn default() -> $name {
                $name::NULL
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.addr())
            }
        }
    )*};
}

/// Implements `Default` for C structs and unions as C code does it: all bytes zero.
#[macro_export]
macro_rules! zeroed_default {
    ($($name:ident),* $(,)?) => {$(
        impl Default for $name {
            fn default() -> $name {
                // SAFETY: integers, floats, arrays, pointers, `Option`s of function pointers and unions of them all
                // have the value whose bytes are zero; the headers' structs hold nothing else.
                unsafe { core::mem::zeroed() }
            }
        }
    )*};
}
