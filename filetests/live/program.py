"""Uses the driver API as it is told on stdin, a line at a time, and answers each line with another.

  launch N    launches the kernel `first(float*)` N times and waits
  second N    the same with the kernel `second`
  allocate N  allocates N bytes, and copies 4096 bytes there
  refused     makes a call that the driver refuses
  fork        makes a child that ends by way of its exit handlers, and waits for it
  exec        becomes another process of this program, with the same number
  exit        exits
"""

import ctypes
import os
import signal
import sys

# Whoever waits for this must not wait for ever.
signal.alarm(300)

PTX = b"""
.version 7.0
.target sm_70
.address_size 64
.visible .entry _Z5firstPf(.param .u64 p) { ret; }
.visible .entry second(.param .u64 p) { ret; }
"""

cuda = ctypes.CDLL("libcuda.so.1")
module, pointer = ctypes.c_void_p(), ctypes.c_uint64()
parameters = (ctypes.c_void_p * 1)(ctypes.addressof(pointer))


def call(name, *arguments):
    result = getattr(cuda, name)(*arguments)
    if result != 0:
        sys.exit(f"{name} answers {result}")


def start():
    context = ctypes.c_void_p()
    call("cuInit", 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
    call("cuCtxSetCurrent", context)
    call("cuModuleLoadData", ctypes.byref(module), PTX)


def launch(name, count):
    kernel = ctypes.c_void_p()
    call("cuModuleGetFunction", ctypes.byref(kernel), module, name)
    for number in range(count):
        call("cuLaunchKernel", kernel, 1 + number % 3, 1, 1, 64, 1, 1, 0, None, parameters, None)
        if number % 1000 == 999:
            # So that no buffer of the thread is ever full.
            call("cuCtxSynchronize")
    call("cuCtxSynchronize")


def fork():
    child = os.fork()
    if child == 0:
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit(f"the child ends with {status}")


def main():
    start()
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "launch":
            launch(b"_Z5firstPf", int(arguments[0]))
        elif command == "second":
            launch(b"second", int(arguments[0]))
        elif command == "allocate":
            call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(int(arguments[0])))
            call("cuMemcpyHtoD_v2", pointer, ctypes.create_string_buffer(4096), ctypes.c_size_t(4096))
        elif command == "refused":
            assert cuda.cuMemFree_v2(ctypes.c_uint64(0x1234)) == 1
        elif command == "fork":
            fork()
        elif command == "exec":
            print("done", flush=True)
            os.execv(sys.executable, [sys.executable, *sys.argv])
        elif command == "exit":
            break
        print("done", flush=True)


main()
