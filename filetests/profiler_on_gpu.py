#!/usr/bin/env python3
"""Compares `apex report` with PyTorch's profiler on trainings of PyTorch, on the card of this machine.

    profiler_on_gpu.py --apex target/dist/bin/apex [--runs 3] [--json FILE] [--training NAME ...]

Each training runs by turns under PyTorch's profiler and under `apex run --record --device-times`, as each wants CUPTI for itself, several times; medians are
compared. Both see the training from its first launch to its last:

- launches: kernels that the device executed;
- GPU-busy time: the length of the union of the times of kernels, copies and sets on the device;
- host-bound share: the rest of the time from the first of their starts to the last of their ends, in which the device waits for the host.

They have to agree within 2 % (launches and busy time) and within 2 percentage points (share). The exit code says whether they do.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

TOLERANCE = 0.02
# Width, layers, sequences, tokens, steps.
TRAININGS = {
    # The device is the bottleneck.
    "transformer": (768, 6, 32, 256, 200),
    # The host is.
    "small transformer": (256, 4, 8, 128, 150),
}


def train(name):
    import torch
    from torch import nn

    width, depth, sequences, tokens, steps = TRAININGS[name]
    # Optimizers import half of PyTorch when they are made: before the device has anything to do, as it would be idle meanwhile.
    torch.optim.Adam([nn.Parameter(torch.zeros(1))])
    torch.manual_seed(1)
    layer = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=0.0, batch_first=True)
    network = nn.Sequential(nn.Embedding(1000, width), nn.TransformerEncoder(layer, depth, enable_nested_tensor=False), nn.Linear(width, 1000)).cuda()
    x = torch.randint(1000, (sequences, tokens), device="cuda")
    wanted = torch.randint(1000, (sequences, tokens), device="cuda")
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(network(x).flatten(0, 1), wanted.flatten())
        loss.backward()
        optimizer.step()
    torch.cuda.synchronize()
    print(f"loss {loss.item():.4f}")


def profiled(name, out):
    """The child under PyTorch's profiler."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        train(name)
    intervals, kernels = [], 0
    for event in profiler.profiler.kineto_results.events():
        if event.device_type() != torch.autograd.DeviceType.CUDA:
            continue
        intervals.append((event.start_ns(), event.start_ns() + event.duration_ns()))
        kernels += not event.name().startswith(("Memcpy", "Memset"))
    intervals.sort()
    busy, end = 0, 0
    for start, stop in intervals:
        busy += max(0, stop - max(start, end))
        end = max(end, stop)
    span = end - intervals[0][0]
    pathlib.Path(out).write_text(json.dumps({"launches": kernels, "busy_ns": busy, "host_bound": 1 - busy / span}))


def of_report(report):
    device = report["devices"][0]
    return {
        "launches": report["launches"] + report["launches_by_graphs"],
        "busy_ns": device["busy_ns"],
        "host_bound": device["host_bound_share"],
        "device_times": report["device_times"],
        "dropped": report["launches_dropped"] + report["others_dropped"],
    }


def measure(name, apex, scratch):
    """One run each way."""
    out, recording = scratch / "profiled.json", scratch / "recording"
    subprocess.run([sys.executable, __file__, "--child-profiled", name, str(out)], check=True)
    command = [apex, "run", "--device", "nvidia", "--record", recording, "--device-times", sys.executable, __file__, "--child", name]
    subprocess.run(command, check=True)
    report = subprocess.run([apex, "report", recording, "--json"], check=True, capture_output=True).stdout
    return json.loads(out.read_text()), of_report(json.loads(report))


def compare(name, apex, runs, scratch):
    pairs = [measure(name, apex, scratch) for _ in range(runs)]
    theirs, ours = ({key: statistics.median(side[key] for side in sides) for key in ("launches", "busy_ns", "host_bound")}
                    for sides in zip(*pairs))
    ratio = {key: ours[key] / theirs[key] - 1 for key in ("launches", "busy_ns")}
    away = ours["host_bound"] - theirs["host_bound"]
    agrees = all(abs(value) <= TOLERANCE for value in [*ratio.values(), away])
    print(f"{name}, {runs} runs each, times by {pairs[0][1]['device_times']}")
    print(f"  launches       {theirs['launches']:>12.0f} {ours['launches']:>12.0f} {ratio['launches']:>+8.2%}")
    print(f"  GPU busy, ms   {theirs['busy_ns'] / 1e6:>12.2f} {ours['busy_ns'] / 1e6:>12.2f} {ratio['busy_ns']:>+8.2%}")
    print(f"  host-bound     {theirs['host_bound']:>12.2%} {ours['host_bound']:>12.2%} {away * 100:>+7.2f} points")
    print("  agree" if agrees else "  DISAGREE", flush=True)
    return {"training": name, "agrees": agrees, "runs": [{"profiler": theirs, "apex": ours} for theirs, ours in pairs]}


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--child":
        return train(sys.argv[2])
    if len(sys.argv) > 3 and sys.argv[1] == "--child-profiled":
        return profiled(sys.argv[2], sys.argv[3])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apex", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--training", nargs="*", default=list(TRAININGS), choices=list(TRAININGS))
    arguments = parser.parse_args()
    card = subprocess.run(
        ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0"], capture_output=True, text=True, check=True
    ).stdout.strip().split(", ")
    print(f"{card[0]}, driver {card[1]}; PyTorch's profiler, apex report, difference")
    with tempfile.TemporaryDirectory() as scratch:
        outcomes = [compare(name, arguments.apex, arguments.runs, pathlib.Path(scratch)) for name in arguments.training]
    if arguments.json:
        date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        arguments.json.write_text(json.dumps({"card": card[0], "driver": card[1], "date": date, "trainings": outcomes}, indent=1) + "\n")
    return 0 if all(outcome["agrees"] for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
