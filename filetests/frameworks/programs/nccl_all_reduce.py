"""NCCL on two GPUs, a process each: sums, broadcasts and gathers of whole numbers, whose sums are exact in any order."""

import os
import socket

import common

torch = common.require("torch")
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

PROCESSES = 2


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def work(rank, port, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", rank=rank, world_size=PROCESSES)
    lines = []
    for count in (1, 1000, 1 << 20):
        generator = torch.Generator().manual_seed(rank)
        values = torch.randint(-1000, 1000, (count,), generator=generator).float().cuda()
        first = values.clone()
        dist.all_reduce(values)
        dist.broadcast(first, 0)
        parts = [torch.empty_like(first) for _ in range(PROCESSES)]
        dist.all_gather(parts, values + rank)
        lines.append(f"{count}: {common.digest(*(tensor.cpu().numpy() for tensor in (values, first, *parts)))}")
    dist.destroy_process_group()
    results.put((rank, lines))


def main():
    count = torch.cuda.device_count()
    if count < PROCESSES:
        common.skip(f"{PROCESSES} GPUs are needed, there is {count}")
    context = multiprocessing.get_context("spawn")
    results, port = context.Queue(), free_port()
    processes = [context.Process(target=work, args=(rank, port, results)) for rank in range(PROCESSES)]
    for process in processes:
        process.start()
    for rank, lines in sorted(results.get(timeout=120) for _ in processes):
        for line in lines:
            print(f"rank {rank}, {line}")
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit(f"exit codes {[process.exitcode for process in processes]}")


if __name__ == "__main__":
    main()
