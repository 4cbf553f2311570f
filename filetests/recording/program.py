"""Launches two kernels, copies and allocates, through the driver API alone."""

import ctypes
import sys

PTX = b"""
.version 7.0
.target sm_70
.address_size 64
.visible .entry _Z5firstPf(.param .u64 p) { ret; }
.visible .entry second(.param .u64 p) { .reg .b32 %r<2>; mov.u32 %r1, %tid.x; bar.sync 0; ret; }
"""

cuda = ctypes.CDLL("libcuda.so.1")


def call(name, *arguments):
    result = getattr(cuda, name)(*arguments)
    if result != 0:
        sys.exit(f"{name} answers {result}")


def main(launches):
    context, module = ctypes.c_void_p(), ctypes.c_void_p()
    pointer = ctypes.c_uint64()
    call("cuInit", 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
    call("cuCtxSetCurrent", context)
    call("cuModuleLoadData", ctypes.byref(module), PTX)
    call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(1 << 20))
    host = ctypes.create_string_buffer(4096)
    call("cuMemcpyHtoD_v2", pointer, host, ctypes.c_size_t(4096))
    parameters = (ctypes.c_void_p * 1)(ctypes.addressof(pointer))
    for name, count in ((b"_Z5firstPf", launches), (b"second", launches // 2)):
        kernel = ctypes.c_void_p()
        call("cuModuleGetFunction", ctypes.byref(kernel), module, name)
        for _ in range(count):
            call("cuLaunchKernel", kernel, 3, 2, 1, 64, 1, 1, 256, None, parameters, None)
    call("cuCtxSynchronize")
    call("cuMemFree_v2", pointer)


main(int(sys.argv[1]))
