#!/usr/bin/env python3
"""Runs the cases on the GPU of this machine and records what they write; or accepts a recording.

    record_on_gpu.py --out data/h200.json [--jobs N] [--only PATTERN]     on a machine with the card and nvcc
    record_on_gpu.py --out data/h100.json --only 'graph|fork'         adds to a recording of the same card and driver
    record_on_gpu.py --out FILE --arch compute_120                     the same, compiled for another target: to look at
    record_on_gpu.py --bless data/h200.json                            anywhere: rewrites the cases' EXPECT lines

Needs Python alone, so that it can be carried to a machine that has no Rust. The runner (`cargo test -p filetests`)
checks that recordings and cases agree.
"""

import argparse
import concurrent.futures
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent
# As in src/case.rs.
GROUPS = {"cuda": ".cu", "nvrtc": ".cpp"}
RUN, EXIT, STDERR, STDOUT = "// RUN: nvcc", "// EXPECT-EXIT:", "// EXPECT-STDERR:", "// EXPECT:"

COMPILE_TIME_MAX_S = 600
RUN_TIME_MAX_S = 60


class Case:
    """A program and the lines at its end, as src/case.rs reads them."""

    def __init__(self, group, path):
        self.name = f"{group}/{path.stem}"
        self.path = path
        # The other files of a case lie in a folder of its name.
        self.headers = sorted(path.with_suffix("").glob("*.h"))
        self.parts = sorted(path.with_suffix("").glob(f"*{path.suffix}"))
        lines = path.read_text().splitlines()
        first = len(lines)
        while first > 0 and lines[first - 1].startswith(("// RUN:", "// EXPECT")):
            first -= 1
        self.source = "\n".join(lines[:first]).rstrip()
        tail = lines[first:]
        self.flags = [flag for line in tail if line.startswith(RUN) for flag in line[len(RUN) :].split()]
        self.compile_flags = self.flags
        self.stderr_lines = [line for line in tail if line.startswith(STDERR)]
        self.expected = tail

    def retarget(self, arch):
        """Has the case compiled for another target. False if it is for a certain one, or its parts are linked for one."""
        if self.path.suffix != ".cu" or any(flag.startswith(("-gencode", "-rdc")) for flag in self.flags):
            return False
        self.compile_flags = [flag for flag in self.flags if not flag.startswith("-arch")] + [f"-arch={arch}"]
        return True

    def digest(self):
        digest = hashlib.sha256()
        for header in sorted(self.path.parent.glob("*.h")):
            digest.update(header.read_bytes())
        digest.update(self.source.encode())
        for part in self.headers + self.parts:
            digest.update(part.read_bytes())
        digest.update(" ".join(self.compile_flags).encode())
        return digest.hexdigest()

    def blessed_lines(self, exit_code, stdout):
        lines = [f"{RUN} {' '.join(self.flags)}"] if self.flags else []
        lines.append(f"{EXIT} {exit_code}")
        lines += self.stderr_lines
        lines += [f"{STDOUT} {line}".rstrip() for line in stdout.splitlines()]
        return lines


def all_cases():
    folders = ((group, ROOT / "cases" / group, extension) for group, extension in GROUPS.items())
    return [Case(group, path) for group, folder, extension in folders for path in sorted(folder.glob(f"*{extension}"))]


def output_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def library_folders(nvcc):
    home = pathlib.Path(nvcc).resolve().parent.parent
    folders = [home / "lib64", home / "lib", home / "targets/x86_64-linux/lib"]
    return [folder for folder in folders if folder.is_dir()]


def compile_case(case, nvcc, folders, program):
    """Returns what the compiler complained of, or nothing."""
    command = [nvcc, *case.compile_flags, str(case.path), *map(str, case.parts), "-o", str(program)]
    for folder in folders:
        command += ["-L", str(folder), "-L", str(folder / "stubs")]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIME_MAX_S)
    except subprocess.TimeoutExpired:
        return f"nvcc was killed after {COMPILE_TIME_MAX_S} s"
    return None if finished.returncode == 0 else finished.stdout + finished.stderr


def run_case(case, complaint, program, environment):
    """The outcome of a case, as src/recorded.rs reads it."""
    outcome = {"digest": case.digest(), "exit_code": None, "stdout": "", "stderr": complaint or ""}
    if complaint is not None:
        return outcome
    try:
        finished = subprocess.run(
            [str(program)], capture_output=True, stdin=subprocess.DEVNULL, timeout=RUN_TIME_MAX_S, env=environment
        )
        outcome["exit_code"] = finished.returncode
        outcome["stdout"] = finished.stdout.decode(errors="replace")
        outcome["stderr"] = finished.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired as expired:
        outcome["stdout"] = (expired.stdout or b"").decode(errors="replace")
        outcome["stderr"] = f"killed after {RUN_TIME_MAX_S} s"
    # Where this copy of the cases lies is nobody's business.
    outcome["stderr"] = outcome["stderr"].replace(f"{ROOT.parent}{os.sep}", "")
    return outcome


def record(arguments):
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        sys.exit("there is no nvcc in PATH")
    card, driver = output_of(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0"]).split(", ")
    cases = [case for case in all_cases() if re.search(arguments.only, case.name)]
    if arguments.arch:
        cases = [case for case in cases if case.retarget(arguments.arch)]
    folders = library_folders(nvcc)
    search = [str(folder) for folder in folders] + os.environ.get("LD_LIBRARY_PATH", "").split(":")
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(filter(None, search)))
    outcomes = {}
    with tempfile.TemporaryDirectory() as scratch:
        programs = {case.name: pathlib.Path(scratch) / case.name.replace("/", "-") for case in cases}
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as compilers:
            compiled = {
                case.name: compilers.submit(compile_case, case, nvcc, folders, programs[case.name]) for case in cases
            }
            # One at a time on the card: a case that fails must not disturb another.
            for case in cases:
                complaint = compiled[case.name].result()
                outcomes[case.name] = run_case(case, complaint, programs[case.name], environment)
    recording = {
        "card": card,
        "driver": driver,
        "nvcc": output_of([nvcc, "--version"]).splitlines()[-1],
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "cases": kept_cases(arguments, card, driver) | outcomes,
    }
    arguments.out.write_text(json.dumps(recording, indent=1, sort_keys=True) + "\n")
    differing = [case.name for case in cases if differs(case, outcomes[case.name])]
    for name in differing:
        outcome = outcomes[name]
        print(f"{name}: exit code {outcome['exit_code']}\n{outcome['stdout']}--- stderr\n{outcome['stderr']}\n")
    print(f"{len(cases)} cases recorded on {card}, driver {driver}; {len(differing)} differ from what they expect")


def kept_cases(arguments, card, driver):
    """What the file has already of cases that are not run now. One date stands for all: the last."""
    if not arguments.only or not arguments.out.exists():
        return {}
    before = json.loads(arguments.out.read_text())
    if (before["card"], before["driver"]) != (card, driver):
        sys.exit(f"{arguments.out} is of {before['card']}, driver {before['driver']}: record all cases anew")
    return before["cases"]


def differs(case, outcome):
    blessed = case.blessed_lines(outcome["exit_code"], outcome["stdout"])
    missing = [line for line in case.stderr_lines if line[len(STDERR) + 1 :] not in outcome["stderr"]]
    return blessed != case.expected or missing != []


def bless(arguments):
    outcomes = json.loads(arguments.bless.read_text())["cases"]
    for case in all_cases():
        outcome = outcomes.get(case.name)
        if outcome is None or outcome["digest"] != case.digest() or outcome["exit_code"] is None:
            print(f"{case.name}: left as it is, since the recording does not hold it as it is now")
        elif differs(case, outcome):
            lines = case.blessed_lines(outcome["exit_code"], outcome["stdout"])
            case.path.write_text(case.source + "\n\n" + "\n".join(lines) + "\n")
            print(f"{case.name}: rewritten")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=pathlib.Path, metavar="FILE", help="record into this file")
    what.add_argument("--bless", type=pathlib.Path, metavar="FILE", help="accept this recording")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="compilers at a time")
    parser.add_argument("--only", default="", metavar="PATTERN", help="only cases whose names this finds")
    parser.add_argument("--arch", metavar="TARGET", help="compile for this target; such a recording cannot be accepted")
    arguments = parser.parse_args()
    if arguments.out:
        record(arguments)
    else:
        bless(arguments)


if __name__ == "__main__":
    main()
