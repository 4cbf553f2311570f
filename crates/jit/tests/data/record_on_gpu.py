#!/usr/bin/env python3
"""Lets the GPU of this machine answer random PTX programs, for tests/recorded.rs.

    cargo run -p jit --example random_cases 20 Matrix Cooperation > cases.jsonl     anywhere
    record_on_gpu.py cases.jsonl random-ptx-h100.bin                                      on a machine with the card
    zstd -19 random-ptx-h100.bin                                                          anywhere

Needs Python and the driver alone. tests/recorded.rs says what the recording looks like.
"""

import ctypes
import datetime
import json
import pathlib
import subprocess
import sys

cuda = ctypes.CDLL("libcuda.so.1")


def call(name, *arguments):
    result = getattr(cuda, name)(*arguments)
    if result != 0:
        text = ctypes.c_char_p()
        cuda.cuGetErrorName(result, ctypes.byref(text))
        raise RuntimeError(f"{name}: {(text.value or b'?').decode()}")


def load(code):
    """A module, or what the driver's compiler complains of."""
    module, log = ctypes.c_void_p(), ctypes.create_string_buffer(4096)
    # CU_JIT_ERROR_LOG_BUFFER and its size.
    options = (ctypes.c_int * 2)(5, 6)
    values = (ctypes.c_void_p * 2)(ctypes.addressof(log), len(log))
    try:
        call("cuModuleLoadDataEx", ctypes.byref(module), code.encode() + b"\0", 2, options, values)
    except RuntimeError as error:
        raise RuntimeError(f"{error}: {log.value.decode(errors='replace')}") from None
    return module


def answer(case):
    """The output buffer of a program."""
    module, function = load(case["code"]), ctypes.c_void_p()
    call("cuModuleGetFunction", ctypes.byref(function), module, b"k")
    text = case["inputs"]
    words = [int(text[at : at + 16], 16) for at in range(0, len(text), 16)]
    inputs = b"".join(word.to_bytes(8, "little") for word in words)
    output = bytearray(8 * case["output_words"])
    places = []
    for content in (inputs, bytes(output)):
        place = ctypes.c_uint64()
        call("cuMemAlloc_v2", ctypes.byref(place), ctypes.c_size_t(max(len(content), 8)))
        call("cuMemcpyHtoD_v2", place, content, ctypes.c_size_t(len(content)))
        places.append(place)
    parameters = (ctypes.c_void_p * 2)(*map(ctypes.addressof, places))
    shape = [case["blocks"], 1, 1, case["threads"], 1, 1]
    call("cuLaunchKernel", function, *shape, 0, None, parameters, None)
    call("cuCtxSynchronize")
    received = (ctypes.c_char * len(output)).from_buffer(output)
    call("cuMemcpyDtoH_v2", received, places[1], ctypes.c_size_t(len(output)))
    for place in places:
        call("cuMemFree_v2", place)
    call("cuModuleUnload", module)
    return bytes(output)


def main():
    cases = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0"]
    card, driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip().split(", ")
    context = ctypes.c_void_p()
    call("cuInit", 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
    call("cuCtxSetCurrent", context)
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    with open(sys.argv[2], "wb") as recording:
        recording.write(f"{card}, driver {driver}, {day}\n".encode())
        for case in cases:
            try:
                output = answer(case)
            except RuntimeError as error:
                print(f"{case['family']} {case['seed']}: {error}")
                continue
            head = f"{case['family']} {case['seed']} {case['digest']} {case['output_words']}\n"
            recording.write(head.encode() + output)
    print(f"{len(cases)} programs were given to {card}")


if __name__ == "__main__":
    main()
