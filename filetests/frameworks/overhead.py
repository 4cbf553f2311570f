#!/usr/bin/env python3
"""What APEX costs a training step of PyTorch: direct, in front of NVIDIA's driver, and recording.

    overhead.py [--lib target/dist/lib] [--sets 4] [--seconds 200] [--json FILE]
    overhead.py --also "device times:APEX_RECORD={record},OTHER=1"     a further variant; {record} is a file of its own

The step is one of a transformer encoder (4 layers of width 256, 8 sequences of 128 tokens) with Adam, and ends when the device has done it. Its time
varies by more than what is to be seen: with the neighbours of the machine, and by some percent from process to process, of the same program too. Therefore

- all processes live at the same time, on the same CPUs, and one of them works at a time: for a block of steps, in turns of a
  fraction of a second. What changes slowly meets all of them alike;
- what recording costs is measured within processes: every few milliseconds the library takes its layers out of the way of calls or puts them back, and what
  was measured with them is compared with its neighbour without. The interval, of 95 %, is a bootstrap over all pairs;
- what stands in front of the driver at all is compared between processes: a set has one of each variant, and a second direct one, which shows what the
  method makes of no difference. The interval is Student's, over the sets.

CPU time is of all threads of a process, so that a writer that runs beside the program counts.
"""

import argparse
import gc
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import compare

# Steps of a block, and those before it that are not measured.
STEPS_WARM, STEPS = 2, 12
# Steps with layers, and as many without, that make a pair; and pairs that are asked for together.
PAIR_STEPS, PAIRS = 2, 25
# Steps after each switch that are not measured: layers that come back ask anew what each function is, as they do at its first launch.
STEPS_SWITCHED = 1
# The share of the time that is spent on measuring within processes.
WITHIN_SHARE = 0.6
BOOTSTRAPS = 2000
# The identifier of the library's own table (crates/driver-api/src/inspection.rs), and the place in it of what switches layers.
TABLE_ID, SET_LAYERS = b"APEX inspection1", 3
# Student's t for 95 %, two-sided, by degrees of freedom.
STUDENT = [math.nan, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23]
VARIANTS = {
    "direct again": {},
    "pass-through": {"APEX_BACKEND": "nvidia"},
    "recording": {"APEX_BACKEND": "nvidia", "APEX_RECORD": "{record}"},
}


def layers():
    """What switches the layers of our library in this process."""
    import ctypes

    library, table = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p()
    if library.cuGetExportTable(ctypes.byref(table), TABLE_ID) != 0:
        sys.exit("the library has no table of ours")
    slots = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))
    return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint)(slots[SET_LAYERS])


def worker():
    """Steps in blocks, or in pairs with layers and without, as each line says; answers with wall and CPU times of a step, in s."""
    sys.path.insert(0, str(compare.PROGRAMS))
    import torch
    import torch_models

    torch.manual_seed(1)
    network = torch_models.encoder(256, 4).cuda()
    x = torch.randn(8, 128, 256, device="cuda")
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        network(x).square().mean().backward()
        optimizer.step()
        torch.cuda.synchronize()

    for _ in range(50):
        step()
    gc.collect()
    gc.freeze()
    gc.disable()

    def measured(steps):
        """The median wall time and the mean CPU time of a step."""
        walls, cpu = [], time.process_time()
        for _ in range(steps):
            start = time.perf_counter()
            step()
            walls.append(time.perf_counter() - start)
        return statistics.median(walls), (time.process_time() - cpu) / steps

    print("ready", flush=True)
    switch = None
    for line in sys.stdin:
        for _ in range(STEPS_WARM):
            step()
        if line.strip() == "block":
            answer = measured(STEPS)
        else:
            switch = switch or layers()
            answer = [pair(switch, measured, number % 2 == 0) for number in range(PAIRS)]
        print(json.dumps(answer), flush=True)


def pair(switch, measured, with_layers_first):
    """What was measured with layers and without. The order is with, without, without, with: what drifts steadily cancels out."""
    found = {}
    for are_there in (with_layers_first, not with_layers_first):
        if switch(int(are_there)) != 0:
            sys.exit("layers cannot be switched")
        measured(STEPS_SWITCHED)
        found[are_there] = measured(PAIR_STEPS)
    return found[True], found[False]


class Worker:
    """A process that is told when to work."""

    def __init__(self, variables, library, cpus, scratch, number):
        self.variables = variables
        environment = {key: value for key, value in os.environ.items() if key == compare.REAL_LIBRARY or not key.startswith(compare.OWN_PREFIX)}
        environment["PYTHONHASHSEED"] = "0"
        for key, value in variables.items():
            environment[key] = value.replace("{record}", str(scratch / f"recording.{number}"))
        if "APEX_BACKEND" in variables:
            environment["LD_PRELOAD"] = ":".join(filter(None, [str(library), os.environ.get("LD_PRELOAD")]))
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"a process ended with {self.process.wait()}")
        return line

    def ask(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return json.loads(self.read())

    def records(self):
        return "{record}" in "".join(self.variables.values())

    def has_ours(self, library):
        return str(library.resolve()) in pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(timeout=60)


def estimate(ratios):
    """The geometric mean of the sets' ratios, and its interval."""
    logarithms = [math.log(ratio) for ratio in ratios]
    mean = statistics.fmean(logarithms)
    if len(logarithms) < 2:
        return {"ratio": math.exp(mean), "low": None, "high": None, "sets": ratios}
    degrees = len(logarithms) - 1
    student = STUDENT[degrees] if degrees < len(STUDENT) else 2.2
    half = student * statistics.stdev(logarithms) / math.sqrt(len(logarithms))
    return {"ratio": math.exp(mean), "low": math.exp(mean - half), "high": math.exp(mean + half), "sets": ratios}


def between(sets, seconds):
    """Blocks of all processes in turns. For each set and variant the list of its blocks, one a turn."""
    blocks = [{name: [] for name in workers} for workers in sets]
    draw = random.Random(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for workers, found in zip(sets, blocks):
            order = list(workers)
            draw.shuffle(order)
            for name in order:
                found[name].append(workers[name].ask("block"))
    return blocks


def within(sets, seconds):
    """For each variant that records the pairs (with layers, without) of its processes of all sets."""
    pairs = {}
    recording = [(name, worker) for workers in sets for name, worker in workers.items() if worker.records()]
    for name, worker in recording:
        end = time.monotonic() + seconds / len(recording)
        while time.monotonic() < end:
            pairs.setdefault(name, []).extend(worker.ask("pairs"))
    return pairs


def bootstrap(ratios):
    """The median, and its interval over resampled pairs."""
    draw = random.Random(2)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(BOOTSTRAPS))
    low, high = medians[BOOTSTRAPS * 25 // 1000], medians[BOOTSTRAPS * 975 // 1000]
    return {"ratio": statistics.median(ratios), "low": low, "high": high, "pairs": len(ratios)}


def evaluate(blocks, pairs, variants):
    result = {"turns": len(blocks[0]["direct"]), "direct_wall_us": [], "direct_cpu_us": [], "variants": {}, "within": {}}
    for found in blocks:
        result["direct_wall_us"].append(statistics.median(block[0] for block in found["direct"]) * 1e6)
        result["direct_cpu_us"].append(statistics.median(block[1] for block in found["direct"]) * 1e6)
    for which, kind in enumerate(("wall", "cpu")):
        for name in variants:
            of_sets = [
                statistics.median(a[which] / b[which] for a, b in zip(found[name], found["direct"])) for found in blocks
            ]
            result["variants"].setdefault(name, {})[kind] = estimate(of_sets)
        for name, found in pairs.items():
            result["within"].setdefault(name, {})[kind] = bootstrap([a[which] / b[which] for a, b in found])
    return result


def run(arguments, scratch):
    library = (arguments.lib / "libcuda.so.1").absolute()
    if not library.is_file():
        sys.exit(f"there is no {library}: `cargo xtask dist` makes it")
    variants = dict(VARIANTS)
    for text in arguments.also:
        name, _, variables = text.partition(":")
        pairs = dict(pair.split("=", 1) for pair in variables.split(","))
        variants[name] = {"APEX_BACKEND": "nvidia", **pairs}
    cpus = sorted(os.sched_getaffinity(0))[-arguments.cpus :]
    all_variants = {"direct": {}, **variants}
    sets = [
        {
            name: Worker(variables, library, cpus, scratch, f"{number}.{place}")
            for place, (name, variables) in enumerate(all_variants.items())
        }
        for number in range(arguments.sets)
    ]
    workers = [(name, worker) for members in sets for name, worker in members.items()]
    started = time.monotonic()
    for name, worker in workers:
        worker.read()
        if worker.has_ours(library) != ("APEX_BACKEND" in all_variants[name]):
            sys.exit(f"{name}: our library is not where it should be, or is where it should not be")
    print(f"{len(workers)} processes are ready after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    blocks = between(sets, arguments.seconds * (1 - WITHIN_SHARE))
    result = evaluate(blocks, within(sets, arguments.seconds * WITHIN_SHARE), variants)
    codes = {worker.end() for _, worker in workers}
    if codes != {0}:
        sys.exit(f"processes ended with {codes}")
    return {**compare.machine(), "versions": compare.versions(), "cpus": len(cpus), **result}


def table(report):
    lines = [f"{', '.join(report['cards'])}, driver {report['driver']}, {report['date']}, PyTorch {report['versions'].get('torch')}"]
    wall, cpu = (statistics.median(report[key]) for key in ("direct_wall_us", "direct_cpu_us"))
    lines.append(f"direct: {wall:.0f} us a step, {cpu:.0f} us of CPU time; {report['turns']} turns, {len(report['direct_wall_us'])} sets")
    for title, rows in (("within processes, by the same without layers", "within"), ("by direct processes", "variants")):
        lines.append(title)
        for name, row in report[rows].items():
            for kind, found in row.items():
                interval = "" if found["low"] is None else f"  [{found['low']:.4f}, {found['high']:.4f}]"
                lines.append(f"  {name:<16} {kind:<5} {found['ratio']:.4f}{interval}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = compare.ROOT.parent.parent / "target/dist/lib"
    parser.add_argument("--lib", type=pathlib.Path, default=default, help="folder of our libcuda.so.1")
    parser.add_argument("--sets", type=int, default=4, metavar="N", help="sets of processes")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="CPUs that all processes share")
    parser.add_argument("--seconds", type=float, default=200, metavar="S", help="how long to measure")
    parser.add_argument("--also", action="append", default=[], metavar="NAME:VARIABLES", help="a further variant")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write everything into this file too")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker()
    with tempfile.TemporaryDirectory(prefix="apex-overhead-") as folder:
        report = run(arguments, pathlib.Path(folder))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


if __name__ == "__main__":
    main()
