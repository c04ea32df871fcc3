"""torch.distributed with its gloo backend under the common protocol. usage: torch_gloo.py RANK SIZE STORE_FILE LABEL"""

import sys

import torch
import torch.distributed as dist

import protocol

rank, size, store, label = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=size)


def maximum(values):
    tensor = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
    return tensor.tolist()


def agree(value):
    tensor = torch.tensor([value])
    dist.broadcast(tensor, 0)
    return int(tensor[0])


protocol.run(label, rank, size, dist.all_reduce, dist.barrier, maximum, agree)
dist.barrier()
dist.destroy_process_group()
