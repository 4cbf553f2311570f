//! `libcuda.so.1`: the rim of the C ABI and the assembly of the stack.
//!
//! The first call of all makes the choice of the back end (`choice`): the software GPU, or NVIDIA's own driver, where each function is handed
//! to NVIDIA's as it is, unless a layer wants to see it (`exports::hooked`; `exports::plain` for what is recorded all the time).
//!
//! On the software GPU, a call from C goes through four stations:
//!
//! 1. `exports`: the C function, made from the table in `cuda-abi`. Pointers become references or an error code.
//! 2. `guard`: is the driver initialised, and what if something below panics?
//! 3. `superseded` for an older version of a function, `answered` for one that needs no driver.
//! 4. `stack`: the layers and the driver, behind `driver_api::Driver`.
//!
//! Beside them stand `proc_address` (look-ups by name and version), `export_tables` (what NVIDIA's runtime library
//! asks a driver for beyond the API), and `debugger` (hooks that exist so that they resolve).
//!
//! Invariant: no meaning of CUDA is here. What a function does is the driver's business; this crate checks what can
//! be checked without knowing the driver, and lets no panic and no invalid reference pass.

mod answered;
mod argument;
mod choice;
mod debugger;
mod export_tables;
mod exports;
mod guard;
mod presented;
mod proc_address;
mod stack;
mod superseded;
#[cfg(test)]
mod test_driver;
#[cfg(test)]
mod test_layer;
