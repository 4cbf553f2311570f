#!/usr/bin/env python3
"""Compares the theoretical occupancy in recordings with what NVIDIA's driver says on the card of this machine.

    occupancy_on_gpu.py --lib target/dist/lib --apex target/dist/bin/apex --out ../crates/device-model/tests/data/occupancy-h100.json [--pairs N] [--cases N]

Compiles the CUDA cases, and captures launches of all their kernels in many shapes into graphs, which executes nothing, while our library records. Each
record's number of blocks is compared with `cuOccupancyMaxActiveBlocksPerMultiprocessor`, asked in the same process. The outcome holds
every pair with the kernel's figures, so that they can be compared again on any machine (crates/device-model/tests/card.rs); `blocks_max` is what the driver says of
blocks of one thread, which tells of the kernel's barriers.

Needs Python, nvcc and the two binaries.
"""

import argparse
import concurrent.futures
import ctypes
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import record_on_gpu

SEED = 20261127
# CUfunction_attribute.
MAX_THREADS, STATIC, CONSTANT, LOCAL, REGISTERS = 0, 1, 2, 3, 4
MAX_DYNAMIC, CARVEOUT = 8, 9
PARAMETERS_MAX = 1024


class Cuda:
    """The driver API, of whatever library the loader finds."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def call(*arguments):
            result = function(*arguments)
            if result != 0:
                raise RuntimeError(f"{name} answers {result}")

        return call

    def attribute(self, function, attribute):
        value = ctypes.c_int()
        self.cuFuncGetAttribute(ctypes.byref(value), attribute, function)
        return value.value


def kernels_of(cuda, image):
    module, count = ctypes.c_void_p(), ctypes.c_uint()
    cuda.cuModuleLoadData(ctypes.byref(module), image)
    cuda.cuModuleGetFunctionCount(ctypes.byref(count), module)
    functions = (ctypes.c_void_p * count.value)()
    cuda.cuModuleEnumerateFunctions(functions, count, module)
    # Modules are loaded lazily, unless told otherwise.
    handles = [ctypes.c_void_p(function) for function in functions]
    return [handle for handle in handles if cuda.library.cuFuncLoad(handle) == 0]


def shapes(generator, threads_max, static, optin):
    """Blocks and dynamic shared memory, whether more than 48 KiB are asked for, and the carve-out."""
    threads = generator.choice([32 * generator.randint(1, threads_max // 32 or 1), generator.randint(1, threads_max)])
    threads = min(threads, threads_max)
    plain = max(48 * 1024 - static, 0)
    dynamic, raised = 0, False
    if generator.random() < 0.6:
        dynamic = generator.randint(0, plain)
    if generator.random() < 0.3 and optin > static:
        raised, dynamic = True, generator.randint(0, optin - static)
    carveout = generator.choice([-1, -1, -1, 0, 25, 50, 75, 100, generator.randint(0, 100)])
    return threads, dynamic, raised, carveout


def launch_all(images, pairs, result):
    """The child: captures launches, and writes what the driver says of each."""
    cuda, generator = Cuda(), random.Random(SEED)
    context, stream, graph, optin = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int()
    cuda.cuInit(0)
    cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
    cuda.cuCtxSetCurrent(context)
    cuda.cuDeviceGetAttribute(ctypes.byref(optin), 97, 0)
    cuda.cuStreamCreate(ctypes.byref(stream), 1)
    functions = []
    for image in sorted(pathlib.Path(images).iterdir()):
        functions += kernels_of(cuda, image.read_bytes())
    # What no launch reads, as none is executed: enough for any kernel's parameters.
    zero = ctypes.create_string_buffer(32768)
    parameters = (ctypes.c_void_p * PARAMETERS_MAX)(*[ctypes.addressof(zero)] * PARAMETERS_MAX)
    told, asked = [], 0
    while asked < pairs:
        for function in functions:
            figures = {name: cuda.attribute(function, number) for name, number in
                       [("threads_max", MAX_THREADS), ("static", STATIC), ("registers", REGISTERS)]}
            threads, dynamic, raised, carveout = shapes(generator, figures["threads_max"], figures["static"], optin.value)
            if figures["static"] + dynamic > 48 * 1024 and not raised:
                continue
            limit = max(optin.value - figures["static"], 0) if raised else max(48 * 1024 - figures["static"], 0)
            cuda.cuFuncSetAttribute(function, MAX_DYNAMIC, limit)
            cuda.cuFuncSetAttribute(function, CARVEOUT, carveout)
            blocks = ctypes.c_int()
            cuda.cuOccupancyMaxActiveBlocksPerMultiprocessor(
                ctypes.byref(blocks), function, threads, ctypes.c_size_t(dynamic))
            blocks_max = ctypes.c_int()
            cuda.cuOccupancyMaxActiveBlocksPerMultiprocessor(ctypes.byref(blocks_max), function, 1, ctypes.c_size_t(0))
            cuda.cuStreamBeginCapture_v2(stream, 2)
            code = cuda.library.cuLaunchKernel(
                function, asked + 1, 1, 1, threads, 1, 1, dynamic, stream, parameters, None)
            # A launch that is refused, such as one that is no multiple of its clusters, ends the capture; it is recorded all the same.
            if cuda.library.cuStreamEndCapture(stream, ctypes.byref(graph)) == 0 and graph:
                cuda.cuGraphDestroy(graph)
            graph.value = None
            told.append([figures["registers"], figures["static"], threads, dynamic, int(raised), carveout, blocks_max.value, blocks.value, code])
            asked += 1
    pathlib.Path(result).write_text(json.dumps(told))


def compile_cases(nvcc, folder, jobs, most):
    capability = record_on_gpu.output_of(["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader", "--id=0"])
    target = f"-arch=sm_{capability.replace('.', '')}"

    def one(case):
        flags = [flag for flag in case.flags if not flag.startswith(("-arch", "-gencode", "-rdc"))]
        output = folder / f"{case.name.replace('/', '-')}.cubin"
        command = [nvcc, *flags, target, "-cubin", str(case.path), "-o", str(output)]
        return subprocess.run(command, capture_output=True, timeout=600).returncode == 0

    cases = [case for case in record_on_gpu.all_cases() if case.path.suffix == ".cu" and not case.parts]
    # Some of all kinds: names that are alike lie together.
    cases = cases[:: -(-len(cases) // most)] if most else cases
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(one, cases)), len(cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lib", type=pathlib.Path, required=True)
    parser.add_argument("--apex", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--pairs", type=int, default=4000)
    parser.add_argument("--cases", type=int, help="compile about so many of the cases; all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return launch_all(arguments.child[0], arguments.pairs, arguments.child[1])
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "images").mkdir()
        compiled, cases = compile_cases(record_on_gpu.shutil.which("nvcc"), scratch / "images", arguments.jobs, arguments.cases)
        print(f"{compiled} of {cases} cases compiled")
        result, recording, rows = scratch / "told", scratch / "recording", scratch / "rows"
        environment = dict(os.environ, APEX_BACKEND="nvidia", APEX_RECORD=str(recording), APEX_RECORD_BUFFER="64M")
        environment["LD_LIBRARY_PATH"] = f"{arguments.lib.resolve()}:{os.environ.get('LD_LIBRARY_PATH', '')}"
        subprocess.run([sys.executable, *sys.argv, "--child", str(scratch / "images"), str(result)], env=environment, check=True)
        subprocess.run([arguments.apex, "export", recording, "--to", "json", "-o", rows], check=True)
        told = json.loads(result.read_text())
        recorded = {}
        for line in rows.read_text().splitlines():
            row = json.loads(line)
            if row["kind"] == "launch":
                recorded[row["grid"][0]] = row
        differing, unlaunched = [], 0
        for index, (registers, static, threads, dynamic, raised, carveout, _, blocks, code) in enumerate(told):
            row = recorded[index + 1]
            unlaunched += code != 0
            same = [row["registers"], row["static_shared_bytes"], row["block"][0], row["dynamic_shared_bytes"]]
            assert same == [registers, static, threads, dynamic], (row, told[index])
            if row["active_blocks"] != blocks:
                differing.append(told[index] + [row["active_blocks"], row["name"]])
        names = {row["name"] for row in recorded.values()}
        card, driver = record_on_gpu.output_of(
            ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0"]).split(", ")
        outcome = {
            "card": card,
            "driver": driver,
            "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            "kernels": len(names),
            "differing": len(differing),
            "columns": ["registers", "static", "threads", "dynamic", "raised", "carveout", "blocks_max", "blocks"],
            "pairs": [pair[:8] for pair in told],
        }
        text = json.dumps(outcome).replace("], [", "],\n[")
        arguments.out.write_text(text + "\n")
        print(f"{len(told)} pairs of {len(names)} kernels on {card}, driver {driver}: {len(differing)} differ; "
              f"{unlaunched} were refused in the capture")
        for pair in differing[:20]:
            print("driver", pair[7], "recorded", pair[9], pair)
        return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
