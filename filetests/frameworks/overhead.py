#!/usr/bin/env python3
"""What APEX costs a training step of PyTorch: direct, in front of NVIDIA's driver, and recording.

    overhead.py [--lib target/dist/lib] [--sets 4] [--seconds 120] [--json FILE]
    overhead.py --also "device times:APEX_RECORD={record},OTHER=1"     a further variant; {record} is a file of its own

The step is one of a transformer encoder (4 layers of width 256, 8 sequences of 128 tokens) with Adam, and ends when the device has done it. Its time
varies by more than what is to be seen, with the neighbours of the machine and from process to process. Therefore

- all processes live at the same time, on the same CPUs, and one of them works at a time: for a block of steps, in turns of a
  fraction of a second, in an order that is drawn anew each turn. What changes slowly meets all of them alike;
- a set has a process of each variant, the ratio of a set is the median over its turns of (block of the variant / block of the direct one), and
  there are several sets: the interval is Student's, of 95 %, over the logarithms of the sets' ratios;
- a second direct process in each set shows what the method makes of no difference at all.

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

STEPS_WARM, STEPS = 3, 25
# Student's t for 95 %, two-sided, by degrees of freedom.
STUDENT = [math.nan, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23]
VARIANTS = {
    "direct again": {},
    "pass-through": {"APEX_BACKEND": "nvidia"},
    "recording": {"APEX_BACKEND": "nvidia", "APEX_RECORD": "{record}"},
}


def worker():
    """Steps in blocks, each when a line comes; answers with the median wall time and the mean CPU time of a step, in s."""
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
    print("ready", flush=True)
    for _ in sys.stdin:
        for _ in range(STEPS_WARM):
            step()
        walls, cpu = [], time.process_time()
        for _ in range(STEPS):
            start = time.perf_counter()
            step()
            walls.append(time.perf_counter() - start)
        print(json.dumps([statistics.median(walls), (time.process_time() - cpu) / STEPS]), flush=True)


class Worker:
    """A process that is told when to work."""

    def __init__(self, variables, library, cpus, scratch, number):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(compare.OWN_PREFIX)}
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

    def block(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return json.loads(self.read())

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


def measure(sets, seconds):
    """Blocks in turns. For each set and variant the list of its blocks, one a turn."""
    blocks = [{name: [] for name in workers} for workers in sets]
    draw = random.Random(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for workers, found in zip(sets, blocks):
            order = list(workers)
            draw.shuffle(order)
            for name in order:
                found[name].append(workers[name].block())
    return blocks


def evaluate(blocks, variants):
    result = {"turns": len(blocks[0]["direct"]), "direct_wall_us": [], "direct_cpu_us": [], "variants": {}}
    for found in blocks:
        result["direct_wall_us"].append(statistics.median(block[0] for block in found["direct"]) * 1e6)
        result["direct_cpu_us"].append(statistics.median(block[1] for block in found["direct"]) * 1e6)
    for name in variants:
        row = {}
        for which, kind in enumerate(("wall", "cpu")):
            ratio = lambda found: statistics.median(a[which] / b[which] for a, b in zip(found[name], found["direct"]))
            row[kind] = estimate([ratio(found) for found in blocks])
        result["variants"][name] = row
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
    for name, worker in workers:
        worker.read()
        if worker.has_ours(library) != ("APEX_BACKEND" in all_variants[name]):
            sys.exit(f"{name}: our library is not where it should be, or is where it should not be")
    result = evaluate(measure(sets, arguments.seconds), variants)
    codes = {worker.end() for _, worker in workers}
    if codes != {0}:
        sys.exit(f"processes ended with {codes}")
    return {**compare.machine(), "versions": compare.versions(), "cpus": len(cpus), **result}


def table(report):
    lines = [f"{', '.join(report['cards'])}, driver {report['driver']}, {report['date']}, PyTorch {report['versions'].get('torch')}"]
    wall, cpu = (statistics.median(report[key]) for key in ("direct_wall_us", "direct_cpu_us"))
    lines.append(f"direct: {wall:.0f} us a step, {cpu:.0f} us of CPU time; {report['turns']} turns, {len(report['direct_wall_us'])} sets")
    for name, row in report["variants"].items():
        for kind, found in row.items():
            interval = "" if found["low"] is None else f"  [{found['low']:.4f}, {found['high']:.4f}]"
            lines.append(f"{name:<16} {kind:<5} {found['ratio']:.4f}{interval}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = compare.ROOT.parent.parent / "target/dist/lib"
    parser.add_argument("--lib", type=pathlib.Path, default=default, help="folder of our libcuda.so.1")
    parser.add_argument("--sets", type=int, default=4, metavar="N", help="sets of processes")
    parser.add_argument("--cpus", type=int, default=2, metavar="N", help="CPUs that all processes share")
    parser.add_argument("--seconds", type=float, default=120, metavar="S", help="how long to measure")
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
