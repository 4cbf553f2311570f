#!/usr/bin/env python3
"""Records what a card's performance counters say of kernels.cu: needs nvcc and ncu, and the right to read the counters.

    python3 filetests/counters/record_on_gpu.py --out filetests/counters/h100.json
"""

import argparse
import csv
import datetime
import json
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent

# Our name for a counter, and the card's counters whose sum it is.
COUNTERS = {
    "instructions": ["smsp__inst_executed"],
    "thread_instructions": ["smsp__thread_inst_executed"],
    "branches": ["smsp__inst_executed_op_branch"],
    "divergent_branches": ["smsp__sass_branch_targets_threads_divergent"],
    "shared_load_requests": ["smsp__inst_executed_op_shared_ld"],
    "shared_store_requests": ["smsp__inst_executed_op_shared_st"],
    "shared_atomic_requests": ["smsp__inst_executed_op_shared_atom"],
    "shared_load_wavefronts": ["smsp__sass_l1tex_data_pipe_lsu_wavefronts_mem_shared_op_ld"],
    "shared_store_wavefronts": ["smsp__sass_l1tex_data_pipe_lsu_wavefronts_mem_shared_op_st"],
}
for space, kind, operations in [
    ("global", "load", ["ld"]),
    ("global", "store", ["st"]),
    ("global", "atomic", ["atom", "red"]),
    ("local", "load", ["ld"]),
    ("local", "store", ["st"]),
]:
    for what in ["requests", "sectors"]:
        names = [f"l1tex__t_{what}_pipe_lsu_mem_{space}_op_{operation}" for operation in operations]
        COUNTERS[f"{space}_{kind}_{what}"] = names


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    out = parser.parse_args().out
    smi = ["nvidia-smi", "--format=csv,noheader", "--id=0"]
    capability = output_of(*smi, "--query-gpu=compute_cap").strip().replace(".", "")
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/kernels"
        output_of("nvcc", f"-arch=sm_{capability}", "-o", program, str(HERE / "kernels.cu"))
        metrics = ",".join(f"{name}.sum" for names in COUNTERS.values() for name in names)
        text = output_of("ncu", "--clock-control", "none", "--csv", "--print-units", "base", "--metrics", metrics, program)
    launches = {}
    rows = csv.DictReader(line for line in text.splitlines() if line.startswith('"'))
    for row in rows:
        values = launches.setdefault(int(row["ID"]), {"kernel": row["Kernel Name"].split("(")[0]})
        for counter, names in COUNTERS.items():
            # A counter that the card does not have is `n/a`.
            if row["Metric Name"].removesuffix(".sum") in names and row["Metric Value"] != "n/a":
                value = int(float(row["Metric Value"].replace(",", "")))
                values[counter] = values.get(counter, 0) + value
    record = {
        "card": output_of(*smi, "--query-gpu=name").strip(),
        "driver": output_of(*smi, "--query-gpu=driver_version").strip(),
        "profiler": "Nsight Compute " + output_of("ncu", "--version").split("Version ")[1].split(" ")[0],
        "compiler": f"nvcc {output_of('nvcc', '--version').split(', V')[1].split()[0]}, -arch=sm_{capability}",
        "day": datetime.date.today().isoformat(),
    }
    lines = [json.dumps({name: value for name, value in launch.items() if value}) for launch in launches.values()]
    head = json.dumps(record, indent=2).removesuffix("\n}")
    out.write_text(head + ',\n  "launches": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n")


if __name__ == "__main__":
    main()
