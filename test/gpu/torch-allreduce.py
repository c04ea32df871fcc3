"""Bus bandwidth of PyTorch's NCCL, as bench/device-allreduce.ts measures ours: torch-allreduce.py RANKS LARGEST_BYTES"""

import os
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

ROUNDS = 21


def measure(rank, ranks, size):
    values = torch.zeros(size // 4, dtype=torch.float32, device=f"cuda:{rank}")
    seconds = []
    for number in range(-3, ROUNDS):
        dist.barrier()
        torch.cuda.synchronize()
        began = time.perf_counter()
        dist.all_reduce(values)
        torch.cuda.synchronize()
        if number >= 0:
            seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds)
    bus = size / median * 2 * (ranks - 1) / ranks
    if rank == 0:
        print(f"{size} bytes: {median * 1e6:.1f} us, bus bandwidth {bus / 1e9:.3f} GB/s", flush=True)


def run(rank, ranks, largest, address):
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", init_method=address, rank=rank, world_size=ranks)
    if rank == 0:
        print(f"{ranks} ranks, PyTorch {torch.__version__}, NCCL {torch.cuda.nccl.version()}", flush=True)
    size = 4
    while size <= largest:
        measure(rank, ranks, size)
        size *= 16
    dist.destroy_process_group()


if __name__ == "__main__":
    ranks, largest = int(sys.argv[1]), int(sys.argv[2])
    # The store is a file of this process, so that no port has to be free.
    store = f"/tmp/tsring-torch-{os.getpid()}"
    try:
        mp.spawn(run, args=(ranks, largest, f"file://{store}"), nprocs=ranks)
    finally:
        if os.path.exists(store):
            os.remove(store)
