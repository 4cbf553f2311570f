"""Trains a network for some steps and prints each loss and a digest of all that was learnt.

    torch_training.py mlp|transformer|resnet18 eager|graph|compile
"""

import os
import sys

# As PyTorch's notes on reproducibility say; read when cuBLAS is loaded.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import common

torch = common.require("torch")
import torch_models
from torch.nn.attention import SDPBackend, sdpa_kernel

STEPS = 8


def make_deterministic():
    torch.manual_seed(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def eager(network, optimizer, x, wanted):
    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = torch_models.loss_of(network, x, wanted)
        loss.backward()
        optimizer.step()
        return loss

    return step


def graph(network, optimizer, x, wanted):
    """A whole step in one CUDA graph, replayed."""
    one = eager(network, optimizer, x, wanted)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            one()
    torch.cuda.current_stream().wait_stream(side)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        loss = one()

    def step():
        captured.replay()
        return loss

    return step


def compiled(network, optimizer, x, wanted):
    import torch._inductor.config as inductor

    # Otherwise kernels are chosen by how long they take, and with them the order of sums.
    if hasattr(inductor, "deterministic"):
        inductor.deterministic = True
    return eager(torch.compile(network), optimizer, x, wanted)


def main(name, mode):
    if not torch.cuda.is_available():
        common.skip("PyTorch finds no CUDA device")
    make_deterministic()
    network, x, wanted = torch_models.make(name)
    network, x, wanted = network.cuda(), x.cuda(), wanted.cuda()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, capturable=mode == "graph")
    ways = {"eager": eager, "graph": graph, "compile": compiled}
    # The other ways to compute attention add in an order that is left open.
    with sdpa_kernel(SDPBackend.MATH):
        step = ways[mode](network, optimizer, x, wanted)
        for number in range(STEPS):
            print(f"step {number}: loss {step().item().hex()}")
    state = [value.detach().cpu().numpy() for value in network.state_dict().values()]
    print(f"{len(state)} tensors: {common.digest(*state)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
