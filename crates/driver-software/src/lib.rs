//! CUDA's meaning on the software GPU.
//
// NOTE to the author of this crate (remove when read): two crates beside this one take work off you.
//  * `crates/device-model` (helper `model`, in progress): device profiles (TOML data), every device attribute by compute capability, memory,
//    names, UUIDs, and all occupancy arithmetic, pure functions. Use it for device.rs and occupancy.rs.
//  * `crates/jit` (lead, in progress): `jit::Module::from_ptx(text)`, its kernels, parameters, global symbols with initial bytes and
//    relocations, `compile(kernel, block, small_grid) -> Arc<jit::Compiled>` (machine code + names of the symbols to resolve), memory
//    and disk cache. Use it for module.rs/kernel.rs/launch.rs; do not call ptx/simt-llvm yourself.
// Priority: get ONE end-to-end path working first and commit it (nvcc's vectorAdd with static cudart 13: cuInit, device, primary context,
// cuLibraryLoadData/GetKernel/GetModule, memAlloc, memcpy, cuLaunchKernel, sync, destroy), then widen area by area, committing each.
// The rim is done (crates/libcuda, `driver_api::Driver`); wire it: libcuda/src/stack.rs -> driver_software::driver() and delete stand_in.rs (you may
// edit crates/libcuda: its author has finished; steps: add the dependency, stack.rs, delete stand_in.rs and its `mod`, `is_stand_in` in tests/null_arguments.rs).
// abi.rs has BARRIER_ARRIVE_ONLY now.
