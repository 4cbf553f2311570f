#!/usr/bin/env python3
"""Records how the GPU of this machine moves the boxes of a list, such as boxes-h100.txt, whose first lines say what a line holds.

    record_boxes.py boxes-h100.txt > again.txt

Needs Python and a driver. Each box has a process of its own, since an illegal instruction ends a context.
"""

import array
import concurrent.futures
import ctypes
import subprocess
import sys
import zlib

TENSOR_BYTES = 1 << 17
SPARE_BYTES = 1024
ELEMENT_BYTES = [1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4]
MAX_DYNAMIC_SHARED, THREADS = 8, 128

KERNEL = """.version 8.3
.target sm_90
.address_size 64
.extern .shared .align 1024 .b8 box[];
.visible .entry move_box(.param .align 64 .b8 map[128], .param .u64 output, .param .align 4 .b8 numbers[32], .param .u32 bytes,
                         .param .u32 words) {{
.shared .align 8 .b64 arrivals;
.reg .pred %more, %other, %done; .reg .b32 %c<5>; .reg .b16 %o<3>; .reg .b64 %map, %out, %at, %state;
.reg .b32 %lane, %words, %bytes, %base, %word, %place, %value, %turns;
mov.u32 %lane, %tid.x; ld.param.u32 %words, [words]; ld.param.u32 %bytes, [bytes]; ld.param.u64 %out, [output];
cvta.to.global.u64 %out, %out; mov.u32 %base, box; mov.u32 %word, %lane;
FILL: setp.lt.u32 %more, %word, %words; @!%more bra FILLED; {fill};
shl.b32 %place, %word, 2; add.u32 %place, %place, %base; st.shared.u32 [%place], %value; add.u32 %word, %word, {threads}; bra FILL;
FILLED: setp.ne.u32 %other, %lane, 0; @%other bra READY; mbarrier.init.shared.b64 [arrivals], 1;
READY: fence.proxy.async; bar.sync 0; @%other bra MOVED;
mov.b64 %map, map; cvta.param.u64 %map, %map;
ld.param.u32 %c0, [numbers]; ld.param.u32 %c1, [numbers+4]; ld.param.u32 %c2, [numbers+8]; ld.param.u32 %c3, [numbers+12];
ld.param.u32 %c4, [numbers+16]; ld.param.u16 %o0, [numbers+20]; ld.param.u16 %o1, [numbers+24]; ld.param.u16 %o2, [numbers+28];
mbarrier.arrive.expect_tx.shared.b64 %state, [arrivals], %bytes;
{instruction};
cp.async.bulk.commit_group; cp.async.bulk.wait_group 0; mov.u32 %turns, 0;
WAIT: mbarrier.test_wait.parity.shared.b64 %done, [arrivals], 0; @%done bra MOVED;
add.u32 %turns, %turns, 1; setp.lt.u32 %more, %turns, 100000; @%more bra WAIT; trap;
MOVED: bar.sync 0; mov.u32 %word, %lane;
COPY: setp.lt.u32 %more, %word, %words; @!%more bra COPIED; shl.b32 %place, %word, 2; cvt.u64.u32 %at, %place; add.u64 %at, %at, %out;
add.u32 %place, %place, %base; ld.shared.u32 %value, [%place]; st.global.u32 [%at], %value; add.u32 %word, %word, {threads}; bra COPY;
COPIED: ret;
}}
"""


class Failed(Exception):
    pass


class Gpu:
    def __init__(self):
        self.driver = ctypes.CDLL("libcuda.so.1")
        context = ctypes.c_void_p()
        self.call("cuInit", 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self.call("cuCtxSetCurrent", context)

    def call(self, function, *arguments):
        code = getattr(self.driver, function)(*arguments)
        if code != 0:
            raise Failed(f"{function} answers {code}")

    def memory(self, content):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(len(content)))
        self.call("cuMemcpyHtoD_v2", address, content, ctypes.c_size_t(len(content)))
        return address

    def read(self, address, count):
        content = ctypes.create_string_buffer(count)
        self.call("cuMemcpyDtoH_v2", content, address, ctypes.c_size_t(count))
        return content.raw

    def run(self, instruction, fill, map_address, output, numbers, count, words):
        text = KERNEL.format(instruction=instruction, fill=fill, threads=THREADS).encode() + b"\0"
        module, kernel = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), text)
        self.call("cuModuleGetFunction", ctypes.byref(kernel), module, b"move_box")
        self.call("cuFuncSetAttribute", kernel, MAX_DYNAMIC_SHARED, 100_000)
        values = [output, (ctypes.c_int32 * 8)(*numbers), ctypes.c_uint32(count), ctypes.c_uint32(words)]
        pointers = [ctypes.c_void_p(map_address)] + [ctypes.cast(ctypes.byref(value), ctypes.c_void_p) for value in values]
        self.call("cuLaunchKernel", kernel, 1, 1, 1, THREADS, 1, 1, 4 * words, None, (ctypes.c_void_p * 5)(*pointers), None)
        self.call("cuCtxSynchronize")


def numbers_of(text):
    return [] if text == "-" else [int(number) for number in text.split(",")]


def array_of(kind, numbers):
    return (kind * max(len(numbers), 1))(*numbers)


def record(line):
    """The line with what the GPU does."""
    inputs, _, outcome = line.partition(" = ")
    _, mode, element, sizes, strides, box, steps, interleave, swizzle, fill, offset, coordinates, offsets = inputs.split()
    sizes, strides, steps, coordinates, offsets = map(numbers_of, (sizes, strides, steps, coordinates, offsets))
    element, interleave, rank = int(element), int(interleave), len(sizes)
    unit = [ELEMENT_BYTES[element], 16, 32][interleave]
    gpu = Gpu()
    pattern = array.array("H", [(index + 1) & 0xFFFF for index in range(TENSOR_BYTES // 2)]).tobytes()
    tensor, output = gpu.memory(pattern), gpu.memory(bytes(TENSOR_BYTES))
    storage = ctypes.create_string_buffer(256)
    map_address = (ctypes.addressof(storage) + 127) & ~127
    head = (ctypes.c_void_p(map_address), element, rank, ctypes.c_uint64(tensor.value + int(offset)),
            array_of(ctypes.c_uint64, sizes), array_of(ctypes.c_uint64, strides))
    tail = (array_of(ctypes.c_uint32, steps), interleave, int(swizzle), 0, int(fill))
    is_tile = mode == "tile"
    try:
        if is_tile:
            extents = numbers_of(box)
            gpu.call("cuTensorMapEncodeTiled", *head, array_of(ctypes.c_uint32, extents), *tail)
            counts = [-(-extent // step) for extent, step in zip(extents, steps)]
            if interleave:
                counts[rank - 2] = 1
            else:
                counts[0] = extents[0]
        else:
            lower, upper, channels, pixels = box.split("/")
            corners = [array_of(ctypes.c_int32, numbers_of(corner)) for corner in (lower, upper)]
            gpu.call("cuTensorMapEncodeIm2col", *head, *corners, int(channels), int(pixels), *tail)
            counts = [int(channels), int(pixels)]
    except Failed:
        return f"{inputs} = refused"
    count = unit
    for side in counts:
        count *= side
    # How much was looked at before is looked at again.
    known = outcome.split(" ")[0]
    looked_at = int(known) if known.isdigit() else count
    words = (looked_at + SPARE_BYTES) // 4
    numbers = coordinates + [0] * (5 - rank) + offsets + [0] * (3 - len(offsets))
    place = "[%map, {" + ", ".join(f"%c{index}" for index in range(rank)) + "}]"
    load_mode, store_mode = ("tile", "tile") if is_tile else ("im2col", "im2col_no_offs")
    distances = "" if is_tile else ", {" + ", ".join(f"%o{index}" for index in range(rank - 2)) + "}"
    load = f"cp.async.bulk.tensor.{rank}d.shared::cluster.global.{load_mode}.mbarrier::complete_tx::bytes [box], {place}, [arrivals]{distances}"
    store = f"cp.async.bulk.tensor.{rank}d.global.shared::cta.{store_mode}.bulk_group {place}, [box]"
    gpu.run(load, "mov.u32 %value, 0xEEEEEEEE", map_address, output, numbers, count, words)
    loaded = zlib.crc32(gpu.read(output, 4 * words))
    try:
        gpu.run(store, "mul.lo.u32 %value, %word, 0x9E3779B1", map_address, output, numbers, 0, words)
        stored = zlib.crc32(gpu.read(tensor, TENSOR_BYTES))
    except Failed:
        stored = "fault"
    return f"{inputs} = {looked_at} {loaded} {stored}"


def main():
    if sys.argv[1] == "--line":
        print(record(sys.argv[2]))
        return
    with open(sys.argv[1]) as file:
        lines = file.read().splitlines()

    def in_a_process(line):
        command = [sys.executable, __file__, "--line", line]
        return line if line.startswith("#") else subprocess.run(command, capture_output=True, text=True, check=True).stdout.rstrip()

    with concurrent.futures.ThreadPoolExecutor(8) as processes:
        for line in processes.map(in_a_process, lines):
            print(line)


if __name__ == "__main__":
    main()
