"""Trains under PyTorch's profiler, which has the driver's own profiling interface (CUPTI), and prints what it counted."""

import collections
import os

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import common

torch = common.require("torch")
import torch_models
import torch_training
from torch.profiler import ProfilerActivity, profile

STEPS = 5


def main():
    if not torch.cuda.is_available():
        common.skip("PyTorch finds no CUDA device")
    torch_training.make_deterministic()
    network, x, wanted = torch_models.make("mlp")
    network, x, wanted = network.cuda(), x.cuda(), wanted.cuda()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    step = torch_training.eager(network, optimizer, x, wanted)
    step()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        for _ in range(STEPS):
            step()
        torch.cuda.synchronize()
    on_device = collections.Counter()
    for event in profiler.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            on_device[event.name] += 1
    for name, count in sorted(on_device.items()):
        print(count, name)
    if sum(on_device.values()) < 20 * STEPS:
        raise SystemExit("the profiler saw nothing of the training")


if __name__ == "__main__":
    main()
