#!/usr/bin/env python3
"""Prints what the CUDA driver says of a device, as JSON: name, driver, memory and every attribute that it knows.

    python3 record_attributes.py [ordinal] > recorded/<profile>.json

Needs nothing but Python and a driver. `tests/recorded.rs` compares a recording with the profile of that name.
"""

import ctypes
import datetime
import json
import sys

# Attributes are asked for up to here; the driver refuses those that it does not know.
LAST_ATTRIBUTE = 255


def main():
    ordinal = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    driver = ctypes.CDLL("libcuda.so.1")

    def call(name, *arguments):
        error = getattr(driver, name)(*arguments)
        if error != 0:
            sys.exit(f"{name} failed with error {error}")

    def number(name, *arguments):
        value = ctypes.c_int()
        call(name, ctypes.byref(value), *arguments)
        return value.value

    call("cuInit", 0)
    device = number("cuDeviceGet", ordinal)
    name = ctypes.create_string_buffer(256)
    call("cuDeviceGetName", name, len(name), device)
    memory = ctypes.c_size_t()
    call("cuDeviceTotalMem_v2", ctypes.byref(memory), device)

    attributes = {}
    for attribute in range(1, LAST_ATTRIBUTE + 1):
        value = ctypes.c_int()
        if driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device) == 0:
            attributes[str(attribute)] = value.value

    recording = {
        "name": name.value.decode(),
        "cuda_version": number("cuDriverGetVersion"),
        "date": datetime.date.today().isoformat(),
        "memory_bytes": memory.value,
        "attributes": attributes,
    }
    json.dump(recording, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
