//! Which functions make which op: an arm for each, looked up for each row of the table of the driver API.

use crate::layer::{Call, Observed};
use crate::ops::{NO_STREAM, array_bytes, batch_3d_bytes, batch_bytes, copy_kind, image_bytes, volume};
use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;
use cuda_abi::*;
use driver_api::op::*;
use driver_api::{Driver, Observer, parameter};
use std::os::unix::ffi::OsStrExt;

const OK: CUresult = CUresult::CUDA_SUCCESS;

/// Calls `$emit` with what is done for a function, or not at all for one that makes no op.
///
/// An arm gets the names of the function's parameters, in their order. `op` is what the program asks for, made before the call; `then`, if
/// there is one, runs after it, with the call and the driver's answer, and sees the function's outputs.
macro_rules! hooks {
    // Launches.
    (cuLaunchKernel [$f:ident $gx:ident $gy:ident $gz:ident $bx:ident $by:ident $bz:ident $shared:ident $stream:ident $p:ident $extra:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.launch($f, shape([$gx, $gy, $gz], [$bx, $by, $bz], $shared), $stream, false) }
    };
    (cuLaunchCooperativeKernel [$f:ident $gx:ident $gy:ident $gz:ident $bx:ident $by:ident $bz:ident $shared:ident $stream:ident $p:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.launch($f, shape([$gx, $gy, $gz], [$bx, $by, $bz], $shared), $stream, true) }
    };
    (cuLaunchKernelEx [$config:ident $f:ident $p:ident $extra:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the attributes.
        $emit! { $row op |o| unsafe { o.launch_ex($config, $f) } }
    };
    (cuLaunchCooperativeKernelMultiDevice [$list:ident $count:ident $flags:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the list.
        $emit! { $row op? |o| unsafe { o.launch_of_list($list, $count, 0) }; then |o, _call, result| {
            // SAFETY: as above.
            o.show_others(result, |index| unsafe { o.launch_of_list($list, $count, index) });
        } }
    };
    (cuLaunch [$f:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.legacy_launch($f, 1, 1, NO_STREAM) }
    };
    (cuLaunchGrid [$f:ident $width:ident $height:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.legacy_launch($f, $width, $height, NO_STREAM) }
    };
    (cuLaunchGridAsync [$f:ident $width:ident $height:ident $stream:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.legacy_launch($f, $width, $height, $stream) }
    };
    (cuFuncSetBlockShape [$f:ident $x:ident $y:ident $z:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK {
            o.set_legacy($f, |set| set.0 = [$x, $y, $z].map(|threads| threads.max(0) as u32));
        } }
    };
    (cuFuncSetSharedSize [$f:ident $bytes:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.set_legacy($f, |set| set.1 = $bytes) } }
    };

    // Graphs.
    (cuGraphLaunch [$graph:ident $stream:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.op($stream, Action::GraphLaunch { graph: o.graphs.number($graph) }) }
    };
    (cuGraphInstantiate_v2 [$made:ident $graph:ident $error:ident $log:ident $bytes:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.define_graph(*$made, $graph) } }
    };
    (cuGraphInstantiateWithFlags [$made:ident $graph:ident $flags:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.define_graph(*$made, $graph) } }
    };
    (cuGraphInstantiateWithParams [$made:ident $graph:ident $parameters:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.define_graph(*$made, $graph) } }
    };
    (cuGraphExecUpdate_v2 [$made:ident $graph:ident $outcome:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.define_graph($made, $graph) } }
    };
    (cuGraphExecDestroy [$graph:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, _result| o.graphs.forget($graph) }
    };
    (cuStreamBeginCapture_v2 [$stream:ident $mode:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.captures.begin($stream, &o.unusual, &o.facts.usual) } }
    };
    (cuStreamBeginCaptureToGraph [$stream:ident $graph:ident $d:ident $e:ident $count:ident $mode:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.captures.begin($stream, &o.unusual, &o.facts.usual) } }
    };
    (cuStreamEndCapture [$stream:ident $graph:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, _result| o.captures.end($stream, &o.unusual, &o.facts.usual) }
    };

    // Copies.
    (cuMemcpy [$to:ident $from:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Any, $n) } };
    (cuMemcpyHtoD_v2 [$to:ident $from:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::HostToDevice, $n) } };
    (cuMemcpyDtoH_v2 [$to:ident $from:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::DeviceToHost, $n) } };
    (cuMemcpyDtoD_v2 [$to:ident $from:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::DeviceToDevice, $n) } };
    (cuMemcpyPeer [$to:ident $tc:ident $from:ident $fc:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Peer, $n) } };
    (cuMemcpyDtoA_v2 [$to:ident $at:ident $from:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Array, $n) } };
    (cuMemcpyHtoA_v2 [$to:ident $at:ident $from:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Array, $n) } };
    (cuMemcpyAtoD_v2 [$to:ident $from:ident $at:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Array, $n) } };
    (cuMemcpyAtoH_v2 [$to:ident $from:ident $at:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Array, $n) } };
    (cuMemcpyAtoA_v2 [$to:ident $at:ident $from:ident $fa:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Array, $n) } };
    (cuMemcpyAsync [$to:ident $from:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::Any, $n, $stream) } };
    (cuMemcpyHtoDAsync_v2 [$to:ident $from:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::HostToDevice, $n, $stream) } };
    (cuMemcpyDtoHAsync_v2 [$to:ident $from:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::DeviceToHost, $n, $stream) } };
    (cuMemcpyDtoDAsync_v2 [$to:ident $from:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::DeviceToDevice, $n, $stream) } };
    (cuMemcpyPeerAsync [$to:ident $tc:ident $from:ident $fc:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::Peer, $n, $stream) } };
    (cuMemcpyHtoAAsync_v2 [$to:ident $at:ident $from:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::Array, $n, $stream) } };
    (cuMemcpyAtoHAsync_v2 [$to:ident $from:ident $at:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::Array, $n, $stream) } };
    (cuMemcpy2D_v2 [$copy:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(ends!($copy), volume($copy.WidthInBytes, $copy.Height, 1)) } };
    (cuMemcpy2DUnaligned_v2 [$copy:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(ends!($copy), volume($copy.WidthInBytes, $copy.Height, 1)) } };
    (cuMemcpy2DAsync_v2 [$copy:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(ends!($copy), volume($copy.WidthInBytes, $copy.Height, 1), $stream) } };
    (cuMemcpy3D_v2 [$copy:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(ends!($copy), volume($copy.WidthInBytes, $copy.Height, $copy.Depth)) } };
    (cuMemcpy3DAsync_v2 [$copy:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(ends!($copy), volume($copy.WidthInBytes, $copy.Height, $copy.Depth), $stream) } };
    (cuMemcpy3DPeer [$copy:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy(CopyKind::Peer, volume($copy.WidthInBytes, $copy.Height, $copy.Depth)) } };
    (cuMemcpy3DPeerAsync [$copy:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.copy_async(CopyKind::Peer, volume($copy.WidthInBytes, $copy.Height, $copy.Depth), $stream) } };
    (cuMemcpyBatchAsync_v2 [$to:ident $from:ident $sizes:ident $count:ident $a:ident $i:ident $n:ident $stream:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the list.
        $emit! { $row op |o| o.copy_async(CopyKind::Any, unsafe { batch_bytes($sizes, $count) }, $stream) }
    };
    (cuMemcpy3DBatchAsync_v2 [$count:ident $list:ident $flags:ident $stream:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the list.
        $emit! { $row op |o| o.copy_async(CopyKind::Any, unsafe { batch_3d_bytes($list, $count) }, $stream) }
    };
    (cuMemPrefetchAsync_v2 [$p:ident $n:ident $location:ident $flags:ident $stream:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.copy_async(CopyKind::Prefetch, $n, $stream) }
    };
    (cuMemPrefetchBatchAsync [$p:ident $sizes:ident $count:ident $l:ident $i:ident $n:ident $flags:ident $stream:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the list.
        $emit! { $row op |o| o.copy_async(CopyKind::Prefetch, unsafe { batch_bytes($sizes, $count) }, $stream) }
    };

    // Sets.
    (cuMemsetD8_v2 [$p:ident $value:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set($n) } };
    (cuMemsetD16_v2 [$p:ident $value:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set(volume($n, 2, 1)) } };
    (cuMemsetD32_v2 [$p:ident $value:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set(volume($n, 4, 1)) } };
    (cuMemsetD2D8_v2 [$p:ident $pitch:ident $value:ident $w:ident $h:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set(volume($w, $h, 1)) } };
    (cuMemsetD2D16_v2 [$p:ident $pitch:ident $value:ident $w:ident $h:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set(volume($w, $h, 2)) } };
    (cuMemsetD2D32_v2 [$p:ident $pitch:ident $value:ident $w:ident $h:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set(volume($w, $h, 4)) } };
    (cuMemsetD8Async [$p:ident $value:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set_async($n, $stream) } };
    (cuMemsetD16Async [$p:ident $value:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set_async(volume($n, 2, 1), $stream) } };
    (cuMemsetD32Async [$p:ident $value:ident $n:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set_async(volume($n, 4, 1), $stream) } };
    (cuMemsetD2D8Async [$p:ident $pitch:ident $value:ident $w:ident $h:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set_async(volume($w, $h, 1), $stream) } };
    (cuMemsetD2D16Async [$p:ident $pitch:ident $value:ident $w:ident $h:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set_async(volume($w, $h, 2), $stream) } };
    (cuMemsetD2D32Async [$p:ident $pitch:ident $value:ident $w:ident $h:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.set_async(volume($w, $h, 4), $stream) } };

    // Allocations.
    (cuMemAlloc_v2 [$p:ident $n:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Device, $n, NO_STREAM); then |_o, call, result| made(call, result, *$p) }
    };
    (cuMemAllocPitch_v2 [$p:ident $pitch:ident $w:ident $h:ident $element:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Device, volume($w, $h, 1), NO_STREAM); then |_o, call, result| made_pitched(call, result, *$p, volume(*$pitch, $h, 1)) }
    };
    (cuMemAllocManaged [$p:ident $n:ident $flags:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Managed, $n, NO_STREAM); then |_o, call, result| made(call, result, *$p) }
    };
    (cuMemAllocAsync [$p:ident $n:ident $stream:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Pool, $n, $stream); then |_o, call, result| made(call, result, *$p) }
    };
    (cuMemAllocFromPoolAsync [$p:ident $n:ident $pool:ident $stream:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Pool, $n, $stream); then |_o, call, result| made(call, result, *$p) }
    };
    (cuMemAllocHost_v2 [$p:ident $n:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Host, $n, NO_STREAM); then |_o, call, result| made(call, result, $p.addr() as u64) }
    };
    (cuMemHostAlloc [$p:ident $n:ident $flags:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Host, $n, NO_STREAM); then |_o, call, result| made(call, result, $p.addr() as u64) }
    };
    (cuMemHostRegister_v2 [$p:ident $n:ident $flags:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Registered, $n, NO_STREAM); then |_o, call, result| made(call, result, $p.addr() as u64) }
    };
    (cuMemCreate [$handle:ident $n:ident $properties:ident $flags:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Physical, $n, NO_STREAM); then |_o, call, result| made(call, result, *$handle) }
    };
    (cuMemAddressReserve [$p:ident $n:ident $alignment:ident $at:ident $flags:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Range, $n, NO_STREAM); then |_o, call, result| made(call, result, *$p) }
    };
    (cuMemMap [$p:ident $n:ident $offset:ident $handle:ident $flags:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Mapping, $n, NO_STREAM); then |_o, call, result| made(call, result, $p) }
    };
    (cuArrayCreate_v2 [$array:ident $d:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Array, array_bytes($d.Width, $d.Height, 1, $d.Format, $d.NumChannels), NO_STREAM); then |_o, call, result| made(call, result, $array.addr() as u64) }
    };
    (cuArray3DCreate_v2 [$array:ident $d:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.alloc(MemoryKind::Array, array_bytes($d.Width, $d.Height, $d.Depth, $d.Format, $d.NumChannels), NO_STREAM); then |_o, call, result| made(call, result, $array.addr() as u64) }
    };

    // Frees.
    (cuMemFree_v2 [$p:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Device, $p, NO_STREAM) } };
    (cuMemFreeAsync [$p:ident $stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Pool, $p, $stream) } };
    (cuMemFreeHost [$p:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Host, $p.addr() as u64, NO_STREAM) } };
    (cuMemHostUnregister [$p:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Registered, $p.addr() as u64, NO_STREAM) } };
    (cuMemRelease [$handle:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Physical, $handle, NO_STREAM) } };
    (cuMemAddressFree [$p:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Range, $p, NO_STREAM) } };
    (cuMemUnmap [$p:ident $n:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Mapping, $p, NO_STREAM) } };
    (cuArrayDestroy [$array:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.free(MemoryKind::Array, $array.addr() as u64, NO_STREAM) } };

    // Synchronisations.
    (cuStreamSynchronize [$stream:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.sync_stream($stream) } };
    (cuCtxSynchronize_v2 [$context:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.sync_context() } };
    (cuEventSynchronize [$event:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.sync_event(SyncKind::Event, $event, NO_STREAM) } };
    (cuStreamWaitEvent [$stream:ident $event:ident $flags:ident] $emit:ident $row:tt) => { $emit! { $row op |o| o.sync_event(SyncKind::StreamWaitsEvent, $event, $stream) } };

    // Modules, libraries, kernels.
    (cuModuleLoad [$module:ident $path:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.load(LoadKind::Module, file_bytes($path)); then |_o, call, result| made(call, result, $module.addr() as u64) }
    };
    (cuModuleLoadData [$module:ident $image:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the image.
        $emit! { $row op |o| o.load(LoadKind::Module, unsafe { image_bytes($image) }); then |_o, call, result| made(call, result, $module.addr() as u64) }
    };
    (cuModuleLoadDataEx [$module:ident $image:ident $n:ident $options:ident $values:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the image.
        $emit! { $row op |o| o.load(LoadKind::Module, unsafe { image_bytes($image) }); then |_o, call, result| made(call, result, $module.addr() as u64) }
    };
    (cuModuleLoadFatBinary [$module:ident $image:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the image.
        $emit! { $row op |o| o.load(LoadKind::Module, unsafe { image_bytes($image) }); then |_o, call, result| made(call, result, $module.addr() as u64) }
    };
    (cuModuleUnload [$module:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.unload(LoadKind::Module, $module.addr()); then |o, _call, _result| o.facts.forget_kernels() }
    };
    (cuModuleGetFunction [$f:ident $module:ident $name:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.facts.note_function(*$f) } }
    };
    (cuLibraryLoadData [$library:ident $image:ident $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident] $emit:ident $row:tt) => {
        // SAFETY: the caller's promise covers the image.
        $emit! { $row op |o| o.load(LoadKind::Library, unsafe { image_bytes($image) }); then |_o, call, result| made(call, result, $library.addr() as u64) }
    };
    (cuLibraryLoadFromFile [$library:ident $path:ident $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.load(LoadKind::Library, file_bytes($path)); then |_o, call, result| made(call, result, $library.addr() as u64) }
    };
    (cuLibraryUnload [$library:ident] $emit:ident $row:tt) => {
        $emit! { $row op |o| o.unload(LoadKind::Library, $library.addr()); then |o, _call, _result| o.facts.forget_library($library) }
    };
    (cuLibraryGetKernel [$kernel:ident $library:ident $name:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.facts.note_library_kernel(*$kernel, $library) } }
    };
    (cuLibraryEnumerateKernels [$kernels:ident $count:ident $library:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK && !$kernels.is_null() {
            // SAFETY: the driver has filled the list, up to the library's end, where handles are null or what they were.
            let kernels = unsafe { core::slice::from_raw_parts($kernels, $count as usize) };
            kernels.iter().for_each(|kernel| o.facts.note_library_kernel(*kernel, $library));
        } }
    };
    (cuFuncSetAttribute [$f:ident $attribute:ident $value:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.facts.attribute_was_set($f.addr(), $attribute, $value) } }
    };
    (cuKernelSetAttribute [$attribute:ident $value:ident $kernel:ident $device:ident] $emit:ident $row:tt) => {
        $emit! { $row then |o, _call, result| if result == OK { o.facts.attribute_was_set($kernel.addr(), $attribute, $value) } }
    };

    // Contexts and streams that come and go.
    (cuStreamDestroy_v2 [$stream:ident] $emit:ident $row:tt) => { $emit! { $row then |o, _call, _result| o.facts.forget_stream($stream) } };
    (cuCtxDestroy_v2 [$context:ident] $emit:ident $row:tt) => { $emit! { $row op? |o| o.contexts_go(); then |o, _call, _result| o.forget_contexts() } };
    (cuCtxDetach [$context:ident] $emit:ident $row:tt) => { $emit! { $row op? |o| o.contexts_go(); then |o, _call, _result| o.forget_contexts() } };
    (cuGreenCtxDestroy [$context:ident] $emit:ident $row:tt) => { $emit! { $row op? |o| o.contexts_go(); then |o, _call, _result| o.forget_contexts() } };
    (cuDevicePrimaryCtxRelease_v2 [$device:ident] $emit:ident $row:tt) => { $emit! { $row op? |o| o.contexts_go(); then |o, _call, _result| o.forget_contexts() } };
    (cuDevicePrimaryCtxReset_v2 [$device:ident] $emit:ident $row:tt) => { $emit! { $row op? |o| o.contexts_go(); then |o, _call, _result| o.forget_contexts() } };

    // Everything else goes to the next driver.
    ($other:ident $names:tt $emit:ident $row:tt) => { $emit! { $row nothing } };
}

/// From where to where a copy goes that says so itself.
macro_rules! ends {
    ($copy:ident) => {
        copy_kind($copy.srcMemoryType, $copy.dstMemoryType)
    };
}

/// A method that shows an op.
macro_rules! method {
    ($row:tt nothing) => {};
    ($row:tt op |$o:ident| $op:expr) => {
        method! { $row op? |$o| Some($op); then |_o, _call, _result| () }
    };
    ($row:tt op |$o:ident| $op:expr; then |$l:ident, $call:ident, $result:ident| $then:expr) => {
        method! { $row op? |$o| Some($op); then |$l, $call, $result| $then }
    };
    ($row:tt then |$l:ident, $call:ident, $result:ident| $then:expr) => {
        method! { $row op? |_o| None; then |$l, $call, $result| $then }
    };
    (
        ([] $symbol:ident ($($name:ident: $role:ident $ty:ty),*))
        op? |$o:ident| $op:expr; then |$l:ident, $call:ident, $result:ident| $then:expr
    ) => {
        fn $symbol(&self, $($name: parameter!($role $ty)),*) -> CUresult {
            let mut place = MaybeUninit::uninit();
            let is_begun = self.begin(&mut place, |$o: &Self| $op);
            let result = self.below.$symbol($($name),*);
            // SAFETY: what is begun is in its place.
            let call = is_begun.then(|| unsafe { place.assume_init_mut() });
            self.end(call, result, |$l: &Self, $call: Option<&mut Call>, $result: CUresult| $then);
            result
        }
    };
    (
        ([unsafe] $symbol:ident ($($name:ident: $role:ident $ty:ty),*))
        op? |$o:ident| $op:expr; then |$l:ident, $call:ident, $result:ident| $then:expr
    ) => {
        /// # Safety
        /// As [`Driver`] says.
        unsafe fn $symbol(&self, $($name: parameter!($role $ty)),*) -> CUresult {
            let mut place = MaybeUninit::uninit();
            let is_begun = self.begin(&mut place, |$o: &Self| $op);
            // SAFETY: the caller's promise is handed on unchanged.
            let result = unsafe { self.below.$symbol($($name),*) };
            // SAFETY: what is begun is in its place.
            let call = is_begun.then(|| unsafe { place.assume_init_mut() });
            self.end(call, result, |$l: &Self, $call: Option<&mut Call>, $result: CUresult| $then);
            result
        }
    };
}

/// Whether a function is in [`HOOKED`].
macro_rules! is_hooked {
    ($row:tt nothing) => {
        false
    };
    ($row:tt $($hook:tt)*) => {
        true
    };
}

macro_rules! layer {
    (
        methods { $($phase:ident [$($unsafe:ident)?] $symbol:ident = $base:literal @ $since:literal ($($name:ident: $role:ident $ty:ty),*);)* }
        $($rest:tt)*
    ) => {
        #[allow(non_snake_case, reason = "C's names; the CUDA driver API documents them")]
        impl<D: Driver, O: Observer> Driver for Observed<D, O> {
            fn next(&self) -> Option<&dyn Driver> {
                Some(&self.below)
            }

            $(hooks! { $symbol [$($name)*] method ([$($unsafe)?] $symbol ($($name: $role $ty),*)) })*
        }

        /// Each method of the driver, and whether the layer does more than hand it on.
        const METHODS: &[(&str, bool)] = &[$((stringify!($symbol), hooks!($symbol [$($name)*] is_hooked ())),)*];
    };
}

for_each_driver_function!(layer);

/// The methods of the driver that the layer does more with than hand them on. Every other may go to the driver without it.
pub const HOOKED: &[&str] = &{
    const COUNT: usize = {
        let (mut count, mut method) = (0, 0);
        while method < METHODS.len() {
            count += METHODS[method].1 as usize;
            method += 1;
        }
        count
    };
    let (mut hooked, mut count, mut method) = ([""; COUNT], 0, 0);
    while method < METHODS.len() {
        if METHODS[method].1 {
            hooked[count] = METHODS[method].0;
            count += 1;
        }
        method += 1;
    }
    hooked
};

const fn shape(grid: [u32; 3], block: [u32; 3], dynamic_shared: u32) -> LaunchShape {
    LaunchShape { grid, block, dynamic_shared, cluster: 0 }
}

/// Puts the address or handle of what was made into the op.
fn made(call: Option<&mut Call>, result: CUresult, at: u64) {
    if let (Some(call), OK) = (call, result) {
        match &mut call.op.action {
            Action::Alloc { address, .. } => *address = at,
            Action::Load { handle, .. } => *handle = at,
            _ => {}
        }
    }
}

/// As [`made`], with the size, which the driver has chosen.
fn made_pitched(mut call: Option<&mut Call>, result: CUresult, at: u64, size: usize) {
    if let (Some(Call { op: Op { action: Action::Alloc { bytes, .. }, .. }, .. }), OK) = (call.as_deref_mut(), result) {
        *bytes = size as u64;
    }
    made(call, result, at);
}

/// Size of a file; 0 if there is none.
fn file_bytes(path: &CStr) -> u64 {
    std::fs::metadata(std::ffi::OsStr::from_bytes(path.to_bytes())).map_or(0, |metadata| metadata.len())
}
