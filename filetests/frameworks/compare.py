#!/usr/bin/env python3
"""Runs programs of frameworks on this machine's card, directly and with APEX in front of its driver, and compares what they write.

    compare.py [--lib target/dist/lib] [--only PATTERN] [--jobs N] [--json FILE]

Every program is run twice directly (one that then differs from itself says nothing, and fails), and with our library first in
`LD_LIBRARY_PATH` and in `LD_PRELOAD`, each without and with a recording. Standard output and exit code have to be the same each time. The loader's own account
(`LD_DEBUG=files`) has to say that a process had both our library and NVIDIA's, and direct runs not ours; a recording has to hold launches. What
this machine lacks is skipped, and named. The exit code is 0 only if nothing differs and nothing fails.

Needs Python alone, beside what the programs need, so that it can be carried to a machine that has no Rust.
"""

import argparse
import concurrent.futures
import csv
import datetime
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent
PROGRAMS = ROOT / "programs"
# The exit code of programs/common.py for what cannot be run here.
SKIPPED = 77
RUN_TIME_MAX_S = 240

# The variables that are ours; a caller's must not decide what is compared, but for where NVIDIA's library is.
OWN_PREFIX, REAL_LIBRARY = "APEX_", "APEX_REAL_LIBCUDA"
# Counts that are the same in every run, by the profiler of NVIDIA's that asks the card.
NCU_METRICS = "launch__grid_size,launch__block_size,launch__registers_per_thread,smsp__warps_launched.sum,smsp__inst_executed.sum"
NCU_VARYING = {"ID", "Process ID", "Host Name"}


def python(script, *arguments):
    return [sys.executable, str(PROGRAMS / script), *arguments]


def ncu():
    program = ROOT.parent / "recording/program.py"
    return ["ncu", "--csv", "--metrics", NCU_METRICS, sys.executable, str(program), "20"]


def programs():
    """Each program's name and command."""
    table = {}
    for network in ("mlp", "transformer", "resnet18"):
        for mode in ("eager", "graph", "compile"):
            table[f"pytorch/{network}/{mode}"] = python("torch_training.py", network, mode)
    for part in ("elementwise", "reduction", "raw_kernel", "fft", "blas", "sort", "random"):
        table[f"cupy/{part}"] = python("cupy_parts.py", part)
    for part in ("jit", "grad", "scan", "pmap"):
        table[f"jax/{part}"] = python("jax_parts.py", part)
    table["triton/autotune"] = python("triton_product.py")
    table["nccl/all_reduce"] = python("nccl_all_reduce.py")
    table["profiler/pytorch"] = python("torch_profiler.py")
    table["profiler/ncu"] = ncu()
    return table


# Programs of which nothing is seen, and why: they have to write the same all the same.
UNSEEN = {"profiler/ncu": "what ncu puts in front of all libraries gives programs NVIDIA's functions, not ours"}

# How a program is run, in the order of the table's columns: the variable that leads to our library, and whether it records.
WAYS = {
    "direct": (None, False),
    "direct again": (None, False),
    "library path": ("LD_LIBRARY_PATH", False),
    "preload": ("LD_PRELOAD", False),
    "path, recorded": ("LD_LIBRARY_PATH", True),
    "preload, recorded": ("LD_PRELOAD", True),
}


def comparable(name, stdout):
    """What of a program's output has to be the same: all of it, but for numbers of processes in the profiler's table."""
    if name != "profiler/ncu":
        return stdout
    start = stdout.find('"ID"')
    if start < 0:
        return stdout
    rows = csv.DictReader(io.StringIO(stdout[start:]))
    return "\n".join(json.dumps({key: value for key, value in row.items() if key not in NCU_VARYING}) for row in rows)


def environment(way, library, scratch):
    variable, records = WAYS[way]
    result = {key: value for key, value in os.environ.items() if key == REAL_LIBRARY or not key.startswith(OWN_PREFIX)}
    # A cache of a run's own: what an earlier one compiled would hide what this one has to do.
    for cache in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "CUPY_CACHE_DIR", "CUDA_CACHE_PATH"):
        result[cache] = str(scratch / cache.lower())
    result.update(TORCHINDUCTOR_COMPILE_THREADS="4", PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    result.update(LD_DEBUG="files", LD_DEBUG_OUTPUT=str(scratch / "loaded"))
    if variable:
        result["APEX_BACKEND"] = "nvidia"
        first = library if variable == "LD_PRELOAD" else library.parent
        result[variable] = ":".join(filter(None, [str(first), os.environ.get(variable)]))
    if records:
        result["APEX_RECORD"] = str(scratch / "recording.%p")
    return result


def loaded(scratch):
    """For each process of a run, the files named libcuda that its loader initialised."""
    initialised = re.compile(r"calling init: (\S*/libcuda\.so\S*)$", re.MULTILINE)
    return [set(initialised.findall(path.read_text(errors="replace"))) for path in scratch.glob("loaded.*")]


def recorded_launches(library, scratch):
    """Launches in the recordings of a run; a graph that is launched is one."""
    apex = library.parent.parent / "bin/apex"
    total = 0
    for path in scratch.glob("recording.*"):
        told = subprocess.run([str(apex), "report", "--json", str(path)], capture_output=True, text=True)
        if told.returncode != 0:
            raise RuntimeError(f"apex report: {told.stderr.strip()}")
        report = json.loads(told.stdout)
        total += report["launches"] + report.get("graph_launches", 0)
    return total


def objection(name, way, library, scratch, outcome):
    """Why a run does not show what it is to show; none if it does."""
    variable, records = WAYS[way]
    processes = loaded(scratch)
    ours = {str(library), str(library.resolve())}
    if variable is None:
        return "our library was loaded in a direct run" if any(files & ours for files in processes) else None
    if not any(files & ours and files - ours for files in processes):
        return "no process had our library and NVIDIA's"
    if records and name not in UNSEEN:
        try:
            outcome["launches"] = recorded_launches(library, scratch)
        except (OSError, RuntimeError) as error:
            return f"its recording cannot be read: {error}"
        if outcome["launches"] == 0:
            return "its recording has no launches"
    return None


def run(name, command, way, library):
    with tempfile.TemporaryDirectory(prefix="apex-compare-") as folder:
        scratch = pathlib.Path(folder)
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(way, library, scratch),
            # What a program leaves in its folder is not ours to keep.
            cwd=folder,
            start_new_session=True,
        )
        try:
            stdout, stderr = child.communicate(timeout=RUN_TIME_MAX_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            stdout, stderr = child.communicate()
            stderr += f"\nkilled after {RUN_TIME_MAX_S} s".encode()
        stdout, stderr = stdout.decode(errors="replace"), stderr.decode(errors="replace")
        outcome = {"exit_code": child.returncode, "stdout": comparable(name, stdout)}
        # What the library says belongs to the record; the rest of stderr matters where something went wrong.
        outcome["told"] = [line for line in stderr.splitlines() if line.startswith("apex: ")]
        if child.returncode not in (0, SKIPPED):
            outcome["stderr"] = stderr[-4000:]
        if child.returncode == 0:
            outcome["objection"] = objection(name, way, library, scratch, outcome)
        return outcome


def judge(direct, outcome):
    """One word for a run, beside the first direct one."""
    if direct["exit_code"] == SKIPPED == outcome["exit_code"]:
        return "skipped"
    if (direct["exit_code"], direct["stdout"]) != (outcome["exit_code"], outcome["stdout"]):
        return "DIFFERS"
    if direct["exit_code"] != 0:
        return "FAILS"
    return "UNSHOWN" if outcome["objection"] else "same"


def machine():
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    cards = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip().splitlines()
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return {"cards": [card.split(", ")[0] for card in cards], "driver": cards[0].split(", ")[1], "date": today}


def versions():
    script = (
        "import importlib.metadata as m, json\n"
        "found = {d.metadata['Name'].lower(): d.version for d in m.distributions() if d.metadata['Name']}\n"
        "print(json.dumps({k: v for k, v in found.items() if k in ('torch', 'triton', 'jax', 'numpy') or k.startswith('cupy')}))"
    )
    return json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)


def compare(arguments):
    library = (arguments.lib / "libcuda.so.1").absolute()
    if not library.is_file():
        sys.exit(f"there is no {library}: `cargo xtask dist` makes it")
    chosen = {name: command for name, command in programs().items() if re.search(arguments.only, name)}
    lacking = {name for name, command in chosen.items() if shutil.which(command[0]) is None}
    results = {name: {} for name in chosen}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = {
            pool.submit(run, name, command, way, library): (name, way)
            for name, command in chosen.items()
            if name not in lacking
            for way in WAYS
        }
        for done in concurrent.futures.as_completed(waiting):
            name, way = waiting[done]
            results[name][way] = done.result()
            print(f"{name}, {way}: exit code {done.result()['exit_code']}", file=sys.stderr, flush=True)
    for name in lacking:
        reason = f"skipped: there is no {chosen[name][0]}\n"
        results[name] = {way: {"exit_code": SKIPPED, "stdout": reason, "told": []} for way in WAYS}
    for outcomes in results.values():
        for outcome in outcomes.values():
            outcome["judgement"] = judge(outcomes["direct"], outcome)
    return {**machine(), "versions": versions(), "programs": results}


def table(report):
    lines = [f"{'':<28}" + "".join(f"{way:<19}" for way in list(WAYS)[1:])]
    for name, outcomes in report["programs"].items():
        words = [outcomes[way]["judgement"] for way in list(WAYS)[1:]]
        lines.append(f"{name:<28}" + "".join(f"{word:<19}" for word in words))
    for name, outcomes in report["programs"].items():
        for way, outcome in outcomes.items():
            why = outcome.get("objection") or (outcome["judgement"] not in ("same", "skipped") and outcome["stdout"][-1500:])
            if why or outcome.get("stderr"):
                lines.append(f"\n{name}, {way}: exit code {outcome['exit_code']}\n{why or ''}\n{outcome.get('stderr', '')}")
        if outcomes["direct"]["judgement"] == "skipped":
            lines.append(f"{name} was {outcomes['direct']['stdout'].strip().splitlines()[-1]}")
        if name in UNSEEN:
            lines.append(f"of {name} nothing is recorded: {UNSEEN[name]}")
    counts = {}
    for outcomes in report["programs"].values():
        words = {outcome["judgement"] for outcome in outcomes.values()}
        word = words.pop() if len(words) == 1 else "not the same"
        counts[word] = counts.get(word, 0) + 1
    summary = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    lines.append(f"\n{', '.join(report['cards'])}, driver {report['driver']}, {report['date']}: {summary}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = ROOT.parent.parent / "target/dist/lib"
    parser.add_argument("--lib", type=pathlib.Path, default=default, help="folder of our libcuda.so.1; bin/apex is beside it")
    parser.add_argument("--only", default="", metavar="PATTERN", help="only programs whose names this regular expression finds")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 3), metavar="N", help="programs at a time")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write everything into this file too")
    arguments = parser.parse_args()
    report = compare(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))
    judgements = {outcome["judgement"] for outcomes in report["programs"].values() for outcome in outcomes.values()}
    sys.exit(0 if judgements <= {"same", "skipped"} else 1)


if __name__ == "__main__":
    main()
