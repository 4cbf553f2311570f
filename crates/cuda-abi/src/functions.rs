//! The table as data.

/// A symbol that `libcuda.so.1` exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// The name in the symbol table: `cuMemcpyHtoD_v2_ptds`.
    pub symbol: &'static str,
    /// The name that `cuGetProcAddress` knows it by: `cuMemcpyHtoD`. Empty for a symbol without a declaration.
    pub base: &'static str,
    /// The CUDA version since which it exists: 3020 for 3.2. Zero for a symbol without a declaration.
    pub since: u32,
    /// For a per-thread symbol, the plain one that does the work.
    pub target: Option<&'static str>,
    /// Where the function is implemented.
    pub group: Group,
    /// When it may be called.
    pub phase: Phase,
}

/// Where a function is implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The newest version of a function: a method of the driver trait.
    Method,
    /// An older version, which the rim converts to the newest.
    Superseded,
    /// A version of before CUDA 3.2 with 32-bit device pointers, which no context of today accepts.
    Narrow,
    /// Answered by the rim alone.
    Answered,
    /// `_ptsz` or `_ptds`: the plain function, on the calling thread's default stream.
    PerThread,
    /// Exported by the driver, declared in no public header.
    Opaque,
}

/// When a function may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before `cuInit` too.
    Early,
    /// `cuInit` itself.
    Init,
    /// After `cuInit` has succeeded.
    Ready,
}

/// The C type of a parameter, by its role in the table.
#[macro_export]
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

macro_rules! phase {
    (early) => {
        Phase::Early
    };
    (init) => {
        Phase::Init
    };
    (ready) => {
        Phase::Ready
    };
}

macro_rules! functions {
    (
        methods { $($m_phase:ident [$($m_unsafe:ident)?] $m:ident = $m_base:literal @ $m_since:literal ($($m_rest:tt)*);)* }
        superseded { $($s_phase:ident [$($s_unsafe:ident)?] $s:ident = $s_base:literal @ $s_since:literal ($($s_rest:tt)*);)* }
        narrow { $($n_phase:ident [$($n_unsafe:ident)?] $n:ident = $n_base:literal @ $n_since:literal ($($n_rest:tt)*);)* }
        answered { $($a_phase:ident [$($a_unsafe:ident)?] $a:ident = $a_base:literal @ $a_since:literal ($($a_rest:tt)*);)* }
        per_thread { $($p_phase:ident [$($p_unsafe:ident)?] $p:ident = $p_base:literal @ $p_since:literal $p_way:ident $target:ident ($($p_rest:tt)*);)* }
        opaque { $($o:ident;)* }
        debugger_functions $f:tt
        debugger_variables $v:tt
    ) => {
        /// Every function of the table, with the exception of the debugger's hooks.
        pub const FUNCTIONS: &[Function] = &[
            $(functions!(@row $m $m_base $m_since None Method $m_phase),)*
            $(functions!(@row $s $s_base $s_since None Superseded $s_phase),)*
            $(functions!(@row $n $n_base $n_since None Narrow $n_phase),)*
            $(functions!(@row $a $a_base $a_since None Answered $a_phase),)*
            $(functions!(@row $p $p_base $p_since (Some(stringify!($target))) PerThread $p_phase),)*
            $(functions!(@row $o "" 0 None Opaque ready),)*
        ];
    };
    (@row $symbol:ident $base:literal $since:literal $target:tt $group:ident $phase:ident) => {
        Function {
            symbol: stringify!($symbol),
            base: $base,
            since: $since,
            target: $target,
            group: Group::$group,
            phase: phase!($phase),
        }
    };
}

crate::for_each_driver_function!(functions);

/// Calls `$callback!` with every exported function, whatever its group, in the order of [`Row`]: `group symbol (parameters);`. Functions without a
/// declaration have no parameters.
#[macro_export]
macro_rules! for_each_driver_symbol {
    ($callback:ident) => {
        $crate::for_each_driver_function! { [$crate::driver_symbols] $callback }
    };
}

/// What [`for_each_driver_symbol!`] makes of the table.
#[doc(hidden)]
#[macro_export]
macro_rules! driver_symbols {
    (
        $callback:ident
        methods { $($m_phase:ident [$($m_unsafe:ident)?] $m:ident = $m_base:literal @ $m_since:literal $m_params:tt;)* }
        superseded { $($s_phase:ident [$($s_unsafe:ident)?] $s:ident = $s_base:literal @ $s_since:literal $s_params:tt;)* }
        narrow { $($n_phase:ident [$($n_unsafe:ident)?] $n:ident = $n_base:literal @ $n_since:literal $n_params:tt;)* }
        answered { $($a_phase:ident [$($a_unsafe:ident)?] $a:ident = $a_base:literal @ $a_since:literal $a_params:tt;)* }
        per_thread { $($p_phase:ident [$($p_unsafe:ident)?] $p:ident = $p_base:literal @ $p_since:literal $p_way:ident $p_target:ident $p_params:tt;)* }
        opaque { $($o:ident;)* }
        debugger_functions { $($f:ident;)* }
        debugger_variables $v:tt
    ) => {
        $callback! {
            $(method $m $m_params;)*
            $(superseded $s $s_params;)*
            $(narrow $n $n_params;)*
            $(answered $a $a_params;)*
            $(per_thread $p $p_params;)*
            $(opaque $o ();)*
            $(debugger $f ();)*
        }
    };
}

macro_rules! symbols {
    ($($group:ident $symbol:ident $params:tt;)*) => {
        /// The place of each exported function: those of [`FUNCTIONS`] in their order, then the debugger's hooks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(non_camel_case_types, missing_docs, reason = "C's names; the CUDA driver API documents them")]
        pub enum Row {
            $($symbol,)*
        }

        /// The names of all exported functions, by [`Row`].
        pub const SYMBOLS: &[&str] = &[$(stringify!($symbol),)*];
    };
}

for_each_driver_symbol!(symbols);

macro_rules! pointers {
    ($($group:ident $symbol:ident $params:tt;)*) => {
        /// The types of pointers to the functions that have a declaration, under the names of those.
        #[allow(non_camel_case_types, non_snake_case, missing_docs, reason = "C's names; the CUDA driver API documents them")]
        pub mod pointer {
            use crate::*;
            use core::ffi::*;

            $(pointers!(@one $group $symbol $params);)*
        }
    };
    (@one opaque $symbol:ident ()) => {};
    (@one debugger $symbol:ident ()) => {};
    (@one $group:ident $symbol:ident ($($name:ident: $role:ident $ty:ty),*)) => {
        pub type $symbol = unsafe extern "C" fn($($name: c_type!($role $ty)),*) -> CUresult;
    };
}

for_each_driver_symbol!(pointers);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_names_agree() {
        assert_eq!(SYMBOLS[Row::cuInit as usize], "cuInit");
        assert_eq!(FUNCTIONS[Row::cuMemGetAttribute as usize].symbol, "cuMemGetAttribute");
        assert_eq!(SYMBOLS[Row::cudbgMain as usize], "cudbgMain");
        assert!(FUNCTIONS.iter().zip(SYMBOLS).all(|(function, symbol)| function.symbol == *symbol));
        assert!(SYMBOLS[FUNCTIONS.len()..].iter().all(|symbol| symbol.starts_with("cudbg")));
    }
}
